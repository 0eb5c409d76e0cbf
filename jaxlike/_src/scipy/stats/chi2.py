"""chi2: the chi-square distribution with ``df`` degrees of freedom."""

from __future__ import annotations

from jaxlike._src.array import Array
from jaxlike._src.lax.select import clamp
from jaxlike._src.scipy import jnp
from jaxlike._src.scipy.gammas import gammainc, gammaincc, gammaln
from jaxlike._src.scipy.stats.arguments import INF, const, promote_args_inexact
from jaxlike._src.typing import ArrayLike


def logpdf(x: ArrayLike, df: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1) -> Array:
    """The logarithm of the density at ``x``."""
    x, df, loc, scale = promote_args_inexact("chi2.logpdf", x, df, loc, scale)
    one, two = const(x, 1), const(x, 2)
    y = (x - loc) / scale
    half = df / two
    kernel = (half - one) * jnp.log(y) - y / two
    normalizer = -(gammaln(half) + (jnp.log(two) * df) / two)
    return jnp.where(x < loc, -INF, (normalizer - jnp.log(scale)) + kernel)


def pdf(x: ArrayLike, df: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1) -> Array:
    """The density at ``x``."""
    return jnp.exp(logpdf(x, df, loc, scale))


def _halves(x: Array, df: Array, loc: Array, scale: Array) -> tuple[Array, Array]:
    two = const(scale, 2)
    return df / two, clamp(const(x, 0), (x - loc) / (scale * two), const(x, INF))


def cdf(x: ArrayLike, df: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1) -> Array:
    """The probability of at most ``x``."""
    return gammainc(*_halves(*promote_args_inexact("chi2.cdf", x, df, loc, scale)))


def logcdf(x: ArrayLike, df: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1) -> Array:
    """The logarithm of `cdf`."""
    return jnp.log(cdf(x, df, loc, scale))


def sf(x: ArrayLike, df: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1) -> Array:
    """The probability of more than ``x``."""
    return gammaincc(*_halves(*promote_args_inexact("chi2.sf", x, df, loc, scale)))


def logsf(x: ArrayLike, df: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1) -> Array:
    """The logarithm of `sf`."""
    return jnp.log(sf(x, df, loc, scale))
