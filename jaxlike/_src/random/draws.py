"""draws: random bits, floats in [0, 1) and standard normals, which all distributions are made of.

Each is an operator on key words (see `ops`), with a shortcut: one threefry key whose words are known and a
few samples are drawn in Python integers, so that a small draw costs no more than a small tensor.
Floats come from the top bits: as many as the mantissa has, scaled by a power of two. Large normals are
computed in pieces that stay in the cache.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch

from jaxlike._src import dtypes, special, torch_private
from jaxlike._src.border import unwrap
from jaxlike._src.config import threefry_partitionable
from jaxlike._src.random import native, scalars, threefry
from jaxlike._src.random.generators import PRNGS, STREAMS, on_gpu, stream_of
from jaxlike._src.random.key_array import unpack, words_of
from jaxlike._src.random.ops import operator, plain
from jaxlike._src.random.words import UINT
from jaxlike._src.regions import DRAW, equation

if TYPE_CHECKING:
    from torch import Tensor

    from jaxlike._src.random.key_array import PRNGKeyArray

Shape = tuple[int, ...]

_FEW: Final = 12  # normals; from here on tensor ops are faster than Python floats
_PIECE: Final = 32_000  # below the size at which torch starts threads for each op
_THREEFRY: Final = PRNGS["threefry2x32"]

# (bits drawn, bits kept): the mantissa's width, drawn in the smallest width that has JAX's stream
_MANTISSA: Final = {
    torch.float64: (64, 52),
    torch.float32: (32, 23),
    torch.float16: (16, 10),
    torch.bfloat16: (8, 7),
    torch.float8_e4m3fn: (8, 3),
    torch.float8_e4m3fnuz: (8, 3),
    torch.float8_e5m2: (8, 2),
    torch.float8_e5m2fnuz: (8, 2),
}


def _known_key(key: PRNGKeyArray, payload: Tensor, size: int, most: int) -> Tensor | None:
    """A known threefry key as no transformation wraps it, where ``size`` samples are few enough for Python integers."""
    if size > most or size == 0 or key._tag is not _THREEFRY or not threefry_partitionable.value:
        return None
    known = plain(payload)
    if known is None or known.device.type != "cpu" or known.dim():
        return None
    return known


# Bits


@operator(
    "random_bits(Tensor words, str stream, int width, SymInt[] shape) -> Tensor",
    lambda words, stream, width, shape: ((*words.shape[:-1], *shape), UINT[width]),
)
def bits_of_words(words: Tensor, stream: str, width: int, shape: Sequence[int]) -> Tensor:
    """Unsigned random integers [..., *shape] of keys [..., n]."""
    return STREAMS[stream].random_bits(words, width, tuple(shape))


def _as_drawn(name: str, key: PRNGKeyArray, shape: Shape, dtype: Any) -> Any:
    del dtype
    return (key,), {"kind": (type(key), key._tag), "name": name, "shape": tuple(shape)}


@equation(
    "random_bits",
    lambda key, width, shape: (
        (key,), {"kind": (type(key), key._tag), "bit_width": width, "shape": tuple(shape)}
    ),
)  # fmt: skip
def random_bits(key: PRNGKeyArray, width: int, shape: Shape) -> Tensor:
    """Unsigned integers of 8, 16, 32 or 64 random bits."""
    payload = unwrap(key)
    known = _known_key(key, payload, math.prod(shape), threefry.MAX_LANES) if width == 32 else None
    if known is not None:
        drawn = threefry.bits_of_lanes(*words_of(known), math.prod(shape))
        return _on_host(np.array(drawn, np.uint32).reshape(shape))
    return bits_of_words(unpack(payload), stream_of(key._tag), width, shape)


def _on_host(values: np.ndarray[Any, Any]) -> Tensor:
    with torch_private.outside():
        return torch.from_numpy(values)


# Floats


def to_unit(bits: Tensor, dtype: torch.dtype) -> Tensor:
    """Random bits, of the width that `_MANTISSA` has for the dtype, as floats in [0, 1)."""
    drawn, kept = _MANTISSA[dtype]
    if drawn == 8:
        top = bits >> (8 - kept)
    else:
        signed = bits.view({16: torch.int16, 32: torch.int32, 64: torch.int64}[drawn])
        top = (signed >> (drawn - kept)) & ((1 << kept) - 1)
    if dtype.itemsize == 1:  # torch has no float8 arithmetic; exact in float32
        return (top.to(torch.float32) * 2.0**-kept).to(dtype)
    return top.to(dtype) * 2.0**-kept


@operator(
    "random_unit(Tensor words, str stream, ScalarType dtype, SymInt[] shape) -> Tensor",
    lambda words, stream, dtype, shape: ((*words.shape[:-1], *shape), dtype),
)
def unit_of_words(words: Tensor, stream: str, dtype: torch.dtype, shape: Sequence[int]) -> Tensor:
    """Floats in [0, 1) [..., *shape] of keys [..., n]."""
    if words.device.type == "cpu" and stream == "threefry2x32" and dtype == torch.float32:
        keys = words.reshape(-1, 2).numpy().view(np.uint32)
        size = math.prod(shape)
        if (made := native.drawn(native.UNIT, keys, size)) is not None:
            return torch.from_numpy(made).reshape((*words.shape[:-1], *shape))
        out = np.empty(len(keys) * size, np.float32)
        for start, stop, x0, x1 in threefry.hash_blocks(keys, size):
            np.bitwise_xor(x0, x1, out=x0)
            np.right_shift(x0, np.uint32(9), out=x0)
            np.multiply(x0.view(np.int32), np.float32(2.0**-23), out=out[start:stop], casting="same_kind")
        return torch.from_numpy(out).reshape((*words.shape[:-1], *shape))
    if stream == "threefry2x32" and dtype == torch.float32 and (kernels := on_gpu(words)) is not None:
        return kernels.unit(words, shape)
    bits = STREAMS[stream].random_bits(words, _MANTISSA[dtype][0], tuple(shape))
    return to_unit(bits, dtype)


@equation(DRAW, lambda key, shape, dtype: _as_drawn("uniform", key, shape, dtype))
def unit_floats(key: PRNGKeyArray, shape: Shape, dtype: Any) -> Tensor:
    """Uniform floats in [0, 1), multiples of the spacing of floats in [1, 2)."""
    payload, kind = unwrap(key), dtypes.to_torch(dtype)
    if kind is torch.float32:
        known = _known_key(key, payload, math.prod(shape), threefry.MAX_LANES)
        if known is not None:
            size = math.prod(shape)
            with torch_private.outside():
                made = native.few(native.UNIT, known, size)
            if made is not None:
                return made if len(shape) == 1 else made.reshape(shape)
            made = [(b >> 9) * 2.0**-23 for b in threefry.bits_of_lanes(*words_of(known), size)]
            return _on_host(np.array(made, np.float32).reshape(shape))
    return unit_of_words(unpack(payload), stream_of(key._tag), kind, shape)


def between(unit: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """Floats in [0, 1) moved to [low, high)."""
    return torch.maximum(low, special.fma(unit, high - low, low))


# Standard distributions: functions of one uniform float


def _lowest(dtype: torch.dtype) -> float:
    """The float next to -1, towards 0."""
    return -1.0 + torch.finfo(dtype).eps / 2


def _above(unit: Tensor, low: float) -> Tensor:
    """Floats in [0, 1) moved to [low, 1)."""
    return between(unit, *(special.constant(v, unit.dtype, unit.device) for v in (low, 1.0)))


def log(x: Tensor) -> Tensor:
    """Logarithm, float32 as XLA computes it."""
    return special.log(x) if x.dtype == torch.float32 else torch.log(x)


def log1p(x: Tensor) -> Tensor:
    """``log(1 + x)``, float32 as XLA computes it."""
    return special.log1p(x) if x.dtype == torch.float32 else torch.log1p(x)


def _normal(unit: Tensor) -> Tensor:
    """By the inverse of the distribution function."""
    u = torch.clamp(2.0 * unit + _lowest(unit.dtype), min=_lowest(unit.dtype))
    if u.dtype.itemsize >= 4:
        y = special.erf_inv_inside(u)
    else:
        y = special.erf_inv_inside(u.to(torch.float32)).to(u.dtype)
    return y * special.constant(math.sqrt(2), y.dtype, y.device)


def _exponential(unit: Tensor) -> Tensor:
    return -log1p(-unit)


def _laplace(unit: Tensor) -> Tensor:
    u = _above(unit, _lowest(unit.dtype))
    return torch.sign(u) * log1p(-u.abs())


def _logistic(unit: Tensor) -> Tensor:
    u = _above(unit, torch.finfo(unit.dtype).tiny)
    return log(u) - log1p(-u)


def _gumbel(unit: Tensor) -> Tensor:
    return -log(-log(_above(unit, torch.finfo(unit.dtype).tiny)))


def _cauchy(unit: Tensor) -> Tensor:
    u = _above(unit, torch.finfo(unit.dtype).eps)
    return torch.tan(special.constant(math.pi, u.dtype, u.device) * (u - 0.5))


_FROM_UNIT: Final = {
    "normal": _normal,
    "exponential": _exponential,
    "laplace": _laplace,
    "logistic": _logistic,
    "gumbel": _gumbel,
    "cauchy": _cauchy,
}


@operator(
    "random_standard(Tensor words, str stream, str name, ScalarType dtype, SymInt[] shape) -> Tensor",
    lambda words, stream, name, dtype, shape: ((*words.shape[:-1], *shape), dtype),
)
def standard_of_words(words: Tensor, stream: str, name: str, dtype: torch.dtype, shape: Sequence[int]) -> Tensor:
    """Samples [..., *shape] of a standard distribution for keys [..., n]."""
    if name in native.STANDARD and stream == "threefry2x32" and dtype == torch.float32:
        if name == "normal" and (kernels := on_gpu(words)) is not None:
            return kernels.normal(words, shape)
        if words.device.type == "cpu":
            made = native.drawn(native.STANDARD[name], words.reshape(-1, 2).numpy().view(np.uint32), math.prod(shape))
            if made is not None:
                return torch.from_numpy(made).reshape((*words.shape[:-1], *shape))
    unit, of = unit_of_words(words, stream, dtype, shape), _FROM_UNIT[name]
    if unit.device.type != "cpu" or unit.numel() <= _PIECE:
        return of(unit)
    flat = unit.view(-1)
    for start in range(0, len(flat), _PIECE):
        flat[start : start + _PIECE] = of(flat[start : start + _PIECE])
    return unit


@equation(DRAW, _as_drawn)
def standard(name: str, key: PRNGKeyArray, shape: Shape, dtype: Any) -> Tensor:
    """Samples of a standard distribution without parameters: normal, exponential, laplace, gumbel, .."""
    payload, kind = unwrap(key), dtypes.to_torch(dtype)
    if name in native.STANDARD and kind is torch.float32:
        known = _known_key(key, payload, math.prod(shape), _FEW)
        if known is not None:
            size = math.prod(shape)
            with torch_private.outside():
                made = native.few(native.STANDARD[name], known, size)
            if made is not None:
                return made if len(shape) == 1 else made.reshape(shape)
            if name == "normal":
                made = [scalars.normal(b) for b in threefry.bits_of_lanes(*words_of(known), size)]
                return _on_host(np.array(made, np.float32).reshape(shape))
    if kind not in _MANTISSA or kind.itemsize == 1:
        raise NotImplementedError(f"{name} samples of dtype {dtype}")
    return standard_of_words(unpack(payload), stream_of(key._tag), name, kind, shape)
