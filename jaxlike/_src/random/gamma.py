"""gamma: gamma samples by Marsaglia and Tsang's rejection, and what is made of them.

Each sample has a key of its own and repeats until it is accepted, so samples do not depend on each other:
all are drawn at once, rejected ones again. The derivative by the parameter is that of the inverse of the
distribution function at the same probability (implicit reparameterization), as in JAX.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from operator import index
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src import dtypes, special
from jaxlike._src.array import Array
from jaxlike._src.border import canonicalize_shape, concrete_or_error, tensor_as, unwrap
from jaxlike._src.random import draws
from jaxlike._src.random.arguments import check_safe_cast, check_shape, float_dtype, shape_of
from jaxlike._src.random.basic import normal_tensor, signs
from jaxlike._src.random.gamma_grad import random_gamma_grad
from jaxlike._src.random.generators import STREAMS, stream_of
from jaxlike._src.random.key_array import PRNGKeyArray, unpack
from jaxlike._src.random.keys import check_key, split_list
from jaxlike._src.random.ops import operator
from jaxlike._src.transforms.custom import library_jvp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from jaxlike._src.random.draws import Shape
    from jaxlike._src.typing import ArrayLike, DTypeLike


# The sampler


@operator(
    "random_gamma(Tensor words, Tensor alpha, str stream, bool log_space) -> Tensor",
    lambda words, alpha, stream, log_space: (alpha.shape, alpha.dtype),
)
def _gamma(words: Tensor, alpha: Tensor, stream: str, log_space: bool) -> Tensor:
    """Gamma samples [..., *shape] for parameters of that shape and keys [..., n]; or their logarithms."""
    rank = words.dim() - 1
    count = math.prod(alpha.shape[rank:])
    keys = STREAMS[stream].split(words, (count,)).reshape(-1, words.shape[-1])
    flat = alpha.reshape(-1)
    if stream.startswith(("rbg", "unsafe_rbg")):  # these give a batch of keys the bits of the first
        parts = [_accepted(keys[i : i + 1], flat[i : i + 1], stream, log_space) for i in range(len(flat))]
        return torch.cat(parts).reshape(alpha.shape) if parts else torch.empty_like(alpha)
    return _accepted(keys, flat, stream, log_space).reshape(alpha.shape)


def _accepted(keys: Tensor, alpha: Tensor, stream: str, log_space: bool) -> Tensor:
    """One sample for each key [n, w] and parameter [n]."""
    generator, dtype = STREAMS[stream], alpha.dtype

    def const(value: float) -> Tensor:
        return special.constant(value, dtype, alpha.device)

    large = alpha >= 1
    shape = torch.where(large, alpha, alpha + 1)  # small ones by way of alpha + 1 and a power of a uniform
    d = shape - const(1 / 3)
    c = const(1 / 3) / special.sqrt(d)
    keys, boost_keys = generator.split(keys, (2,)).unbind(1)
    cubes = torch.ones_like(alpha)
    drawn = torch.isfinite(d)  # JAX's test of a first guess is NaN for the others, and so they keep it
    at = torch.arange(len(alpha), device=alpha.device)[drawn]  # the samples that still have to be accepted
    keys = keys[drawn]
    while len(at):
        keys, x_keys, u_keys = generator.split(keys, (3,)).unbind(1)
        x, v = _positive_cube_root(x_keys, c[at], stream)
        square, cube = x * x, v * v * v
        u = draws.unit_of_words(u_keys, stream, dtype, ())
        bound = square * 0.5 + d[at] * ((1 - cube) + torch.log(cube))
        again = (u >= 1 - const(0.0331) * (square * square)) & (torch.log(u) >= bound)
        cubes[at[~again]] = cube[~again]
        at, keys = at[again], keys[again]
    unit = draws.unit_of_words(boost_keys, stream, dtype, ())
    if log_space:
        log_unit = special.log1p(-unit)
        boost = torch.where(large | (log_unit == 0), 0.0, log_unit * (1 / alpha))
        return (special.log(d) + special.log(cubes)) + boost
    return d * cubes * torch.where(large, 1.0, (1 - unit) ** (1 / alpha))


def _positive_cube_root(keys: Tensor, c: Tensor, stream: str) -> tuple[Tensor, Tensor]:
    """Normals x with ``1 + c * x > 0``, and that sum; NaN, of a parameter without samples, is taken as it comes."""
    x, v = torch.empty_like(c), torch.empty_like(c)
    at = torch.arange(len(c), device=c.device)
    one = special.constant(1.0, c.dtype, c.device)
    while len(at):
        keys, now = STREAMS[stream].split(keys, (2,)).unbind(1)
        drawn = draws.standard_of_words(now, stream, "normal", c.dtype, ())
        moved = special.fma(drawn, c[at], one)
        good = ~(moved <= 0)
        x[at[good]], v[at[good]] = drawn[good], moved[good]
        at, keys = at[~good], keys[~good]
    return x, v


def _sampler(log_space: bool) -> Callable[[PRNGKeyArray, Array], Array]:
    @library_jvp
    def sample(keys: Any, alpha: Any) -> Any:
        return Array(_gamma(unpack(unwrap(keys)), unwrap(alpha), stream_of(keys._tag), log_space))

    @sample.defjvp
    def rule(primals: Any, tangents: Any) -> Any:
        (keys, alpha), (_, d_alpha) = primals, tangents
        out = sample(keys, alpha)
        return out, Array(_slope(unwrap(alpha), unwrap(out), log_space) * unwrap(d_alpha))

    return sample


def _slope(alpha: Tensor, sample: Tensor, log_space: bool) -> Tensor:
    """Derivative of a sample (or its logarithm) by the parameter."""
    if not log_space:
        return random_gamma_grad(alpha, sample)
    value = torch.exp(sample)
    value = torch.where(value == 0, torch.finfo(value.dtype).tiny, value)
    return random_gamma_grad(alpha, value) / value


_sample, _log_sample = _sampler(False), _sampler(True)


def gamma_array(key: PRNGKeyArray, a: ArrayLike, shape: Shape | None, dtype: Any, log_space: bool) -> Array:
    """`gamma` and `loggamma` with a checked dtype."""
    if shape is None:
        shape = tuple(np.shape(a))
    else:
        check_shape("gamma", shape, tuple(np.shape(a)))
    alpha = tensor_as(a, dtype)
    if tuple(alpha.shape) != shape:
        alpha = alpha.expand(shape)
    return (_log_sample if log_space else _sample)(key, Array(alpha))


# Public functions


def gamma(
    key: ArrayLike,
    a: ArrayLike,
    shape: int | Sequence[int] | None = None,
    dtype: DTypeLike | None = None,
    *,
    out_sharding: Any = None,
) -> Array:
    """Gamma samples of unit scale, of density proportional to ``x**(a - 1) * exp(-x)``.

    Args:
        key: a PRNG key.
        a: parameter, positive.
        shape: shape of the result, by default that of ``a``.
        dtype: a float dtype, by default float32 (float64 with x64).
        out_sharding: accepted and ignored.
    """
    typed, _ = check_key("gamma", key)
    dtype = float_dtype("gamma", dtype)
    return gamma_array(typed, a, None if shape is None else canonicalize_shape(shape), dtype, False)


def loggamma(
    key: ArrayLike,
    a: ArrayLike,
    shape: int | Sequence[int] | None = None,
    dtype: DTypeLike | None = None,
    *,
    out_sharding: Any = None,
) -> Array:
    """Logarithms of gamma samples; small parameters do not underflow. Arguments as for `gamma`."""
    typed, _ = check_key("loggamma", key)
    dtype = float_dtype("gamma", dtype)
    return gamma_array(typed, a, None if shape is None else canonicalize_shape(shape), dtype, True)


def beta(
    key: ArrayLike,
    a: ArrayLike,
    b: ArrayLike,
    shape: int | Sequence[int] | None = None,
    dtype: DTypeLike | None = None,
    *,
    out_sharding: Any = None,
) -> Array:
    """Beta samples, of density proportional to ``x**(a - 1) * (1 - x)**(b - 1)`` between 0 and 1.

    Args:
        key: a PRNG key.
        a: first parameter, positive.
        b: second parameter, positive; the two broadcast.
        shape: shape of the result, by default that of the parameters.
        dtype: a float dtype, by default float32 (float64 with x64).
        out_sharding: accepted and ignored.
    """
    typed, _ = check_key("beta", key)
    dtype = float_dtype("beta", dtype)
    check_safe_cast("beta", dtype, a, b)
    shape = shape_of("beta", shape, a, b)
    first, second = split_list(typed, 2)
    log_a = unwrap(gamma_array(first, a, shape, dtype, True))
    log_b = unwrap(gamma_array(second, b, shape, dtype, True))
    largest = torch.maximum(log_a, log_b)
    gamma_a, gamma_b = torch.exp(log_a - largest), torch.exp(log_b - largest)
    return Array(gamma_a / (gamma_a + gamma_b))


def dirichlet(
    key: ArrayLike,
    alpha: ArrayLike,
    shape: int | Sequence[int] | None = None,
    dtype: DTypeLike | None = None,
    *,
    out_sharding: Any = None,
) -> Array:
    """Dirichlet samples: vectors of positive numbers that sum to 1.

    Args:
        key: a PRNG key.
        alpha: concentrations [..., n], positive.
        shape: batch shape of the result, by default that of ``alpha``.
        dtype: a float dtype, by default float32 (float64 with x64).
        out_sharding: accepted and ignored.

    Returns:
        An array of shape ``(*shape, n)``.
    """
    typed, _ = check_key("dirichlet", key)
    dtype = float_dtype("dirichlet", dtype)
    sizes = tuple(np.shape(alpha))
    if not len(sizes) >= 1:
        raise ValueError(f"dirichlet requires alpha.ndim >= 1, got alpha.ndim == {len(sizes)}")
    if shape is None:
        shape = sizes[:-1]
    else:
        shape = canonicalize_shape(shape)
        check_shape("dirichlet", shape, sizes[:-1])
    logs = unwrap(gamma_array(typed, alpha, shape + sizes[-1:], dtype, True))
    return Array(torch.softmax(logs, dim=-1))


def t(
    key: ArrayLike,
    df: ArrayLike,
    shape: int | Sequence[int] | None = None,
    dtype: DTypeLike | None = None,
    *,
    out_sharding: Any = None,
) -> Array:
    """Student's t samples.

    Args:
        key: a PRNG key.
        df: degrees of freedom, positive.
        shape: shape of the result, by default that of ``df``.
        dtype: a float dtype, by default float32 (float64 with x64).
        out_sharding: accepted and ignored.
    """
    typed, _ = check_key("t", key)
    dtype = float_dtype("t", dtype)
    shape = shape_of("t", shape, df)
    check_safe_cast("t", dtype, df)
    first, second = split_list(typed, 2)
    half = tensor_as(df, dtype) / 2
    drawn = unwrap(gamma_array(second, Array(half), shape, dtype, False))
    return Array(normal_tensor(first, shape, dtype) * torch.sqrt(half / drawn))


def chisquare(
    key: ArrayLike,
    df: ArrayLike,
    shape: int | Sequence[int] | None = None,
    dtype: DTypeLike | None = None,
    *,
    out_sharding: Any = None,
) -> Array:
    """Chi-square samples.

    Args:
        key: a PRNG key.
        df: degrees of freedom, positive.
        shape: shape of the result, by default that of ``df``.
        dtype: a float dtype, by default float32 (float64 with x64).
        out_sharding: accepted and ignored.
    """
    typed, _ = check_key("chisquare", key)
    dtype = float_dtype("chisquare", dtype)
    shape = shape_of("chisquare", shape, df)
    check_safe_cast("chisquare", dtype, df)
    return Array(_chisquare(typed, tensor_as(df, dtype), shape, dtype))


def _chisquare(key: PRNGKeyArray, df: Tensor, shape: Shape, dtype: Any) -> Tensor:
    return torch.exp(unwrap(gamma_array(key, Array(df / 2), shape, dtype, True))) * 2


def f(
    key: ArrayLike,
    dfnum: ArrayLike,
    dfden: ArrayLike,
    shape: int | Sequence[int] | None = None,
    dtype: DTypeLike | None = None,
    *,
    out_sharding: Any = None,
) -> Array:
    """F samples: quotients of two chi-square samples over their degrees of freedom.

    Args:
        key: a PRNG key.
        dfnum: degrees of freedom of the numerator, positive.
        dfden: degrees of freedom of the denominator, positive; the two broadcast.
        shape: shape of the result, by default that of the parameters.
        dtype: a float dtype, by default float32 (float64 with x64).
        out_sharding: accepted and ignored.
    """
    typed, _ = check_key("f", key)
    dtype = float_dtype("f", dtype)
    shape = shape_of("f", shape, dfnum, dfden)
    check_safe_cast("f", dtype, dfnum, dfden)
    for_den, for_num = split_list(typed, 2)
    num, den = tensor_as(dfnum, dtype), tensor_as(dfden, dtype)
    return Array((_chisquare(for_num, num, shape, dtype) / num) / (_chisquare(for_den, den, shape, dtype) / den))


def generalized_normal(
    key: ArrayLike,
    p: ArrayLike,
    shape: int | Sequence[int] = (),
    dtype: DTypeLike | None = None,
    *,
    out_sharding: Any = None,
) -> Array:
    """Samples of density proportional to ``exp(-|x|**p)``.

    Args:
        key: a PRNG key.
        p: shape parameter, positive.
        shape: shape of the result.
        dtype: a float dtype, by default float32 (float64 with x64).
        out_sharding: accepted and ignored.
    """
    shape = canonicalize_shape(shape)
    typed, _ = check_key("generalized_normal", key)
    dtype = dtypes.default_float_dtype() if dtype is None else dtypes.check_and_canonicalize_user_dtype(dtype)
    return Array(_generalized_normal(typed, p, shape, dtype))


def _generalized_normal(key: PRNGKeyArray, p: ArrayLike, shape: Shape, dtype: Any) -> Tensor:
    first, second = split_list(key, 2)
    power = 1 / tensor_as(p, dtype)
    size = gamma_array(first, Array(power), shape, float_dtype("gamma", dtype), False)
    return signs(second, shape, dtype) * unwrap(size) ** power


def ball(
    key: ArrayLike,
    d: int,
    p: ArrayLike = 2,
    shape: int | Sequence[int] = (),
    dtype: DTypeLike | None = None,
    *,
    out_sharding: Any = None,
) -> Array:
    """Uniform samples from the unit ball of the Lp norm.

    Args:
        key: a PRNG key.
        d: dimension of the ball.
        p: the norm's parameter.
        shape: batch shape.
        dtype: a float dtype, by default float32 (float64 with x64).
        out_sharding: accepted and ignored.

    Returns:
        An array of shape ``(*shape, d)``.
    """
    shape = canonicalize_shape(shape)
    typed, _ = check_key("ball", key)
    dtype = dtypes.default_float_dtype() if dtype is None else dtypes.check_and_canonicalize_user_dtype(dtype)
    d = concrete_or_error(index, d, "The error occurred in jax.random.ball()")
    first, second = split_list(typed, 2)
    g = _generalized_normal(first, p, (*shape, d), dtype)
    e = draws.standard("exponential", second, shape, float_dtype("exponential", dtype))
    power = tensor_as(p, dtype)
    return Array(g / (((g.abs() ** power).sum(-1) + e) ** (1 / power)).unsqueeze(-1))
