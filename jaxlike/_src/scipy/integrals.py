"""integrals: exponential, sine, cosine and Fresnel integrals, Spence's function, Owen's T.

Rational approximations (tables in `rational`) where they exist, a series or a continued fraction for expn.
Derivatives are the integrands, by rules, so that no approximation is differentiated (save Spence's, as JAX's).
"""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src import dtypes
from jaxlike._src.array import Array
from jaxlike._src.border import astype, broadcast_shapes, promote_args_inexact, unwrap
from jaxlike._src.lax import special as lax_special
from jaxlike._src.numpy.kinks import const
from jaxlike._src.random.ops import operator
from jaxlike._src.scipy import jnp, rational
from jaxlike._src.scipy.loops import iterate, like_first
from jaxlike._src.scipy.rational import polynomial, ratio
from jaxlike._src.scipy.special import through_float32
from jaxlike._src.transforms.custom import library_jvp

if TYPE_CHECKING:
    from torch import Tensor

    from jaxlike._src.typing import ArrayLike

_EULER_GAMMA = 0.5772156649015329


def _real(name: str, *args: Any) -> list[Array]:
    arrays = promote_args_inexact(name, *args)
    if dtypes.issubdtype(arrays[0].dtype, np.complexfloating):
        raise ValueError(f"{name} does not support complex-valued inputs.")
    return arrays


# Exponential integrals


@library_jvp
def expi(x: ArrayLike) -> Array:
    """The exponential integral Ei, the principal value of the integral of ``exp(t) / t`` up to ``x``."""
    (a,) = _real("expi", x)
    return Array(through_float32(_expi, unwrap(a)), a.weak_type)


@expi.defjvp
def _expi_jvp(primals: Any, tangents: Any) -> Any:
    ((x,), (dx,)) = primals, tangents
    return expi(x), jnp.exp(x) / x * dx


def _expi(x: Tensor) -> Tensor:
    positive = torch.where(torch.gt(x, const(x, 0)), x, const(x, 1))
    near, *far = rational.EXPONENTIAL_INTEGRAL
    value = positive * ratio(near, positive) + const(x, _EULER_GAMMA) + torch.log(positive)
    w = torch.reciprocal(positive)
    w = torch.where(torch.lt(w, const(w, float(torch.finfo(w.dtype).tiny))), const(w, 0), w)  # as XLA: no subnormals
    for k, pieces in enumerate(far):
        beyond = torch.exp(positive) * w * (w * ratio(pieces, w) + const(x, 1))
        value = torch.where(torch.gt(positive, const(x, 2.0 ** (k + 1))), beyond, value)
    one = torch.ones_like(x)
    negative = -_expn(one, torch.where(torch.lt(x, const(x, 0)), -x, one))
    value = torch.where(torch.lt(x, const(x, 0)), negative, value)
    return torch.where(torch.ne(x, const(x, 0)) & torch.eq(x, x), value, const(x, math.nan))


@operator("expn(Tensor n, Tensor x) -> Tensor", like_first)
def _expn(n: Tensor, x: Tensor) -> Tensor:
    """The generalized exponential integral of tensors of one shape (Cephes' expn)."""
    return through_float32(_expn_pieces, n, x)


def _expn_pieces(n: Tensor, x: Tensor) -> Tensor:
    value = torch.where(n >= 5000, _expn_large(n, x), _expn_series(n, x, ~((n >= 5000) | (x > 1))))
    value = torch.where((n == 0) & (x >= 0), torch.exp(-x) / x, value)
    value = torch.where((x == 0) & (n >= 2), 1 / torch.where(n == 1, 2.0, n), value)
    value = torch.where((x == 0) & (n < 2), math.inf, value)
    value = torch.where((n < 0) | (x < 0), math.nan, value)
    return torch.where(x > 1, _expn_fraction(n, x, x > 1), value)


def _expn_series(n: Tensor, x: Tensor, wanted: Tensor) -> Tensor:
    eps = torch.finfo(x.dtype).eps
    psi = torch.digamma(torch.clamp(torch.ceil(n), min=1)) - torch.log(x)
    first = n == 1
    start = torch.where(first, 0.0, 1 / (1 - torch.where(first, 2.0, n)))

    def step(k: Tensor, term: Tensor, total: Tensor, error: Tensor) -> tuple[Tensor, ...]:
        k = k + 1
        term = term * (-x / k)
        divisor = 1 - n + k
        total = total + torch.where(divisor != 0, term / divisor, 0.0)
        return k, term, total, torch.where(total != 0, (term / total).abs(), 1.0)

    def going(k: Tensor, term: Tensor, total: Tensor, error: Tensor) -> Tensor:
        return wanted & (x > 0) & (error > eps)

    zero, one = torch.zeros_like(x), torch.ones_like(x)
    total = iterate(step, going, (zero, one, start, one * math.inf))[2]
    return torch.pow(-x, n - 1) * psi / torch.exp(torch.lgamma(n)) - total


def _expn_fraction(n: Tensor, x: Tensor, wanted: Tensor) -> Tensor:
    big, eps = 1.4411518807585587e17, torch.finfo(x.dtype).eps

    def step(k: Tensor, *rest: Tensor) -> tuple[Tensor, ...]:
        p2, q2, p1, q1, value, error = rest
        k = k + 1
        odd = torch.remainder(k, 2) == 1
        y, z = torch.where(odd, 1.0, x), torch.where(odd, n + (k - 1) / 2, k / 2)
        p, q = p1 * y + p2 * z, q1 * y + q2 * z
        usable = q != 0
        quotient = torch.where(usable, p / q, value)
        error = torch.where(usable, ((value - quotient) / quotient).abs(), 1.0)
        scale = torch.where(p.abs() > big, 1 / big, 1.0)
        return k, p1 * scale, q1 * scale, p * scale, q * scale, quotient, error

    def going(k: Tensor, *rest: Tensor) -> Tensor:
        return wanted & (rest[-1] > eps)

    one = torch.ones_like(x)
    value = iterate(step, going, (one, one, x, one, x + n, 1 / (x + n), one * math.inf))[5]
    return value * torch.exp(-x)


def _expn_large(n: Tensor, x: Tensor) -> Tensor:
    """By an asymptotic series in ``1 / (x + n)``."""
    total = x + n
    y = 1 / (total * total)
    value = y * n * (6 * x * x - 8 * n * x + n * n)
    value = y * (value + n * (n - 2 * x))
    value = y * (value + n)
    return (value + 1) * torch.exp(-x) / total


@functools.partial(library_jvp, nondiff_argnums=(0,))
def expn(n: ArrayLike, x: ArrayLike) -> Array:
    """The generalized exponential integral, of ``exp(-x t) / t**n`` over t from 1; differentiable in ``x``."""
    order, a = _real("expn", n, x)
    shape = broadcast_shapes("expn", [order.shape, a.shape], "lt")
    out = _expn(unwrap(order).expand(shape), unwrap(a).expand(shape))
    return Array(out)


@expn.defjvp
def _expn_jvp(n: Any, primals: Any, tangents: Any) -> Any:
    ((x,), (dx,)) = primals, tangents
    return expn(n, x), -dx * expn(jnp.asarray(n) - 1, x)


def exp1(x: ArrayLike) -> Array:
    """The exponential integral E1, of ``exp(-x t) / t`` over t from 1."""
    (a,) = _real("exp1", x)
    return expn(1, a)


# Sine, cosine and Fresnel integrals


@library_jvp
def sici(x: ArrayLike) -> tuple[Array, Array]:
    """The sine and cosine integrals, of ``sin(t) / t`` from 0 and of ``cos(t) / t`` from infinity."""
    (a,) = promote_args_inexact("sici", x)
    if dtypes.issubdtype(a.dtype, np.complexfloating):
        raise ValueError(f"Argument `x` to sici must be real-valued. Got dtype {a.dtype}.")
    sine, cosine = _sici(unwrap(a).to(torch.float32) if a.dtype.itemsize == 2 else unwrap(a))
    dtype = unwrap(a).dtype
    return Array(sine.to(dtype)), Array(cosine.to(dtype))


@sici.defjvp
def _sici_jvp(primals: Any, tangents: Any) -> Any:
    ((x,), (dx,)) = primals, tangents
    return sici(x), (jnp.sinc(x / math.pi) * dx, jnp.cos(x) / x * dx)


def _sici(x: Tensor) -> tuple[Tensor, Tensor]:
    size = torch.abs(x)
    zero = torch.eq(size, const(x, 0))
    t = size * size
    si = torch.where(zero, const(x, 0), size * ratio(rational.SINE_INTEGRAL, t))
    ci = const(x, _EULER_GAMMA) + torch.log(size) + t * ratio(rational.COSINE_INTEGRAL, t)
    ci = torch.where(zero, const(x, -math.inf), ci)
    far, beyond = torch.gt(size, const(x, 4)), torch.gt(size, const(x, 1e9))
    s, c, z = torch.sin(size), torch.cos(size), torch.reciprocal(t)
    near = torch.lt(size, const(x, 8))
    f4, f8 = (polynomial(p, z) / (size * polynomial(q, z)) for p, q in rational.SICI_F)
    g4, g8 = (z * ratio(pieces, z) for pieces in rational.SICI_G)
    f, g = torch.where(near, f4, f8), torch.where(near, g4, g8)
    si = torch.where(far, const(x, math.pi / 2) - f * c - g * s, si)
    ci = torch.where(far, f * s - g * c, ci)
    infinite = torch.isinf(size)
    si = torch.where(beyond, const(x, math.pi / 2) - torch.where(infinite, const(x, 0), c / size), si)
    ci = torch.where(beyond, torch.where(infinite, const(x, 0), s / size), ci)
    ci = torch.where(torch.eq(x, const(x, -math.inf)), const(x, math.nan), ci)
    return torch.where(torch.eq(x, x), torch.sign(x), x) * si, torch.where(torch.eq(x, x), ci, x)


def _half_square(x: Tensor) -> tuple[Tensor, Tensor]:
    """Sine and cosine of ``pi x**2 / 2``, whose angle is reduced before it is rounded."""
    x = torch.abs(x)
    two, pi = const(x, 2), const(x, math.pi)
    s = torch.fmod(x, two)
    r = torch.fmod(s * (x - s / two), two)
    half, one_and_half = const(x, 0.5), const(x, 1.5)
    shift = torch.where(torch.gt(r, one_and_half), two, torch.where(torch.lt(r, half), const(x, 0), const(x, 1)))
    sine = torch.sin(pi * (r - shift))
    sine = torch.where(torch.eq(shift, const(x, 1)), -sine, sine)
    before = torch.lt(r, const(x, 1))
    cosine = torch.where(before, -torch.sin(pi * (r - half)), torch.sin(pi * (r - one_and_half)))
    return sine, torch.where(torch.eq(r, half), const(x, 0), cosine)


@library_jvp
def fresnel(x: ArrayLike) -> tuple[Array, Array]:
    """The Fresnel integrals S and C, of the sine and the cosine of ``pi t**2 / 2`` from 0."""
    (a,) = promote_args_inexact("fresnel", x)
    if dtypes.issubdtype(a.dtype, np.complexfloating):
        raise NotImplementedError("Support for complex-valued inputs is not implemented yet.")
    t = unwrap(a)
    s, c = _fresnel(t.to(torch.float32) if t.dtype.itemsize == 2 else t)
    return Array(s.to(t.dtype)), Array(c.to(t.dtype))


@fresnel.defjvp
def _fresnel_jvp(primals: Any, tangents: Any) -> Any:
    ((x,), (dx,)) = primals, tangents
    sine, cosine = (Array(v) for v in _half_square(unwrap(x)))
    return fresnel(x), (sine * dx, cosine * dx)


def _fresnel(signed: Tensor) -> tuple[Tensor, Tensor]:
    wide = signed.dtype is torch.float64
    tables = rational.FRESNEL_64 if wide else rational.FRESNEL_32
    x = torch.abs(signed)
    half, one, pi = const(x, 0.5), const(x, 1), const(x, math.pi)
    square = x * x
    fourth = square * square
    small = torch.lt(square, const(x, 2.5625)), x * square * ratio(tables["s"], fourth), x * ratio(tables["c"], fourth)
    sine, cosine = _half_square(x)
    t = pi * square
    u = one / (t * t)
    f, g = one - u * ratio(tables["f"], u), ratio(tables["g"], u) / t
    t = pi * x
    s, c = half - (f * cosine + g * sine) / t, half + (f * sine - g * cosine) / t
    large = torch.gt(x, const(x, 36974.0))
    s = torch.where(large, half - cosine / t if wide else half, s)
    c = torch.where(large, half + sine / t if wide else half, c)
    s, c = torch.where(small[0], small[1], s), torch.where(small[0], small[2], c)
    infinite, negative = torch.isinf(x), torch.lt(signed, const(x, 0))
    s, c = (torch.where(infinite, half, v) for v in (s, c))
    return torch.where(negative, -s, s), torch.where(negative, -c, c)


# Spence's function and Owen's T


def spence(x: ArrayLike) -> Array:
    """Spence's function (a dilogarithm), minus the integral of ``log(t) / (t - 1)`` from 1 to float32 or float64 ``x``."""
    a = jnp.asarray(x)
    if a.dtype not in (np.dtype("float32"), np.dtype("float64")):
        raise TypeError(f"x.dtype={a.dtype} is not supported, see docstring for supported types.")
    return Array(_spence(unwrap(a)), a.weak_type)


def _spence(x: Tensor) -> Tensor:
    zero, one, half = const(x, 0), const(x, 1), const(x, 0.5)
    special = torch.lt(x, zero) | torch.eq(x, one) | torch.eq(x, zero)
    safe = torch.where(special, half, x)  # keeps the slopes of branches that are not taken finite
    inverted = torch.gt(safe, const(x, 2))
    y = torch.where(inverted, one / safe, safe)
    high, low = torch.gt(y, const(x, 1.5)), torch.lt(y, half)
    w = torch.where(low, -y, torch.where(high, one / y - one, y - one))
    value = -w * ratio(rational.SPENCE, w)
    complement = torch.where(low, one - y, half)
    value = torch.where(low, const(x, math.pi**2 / 6) - torch.log(y) * torch.log(complement) - value, value)
    log = torch.log(y)
    value = torch.where(inverted | high, const(x, -0.5) * log * log - value, value)
    value = torch.where(torch.eq(x, zero), const(x, math.pi**2 / 6), torch.where(special, zero, value))
    return torch.where(torch.lt(x, zero), const(x, math.nan), value)


@library_jvp
def _owens_t(h: Array, a: Array) -> Array:
    return Array(_owens_t_value(unwrap(h), unwrap(a)))


@_owens_t.defjvp
def _owens_t_jvp(primals: Any, tangents: Any) -> Any:
    ((h, a), (dh, da)) = primals, tangents
    erf = lax_special.erf.kernel  # pyright: ignore[reportFunctionMemberAccess]
    by_h = -jnp.exp(-0.5 * jnp.square(h)) * Array(erf(unwrap(a * h / math.sqrt(2)))) / (2 * math.sqrt(2 * math.pi))
    by_a = jnp.exp(-0.5 * (jnp.square(a) + 1.0) * jnp.square(h)) / (2.0 * math.pi * (jnp.square(a) + 1.0))
    out = _owens_t(h, a)
    return out, astype(by_h * dh + by_a * da, out.dtype)


def _owens_t_value(h: Tensor, a: Tensor) -> Tensor:
    """The integral in the default float type, as JAX's table of weights makes it; all around it in the type of ``h``."""
    wide = dtypes.to_torch(dtypes.default_float_dtype())
    wide = torch.promote_types(wide, h.dtype)
    one, quarter = const(h, 1), const(h, 0.25)
    h, slope = torch.abs(h), torch.abs(a)
    steep = torch.gt(slope, one)
    p, q = torch.where(steep, slope * h, h), torch.where(steep, torch.reciprocal(slope), slope)
    total, square, energy = const(h, 0).to(wide), (q * q).to(wide), (const(h, -0.5) * p * p).to(wide)
    for point, weight in zip(rational.OWENS_POINTS, rational.OWENS_WEIGHTS, strict=True):
        r = const(square, 1) + square * const(square, point)
        total = total + const(square, weight) * torch.exp(energy * r) / r
    value = q.to(wide) * total
    value = torch.where(torch.eq(p, const(h, 0)), torch.atan(q) / const(h, 2 * math.pi), value)
    root = const(h, math.sqrt(2))
    diagonal = const(h, 0.125) * torch.erfc(-p / root) * torch.erfc(p / root)
    value = torch.where(torch.eq(q, one), diagonal, value)
    x, y = h / root, slope * (h / root)
    near = quarter - quarter * torch.erf(x) * torch.erf(y) - value
    tail_x, tail_y = torch.erfc(x), torch.erfc(y)
    far = quarter * (tail_x + tail_y - tail_x * tail_y) - value
    value = torch.where(steep, torch.where(torch.le(slope * h, const(h, 0.67)), near, far), value)
    undefined = torch.ne(a, a) | torch.ne(h, h)
    return torch.where(undefined, const(value, math.nan), torch.sign(a) * value)


def owens_t(h: ArrayLike, a: ArrayLike) -> Array:
    """Owen's T: the probability that a normal pair has ``x > h`` and ``0 < y < a x``."""
    h, a = promote_args_inexact("owens_t", h, a)
    return _owens_t(h, a)
