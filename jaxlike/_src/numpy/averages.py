"""averages: mean, average, variance, standard deviation, range and count over axes.

Short floats are averaged in float32. `std` is the root of `var`, so that its derivative at equal values is
NaN, as in JAX, and not the 0 of torch's own.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src import dtypes
from jaxlike._src.array import Array
from jaxlike._src.border import cast, promote_dtypes_inexact, scalar, tensor_as, unwrap
from jaxlike._src.family import NUMERIC, check_kinds
from jaxlike._src.frames import STATE
from jaxlike._src.lax import parallel
from jaxlike._src.lax.elementwise import div
from jaxlike._src.numpy.arguments import (
    array_of,
    astype,
    axes_of,
    one_array,
    size_of,
    static_axes,
    user_dtype,
)
from jaxlike._src.numpy.arithmetic import multiply, sqrt, subtract, true_divide
from jaxlike._src.numpy.filled import full
from jaxlike._src.numpy.reduce import max, min, sum
from jaxlike._src.numpy.reduction import SHORT_DTYPES, identity_of, mask_of, refuse_out, split_names
from jaxlike._src.numpy.shape import all_arrays, broadcast_array, reshape, transpose
from jaxlike._src.placement import follow
from jaxlike._src.regions import JIT, as_one, spelled
from jaxlike._src.transforms.compiled import hashable, jitted

if TYPE_CHECKING:
    from torch import Tensor

    from jaxlike._src.typing import ArrayLike, Axis, DTypeLike

_DIRECT_REAL = frozenset([torch.float32, torch.float64])
_DIRECT = frozenset([torch.float32, torch.float64, torch.complex64, torch.complex128])


def mean(
    a: ArrayLike,
    axis: Axis = None,
    dtype: DTypeLike | None = None,
    out: None = None,
    keepdims: bool = False,
    *,
    where: ArrayLike | None = None,
) -> Array:
    """Arithmetic mean over axes; of integers and bool a float32; of nothing NaN.

    Args:
        a: array or number.
        axis: axis or axes; all of them if none is given.
        dtype: dtype to compute in and to return.
        out: not supported.
        keepdims: leave the reduced axes in the result, with size 1.
        where: boolean array; elements where it is False are left out.
    """
    if (
        type(a) is Array
        and a._frame is STATE.fast
        and a._t.dtype in _DIRECT
        and dtype is None
        and where is None
        and out is None
    ):
        t = a._t
        try:
            if axis is None:
                total = torch.sum(t, None, bool(keepdims)) if keepdims else torch.sum(t)
                return Array(divided(total, t.numel()))
            if t.dim() and (isinstance(axis, int) or (isinstance(axis, tuple) and axis)):
                sizes = t.shape
                count = sizes[axis] if isinstance(axis, int) else size_of([sizes[i] for i in axis])
                return Array(divided(torch.sum(t, axis, bool(keepdims)), count))
        except (IndexError, RuntimeError, TypeError):  # below it is said what is wrong
            pass
    axis = static_axes(axis)
    hashable(dtype)
    x = one_array("mean", a)
    mask = mask_of("mean", where)
    refuse_out("mean", out)
    if dtype is None:
        result = dtypes.canonicalize_dtype(dtypes.to_inexact_dtype(x.dtype))
        computed = np.dtype("float32") if result in SHORT_DTYPES else result
    else:
        result = computed = user_dtype(dtype, "mean")
    count = _count(x, axis, keepdims, mask, computed)
    total = unwrap(sum(x, axis, dtype=computed, keepdims=keepdims, where=mask))
    if isinstance(count, int) and (total.dtype.is_floating_point or total.is_complex()):
        quotient = divided(total, count)
    else:
        check_kinds("div", NUMERIC, computed, computed)
        quotient = _divide(total, tensor_as(count, computed))
    return follow("mean", astype(array_of(quotient, computed), result), x)


def divided(total: Tensor, count: int) -> Tensor:
    """``total / count``."""
    return as_one("div", {}, _divided, total, count, operands=(total, float(count)))


def _divided(total: Tensor, count: int) -> Tensor:
    return total * reciprocal_of(count, total.dtype)


@functools.lru_cache(1024)
def reciprocal_of(count: int, dtype: torch.dtype) -> Tensor:
    """``1 / count`` rounded to the dtype, by which XLA multiplies instead of dividing by a constant."""
    kind = np.float32 if dtype in (torch.float32, torch.complex64) else np.float64
    with np.errstate(divide="ignore"):
        return scalar(float(kind(1) / kind(count)), dtype)


def _count(x: Array, axis: Any, keepdims: bool, mask: Array | None, dtype: Any) -> Any:
    """How many elements of ``x`` a reduction takes in: a number, or an Array if a mask decides."""
    if mask is not None:
        return sum(broadcast_array(mask, x.shape), axis, dtype=dtype, keepdims=keepdims)
    sizes = x.shape
    names, axis = split_names(axis)
    axes = range(len(sizes)) if axis is None else (axis,) if isinstance(axis, int) else axis
    return size_of([sizes[i] for i in axes]) * (parallel.axis_size(names) if names else 1)


def _divide(tensor: Tensor, count: Tensor) -> Tensor:
    if tensor.dtype.is_floating_point or tensor.dtype.is_complex:
        return tensor / count
    return div.kernel(tensor, count)  # pyright: ignore[reportFunctionMemberAccess]


def average(
    a: ArrayLike,
    axis: Axis = None,
    weights: ArrayLike | None = None,
    returned: bool = False,
    keepdims: bool = False,
) -> Any:
    """Weighted mean over axes.

    Args:
        a: array or number.
        axis: axis or axes; all of them if none is given.
        weights: of the shape of ``a``, or of its sizes along the axes.
        returned: whether to return the sum of the weights too.
        keepdims: leave the reduced axes in the result, with size 1.

    Returns:
        The mean, or (mean, sum of weights).
    """
    axis = static_axes(axis)
    axes = tuple(range(np.ndim(a))) if axis is None else axes_of(axis, np.ndim(a), "repeated axis")
    if weights is None:
        (x,) = promote_dtypes_inexact(one_array("average", a))
        result = mean(x, axis=axis, keepdims=keepdims)
        total = full((), size_of([x.shape[i] for i in axes]), result.dtype)
    else:
        x, w = promote_dtypes_inexact(*all_arrays("average", (a, weights)))
        if x.shape != w.shape:
            if axis is None:
                raise ValueError("Axis must be specified when shapes of a and weights differ.")
            if w.shape != tuple(x.shape[i] for i in axes):
                raise ValueError("Shape of weights must be consistent with shape of a along specified axis.")
            sizes = [n if i in axes else 1 for i, n in enumerate(x.shape)]
            w = reshape(transpose(w, np.argsort(axes).tolist()), sizes)
        total = sum(w, axis=axis, keepdims=keepdims)
        result = true_divide(sum(multiply(x, w), axis=axis, keepdims=keepdims), total)
    if returned:
        return result, broadcast_array(total, result.shape)
    return result


def _corrected(ddof: Any, correction: Any) -> Any:
    if correction is None:
        return ddof
    if not isinstance(ddof, int) or ddof != 0:
        raise ValueError("ddof and correction can't be provided simultaneously.")
    return correction


def var_dtypes(given: Any, asked: Any) -> tuple[Any, Any]:
    """(dtype computed in, dtype of the result)."""
    if asked is not None:
        if dtypes.issubdtype(given, np.complexfloating) and not dtypes.issubdtype(asked, np.complexfloating):
            raise ValueError(
                "jax.numpy.var does not yet support real dtype parameters when computing the variance of an "
                "array of complex values. The semantics of numpy.var seem unclear in this case. Please "
                "comment "
                "on https://github.com/jax-ml/jax/issues/2283 if this behavior is important to you."
            )
        computed = result = asked
    elif not dtypes.issubdtype(given, np.inexact):
        computed = result = dtypes.canonicalize_dtype(dtypes.to_inexact_dtype(given))
    else:
        computed, result = given, dtypes.finfo(given).dtype
    return np.dtype("float32") if computed in SHORT_DTYPES else computed, result


def var(
    a: ArrayLike,
    axis: Axis = None,
    dtype: DTypeLike | None = None,
    out: None = None,
    ddof: int = 0,
    keepdims: bool = False,
    *,
    where: ArrayLike | None = None,
    mean: ArrayLike | None = None,
    correction: int | float | None = None,
) -> Array:
    """Mean square distance from the mean over axes; of complex numbers real.

    Args:
        a: array or number.
        axis: axis or axes; all of them if none is given.
        dtype: dtype to compute in and to return.
        out: not supported.
        ddof: what is taken off the count before it divides; NaN where nothing remains.
        keepdims: leave the reduced axes in the result, with size 1.
        where: boolean array; elements where it is False are left out.
        mean: the mean, if it is known, with the reduced axes kept.
        correction: another name of ``ddof``.
    """
    correction = _corrected(ddof, correction)
    if (
        type(a) is Array
        and a._frame is STATE.fast
        and a._t.dtype in _DIRECT_REAL
        and axis is None
        and type(correction) is int
        and dtype is None
        and where is None
        and mean is None
        and out is None
        and STATE.frame is None
        and a._t.numel() > correction
    ):
        return Array(torch.var(a._t, None, correction=correction, keepdim=bool(keepdims)))
    hashable(dtype)
    x = one_array("var", a)
    axis = static_axes(axis)
    mask = mask_of("var", where)
    asked = None if dtype is None else user_dtype(dtype, "var")
    refuse_out("var", out)
    computed, result = var_dtypes(x.dtype, asked)
    if any(type(i) is int and not -x.ndim <= i < x.ndim for i in (axis if isinstance(axis, tuple) else (axis,))):
        raise IndexError("tuple index out of range")  # JAX's count of elements comes before its check of axes
    if mask is None and mean is None and computed in _REAL and type(correction) is int and not split_names(axis)[0]:
        axes = axes_of(axis, x.ndim)
        sizes = x.shape
        if axes and size_of([sizes[i] for i in axes]) > correction:
            of = tensor_as(x, computed)
            params = {"name": "_var", "steps": ("_var", (axes, bool(keepdims)), True)}
            tensor = as_one(
                JIT, params, lambda t: _variance_of(t, axes, correction, keepdims), of, operands=(of, correction)
            )
            return astype(Array(tensor), result)
    return _variance(x, axis, computed, result, keepdims, mask, mean, correction)


def _variance_of(tensor: Tensor, axes: tuple[int, ...], correction: int, keepdims: bool) -> Tensor:
    """The plain case. Under a transformation it is JAX's formula, so that derivatives of `std` at equal
    values agree: they are NaN where rounding leaves the distances at 0. torch.var is faster.
    """
    if STATE.frame is None:
        return torch.var(tensor, axes, correction=correction, keepdim=bool(keepdims))
    count = size_of([tensor.shape[i] for i in axes])
    distance = tensor - divided(torch.sum(tensor, axes, True), count)
    return torch.sum(distance * distance, axes, bool(keepdims)) / scalar(count - correction, tensor.dtype)


_REAL = frozenset([np.dtype("float32"), np.dtype("float64")])


def _variance(
    x: Array,
    axis: Any,
    computed: Any,
    result: Any,
    keepdims: bool,
    mask: Array | None,
    known: Any,
    correction: Any,
) -> Array:
    """The definition, step by step."""
    x = astype(x, computed)
    if known is None:
        center = mean(x, axis, dtype=computed, keepdims=True, where=mask)
    else:
        center = astype(one_array("var", known), computed)
    distance = unwrap(subtract(x, center))
    if distance.is_complex():
        squares = Array((distance * distance.conj()).real)
    else:
        squares = Array(distance * distance)
    total = sum(squares, axis, dtype=squares.dtype, keepdims=keepdims, where=mask)
    count = tensor_as(_count(x, axis, keepdims, mask, squares.dtype), squares.dtype)
    count = count - tensor_as(correction, squares.dtype)
    quotient = astype(array_of(_divide(unwrap(total), count), squares.dtype), result)
    # An integer dtype gives way to the NaN, as in any promotion with a float.
    want, weak = dtypes.promote((result, False), (dtypes.default_float_dtype(), True))
    nan = identity_of(torch.nan, want)
    return Array(torch.where(count > 0, unwrap(astype(quotient, want)), nan), weak)


def std(
    a: ArrayLike,
    axis: Axis = None,
    dtype: DTypeLike | None = None,
    out: None = None,
    ddof: int = 0,
    keepdims: bool = False,
    *,
    where: ArrayLike | None = None,
    mean: ArrayLike | None = None,
    correction: int | float | None = None,
) -> Array:
    """Square root of `var`; arguments as there."""
    correction = _corrected(ddof, correction)
    hashable(dtype)
    x = one_array("std", a)
    mask = mask_of("std", where)
    if dtype is not None:
        asked = user_dtype(dtype, "std")
        if not dtypes.issubdtype(asked, np.inexact):
            raise ValueError(f"dtype argument to jnp.std must be inexact; got {asked}")
    refuse_out("std", out)
    if mask is None and mean is None and dtype is None and x.dtype in _REAL and type(correction) is int:
        return _std(x, static_axes(axis), correction, bool(keepdims))
    return sqrt(var(x, axis, dtype, keepdims=keepdims, where=mask, mean=mean, correction=correction))


@spelled("_std", lambda x, axis, correction, keepdims: ((x, correction), (axes_of(axis, x.ndim), keepdims)))
def _std(x: Array, axis: Any, correction: int, keepdims: bool) -> Array:
    return sqrt(var(x, axis, keepdims=keepdims, correction=correction))


@jitted("_ptp", "a")
def ptp(a: ArrayLike, axis: Axis = None, out: None = None, keepdims: bool = False) -> Array:
    """Largest element less the smallest, over axes ("peak to peak")."""
    x = one_array("ptp", a)
    axis = static_axes(axis)
    refuse_out("ptp", out)
    return subtract(max(x, axis, keepdims=keepdims), min(x, axis, keepdims=keepdims))


@jitted("count_nonzero", "a")
def count_nonzero(a: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Array:
    """How many elements over axes are not 0; an int32."""
    hashable(axis, keepdims)
    x = one_array("count_nonzero", a)
    nonzero = Array(cast(unwrap(x), torch.bool))
    return sum(nonzero, static_axes(axis), dtype=dtypes.default_int_dtype(), keepdims=keepdims)
