"""scan_parts: what of a scan's body takes part in the loop, and how its arguments and results are arranged for that.

What the body only hands through takes no part: a carry that stays as it is is a constant, and a y that is x is the row
that was given. What refs hold that the body closes over is carried along, or a constant if the body only reads them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jaxlike._src.graph.ref_calls import RefForm, Slot, given
from jaxlike._src.transforms.derive import chosen_of, others_of
from jaxlike._src.transforms.structured import GraphFunction

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jaxlike._src.array import Array
    from jaxlike._src.graph.graph import Graph, Var
    from jaxlike._src.lax.body import Body
    from jaxlike._src.transforms.ref_state import ClosedRefs


class Parts:
    """The parts of a body: ``step`` takes constants, carry and rows, and gives the next carry and rows."""

    def __init__(self, body: Body, carry: Sequence[Array], rows: Sequence[Array]) -> None:
        graph, kinds, n = body.run.graph, body.run.kinds, len(carry)
        own, end = [*carry, *rows], len(body.avals)
        places = {v: k for k, v in enumerate(graph.inputs[: len(own)])}
        same = [
            places[v] if v in places and kind == (type(x := own[places[v]]), x._tag) else None
            for v, kind in zip(graph.outputs[:end], kinds, strict=False)
        ]
        self.stays = [same[k] == k for k in range(n)]
        self.row_of = [None if k is None or k < n else k - n for k in same[n:]]
        self.moves = [any(r is w for w in graph.written_refs) for r in graph.refs]
        held, last = graph.inputs[len(own) :], range(end, len(kinds))
        constants = [*chosen_of(graph.inputs[:n], self.stays), *graph.lifted_vars, *others_of(held, self.moves)]
        carried = [*others_of(graph.inputs[:n], self.stays), *chosen_of(held, self.moves)]
        kept = [*others_of(range(n), self.stays), *last, *(n + k for k, row in enumerate(self.row_of) if row is None)]
        step = graph.rearranged(
            [*constants, *carried, *graph.inputs[n : len(own)]], [graph.outputs[k] for k in kept]
        )
        self.step = GraphFunction(step, [kinds[k] for k in kept])
        self.n_consts, self.n_carry, self._n_refs = len(constants), len(carried), len(last)
        self.form = self._form(graph, constants, carried, graph.inputs[n : len(own)], held) if held else None

    def _form(
        self, graph: Graph, constants: list[Var], carried: list[Var], rows: Sequence[Var], held: Sequence[Var]
    ) -> RefForm:
        """The loop of refs: they are constants of its body."""
        first = self.n_carry - self._n_refs
        last = iter(range(first, self.n_carry))
        places = {v: k for k, v in enumerate([*constants, *carried, *rows])}
        slots = [Slot(places[v], next(last) if m else None) for v, m in zip(held, self.moves, strict=True)]
        closed = sorted([*graph.lifted_vars, *held], key=lambda v: v.index)  # as the body came upon them
        ordered = [*constants[: self.stays.count(True)], *closed, *carried[:first], *rows]
        outputs = self.step.graph.outputs
        shown = given(graph, ordered, [*outputs[:first], *outputs[self.n_carry :]])
        params = {"jaxpr": shown, "num_consts": len(ordered) - len(rows) - first, "num_carry": first}
        return RefForm(slots, [places[v] for v in ordered], params, [shown])

    def arguments(
        self, closed: Sequence[Array], carry: Sequence[Array], rows: Sequence[Array], refs: ClosedRefs | None
    ) -> list[Array]:
        """Constants, carry and rows of the loop."""
        held = [] if refs is None else refs.values()
        constants = [*chosen_of(carry, self.stays), *closed, *others_of(held, self.moves)]
        return [*constants, *others_of(carry, self.stays), *chosen_of(held, self.moves), *rows]

    def results(
        self, outs: list[Array], init: Sequence[Any], rows: Sequence[Array], refs: ClosedRefs | None
    ) -> list[Any]:
        """What the scan gives, for the loop's results; a carry that stays is what was given."""
        if refs is not None:
            first = self.n_carry - self._n_refs
            outs = [*outs[:first], *refs.finish([*outs[self.n_carry :], *outs[first : self.n_carry]])]
        rest = iter(outs)
        done = [x if s else next(rest) for x, s in zip(init, self.stays, strict=True)]
        return [*done, *(next(rest) if k is None else rows[k] for k in self.row_of)]
