"""gennorm: the generalized normal distribution, whose density falls as ``exp(-|x|**beta)``."""

from __future__ import annotations

from jaxlike._src.array import Array
from jaxlike._src.scipy import jnp
from jaxlike._src.scipy.gammas import gammainc, gammaln
from jaxlike._src.scipy.stats.arguments import promote_args_inexact
from jaxlike._src.typing import ArrayLike


def logpdf(x: ArrayLike, beta: ArrayLike) -> Array:
    """The logarithm of the density at ``x``."""
    x, beta = promote_args_inexact("gennorm.logpdf", x, beta)
    return jnp.log(0.5 * beta) - gammaln(1 / beta) - jnp.abs(x) ** beta


def cdf(x: ArrayLike, beta: ArrayLike) -> Array:
    """The probability of at most ``x``."""
    x, beta = promote_args_inexact("gennorm.cdf", x, beta)
    return 0.5 * (1 + jnp.sign(x) * gammainc(1 / beta, jnp.abs(x) ** beta))


def pdf(x: ArrayLike, beta: ArrayLike) -> Array:
    """The density at ``x``."""
    return jnp.exp(logpdf(x, beta))
