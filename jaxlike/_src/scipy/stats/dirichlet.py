"""dirichlet: the Dirichlet distribution over points of a simplex, components along the first axis."""

from __future__ import annotations

from jaxlike._src.array import Array
from jaxlike._src.border import promote_dtypes_inexact
from jaxlike._src.scipy import jnp
from jaxlike._src.scipy.gammas import gammaln
from jaxlike._src.scipy.special import xlogy
from jaxlike._src.scipy.stats.arguments import INF, const
from jaxlike._src.typing import ArrayLike


def logpdf(x: ArrayLike, alpha: ArrayLike) -> Array:
    """The logarithm of the density at ``x``, whose last component may be left out; -inf off the simplex."""
    x, alpha = promote_dtypes_inexact(x, alpha)
    if alpha.ndim != 1:
        raise ValueError(f"`alpha` must be one-dimensional; got alpha.shape={alpha.shape}")
    if x.shape[0] not in (alpha.shape[0], alpha.shape[0] - 1):
        raise ValueError(
            "`x` must have either the same number of entries as `alpha` or one entry fewer; "
            f"got x.shape={x.shape}, alpha.shape={alpha.shape}"
        )
    one = const(x, 1)
    if x.shape[0] != alpha.shape[0]:
        x = jnp.concatenate([x, one - x.sum(0, keepdims=True)], axis=0)
    normalizer = jnp.sum(gammaln(alpha)) - gammaln(jnp.sum(alpha))
    if x.ndim > 1:
        alpha = alpha.reshape(alpha.shape + (1,) * (x.ndim - 1))
    log_probs = jnp.sum(xlogy(alpha - one, x), axis=0) - normalizer
    on_simplex = jnp.all(x > 0, axis=0) & (jnp.abs(jnp.sum(x, axis=0) - 1) < 1e-6)
    return jnp.where(on_simplex, log_probs, -INF)


def pdf(x: ArrayLike, alpha: ArrayLike) -> Array:
    """The density at ``x``."""
    return jnp.exp(logpdf(x, alpha))
