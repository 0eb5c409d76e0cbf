"""wrapcauchy: a Cauchy distribution wrapped around the circle, on angles from 0 to 2 pi."""

from __future__ import annotations

import math

from jaxlike._src.array import Array
from jaxlike._src.scipy import jnp
from jaxlike._src.scipy.stats.arguments import INF, NAN, const, promote_args_inexact
from jaxlike._src.typing import ArrayLike


def logpdf(x: ArrayLike, c: ArrayLike) -> Array:
    """The logarithm of the density at the angle ``x``; NaN unless ``0 < c < 1``."""
    x, c = promote_args_inexact("wrapcauchy.logpdf", x, c)
    value = jnp.log(1 - c * c) - jnp.log(2 * math.pi) - jnp.log(1 + c * c - 2 * c * jnp.cos(x))
    inside = (x >= const(x, 0)) & (x <= const(x, 2 * math.pi))
    return jnp.where((c > const(c, 0)) & (c < const(c, 1)), jnp.where(inside, value, -INF), NAN)


def pdf(x: ArrayLike, c: ArrayLike) -> Array:
    """The density at the angle ``x``."""
    return jnp.exp(logpdf(x, c))
