"""averages: mean, average, variance, standard deviation, range and count over axes.

Short floats are averaged in float32. `std` is the root of `var`, so that its derivative at equal values is
NaN, as in JAX, and not the 0 of torch's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src import dtypes
from jaxlike._src.array import Array
from jaxlike._src.border import (
    asarray,
    astype,
    canonicalize_axis,
    cast,
    promote_dtypes_inexact,
    unwrap,
)
from jaxlike._src.frames import STATE
from jaxlike._src.numpy.arguments import array_of, axes_of, one_array, size_of, static_axes, user_dtype
from jaxlike._src.numpy.reduce import max, min, sum
from jaxlike._src.numpy.reduction import SHORT_DTYPES, mask_of, refuse_out
from jaxlike._src.numpy.shape import all_arrays, broadcast_array, common_shape, expand_dims

if TYPE_CHECKING:
    from jaxlike._src.typing import ArrayLike, Axis, DTypeLike

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
        and (axis is None or (type(axis) is int and a._t.dim()))
        and dtype is None
        and where is None
        and out is None
    ):
        try:
            return Array(torch.mean(a._t, axis, keepdims))  # pyright: ignore[reportCallIssue, reportArgumentType]
        except IndexError:  # no such axis: said below
            pass
    axis = static_axes(axis)
    x = one_array("mean", a)
    mask = mask_of("mean", where)
    refuse_out("mean", out)
    if dtype is None:
        result = dtypes.canonicalize_dtype(dtypes.to_inexact_dtype(x.dtype))
        computed = np.dtype("float32") if result in SHORT_DTYPES else result
    else:
        result = computed = user_dtype(dtype, "mean")
    total = sum(x, axis, dtype=computed, keepdims=keepdims, where=mask)
    return astype(_over_count(total, x, axis, keepdims, mask), result)


def _over_count(total: Array, x: Array, axis: Any, keepdims: bool, mask: Array | None) -> Array:
    """A sum over axes of ``x`` divided by the number of elements that were summed."""
    tensor = unwrap(total)
    if mask is None:
        sizes = x.shape
        count = torch.tensor(size_of([sizes[i] for i in axes_of(axis, len(sizes))])).to(tensor.dtype)
    else:
        count = unwrap(sum(broadcast_array(mask, x.shape), axis, dtype=total.dtype, keepdims=keepdims))
    if not tensor.dtype.is_floating_point and not tensor.dtype.is_complex:
        quotient = torch.div(tensor, count, rounding_mode="trunc")
    else:
        quotient = tensor / count
    return array_of(quotient, total.dtype)
