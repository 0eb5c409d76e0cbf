"""quantiles: quantile, percentile and median, and their kin that leave NaN out.

The reduced axes are made the last one, which is sorted; each q picks a place in it, or the two around it.
A derivative goes to the elements that were picked; NaN among them makes the result NaN unless it is left out.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src import dtypes
from jaxlike._src.array import Array
from jaxlike._src.border import canonicalize_axis, cast, promote_dtypes_inexact, scalar, scalar_value, unwrap
from jaxlike._src.numpy.arguments import one_array
from jaxlike._src.numpy.arithmetic import true_divide
from jaxlike._src.numpy.shape import all_arrays, expand_dims
from jaxlike._src.transforms.compiled import compiled, hashable

if TYPE_CHECKING:
    from torch import Tensor

    from jaxlike._src.typing import ArrayLike

METHODS = ("linear", "lower", "higher", "midpoint", "nearest", "inverted_cdf")


def _checked_weights(a: Array, weights: Array, axis: Any, method: str) -> tuple[Array, Array]:
    """Both promoted, the weights with the axes of ``a``."""
    if dtypes.issubdtype(weights.dtype, np.complexfloating):
        raise ValueError("Weights cannot be complex types.")
    if method != "inverted_cdf":
        raise NotImplementedError(f"{method} doesn't support weights. Only method 'inverted_cdf' supports weights.")
    a, weights = promote_dtypes_inexact(a, weights)
    if weights.shape == a.shape:
        return a, weights
    if axis is None:
        raise ValueError("Weights shape must match 'a' shape when axis is None.")
    axes = [canonicalize_axis(i, a.ndim) for i in (axis if isinstance(axis, tuple | list) else (axis,))]
    sizes = tuple(a.shape[i] for i in axes)
    if weights.shape != sizes:
        raise ValueError(f"Weights shape {weights.shape} must match reduction axes {sizes}")
    return a, expand_dims(weights, tuple(i for i in range(a.ndim) if i not in axes))


def _reduced_axes(axis: Any, rank: int) -> tuple[int, ...]:
    if axis is None:
        return tuple(range(rank))
    if not isinstance(axis, tuple):
        return (canonicalize_axis(axis, rank),)
    axes = tuple(canonicalize_axis(i, rank) for i in axis)
    if len(set(axes)) != len(axes):
        raise ValueError("repeated axis")
    return axes


def _axes_last(tensor: Tensor, axes: tuple[int, ...]) -> Tensor:
    """The tensor with ``axes`` flattened into one, the last."""
    kept = [i for i in range(tensor.dim()) if i not in axes]
    moved = tensor.permute((*kept, *sorted(axes)))
    sizes = moved.shape
    return moved.reshape((*sizes[: len(kept)], math.prod(sizes[len(kept) :])))


def _quantile(
    a: Array, q: Array, axis: Any, method: str, keepdims: bool, leave_out_nan: bool, weights: Array | None
) -> Array:
    if method not in METHODS:
        raise ValueError("method can only be 'linear', 'lower', 'higher', 'midpoint', 'nearest' or 'inverted_cdf'")
    if weights is not None:
        a, weights = _checked_weights(a, weights, axis, method)
    else:
        (a,) = promote_dtypes_inexact(a)
    if dtypes.issubdtype(a.dtype, np.complexfloating):
        raise ValueError("quantile does not support complex input, as the operation is poorly defined.")
    axes = _reduced_axes(axis, a.ndim)
    if q.ndim > 1:
        raise ValueError(f"q must be have rank <= 1, got shape {q.shape}")
    if not dtypes.issubdtype(q.dtype, np.floating):
        raise TypeError(f"floor does not accept dtype {q.dtype}. Accepted dtypes are subtypes of floating.")
    kept = axes if a.ndim else (0,)  # a number counts as one element along an axis
    point = _static_point(q)
    values = unwrap(a) if len(axes) == 1 else _axes_last(unwrap(a), axes)
    along = axes[0] if len(axes) == 1 else -1
    if values.shape[along] and point is not None and method != "inverted_cdf" and not leave_out_nan:
        picked = _at_point(values, along, point, method)
        return Array(_with_axes(cast(picked, values.dtype), kept, 0) if keepdims else cast(picked, values.dtype))
    values = values if along == -1 else values.movedim(along, -1)
    if values.shape[-1] == 0:
        at = 0 if axis is None else axes[0]
        if leave_out_nan and at == 0:
            raise IndexError(f"index is out of bounds for axis {at} with size 0")
        raise TypeError(
            f"Slice size at index {at} in gather op is out of range, must be within [0, 0 + 1), got 1.\n"
            f"There is no quantile of no elements: the array has shape {a.shape}."
        )
    nan = values.isnan()
    if not leave_out_nan:
        values = torch.where(nan.any(-1, keepdim=True), torch.nan, values)
    weight = None if weights is None else _axes_last(unwrap(weights).expand(a.shape), axes)
    points = unwrap(q).reshape(-1)
    values, order = torch.sort(values, dim=-1, stable=True)
    valid = (~values.isnan()).sum(-1, keepdim=True) if leave_out_nan else None
    if method == "inverted_cdf":
        weight = torch.ones_like(values) if weight is None else torch.gather(weight, -1, order)
        picked = _by_weight(values, weight, points, valid)
    else:
        picked = _by_place(values, points, valid, method)
    picked = cast(picked, values.dtype)
    picked = picked.movedim(-1, 0) if q.ndim else picked.squeeze(-1)
    return Array(_with_axes(picked, kept, q.ndim) if keepdims else picked)


def _with_axes(picked: Tensor, axes: tuple[int, ...], offset: int) -> Tensor:
    """The reduced axes put back, with size 1."""
    for i in sorted(axes):
        picked = picked.unsqueeze(i + offset)
    return picked


def _static_point(q: Array) -> Any:
    """A scalar q that is a known number between 0 and 1 (given as a Python number), as numpy has it."""
    number = scalar_value(q._t) if q.ndim == 0 and type(q) is Array else None
    return q.dtype.type(number) if number is not None and 0 <= number <= 1 else None


def _at_point(values: Tensor, axis: int, point: Any, method: str) -> Tensor:
    """The value at a share that is known: fewer operations than `_by_place`, with the same result."""
    count = values.shape[axis]
    kind = type(point)
    place = point * kind(count - 1)
    low, high = np.floor(place), np.ceil(place)
    weight = kind(place - low)
    values = torch.sort(values, dim=axis, stable=True).values

    def at(place: Any) -> Tensor:
        return values.select(axis, int(place))

    if method == "lower" or (method == "nearest" and weight <= 0.5):
        picked = at(low)
    elif method in ("higher", "nearest"):
        picked = at(high)
    elif method == "midpoint":
        picked = (at(low) + at(high)) * 0.5
    else:
        wide = dtypes.to_torch(weight.dtype)
        first, second = at(low).to(wide), at(high).to(wide)
        picked = first * scalar(float(kind(1) - weight), wide) + second * scalar(float(weight), wide)
    last = at(count - 1)  # NaN, if there is one, is sorted to the end
    return torch.where(last != last, torch.nan, picked)


def _by_place(values: Tensor, points: Tensor, valid: Tensor | None, method: str) -> Tensor:
    """values [..., n] sorted, points [m] between 0 and 1 -> [..., m]."""
    last = values.shape[-1] - 1 if valid is None else (valid - 1).to(points.dtype)
    place = points * last
    low, high = torch.floor(place), torch.ceil(place)
    high_weight = place - low
    # NaN stays NaN in torch's clamp, and as a place is 0.
    least = torch.zeros_like(low)
    last = torch.full_like(low, last) if isinstance(last, int) else last
    low, high = (torch.maximum(least, torch.minimum(t, last)) for t in (low, high))
    shape = (*values.shape[:-1], points.shape[0])

    def at(place: Tensor) -> Tensor:
        return torch.gather(values, -1, cast(place.detach(), torch.int64).expand(shape))

    if method == "linear":
        a, b = at(low).to(place.dtype), at(high).to(place.dtype)
        return a * (1 - high_weight) + b * high_weight
    if method == "lower":
        return at(low)
    if method == "higher":
        return at(high)
    if method == "nearest":
        return torch.where(high_weight <= 0.5, at(low), at(high))
    return (at(low) + at(high)) * 0.5


def _by_weight(values: Tensor, weight: Tensor, points: Tensor, valid: Tensor | None) -> Tensor:
    """The first of the sorted values at which the weights so far reach the share of the total asked for."""
    bad = (weight < 0) | weight.isnan()
    nan = values.isnan()
    so_far = torch.cumsum(torch.where(bad | nan, 0, weight), -1)
    wanted = (points * so_far[..., -1:]).unsqueeze(-1)
    place = (so_far.unsqueeze(-2) < wanted).sum(-1)
    if valid is None:
        place = place.clamp(0, values.shape[-1] - 1)
    else:
        place = torch.minimum(place, valid - 1).clamp(min=0)
    picked = torch.gather(values, -1, place.expand((*values.shape[:-1], points.shape[0])))
    spoilt = bad.any(-1, keepdim=True) | (nan.any(-1, keepdim=True) if valid is None else valid == 0)
    return torch.where(spoilt, torch.nan, picked)


def _general(
    name: str,
    a: Any,
    q: Any,
    axis: Any,
    out: Any,
    overwrite_input: bool,
    method: str,
    keepdims: bool,
    weights: Any,
) -> Array:
    hashable(axis, method)
    x, points = all_arrays(name, (a, q))
    w = None if weights is None else one_array(name, weights)
    if overwrite_input or out is not None:
        raise ValueError(f"jax.numpy.{name} does not support overwrite_input=True or out != None")
    return _quantile(x, points, axis, method, keepdims, name == "nanquantile", w)


@compiled("a", "q", "out", "weights")
def quantile(
    a: ArrayLike,
    q: ArrayLike,
    axis: int | tuple[int, ...] | None = None,
    out: None = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
    *,
    weights: ArrayLike | None = None,
) -> Array:
    """The value below which a share ``q`` of the elements over axes lies.

    Args:
        a: array; integers are made floating.
        q: shares between 0 and 1, none or one axis, which comes first in the result.
        axis: axis or axes; all of them if none is given.
        out: not supported.
        overwrite_input: not supported.
        method: how to choose between two elements: "linear", "lower", "higher", "midpoint", "nearest";
            or "inverted_cdf".
        keepdims: leave the reduced axes in the result, with size 1.
        weights: of the shape of ``a`` or of its sizes along the axes, for "inverted_cdf" only.
    """
    return _general("quantile", a, q, axis, out, overwrite_input, method, keepdims, weights)


@compiled("a", "q", "out", "weights")
def nanquantile(
    a: ArrayLike,
    q: ArrayLike,
    axis: int | tuple[int, ...] | None = None,
    out: None = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
    *,
    weights: ArrayLike | None = None,
) -> Array:
    """As `quantile`, NaN left out."""
    return _general("nanquantile", a, q, axis, out, overwrite_input, method, keepdims, weights)


def _hundredth(name: str, a: Any, q: Any, weights: Any) -> tuple[Array, Array, Array | None]:
    x, percents = all_arrays(name, (a, q))
    w = None if weights is None else one_array(name, weights)
    (percents,) = promote_dtypes_inexact(percents)
    return x, true_divide(percents, 100), w


@compiled("a", "q", "out", "weights")
def percentile(
    a: ArrayLike,
    q: ArrayLike,
    axis: int | tuple[int, ...] | None = None,
    out: None = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
    *,
    weights: ArrayLike | None = None,
    out_sharding: Any = None,
) -> Array:
    """`quantile` with ``q`` in percent."""
    x, points, w = _hundredth("percentile", a, q, weights)
    return quantile(x, points, axis, out, overwrite_input, method, keepdims, weights=w)


@compiled("a", "q", "out", "weights")
def nanpercentile(
    a: ArrayLike,
    q: ArrayLike,
    axis: int | tuple[int, ...] | None = None,
    out: None = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
    *,
    weights: ArrayLike | None = None,
) -> Array:
    """`nanquantile` with ``q`` in percent."""
    x, points, w = _hundredth("nanpercentile", a, q, weights)
    return nanquantile(x, points, axis, out, overwrite_input, method, keepdims, weights=w)


@compiled("a", "out")
def median(
    a: ArrayLike,
    axis: int | tuple[int, ...] | None = None,
    out: None = None,
    overwrite_input: bool = False,
    keepdims: bool = False,
) -> Array:
    """The middle element over axes, or the mean of the two in the middle."""
    x = one_array("median", a)
    return quantile(x, 0.5, axis, out, overwrite_input, "midpoint", keepdims)


@compiled("a", "out")
def nanmedian(
    a: ArrayLike,
    axis: int | tuple[int, ...] | None = None,
    out: None = None,
    overwrite_input: bool = False,
    keepdims: bool = False,
) -> Array:
    """As `median`, NaN left out."""
    x = one_array("nanmedian", a)
    return nanquantile(x, 0.5, axis, out, overwrite_input, "midpoint", keepdims)
