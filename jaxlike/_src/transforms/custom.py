"""custom: custom_jvp: a function with a forward rule of its own, which reverse mode transposes.

A call becomes a `Structured` operation on the flat arguments. Its rule runs below the differentiating level and
gives result and tangent at once; in reverse mode the rule, linear in its tangents, is transposed there.
What custom_jvp and custom_vjp share is first: arguments, symbolic zeros, messages about trees and types.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import operator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src import dtypes, torch_private
from jaxlike._src.array import Array
from jaxlike._src.border import is_traced, unwrap
from jaxlike._src.frames import STATE, current_trace
from jaxlike._src.graph.source import PULLING
from jaxlike._src.traceback_filter import api_boundary
from jaxlike._src.transforms.arguments import check_leaf, is_float0, location_of, name_of, to_array
from jaxlike._src.transforms.custom_jvp_refs import NO_DISCHARGE, without_refs
from jaxlike._src.transforms.leaf_names import leaf_names
from jaxlike._src.transforms.linear_check import LinearRule
from jaxlike._src.transforms.ref_state import Touched, check_result, has_refs, is_ref
from jaxlike._src.transforms.reverse import is_differentiable, vjp_leaves
from jaxlike._src.transforms.static_args import places_of
from jaxlike._src.transforms.stop_gradient import stop_gradient
from jaxlike._src.transforms.structured import GraphFunction, Settled, Structured, apply, on_lanes
from jaxlike._src.transforms.types import SymbolicZero, same_type, type_of
from jaxlike._src.tree import tree_flatten, tree_flatten_with_path, tree_leaves, tree_map, tree_unflatten

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jaxlike._src.array import ShapedArray
    from jaxlike._src.frames import Frame


def zero_tangent(x: Array, symbolic: bool = False) -> Any:
    """The zero tangent of a value: float0 for integers."""
    if symbolic:
        return SymbolicZero.from_primal_value(x)
    if not is_differentiable(x):
        return np.zeros(x.shape, dtypes.float0)
    return Array(torch.zeros_like(unwrap(x)), x.weak_type)


def zero_from_primal(val: Any, symbolic_zeros: bool = False) -> Any:
    """Zero tangents for a tree of values."""
    return tree_map(lambda x: zero_tangent(to_array(x), symbolic_zeros), val)


# Arguments


def in_order(fun: Callable[..., Any], args: Any, kwargs: Any) -> tuple[Any, ...]:
    """The arguments in order of position, defaults filled in; TypeError where one is keyword-only."""
    signature = inspect.signature((lambda *args, **kwargs: None) if isinstance(fun, functools.partial) else fun)
    bound = signature.bind(*args, **kwargs)
    bound.apply_defaults()
    left = [k for k in bound.kwargs if k in kwargs]
    if left:
        raise TypeError(f"The following keyword arguments could not be resolved to positions: {', '.join(left)}")
    return bound.args


def resolve_kwargs(kind: str, fun: Callable[..., Any], args: Any, kwargs: Any) -> tuple[Any, ...]:
    """The same for a decorated function, which the error names."""
    try:
        return in_order(fun, args, kwargs)
    except TypeError as error:
        raise TypeError(
            f"The input arguments to the {kind}-decorated function {name_of(fun)} could not be resolved to "
            f"positional-only arguments. Binding failed with the error:\n{error}"
        ) from error


def flatten_arguments(primitive: str, args: Any) -> tuple[list[Array], Any]:
    """The leaves as Arrays, and the tree."""
    leaves, tree = tree_flatten(args)
    for k, x in enumerate(leaves):
        try:
            check_leaf(x)
        except (TypeError, ValueError):
            raise TypeError(
                f"Error interpreting argument to {primitive} as a JAX value. The problematic value is of type "
                f"{type(x)} and was passed to {primitive} at position {k}."
            ) from None
    return [to_array(x) for x in leaves], tree


class CustomRule:
    """What `custom_jvp` and `custom_vjp` share: the function, and which arguments are not differentiated."""

    def __init__(
        self, fun: Callable[..., Any], nondiff_argnums: Sequence[int] = (), nondiff_argnames: Sequence[str] = ()
    ) -> None:
        wrapper: Any = self
        functools.update_wrapper(wrapper, fun)
        self.fun = fun
        named = places_of(fun, nondiff_argnames) if nondiff_argnames else ()
        self.nondiff_argnums = tuple(sorted({*named, *nondiff_argnums}))
        self.symbolic_zeros = False

    def __getattr__(self, name: str) -> Any:
        if name.startswith("def"):  # a rule for a function that is itself decorated
            return getattr(self.fun, name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def plain(self, whole: Callable[[Sequence[Any]], list[Any]], dynamic: Sequence[Any]) -> Any:
        """The function's value where no transformation runs: numbers and numpy's arrays come and go as they are."""
        out = self.fun(*whole([tree_map(_canonical, x) for x in dynamic]))
        for leaf in tree_leaves(out):
            if not is_ref(leaf):
                checked_result(leaf)
        return out

    def split(self, args: Sequence[Any]) -> tuple[list[Any], list[Any], Callable[[Sequence[Any]], list[Any]]]:
        """(static arguments, the others, a function that puts the others back among the static ones)."""
        static = [args[k] for k in self.nondiff_argnums]
        chosen = [k for k in range(len(args)) if k not in self.nondiff_argnums]
        kept = [None if k in chosen else x for k, x in enumerate(args)]  # not the others, which a trace may end before

        def whole(dynamic: Sequence[Any]) -> list[Any]:
            out = list(kept)
            for k, value in zip(chosen, dynamic, strict=True):
                out[k] = value
            return out

        return static, [args[k] for k in chosen], whole


def _canonical(x: Any) -> Any:
    """numpy's data in a dtype that JAX would give it; anything else as it is."""
    if isinstance(x, np.ndarray | np.generic):
        return np.asarray(x, dtypes.canonicalize_dtype(x.dtype))
    return x


class Results:
    """The results' tree and types, as the function or the first rule that ran gave them."""

    def __init__(self) -> None:
        self.tree: Any = None
        self.avals: list[ShapedArray] = []

    def flatten(self, out: Any) -> list[Array]:
        """Flatten what the function returned."""
        leaves, self.tree = tree_flatten(out)
        arrays = [checked_result(x) for x in leaves]
        self.avals = [a.aval for a in arrays]
        return arrays

    def check(self, out: Any, names: tuple[str, str], mode: str) -> list[Array]:
        """Flatten the first element of what a rule returned; it must agree with the function if that ran."""
        leaves, tree = tree_flatten(out)
        arrays = [checked_result(x) for x in leaves]
        avals = [a.aval for a in arrays]
        if self.tree is None:
            self.tree, self.avals = tree, avals
            return arrays
        shown = str(tree_unflatten(tree, [a.str_short() for a in avals])).replace("'", "")
        before = str(tree_unflatten(self.tree, [a.str_short() for a in self.avals])).replace("'", "")
        if tree != self.tree:
            raise TypeError(
                f"{_disagreement(mode, *names, 'of the same container/pytree structure')}had container/pytree "
                f"structure:\n    {shown}\nwhile the {_DECORATOR[mode]}-decorated function {names[1]} had output "
                f"container/pytree structure:\n    {before}."
            )
        if not all(map(same_type, avals, self.avals)):
            raise TypeError(
                f"{_disagreement(mode, *names, 'with leaves of the same shape/dtype')}had shapes/dtypes of:\n"
                f"    {shown}\nwhile the {_DECORATOR[mode]}-decorated function {names[1]} had output shapes/dtypes "
                f"of:\n    {before}"
            )
        return arrays


_DECORATOR = {"JVP": "custom_jvp", "VJP": "custom_vjp"}


def _disagreement(mode: str, rule: str, function: str, alike: str) -> str:
    if mode == "JVP":
        return (
            f"Custom JVP rule {rule} for function {function} must produce a pair (list or tuple of length two) where "
            "the first element represents the primal output (equal in value to the output of the "
            f"custom_jvp-decorated function {function}, and in particular {alike}), but instead the JVP rule "
            "output's first element "
        )
    return (
        f"Custom VJP fwd rule {rule} for function {function} must produce a pair (list or tuple of length two) where "
        f"the first element represents the primal output (equal to the output of the custom_vjp-decorated function "
        f"{function}) and the second element represents residuals (i.e. values stored from the forward pass for use "
        "on the backward pass), but instead the fwd rule output's first element "
    )


def checked_result(x: Any) -> Array:
    """A leaf that a function returned, as an Array."""
    try:
        return to_array(x)
    except TypeError as error:
        raise TypeError(str(error).removesuffix(".")) from None


# custom_jvp


class CustomJvp(Structured):
    """One call of a custom_jvp function, on flat arguments.

    ``rule(primals, tangents)`` takes None for a zero tangent and gives (results, tangents), None again for zero.
    """

    name = "custom_jvp_call"
    runs_graph = True

    def __init__(self, fun: Any, rule: Any, shown: dict[str, Any], linear: bool = False) -> None:
        self._fun, self._rule, self._shown = fun, rule, shown
        self._linear = linear  # whether the rule is known to be so in its tangents
        self.is_closed = isinstance(fun, GraphFunction)

    def run(self, args: Sequence[Array]) -> list[Array]:
        """The function itself."""
        return self._fun(args)

    def recorded(self, args: Sequence[Array]) -> Any:
        """One node."""
        try:
            found = super().recorded(args)
        except Touched as touched:  # JAX's refusal: refs from outside get through what is traced as values
            raise NotImplementedError(NO_DISCHARGE) from touched  # as JAX
        if isinstance(op := found[0], CustomJvp) and op._fun.graph.refs:  # as JAX, which refuses what is only read too
            raise NotImplementedError(NO_DISCHARGE)  # as JAX, which has no rule for it
        return found

    def jvp(self, primals: Sequence[Array], tangents: Sequence[Any]) -> tuple[list[Array], list[Any]]:
        """The rule."""
        return self._rule(primals, tangents)

    def vjp(self, primals: Sequence[Array], perturbed: Sequence[bool]) -> Any:
        """The rule, transposed in its tangents."""
        at = [k for k, p in enumerate(perturbed) if p]
        places: list[int] = []

        def of_tangents(inside: Sequence[Any]) -> Any:
            tangents: list[Any] = [None] * len(primals)
            for k, t in zip(at, inside, strict=True):
                tangents[k] = t
            outs, moved = self._rule(primals, tangents)
            places[:] = [k for k, t in enumerate(moved) if t is not None]
            return [moved[k] for k in places], outs

        trace, plain = current_trace(), contextlib.nullcontext()
        with PULLING.looked_at(trace) if trace else plain:  # what is made of zeros is nothing that the program computes
            zeros = [zero_tangent(primals[k]) for k in at]
            bare = [unwrap(z) for z in zeros]
            with PULLING.run(map(torch_private.innermost, bare)) if trace else plain:
                if self._linear:
                    _, _, pull, outs = vjp_leaves(of_tangents, zeros, self.name, linear=True)
                    return outs, _pullback_at(at, len(primals), places, pull)
                with LinearRule(bare) as watched:
                    moved, _, pull, outs = vjp_leaves(of_tangents, zeros, self.name, linear=True)
        tangents = [unwrap(t) for t in moved]

        def checked(cotangents: Sequence[Any], known_zeros: bool) -> list[Any]:
            watched.check(t for t, c in zip(tangents, cotangents, strict=True) if c is not None)
            return pull(cotangents, known_zeros)

        return outs, _pullback_at(at, len(primals), places, checked)

    def transpose(self, args: Sequence[Array], perturbed: Sequence[bool]) -> Any:
        """The function, transposed: what a rule does to a tangent is linear, and this function may be part of it."""
        at = [k for k, p in enumerate(perturbed) if p]

        def of_perturbed(inside: Sequence[Any]) -> Any:
            full = list(args)
            for k, x in zip(at, inside, strict=True):
                full[k] = x
            return self._fun(full), None

        outs, _, pull, _ = vjp_leaves(of_perturbed, [args[k] for k in at], self.name, linear=True)
        return outs, _pullback_at(at, len(args), range(len(outs)), pull)

    def vmap(self, frame: Frame, args: Sequence[Array], mapped: Sequence[bool]) -> Any:
        """Function and rule over all lanes; which results have lanes, the first of the two that runs decides."""
        n, settled = len(mapped), Settled(frame)

        def fun(args: Sequence[Array]) -> list[Array]:
            return settled(*on_lanes(self._fun, args, mapped, frame, self.name))

        def rule(primals: Sequence[Array], tangents: Sequence[Any]) -> Any:
            at = [k for k, t in enumerate(tangents) if t is not None]

            def of_lane(values: Sequence[Any]) -> list[Any]:
                moved: list[Any] = [None] * n
                for k, t in zip(at, values[n:], strict=True):
                    moved[k] = t
                outs, moved = self._rule(values[:n], moved)
                return [*outs, *moved]

            args = [*primals, *(tangents[k] for k in at)]
            values, has = on_lanes(of_lane, args, [*mapped, *(mapped[k] for k in at)], frame, self.name)
            half = len(values) // 2
            if settled.mapped is None:
                settled.mapped = [a or b for a, b in zip(has[:half], has[half:], strict=True)]
            return settled(values[:half], has[:half]), settled(values[half:], has[half:])

        made = CustomJvp(fun, rule, self._shown, self._linear)
        made.is_closed = self.is_closed
        return apply(made, args), settled.mapped

    def closed(self, run: GraphFunction, more: int) -> Structured:
        """Closed-over values are arguments of the function only: the rule has its own."""

        def rule(primals: Sequence[Array], tangents: Sequence[Any]) -> Any:
            n = len(primals) - more
            if any(t is not None for t in tangents[n:]):
                raise CustomJVPException
            return self._rule(primals[:n], tangents[:n])

        shown = self._shown | {"call_jaxpr": run.graph.with_lifted_first(), "num_consts": more}
        return CustomJvp(run, rule, shown, self._linear)

    def params(self) -> dict[str, Any]:
        """As JAX's jaxprs show it."""
        return self._shown


def _pullback_at(at: Sequence[int], count: int, places: Sequence[int], pull: Any) -> Any:
    """A pullback of all results and arguments, from one of the results at ``places`` and the arguments ``at``."""

    def pullback(cotangents: Sequence[Any]) -> list[Any]:
        grads: list[Any] = [None] * count
        for k, g in zip(at, pull([cotangents[k] for k in places], known_zeros=True), strict=True):
            grads[k] = g
        return grads

    return pullback


class CustomJVPException(Exception):
    """Differentiation by a value that a custom_jvp function closed over."""

    def __init__(self) -> None:
        super().__init__(
            "Detected differentiation of a custom_jvp function with respect to a closed-over value. That isn't "
            "supported because the custom JVP rule only specifies how to differentiate the custom_jvp function with "
            "respect to explicit input parameters. Try passing the closed-over value into the custom_jvp function as "
            "an argument, and adapting the custom_jvp rule."
        )


class custom_jvp(CustomRule):
    """A function whose derivative is given by a rule, set with `defjvp` or `defjvps`.

    Args:
        fun: the function.
        nondiff_argnums: positions of arguments that the rule gets first, apart from primals and tangents.
        nondiff_argnames: the same by name.
    """

    jvp: Callable[..., Any] | None = None
    linear = False  # whether the rule is known to be so in its tangents

    def defjvp(self, jvp: Callable[..., Any], symbolic_zeros: bool = False) -> Callable[..., Any]:
        """Set the rule ``jvp(*nondiff, primals, tangents)``, which gives ``(result, tangent of the result)``.

        With ``symbolic_zeros`` tangents that are known to be zero come as `SymbolicZero`, and may go out so.
        Returns the rule.
        """
        self.jvp, self.symbolic_zeros = jvp, symbolic_zeros
        return jvp

    def defjvps(self, *jvps: Callable[..., Any] | None) -> None:
        """Set a rule ``jvp(tangent, result, *primals)`` for each argument; None where the derivative is 0."""
        if self.nondiff_argnums:
            raise TypeError("Can't use ``defjvps`` with ``nondiff_argnums``.")

        def rule(primals: Any, tangents: Any) -> Any:
            out = self(*primals)
            zeros = zero_from_primal(out)
            parts = [r(t, out, *primals) if r else zeros for t, r in zip(tangents, jvps, strict=True)]
            return out, tree_map(lambda _, *terms: _total(terms), out, *parts)

        self.defjvp(rule)

    @api_boundary
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The function's value."""
        rule = self.jvp
        if rule is None:
            raise AttributeError(f"No JVP defined for custom_jvp function {name_of(self.fun)} using defjvp.")
        args = resolve_kwargs("custom_jvp", self.fun, args, kwargs)
        args = tuple(tree_map(_stop_traced, a) if k in self.nondiff_argnums else a for k, a in enumerate(args))
        static, dynamic, whole = self.split(args)
        if has_refs(dynamic):
            return without_refs(self, *tree_flatten(tuple(dynamic)), static, whole)
        arrays, in_tree = flatten_arguments(CustomJvp.name, tuple(dynamic))
        if STATE.frame is None:
            return self.plain(whole, dynamic)
        # What is recorded holds the functions, and not this object, by which traces are kept.
        results, fun, symbolic_zeros = Results(), self.fun, self.symbolic_zeros

        def flat_fun(values: Sequence[Any]) -> list[Array]:
            out = fun(*whole(tree_unflatten(in_tree, list(values))))
            if has_refs(out):
                for path, x in tree_flatten_with_path(out)[0]:
                    check_result(x, location_of(fun), "custom_jvp fun", path)
            return results.flatten(out)

        def flat_rule(primals: Sequence[Array], tangents: Sequence[Any]) -> Any:
            full = [zero_tangent(p, symbolic_zeros) if t is None else t for p, t in zip(primals, tangents, strict=True)]
            pair = rule(*static, tree_unflatten(in_tree, list(primals)), tree_unflatten(in_tree, full))
            return _split_pair(pair, results, name_of(rule), name_of(fun))

        shown = {
            "name": name_of(fun),
            "jvp_jaxpr_fun": Named(rule, flat_rule),
            "num_consts": 0,
            "symbolic_zeros": symbolic_zeros,
        }
        op = CustomJvp(flat_fun, flat_rule, shown, self.linear)
        places = [k for k in range(len(args)) if k not in self.nondiff_argnums]
        count = len(arrays)  # names take the tree: a graph that keeps this is to keep no traced value
        op.about = lambda: (
            "custom_jvp fun",
            location_of(fun),
            leaf_names(fun, tree_unflatten(in_tree, list(range(count))), {}, places),
        )
        outs = apply(op, arrays)
        return tree_unflatten(results.tree, outs)


class library_jvp(custom_jvp):
    """A function of this library with a rule of its own, which need not be looked at to know that it is linear."""

    linear = True


class Named:
    """A function as a jaxpr shows it: by name; ``rule`` is it on flat arguments, where an equation needs it."""

    def __init__(self, fun: Any, rule: Any = None) -> None:
        self.name, self.rule = name_of(fun), rule

    def __str__(self) -> str:
        return self.name


def _stop_traced(x: Any) -> Any:
    return stop_gradient(x) if is_traced(x) else x


def _total(terms: Sequence[Any]) -> Any:
    real = [t for t in terms if not is_float0(t)]
    return functools.reduce(operator.add, real) if real else terms[0]


def _split_pair(pair: Any, results: Results, rule: str, function: str) -> tuple[list[Array], list[Any]]:
    """What a rule returned as flat results and tangents, checked in JAX's words."""
    if not isinstance(pair, list | tuple) or len(pair) != 2:
        raise TypeError(
            f"Custom JVP rule {rule} for function {function} must produce a pair (list or tuple of length two) "
            f"representing primal and tangent outputs, but got {pair}."
        )
    out_tree = tree_flatten(pair[0])[1]
    tangents, tangent_tree = tree_flatten(pair[1])
    if out_tree != tangent_tree:
        raise TypeError(
            f"Custom JVP rule {rule} for function {function} must produce primal and tangent outputs with equal "
            f"container (pytree) structures, but got {out_tree} and {tangent_tree} respectively."
        )
    outs = results.check(pair[0], (rule, function), "JVP")
    primal = [o.aval.strip_weak_type() for o in outs]
    given = [type_of(t).strip_weak_type() for t in tangents]
    wrong = [(p, e, t) for p, t in zip(primal, given, strict=True) if (e := p.to_tangent_aval()) != t]
    if wrong and len(primal) == 1:
        p, e, t = wrong[0]
        raise TypeError(
            "Custom JVP rule must produce primal and tangent outputs with corresponding shapes and dtypes. Expected "
            f"{e.str_short()} (tangent type of {p.str_short()}) but got {t.str_short()}."
        )
    if wrong:
        lines = "\n".join(
            f"  primal {p.str_short()} with tangent {t.str_short()}, expecting tangent {e}" for p, e, t in wrong
        )
        raise TypeError(
            "Custom JVP rule must produce primal and tangent outputs with corresponding shapes and dtypes, but got:\n"
            f"{lines}"
        )
    absent = (SymbolicZero, np.ndarray)
    return outs, [None if isinstance(t, absent) and is_zero(t) else to_array(t) for t in tangents]


def is_zero(t: Any) -> bool:
    """Whether a tangent is known to be zero: symbolic, or an integer's."""
    return isinstance(t, SymbolicZero) or is_float0(t)
