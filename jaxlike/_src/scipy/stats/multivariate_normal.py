"""multivariate_normal: the normal distribution of vectors, along the last axis."""

from __future__ import annotations

import math
from typing import Any

import torch

from jaxlike._src.array import Array
from jaxlike._src.border import promote_dtypes_inexact, unwrap
from jaxlike._src.numpy.linalg import cholesky
from jaxlike._src.scipy import jnp
from jaxlike._src.typing import ArrayLike


def logpdf(x: ArrayLike, mean: ArrayLike, cov: ArrayLike, allow_singular: None = None) -> Any:
    """The logarithm of the density at ``x``.

    Args:
        x: points ``[..., n]``.
        mean: a number, or ``[..., n]``.
        cov: a variance, or covariances ``[..., n, n]``.
        allow_singular: not supported.
    """
    if allow_singular is not None:
        raise NotImplementedError("allow_singular argument of multivariate_normal.logpdf")
    x, mean, cov = promote_dtypes_inexact(x, mean, cov)
    log_2pi = jnp.log(2 * math.pi)
    if not mean.shape:
        return -1 / 2 * jnp.square(x - mean) / cov - 1 / 2 * (log_2pi + jnp.log(cov))
    n = mean.shape[-1]
    y = x - mean
    if not cov.shape:
        return -1 / 2 * jnp.einsum("...i,...i->...", y, y) / cov - n / 2 * (log_2pi + jnp.log(cov))
    if cov.ndim < 2 or cov.shape[-2:] != (n, n):
        raise ValueError("multivariate_normal.logpdf got incompatible shapes")
    factor = unwrap(cholesky(cov))
    columns = unwrap(y).unsqueeze(-1)
    whitened = Array(torch.linalg.solve_triangular(factor, columns, upper=False).squeeze(-1))
    half_log_det = jnp.log(jnp.diagonal(Array(factor), axis1=-1, axis2=-2)).sum(-1)
    return -1 / 2 * jnp.einsum("...i,...i->...", whitened, whitened) - n / 2 * log_2pi - half_log_det


def pdf(x: ArrayLike, mean: ArrayLike, cov: ArrayLike) -> Array:
    """The density at ``x``."""
    return jnp.exp(logpdf(x, mean, cov))
