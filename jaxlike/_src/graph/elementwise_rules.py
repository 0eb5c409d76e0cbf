"""elementwise_rules: how a jaxpr says aten's arithmetic, comparisons and reductions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src import dtypes, torch_private
from jaxlike._src.array import ShapedArray
from jaxlike._src.graph.graph import Var
from jaxlike._src.graph.jaxpr import literal
from jaxlike._src.graph.reader import Reader, rule

if TYPE_CHECKING:
    from jaxlike._src.graph.graph import Node

aten = torch.ops.aten


_ACCURATE = ("cos", "exp2", "expm1", "exp", "log", "log1p", "tanh", "sin", "tan", "sqrt", "rsqrt")
_UNARY = {
    **{n: n for n in (*_ACCURATE, "neg", "abs", "sign", "asin", "acos", "atan", "sinh", "cosh", "asinh", "acosh")},
    **{n: n for n in ("atanh", "floor", "ceil", "erf", "erfc", "lgamma", "digamma", "real", "imag")},
    "sigmoid": "logistic", "sgn": "sign", "erfinv": "erf_inv", "isfinite": "is_finite",
}  # fmt: skip
_WITH_ACCURACY = frozenset([*_ACCURATE, "logistic", "cbrt"]) - {"exp2"} | {"exp2"}


@rule(*(getattr(aten, n).default for n in _UNARY if hasattr(aten, n)))
def _unary(r: Reader, node: Node) -> Any:
    name = _UNARY[node.op._schema.name.removeprefix("aten::")]
    out = node.outs[0]
    assert out is not None
    a = r.payload(node.args[0])
    if name not in ("is_finite", "real", "imag", "abs") and a.aval.dtype != r.dtype_of(out, node.args[0]):
        return False
    if name in ("real", "imag") and a.aval.dtype.kind != "c":
        return False
    r.emit(name, [a], {"accuracy": None} if name in _WITH_ACCURACY else {}, out)
    return True


@rule(aten._conj_physical.default, aten.conj_physical.default)
def _conj(r: Reader, node: Node) -> Any:
    a = r.payload(node.args[0])
    r.emit("conj", [a], {"input_dtype": a.aval.dtype}, node.outs[0])


@rule(aten.bitwise_not.default, aten.logical_not.default)
def _not(r: Reader, node: Node) -> Any:
    a = r.payload(node.args[0])
    if node.op is aten.logical_not.default and a.aval.dtype != np.bool_:
        return False
    r.emit("not", [a], {}, node.outs[0])
    return True


@rule(aten.round.default)
def _round(r: Reader, node: Node) -> Any:
    from jaxlike._src.lax.accuracy import RoundingMethod  # an enumeration that users know from jax.lax

    r.emit("round", [r.payload(node.args[0])], {"rounding_method": RoundingMethod.TO_NEAREST_EVEN}, node.outs[0])


_BINARY = {
    "add": "add", "sub": "sub", "mul": "mul", "div": "div", "maximum": "max", "minimum": "min", "atan2": "atan2",
    "fmod": "rem", "eq": "eq", "ne": "ne", "lt": "lt", "le": "le", "gt": "gt", "ge": "ge", "pow": "pow",
    "bitwise_and": "and", "bitwise_or": "or", "bitwise_xor": "xor", "logical_and": "and", "logical_or": "or",
    "logical_xor": "xor", "nextafter": "nextafter", "complex": "complex", "bitwise_left_shift": "shift_left",
    "bitwise_right_shift": "shift_right_arithmetic",
}  # fmt: skip
_OF_PLACES = frozenset("add sub max min eq ne lt le gt ge".split())
_BINARY_OPS = {
    getattr(packet, overload): jax_name
    for name, jax_name in _BINARY.items()
    for packet in [getattr(aten, name)]
    for overload in packet.overloads()
    if overload in ("default", "Tensor", "Scalar", "Tensor_Tensor", "Tensor_Scalar")
}


@rule(*_BINARY_OPS)
def _binary(r: Reader, node: Node) -> Any:
    name = _BINARY_OPS[node.op]
    if node.kwargs.get("alpha", 1) != 1 or len(node.args) != 2:
        return False
    out = node.outs[0]
    assert out is not None
    a, b = node.args
    tensors = [v for v in (a, b) if isinstance(v, Var)]
    if name in ("eq", "ne", "lt", "le", "gt", "ge"):
        torch_dtype = torch.result_type(*(_probe(v) for v in (a, b)))
    elif name == "complex":
        torch_dtype = tensors[0].dtype
    else:
        torch_dtype = out.dtype
    dtype = dtypes.from_torch(torch_dtype)
    if torch_dtype is torch.int64 and name in _OF_PLACES:
        dtype = r.dtype_of(tensors[0], *tensors)
    if node.op._schema.name.startswith("aten::logical") and any(v.dtype is not torch.bool for v in tensors):
        return False
    if name == "shift_right_arithmetic" and dtype.kind == "u":
        name = "shift_right_logical"
    if dtype.kind == "b":
        name = {"add": "or", "mul": "and", "max": "or", "min": "and"}.get(name, name)
    if name == "div" and dtype.kind not in "fcV":
        return False
    if name == "pow" and dtype.kind not in "fcV":
        return False
    if name == "pow" and not isinstance(b, Var):
        return _power(r, a, b, out)
    if name == "add" and node.pulled and len(tensors) == 2 and a.shape == b.shape:
        name = "add_any"  # of cotangents; the one that was there first is first
        a, b = sorted(tensors, key=lambda v: v.index)
    if name == "mul" and node.pulled and len(tensors) == 1:
        a, b = (a, b) if isinstance(b, Var) else (b, a)  # the number of a derivative's formula comes first
    atoms = r.one_rank([r.operand(a, dtype), r.operand(b, dtype)])
    r.emit(name, atoms, {"out_dtype": None} if name == "mul" else {}, out)
    return True


def _probe(value: Any) -> Any:
    """Something of the dtype and rank of an operand, to ask torch what it promotes to."""
    if not isinstance(value, Var):
        return value
    with torch_private.outside():
        return torch.empty((1,) * len(value.shape), dtype=value.dtype, device="meta")


def _power(r: Reader, base: Any, exponent: Any, out: Var) -> Any:
    dtype = dtypes.from_torch(out.dtype)
    x = r.operand(base, dtype)
    if exponent == 1:
        r.alias(out, x)
    elif float(exponent).is_integer() and (dtype.kind in "fc" or exponent >= 0):
        r.emit("integer_pow", [x], {"y": int(exponent)}, out)
    else:
        r.emit("pow", [x, literal(exponent, ShapedArray((), dtype))], {}, out)
    return True


@rule(aten.where.self)
def _where(r: Reader, node: Node) -> Any:
    out = node.outs[0]
    assert out is not None
    pred, yes, no = node.args
    dtype = r.dtype_of(out, yes, no)
    cases = [r.broadcast(a, out.shape) for a in r.of_one_strength([r.operand(v, dtype) for v in (no, yes)])]
    which = r.payload(pred)
    if which.aval.shape:
        which = r.broadcast(which, out.shape)
    r.emit("select_n", [which, *cases], {}, out)


@rule(aten.clamp.default, aten.clamp.Tensor)
def _clamp(r: Reader, node: Node) -> Any:
    out = node.outs[0]
    assert out is not None
    named = dict(zip(("x", "min", "max"), node.args, strict=False)) | node.kwargs
    low, high = named.get("min"), named.get("max")
    dtype = r.dtype_of(out, named["x"], low, high)
    x = r.operand(named["x"], dtype)
    bounds = [None if v is None else r.operand(v, dtype) for v in (low, high)]
    if any(b is not None and b.aval.shape and b.aval.shape != x.aval.shape for b in bounds):
        return False
    low, high = bounds
    if low is not None and high is not None:
        r.emit("clamp", [low, x, high], {}, out)
    elif low is not None:
        r.emit("max", [x, low], {}, out)
    else:
        r.emit("min", [x, high], {}, out)
    return True


_REDUCTIONS = {
    "sum": "reduce_sum", "prod": "reduce_prod", "amax": "reduce_max", "amin": "reduce_min", "any": "reduce_or",
    "all": "reduce_and",
}  # fmt: skip


@rule(*(getattr(getattr(aten, n), o) for n in _REDUCTIONS for o in getattr(aten, n).overloads() if "out" not in o))
def _reduce(r: Reader, node: Node) -> Any:
    name = _REDUCTIONS[node.op._schema.name.removeprefix("aten::")]
    out = node.outs[0]
    assert out is not None
    same = name in ("reduce_max", "reduce_min")
    a = r.operand(node.args[0], r.dtype_of(out, node.args[0]) if same else dtypes.from_torch(out.dtype))
    ndim = len(a.aval.shape)
    given = node.args[1] if len(node.args) > 1 else node.kwargs.get("dim")
    axes = axes_of(given, ndim)
    keep = (node.args[2] if len(node.args) > 2 else node.kwargs.get("keepdim", False)) is True
    params = {"axes": axes, **({"out_sharding": None} if name == "reduce_sum" else {})}
    if not keep:
        r.emit(name, [a], params, out)
        return True
    kept = tuple(k for k in range(ndim) if k not in axes)
    small = r.emit(name, [a], params, ShapedArray(tuple(a.aval.shape[k] for k in kept), a.aval.dtype))
    r.emit("broadcast_in_dim", [small], {"shape": out.shape, "broadcast_dimensions": kept, "sharding": None}, out)
    return True


def axes_of(given: Any, ndim: int) -> tuple[int, ...]:
    chosen = range(ndim) if given is None or given == [] else [given] if isinstance(given, int) else given
    return tuple(sorted(a % max(ndim, 1) for a in chosen))


@rule(aten.cumsum.default, aten.cumprod.default)
def _cumulative(r: Reader, node: Node) -> Any:
    out = node.outs[0]
    assert out is not None
    if not out.shape:
        return False
    name = node.op._schema.name.removeprefix("aten::")
    a = r.operand(node.args[0], dtypes.from_torch(out.dtype))
    r.emit(name, [a], {"axis": node.args[1] % len(out.shape), "reverse": False}, out)
    return True
