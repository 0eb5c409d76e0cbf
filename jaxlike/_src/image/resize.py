"""resize: images resampled to another size, or scaled and moved, axis by axis.

An output element is a weighted mean of the elements near the point that it comes from; the kernel of the method
gives the weights (wider where an image shrinks and antialiasing is on), which are normalised to sum to 1. So an
axis is a product with a matrix of weights, and the axes are one einsum. The nearest neighbour is plain indexing.
"""

from __future__ import annotations

import enum
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src import dtypes, unsigned
from jaxlike._src.array import Array
from jaxlike._src.border import (
    asarray,
    canonicalize_axis,
    canonicalize_shape,
    cast,
    promote_dtypes_inexact,
    unwrap,
)
from jaxlike._src.devices import default_torch_device
from jaxlike._src.lax.precision import Precision
from jaxlike._src.numpy.arguments import like
from jaxlike._src.numpy.arithmetic import absolute
from jaxlike._src.numpy.kinks import const
from jaxlike._src.numpy.products import einsum

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from jaxlike._src.typing import Shape

    Kernel = Callable[[Tensor], Tensor]


class ResizeMethod(enum.Enum):
    """How values between elements are found."""

    NEAREST = 0
    LINEAR = 1
    LANCZOS3 = 2
    LANCZOS5 = 3
    CUBIC = 4
    CUBIC_PYTORCH = 5
    AREA = 6

    @staticmethod
    def from_string(s: str) -> ResizeMethod:
        """The method of a name, such as "bilinear"."""
        found = _NAMES.get(s)
        if found is None:
            raise ValueError(f'Unknown resize method "{s}"')
        return found


_NAMES = {
    "nearest": ResizeMethod.NEAREST,
    **dict.fromkeys(("linear", "bilinear", "trilinear", "triangle"), ResizeMethod.LINEAR),
    "lanczos3": ResizeMethod.LANCZOS3,
    "lanczos5": ResizeMethod.LANCZOS5,
    **dict.fromkeys(("cubic", "bicubic", "tricubic"), ResizeMethod.CUBIC),
    **dict.fromkeys(("cubic-pytorch", "bicubic-pytorch"), ResizeMethod.CUBIC_PYTORCH),
    "area": ResizeMethod.AREA,
}

# Kernels: the weight at a distance x >= 0


def _triangle(x: Tensor) -> Tensor:
    return torch.maximum(const(x, 0), 1 - x)


def _lanczos(radius: float) -> Kernel:
    def kernel(x: Tensor) -> Tensor:
        y = radius * torch.sin(math.pi * x) * torch.sin(math.pi * x / radius)
        safe = torch.where(x != 0, math.pi**2 * x**2, 1.0)
        out = torch.where(x > 1e-3, y / safe, 1.0)
        return torch.where(x > radius, 0.0, out)

    return kernel


def _keys_cubic(x: Tensor) -> Tensor:
    near = ((1.5 * x - 2.5) * x) * x + 1.0
    far = ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0
    return torch.where(x >= 2.0, 0.0, torch.where(x >= 1.0, far, near))


def _opencv_cubic(x: Tensor) -> Tensor:
    a = -0.75
    near = ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0
    far = ((a * x - 5.0 * a) * x + 8.0 * a) * x - 4.0 * a
    return torch.where(x >= 2.0, 0.0, torch.where(x >= 1.0, far, near))


_KERNELS: dict[ResizeMethod, tuple[int, Kernel | None]] = {
    ResizeMethod.LINEAR: (1, _triangle),
    ResizeMethod.LANCZOS3: (3, _lanczos(3.0)),
    ResizeMethod.LANCZOS5: (5, _lanczos(5.0)),
    ResizeMethod.CUBIC: (2, _keys_cubic),
    ResizeMethod.CUBIC_PYTORCH: (2, _opencv_cubic),
    ResizeMethod.AREA: (1, None),
}


def _overlaps(old: int, new: int, step: Tensor, shift: Tensor) -> Tensor:
    """How much of each old element lies in each new one."""
    left = _range(0, new, step) * step - shift * step
    own = _range(0, old, step)
    ends = torch.minimum((left + step).unsqueeze(0), (own + 1.0).unsqueeze(1))
    return torch.maximum(const(ends, 0), ends - torch.maximum(left.unsqueeze(0), own.unsqueeze(1)))


def _range(start: int, stop: int, like_this: Tensor) -> Tensor:
    return torch.arange(start, max(start, stop), device=default_torch_device()).to(like_this.dtype)


def _weights(old: int, new: int, scale: Array, translation: Array, method: ResizeMethod, antialias: bool) -> Tensor:
    """A matrix [old, new]."""
    repeats_edges = method is ResizeMethod.CUBIC_PYTORCH and not antialias
    radius, kernel = _KERNELS[ResizeMethod.CUBIC if method is ResizeMethod.CUBIC_PYTORCH and antialias else method]
    size, shift = unwrap(scale), unwrap(translation)
    step = 1.0 / size
    source = (_range(0, new, size) + 0.5) * step - shift * step - 0.5
    beyond = radius if repeats_edges else 0
    if kernel is None:
        weights = _overlaps(old, new, step, shift)
    else:
        away = source.unsqueeze(0) - _range(-beyond, old + beyond, size).unsqueeze(1)
        distance = absolute.kernel(away)
        weights = kernel(distance / torch.maximum(step, const(step, 1)) if antialias else distance)
    if beyond:  # what falls outside counts for the edge
        first, last = weights[: beyond + 1].sum(0, keepdim=True), weights[-beyond - 1 :].sum(0, keepdim=True)
        inner = weights[beyond + 1 : -beyond - 1]
        weights = torch.cat([first, inner, last]) if old > 1 else weights.sum(0, keepdim=True)
    total = weights.sum(0, keepdim=True)
    enough = total.abs() > 1000.0 * float(np.finfo(np.float32).eps)
    weights = torch.where(enough, weights / torch.where(total != 0, total, 1.0), 0.0)
    if repeats_edges:
        return weights
    return torch.where(((source >= -0.5) & (source <= old - 0.5)).unsqueeze(0), weights, 0.0)


def _resampled(
    x: Array,
    shape: Sequence[int],
    axes: Sequence[int],
    scale: Sequence[Array],
    translation: Sequence[Array],
    method: ResizeMethod,
    antialias: bool,
    precision: Any,
) -> Array:
    if not len(axes):
        return x
    operands: list[Any] = [x, list(range(x.ndim))]
    out = list(range(x.ndim))
    for k, axis in enumerate(axes):
        d = canonicalize_axis(int(axis), x.ndim)
        weights = _weights(x.shape[d], shape[d], scale[k], translation[k], method, antialias)
        operands += [Array(cast(weights, dtypes.to_torch(x.dtype))), [d, x.ndim + k]]
        out[d] = x.ndim + k
    return einsum(*operands, out, precision=precision)


def _method(method: str | ResizeMethod) -> ResizeMethod:
    return ResizeMethod.from_string(method) if isinstance(method, str) else method


def _check_rank(shape: Sequence[int], image: Array) -> None:
    if len(shape) != image.ndim:
        raise ValueError(
            f"shape must have length equal to the number of dimensions of x;  {tuple(shape)} vs {image.shape}"
        )


def scale_and_translate(
    image: Any,
    shape: Shape,
    spatial_dims: Sequence[int],
    scale: Any,
    translation: Any,
    method: str | ResizeMethod,
    antialias: bool = True,
    precision: Any = Precision.HIGHEST,
) -> Array:
    """An image scaled, then moved, along some of its axes; what comes from outside of it is 0.

    Args:
        image: array.
        shape: sizes of the result, one for each axis.
        spatial_dims: the axes.
        scale: factor for each of them.
        translation: distance for each of them, in elements of the result.
        method: how values between elements are found, not by the nearest one.
        antialias: take means over more elements where the image shrinks.
        precision: how exactly a GPU multiplies, see `Precision`.
    """
    sizes = canonicalize_shape(shape)
    _check_rank(sizes, image)
    chosen = _method(method)
    if chosen is ResizeMethod.NEAREST:
        raise ValueError("Nearest neighbor resampling is not currently supported for scale_and_translate.")
    (x,) = promote_dtypes_inexact(image)
    factors, moves = promote_dtypes_inexact(scale, translation)
    by, to = ([like(a, unwrap(a)[k]) for k in range(len(spatial_dims))] for a in (factors, moves))
    assert factors.shape[0] == len(spatial_dims)
    assert moves.shape[0] == len(spatial_dims)
    return _resampled(x, sizes, spatial_dims, by, to, chosen, antialias, precision)


def _nearest(x: Array, shape: Sequence[int]) -> Array:
    tensor = unwrap(x)
    for axis, (old, new) in enumerate(zip(x.shape, shape, strict=True)):
        if old == new:
            continue
        places = (torch.arange(new, device=tensor.device).to(torch.float32) + 0.5) * old / new
        at = torch.floor(places).to(torch.int64).clamp(0, old - 1)
        tensor = unsigned.moved_as_signed(torch.index_select, tensor, axis, at)
    return like(x, tensor)


def resize(
    image: Any,
    shape: Shape,
    method: str | ResizeMethod,
    antialias: bool = True,
    precision: Any = Precision.HIGHEST,
) -> Array:
    """An image of another size.

    Args:
        image: array.
        shape: sizes of the result, one for each axis; axes whose size stays are left alone.
        method: how values between elements are found; other than by the nearest one gives floats.
        antialias: take means over more elements where the image shrinks.
        precision: how exactly a GPU multiplies, see `Precision`.
    """
    sizes = canonicalize_shape(shape)
    given = asarray(image)
    _check_rank(sizes, given)
    chosen = _method(method)
    if chosen is ResizeMethod.NEAREST:
        return _nearest(given, sizes)
    (x,) = promote_dtypes_inexact(given)
    axes = [i for i, (old, new) in enumerate(zip(x.shape, sizes, strict=True)) if old != new]
    wide = dtypes.default_float_dtype()
    scales = [asarray(np.asarray(sizes[i] / x.shape[i] if sizes[i] else 1.0, wide)) for i in axes]
    moves = [asarray(np.asarray(0.0, wide)) for _ in axes]
    return _resampled(x, sizes, axes, scales, moves, chosen, antialias, precision)
