"""t: Student's distribution with ``df`` degrees of freedom."""

from __future__ import annotations

import math

from jaxlike._src.array import Array
from jaxlike._src.scipy import jnp
from jaxlike._src.scipy.gammas import gammaln
from jaxlike._src.scipy.stats.arguments import const, promote_args_inexact
from jaxlike._src.typing import ArrayLike


def logpdf(x: ArrayLike, df: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1) -> Array:
    """The logarithm of the density at ``x``."""
    x, df, loc, scale = promote_args_inexact("t.logpdf", x, df, loc, scale)
    two = const(x, 2)
    z = (x - loc) / scale
    half = df / two
    more = half + const(x, 0.5)
    log_root = jnp.log(((scale * scale) * const(x, math.pi)) * df) / two
    normalizer = (gammaln(half) + log_root) - gammaln(more)
    return -(normalizer + more * jnp.log1p((z * z) / df))


def pdf(x: ArrayLike, df: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1) -> Array:
    """The density at ``x``."""
    return jnp.exp(logpdf(x, df, loc, scale))
