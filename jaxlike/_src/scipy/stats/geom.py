"""geom: how many trials the first success takes."""

from __future__ import annotations

from jaxlike._src.array import Array
from jaxlike._src.scipy import jnp
from jaxlike._src.scipy.special import xlog1py
from jaxlike._src.scipy.stats.arguments import INF, const, promote_args_inexact
from jaxlike._src.typing import ArrayLike


def logpmf(k: ArrayLike, p: ArrayLike, loc: ArrayLike = 0) -> Array:
    """The logarithm of the probability of ``k`` trials."""
    k, p, loc = promote_args_inexact("geom.logpmf", k, p, loc)
    x = k - loc
    log_probs = xlog1py(x - const(k, 1), -p) + jnp.log(p)
    return jnp.where(x <= const(k, 0), -INF, log_probs)


def pmf(k: ArrayLike, p: ArrayLike, loc: ArrayLike = 0) -> Array:
    """The probability of ``k`` trials."""
    return jnp.exp(logpmf(k, p, loc))
