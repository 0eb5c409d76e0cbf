"""beta: the beta distribution on the interval from ``loc`` to ``loc + scale``."""

from __future__ import annotations

from jaxlike._src.array import Array
from jaxlike._src.lax.select import clamp
from jaxlike._src.scipy import jnp
from jaxlike._src.scipy.betainc import betainc
from jaxlike._src.scipy.gammas import betaln
from jaxlike._src.scipy.special import xlog1py, xlogy
from jaxlike._src.scipy.stats.arguments import INF, NAN, const, promote_args_inexact
from jaxlike._src.typing import ArrayLike


def logpdf(x: ArrayLike, a: ArrayLike, b: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1) -> Array:
    """The logarithm of the density at ``x``; NaN unless ``a``, ``b`` and ``scale`` are positive."""
    x, a, b, loc, scale = promote_args_inexact("beta.logpdf", x, a, b, loc, scale)
    one, zero = const(x, 1), const(a, 0)
    y = (x - loc) / scale
    log_probs = (-betaln(a, b) + (xlogy(a - one, y) + xlog1py(b - one, -y))) - jnp.log(scale)
    result = jnp.where((x > loc + scale) | (x < loc), -INF, log_probs)
    return jnp.where((a <= zero) | (b <= zero) | (scale <= zero), NAN, result)


def pdf(x: ArrayLike, a: ArrayLike, b: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1) -> Array:
    """The density at ``x``."""
    return jnp.exp(logpdf(x, a, b, loc, scale))


def _inside(x: Array, loc: Array, scale: Array) -> Array:
    return clamp(const(x, 0), (x - loc) / scale, const(x, 1))


def cdf(x: ArrayLike, a: ArrayLike, b: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1) -> Array:
    """The probability of at most ``x``."""
    x, a, b, loc, scale = promote_args_inexact("beta.cdf", x, a, b, loc, scale)
    return betainc(a, b, _inside(x, loc, scale))


def logcdf(x: ArrayLike, a: ArrayLike, b: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1) -> Array:
    """The logarithm of `cdf`."""
    return jnp.log(cdf(x, a, b, loc, scale))


def sf(x: ArrayLike, a: ArrayLike, b: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1) -> Array:
    """The probability of more than ``x``."""
    x, a, b, loc, scale = promote_args_inexact("beta.sf", x, a, b, loc, scale)
    return betainc(b, a, 1 - _inside(x, loc, scale))


def logsf(x: ArrayLike, a: ArrayLike, b: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1) -> Array:
    """The logarithm of `sf`."""
    return jnp.log(sf(x, a, b, loc, scale))
