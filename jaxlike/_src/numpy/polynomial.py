"""polynomial: polynomials as vectors of coefficients, the highest power first."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src import dtypes
from jaxlike._src.array import Array
from jaxlike._src.border import asarray, concrete_or_error, promote_dtypes, promote_dtypes_inexact, unwrap
from jaxlike._src.numpy import linalg, reduce
from jaxlike._src.numpy.arguments import like, one_array
from jaxlike._src.numpy.arithmetic import abs as absolute
from jaxlike._src.numpy.arithmetic import add, divide, multiply, negative, sqrt
from jaxlike._src.numpy.calculus import vander
from jaxlike._src.numpy.compare import equal, less
from jaxlike._src.numpy.convolution import convolve
from jaxlike._src.numpy.create import asarray as as_array
from jaxlike._src.numpy.filled import full, ones, zeros
from jaxlike._src.numpy.insertion import trim_zeros
from jaxlike._src.numpy.products import dot, outer
from jaxlike._src.numpy.select import where
from jaxlike._src.numpy.shape import all_arrays, atleast_1d, common_shape, expand_dims
from jaxlike._src.numpy.sort import gathered, order_of
from jaxlike._src.numpy.stacking import concatenate, stack
from jaxlike._src.numpy.triangles import diag
from jaxlike._src.transforms.compiled import compiled, jitted

if TYPE_CHECKING:
    from jaxlike._src.typing import ArrayLike


# Roots


def _roots(p: Array) -> Array:
    """The eigenvalues of the companion matrix."""
    if p.size < 2:
        return zeros(0, dtype=dtypes.to_complex_dtype(p.dtype))
    first = negative(divide(p[1:], p[0]))
    below = diag(ones((p.size - 2,), p.dtype), -1)
    return linalg.eigvals(below.at[0, :].set(first))


def roots(p: ArrayLike, *, strip_zeros: bool = True) -> Array:
    """The complex roots of a polynomial.

    Args:
        p: its coefficients.
        strip_zeros: leave out leading zeros, which needs known values; without it, missing roots are NaN.
    """
    (x,) = promote_dtypes_inexact(one_array("roots", p))
    x = atleast_1d(x)
    if x.ndim != 1:
        raise ValueError("Input must be a rank-1 array.")
    if x.size < 2:
        return zeros(0, dtype=dtypes.to_complex_dtype(x.dtype))
    zero = unwrap(equal(x, 0))
    count = zero.to(torch.int32).cumprod(0).sum()
    if strip_zeros:
        leading = concrete_or_error(
            int,
            Array(count.to(dtypes.to_torch(dtypes.default_int_dtype()))),
            "The error occurred in the jnp.roots() function. To use this within a JIT-compiled context, pass "
            "strip_zeros=False, but be aware that leading zeros will result in some returned roots being set to NaN.",
        )
        return _roots(x[leading:])
    n = x.size
    x = where(Array(count == n), 1.0, x)
    turned = torch.remainder(torch.arange(n, device=zero.device) + count, n)
    found = _roots(like(x, gathered(unwrap(x), 0, turned)))
    order = order_of(unwrap(equal(found, 0)), 0)
    found = Array(gathered(unwrap(found), 0, order))
    kept = torch.arange(n - 1, device=zero.device) < n - 1 - count
    return where(Array(kept), found, complex(np.nan, np.nan))


@compiled("seq_of_zeros")
def poly(seq_of_zeros: ArrayLike) -> Array:
    """The polynomial with these roots, or the characteristic polynomial of a square matrix."""
    (x,) = promote_dtypes_inexact(one_array("poly", seq_of_zeros))
    x = atleast_1d(x)
    if x.ndim == 2 and x.shape[0] == x.shape[1] != 0:
        x = linalg.eigvals(x)
    if x.ndim != 1:
        raise ValueError("input must be 1d or non-empty square 2d array.")
    if x.shape[0] == 0:
        return ones((), dtype=x.dtype)
    made, one = ones((1,), dtype=x.dtype), ones((), dtype=x.dtype)
    for k in range(x.shape[0]):
        made = convolve(made, stack([one, negative(x[k])]), mode="full")
    return made


# Values and fits


@compiled("p", "x")
def polyval(p: ArrayLike, x: ArrayLike, *, unroll: int = 16) -> Array:
    """The value of a polynomial at ``x``.

    Args:
        p: coefficients along its first axis.
        x: points; its shape broadcasts with the further axes of ``p``.
        unroll: accepted; all steps are unrolled.
    """
    del unroll
    coefficients, at = promote_dtypes(*all_arrays("polyval", (p, x)))
    shape = common_shape([coefficients.shape[1:], at.shape])
    total = zeros(shape, dtype=at.dtype)
    for k in range(coefficients.shape[0]):
        total = add(multiply(total, at), coefficients[k])
    return total


@compiled("x", "y", "w")
def polyfit(
    x: ArrayLike,
    y: ArrayLike,
    deg: int,
    rcond: float | None = None,
    full: bool = False,
    w: ArrayLike | None = None,
    cov: bool | str = False,
) -> Any:
    """The polynomial of degree ``deg`` that fits points best, by least squares.

    Args:
        x: vector of points.
        y: values there: a vector, or a column per fit.
        deg: the degree.
        rcond: singular values smaller than this part of the largest count as 0.
        full: return also the squared residuals, the rank, the singular values and ``rcond``.
        w: weights of the points.
        cov: return also the covariance of the coefficients; "unscaled" leaves out the scale of the residuals.
    """
    points, values, *weights = all_arrays("polyfit", (x, y) if w is None else (x, y, w))
    deg = concrete_or_error(int, deg, "deg must be int")
    order = deg + 1
    if deg < 0:
        raise ValueError("expected deg >= 0")
    if points.ndim != 1:
        raise TypeError("expected 1D vector for x")
    if points.size == 0:
        raise TypeError("expected non-empty vector for x")
    if values.ndim not in (1, 2):
        raise TypeError("expected 1D or 2D array for y")
    if points.shape[0] != values.shape[0]:
        raise TypeError("expected x and y to have same length")
    n = points.shape[0]
    if rcond is None:
        rcond = n * float(dtypes.finfo(points.dtype).eps)
    rcond = concrete_or_error(float, rcond, "rcond must be float")
    left, right = vander(points, order), values
    if weights:
        (weight,) = promote_dtypes_inexact(weights[0])
        if weight.ndim != 1:
            raise TypeError("expected a 1-d array for weights")
        if weight.shape[0] != values.shape[0]:
            raise TypeError("expected w and y to have the same length")
        column = expand_dims(weight, 1)
        left = multiply(left, column)
        right = multiply(right, column if right.ndim == 2 else weight)
    scale = sqrt(reduce.sum(multiply(left, left), axis=0))
    left = divide(left, expand_dims(scale, 0))
    found, residuals, rank, singular = linalg.lstsq(left, right, rcond)
    found = divide(found, expand_dims(scale, 1) if found.ndim > 1 else scale)
    if full:
        return found, residuals, rank, singular, asarray(rcond)
    if not cov:
        return found
    base = divide(linalg.inv(dot(left.T, left)), outer(scale, scale))
    factor = asarray(1.0)
    if cov != "unscaled":
        if n <= order:
            raise ValueError("the number of data points must exceed order to scale the covariance matrix")
        factor = divide(residuals, n - order)
    factor = expand_dims(atleast_1d(factor), 0)
    if values.ndim == 1:
        return found, multiply(base, factor)
    return found, multiply(expand_dims(base, 2), expand_dims(factor, 0))


# Arithmetic


@jitted("polyadd")
def polyadd(a1: ArrayLike, a2: ArrayLike) -> Array:
    """The sum of two polynomials."""
    x, y = promote_dtypes(*all_arrays("polyadd", (a1, a2)))
    if y.shape[0] > x.shape[0]:
        x, y = y, x
    return x.at[-y.shape[0] :].add(y)


@jitted("polysub")
def polysub(a1: ArrayLike, a2: ArrayLike) -> Array:
    """The difference of two polynomials."""
    x, y = promote_dtypes(*all_arrays("polysub", (a1, a2)))
    return polyadd(x, negative(y))


def _or_zero(x: Array, y: Array) -> Array:
    return x if x.shape[0] else zeros(1, dtype=y.dtype)


def polymul(a1: ArrayLike, a2: ArrayLike, *, trim_leading_zeros: bool = False) -> Array:
    """The product of two polynomials; ``trim_leading_zeros`` needs known values."""
    x, y = promote_dtypes_inexact(*all_arrays("polymul", (a1, a2)))
    if trim_leading_zeros and (x.shape[0] > 1 or y.shape[0] > 1):
        x, y = trim_zeros(x, trim="f"), trim_zeros(y, trim="f")
    x = _or_zero(x, y)
    return convolve(x, _or_zero(y, x), mode="full")


def polydiv(u: ArrayLike, v: ArrayLike, *, trim_leading_zeros: bool = False) -> tuple[Array, Array]:
    """Quotient and remainder of two polynomials.

    Args:
        u: the dividend.
        v: the divisor.
        trim_leading_zeros: leave out leading coefficients of the remainder that are nearly 0; needs known values.
    """
    x, y = promote_dtypes_inexact(*all_arrays("polydiv", (u, v)))
    m, n = x.shape[0] - 1, y.shape[0] - 1
    scale = divide(1.0, y[0])
    quotient = zeros(max(m - n + 1, 1), dtype=x.dtype)
    for k in range(m - n + 1):
        step = multiply(scale, x[k])
        quotient = quotient.at[k].set(step)
        x = x.at[k : k + n + 1].add(multiply(negative(step), y))
    return quotient, _without_small(x) if trim_leading_zeros else x


def _without_small(x: Array) -> Array:
    """A vector from its first element on that is not nearly 0."""
    least = np.sqrt(dtypes.finfo(x.dtype).eps)
    known = concrete_or_error(None, x, "Error arose in the `filt` argument of trim_zeros_tol()")
    small = np.asarray(less(absolute(known), least))
    return x[: 0 if small.all() else None][int(np.argmin(small)) :]


# Calculus


@compiled("p", "k")
def polyint(p: ArrayLike, m: int = 1, k: int | ArrayLike | None = None) -> Array:
    """The ``m``-th antiderivative of a polynomial.

    Args:
        p: coefficients.
        m: how often to integrate.
        k: constants of integration: one, or ``m`` of them; 0 by default.
    """
    m = concrete_or_error(operator.index, m, "'m' argument of jnp.polyint")
    x, constants = promote_dtypes_inexact(*all_arrays("polyint", (p, 0 if k is None else k)))
    if m < 0:
        raise ValueError("Order of integral must be positive (see polyder)")
    constants = atleast_1d(constants)
    if constants.shape[0] == 1:
        constants = full((m,), constants[0])
    if constants.shape != (m,):
        raise ValueError("k must be a scalar or a rank-1 array of length 1 or m.")
    if m == 0:
        return x
    powers = np.arange(x.shape[0] + m)[None] - np.arange(m)[:, None]
    factors = np.maximum(1, powers).astype(np.float64).prod(0)[::-1]
    return divide(concatenate((x, constants)), _numbers(factors, x))


@compiled("p")
def polyder(p: ArrayLike, m: int = 1) -> Array:
    """The ``m``-th derivative of a polynomial."""
    x = one_array("polyder", p)
    m = concrete_or_error(operator.index, m, "'m' argument of jnp.polyder")
    (x,) = promote_dtypes_inexact(x)
    if m < 0:
        raise ValueError("Order of derivative must be positive")
    if m == 0:
        return x
    powers = np.arange(m, x.shape[0])[None] - np.arange(m)[:, None]
    factors = powers.astype(np.float64).prod(0)[::-1]
    return multiply(x[:-m], _numbers(factors, x))


def _numbers(values: np.ndarray[Any, Any], x: Array) -> Array:
    """Known numbers as an Array of the dtype of ``x``."""
    return as_array(values, dtype=x.dtype)
