"""logic: and, or, xor, not, of truth values; numbers count as true unless they are 0."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from jaxlike._src.family import binary, unary

if TYPE_CHECKING:
    from torch import Tensor


@binary(primitive="and", result="truth")
def logical_and(x: Tensor, y: Tensor) -> Tensor:
    """Whether both are true."""
    return torch.logical_and(x, y)


@binary(primitive="or", result="truth")
def logical_or(x: Tensor, y: Tensor) -> Tensor:
    """Whether one is true."""
    return torch.logical_or(x, y)


@binary(primitive="xor", result="truth")
def logical_xor(x: Tensor, y: Tensor) -> Tensor:
    """Whether exactly one is true."""
    return torch.logical_xor(x, y)


@unary(primitive="not")
def logical_not(x: Tensor) -> Tensor:
    """Whether ``x`` is false."""
    return torch.logical_not(x)
