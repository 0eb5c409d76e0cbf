"""betainc: the regularized incomplete beta function, by its continued fraction.

Lentz' algorithm (Press et al., Numerical Recipes, 6.4) for x below about the mean of the distribution, and the
reflection ``1 - betainc(b, a, 1 - x)`` above it. Differentiable in x only, as JAX's.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src import dtypes
from jaxlike._src.array import Array
from jaxlike._src.border import broadcast_shapes, promote_args_inexact, unwrap
from jaxlike._src.frames import STATE
from jaxlike._src.numpy.kinks import const
from jaxlike._src.random.ops import operator
from jaxlike._src.scipy.loops import iterate, like_first
from jaxlike._src.scipy.special import through_float32
from jaxlike._src.transforms.custom import library_jvp
from jaxlike._src.transforms.types import SymbolicZero

if TYPE_CHECKING:
    from torch import Tensor

    from jaxlike._src.typing import ArrayLike


@operator("betainc(Tensor a, Tensor b, Tensor x) -> Tensor", like_first)
def _betainc(a: Tensor, b: Tensor, x: Tensor) -> Tensor:
    """The function of tensors of one shape."""
    return through_float32(_by_fraction, a, b, x)


def _by_fraction(a: Tensor, b: Tensor, x: Tensor) -> Tensor:
    a_vanishes = (a == 0) | (b == math.inf)
    b_vanishes = (b == 0) | (a == math.inf)
    zero = (b_vanishes & (x != 1)) | (a_vanishes & (x == 0))
    one = (a_vanishes & (x != 0)) | (b_vanishes & (x == 1))
    undefined = (a < 0) | (b < 0) | (x < 0) | (x > 1) | (a_vanishes & b_vanishes) | ((a != a) | (b != b) | (x != x))
    direct = x < (a + 1) / (a + b + 2)
    p, q, y = torch.where(direct, a, b), torch.where(direct, b, a), torch.where(direct, x, 1 - x)
    fraction = _continued_fraction(p, q, y, ~(zero | one | undefined))
    log_ratio = torch.lgamma(q) - torch.lgamma(p + q)
    tiny = p < 2 * torch.finfo(x.dtype).tiny
    edge = torch.exp(torch.log1p(-y) * q - log_ratio)
    factor = torch.exp(torch.log(y) * p + torch.log1p(-y) * q - (torch.lgamma(p) + log_ratio)) / p
    value = fraction * torch.where(tiny, edge, factor)
    value = torch.where(direct, value, 1 - value)
    value = torch.where(one, 1.0, torch.where(zero, 0.0, value))
    return torch.where(undefined, math.nan, value)


def _continued_fraction(a: Tensor, b: Tensor, x: Tensor, wanted: Tensor) -> Tensor:
    """The fraction's value, by the modified Lentz algorithm."""
    eps = torch.finfo(x.dtype).eps / 2
    most = 200 if x.dtype == torch.float32 else 600

    def away(t: Tensor) -> Tensor:
        return torch.where(t.abs() < eps, eps, t)

    def numerator(k: Tensor) -> Tensor:
        m = torch.floor((k - 1) / 2)
        even = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        even = torch.where(m == 0, -(a + b) * x / (a + 1), even)
        odd = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        return torch.where(k == 1, 1.0, torch.where(torch.remainder(k, 2) == 0, even, odd))

    def step(k: Tensor, c: Tensor, d: Tensor, h: Tensor, delta: Tensor) -> tuple[Tensor, ...]:
        n = numerator(k)
        c = away(1 + n / c)
        d = 1 / away(1 + n * d)
        delta = c * d
        return k + 1, c, d, h * delta, delta

    def going(k: Tensor, c: Tensor, d: Tensor, h: Tensor, delta: Tensor) -> Tensor:
        return wanted & (k < most) & ((delta - 1).abs() >= eps)

    start = torch.full_like(x, eps)
    state = torch.ones_like(x), start, torch.zeros_like(x), start, torch.full_like(x, math.inf)
    return iterate(step, going, state)[3]


@library_jvp
def regularized(a: Array, b: Array, x: Array) -> Array:
    """`betainc` of Arrays of one dtype and shape."""
    return Array(_betainc(*map(unwrap, (a, b, x))))


def _log_beta(a: Tensor, b: Tensor) -> Tensor:
    return torch.lgamma(a) + torch.lgamma(b) - torch.lgamma(a + b)


def _density(a: Tensor, b: Tensor, x: Tensor) -> Tensor:
    one = const(x, 1)
    return torch.exp((b - one) * torch.log1p(-x) + (a - one) * torch.log(x) - _log_beta(a, b))


def _regularized_jvp(primals: Any, tangents: Any) -> Any:
    da, db, dx = tangents
    if not (isinstance(da, SymbolicZero) and isinstance(db, SymbolicZero)):
        raise ValueError("Betainc gradient with respect to a and b not supported.")
    density = through_float32(_density, *map(unwrap, primals))
    return regularized(*primals), Array(unwrap(dx) * density)


regularized.defjvp(_regularized_jvp, symbolic_zeros=True)


def betainc(a: ArrayLike, b: ArrayLike, x: ArrayLike) -> Array:
    """The regularized incomplete beta function: the beta distribution function of parameters ``a`` and ``b`` at ``x``."""
    a, b, x = promote_args_inexact("betainc", a, b, x)
    if dtypes.issubdtype(x.dtype, np.complexfloating):
        raise ValueError("betainc does not support complex-valued inputs.")
    weak = a.weak_type and b.weak_type and x.weak_type
    shape = broadcast_shapes("betainc", [a.shape, b.shape, x.shape], "regularized_incomplete_beta")
    full = [Array(unwrap(v).expand(shape)) for v in (a, b, x)]
    value = regularized.fun if STATE.frame is None else regularized
    return Array(unwrap(value(*full)), weak)
