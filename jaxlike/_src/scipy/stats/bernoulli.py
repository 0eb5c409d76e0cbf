"""bernoulli: 1 with probability ``p``, else 0."""

from __future__ import annotations

from jaxlike._src.array import Array
from jaxlike._src.scipy import jnp
from jaxlike._src.scipy.special import xlog1py, xlogy
from jaxlike._src.scipy.stats.arguments import INF, NAN, const, is_probability, promote_args_inexact
from jaxlike._src.typing import ArrayLike


def logpmf(k: ArrayLike, p: ArrayLike, loc: ArrayLike = 0) -> Array:
    """The logarithm of the probability of ``k``."""
    k, p, loc = promote_args_inexact("bernoulli.logpmf", k, p, loc)
    zero, one = const(k, 0), const(k, 1)
    x = k - loc
    log_probs = xlogy(x, p) + xlog1py(one - x, -p)
    return jnp.where((x < zero) | (x > one), -INF, log_probs)


def pmf(k: ArrayLike, p: ArrayLike, loc: ArrayLike = 0) -> Array:
    """The probability of ``k``."""
    return jnp.exp(logpmf(k, p, loc))


def cdf(k: ArrayLike, p: ArrayLike) -> Array:
    """The probability of at most ``k``."""
    k, p = promote_args_inexact("bernoulli.cdf", k, p)
    zero, one = const(k, 0), const(k, 1)
    undefined = jnp.isnan(k) | ~is_probability(p)
    return jnp.select([undefined, k < zero, (k >= zero) & (k < one), k >= one], [NAN, zero, one - p, one])


def ppf(q: ArrayLike, p: ArrayLike) -> Array:
    """The quantile at ``q``."""
    q, p = promote_args_inexact("bernoulli.ppf", q, p)
    zero, one = const(q, 0), const(q, 1)
    return jnp.where(is_probability(q) & is_probability(p), jnp.where(q <= one - p, zero, one), NAN)
