"""fft: discrete Fourier transforms over one, two or any number of axes; frequencies; shifts.

``norm`` says which direction is scaled: "backward" (the default) the inverse by 1/n, "forward" the forward by
1/n, "ortho" both by the root of it.
"""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING, Any

from jaxlike._src import dtypes
from jaxlike._src.border import canonicalize_axis
from jaxlike._src.lax.fft import FftType, as_operand, transform
from jaxlike._src.numpy.arguments import one_array
from jaxlike._src.numpy.arithmetic import divide, multiply
from jaxlike._src.numpy.complex_parts import conj
from jaxlike._src.numpy.create import array, asarray
from jaxlike._src.numpy.ranges import arange
from jaxlike._src.numpy.shape import roll

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jaxlike._src.array import Array
    from jaxlike._src.typing import ArrayLike, DTypeLike

FFT, IFFT, RFFT, IRFFT = FftType


def _scale(lengths: Sequence[int], inverse: bool, norm: str) -> float:
    """The factor that a norm asks for, beside the 1/n that inverse transforms have."""
    if norm == "backward":
        return 1.0
    size = float(math.prod(lengths))
    if norm == "ortho":
        size = math.sqrt(size)
    elif norm != "forward":
        raise ValueError(f'Invalid norm value {norm}; should be "backward","ortho" or "forward".')
    return size if inverse else 1 / size if size else math.inf


def _over_axes(
    name: str, kind: FftType, a: ArrayLike, s: Sequence[int] | None, axes: Sequence[int] | None, norm: str | None
) -> Array:
    full_name = f"jax.numpy.fft.{name}"
    x = one_array(full_name, a)
    if s is not None:
        s = tuple(map(operator.index, s))
        if any(n <= 0 for n in s):
            raise ValueError("Shape should be positive.")
        if axes is not None and len(s) != len(axes):
            raise ValueError("Shape and axes have different lengths.")
    chosen: Sequence[int] = range(0 if s is None else x.ndim - len(s), x.ndim) if axes is None else axes
    if len(chosen) != len(set(chosen)):
        raise ValueError(f"{full_name} does not support repeated axes. Got axes {chosen}.")
    if axes is None and len(chosen) > x.ndim:
        assert s is not None
        sizes = list(x.shape)
        for i, n in zip(chosen, s, strict=True):
            sizes[i] = n
        if kind is IRFFT:
            sizes[-1] = sizes[-1] // 2 + 1
        raise ValueError(
            f"FFT input shape {tuple(sizes)} must have at least as many input dimensions as fft_lengths {s}."
        )
    at = [canonicalize_axis(i, x.ndim) for i in chosen]
    if s is None:
        s = [x.shape[i] for i in at]
        if kind is IRFFT and at:
            s[-1] = max(0, 2 * (s[-1] - 1))
    elif kind is IRFFT and not at:  # no axis is transformed, and the last one is cut as if it were
        x = x[..., : x.shape[-1] // 2 + 1]
    out = transform(as_operand(x, kind), kind, s, at)
    if norm is None or (factor := _scale(s, name.startswith("i"), norm)) == 1:
        return out
    return multiply(out, factor)


def _over_axis(name: str, kind: FftType, a: ArrayLike, n: int | None, axis: int | None, norm: str | None) -> Array:
    _check_one_axis(name, axis)
    return _over_axes(name, kind, a, None if n is None else [n], None if axis is None else [axis], norm)


def _check_one_axis(name: str, axis: Any) -> None:
    if isinstance(axis, list | tuple):
        full_name = f"jax.numpy.fft.{name}"
        raise ValueError(f"{full_name} does not support multiple axes. Please use {full_name}n. Got axis = {axis!r}.")


def _over_two_axes(
    name: str, kind: FftType, a: ArrayLike, s: Sequence[int] | None, axes: Sequence[int], norm: str | None
) -> Array:
    if len(axes) != 2:
        raise ValueError(f"jax.numpy.fft.{name} only supports 2 axes. Got axes = {axes!r}.")
    return _over_axes(name, kind, a, s, axes, norm)


# One axis


def fft(a: ArrayLike, n: int | None = None, axis: int = -1, norm: str | None = None) -> Array:
    """The discrete Fourier transform along an axis, ``out[k] = sum(a[j] * exp(-2j * pi * j * k / n))``.

    Args:
        a: array.
        n: length that the axis is cropped or padded with zeros to.
        axis: axis.
        norm: "backward", "ortho" or "forward".
    """
    return _over_axis("fft", FFT, a, n, axis, norm)


def ifft(a: ArrayLike, n: int | None = None, axis: int = -1, norm: str | None = None) -> Array:
    """The inverse of `fft`; arguments as there."""
    return _over_axis("ifft", IFFT, a, n, axis, norm)


def rfft(a: ArrayLike, n: int | None = None, axis: int = -1, norm: str | None = None) -> Array:
    """The first ``n // 2 + 1`` entries of `fft` of a real array, which determine the others."""
    return _over_axis("rfft", RFFT, a, n, axis, norm)


def irfft(a: ArrayLike, n: int | None = None, axis: int = -1, norm: str | None = None) -> Array:
    """The inverse of `rfft`: real, of length ``n``, by default ``2 * (m - 1)`` of m entries."""
    return _over_axis("irfft", IRFFT, a, n, axis, norm)


def hfft(a: ArrayLike, n: int | None = None, axis: int = -1, norm: str | None = None) -> Array:
    """`fft` of a signal that is Hermitian, given by its first half: real, of length ``n``."""
    mirrored = conj(a)
    _check_one_axis("hfft", axis)
    size = (mirrored.shape[axis] - 1) * 2 if n is None else n
    return multiply(_over_axis("hfft", IRFFT, mirrored, n, axis, norm), size)


def ihfft(a: ArrayLike, n: int | None = None, axis: int = -1, norm: str | None = None) -> Array:
    """The inverse of `hfft`: the first half of a Hermitian signal. Takes lists too."""
    _check_one_axis("ihfft", axis)
    x = asarray(a)
    size = x.shape[axis] if n is None else n
    return multiply(conj(_over_axis("ihfft", RFFT, x, n, axis, norm)), 1 / size)


# Two axes


def fft2(
    a: ArrayLike, s: Sequence[int] | None = None, axes: Sequence[int] = (-2, -1), norm: str | None = None
) -> Array:
    """`fftn` over two axes."""
    return _over_two_axes("fft2", FFT, a, s, axes, norm)


def ifft2(
    a: ArrayLike, s: Sequence[int] | None = None, axes: Sequence[int] = (-2, -1), norm: str | None = None
) -> Array:
    """`ifftn` over two axes."""
    return _over_two_axes("ifft2", IFFT, a, s, axes, norm)


def rfft2(
    a: ArrayLike, s: Sequence[int] | None = None, axes: Sequence[int] = (-2, -1), norm: str | None = None
) -> Array:
    """`rfftn` over two axes."""
    return _over_two_axes("rfft2", RFFT, a, s, axes, norm)


def irfft2(
    a: ArrayLike, s: Sequence[int] | None = None, axes: Sequence[int] = (-2, -1), norm: str | None = None
) -> Array:
    """`irfftn` over two axes."""
    return _over_two_axes("irfft2", IRFFT, a, s, axes, norm)


# Any number of axes


def fftn(
    a: ArrayLike, s: Sequence[int] | None = None, axes: Sequence[int] | None = None, norm: str | None = None
) -> Array:
    """The discrete Fourier transform over several axes.

    Args:
        a: array.
        s: lengths that the axes are cropped or padded with zeros to.
        axes: axes; by default the last ``len(s)``, or all.
        norm: "backward", "ortho" or "forward".
    """
    return _over_axes("fftn", FFT, a, s, axes, norm)


def ifftn(
    a: ArrayLike, s: Sequence[int] | None = None, axes: Sequence[int] | None = None, norm: str | None = None
) -> Array:
    """The inverse of `fftn`; arguments as there."""
    return _over_axes("ifftn", IFFT, a, s, axes, norm)


def rfftn(
    a: ArrayLike, s: Sequence[int] | None = None, axes: Sequence[int] | None = None, norm: str | None = None
) -> Array:
    """`fftn` of a real array, the last of the axes cut to the half that determines the other."""
    return _over_axes("rfftn", RFFT, a, s, axes, norm)


def irfftn(
    a: ArrayLike, s: Sequence[int] | None = None, axes: Sequence[int] | None = None, norm: str | None = None
) -> Array:
    """The inverse of `rfftn`: real; ``s`` has the lengths of the result."""
    return _over_axes("irfftn", IRFFT, a, s, axes, norm)


# Frequencies


def _check_single(name: str, n: Any, d: Any) -> None:
    full_name = f"jax.numpy.fft.{name}"
    if isinstance(n, list | tuple):
        raise ValueError(f"The n argument of {full_name} only takes an int. Got n = {list(n)}.")
    if isinstance(d, list | tuple):
        raise ValueError(f"The d argument of {full_name} only takes a single value. Got d = {list(d)}.")


def fftfreq(n: int, d: ArrayLike = 1.0, *, dtype: DTypeLike | None = None, device: Any = None) -> Array:
    """The frequencies of the entries of `fft`: 0, 1, ..., -2, -1, over ``n * d``.

    Args:
        n: number of samples.
        d: distance of samples.
        dtype: dtype of the result.
        device: where to put it.
    """
    wanted = dtype or dtypes.default_float_dtype()
    _check_single("fftfreq", n, d)
    computed = dtypes.finfo(dtypes.to_inexact_dtype(wanted)).dtype
    i = arange(n, dtype=computed, device=device)
    k = ((i + n // 2) % n - n // 2).astype(computed)
    return divide(k, array(d * n, dtype=computed, device=device)).astype(wanted)


def rfftfreq(n: int, d: ArrayLike = 1.0, *, dtype: DTypeLike | None = None, device: Any = None) -> Array:
    """The frequencies of the entries of `rfft`: 0, 1, ..., ``n // 2``, over ``n * d``; arguments as of `fftfreq`."""
    wanted = dtype or dtypes.default_float_dtype()
    _check_single("rfftfreq", n, d)
    k = arange(0, n // 2 + 1 if n % 2 == 0 else (n - 1) // 2 + 1, dtype=wanted)
    out = divide(k, array(d * n, dtype=wanted))
    return out if device is None else out.to_device(device)


# Shifts


def _shifted(name: str, x: ArrayLike, axes: int | Sequence[int] | None, sign: int) -> Array:
    a = one_array(name, x)
    if axes is None:
        axes = tuple(range(a.ndim))
    if isinstance(axes, int):
        return roll(a, sign * (a.shape[axes] // 2), axes)
    return roll(a, [sign * (a.shape[i] // 2) for i in axes], axes)


def fftshift(x: ArrayLike, axes: int | Sequence[int] | None = None) -> Array:
    """The entry of frequency 0 moved from the start to the middle of each of the axes (by default all)."""
    return _shifted("fftshift", x, axes, 1)


def ifftshift(x: ArrayLike, axes: int | Sequence[int] | None = None) -> Array:
    """The inverse of `fftshift`."""
    return _shifted("ifftshift", x, axes, -1)
