"""indexing: reading and writing at computed places. A single place is a view that moves; many are read in a loop."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch

from jaxlike._src.graph.fused.program import Program, lowers, result
from jaxlike._src.graph.fused.values import Cells, Ineligible, Memory, Value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jaxlike._src.graph.graph import Node

ONE_BY_ONE = 64  # up to so many values one thread of a team writes in order
_ATOMIC = {torch.float32, torch.float64, torch.int32, torch.int64, torch.uint32, torch.uint64}


@lowers("index_select")
def _index_select(p: Program, node: Node, a: dict[str, Any]) -> Value:
    axis = a["dim"]
    return _read(p, node, a["self"], [*[None] * (axis % max(len(a["self"].shape), 1)), a["index"]])


@lowers("index", "_unsafe_index")
def _index(p: Program, node: Node, a: dict[str, Any]) -> Value:
    return _read(p, node, a["self"], a["indices"])


def _read(p: Program, node: Node, x: Value, indices: Sequence[Value | None]) -> Value:
    out = result(node)
    if any(i is not None and i.dtype == torch.bool for i in indices):
        raise Ineligible("an index of bool")
    given = [*indices, *[None] * (len(x.shape) - len(indices))]
    at = [d for d, i in enumerate(given) if i is not None]
    shape = torch.broadcast_shapes(*(i.shape for i in given if i is not None))
    source = p.memory(x)
    together = at == list(range(at[0], at[-1] + 1))
    start = at[0] if together else 0
    rest = [d for d in range(len(x.shape)) if d not in at]
    before, after = [d for d in rest if together and d < start], [d for d in rest if not (together and d < start)]
    sizes = [*(x.shape[d] for d in before), *shape, *(x.shape[d] for d in after)]
    strides = [*(source.strides[d] for d in before), *[0] * len(shape), *(source.strides[d] for d in after)]
    picks: list[tuple[Value, int, int]] = []
    for d in at:
        index = given[d]
        assert index is not None
        picks.append((index, x.shape[d], source.strides[d]))
    if math.prod(shape) == 1:
        moved = [f"pick({p.cells(i)[0]}, {n}) * {s}" for i, n, s in picks]
        moved = p.name("m"), " + ".join([source.moved, *moved] if source.moved else moved)
        p.line(f"const long {moved[0]} = {moved[1]};")
        return p.named(Memory(sizes, x.dtype, source.base, strides, source.offset, moved[0]))
    wide = [(p.view(p.expanded(i, shape), _behind(len(after)))[0], n, s) for i, n, s in picks]
    view = Memory(sizes, x.dtype, source.base, strides, source.offset, source.moved)
    return p.picked(out.shape, view, wide)


def _behind(count: int) -> Any:
    return lambda t: t[(..., *[None] * count)]


@lowers("gather")
def _gather(p: Program, node: Node, a: dict[str, Any]) -> Value:
    x, index, axis = a["self"], a["index"], a["dim"]
    out = result(node)
    if not x.shape:
        return x
    axis %= len(x.shape)
    source = p.memory(x)
    strides = [0 if d == axis else s for d, s in enumerate(source.strides)]
    view = Memory(out.shape, x.dtype, source.base, strides, source.offset, source.moved)
    return p.picked(out.shape, view, [(index, x.shape[axis], source.strides[axis])])


@lowers("index_put", "_unsafe_index_put")
def _index_put(p: Program, node: Node, a: dict[str, Any]) -> Value:
    x, indices, values, adds = a["self"], a["indices"], a["values"], a.get("accumulate", False)
    if any(i is not None and i.dtype == torch.bool for i in indices):
        raise Ineligible("an index of bool")
    given = [*indices, *[None] * (len(x.shape) - len(indices))]
    at = [d for d, i in enumerate(given) if i is not None]
    if at != list(range(at[0], at[-1] + 1)):
        raise Ineligible("indices apart")
    shape = torch.broadcast_shapes(*(i.shape for i in given if i is not None))
    sizes = [*x.shape[: at[0]], *shape, *x.shape[at[-1] + 1 :]]
    values = p.expanded(values, sizes)
    if x.numel <= p.few and len(x.shape) == 1 and math.prod(shape) == 1:
        return _chosen(p, x, p.cells(given[0])[0], p.cells(values)[0], adds)  # pyright: ignore[reportArgumentType]
    places = []
    for k, d in enumerate(at):
        del k
        index = p.view(p.expanded(given[d], shape), _behind(len(x.shape) - 1 - at[-1]))[0]  # pyright: ignore[reportArgumentType]
        places.append((p.expanded(index, sizes), x.shape[d], d))
    return _written(p, node, x, places, values, sizes, "+=" if adds else "=")


def _chosen(p: Program, x: Value, index: str, value: str, adds: bool) -> Value:
    place = p.name("m")
    p.line(f"const long {place} = pick({index}, {x.numel});")
    cells = [
        p.define(x.dtype, f"{place} == {k} ? {f'{c} + {value}' if adds else value} : {c}")
        for k, c in enumerate(p.cells(x))
    ]
    return Cells(x.shape, x.dtype, cells)


def _written(
    p: Program,
    node: Node,
    x: Value,
    places: Sequence[tuple[Value, int, int]],
    values: Value,
    sizes: Sequence[int],
    how: str,
) -> Value:
    """``x`` with values of shape ``sizes`` written at places along some axes, in order."""
    out = result(node)
    source = p.memory(values) if values.numel else values
    picks = [(p.memory(i), n, d) for i, n, d in places]
    x = p.settled(x)
    p.flush()
    made = p.place(out, out.shape, out.dtype)
    p.copy(made, x)
    p.flush()
    if not values.numel:
        return p.named(made)
    assert isinstance(source, Memory)
    names = [f"i{k}" for k in range(len(sizes))]

    def place(m: Memory) -> str:
        return m.address(*(f"{i} * {s}" for i, s in zip(names, m.strides, strict=True)))

    moved = {d: f"pick({place(i)}, {n}) * {made.strides[d]}" for i, n, d in picks}
    first = min(moved)
    extra = len(sizes) - len(x.shape)
    others = []
    for d in range(len(x.shape)):
        if d not in moved:
            others.append(f"{names[d if d < first else d + extra]} * {made.strides[d]}")
    target = made.address(*moved.values(), *others)
    added = f"{target} {how} {place(source)};"
    if p.team is not None and (how == "=" or made.dtype in _ATOMIC) and source.numel > ONE_BY_ONE:
        added = added if how == "=" else f"add_to({target}, {place(source)});"
    elif p.team is not None:
        loops = [f"for (int {name} = 0; {name} < {size}; ++{name})" for name, size in zip(names, sizes, strict=True)]
        p.once([*loops, added], made)
        return p.named(made)
    p.each(names, sizes, [added], made, ordered=True)
    return p.named(made)


@lowers("scatter", "scatter_add")
def _scatter(p: Program, node: Node, a: dict[str, Any]) -> Value:
    x, index = a["self"], a["index"]
    values = a["src"] if "src" in a else a["value"]
    if not isinstance(values, Value) or not x.shape or "reduce" in a:
        raise Ineligible(f"{node.op}")
    values = p.view(values, lambda t: t[tuple(slice(0, n) for n in index.shape)])[0]
    adds = "add" in node.op._schema.name
    if len(x.shape) == 1 and x.numel <= p.few and index.numel == 1:
        return _chosen(p, x, p.cells(index)[0], p.cells(values)[0], adds)
    return _written(
        p, node, x, [(index, x.shape[a["dim"]], a["dim"] % len(x.shape))], values, index.shape, "+=" if adds else "="
    )
