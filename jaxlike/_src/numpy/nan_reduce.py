"""nan_reduce: reductions that leave NaN out. Arrays that cannot hold NaN go to the plain reductions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src import dtypes
from jaxlike._src.array import Array
from jaxlike._src.border import unwrap
from jaxlike._src.numpy import averages, reduce
from jaxlike._src.numpy.arguments import astype, one_array, user_dtype
from jaxlike._src.numpy.arithmetic import sqrt, subtract, true_divide
from jaxlike._src.numpy.reduction import identity_of, mask_of, refuse_out
from jaxlike._src.regions import JIT, as_one
from jaxlike._src.transforms.compiled import compiled, hashable, jitted

if TYPE_CHECKING:
    from collections.abc import Callable

    from jaxlike._src.typing import ArrayLike, Axis, DTypeLike


def is_nan(x: Array) -> Array:
    """Which elements are NaN."""
    tensor = unwrap(x)
    return Array(tensor != tensor)


def without_nan(x: Array, value: float) -> Array:
    """``x`` with ``value`` (or the type's extreme, for infinities) for NaN."""
    return Array(as_one(JIT, {"name": "_where"}, torch.where, unwrap(is_nan(x)), identity_of(value, x.dtype), unwrap(x)))


def _leave_out_nan(
    name: str,
    reduction: Callable[..., Array],
    a: Any,
    identity: float,
    axis: Any,
    keepdims: bool,
    where: Any,
    all_nan: bool = False,
    **options: Any,
) -> Array:
    """``reduction`` with NaN replaced by its identity; with ``all_nan``, of NaN only the result is NaN."""
    hashable(axis, keepdims)
    x = one_array(name, a)
    mask = mask_of(name, where)
    if not dtypes.issubdtype(x.dtype, np.inexact):
        return reduction(x, axis=axis, keepdims=keepdims, where=mask, **options)
    result = reduction(without_nan(x, identity), axis=axis, keepdims=keepdims, where=mask, **options)
    if not all_nan:
        return result
    only = unwrap(reduce.all(is_nan(x), axis=axis, keepdims=keepdims))
    return Array(as_one(JIT, {"name": "_where"}, torch.where, only, identity_of(math.nan, x.dtype), unwrap(result)))


@jitted("nanmin", "a out initial where")
def nanmin(
    a: ArrayLike,
    axis: Axis = None,
    out: None = None,
    keepdims: bool = False,
    initial: ArrayLike | None = None,
    where: ArrayLike | None = None,
) -> Array:
    """Smallest element over axes, NaN left out; NaN where there is nothing else. Arguments as in `min`."""
    return _leave_out_nan(
        "nanmin", reduce.min, a, math.inf, axis, keepdims, where, initial is None, out=out, initial=initial
    )


@jitted("nanmax", "a out initial where")
def nanmax(
    a: ArrayLike,
    axis: Axis = None,
    out: None = None,
    keepdims: bool = False,
    initial: ArrayLike | None = None,
    where: ArrayLike | None = None,
) -> Array:
    """Largest element over axes, NaN left out; NaN where there is nothing else. Arguments as in `max`."""
    return _leave_out_nan(
        "nanmax", reduce.max, a, -math.inf, axis, keepdims, where, initial is None, out=out, initial=initial
    )


@jitted("nansum", "a out initial where")
def nansum(
    a: ArrayLike,
    axis: Axis = None,
    dtype: DTypeLike | None = None,
    out: None = None,
    keepdims: bool = False,
    initial: ArrayLike | None = None,
    where: ArrayLike | None = None,
) -> Array:
    """Sum over axes, NaN counting as 0. Arguments as in `sum`."""
    asked = None if dtype is None else user_dtype(dtype, "nanprod")
    return _leave_out_nan("nansum", reduce.sum, a, 0, axis, keepdims, where, dtype=asked, out=out, initial=initial)


@jitted("nanprod", "a out initial where")
def nanprod(
    a: ArrayLike,
    axis: Axis = None,
    dtype: DTypeLike | None = None,
    out: None = None,
    keepdims: bool = False,
    initial: ArrayLike | None = None,
    where: ArrayLike | None = None,
) -> Array:
    """Product over axes, NaN counting as 1. Arguments as in `prod`."""
    asked = None if dtype is None else user_dtype(dtype, "nanprod")
    return _leave_out_nan("nanprod", reduce.prod, a, 1, axis, keepdims, where, dtype=asked, out=out, initial=initial)


@jitted("nanmean", "a out where")
def nanmean(
    a: ArrayLike,
    axis: Axis = None,
    dtype: DTypeLike | None = None,
    out: None = None,
    keepdims: bool = False,
    where: ArrayLike | None = None,
) -> Array:
    """Mean over axes of what is not NaN; NaN where there is nothing. Arguments as in `mean`."""
    x = one_array("nanmean", a)
    mask = mask_of("nanmean", where)
    refuse_out("nanmean", out)
    if not dtypes.issubdtype(x.dtype, np.inexact):
        return averages.mean(x, axis, dtype, out, keepdims, where=mask)
    want = x.dtype if dtype is None else user_dtype(dtype, "mean")
    there = Array(~unwrap(is_nan(x)))
    count = reduce.sum(there, axis=axis, dtype=want, keepdims=keepdims, where=mask)
    mean = true_divide(nansum(x, axis, dtype=want, keepdims=keepdims, where=mask), count)
    return mean if dtype is None else astype(mean, want)


@compiled("a", "out", "ddof", "where", "mean")
def nanvar(
    a: ArrayLike,
    axis: Axis = None,
    dtype: DTypeLike | None = None,
    out: None = None,
    ddof: int = 0,
    keepdims: bool = False,
    where: ArrayLike | None = None,
    mean: ArrayLike | None = None,
) -> Array:
    """Variance over axes of what is not NaN. Arguments as in `var`."""
    x = one_array("nanvar", a)
    mask = mask_of("nanvar", where)
    asked = None if dtype is None else user_dtype(dtype, "nanvar")
    refuse_out("nanvar", out)
    computed, result = averages.var_dtypes(x.dtype, asked)
    x = astype(x, computed)
    if mean is None:
        center = nanmean(x, axis, dtype=computed, keepdims=True, where=mask)
    else:
        center = astype(one_array("nanvar", mean), computed)
    distance = unwrap(subtract(x, center))
    nan = unwrap(is_nan(x))
    distance = torch.where(nan, torch.zeros((), dtype=distance.dtype, device=distance.device), distance)
    squares = Array((distance * distance.conj()).real if distance.is_complex() else distance * distance)
    there = reduce.sum(Array(~nan), axis=axis, keepdims=keepdims, where=mask)
    count = unwrap(there) - ddof
    total = unwrap(reduce.sum(squares, axis, keepdims=keepdims, where=mask))
    none = count <= 0
    quotient = torch.where(none, torch.nan, total) / torch.where(none, 1, count).to(total.dtype)
    return astype(Array(quotient), result)


@compiled("a", "out", "ddof", "where", "mean")
def nanstd(
    a: ArrayLike,
    axis: Axis = None,
    dtype: DTypeLike | None = None,
    out: None = None,
    ddof: int = 0,
    keepdims: bool = False,
    where: ArrayLike | None = None,
    mean: ArrayLike | None = None,
) -> Array:
    """Standard deviation over axes of what is not NaN. Arguments as in `var`."""
    x = one_array("nanstd", a)
    mask = mask_of("nanstd", where)
    asked = None if dtype is None else user_dtype(dtype, "nanstd")
    refuse_out("nanstd", out)
    return sqrt(nanvar(x, axis, asked, ddof=ddof, keepdims=keepdims, where=mask, mean=mean))
