"""betabinom: a binomial count whose probability is drawn from a beta distribution."""

from __future__ import annotations

from jaxlike._src.array import Array
from jaxlike._src.scipy import jnp
from jaxlike._src.scipy.gammas import betaln
from jaxlike._src.scipy.stats.arguments import INF, NAN, const, promote_args_inexact
from jaxlike._src.typing import ArrayLike


def logpmf(k: ArrayLike, n: ArrayLike, a: ArrayLike, b: ArrayLike, loc: ArrayLike = 0) -> Array:
    """The logarithm of the probability of ``k`` among ``n``; NaN for parameters out of range."""
    k, n, a, b, loc = promote_args_inexact("betabinom.logpmf", k, n, a, b, loc)
    y = jnp.floor(k) - loc
    one, zero = const(y, 1), const(y, 0)
    log_ways = -(jnp.log1p(n) + betaln((n - y) + one, y + one))
    log_probs = log_ways + (betaln(y + a, (n - y) + b) - betaln(a, b))
    log_probs = jnp.where((y == zero) & (n == zero), 0.0, log_probs)
    log_probs = jnp.where((y < -loc) | (y > n) | (y + a <= zero), -INF, log_probs)
    return jnp.where((n < zero) | (a <= zero) | (b <= zero), NAN, log_probs)


def pmf(k: ArrayLike, n: ArrayLike, a: ArrayLike, b: ArrayLike, loc: ArrayLike = 0) -> Array:
    """The probability of ``k`` among ``n``."""
    return jnp.exp(logpmf(k, n, a, b, loc))
