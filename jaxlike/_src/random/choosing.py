"""choosing: permutations, choices with and without replacement, categorical samples and their Gumbel noise."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src import config, dtypes, key_uses
from jaxlike._src.array import Array
from jaxlike._src.border import (
    asarray,
    canonicalize_axis,
    canonicalize_shape,
    cast,
    check_arraylike,
    concrete_or_error,
    promote_dtypes_inexact,
    unwrap,
)
from jaxlike._src.numpy.arg_reduce import argmax
from jaxlike._src.numpy.cumulative import cumsum
from jaxlike._src.numpy.filled import zeros
from jaxlike._src.numpy.find import searchsorted
from jaxlike._src.numpy.ranges import arange
from jaxlike._src.numpy.shape import expand_dims, moveaxis, reshape
from jaxlike._src.numpy.sort import gathered
from jaxlike._src.numpy.take import take
from jaxlike._src.random import draws
from jaxlike._src.random.arguments import check_shape, float_dtype
from jaxlike._src.random.keys import check_key, split_list

if TYPE_CHECKING:
    from torch import Tensor

    from jaxlike._src.random.draws import Shape
    from jaxlike._src.random.key_array import PRNGKeyArray
    from jaxlike._src.typing import ArrayLike, DTypeLike


# Order


def permutation(
    key: ArrayLike, x: int | ArrayLike, axis: int = 0, independent: bool = False, *, out_sharding: Any = None
) -> Array:
    """The elements of ``x`` in random order along an axis.

    Args:
        key: a PRNG key.
        x: an array, or an integer for ``jnp.arange(x)``.
        axis: the axis to shuffle.
        independent: whether each line along the axis is shuffled by itself; else slices move as a whole.
        out_sharding: accepted and ignored.
    """
    typed, _ = check_key("permutation", key)
    check_arraylike("permutation", x)
    given = asarray(x)
    axis = canonicalize_axis(axis, given.ndim or 1)
    if not given.ndim:
        if not dtypes.issubdtype(given.dtype, np.integer):
            raise TypeError("x must be an integer or at least 1-dimensional")
        count = concrete_or_error(int, x, "argument x of jax.random.permutation()")
        return shuffle(typed, arange(count), axis)
    if independent or given.ndim == 1:
        return shuffle(typed, given, axis)
    order = shuffle(typed, arange(given.shape[axis]), 0)
    return take(given, order, axis, unique_indices=True)


def shuffle(key: PRNGKeyArray, x: Array, axis: int) -> Array:
    """``x`` sorted along the axis by random keys, as often as makes equal keys unlikely to matter."""
    rounds = math.ceil(3 * np.log(max(1, x.size)) / np.log(0xFFFFFFFF))
    tensor = unwrap(x)
    for _ in range(rounds):
        key, now = split_list(key, 2)
        drawn = draws.random_bits(now, 32, x.shape).view(torch.int32) ^ -(1 << 31)  # in the order of uint32
        places = torch.sort(drawn, dim=axis, stable=True)[1]
        tensor = gathered(tensor, axis, places)
    return type(x)(tensor, x._tag)


# Choice


def choice(
    key: ArrayLike,
    a: int | ArrayLike,
    shape: Shape = (),
    replace: bool = True,
    p: ArrayLike | None = None,
    axis: int = 0,
    mode: str | None = None,
) -> Array:
    """Random elements of ``a``.

    Args:
        key: a PRNG key.
        a: an array, or an integer for ``jnp.arange(a)``.
        shape: shape of the draw; it takes the place of the axis.
        replace: whether an element may be drawn more than once.
        p: probabilities of the elements, one for each; by default all are equal.
        axis: the axis that is drawn from.
        mode: how the noise is made for draws with ``p`` and without replacement, see `gumbel`.
    """
    typed, _ = check_key("choice", key, hands_on=True)
    if not isinstance(shape, Sequence):
        raise TypeError(f"shape argument of jax.random.choice must be a sequence, got {shape}")
    check_arraylike("choice", a)
    arr = asarray(a)
    if arr.ndim == 0:
        count = concrete_or_error(int, a, "The error occurred in jax.random.choice()")
    else:
        axis = canonicalize_axis(axis, arr.ndim)
        count = arr.shape[axis]
    shape = canonicalize_shape(shape)
    drawn = math.prod(shape)
    if drawn == 0:
        return zeros(shape, dtype=arr.dtype)
    if count <= 0:
        raise ValueError("a must be greater than 0 unless no samples are taken")
    if not replace and drawn > count:
        raise ValueError(
            f"Cannot take a larger sample (size {drawn}) than population (size {count}) when 'replace=False'"
        )
    if p is None and not replace:
        order = permutation(typed, count if arr.ndim == 0 else arr, axis)
        tensor = unwrap(order).narrow(axis if arr.ndim else 0, 0, drawn)
        found = type(order)(tensor, order._tag)
    else:
        places = _places(typed, count, shape, replace, p, mode)
        found = places if arr.ndim == 0 else take(arr, places, axis)
    return reshape(found, shape if arr.ndim == 0 else arr.shape[:axis] + shape + arr.shape[axis + 1 :])


def _places(
    key: PRNGKeyArray, count: int, shape: Shape, replace: bool, p: ArrayLike | None, mode: str | None
) -> Array:
    """Random indices below ``count``, with probabilities ``p``."""
    from jaxlike._src.random.basic import randint

    if p is None:
        return randint(key, shape, 0, count)
    check_arraylike("choice", p)
    (prob,) = promote_dtypes_inexact(p)
    if prob.shape != (count,):
        raise ValueError(
            "p must be None or a 1D vector with the same size as a.shape[axis]. p has shape "
            f"{prob.shape} and a.shape[axis] is {count}."
        )
    integer = dtypes.to_torch(dtypes.default_int_dtype())
    if replace:
        if key_uses.FLAG.value:
            key_uses.use_in("choice", key)
        upto = cumsum(prob)
        unit = draws.unit_floats(key, shape, upto.dtype)
        where = searchsorted(upto, Array(unwrap(upto)[-1] * (1 - unit)))
        return Array(cast(unwrap(where), integer))
    noise = gumbel(key, (count,), dtype=prob.dtype, mode=mode)
    score = unwrap(noise) + torch.log(unwrap(prob))
    return Array(cast(_largest(score, math.prod(shape)), integer))


def _largest(score: Tensor, k: int) -> Tensor:
    """Places of the k largest along the last axis, the first of equals first."""
    return torch.sort(score, dim=-1, descending=True, stable=True)[1][..., :k]


# Gumbel noise


def gumbel(
    key: ArrayLike,
    shape: int | Sequence[int] = (),
    dtype: DTypeLike | None = None,
    mode: str | None = None,
    *,
    out_sharding: Any = None,
) -> Array:
    """Gumbel samples, of density ``exp(-(x + exp(-x)))``.

    Args:
        key: a PRNG key.
        shape: shape of the result.
        dtype: a float dtype, by default float32 (float64 with x64).
        mode: "low" (default), "high" or "highest": how far into the tail samples reach. "high" draws twice
            the bits; "highest" uses all of them, in float32.
        out_sharding: accepted and ignored.
    """
    typed, _ = check_key("gumbel", key)
    dtype = float_dtype("gumbel", dtype)
    shape = canonicalize_shape(shape)
    if mode is None:
        mode = "high" if config.use_high_dynamic_range_gumbel.value else "low"
    if mode not in ("highest", "high", "low"):
        raise ValueError(f"Must provide valid mode for gumbel got: {mode}")
    info = dtypes.finfo(dtype)
    kind = dtypes.to_torch(dtype)
    if mode == "low":
        return Array(draws.standard("gumbel", typed, shape, dtype))
    if mode == "highest" and kind is torch.float32:
        return Array(_gumbel_of_64_bits(*draws.random_bits(typed, 32, (2, *shape)).view(torch.int32).unbind(0)))
    high, low = draws.unit_floats(typed, (2, *shape), dtype).unbind(0)
    x = torch.where(high >= 0.5, high, high + 2.0 ** -int(info.nmant) * low + float(info.tiny))
    return Array(-draws.log(-draws.log1p(-x)))


def _gumbel_of_64_bits(high: Tensor, low: Tensor) -> Tensor:
    """Noise from 64 bits, folded at one half so that both tails keep their precision."""
    carry = (~low == -1).to(torch.int32)
    below_half = high >= 0  # as unsigned: less than 2**31
    x = _to_float(torch.where(below_half, high, ~high + carry), torch.where(below_half, low, ~low + 1))
    return torch.where(below_half, -draws.log(-draws.log1p(-x)), -draws.log(-draws.log(x)))


def _to_float(high: Tensor, low: Tensor) -> Tensor:
    """The 64-bit fraction (high, low) as float32 in [0, 1), cut off after 24 significant bits."""
    zeros_high, zeros_low = _leading_zeros(high), _leading_zeros(low)
    empty = zeros_high == 32
    lost = torch.where(zeros_high > 0, _shift_right(low, 32 - zeros_high), 0)
    word = torch.where(empty, _shift_left(low, zeros_low), _shift_left(high, zeros_high) | lost)
    mantissa = _shift_right(word, torch.full_like(word, 8)) & 0x7FFFFF
    exponent = 126 - torch.where(empty, 32 + zeros_low, zeros_high)
    return (((exponent << 23) & 0x3FC00000) | mantissa).view(torch.float32)


def _leading_zeros(x: Tensor) -> Tensor:
    wide = x.to(torch.int64) & 0xFFFFFFFF
    exponent = torch.frexp(wide.to(torch.float64)).exponent.to(torch.int32)
    return torch.where(wide == 0, 32, 32 - exponent)


def _shift_right(x: Tensor, by: Tensor) -> Tensor:
    return ((x.to(torch.int64) & 0xFFFFFFFF) >> by.to(torch.int64)).to(torch.int32)


def _shift_left(x: Tensor, by: Tensor) -> Tensor:
    return ((x.to(torch.int64) & 0xFFFFFFFF) << by.to(torch.int64)).to(torch.int32)


# Categories


def categorical(
    key: ArrayLike,
    logits: ArrayLike,
    axis: int = -1,
    shape: int | Sequence[int] | None = None,
    replace: bool = True,
    mode: str | None = None,
    *,
    out_sharding: Any = None,
) -> Array:
    """Samples of a categorical distribution: indices along the axis of ``logits``.

    Args:
        key: a PRNG key.
        logits: unnormalized log probabilities, in batches.
        axis: the axis of the categories.
        shape: shape of the result; it ends in the batch shape, which is the default.
        replace: whether a category may be drawn more than once in the leading axes of ``shape``.
        mode: how the noise is made, see `gumbel`.
        out_sharding: accepted and ignored.
    """
    typed, _ = check_key("categorical", key, hands_on=True)
    check_arraylike("categorical", logits)
    scores = asarray(logits)
    batch = tuple(int(n) for n in np.delete(scores.shape, axis))
    if shape is None:
        shape = batch
    else:
        shape = canonicalize_shape(shape)
        check_shape("categorical", shape, batch)
    leading = shape[: len(shape) - len(batch)]
    if replace:
        if axis >= 0:
            axis -= scores.ndim
        noisy = list(shape[len(leading) :])
        noisy.insert(axis % scores.ndim, scores.shape[axis])
        noise = gumbel(typed, (*leading, *noisy), scores.dtype, mode=mode)
        return argmax(Array(unwrap(noise) + unwrap(expand_dims(scores, tuple(range(len(leading)))))), axis=axis)
    noise = gumbel(typed, scores.shape, scores.dtype, mode=mode)
    count = math.prod(leading)
    if count > scores.shape[axis]:
        raise ValueError(
            f"Number of samples without replacement ({count}) cannot exceed number of categories "
            f"({scores.shape[axis]})."
        )
    places = _largest(unwrap(moveaxis(Array(unwrap(scores) + unwrap(noise)), axis, -1)), count)
    return Array(places.movedim(-1, 0).reshape(shape).to(torch.int32))
