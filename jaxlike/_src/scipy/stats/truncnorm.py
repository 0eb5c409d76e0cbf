"""truncnorm: a normal distribution cut off below ``a`` and above ``b`` (in standard deviations from ``loc``).

Probabilities are differences of normal ones, taken in logarithms on the side where they are small.
"""

from __future__ import annotations

from jaxlike._src.array import Array
from jaxlike._src.nn.logsumexp import logsumexp
from jaxlike._src.scipy import jnp
from jaxlike._src.scipy.special import log_ndtr, ndtr
from jaxlike._src.scipy.stats import norm
from jaxlike._src.scipy.stats.arguments import INF, NAN, promote_args_inexact
from jaxlike._src.typing import ArrayLike


def _log_difference(x: Array, y: Array) -> Array:
    """``log(exp(x) - exp(y))``."""
    signs = jnp.stack([jnp.ones_like(x), -jnp.ones_like(y)])
    return logsumexp(jnp.stack([x, y]), b=signs, axis=0)


def _log_mass(a: Array, b: Array) -> Array:
    """The logarithm of the normal probability between ``a`` and ``b``."""
    a, b = jnp.broadcast_arrays(a, b)
    right = a > 0
    central = ~((b <= 0) | right)
    low, high = jnp.where(right, -b, a), jnp.where(right, -a, b)
    tail = _log_difference(log_ndtr(high), log_ndtr(low))
    return jnp.where(central, jnp.log1p(-ndtr(a) - ndtr(-b)), tail)


def logpdf(x: ArrayLike, a: ArrayLike, b: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1) -> Array:
    """The logarithm of the density at ``x``; NaN unless ``a < b``."""
    x, a, b, loc, scale = promote_args_inexact("truncnorm.logpdf", x, a, b, loc, scale)
    value = norm.logpdf(x, loc, scale) - _log_mass(a, b)
    z = (x - loc) / scale
    value = jnp.where((z < a) | (z > b), -INF, value)
    return jnp.where(a >= b, NAN, value)


def pdf(x: ArrayLike, a: ArrayLike, b: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1) -> Array:
    """The density at ``x``."""
    return jnp.exp(logpdf(x, a, b, loc, scale))


def logsf(x: ArrayLike, a: ArrayLike, b: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1) -> Array:
    """The logarithm of `sf`."""
    x, a, b, loc, scale = promote_args_inexact("truncnorm.logsf", x, a, b, loc, scale)
    return logcdf(-x, -b, -a, -loc, scale)


def sf(x: ArrayLike, a: ArrayLike, b: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1) -> Array:
    """The probability of more than ``x``."""
    return jnp.exp(logsf(x, a, b, loc, scale))


def logcdf(x: ArrayLike, a: ArrayLike, b: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1) -> Array:
    """The logarithm of `cdf`."""
    x, a, b, loc, scale = promote_args_inexact("truncnorm.logcdf", x, a, b, loc, scale)
    x, a, b = jnp.broadcast_arrays(x, a, b)
    x = (x - loc) / scale
    whole = _log_mass(a, b)
    below, above = _log_mass(a, x) - whole, _log_mass(x, b) - whole
    near_one = jnp.log1p(-jnp.exp(above))
    value = jnp.select([x >= b, x <= a, below > -0.1, x > a], [0, -INF, near_one, below])
    return jnp.where(a >= b, NAN, value)


def cdf(x: ArrayLike, a: ArrayLike, b: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1) -> Array:
    """The probability of at most ``x``."""
    return jnp.exp(logcdf(x, a, b, loc, scale))
