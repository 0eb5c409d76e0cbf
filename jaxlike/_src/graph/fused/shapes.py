"""shapes: operations that move elements or make new ones: views, joining, padding, filling, changing bits' types."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch

from jaxlike._src.graph.fused import complexes
from jaxlike._src.graph.fused.pointwise import cast
from jaxlike._src.graph.fused.program import Program, lowers, result
from jaxlike._src.graph.fused.values import Cells, Halves, Ineligible, Memory, Uniform, Value, c_type, literal, viewed
from jaxlike._src.graph.graph import Device, op_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jaxlike._src.graph.graph import Node

aten = torch.ops.aten


@lowers("view")
def _view(p: Program, node: Node, a: dict[str, Any]) -> Any:
    """Any op of torch that makes views of its first argument."""
    if "dtype" in a:
        return _view_dtype(p, node, a)
    value, rest = a["self"], {k: v for k, v in a.items() if k != "self"}
    if isinstance(value, Halves) and op_name(node) == "select" and a["dim"] in (-1, len(value.shape) - 1):
        return complexes.part(p, value, a["index"])
    if any(isinstance(v, Value) for v in rest.values()):
        raise Ineligible(f"{node.op} of several tensors")
    return p.view(value, lambda t: node.op(t, **rest))


@lowers("reshape", "_unsafe_view", "_reshape_copy")
def _reshape(p: Program, node: Node, a: dict[str, Any]) -> Any:
    return p.view(a["self"], lambda t: t.view(list(result(node).shape)))


@lowers("clone", "contiguous", "alias", "detach", "lift_fresh", "positive", "expand_as_same")
def _same(p: Program, node: Node, a: dict[str, Any]) -> Value:
    del p, node
    return a["self"]


def _view_dtype(p: Program, node: Node, a: dict[str, Any]) -> Value:
    """The bits as another type."""
    value, out = a["self"], result(node)
    before, after = value.dtype.itemsize, out.dtype.itemsize
    if before == after:
        if torch.bool in (value.dtype, out.dtype):
            raise Ineligible("bits of bool")
        text = "{0}" if value.dtype == out.dtype else f"__builtin_bit_cast({c_type(out.dtype)}, {{0}})"
        return p.pointwise(out.shape, out.dtype, text, [value])
    if math.prod(out.shape) <= 2 * p.few and {before, after} == {4, 8}:
        return _words(p, p.cells(value), value.dtype, out)
    memory = p.memory(value, contiguous=True)
    if memory.moved or memory.offset * before % after:
        memory = p.memory(p.pointwise(memory.shape, memory.dtype, "{0}", [memory]), contiguous=True)
    base = memory.seen_as(c_type(out.dtype))
    return Memory(out.shape, out.dtype, base, None, memory.offset * before // after)


def _words(p: Program, cells: Sequence[str], given: torch.dtype, out: Any) -> Value:
    """Two words of each wide number, or the other way, the low word first."""
    made: list[str] = []
    kind = c_type(out.dtype)
    if out.dtype.itemsize == 4:
        for cell in cells:
            wide = p.define(torch.uint64, f"__builtin_bit_cast(unsigned long long, {cell})")
            for shift in (0, 32):
                made.append(p.define(out.dtype, f"__builtin_bit_cast({kind}, (unsigned int)({wide} >> {shift}))"))
    else:
        for low, high in zip(cells[::2], cells[1::2], strict=True):
            bits = [f"(unsigned long long)__builtin_bit_cast(unsigned int, {w})" for w in (low, high)]
            made.append(p.define(out.dtype, f"__builtin_bit_cast({kind}, {bits[0]} | {bits[1]} << 32)"))
    del given
    return Cells(out.shape, out.dtype, made)


# Joining


def joined(p: Program, node: Node, parts: Sequence[Value], axis: int) -> Value:
    """Parts one after the other along an axis."""
    out = result(node)
    parts = [x for x in parts if not (x.shape == (0,) and len(out.shape) != 1) and x.numel]
    if math.prod(out.shape) <= p.few:
        numbers, cells, count = [], [], 0
        for x in parts:
            numbers.append(torch.arange(count, count + x.numel).reshape(x.shape))
            cells += p.cells(x)
            count += x.numel
        if x_types := {x.dtype for x in parts} - {out.dtype}:
            raise Ineligible(f"joining {x_types}")
        order = torch.cat(numbers, axis).flatten().tolist() if numbers else []
        return Cells(out.shape, out.dtype, [cells[k] for k in order])
    made = p.place(out, out.shape, out.dtype)
    start = 0
    for x in parts:
        if x.dtype != out.dtype:
            x = p.pointwise(x.shape, out.dtype, cast(x.dtype, out.dtype).format("{0}"), [x])
        size = x.shape[axis]
        (target,) = viewed(made, _narrow(axis, start, size)) or []  # not to be read: the open loop may go on
        assert isinstance(target, Memory)
        p.copy(target, x, stays=True)
        start += size
    return made


def _narrow(axis: int, start: int, size: int) -> Any:
    return lambda t: t.narrow(axis, start, size)


@lowers("cat")
def _cat(p: Program, node: Node, a: dict[str, Any]) -> Value:
    return joined(p, node, a["tensors"], a["dim"] % len(result(node).shape))


@lowers("stack")
def _stack(p: Program, node: Node, a: dict[str, Any]) -> Value:
    axis = a["dim"] % len(result(node).shape)
    return joined(p, node, [p.view(x, lambda t: t.unsqueeze(axis))[0] for x in a["tensors"]], axis)


@lowers("flip", "roll", "repeat", "constant_pad_nd", "tril", "triu")
def _moved(p: Program, node: Node, a: dict[str, Any]) -> Value:
    """Elements in another, known order, or a known number in their place."""
    out = result(node)
    value, rest = a["self"], {k: v for k, v in a.items() if k != "self"}
    fill = rest.pop("value", 0)
    if isinstance(fill, Value) or max(value.numel, math.prod(out.shape)) > 1024:
        raise Ineligible(f"{node.op} of many elements")
    numbers = node.op(torch.arange(1, 1 + value.numel).reshape(value.shape), **rest).flatten().tolist()
    if math.prod(out.shape) <= p.few:
        cells, other = p.cells(value), literal(fill, out.dtype)
        return Cells(out.shape, out.dtype, [cells[n - 1] if n else other for n in numbers])
    source = p.memory(value, contiguous=True)
    table = p.name("o")
    p.line(f"static const int {table}[] = {{{', '.join(str(n - 1) for n in numbers)}}};")
    made = p.place(out, out.shape, out.dtype)
    place = made.address("i")
    text = f"{table}[i] < 0 ? {literal(fill, out.dtype)} : {source.address(f'{table}[i]')}"
    p.each(["i"], [len(numbers)], [f"{place} = {text};"], made)
    return made


@lowers("select_backward", "slice_backward", "select_scatter", "slice_scatter", "diagonal_backward", "diagonal_scatter")
def _put(p: Program, node: Node, a: dict[str, Any]) -> Value:
    """A value put into a part of another, or of zeros."""
    out = result(node)
    whole = a.get("self") if "scatter" in node.op._schema.name else None
    part = a["src"] if whole is not None else a["grad_output"]
    rest = [v for k, v in a.items() if k not in ("self", "src", "grad_output", "input_sizes")]
    name = op_name(node).split("_")[0]
    view = {"select": aten.select.int, "slice": aten.slice.Tensor, "diagonal": aten.diagonal.default}[name]
    zero = literal(0, out.dtype)
    if math.prod(out.shape) <= p.few:
        cells = p.cells(whole).copy() if whole is not None else [zero] * math.prod(out.shape)
        numbers = view(torch.arange(len(cells)).reshape(out.shape), *rest).flatten().tolist()
        for k, cell in zip(numbers, p.cells(p.expanded(part, _shape_of(view, out.shape, rest))), strict=True):
            cells[k] = cell
        return Cells(out.shape, out.dtype, cells)
    p.flush()
    part = p.settled(part)
    made = p.place(out, out.shape, out.dtype)
    p.copy(made, Uniform(out.shape, out.dtype, zero) if whole is None else p.settled(whole))
    p.flush()
    (target,) = p.view(made, lambda t: view(t, *rest))
    assert isinstance(target, Memory)
    p.copy(target, part)
    p.flush()
    return made


def _shape_of(view: Any, shape: Sequence[int], rest: Sequence[Any]) -> tuple[int, ...]:
    return tuple(view(torch.empty(shape, device="meta"), *rest).shape)


# New elements


@lowers("zeros", "ones", "full", "scalar_tensor", "zeros_like", "ones_like", "full_like", "new_zeros", "new_ones",
        "new_full", "empty", "empty_like")  # fmt: skip
def _filled(p: Program, node: Node, a: dict[str, Any]) -> Value:
    out = result(node)
    name = op_name(node)
    number = 1 if "ones" in name else a["fill_value"] if "full" in name else a["s"] if name == "scalar_tensor" else 0
    if isinstance(number, Value):
        return p.expanded(number, out.shape)
    return Uniform(out.shape, out.dtype, literal(number, out.dtype))


@lowers("arange", "eye", "linspace", "tril_indices", "triu_indices")
def _known(p: Program, node: Node, a: dict[str, Any]) -> Value:
    """What is known when the program is written."""
    given = [torch.device("cpu") if isinstance(v, Device) else v for v in node.args]
    kwargs = {k: torch.device("cpu") if isinstance(v, Device) else v for k, v in node.kwargs.items()}
    if any(isinstance(v, Value) for v in a.values()):
        raise Ineligible(f"{node.op} of computed numbers")
    return known(p, node.op(*given, **kwargs))


def known(p: Program, tensor: torch.Tensor) -> Value:
    """A tensor whose values are known, and always the same."""
    if tensor.numel() <= p.few:
        return Cells(tensor.shape, tensor.dtype, [literal(n, tensor.dtype) for n in tensor.flatten().tolist()])
    return p.constant(tensor.contiguous())
