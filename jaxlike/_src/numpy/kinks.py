"""kinks: how kernels get JAX's derivatives where torch's formula has another convention.

At a kink, or where a slope is infinite, the libraries differ (|x| at 0, x**0.0 at 0, arctan2 at the origin).
A kernel keeps torch's op for the value and adds a term that is +0.0 everywhere and has the missing slope at
the point in question. Being ordinary ops, such terms are differentiated, batched and recorded like any other.
Only transformations need them: `transformed()` tells, so plain eager calls pay nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from jaxlike._src.border import scalar
from jaxlike._src.frames import STATE

if TYPE_CHECKING:
    from torch import Tensor


def transformed() -> bool:
    """Whether a transformation or a trace is running, so that the result may be differentiated."""
    return STATE.frame is not None


def const(x: Tensor, value: Any) -> Tensor:
    """``value`` as a 0-d tensor of the dtype of ``x``, from the cache.

    Half as expensive as a Python number beside a tensor, and exact in tangents: torch makes a product with a
    Python number float64 under `torch.func.jvp` if the tensor is 0-d.
    """
    return scalar(value, x.dtype)


def flat_at_nan(x: Tensor) -> Tensor:
    """``x`` with no slope where it is NaN: there torch gives a cotangent to all that NaN may have come from."""
    return torch.mul(x, torch.eq(x, x))


def rectified(x: Tensor) -> Tensor:
    """``max(x, 0)``, flat at 0 and at NaN."""
    return flat_at_nan(torch.relu(x))


def rectified_to_6(x: Tensor) -> Tensor:
    """``min(max(x, 0), 6)``, flat at 0, at 6 and at NaN."""
    none, most = const(x, 0), const(x, 6)
    return flat_at_nan(torch.where(torch.le(x, none), none, torch.where(torch.ge(x, most), most, x)))


def magnitude(x: Tensor) -> Tensor:
    """|x| of a floating tensor, with slope 1 at 0 and -1 at NaN."""
    if not transformed():
        return torch.abs(x)
    zero = const(x, 0)
    return torch.where(torch.ge(x, zero), x + zero, zero - x)  # a sum with 0, so that -0.0 becomes 0.0


def root_at(at: Tensor, x: Tensor) -> Tensor:
    """+0.0 whose slope in ``x`` is +inf where ``at`` (which implies ``x == 0``) and 0 elsewhere."""
    one = const(x, 1)
    return torch.sqrt(torch.where(at, x, one)) - torch.where(at, const(x, 0), one)


def nan_slope(at: Tensor, *xs: Tensor) -> Tensor:
    """+0.0 whose slope in each of ``xs`` is NaN where ``at`` (which implies that all are 0) and 0 elsewhere."""
    total = xs[0]
    for x in xs[1:]:
        total = total + x
    # sqrt has an infinite slope at 0, and 0 * inf is NaN.
    return torch.sqrt(torch.where(at, total, const(total, 1))) * const(total, 0)
