"""gumbel_r: the right-skewed Gumbel distribution, of the largest of many values; NaN unless ``scale`` is positive."""

from __future__ import annotations

from jaxlike._src.array import Array
from jaxlike._src.nn.activations import log1mexp
from jaxlike._src.scipy import jnp
from jaxlike._src.scipy.special import xlogy
from jaxlike._src.scipy.stats.arguments import NAN, const, promote_args_inexact
from jaxlike._src.typing import ArrayLike


def logpdf(x: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1) -> Array:
    """The logarithm of the density at ``x``."""
    x, loc, scale = promote_args_inexact("gumbel_r.logpdf", x, loc, scale)
    z = (x - loc) / scale
    return jnp.where(scale > const(scale, 0), xlogy(-1, scale) + -(z + jnp.exp(-z)), NAN)


def pdf(x: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1) -> Array:
    """The density at ``x``."""
    return jnp.exp(logpdf(x, loc, scale))


def logcdf(x: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1) -> Array:
    """The logarithm of `cdf`."""
    x, loc, scale = promote_args_inexact("gumbel_r.logcdf", x, loc, scale)
    z = (x - loc) / scale
    return jnp.where(scale > const(scale, 0), -jnp.exp(-z), NAN)


def cdf(x: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1) -> Array:
    """The probability of at most ``x``."""
    return jnp.exp(logcdf(x, loc, scale))


def ppf(p: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1) -> Array:
    """The quantile at ``p``; NaN at 0 and 1."""
    p, loc, scale = promote_args_inexact("gumbel_r.ppf", p, loc, scale)
    quantile = loc - scale * jnp.log(xlogy(-1, p))
    return jnp.where((p > const(p, 0)) & (p < const(p, 1)), quantile, NAN)


def sf(x: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1) -> Array:
    """The probability of more than ``x``."""
    x, loc, scale = promote_args_inexact("gumbel_r.sf", x, loc, scale)
    z = (loc - x) / scale
    return jnp.where(scale > const(scale, 0), const(x, 1) - jnp.exp(-jnp.exp(z)), NAN)


def logsf(x: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1) -> Array:
    """The logarithm of `sf`."""
    x, loc, scale = promote_args_inexact("gumbel_r.logsf", x, loc, scale)
    z = (loc - x) / scale
    return jnp.where(scale > const(scale, 0), log1mexp(jnp.exp(z)), NAN)
