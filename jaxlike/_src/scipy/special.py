"""special: error functions, the normal distribution, entropies, logistic and Bessel functions.

Slopes are JAX's at the ends of the domains too: `entr` is infinitely steep at 0, ``xlogy(0, y)`` has the slope
``log(y)`` in its first argument. What torch computes in float32 and float64 only goes through float32.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src import dtypes
from jaxlike._src.array import Array
from jaxlike._src.border import check_arraylike, unwrap
from jaxlike._src.family import FLOATING, INEXACT, binary, to_inexact, unary
from jaxlike._src.lax import special as lax_special
from jaxlike._src.nn import activations
from jaxlike._src.numpy.create import asarray
from jaxlike._src.numpy.kinks import const, magnitude, root_at, transformed
from jaxlike._src.numpy.waves import bessel_i0

if TYPE_CHECKING:
    from torch import Tensor

    from jaxlike._src.typing import ArrayLike, Axis

MODULE = "jaxlike.scipy.special"


def through_float32(kernel: Any, *xs: Tensor) -> Tensor:
    """Half precision by way of float32."""
    dtype = xs[0].dtype
    return kernel(*(x.to(torch.float32) for x in xs)).to(dtype) if dtype.itemsize == 2 else kernel(*xs)


def refuse_complex(name: str, x: Tensor) -> None:
    """ValueError for complex tensors."""
    if x.dtype.is_complex:
        raise ValueError(f"{name} does not support complex-valued inputs.")


# Error functions


@unary(promote=to_inexact, accepts=FLOATING, keywords=True, module=MODULE)
def erf(x: Tensor) -> Tensor:
    """The error function, ``2 / sqrt(pi)`` times the integral of ``exp(-t**2)`` from 0 to ``x``."""
    return lax_special.erf.kernel(x)  # pyright: ignore[reportFunctionMemberAccess]


@unary(promote=to_inexact, accepts=FLOATING, keywords=True, module=MODULE)
def erfc(x: Tensor) -> Tensor:
    """``1 - erf(x)``, accurate where that is small."""
    return lax_special.erfc.kernel(x)  # pyright: ignore[reportFunctionMemberAccess]


@unary(promote=to_inexact, accepts=FLOATING, primitive="erf_inv", keywords=True, module=MODULE)
def erfinv(x: Tensor) -> Tensor:
    """The y with ``erf(y) == x``; infinite at -1 and 1, NaN beyond."""
    return lax_special.erf_inv.kernel(x)  # pyright: ignore[reportFunctionMemberAccess]


def _weideman(n: int) -> tuple[float, np.ndarray[Any, Any]]:
    """Length and coefficients (highest power first) of Weideman's rational series for w(z)."""
    length = math.sqrt(n / math.sqrt(2))
    angles = np.arange(1 - 2 * n, 2 * n) * np.pi / (2 * n)
    points = length * np.tan(angles / 2)
    values = np.concatenate([[0.0], np.exp(-(points**2)) * (length**2 + points**2)])
    return length, np.fft.fft(np.fft.fftshift(values)).real[1 : n + 1][::-1] / (4 * n)


# Weideman, "Computation of the complex error function", SIAM J. Numer. Anal. 31 (1994): 32 terms.
_LENGTH, _SERIES = _weideman(32)


def faddeeva(z: Tensor) -> Tensor:
    """``exp(-z**2) * erfc(-i z)`` of a complex tensor."""
    upper = torch.ge(z.imag, const(z.real, 0))
    point = torch.where(upper, z, -z)
    i_point = torch.complex(-point.imag, point.real)
    length = const(z, _LENGTH)
    below = length - i_point
    ratio = (length + i_point) / below
    total = const(z, 0)
    for c in _SERIES:
        total = total * ratio + const(z, float(c))
    value = const(z, 2) * total / (below * below) + const(z, 1 / math.sqrt(math.pi)) / below
    return torch.where(upper, value, const(z, 2) * torch.exp(-point * point) - value)


def _to_complex(dtype: Any) -> Any:
    return dtypes.canonicalize_dtype(dtypes.to_complex_dtype(dtype))


def wofz(z: ArrayLike) -> Array:
    """The Faddeeva function ``exp(-z**2) * erfc(-i z)``; complex."""
    check_arraylike("wofz", z)
    z = asarray(z)
    return Array(faddeeva(unwrap(z).to(dtypes.to_torch(_to_complex(z.dtype)))))


@unary(promote=to_inexact, weak=False, keywords=True, module=MODULE)
def erfcx(x: Tensor) -> Tensor:
    """``exp(x**2) * erfc(x)``, without overflow for large ``x``."""
    if x.dtype.is_complex:
        return faddeeva(torch.complex(-x.imag, x.real))
    return through_float32(torch.special.erfcx, x)


@lax_special.sloped(lambda t, out, x: t * (const(x, 1) - const(x, 2) * x * out))
def _dawsn(x: Tensor) -> Tensor:
    value = faddeeva(torch.complex(x.to(torch.float64), torch.zeros_like(x, dtype=torch.float64)))
    out = (value.imag * const(value.imag, math.sqrt(math.pi) / 2)).to(x.dtype)
    return torch.where(torch.isinf(x), const(x, 0), out)


@unary(promote=to_inexact, weak=False, keywords=True, module=MODULE)
def dawsn(x: Tensor) -> Tensor:
    """Dawson's integral, ``exp(-x**2)`` times the integral of ``exp(t**2)`` from 0 to ``x``."""
    refuse_complex("dawsn", x)
    return _dawsn(x)


# The normal distribution


def _wide_float(x: Any, text: str) -> Array:
    x = asarray(x)
    if x.dtype not in (np.dtype("float32"), np.dtype("float64")):
        raise TypeError(text.format(x.dtype))
    return x


_DOCSTRING = "x.dtype={} is not supported, see docstring for supported types."


def ndtr(x: ArrayLike) -> Array:
    """The normal distribution function of float32 or float64 ``x``."""
    return Array(_ndtr(unwrap(_wide_float(x, _DOCSTRING))))


def _ndtr(x: Tensor) -> Tensor:
    root = const(x, math.sqrt(0.5))
    w = x * root
    z = torch.abs(w)
    tail = torch.erfc(z)
    centre = torch.lt(z, root)
    outer = torch.where(torch.gt(w, const(w, 0)), const(w, 2) - tail, tail)
    return const(x, 0.5) * torch.where(centre, const(w, 1) + torch.erf(w), outer)


def ndtri(p: ArrayLike) -> Array:
    """The inverse of `ndtr`; infinite at 0 and 1."""
    t = unwrap(_wide_float(p, _DOCSTRING))
    if not transformed():
        return Array(torch.special.ndtri(t))
    none, all_of_it = torch.eq(t, const(t, 0)), torch.eq(t, const(t, 1))  # where it is flat, in JAX
    inside = torch.special.ndtri(torch.where(none | all_of_it, const(t, 0.5), t))
    return Array(torch.where(none, const(t, -math.inf), torch.where(all_of_it, const(t, math.inf), inside)))


# Where the distribution function is too close to 0 for its logarithm, and too close to 1.
_SEGMENTS = {torch.float32: (-10.0, 5.0), torch.float64: (-20.0, 8.0)}


def _log_ndtr(x: Tensor, order: int) -> Tensor:
    low, high = (const(x, v) for v in _SEGMENTS[x.dtype])
    above = torch.gt(x, high)
    middle = _ndtr(torch.where(above, -x, torch.maximum(x, low)))
    below = _log_ndtr_below(torch.minimum(x, low), order)
    return torch.where(above, -middle, torch.where(torch.gt(x, low), torch.log(middle), below))


def _log_ndtr_below(x: Tensor, order: int) -> Tensor:
    """By the asymptotic series ``1 - 1/x**2 + 3/x**4 - ...`` of Mills' ratio."""
    square = x * x
    series, power, coefficient = const(x, 1), const(x, 1), 1
    for n in range(1, order + 1):
        coefficient *= 1 - 2 * n
        power = power * square
        series = series + const(x, float(coefficient)) / power
    return const(x, -0.5) * square - torch.log(-x) - const(x, 0.5 * math.log(2 * math.pi)) + torch.log(series)


def log_ndtr(x: ArrayLike, series_order: int = 3) -> Array:
    """The logarithm of the normal distribution function of float32 or float64 ``x``.

    Args:
        x: array.
        series_order: terms of the asymptotic series for small ``x``, up to 30.
    """
    if not isinstance(series_order, int):
        raise TypeError("series_order must be a Python integer.")
    if series_order < 0:
        raise ValueError("series_order must be non-negative.")
    if series_order > 30:
        raise ValueError("series_order must be <= 30.")
    x = _wide_float(x, "x.dtype={} is not supported.")

    @lax_special.sloped(lambda t, out, x: t * torch.exp(const(x, -0.5) * x * x - const(x, 0.5 * math.log(2 * math.pi)) - out))
    def log_ndtr(x: Tensor) -> Tensor:
        return _log_ndtr(x, series_order)

    return Array(log_ndtr(unwrap(x)))


# Logistic functions and logarithms


@unary(promote=to_inexact, accepts=INEXACT, primitive="logistic", keywords=True, module=MODULE)
def expit(x: Tensor) -> Tensor:
    """``1 / (1 + exp(-x))``."""
    return torch.sigmoid(x)


@lax_special.sloped(lambda t, _, x: t / (x * (const(x, 1) - x)))
def _logit(x: Tensor) -> Tensor:
    return torch.logit(x)


@unary(promote=to_inexact, keywords=True, module=MODULE)
def logit(x: Tensor) -> Tensor:
    """``log(x / (1 - x))``, the inverse of `expit`."""
    if not x.dtype.is_complex:
        return _logit(x)
    odds = x / (const(x, 1) - x)
    return torch.where(torch.isnan(odds), const(x, math.nan), torch.log(odds))  # at 1, where C's log has inf


def _times_log(x: Tensor, y: Tensor, log: Tensor, root: Tensor) -> Tensor:
    """``x * log`` with 0 for ``x == 0``; ``root`` is what has the slope of the logarithm where that is -inf."""
    usable = torch.ne(x, const(x, 0)) | torch.isfinite(log) | torch.ne(y, y)
    return x * torch.where(usable, log, const(x, 0)) - root


@binary(promote=to_inexact, primitive="or", keywords=True, module=MODULE)
def xlogy(x: Tensor, y: Tensor) -> Tensor:
    """``x * log(y)``, 0 where ``x`` is 0."""
    if not transformed() and not x.dtype.is_complex:
        return torch.xlogy(x, y)
    zero = const(x, 0)
    steep = torch.eq(x, zero) & torch.eq(y, zero)
    return _times_log(x, y, torch.log(y), root_at(steep, x) if not x.dtype.is_complex else zero)


@binary(promote=to_inexact, primitive="or", keywords=True, module=MODULE)
def xlog1py(x: Tensor, y: Tensor) -> Tensor:
    """``x * log1p(y)``, 0 where ``x`` is 0."""
    if not transformed() and not x.dtype.is_complex:
        return through_float32(torch.special.xlog1py, x, y)
    zero = const(x, 0)
    steep = torch.eq(x, zero) & torch.eq(y, const(x, -1))
    return _times_log(x, y, torch.log1p(y), root_at(steep, x) if not x.dtype.is_complex else zero)


@lax_special.sloped(lambda t, _, x: t * (torch.log(x) + const(x, 1)))
def _xlogx(x: Tensor) -> Tensor:
    """``x * log(x)`` with its slope -inf at 0."""
    safe = torch.where(torch.eq(x, const(x, 0)), const(x, 1), x)
    return safe * torch.log(safe)


@unary(promote=to_inexact, keywords=True, module=MODULE)
def entr(x: Tensor) -> Tensor:
    """``-x * log(x)``; 0 at 0, -inf below."""
    refuse_complex("entr", x)
    return torch.where(torch.lt(x, const(x, 0)), const(x, -math.inf), -_xlogx(x))


@binary(promote=to_inexact, primitive="and", keywords=True, module=MODULE)
def rel_entr(p: Tensor, q: Tensor) -> Tensor:
    """``p * log(p / q)``; 0 where ``p`` is 0, infinite where one is negative or ``q`` alone is 0."""
    refuse_complex("rel_entr", p)
    return _rel_entr(p, q)


def _rel_entr(p: Tensor, q: Tensor) -> Tensor:
    zero, one = const(p, 0), const(p, 1)
    inside = torch.gt(p, zero) & torch.gt(q, zero)
    safe_p, safe_q = torch.where(inside, p, one), torch.where(inside, q, one)
    value = safe_p * torch.log(safe_p) - safe_p * torch.log(safe_q)
    trivial = torch.eq(p, zero) & torch.ge(q, zero)
    return torch.where(inside, value, torch.where(trivial, zero, const(p, math.inf)))


@binary(promote=to_inexact, primitive="and", keywords=True, module=MODULE)
def kl_div(p: Tensor, q: Tensor) -> Tensor:
    """``rel_entr(p, q) - p + q``."""
    refuse_complex("kl_div", p)
    return _rel_entr(p, q) - p + q


@binary(promote=to_inexact, primitive="mul", keywords=True, module=MODULE)
def boxcox(x: Tensor, lmbda: Tensor) -> Tensor:
    """``(x**lmbda - 1) / lmbda``, ``log(x)`` where ``lmbda`` is 0."""
    return _boxcox(torch.log(x), lmbda)


@binary(promote=to_inexact, primitive="mul", keywords=True, module=MODULE)
def boxcox1p(x: Tensor, lmbda: Tensor) -> Tensor:
    """`boxcox` of ``1 + x``."""
    return _boxcox(torch.log1p(x), lmbda)


def _boxcox(log: Tensor, power: Tensor) -> Tensor:
    zero = torch.eq(power, const(power, 0))
    safe = torch.where(zero, const(power, 1), power)
    return torch.where(zero, log, torch.expm1(safe * log) / safe)


# Bessel functions


@unary(promote=to_inexact, accepts=FLOATING, primitive="bessel_i0e", keywords=True, module=MODULE)
def i0e(x: Tensor) -> Tensor:
    """`i0` times ``exp(-|x|)``."""
    return through_float32(torch.special.i0e, x)


@unary(promote=to_inexact, accepts=FLOATING, primitive="bessel_i1e", keywords=True, module=MODULE)
def i1e(x: Tensor) -> Tensor:
    """`i1` times ``exp(-|x|)``."""
    return through_float32(torch.special.i1e, x)


@unary(promote=to_inexact, accepts=FLOATING, primitive="bessel_i0e", keywords=True, module=MODULE)
def i0(x: Tensor) -> Tensor:
    """The modified Bessel function of the first kind, order 0."""
    return bessel_i0(x)


@unary(promote=to_inexact, accepts=FLOATING, primitive="bessel_i1e", keywords=True, module=MODULE)
def i1(x: Tensor) -> Tensor:
    """The modified Bessel function of the first kind, order 1."""
    if not transformed():
        return through_float32(torch.special.i1, x)
    return torch.exp(magnitude(x)) * through_float32(torch.special.i1e, x)


# As in jax.nn, with other signatures


def softmax(x: ArrayLike, /, *, axis: Axis = None) -> Array:
    """``exp(x) / sum(exp(x))`` over ``axis``, by default all axes."""
    return activations.softmax(x, axis=axis)


def log_softmax(x: ArrayLike, /, *, axis: Axis = None) -> Array:
    """``log(softmax(x))`` over ``axis``, by default all axes."""
    return activations.log_softmax(x, axis=axis)
