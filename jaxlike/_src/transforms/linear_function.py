"""linear_function: what `vjp` and `linearize` give: a linear function that is a tree of the values it keeps.

As it comes it holds torch's tape, and calls it. Where it is flattened, to leave a jitted function or to be stacked by
a scan, looked into, or called in a trace that is not the tape's, the function is traced together with its linear
part, which is cut off as a graph; what that reads are the leaves. Under transformations the graph is replayed as any
other. `jaxpr` shows the linear part as it maps tangents forward, for a pullback too.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from jaxlike._src import dtypes, torch_private
from jaxlike._src.array import Array
from jaxlike._src.border import unwrap
from jaxlike._src.devices import default_torch_device
from jaxlike._src.frames import current_trace, no_frame
from jaxlike._src.graph.equations import jaxpr_of
from jaxlike._src.graph.partition import cut
from jaxlike._src.graph.trace import is_plain, trace
from jaxlike._src.transforms.grad_accumulation import DidntWant, DontWant, GradRef, NotNeeded, RSpec
from jaxlike._src.tree import Partial, register_pytree_node, tree_flatten, tree_leaves, tree_unflatten
from jaxlike._src.tree.register import CallableShim

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jaxlike._src.array import ShapedArray
    from jaxlike._src.graph.graph import Graph
    from jaxlike._src.graph.jaxpr import Jaxpr

    OnLeaves = Callable[[Sequence[Any]], list[Any]]
    Joint = Callable[[Sequence[Any], Sequence[Any]], Sequence[Any]]


class LinearPart:
    """The linear part of a function as a graph of residuals and arguments."""

    def __init__(self, graph: Graph, kinds: Sequence[tuple[type[Array], Any]], residuals: int) -> None:
        self.graph, self.kinds, self.residuals = graph, kinds, residuals

    def __call__(self, residuals: Sequence[Array], args: Sequence[Array]) -> list[Array]:
        """Its value."""
        tensors = [unwrap(x) for x in (*residuals, *args, *self.graph.lifted)]
        outs = self.graph.replay()(default_torch_device(), *tensors)
        return [kind(t, tag) for (kind, tag), t in zip(self.kinds, outs, strict=True)]

    @functools.cached_property
    def jaxpr(self) -> Jaxpr:
        """The part as a jaxpr, residuals as its constants."""
        made = jaxpr_of(self.graph).jaxpr
        n = self.residuals
        return made.replace(constvars=[*made.constvars, *made.invars[:n]], invars=made.invars[n:])

    @functools.cached_property
    def transposed(self) -> Jaxpr:
        """Its transpose as a jaxpr; where it cannot be transposed, itself."""
        inputs, outs = self.graph.inputs, self.graph.outputs
        with torch_private.outside():
            examples = [
                Array(torch.empty(v.shape, dtype=v.dtype, device="meta")) for v in (*inputs[: self.residuals], *outs)
            ]
        n = self.residuals

        def transpose(flat: Sequence[Array]) -> list[Array]:
            zeros = [Array(torch.zeros(v.shape, dtype=v.dtype, device=default_torch_device())) for v in inputs[n:]]
            pull = vjp_leaves(lambda args: (self(flat[:n], args), None), zeros, "linear", linear=True)[2]
            return pull(flat[n:])

        from jaxlike._src.transforms.reverse import vjp_leaves  # which is built on this module

        try:
            graph, outs = trace(transpose, examples, "linear")
        # A user's backward rule may refuse to be traced so. The text alone needs it: a pullback that is called raises
        # the rule's error, and here the jaxpr before transposition is shown.
        except (NotImplementedError, TypeError, ValueError):
            return self.jaxpr
        return LinearPart(graph, [(type(o), o._tag) for o in outs], n).jaxpr


class Cut(NamedTuple):
    """A function cut in two: the linear part, what it reads, and which of that are the function's arguments."""

    part: LinearPart
    residuals: Sequence[Array]
    places: tuple[int | None, ...]  # for each residual which primal it is
    is_plain: bool  # whether the residuals are values of no transformation, good anywhere


def cut_off(
    joint: Joint, primals: Sequence[Array], avals: Sequence[ShapedArray], is_residual: Any = lambda _: True
) -> Cut:
    """The linear part of ``joint(primals, args)``, for arguments of these types."""
    n = len(primals)
    with torch_private.outside():
        args = [Array(torch.empty(a.shape, dtype=dtypes.to_torch(a.dtype), device="meta"), a.weak_type) for a in avals]
    graph, outs = trace(lambda flat: list(joint(flat[:n], flat[n:])), [*primals, *args], "linear")
    kinds = [(type(o), o._tag) for o in outs]
    closed = graph.lifted
    graph = graph.with_lifted_first()
    primals = [*closed, *primals]
    halves = cut(graph, len(primals), 0, is_residual)
    anywhere = all(is_plain(p._t) for p in primals)
    with contextlib.ExitStack() as aside:
        if anywhere:  # so that the values are computed now, and by no trace that runs
            for manager in (torch_private.cleared_levels(), torch_private.no_modes(), no_frame()):
                aside.enter_context(manager)
        made = halves.forward.replay()(default_torch_device(), *map(unwrap, primals))
        kept = [*(primals[k] for k in halves.read), *map(Array, made)]
    places = *(k - len(closed) if k >= len(closed) else None for k in halves.read), *(None for _ in made)
    return Cut(LinearPart(halves.backward, kinds, len(kept)), kept, places, anywhere)


class LinearFunction:
    """A linear function of trees: a tape of torch's as long as it is at hand, else a part cut off.

    Args:
        public: ``public(on_leaves, *args)``: what a call does, given the function on differentiable leaves.
        on_leaves: that function.
        joint: ``joint(primals, args)``: the same, from the primals on.
        primals: the primals.
        avals: the types of the differentiable leaves of the arguments.
    """

    def _start(
        self,
        public: Callable[..., Any],
        on_leaves: OnLeaves | None,
        joint: Joint | None,
        primals: Sequence[Array] = (),
        avals: Sequence[ShapedArray] = (),
    ) -> None:
        self._public, self._on_leaves, self._joint = public, on_leaves, joint
        self._primals, self._avals = list(primals), list(avals)
        self._parts: Cut | None = None
        self._made_in = current_trace()  # whose tape it is

    def _apply(self, *args: Any) -> Any:
        """The value."""
        on_leaves = self._on_leaves
        if on_leaves is not None and (self._joint is None or current_trace() is self._made_in):
            return self._public(on_leaves, *args)
        parts = self._find_parts()
        if parts is None:
            return self._public(on_leaves, *args)
        residuals = self._kept(parts)
        return self._public(lambda leaves: parts.part(residuals, leaves), *args)

    def _kept(self, parts: Cut) -> Sequence[Array]:
        """The residuals as they are now."""
        return parts.residuals

    def _find_parts(self) -> Cut | None:
        """The linear part and what it reads; None where there is no graph of it."""
        if self._parts is None and self._joint is not None:
            try:
                parts = cut_off(self._joint, self._primals, self._avals)
            except Exception:  # the function ran with these values: what fails now looks at them, so no graph can be
                self._joint = None
                return None
            if not parts.is_plain and current_trace() is not self._made_in:
                return parts  # values of the trace that runs, which would leak from it
            self._parts = parts
        return self._parts

    def _known_parts(self) -> Cut:
        """The same for who wants to see them."""
        parts = self._find_parts()
        if parts is None:
            raise TypeError("there is no jaxpr of a function that looks at values")
        return parts


class Linearized(LinearFunction, Partial):
    """What `linearize` gives: in JAX a `Partial` of a function and what it keeps."""

    def __new__(cls, *_: Any) -> Linearized:
        """A partial whose function and arguments are found when somebody looks."""
        return functools.partial.__new__(cls, cls._apply)

    def __init__(self, *state: Any) -> None:
        self._start(*state)

    def __call__(self, *tangents: Any) -> Any:
        """Tangents of the results for those of the arguments."""
        return self._apply(*tangents)

    @property
    def func(self) -> Any:
        """The linear part, as a function of what is kept."""
        parts, public = self._known_parts(), self._public

        def lift_linearized(jaxpr: Any, residuals: Sequence[Array], *tangents: Any) -> Any:
            del jaxpr
            return public(lambda leaves: parts.part(residuals, leaves), *tangents)

        lifted = functools.partial(lift_linearized, parts.part.jaxpr)
        return CallableShim(lifted).show(lifted)

    @property
    def args(self) -> tuple[Any, ...]:
        """What is kept."""
        return (list(self._known_parts().residuals),)

    @property
    def keywords(self) -> dict[str, Any]:
        """None."""
        return {}

    def __repr__(self) -> str:
        if self._find_parts() is None:
            return f"Partial({self._public!r})"
        return f"Partial({', '.join(map(repr, (self.func, *self.args)))})"

    def _flatten(self) -> tuple[Any, Any]:
        parts = self._find_parts()
        if parts is None:
            return ((), {}), (self._public, self._on_leaves)
        return ((parts.residuals,), {}), (self._public, parts._replace(residuals=()))

    @staticmethod
    def _unflatten(aux: Any, children: Any) -> Linearized:
        public, kept = aux
        if not isinstance(kept, Cut):
            return Linearized(public, kept, None)
        made = Linearized(public, None, None)
        made._parts = kept._replace(residuals=children[0][0])
        return made


class VJP(LinearFunction):
    """What `vjp` gives: a function from a cotangent of the result to those of the arguments.

    Attributes:
        args_res: for each argument its leaves that the backward pass reads, `NotNeeded` in place of the others.
        opaque_residuals: what it reads beside them.
        jaxpr: the function's linear part.
    """

    def __init__(self, trees: tuple[Any, Any], out_avals: Sequence[ShapedArray], *state: Any) -> None:
        self.in_tree, self.out_tree = trees
        self._out_avals = tuple(out_avals)
        self._lists: tuple[list[Any], list[Any]] | None = None
        self._start(*state)

    def __call__(self, out_ct: Any, *extra_args: Any) -> Any:
        """The cotangents of the arguments."""
        return self._apply(out_ct, *extra_args)

    def with_refs(self, *maybe_ct_refs: Any) -> Callable[[Any], Any]:
        """The same, told of each leaf of the arguments whether to add its cotangent to a ref.

        A leaf is a ref, ``GradValue()`` or ``DontWant()``; what comes back of it is ``GradRef()``, the cotangent, or
        ``DidntWant()``.
        """
        told, tree = tree_flatten(maybe_ct_refs)
        if tree != self.in_tree:
            raise ValueError(
                f"with_refs needs a ref, GradValue() or DontWant() for each leaf of {self.in_tree}, got {tree}"
            )

        def pull(out_ct: Any) -> Any:
            given = []
            for wish, ct in zip(told, tree_flatten(self(out_ct))[0], strict=True):
                if isinstance(wish, DontWant):
                    given.append(DidntWant())
                elif hasattr(wish, "addupdate"):
                    wish.addupdate(ct)
                    given.append(GradRef())
                else:
                    given.append(ct)
            return tree_unflatten(self.in_tree, given)

        return Partial(pull)

    @property
    def args_res(self) -> list[Any]:
        """See the class."""
        return self._both()[0]

    @property
    def opaque_residuals(self) -> list[Any]:
        """See the class."""
        return self._both()[1]

    @property
    def jaxpr(self) -> Any:
        """See the class."""
        return self.fun.args[2]

    @property
    def fun(self) -> Any:
        """The pullback as a function of trees and residuals."""
        parts, public = self._known_parts(), self._public

        def vjp_callable(
            spec: Any, known: Any, jaxpr: Any, avals: Any, in_tree: Any, out_tree: Any, args_res: Any, opaque: Any
        ) -> Callable[[Any], Any]:
            del known, jaxpr, avals, in_tree, out_tree
            residuals = _gathered(spec, args_res, opaque)
            return lambda out_ct: public(lambda leaves: parts.part(residuals, leaves), out_ct)

        known = [a.to_tangent_aval().dtype == dtypes.float0 for a in self._out_avals]
        return functools.partial(vjp_callable, self._spec(parts), known, parts.part.transposed, list(self._out_avals))

    def __repr__(self) -> str:
        shown: tuple[str, ...] = ("in_tree", "out_tree")
        if self._find_parts() is not None:
            shown = ("fun", *shown, "args_res", "opaque_residuals")
        return f"VJP({', '.join(f'{name}={getattr(self, name)!r}' for name in shown)})"

    def _spec(self, parts: Cut) -> list[RSpec]:
        opaque = itertools.count()
        return [RSpec(next(opaque), False) if k is None else RSpec(k, True) for k in parts.places]

    def _both(self) -> tuple[list[Any], list[Any]]:
        """The lists, which a user may change; from now on a call reads them."""
        if self._lists is None:
            self._parts = parts = self._known_parts()
            self._lists, self._on_leaves = self._listed(parts), None
        return self._lists

    def _listed(self, parts: Cut) -> tuple[list[Any], list[Any]]:
        pairs = list(zip(parts.places, parts.residuals, strict=True))
        read = {k: x for k, x in pairs if k is not None}
        leaves = [read.get(k, NotNeeded()) for k in range(self.in_tree.num_leaves)]
        nested = self.in_tree.walk(lambda children, _: tuple(children), lambda x: x, leaves)
        return list(nested), [x for k, x in pairs if k is None]

    def _kept(self, parts: Cut) -> Sequence[Array]:
        return parts.residuals if self._lists is None else _gathered(self._spec(parts), *self._lists)

    def _flatten(self) -> tuple[Any, Any]:
        parts = self._find_parts()
        state = (self.in_tree, self.out_tree), self._out_avals, self._public
        if parts is None:
            return ([], []), (*state, self._on_leaves)
        lists = self._listed(parts) if self._lists is None else self._lists
        return lists, (*state, parts._replace(residuals=()))

    @staticmethod
    def _unflatten(aux: Any, lists: Any) -> VJP:
        *state, kept = aux
        trees, out_avals, public = state
        if not isinstance(kept, Cut):
            return VJP(trees, out_avals, public, kept, None)
        made = VJP(trees, out_avals, public, None, None)
        made._parts, made._lists = kept, lists
        return made


def _gathered(spec: Sequence[RSpec], args_res: Any, opaque: Sequence[Any]) -> list[Any]:
    leaves = tree_leaves(args_res, is_leaf=lambda x: isinstance(x, NotNeeded))
    return [leaves[s.idx] if s.primal else opaque[s.idx] for s in spec]


register_pytree_node(Linearized, Linearized._flatten, Linearized._unflatten)
register_pytree_node(VJP, VJP._flatten, VJP._unflatten)
