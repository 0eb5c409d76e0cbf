"""hypergeometric: Pochhammer's symbol, the confluent function 1F1 and Gauss' function 2F1.

Power series where they converge, an asymptotic series (1F1 of large x) or the transformation to ``1 - x``
(2F1 near 1) elsewhere. Derivatives by the parameters are series of their own, and not differentiable further.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src import dtypes
from jaxlike._src.array import Array
from jaxlike._src.border import broadcast_shapes, promote_args_inexact, unwrap
from jaxlike._src.random.ops import operator
from jaxlike._src.scipy import jnp
from jaxlike._src.scipy.gammas import digamma, gamma
from jaxlike._src.scipy.loops import iterate, like_first, without_derivative
from jaxlike._src.scipy.special import through_float32
from jaxlike._src.transforms.custom import library_jvp

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from jaxlike._src.typing import ArrayLike

_MOST_TERMS = 250


def _gamma(x: Tensor) -> Tensor:
    return gamma.kernel(x)


def _sum(first: Any, term: Tensor, step: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]], start: int = 1) -> Tensor:
    """``first`` plus terms, until one is below the rounding of the sum; step(k, term) gives (what to add, the next)."""
    eps = torch.finfo(term.dtype).eps

    def body(total: Tensor, k: Tensor, term: Tensor) -> tuple[Tensor, ...]:
        added, after = step(k, term)
        return total + added, k + 1, after

    def going(total: Tensor, k: Tensor, term: Tensor) -> Tensor:
        return (k < _MOST_TERMS) & (term.abs() > eps * total.abs())

    begin = torch.full_like(term, first), torch.full_like(term, float(start)), term
    return iterate(body, going, begin)[0]


def _real(name: str, *args: Any) -> list[Array]:
    arrays = promote_args_inexact(name, *args)
    if dtypes.issubdtype(arrays[0].dtype, np.complexfloating):
        raise ValueError(f"{name} does not support complex-valued inputs.")
    shape = broadcast_shapes(name, [a.shape for a in arrays])
    return [Array(unwrap(a).expand(shape)) for a in arrays]


# Pochhammer's symbol


@library_jvp
def poch(z: ArrayLike, m: ArrayLike) -> Array:
    """Pochhammer's symbol ``gamma(z + m) / gamma(z)``."""
    z, m = promote_args_inexact("poch", z, m)
    if dtypes.issubdtype(z.dtype, np.complexfloating):
        raise ValueError("jnp.poch does not support complex-valued inputs.")
    return jnp.where(m == 0.0, jnp.ones_like(z), gamma(z + m) / gamma(z))


poch.defjvps(
    lambda dz, out, z, m: (digamma(z + m) - digamma(z)) * poch(z, m) * dz,
    lambda dm, out, z, m: digamma(z + m) * poch(z, m) * dm,
)


# 1F1


@operator("hyp1f1(Tensor a, Tensor b, Tensor x) -> Tensor", like_first)
def _hyp1f1(a: Tensor, b: Tensor, x: Tensor) -> Tensor:
    """1F1 of tensors of one shape."""
    return through_float32(_hyp1f1_value, a, b, x)


def _hyp1f1_value(a: Tensor, b: Tensor, x: Tensor) -> Tensor:
    series = _sum(1.0, a / b * x, lambda k, term: (term, term * ((a + k) / (b + k) * x / (k + 1))))
    far = _sum(1.0, (b - a) * (1 - a) / x, lambda k, term: (term, term * ((b - a + k) * (1 - a + k) / (k + 1) / x)))
    far = _gamma(b) / _gamma(a) * torch.exp(x) * torch.pow(x, a - b) * far
    value = torch.where(x.abs() < 100, series, far)
    value = torch.where((b == 0) & (a != 0), math.inf, value)
    value = torch.where((a == b) & (a != 0), torch.exp(x), value)
    return torch.where(a == 0, 1.0, value)


def _by_parameter(weight: Callable[[Tensor, Tensor, Tensor], Tensor]) -> Callable[..., Tensor]:
    def kernel(a: Tensor, b: Tensor, x: Tensor) -> Tensor:
        def step(k: Tensor, term: Tensor) -> tuple[Tensor, Tensor]:
            return term * weight(a, b, k), term * ((a + k) / (b + k) * x / (k + 1))

        return _sum(0.0, a / b * x, step)

    return lambda *args: through_float32(kernel, *args)


_hyp1f1_by_a = without_derivative(
    "hyp1f1",
    operator("hyp1f1_by_a(Tensor a, Tensor b, Tensor x) -> Tensor", like_first)(
        _by_parameter(lambda a, b, k: torch.digamma(a + k) - torch.digamma(a))
    ),
)
_hyp1f1_by_b = without_derivative(
    "hyp1f1",
    operator("hyp1f1_by_b(Tensor a, Tensor b, Tensor x) -> Tensor", like_first)(
        _by_parameter(lambda a, b, k: torch.digamma(b) - torch.digamma(b + k))
    ),
)


@library_jvp
def hyp1f1(a: ArrayLike, b: ArrayLike, x: ArrayLike) -> Array:
    """The confluent hypergeometric function, the sum of ``(a)_k / (b)_k * x**k / k!``."""
    args = _real("hyp1f1", a, b, x)
    return Array(_hyp1f1(*map(unwrap, args)))


hyp1f1.defjvps(
    lambda da, out, a, b, x: _hyp1f1_by_a(*_real("hyp1f1", a, b, x)) * da,
    lambda db, out, a, b, x: _hyp1f1_by_b(*_real("hyp1f1", a, b, x)) * db,
    lambda dx, out, a, b, x: a / b * hyp1f1(a + 1, b + 1, x) * dx,
)


# 2F1


@operator("hyp2f1(Tensor a, Tensor b, Tensor c, Tensor x) -> Tensor", like_first)
def _hyp2f1(a: Tensor, b: Tensor, c: Tensor, x: Tensor) -> Tensor:
    """2F1 of tensors of one shape."""
    return through_float32(_hyp2f1_value, a, b, c, x)


def _whole(x: Tensor) -> Tensor:
    """Where ``x`` is an integer, but for rounding."""
    return (x - torch.round(x)).abs() < 50 * torch.finfo(x.dtype).eps


def _hyp2f1_value(a: Tensor, b: Tensor, c: Tensor, x: Tensor) -> Tensor:
    d, s, ca, cb = c - a - b, 1 - x, c - a, c - b
    value = _hyp2f1_inside(a, b, c, x)
    value = torch.where(x == 1, _gamma(c) * _gamma(d) / (_gamma(ca) * _gamma(cb)), value)
    value = torch.where(x > 1, math.inf, value)
    value = torch.where((x < 1) & (a == c), torch.pow(s, -b), value)
    value = torch.where((x < 1) & (b == c), torch.pow(s, -a), value)
    value = torch.where((d <= 0) & (x == 1), math.inf, value)
    euler = (d <= -1) & ~(~_whole(d) & (s < 0))
    value = torch.where(euler, torch.pow(s, d) * _hyp2f1_inside(ca, cb, c, x), value)
    value = torch.where((c == 0) | ((c < 0) & (torch.remainder(c, 1) == 0)), math.inf, value)
    return torch.where((x == 0) | (((a == 0) | (b == 0)) & (c != 0)), 1.0, value)


def _hyp2f1_inside(a: Tensor, b: Tensor, c: Tensor, x: Tensor) -> Tensor:
    d = c - a - b
    ends = ((a <= 0) & _whole(a)) | ((b <= 0) & _whole(b))
    near_one = (x > 0.9) & ~ends & _whole(d)
    value = _sum(0.0, torch.ones_like(x), lambda k, t: (t, t * ((a + k - 1) * (b + k - 1) / (c + k - 1) / k * x)))
    value = torch.where(ends, _hyp2f1_polynomial(a, b, c, x, ends), value)
    if not bool(near_one.any()):
        return value
    return torch.where(near_one, _hyp2f1_near_one(a, b, c, x), value)


def _hyp2f1_polynomial(a: Tensor, b: Tensor, c: Tensor, x: Tensor, wanted: Tensor) -> Tensor:
    """The terminating series, of ``-a`` terms beyond the first (``-b`` if that is the smaller integer)."""
    pole_first = (torch.remainder(c, 1) == 0) & (c <= 0) & (c > b)
    swap = (b < a) & _whole(b) & ~pole_first
    a, b = torch.where(swap, b, a).abs(), torch.where(swap, a, b)

    def step(k: Tensor, total: Tensor, term: Tensor) -> tuple[Tensor, ...]:
        term = term * (-(a - k + 1) / (c + k - 1) * (b + k - 1) / k * x)
        return k + 1, total + term, term

    one = torch.ones_like(x)
    return iterate(step, lambda k, total, term: wanted & (k < a + 1), (one, one, one))[1]


def _hyp2f1_near_one(a: Tensor, b: Tensor, c: Tensor, x: Tensor) -> Tensor:
    """By psi functions in ``1 - x``, where ``c - a - b`` is an integer (Abramowitz and Stegun 15.3.10 to 15.3.12)."""
    eps = torch.finfo(x.dtype).eps
    d, s = c - a - b, 1 - x
    order = torch.round(d)
    positive = order >= 0
    zero, one = torch.zeros_like(d), torch.ones_like(d)
    e, d1, d2 = torch.where(positive, d, -d), torch.where(positive, d, zero), torch.where(positive, zero, d)
    psi, log = torch.digamma, torch.log(s)
    y = (psi(one) + psi(1 + e) - psi(a + d1) - psi(b + d1) - log) / _gamma(e + 1)
    p = (a + d1) * (b + d1) * s / _gamma(e + 2)

    def step(t: Tensor, p: Tensor, q: Tensor, y: Tensor) -> tuple[Tensor, ...]:
        r = psi(1 + t) + psi(1 + t + e) - psi(a + t + d1) - psi(b + t + d1) - log
        q = p * r
        p = p * (s * (a + t + d1) / (t + 1)) * ((b + t + d1) / (t + 1 + e))
        return t + 1, p, q, y + q

    y = iterate(step, lambda t, p, q, y: (t < _MOST_TERMS) & (q.abs() >= eps * y.abs()), (one, p, y, y))[3]
    count = order.abs()

    def finite(k: Tensor, t: Tensor, p: Tensor, total: Tensor) -> tuple[Tensor, ...]:
        p = p * (s * (a + t + d2) * (b + t + d2) / (1 - e + t)) / (t + 1)
        return k + 1, t + 1, p, total + p

    head = iterate(finite, lambda k, t, p, total: k < count, (one, zero, one, one))[3]
    c_gamma = _gamma(c)
    head = head * (_gamma(e) * c_gamma / (_gamma(a + d1) * _gamma(b + d1)))
    tail = y * (c_gamma / (_gamma(a + d2) * _gamma(b + d2)))
    tail = torch.where(torch.remainder(count, 2) != 0, -tail, tail)
    power = torch.pow(s, order)
    both = torch.where(order > 0, tail * power + head, tail + head * power)
    return torch.where(order == 0, y * c_gamma / (_gamma(a) * _gamma(b)), both)


def _gauss_by_parameter(weight: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def kernel(a: Tensor, b: Tensor, c: Tensor, x: Tensor) -> Tensor:
        def step(k: Tensor, term: Tensor) -> tuple[Tensor, Tensor]:
            return term * weight(a, b, c, k), term * ((a + k) * (b + k) / (c + k) / (k + 1) * x)

        return _sum(0.0, a * b / c * x, step)

    return lambda *args: through_float32(kernel, *args)


_hyp2f1_by_a = without_derivative(
    "hyp2f1",
    operator("hyp2f1_by_a(Tensor a, Tensor b, Tensor c, Tensor x) -> Tensor", like_first)(
        _gauss_by_parameter(lambda a, b, c, k: torch.digamma(a + k) - torch.digamma(a))
    ),
)
_hyp2f1_by_b = without_derivative(
    "hyp2f1",
    operator("hyp2f1_by_b(Tensor a, Tensor b, Tensor c, Tensor x) -> Tensor", like_first)(
        _gauss_by_parameter(lambda a, b, c, k: torch.digamma(b + k) - torch.digamma(b))
    ),
)
_hyp2f1_by_c = without_derivative(
    "hyp2f1",
    operator("hyp2f1_by_c(Tensor a, Tensor b, Tensor c, Tensor x) -> Tensor", like_first)(
        _gauss_by_parameter(lambda a, b, c, k: torch.digamma(c) - torch.digamma(c + k))
    ),
)


@library_jvp
def hyp2f1(a: ArrayLike, b: ArrayLike, c: ArrayLike, x: ArrayLike) -> Array:
    """Gauss' hypergeometric function, the sum of ``(a)_k (b)_k / (c)_k * x**k / k!``."""
    args = _real("hyp2f1", a, b, c, x)
    return Array(_hyp2f1(*map(unwrap, args)))


hyp2f1.defjvps(
    lambda da, out, a, b, c, x: _hyp2f1_by_a(*_real("hyp2f1", a, b, c, x)) * da,
    lambda db, out, a, b, c, x: _hyp2f1_by_b(*_real("hyp2f1", a, b, c, x)) * db,
    lambda dc, out, a, b, c, x: _hyp2f1_by_c(*_real("hyp2f1", a, b, c, x)) * dc,
    lambda dx, out, a, b, c, x: a * b / c * hyp2f1(a + 1, b + 1, c + 1, x) * dx,
)
