"""sliding: scipy.signal's convolutions and correlations of arrays with any number of axes, directly or by FFT."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from jaxlike._src.array import Array
from jaxlike._src.border import asarray, canonicalize_axis, check_arraylike, promote_dtypes_inexact
from jaxlike._src.lax.conv import conv_general_dilated
from jaxlike._src.numpy import fft
from jaxlike._src.scipy import jnp
from jaxlike._src.transforms.vmap import vmap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jaxlike._src.typing import ArrayLike

_MODES = ("full", "same", "valid")


def _ordered(a: Any, b: Any) -> tuple[bool, bool]:
    """Whether the first shape is at least the second in every axis, and whether at most."""
    pairs = list(zip(a.shape, b.shape, strict=False))
    return all(m >= n for m, n in pairs), all(m <= n for m, n in pairs)


def fftconvolve(in1: ArrayLike, in2: ArrayLike, mode: str = "full", axes: Sequence[int] | None = None) -> Array:
    """Convolution by FFT.

    Args:
        in1: array.
        in2: array with as many axes.
        mode: "full", "same" (the shape of ``in1``) or "valid".
        axes: axes to convolve over, by default all; the others must agree.
    """
    check_arraylike("fftconvolve", in1, in2)
    x, y = promote_dtypes_inexact(in1, in2)
    if x.ndim != y.ndim:
        raise ValueError("in1 and in2 should have the same dimensionality")
    if mode not in _MODES:
        raise ValueError("mode must be one of ['same', 'full', 'valid']")

    def one(x: Array, y: Array) -> Array:
        return _by_fft(x, y, mode)

    if axes is None:
        return one(x, y)
    given = (axes,) if isinstance(axes, int) else axes
    chosen = tuple(canonicalize_axis(d, x.ndim) for d in given)
    mapped = [d for d in range(x.ndim) if d not in chosen]
    if any(x.shape[d] != y.shape[d] for d in mapped):
        raise ValueError(
            f"mapped axes must have same shape; got in1.shape={x.shape!r} in2.shape={y.shape!r} axes={chosen!r}"
        )
    run: Any = one
    for d in mapped:
        run = vmap(run, in_axes=d, out_axes=d)
    return run(x, y)


def _by_fft(x: Array, y: Array, mode: str) -> Array:
    full = tuple(m + n - 1 for m, n in zip(x.shape, y.shape, strict=True))
    if mode == "valid":
        larger, smaller = _ordered(x, y)
        if not (larger or smaller):
            raise ValueError(
                "For 'valid' mode, One input must be at least as large as the other in every dimension."
            )
        if smaller:
            x, y = y, x
    if all(1 in pair for pair in zip(x.shape, y.shape, strict=True)):
        whole = x * y
    elif np.issubdtype(x.dtype, np.complexfloating):
        whole = fft.ifftn(fft.fftn(x, full) * fft.fftn(y, full), full)
    else:
        whole = fft.irfftn(fft.rfftn(x, full) * fft.rfftn(y, full), full)
    valid = tuple(m - n + 1 for m, n in zip(x.shape, y.shape, strict=True))
    out = {"full": full, "same": x.shape, "valid": valid}[mode]
    return whole[tuple(slice((f - n) // 2, (f - n) // 2 + n) for f, n in zip(full, out, strict=True))]


def _directly(in1: Any, in2: Any, mode: str, precision: Any) -> Array:
    if mode not in _MODES:
        raise ValueError("mode must be one of ['full', 'same', 'valid']")
    if in1.ndim != in2.ndim:
        raise ValueError("in1 and in2 must have the same number of dimensions")
    if in1.size == 0 or in2.size == 0:
        raise ValueError(f"zero-size arrays not supported in convolutions, got shapes {in1.shape} and {in2.shape}.")
    x, y = promote_dtypes_inexact(in1, in2)
    larger, smaller = _ordered(x, y)
    if not (larger or smaller):
        raise ValueError("One input must be smaller than the other in every dimension.")
    second = y.shape
    if smaller:
        x, y = y, x
    shape = y.shape
    if mode == "valid":
        padding = [(0, 0) for _ in shape]
    elif mode == "same":
        padding = [(s - 1 - (o - 1) // 2, s - o + (o - 1) // 2) for s, o in zip(shape, second, strict=True)]
    else:
        padding = [(s - 1, s - 1) for s in shape]
    out = conv_general_dilated(x[None, None], jnp.flip(y)[None, None], (1,) * len(shape), padding, precision=precision)
    return out[0, 0]


def convolve(
    in1: Array, in2: Array, mode: str = "full", method: str = "auto", precision: Any = None
) -> Array:
    """Convolution; ``method``: "direct" (also "auto"), or "fft"."""
    if method == "fft":
        return fftconvolve(in1, in2, mode=mode)
    if method not in ("direct", "auto"):
        raise ValueError(f"Got method={method!r}; expected 'auto', 'fft', or 'direct'.")
    return _directly(in1, in2, mode, precision)


def correlate(
    in1: Array, in2: Array, mode: str = "full", method: str = "auto", precision: Any = None
) -> Array:
    """Cross-correlation: convolution with ``in2`` reversed and conjugated."""
    return convolve(in1, jnp.flip(jnp.conj(in2)), mode, precision=precision, method=method)


def _check_planes(name: str, in1: Any, in2: Any, boundary: str, fillvalue: float) -> None:
    if boundary != "fill" or fillvalue != 0:
        raise NotImplementedError(f"{name}() only supports boundary='fill', fillvalue=0")
    if np.ndim(in1) != 2 or np.ndim(in2) != 2:
        raise ValueError(f"{name}() only supports 2-dimensional inputs.")


def convolve2d(
    in1: Array, in2: Array, mode: str = "full", boundary: str = "fill", fillvalue: float = 0, precision: Any = None
) -> Array:
    """Convolution of matrices, with zeros around."""
    _check_planes("convolve2d", in1, in2, boundary, fillvalue)
    return _directly(in1, in2, mode, precision)


def correlate2d(
    in1: Array, in2: Array, mode: str = "full", boundary: str = "fill", fillvalue: float = 0, precision: Any = None
) -> Array:
    """Cross-correlation of matrices, with zeros around."""
    _check_planes("correlate2d", in1, in2, boundary, fillvalue)
    x, y = asarray(in1), asarray(in2)
    smaller = _ordered(x, y)[1]
    swap = smaller and mode != "same" and not (mode == "valid" and x.shape == y.shape)
    if not swap:
        return jnp.flip(_directly(jnp.flip(x), jnp.conj(y), mode, precision))
    out = _directly(jnp.flip(y), jnp.conj(x), mode, precision)
    return out if mode == "valid" else jnp.conj(out)
