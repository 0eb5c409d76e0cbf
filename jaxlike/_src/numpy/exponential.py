"""exponential: exponentials and logarithms."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from jaxlike._src.family import binary, to_inexact, unary
from jaxlike._src.numpy import complex_edges
from jaxlike._src.numpy.compare import lexicographic
from jaxlike._src.numpy.kinks import const, transformed
from jaxlike._src.regions import in_steps
from jaxlike._src.special import beside

if TYPE_CHECKING:
    from torch import Tensor


@unary(promote=to_inexact, builtin=torch.exp)
def exp(x: Tensor) -> Tensor:
    """e to the power ``x``."""
    return complex_edges.exp(x)


@unary(promote=to_inexact)
def exp2(x: Tensor) -> Tensor:
    """2 to the power ``x``."""
    if x.dtype.is_complex:
        return complex_edges.exp(torch.mul(x, const(x, math.log(2)).expand(x.shape)))
    return torch.exp2(x)


@unary(promote=to_inexact, builtin=torch.expm1)
def expm1(x: Tensor) -> Tensor:
    """``exp(x) - 1``, accurate near 0."""
    return complex_edges.expm1(x)


@unary(promote=to_inexact, builtin=torch.log)
def log(x: Tensor) -> Tensor:
    """The natural logarithm; NaN for negative real ``x``, -inf at 0."""
    return complex_edges.log(x)


@unary(promote=to_inexact, builtin=torch.log1p)
def log1p(x: Tensor) -> Tensor:
    """``log(1 + x)``, accurate near 0."""
    return complex_edges.log1p(x)


@unary(promote=to_inexact, primitive="log", weak=False)
def log2(x: Tensor) -> Tensor:
    """The logarithm to base 2."""
    return torch.log2(x)


@unary(promote=to_inexact, primitive="log", weak=False)
def log10(x: Tensor) -> Tensor:
    """The logarithm to base 10."""
    return torch.log10(x)


def _wrapped(angle: Tensor, half: float) -> Tensor:
    """``angle`` moved by whole turns into [-half, half)."""
    turn = 2 * half
    return torch.remainder(angle + half, turn) - half


def _larger(x: Tensor, y: Tensor) -> Tensor:
    return torch.where(lexicographic(torch.ge, x, y), x, y)


def _smooth(x: Tensor, y: Tensor, base: float | None = None) -> Tensor:
    """logaddexp, or logaddexp2 with 2 for ``base``, by the distance of the smaller number.

    All of its derivatives are finite: torch's second one is a quotient of overflows where numbers are far apart (2.13).
    """
    if x.dtype.itemsize < 4:
        return _smooth(x.to(torch.float32), y.to(torch.float32), base).to(x.dtype)
    first, unknown = (x >= y).detach(), torch.isnan((x - y).detach())
    below = torch.where(first, y - x, x - y)
    below = torch.where(unknown, const(x, 0), below)
    more = torch.log1p(torch.exp(below)) if base is None else torch.log1p(torch.exp2(below)) * const(x, 1 / math.log(base))
    both = x + y
    lost = unknown & torch.isnan(both.detach())
    both = torch.where(lost, torch.exp(torch.where(lost, both, const(x, 0))), both)  # the slope of NaN is NaN
    return torch.where(unknown, both, torch.where(first, x, y) + more)


@binary(promote=to_inexact, primitive="max")
def logaddexp(x1: Tensor, x2: Tensor) -> Tensor:
    """``log(exp(x1) + exp(x2))`` without overflow."""
    if not x1.dtype.is_complex:
        x1, x2 = beside(x1, x2)
        return in_steps("logaddexp", _smooth, x1, x2) if transformed() else torch.logaddexp(x1, x2)
    top = _larger(x1, x2)
    out = top + torch.log1p(torch.exp((x1 + x2) - top * const(top, 2)))
    return torch.complex(out.real, _wrapped(out.imag, math.pi))


def _smooth_of_two(x: Tensor, y: Tensor) -> Tensor:
    return _smooth(x, y, 2)


@binary(promote=to_inexact, primitive="max")
def logaddexp2(x1: Tensor, x2: Tensor) -> Tensor:
    """``log2(2**x1 + 2**x2)`` without overflow."""
    if not x1.dtype.is_complex:
        x1, x2 = beside(x1, x2)
        return in_steps("logaddexp2", _smooth_of_two, x1, x2) if transformed() else torch.logaddexp2(x1, x2)
    top = _larger(x1, x2)
    ln2 = math.log(2)
    out = top + torch.log1p(torch.exp(((x1 + x2) - top * const(top, 2)) * const(top, ln2))) * const(top, 1 / ln2)
    return torch.complex(out.real, _wrapped(out.imag, math.pi / ln2))
