"""continuous: samplers of continuous distributions that transform uniform or normal samples.

Each is JAX's transformation of the same bits, so its values are JAX's to rounding; derivatives by the
parameters are those of the transformation.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src import dtypes
from jaxlike._src.array import Array
from jaxlike._src.border import canonicalize_shape, promote_dtypes_inexact, tensor_as, unwrap
from jaxlike._src.numpy import linalg
from jaxlike._src.random.arguments import broadcast, check_safe_cast, check_shape, float_dtype, shape_of
from jaxlike._src.random.basic import normal_tensor, signs, uniform_between
from jaxlike._src.random.keys import check_key, split_list

if TYPE_CHECKING:
    from torch import Tensor

    from jaxlike._src.random.draws import Shape
    from jaxlike._src.random.key_array import PRNGKeyArray
    from jaxlike._src.typing import ArrayLike, DTypeLike


def _unit(key: PRNGKeyArray, shape: Shape, dtype: Any, low: float = 0.0) -> Tensor:
    return unwrap(uniform_between(key, shape, dtype, low, 1.0))


def _start(name: str, key: ArrayLike, shape: Any, dtype: Any) -> tuple[PRNGKeyArray, Shape, Any]:
    typed, _ = check_key(name, key)
    dtype = float_dtype(name, dtype)
    return typed, canonicalize_shape(shape), dtype


def exponential(
    key: ArrayLike, shape: int | Shape = (), dtype: DTypeLike | None = None, *, out_sharding: Any = None
) -> Array:
    """Samples of the exponential distribution with rate 1."""
    del out_sharding
    typed, shape, dtype = _start("exponential", key, shape, dtype)
    return Array(-torch.log1p(-_unit(typed, shape, dtype)))


def laplace(
    key: ArrayLike, shape: int | Shape = (), dtype: DTypeLike | None = None, *, out_sharding: Any = None
) -> Array:
    """Samples of the standard Laplace distribution."""
    del out_sharding
    typed, shape, dtype = _start("laplace", key, shape, dtype)
    unit = _unit(typed, shape, dtype, float(dtype.type(-1.0 + dtypes.finfo(dtype).epsneg)))
    return Array(torch.sign(unit) * torch.log1p(-unit.abs()))


def logistic(
    key: ArrayLike, shape: int | Shape = (), dtype: DTypeLike | None = None, *, out_sharding: Any = None
) -> Array:
    """Samples of the standard logistic distribution."""
    del out_sharding
    typed, shape, dtype = _start("logistic", key, shape, dtype)
    unit = _unit(typed, shape, dtype, float(dtypes.finfo(dtype).tiny))
    return Array(torch.log(unit) - torch.log1p(-unit))


def cauchy(
    key: ArrayLike, shape: int | Shape = (), dtype: DTypeLike | None = None, *, out_sharding: Any = None
) -> Array:
    """Samples of the standard Cauchy distribution."""
    del out_sharding
    typed, shape, dtype = _start("cauchy", key, shape, dtype)
    unit = _unit(typed, shape, dtype, float(dtypes.finfo(dtype).eps))
    return Array(torch.tan((unit - 0.5) * math.pi))


def truncated_normal(
    key: ArrayLike,
    lower: ArrayLike,
    upper: ArrayLike,
    shape: int | Shape | None = None,
    dtype: DTypeLike | None = None,
    *,
    out_sharding: Any = None,
) -> Array:
    """Standard normal samples that lie in the open interval (lower, upper)."""
    from jaxlike._src.special import erf_inv

    del out_sharding
    if shape is not None:
        shape = canonicalize_shape(shape)
    typed, _ = check_key("truncated_normal", key)
    dtype = float_dtype("truncated_normal", dtype)
    shape = shape_of("truncated_normal", shape, lower, upper)
    low, high = tensor_as(lower, dtype), tensor_as(upper, dtype)
    root = float(dtype.type(np.sqrt(2)))
    a, b = torch.erf(low / root), torch.erf(high / root)
    unit = unwrap(uniform_between(typed, shape, dtype, Array(a), Array(b)))
    out = root * erf_inv(unit)
    inside = torch.nextafter(low.detach(), torch.full_like(low, torch.inf))
    outside = torch.nextafter(high.detach(), torch.full_like(high, -torch.inf))
    return Array(torch.minimum(torch.maximum(out, inside), outside))


def lognormal(
    key: ArrayLike,
    sigma: ArrayLike = 1.0,
    shape: int | Shape | None = None,
    dtype: DTypeLike | None = None,
    *,
    out_sharding: Any = None,
) -> Array:
    """``exp`` of normal samples with standard deviation ``sigma``."""
    del out_sharding
    typed, _ = check_key("lognormal", key)
    dtype = float_dtype("lognormal", dtype, np.inexact, "a float or complex")
    shape = shape_of("lognormal", shape, sigma)
    check_safe_cast("lognormal", dtype, sigma)
    return Array(torch.exp(normal_tensor(typed, shape, dtype) * tensor_as(sigma, dtype)))


def pareto(
    key: ArrayLike,
    b: ArrayLike,
    shape: int | Shape | None = None,
    dtype: DTypeLike | None = None,
    *,
    out_sharding: Any = None,
) -> Array:
    """Samples of the Pareto distribution with exponent ``b`` and scale 1."""
    del out_sharding
    typed, _ = check_key("pareto", key)
    dtype = float_dtype("pareto", dtype)
    shape = shape_of("pareto", shape, b)
    rate = -torch.log1p(-_unit(typed, shape, dtype))
    return Array(torch.exp(rate / tensor_as(b, dtype)))


def rayleigh(
    key: ArrayLike,
    scale: ArrayLike,
    shape: int | Shape | None = None,
    dtype: DTypeLike | None = None,
    *,
    out_sharding: Any = None,
) -> Array:
    """Samples of the Rayleigh distribution."""
    del out_sharding
    typed, _ = check_key("rayleigh", key)
    dtype = float_dtype("rayleigh", dtype)
    shape = shape_of("rayleigh", shape, scale)
    return Array(tensor_as(scale, dtype) * torch.sqrt(torch.log(_unit(typed, shape, dtype)) * -2))


def weibull_min(
    key: ArrayLike,
    scale: ArrayLike,
    concentration: ArrayLike,
    shape: int | Shape | None = None,
    dtype: DTypeLike | None = None,
    *,
    out_sharding: Any = None,
) -> Array:
    """Samples of the Weibull distribution of minima."""
    del out_sharding
    typed, _ = check_key("weibull_min", key)
    dtype = float_dtype("weibull_min", dtype)
    shape = shape_of("weibull_min", shape, scale, concentration)
    tail = -torch.log1p(-_unit(typed, shape, dtype))
    return Array(torch.pow(tail, 1.0 / tensor_as(concentration, dtype)) * tensor_as(scale, dtype))


def triangular(
    key: ArrayLike,
    left: ArrayLike,
    mode: ArrayLike,
    right: ArrayLike,
    shape: int | Shape | None = None,
    dtype: DTypeLike | None = None,
    *,
    out_sharding: Any = None,
) -> Array:
    """Samples of the triangular distribution on [left, right] with its peak at ``mode``."""
    del out_sharding
    typed, _ = check_key("triangular", key)
    dtype = float_dtype("triangular", dtype)
    shape = shape_of("triangular", shape, left, mode, right)
    low, peak, high = (tensor_as(v, dtype) for v in (left, mode, right))
    unit = _unit(typed, shape, dtype)
    rising = low + torch.sqrt(unit * (high - low) * (peak - low))
    falling = high - torch.sqrt((1 - unit) * (high - low) * (high - peak))
    return Array(torch.where(unit < (peak - low) / (high - low), rising, falling))


def maxwell(
    key: ArrayLike, shape: int | Shape = (), dtype: DTypeLike | None = None, *, out_sharding: Any = None
) -> Array:
    """Samples of the one-sided Maxwell distribution: norms of normal 3-vectors."""
    del out_sharding
    typed, shape, dtype = _start("maxwell", key, shape, dtype)
    vectors = normal_tensor(typed, (*shape, 3), dtype)
    return Array(torch.sqrt((vectors * vectors).sum(-1)))


def double_sided_maxwell(
    key: ArrayLike,
    loc: ArrayLike,
    scale: ArrayLike,
    shape: int | Shape = (),
    dtype: DTypeLike | None = None,
    *,
    out_sharding: Any = None,
) -> Array:
    """Samples of the two-sided Maxwell distribution."""
    del out_sharding
    typed, shape, dtype = _start("double_sided_maxwell", key, shape, dtype)
    parameters = broadcast(tuple(np.shape(loc)), tuple(np.shape(scale)))
    shape = (*(shape or parameters), *parameters)
    first, second = split_list(typed, 2)
    size = unwrap(maxwell(first, shape, dtype))
    return Array(signs(second, shape, dtype) * size * tensor_as(scale, dtype) + tensor_as(loc, dtype))


def multivariate_normal(
    key: ArrayLike,
    mean: ArrayLike,
    cov: ArrayLike,
    shape: int | Shape | None = None,
    dtype: DTypeLike | None = None,
    method: str = "cholesky",
    *,
    out_sharding: Any = None,
) -> Array:
    """Normal vectors with this mean ``[..., n]`` and covariance ``[..., n, n]``.

    Args:
        key: a PRNG key.
        mean: means.
        cov: covariance matrices.
        shape: leading axes of the result, by default those of ``mean`` and ``cov`` together.
        dtype: a float dtype, by default that of ``mean``.
        method: how the covariance is factored: "cholesky", "eigh" or "svd".
        out_sharding: accepted and ignored.
    """
    del out_sharding
    typed, _ = check_key("multivariate_normal", key)
    center, spread = promote_dtypes_inexact(mean, cov)
    if method not in {"svd", "eigh", "cholesky"}:
        raise ValueError("method must be one of {'svd', 'eigh', 'cholesky'}")
    dtype = float_dtype("multivariate_normal", center.dtype if dtype is None else dtype)
    if center.ndim < 1:
        raise ValueError(f"multivariate_normal requires mean.ndim >= 1, got mean.ndim == {center.ndim}")
    if spread.ndim < 2:
        raise ValueError(f"multivariate_normal requires cov.ndim >= 2, got cov.ndim == {spread.ndim}")
    n = center.shape[-1]
    if spread.shape[-2:] != (n, n):
        raise ValueError(
            f"multivariate_normal requires cov.shape == (..., n, n) for n={n}, but got cov.shape == {spread.shape}."
        )
    if shape is None:
        shape = broadcast(center.shape[:-1], spread.shape[:-2])
    else:
        shape = canonicalize_shape(shape)
        check_shape("normal", shape, center.shape[:-1], spread.shape[:-2])
    if method == "svd":
        u, s, _ = linalg.svd(spread)
        factor = unwrap(u) * torch.sqrt(unwrap(s)).unsqueeze(-2)
    elif method == "eigh":
        w, v = linalg.eigh(spread)
        factor = unwrap(v) * torch.sqrt(unwrap(w)).unsqueeze(-2)
    else:
        factor = unwrap(linalg.cholesky(spread))
    samples = normal_tensor(typed, (*shape, n), dtype)
    return Array(unwrap(center) + (factor @ samples.unsqueeze(-1)).squeeze(-1))


def geometric(
    key: ArrayLike,
    p: ArrayLike,
    shape: int | Shape | None = None,
    dtype: DTypeLike | None = None,
    *,
    out_sharding: Any = None,
) -> Array:
    """Number of trials up to the first success, each of probability ``p``."""
    from jaxlike._src.border import cast

    del out_sharding
    typed, _ = check_key("geometric", key)
    dtype = dtypes.default_int_dtype() if dtype is None else dtypes.check_and_canonicalize_user_dtype(dtype)
    if not dtypes.issubdtype(dtype, np.integer):
        raise ValueError(f"dtype argument to `geometric` must be an int dtype, got {dtype}")
    shape = shape_of("geometric", shape, p)
    (chance,) = promote_dtypes_inexact(p)
    unit = _unit(typed, shape, chance.dtype)
    log = torch.log(torch.where(unit == 0, 1, unit))
    trials = torch.floor(log / torch.log1p(-unwrap(chance))) + 1
    return Array(cast(trials, dtypes.to_torch(dtype)))


def orthogonal(
    key: ArrayLike, n: int, shape: int | Shape = (), dtype: DTypeLike | None = None, m: int | None = None
) -> Array:
    """Uniformly distributed orthogonal (unitary) matrices ``[*shape, n, m]``."""
    typed, _ = check_key("orthogonal", key)
    shape = canonicalize_shape(shape)
    dtype = float_dtype("orthogonal", dtype, np.inexact, "a float or complex")
    columns = n if m is None else m
    z = normal_tensor(typed, (*shape, max(n, columns), min(n, columns)), dtype)
    q, r = linalg.qr(Array(z))
    diagonal = torch.diagonal(unwrap(r), 0, -2, -1)
    phase = diagonal / diagonal.abs() if diagonal.is_complex() else torch.sign(diagonal)
    out = unwrap(q) * phase.unsqueeze(-2)
    return Array(out if n >= columns else out.mT)
