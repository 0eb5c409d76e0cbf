"""vonmises: the von Mises distribution of angles, concentrated around 0."""

from __future__ import annotations

import math

from jaxlike._src.array import Array
from jaxlike._src.scipy import jnp
from jaxlike._src.scipy.special import i0e
from jaxlike._src.scipy.stats.arguments import NAN, const, promote_args_inexact
from jaxlike._src.typing import ArrayLike


def logpdf(x: ArrayLike, kappa: ArrayLike) -> Array:
    """The logarithm of the density at the angle ``x``; NaN unless ``kappa`` is positive."""
    x, kappa = promote_args_inexact("vonmises.logpdf", x, kappa)
    value = kappa * (jnp.cos(x) - 1) - jnp.log(2 * math.pi * i0e(kappa))
    return jnp.where(kappa > const(kappa, 0), value, NAN)


def pdf(x: ArrayLike, kappa: ArrayLike) -> Array:
    """The density at the angle ``x``."""
    return jnp.exp(logpdf(x, kappa))
