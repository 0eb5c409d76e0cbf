"""find: places in a sorted array, and interpolation between them.

Searching compares integers that lie in the order of the values: so NaN is found at the end, behind infinity,
and -0.0 where 0.0 is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src import dtypes, unsigned
from jaxlike._src.array import Array
from jaxlike._src.border import promote_dtypes, promote_dtypes_inexact, scalar, unwrap
from jaxlike._src.debug_checks import results_only
from jaxlike._src.numpy.arithmetic import abs as absolute
from jaxlike._src.numpy.arithmetic import add, divide, multiply, remainder, subtract
from jaxlike._src.numpy.compare import greater, less, less_equal
from jaxlike._src.numpy.kinks import transformed
from jaxlike._src.numpy.select import where
from jaxlike._src.numpy.shape import all_arrays
from jaxlike._src.numpy.sort import gathered, order_of
from jaxlike._src.numpy.stacking import concatenate
from jaxlike._src.transforms.compiled import compiled

if TYPE_CHECKING:
    from torch import Tensor

    from jaxlike._src.typing import ArrayLike

METHODS = ("compare_all", "scan", "scan_unrolled", "sort")


def in_order(tensor: Tensor) -> Tensor:
    """Integers (int32 or int64) in the order of real values; all NaN are one number, the largest."""
    dtype = tensor.dtype
    if dtype is torch.uint64:
        return unsigned.flip(tensor)
    if not dtype.is_floating_point:
        return tensor.to(torch.int64)
    wide = tensor.detach().to(torch.float32 if dtype.itemsize < 4 else dtype)
    wide = torch.where(wide.isnan(), torch.nan, wide + 0.0)  # one NaN, one zero
    bits = wide.view(torch.int32 if wide.dtype is torch.float32 else torch.int64)
    top = torch.iinfo(bits.dtype).max
    return torch.where(bits < 0, bits ^ top, bits)


def places_in(ends: Tensor, values: Tensor, right: bool) -> Tensor:
    """How many of the sorted ``ends`` (a vector) lie before each value, or (``right``) not behind it; int64."""
    if ends.is_complex():  # by real part, then by imaginary part
        (a, b), (x, y) = ((in_order(t.real), in_order(t.imag)) for t in (ends, values.unsqueeze(-1)))
        beyond = b <= y if right else b < y
        return ((a < x) | ((a == x) & beyond)).sum(-1)
    keys, sought = in_order(ends).to(torch.int64), in_order(values).to(torch.int64)
    if transformed():  # torch warns of batch axes that are not the first; sums have them first
        zero = scalar(0, torch.int64)
        keys = keys + zero
        sought = sought + (keys[0] * zero if keys.shape[0] else zero)
    # Not `contiguous()`: it would see the shape without batch axes only.
    keys, sought = (t.clone(memory_format=torch.contiguous_format) for t in (keys, sought))
    return torch.searchsorted(keys, sought, right=right)


@compiled("a", "v", "sorter")
def searchsorted(
    a: ArrayLike,
    v: ArrayLike,
    side: str = "left",
    sorter: ArrayLike | None = None,
    *,
    method: str = "scan",
) -> Array:
    """Where to put ``v`` into a sorted vector so that it stays sorted; int32.

    Args:
        a: the vector.
        v: values of any shape.
        side: "left" for the first such place, "right" for the last.
        sorter: positions that sort ``a``, if it is not sorted.
        method: "compare_all", "scan", "scan_unrolled" or "sort"; all give the same result here, at the same cost.
    """
    arrays = all_arrays("searchsorted", (a, v) if sorter is None else (a, v, sorter))
    if arrays[0].ndim != 1:
        raise ValueError("a should be 1-dimensional")
    ends, values = promote_dtypes(*arrays[:2])
    if sorter is not None:
        ends = ends[arrays[2]]
    if side not in ("left", "right"):
        raise ValueError(f"invalid argument side={side!r}, expected 'left' or 'right'")
    if method not in METHODS:
        raise ValueError(f"invalid argument {method=}, expected one of {list(METHODS)}")
    places = places_in(unwrap(ends), unwrap(values), side == "right")
    return Array(places.to(torch.int64 if ends.shape[0] > np.iinfo(np.int32).max else torch.int32))


def _side(name: str, given: Any) -> tuple[bool, Any]:
    """Whether to extrapolate at this side, and else the value there."""
    if isinstance(given, str):
        if given != "extrapolate":
            raise ValueError(f"the only valid string value of `{name}` is 'extrapolate', but got: {given!r}")
        return True, None
    return False, given


@results_only
def interp(
    x: ArrayLike,
    xp: ArrayLike,
    fp: ArrayLike,
    left: ArrayLike | str | None = None,
    right: ArrayLike | str | None = None,
    period: ArrayLike | None = None,
) -> Array:
    """Values at ``x`` of the piecewise linear function through the points (xp, fp).

    Args:
        x: real values of any shape.
        xp: rising vector.
        fp: vector of the same length.
        left: value before the first point, by default ``fp[0]``; "extrapolate" continues the line.
        right: value behind the last point, by default ``fp[-1]``; or "extrapolate".
        period: of ``x`` and ``xp``, if the function is periodic.
    """
    at, xs, fs = all_arrays("interp", (x, xp, fp))
    if xs.shape != fs.shape or xs.ndim != 1:
        raise ValueError("xp and fp must be one-dimensional arrays of equal size")
    at, xs = promote_dtypes_inexact(at, xs)
    (fs,) = promote_dtypes_inexact(fs)
    goes_left, below = _side("left", left)
    goes_right, beyond = _side("right", right)
    if dtypes.issubdtype(at.dtype, np.complexfloating):
        raise ValueError("jnp.interp: complex x values not supported.")
    if period is not None:
        if np.ndim(period) != 0:
            raise ValueError(f"period must be a scalar; got {period}")
        period = absolute(period)
        at, xs = remainder(at, period), remainder(xs, period)
        order = order_of(unwrap(xs), 0)
        xs, fs = (Array(gathered(unwrap(v), 0, order), v.weak_type) for v in (xs, fs))
        xs = concatenate([subtract(xs[-1:], period), xs, add(xs[:1], period)])
        fs = concatenate([fs[-1:], fs, fs[:1]])
    above = unwrap(searchsorted(xs, at, side="right")).to(torch.int64).clamp(1, max(xs.shape[0] - 1, 1))
    upper, lower = Array(above), Array(above - 1)
    f0, x0 = fs[lower], xs[lower]
    df, dx = subtract(fs[upper], f0), subtract(xs[upper], x0)
    flat = less_equal(absolute(dx), np.spacing(np.finfo(_numpy_float(xs.dtype)).eps))
    slope = divide(subtract(at, x0), where(flat, 1, dx))
    f = where(flat, f0, add(f0, multiply(slope, df)))
    if period is None and not goes_left:
        f = where(less(at, xs[0]), fs[0] if below is None else below, f)
    if period is None and not goes_right:
        f = where(greater(at, xs[-1]), fs[-1] if beyond is None else beyond, f)
    return f


def _numpy_float(dtype: Any) -> Any:
    """The dtype, or the float that numpy has for one of ml_dtypes."""
    return dtype if dtype.type.__module__ == "numpy" else np.float32
