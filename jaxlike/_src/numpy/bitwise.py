"""bitwise: operations on the bits of integers, greatest common divisor, least common multiple.

A shift by the width or more gives 0 (the sign for arithmetic shifts to the right), as in XLA.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src import dtypes, unsigned
from jaxlike._src.border import check_arraylike, kind_of
from jaxlike._src.family import BITS, Promotion, alias, binary, to_numeric, unary
from jaxlike._src.numpy.arithmetic import absolute, floor_divide, multiply
from jaxlike._src.numpy.compare import maximum
from jaxlike._src.numpy.kinks import const
from jaxlike._src.numpy.shape import broadcast_arrays
from jaxlike._src.special import beside

if TYPE_CHECKING:
    from torch import Tensor

    from jaxlike._src.array import Array
    from jaxlike._src.typing import ArrayLike

_INTEGER = (np.integer,)


@binary(accepts=BITS, primitive="and")
def bitwise_and(x: Tensor, y: Tensor) -> Tensor:
    """The bits that are set in both."""
    return torch.bitwise_and(x, y)


@binary(accepts=BITS, primitive="or")
def bitwise_or(x: Tensor, y: Tensor) -> Tensor:
    """The bits that are set in one or both."""
    return torch.bitwise_or(x, y)


@binary(accepts=BITS, primitive="xor")
def bitwise_xor(x: Tensor, y: Tensor) -> Tensor:
    """The bits that are set in exactly one."""
    return torch.bitwise_xor(x, y)


@unary(accepts=BITS, primitive="not")
def bitwise_not(x: Tensor) -> Tensor:
    """Every bit inverted; for bool ``not x``."""
    return torch.bitwise_not(x)


@unary(accepts=BITS, primitive="not")
def bitwise_invert(x: Tensor) -> Tensor:
    """Every bit inverted; for bool ``not x``."""
    return torch.bitwise_not(x)


@unary(accepts=BITS, primitive="not")
def invert(x: Tensor) -> Tensor:
    """Every bit inverted; for bool ``not x``."""
    return torch.bitwise_not(x)


# Shifts


@binary(promote=to_numeric, accepts=_INTEGER, primitive="shift_left")
def left_shift(x: Tensor, y: Tensor) -> Tensor:
    """``x * 2**y``, without the bits that leave the width."""
    return torch.bitwise_left_shift(x, y)


@binary(promote=to_numeric, accepts=_INTEGER, primitive="shift_left")
def bitwise_left_shift(x: Tensor, y: Tensor) -> Tensor:
    """``x * 2**y``, without the bits that leave the width."""
    return torch.bitwise_left_shift(x, y)


@binary(
    promote=to_numeric,
    accepts=_INTEGER,
    primitive="shift_right_arithmetic",
    uint64=unsigned.shift_right_logical_64,
)
def right_shift(x1: Tensor, x2: Tensor) -> Tensor:
    """``x1 // 2**x2``: signed types copy the sign in, unsigned ones zeros."""
    return torch.bitwise_right_shift(x1, x2)


bitwise_right_shift = alias("bitwise_right_shift", right_shift)


# Counting


def _real_numeric(dtype: Any) -> Any:
    known = dtypes.to_numeric_dtype(dtype)
    return dtypes.to_floating_dtype(known) if known.kind == "c" else known


@unary(
    promote=Promotion(_real_numeric, to_numeric.direct),
    accepts=_INTEGER,
    primitive="population_count",
    uint64="own",
    weak=False,
)
def bitwise_count(x: Tensor) -> Tensor:
    """How many bits of |x| are set, as uint8."""
    dtype = x.dtype
    if dtype is torch.uint64:
        bits = x.view(torch.int64)
    else:
        bits = torch.abs(x).to(torch.int64) if dtype.is_signed else x.to(torch.int64)
        if dtype is not torch.int64:
            bits = bits & const(bits, (1 << (8 * dtype.itemsize)) - 1)  # |-128| is -128 in int8
    # Sums of neighbouring fields of 1, 2 and 4 bits, then of all bytes (Hacker's Delight, 5-1).
    bits = bits - ((bits >> const(bits, 1)) & const(bits, 0x5555555555555555))
    pairs = const(bits, 0x3333333333333333)
    bits = (bits & pairs) + ((bits >> const(bits, 2)) & pairs)
    bits = (bits + (bits >> const(bits, 4))) & const(bits, 0x0F0F0F0F0F0F0F0F)
    return ((bits * const(bits, 0x0101010101010101)) >> const(bits, 56)).to(torch.uint8)


# Divisors


def _gcd_64(x: Tensor, y: Tensor) -> Tensor:
    a, b = x.view(torch.int64), y.view(torch.int64)
    # Three steps of Euclid's algorithm bring both below 2**63, or end it.
    for _ in range(3):
        done = torch.eq(b, const(b, 0))
        rest = unsigned.divmod_64(a.view(torch.uint64), torch.where(done, const(b, 1), b).view(torch.uint64))[1]
        a, b = torch.where(done, a, b), torch.where(done, b, rest.view(torch.int64))
    done = torch.eq(b, const(b, 0))
    return torch.where(done, a, torch.gcd(torch.where(done, const(a, 0), a), b)).view(torch.uint64)


@binary(primitive="gcd", uint64=_gcd_64)
def _gcd(x: Tensor, y: Tensor) -> Tensor:
    return torch.gcd(*beside(x, y))


def gcd(x1: ArrayLike, x2: ArrayLike) -> Array:
    """The greatest common divisor of integers; ``gcd(0, 0)`` is 0."""
    _check_integers("gcd", x1, x2)
    return _gcd(*broadcast_arrays(x1, x2))


def lcm(x1: ArrayLike, x2: ArrayLike) -> Array:
    """The least common multiple of integers; 0 if one is 0."""
    _check_integers("lcm", x1, x2)
    x1, x2 = absolute(x1), absolute(x2)
    divisor = _gcd(*broadcast_arrays(x1, x2))
    # Where the divisor is 0 both are, and so is the product.
    return multiply(x1, floor_divide(x2, maximum(divisor, 1)))


def _check_integers(name: str, *args: Any) -> None:
    check_arraylike(name, *args)
    if not dtypes.issubdtype(dtypes.promote(*map(kind_of, args))[0], np.integer):
        raise ValueError(f"Arguments to jax.numpy.{name} must be integers.")
