"""fft: cosine transforms of type 2 and their inverses, by way of the Fourier transform of a reordered array.

Makhoul, "A fast cosine transform in one and two dimensions", IEEE Trans. ASSP 28 (1980): the even entries and
then the odd ones backwards; the transform of that, turned by a quarter of each frequency, has the cosine
transform as its real part.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src import dtypes
from jaxlike._src.array import Array
from jaxlike._src.border import asarray, canonicalize_axis, promote_dtypes_inexact, unwrap
from jaxlike._src.lax.fft import FftType, as_operand, transform
from jaxlike._src.lax.shape import pad
from jaxlike._src.numpy.arguments import axes_of, known_index, one_array
from jaxlike._src.numpy.kinks import const

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from jaxlike._src.typing import ArrayLike


def _along(axis: int, rank: int, values: Tensor) -> Tensor:
    """A vector that broadcasts along an axis."""
    return values.reshape([-1 if i == axis else 1 for i in range(rank)])


def _lengthened(x: Array, lengths: dict[int, int]) -> Array:
    """Cropped or padded with zeros at the end of some axes."""
    if not lengths:
        return x
    zero = asarray(np.zeros((), x.dtype))
    return pad(x, zero, [(0, lengths.get(i, n) - n, 0) for i, n in enumerate(x.shape)])


def _ortho(x: Tensor, axis: int) -> Tensor:
    """Divided by what the transform multiplies the length of its basis vectors by."""
    n = x.shape[axis]
    k = known_index(np.arange(n), x)
    size = torch.sqrt(torch.where(k == 0, const(x, 4), const(x, 2)) * n)
    return x / _along(axis, x.dim(), size)


def _quarter_turns(x: Tensor, axis: int) -> Tensor:
    """``exp(-0.5j * pi * k / n)`` along an axis of ``x``."""
    n = x.shape[axis]
    angle = known_index(np.arange(n), x).to(x.dtype) * (-0.5 * np.pi / n)
    return _along(axis, x.dim(), torch.polar(torch.ones_like(angle), angle))


def _check(name: str, x: ArrayLike, type: int, norm: str | None) -> Array:
    a = one_array(name, x)
    if type != 2:
        raise NotImplementedError("Only DCT type 2 is implemented.")
    if norm is not None and norm not in ("backward", "ortho"):
        raise ValueError(f"jax.scipy.fft.{name}: {norm=!r} is not implemented")
    return a


def _by_parts(one: Callable[[Array], Array], a: Array) -> Array:
    """A real transform of the real and of the imaginary part of a complex array."""
    if not dtypes.issubdtype(a.dtype, np.complexfloating):
        return one(a)
    t = unwrap(a)
    return Array(torch.complex(unwrap(one(Array(t.real))), unwrap(one(Array(t.imag)))))


def _dct(a: Array, axis: int, norm: str | None) -> Array:
    t = unwrap(a)
    n = t.shape[axis]
    index = [*range(0, n, 2), *reversed(range(1, n, 2))]
    spectrum = unwrap(transform(as_operand(Array(_taken(t, index, axis)), FftType.FFT), FftType.FFT, (n,), (axis,)))
    out = 2 * (spectrum * _quarter_turns(spectrum.real, axis)).real
    return Array(_ortho(out, axis) if norm == "ortho" else out)


def _idct(a: Array, axis: int, norm: str | None) -> Array:
    (x,) = promote_dtypes_inexact(a)
    t = unwrap(x)
    n = t.shape[axis]
    t = _ortho(t if norm == "ortho" else _ortho(t, axis), axis)
    t = t.to(torch.float32) if t.dtype.itemsize == 2 else t
    turned = Array(t / _quarter_turns(t, axis) * (2 * n))
    rows = unwrap(transform(as_operand(turned, FftType.IFFT), FftType.IFFT, (n,), (axis,))).real
    index = [k // 2 if k % 2 == 0 else n - 1 - k // 2 for k in range(n)]
    return Array(_taken(rows, index, axis))


def _taken(t: Tensor, index: Sequence[int], axis: int) -> Tensor:
    return torch.index_select(t, axis, known_index(np.array(index), t))


def _over_axis(name: str, kernel: Any, x: ArrayLike, type: int, n: int | None, axis: int, norm: str | None) -> Array:
    a = _check(name, x, type, norm)

    def one(real: Array) -> Array:
        at = canonicalize_axis(axis, real.ndim)
        return kernel(_lengthened(real, {} if n is None else {at: n}), at, norm)

    return _by_parts(one, a)


def _over_axes(name: str, kernel: Any, x: ArrayLike, type: int, s: Any, axes: Any, norm: str | None) -> Array:
    a = _check(name, x, type, norm)
    if s is not None:
        s = list(s) if isinstance(s, Sequence) or np.ndim(s) else [operator.index(s)]
        if len(s) > a.ndim:
            raise ValueError(f"s must have at most x.ndim ({a.ndim}) elements, got {len(s)}")
    if axes is None:
        at = tuple(range(0 if s is None else a.ndim - len(s), a.ndim))
    else:
        at = axes_of(axes, a.ndim, "repeated axis")
    lengths = {} if s is None else dict(zip(at, s, strict=False))

    def one(real: Array) -> Array:
        real = _lengthened(real, lengths)
        for axis in at:
            real = kernel(real, axis, norm)
        return real

    return _by_parts(one, a)


def dct(x: ArrayLike, type: int = 2, n: int | None = None, axis: int = -1, norm: str | None = None) -> Array:
    """The cosine transform of type 2, ``out[k] = 2 * sum(x[j] * cos(pi * k * (2 * j + 1) / (2 * n)))``.

    Args:
        x: array; of complex ones both parts are transformed.
        type: must be 2.
        n: length that the axis is cropped or padded with zeros to.
        axis: axis.
        norm: "ortho" makes it orthogonal; "backward" is the default.
    """
    return _over_axis("dct", _dct, x, type, n, axis, norm)


def idct(x: ArrayLike, type: int = 2, n: int | None = None, axis: int = -1, norm: str | None = None) -> Array:
    """The inverse of `dct`; arguments as there."""
    return _over_axis("idct", _idct, x, type, n, axis, norm)


def dctn(
    x: ArrayLike,
    type: int = 2,
    s: Sequence[int] | None = None,
    axes: Sequence[int] | None = None,
    norm: str | None = None,
) -> Array:
    """`dct` over several axes.

    Args:
        x: array.
        type: must be 2.
        s: lengths that the axes are cropped or padded with zeros to.
        axes: axes; by default the last ``len(s)``, or all.
        norm: "ortho" or "backward".
    """
    return _over_axes("dctn", _dct, x, type, s, axes, norm)


def idctn(
    x: ArrayLike,
    type: int = 2,
    s: Sequence[int] | None = None,
    axes: Sequence[int] | None = None,
    norm: str | None = None,
) -> Array:
    """The inverse of `dctn`; arguments as there."""
    return _over_axes("idctn", _idct, x, type, s, axes, norm)
