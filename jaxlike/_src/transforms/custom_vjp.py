"""custom_vjp: a function with a reverse rule of its own, in two halves; custom_gradient and closure_convert.

Under a grad level ``fwd`` runs below it, as ordinary code of the levels there, and its residuals wait for
``bwd``. The function itself runs only where nothing differentiates it. There is no forward mode.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src import dtypes
from jaxlike._src.array import Array
from jaxlike._src.border import astype, is_traced, unwrap
from jaxlike._src.devices import default_torch_device
from jaxlike._src.errors import UnexpectedTracerError
from jaxlike._src.frames import STATE
from jaxlike._src.graph.graph import BACKWARD_RULE, TRANSPOSED
from jaxlike._src.graph.trace import trace
from jaxlike._src.shape_struct import ShapeDtypeStruct
from jaxlike._src.traceback_filter import api_boundary
from jaxlike._src.transforms import derive
from jaxlike._src.transforms.arguments import location_of, name_of
from jaxlike._src.transforms.custom import (
    CustomRule,
    Named,
    Results,
    checked_result,
    is_zero,
    resolve_kwargs,
    zero_tangent,
)
from jaxlike._src.transforms.custom_vjp_refs import without_refs
from jaxlike._src.transforms.ref_state import holding, is_ref, only_reading
from jaxlike._src.transforms.reverse import LOOKING
from jaxlike._src.transforms.structured import (
    GraphFunction,
    Settled,
    Structured,
    apply,
    derived,
    on_lanes,
    stand_in,
    with_lanes,
)
from jaxlike._src.transforms.types import SymbolicZero, difference, same_type, type_of
from jaxlike._src.tree import (
    broadcast_prefix,
    keystr,
    register_pytree_node_class,
    tree_flatten,
    tree_flatten_with_path,
    tree_leaves,
    tree_map,
    tree_unflatten,
)
from jaxlike._src.varying import counted_axes, share, total

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jaxlike._src.frames import Frame


class CustomVjp(Structured):
    """One call of a custom_vjp function, on flat arguments.

    ``fwd(primals, perturbed)`` gives (results, residuals); ``bwd(residuals, cotangents)`` the arguments'
    cotangents. Cotangents may be None, which means zero.
    """

    name = "custom_vjp_call"
    runs_graph = True
    holds = frozenset([BACKWARD_RULE])
    writes_refs = True

    def __init__(self, fun: Any, fwd: Any, bwd: Any, shown: dict[str, Any]) -> None:
        self._fun, self._fwd, self._bwd, self._shown = fun, fwd, bwd, shown
        self.is_closed = isinstance(fun, GraphFunction)
        self._written = len(fun.graph.written_refs) if self.is_closed else 0  # refs, whose last values come last

    def constants(self, perturbed: Sequence[bool]) -> Sequence[int]:
        """What is written to refs is no result of the function's."""
        del perturbed
        return range(len(self._fun.kinds) - self._written, len(self._fun.kinds)) if self._written else ()

    def run(self, args: Sequence[Array]) -> list[Array]:
        """The function itself."""
        return self._fun(args)

    def jvp(self, primals: Sequence[Array], tangents: Sequence[Any]) -> tuple[list[Array], list[Any]]:
        """The function, and tangents that nobody may look at: all that can be done with them is to transpose."""
        at = [k for k, t in enumerate(tangents) if t is not None]
        outs, residuals = self._fwd(primals, [t is not None for t in tangents])
        floating = derive.differentiable(outs)

        def bwd(residuals: Sequence[Any], cotangents: Sequence[Any]) -> list[Any]:
            grads = self._bwd(residuals, derive.filled(cotangents, floating))
            return [grads[k] for k in at]

        given = [*residuals, *(t for t in tangents if t is not None)]
        examples = [derive.example(o) for o, f in zip(outs, floating, strict=True) if f]
        moved = apply(_Tangents(bwd, len(residuals), examples, self._of_rule([t is None for t in tangents])), given)
        return outs, derive.filled(moved, floating)

    def vjp(self, primals: Sequence[Array], perturbed: Sequence[bool]) -> Any:
        """The two halves of the rule."""
        outs, residuals = self._fwd(primals, perturbed)
        frames = counted_axes()

        def bwd(cotangents: Sequence[Any]) -> list[Any]:
            if not LOOKING.now:
                return self._bwd(residuals, cotangents)
            return _looked_at(self._bwd, residuals, cotangents, self._of_rule([not p for p in perturbed]))

        def pullback(cotangents: Sequence[Any]) -> list[Any]:  # the rule gets and gives whole cotangents, not shares
            whole = [None if c is None else total(c, o, frames) for c, o in zip(cotangents, outs, strict=True)]
            return [None if g is None else share(g, p, frames) for g, p in zip(bwd(whole), primals, strict=True)]

        return outs, pullback if frames else bwd

    def vmap(self, frame: Frame, args: Sequence[Array], mapped: Sequence[bool]) -> Any:
        """Function and rule over all lanes; an argument that all lanes share gets the sum of its cotangents."""
        settled = Settled(frame)

        def fun(args: Sequence[Array]) -> list[Array]:
            return settled(*on_lanes(self._fun, args, mapped, frame, self.name))

        residuals_mapped: list[bool] = []

        def fwd(primals: Sequence[Array], perturbed: Sequence[bool]) -> Any:
            count = 0

            def of_lane(values: Sequence[Any]) -> list[Any]:
                nonlocal count
                outs, residuals = self._fwd(values, perturbed)
                count = len(outs)
                return [*outs, *residuals]

            values, has = on_lanes(of_lane, primals, mapped, frame, self.name)
            residuals_mapped[:] = has[count:]
            return settled(values[:count], has[:count]), values[count:]

        def bwd(residuals: Sequence[Any], cotangents: Sequence[Any]) -> list[Any]:
            return _bwd_of_lanes(
                self._bwd, frame, residuals_mapped, settled.mapped or (), mapped, residuals, cotangents
            )

        made = CustomVjp(fun, fwd, bwd, self._shown)
        made.is_closed = self.is_closed
        return apply(made, args), settled.mapped

    def closed(self, run: GraphFunction, more: int) -> Structured:
        """Closed-over values are arguments of the function only: the rule has its own."""

        refs, written = run.graph.refs, run.graph.written_refs
        own = len(run.kinds) - len(written)  # results of the function itself

        def fwd(primals: Sequence[Array], perturbed: Sequence[bool]) -> Any:
            n = len(primals) - more
            if any(perturbed[n + len(refs) :]):  # what a ref holds has no part in the derivative
                raise CustomVJPException
            with holding(refs, primals[n : n + len(refs)]) as last:
                outs, residuals = self._fwd(primals[:n], perturbed[:n])
                held = [x for r, x in zip(refs, last(), strict=True) if any(r is w for w in written)]
            return [*outs, *held], residuals

        def bwd(residuals: Sequence[Any], cotangents: Sequence[Any]) -> list[Any]:
            return [*self._bwd(residuals, cotangents[:own]), *[None] * more]

        return CustomVjp(run, fwd, bwd, self._shown | {"call_jaxpr": run.graph.of_values()})

    def params(self) -> dict[str, Any]:
        """As JAX's jaxprs show it."""
        return self._shown

    def _of_rule(self, in_zeros: list[bool]) -> dict[str, Any]:
        return {"in_zeros": in_zeros, **{k: self._shown[k] for k in ("bwd", "symbolic_zeros")}}


def _bwd_of_lanes(
    bwd: Any,
    frame: Frame,
    residuals_mapped: Sequence[bool],
    outs_mapped: Sequence[bool],
    args_mapped: Sequence[bool],
    residuals: Sequence[Any],
    cotangents: Sequence[Any],
) -> list[Any]:
    """The backward rule over all lanes of a vmap."""
    n = len(residuals)
    at = [k for k, c in enumerate(cotangents) if c is not None]

    def of_lane(values: Sequence[Any]) -> list[Any]:
        given: list[Any] = [None] * len(cotangents)
        for k, c in zip(at, values[n:], strict=True):
            given[k] = c
        return bwd(values[:n], given)

    given = [*residuals, *(cotangents[k] for k in at)]
    grads, lanes = on_lanes(of_lane, given, [*residuals_mapped, *(outs_mapped[k] for k in at)], frame, CustomVjp.name)
    grads = [with_lanes(g, h, True, frame) for g, h in zip(grads, lanes, strict=True)]
    return [g if m or g is None else _sum_of_lanes(g) for g, m in zip(grads, args_mapped, strict=True)]


class _Tangents(Structured):
    """The tangents of a custom_vjp function's results, linear in those of its arguments: only the transpose is known.

    Args:
        bwd: from residuals and cotangents the cotangents of what comes after the residuals.
        residuals: how many of the arguments are residuals.
        outs: Arrays of the results' types.
        shown: what a jaxpr says of the rule, and which arguments have no tangent.
    """

    name = "custom_lin"
    holds = frozenset([TRANSPOSED])

    def __init__(self, bwd: Any, residuals: int, outs: Sequence[Array], shown: dict[str, Any]) -> None:
        self._bwd, self._residuals, self._outs, self._shown = bwd, residuals, outs, shown

    def run(self, args: Sequence[Array]) -> list[Array]:
        """Not defined."""
        raise TypeError("can't apply forward-mode autodiff (jvp) to a custom_vjp function.")

    def recorded(self, args: Sequence[Array]) -> Any:
        """One node, which may be transposed later; it is left out where its values are not used."""
        return self, lambda: None, [], [type(o)(stand_in(o._t), o._tag) for o in self._outs]

    def transpose(self, args: Sequence[Array], perturbed: Sequence[bool]) -> Any:
        """The backward rule; zeros stand for the values, at which nobody looks."""
        n = self._residuals
        if any(perturbed[:n]):
            return self.vjp(args, perturbed)

        def pullback(cotangents: Sequence[Any]) -> list[Any]:
            return [*[None] * n, *self._bwd(args[:n], cotangents)]

        device = default_torch_device()
        return [Array(torch.zeros(o.shape, dtype=o._t.dtype, device=device)) for o in self._outs], pullback

    def vmap(self, frame: Frame, args: Sequence[Array], mapped: Sequence[bool]) -> Any:
        """The backward rule over all lanes."""
        n, size = self._residuals, frame.axis_size
        outs = [derive.example(o, (size, *o.shape)) for o in self._outs]

        def bwd(residuals: Sequence[Any], cotangents: Sequence[Any]) -> list[Any]:
            every = [True] * len(outs)
            return _bwd_of_lanes(self._bwd, frame, mapped[:n], every, mapped[n:], residuals, cotangents)

        return apply(_Tangents(bwd, n, outs, self._shown), args), [True] * len(outs)

    def params(self) -> dict[str, Any]:
        """As JAX's jaxprs show it."""
        return self._shown | {"num_res": self._residuals, "out_avals": [o.aval for o in self._outs]}


class _Backward(Structured):
    """A backward rule, while `linearize` looks at it: its transpose is what nobody may look at, as in `CustomVjp.jvp`.

    Args:
        bwd: from residuals and cotangents the cotangents of the arguments; None is zero.
        residuals: how many of the arguments are residuals.
        given: which cotangents the other arguments are.
        shown: what a jaxpr says of the rule.
    """

    name = "custom_vjp_bwd"

    def __init__(self, bwd: Any, residuals: int, given: Sequence[bool], shown: dict[str, Any]) -> None:
        self._bwd, self._residuals, self._given, self._shown = bwd, residuals, given, shown
        self.found: list[bool] = []  # which arguments have a cotangent

    def run(self, args: Sequence[Array]) -> list[Array]:
        """The rule; without the zeros."""
        grads = self._bwd(args[: self._residuals], derive.filled(args[self._residuals :], self._given))
        self.found = [isinstance(g, Array) for g in grads]
        return derive.chosen_of(grads, self.found)

    def recorded(self, args: Sequence[Array]) -> Any:
        """One node, of what the rule gives here."""
        outs = derived(self.run, [derive.example(a) for a in args], self.name).stand_ins()
        return self, lambda: None, [], [type(o)(stand_in(o._t), o._tag) for o in outs]

    def vjp(self, primals: Sequence[Array], perturbed: Sequence[bool]) -> Any:
        """Tangents of the arguments to those of the results."""
        n, outs = self._residuals, self.run(primals)
        residuals, cotangents = primals[:n], primals[n:]
        if any(perturbed[:n]):  # by what the function was differentiated at: the rule is ordinary code
            return outs, lambda cts: derive.filled(
                derive.reverse(self.run, primals, perturbed, cts, self.name), perturbed
            )
        examples = [derive.example(c) for c in cotangents]

        def pullback(tangents: Sequence[Any]) -> list[Any]:
            moved = [t is not None for t in tangents]

            def bwd(residuals: Sequence[Any], cts: Sequence[Any]) -> list[Any]:
                grads = derive.chosen_of(self._bwd(residuals, derive.filled(cts, self._given)), self.found)
                return derive.chosen_of(grads, moved)

            given = [*residuals, *derive.chosen_of(tangents, moved)]
            return [*[None] * n, *apply(_Tangents(bwd, n, examples, self._shown), given)]

        return outs, pullback


def _looked_at(bwd: Any, residuals: Sequence[Any], cotangents: Sequence[Any], shown: dict[str, Any]) -> list[Any]:
    """What a backward rule gives, in one operation."""
    given = [c is not None for c in cotangents]
    op = _Backward(bwd, len(residuals), given, shown)
    outs = apply(op, [*residuals, *derive.chosen_of(cotangents, given)])
    return derive.filled(outs, op.found)


def _sum_of_lanes(x: Array) -> Array:
    tensor = unwrap(x)
    return Array(torch.sum(tensor, 0, dtype=tensor.dtype), x.weak_type)


class CustomVJPException(Exception):
    """Differentiation by a value that a custom_vjp function closed over."""

    def __init__(self) -> None:
        super().__init__(
            "Detected differentiation of a custom_vjp function with respect to a closed-over value. That isn't "
            "supported because the custom VJP rule only specifies how to differentiate the custom_vjp function with "
            "respect to explicit input parameters. Try passing the closed-over value into the custom_vjp function as "
            "an argument, and adapting the custom_vjp fwd and bwd rules."
        )


@dataclasses.dataclass(slots=True)
class CustomVJPPrimal:
    """An argument of a forward rule set with ``symbolic_zeros``: its value, and whether it is differentiated."""

    value: Any
    perturbed: bool


def custom_vjp_primal_tree_values(tree: Any) -> Any:
    """A tree of `CustomVJPPrimal` as the tree of their values."""

    def value(leaf: Any) -> Any:
        if type(leaf) is not CustomVJPPrimal:
            raise TypeError(f"unexpected leaf type {type(leaf)}")
        return leaf.value

    return tree_map(value, tree)


class custom_vjp(CustomRule):
    """A function whose reverse-mode derivative is given by a rule, set with `defvjp`.

    Args:
        fun: the function.
        nondiff_argnums: positions of arguments (no arrays that are traced) that ``bwd`` gets first.
        nondiff_argnames: the same by name.
    """

    fwd: Callable[..., Any] | None = None
    bwd: Callable[..., Any] | None = None
    optimize_remat = False

    def defvjp(
        self,
        fwd: Callable[..., Any],
        bwd: Callable[..., Any],
        symbolic_zeros: bool = False,
        optimize_remat: bool = False,
    ) -> None:
        """Set the rule.

        Args:
            fwd: takes the function's arguments, gives ``(result, residuals)``.
            bwd: takes ``(*nondiff, residuals, cotangent)``, gives a tuple with a cotangent for each argument.
            symbolic_zeros: ``fwd`` gets `CustomVJPPrimal`, ``bwd`` `SymbolicZero` for cotangents known to be zero.
            optimize_remat: accepted.
        """
        self.fwd, self.bwd = fwd, bwd
        self.symbolic_zeros, self.optimize_remat = symbolic_zeros, optimize_remat
        if symbolic_zeros and optimize_remat:
            raise NotImplementedError("remat optimization for custom_vjp does not support symbolic zeros")

    @api_boundary
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The function's value."""
        fwd, bwd = self.fwd, self.bwd
        if fwd is None or bwd is None:
            raise AttributeError(f"No VJP defined for custom_vjp function {name_of(self.fun)} using defvjp.")
        args = resolve_kwargs("custom_vjp", self.fun, args, kwargs)
        for k in self.nondiff_argnums:
            _refuse_traced(args[k])
        static, dynamic, whole = self.split(args)
        leaves, in_tree = tree_flatten(tuple(dynamic))
        if any(map(is_ref, leaves)):
            return without_refs(self, leaves, in_tree, static, whole)
        arrays = [checked_result(x) for x in leaves]
        if STATE.frame is None:
            return self.plain(whole, dynamic)
        # What is recorded holds the functions, and not this object, by which traces are kept.
        fun, symbolic_zeros = self.fun, self.symbolic_zeros
        avals, results, names = [a.aval for a in arrays], Results(), (name_of(fwd), name_of(fun))
        residual_tree: Any = None
        numbers: dict[int, Any] = {}  # residuals that are Python's, which ``bwd`` gets as they came

        def flat_fun(values: Sequence[Any]) -> list[Array]:
            return results.flatten(fun(*whole(tree_unflatten(in_tree, list(values)))))

        def flat_fwd(primals: Sequence[Any], perturbed: Sequence[bool]) -> tuple[list[Array], list[Array]]:
            nonlocal residual_tree
            given: list[Any] = list(primals)
            if symbolic_zeros:
                given = [CustomVJPPrimal(x, p) for x, p in zip(primals, perturbed, strict=True)]
            pair = fwd(*whole(tree_unflatten(in_tree, given)))
            if not isinstance(pair, list | tuple) or len(pair) != 2:
                raise TypeError(_no_pair(names, pair))
            outs = results.check(pair[0], names, "VJP")
            residuals, residual_tree = tree_flatten(pair[1])
            numbers.clear()
            numbers.update((k, r) for k, r in enumerate(residuals) if type(r) in _PYTHON_NUMBERS)
            return outs, [checked_result(r) for r in residuals]

        def flat_bwd(residuals: Sequence[Any], cotangents: Sequence[Any]) -> list[Any]:
            given = [
                _zero_cotangent(a, symbolic_zeros) if c is None else c
                for a, c in zip(results.avals, cotangents, strict=True)
            ]
            kept = tree_unflatten(residual_tree, [numbers.get(k, r) for k, r in enumerate(residuals)])
            out = bwd(*static, kept, tree_unflatten(results.tree, given))
            return _flat_cotangents(out, in_tree, avals)

        shown = {
            "name": names[1],
            "fwd_jaxpr_thunk": Named(fwd),
            "bwd": Named(bwd),
            "num_consts": 0,
            "symbolic_zeros": symbolic_zeros,
        }
        op = CustomVjp(flat_fun, flat_fwd, flat_bwd, shown)
        op.about = lambda: ("custom_vjp fun", location_of(fun), ["unknown"] * len(avals))
        outs = apply(op, arrays)
        return tree_unflatten(results.tree, outs)


_PYTHON_NUMBERS = {bool, int, float, complex}


def _refuse_traced(x: Any) -> None:
    if any(is_traced(leaf) for leaf in tree_leaves(x)):
        raise UnexpectedTracerError(
            "Found a JAX Tracer object passed as an argument to a custom_vjp function in a position indicated by "
            "nondiff_argnums as non-differentiable. Tracers cannot be passed as non-differentiable arguments to "
            "custom_vjp functions; instead, nondiff_argnums should only be used for arguments that can't be or contain "
            "JAX tracers, e.g. function-valued arguments. In particular, array-valued arguments should typically not "
            "be indicated as nondiff_argnums."
        )


def _no_pair(names: tuple[str, str], got: Any) -> str:
    rule, function = names
    return (
        f"Custom VJP fwd rule {rule} for function {function} must produce a pair (list or tuple of length two) where "
        "the first element represents the primal output (equal to those of the custom_vjp-decorated function "
        f"{function}) and the second element represents residuals (i.e. values stored from the forward pass for use "
        f"on the backward pass), but instead of a pair the fwd rule {rule} produced {got}."
    )


def _zero_cotangent(aval: Any, symbolic: bool) -> Any:
    tangent = aval.to_tangent_aval()
    if symbolic:
        return SymbolicZero(tangent)
    if tangent.dtype == dtypes.float0:
        return np.zeros(aval.shape, dtypes.float0)
    return Array(torch.zeros(aval.shape, dtype=dtypes.to_torch(aval.dtype), device=default_torch_device()))


def _flat_cotangents(out: Any, in_tree: Any, avals: Sequence[Any]) -> list[Any]:
    """What ``bwd`` returned as one cotangent for each leaf of the arguments; None for zero."""
    dummy = tree_unflatten(in_tree, [object()] * in_tree.num_leaves)
    if isinstance(out, list) and isinstance(dummy, tuple) and len(out) == len(dummy):
        out = tuple(out)
    try:
        if not isinstance(out, tuple):
            raise ValueError
        leaves = broadcast_prefix(out, dummy, is_leaf=lambda x: x is None)
    except ValueError:
        raise TypeError(
            "Custom VJP bwd rule must produce an output with the same container (pytree) structure as the args tuple "
            "of the primal function, and in particular must produce a tuple of length equal to the number of arguments "
            f"to the primal function, but got bwd output structure {tree_flatten(out)[1]} for primal input structure "
            f"{in_tree}."
        ) from None
    paths = [path for path, _ in tree_flatten_with_path(dummy)[0]]
    return [_checked_cotangent(c, a, keystr(p)) for c, a, p in zip(leaves, avals, paths, strict=True)]


def _checked_cotangent(c: Any, aval: Any, path: str) -> Array | None:
    want = aval.to_tangent_aval()
    if c is None or want.dtype == dtypes.float0:
        return None
    got = type_of(c) if isinstance(c, SymbolicZero) or is_zero(c) else checked_result(c).aval
    if isinstance(c, SymbolicZero):
        if not same_type(want, got):
            raise ValueError(
                "Custom VJP bwd rule produced a SymbolicZero with a shape/dtype that does not match the corresponding "
                f"input tangent shape/dtype: at output{path} the SymbolicZero had shape/dtype {got.str_short()} while "
                f"the corresponding input had shape/dtype {aval.str_short()}. Consider just returning a None here "
                "instead of a SymbolicZero object."
            )
        return None
    if want.shape != got.shape:  # a cotangent of another dtype passes, as in JAX
        raise ValueError(
            "Custom VJP bwd rule must produce an output with the same type as the args tuple of the primal function, "
            f"but at output{path} the bwd rule produced an output of type {got.str_short()} corresponding to an input "
            f"of type {aval.str_short()}{difference(aval, got)}"
        )
    if is_zero(c):
        return None
    made = checked_result(c)
    return astype(made, aval.dtype) if made.dtype == aval.dtype else made


# Built on custom_vjp


@register_pytree_node_class
class _TracedRule:
    """A function of cotangents as a graph: what it closed over are its leaves."""

    def __init__(self, closed: Sequence[Array], function: GraphFunction, in_tree: Any, out_tree: Any) -> None:
        self.closed, self.function, self.in_tree, self.out_tree = closed, function, in_tree, out_tree

    def tree_flatten(self) -> Any:
        """Closed-over values, and the rest."""
        return tuple(self.closed), (self.function, self.in_tree, self.out_tree)

    @classmethod
    def tree_unflatten(cls, aux: Any, children: Any) -> _TracedRule:
        """Inverse of `tree_flatten`."""
        return cls(children, *aux)

    def __call__(self, cotangent: Any) -> Any:
        """Apply the function."""
        leaves, tree = tree_flatten((cotangent,))
        if tree != self.in_tree:
            raise TypeError(f"{self.in_tree}\n!=\n{tree}")
        outs = self.function([*(checked_result(x) for x in leaves), *self.closed])
        return tree_unflatten(self.out_tree, outs)


def traced_closure(fun: Callable[..., Any], args: Sequence[Any], name: str) -> tuple[GraphFunction, Any, list[Array]]:
    """``fun(*args)`` as a graph of flat arguments; the tree of its result; what it closed over."""
    if not callable(fun):
        raise TypeError("the first argument must be callable")
    leaves, in_tree = tree_flatten(tuple(args))
    out_tree: Any = None

    def flat(values: Sequence[Any]) -> list[Array]:
        nonlocal out_tree
        out_leaves, out_tree = tree_flatten(fun(*tree_unflatten(in_tree, list(values))))
        return [checked_result(x) for x in out_leaves]

    examples = [x.stand_in() if isinstance(x, ShapeDtypeStruct) else checked_result(x) for x in leaves]
    graph, outs = trace(flat, examples, name, refs=True)
    graph = only_reading(graph)
    return GraphFunction(graph, [(type(o), o._tag) for o in outs]), out_tree, graph.lifted


def custom_gradient(fun: Callable[..., Any]) -> custom_vjp:
    """A function with a gradient of its own: ``fun`` gives ``(result, rule)``.

    ``rule`` takes the result's cotangent and gives the arguments' cotangents, as a tuple unless there is one.
    """

    def wrapped_fun(*args: Any, **kwargs: Any) -> Any:
        out, _ = fun(*args, **kwargs)
        return out

    def fwd(*args: Any, **kwargs: Any) -> Any:
        out, rule = fun(*args, **kwargs)
        examples = tree_map(lambda x: zero_tangent(checked_result(x)), out)
        function, out_tree, closed = traced_closure(rule, (examples,), name_of(rule))
        return out, _TracedRule(closed, function, tree_flatten((out,))[1], out_tree)

    def bwd(rule: _TracedRule, cotangent: Any) -> Any:
        out = rule(cotangent)
        return (out,) if rule.out_tree.num_nodes == 1 else out

    made = custom_vjp(wrapped_fun)
    made.defvjp(fwd, bwd)
    return made


def closure_convert(fun: Callable[..., Any], *example_args: Any) -> tuple[Callable[..., Any], list[Array]]:
    """``fun`` with the traced values that it closes over as further arguments.

    Args:
        fun: pure function.
        example_args: arguments of the types that it will be called with.

    Returns:
        ``converted`` and ``values`` such that ``converted(*args, *values)`` is ``fun(*args)``.
    """
    return converted_closure(fun, *example_args)[:2]


def converted_closure(fun: Callable[..., Any], *example_args: Any) -> tuple[Callable[..., Any], list[Array], Any]:
    """`closure_convert`, and the tree of the result's types."""
    in_tree = tree_flatten(example_args)[1]
    function, out_tree, closed = traced_closure(fun, example_args, name_of(fun))
    hoisted = [is_traced(x) and dtypes.issubdtype(x.dtype, np.inexact) for x in closed]
    count = sum(hoisted)

    def converted(*args_and_values: Any) -> Any:
        n = len(args_and_values) - count
        args, values = args_and_values[:n], iter(args_and_values[n:])
        leaves, tree = tree_flatten(tuple(args))
        if tree != in_tree:
            raise TypeError(
                "The inputs to the closure produced by closure_convert must have the same Pytree structure as the "
                f"example arguments passed when closure_convert was called. Expected {in_tree}, but got {tree}"
            )
        inside = [next(values) if h else x for h, x in zip(hoisted, closed, strict=True)]
        return tree_unflatten(out_tree, function([checked_result(x) for x in (*leaves, *inside)]))

    out = tree_unflatten(out_tree, function.graph.out_avals)
    return converted, [x for h, x in zip(hoisted, closed, strict=True) if h], out
