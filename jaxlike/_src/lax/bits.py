"""bits: operations on the bits of integers. Counts work on int64 with the operand's own width of bits kept.

A shift by the width or more, or by a negative number, gives 0 (the sign for arithmetic shifts to the right).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from jaxlike._src import unsigned
from jaxlike._src.lax.strict import BITS, INT, binop, unop
from jaxlike._src.numpy.kinks import const

if TYPE_CHECKING:
    from torch import Tensor

_SIGNED = {torch.uint8: torch.int8, torch.uint16: torch.int16, torch.uint32: torch.int32, torch.uint64: torch.int64}


@unop(BITS, primitive="not")
def bitwise_not(x: Tensor) -> Tensor:
    """Every bit inverted; for bool ``not x``."""
    return torch.bitwise_not(x)


@binop(BITS, primitive="and")
def bitwise_and(x: Tensor, y: Tensor) -> Tensor:
    """The bits that are set in both."""
    return torch.bitwise_and(x, y)


@binop(BITS, primitive="or")
def bitwise_or(x: Tensor, y: Tensor) -> Tensor:
    """The bits that are set in one or both."""
    return torch.bitwise_or(x, y)


@binop(BITS, primitive="xor")
def bitwise_xor(x: Tensor, y: Tensor) -> Tensor:
    """The bits that are set in exactly one."""
    return torch.bitwise_xor(x, y)


# Counts


def _bits(x: Tensor) -> Tensor:
    """The bits of ``x`` as int64, zeros above its width."""
    if x.dtype is torch.uint64:
        return x.view(torch.int64)
    wide = x.to(torch.int64)
    width = 8 * x.dtype.itemsize
    return wide if width == 64 or not x.dtype.is_signed else wide & const(wide, (1 << width) - 1)


def _back(count: Tensor, dtype: torch.dtype) -> Tensor:
    return count.view(dtype) if dtype is torch.uint64 else count.to(dtype)


def _count(bits: Tensor) -> Tensor:
    # Sums of neighbouring fields of 1, 2 and 4 bits, then of all bytes (Hacker's Delight, 5-1).
    bits = bits - ((bits >> const(bits, 1)) & const(bits, 0x5555555555555555))
    pairs = const(bits, 0x3333333333333333)
    bits = (bits & pairs) + ((bits >> const(bits, 2)) & pairs)
    bits = (bits + (bits >> const(bits, 4))) & const(bits, 0x0F0F0F0F0F0F0F0F)
    return (bits * const(bits, 0x0101010101010101)) >> const(bits, 56)


@unop(INT, uint64="own")
def population_count(x: Tensor) -> Tensor:
    """How many bits are set."""
    return _back(_count(_bits(x)), x.dtype)


@unop(INT, uint64="own")
def clz(x: Tensor) -> Tensor:
    """How many zeros come before the first bit that is set."""
    bits = _bits(x)
    for by in (1, 2, 4, 8, 16, 32):  # every bit below the first becomes set
        bits = bits | _shifted_right(bits, by)
    width = 8 * x.dtype.itemsize
    return _back(const(bits, width) - _count(bits), x.dtype)


def _shifted_right(bits: Tensor, by: int) -> Tensor:
    return (bits >> const(bits, by)) & const(bits, (1 << (64 - by)) - 1)


# Shifts


def _within(x: Tensor, y: Tensor) -> Tensor:
    return torch.ge(y, const(y, 0)) & torch.lt(y, const(y, 8 * x.dtype.itemsize))


def _left(x: Tensor, y: Tensor) -> Tensor:
    inside = _within(x, y)
    return torch.where(inside, torch.bitwise_left_shift(x, torch.where(inside, y, const(y, 0))), const(x, 0))


@binop(INT, uint64="own")
def shift_left(x: Tensor, y: Tensor) -> Tensor:
    """``x`` moved ``y`` bits up, zeros coming in."""
    signed = _SIGNED.get(x.dtype)
    if signed is None:
        return _left(x, y)
    return _left(x.view(signed), y.view(signed)).view(x.dtype)


@binop(INT, uint64="own")
def shift_right_arithmetic(x: Tensor, y: Tensor) -> Tensor:
    """``x`` moved ``y`` bits down, the top bit coming in (of unsigned types too)."""
    signed = _SIGNED.get(x.dtype, x.dtype)
    a, b = x.view(signed), y.view(signed)
    by = torch.where(_within(a, b), b, const(b, 8 * signed.itemsize - 1))
    return torch.bitwise_right_shift(a, by).view(x.dtype)


@binop(INT, uint64="own")
def shift_right_logical(x: Tensor, y: Tensor) -> Tensor:
    """``x`` moved ``y`` bits down, zeros coming in."""
    dtype = x.dtype
    if dtype.itemsize == 8:
        return unsigned.shift_right_logical_64(x.view(torch.uint64), y.view(torch.uint64)).view(dtype)
    bits, by = _bits(x), _bits(y)  # a negative shift becomes one beyond the width
    inside = torch.lt(by, const(by, 8 * dtype.itemsize))
    return torch.where(inside, bits >> torch.where(inside, by, const(by, 0)), const(bits, 0)).to(dtype)
