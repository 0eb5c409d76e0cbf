"""draw_rules: how a jaxpr says random keys, bits and draws.

A draw is one operation here, whatever its distribution; JAX's are calls of functions that make a uniform number of
random bits and go on from there. What these calls show is written down below for those that are used most.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch

from jaxlike._src import dtypes
from jaxlike._src.array import ShapedArray
from jaxlike._src.graph.call_params import call_params
from jaxlike._src.graph.graph import Var
from jaxlike._src.graph.jaxpr import ClosedJaxpr, DebugInfo, Jaxpr, JaxprEqn, Literal, literal, no_effects
from jaxlike._src.graph.jaxpr import Var as JaxprVar
from jaxlike._src.graph.primitive import builtin
from jaxlike._src.graph.reader import Reader, aval_of_kind, region_rule, rule
from jaxlike._src.regions import DRAW, Region

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jaxlike._src.graph.graph import Node

aten = torch.ops.aten
UINT32 = np.dtype(np.uint32)


def _keys(r: Reader, region: Region, value: Any) -> Any:
    """Keys, where a node has the numbers that store them."""
    return r.whole(r.atom(value), region.params["kind"])


def _define_keys(r: Reader, region: Region, name: str, operands: Sequence[Any], params: dict[str, Any]) -> None:
    (out,) = region.outs
    stored = ShapedArray(out.shape, dtypes.from_torch(out.dtype))
    r.alias(out, r.emit(name, operands, params, aval_of_kind(region.params["kind"], stored)))


@region_rule("random_wrap")
@region_rule("random_seed")
def _made(r: Reader, region: Region) -> None:
    _define_keys(r, region, region.name, [r.payload(region.operands[0])], {"impl": region.params["kind"][1]})


@region_rule("random_split")
def _split(r: Reader, region: Region) -> None:
    (keys,) = region.operands
    _define_keys(r, region, "random_split", [_keys(r, region, keys)], {"shape": region.params["shape"]})


@region_rule("random_fold_in")
def _fold_in(r: Reader, region: Region) -> None:
    keys, data = region.operands
    operands = [_keys(r, region, keys), r.operand(data, UINT32)]
    _define_keys(r, region, "random_fold_in", operands, {})


@region_rule("random_unwrap")
def _unwrap(r: Reader, region: Region) -> None:
    r.emit("random_unwrap", [_keys(r, region, region.operands[0])], {}, region.outs[0])


@region_rule("random_bits")
def _bits(r: Reader, region: Region) -> None:
    params = {"bit_width": region.params["bit_width"], "shape": region.params["shape"]}
    r.emit("random_bits", [_keys(r, region, region.operands[0])], params, region.outs[0])


@rule(aten.unbind.int)
def _rows(r: Reader, node: Node) -> Any:
    """The rows of an array, one by one."""
    a = r.atom(node.args[0])
    shape = a.aval.shape
    axis = (node.args[1] if len(node.args) > 1 else 0) % len(shape)
    for k, out in enumerate(node.outs):
        if out is None or out not in r.used:
            continue
        params = {
            "start_indices": tuple(k if i == axis else 0 for i in range(len(shape))),
            "limit_indices": tuple(k + 1 if i == axis else n for i, n in enumerate(shape)),
            "strides": (1,) * len(shape),
        }
        row = r.emit("slice", [a], params, a.aval.update(shape=tuple(1 if i == axis else n for i, n in enumerate(shape))))
        r.emit("squeeze", [row], {"dimensions": (axis,)}, out)


# Draws


class _End(NamedTuple):
    """An end of the range of a uniform number: its value, and whether its type is to give way to others'."""

    value: float
    weak: bool
    low: bool


_LEAST, _STEP, _INSIDE = 1.1754943508222875e-38, 1.1920928955078125e-07, -0.9999999403953552
_UNIT = _End(0.0, True, True), _End(1.0, True, False)
_ENDS = {
    "uniform": _UNIT,
    "exponential": _UNIT,
    "normal": (_End(_INSIDE, False, True), _End(1.0, False, False)),
    "laplace": (_End(_INSIDE, False, True), _End(1.0, True, False)),
    "logistic": (_End(_LEAST, False, True), _End(1.0, True, False)),
    "cauchy": (_End(_STEP, False, True), _End(1.0, True, False)),
    "gumbel": (_End(1.0, True, False), _End(_LEAST, False, True)),
}
FLOAT = np.dtype(np.float32)


class _Written:
    """A jaxpr that is written down."""

    def __init__(self, avals: Sequence[Any]) -> None:
        self.invars = [JaxprVar(a) for a in avals]
        self.eqns: list[JaxprEqn] = []

    def __call__(self, name: str, *operands: Any, aval: Any = None, **params: Any) -> JaxprVar:
        """An equation; numbers among the operands are of the type of the others."""
        like = next(a.aval.dtype for a in operands if not isinstance(a, int | float))
        atoms = [literal(a, ShapedArray((), like)) if isinstance(a, int | float) else a for a in operands]
        shape = np.broadcast_shapes(*(a.aval.shape for a in atoms))
        out = JaxprVar(ShapedArray(shape, like) if aval is None else aval)
        self.eqns.append(JaxprEqn(atoms, [out], builtin(name), params))
        return out

    def call(self, name: str, jaxpr: ClosedJaxpr, *operands: Any) -> JaxprVar:
        """A call of another."""
        (aval,) = jaxpr.out_avals
        out = JaxprVar(aval)
        self.eqns.append(JaxprEqn(list(operands), [out], builtin("jit", True), call_params(name, jaxpr, len(operands), 1)))
        return out

    def closed(self, name: str, out: Any) -> ClosedJaxpr:
        """The jaxpr that gives this."""
        return ClosedJaxpr(Jaxpr([], self.invars, [out], self.eqns, no_effects, DebugInfo("jit", name)), [])


def _literals(ends: Sequence[_End]) -> list[Literal]:
    return [literal(e.value, ShapedArray((), FLOAT, e.weak)) for e in ends]


def _uniform(key: Any, shape: tuple[int, ...], ends: Sequence[_End]) -> ClosedJaxpr:
    """Random bits as the digits of a number in [1, 2), moved to a range."""
    w = _Written([key, *(ShapedArray((), FLOAT, e.weak) for e in ends)])
    one = ShapedArray((1,) * len(shape), FLOAT)
    given = [
        (e, w("convert_element_type", v, aval=ShapedArray((), FLOAT), new_dtype=FLOAT, weak_type=False, sharding=None))
        if e.weak
        else (e, v)
        for e, v in zip(ends, w.invars[1:], strict=True)
    ]
    low, high = (next(v for e, v in given if e.low is wanted) for wanted in (True, False))
    if shape:
        spread = {"shape": one.shape, "broadcast_dimensions": (), "sharding": None}
        low, high = (w("broadcast_in_dim", v, aval=one, **spread) for v in (low, high))
    drawn = (*key.shape, *shape)
    bits = w("random_bits", w.invars[0], aval=ShapedArray(drawn, UINT32), bit_width=32, shape=shape)
    digits = w("or", w("shift_right_logical", bits, 9), 1065353216)
    unit = w("sub", w("bitcast_convert_type", digits, aval=ShapedArray(drawn, FLOAT), new_dtype=FLOAT), 1.0)
    width = w("sub", high, low, aval=one if shape else None)
    moved = w("add", w("mul", unit, width, out_dtype=None), low)
    if not drawn:
        moved = w("reshape", moved, new_sizes=(), dimensions=None, sharding=None)
    return w.closed("_uniform", w("max", low, moved))


def _exponential(w: _Written, u: Any) -> Any:
    return w("neg", w("log1p", w("neg", u), accuracy=None))


def _normal(w: _Written, u: Any) -> Any:
    return w("mul", 1.4142135381698608, w("erf_inv", u), out_dtype=None)


def _laplace(w: _Written, u: Any) -> Any:
    sign = w("sign", u)
    return w("mul", sign, w("log1p", w("neg", w("abs", u)), accuracy=None), out_dtype=None)


def _logistic(w: _Written, u: Any) -> Any:
    left = w("log", u, accuracy=None)
    return w("sub", left, w("log1p", w("neg", u), accuracy=None))


def _cauchy(w: _Written, u: Any) -> Any:
    return w("tan", w("mul", 3.1415927410125732, w("sub", u, 0.5), out_dtype=None), accuracy=None)


def _gumbel(w: _Written, u: Any) -> Any:
    return w("neg", w("log", w("neg", w("log", u, accuracy=None)), accuracy=None))


_OF_UNIFORM: dict[str, Callable[[_Written, Any], Any]] = {
    "exponential": _exponential, "normal": _normal, "laplace": _laplace, "logistic": _logistic, "cauchy": _cauchy,
    "gumbel": _gumbel,
}  # fmt: skip


def _drawing(name: str, key: Any, shape: tuple[int, ...]) -> ClosedJaxpr:
    """A draw of a distribution other than the uniform one."""
    w, ends = _Written([key]), _ENDS[name]
    u = w.call("_uniform", _uniform(key, shape, ends), w.invars[0], *_literals(ends))
    if name != "normal":
        return w.closed(f"_{name}", _OF_UNIFORM[name](w, u))
    outer = _Written([key])
    real = w.closed("_normal_real", _normal(w, u))
    return outer.closed("_normal", outer.call("_normal_real", real, outer.invars[0]))


@region_rule(DRAW)
def _draw(r: Reader, region: Region) -> Any:
    name, shape = region.params["name"], region.params["shape"]
    (value,), (out,) = region.operands, region.outs
    if name not in _ENDS or out.dtype is not torch.float32 or not isinstance(value, Var):
        return False
    if region.lanes and (shape or region.lanes != len(value.shape)):
        return False
    key = _keys(r, region, value)
    if name == "uniform":
        jaxpr, operands = _uniform(key.aval, shape, _UNIT), [key, *_literals(_UNIT)]
    else:
        jaxpr, operands = _drawing(name, key.aval, shape), [key]
    made = r.result(out)
    r.eqns.append(JaxprEqn(operands, [made], builtin("jit", True), call_params(f"_{name}", jaxpr, len(operands), 1)))
    return True
