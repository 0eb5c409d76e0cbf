"""unsigned: arithmetic on uint16, uint32 and uint64, which torch's eager kernels mostly lack.

uint16 and uint32 compute in int64 and come back by wrapping. uint64 computes on the same bits as int64:
that is exact for + - * & | ^ ~ <<; where order matters (`<`, max, sort) the top bit is flipped first, which
maps unsigned order to signed order; division and right shifts have kernels of their own. A kernel whose rule
is "own" gets the unsigned tensors of every width as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import torch

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

WIDE = frozenset([torch.uint16, torch.uint32, torch.uint64])
SIGNED = {torch.uint16: torch.int16, torch.uint32: torch.int32, torch.uint64: torch.int64}  # of the same bits
Uint64Rule: TypeAlias = "Literal['bits', 'order', 'own'] | Callable[..., Tensor]"
_TOP = -(1 << 63)


def flip(tensor: Tensor) -> Tensor:
    """uint64 bits as int64 in the same order (0 becomes the smallest)."""
    return tensor.view(torch.int64) ^ _TOP


def unflip(tensor: Tensor) -> Tensor:
    """Inverse of `flip`."""
    return (tensor ^ _TOP).view(torch.uint64)


def where(chosen: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """torch.where of two tensors of one dtype, which CUDA lacks for the wide unsigned types."""
    signed = SIGNED.get(x.dtype)
    if signed is None:
        return torch.where(chosen, x, y)
    return torch.where(chosen, x.view(signed), y.view(signed)).view(x.dtype)


def moved_as_signed(kernel: Any, tensor: Tensor, *args: Any) -> Tensor:
    """A kernel that only moves elements, where torch lacks it for the wide unsigned types and float8."""
    if tensor.dtype.is_floating_point and tensor.dtype.itemsize == 1:
        return kernel(tensor.to(torch.float32), *args).to(tensor.dtype)
    signed = SIGNED.get(tensor.dtype)
    return kernel(tensor, *args) if signed is None else kernel(tensor.view(signed), *args).view(tensor.dtype)


def emulate(kernel: Callable[..., Any], uint64: Uint64Rule, *tensors: Tensor, **static: Any) -> Any:
    """``kernel`` of unsigned tensors of one dtype; results of that dtype where the kernel keeps it."""
    dtype = tensors[0].dtype
    if uint64 == "own":
        return kernel(*tensors, **static)
    if dtype is not torch.uint64:
        return _back(kernel(*(t.to(torch.int64) for t in tensors), **static), dtype)
    if callable(uint64):
        return uint64(*tensors, **static)
    if uint64 == "order":
        out = kernel(*map(flip, tensors), **static)
        return unflip(out) if isinstance(out, torch.Tensor) and out.dtype is torch.int64 else out
    return _back(kernel(*(t.view(torch.int64) for t in tensors), **static), dtype)


def _back(out: Any, dtype: torch.dtype) -> Any:
    if isinstance(out, tuple):
        return tuple(_back(o, dtype) for o in out)
    if out.dtype is not torch.int64:
        return out
    return out.view(dtype) if dtype is torch.uint64 else out.to(dtype)


def shift_right_logical_64(x: Tensor, by: Tensor) -> Tensor:
    """``x >> by`` on uint64, zeros coming in; 0 for shifts of 64 and more."""
    bits, n = x.view(torch.int64), by.view(torch.int64)
    small = n.clamp(0, 63)
    shifted = (bits >> small) & ~((torch.full_like(bits, -1) << (63 - small)) << 1)
    return torch.where((n >= 0) & (n < 64), shifted, 0).view(torch.uint64)


def divmod_64(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Quotient and remainder of uint64; ``y`` must not be 0."""
    a, b = x.view(torch.int64), y.view(torch.int64)
    # Halve, divide as signed, double, correct by at most one (Hacker's Delight, 9-3).
    halved = (a >> 1) & 0x7FFFFFFFFFFFFFFF
    safe = torch.where(b <= 0, 1, b)
    quotient = torch.div(halved, safe, rounding_mode="trunc") << 1
    rest = a - quotient * b
    again = flip_less_equal(b, rest)
    quotient = torch.where(b < 0, flip_less_equal(b, a).to(torch.int64), quotient + again.to(torch.int64))
    return quotient.view(torch.uint64), (a - quotient * b).view(torch.uint64)


def flip_less_equal(a: Tensor, b: Tensor) -> Tensor:
    """``a <= b`` of int64 bits read as unsigned."""
    return (a ^ _TOP) <= (b ^ _TOP)


def to_float(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    """uint64 to a floating dtype (torch converts it, but not under every transformation)."""
    return tensor.to(dtype)
