"""elementwise: arithmetic, powers, transcendental functions and comparisons of operands of one dtype.

Kernels that have to get a derivative right at a kink are those of `jax.numpy`; the others are torch's op.
Integer division truncates and never traps: by zero it gives -1 (all bits set), the remainder the dividend.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src import dtypes, unsigned
from jaxlike._src.array import Array
from jaxlike._src.border import astype, tensor_as
from jaxlike._src.lax.accuracy import RoundingMethod
from jaxlike._src.lax.strict import (
    ANY,
    COMPLEX,
    FLOAT,
    INEXACT,
    INT,
    NUMBER,
    ORDERED,
    SIGNED,
    WIDE_FLOAT,
    binop,
    check_kind,
    check_shapes,
    compute,
    operand,
    result,
    unop,
)
from jaxlike._src.numpy import arithmetic, compare, complex_edges, exponential, floats, power, trig
from jaxlike._src.numpy.kinks import const
from jaxlike._src.special import beside

if TYPE_CHECKING:
    from torch import Tensor

    from jaxlike._src.typing import ArrayLike

# Sign and rounding


@unop(NUMBER)
def neg(x: Tensor) -> Tensor:
    """``-x``; unsigned integers wrap around."""
    return arithmetic.negative.kernel(x)


@unop(NUMBER, uint64="own")
def sign(x: Tensor) -> Tensor:
    """-1, 0 or 1 by the sign of ``x``; NaN and zeros stay; ``x / |x|`` for complex ``x``."""
    return arithmetic.sign.kernel(x)


@unop(SIGNED + INEXACT)
def abs(x: Tensor) -> Tensor:
    """|x|, real for complex ``x``; the slope at 0 is 1."""
    return arithmetic.absolute.kernel(x)


@unop(FLOAT)
def floor(x: Tensor) -> Tensor:
    """The largest whole number that is not above ``x``."""
    return torch.floor(x)


@unop(FLOAT)
def ceil(x: Tensor) -> Tensor:
    """The smallest whole number that is not below ``x``."""
    return torch.ceil(x)


@unop(FLOAT, primitive="round", shown={"rounding_method": RoundingMethod.AWAY_FROM_ZERO})
def _round_half_away(x: Tensor) -> Tensor:
    whole = torch.trunc(x)
    up = torch.ge(torch.abs(x - whole), const(x, 0.5))
    return torch.where(up, whole + torch.where(torch.signbit(x), const(x, -1), const(x, 1)), whole)


@unop(FLOAT, primitive="round", shown={"rounding_method": RoundingMethod.TO_NEAREST_EVEN})
def _round_half_even(x: Tensor) -> Tensor:
    return torch.round(x)


def round(x: ArrayLike, rounding_method: RoundingMethod = RoundingMethod.AWAY_FROM_ZERO) -> Array:
    """The nearest whole number; ``rounding_method`` says what becomes of halves. The slope is 0."""
    rounding_method = RoundingMethod(rounding_method)
    return (_round_half_away if rounding_method == RoundingMethod.AWAY_FROM_ZERO else _round_half_even)(x)


@unop(FLOAT)
def is_finite(x: Tensor) -> Tensor:
    """Whether ``x`` is neither NaN nor infinite."""
    return compare.isfinite.kernel(x)


@binop(FLOAT, primitive="nextafter")
def _nextafter(x: Tensor, y: Tensor) -> Tensor:
    return floats.nextafter.kernel(x, y)


def nextafter(x1: ArrayLike, x2: ArrayLike) -> Array:
    """The next representable number after ``x1`` in the direction of ``x2``."""
    return _nextafter(x1, x2)


# Arithmetic


@binop(NUMBER)
def add(x: Tensor, y: Tensor) -> Tensor:
    """``x + y``."""
    return torch.add(x, y)


@binop(NUMBER)
def sub(x: Tensor, y: Tensor) -> Tensor:
    """``x - y``."""
    return torch.sub(x, y)


@binop(NUMBER, primitive="mul")
def _mul(x: Tensor, y: Tensor) -> Tensor:
    return torch.mul(x, y)


def mul(x: ArrayLike, y: ArrayLike, *, out_dtype: Any = None) -> Array:
    """``x * y``; with ``out_dtype`` (then dtypes may differ) computed and returned in that dtype."""
    if out_dtype is None:
        return _mul(x, y)
    pair = [operand("mul", v, k) for k, v in enumerate((x, y))]
    for k, v in enumerate(pair):
        check_kind("mul", v.dtype, NUMBER, k)
    wanted = dtypes.check_and_canonicalize_user_dtype(out_dtype, "mul")
    return _mul(*(astype(v, wanted) for v in pair))


def _mulhi_64(x: Tensor, y: Tensor) -> Tensor:
    """The upper 64 bits of products of int64 bits read as unsigned, from four products of halves."""
    low = const(x, 0xFFFFFFFF)
    half = const(x, 32)
    x_low, y_low = x & low, y & low
    x_high, y_high = (x >> half) & low, (y >> half) & low
    mixed_1, mixed_2 = x_low * y_high, x_high * y_low
    carry = (mixed_1 & low) + (mixed_2 & low) + ((x_low * y_low) >> half & low)
    return x_high * y_high + (mixed_1 >> half & low) + (mixed_2 >> half & low) + (carry >> half & low)


def _mulhi_uint64(x: Tensor, y: Tensor) -> Tensor:
    return _mulhi_64(x.view(torch.int64), y.view(torch.int64)).view(torch.uint64)


@binop(INT, primitive="mulhi", uint64="own")
def _mulhi(x: Tensor, y: Tensor) -> Tensor:
    dtype = x.dtype
    if dtype is torch.uint64:
        return _mulhi_uint64(x, y)
    a, b = x.to(torch.int64), y.to(torch.int64)
    if dtype is torch.int64:
        zero, top = const(a, 0), const(a, 63)
        return _mulhi_64(a, b) + torch.where((a >> top) != zero, -b, zero) + torch.where((b >> top) != zero, -a, zero)
    return (a * b >> const(a, 8 * dtype.itemsize)).to(dtype)


def mulhi(x: ArrayLike, y: ArrayLike, /) -> Array:
    """The upper half of the bits of ``x * y`` in twice the width."""
    return _mulhi(x, y)


def _nonzero(y: Tensor) -> Tensor:
    return torch.where(torch.eq(y, const(y, 0)), const(y, 1), y)


def _divide_uint64(x: Tensor, y: Tensor) -> Tensor:
    bits = y.view(torch.int64)
    quotient = unsigned.divmod_64(x, _nonzero(bits).view(torch.uint64))[0].view(torch.int64)
    return torch.where(torch.eq(bits, const(bits, 0)), const(bits, -1), quotient).view(torch.uint64)


@binop(NUMBER, uint64=_divide_uint64)
def div(x: Tensor, y: Tensor) -> Tensor:
    """``x / y``, without its fraction for integers."""
    if x.dtype.is_complex:
        return complex_edges.quotient(x, y)
    if x.dtype.is_floating_point:
        return torch.true_divide(x, y)
    # The least integer by -1 traps in hardware; its quotient wraps around to itself.
    minus = torch.eq(y, const(y, -1)) if x.dtype.is_signed else torch.zeros_like(y, dtype=torch.bool)
    safe = torch.where(minus, const(y, 1), _nonzero(y))
    quotient = torch.div(x, safe, rounding_mode="trunc")
    quotient = torch.where(minus, -quotient, quotient) if x.dtype.is_signed else quotient
    return torch.where(torch.eq(y, const(y, 0)), const(x, -1), quotient)


def _remainder_uint64(x: Tensor, y: Tensor) -> Tensor:
    bits = y.view(torch.int64)
    rest = unsigned.divmod_64(x, _nonzero(bits).view(torch.uint64))[1].view(torch.int64)
    return torch.where(torch.eq(bits, const(bits, 0)), x.view(torch.int64), rest).view(torch.uint64)


@binop(INT + FLOAT, uint64=_remainder_uint64)
def rem(x: Tensor, y: Tensor) -> Tensor:
    """The remainder of division towards zero, with the sign of ``x``."""
    if x.dtype.is_floating_point:
        return torch.fmod(x, y)
    one = const(y, 1)
    trivial = torch.eq(y, const(y, -1)) if x.dtype.is_signed else torch.eq(y, one)
    rest = torch.fmod(x, torch.where(trivial, one, _nonzero(y)))
    return torch.where(torch.eq(y, const(y, 0)), x, rest)


@binop(ANY, uint64="order")
def max(x: Tensor, y: Tensor) -> Tensor:
    """The larger of two; NaN if one is NaN. Complex numbers are ordered as pairs."""
    return compare.maximum.kernel(x, y)


@binop(ANY, uint64="order")
def min(x: Tensor, y: Tensor) -> Tensor:
    """The smaller of two; NaN if one is NaN. Complex numbers are ordered as pairs."""
    return compare.minimum.kernel(x, y)


# Powers


@unop(NUMBER)
def square(x: Tensor) -> Tensor:
    """``x * x``."""
    return complex_edges.square(x) if x.dtype.is_complex else torch.mul(x, x)


@unop(INEXACT, accuracy=True)
def sqrt(x: Tensor) -> Tensor:
    """The root with non-negative real part."""
    return complex_edges.sqrt(x)


@unop(INEXACT, accuracy=True)
def rsqrt(x: Tensor) -> Tensor:
    """``1 / sqrt(x)``."""
    return complex_edges.inverse(complex_edges.sqrt(x)) if x.dtype.is_complex else torch.rsqrt(x)


@unop(FLOAT, accuracy=True)
def cbrt(x: Tensor) -> Tensor:
    """The real cube root."""
    return arithmetic.cbrt.kernel(x)


def integer_pow(x: ArrayLike, y: int) -> Array:
    """``x ** y`` for a fixed whole ``y``."""
    x = operand("integer_pow", x)
    check_kind("integer_pow", x.dtype, NUMBER)
    return power.integer_pow(x, int(y))


def reciprocal(x: ArrayLike) -> Array:
    """``1 / x``; not for integers."""
    return integer_pow(x, -1)


def pow(x: ArrayLike, y: ArrayLike) -> Array:
    """``x ** y`` for an inexact ``x`` and a ``y`` of the same dtype, or an integer one."""
    a, b = operand("pow", x, 0), operand("pow", y, 1)
    check_shapes("pow", (a.shape, b.shape))
    check_kind("pow", a.dtype, INEXACT, 0)
    check_kind("pow", b.dtype, NUMBER, 1)
    whole = dtypes.issubdtype(b.dtype, np.integer)
    if not whole and a.dtype != b.dtype:
        raise TypeError(
            "the first argument to pow must have an inexact dtype (float or complex), and the second argument must have"
            f" an inexact or integer dtype, and two inexact dtypes must match, but got {a.dtype} and {b.dtype} "
            "respectively."
        )
    weak = a.weak_type and b.weak_type
    if not whole:
        return result("pow", compute(power.float_power.kernel, "own", a, b), weak)

    def kernel(base: Tensor) -> Tensor:
        exponent = tensor_as(b, dtypes.from_torch(base.dtype))
        return power._complex_pow(base, exponent) if base.dtype.is_complex else torch.pow(base, exponent)

    return result("pow", compute(kernel, "own", a), weak)


# Exponentials and logarithms


@unop(INEXACT, accuracy=True)
def exp(x: Tensor) -> Tensor:
    """e to the power ``x``."""
    return complex_edges.exp(x)


@unop(INEXACT, accuracy=True)
def exp2(x: Tensor) -> Tensor:
    """2 to the power ``x``."""
    return exponential.exp2.kernel(x)


@unop(INEXACT, accuracy=True)
def expm1(x: Tensor) -> Tensor:
    """``exp(x) - 1``, accurate near 0."""
    return complex_edges.expm1(x)


@unop(INEXACT, accuracy=True)
def log(x: Tensor) -> Tensor:
    """The natural logarithm."""
    return complex_edges.log(x)


@unop(INEXACT, accuracy=True)
def log1p(x: Tensor) -> Tensor:
    """``log(1 + x)``, accurate near 0."""
    return complex_edges.log1p(x)


@unop(INEXACT, accuracy=True)
def logistic(x: Tensor) -> Tensor:
    """``1 / (1 + exp(-x))``."""
    return complex_edges.logistic(x)


# Circular and hyperbolic functions


@unop(INEXACT, accuracy=True)
def sin(x: Tensor) -> Tensor:
    """Sine."""
    return complex_edges.sin(x)


@unop(INEXACT, accuracy=True)
def cos(x: Tensor) -> Tensor:
    """Cosine."""
    return complex_edges.cos(x)


@unop(INEXACT, accuracy=True)
def tan(x: Tensor) -> Tensor:
    """Tangent."""
    return complex_edges.tan(x)


@unop(INEXACT)
def asin(x: Tensor) -> Tensor:
    """Inverse of sine."""
    return complex_edges.asin(x)


@unop(INEXACT)
def acos(x: Tensor) -> Tensor:
    """Inverse of cosine."""
    return complex_edges.acos(x)


@unop(INEXACT)
def atan(x: Tensor) -> Tensor:
    """Inverse of tangent."""
    return torch.atan(x)


@binop(INEXACT)
def atan2(x: Tensor, y: Tensor) -> Tensor:
    """The angle of the point (y, x): ``atan(x / y)`` in the right quadrant."""
    return trig.arctan2.kernel(x, y)


@unop(INEXACT)
def sinh(x: Tensor) -> Tensor:
    """Hyperbolic sine."""
    return complex_edges.sinh(x)


@unop(INEXACT)
def cosh(x: Tensor) -> Tensor:
    """Hyperbolic cosine."""
    return complex_edges.cosh(x)


@unop(INEXACT, accuracy=True)
def tanh(x: Tensor) -> Tensor:
    """Hyperbolic tangent."""
    return complex_edges.tanh(x)


@unop(INEXACT)
def asinh(x: Tensor) -> Tensor:
    """Inverse of hyperbolic sine."""
    return complex_edges.asinh(x)


@unop(INEXACT)
def acosh(x: Tensor) -> Tensor:
    """Inverse of hyperbolic cosine."""
    return complex_edges.acosh(x)


@unop(INEXACT)
def atanh(x: Tensor) -> Tensor:
    """Inverse of hyperbolic tangent."""
    return torch.atanh(x)


# Complex numbers


@unop(COMPLEX)
def real(x: Tensor) -> Tensor:
    """The real part."""
    return torch.real(x)


@unop(COMPLEX)
def imag(x: Tensor) -> Tensor:
    """The imaginary part."""
    return torch.imag(x)


@binop(WIDE_FLOAT)
def complex(x: Tensor, y: Tensor) -> Tensor:
    """``x + i y``."""
    return torch.complex(*torch.broadcast_tensors(*beside(x, y)))


@unop(WIDE_FLOAT + COMPLEX)
def conj(x: Tensor) -> Tensor:
    """``x`` with the sign of its imaginary part changed; complex for real ``x`` too."""
    if x.dtype.is_complex:
        return torch.conj_physical(x)
    return torch.complex(x, torch.zeros_like(x))


# Comparisons


@binop(ANY, extended=torch.clone)
def eq(x: Tensor, y: Tensor) -> Tensor:
    """``x == y``."""
    return torch.eq(x, y)


@binop(ANY, extended=torch.logical_not)
def ne(x: Tensor, y: Tensor) -> Tensor:
    """``x != y``."""
    return torch.ne(x, y)


@binop(ORDERED, uint64="order")
def ge(x: Tensor, y: Tensor) -> Tensor:
    """``x >= y``."""
    return torch.ge(x, y)


@binop(ORDERED, uint64="order")
def gt(x: Tensor, y: Tensor) -> Tensor:
    """``x > y``."""
    return torch.gt(x, y)


@binop(ORDERED, uint64="order")
def le(x: Tensor, y: Tensor) -> Tensor:
    """``x <= y``."""
    return torch.le(x, y)


@binop(ORDERED, uint64="order")
def lt(x: Tensor, y: Tensor) -> Tensor:
    """``x < y``."""
    return torch.lt(x, y)
