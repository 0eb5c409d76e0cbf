"""loop: elementwise operations of one shape that follow each other, written as one loop.

Operations are added while they are met; the loop is written when something needs a result as a whole. Only results
that are used later are stored. Axes along which every operand is laid out alike become one.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from jaxlike._src.graph.fused.values import Memory, c_type

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch


class Entry:
    """A result of the loop: its C++ and what stands in it; ``memory`` once it is stored and the loop is written."""

    def __init__(
        self, name: str, shape: Sequence[int], dtype: torch.dtype, template: str, terms: Sequence[Any]
    ) -> None:
        self.name, self.shape, self.dtype, self.template, self.terms = name, tuple(shape), dtype, template, terms
        self.uses: list[tuple[Any, Any]] = []  # (frame, variable) that it is the value of
        self.memory: Memory | None = None

    def is_live(self) -> bool:
        """Whether it is used after where the graphs are."""
        return not self.uses or any(frame.is_used_later(var) for frame, var in self.uses)


class Load(NamedTuple):
    """An element of memory that has the loop's shape; ``picks`` are (computed index, size, stride) beside it."""

    memory: Memory
    picks: tuple[tuple[Any, int, int], ...] = ()


class Store(NamedTuple):
    """An entry written to memory of the loop's shape; ``stays``: which does not change after."""

    memory: Memory
    entry: Entry
    stays: bool


def loop_shape(shape: Sequence[int]) -> tuple[int, ...]:
    """The shape without axes of one element: what two tensors must share to be in one loop."""
    return tuple(n for n in shape if n != 1)


class Loop:
    """The loop that is being written."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape = shape
        self.entries: list[Entry] = []
        self.stores: list[Store] = []
        self.written: set[str] = set()  # bases that it stores to

    def loads(self) -> list[Load]:
        """Every element that it reads."""
        return [t for e in self.entries for t in _loads(e.terms)]

    def written_out(self) -> tuple[list[str], list[int], list[str]]:
        """The C++: names of indices, their sizes, and what is done for each."""
        accesses = [_strides(x.memory) for x in (*self.loads(), *self.stores)]
        sizes, groups = _collapsed(self.shape, accesses)
        indices = [f"i{k}" for k in range(len(sizes))]
        lines = []

        def place(memory: Memory, *more: str) -> str:
            strides = _strides(memory)
            terms = [_term(i, strides[g[-1]]) for i, g in zip(indices, groups, strict=True)]
            return memory.address(*terms, *more)

        def text(term: Any) -> str:
            if isinstance(term, Entry):
                return term.name
            if isinstance(term, Load):
                return place(term.memory, *(f"pick({text(i)}, {n}) * {s}" for i, n, s in term.picks))
            return term

        for e in self.entries:
            lines.append(f"  const {c_type(e.dtype)} {e.name} = {e.template.format(*map(text, e.terms))};")
        lines += [f"  {place(s.memory)} = {s.entry.name};" for s in self.stores]
        return indices, sizes, lines


def _loads(terms: Sequence[Any]) -> list[Load]:
    found: list[Load] = []
    for t in terms:
        if isinstance(t, Load):
            found += [t, *_loads([i for i, _, _ in t.picks])]
    return found


def _term(index: str, stride: int) -> str:
    return "" if stride == 0 else index if stride == 1 else f"{index} * {stride}"


def _strides(memory: Memory) -> list[int]:
    return [s for n, s in zip(memory.shape, memory.strides, strict=True) if n != 1]


def _collapsed(shape: Sequence[int], accesses: Sequence[Sequence[int]]) -> tuple[list[int], list[list[int]]]:
    """Sizes of the loops, and the axes that each stands for."""
    groups: list[list[int]] = []
    for axis in range(len(shape)):
        if groups and all(a[axis - 1] == a[axis] * shape[axis] for a in accesses):
            groups[-1].append(axis)
        else:
            groups.append([axis])
    return [math.prod(shape[a] for a in g) for g in groups], groups
