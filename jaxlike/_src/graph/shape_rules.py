"""shape_rules: how a jaxpr says aten's views, joins, constants, conversions and products."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch

from jaxlike._src import dtypes
from jaxlike._src.array import ShapedArray
from jaxlike._src.graph.elementwise_rules import axes_of
from jaxlike._src.graph.graph import Var
from jaxlike._src.graph.jaxpr import JaxprEqn, Literal, literal
from jaxlike._src.graph.jaxpr import Var as JaxprVar
from jaxlike._src.graph.primitive import builtin
from jaxlike._src.graph.reader import Reader, converted, rule

if TYPE_CHECKING:
    from jaxlike._src.graph.graph import Node

aten = torch.ops.aten


# Shapes


@rule(aten.view.default, aten._unsafe_view.default, aten.reshape.default)
def _reshape(r: Reader, node: Node) -> Any:
    out, a = node.outs[0], r.atom(node.args[0])
    assert out is not None
    if a.aval.shape == out.shape:
        r.alias(out, a)
    else:
        r.emit("reshape", [a], {"new_sizes": out.shape, "dimensions": None, "sharding": None}, out)


@rule(aten.clone.default, aten.contiguous.default, aten.alias.default)
def _copy(r: Reader, node: Node) -> Any:
    r.alias(node.outs[0], r.atom(node.args[0]))


@rule(aten.expand.default)
def _expand(r: Reader, node: Node) -> Any:
    out, a = node.outs[0], r.atom(node.args[0])
    assert out is not None
    if a.aval.shape == out.shape:
        r.alias(out, a)
    else:
        r.broadcast(a, out.shape, out)


@rule(aten.unsqueeze.default)
def _unsqueeze(r: Reader, node: Node) -> Any:
    out = node.outs[0]
    assert out is not None
    new = node.args[1] % len(out.shape)
    kept = tuple(k for k in range(len(out.shape)) if k != new)
    params = {"shape": out.shape, "broadcast_dimensions": kept, "sharding": None}
    r.emit("broadcast_in_dim", [r.atom(node.args[0])], params, out)


@rule(aten.squeeze.default, aten.squeeze.dim, aten.squeeze.dims)
def _squeeze(r: Reader, node: Node) -> Any:
    out, a = node.outs[0], r.atom(node.args[0])
    assert out is not None
    given = node.args[1] if len(node.args) > 1 else None
    dims = tuple(k for k in axes_of(given, len(a.aval.shape)) if a.aval.shape[k] == 1) if a.aval.shape else ()
    if dims:
        r.emit("squeeze", [a], {"dimensions": dims}, out)
    else:
        r.alias(out, a)


@rule(aten.permute.default, aten.transpose.int, aten.t.default)
def _transpose(r: Reader, node: Node) -> Any:
    out, a = node.outs[0], r.atom(node.args[0])
    ndim = len(a.aval.shape)
    order = list(range(ndim))
    if node.op is aten.permute.default:
        order = [k % ndim for k in node.args[1]]
    elif ndim > 1 or node.op is aten.transpose.int:
        i, j = (0, 1) if node.op is aten.t.default else (k % max(ndim, 1) for k in node.args[1:])
        if ndim:
            order[i], order[j] = order[j], order[i]
    if order == list(range(ndim)):
        r.alias(out, a)
    else:
        r.emit("transpose", [a], {"permutation": tuple(order)}, out)


@rule(aten.cat.default)
def _concatenate(r: Reader, node: Node) -> Any:
    out, parts = node.outs[0], node.args[0]
    assert out is not None
    if any(len(p.shape) != len(out.shape) for p in parts):  # torch lets empty vectors pass
        return False
    dtype = r.dtype_of(out, *parts)
    axis = node.args[1] if len(node.args) > 1 else node.kwargs.get("dim", 0)
    r.emit("concatenate", [r.operand(p, dtype) for p in parts], {"dimension": axis % len(out.shape)}, out)
    return True


@rule(aten.slice.Tensor)
def _slice(r: Reader, node: Node) -> Any:
    out, a = node.outs[0], r.atom(node.args[0])
    assert out is not None
    named = dict(zip(("dim", "start", "end", "step"), node.args[1:], strict=False)) | node.kwargs
    shape, axis = a.aval.shape, named.get("dim", 0) % len(a.aval.shape)
    start, stop, step = slice(named.get("start"), named.get("end"), named.get("step", 1)).indices(shape[axis])
    if out.shape == shape:
        r.alias(out, a)
        return
    _slice_equation(r, a, axis, start, max(start, stop), step, out)


def _slice_equation(r: Reader, a: Any, axis: int, start: int, stop: int, step: int, out: Any) -> Any:
    shape = a.aval.shape
    strides = None if step == 1 else tuple(step if k == axis else 1 for k in range(len(shape)))
    params = {
        "start_indices": tuple(start if k == axis else 0 for k in range(len(shape))),
        "limit_indices": tuple(stop if k == axis else n for k, n in enumerate(shape)),
        "strides": strides,
    }
    return r.emit("slice", [a], params, out)


@rule(aten.select.int)
def _select(r: Reader, node: Node) -> Any:
    out, a = node.outs[0], r.atom(node.args[0])
    shape = a.aval.shape
    axis = node.args[1] % len(shape)
    at = node.args[2] % shape[axis]
    one = ShapedArray(tuple(1 if k == axis else n for k, n in enumerate(shape)), a.aval.dtype)
    row = a if shape[axis] == 1 else _slice_equation(r, a, axis, at, at + 1, 1, one)
    r.emit("squeeze", [row], {"dimensions": (axis,)}, out)


@rule(aten.flip.default)
def _rev(r: Reader, node: Node) -> Any:
    a = r.payload(node.args[0])
    r.emit("rev", [a], {"dimensions": axes_of(node.args[1], len(a.aval.shape)) if node.args[1] else ()}, node.outs[0])


@rule(aten.constant_pad_nd.default)
def _pad(r: Reader, node: Node) -> Any:
    out, a = node.outs[0], r.payload(node.args[0])
    assert out is not None
    widths, value = node.args[1], node.args[2] if len(node.args) > 2 else 0
    config = [(0, 0, 0)] * (len(out.shape) - len(widths) // 2)
    for k in range(len(widths) // 2 - 1, -1, -1):
        config.append((widths[2 * k], widths[2 * k + 1], 0))
    fill = literal(value, ShapedArray((), a.aval.dtype))
    r.emit("pad", [a, fill], {"padding_config": tuple(config)}, out)


@rule(aten.stack.default)
def _stack(r: Reader, node: Node) -> Any:
    out, parts = node.outs[0], node.args[0]
    assert out is not None
    axis = node.args[1] if len(node.args) > 1 else node.kwargs.get("dim", 0)
    dtype = r.dtype_of(out, *parts)
    r.emit("stack", [r.operand(p, dtype) for p in parts], {"axis": axis % len(out.shape)}, out)


@rule(aten.split_with_sizes.default, aten.split.Tensor)
def _split(r: Reader, node: Node) -> Any:
    a, outs = r.payload(node.args[0]), node.outs
    axis = (node.args[2] if len(node.args) > 2 else node.kwargs.get("dim", 0)) % len(a.aval.shape)
    if any(o is None for o in outs):
        return False
    sizes = tuple(o.shape[axis] for o in outs if o is not None)
    made = [r.result(o) for o in outs if o is not None]
    for v in made:
        r.as_places(v, a)
    r.eqns.append(JaxprEqn([a], made, builtin("split", True), {"axis": axis, "sizes": sizes}))
    return True


# Made of nothing


_FILLS = {"zeros": 0, "zeros_like": 0, "new_zeros": 0, "ones": 1, "ones_like": 1, "new_ones": 1}


_FILLING = (*_FILLS, "full", "full_like", "new_full", "scalar_tensor")


@rule(*(getattr(aten, n).default for n in _FILLING))
def _fill(r: Reader, node: Node) -> Any:
    out = node.outs[0]
    assert out is not None
    name = node.op._schema.name.removeprefix("aten::")
    value = _FILLS[name] if name in _FILLS else node.args[0] if name == "scalar_tensor" else node.args[-1]
    if not isinstance(value, bool | int | float | complex):
        return False
    fill = literal(value, ShapedArray((), dtypes.from_torch(out.dtype)))
    if out.shape:
        r.broadcast(fill, out.shape, out)
    else:
        r.alias(out, fill)
    return True


@rule(aten.arange.default, aten.arange.start, aten.arange.start_step)
def _iota(r: Reader, node: Node) -> Any:
    out = node.outs[0]
    assert out is not None
    numbers = node.args
    start, step = (0, 1) if len(numbers) == 1 else (numbers[0], numbers[2] if len(numbers) > 2 else 1)
    if start != 0 or step != 1:
        return False
    dtype = dtypes.from_torch(out.dtype)
    known = dtypes.canonicalize_dtype(dtype)  # positions have 64 bits in torch where there are none else
    params = {"dtype": known, "shape": out.shape, "dimension": 0, "sharding": None}
    made = r.emit("iota", [], params, out if known == dtype else ShapedArray(out.shape, known))
    r.alias(out, made)
    return True


# Types and products


@rule(aten._to_copy.default, aten.to.dtype)
def _convert(r: Reader, node: Node) -> Any:
    out = node.outs[0]
    assert out is not None
    if not isinstance(node.args[0], Var):  # a number, which torch takes for a tensor
        r.alias(out, literal(node.args[0], ShapedArray((), dtypes.from_torch(out.dtype))))
        return True
    a = r.payload(node.args[0])
    dtype, source = dtypes.from_torch(out.dtype), a.aval.dtype
    if source == dtype or (source.kind == "i" and dtypes.canonicalize_dtype(dtype) == source):
        r.alias(out, a)
        return True
    if isinstance(a, Literal):
        r.alias(out, converted(a.val, ShapedArray((), dtype)))
        return True
    if source.kind == "c" and dtype.kind != "c":
        return False
    params = {"new_dtype": dtype, "weak_type": getattr(r.out_avals.get(out), "weak_type", False), "sharding": None}
    r.emit("convert_element_type", [a], params, out)
    return True


@rule(aten.view.dtype)
def _bitcast(r: Reader, node: Node) -> Any:
    out, a = node.outs[0], r.payload(node.args[0])
    assert out is not None
    if a.aval.shape != out.shape:
        return False
    r.emit("bitcast_convert_type", [a], {"new_dtype": dtypes.from_torch(out.dtype)}, out)
    return True


@rule(aten.mm.default, aten.bmm.default, aten.dot.default, aten.mv.default)
def _dot(r: Reader, node: Node) -> Any:
    out, (a, b) = node.outs[0], map(r.payload, node.args[:2])
    assert out is not None
    batch = (0,) if node.op is aten.bmm.default else ()
    contracted = (len(a.aval.shape) - 1,), (len(batch) if len(b.aval.shape) > 1 else 0,)
    params = {
        "dimension_numbers": (contracted, (batch, batch)),
        "precision": r.graph.precisions.get(id(node)),
        "preferred_element_type": preferred(dtypes.from_torch(out.dtype)),
        "out_sharding": None,
    }
    r.emit("dot_general", [a, b], params, out)


def preferred(dtype: Any) -> Any:
    """The dtype that a product says; products of unsigned numbers are made of wider ones than a user may ask for."""
    return dtype if dtypes.canonicalize_dtype(dtype) == dtype else None


@rule(aten.sort.default, aten.sort.stable)
def _sort(r: Reader, node: Node) -> Any:
    values, places = node.outs
    a = r.payload(node.args[0])
    named = dict(zip(("dim", "descending"), node.args[1:], strict=False)) | node.kwargs
    if named.get("descending", False) or not a.aval.shape:
        return False
    axis = named.get("dim", -1) % len(a.aval.shape)
    params = {"dimension": axis, "is_stable": True, "num_keys": 1}
    made = r.result(values)
    r.as_places(made, a)
    if places not in r.used:
        r.eqns.append(JaxprEqn([a], [made], builtin("sort", True), params))
        return True
    # Places have 64 bits in torch, and as many as JAX's integers where its functions give them.
    order = ShapedArray(a.aval.shape, dtypes.default_int_dtype())
    spread = {"dtype": order.dtype, "shape": order.shape, "dimension": axis, "sharding": None}
    moved = JaxprVar(order)
    eqn = JaxprEqn([a, r.emit("iota", [], spread, order)], [made, moved], builtin("sort", True), params)
    r.eqns.append(eqn)
    r.alias(places, moved)
    return True


@rule(aten.argmax.default, aten.argmin.default)
def _place(r: Reader, node: Node) -> Any:
    out, a = node.outs[0], r.payload(node.args[0])
    assert out is not None
    named = dict(zip(("dim", "keepdim"), node.args[1:], strict=False)) | node.kwargs
    axis, kept = named.get("dim"), named.get("keepdim", False)
    if kept or not a.aval.shape:
        return False
    if axis is None and len(a.aval.shape) > 1:
        flat = ShapedArray((math.prod(a.aval.shape),), a.aval.dtype)
        a = r.emit("reshape", [a], {"new_sizes": flat.shape, "dimensions": None, "sharding": None}, flat)
    index = dtypes.default_int_dtype()
    name = node.op._schema.name.removeprefix("aten::")
    found = ShapedArray(out.shape, index)
    r.alias(out, r.emit(name, [a], {"axes": ((axis or 0) % len(a.aval.shape),), "index_dtype": index}, found))
    return True
