"""reductions: sums, products, extremes, and what is found along an axis; running sums."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch

from jaxlike._src.graph.fused.pointwise import cast, written
from jaxlike._src.graph.fused.program import LOWERINGS, Program, lowers, result
from jaxlike._src.graph.fused.team import dealt
from jaxlike._src.graph.fused.values import Cells, Ineligible, Memory, Value, c_type, literal
from jaxlike._src.graph.graph import op_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jaxlike._src.graph.graph import Node

# What is started from, and how two numbers become one.
_STEPS = {
    "sum": (0, "{0} + {1}"),
    "prod": (1, "{0} * {1}"),
    "amax": (None, "largest({0}, {1})"),
    "amin": (None, "smallest({0}, {1})"),
    "any": (0, "{0} | {1}"),
    "all": (1, "{0} & {1}"),
}
ALONE = 48  # up to so many numbers a team's threads each reduce all of them
_SIMD = {"sum": "+", "prod": "*"}  # what the compiler may do in another order


def _axes(a: dict[str, Any], rank: int) -> list[int]:
    given = a.get("dim")
    if given is None or given == []:
        return list(range(rank))
    return sorted(d % max(rank, 1) for d in (given if isinstance(given, list | tuple) else [given])) if rank else []


def _reduce(p: Program, node: Node, a: dict[str, Any]) -> Value:
    name = op_name(node)
    out = result(node)
    x = a["self"]
    axes = _axes(a, len(x.shape))
    mean = name == "mean"
    name = "sum" if mean else name
    if x.dtype != out.dtype:
        text = "({} != 0)" if out.dtype == torch.bool else cast(x.dtype, out.dtype)
        x = p.pointwise(x.shape, out.dtype, text.format("{0}"), [x])
    if name in ("any", "all") and out.dtype != torch.bool:
        raise Ineligible(f"{name} of {out.dtype}")
    total = reduced(p, name, x, axes)
    if mean:
        count = math.prod(x.shape[d] for d in axes)
        total = written(p, total.shape, out.dtype, "{0} / {1}", [total, count], out.dtype)
    (total,) = p.view(total, lambda t: t.view(out.shape))
    return total


LOWERINGS.update(dict.fromkeys({*_STEPS, "mean"}, _reduce))


@lowers("max", "min")
def _extreme(p: Program, node: Node, a: dict[str, Any]) -> Value:
    if "dim" in a or "other" in a:
        raise Ineligible(f"{node.op}")
    return reduced(p, f"a{node.op._schema.name.removeprefix('aten::')}", a["self"], list(range(len(a["self"].shape))))


def reduced(p: Program, name: str, x: Value, axes: Sequence[int]) -> Value:
    """The reduction of a value along axes, without them."""
    first, step = _STEPS[name]
    rank = len(x.shape)
    kept = [d for d in range(rank) if d not in axes]
    shape, count = [x.shape[d] for d in kept], math.prod(x.shape[d] for d in axes)
    if not x.numel:
        raise Ineligible("a reduction of nothing")
    (x,) = p.view(x, lambda t: t.permute(*kept, *axes)) if rank > 1 else [x]
    if math.prod(shape) <= p.few and x.numel <= 4 * p.few:
        cells = p.cells(x)
        rows = [cells[k : k + count] for k in range(0, len(cells), count)]
        return Cells(shape, x.dtype, [_chain(p, x.dtype, step, row) for row in rows])
    if first is None:
        first_text = None
    else:
        first_text = literal(first, x.dtype)
    m = p.memory(x)
    if math.prod(shape) <= p.few:
        return Cells(shape, m.dtype, [_over(p, name, m, k, shape, first_text, step) for k in range(math.prod(shape))])
    return _each(p, m, shape, first_text, step)


def _chain(p: Program, dtype: torch.dtype, step: str, row: Sequence[str]) -> str:
    """Neighbours first, so that additions depend little on each other."""
    while len(row) > 1:
        pairs = [p.define(dtype, step.format(a, b)) for a, b in zip(row[::2], row[1::2], strict=False)]
        row = [*pairs, *row[len(pairs) * 2 :]]
    return row[0]


def _over(p: Program, name: str, m: Memory, k: int, shape: Sequence[int], first: str | None, step: str) -> str:
    """The reduction of one row in a name."""
    n = len(shape)
    inner = m.shape[n:]
    at, where = k, 0
    for size, stride in zip(reversed(shape), reversed(m.strides[:n]), strict=True):
        at, i = divmod(at, size)
        where += i * stride
    row = Memory(inner, m.dtype, m.base, m.strides[n:], m.offset + where, m.moved)
    total = p.name("s")
    sizes = [(d, size) for d, size in enumerate(inner) if size != 1]
    if row.is_contiguous:
        sizes, row = [(0, row.numel)], Memory((row.numel,), m.dtype, row.base, (1,), row.offset, row.moved)
    terms = [f"i{j} * {row.strides[d]}" for j, (d, _) in enumerate(sizes)]
    start, added = row.element(0) if first is None else first, f"{total} = {step.format(total, row.address(*terms))};"
    if p.team is not None and row.numel > ALONE:
        p.unit(together(p, total, m.dtype, start, [size for _, size in sizes], added, step), waits=True)
        return total
    lines = [f"{c_type(m.dtype)} {total} = {start};"]
    for j, (_, size) in enumerate(sizes):
        if j == len(sizes) - 1 and name in _SIMD and p.team is None and not m.dtype.is_complex:
            lines.append(f'_Pragma("omp simd reduction({_SIMD[name]}:{total})")')
        lines.append(f"for (long i{j} = 0; i{j} < {size}; ++i{j})")
    p.unit([*lines, added])
    return total


def together(
    p: Program, total: str, dtype: torch.dtype, start: str, sizes: Sequence[int], added: str, step: str
) -> list[str]:
    """Lines in which all threads of a team find one number: each from its part, then all from what they found."""
    assert p.team is not None
    kind, count = c_type(dtype), math.prod(sizes)
    p.team.widest = max(p.team.widest, count)
    own = dealt([f"i{j}" for j in range(len(sizes))], sizes, [added])
    both = f"[]({kind} x, {kind} y) {{ return ({kind})({step.format('x', 'y')}); }}"
    return [f"{kind} {total} = {start};", *own, f"{total} = together({total}, {both});"]


def _each(p: Program, m: Memory, shape: Sequence[int], first: str | None, step: str) -> Memory:
    """Many results: over what is kept within, where that lies side by side, else row by row."""
    n, made = len(shape), p.array(shape, m.dtype)
    if p.team is not None:
        return _each_of_team(p, m, made, first, step)
    outer = [f"i{d} * {s}" for d, s in enumerate(m.strides[:n])]
    target = made.address(*(f"i{d} * {s}" for d, s in enumerate(made.strides)))
    inner = [f"j{d} * {s}" for d, s in enumerate(m.strides[n:])]
    loops_out = [f"for (long i{d} = 0; i{d} < {size}; ++i{d})" for d, size in enumerate(shape)]
    loops_in = [f"for (long j{d} = 0; j{d} < {size}; ++j{d})" for d, size in enumerate(m.shape[n:])]
    if m.strides[n - 1] == 1 and shape[-1] > 1:  # the kept axis is the one that lies side by side
        start = m.address(*outer) if first is None else first
        for text in (*loops_out[:-1], '_Pragma("GCC ivdep")', loops_out[-1], f"{target} = {start};"):
            p.line(text)
        for text in (*loops_in, *loops_out[:-1], '_Pragma("GCC ivdep")', loops_out[-1]):
            p.line(text)
        p.line(f"{target} = {step.format(target, m.address(*outer, *inner))};")
        return made
    for text in loops_out:
        p.line(text)
    p.line("{")
    p.line(f"{c_type(m.dtype)} s = {m.address(*outer) if first is None else first};")
    simd = None if m.dtype.is_complex else {"{0} + {1}": "+", "{0} * {1}": "*"}.get(step)
    for d, text in enumerate(loops_in):
        if simd and d == len(loops_in) - 1:
            p.line(f'_Pragma("omp simd reduction({simd}:s)")')
        p.line(text)
    p.line(f"s = {step.format('s', m.address(*outer, *inner))};")
    p.line(f"{target} = s;")
    p.line("}")
    return made


def _each_of_team(p: Program, m: Memory, made: Memory, first: str | None, step: str) -> Memory:
    """A thread for each result, or all of them for one after the other where those are few and long."""
    shape, inner, kind = made.shape, m.shape[len(made.shape) :], c_type(m.dtype)
    kept, along = ([f"{letter}{d}" for d in range(len(sizes))] for letter, sizes in (("j", shape), ("i", inner)))
    place = m.address(*(f"{i} * {s}" for i, s in zip([*kept, *along], m.strides, strict=True)))
    start = m.address(*(f"{i} * {s}" for i, s in zip(kept, m.strides, strict=False))) if first is None else first
    target = made.address(*(f"{i} * {s}" for i, s in zip(kept, made.strides, strict=True)))
    added = f"s = {step.format('s', place)};"
    if math.prod(shape) * 8 < math.prod(inner):
        loops = [f"for (int {i} = 0; {i} < {size}; ++{i})" for i, size in zip(kept, shape, strict=True)]
        found = together(p, "s", m.dtype, start, inner, added, step)
        p.unit([*loops, "{", *found, f"if (me == 0) {target} = s;", "}"], made, waits=True)
        return made
    loops = [f"for (int {i} = 0; {i} < {size}; ++{i})" for i, size in zip(along, inner, strict=True)]
    p.each(kept, shape, [f"{kind} s = {start};", *loops, added, f"{target} = s;"], made)
    return made


@lowers("argmax", "argmin")
def _arg(p: Program, node: Node, a: dict[str, Any]) -> Value:
    """The first place of the extreme; NaN is the most extreme."""
    x, out = a["self"], result(node)
    axes = _axes(a, len(x.shape))
    kept = [d for d in range(len(x.shape)) if d not in axes]
    (x,) = p.view(x, lambda t: t.permute(*kept, *axes)) if len(x.shape) > 1 else [x]
    count = math.prod(x.shape[len(kept) :])
    m = p.memory(x, contiguous=True)
    rows = m.numel // count
    less = ">" if "argmax" in node.op._schema.name else "<"
    made = p.array((rows,), torch.int64)
    kind, at = c_type(m.dtype), m.address(f"r * {count}", "i")
    body = [
        f"{kind} best = {m.address(f'r * {count}')}; long long k = 0;",
        f"for (long i = 1; i < {count}; ++i) {{ const {kind} x = {at}; "
        f"if ((x {less} best || x != x) && best == best) {{ best = x; k = i; }} }}",
        f"{made.address('r')} = k;",
    ]
    p.each(["r"], [rows], body, made, ordered=True)
    (found,) = p.view(p.named(made), lambda t: t.view(out.shape))
    return found


@lowers("cumsum", "cumprod")
def _running(p: Program, node: Node, a: dict[str, Any]) -> Value:
    x, out = a["self"], result(node)
    if not out.shape:
        return x
    axis = a["dim"] % len(out.shape)
    if x.dtype != out.dtype:
        x = p.pointwise(x.shape, out.dtype, cast(x.dtype, out.dtype).format("{0}"), [x])
    m, made = p.memory(x), p.place(out, out.shape, out.dtype)
    others = [d for d in range(len(out.shape)) if d != axis]
    sign, first = ("+", 0) if "sum" in node.op._schema.name else ("*", 1)
    body = [
        f"{c_type(out.dtype)} s = {first};",
        f"for (long i{axis} = 0; i{axis} < {out.shape[axis]}; ++i{axis}) {{",
        f"s = s {sign} {m.address(*(f'i{d} * {s}' for d, s in enumerate(m.strides)))};",
        f"{made.address(*(f'i{d} * {s}' for d, s in enumerate(made.strides)))} = s;",
        "}",
    ]
    p.each([f"i{d}" for d in others], [out.shape[d] for d in others], body, made, ordered=True)
    return made
