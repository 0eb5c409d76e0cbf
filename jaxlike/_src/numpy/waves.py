"""waves: the Bessel function i0, and phases without jumps."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch

from jaxlike._src import dtypes
from jaxlike._src.array import Array
from jaxlike._src.border import astype, canonicalize_axis, promote_dtypes
from jaxlike._src.border import unwrap as tensor_of
from jaxlike._src.family import to_inexact, unary
from jaxlike._src.numpy.arguments import one_array
from jaxlike._src.numpy.arithmetic import mod
from jaxlike._src.numpy.kinks import const, magnitude, transformed
from jaxlike._src.transforms.compiled import compiled

if TYPE_CHECKING:
    from torch import Tensor

    from jaxlike._src.typing import ArrayLike


def bessel_i0(x: Tensor) -> Tensor:
    """The modified Bessel function of order 0, half precision by way of float32."""
    if x.dtype.itemsize == 2:
        return bessel_i0(x.to(torch.float32)).to(x.dtype)
    return torch.exp(magnitude(x)) * torch.special.i0e(x) if transformed() else torch.special.i0(x)


@unary(promote=to_inexact, keywords=True)
def i0(x: Tensor) -> Tensor:
    """The modified Bessel function of the first kind, order 0; flat at 0 to all orders, as JAX has it."""
    if x.dtype.is_complex:
        raise ValueError(f"Unsupported input type to jax.numpy.i0: {dtypes.from_torch(x.dtype)}")
    return torch.where(torch.eq(x, const(x, 0)), const(x, 1), bessel_i0(x)) if transformed() else bessel_i0(x)


@compiled("p", "discont", "period")
def unwrap(
    p: ArrayLike, discont: ArrayLike | None = None, axis: int = -1, period: ArrayLike = 2 * math.pi
) -> Array:
    """Add multiples of ``period`` so that neighbours along ``axis`` differ by at most half of it.

    Args:
        p: array of phases.
        discont: only steps of at least this size are changed; by default half of ``period``.
        axis: the axis to follow.
        period: the size of a turn.

    Returns:
        An array of the shape of ``p``, its dtype promoted with that of ``period``.
    """
    p, turn = promote_dtypes(one_array("unwrap", p), period)
    if dtypes.issubdtype(p.dtype, np.complexfloating):
        raise ValueError("jnp.unwrap does not support complex inputs.")
    along = canonicalize_axis(axis, p.ndim)
    if p.shape[along] == 0:
        return p
    if p.dtype in dtypes.COMPUTED_IN and not dtypes.issubdtype(p.dtype, np.integer):
        return astype(unwrap(astype(p, np.dtype("float32")), discont, axis, astype(turn, np.dtype("float32"))), p.dtype)
    x, full = tensor_of(p), tensor_of(turn)
    whole = dtypes.issubdtype(p.dtype, np.integer)
    half = torch.div(full, 2, rounding_mode="floor") if whole else full / const(full, 2)
    least = full / 2 if discont is None else tensor_of(promote_dtypes(discont, Array(half))[0])
    steps = torch.diff(x, dim=along)
    turned = tensor_of(mod(Array(steps + half), turn)) - half
    turned = torch.where(torch.eq(turned, -half) & torch.gt(steps, const(steps, 0)), half, turned)
    small = torch.lt(torch.abs(steps), least)
    correction = torch.where(small, const(x, 0), turned - steps)
    rest = x.narrow(along, 1, x.shape[along] - 1) + torch.cumsum(correction, dim=along).to(x.dtype)
    return Array(torch.cat([x.narrow(along, 0, 1), rest], dim=along))
