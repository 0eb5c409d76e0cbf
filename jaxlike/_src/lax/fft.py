"""fft: discrete Fourier transforms over the last axes.

`transform` is what this function and those of jax.numpy.fft stand on: any axes, cropped or padded to given
lengths, no scaling but that of inverse transforms. Empty transforms, which torch refuses, are zeros.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src import dtypes
from jaxlike._src.array import Array
from jaxlike._src.border import astype, unwrap
from jaxlike._src.lax.strict import operand
from jaxlike._src.transforms.compiled import hashable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


class FftType(enum.IntEnum):
    """Which transform `fft` does."""

    FFT = 0
    IFFT = 1
    RFFT = 2
    IRFFT = 3


_KERNELS: dict[FftType, Any] = {
    FftType.FFT: torch.fft.fftn,
    FftType.IFFT: torch.fft.ifftn,
    FftType.RFFT: torch.fft.rfftn,
    FftType.IRFFT: torch.fft.irfftn,
}


def as_operand(x: Array, kind: FftType) -> Array:
    """``x`` in the dtype that the transform takes: real floating for RFFT, else complex."""
    if kind is not FftType.RFFT:
        return astype(x, dtypes.canonicalize_dtype(dtypes.to_complex_dtype(x.dtype)))
    if dtypes.issubdtype(x.dtype, np.complexfloating):
        raise ValueError("only real valued inputs supported for rfft")
    real = astype(x, dtypes.canonicalize_dtype(dtypes.to_inexact_dtype(x.dtype)))
    if real.dtype not in (np.float32, np.float64):
        raise ValueError(f"RFFT input must be float32 or float64, got {real.dtype}")
    return real


def transform(x: Array, kind: FftType, lengths: Sequence[int], axes: Sequence[int]) -> Array:
    """The transform of an operand over some axes, each cropped or padded at its end to its length."""
    if not axes:
        return x
    return Array(_transform(unwrap(x), kind, tuple(lengths), tuple(axes)))


def _transform(t: Tensor, kind: FftType, lengths: tuple[int, ...], axes: tuple[int, ...]) -> Tensor:
    sizes = list(t.shape)
    for axis, length in zip(axes, lengths, strict=True):
        sizes[axis] = length
    if kind is FftType.RFFT:
        sizes[axes[-1]] = lengths[-1] // 2 + 1
    if 0 in sizes or not t.numel():
        real = t.real if t.is_complex() else t
        return t.new_zeros(sizes, dtype=real.dtype if kind is FftType.IRFFT else t.dtype.to_complex())
    return _KERNELS[kind](t, lengths, axes)


def fft(x: Any, fft_type: FftType | str, fft_lengths: Sequence[int]) -> Array:
    """The discrete Fourier transform over the last ``len(fft_lengths)`` axes.

    Args:
        x: array; real for RFFT.
        fft_type: a `FftType`, or its name.
        fft_lengths: sizes of the axes transformed (of IRFFT: in the result).
    """
    hashable(fft_type, fft_lengths)
    a = operand("fft", x)
    if isinstance(fft_type, str):
        if fft_type not in {k.name for k in FftType} | {k.name.lower() for k in FftType}:
            raise ValueError(f"Unknown FFT type '{fft_type}'")
        kind = FftType[fft_type.upper()]
    elif isinstance(fft_type, FftType):
        kind = fft_type
    else:
        raise TypeError(f"Unknown FFT type value '{fft_type}'")
    a, lengths = as_operand(a, kind), tuple(fft_lengths)
    count = len(lengths)
    if count > a.ndim:
        raise ValueError(
            f"FFT input shape {a.shape} must have at least as many input dimensions as fft_lengths {lengths}."
        )
    given = a.shape[a.ndim - count :]
    if kind is FftType.IRFFT:
        if given[:-1] != lengths[:-1]:
            raise ValueError(
                f"IRFFT input shape {a.shape} minor dimensions must be equal to all except the last fft_length, got "
                f"fft_lengths={lengths}"
            )
        if lengths and given[-1] != lengths[-1] // 2 + 1:
            raise ValueError("IRFFT requires innermost dimension to be compatible with fft_length[-1]/2+1.")
    elif given != lengths:
        name = "RFFT" if kind is FftType.RFFT else "FFT"
        raise ValueError(f"{name} input shape {a.shape} minor dimensions must be equal to fft_lengths {lengths}")
    return transform(a, kind, lengths, range(a.ndim - count, a.ndim))
