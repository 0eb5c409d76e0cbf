"""norm: the normal distribution."""

from __future__ import annotations

import math

import numpy as np

from jaxlike._src import dtypes
from jaxlike._src.array import Array
from jaxlike._src.border import astype
from jaxlike._src.scipy import jnp, special
from jaxlike._src.scipy.stats.arguments import const, promote_args_inexact
from jaxlike._src.typing import ArrayLike


def logpdf(x: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1) -> Array:
    """The logarithm of the density at ``x``, with mean ``loc`` and standard deviation ``scale``."""
    x, loc, scale = promote_args_inexact("norm.logpdf", x, loc, scale)
    variance = jnp.square(scale)
    log_normalizer = jnp.log(const(x, 2 * math.pi) * variance)
    return (log_normalizer + jnp.square(x - loc) / variance) / const(x, -2)


def pdf(x: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1) -> Array:
    """The density at ``x``."""
    return jnp.exp(logpdf(x, loc, scale))


def cdf(x: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1) -> Array:
    """The probability of at most ``x``."""
    x, loc, scale = promote_args_inexact("norm.cdf", x, loc, scale)
    return special.ndtr((x - loc) / scale)


def logcdf(x: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1) -> Array:
    """The logarithm of `cdf`, also where that underflows."""
    x, loc, scale = promote_args_inexact("norm.logcdf", x, loc, scale)
    return special.log_ndtr((x - loc) / scale)


def sf(x: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1) -> Array:
    """The probability of more than ``x``."""
    x, loc, scale = promote_args_inexact("norm.sf", x, loc, scale)
    return cdf(-x, -loc, scale)


def logsf(x: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1) -> Array:
    """The logarithm of `sf`, also where that underflows."""
    x, loc, scale = promote_args_inexact("norm.logsf", x, loc, scale)
    return logcdf(-x, -loc, scale)


def ppf(q: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1) -> Array:
    """The quantile at ``q``, in the widest float type."""
    quantile = jnp.asarray(special.ndtri(q) * scale + loc)
    return astype(quantile, dtypes.canonicalize_dtype(np.dtype("float64")))


def isf(q: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1) -> Array:
    """What is exceeded with probability ``q``."""
    q = jnp.asarray(q)
    return ppf(const(q, 1) - q, loc, scale)
