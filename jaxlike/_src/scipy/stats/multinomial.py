"""multinomial: counts of ``n`` trials with several outcomes, along the last axis."""

from __future__ import annotations

import numpy as np

from jaxlike._src import dtypes
from jaxlike._src.array import Array
from jaxlike._src.border import astype, promote_args_numeric
from jaxlike._src.scipy import jnp
from jaxlike._src.scipy.gammas import gammaln
from jaxlike._src.scipy.special import xlogy
from jaxlike._src.scipy.stats.arguments import INF, promote_args_inexact
from jaxlike._src.typing import ArrayLike


def logpmf(x: ArrayLike, n: ArrayLike, p: ArrayLike) -> Array:
    """The logarithm of the probability of the counts ``x``."""
    (p,) = promote_args_inexact("multinomial.logpmf", p)
    x, n = promote_args_numeric("multinomial.logpmf", x, n)
    if not dtypes.issubdtype(x.dtype, np.integer):
        raise ValueError(f"x and n must be of integer type; got x.dtype={x.dtype}, n.dtype={n.dtype}")
    x, n = astype(x, p.dtype), astype(n, p.dtype)
    log_probs = gammaln(n + 1) + jnp.sum(xlogy(x, p) - gammaln(x + 1), axis=-1)
    return jnp.where(jnp.sum(x) == n, log_probs, -INF)


def pmf(x: ArrayLike, n: ArrayLike, p: ArrayLike) -> Array:
    """The probability of the counts ``x``."""
    return jnp.exp(logpmf(x, n, p))
