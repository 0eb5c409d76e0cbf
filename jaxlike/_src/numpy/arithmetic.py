"""arithmetic: sums, products, quotients, remainders, absolute value, sign, roots.

Integer division never traps: by zero it gives what XLA gives (-1 from the hardware-like division, floored to
-2; remainder 0; all bits set for unsigned types). bool adds as "or" and multiplies as "and"; it does not subtract.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from jaxlike._src import torch_private, unsigned
from jaxlike._src.border import check_rank_promotion, promote_args_numeric, scalar_value
from jaxlike._src.family import FLOATING, NUMERIC, REAL, alias, binary, to_inexact, to_numeric, unary
from jaxlike._src.numpy import complex_edges
from jaxlike._src.numpy.kinks import const, magnitude, transformed
from jaxlike._src.numpy.shape import broadcast_arrays
from jaxlike._src.regions import JIT, as_one, in_steps, spelled, written_as
from jaxlike._src.special import beside

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from jaxlike._src.array import Array
    from jaxlike._src.typing import ArrayLike


@binary(builtin=torch.add)
def add(x: Tensor, y: Tensor) -> Tensor:
    """``x + y``; for bool ``x or y``."""
    return _by_parts("add", torch.add, x, y) if x.dtype.is_complex else torch.add(x, y)


def _parts(z: Tensor) -> Tensor:
    if torch_private.is_wrapped(z):  # a tangent laid out in another way than its number has no such view
        z = z.clone(memory_format=torch.contiguous_format)
    return torch.view_as_real(z.resolve_conj())


def _by_parts(name: str, op: Callable[[Tensor, Tensor], Tensor], x: Tensor, y: Tensor) -> Tensor:
    """A sum of complex numbers part by part: torch multiplies by 1 first, where NaN or inf in one spoils the other."""

    def sum_of(x: Tensor, y: Tensor) -> Tensor:
        a, b = map(_parts, beside(x, y))
        return torch.view_as_complex(op(a, b))

    return as_one(name, {}, sum_of, x, y) if x.shape == y.shape else sum_of(x, y)


@binary(accepts=NUMERIC, primitive="sub", builtin=torch.sub)
def subtract(x: Tensor, y: Tensor) -> Tensor:
    """``x - y``; not defined for bool."""
    return _by_parts("sub", torch.sub, x, y) if x.dtype.is_complex else torch.sub(x, y)


@binary(primitive="mul", builtin=torch.mul)
def multiply(x: Tensor, y: Tensor) -> Tensor:
    """``x * y``; for bool ``x and y``."""
    return torch.mul(x, y)


@binary(promote=to_inexact, primitive="div", builtin=torch.true_divide)
def true_divide(x1: Tensor, x2: Tensor) -> Tensor:
    """``x1 / x2``; integers are divided as floats."""
    if x1.dtype.is_complex:
        return as_one("div", {}, complex_edges.quotient, x1, x2)
    return torch.true_divide(x1, x2)


divide = alias("divide", true_divide)


# Integer division


def _nonzero(y: Tensor) -> Tensor:
    """``y`` with 1 for 0, so that a division by it cannot trap."""
    if scalar_value(y):
        return y
    return torch.where(torch.eq(y, const(y, 0)), const(y, 1), y)


def _nonzero_64(y: Tensor) -> Tensor:
    bits = y.view(torch.int64)
    return _nonzero(bits).view(torch.uint64)


def _floor_divide_unsigned(x: Tensor, y: Tensor) -> Tensor:
    dtype = x.dtype
    if dtype is torch.uint64:
        quotient, by_zero = unsigned.divmod_64(x, _nonzero_64(y))[0].view(torch.int64), y.view(torch.int64) == 0
        return torch.where(by_zero, const(quotient, -1), quotient).view(dtype)
    a, b = x.to(torch.int64), y.to(torch.int64)
    quotient = torch.div(a, _nonzero(b), rounding_mode="floor")
    return torch.where(torch.eq(b, const(b, 0)), const(b, -1), quotient).to(dtype)


def _floor_divide_integers(x: Tensor, y: Tensor) -> Tensor:
    quotient = torch.div(x, _nonzero(y), rounding_mode="floor")
    if scalar_value(y):
        return quotient
    zero = const(x, 0)
    of_zero = torch.where(torch.eq(x, zero), const(x, -1), const(x, -2))
    return torch.where(torch.eq(y, zero), of_zero, quotient)


@binary(promote=to_numeric, primitive="rem", uint64="own")
def floor_divide(x1: Tensor, x2: Tensor) -> Tensor:
    """The largest whole number that is not above ``x1 / x2``; its derivative is 0."""
    dtype = x1.dtype
    if dtype.is_floating_point:
        return torch.div(x1, x2, rounding_mode="floor")
    if dtype.is_complex:
        raise TypeError("floor_divide does not support complex-valued inputs")
    return in_steps("floor_divide", _floor_divide_integers if dtype.is_signed else _floor_divide_unsigned, x1, x2)


def _remainder_64(x: Tensor, y: Tensor) -> Tensor:
    rest = unsigned.divmod_64(x, _nonzero_64(y))[1].view(torch.int64)
    bits = y.view(torch.int64)
    return torch.where(torch.eq(bits, const(bits, 0)), const(bits, 0), rest).view(torch.uint64)


@binary(promote=to_numeric, accepts=REAL, primitive="rem", uint64=_remainder_64)
def remainder(x1: Tensor, x2: Tensor) -> Tensor:
    """``x1 - x2 * floor(x1 / x2)``, with the sign of ``x2``; 0 for integers by 0."""
    if x1.dtype.is_floating_point:
        return torch.remainder(x1, x2)
    return in_steps("remainder", lambda x, y: torch.remainder(x, _nonzero(y)), x1, x2)


mod = alias("mod", remainder)


@binary(promote=to_numeric, accepts=REAL, primitive="rem", uint64=_remainder_64)
def fmod(x1: Tensor, x2: Tensor) -> Tensor:
    """The remainder with the sign of ``x1``; 0 for integers by 0."""
    if x1.dtype.is_floating_point:
        return as_one(JIT, {"name": "fmod"}, torch.fmod, x1, x2)
    return as_one(JIT, {"name": "fmod"}, lambda x, y: torch.fmod(x, _nonzero(y)), x1, x2)


def divmod(x1: ArrayLike, x2: ArrayLike, /) -> tuple[Array, Array]:
    """``(floor_divide(x1, x2), remainder(x1, x2))``."""
    a, b = promote_args_numeric("divmod", x1, x2)
    if a.ndim != b.ndim:  # which is said once, not by both of its parts
        check_rank_promotion("divmod", (a.shape, b.shape))
        a, b = broadcast_arrays(a, b)
    return _divmod(a, b)


@spelled("divmod", lambda x1, x2: ((x1, x2), ()))
def _divmod(x1: Array, x2: Array) -> tuple[Array, Array]:
    rest = remainder(x1, x2)
    return floor_divide(x1, x2), rest


# Sign and size


@unary(accepts=NUMERIC, primitive="neg", builtin=torch.neg)
def negative(x: Tensor) -> Tensor:
    """``-x``; unsigned integers wrap around."""
    if x.dtype.is_complex:  # of eight and more torch loses the sign of a part that is 0, and so the side of a cut (2.13)
        return as_one("neg", {}, lambda x: torch.view_as_complex(torch.neg(_parts(x))), x)
    return torch.neg(x)


@unary()
def positive(x: Tensor) -> Tensor:
    """``x`` as an array."""
    return x


@unary(primitive="abs", uint64="own")
@written_as("abs")
def absolute(x: Tensor) -> Tensor:
    """|x|; real for complex ``x``. The derivative at 0 is 1."""
    dtype = x.dtype
    if dtype.is_floating_point:
        return magnitude(x)
    return torch.abs(x) if dtype.is_signed else x


abs = alias("abs", absolute)


@unary(promote=to_inexact)
def fabs(x: Tensor) -> Tensor:
    """|x| as a float; not for complex ``x``."""
    if x.dtype.is_complex:
        raise TypeError("ufunc 'fabs' does not support complex dtypes")
    return magnitude(x)


@unary(accepts=NUMERIC, uint64="own")
@written_as("sign")
def sign(x: Tensor) -> Tensor:
    """-1, 0 or 1 by the sign of ``x``; NaN and zeros stay as they are. ``x / |x|`` for complex ``x``."""
    dtype = x.dtype
    if dtype.is_floating_point:
        # torch.sign(nan) and torch.sign(-0.0) are 0.0 (torch 2.13). The factor 0 keeps the slope 0.
        rest = x * const(x, 0) if transformed() else x
        return torch.where(torch.gt(torch.abs(x), const(x, 0)), torch.sign(x), rest)
    if dtype.is_complex and transformed():  # by way of bits, which have no derivative: that of the sign is 0
        whole = torch.int32 if dtype is torch.complex64 else torch.int64
        parts = torch.view_as_real(torch.sgn(x).resolve_conj())
        return torch.view_as_complex(parts.view(whole).view(parts.dtype))
    if dtype.is_signed:
        return torch.sgn(x)
    return x.to(torch.bool).to(dtype)


# Powers with a fixed exponent


@unary(promote=to_numeric)
@written_as("square")
def square(x: Tensor) -> Tensor:
    """``x * x``; integers stay integers."""
    return complex_edges.square(x) if x.dtype.is_complex else torch.mul(x, x)


@unary(promote=to_inexact, builtin=torch.sqrt)
def sqrt(x: Tensor) -> Tensor:
    """The root with non-negative real part; NaN for negative real ``x``."""
    return complex_edges.sqrt(x)


@unary(promote=to_inexact, accepts=FLOATING)
@written_as("cbrt")
def cbrt(x: Tensor) -> Tensor:
    """The real cube root."""
    if x.dtype.itemsize == 2:
        return _cbrt(x.to(torch.float32)).to(x.dtype)
    return _cbrt(x)


def _cbrt(x: Tensor) -> Tensor:
    one = const(x, 1)
    sign = torch.where(torch.signbit(x), -one, one)
    size = sign * x
    root = torch.pow(size, const(x, 1 / 3))
    # One Newton step, where it is defined, takes the error of the exponent away.
    usable = torch.gt(size, const(x, 0)) & torch.lt(size, const(x, math.inf))
    safe = torch.where(usable, root, one)
    step = (safe - torch.where(usable, size, one) / (safe * safe)) / const(x, 3)
    return sign * torch.where(usable, root - step, root)


@unary(promote=to_inexact, primitive="integer_pow")
def reciprocal(x: Tensor) -> Tensor:
    """``1 / x``."""
    return as_one("integer_pow", {"y": -1}, complex_edges.inverse, x)
