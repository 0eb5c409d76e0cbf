"""spellings: kernels of torch as the steps that JAX's functions of the same meaning take; see `graph/spelling`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src.array import Array
from jaxlike._src.border import unwrap
from jaxlike._src.graph.spelling import spells
from jaxlike._src.lax.convert import bitcast_convert_type, broadcasted_iota, full
from jaxlike._src.lax.elementwise import round as round_
from jaxlike._src.numpy.arithmetic import sign, sqrt, square
from jaxlike._src.numpy.compare import isfinite
from jaxlike._src.numpy.exponential import exp, exp2, log, log1p
from jaxlike._src.numpy.kinks import rectified, rectified_to_6
from jaxlike._src.numpy.rounding import ceil, floor
from jaxlike._src.numpy.select import where
from jaxlike._src.numpy.shape import expand_dims
from jaxlike._src.transforms.compiled import jitted
from jaxlike._src.transforms.custom import Named, zero_tangent
from jaxlike._src.transforms.forward import jvp
from jaxlike._src.transforms.stop_gradient import stop_gradient

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def _chosen(which: Array, yes: Array, no: Array) -> Array:
    """`where` without a call of its own."""
    return Array(torch.where(unwrap(which), unwrap(yes), unwrap(no)), yes.weak_type and no.weak_type)


def _on(kernel: Callable[..., Any], *arrays: Array) -> Array:
    return Array(kernel(*map(unwrap, arrays)), all(a.weak_type for a in arrays))


# Division


@spells("remainder")
def _remainder(x: Array, y: Array) -> Array:
    if x.dtype.kind in "iu":
        y = where(y == 0, full(y.shape, 1, y.dtype), y)
    rest = _on(torch.fmod, x, y)
    some = rest != 0
    other_side = ((rest < 0) != (y < 0)) & some
    return _chosen(other_side, rest + y, rest)


@spells("floor_divide")
def _floor_divide(x: Array, y: Array) -> Array:
    if x.dtype.kind == "u":
        return _whole_quotient(x, y)
    if x.dtype.kind == "i":
        whole = _whole_quotient(x, y)
        other_side = _on(torch.sign, x) != _on(torch.sign, y)
        other_side = other_side & (_on(torch.fmod, x, y) != 0)
        return where(other_side, whole - 1, whole)
    return _divmod(x, y)[0]


def _whole_quotient(x: Array, y: Array) -> Array:
    return Array(torch.div(unwrap(x), unwrap(y), rounding_mode="trunc"))


@spells("divmod")
def _divmod(x: Array, y: Array) -> tuple[Array, Array]:
    if x.dtype.kind in "iu":
        return jitted("floor_divide")(_floor_divide)(x, y), jitted("remainder")(_remainder)(x, y)
    rest = _on(torch.fmod, x, y)
    whole = where(y == 0, x, x - rest) / y
    other_side = (rest != 0) & (_on(torch.sign, y) != _on(torch.sign, rest))
    rest, whole = _chosen(other_side, rest + y, rest), _chosen(other_side, whole - 1, whole)
    return round_(whole), rest


@spells("rsub")
def _rsub(x: Array, y: Array) -> Array:
    return y - x


@spells("reciprocal")
def _reciprocal(x: Array) -> Array:
    return 1 / x


# Elementwise


@spells("isnan")
def _isnan(x: Array) -> Array:
    return x != x  # that is the step


@spells("isinf")
def _isinf(x: Array) -> Array:
    return abs(x) == math.inf


@spells("log2")
def _log2(x: Array) -> Array:
    return log(x) / log(full((), 2, x.dtype))


@spells("log10")
def _log10(x: Array) -> Array:
    return log(x) * (1 / math.log(10))


@spells("trunc")
def _trunc(x: Array) -> Array:
    return where(x < 0, ceil(x), floor(x))


@spells("signbit")
def _signbit(x: Array) -> Array:
    whole = np.dtype(f"int{8 * x.dtype.itemsize}")
    return (bitcast_convert_type(x, whole) >> (8 * x.dtype.itemsize - 1)).astype(bool)


def _of_kernel(name: str, jvp_name: str, kernel: Callable[..., Any]) -> dict[str, Any]:
    """The parameters of an equation of a function with a derivative of its own: that of the kernel."""

    def rule(primals: Sequence[Array], tangents: Sequence[Any]) -> Any:
        dots = [zero_tangent(p) if t is None else t for p, t in zip(primals, tangents, strict=True)]
        out, dot = jvp(lambda *inside: _on(kernel, *inside), tuple(primals), tuple(dots))
        return [out], [dot]

    rule.__name__ = jvp_name
    return {"name": name, "jvp_jaxpr_fun": Named(rule, rule)}


@spells("relu", _of_kernel("relu", "jvp", rectified))
def _relu(x: Array) -> Array:
    return jitted("relu")(lambda x: _on(torch.maximum, x, full((), 0, x.dtype)))(x)


@spells("relu6", _of_kernel("relu6", "jvp", rectified_to_6))
def _relu6(x: Array) -> Array:
    return jitted("relu6")(
        lambda x: _on(torch.minimum, _on(torch.maximum, x, full((), 0, x.dtype)), full((), 6, x.dtype))
    )(x)


@spells("logaddexp", _of_kernel("logaddexp", "_logaddexp_jvp", torch.logaddexp))
def _logaddexp(x: Array, y: Array) -> Array:
    larger, apart = _on(torch.maximum, x, y), x - y
    unknown = apart != apart  # that is the step
    both = x + y
    return _chosen(unknown, both, larger + log1p(exp(-abs(apart))))


@spells("logaddexp2", _of_kernel("logaddexp2", "_logaddexp2_jvp", torch.logaddexp2))
def _logaddexp2(x: Array, y: Array) -> Array:
    larger, apart = _on(torch.maximum, x, y), x - y
    unknown = apart != apart  # that is the step
    both = x + y
    return _chosen(unknown, both, larger + (1 / math.log(2)) * log1p(exp2(-abs(apart))))


# Reductions


@spells("_var")
def _var(x: Array, correction: Array, axes: tuple[int, ...], keepdims: bool) -> Array:
    count = float(math.prod(x.shape[k] for k in axes))
    apart = square(x - x.sum(axes, keepdims=True) / count)
    left = count - correction.astype(x.dtype)
    quotient = apart.sum(axes, keepdims=keepdims) / left
    return where(left > 0, quotient, math.nan)


@spells("_std")
def _std(x: Array, correction: Array, axes: tuple[int, ...], keepdims: bool) -> Array:
    return sqrt(jitted("_var", "x correction")(_var)(x, correction, axes, keepdims))


@spells("logsumexp")
def _logsumexp(x: Array, axes: tuple[int, ...], keepdims: bool) -> Array:
    top = Array(torch.maximum(unwrap(full((), -math.inf, x.dtype)), torch.amax(unwrap(x), axes)))
    top = expand_dims(top, axes) if keepdims else top
    top = stop_gradient(_chosen(isfinite(top), top, full(top.shape, 0, x.dtype)))
    total = exp(x - (top if keepdims else expand_dims(top, axes))).sum(axes, keepdims=keepdims)
    sign(total)
    return log(abs(total)) + top


# Triangles and diagonals


def _places(shape: Sequence[int], axis: int) -> Array:
    return broadcasted_iota(np.int32, shape, axis)


def _below(shape: Sequence[int], k: int) -> Array:
    return _places(shape, 0) + k >= _places(shape, 1)


@spells("eye")
def _eye(rows: int, columns: int, k: int, dtype: Any) -> Array:
    here, there = _places((rows, columns), 0), _places((rows, columns), 1)
    return (here + k == there).astype(dtype)


@spells("tril")
def _tril(x: Array, k: int) -> Array:
    return _kept(_below(x.shape[-2:], k), x, above=False)


@spells("triu")
def _triu(x: Array, k: int) -> Array:
    return _kept(_below(x.shape[-2:], k - 1), x, above=True)


def _kept(mask: Array, x: Array, above: bool) -> Array:
    which = Array(unwrap(mask).expand(x.shape)) if x.ndim > 2 else mask
    none = full(x.shape, 0, x.dtype)
    return _chosen(which, none, x) if above else _chosen(which, x, none)


@spells("_diag")
def _diag(x: Array, k: int) -> Array:
    n = len(x) + abs(k)
    padded = Array(torch.constant_pad_nd(unwrap(x), [max(0, -k), max(0, k)]))
    here, there = _places((n, n), 0), _places((n, n), 1)
    return where(here + k == there, padded[:, None], full((), 0, x.dtype))


@spells("diagonal")
def _diagonal(x: Array, k: int, first: int, second: int) -> Array:
    order = [a for a in range(x.ndim) if a not in (first, second)]
    moved = x if (first, second) == (x.ndim - 2, x.ndim - 1) else x.transpose(*order, first, second)
    rows, columns = x.shape[first], x.shape[second]
    count = max(0, min(rows + min(k, 0), columns - max(k, 0)))
    down, across = broadcasted_iota(np.int32, (count,), 0), broadcasted_iota(np.int32, (count,), 0)
    down = -k + down if k < 0 else down
    across = k + across if k > 0 else across
    return moved[..., down, across]


@spells("trace")
def _trace(x: Array, k: int) -> Array:
    here, there = _places(x.shape, 0), _places(x.shape, 1)
    return where(here + k == there, x, full(x.shape, 0, x.dtype)).sum()


@spells("_roll_static")
def _rolled(x: Array, shifts: tuple[int, ...], axes: tuple[int, ...]) -> Array:
    tensor = unwrap(x)
    for shift, axis in zip(shifts, axes, strict=True):
        size = tensor.shape[axis]
        at = size - shift % size if size else 0
        if shift % max(size, 1):
            tensor = torch.cat([tensor.narrow(axis, at, size - at), tensor.narrow(axis, 0, at)], axis)
    return Array(tensor, x.weak_type)
