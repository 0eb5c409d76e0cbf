"""program: the C++ of a graph while it is written, and what operations need for it.

`Program` holds the lines, gives names, and keeps track of memory and of the elementwise loop that is open (`loop`).
It is written for one thread, or for a `Team` of them: `each` and `once` say what that changes.
A `Frame` is a graph that is being written: the values of its variables, and where it is. How each operation is written
is said in tables, by its name: `pointwise`, `shapes`, `reductions`, `products`, `systems`, `indexing`; loops and
branches in `control`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch

from jaxlike._src.graph.fused.loop import Entry, Load, Loop, Store, loop_shape
from jaxlike._src.graph.fused.team import MOST_ELEMENTS as MOST_ELEMENTS_OF_A_TEAM
from jaxlike._src.graph.fused.team import Team, Unit, dealt, with_waits
from jaxlike._src.graph.fused.values import (
    FEW,
    Cells,
    Halves,
    Ineligible,
    Memory,
    Pending,
    Uniform,
    Value,
    c_type,
    literal,
    viewed,
)
from jaxlike._src.graph.graph import Call, Const, Graph, Node, Var, vars_in

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MOST_LINES = 6_000  # beyond, the compiler takes long
MOST_ELEMENTS = 1 << 22  # of one value: beyond, operations are long enough to be called one by one
ON_STACK = 1 << 14  # bytes of an array that is kept on the stack
STACK = 1 << 18  # bytes of all of them

LOWERINGS: dict[str, Callable[[Program, Node, dict[str, Any]], Any]] = {}


def lowers(*names: str) -> Callable[[Any], Any]:
    """Register how operations of these names are written: (program, node, arguments by name) to value or values."""

    def register(function: Any) -> Any:
        for name in names:
            LOWERINGS[name] = function
        return function

    return register


def result(node: Node) -> Var:
    """What a node with one result gives."""
    (out,) = node.outs
    assert out is not None
    return out


Wanted = Var | Memory | None  # where a result is to be: where that of the variable is, here, or anywhere


class Frame:
    """A graph that is being written."""

    def __init__(self, graph: Graph) -> None:
        self.graph, self.at, self.done = graph, 0, False
        self.env: dict[Var, Value] = {}
        self.last_use = {v: k for k, node in enumerate(graph.nodes) for v in vars_in((node.args, node.kwargs))}
        self.last_use.update(dict.fromkeys(graph.outputs, len(graph.nodes)))

    def is_used_later(self, var: Var) -> bool:
        """Whether the node that is being written or a later one reads it, or it is an output."""
        return not self.done and self.last_use.get(var, -1) >= self.at


class TooLong(Ineligible):
    """The C++ is longer than the compiler should be given."""


class Program:
    """The C++ of one function; ``team``: where it is not of one thread."""

    def __init__(self, few: int = FEW, team: Team | None = None) -> None:
        self.few = few  # up to so many numbers get a name each
        self.team = team
        self.is_part = False  # whether what is written is for some of the lanes of a loop
        self.most_elements = MOST_ELEMENTS if team is None else MOST_ELEMENTS_OF_A_TEAM
        self._lines: list[str | Unit] = []
        self._written = 0
        self.constants: list[torch.Tensor] = []  # further arguments
        self.scratch = 0  # bytes that it is to be given
        self.destinations: dict[Var, Memory] = {}  # where results of the outermost graph are wanted
        self._count = self._depth = self._stack = 0
        self._loop: Loop | None = None

    # Text

    def line(self, text: str) -> None:
        """One line."""
        if text.startswith("}"):
            self._depth -= 1
        self._add("  " * self._depth + text, 1)
        if text.endswith("{"):
            self._depth += 1

    def _add(self, line: str | Unit, count: int) -> None:
        self._lines.append(line)
        self._written += count
        if self._written > MOST_LINES:
            raise TooLong("too many lines")

    def unit(self, lines: Sequence[str], *writes: Memory, waits: bool = False) -> None:
        """Lines that belong together, which a team's threads may not be separated in (but where they wait)."""
        if self.team is None:
            for text in lines:
                self.line(text)
        else:
            self._add(Unit(lines, frozenset(m.array for m in writes), waits), len(lines))

    def once(self, lines: Sequence[str], *writes: Memory) -> None:
        """Lines that are to run once: they write memory."""
        self.unit(lines if self.team is None else ["if (me == 0) {", *lines, "}"], *writes)

    def each(
        self, indices: Sequence[str], sizes: Sequence[int], body: Sequence[str], *writes: Memory, ordered: bool = False
    ) -> None:
        """Lines for all values of some indices; ``ordered``: one after the other, where there is one thread."""
        if self.team is not None:
            self.team.widest = max(self.team.widest, math.prod(sizes))
            self.unit(dealt(indices, sizes, body), *writes)
            return
        for k, (index, size) in enumerate(zip(indices, sizes, strict=True)):
            if k == len(sizes) - 1 and not ordered:
                self.line('_Pragma("GCC ivdep")')
            self.line(f"for (long {index} = 0; {index} < {size}; ++{index})")
        self.unit(["{", *body, "}"])

    def text(self) -> str:
        """The lines."""
        lines = [line for line in self._lines if isinstance(line, str)]
        return "\n".join(lines if self.team is None else with_waits(self._lines))

    def name(self, prefix: str = "t") -> str:
        """A new name."""
        self._count += 1
        return f"{prefix}{self._count}"

    def define(self, dtype: torch.dtype, text: str) -> str:
        """A name for the value of an expression."""
        name = self.name()
        self.line(f"const {c_type(dtype)} {name} = {text};")
        return name

    # Memory

    def array(self, shape: Sequence[int], dtype: torch.dtype) -> Memory:
        """New memory for a value, without values."""
        numel, name = max(math.prod(shape), 1), self.name("b")
        if numel > self.most_elements:
            raise Ineligible("large values")
        size, kind = numel * dtype.itemsize, c_type(dtype)
        if self.team is not None:
            shared = self.team.share(size)
            place = f"scratch + {self.scratch}" if shared is None else f"fast + {shared}"
            self.line(f"{kind}* const {name} = ({kind}*)({place});")
            self.scratch += -(-size // 64) * 64 if shared is None else 0
        elif size <= ON_STACK and self._stack + size <= STACK:
            self._stack += size
            self.line(f"alignas(64) {kind} {name}[{numel}];")
        else:
            self.line(f"{kind}* __restrict const {name} = ({kind}*)(scratch + {self.scratch});")
            self.scratch += -(-size // 64) * 64
        return Memory(shape, dtype, name)

    def place(self, var: Wanted, shape: Sequence[int], dtype: torch.dtype) -> Memory:
        """Memory for the value of a variable: where it is wanted, or new."""
        if isinstance(var, Memory):
            return var
        found = self.destinations.pop(var, None) if var is not None else None
        return self.array(shape, dtype) if found is None else found

    def constant(self, tensor: torch.Tensor) -> Memory:
        """A tensor that is known, as a further argument."""
        c_type(tensor.dtype)
        places = [k for k, known in enumerate(self.constants) if known is tensor]
        if not places:
            places = [len(self.constants)]
            self.constants.append(tensor)
        return Memory(tensor.shape, tensor.dtype, f"k{places[0]}")

    # Values

    def settled(self, value: Value) -> Cells | Uniform | Memory:
        """The value outside of the open loop."""
        if isinstance(value, Halves):
            return self._pairs(value)
        if isinstance(value, Pending):
            if value.entry.memory is None:
                self.flush()
            known = value.entry.memory
            assert known is not None
            return Memory(value.shape, value.dtype, known.base, None, known.offset, known.moved)
        if isinstance(value, Memory) and self._loop is not None and value.array in self._loop.written:
            self.flush()
        assert isinstance(value, Cells | Uniform | Memory)
        return value

    def _pairs(self, value: Halves) -> Cells | Memory:
        whole = self.settled(value.whole)
        if isinstance(whole, Cells):
            return Cells(value.shape, value.dtype, [f"{c}.{half}" for c in whole.cells for half in ("re", "im")])
        m = self.memory(whole)
        moved = m.moved and f"2 * ({m.moved})"
        strides = [*(2 * s for s in m.strides), 1]
        return Memory(value.shape, value.dtype, m.seen_as(c_type(value.dtype)), strides, 2 * m.offset, moved)

    def memory(self, value: Value, contiguous: bool = False) -> Memory:
        """The value in memory."""
        value = self.settled(value)
        if isinstance(value, Memory) and (value.is_contiguous or not contiguous):
            return value
        made = self.array(value.shape, value.dtype)
        self.copy(made, value, stays=True)
        self.flush()
        return made

    def cells(self, value: Value) -> list[str]:
        """C++ for each element, in the usual order."""
        value = self.settled(value)
        if isinstance(value, Cells):
            return value.cells
        if isinstance(value, Uniform):
            return [value.cell] * value.numel
        return [value.element(k) for k in range(value.numel)]

    def named(self, value: Value) -> Value:
        """The same where few elements are names rather than memory, which may change."""
        value = self.settled(value)
        if isinstance(value, Memory) and value.numel <= self.few:
            return Cells(value.shape, value.dtype, [self.define(value.dtype, c) for c in self.cells(value)])
        return value

    def view(self, value: Value, view: Callable[[torch.Tensor], Any]) -> list[Value]:
        """Views of a value, copied where its layout does not allow them."""
        if isinstance(value, Pending):
            found = view(torch.empty(value.shape, device="meta"))
            if isinstance(found, torch.Tensor) and _is_same(found, value) and value.entry.memory is None:
                return [Pending(found.shape, value.dtype, value.entry)]
        value = self.settled(value)
        if isinstance(value, Cells) and value.numel > 1:
            found = view(torch.empty(value.shape, device="meta"))
            if isinstance(found, torch.Tensor) and found.numel() > 4 * self.few:
                value = self.memory(value)
        made = viewed(value, view)
        if made is None:
            made = viewed(self.memory(value, contiguous=True), view)
            assert made is not None
        return made

    def expanded(self, value: Value, shape: Sequence[int]) -> Value:
        """The value broadcast to a shape."""
        if value.shape == tuple(shape):
            return value
        return self.view(value, lambda t: t.expand(*shape))[0]

    # Elementwise

    def pointwise(
        self, shape: Sequence[int], dtype: torch.dtype, template: str, operands: Sequence[Value | str]
    ) -> Value:
        """A value whose elements are ``template``, C++ with a place for the element of each operand."""
        shape, numel = tuple(shape), math.prod(shape)
        c_type(dtype)
        if not numel:
            return Uniform(shape, dtype, literal(0, dtype))
        if all(isinstance(o, str | Uniform) or o.numel == 1 for o in operands) and (numel > 1 or not operands):
            given = [o if isinstance(o, str) else self.cells(_first(o))[0] for o in operands]
            return Uniform(shape, dtype, self.define(dtype, template.format(*given)))
        if numel <= self.few:
            columns = [
                [o] * numel if isinstance(o, str) else self.cells(self.expanded(o, shape)) for o in operands
            ]  # fmt: skip
            cells = [self.define(dtype, template.format(*column)) for column in zip(*columns, strict=True)]
            return Cells(shape, dtype, cells)
        if numel > self.most_elements:
            raise Ineligible("large values")
        terms = self._terms(shape, operands)
        return self._entry(shape, dtype, template, terms)

    def _entry(self, shape: tuple[int, ...], dtype: torch.dtype, template: str, terms: Sequence[Any]) -> Pending:
        assert self._loop is not None
        entry = Entry(self.name("e"), shape, dtype, template, terms)
        self._loop.entries.append(entry)
        return Pending(shape, dtype, entry)

    def _terms(self, shape: tuple[int, ...], operands: Sequence[Value | str]) -> list[Any]:
        """What stands for the operands in a loop of the shape, which is opened if it is not."""
        wanted = loop_shape(shape)
        if self._loop is not None and self._loop.shape != wanted:
            self.flush()
        ready = [o if isinstance(o, str) else self._in_loop(o, shape) for o in operands]
        # What was settled since may have ended the loop.
        ready = [self._in_loop(o, shape) if isinstance(o, Pending) else o for o in ready]
        if self._loop is None:
            self._loop = Loop(wanted)
        return [o.entry if isinstance(o, Pending) else Load(o) if isinstance(o, Memory) else o for o in ready]

    def _in_loop(self, value: Value, shape: tuple[int, ...]) -> Pending | Memory | str:
        if isinstance(value, Pending) and value.entry.memory is None:
            if loop_shape(value.shape) == loop_shape(shape) and self._loop is not None:
                return value
        value = self.settled(value)
        if isinstance(value, Uniform):
            return value.cell
        if value.numel == 1:
            return self.cells(value)[0]
        if isinstance(value, Cells):
            value = self.memory(value)
        made = self.expanded(value, shape)
        assert isinstance(made, Memory)
        return made

    def picked(self, shape: Sequence[int], source: Memory, picks: Sequence[tuple[Value, int, int]]) -> Value:
        """Elements of ``source``, which has the shape, moved by computed indices: (index, size of axis, stride)."""
        shape = tuple(shape)
        if math.prod(shape) <= self.few:
            columns = [self.cells(self.expanded(i, shape)) for i, _, _ in picks]
            cells = []
            for k, column in enumerate(zip(*columns, strict=True)):
                moved = [f"pick({i}, {n}) * {s}" for i, (_, n, s) in zip(column, picks, strict=True)]
                place = source.element(k)
                cells.append(self.define(source.dtype, f"{place[:-1]} + {' + '.join(moved)}]"))
            return Cells(shape, source.dtype, cells)
        terms = self._terms(shape, [source, *(i for i, _, _ in picks)])
        load = Load(terms[0].memory, tuple((t, n, s) for t, (_, n, s) in zip(terms[1:], picks, strict=True)))
        return self._entry(shape, source.dtype, "{0}", [load])

    def copy(self, target: Memory, value: Value, stays: bool = False) -> None:
        """Write a value to memory of its shape; it may be written later, with the open loop.

        ``stays``: the memory does not change while the value may be read.
        """
        if not target.numel:
            return
        if isinstance(value, Pending) and value.entry.memory is None:
            assert self._loop is not None
            self._loop.stores.append(Store(target, value.entry, stays))
            self._loop.written.add(target.array)
            return
        value = self.settled(value)
        if isinstance(value, Cells) or (value.numel <= 4 * self.few and not isinstance(value, Memory)):
            self.once([f"{target.element(k)} = {cell};" for k, cell in enumerate(self.cells(value))], target)
            return
        if isinstance(value, Memory) and value.is_contiguous and target.is_contiguous and self.team is None:
            size = value.numel * value.dtype.itemsize
            self.line(f"__builtin_memcpy({target.pointer()}, {value.pointer()}, {size});")
            return
        terms = self._terms(value.shape, [value])
        made = self._entry(value.shape, value.dtype, "{0}", terms)
        made.entry.uses.append((_NOWHERE, None))
        self.copy(target, made, stays)

    def store_in_place(self, target: Memory, value: Pending) -> bool:
        """Store to memory that the open loop reads, if it reads it at the same elements alone."""
        assert self._loop is not None
        same = (target.offset, target.moved, [s for n, s in zip(target.shape, target.strides, strict=True) if n != 1])
        for load in self._loop.loads():
            m = load.memory
            here = (m.offset, m.moved, [s for n, s in zip(m.shape, m.strides, strict=True) if n != 1])
            if m.array == target.array and (here != same or load.picks or m.base != target.base):
                return False
        self.copy(target, value, stays=True)
        return True

    def flush(self) -> None:
        """Write the open loop."""
        loop, self._loop = self._loop, None
        if loop is None:
            return
        stored = {id(s.entry): s.memory for s in loop.stores if s.stays and s.memory.is_contiguous}
        for e in loop.entries:
            if e.is_live():
                if id(e) in stored:
                    known = stored[id(e)]
                    e.memory = Memory(e.shape, e.dtype, known.base, None, known.offset, known.moved)
                    continue
                var = next((v for _, v in e.uses if v in self.destinations and v.dtype == e.dtype), None)
                e.memory = self.place(var, e.shape, e.dtype)
                loop.stores.append(Store(e.memory, e, True))
        indices, sizes, body = loop.written_out()
        self.each(indices, sizes, body, *(s.memory for s in loop.stores))

    # Graphs

    def graph(self, graph: Graph, values: Sequence[Value], closed: Sequence[Any] = ()) -> list[Value]:
        """Write the nodes of a graph; its results."""
        frame = Frame(graph)
        for var, value in zip(graph.inputs, values, strict=True):
            self._bind(frame, var, value)
        for var, x in zip(graph.lifted_vars, closed, strict=True):
            if x._frame is not None:
                raise Ineligible("a traced value")
            frame.env[var] = self.constant(x._t)
        for var, const in graph.constants.items():
            frame.env[var] = self._const(const)
        for k, node in enumerate(graph.nodes):
            frame.at = k
            outs = self.node(frame, node)
            for var, value in zip(node.outs, outs, strict=True):
                if var is not None:
                    self._bind(frame, var, value)
        frame.at = len(graph.nodes)
        outs = [self.settled(v) if isinstance(v, Halves) else v for v in (frame.env[o] for o in graph.outputs)]
        frame.done = True
        for value in outs:
            if isinstance(value, Pending):
                value.entry.uses.append((_ALWAYS, None))
        return outs

    def _bind(self, frame: Frame, var: Var, value: Value) -> None:
        if tuple(value.shape) != tuple(var.shape) or value.dtype != var.dtype:
            raise Ineligible(f"a value of type {value.dtype}{value.shape} for {var.dtype}{var.shape}")
        c_type(var.dtype)  # refuses what C++ has no type for, before an operation meets it
        if self.team is not None and var.dtype.is_complex:
            raise Ineligible(f"{var.dtype} values")  # a team adds up numbers that fit into a register
        frame.env[var] = value
        held = value.whole if isinstance(value, Halves) else value
        if isinstance(held, Pending):
            held.entry.uses.append((frame, var))

    def _const(self, const: Const) -> Value:
        tensor = const.tensor
        if tensor.numel() == 1 and const.number is not None:
            return Uniform(tensor.shape, tensor.dtype, literal(const.number, tensor.dtype))
        return self.constant(tensor)

    def node(self, frame: Frame, node: Node) -> Sequence[Value]:
        """Write a node; its results."""
        if isinstance(node.op, Call):
            return LOWERINGS["call"](self, node, {"args": [frame.env[a] for a in node.args]})
        schema = node.op._schema
        given: dict[str, Any] = {a.name: a.default_value for a in schema.arguments if a.has_default_value()}
        given.update(zip((a.name for a in schema.arguments), node.args, strict=False))
        given.update(node.kwargs)
        args = {name: _with_values(value, frame.env) for name, value in given.items()}
        name = schema.name.removeprefix("aten::")
        found = LOWERINGS.get(name)
        if found is None:
            found = LOWERINGS["view" if _is_view(schema) else "decomposed"]
        out = found(self, node, args)
        return [out] if isinstance(out, Value) else out


class _Standing(Frame):
    """Stands for a use without a frame: always, or never."""

    def __init__(self, used: bool) -> None:
        self.used = used

    def is_used_later(self, var: Any) -> bool:
        """Whether it is."""
        return self.used


_ALWAYS, _NOWHERE = _Standing(True), _Standing(False)


def _is_view(schema: Any) -> bool:
    return any(r.alias_info is not None for r in schema.returns)


def _with_values(value: Any, env: dict[Var, Value]) -> Any:
    if isinstance(value, Var):
        return env[value]
    return [_with_values(v, env) for v in value] if isinstance(value, list | tuple) else value


def _first(value: Value) -> Value:
    return Uniform((), value.dtype, value.cell) if isinstance(value, Uniform) else value


def _is_same(view: torch.Tensor, value: Value) -> bool:
    """Whether a view of a contiguous value is the same elements in the same order, but for axes of one element."""
    whole = view.is_contiguous() and view.storage_offset() == 0 and view.numel() == value.numel
    return whole and loop_shape(view.shape) == loop_shape(value.shape)
