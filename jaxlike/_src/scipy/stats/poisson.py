"""poisson: counts of independent events, ``mu`` of them on average."""

from __future__ import annotations

import math

from jaxlike._src.array import Array
from jaxlike._src.border import check_arraylike, promote_dtypes_inexact
from jaxlike._src.scipy import jnp
from jaxlike._src.scipy.gammas import gammaincc, gammaln
from jaxlike._src.scipy.special import entr, xlogy
from jaxlike._src.scipy.stats.arguments import INF, const, promote_args_inexact
from jaxlike._src.typing import ArrayLike


def logpmf(k: ArrayLike, mu: ArrayLike, loc: ArrayLike = 0) -> Array:
    """The logarithm of the probability of ``k`` events."""
    k, mu, loc = promote_args_inexact("poisson.logpmf", k, mu, loc)
    x = k - loc
    log_probs = xlogy(x, mu) - gammaln(x + 1) - mu
    return jnp.where((x < const(k, 0)) | (jnp.round(k) != k), -INF, log_probs)


def pmf(k: ArrayLike, mu: ArrayLike, loc: ArrayLike = 0) -> Array:
    """The probability of ``k`` events."""
    return jnp.exp(logpmf(k, mu, loc))


def cdf(k: ArrayLike, mu: ArrayLike, loc: ArrayLike = 0) -> Array:
    """The probability of at most ``k`` events."""
    k, mu, loc = promote_args_inexact("poisson.logpmf", k, mu, loc)
    zero = const(k, 0)
    x = k - loc
    return jnp.where(x < zero, zero, gammaincc(jnp.floor(1 + x), mu))


def entropy(mu: ArrayLike, loc: ArrayLike = 0) -> Array:
    """The entropy in nats: a sum over likely counts, for large ``mu`` an asymptotic series."""
    check_arraylike("poisson.entropy", mu, loc)
    mean, loc = promote_dtypes_inexact(mu, loc)
    shape = jnp.broadcast_shapes(mean.shape, loc.shape)
    flat = jnp.ravel(mean)
    few = _summed(flat, 35, jnp.ceil(flat + 20))
    many = _summed(flat, 250, jnp.ceil(flat + 10 * jnp.sqrt(flat) + 20))
    series = 0.5 * jnp.log(2 * math.pi * math.e * flat) - 1.0 / (12 * flat)
    value = jnp.where(flat < 10, few, jnp.where(flat < 100, many, series))
    value = jnp.where(flat == 0, jnp.zeros_like(flat), value)
    return jnp.broadcast_to(jnp.reshape(value, mean.shape), shape)


def _summed(mu: Array, count: int, bound: Array) -> Array:
    """The entropy from the first ``count`` probabilities, those of counts below ``bound``."""
    k = jnp.arange(count, dtype=mu.dtype)[:, None]
    probabilities = jnp.where(k < bound[None, :], pmf(k, mu, 0), 0.0)
    return jnp.sum(entr(probabilities), axis=0)
