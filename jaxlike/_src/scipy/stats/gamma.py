"""gamma: the gamma distribution of shape ``a``."""

from __future__ import annotations

from jaxlike._src.array import Array
from jaxlike._src.lax.select import clamp
from jaxlike._src.scipy import jnp
from jaxlike._src.scipy.gammas import gammainc, gammaincc, gammaln
from jaxlike._src.scipy.special import xlogy
from jaxlike._src.scipy.stats.arguments import INF, const, promote_args_inexact
from jaxlike._src.typing import ArrayLike


def logpdf(x: ArrayLike, a: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1) -> Array:
    """The logarithm of the density at ``x``."""
    x, a, loc, scale = promote_args_inexact("gamma.logpdf", x, a, loc, scale)
    inside, one = x >= loc, const(x, 1)
    y = jnp.where(inside, (x - loc) / scale, one)  # below ``loc`` nothing may make the slope NaN
    log_probs = (xlogy(a - one, y) - y) - (gammaln(a) + jnp.log(scale))
    return jnp.where(inside, log_probs, -INF)


def pdf(x: ArrayLike, a: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1) -> Array:
    """The density at ``x``."""
    return jnp.exp(logpdf(x, a, loc, scale))


def cdf(x: ArrayLike, a: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1) -> Array:
    """The probability of at most ``x``."""
    x, a, loc, scale = promote_args_inexact("gamma.cdf", x, a, loc, scale)
    return gammainc(a, clamp(const(x, 0), (x - loc) / scale, const(x, INF)))


def logcdf(x: ArrayLike, a: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1) -> Array:
    """The logarithm of `cdf`."""
    return jnp.log(cdf(x, a, loc, scale))


def sf(x: ArrayLike, a: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1) -> Array:
    """The probability of more than ``x``."""
    x, a, loc, scale = promote_args_inexact("gamma.sf", x, a, loc, scale)
    y = (x - loc) / scale
    return jnp.where(y < const(y, 0), 1, gammaincc(a, y))


def logsf(x: ArrayLike, a: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1) -> Array:
    """The logarithm of `sf`."""
    return jnp.log(sf(x, a, loc, scale))
