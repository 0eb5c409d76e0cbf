"""checkpoint: keep the arguments of a function for the backward pass, and compute what it needs again there.

The function is traced once and is one `Structured` operation. Under reverse mode its values come from the graph as
it is; the pullback is the backward half of a graph of results and gradients (`partition`), with arguments and what
the policy keeps as inputs. It is such an operation too, so that higher derivatives of it are checkpointed as well.
"""

from __future__ import annotations

import copy
import weakref
from typing import TYPE_CHECKING, Any

from jaxlike._src import config
from jaxlike._src.array import Array
from jaxlike._src.errors import ConcretizationTypeError
from jaxlike._src.frames import STATE, current_trace
from jaxlike._src.graph.effects import check_allowed, remat_allowed_effects
from jaxlike._src.graph.graph import BACKWARD_RULE, TRANSPOSED
from jaxlike._src.graph.ref_calls import NotingCall, RefForm, given, slots_of
from jaxlike._src.graph.trace import RECORDING
from jaxlike._src.traceback_filter import api_boundary
from jaxlike._src.transforms import derive
from jaxlike._src.transforms.arguments import argument_names, is_float0, wraps
from jaxlike._src.transforms.body import Body, make_body
from jaxlike._src.transforms.halves import Halves, halves_of
from jaxlike._src.transforms.policies import nothing_saveable
from jaxlike._src.transforms.ref_operands import closing_over_refs
from jaxlike._src.transforms.ref_state import Touched, is_ref, standing_for
from jaxlike._src.transforms.reverse import LOOKING, output_array
from jaxlike._src.transforms.static_args import Hashed
from jaxlike._src.transforms.structured import GraphFunction, Structured, apply, derived, unmoved
from jaxlike._src.tree import broadcast_prefix, keystr, tree_flatten, tree_flatten_with_path, tree_unflatten

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jaxlike._src.frames import Frame
    from jaxlike._src.transforms.ref_operands import Standing


class Checkpoint(Structured):
    """A traced function whose intermediate values are not kept, but for what the policy allows."""

    name = "remat2"
    runs_graph = True

    def __init__(self, body: GraphFunction, policy: Any, prevent_cse: Any, differentiated: bool = False) -> None:
        self.body, self.policy = body, policy
        self.prevent_cse, self.differentiated = prevent_cse, differentiated
        self.keeps = policy is not None and policy is not nothing_saveable
        self._made: dict[Any, Any] = {}  # what was derived from it
        self.refs: Standing = ()  # the function's, with those that they are in this call

    def with_refs(self, refs: Standing) -> Checkpoint:
        """The same, in a call with these refs."""
        if not refs:
            return self
        made = copy.copy(self)
        made.refs = refs
        return made

    def run(self, args: Sequence[Array]) -> list[Array]:
        """The function."""
        return self.body(args)

    def recorded(self, args: Sequence[Array]) -> Any:
        """One node."""
        graph = self.body.graph
        return self, lambda: None if graph.lifted else graph, [], self.body.stand_ins()

    def varying(self, axes: Sequence[frozenset[Any]]) -> list[frozenset[Any]]:
        """As its graph."""
        return self.body.varying(axes)

    def constants(self, perturbed: Sequence[bool]) -> Sequence[int]:
        """The results that do not depend on these arguments, such as the values of refs that are read."""
        return unmoved(self.body.moved(perturbed))

    def params(self) -> dict[str, Any]:
        """As JAX's jaxprs show it."""
        return {
            "differentiated": self.differentiated,
            "jaxpr": self.body.graph,
            "policy": self.policy,
            "prevent_cse": self.prevent_cse,
        }

    def with_results(self, places: Sequence[int]) -> tuple[Checkpoint, Sequence[int]] | None:
        """The same function giving less."""
        if not places:
            return None
        key = ("results", *places)
        if key not in self._made:
            self._made[key] = self._like(self.body.with_outputs(places))
        return self._made[key].with_refs(self.refs), places

    def jvp(self, primals: Sequence[Array], tangents: Sequence[Any]) -> tuple[list[Array], list[Any]]:
        """The checkpointed jvp of the function."""
        n, moved = len(primals), [t is not None for t in tangents]

        def both(flat: Sequence[Array]) -> list[Array]:
            outs, ts = derive.forward(self.body, flat[:n], derive.filled(flat[n:], moved), self.name)
            return [*outs, *(t for t in ts if t is not None)]

        args = [*primals, *(t for t in tangents if t is not None)]
        key = ("jvp", tuple(moved))
        if key not in self._made:
            self._made[key] = self._like(derived(both, [derive.example(a) for a in args], self.name))
        outs = apply(self._made[key].with_refs(self.refs), args)
        m, still = len(self.body.kinds), self.constants(moved)
        given = derive.filled(outs[m:], derive.differentiable(outs[:m]))
        return outs[:m], [None if k in still else t for k, t in enumerate(given)]

    def vjp(self, primals: Sequence[Array], perturbed: Sequence[bool]) -> Any:
        """Results (and kept values); the pullback computes the rest again."""
        floating = derive.differentiable(self.body.stand_ins())
        try:
            with standing_for(self.refs):
                forward, backward, halves = self._halves(primals, perturbed, floating)
        except Touched:  # by a forward rule
            return self.body(primals), lambda cotangents: self._pulled_again(primals, perturbed, cotangents, False)
        check_allowed(self.body.graph.effects, remat_allowed_effects, "partial-eval of `checkpoint`/`remat`")
        m = len(floating)
        # As in JAX: what a derivative is taken of has run, and is ordinary operations of what runs outside.
        outs = forward(primals)
        kept, outs = outs[m:], outs[:m]
        read = [primals[k] for k in halves.read]

        def pullback(cotangents: Sequence[Any]) -> list[Any]:
            if LOOKING.now and BACKWARD_RULE in self.body.graph.holds:
                return self._pulled_again(primals, perturbed, cotangents, False)
            given = [f and c is not None for f, c in zip(floating, cotangents, strict=True)]
            if given == floating or kept:
                full = [
                    derive.zeros_like(o) if c is None else c
                    for o, c in derive.chosen_of(list(zip(outs, cotangents, strict=True)), floating)
                ]
                return self._pulled(backward, [*read, *kept, *full], halves, perturbed)
            with standing_for(self.refs):
                _, other, its = self._halves(primals, perturbed, given)
            args = [*(primals[k] for k in its.read), *derive.chosen_of(cotangents, given)]
            return self._pulled(other, args, its, perturbed)

        return outs, pullback

    def _pulled(self, backward: Checkpoint, args: list[Array], halves: Halves, perturbed: Sequence[bool]) -> list[Any]:
        """What the backward operation gives, which may write refs."""
        with standing_for(self.refs):
            outs = apply(backward.with_refs(self.refs), [*args, *halves.refs.values()])
            return derive.filled(halves.refs.finish(outs), perturbed)

    def _pulled_again(
        self, primals: Sequence[Array], perturbed: Sequence[bool], cotangents: Sequence[Any], linear: bool
    ) -> list[Any]:
        """The pullback of the function, run again."""
        with standing_for(self.refs):
            grads = derive.reverse(self.body, primals, perturbed, cotangents, self.name, linear)
        return derive.filled(grads, perturbed)

    def transpose(self, args: Sequence[Array], perturbed: Sequence[bool]) -> Any:
        """The body's transpose, where it has no values."""
        if TRANSPOSED not in self.body.graph.holds:
            return self.vjp(args, perturbed)
        outs = derive.known(self.body, args, perturbed, self.name)
        return outs, lambda cotangents: self._pulled_again(args, perturbed, cotangents, True)

    def _halves(
        self, primals: Sequence[Array], perturbed: Sequence[bool], given: Sequence[bool]
    ) -> tuple[GraphFunction, Checkpoint, Halves]:
        """The forward function, and the backward operation for the results whose cotangents are given."""
        key = ("vjp", tuple(perturbed), tuple(given))
        found = self._made.get(key)
        if found is not None and found[2].refs.usable():
            return found
        halves = halves_of(self.body, self.policy, primals, perturbed, given, self.name, refs=True)
        made = self._made[key] = halves.forward, self._like(halves.backward, differentiated=True), halves
        return made

    def _like(self, body: GraphFunction, differentiated: bool = False) -> Checkpoint:
        return Checkpoint(body, self.policy, self.prevent_cse, self.differentiated or differentiated)

    def vmap(self, frame: Frame, args: Sequence[Array], mapped: Sequence[bool]) -> tuple[list[Array], list[bool]]:
        """The checkpointed function over all lanes."""
        key = ("vmap", tuple(mapped), frame.axis_size)
        if key not in self._made:
            found: list[bool] = []

            def over_lanes(flat: Sequence[Array]) -> list[Array]:
                outs, found[:] = derive.lanes(self.body, flat, mapped, None, frame, self.name)
                return outs

            self._made[key] = self._like(derived(over_lanes, [derive.example(a) for a in args], self.name)), found
        batched, flags = self._made[key]
        return apply(batched.with_refs(self.refs), args), flags


# The public function


class _Traced:
    """A function that was traced: the operation, what it closed over, the tree of its results."""

    def __init__(self, body: Body, policy: Any, prevent_cse: Any) -> None:
        graph = body.run.graph.of_values().with_lifted_first()
        self.op = Checkpoint(GraphFunction(graph, body.run.kinds), policy, prevent_cse)
        self.closed, self.out_tree, self.key_uses, self.refs = body.closed, body.out_tree, body.key_uses, body.refs
        if self.refs is not None:
            own = body.run.graph
            n, place = len(own.own_avals[0]), {v: k for k, v in enumerate([*own.lifted_vars, *own.inputs])}
            closed = sorted([*own.lifted_vars, *own.inputs[n:]], key=lambda v: v.index)  # as it came upon them
            ordered = [*closed, *own.inputs[:n]]
            shown = given(own, ordered, own.outputs[: len(body.avals)])
            slots = [s._replace(argument=len(own.lifted_vars) + s.argument) for s in slots_of(own)]
            self.op.ref_form = RefForm(slots, [place[v] for v in ordered], {"jaxpr": shown}, [shown])
        self.frames = [x._frame for x in body.closed if x._frame is not None]

    def usable(self) -> bool:
        """Whether every traced value that it closed over is still inside its transformation."""
        return all(f.alive for f in self.frames) and (self.refs is None or self.refs.usable())


_traced: weakref.WeakKeyDictionary[Any, dict[Any, _Traced]] = weakref.WeakKeyDictionary()

_CONCRETE: Any = object()

STATIC_HINT = (
    "\n\nConsider using the `static_argnums` parameter for `jax.remat` or `jax.checkpoint`. See the `jax.checkpoint` "
    "docstring and its example involving `static_argnums`:\n"
    "https://docs.jax.dev/en/latest/_autosummary/jax.checkpoint.html\n"
)


def checkpoint(
    fun: Callable[..., Any],
    *,
    prevent_cse: Any = True,
    policy: Callable[..., Any] | None = None,
    static_argnums: Any = (),
    static_argnames: Any = (),
    concrete: Any = _CONCRETE,
) -> Callable[..., Any]:
    """``fun``, of which reverse-mode differentiation keeps the arguments and computes the rest again.

    Args:
        fun: any function that can be traced.
        prevent_cse: bool, or a tuple of bools for the arguments; nothing here merges what is computed again.
        policy: which intermediate values to keep, one of `jax.checkpoint_policies`; none by default.
        static_argnums: positions of arguments that are Python values.
        static_argnames: accepted.
        concrete: gone; raises.
    """
    del static_argnames
    if concrete is not _CONCRETE:
        raise NotImplementedError(
            "The `concrete` option to `jax.checkpoint` was deprecated in JAX v0.8.2, and removed in JAX v0.10.0. In "
            "its place please use `static_argnums`; for details refer to "
            "https://docs.jax.dev/en/latest/jep/11830-new-remat-checkpoint.html."
        )
    static = (static_argnums,) if isinstance(static_argnums, int) else static_argnums
    if isinstance(prevent_cse, list | tuple):
        prevent_cse = tuple(prevent_cse)
    elif not isinstance(prevent_cse, bool):
        raise TypeError(f"prevent_cse must be a bool or tuple of bools, got type(prevent_cse)={type(prevent_cse)}")

    @api_boundary
    def checkpointed(*args: Any, **kwargs: Any) -> Any:
        places = _static_places(static, len(args))
        dynamic = tuple(a for k, a in enumerate(args) if k not in places)
        if isinstance(prevent_cse, tuple):
            broadcast_prefix(prevent_cse, (dynamic, kwargs) if kwargs else dynamic)
        return _call(fun, args, kwargs, places, policy, prevent_cse)

    return wraps(fun)(checkpointed)


def _call(
    fun: Callable[..., Any],
    args: Any,
    kwargs: Any,
    places: frozenset[int],
    policy: Any,
    prevent_cse: Any,
    standing: Standing = (),
) -> Any:
    dynamic = tuple(a for k, a in enumerate(args) if k not in places)
    leaves, in_tree = tree_flatten((dynamic, kwargs))

    def on_leaves(inside: Sequence[Any]) -> Any:
        positional, named = tree_unflatten(in_tree, list(inside))
        filled = list(positional)
        for k in sorted(places):
            filled.insert(k, args[k])
        return fun(*filled, **named)

    if not STATE.plain and current_trace() is None:  # debug_nans looks at each step of it
        return fun(*args, **kwargs)
    if any(map(is_ref, leaves)):
        none = frozenset[int]()
        try:
            with closing_over_refs("checkpoint / remat", [fun], args, kwargs, places, False) as apart:
                (of_others,), others, standing = apart
                return _call(of_others, others, {}, none, policy, prevent_cse, standing)
        except Touched as touched:  # a ref is an argument and closed over as well, or something else that is told
            if not any(touched.ref is x for x in leaves):
                raise

        def closing(*inside: Any) -> Any:  # one is closed over as well: all are, in a trace for this call
            rest = iter(inside)
            return on_leaves([x if is_ref(x) else next(rest) for x in leaves])

        others = [x for x in leaves if not is_ref(x)]
        return _call(wraps(fun)(closing), others, {}, none, policy, prevent_cse)
    values = [x if is_float0(x) else output_array(x) for x in leaves]
    arrays = [x for x in values if isinstance(x, Array)]
    inner_tree = tree_flatten(([0] * len(arrays),))[1]

    def on_arrays(inside: Sequence[Array]) -> Any:
        rest = iter(inside)
        return on_leaves([next(rest) if isinstance(x, Array) else x for x in values])

    static = tuple(Hashed(args[k]) for k in sorted(places))
    kinds = tuple((type(x), x._t.shape, x._t.dtype, x._tag) if isinstance(x, Array) else x.shape for x in values)
    key = (in_tree, static, kinds, policy, prevent_cse, config.trace_context())
    cache = _cache_of(fun)
    found = cache.get(key)
    if found is None or not found.usable():
        body = _trace(wraps(fun)(on_arrays), inner_tree, arrays, _names(fun, places, dynamic, kwargs))
        found = cache[key] = _Traced(body, policy, prevent_cse)
    if found.key_uses is not None:
        found.key_uses.spend(arrays, found.closed, "checkpoint")
    op = found.op.with_refs(standing)
    if found.refs is None:
        return tree_unflatten(found.out_tree, apply(op, [*found.closed, *arrays]))
    with NotingCall(found.refs.refs):
        outs = apply(op, [*found.closed, *arrays, *found.refs.values()])
        return tree_unflatten(found.out_tree, found.refs.finish(outs))


def _cache_of(fun: Any) -> dict[Any, _Traced]:
    if RECORDING.is_special:
        return {}
    try:
        return _traced.setdefault(fun, {})
    except TypeError:  # not hashable, or cannot be referred to weakly
        return {}


def _trace(fun: Callable[..., Any], in_tree: Any, arrays: Sequence[Array], names: Sequence[str]) -> Body:
    try:
        return make_body(fun, in_tree, arrays, "checkpoint / remat", names, refs=True)
    except ConcretizationTypeError as error:
        said = str(error)
        if "for checkpoint" in said:
            error.args = (said + STATIC_HINT,)
        raise


def _static_places(static: Any, count: int) -> frozenset[int]:
    """Positions of static arguments, counted from 0."""
    if not (type(static) is tuple and all(type(k) is int for k in static)):
        raise TypeError(
            "the `static_argnums` argument to `jax.checkpoint` / `jax.remat` must be an int, tuple of ints or, bool, "
            f"but got value {static}"
        )
    low = next((k for k in static if k < -count), None)
    if low is not None:
        raise ValueError(
            "Positional argument indices, e.g. for `static_argnums`, must have value greater than or equal to -len(args) "
            f"and less than len(args), but got value {low} for len(args) == {count}."
        )
    if not all(k < count for k in static):
        raise ValueError(
            "the `static_argnums` argument to `jax.checkpoint` / `jax.remat` can only take integer values greater than "
            f"or equal to `-len(args)` and less than `len(args)`, but got {static}, while `len(args)` = {count}"
        )
    return frozenset(k % count for k in static)


def _names(fun: Any, places: frozenset[int], dynamic: Any, kwargs: dict[str, Any]) -> list[str]:
    """How messages call each leaf."""
    names = [n for k, n in enumerate(argument_names(fun)) if k not in places]
    said = [
        (names[path[0].idx] if path[0].idx < len(names) else f"args[{path[0].idx}]") + keystr(path[1:])
        for path, _ in tree_flatten_with_path(dynamic)[0]
    ]
    return said + [f"{path[0].key}{keystr(path[1:])}" for path, _ in tree_flatten_with_path(kwargs)[0]]


def remat(
    fun: Callable[..., Any],
    *,
    prevent_cse: Any = True,
    policy: Callable[..., Any] | None = None,
    static_argnums: Any = (),
    concrete: Any = _CONCRETE,
) -> Callable[..., Any]:
    """Older name of `checkpoint`."""
    return checkpoint(fun, prevent_cse=prevent_cse, policy=policy, static_argnums=static_argnums, concrete=concrete)
