"""spectral: trends, short-time Fourier transforms and spectral densities of signals.

A signal is cut into overlapping segments (a window of indices per segment), each made free of its trend,
weighted and transformed; `csd` averages their products, `istft` adds segments back where they overlap.
"""

from __future__ import annotations

import itertools
import operator
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxlike._src import dtypes
from jaxlike._src.array import Array
from jaxlike._src.border import (
    asarray,
    astype,
    canonicalize_axis,
    check_arraylike,
    concrete_or_error,
    promote_dtypes_inexact,
)
from jaxlike._src.numpy import fft
from jaxlike._src.numpy.complex_parts import iscomplexobj
from jaxlike._src.numpy.padding import pad
from jaxlike._src.numpy.quantiles import median
from jaxlike._src.scipy import jnp

if TYPE_CHECKING:
    from collections.abc import Callable

    from jaxlike._src.typing import ArrayLike


def detrend(
    data: ArrayLike, axis: int = -1, type: str = "linear", bp: Any = 0, overwrite_data: None = None
) -> Array:
    """The data without its trend.

    Args:
        data: array.
        axis: along which the trend runs.
        type: "linear" (least squares), or "constant" (the mean).
        bp: where pieces with trends of their own begin.
        overwrite_data: not supported.
    """
    if overwrite_data is not None:
        raise NotImplementedError("overwrite_data argument not implemented.")
    if type not in ("constant", "linear"):
        raise ValueError("Trend type must be 'linear' or 'constant'.")
    (x,) = promote_dtypes_inexact(asarray(data))
    if type == "constant":
        return x - jnp.mean(x, axis, keepdims=True)
    n = x.shape[axis]
    breaks = np.sort(np.unique(np.r_[0, bp, n]))
    if breaks[0] < 0 or breaks[-1] > n:
        raise ValueError("Breakpoints must be non-negative and less than length of data along given axis.")
    moved = jnp.moveaxis(x, axis, 0)
    columns = moved.reshape(n, -1)
    pieces = []
    for start, end in itertools.pairwise(breaks):
        count, piece = int(end - start), columns[int(start) : int(end)]
        steps = jnp.arange(1, count + 1, dtype=x.dtype) / count
        line = jnp.stack([jnp.ones(count, dtype=x.dtype), astype(steps, x.dtype)], axis=1)
        coefficients = jnp.lstsq(line, piece)[0]
        pieces.append(piece - jnp.matmul(line, coefficients, precision="highest"))
    return jnp.moveaxis(jnp.concatenate(pieces, axis=0).reshape(moved.shape), 0, axis)


# Windows


def _named_window(window: Any, length: int) -> Any:
    if window == "hann":
        if length == 1:
            return jnp.array([1.0])
        return jnp.sin(jnp.linspace(0, np.pi, length, endpoint=False)) ** 2
    from scipy.signal import get_window  # imported here: it takes long, and few programs want it

    return get_window(window, length)


def _segment_window(window: Any, nperseg: int | None, length: int, dtype: Any) -> tuple[Array, int]:
    """The window's weights, and the length of a segment."""
    if isinstance(window, str | tuple):
        size = length if nperseg is None else nperseg
        if size > length:
            warnings.warn(
                f"nperseg={size} is greater than input_length={length!r}, using nperseg={length}", stacklevel=4
            )
            size = length
        return jnp.array(_named_window(window, size), dtype=dtype), size
    weights = jnp.array(window, dtype=dtype)
    size = weights.size if nperseg is None else nperseg
    if weights.ndim != 1:
        raise ValueError("window must be 1-D")
    if length < weights.size:
        raise ValueError("window is longer than input signal")
    if size != weights.size:
        raise ValueError("value specified for nperseg is different from length of window")
    return weights, size


# Short-time transforms


def _odd_extension(x: Array, n: int) -> Array:
    """The signal continued by its mirror image about each end point."""
    if n < 1:
        return x
    if n > x.shape[-1] - 1:
        raise ValueError(
            f"The extension length n ({n}) is too big. It must not exceed x.shape[axis]-1, which is {x.shape[-1] - 1}."
        )
    left = 2 * x[..., :1] - jnp.flip(x[..., 1 : n + 1], axis=-1)
    right = 2 * x[..., -1:] - jnp.flip(x[..., -(n + 1) : -1], axis=-1)
    return jnp.concatenate((left, x, right), axis=-1)


_BOUNDARIES: dict[str | None, str] = {"even": "reflect", "odd": "", "constant": "edge", "zeros": "constant", None: ""}


def _extended(x: Array, boundary: str | None, n: int) -> Array:
    if boundary is None:
        return x
    if boundary == "odd":
        return _odd_extension(x, n)
    return pad(x, [(0, 0)] * (x.ndim - 1) + [(n, n)], _BOUNDARIES[boundary])


def _with_zeros(x: Array, count: int) -> Array:
    return pad(x, [(0, 0)] * (x.ndim - 1) + [(0, count)]) if count else x


def _segments(x: Array, size: int, overlap: int) -> Array:
    """``[..., n]`` as ``[..., segments, size]``."""
    starts = np.arange(0, x.shape[-1] - size + 1, size - overlap)
    return x[..., starts[:, None] + np.arange(size)]


def _transformed(
    x: Array, window: Array, trend: Callable[[Array], Array], size: int, overlap: int, nfft: int, two_sided: bool
) -> Array:
    segments = trend(_segments(x, size, overlap))
    pieces = segments * window.reshape((1,) * (segments.ndim - 1) + (-1,))
    return fft.fft(pieces, n=nfft) if two_sided else fft.rfft(jnp.real(pieces), n=nfft)


def _trend_remover(kind: Any, axis: int) -> Callable[[Array], Array]:
    if isinstance(kind, str):
        return lambda d: detrend(d, type=kind, axis=-1)
    if callable(kind):
        function: Any = kind
        return lambda d: jnp.moveaxis(function(jnp.moveaxis(d, axis, -1)), -1, axis)
    if not kind:
        return lambda d: d
    raise ValueError(f"Unsupported detrend type: {kind}")


def _spectrum(
    x: Any,
    y: Any,
    fs: Any,
    window: Any,
    nperseg: Any,
    noverlap: Any,
    nfft: Any,
    trend: Any,
    return_onesided: bool,
    scaling: str,
    axis: int,
    mode: str,
    boundary: str | None = None,
    padded: bool = False,
) -> tuple[Array, Array, Array]:
    """Frequencies, times and transformed segments ("stft") or their products ("psd")."""
    if boundary not in _BOUNDARIES:
        raise ValueError(f"Unknown boundary option '{boundary}', must be one of: {list(_BOUNDARIES)}")
    axis = canonicalize_axis(concrete_or_error(operator.index, axis, "axis of windowed-FFT"), np.ndim(x))
    two = y is not None
    check_arraylike("spectral_helper", *((x, y) if two else (x,)))
    first, *rest = promote_dtypes_inexact(*((x, y) if two else (x,)))
    second = rest[0] if two else first
    if two and first.ndim != second.ndim:
        raise ValueError("two-arguments must have the same rank ({x.ndim} vs {y.ndim}).")
    outer = [tuple(n for d, n in enumerate(v.shape) if d != axis) for v in (first, second)]
    try:
        common = jnp.broadcast_shapes(*outer)
    except ValueError as error:
        raise ValueError("x and y cannot be broadcast together.") from error
    complex_dtype = dtypes.canonicalize_dtype(dtypes.to_complex_dtype(first.dtype))
    real_dtype = np.dtype("float32" if complex_dtype == np.complex64 else "float64")
    if nperseg is not None:
        nperseg = concrete_or_error(int, nperseg, "nperseg of windowed-FFT")
        if nperseg < 1:
            raise ValueError("nperseg must be a positive integer")
    weights, size = _segment_window(window, nperseg, first.shape[axis], first.dtype)
    overlap = size // 2 if noverlap is None else concrete_or_error(int, noverlap, "noverlap of windowed-FFT")
    length = size if nfft is None else concrete_or_error(int, nfft, "nfft of windowed-FFT")
    if first.size == 0 or second.size == 0:
        shape = first.shape
        if two:
            shape = (*common[:axis], min(first.shape[axis], second.shape[axis]), *common[axis:])
        return jnp.zeros(shape, real_dtype), jnp.zeros(shape, real_dtype), jnp.zeros(shape, complex_dtype)
    first, second = (jnp.moveaxis(v, axis, -1) for v in (first, second))
    longest = max(first.shape[-1], second.shape[-1])
    first, second = (_with_zeros(v, longest - v.shape[-1]) for v in (first, second))
    if length < size:
        raise ValueError("nfft must be greater than or equal to nperseg.")
    if overlap >= size:
        raise ValueError("noverlap must be less than nperseg.")
    first, second = (_extended(v, boundary, size // 2) for v in (first, second))
    if padded:
        missing = (-(first.shape[-1] - size) % (size - overlap)) % size
        first, second = (_with_zeros(v, missing) for v in (first, second))
    remove = _trend_remover(trend, axis)
    if scaling == "density":
        scale = 1.0 / (fs * jnp.sum(weights * weights))
    elif scaling == "spectrum":
        scale = 1.0 / jnp.sum(weights) ** 2
    else:
        raise ValueError(f"Unknown scaling: {scaling}")
    if mode == "stft":
        scale = jnp.sqrt(scale)
    two_sided = not return_onesided
    if return_onesided and (iscomplexobj(first) or iscomplexobj(second)):
        two_sided = True
        warnings.warn("Input data is complex, switching to return_onesided=False", stacklevel=3)
    frequencies = (fft.fftfreq if two_sided else fft.rfftfreq)(length, 1 / fs, dtype=real_dtype)
    result = _transformed(first, weights, remove, size, overlap, length, two_sided)
    if two:
        result = jnp.conj(result) * _transformed(second, weights, remove, size, overlap, length, two_sided)
    elif mode == "psd":
        result = jnp.conj(result) * result
    result = result * astype(jnp.asarray(scale), complex_dtype)
    if not two_sided and mode == "psd":
        result = result.at[..., 1 : None if length % 2 else -1].mul(2)
    times = jnp.arange(size / 2, first.shape[-1] - size / 2 + 1, size - overlap, dtype=real_dtype) / fs
    if boundary is not None:
        times = times - size / 2 / fs
    result = astype(result, complex_dtype)
    if not two and mode != "stft":
        result = jnp.real(result)
    return frequencies, times, jnp.moveaxis(result, -1, axis)


def stft(
    x: Array,
    fs: ArrayLike = 1.0,
    window: str = "hann",
    nperseg: int = 256,
    noverlap: int | None = None,
    nfft: int | None = None,
    detrend: bool = False,
    return_onesided: bool = True,
    boundary: str | None = "zeros",
    padded: bool = True,
    axis: int = -1,
) -> tuple[Array, Array, Array]:
    """Short-time Fourier transform: frequencies, segment times, and the transform of each segment.

    Args:
        x: signal.
        fs: sampling frequency.
        window: a name, or weights.
        nperseg: length of a segment.
        noverlap: how much neighbours share, by default half.
        nfft: length of the transform, zeros added.
        detrend: what is removed from each segment: "constant", "linear", a function, or False.
        return_onesided: only the frequencies from 0, of a real signal.
        boundary: how the signal goes on at its ends: "even", "odd", "constant", "zeros" or None.
        padded: add zeros for a whole number of segments.
        axis: time.
    """
    return _spectrum(
        x, None, fs, window, nperseg, noverlap, nfft, detrend, return_onesided, "spectrum", axis, "stft", boundary, padded
    )


def csd(
    x: Array,
    y: ArrayLike | None,
    fs: ArrayLike = 1.0,
    window: str = "hann",
    nperseg: int | None = None,
    noverlap: int | None = None,
    nfft: int | None = None,
    detrend: str = "constant",
    return_onesided: bool = True,
    scaling: str = "density",
    axis: int = -1,
    average: str = "mean",
) -> tuple[Array, Array]:
    """Cross spectral density by Welch's method: frequencies and densities.

    Args:
        x: signal.
        y: second signal; None: that of ``x`` alone.
        fs: sampling frequency.
        window: a name, or weights.
        nperseg: length of a segment.
        noverlap: how much neighbours share, by default half.
        nfft: length of the transform, zeros added.
        detrend: what is removed from each segment: "constant", "linear", a function, or False.
        return_onesided: only the frequencies from 0, of a real signal.
        scaling: "density" or "spectrum".
        axis: time.
        average: of the segments, "mean" or "median".
    """
    frequencies, _, density = _spectrum(
        x, y, fs, window, nperseg, noverlap, nfft, detrend, return_onesided, scaling, axis, "psd"
    )
    if y is not None:
        density = density + 0j
    if density.ndim < 2 or density.size == 0:
        return frequencies, density
    count = density.shape[-1]
    if count == 1:
        return frequencies, density.reshape(density.shape[:-1])
    if average == "mean":
        return frequencies, jnp.mean(density, axis=-1)
    if average != "median":
        raise ValueError(f'average must be "median" or "mean", got {average}')
    k = np.arange(2.0, count, 2)
    bias = astype(jnp.asarray(1 + np.sum(1.0 / (k + 1) - 1.0 / k)), density.dtype)
    if iscomplexobj(density):
        middle = median(jnp.real(density), axis=-1) + 1j * median(jnp.imag(density), axis=-1)
    else:
        middle = median(density, axis=-1)
    return frequencies, middle / bias


def welch(
    x: Array,
    fs: ArrayLike = 1.0,
    window: str = "hann",
    nperseg: int | None = None,
    noverlap: int | None = None,
    nfft: int | None = None,
    detrend: str = "constant",
    return_onesided: bool = True,
    scaling: str = "density",
    axis: int = -1,
    average: str = "mean",
) -> tuple[Array, Array]:
    """Power spectral density by Welch's method: `csd` of a signal with itself."""
    frequencies, density = csd(
        x, None, fs, window, nperseg, noverlap, nfft, detrend, return_onesided, scaling, axis, average
    )
    return frequencies, jnp.real(density)


def _added(x: Array, step: int) -> Array:
    """The sum of segments ``[..., k, n]`` that begin ``step`` apart, ``[..., step * (k - 1) + n]``."""
    *batch, count, size = x.shape
    index = np.arange(count)[:, None] * step + np.arange(size)
    total = jnp.zeros((*batch, step * (count - 1) + size), x.dtype)
    return total.at[..., index].add(x)


def istft(
    Zxx: Array,
    fs: ArrayLike = 1.0,
    window: str = "hann",
    nperseg: int | None = None,
    noverlap: int | None = None,
    nfft: int | None = None,
    input_onesided: bool = True,
    boundary: bool = True,
    time_axis: int = -1,
    freq_axis: int = -2,
) -> tuple[Array, Array]:
    """The inverse of `stft`: times and signal.

    Args:
        Zxx: transformed segments.
        fs: sampling frequency.
        window: what `stft` was given, as the next three.
        nperseg: length of a segment.
        noverlap: how much neighbours share.
        nfft: length of the transform.
        input_onesided: whether only frequencies from 0 are there.
        boundary: whether the signal was extended at its ends.
        time_axis: of segments.
        freq_axis: of frequencies.
    """
    check_arraylike("istft", Zxx)
    z = asarray(Zxx)
    if z.ndim < 2:
        raise ValueError("Input stft must be at least 2d!")
    freq_axis, time_axis = canonicalize_axis(freq_axis, z.ndim), canonicalize_axis(time_axis, z.ndim)
    if freq_axis == time_axis:
        raise ValueError("Must specify differing time and frequency axes!")
    z = astype(z, dtypes.canonicalize_dtype(dtypes.to_complex_dtype(z.dtype)))
    default = 2 * (z.shape[freq_axis] - 1) if input_onesided else z.shape[freq_axis]
    size = concrete_or_error(int, nperseg or default, "nperseg: segment length of STFT")
    if size < 1:
        raise ValueError("nperseg must be a positive integer")
    if nfft is None:
        length = default + 1 if input_onesided and size == default + 1 else default
    else:
        length = concrete_or_error(int, nfft, "nfft of STFT")
    if length < size:
        raise ValueError(f"FFT length ({length}) must be longer than nperseg ({size}).")
    overlap = concrete_or_error(int, noverlap or size // 2, "noverlap of STFT")
    if overlap >= size:
        raise ValueError("noverlap must be less than nperseg.")
    z = jnp.moveaxis(z, (freq_axis, time_axis), (-2, -1))
    pieces = (fft.irfft if input_onesided else fft.ifft)(z, axis=-2, n=nfft)[..., :size, :]
    weights = _inverse_window(window, size, pieces.dtype)
    pieces = pieces * jnp.sum(weights)
    column = weights[:, None]
    x = _added(jnp.swapaxes(pieces * column.reshape((1,) * (pieces.ndim - 2) + column.shape), -2, -1), size - overlap)
    squares = jnp.broadcast_to(column * column, (size, pieces.shape[-1]))
    norm = _added(jnp.swapaxes(squares, -2, -1), size - overlap)
    if boundary:
        x, norm = (v[..., size // 2 : -(size // 2)] for v in (x, norm))
    norm = jnp.where(norm > 1e-10 if not iscomplexobj(norm) else jnp.real(norm) > 1e-10, norm, 1.0)
    x = x / norm.reshape((1,) * (x.ndim - norm.ndim) + norm.shape)
    if x.ndim > 1 and time_axis != z.ndim - 1:
        x = jnp.moveaxis(x, -1, time_axis - 1 if freq_axis < time_axis else time_axis)
    real_dtype = np.dtype("float64" if x.dtype in (np.float64, np.complex128) else "float32")
    return jnp.arange(x.shape[0], dtype=real_dtype) / fs, x


def _inverse_window(window: Any, size: int, dtype: Any) -> Array:
    if isinstance(window, str | tuple):
        return astype(jnp.asarray(_named_window(window, size)), dtype)
    weights = asarray(window)
    if len(weights.shape) != 1:
        raise ValueError("window must be 1-D")
    if weights.shape[0] != size:
        raise ValueError(f"window must have length of {size}")
    return weights
