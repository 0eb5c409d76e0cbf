"""pareto: the Pareto distribution, a power law from ``loc + scale`` on."""

from __future__ import annotations

from jaxlike._src.array import Array
from jaxlike._src.scipy import jnp
from jaxlike._src.scipy.stats.arguments import INF, NAN, const, is_probability, promote_args_inexact
from jaxlike._src.typing import ArrayLike


def logpdf(x: ArrayLike, b: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1) -> Array:
    """The logarithm of the density at ``x``."""
    x, b, loc, scale = promote_args_inexact("pareto.logpdf", x, b, loc, scale)
    log_probs = -(jnp.log(scale / b) + (b + const(x, 1)) * jnp.log((x - loc) / scale))
    return jnp.where(x < loc + scale, -INF, log_probs)


def pdf(x: ArrayLike, b: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1) -> Array:
    """The density at ``x``."""
    return jnp.exp(logpdf(x, b, loc, scale))


def cdf(x: ArrayLike, b: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1) -> Array:
    """The probability of at most ``x``."""
    x, b, loc, scale = promote_args_inexact("pareto.cdf", x, b, loc, scale)
    below = const(x, 1) - jnp.power((x - loc) / scale, -b)
    return jnp.where(x < loc + scale, const(x, 0), below)


def logcdf(x: ArrayLike, b: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1) -> Array:
    """The logarithm of `cdf`."""
    x, b, loc, scale = promote_args_inexact("pareto.logcdf", x, b, loc, scale)
    below = jnp.log1p(-jnp.power((x - loc) / scale, -b))
    return jnp.where(x < loc + scale, -INF, below)


def logsf(x: ArrayLike, b: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1) -> Array:
    """The logarithm of `sf`."""
    x, b, loc, scale = promote_args_inexact("pareto.logsf", x, b, loc, scale)
    return jnp.where(x < loc + scale, const(x, 0), -(b * jnp.log((x - loc) / scale)))


def sf(x: ArrayLike, b: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1) -> Array:
    """The probability of more than ``x``."""
    return jnp.exp(logsf(x, b, loc, scale))


def ppf(q: ArrayLike, b: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1) -> Array:
    """The quantile at ``q``."""
    q, b, loc, scale = promote_args_inexact("pareto.ppf", q, b, loc, scale)
    one = const(q, 1)
    quantile = loc + scale * jnp.power(one - q, -(one / b))
    return jnp.where(is_probability(q), quantile, NAN)
