"""binom: how many of ``n`` trials succeed."""

from __future__ import annotations

from jaxlike._src.array import Array
from jaxlike._src.scipy import jnp
from jaxlike._src.scipy.gammas import gammaln
from jaxlike._src.scipy.special import xlog1py, xlogy
from jaxlike._src.scipy.stats.arguments import INF, const, promote_args_inexact
from jaxlike._src.typing import ArrayLike


def logpmf(k: ArrayLike, n: ArrayLike, p: ArrayLike, loc: ArrayLike = 0) -> Array:
    """The logarithm of the probability of ``k`` successes in ``n`` trials."""
    k, n, p, loc = promote_args_inexact("binom.logpmf", k, n, p, loc)
    y = k - loc
    zero = const(y, 0)
    log_ways = gammaln(n + 1) - (gammaln(y + 1) + gammaln(n - y + 1))
    linear = xlogy(y, p) + xlog1py(n - y, -p)
    certain = ((y == zero) & (n == zero)) | (linear == zero)
    log_probs = jnp.where(certain, 0.0, log_ways + linear)
    return jnp.where((k >= loc) & (k < loc + n + 1), log_probs, -INF)


def pmf(k: ArrayLike, n: ArrayLike, p: ArrayLike, loc: ArrayLike = 0) -> Array:
    """The probability of ``k`` successes in ``n`` trials."""
    return jnp.exp(logpmf(k, n, p, loc))
