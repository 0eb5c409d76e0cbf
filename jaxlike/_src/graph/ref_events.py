"""ref_events: what a traced program does with mutable arrays, so that its jaxpr shows refs and not their values alone.

A trace knows values only (see `transforms/ref_state`). Beside its nodes it notes what was done with each ref, with the
values before and after, and the nodes that computed it. A ref is shown where that is its whole story: every access was
noted, each begins with the value that the one before it left, and nothing else reads what was computed in between. Any
other ref (one that a loop or a call inside carries along, or that is differentiated) stays a row of values.
"""

from __future__ import annotations

import itertools
import threading
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from jaxlike._src.array import Array
from jaxlike._src.border import unwrap
from jaxlike._src.frames import STATE
from jaxlike._src.graph.effects import (
    JaxprInputEffect,
    OwnEffect,
    allow,
    control_flow_allowed_effects,
    custom_derivatives_allowed_effects,
    partial_eval_kept_effects,
    remat_allowed_effects,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jaxlike._src.graph.graph import Graph, Node, Var


class RefEffect(JaxprInputEffect):
    """Something done with a ref: the variable of a jaxpr that stands for it."""

    def __str__(self) -> str:
        return f"{type(self).__name__.removesuffix('Effect')}<{self.input}>"


class ReadEffect(RefEffect):
    """It is read."""


class WriteEffect(RefEffect):
    """It is written, and perhaps read."""


class AccumEffect(RefEffect):
    """Something is added to it."""


class InternalMutableArrayEffect(OwnEffect):
    """A ref is made or frozen inside."""

    __str__ = object.__repr__


for _effect in (RefEffect, InternalMutableArrayEffect):
    allow(_effect, control_flow_allowed_effects, custom_derivatives_allowed_effects, remat_allowed_effects)
partial_eval_kept_effects.add_type(RefEffect)
internal_mutable_array_effect = InternalMutableArrayEffect()
EFFECTS: dict[str, type[RefEffect]] = {"get": ReadEffect, "swap": WriteEffect, "addupdate": AccumEffect}


# Which part of a ref


class RefPart(NamedTuple):
    """An index into an array: along each axis a slice as (start, size, step), or None for the next operand."""

    axes: tuple[tuple[int, int, int] | None, ...]
    shape: tuple[int, ...]  # of the array

    def of(self, operands: Sequence[Any]) -> tuple[Any, ...]:
        """The index as an array takes it."""
        rest = iter(operands)
        return tuple(next(rest) if a is None else slice(a[0], a[0] + (a[1] - 1) * a[2] + 1, a[2]) for a in self.axes)

    def text(self, operands: Sequence[str]) -> str:
        """In brackets, as jaxprs have it: of a slice its start and size alone."""
        rest, shown = iter(operands), []
        for axis, n in zip(self.axes, self.shape, strict=True):
            if axis is None:
                shown.append(next(rest))
            else:
                start, size, _ = axis
                shown.append(f"{start or ''}:{'' if start + size == n else start + size}")
        return f"[{','.join(shown)}]"


class RefParts(tuple[RefPart, ...]):
    """A part of a part and so on; an empty one is the whole ref."""

    __slots__ = ()

    def split(self, operands: Sequence[Any]) -> list[tuple[RefPart, list[Any]]]:
        """Each with its operands."""
        rest = iter(operands)
        return [(part, [next(rest) for a in part.axes if a is None]) for part in self]

    def shown(self, operands: Sequence[str]) -> str:
        """As jaxprs have it."""
        return "".join(part.text(given) for part, given in self.split(operands)) or "[...]"


WHOLE = RefParts()


# Noting


class RefEvent(NamedTuple):
    """Something done with a ref."""

    kind: str  # a primitive, or how the ref came: "given", "closed"
    ref: Any
    before: Var | None
    after: Var | None
    operands: tuple[Any, ...] = ()  # Vars and numbers: a value, places
    parts: RefParts = WHOLE
    out: Var | None = None
    nodes: tuple[Node, ...] = ()  # that compute it
    at: int = 0  # how many nodes there were
    call: Node | None = None  # the operation that got the ref,
    slot: int = 0  # and which of the slots of its form is the ref's, see `ref_calls`

    def values(self) -> list[Var]:
        """The operands that are no numbers."""
        return [v for v in self.operands if not isinstance(v, int | np.integer)]


class _State(threading.local):
    noting: int = 0  # how many things are being noted: accesses in them are theirs


_STATE = _State()


class unnoted:
    """Accesses inside are part of something that is noted, or of nothing."""

    def __enter__(self) -> None:
        _STATE.noting += 1

    def __exit__(self, *exc: object) -> None:
        _STATE.noting -= 1


class Noting:
    """Notes one thing that is done with a ref, in a trace: with it around what computes that, and a call of `done`."""

    def __init__(self, trace: Any, kind: str, ref: Any) -> None:
        self._trace, self._kind, self._ref = trace, kind, ref
        self._nodes: list[Node] = []
        self._before = self._state()

    def __enter__(self) -> None:
        _STATE.noting += 1
        self._start = len(self._trace.nodes)

    def __exit__(self, *exc: object) -> None:
        _STATE.noting -= 1
        self._nodes += self._trace.nodes[self._start :]

    def _state(self) -> Var:
        with unnoted():
            return self._var(self._ref.value())

    def _var(self, x: Any) -> Any:
        return self._trace.var_of(unwrap(x)) if isinstance(x, Array) else x

    def renamed(self, x: Array) -> Array:
        """The same value under another name, so that who uses it is known."""
        return type(x)(self._trace.renamed(unwrap(x)), x._tag)

    def done(self, operands: Sequence[Any], parts: RefParts | None = None, out: Array | None = None) -> None:
        """It is done: to these parts (None where they cannot be said), with these values and places."""
        given = tuple([self._var(x) for x in operands])
        kind = "other" if parts is None else self._kind
        made = None if out is None else self._var(out)
        at = len(self._trace.nodes)
        event = RefEvent(
            kind, self._ref, self._before, self._state(), given, parts or WHOLE, made, tuple(self._nodes), at
        )
        self._trace.ref_events.append(event)


def noting(kind: str, ref: Any) -> Noting | None:
    """What notes something that is done with a ref, where a trace runs and nothing inside of it."""
    frame = STATE.frame
    return None if frame is None or frame.trace is None else Noting(frame.trace, kind, ref)


def note_other(ref: Any) -> None:
    """A ref is read or written by something else than the functions that note what they do."""
    frame = None if _STATE.noting else STATE.frame
    while frame is not None:
        if frame.trace is not None:
            frame.trace.ref_events.append(RefEvent("other", ref, None, None))
        frame = frame.parent


def note_coming(kind: str, ref: Any, value: Array, trace: Any = None) -> None:
    """A ref that the function of a trace, or the one that is traced now, is given or closes over has this value."""
    frame = STATE.frame
    if trace is None and frame is not None:
        trace = frame.trace
    if trace is not None:
        trace.ref_events.append(RefEvent(kind, ref, None, trace.var_of(value._t)))


# Reading


def shown_events(graph: Graph) -> list[RefEvent]:
    """The events of refs that can be shown, in order."""
    histories: dict[int, list[RefEvent]] = {}
    for event in graph.ref_events:
        histories.setdefault(id(event.ref), []).append(event)
    nodes, constants = graph.written
    users: dict[Var, list[int]] = {}
    there = {*graph.inputs, *graph.lifted_vars, *graph.ref_operands, *constants}
    for node in nodes:
        there.update(o for o in node.outs if o is not None)
        for v in node.reads():
            users.setdefault(v, []).append(id(node))
    results = set(graph.outputs[: len(graph.outputs) - len(graph.written_refs)])
    ids = set(map(id, nodes))
    shown = {key for key, history in histories.items() if _is_whole(history, users, results, there, ids)}
    calls: dict[int, list[RefEvent]] = {}
    for event in graph.ref_events:
        if event.call is not None:
            calls.setdefault(id(event.call), []).append(event)
    while True:  # until every operation is given refs that are all shown, or none
        partly = [es for es in calls.values() if any(id(e.ref) in shown for e in es) and not _all_shown(es, shown)]
        if not partly:
            return [e for e in graph.ref_events if id(e.ref) in shown]
        shown -= {id(e.ref) for es in partly for e in es}


def _all_shown(events: Sequence[RefEvent], shown: set[int]) -> bool:
    """Whether an operation's refs are all shown, outside and inside."""
    assert events[0].call is not None
    form = events[0].call.op.op.ref_form
    return len(events) == len(form.slots) and all(id(e.ref) in shown for e in events) and form.is_shown()


def _is_whole(
    history: list[RefEvent], users: dict[Var, list[int]], results: set[Var], there: set[Var], ids: set[int]
) -> bool:
    first = history[0]
    if first.kind not in ("new_ref", "given", "closed") or any(e.kind == "other" for e in history):
        return False
    if any(after.before is not before.after for before, after in itertools.pairwise(history)):
        return False
    read = {v for e in history for v in e.values()}
    own = {id(n) for e in history for n in e.nodes}
    hidden = {o for e in history for n in e.nodes for o in n.outs if o is not None and o is not e.out} - read
    if first.kind != "new_ref" and first.after is not None:
        hidden.add(first.after)
    for event in history:
        if (node := event.call) is not None:
            form = node.op.op.ref_form
            slot = form.slots[event.slot] if event.slot < len(form.slots) else None
            if slot is None or id(node) not in ids or node.args[slot.argument] is not event.before:
                return False
            if event.after is not (event.before if slot.result is None else node.outs[slot.result]):
                return False
            own.add(id(node))
            if slot.result is not None and event.after is not None:
                hidden.add(event.after)
    return read <= there and not hidden & results and all(u in own for v in hidden for u in users.get(v, ()))


def needed_for(graph: Graph, events: Sequence[RefEvent]) -> set[int]:
    """The ids of the nodes that make what events read, and nothing else may use."""
    wanted = {v for e in events for v in e.values()}
    calls = {id(e.call) for e in events if e.call is not None}
    found: set[int] = set()
    for node in reversed(graph.written[0]):
        if id(node) in calls or any(o in wanted for o in node.outs):
            found.add(id(node))
            wanted.update(node.reads())
    return found
