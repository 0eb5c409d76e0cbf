"""discrete: Poisson, binomial and multinomial samples.

Both of the first repeat rounds, in which the whole array is drawn again, until every element is done. In the
rejection methods an element takes the last proposal that it accepts in those rounds, so that its value
depends on how many the array needs; a batch of keys is a batch of such arrays, each with its own rounds.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src import dtypes, torch_private
from jaxlike._src.array import Array
from jaxlike._src.border import (
    asarray,
    astype,
    canonicalize_shape,
    cast,
    check_arraylike,
    promote_dtypes_inexact,
    tensor_as,
    unwrap,
)
from jaxlike._src.random import draws
from jaxlike._src.random.arguments import float_dtype, int_dtype, shape_of
from jaxlike._src.random.generators import PRNGS, STREAMS, stream_of
from jaxlike._src.random.key_array import PRNGKeyArray, unpack
from jaxlike._src.random.keys import check_key, split_list
from jaxlike._src.random.ops import operator

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from jaxlike._src.typing import ArrayLike, DTypeLike


def _refuse_reverse_mode(*parameters: Tensor) -> None:
    """JAX's samplers are while loops, which have no reverse mode; a zero gradient would be a lie."""
    for tensor in parameters:
        while torch_private.is_wrapped(tensor):
            if torch_private.is_differentiated(tensor) and tensor.requires_grad:
                raise ValueError(
                    "Reverse-mode differentiation does not work for lax.while_loop or lax.fori_loop with dynamic "
                    "start/stop values. Try using lax.scan, or using fori_loop with static start/stop."
                )
            tensor = torch_private.wrapped_value(tensor)


def _split(keys: Tensor, stream: str, n: int) -> tuple[Tensor, ...]:
    return STREAMS[stream].split(keys, (n,)).unbind(1)


def _unit(keys: Tensor, stream: str, like: Tensor) -> Tensor:
    """A draw for each key [n, w] in the shape of the rest of ``like`` [n, ...]."""
    return draws.unit_of_words(keys, stream, like.dtype, tuple(like.shape[1:]))


def _rejection(
    keys: Tensor, stream: str, propose: Callable[..., tuple[Tensor, Tensor]], parameters: tuple[Tensor, ...]
) -> Tensor:
    """Rounds of ``propose(u, v, *parameters) -> (value, accepted)`` for arrays [n, ...], n keys."""
    out = torch.full_like(parameters[0], -1)
    accepted = torch.zeros_like(out, dtype=torch.bool)
    at = torch.arange(len(out), device=out.device)  # the arrays that need another round
    while len(at):
        keys, first, second = _split(keys, stream, 3)
        now = [p[at] for p in parameters]
        value, good = propose(_unit(first, stream, now[0]), _unit(second, stream, now[0]), *now)
        out[at] = torch.where(good, value, out[at])
        accepted[at] = accepted[at] | good
        more = ~accepted[at].reshape(len(at), -1).all(dim=1)
        at, keys = at[more], keys[more]
    return out


def _rows(words: Tensor, *parameters: Tensor) -> tuple[Tensor, ...]:
    """Keys [n, w] and parameters [n, ...] with all batch axes in one."""
    rank = words.dim() - 1
    count = math.prod(words.shape[:-1])
    return words.reshape(count, words.shape[-1]), *(p.reshape((count, *p.shape[rank:])) for p in parameters)


# Poisson


@operator(
    "random_poisson(Tensor words, Tensor lam, str stream, ScalarType dtype) -> Tensor",
    lambda words, lam, stream, dtype: (lam.shape, dtype),
)
def _poisson(words: Tensor, lam: Tensor, stream: str, dtype: torch.dtype) -> Tensor:
    """Poisson samples [..., *shape] of rates of that shape and keys [..., n]."""
    keys, rate = _rows(words, lam)
    small = rate.isnan() | (rate < 10)
    out = _poisson_by_products(keys, torch.where(small, rate, 0.0), stream, dtype)
    if not small.all():
        large = torch.where(small, 1e5, rate)
        rejected = cast(_rejection(keys, stream, _propose_poisson, (large,)), dtype)
        out = torch.where(small, out, rejected)
    return torch.where(rate == 0, 0, out).reshape(lam.shape)


def _poisson_by_products(keys: Tensor, rate: Tensor, stream: str, dtype: torch.dtype) -> Tensor:
    """Knuth's method: how many uniform numbers have a product above ``exp(-rate)``."""
    count = torch.zeros_like(rate, dtype=torch.int64)
    log_product = torch.zeros_like(rate)
    while bool((log_product > -rate).any()):
        keys, now = _split(keys, stream, 2)
        count = torch.where(log_product > -rate, count + 1, count)
        log_product = log_product + torch.log(_unit(now, stream, rate))
    return cast(count - 1, dtype)


def _propose_poisson(u: Tensor, v: Tensor, rate: Tensor) -> tuple[Tensor, Tensor]:
    """Hörmann's transformed rejection (PTRS)."""
    b = 0.931 + 2.53 * torch.sqrt(rate)
    a = -0.059 + 0.02483 * b
    inverse_alpha = 1.1239 + 1.1328 / (b - 3.4)
    u = u - 0.5
    shifted = 0.5 - u.abs()
    k = torch.floor((2 * a / shifted + b) * u + rate + 0.43)
    s = torch.log(v * inverse_alpha / (a / (shifted * shifted) + b))
    bound = -rate + k * torch.log(rate) - torch.lgamma(k + 1)
    sure = (shifted >= 0.07) & (v <= 0.9277 - 3.6224 / (b - 2))
    reject = (k < 0) | ((shifted < 0.013) & (v > shifted))
    return k, sure | (~reject & (s <= bound))


def poisson(
    key: ArrayLike,
    lam: ArrayLike,
    shape: int | Sequence[int] | None = None,
    dtype: DTypeLike | None = None,
    *,
    out_sharding: Any = None,
) -> Array:
    """Poisson samples.

    Args:
        key: a threefry2x32 key.
        lam: rate, not negative.
        shape: shape of the result, by default that of ``lam``.
        dtype: an integer dtype, by default int32 (int64 with x64).
        out_sharding: accepted and ignored.
    """
    from jaxlike._src.numpy.shape import broadcast_to

    typed, _ = check_key("poisson", key)
    dtype = int_dtype(dtype)
    if typed._tag is not PRNGS["threefry2x32"]:
        raise NotImplementedError(f"`poisson` is only implemented for the threefry2x32 RNG, not {typed._tag}")
    shape = tuple(np.shape(lam)) if shape is None else canonicalize_shape(shape)
    dtypes.iinfo(dtype)  # refuses what is not an integer
    rate = tensor_as(broadcast_to(lam, shape), np.dtype("float32"))
    _refuse_reverse_mode(rate)
    return Array(_poisson(unpack(unwrap(typed)), rate, stream_of(typed._tag), dtypes.to_torch(dtype)))


# Binomial


@operator(
    "random_binomial(Tensor words, Tensor count, Tensor prob, str stream, ScalarType dtype) -> Tensor",
    lambda words, count, prob, stream, dtype: (count.shape, dtype),
)
def _binomial(words: Tensor, count: Tensor, prob: Tensor, stream: str, dtype: torch.dtype) -> Tensor:
    """Binomial samples [..., *shape] of parameters of that shape and keys [..., n]."""
    shape = count.shape
    keys, count, prob = _rows(words, count, prob)
    below_half = prob < 0.5
    q = torch.where(below_half, prob, 1.0 - prob)
    bad_count, infinite = count.isnan() | (count < 0), torch.isinf(count)
    bad_q = q.isnan() | (q < 0)
    no_flip = below_half | bad_count | q.isnan() | infinite
    q = torch.where(bad_q, 0.01, q)
    inversion = bad_count | (count * q <= 10.0)
    count = torch.floor(count)
    out = cast(_by_geometric(keys, torch.where(inversion, count, 0.0), q, stream), dtype)
    if not inversion.all():
        large = (torch.where(inversion, 1e4, count), torch.where(inversion, 0.5, q))
        out = torch.where(inversion, out, cast(_rejection(keys, stream, _propose_binomial, large), dtype))
    invalid = bad_q | bad_count
    out = torch.where(invalid, torch.nan, out)
    out = torch.where(infinite & ~invalid, torch.inf, out)
    return torch.where(no_flip, out, count.to(dtype) - out).reshape(shape)


def _by_geometric(keys: Tensor, count: Tensor, prob: Tensor, stream: str) -> Tensor:
    """Successes counted by the waiting times between them."""
    log_failure = torch.log1p(-prob)
    successes, trials = torch.zeros_like(prob), torch.zeros_like(prob)
    while bool((trials <= count).any()):
        now, keys = _split(keys, stream, 2)
        successes = torch.where(trials <= count, successes + 1, successes)
        trials = trials + torch.ceil(torch.log(_unit(now, stream, prob)) / log_failure)
    return successes - 1


_STIRLING_TAIL = (
    *(0.0810614667953272, 0.0413406959554092, 0.0276779256849983, 0.02079067210376509, 0.0166446911898211),
    *(0.0138761288230707, 0.0118967099458917, 0.0104112652619720, 0.00925546218271273, 0.00833056343336287),
)


def _stirling_tail(k: Tensor) -> Tensor:
    """What Stirling's formula for log(k!) lacks."""
    few = k <= 9
    k = k.clamp(0.0, 9.0)
    square = (k + 1) * (k + 1)
    series = (1.0 / 12 - (1.0 / 360 - 1.0 / 1260 / square) / square) / (k + 1)
    table = torch.tensor(_STIRLING_TAIL, dtype=k.dtype, device=k.device)
    return torch.where(few, table[torch.floor(torch.nan_to_num(k)).to(torch.int64)], series)


def _propose_binomial(u: Tensor, v: Tensor, count: Tensor, prob: Tensor) -> tuple[Tensor, Tensor]:
    """Hörmann's transformed rejection (BTRS)."""
    deviation = torch.sqrt(count * prob * (1 - prob))
    b = 1.15 + 2.53 * deviation
    a = -0.0873 + 0.0248 * b + 0.01 * prob
    odds = prob / (1 - prob)
    alpha = (2.83 + 5.1 / b) * deviation
    m = torch.floor((count + 1) * prob)
    u = u - 0.5
    shifted = 0.5 - u.abs()
    sure = (shifted >= 0.07) & (v <= 0.92 - 4.2 / b)
    k = torch.floor((2 * a / shifted + b) * u + (count * prob + 0.5))
    reject = (k < 0) | (k > count)
    v = torch.log(v * alpha / (a / (shifted * shifted) + b))
    bound = (
        (m + 0.5) * torch.log((m + 1) / (odds * (count - m + 1)))
        + (count + 1) * torch.log((count - m + 1) / (count - k + 1))
        + (k + 0.5) * torch.log(odds * (count - k + 1) / (k + 1))
        + _stirling_tail(m)
        + _stirling_tail(count - m)
        - _stirling_tail(k)
        - _stirling_tail(count - k)
    )
    return k, sure | (~reject & (v <= bound))


def binomial(
    key: ArrayLike,
    n: ArrayLike,
    p: ArrayLike,
    shape: int | Sequence[int] | None = None,
    dtype: DTypeLike | None = None,
) -> Array:
    """Binomial samples, as floats.

    Args:
        key: a PRNG key.
        n: number of trials.
        p: probability of success; the two broadcast.
        shape: shape of the result, by default that of the parameters.
        dtype: a float dtype, by default float32 (float64 with x64).
    """
    typed, _ = check_key("binomial", key)
    check_arraylike("binomial", n, p)
    dtype = float_dtype("binomial", dtype)
    return _binomial_array(typed, asarray(n), asarray(p), shape, dtype)


def _binomial_array(key: PRNGKeyArray, n: Array, p: Array, shape: Any, dtype: Any) -> Array:
    shape = shape_of("binomial", shape, n, p)
    (prob,) = promote_dtypes_inexact(p)
    chance = unwrap(prob).expand(shape)
    count = tensor_as(n, prob.dtype).expand(shape)
    _refuse_reverse_mode(count, chance)
    return Array(_binomial(unpack(unwrap(key)), count, chance, stream_of(key._tag), dtypes.to_torch(dtype)))


def multinomial(
    key: ArrayLike,
    n: ArrayLike,
    p: ArrayLike,
    *,
    shape: int | Sequence[int] | None = None,
    dtype: DTypeLike | None = None,
    unroll: int | bool = 1,
) -> Array:
    """Counts of ``n`` draws among outcomes with probabilities ``p``: binomials of what is left.

    Args:
        key: a PRNG key.
        n: number of draws, of a shape that broadcasts to the batch shape.
        p: probabilities, outcomes along the last axis.
        shape: shape of the result, by default that of ``p``.
        dtype: a float dtype, by default float32 (float64 with x64).
        unroll: accepted and ignored.
    """
    del unroll
    typed, _ = check_key("multinomial", key)
    check_arraylike("multinomial", n, p)
    draws_left, prob = promote_dtypes_inexact(n, p)
    shape = prob.shape if shape is None else canonicalize_shape(shape)
    left = unwrap(draws_left).expand(shape[:-1])
    chances = unwrap(prob).expand(shape)
    rest = chances.flip(-1).cumsum(-1).flip(-1)
    ratios = (chances / torch.where(rest == 0, 1.0, rest)).clamp(0.0, 1.0)
    counts: list[Tensor] = []
    keys = split_list(typed, shape[-1]) if shape[-1] else []
    for k, ratio in zip(keys, ratios.unbind(-1), strict=True):
        drawn = unwrap(_binomial_array(k, Array(left), Array(ratio), shape[:-1], prob.dtype))
        left = left - drawn
        counts.append(drawn)
    out = torch.stack(counts, dim=-1) if counts else chances
    want = dtypes.default_float_dtype() if dtype is None else dtypes.check_and_canonicalize_user_dtype(dtype)
    return astype(Array(out), want)


