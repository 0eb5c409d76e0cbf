"""basic: random bits, uniform, normal and integer samples, and coin tosses."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src import dtypes, unsigned
from jaxlike._src.array import Array
from jaxlike._src.border import asarray, astype, broadcast_shapes, canonicalize_shape, cast, check_arraylike, tensor_as
from jaxlike._src.random import draws
from jaxlike._src.random.arguments import check_shape, float_dtype, int_dtype, shape_of
from jaxlike._src.random.keys import check_key, split_list
from jaxlike._src.random.words import WORD

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from jaxlike._src.random.draws import Shape
    from jaxlike._src.random.key_array import PRNGKeyArray
    from jaxlike._src.typing import ArrayLike, DTypeLike


def bits(key: ArrayLike, shape: int | Sequence[int] = (), dtype: DTypeLike | None = None, *, out_sharding: Any = None) -> Array:
    """Random bits as unsigned integers.

    Args:
        key: a PRNG key.
        shape: shape of the result.
        dtype: uint8, uint16, uint32 (default) or uint64 (default with x64).
        out_sharding: accepted and ignored.
    """
    typed, _ = check_key("bits", key)
    default = dtypes.default_uint_dtype
    kind: Any = default() if dtype is None else dtypes.check_and_canonicalize_user_dtype(dtype)
    if not dtypes.issubdtype(kind, np.unsignedinteger):
        raise ValueError(f"dtype argument to `bits` must be an unsigned int dtype, got {kind}")
    return Array(draws.random_bits(typed, kind.itemsize * 8, canonicalize_shape(shape)))


# Floats


def uniform(
    key: ArrayLike,
    shape: int | Sequence[int] = (),
    dtype: DTypeLike | None = None,
    minval: ArrayLike = 0.0,
    maxval: ArrayLike = 1.0,
    *,
    out_sharding: Any = None,
) -> Array:
    """Uniform samples from [minval, maxval).

    Args:
        key: a PRNG key.
        shape: shape of the result.
        dtype: a float dtype, by default float32 (float64 with x64).
        minval: lower bound, of a shape that broadcasts to ``shape``.
        maxval: upper bound, likewise.
        out_sharding: accepted and ignored.
    """
    typed, _ = check_key("uniform", key)
    shape = canonicalize_shape(shape)
    dtype = float_dtype("uniform", dtype)
    if type(minval) is float and type(maxval) is float and minval == 0.0 and maxval == 1.0 and dtype in dtypes.TO_TORCH:
        return Array(draws.unit_floats(typed, shape, dtype))
    return uniform_between(typed, shape, dtype, minval, maxval)


def uniform_between(key: PRNGKeyArray, shape: Shape, dtype: Any, minval: ArrayLike, maxval: ArrayLike) -> Array:
    """`uniform` with checked arguments."""
    check_shape("uniform", shape)
    info = dtypes.finfo(dtype)
    if info.bits not in (8, 16, 32, 64):
        raise TypeError(f"uniform only accepts 8-, 16-, 32-, or 64-bit dtypesgot {dtype}.")
    if info.bits == 8:
        return _uniform_8_bits(key, shape, dtype, info.nmant, minval, maxval)
    low, high = tensor_as(minval, dtype), tensor_as(maxval, dtype)
    out = broadcast_shapes("mul", [shape, tuple(low.shape), tuple(high.shape)])
    made = draws.between(draws.unit_floats(key, shape, dtype), low, high)
    return Array(made if out == shape else _of_fewer_axes(made, shape, low))


def _of_fewer_axes(made: Tensor, shape: Shape, low: Tensor) -> Tensor:
    """Samples whose bounds have more axes than were asked for: in JAX reshaped, then compared with the lower bound."""
    if low.dim() > len(shape) > 0:
        raise TypeError(f"max: arrays must have the same number of dimensions, got { {len(shape), low.dim()} }")
    if made.numel() != math.prod(shape):
        raise TypeError(f"reshape total size must be unchanged, got new_sizes {shape} for shape {tuple(made.shape)}.")
    return made.reshape(shape or low.shape)


def _uniform_8_bits(
    key: PRNGKeyArray, shape: Shape, dtype: Any, kept: int, minval: ArrayLike, maxval: ArrayLike
) -> Array:
    """Floats of 8 bits, in float32 steps each of which is rounded."""
    single = np.dtype("float32")

    def rounded(x: Tensor) -> Tensor:
        return tensor_as(astype(Array(x), dtype), single)

    low, high = (tensor_as(astype(asarray(v), dtype), single) for v in (minval, maxval))
    unit = (draws.random_bits(key, 8, shape) >> (8 - kept)).to(torch.float32) * 2.0**-kept
    moved = rounded(rounded(unit * rounded(high - low)) + low)
    return astype(Array(torch.maximum(low, moved)), dtype)


def normal(
    key: ArrayLike, shape: int | Sequence[int] = (), dtype: DTypeLike | None = None, *, out_sharding: Any = None
) -> Array:
    """Standard normal samples.

    Args:
        key: a PRNG key.
        shape: shape of the result.
        dtype: a float or complex dtype, by default float32 (float64 with x64). Real and imaginary part of
            a complex sample have variance 1/2 each.
        out_sharding: accepted and ignored.
    """
    typed, _ = check_key("normal", key)
    shape = canonicalize_shape(shape)
    dtype = float_dtype("normal", dtype, np.inexact, "a float or complex")
    return Array(normal_tensor(typed, shape, dtype))


def normal_tensor(key: PRNGKeyArray, shape: Shape, dtype: Any) -> Tensor:
    """`normal` with checked arguments, as a tensor."""
    if dtypes.issubdtype(dtype, np.complexfloating):
        real = np.dtype("float32" if dtype.itemsize == 8 else "float64")
        parts = [draws.standard("normal", k, shape, real) for k in split_list(key, 2)]
        return torch.complex(*parts) / np.sqrt(dtype.type(2)).real.item()
    return draws.standard("normal", key, shape, dtype)


# Integers


def randint(
    key: ArrayLike,
    shape: int | Sequence[int],
    minval: ArrayLike,
    maxval: ArrayLike,
    dtype: DTypeLike | None = None,
    *,
    out_sharding: Any = None,
) -> Array:
    """Uniform integers from [minval, maxval).

    Args:
        key: a PRNG key.
        shape: shape of the result.
        minval: lower bound, of a shape that broadcasts to ``shape``; also the result where maxval <= minval.
        maxval: upper bound, which is not drawn itself; values beyond the dtype's largest mean that it is.
        dtype: an integer dtype, by default int32 (int64 with x64).
        out_sharding: accepted and ignored.
    """
    typed, _ = check_key("randint", key)
    dtype = int_dtype(dtype)
    shape = canonicalize_shape(shape)
    if not dtypes.issubdtype(dtype, np.integer):
        raise TypeError(f"randint only accepts integer dtypes, got {dtype}")
    info = dtypes.iinfo(dtype)
    if info.bits >= 32:
        return Array(randint_tensor(typed, shape, dtype, minval, maxval))
    wide = np.dtype("int32")
    minval, maxval = asarray(minval), asarray(maxval)  # numbers beyond 32 bits are refused, not wrapped
    low = tensor_as(minval, wide).clamp(int(info.min), int(info.max))
    high = tensor_as(maxval, wide).clamp(int(info.min), int(info.max) + 1)
    return astype(Array(randint_tensor(typed, shape, wide, Array(low), Array(high))), dtype)


def _bound(x: ArrayLike) -> Array:
    x = asarray(x)
    return x if dtypes.issubdtype(x.dtype, np.integer) else astype(x, dtypes.default_int_dtype())


def _clipped(x: Array, dtype: Any) -> Tensor:
    """An integer array in another integer dtype, values outside of its range moved to the nearest end."""
    now, then = dtypes.iinfo(x.dtype), dtypes.iinfo(dtype)
    low, high = int(max(now.min, then.min)), int(min(now.max, then.max))
    tensor = tensor_as(x, x.dtype)
    if tensor.dtype is torch.uint64:
        flipped = unsigned.flip(tensor).clamp(low - (1 << 63), high - (1 << 63))
        return cast(unsigned.unflip(flipped), dtypes.to_torch(dtype))
    return cast(tensor.to(torch.int64).clamp(low, high), dtypes.to_torch(dtype))


def randint_tensor(key: PRNGKeyArray, shape: Shape, dtype: Any, minval: ArrayLike, maxval: ArrayLike) -> Tensor:
    """`randint` for dtypes of 32 and 64 bits, with checked arguments, as a tensor.

    Two draws give a number below the span with next to no bias: ``(high * 2**bits + low) % span``.
    """
    check_shape("randint", shape, np.shape(minval), np.shape(maxval))
    check_arraylike("randint", minval, maxval)
    lowest, bound = _bound(minval), _bound(maxval)
    top = int(dtypes.iinfo(dtype).max)
    beyond = _greater(bound, min(top, int(dtypes.iinfo(bound.dtype).max)))
    low, high = _clipped(lowest, dtype), _clipped(bound, dtype)
    first, second = split_list(key, 2)
    if dtype.itemsize == 4:
        low, high = low.to(torch.int64), high.to(torch.int64)
        span = torch.where(high <= low, 1, high - low)
        span = (span + (beyond & (high > low)).to(torch.int64)) & WORD
        upper, lower = (draws.random_bits(k, 32, shape).to(torch.int64) for k in (first, second))
        return (low + _mod_join(upper, lower, span)).to(dtypes.to_torch(dtype))
    return _randint_64(first, second, shape, dtype, low, high, beyond)


def _greater(x: Array, than: int) -> Tensor:
    tensor = tensor_as(x, x.dtype)
    if tensor.dtype is torch.uint64:
        return unsigned.flip(tensor) > than - (1 << 63)
    return tensor.to(torch.int64) > than


def _mod_join(upper: Tensor, lower: Tensor, span: Tensor) -> Tensor:
    """``(upper * 2**32 + lower) % span`` in uint32 steps, of int64 in 0..2**32-1; a span of 0 is 2**32."""
    safe = torch.where(span == 0, 1 << 32, span)
    factor = (1 << 16) % safe
    factor = (factor * factor & WORD) % safe
    return (((upper % safe) * factor + lower % safe) & WORD) % safe


def _randint_64(
    first: PRNGKeyArray, second: PRNGKeyArray, shape: Shape, dtype: Any, low: Tensor, high: Tensor, beyond: Tensor
) -> Tensor:
    """The same in uint64 steps, on the bits of int64."""
    low, high = low.view(torch.int64), high.view(torch.int64)
    if dtype.kind == "u":
        less = unsigned.flip_less_equal(high, low)
    else:
        less = high <= low
    span = torch.where(less, 1, high - low) + (beyond & ~less).to(torch.int64)

    def mod(x: Tensor, y: Tensor) -> Tensor:
        x, y = torch.broadcast_tensors(x, y)
        safe = torch.where(y == 0, 1, y)
        rest = unsigned.divmod_64(x.view(torch.uint64), safe.view(torch.uint64))[1].view(torch.int64)
        return torch.where(y == 0, x, rest)

    factor = mod(torch.full_like(span, 1 << 32), span)
    factor = mod(factor * factor, span)
    upper, lower = (draws.random_bits(k, 64, shape).view(torch.int64) for k in (first, second))
    offset = mod(mod(upper, span) * factor + mod(lower, span), span)
    return (low + offset).view(dtypes.to_torch(dtype))


# Coins


def bernoulli(
    key: ArrayLike, p: ArrayLike = 0.5, shape: int | Sequence[int] | None = None, mode: str = "low", *, out_sharding: Any = None
) -> Array:
    """True with probability ``p``.

    Args:
        key: a PRNG key.
        p: float or array of floats.
        shape: shape of the result, by default that of ``p``.
        mode: "low", or "high" to draw twice the bits, which small probabilities (below 1e-7) need.
        out_sharding: accepted and ignored.
    """
    if shape is not None:
        shape = canonicalize_shape(shape)
    if mode not in ("high", "low"):
        raise ValueError(f"got {mode=}, expected 'high' or 'low'")
    typed, _ = check_key("bernoulli", key)
    dtype = dtypes.dtype_of(p)
    if not dtypes.issubdtype(dtype, np.floating):
        raise TypeError(f"bernoulli probability `p` must have a floating dtype, got {dtype}.")
    shape = shape_of("bernoulli", shape, p)
    prob = tensor_as(p, dtype)
    if mode == "low":
        return Array(draws.unit_floats(typed, shape, dtype) < prob)
    first, second = draws.unit_floats(typed, (2, *shape), dtype).unbind(0)
    return Array(second * 2.0 ** -int(dtypes.finfo(dtype).nmant) < prob - first)


def rademacher(
    key: ArrayLike, shape: int | Sequence[int] = (), dtype: DTypeLike | None = None, *, out_sharding: Any = None
) -> Array:
    """1 or -1 with equal probability.

    Args:
        key: a PRNG key.
        shape: shape of the result.
        dtype: dtype of the result, by default int32 (int64 with x64).
        out_sharding: accepted and ignored.
    """
    typed, _ = check_key("rademacher", key)
    dtype = int_dtype(dtype)
    return Array(signs(typed, canonicalize_shape(shape), dtype))


def signs(key: PRNGKeyArray, shape: Shape, dtype: Any) -> Tensor:
    """`rademacher` with checked arguments, as a tensor."""
    heads = draws.unit_floats(key, shape, dtypes.default_float_dtype()) < 0.5
    return cast(2 * heads.to(torch.int32) - 1, dtypes.to_torch(dtype))
