"""spelled_rules: which ops of torch a jaxpr shows in steps; what these are is in `lax/spellings`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from jaxlike._src.graph.graph import Var
from jaxlike._src.graph.reader import Reader, rule

if TYPE_CHECKING:
    from jaxlike._src.graph.graph import Node

aten = torch.ops.aten

# op -> name of the steps; whether they are a call
_ELEMENTWISE: dict[Any, tuple[str, bool]] = {
    aten.remainder.Tensor: ("remainder", True),
    aten.remainder.Scalar: ("remainder", True),
    aten.isnan.default: ("isnan", False),
    aten.isinf.default: ("isinf", True),
    aten.relu.default: ("relu", True),
    aten.logaddexp.default: ("logaddexp", True),
    aten.logaddexp2.default: ("logaddexp2", True),
    aten.log2.default: ("log2", False),
    aten.log10.default: ("log10", False),
    aten.trunc.default: ("trunc", True),
    aten.signbit.default: ("signbit", True),
    aten.reciprocal.default: ("reciprocal", False),
    aten.rsub.Scalar: ("rsub", False),
    aten.rsub.Tensor: ("rsub", False),
}


@rule(*_ELEMENTWISE)
def _elementwise(r: Reader, node: Node) -> Any:
    (out,) = node.outs
    tensors = [v for v in node.args if isinstance(v, Var)]
    if out is None or node.kwargs or any(v.dtype is not tensors[0].dtype for v in tensors):
        return False
    name, called = _ELEMENTWISE[node.op]
    dtype = r.payload(tensors[0]).aval.dtype
    atoms = [r.operand(v, dtype) for v in node.args]
    return r.spelled(name, atoms, [out], (), name if called else None)


@rule(aten.div.Tensor_mode)
def _divided(r: Reader, node: Node) -> Any:
    (out,) = node.outs
    assert out is not None
    dtype = r.aval_of(out).dtype
    atoms = [r.operand(v, dtype) for v in node.args]
    mode = node.kwargs.get("rounding_mode")
    if mode == "trunc" and dtype.kind in "iu":
        r.emit("div", r.one_rank(atoms), {}, out)
        return True
    return mode == "floor" and dtype.kind not in "iu" and r.spelled("floor_divide", atoms, [out])


@rule(aten.tril.default, aten.triu.default)
def _triangle(r: Reader, node: Node) -> Any:
    name = node.op._schema.name.removeprefix("aten::")
    (out,), (x, *more) = node.outs, node.args
    assert out is not None
    return r.spelled(name, [r.payload(x)], [out], (more[0] if more else 0,))


@rule(aten.diag_embed.default)
def _diag(r: Reader, node: Node) -> Any:
    (out,), (x, *more) = node.outs, node.args
    assert out is not None
    return len(more) < 2 and len(out.shape) == 2 and r.spelled("_diag", [r.payload(x)], [out], (more[0] if more else 0,))


@rule(aten.eye.default, aten.eye.m)
def _eye(r: Reader, node: Node) -> Any:
    (out,) = node.outs
    assert out is not None
    return r.spelled("eye", [], [out], (*out.shape, 0, r.aval_of(out).dtype), None)


@rule(aten.diagonal.default)
def _diagonal(r: Reader, node: Node) -> Any:
    (out,), a = node.outs, r.payload(node.args[0])
    assert out is not None
    k, first, second = (*node.args[1:], *(0, 0, 1)[len(node.args) - 1 :])
    n = len(a.aval.shape)
    return r.spelled("diagonal", [a], [out], (k, first % n, second % n))


@rule(aten.roll.default)
def _roll(r: Reader, node: Node) -> Any:
    (out,), a = node.outs, r.payload(node.args[0])
    assert out is not None
    shifts, axes = node.args[1], node.args[2] if len(node.args) > 2 else []
    if len(shifts) == len(a.aval.shape) == 1:
        axes = [0]
    if len(shifts) != len(axes):
        return False
    return r.spelled("_roll_static", [a], [out], (tuple(shifts), tuple(k % len(out.shape) for k in axes)))


@rule(aten.repeat.default)
def _tile(r: Reader, node: Node) -> Any:
    (out,), a = node.outs, r.payload(node.args[0])
    assert out is not None
    if len(node.args[1]) != len(a.aval.shape):
        return False
    r.emit("tile", [a], {"reps": tuple(node.args[1])}, out)
    return True
