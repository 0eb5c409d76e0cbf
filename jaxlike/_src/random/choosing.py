"""choosing: permutations, samples of an array, categories.

A permutation sorts stably by fresh 32-bit words, in as many rounds as make equal words in all of them
unlikely; drawing without replacement takes the largest of Gumbel-perturbed log-probabilities.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src import config, dtypes
from jaxlike._src.array import Array
from jaxlike._src.border import (
    asarray,
    canonicalize_axis,
    canonicalize_shape,
    check_arraylike,
    concrete_or_error,
    promote_dtypes_inexact,
    unwrap,
)
from jaxlike._src.devices import default_torch_device
from jaxlike._src.random import draws
from jaxlike._src.random.arguments import check_shape, float_dtype
from jaxlike._src.random.basic import randint, uniform_between
from jaxlike._src.random.keys import check_key, split_list

if TYPE_CHECKING:
    from torch import Tensor

    from jaxlike._src.random.draws import Shape
    from jaxlike._src.random.key_array import PRNGKeyArray
    from jaxlike._src.typing import ArrayLike, DTypeLike


def permutation(
    key: ArrayLike, x: int | ArrayLike, axis: int = 0, independent: bool = False, *, out_sharding: Any = None
) -> Array:
    """``x`` with its entries along ``axis`` in random order; an int stands for ``arange(x)``.

    Args:
        key: a PRNG key.
        x: array or int.
        axis: the axis that is shuffled.
        independent: shuffle each line along the axis on its own.
        out_sharding: accepted and ignored.
    """
    del out_sharding
    typed, _ = check_key("permutation", key)
    check_arraylike("permutation", x)
    ndim = np.ndim(x) if not isinstance(x, Array) else x.ndim
    axis = canonicalize_axis(axis, ndim or 1)
    if not ndim:
        if not dtypes.issubdtype(dtypes.dtype_of(x), np.integer):
            raise TypeError("x must be an integer or at least 1-dimensional")
        size = concrete_or_error(int, x, "argument x of jax.random.permutation()")
        return Array(_shuffle(typed, _arange(size), 0))
    array = asarray(x)
    tensor = unwrap(array)
    if independent or ndim == 1:
        return type(array)(_shuffle(typed, tensor, axis), array._tag)
    order = _shuffle(typed, _arange(array.shape[axis]), 0)
    return type(array)(tensor.index_select(axis, order), array._tag)


def _arange(size: int) -> Tensor:
    index = dtypes.to_torch(dtypes.default_int_dtype())
    return torch.arange(size, dtype=index, device=default_torch_device())


def _shuffle(key: PRNGKeyArray, x: Tensor, axis: int) -> Tensor:
    size = x.numel()
    rounds = math.ceil(3 * math.log(max(1, size)) / math.log(0xFFFFFFFF))
    for _ in range(rounds):
        key, fresh = split_list(key, 2)
        words = draws.random_bits(fresh, 32, tuple(x.shape)).to(torch.int64)
        order = torch.sort(words, dim=axis, stable=True).indices
        x = x.gather(axis, order)
    return x


def choice(
    key: ArrayLike,
    a: int | ArrayLike,
    shape: Sequence[int] = (),
    replace: bool = True,
    p: ArrayLike | None = None,
    axis: int = 0,
    mode: str | None = None,
) -> Array:
    """Random entries of ``a`` along ``axis``; an int stands for ``arange(a)``.

    Args:
        key: a PRNG key.
        a: array or int.
        shape: shape of the sample.
        replace: whether an entry may be drawn again.
        p: probabilities, one for each entry; None: all equal.
        axis: the axis that is drawn from.
        mode: as in `gumbel`, for draws without replacement with ``p``.
    """
    typed, _ = check_key("choice", key)
    if not isinstance(shape, Sequence):
        raise TypeError(f"shape argument of jax.random.choice must be a sequence, got {shape}")
    check_arraylike("choice", a)
    array = asarray(a)
    if array.ndim == 0:
        size = concrete_or_error(int, a, "The error occurred in jax.random.choice()")
    else:
        axis = canonicalize_axis(axis, array.ndim)
        size = array.shape[axis]
    shape = tuple(shape)
    wanted = math.prod(shape)
    if wanted == 0:
        return Array(torch.zeros(shape, dtype=unwrap(array).dtype, device=default_torch_device()))
    if size <= 0:
        raise ValueError("a must be greater than 0 unless no samples are taken")
    if not replace and wanted > size:
        raise ValueError(
            f"Cannot take a larger sample (size {wanted}) than population (size {size}) when 'replace=False'"
        )
    if p is None and not replace:
        shuffled = permutation(typed, size if array.ndim == 0 else array, axis)
        drawn = unwrap(shuffled).narrow(axis, 0, wanted)
        return _in_shape(array, drawn, axis, shape)
    if p is None:
        index = unwrap(randint(typed, shape, 0, size))
    else:
        index = _weighted(typed, p, size, shape, wanted, replace, mode)
    if array.ndim == 0:
        return Array(index.reshape(shape))
    return _in_shape(array, unwrap(array).index_select(axis, index.reshape(-1)), axis, shape)


def _in_shape(array: Array, drawn: Tensor, axis: int, shape: Shape) -> Array:
    if array.ndim == 0:
        return Array(drawn.reshape(shape))
    full = (*array.shape[:axis], *shape, *array.shape[axis + 1 :])
    return type(array)(drawn.reshape(full), array._tag)


def _weighted(
    key: PRNGKeyArray, p: ArrayLike, size: int, shape: Shape, wanted: int, replace: bool, mode: str | None
) -> Tensor:
    """Indices drawn with probabilities ``p``."""
    check_arraylike("choice", p)
    (weights,) = promote_dtypes_inexact(p)
    if weights.shape != (size,):
        raise ValueError(
            "p must be None or a 1D vector with the same size as a.shape[axis]. "
            f"p has shape {weights.shape} and a.shape[axis] is {size}."
        )
    chances = unwrap(weights)
    index = dtypes.to_torch(dtypes.default_int_dtype())
    if replace:
        cumulative = chances.cumsum(0)
        unit = unwrap(uniform_between(key, shape, weights.dtype, 0.0, 1.0))
        at = cumulative[-1] * (1 - unit)
        return torch.searchsorted(cumulative, at).to(index)
    scores = unwrap(gumbel(key, (size,), weights.dtype, mode)) + torch.log(chances)
    return torch.sort(scores, descending=True, stable=True).indices[:wanted].to(index)


def gumbel(
    key: ArrayLike,
    shape: int | Shape = (),
    dtype: DTypeLike | None = None,
    mode: str | None = None,
    *,
    out_sharding: Any = None,
) -> Array:
    """Samples of the standard Gumbel distribution.

    Args:
        key: a PRNG key.
        shape: shape of the result.
        dtype: a float dtype, by default float32 (float64 with x64).
        mode: "low" (the default), or "high" or "highest" for more bits in the tail.
        out_sharding: accepted and ignored.
    """
    del out_sharding
    typed, _ = check_key("gumbel", key)
    dtype = float_dtype("gumbel", dtype)
    shape = canonicalize_shape(shape)
    if mode is None:
        mode = "high" if config.use_high_dynamic_range_gumbel.value else "low"
    if mode not in ("highest", "high", "low"):
        raise ValueError(f"Must provide valid mode for gumbel got: {mode}")
    info = dtypes.finfo(dtype)
    if mode == "low":
        unit = unwrap(uniform_between(typed, shape, dtype, float(info.tiny), 1.0))
        return Array(-torch.log(-torch.log(unit)))
    if mode == "highest" and dtype == np.float32:
        return Array(_gumbel_of_64_bits(typed, shape))
    high, low = unwrap(uniform_between(typed, (2, *shape), dtype, 0.0, 1.0)).unbind(0)
    x = torch.where(high >= 0.5, high, high + 2.0 ** -int(info.nmant) * low + float(info.tiny))
    return Array(-torch.log(-torch.log1p(-x)))


def _gumbel_of_64_bits(key: PRNGKeyArray, shape: Shape) -> Tensor:
    words = draws.random_bits(key, 32, (2, *shape)).to(torch.int64)
    top, bottom = words.unbind(0)
    near_zero = top < (1 << 31)
    negated = [(~w) & 0xFFFFFFFF for w in (top, bottom)]
    carry = (negated[1] == 0xFFFFFFFF).to(torch.int64)
    negated = [(negated[0] + carry) & 0xFFFFFFFF, (negated[1] + 1) & 0xFFFFFFFF]
    high = torch.where(near_zero, top, negated[0])
    low = torch.where(near_zero, bottom, negated[1])
    x = (high.to(torch.float64) * 2.0**-32 + low.to(torch.float64) * 2.0**-64).to(torch.float32)
    return torch.where(near_zero, -torch.log(-torch.log1p(-x)), -torch.log(-torch.log(x)))


def categorical(
    key: ArrayLike,
    logits: ArrayLike,
    axis: int = -1,
    shape: int | Shape | None = None,
    replace: bool = True,
    mode: str | None = None,
    *,
    out_sharding: Any = None,
) -> Array:
    """Indices along ``axis`` with probabilities proportional to ``exp(logits)``.

    Args:
        key: a PRNG key.
        logits: unnormalised log-probabilities.
        axis: the axis of the categories.
        shape: shape of the result, which ends in the shape of ``logits`` without ``axis`` (the default).
        replace: whether an index may be drawn again along the leading axes of ``shape``.
        mode: as in `gumbel`.
        out_sharding: accepted and ignored.
    """
    del out_sharding
    typed, _ = check_key("categorical", key)
    check_arraylike("categorical", logits)
    array = asarray(logits)
    batch = tuple(int(n) for n in np.delete(array.shape, axis))
    if shape is None:
        shape = batch
    else:
        shape = canonicalize_shape(shape)
        check_shape("categorical", shape, batch)
    prefix = shape[: len(shape) - len(batch)]
    index = dtypes.to_torch(dtypes.default_int_dtype())
    tensor = unwrap(array)
    if replace:
        axis = axis - array.ndim if axis >= 0 else axis
        sizes = list(shape[len(shape) - len(batch) :])
        sizes.insert(axis % array.ndim, array.shape[axis])
        noise = unwrap(gumbel(typed, (*prefix, *sizes), array.dtype, mode))
        return Array(torch.argmax(noise + tensor, dim=axis).to(index))
    count = math.prod(prefix)
    scores = tensor + unwrap(gumbel(typed, array.shape, array.dtype, mode))
    if count > array.shape[axis]:
        raise ValueError(
            f"Number of samples without replacement ({count}) cannot exceed number of categories ({array.shape[axis]})."
        )
    best = torch.sort(scores.movedim(axis, -1), dim=-1, descending=True, stable=True).indices[..., :count]
    return Array(best.movedim(-1, 0).reshape(shape).to(index))
