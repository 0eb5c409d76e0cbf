"""linear_function: what `vjp` and `linearize` give: a linear function that is a tree of the values it keeps.

As it comes it holds torch's tape, and calls it. Where it is flattened, to leave a jitted function or to be stacked by
a scan, or called in a trace that is not the tape's, the function is traced together with its linear part, which is
cut off as a graph; what that reads are the leaves. Under transformations the graph is replayed as any other.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import torch

from jaxlike._src import dtypes, errors, torch_private
from jaxlike._src.array import Array
from jaxlike._src.border import unwrap
from jaxlike._src.devices import default_torch_device
from jaxlike._src.frames import current_trace, no_frame
from jaxlike._src.graph.trace import is_plain, trace
from jaxlike._src.transforms.partition import cut
from jaxlike._src.tree import register_pytree_node

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jaxlike._src.array import ShapedArray
    from jaxlike._src.graph.graph import Graph

    OnLeaves = Callable[[Sequence[Any]], list[Any]]


class LinearPart:
    """The linear part of a function as a graph of residuals and arguments."""

    def __init__(self, graph: Graph, kinds: Sequence[tuple[type[Array], Any]]) -> None:
        self.graph, self.kinds = graph, kinds

    def __call__(self, residuals: Sequence[Array], args: Sequence[Array]) -> list[Array]:
        """Its value."""
        tensors = [unwrap(x) for x in (*residuals, *args, *self.graph.lifted)]
        outs = self.graph.replay()(default_torch_device(), *tensors)
        return [kind(t, tag) for (kind, tag), t in zip(self.kinds, outs, strict=True)]


class LinearFunction:
    """A linear function of trees.

    Args:
        public: ``public(on_leaves, *args)``: what a call does, given the function on differentiable leaves.
        on_leaves: that function.
        joint: ``joint(primals, args)``: the same, from the primals on.
        primals: the primals.
        avals: the types of the differentiable leaves of the arguments.
    """

    def __init__(
        self,
        public: Callable[..., Any],
        on_leaves: OnLeaves,
        joint: Callable[[Sequence[Any], Sequence[Any]], Sequence[Any]] | None,
        primals: Sequence[Array] = (),
        avals: Sequence[ShapedArray] = (),
    ) -> None:
        self._public, self._on_leaves, self._joint = public, on_leaves, joint
        self._primals, self._avals = list(primals), list(avals)
        self._parts: tuple[LinearPart, list[Array]] | None = None
        self._made_in = current_trace()  # whose tape it is

    def __call__(self, *args: Any) -> Any:
        """The value."""
        parts = self._find_parts() if self._joint is not None and current_trace() is not self._made_in else None
        if parts is None:
            return self._public(self._on_leaves, *args)
        part, residuals = parts
        return self._public(lambda leaves: part(residuals, leaves), *args)

    def _find_parts(self) -> tuple[LinearPart, list[Array]] | None:
        """The linear part and what it reads; None where there is no graph of it."""
        if self._parts is None and self._joint is not None:
            try:
                parts, anywhere = self._traced(self._joint)
            except errors.ConcretizationTypeError:  # it looks at values, so no graph can say what it does
                self._joint = None
                return None
            if not anywhere and current_trace() is not self._made_in:
                return parts  # values of the trace that runs, which would leak from it
            self._parts = parts
        return self._parts

    def _flatten(self) -> tuple[Any, Any]:
        parts = self._find_parts()
        if parts is None:
            return (), (self._public, self._on_leaves)
        part, residuals = parts
        return residuals, (self._public, part)

    @staticmethod
    def _unflatten(aux: Any, residuals: Any) -> LinearFunction:
        public, part = aux
        if not isinstance(part, LinearPart):
            return LinearFunction(public, part, None)
        kept = list(residuals)
        made = LinearFunction(public, lambda args: part(kept, args), None)
        made._parts = part, kept
        return made

    def _traced(self, joint: Callable[..., Sequence[Any]]) -> tuple[tuple[LinearPart, list[Array]], bool]:
        """The parts, and whether they hold values of no transformation, good anywhere."""
        n = len(self._primals)
        with torch_private.outside():
            args = [
                Array(torch.empty(a.shape, dtype=dtypes.to_torch(a.dtype), device="meta"), a.weak_type)
                for a in self._avals
            ]
        examples = [*self._primals, *args]
        graph, outs = trace(lambda flat: list(joint(flat[:n], flat[n:])), examples, "linear")
        kinds = [(type(o), o._tag) for o in outs]
        closed = graph.lifted
        graph = graph.with_lifted_first()
        primals = [*closed, *self._primals]
        halves = cut(graph, len(primals), 0, lambda _: True)
        anywhere = all(is_plain(p._t) for p in primals)
        with contextlib.ExitStack() as aside:
            if anywhere:  # so that the values are computed now, and by no trace that runs
                for manager in (torch_private.cleared_levels(), torch_private.no_modes(), no_frame()):
                    aside.enter_context(manager)
            made = halves.forward.replay()(default_torch_device(), *map(unwrap, primals))
            kept = [*(primals[k] for k in halves.read), *map(Array, made)]
        return (LinearPart(halves.backward, kinds), kept), anywhere


register_pytree_node(LinearFunction, LinearFunction._flatten, LinearFunction._unflatten)
