"""reduce: sum, prod, max, min, any, all: the kernels, each under the decorator of its signature.

In a kernel axes None means all of them. What is done before and after it is in `reduction`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch

from jaxlike._src.numpy.reduction import SHORT_FLOATS, of_ordered, of_truth, with_dtype

if TYPE_CHECKING:
    from torch import Tensor

    from jaxlike._src.array import Array
    from jaxlike._src.typing import ArrayLike, Axis


def _all_kernel(tensor: Tensor, axes: Any, keepdims: bool) -> Tensor:
    return torch.all(tensor, axes, keepdims)


def _any_kernel(tensor: Tensor, axes: Any, keepdims: bool) -> Tensor:
    return torch.any(tensor, axes, keepdims)


@with_dtype(0, torch.add, _any_kernel)
def sum(a: Tensor, axes: Any, keepdims: bool) -> Tensor:
    """Sum over axes. Of bool it counts; narrow integers give int32 (uint32), float16 sums in float32."""
    return torch.sum(a, axes, keepdims, dtype=a.dtype)


@with_dtype(1, torch.mul, _all_kernel, several_axes=False)
def prod(a: Tensor, axes: Any, keepdims: bool) -> Tensor:
    """Product over axes; dtypes as in `sum`."""
    if a.dtype in SHORT_FLOATS:
        return _product(a.to(torch.float32), axes, keepdims).to(a.dtype)
    return _product(a, axes, keepdims)


def _product(a: Tensor, axes: Any, keepdims: bool) -> Tensor:
    if axes is None:
        reduced = torch.prod(a, dtype=a.dtype)
        return reduced.reshape((1,) * a.dim()) if keepdims else reduced
    if isinstance(axes, int):
        return torch.prod(a, axes, keepdims, dtype=a.dtype)
    if len(axes) == 1:
        return torch.prod(a, axes[0], keepdims, dtype=a.dtype)
    rank = a.dim()
    kept = [i for i in range(rank) if i not in axes]
    sizes = a.shape
    flat = a.permute((*kept, *axes)).reshape((*(sizes[i] for i in kept), math.prod(sizes[i] for i in axes)))
    reduced = torch.prod(flat, -1, dtype=a.dtype)
    return reduced.reshape([1 if i in axes else sizes[i] for i in range(rank)]) if keepdims else reduced


def _maximum(a: Tensor, b: Tensor) -> Tensor:
    return (
        _lexicographic(torch.stack(torch.broadcast_tensors(a, b)), (0,), False, 1)
        if a.is_complex()
        else (torch.maximum(a, b))
    )


def _minimum(a: Tensor, b: Tensor) -> Tensor:
    return (
        _lexicographic(torch.stack(torch.broadcast_tensors(a, b)), (0,), False, -1)
        if a.is_complex()
        else (torch.minimum(a, b))
    )


@of_ordered(-math.inf, _maximum)
def max(a: Tensor, axes: Any, keepdims: bool) -> Tensor:
    """Largest element over axes; NaN if there is one. Complex: by real part, then by imaginary part."""
    return (
        _lexicographic(a, axes, keepdims, 1)
        if a.is_complex()
        else torch.amax(a, () if axes is None else axes, keepdims)
    )


@of_ordered(math.inf, _minimum)
def min(a: Tensor, axes: Any, keepdims: bool) -> Tensor:
    """Smallest element over axes; NaN if there is one. Complex: by real part, then by imaginary part."""
    return (
        _lexicographic(a, axes, keepdims, -1)
        if a.is_complex()
        else torch.amin(a, () if axes is None else axes, keepdims)
    )


def _lexicographic(a: Tensor, axes: Any, keepdims: bool, sign: int) -> Tensor:
    """The complex element with the greatest (sign 1) or least (-1) real part, ties by imaginary part."""
    pick = torch.amax if sign > 0 else torch.amin
    axes = axes or tuple(range(a.dim()))
    if not axes:
        return a
    real, imag = a.real.detach(), a.imag.detach()
    best = real == pick(real, axes, True)
    among = torch.where(best, imag, -sign * math.inf)
    chosen = best & (imag == pick(among, axes, True))
    # A mean over equal elements, so that a derivative is split between them.
    count = chosen.sum(axes, bool(keepdims))
    return torch.where(chosen, a, 0).sum(axes, bool(keepdims)) / count.to(a.dtype)


@of_truth(True, torch.logical_and)
def all(a: Tensor, axes: Any, keepdims: bool) -> Tensor:
    """Whether all elements over axes are true, that is not 0."""
    return torch.all(a, axes, keepdims)


@of_truth(False, torch.logical_or)
def any(a: Tensor, axes: Any, keepdims: bool) -> Tensor:
    """Whether any element over axes is true, that is not 0."""
    return torch.any(a, axes, keepdims)


def amax(
    a: ArrayLike,
    axis: Axis = None,
    out: None = None,
    keepdims: bool = False,
    initial: ArrayLike | None = None,
    where: ArrayLike | None = None,
) -> Array:
    """Another name of `max`."""
    return max(a, axis=axis, out=out, keepdims=keepdims, initial=initial, where=where)


def amin(
    a: ArrayLike,
    axis: Axis = None,
    out: None = None,
    keepdims: bool = False,
    initial: ArrayLike | None = None,
    where: ArrayLike | None = None,
) -> Array:
    """Another name of `min`."""
    return min(a, axis=axis, out=out, keepdims=keepdims, initial=initial, where=where)
