"""lax_reference: the functions of `jax.lax` written with numpy, plain and slow: what JAX's test files compare with.

Served as `jax._src.lax_reference`. Where numpy or scipy has the function it stands in the list at the head; the rest
says what the operation means. A convolution and a reduction over windows are both made of `_windows`, a view with an
axis for each axis of a window; a reduction by a ufunc starts from any value, one by another function goes step by step.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import ml_dtypes
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy import special

from jaxlike._src import dtypes

abs, neg, sign, square, reciprocal = np.absolute, np.negative, np.sign, np.square, np.reciprocal
floor, ceil, is_finite, nextafter, real, imag = np.floor, np.ceil, np.isfinite, np.nextafter, np.real, np.imag
exp, exp2, expm1, log, log1p, sqrt, cbrt = np.exp, np.exp2, np.expm1, np.log, np.log1p, np.sqrt, np.cbrt
sin, cos, tan, asin, acos, atan, atan2 = np.sin, np.cos, np.tan, np.arcsin, np.arccos, np.arctan, np.arctan2
sinh, cosh, tanh, asinh, acosh, atanh = np.sinh, np.cosh, np.tanh, np.arcsinh, np.arccosh, np.arctanh
add, sub, pow, max, min, rem = np.add, np.subtract, np.power, np.maximum, np.minimum, np.fmod
eq, ne, ge, gt, le, lt = np.equal, np.not_equal, np.greater_equal, np.greater, np.less_equal, np.less
bitwise_not, bitwise_and, bitwise_or, bitwise_xor = np.bitwise_not, np.bitwise_and, np.bitwise_or, np.bitwise_xor
shift_left, shift_right_arithmetic = np.left_shift, np.right_shift
dot, select, sort, squeeze, sum, transpose = np.dot, np.where, np.sort, np.squeeze, np.sum, np.transpose
igamma, igammac = special.gammainc, special.gammaincc

# ------------------------------------------------------------------------------------------ element by element


def rsqrt(x: Any) -> Any:
    """``1 / sqrt(x)`` in the dtype of x."""
    return np.ones_like(x) / np.sqrt(x)


def round(x: Any) -> Any:
    """To the nearest integer, halves away from zero."""
    under_half = np.nextafter(x.dtype.type(0.5), x.dtype.type(0))  # 0.5 itself would take its predecessor up, to 1
    return np.copysign(np.floor(np.abs(x) + under_half), x).astype(x.dtype)


def logistic(x: Any) -> Any:
    """``1 / (1 + exp(-x))``."""
    return (1 / (1 + np.exp(-x))).astype(x.dtype)


def lgamma(x: Any) -> Any:
    """``log(|gamma(x)|)``."""
    return special.gammaln(x).astype(x.dtype)


def digamma(x: Any) -> Any:
    """The derivative of ``lgamma``."""
    return special.digamma(x).astype(x.dtype)


def erf(x: Any) -> Any:
    """The error function."""
    return special.erf(x).astype(x.dtype)


def erfc(x: Any) -> Any:
    """``1 - erf(x)``."""
    return special.erfc(x).astype(x.dtype)


def erf_inv(x: Any) -> Any:
    """The inverse of ``erf``."""
    return special.erfinv(x).astype(x.dtype)


def bessel_i0e(x: Any) -> Any:
    """The modified Bessel function of order 0, scaled by ``exp(-|x|)``."""
    return special.i0e(x).astype(x.dtype)


def bessel_i1e(x: Any) -> Any:
    """The modified Bessel function of order 1, scaled by ``exp(-|x|)``."""
    return special.i1e(x).astype(x.dtype)


def betainc(a: Any, b: Any, x: Any) -> Any:
    """The regularized incomplete beta function."""
    return special.betainc(a, b, x).astype(x.dtype)


def conj(x: Any) -> Any:
    """The conjugate, which is complex where x is real too."""
    return np.conj(x) + np.complex64(0)


def complex(x: Any, y: Any) -> Any:
    """``x + iy``."""
    return x + np.complex64(1j) * y


def mul(x: Any, y: Any, /, *, out_dtype: Any = None) -> Any:
    """The product, in ``out_dtype`` where that is given."""
    return np.multiply(x, y) if out_dtype is None else np.multiply(np.astype(x, out_dtype), np.astype(y, out_dtype))


def mulhi(x: Any, y: Any) -> Any:
    """The upper half of the bits of the product of two integers."""
    x, y = np.asarray(x), np.asarray(y)
    if x.dtype.kind not in "iu" or x.dtype != y.dtype:
        raise TypeError(f"mulhi takes integers of one dtype, got {x.dtype} and {y.dtype}")
    whole = x.astype(object) * y.astype(object)  # Python's integers have room for every product
    return np.asarray(whole >> 8 * x.dtype.itemsize, dtype=object).astype(x.dtype)


def div(lhs: Any, rhs: Any) -> Any:
    """The quotient; of integers without its fraction."""
    if not dtypes.issubdtype(dtypes.result_type(lhs, rhs), np.integer):
        return np.divide(lhs, rhs)
    down = np.floor_divide(lhs, rhs)
    return down + ((np.remainder(lhs, rhs) != 0) & (np.less(lhs, 0) != np.less(rhs, 0)))


def population_count(x: Any) -> Any:
    """How many bits are 1."""
    return np.bitwise_count(_unsigned(x)).astype(x.dtype)


def clz(x: Any) -> Any:
    """How many bits are 0 before the first 1."""
    n_bits, bits = 8 * x.dtype.itemsize, _unsigned(x)
    used = functools.reduce(np.add, ((bits >> bits.dtype.type(k)) != 0 for k in range(n_bits)), np.zeros(x.shape, int))
    return (n_bits - used).astype(x.dtype)


def _unsigned(x: Any) -> Any:
    return x.view(np.dtype(f"uint{8 * x.dtype.itemsize}"))


def clamp(min: Any, operand: Any, max: Any) -> Any:
    """At least ``min``, and at most ``max``, which wins."""
    return np.minimum(np.maximum(operand, min), max).astype(operand.dtype)


def convert_element_type(operand: Any, dtype: Any) -> Any:
    """The same numbers in another dtype."""
    return np.asarray(operand, dtype=dtype)


def bitcast_convert_type(operand: Any, dtype: Any) -> Any:
    """The same bits read as another dtype; the last axis is that of the parts of what one value was or becomes."""
    operand = np.asarray(operand)
    before, after = dtypes.itemsize_bits(operand.dtype), dtypes.itemsize_bits(dtype)
    if before == 4:  # a byte for each in numpy, two to a byte as bits
        halves = operand.view(np.uint8) & 15
        operand = halves if after == 4 else halves[..., ::2] | halves[..., 1::2] << 4
    if after == 4 and before != 4:
        as_bytes = operand.reshape(*operand.shape, 1).view(np.uint8)
        return np.stack([as_bytes & 15, as_bytes >> 4], -1).reshape(*operand.shape, before // 4).astype(np.dtype(dtype))
    if after < before:
        return operand.reshape(*operand.shape, 1).view(dtype)
    return np.ascontiguousarray(operand).view(dtype).reshape(operand.shape[: -1 if after > before else None])


# --------------------------------------------------------------------------------------------- shapes and places


def concatenate(operands: Sequence[Any], dimension: int) -> Any:
    """Arrays one after another."""
    return np.concatenate(operands, axis=dimension)


def broadcast(operand: Any, sizes: Sequence[int]) -> Any:
    """New axes of these sizes in front."""
    return np.broadcast_to(operand, (*sizes, *np.shape(operand)))


def broadcast_in_dim(operand: Any, shape: Sequence[int], broadcast_dimensions: Sequence[int]) -> Any:
    """Axis k of the operand is axis ``broadcast_dimensions[k]`` of the result."""
    sizes = dict(zip(broadcast_dimensions, np.shape(operand), strict=True))
    return np.broadcast_to(np.reshape(operand, [sizes.get(k, 1) for k in range(len(shape))]), shape)


def reshape(operand: Any, new_sizes: Sequence[int], dimensions: Sequence[int] | None = None) -> Any:
    """Another shape, of the elements in the order of ``dimensions``."""
    return np.reshape(operand if dimensions is None else np.transpose(operand, dimensions), new_sizes)


def rev(operand: Any, dimensions: Sequence[int]) -> Any:
    """These axes backward."""
    return np.flip(operand, tuple(dimensions))


def slice(operand: Any, start_indices: Sequence[int], limit_indices: Sequence[int], strides: Any = None) -> Any:
    """From a start to a limit along each axis."""
    steps = [1] * len(start_indices) if strides is None else strides
    where = [np.arange(*bounds) for bounds in zip(start_indices, limit_indices, steps, strict=True)]
    return operand[np.ix_(*where)]


def dynamic_slice(operand: Any, start_indices: Sequence[int], slice_sizes: Sequence[int]) -> Any:
    """The part of these sizes from a start on; zeros where it reaches over the end."""
    room = [(0, int(size), 0) for size in slice_sizes]
    where = [np.arange(start, start + size) for start, size in zip(start_indices, slice_sizes, strict=True)]
    return pad(operand, 0, room)[np.ix_(*where)]


def dynamic_update_slice(operand: Any, update: Any, start_indices: Sequence[int]) -> Any:
    """The operand with the update in it from a start on."""
    where = [np.arange(start, start + size) for start, size in zip(start_indices, update.shape, strict=True)]
    updated = np.array(operand)
    updated[np.ix_(*where)] = update
    return updated


def pad(operand: Any, padding_value: Any, padding_config: Sequence[tuple[int, int, int]]) -> Any:
    """Along each axis so many values before, after and between; negative numbers take away."""
    for axis, (low, high, interior) in enumerate(padding_config):
        n = operand.shape[axis]
        size = n + low + high + interior * (n - 1 if n else 0)
        to = low + (1 + interior) * np.arange(n)
        kept = (to >= 0) & (to < size)
        padded = np.full((*operand.shape[:axis], size, *operand.shape[axis + 1 :]), padding_value, operand.dtype)
        np.moveaxis(padded, axis, 0)[to[kept]] = np.moveaxis(operand, axis, 0)[kept]
        operand = padded
    return operand


def sort_key_val(keys: Any, values: Any, dimension: int = -1) -> tuple[Any, Any]:
    """Keys in order, and values in the order of their keys."""
    order = np.argsort(keys, axis=dimension)
    return np.take_along_axis(keys, order, dimension), np.take_along_axis(values, order, dimension)


def top_k(operand: Any, k: int, axis: int = -1) -> tuple[Any, Any]:
    """The k largest, largest first and of equal ones the first first, and where they are."""
    n = operand.shape[axis]
    backward = np.argsort(np.flip(operand, axis), axis=axis, kind="stable")
    order = (n - 1 - np.flip(backward, axis)).take(range(k), axis).astype(np.int32)
    return np.take_along_axis(operand, order, axis), order


# -------------------------------------------------------------------------------- products, reductions, windows


def dot_general(lhs: Any, rhs: Any, dimension_numbers: Any) -> Any:
    """A sum of products over the contracted axes for each of the batch axes, which come first in the result."""
    contracted, batch = dimension_numbers
    fresh = itertools.count()
    of_lhs, of_rhs = [next(fresh) for _ in lhs.shape], [next(fresh) for _ in rhs.shape]
    for k, j in (*zip(*contracted, strict=True), *zip(*batch, strict=True)):
        of_rhs[j] = of_lhs[k]
    first = [of_lhs[k] for k in batch[0]]
    used = {*first, *(of_lhs[k] for k in contracted[0])}
    return _einsum(lhs, of_lhs, rhs, of_rhs, [*first, *(k for k in (*of_lhs, *of_rhs) if k not in used)])


def _einsum(lhs: Any, of_lhs: Sequence[int], rhs: Any, of_rhs: Sequence[int], of_out: Sequence[int]) -> Any:
    if lhs.dtype == ml_dtypes.bfloat16:  # numpy has no products of these
        wide = np.einsum(lhs.astype(np.float32), of_lhs, rhs.astype(np.float32), of_rhs, of_out)
        return wide.astype(lhs.dtype)
    return np.einsum(lhs, of_lhs, rhs, of_rhs, of_out)


def ragged_dot(lhs: Any, rhs: Any, group_sizes: Any) -> Any:
    """Rows of each group times its own matrix; zeros for the rows after the last group."""
    out = np.zeros((lhs.shape[0], rhs.shape[2]), lhs.dtype)
    ends = np.cumsum(group_sizes)
    for matrix, start, end in zip(rhs, [0, *ends], ends, strict=False):
        out[start:end] = _einsum(lhs[start:end], [0, 1], matrix, [1, 2], [0, 2])
    return out


_UFUNCS = {
    **{"add": np.add, "mul": np.multiply, "multiply": np.multiply, "max": np.maximum, "min": np.minimum},
    **{"logical_and": np.logical_and, "logical_or": np.logical_or},
}


def reduce(operand: Any, init_value: Any, computation: Callable[[Any, Any], Any], dimensions: Sequence[int]) -> Any:
    """The elements along these axes, one after another, to one."""
    operand, axes = np.asarray(operand), tuple(dimensions)
    ufunc = _UFUNCS.get(getattr(computation, "__name__", ""))
    if ufunc is not None:
        return np.asarray(ufunc.reduce(operand, axis=axes, initial=init_value)).astype(operand.dtype)
    kept = np.moveaxis(operand, axes, range(len(axes)))
    steps = kept.reshape(-1, *kept.shape[len(axes) :]) if operand.size else kept[:0].reshape(0, *kept.shape[len(axes) :])
    total = np.full(steps.shape[1:], init_value, operand.dtype)
    for step in steps:
        total = np.asarray(computation(total, step)).astype(operand.dtype)
    return total


def reduce_window(
    operand: Any,
    init_value: Any,
    computation: Callable[[Any, Any], Any],
    window_dimensions: Sequence[int],
    window_strides: Sequence[int],
    padding: Any,
    base_dilation: Sequence[int] | None = None,
) -> Any:
    """A reduction of each window."""
    dilation = base_dilation or [1] * operand.ndim
    if isinstance(padding, str):
        padding = padtype_to_pads(operand.shape, window_dimensions, window_strides, padding)
    spread = pad(operand, init_value, [(*p, d - 1) for p, d in zip(padding, dilation, strict=True)])
    windows = _windows(spread, window_dimensions, window_strides)
    return reduce(windows, init_value, computation, range(operand.ndim, 2 * operand.ndim))


def _windows(x: Any, sizes: Sequence[int], strides: Sequence[int]) -> Any:
    """The windows of the last axes of x, each with its axes behind those of x."""
    axes = tuple(range(x.ndim - len(sizes), x.ndim))
    return sliding_window_view(x, tuple(sizes), axes)[(..., *(np.s_[::s] for s in strides), *(np.s_[:] for _ in sizes))]


def conv(lhs: Any, rhs: Any, window_strides: Sequence[int], padding: str) -> Any:
    """A convolution of NCHW with OIHW."""
    return conv_with_general_padding(
        lhs, rhs, window_strides, padtype_to_pads(lhs.shape[2:], rhs.shape[2:], window_strides, padding), None, None
    )


def conv_with_general_padding(
    lhs: Any, rhs: Any, window_strides: Sequence[int], padding: Any, lhs_dilation: Any, rhs_dilation: Any
) -> Any:
    """The same with zeros around and within."""
    n = lhs.ndim - 2
    for_lhs = [(*p, d - 1) for p, d in zip(padding, lhs_dilation or [1] * n, strict=True)]
    for_rhs = [(0, 0, d - 1) for d in rhs_dilation or [1] * n]
    lhs, rhs = pad(lhs, 0, [(0, 0, 0)] * 2 + for_lhs), pad(rhs, 0, [(0, 0, 0)] * 2 + for_rhs)
    if any(size < width for size, width in zip(lhs.shape[2:], rhs.shape[2:], strict=True)):
        places = [1 + (s - w) // t for s, w, t in zip(lhs.shape[2:], rhs.shape[2:], window_strides, strict=True)]
        return np.zeros((lhs.shape[0], rhs.shape[0], *(np.maximum(places, 0))), lhs.dtype)
    windows = _windows(lhs, rhs.shape[2:], window_strides)  # N C places window
    at, within = list(range(2, 2 + n)), list(range(2 + n, 2 + 2 * n))
    new = 2 + 2 * n
    return _einsum(windows, [0, 1, *at, *within], rhs, [new, 1, *within], [0, new, *at])


def conv_general_dilated(
    lhs: Any,
    rhs: Any,
    window_strides: Sequence[int],
    padding: Any,
    lhs_dilation: Any,
    rhs_dilation: Any,
    dimension_numbers: tuple[str, str, str],
) -> Any:
    """The same of arrays with their axes in another order, such as NHWC, HWIO and NHWC."""
    lhs_spec, rhs_spec, out_spec = dimension_numbers
    spatial = [c for c in rhs_spec if c not in "OI"]
    lhs = np.transpose(lhs, [lhs_spec.index(c) for c in ("N", "C", *spatial)])
    rhs = np.transpose(rhs, [rhs_spec.index(c) for c in ("O", "I", *spatial)])
    if isinstance(padding, str):
        padding = padtype_to_pads(lhs.shape[2:], rhs.shape[2:], window_strides, padding)
    out = conv_with_general_padding(lhs, rhs, window_strides, padding, lhs_dilation, rhs_dilation)
    return np.transpose(out, [("N", "C", *spatial).index(c) for c in out_spec])


def padtype_to_pads(
    in_shape: Sequence[int], filter_shape: Sequence[int], window_strides: Sequence[int], padding: str
) -> list[tuple[int, int]]:
    """What "SAME", "SAME_LOWER" and "VALID" mean as numbers of zeros."""
    if padding.upper() == "VALID":
        return [(0, 0)] * len(in_shape)
    pads = []
    for size, width, stride in zip(in_shape, filter_shape, window_strides, strict=True):
        both = int(np.maximum((-(-size // stride) - 1) * stride + width - size, 0))
        less, more = both // 2, both - both // 2
        pads.append((less, more) if padding.upper() == "SAME" else (more, less))
    return pads
