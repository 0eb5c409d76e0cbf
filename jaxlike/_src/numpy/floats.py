"""floats: the parts of floating-point numbers (sign, exponent, fraction, neighbours) and their special values."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch

from jaxlike._src import dtypes
from jaxlike._src.array import Array
from jaxlike._src.border import (
    asarray,
    astype,
    broadcast_shapes,
    check_arraylike,
    promote_dtypes_inexact,
    raw_parts,
    tensor_as,
    unwrap,
)
from jaxlike._src.family import FLOATING, binary, to_inexact, unary
from jaxlike._src.numpy.arguments import one_array
from jaxlike._src.numpy.kinks import const, magnitude, transformed
from jaxlike._src.special import beside
from jaxlike._src.transforms.compiled import jitted

if TYPE_CHECKING:
    from torch import Tensor

    from jaxlike._src.typing import ArrayLike


# Sign


@unary(weak=False, uint64="own")
def signbit(x: Tensor) -> Tensor:
    """Whether the sign bit is set; not for complex ``x``."""
    dtype = x.dtype
    if dtype.is_complex:
        raise ValueError(f"jax.numpy.signbit is not well defined for {dtypes.from_torch(dtype)}")
    return torch.signbit(x) if dtype.is_signed else torch.zeros_like(x, dtype=torch.bool)


@binary(promote=to_inexact)
def copysign(x1: Tensor, x2: Tensor) -> Tensor:
    """|x1| with the sign of ``x2``."""
    if x1.dtype.is_complex:
        raise TypeError("copysign does not support complex-valued inputs")
    if not transformed():
        return torch.copysign(x1, x2)
    size = magnitude(x1)
    return torch.where(torch.signbit(x2), -size, size)


@binary(promote=to_inexact, primitive="lt")
def heaviside(x1: Tensor, x2: Tensor) -> Tensor:
    """0 below 0, 1 above, ``x2`` at 0."""
    if x1.dtype.is_complex:
        raise TypeError(
            f"lt does not accept dtype {dtypes.from_torch(x1.dtype)} at position 0. Accepted dtypes at position 0 are "
            "subtypes of integer, floating, bool."
        )
    zero, one = const(x1, 0), const(x1, 1)
    at_zero = torch.where(torch.ne(x1, x1), x1, x2)
    return torch.where(torch.lt(x1, zero), zero, torch.where(torch.gt(x1, zero), one, at_zero))


# Neighbours


@binary(promote=to_inexact, accepts=FLOATING)
def nextafter(x: Tensor, y: Tensor) -> Tensor:
    """The next representable number after ``x`` in the direction of ``y``; it has no derivative."""
    if transformed() and not {raw_parts(x), raw_parts(y)}.isdisjoint(("grad", "jvp")):
        raise NotImplementedError("Differentiation rule for 'nextafter' not implemented")
    return torch.nextafter(*beside(x, y))


@unary(promote=to_inexact, weak=False)
def spacing(x: Tensor) -> Tensor:
    """The distance from ``x`` to the next representable number away from 0."""
    if x.dtype.is_complex:
        raise ValueError("jnp.spacing is not defined for complex inputs.")
    infinity = const(x, math.inf)
    if x.dtype is torch.float16:
        return nextafter.kernel(x, infinity.to(x.device).expand(x.shape)) - x
    step = nextafter.kernel(x, torch.copysign(infinity, x)) - x
    smallest = const(x, float(dtypes.finfo(dtypes.from_torch(x.dtype)).smallest_subnormal))
    return torch.where(torch.eq(step, const(x, 0)), torch.copysign(smallest, x), step)


# Exponent and fraction


def frexp(x: ArrayLike, /) -> tuple[Array, Array]:
    """(m, e) with ``x = m * 2**e`` and |m| in [1/2, 1); e is int32. (x, 0) for 0, infinities and NaN."""
    (x,) = promote_dtypes_inexact(one_array("frexp", x))
    if dtypes.issubdtype(x.dtype, np.complexfloating):
        raise TypeError("frexp does not support complex-valued inputs")
    mantissa, exponent = _frexp(unwrap(x))
    return Array(mantissa), Array(exponent)


def _frexp(x: Tensor) -> tuple[Tensor, Tensor]:
    mantissa, exponent = torch.frexp(x)
    special = torch.eq(x, const(x, 0)) | torch.logical_not(torch.lt(torch.abs(x), const(x, math.inf)))
    return torch.where(special, x, mantissa), torch.where(special, const(exponent, 0), exponent)


def ldexp(x1: ArrayLike, x2: ArrayLike, /) -> Array:
    """``x1 * 2**x2`` for integers ``x2``, without overflow on the way."""
    check_arraylike("ldexp", x1, x2)
    x1, x2 = asarray(x1), asarray(x2)
    if dtypes.issubdtype(x1.dtype, np.complexfloating) or dtypes.issubdtype(x2.dtype, np.inexact):
        raise ValueError(f"ldexp not supported for input types {(x1.dtype, x2.dtype)}")
    (x1,) = promote_dtypes_inexact(x1)
    broadcast_shapes("add", [x1.shape, x2.shape])
    x, by = unwrap(x1), tensor_as(x2, x1.dtype)
    mantissa, exponent = _frexp(x)
    power = exponent.to(x.dtype) + by
    # The power may be one too large for a finite result.
    positive = torch.gt(power, const(x, 0))
    mantissa = torch.where(positive, mantissa * const(x, 2), mantissa)
    power = torch.where(positive, power - const(x, 1), power)
    special = torch.eq(torch.abs(x), const(x, math.inf)) | torch.eq(x, const(x, 0))
    out = torch.where(special, x, mantissa * torch.exp2(power))
    return Array(out)


def modf(x: ArrayLike, /, out: None = None) -> tuple[Array, Array]:
    """(fraction, whole part), both with the sign of ``x``."""
    (x,) = promote_dtypes_inexact(one_array("modf", x))
    if out is not None:
        raise NotImplementedError("The 'out' argument to jnp.modf is not supported.")
    if dtypes.issubdtype(x.dtype, np.complexfloating):
        raise TypeError(
            f"ge does not accept dtype {x.dtype} at position 0. Accepted dtypes at position 0 are subtypes of "
            "integer, floating, bool."
        )
    tensor = unwrap(x)
    whole = torch.trunc(tensor)
    return Array(tensor - whole, x.weak_type), Array(whole, x.weak_type)


# Special values


@jitted("nan_to_num", "x")
def nan_to_num(
    x: ArrayLike,
    copy: bool = True,
    nan: ArrayLike = 0.0,
    posinf: ArrayLike | None = None,
    neginf: ArrayLike | None = None,
) -> Array:
    """Replace NaN and infinities.

    Args:
        x: array or number; other than floating and complex ones come back as they are.
        copy: has no effect.
        nan: what NaN becomes.
        posinf: what +inf becomes, by default the largest finite number.
        neginf: what -inf becomes, by default the smallest finite number.

    Returns:
        An array of the shape and dtype of ``x``.
    """
    del copy
    x = one_array("nan_to_num", x)
    if not dtypes.issubdtype(x.dtype, np.inexact):
        return x
    if x.dtype in dtypes.COMPUTED_IN:
        limits = dtypes.finfo(x.dtype)
        high, low = (float(v) if w is None else w for v, w in ((limits.max, posinf), (limits.min, neginf)))
        return astype(nan_to_num(astype(x, np.dtype("float32")), nan=nan, posinf=high, neginf=low), x.dtype)
    tensor = unwrap(x)
    part = dtypes.from_torch(tensor.real.dtype)
    info = dtypes.finfo(part)
    by = (
        tensor_as(nan, part),
        tensor_as(float(info.max) if posinf is None else posinf, part),
        tensor_as(float(info.min) if neginf is None else neginf, part),
    )
    if tensor.dtype.is_complex:
        out = torch.complex(_replaced(tensor.real, *by), _replaced(tensor.imag, *by))
    else:
        out = _replaced(tensor, *by)
    return Array(out)


def _replaced(x: Tensor, nan: Tensor, posinf: Tensor, neginf: Tensor) -> Tensor:
    out = torch.where(torch.ne(x, x), nan, x)
    out = torch.where(torch.eq(out, const(out, math.inf)), posinf, out)
    return torch.where(torch.eq(out, const(out, -math.inf)), neginf, out)
