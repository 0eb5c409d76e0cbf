"""gammas: the gamma function and what is built on it: beta, binomials, incomplete gamma, polygamma, zeta.

Logarithms come from lgamma, so that large arguments do not overflow. The incomplete gamma functions, whose
derivatives torch lacks, have rules of their own; zeta is differentiated through its Euler-Maclaurin series.
"""

from __future__ import annotations

import functools
import math
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src import dtypes
from jaxlike._src.array import Array
from jaxlike._src.border import (
    asarray,
    broadcast_shapes,
    check_arraylike,
    concrete_or_error,
    promote_args_inexact,
    unwrap,
)
from jaxlike._src.family import FLOATING, binary, check_kinds, to_inexact, unary
from jaxlike._src.frames import STATE
from jaxlike._src.lax import special as lax_special
from jaxlike._src.numpy.kinks import const, transformed
from jaxlike._src.random.gamma_grad import random_gamma_grad
from jaxlike._src.scipy.special import MODULE, refuse_complex, through_float32
from jaxlike._src.transforms.custom import library_jvp

if TYPE_CHECKING:
    from torch import Tensor

    from jaxlike._src.typing import ArrayLike


def _lgamma(x: Tensor) -> Tensor:
    return lax_special.lgamma.kernel(x)  # pyright: ignore[reportFunctionMemberAccess]


@unary(promote=to_inexact, accepts=FLOATING, primitive="lgamma", keywords=True, module=MODULE)
def gammaln(x: Tensor) -> Tensor:
    """The logarithm of ``|gamma(x)|``."""
    return _lgamma(x)


@unary(promote=to_inexact, accepts=FLOATING, keywords=True, module=MODULE)
def digamma(x: Tensor) -> Tensor:
    """The derivative of `gammaln`; NaN at 0."""
    return lax_special.digamma.kernel(x)  # pyright: ignore[reportFunctionMemberAccess]


# Lanczos' approximation with g = 7 and nine terms (GNU Scientific Library, specfunc/gamma.c).
_LANCZOS_G = 7.0
_LANCZOS = (
    *(0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059),
    *(12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7),
)


def _complex_loggamma(z: Tensor) -> Tensor:
    """A logarithm of gamma of complex numbers that are no poles: Lanczos, reflected left of 1/2."""
    half = const(z, 0.5)
    left = torch.lt(z.real, const(z.real, 0.5))
    point = torch.where(left, const(z, 1) - z, z) - const(z, 1)
    series = const(z, _LANCZOS[0])
    for k, c in enumerate(_LANCZOS[1:], 1):
        series = series + const(z, c) / (point + const(z, k))
    t = point + const(z, _LANCZOS_G + 0.5)
    right = const(z, 0.5 * math.log(2 * math.pi)) + (point + half) * torch.log(t) - t + torch.log(series)
    safe = torch.where(left, z, half)
    reflected = const(z, math.log(math.pi)) - torch.log(torch.sin(safe * const(z, math.pi))) - right
    return torch.where(left, reflected, right)


def _without_poles(z: Tensor) -> tuple[Tensor, Tensor]:
    """(where a complex tensor is NaN or at a pole, the tensor with 1 there)."""
    real, zero = z.real, const(z.real, 0)
    pole = torch.eq(z.imag, zero) & torch.eq(real, torch.floor(real)) & torch.le(real, zero)
    bad = pole | torch.ne(z, z)
    return bad, torch.where(bad, const(z, 1), z)


_PRINCIPAL_TURN = 2 * math.pi


def _loggamma_branch(z: Tensor) -> Tensor:
    """`_complex_loggamma` on the branch that is continuous off the negative axis."""
    value = _complex_loggamma(z)
    # Stirling's formula after a shift to the right gives the imaginary part on that branch to within pi.
    shift = 8
    moved = z + const(z, shift)
    rough = (moved - const(z, 0.5)) * torch.log(moved) - moved
    for k in range(shift):
        rough = rough - torch.log(z + const(z, k))
    turns = torch.round((rough.imag - value.imag) / const(value.real, _PRINCIPAL_TURN))
    return torch.complex(value.real, value.imag + turns * const(value.real, _PRINCIPAL_TURN))


@unary(promote=to_inexact, keywords=True, module=MODULE)
def loggamma(x: Tensor) -> Tensor:
    """The principal branch of the logarithm of gamma; NaN for real ``x`` that are not positive."""
    if x.dtype.is_complex:
        bad, safe = _without_poles(x)
        return torch.where(bad, const(x, complex(math.nan, math.nan)), _loggamma_branch(safe))
    return torch.where(torch.gt(x, const(x, 0)), _lgamma(x), const(x, math.nan))


def _gammasgn(x: Tensor) -> Tensor:
    zero, one = const(x, 0), const(x, 1)
    floor = torch.floor(x)
    negative = torch.lt(x, zero)
    odd = torch.ne(torch.remainder(floor, const(x, 2)), zero)
    minus = (negative & odd) | (torch.eq(x, zero) & torch.signbit(x))
    undefined = (negative & torch.eq(x, floor)) | torch.ne(x, x)
    return torch.where(undefined, const(x, math.nan), torch.where(minus, -one, one))


@unary(promote=to_inexact, weak=False, keywords=True, module=MODULE)
def gammasgn(x: Tensor) -> Tensor:
    """The sign of the gamma function; NaN at its poles."""
    refuse_complex("gammasgn", x)
    return _gammasgn(x)


@unary(promote=to_inexact, weak=False, keywords=True, module=MODULE)
def gamma(x: Tensor) -> Tensor:
    """The gamma function."""
    if x.dtype.is_complex:
        bad, safe = _without_poles(x)
        return torch.where(bad, const(x, complex(math.nan, math.nan)), torch.exp(_complex_loggamma(safe)))
    return _gammasgn(x) * torch.exp(_lgamma(x))


def factorial(n: ArrayLike, exact: bool = False) -> Array:
    """``gamma(n + 1)``, 0 for negative ``n``; ``exact`` is not supported."""
    if exact:
        raise NotImplementedError("factorial with exact=True")
    (n,) = promote_args_inexact("factorial", n)
    check_kinds("lgamma", FLOATING, n.dtype)
    x = unwrap(n)
    value = torch.exp(_lgamma(x + const(x, 1)))
    return Array(torch.where(torch.lt(x, const(x, 0)), const(x, 0), value), n.weak_type)


# Two arguments


def _betaln_small(a: Tensor, b: Tensor) -> Tensor:
    return _lgamma(a) + (_lgamma(b) - _lgamma(a + b))


def _log_ratio(a: Tensor, b: Tensor) -> Tensor:
    """``log(gamma(b) / gamma(a + b))`` for ``a <= b`` and ``b >= 8`` (Didonato and Morris' algdiv)."""
    one = const(a, 1)
    coefficients = (0.837308034031215e-03, -0.595202931351870e-03, 0.793650666825390e-03)
    coefficients += (-0.277777777760991e-02, 0.833333333333333e-01)
    h = a / b
    x = h / (one + h)
    square = x * x
    sums = [one]  # (1 - x**n) / (1 - x) for n = 1, 3, 5, ...
    for _ in range(5):
        sums.append(one + (x + square * sums[-1]))
    t = (one / b) * (one / b)
    w = const(a, -0.165322962780713e-02) * sums[5] * t + const(a, coefficients[0]) * sums[4]
    for c, s in zip(coefficients[1:], reversed(sums[:4]), strict=True):
        w = w * t + const(a, c) * s
    w = w * (x / b)
    u = (b + (a - const(a, 0.5))) * torch.log1p(h)
    v = a * (torch.log(b) - one)
    return torch.where(torch.le(u, v), (w - v) - u, (w - u) - v)


def _betaln(a: Tensor, b: Tensor) -> Tensor:
    small, large = torch.minimum(a, b), torch.maximum(a, b)
    below = torch.lt(large, const(a, 8))
    return torch.where(below, _betaln_small(small, large), _lgamma(small) + _log_ratio(small, large))


@binary(promote=to_inexact, primitive="min", keywords=True, module=MODULE)
def betaln(a: Tensor, b: Tensor) -> Tensor:
    """The logarithm of the beta function."""
    check_kinds("lgamma", FLOATING, dtypes.from_torch(a.dtype))
    return _betaln(a, b)


@binary(promote=to_inexact, primitive="mul", result="strong", keywords=True, module=MODULE)
def beta(a: Tensor, b: Tensor) -> Tensor:
    """``gamma(a) * gamma(b) / gamma(a + b)``."""
    refuse_complex("beta", a)
    return _gammasgn(a) * _gammasgn(b) * _gammasgn(a + b) * torch.exp(_betaln(a, b))


def comb(N: ArrayLike, k: ArrayLike, *, repetition: bool = False) -> Array:
    """In how many ways ``k`` of ``N`` things can be chosen, as a float.

    Args:
        N: number of things.
        k: number of choices.
        repetition: whether a thing may be chosen more than once.

    Returns:
        An array of the common shape; 0 where there is no way.
    """
    total, chosen = promote_args_inexact("comb", N, k)
    check_kinds("lgamma", FLOATING, total.dtype)
    broadcast_shapes("comb", [chosen.shape, total.shape], "le")
    weak = total.weak_type and chosen.weak_type
    n, chosen = unwrap(total), unwrap(chosen)
    if not repetition:
        return Array(_comb(n, chosen), weak)
    zero = const(n, 0)
    empty = torch.eq(chosen, zero) & torch.ge(n, zero)
    return Array(torch.where(empty, const(n, 1), _comb(n + chosen - const(n, 1), chosen)), weak)


def _comb(n: Tensor, k: Tensor) -> Tensor:
    zero, one = const(n, 0), const(n, 1)
    possible = torch.le(k, n) & torch.ge(n, zero) & torch.ge(k, zero)
    n, k = torch.where(possible, n, zero), torch.where(possible, k, zero)
    ways = torch.exp(_lgamma(n + one) - _lgamma(k + one) - _lgamma(n + one - k))
    return torch.where(possible, ways, zero)


def multigammaln(a: ArrayLike, d: ArrayLike) -> Array:
    """The logarithm of the ``d``-dimensional gamma function."""
    size = concrete_or_error(int, d, "d argument of multigammaln")
    a, _ = promote_args_inexact("multigammaln", a, size)
    x = unwrap(a)
    log_pi = torch.log(const(x, math.pi)) * const(x, 0.25 * size * (size - 1))
    total = const(x, 0)
    for k in range(size):
        total = total + _lgamma(x - const(x, k / 2))
    return Array(total + log_pi)


# Incomplete gamma functions


def gamma_density(a: Tensor, x: Tensor) -> Tensor:
    """The derivative of gammainc in ``x``."""
    return torch.exp(-x + (a - const(a, 1)) * torch.log(x) - _lgamma(a))


def _incomplete(kernel: Any, sign: int) -> Any:
    """gammainc or gammaincc as a function of Arrays of one dtype with JAX's derivatives."""

    def value(a: Array, x: Array) -> Array:
        return Array(through_float32(kernel, unwrap(a), unwrap(x)))

    differentiable = library_jvp(value)

    @differentiable.defjvp
    def rule(primals: Any, tangents: Any) -> Any:
        a, x = map(unwrap, primals)
        da, dx = map(unwrap, tangents)
        density = gamma_density(a, x)
        # The derivative in a, through that of a sample at fixed probability.
        slope = -through_float32(random_gamma_grad, a, x) * density
        return differentiable(*primals), Array(const(a, sign) * (slope * da + density * dx))

    def chosen(name: str, primitive: str, a: Any, x: Any) -> Array:
        a, x = promote_args_inexact(name, a, x)
        if not dtypes.issubdtype(a.dtype, np.floating):
            raise TypeError(
                f"{primitive} does not accept dtype {a.dtype} at position 0. Accepted dtypes at position 0 are "
                "subtypes of floating."
            )
        shape = broadcast_shapes(name, [a.shape, x.shape], primitive)
        weak = a.weak_type and x.weak_type
        both = [Array(unwrap(v).expand(shape)) for v in (a, x)]
        out = value(*both) if STATE.frame is None else differentiable(*both)
        return Array(unwrap(out), weak)

    return chosen


_lower = _incomplete(torch.special.gammainc, 1)
_upper = _incomplete(torch.special.gammaincc, -1)


def gammainc(a: ArrayLike, x: ArrayLike) -> Array:
    """The regularized lower incomplete gamma function: the gamma distribution function of shape ``a``."""
    return _lower("gammainc", "igamma", a, x)


def gammaincc(a: ArrayLike, x: ArrayLike) -> Array:
    """``1 - gammainc(a, x)``, accurate where that is small."""
    return _upper("gammaincc", "igammac", a, x)


# Zeta and polygamma


@functools.cache
def _bernoulli(count: int) -> list[Fraction]:
    """B(0) to B(count - 1), with B(1) = -1/2."""
    found = [Fraction(1)]
    for n in range(1, count):
        total = sum((math.comb(n + 1, k) * b for k, b in enumerate(found)), Fraction(0))
        found.append(-total / (n + 1))
    return found


def _zeta_series(s: Tensor, a: Tensor) -> Tensor:
    """The Hurwitz zeta function by the Euler-Maclaurin formula (Johansson, arXiv:1309.2877, formula 5)."""
    terms = 16 if a.dtype is torch.float64 else 8
    n, one = const(a, terms), const(a, 1)
    end = a + n
    total = const(a, 0)
    for k in range(terms):
        total = total + torch.pow(a + const(a, k), -s)
    total = total + torch.pow(end, one - s) / (s - one)
    power = torch.pow(end, -s)
    tail = const(a, 0.5)
    rising = one
    largest = const(a, float(torch.finfo(a.dtype).max))
    for m in range(2 * terms):
        rising = rising * ((s + const(a, m)) / end)
        if m % 2 == 0:
            b = _bernoulli(2 * terms + 1)[m + 2]
            tail = tail + torch.minimum(rising, largest) * const(a, float(b / math.factorial(m + 2)))
    return total + power * tail


def zeta(x: ArrayLike, q: ArrayLike | None = None) -> Array:
    """The Hurwitz zeta function, the sum of ``(n + q)**-x`` over n from 0."""
    if q is None:
        raise NotImplementedError(
            "Riemann zeta function not implemented; pass q != None to compute the Hurwitz Zeta function."
        )
    return _zeta(x, q)


@binary(promote=to_inexact, accepts=FLOATING, primitive="zeta", arguments_of="zeta", keywords=True, module=MODULE)
def _zeta(x: Tensor, q: Tensor) -> Tensor:
    if transformed():
        return through_float32(_zeta_series, x, q)
    return zeta_value(x, q)


def zeta_value(x: Tensor, q: Tensor) -> Tensor:
    """Zeta with JAX's values at its poles: infinite for 1 and even ``x``, NaN for others."""
    pole = torch.le(q, const(q, 0)) & torch.eq(q, torch.floor(q))
    even = torch.eq(torch.remainder(x, const(x, 2)), const(x, 0)) | torch.eq(x, const(x, 1))
    at_pole = torch.where(even, const(q, math.inf), const(q, math.nan))
    return torch.where(pole, at_pole, through_float32(torch.special.zeta, x, q))


def polygamma(n: ArrayLike, x: ArrayLike) -> Array:
    """The derivative of order ``n`` of `digamma`; ``n`` is an integer array."""
    check_arraylike("polygamma", n, x)
    order = asarray(n)
    if not dtypes.issubdtype(order.dtype, np.integer):
        raise ValueError(f"Argument `n` to polygamma must be of integer type. Got dtype {order.dtype}.")
    m, x = promote_args_inexact("polygamma", n, x)
    if dtypes.issubdtype(x.dtype, np.complexfloating):
        raise ValueError("polygamma does not support complex-valued inputs.")
    shape = broadcast_shapes("polygamma", [m.shape, x.shape], "polygamma")
    orders, points = (Array(unwrap(v).expand(shape)) for v in (m, x))
    value = _polygamma_value if STATE.frame is None else _polygamma
    return Array(unwrap(value(orders, points)), m.weak_type and x.weak_type)


def _polygamma_value(n: Array, x: Array) -> Array:
    return Array(through_float32(polygamma_by_zeta, unwrap(n), unwrap(x)))


_polygamma = library_jvp(_polygamma_value)  # torch's zeta has no forward derivative


@_polygamma.defjvp
def _polygamma_jvp(primals: Any, tangents: Any) -> Any:
    (n, x), (_, dx) = primals, tangents
    order = unwrap(n)
    return _polygamma(n, x), Array(unwrap(dx) * unwrap(_polygamma(Array(order + const(order, 1)), x)))


def polygamma_by_zeta(n: Tensor, x: Tensor) -> Tensor:
    one, zero = const(n, 1), const(n, 0)
    digamma_wanted = torch.eq(n, zero)
    k = torch.where(digamma_wanted, one, n)
    even = torch.eq(torch.remainder(k, const(k, 2)), zero)
    undefined = torch.ne(k, torch.floor(k))
    higher = torch.where(even, -one, one) * torch.exp(torch.lgamma(k + one)) * torch.special.zeta(k + one, x)
    two_sided = even & torch.le(x, zero) & torch.eq(x, torch.floor(x))  # a pole with another sign on each side
    higher = torch.where(two_sided | undefined, const(x, math.nan), higher)
    return torch.where(digamma_wanted, lax_special.digamma_value(x), higher)
