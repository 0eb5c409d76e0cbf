"""ref_rules: how a jaxpr says what is done with refs: ``new_ref``, ``get``, ``swap``, ``addupdate``, ``freeze``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from jaxlike._src import dtypes
from jaxlike._src.array import ShapedArray
from jaxlike._src.graph.jaxpr import JaxprEqn, Literal, literal
from jaxlike._src.graph.jaxpr import Var as JaxprVar
from jaxlike._src.graph.primitive import builtin
from jaxlike._src.graph.ref_events import EFFECTS, internal_mutable_array_effect
from jaxlike._src.graph.source import SourceInfo, new_name_stack

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jaxlike._src.graph.graph import Node
    from jaxlike._src.graph.reader import Reader
    from jaxlike._src.graph.ref_events import RefEvent


class RefWriter:
    """Writes the equations of events, each when what was computed before it is there."""

    def __init__(self, reader: Reader, events: Sequence[RefEvent]) -> None:
        self._reader = reader
        self._of: dict[int, JaxprVar] = {}  # by the id of a ref its variable
        self.given: dict[Any, JaxprVar] = {}  # the inputs that are values of refs
        self.closed: dict[Any, JaxprVar] = {}  # the same of refs that the function closes over,
        self.closed_over: list[Any] = []  # and these
        self.effects: set[Any] = set()
        self.nodes = {id(n) for e in events for n in e.nodes}
        self._place = {id(n): k for k, n in enumerate(reader.graph.written[0])} if events else {}
        for e in events:
            if e.kind in ("given", "closed"):
                var = self._of[id(e.ref)] = JaxprVar(e.ref.aval)
                (self.given if e.kind == "given" else self.closed)[e.after] = var
                if e.kind == "closed":
                    self.closed_over.append(e.ref)
        self._waiting = [e for e in events if e.kind not in ("given", "closed", "call")]
        self.calls: dict[int, dict[int, Any]] = {}  # by the id of a node the refs of its slots
        for e in events:
            if e.call is not None:
                self.calls.setdefault(id(e.call), {})[e.slot] = e.ref

    def unread(self) -> set[Any]:
        """What is closed over and read by nothing but nodes that are not shown for themselves."""
        graph = self._reader.graph
        read = {v for e in self._waiting for v in e.values()} | set(graph.outputs)
        for node in graph.nodes if self._place else ():
            if id(node) not in self.nodes:
                read.update(node.reads())
        return {*graph.lifted_vars, *graph.constants} - read if self._place else set()

    def until(self, node: Node | None) -> None:
        """Write what comes before a node, or all."""
        while self._waiting and (node is None or self._waiting[0].at <= self._place[id(node)]):
            self._write(self._waiting.pop(0))

    def _write(self, event: RefEvent) -> None:
        r = self._reader
        atoms = [self._number(v) if isinstance(v, int | np.integer) else r.atom(v) for v in event.operands]
        if event.kind in ("swap", "addupdate") and not isinstance(atoms[0], Literal) and atoms[0].aval.weak_type:
            atoms[0] = r.strong(atoms[0])
        if event.kind == "new_ref":
            var = self._of[id(event.ref)] = JaxprVar(event.ref.aval)
            self._add(atoms, [var], event, {"memory_space": None, "kind": None}, internal_mutable_array_effect)
            return
        var = self._of[id(event.ref)]
        outs: list[Any] = []
        if event.out is not None:
            outs = [r.result(event.out)]
        elif event.kind == "swap":  # of which nothing uses what was there before
            outs = [JaxprVar(ShapedArray(atoms[0].aval.shape, event.ref.dtype))]
        params = {"tree": event.parts} if event.kind in EFFECTS else {}
        effect = None if event.kind == "free_ref" else internal_mutable_array_effect
        self._add([var, *atoms], outs, event, params, EFFECTS[event.kind](var) if event.kind in EFFECTS else effect)

    def call(self, node: Node, operands: list[Any], outs: list[Any], known: dict[str, Any]) -> tuple[Any, ...]:
        """Operands, results, parameters and effects of an operation as one that gets refs."""
        form = node.op.op.ref_form
        at = {k: self._of[id(ref)] for k, ref in self.calls[id(node)].items()}
        operands = list(operands)
        for k, slot in enumerate(form.slots):
            operands[slot.argument] = at[k]
        written = {slot.result for slot in form.slots}
        given = [operands[k] for k in form.order]
        params = known | {k: self._reader.shown(v) for k, v in form.params.items()}
        inner = [j for j in map(self._reader.jaxpr_of, form.graphs)]
        effects: set[Any] = set()
        for closed in inner:
            skipped = len(given) - len(closed.jaxpr.invars)  # an index, or what another graph takes
            place = {v: k + skipped for k, v in enumerate(closed.jaxpr.invars)}
            for e in closed.effects:
                var = given[place[e.input]] if getattr(e, "input", None) in place else None
                effects.add(e if var is None else type(e)(var))
        mine = {*self.given.values(), *self.closed.values()}
        self.effects |= {e for e in effects if getattr(e, "input", None) in mine or not hasattr(e, "input")}
        return given, [o for k, o in enumerate(outs) if k not in written], params, effects

    def _number(self, value: Any) -> Literal:
        dtype = value.dtype if isinstance(value, np.integer) else dtypes.default_int_dtype()
        return literal(value, ShapedArray((), dtype))

    def _add(self, ins: list[Any], outs: list[Any], event: RefEvent, params: dict[str, Any], effect: Any) -> None:
        effects = set() if effect is None else {effect}
        if effect is internal_mutable_array_effect or ins[0] in {*self.given.values(), *self.closed.values()}:
            self.effects |= effects
        line = event.nodes[0].line if event.nodes else None
        info = SourceInfo(line, new_name_stack())
        self._reader.eqns.append(JaxprEqn(ins, outs, builtin(event.kind), params, effects, info))
