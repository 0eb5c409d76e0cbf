"""continuous: distributions that are functions of uniform or normal samples."""

from __future__ import annotations

import math
from operator import index
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src import dtypes, special
from jaxlike._src.array import Array
from jaxlike._src.border import (
    asarray,
    canonicalize_shape,
    check_arraylike,
    concrete_or_error,
    promote_dtypes_inexact,
    tensor_as,
    unwrap,
)
from jaxlike._src.numpy import linalg
from jaxlike._src.random import draws
from jaxlike._src.random.arguments import broadcast, check_safe_cast, check_shape, float_dtype, int_dtype, shape_of
from jaxlike._src.random.basic import normal_tensor, signs
from jaxlike._src.random.keys import check_key, split_list
from jaxlike._src.transforms.custom import library_jvp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from jaxlike._src.random.draws import Shape
    from jaxlike._src.random.key_array import PRNGKeyArray
    from jaxlike._src.typing import ArrayLike, DTypeLike


# Without parameters


def exponential(
    key: ArrayLike, shape: int | Sequence[int] = (), dtype: DTypeLike | None = None, *, out_sharding: Any = None
) -> Array:
    """Exponential samples, of density ``exp(-x)`` for x >= 0.

    Args:
        key: a PRNG key.
        shape: shape of the result.
        dtype: a float dtype, by default float32 (float64 with x64).
        out_sharding: accepted and ignored.
    """
    typed, _ = check_key("exponential", key)
    dtype = float_dtype("exponential", dtype)
    return Array(draws.standard("exponential", typed, canonicalize_shape(shape), dtype))


def laplace(
    key: ArrayLike, shape: int | Sequence[int] = (), dtype: DTypeLike | None = None, *, out_sharding: Any = None
) -> Array:
    """Laplace samples, of density ``exp(-|x|) / 2``.

    Args:
        key: a PRNG key.
        shape: shape of the result.
        dtype: a float dtype, by default float32 (float64 with x64).
        out_sharding: accepted and ignored.
    """
    typed, _ = check_key("laplace", key)
    dtype = float_dtype("laplace", dtype)
    return Array(draws.standard("laplace", typed, canonicalize_shape(shape), dtype))


def logistic(
    key: ArrayLike, shape: int | Sequence[int] = (), dtype: DTypeLike | None = None, *, out_sharding: Any = None
) -> Array:
    """Logistic samples, of density ``exp(-x) / (1 + exp(-x))**2``.

    Args:
        key: a PRNG key.
        shape: shape of the result.
        dtype: a float dtype, by default float32 (float64 with x64).
        out_sharding: accepted and ignored.
    """
    typed, _ = check_key("logistic", key)
    dtype = float_dtype("logistic", dtype)
    return Array(draws.standard("logistic", typed, canonicalize_shape(shape), dtype))


def cauchy(
    key: ArrayLike, shape: int | Sequence[int] = (), dtype: DTypeLike | None = None, *, out_sharding: Any = None
) -> Array:
    """Cauchy samples, of density ``1 / (pi * (x**2 + 1))``.

    Args:
        key: a PRNG key.
        shape: shape of the result.
        dtype: a float dtype, by default float32 (float64 with x64).
        out_sharding: accepted and ignored.
    """
    typed, _ = check_key("cauchy", key)
    dtype = float_dtype("cauchy", dtype)
    return Array(draws.standard("cauchy", typed, canonicalize_shape(shape), dtype))


def maxwell(
    key: ArrayLike, shape: int | Sequence[int] = (), dtype: DTypeLike | None = None, *, out_sharding: Any = None
) -> Array:
    """One-sided Maxwell samples: lengths of standard normal vectors in three dimensions.

    Args:
        key: a PRNG key.
        shape: shape of the result.
        dtype: a float dtype, by default float32 (float64 with x64).
        out_sharding: accepted and ignored.
    """
    typed, _ = check_key("maxwell", key)
    dtype = float_dtype("maxwell", dtype)
    return _maxwell(typed, canonicalize_shape(shape), dtype)


def _maxwell(key: PRNGKeyArray, shape: Shape, dtype: Any) -> Array:
    return linalg.norm(Array(normal_tensor(key, (*shape, 3), dtype)), axis=-1)


def orthogonal(
    key: ArrayLike,
    n: int,
    shape: int | Sequence[int] = (),
    dtype: DTypeLike | None = None,
    m: int | None = None,
    *,
    out_sharding: Any = None,
) -> Array:
    """Matrices drawn uniformly from the orthogonal group (the unitary group for complex dtypes).

    Args:
        key: a PRNG key.
        n: number of rows.
        shape: batch shape.
        dtype: a float or complex dtype, by default float32 (float64 with x64).
        m: number of columns, by default ``n``. If it differs, rows (or columns, if fewer) are orthonormal.
        out_sharding: accepted and ignored.

    Returns:
        An array of shape ``(*shape, n, m)``.
    """
    shape = canonicalize_shape(shape)
    typed, _ = check_key("orthogonal", key)
    dtype = dtypes.default_float_dtype() if dtype is None else dtypes.check_and_canonicalize_user_dtype(dtype)
    rows = concrete_or_error(index, n, "The error occurred in jax.random.orthogonal()")
    columns = rows if m is None else concrete_or_error(index, m, "The error occurred in jax.random.orthogonal()")
    dtype = float_dtype("normal", dtype, np.inexact, "a float or complex")
    z = Array(normal_tensor(typed, (*shape, max(rows, columns), min(rows, columns)), dtype))
    q, r = map(unwrap, linalg.qr(z))
    diagonal = r.diagonal(dim1=-2, dim2=-1)
    x = q * torch.sgn(diagonal).unsqueeze(-2)
    return Array(x.mT if rows < columns else x)


# With parameters


@library_jvp
def _erf(x: Any) -> Any:
    return Array(special.erf(unwrap(x)))


@_erf.defjvp
def _erf_jvp(primals: Any, tangents: Any) -> Any:
    (x,), (dx,) = primals, tangents
    slope = torch.exp(-(unwrap(x) ** 2)) * (2 / math.sqrt(math.pi))
    return _erf(x), Array(slope * unwrap(dx))


@library_jvp
def _erf_inv(x: Any) -> Any:
    return Array(special.erf_inv(unwrap(x)))


@_erf_inv.defjvp
def _erf_inv_jvp(primals: Any, tangents: Any) -> Any:
    (x,), (dx,) = primals, tangents
    y = _erf_inv(x)
    return y, Array(torch.exp(unwrap(y) ** 2) * (math.sqrt(math.pi) / 2) * unwrap(dx))


def truncated_normal(
    key: ArrayLike,
    lower: ArrayLike,
    upper: ArrayLike,
    shape: int | Sequence[int] | None = None,
    dtype: DTypeLike | None = None,
    *,
    out_sharding: Any = None,
) -> Array:
    """Standard normal samples between two bounds, which are not reached.

    Args:
        key: a PRNG key.
        lower: lower bound.
        upper: upper bound; the two broadcast.
        shape: shape of the result, by default that of the bounds.
        dtype: a float dtype, by default float32 (float64 with x64).
        out_sharding: accepted and ignored.
    """
    if shape is not None:
        shape = canonicalize_shape(shape)
    typed, _ = check_key("truncated_normal", key)
    dtype = float_dtype("truncated_normal", dtype)
    shape = shape_of("truncated_normal", shape, lower, upper)
    low, high = tensor_as(lower, dtype), tensor_as(upper, dtype)
    root2 = special.constant(math.sqrt(2), low.dtype, low.device)
    ends = [unwrap(_erf(Array(t / root2))) for t in (low, high)]
    u = draws.between(draws.unit_floats(typed, shape, dtype), *ends)
    out = root2 * unwrap(_erf_inv(Array(u)))
    return _clipped_inside(out, low, high)


def _clipped_inside(out: Tensor, low: Tensor, high: Tensor) -> Array:
    from jaxlike._src.lax.elementwise import nextafter
    from jaxlike._src.numpy.select import clip
    from jaxlike._src.transforms.stop_gradient import stopped

    inside_low, inside_high = (
        nextafter(stopped(Array(t)), Array(torch.full_like(t.detach(), end)))
        for t, end in ((low, math.inf), (high, -math.inf))
    )
    return clip(Array(out), inside_low, inside_high)


def lognormal(
    key: ArrayLike,
    sigma: ArrayLike = np.float32(1),  # noqa: B008  (JAX's default)
    shape: int | Sequence[int] | None = None,
    dtype: DTypeLike | None = None,
    *,
    out_sharding: Any = None,
) -> Array:
    """Exponentials of normal samples.

    Args:
        key: a PRNG key.
        sigma: standard deviation of the normal samples.
        shape: shape of the result, by default that of ``sigma``.
        dtype: a float or complex dtype, by default float32 (float64 with x64).
        out_sharding: accepted and ignored.
    """
    typed, _ = check_key("lognormal", key)
    dtype = float_dtype("lognormal", dtype, np.inexact, "a float or complex")
    shape = shape_of("lognormal", shape, sigma)
    check_safe_cast("lognormal", dtype, sigma)
    return Array(torch.exp(normal_tensor(typed, shape, dtype) * tensor_as(sigma, dtype)))


def pareto(
    key: ArrayLike,
    b: ArrayLike,
    shape: int | Sequence[int] | None = None,
    dtype: DTypeLike | None = None,
    *,
    out_sharding: Any = None,
) -> Array:
    """Pareto samples, of density ``b / x**(b + 1)`` for x >= 1.

    Args:
        key: a PRNG key.
        b: shape parameter, positive.
        shape: shape of the result, by default that of ``b``.
        dtype: a float dtype, by default float32 (float64 with x64).
        out_sharding: accepted and ignored.
    """
    typed, _ = check_key("pareto", key)
    dtype = float_dtype("pareto", dtype)
    shape = shape_of("pareto", shape, b)
    check_safe_cast("pareto", dtype, b)
    return Array(torch.exp(draws.standard("exponential", typed, shape, dtype) / tensor_as(b, dtype)))


def rayleigh(
    key: ArrayLike,
    scale: ArrayLike,
    shape: int | Sequence[int] | None = None,
    dtype: DTypeLike | None = None,
    *,
    out_sharding: Any = None,
) -> Array:
    """Rayleigh samples, of density proportional to ``x * exp(-x**2 / (2 * scale**2))``.

    Args:
        key: a PRNG key.
        scale: scale parameter, positive.
        shape: shape of the result, by default that of ``scale``.
        dtype: a float dtype, by default float32 (float64 with x64).
        out_sharding: accepted and ignored.
    """
    typed, _ = check_key("rayleigh", key)
    dtype = float_dtype("rayleigh", dtype)
    shape = shape_of("rayleigh", shape, scale)
    check_safe_cast("rayleigh", dtype, scale)
    return Array(tensor_as(scale, dtype) * torch.sqrt(torch.log(draws.unit_floats(typed, shape, dtype)) * -2.0))


def wald(
    key: ArrayLike,
    mean: ArrayLike,
    shape: int | Sequence[int] | None = None,
    dtype: DTypeLike | None = None,
    *,
    out_sharding: Any = None,
) -> Array:
    """Wald (inverse Gaussian) samples with shape parameter 1.

    Args:
        key: a PRNG key.
        mean: the mean, positive.
        shape: shape of the result, by default that of ``mean``.
        dtype: a float dtype, by default float32 (float64 with x64).
        out_sharding: accepted and ignored.
    """
    typed, _ = check_key("wald", key)
    dtype = float_dtype("wald", dtype)
    shape = shape_of("wald", shape, mean)
    check_safe_cast("wald", dtype, mean)
    first, second = split_list(typed, 2)
    mu = tensor_as(asarray(mean), dtype).expand(shape)
    y = normal_tensor(first, shape, dtype) ** 2
    z = draws.unit_floats(second, shape, dtype)
    root = torch.sqrt(4 * mu * y + mu**2 * y**2)
    x = mu + mu**2 * y / 2 - mu / 2 * root
    return Array(torch.where(z <= mu / (mu + x), x, mu**2 / x))


def triangular(
    key: ArrayLike,
    left: ArrayLike,
    mode: ArrayLike,
    right: ArrayLike,
    shape: int | Sequence[int] | None = None,
    dtype: DTypeLike | None = None,
    *,
    out_sharding: Any = None,
) -> Array:
    """Triangular samples between ``left`` and ``right``, most likely at ``mode``.

    Args:
        key: a PRNG key.
        left: lower end.
        mode: where the density is highest.
        right: upper end; the three broadcast.
        shape: shape of the result, by default that of the parameters.
        dtype: a float dtype, by default float32 (float64 with x64).
        out_sharding: accepted and ignored.
    """
    typed, _ = check_key("triangular", key)
    dtype = float_dtype("triangular", dtype)
    shape = shape_of("triangular", shape, left, mode, right)
    check_safe_cast("triangular", dtype, left, mode, right)
    a, c, b = (tensor_as(asarray(v), dtype).expand(shape) for v in (left, mode, right))
    u = draws.unit_floats(typed, shape, dtype)
    rising = a + torch.sqrt(u * (b - a) * (c - a))
    falling = b - torch.sqrt((1 - u) * (b - a) * (b - c))
    return Array(torch.where(u < (c - a) / (b - a), rising, falling))


def double_sided_maxwell(
    key: ArrayLike, loc: ArrayLike, scale: ArrayLike, shape: int | Sequence[int] = (), dtype: DTypeLike | None = None
) -> Array:
    """Maxwell samples with random sign, scaled and moved.

    Args:
        key: a PRNG key.
        loc: location.
        scale: scale; the two broadcast.
        shape: leading axes of the result; the parameters' shape follows (twice where this is empty, as in JAX).
        dtype: a float dtype, by default float32 (float64 with x64).
    """
    typed, _ = check_key("double_sided_maxwell", key)
    dtype = float_dtype("double_sided_maxwell", dtype)
    shape = canonicalize_shape(shape)
    own = broadcast(tuple(np.shape(loc)), tuple(np.shape(scale)))
    shape = (shape or own) + own
    lengths, flips = split_list(typed, 2)
    sample = unwrap(_maxwell(lengths, shape, dtype))
    return Array(signs(flips, shape, dtype) * sample) * asarray(scale) + asarray(loc)


def weibull_min(
    key: ArrayLike, scale: ArrayLike, concentration: ArrayLike, shape: int | Sequence[int] = (), dtype: DTypeLike | None = None
) -> Array:
    """Weibull samples, of density proportional to ``x**(c - 1) * exp(-(x / scale)**c)``.

    Args:
        key: a PRNG key.
        scale: scale parameter, positive.
        concentration: c, positive.
        shape: shape of the draw; the result's is that of the draw and the parameters broadcast.
        dtype: a float dtype, by default float32 (float64 with x64).
    """
    from jaxlike._src.numpy.power import power

    typed, _ = check_key("weibull_min", key)
    dtype = float_dtype("weibull_min", dtype)
    e = Array(draws.standard("exponential", typed, canonicalize_shape(shape), dtype))
    return power(e, 1.0 / asarray(concentration)) * asarray(scale)


def multivariate_normal(
    key: ArrayLike,
    mean: ArrayLike,
    cov: ArrayLike,
    shape: int | Sequence[int] | None = None,
    dtype: DTypeLike | None = None,
    method: str = "cholesky",
    *,
    out_sharding: Any = None,
) -> Array:
    """Normal vectors with given mean and covariance.

    Args:
        key: a PRNG key.
        mean: mean vectors [..., n].
        cov: covariance matrices [..., n, n], positive definite.
        shape: batch shape of the result, by default that of the parameters.
        dtype: a float dtype, by default that of ``mean``.
        method: how ``cov`` is factored: "cholesky", or "eigh" or "svd" where it is singular.
        out_sharding: accepted and ignored.

    Returns:
        An array of shape ``(*shape, n)``.
    """
    typed, _ = check_key("multivariate_normal", key)
    mu, sigma = promote_dtypes_inexact(mean, cov)
    if method not in {"svd", "eigh", "cholesky"}:
        raise ValueError("method must be one of {'svd', 'eigh', 'cholesky'}")
    dtype = float_dtype("multivariate_normal", mu.dtype if dtype is None else dtype)
    if not mu.ndim >= 1:
        raise ValueError(f"multivariate_normal requires mean.ndim >= 1, got mean.ndim == {mu.ndim}")
    if not sigma.ndim >= 2:
        raise ValueError(f"multivariate_normal requires cov.ndim >= 2, got cov.ndim == {sigma.ndim}")
    n = mu.shape[-1]
    if sigma.shape[-2:] != (n, n):
        raise ValueError(
            f"multivariate_normal requires cov.shape == (..., n, n) for n={n}, but got cov.shape == {sigma.shape}."
        )
    if shape is None:
        shape = broadcast(mu.shape[:-1], sigma.shape[:-2])
    else:
        shape = canonicalize_shape(shape)
        check_shape("normal", shape, mu.shape[:-1], sigma.shape[:-2])
    z = Array(normal_tensor(typed, (*shape, n), dtype))
    factor, z = promote_dtypes_inexact(_factor(sigma, method), z)
    moved = torch.matmul(unwrap(factor), unwrap(z).unsqueeze(-1)).squeeze(-1)
    return mu + Array(moved)


def _factor(cov: Array, method: str) -> Array:
    """A matrix whose product with its transpose is ``cov``."""
    if method == "cholesky":
        return linalg.cholesky(cov)
    if method == "eigh":
        values, vectors = linalg.eigh(cov)
    else:
        vectors, values, _ = linalg.svd(cov)
    return Array(unwrap(vectors) * torch.sqrt(unwrap(values)).unsqueeze(-2))


def geometric(
    key: ArrayLike,
    p: ArrayLike,
    shape: int | Sequence[int] | None = None,
    dtype: DTypeLike | None = None,
    *,
    out_sharding: Any = None,
) -> Array:
    """How many trials it takes until one succeeds.

    Args:
        key: a PRNG key.
        p: probability of success.
        shape: shape of the result, by default that of ``p``.
        dtype: an integer dtype, by default int32 (int64 with x64).
        out_sharding: accepted and ignored.
    """
    from jaxlike._src.border import cast

    typed, _ = check_key("geometric", key)
    dtype = int_dtype(dtype)
    if not dtypes.issubdtype(dtype, np.integer):
        raise ValueError(f"dtype argument to `geometric` must be an int dtype, got {dtype}")
    shape = shape_of("geometric", shape, p)
    check_arraylike("geometric", p)
    (prob,) = promote_dtypes_inexact(p)
    u = draws.unit_floats(typed, shape, prob.dtype)
    log_u = torch.log(torch.where(u == 0, 1.0, u))
    return Array(cast(torch.floor(log_u / torch.log1p(-unwrap(prob))) + 1, dtypes.to_torch(dtype)))
