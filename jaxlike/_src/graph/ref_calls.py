"""ref_calls: calls and loops that get refs: a graph has what these hold as arguments and results, a jaxpr the refs.

An operation that can be shown so has a `RefForm`: where its arguments and results are what refs hold, and what its
graphs are as programs of refs. `NotingCall` notes for each ref that an operation got it. A jaxpr shows refs at an
operation only if it shows all that it gets, inside and outside.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from jaxlike._src.border import unwrap
from jaxlike._src.frames import STATE
from jaxlike._src.graph.ref_events import RefEvent, note_other, shown_events, unnoted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jaxlike._src.array import Array
    from jaxlike._src.graph.graph import Graph, Var


class Slot(NamedTuple):
    """Where an operation has what a ref holds: which argument it is, and which result; None if it is not written."""

    argument: int
    result: int | None


class RefForm:
    """How an operation that gets refs is shown.

    Args:
        slots: for each ref.
        order: of the arguments, as the equation has them.
        params: of what the equation shows these; graphs are those of `given`.
        graphs: the graphs, for looking whether they show their refs.
    """

    def __init__(
        self, slots: Sequence[Slot], order: Sequence[int], params: dict[str, Any], graphs: Sequence[Graph]
    ) -> None:
        self.slots, self.order, self.params, self.graphs = list(slots), list(order), params, graphs
        self._shown: bool | None = None

    def is_shown(self) -> bool:
        """Whether the graphs show all the refs that they are given."""
        if self._shown is None:
            self._shown = all(_shows_all(g) for g in self.graphs)
        return self._shown


def _shows_all(graph: Graph) -> bool:
    shown = {id(e.ref) for e in shown_events(graph)}
    return all(id(e.ref) in shown for e in graph.ref_events if e.kind == "given")


def given(
    graph: Graph, inputs: Sequence[Var], outputs: Sequence[Var], unused: Sequence[tuple[Var, Any]] = ()
) -> Graph:
    """The graph with these inputs, among them what refs hold that it closes over, as a program that is given the refs."""
    made = graph.rearranged(inputs, outputs, unused)
    made.shows_closed = graph.shows_closed
    made.regions, made.written = graph.regions, (graph.written[0], {**graph.written[1], **made.constants})
    made.ref_operands = graph.ref_operands
    made.ref_events = [e._replace(kind="given") if e.kind == "closed" else e for e in graph.ref_events]
    return made


def given_all(graph: Graph, refs: Sequence[Any], held: Sequence[Array]) -> Graph:
    """The graph closing over these refs, its own among them; ``held``: of the types of what they hold."""
    made = graph.with_refs(refs, held)
    there = {id(ref) for ref in graph.refs}
    others = [(r, v) for r, v in zip(refs, made.inputs_of(refs), strict=True) if id(r) not in there]
    made.ref_events = [*made.ref_events, *(RefEvent("closed", r, None, v) for r, v in others)]
    return made


def slots_of(graph: Graph) -> list[Slot]:
    """Where a graph that is given refs, or closes over some, has what they hold."""
    slots = []
    for event in graph.ref_events:
        if event.kind in ("given", "closed"):
            last = [e.after for e in graph.ref_events if e.ref is event.ref][-1]
            result = None if last is event.after else _place_from_the_end(graph.outputs, last)
            slots.append(Slot(graph.inputs.index(event.after), result))
    return slots


def _place_from_the_end(values: Sequence[Any], value: Any) -> int | None:
    return next((k for k in reversed(range(len(values))) if values[k] is value), None)


class NotingCall:
    """With it around one operation that gets what refs hold, the reading before it and the writing after it.

    ``first``: which slot of the operation's form is the first ref's.
    """

    def __init__(self, refs: Sequence[Any], first: int = 0) -> None:
        self._refs, self._first = [ref.root() for ref in refs], first

    def __enter__(self) -> None:
        frame = STATE.frame
        self._trace = frame.trace if frame is not None and self._refs else None
        self._before: list[Any] = []
        self._unnoted = unnoted()
        self._unnoted.__enter__()
        if self._trace is not None:
            self._before = [self._held(ref) for ref in self._refs]
            self._count = len(self._trace.nodes)

    def _held(self, ref: Any) -> Var:
        assert self._trace is not None
        return self._trace.var_of(unwrap(ref.value()))

    def __exit__(self, kind: Any, *exc: object) -> None:
        nodes = [] if self._trace is None else self._trace.nodes[self._count :]
        node = nodes[-1] if len(nodes) == 1 and getattr(getattr(nodes[-1].op, "op", None), "ref_form", None) else None
        after = [self._held(ref) for ref in self._refs] if node is not None and kind is None else []
        self._unnoted.__exit__()
        if kind is not None:
            return
        if node is None or self._trace is None:
            for ref in self._refs:
                note_other(ref)
            return
        at = len(self._trace.nodes)
        for k, (ref, old, new) in enumerate(zip(self._refs, self._before, after, strict=True)):
            self._trace.ref_events.append(RefEvent("call", ref, old, new, at=at, call=node, slot=self._first + k))
