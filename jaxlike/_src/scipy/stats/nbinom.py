"""nbinom: how many failures come before the ``n``-th success."""

from __future__ import annotations

from jaxlike._src.array import Array
from jaxlike._src.scipy import jnp
from jaxlike._src.scipy.gammas import gammaln
from jaxlike._src.scipy.special import xlogy
from jaxlike._src.scipy.stats.arguments import INF, const, promote_args_inexact
from jaxlike._src.typing import ArrayLike


def logpmf(k: ArrayLike, n: ArrayLike, p: ArrayLike, loc: ArrayLike = 0) -> Array:
    """The logarithm of the probability of ``k`` failures."""
    k, n, p, loc = promote_args_inexact("nbinom.logpmf", k, n, p, loc)
    one = const(k, 1)
    y = k - loc
    log_ways = (gammaln(y + n) - gammaln(n)) - gammaln(y + one)
    linear = xlogy(n, p) + xlogy(y, one - p)
    return jnp.where(k < loc, -INF, log_ways + linear)


def pmf(k: ArrayLike, n: ArrayLike, p: ArrayLike, loc: ArrayLike = 0) -> Array:
    """The probability of ``k`` failures."""
    return jnp.exp(logpmf(k, n, p, loc))
