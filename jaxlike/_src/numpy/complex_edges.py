"""complex_edges: functions of complex numbers with infinite or NaN parts, as JAX's compiler has them.

torch follows Annex G of the C standard, where exp(-inf + i inf) is 0. XLA computes with the parts, where an
infinite angle has no sine, and that is NaN. A kernel here is torch's, so its derivatives are, with other values at
such operands alone. Real operands go to torch at once.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from jaxlike._src.border import scalar
from jaxlike._src.regions import as_one

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    Kernel = Callable[[Tensor], Tensor]


def _nan_where(name: str, op: Kernel, at: Kernel) -> Kernel:
    """``op``, for complex operands NaN where ``at`` says so."""

    def with_edges(x: Tensor) -> Tensor:
        out = op(x)
        return torch.where(at(x.detach()), scalar(complex(math.nan, math.nan), out.dtype), out)

    def kernel(x: Tensor) -> Tensor:
        return as_one(name, {"accuracy": None}, with_edges, x) if x.dtype.is_complex else op(x)

    kernel.__name__ = name
    return kernel


def _wild_real(x: Tensor) -> Tensor:
    return ~torch.isfinite(x.real)


def _wild_imag(x: Tensor) -> Tensor:
    return ~torch.isfinite(x.imag)


def _on_one_side(op: Kernel, zero: complex) -> Kernel:
    """``op``, for complex operands after this zero is added: on a cut XLA does not look at which side -0.0 is."""
    return lambda x: op(x + scalar(zero, x.dtype)) if x.dtype.is_complex else op(x)


def _inverse_function(name: str, op: Kernel, zero: complex) -> Kernel:
    settled = _on_one_side(op, zero)
    return lambda x: as_one(name, {}, settled, x) if x.dtype.is_complex else op(x)


exp = _nan_where("exp", torch.exp, _wild_imag)
log = _nan_where("log", torch.log, torch.isnan)
sqrt = _nan_where("sqrt", _on_one_side(torch.sqrt, complex(-0.0, 0.0)), torch.isnan)
sin = _nan_where("sin", torch.sin, _wild_real)
cos = _nan_where("cos", torch.cos, _wild_real)
tan = _nan_where("tan", torch.tan, lambda x: _wild_real(x) & (x.imag == 0))
sinh = _nan_where("sinh", torch.sinh, _wild_imag)
cosh = _nan_where("cosh", torch.cosh, _wild_imag)
asin = _inverse_function("asin", torch.asin, complex(-0.0, 0.0))
acos = _inverse_function("acos", torch.acos, complex(-0.0, 0.0))
asinh = _inverse_function("asinh", torch.asinh, complex(0.0, -0.0))
acosh = _inverse_function("acosh", torch.acosh, complex(-0.0, 0.0))
tanh = _nan_where("tanh", torch.tanh, lambda x: _wild_imag(x) & (x.real == 0))


def _expm1(x: Tensor) -> Tensor:
    out, known = torch.expm1(x), x.detach()
    spoiled = (known.imag == 0) & ~torch.isfinite(out.detach())  # the imaginary part, by 0 times inf
    return torch.where(spoiled, torch.complex(out.detach().real, known.imag), out)


expm1 = _nan_where("expm1", lambda x: _expm1(x) if x.dtype.is_complex else torch.expm1(x), _wild_imag)


def log1p(x: Tensor) -> Tensor:
    """``log(1 + x)``; of an infinite imaginary part what `log` has."""
    out = torch.log1p(x)
    if not x.dtype.is_complex:
        return out
    known = x.detach()
    if x.dtype is torch.complex64:  # near the circle |1 + x| = 1 torch loses the real part, half of a logarithm
        a, b = known.real.double(), known.imag.double()
        real = (torch.log1p(a * (2 + a) + b * b) / 2).to(torch.float32)
        better = torch.where(a * a + b * b < 1, real - out.detach().real, scalar(0, torch.float32))
        out = out + torch.complex(better, torch.full_like(better, -0.0))  # which keeps the sign of 0
    return torch.where(torch.isinf(known.imag) & ~torch.isnan(known.real), log(known), out)


def square(x: Tensor) -> Tensor:
    """``x * x`` of complex numbers; by the sum and the difference of its parts where the product overflows."""
    a, b = x.detach().real, x.detach().imag  # the slope is that of the product
    product = torch.mul(x, x)
    real = torch.where(a.abs() == b.abs(), scalar(0, a.dtype), (a - b) * (a + b))
    real = torch.where(torch.isfinite(a), real, (a - b) * (a + b))
    return torch.where(torch.isfinite(product.detach()), product, torch.complex(real, 2 * (a * b)))


def quotient(x: Tensor, y: Tensor) -> Tensor:
    """``x / y`` of complex numbers; 0 for what is finite by what is infinite."""
    out = torch.true_divide(x, y)
    vanishes = torch.isinf(y.detach()) & torch.isfinite(x.detach())
    return torch.where(vanishes & torch.isnan(out.detach()), scalar(0, out.dtype), out)


def inverse(x: Tensor) -> Tensor:
    """``1 / x``; 0 for what is infinite."""
    out = torch.reciprocal(x)
    return torch.where(torch.isinf(x.detach()), scalar(0, out.dtype), out) if x.dtype.is_complex else out


def logistic(x: Tensor) -> Tensor:
    """``1 / (1 + exp(-x))``."""
    return inverse(1 + exp(-x)) if x.dtype.is_complex else torch.sigmoid(x)


def power(x: Tensor, y: Tensor) -> Tensor:
    """``x ** y`` of complex numbers, x not 0; by modulus and angle where that of C does not give a finite number."""
    out = torch.pow(x, y)
    x, y = x.detach(), y.detach()  # its slope is that of C's
    modulus, angle = torch.where(torch.isnan(x), math.nan, x.abs()), x.angle()
    turn = y.real * angle + y.imag * torch.log(modulus)
    polar = modulus**y.real * torch.exp(-y.imag * angle)
    wild = torch.complex(polar * torch.cos(turn), polar * torch.sin(turn))
    real_inf = (x.real == math.inf) & (x.imag == 0) & (y.imag == 0)
    limit = torch.where(y.real > 0, scalar(math.inf, out.dtype), scalar(0, out.dtype))
    wild = torch.where(real_inf & ~torch.isnan(y), limit, wild)
    wild = torch.where((x == 1) | (y == 0), scalar(1, out.dtype), wild)
    return torch.where(torch.isfinite(x) & torch.isfinite(y) & torch.isfinite(out.detach()), out, wild)
