"""trig: circular and hyperbolic functions, and angles."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from jaxlike._src.array import Array
from jaxlike._src.border import promote_args
from jaxlike._src.family import alias, binary, to_inexact, unary
from jaxlike._src.numpy import complex_edges
from jaxlike._src.numpy.kinks import const, nan_slope, transformed
from jaxlike._src.regions import written_as
from jaxlike._src.special import beside

if TYPE_CHECKING:
    from torch import Tensor

    from jaxlike._src.typing import ArrayLike


@unary(promote=to_inexact, builtin=torch.sin)
def sin(x: Tensor) -> Tensor:
    """Sine of ``x`` in radians."""
    return complex_edges.sin(x)


@unary(promote=to_inexact, builtin=torch.cos)
def cos(x: Tensor) -> Tensor:
    """Cosine of ``x`` in radians."""
    return complex_edges.cos(x)


@unary(promote=to_inexact, builtin=torch.tan)
def tan(x: Tensor) -> Tensor:
    """Tangent of ``x`` in radians."""
    return complex_edges.tan(x)


@unary(promote=to_inexact, primitive="asin")
def arcsin(x: Tensor) -> Tensor:
    """Inverse of sine, in [-pi/2, pi/2]; NaN outside [-1, 1]."""
    return complex_edges.asin(x)


@unary(promote=to_inexact, primitive="acos")
def arccos(x: Tensor) -> Tensor:
    """Inverse of cosine, in [0, pi]; NaN outside [-1, 1]."""
    return complex_edges.acos(x)


@unary(promote=to_inexact, primitive="atan")
def arctan(x: Tensor) -> Tensor:
    """Inverse of tangent, in [-pi/2, pi/2]."""
    return torch.atan(x)


@unary(promote=to_inexact, builtin=torch.sinh)
def sinh(x: Tensor) -> Tensor:
    """Hyperbolic sine."""
    return complex_edges.sinh(x)


@unary(promote=to_inexact, builtin=torch.cosh)
def cosh(x: Tensor) -> Tensor:
    """Hyperbolic cosine."""
    return complex_edges.cosh(x)


@unary(promote=to_inexact, builtin=torch.tanh)
def tanh(x: Tensor) -> Tensor:
    """Hyperbolic tangent."""
    return complex_edges.tanh(x)


@unary(promote=to_inexact, primitive="asinh")
def arcsinh(x: Tensor) -> Tensor:
    """Inverse of hyperbolic sine."""
    return complex_edges.asinh(x)


@unary(promote=to_inexact, primitive="acosh")
def arccosh(x: Tensor) -> Tensor:
    """Inverse of hyperbolic cosine; NaN for real ``x`` below 1."""
    return complex_edges.acosh(x)


@unary(promote=to_inexact, primitive="atanh")
def arctanh(x: Tensor) -> Tensor:
    """Inverse of hyperbolic tangent; NaN for real ``x`` outside [-1, 1]."""
    return torch.atanh(x)


@unary(promote=to_inexact)
def asin(x: Tensor) -> Tensor:
    """The same as `arcsin`."""
    return complex_edges.asin(x)


@unary(promote=to_inexact)
def acos(x: Tensor) -> Tensor:
    """The same as `arccos`."""
    return complex_edges.acos(x)


@unary(promote=to_inexact)
def atan(x: Tensor) -> Tensor:
    """The same as `arctan`."""
    return torch.atan(x)


@unary(promote=to_inexact)
def asinh(x: Tensor) -> Tensor:
    """The same as `arcsinh`."""
    return complex_edges.asinh(x)


@unary(promote=to_inexact)
def acosh(x: Tensor) -> Tensor:
    """The same as `arccosh`."""
    return complex_edges.acosh(x)


@unary(promote=to_inexact)
def atanh(x: Tensor) -> Tensor:
    """The same as `arctanh`."""
    return torch.atanh(x)


def angle_of(y: Tensor, x: Tensor) -> Tensor:
    """The angle of the point (x, y); its derivative at the origin is NaN."""
    out = torch.atan2(y, x)
    if not transformed():
        return out
    zero = const(x, 0)
    return out - nan_slope(torch.eq(x, zero) & torch.eq(y, zero), x, y)


@binary(promote=to_inexact, primitive="atan2")
@written_as("atan2")
def arctan2(x1: Tensor, x2: Tensor) -> Tensor:
    """The angle of the point (x2, x1), in [-pi, pi]."""
    if not x1.dtype.is_complex:
        return angle_of(x1, x2)
    i = const(x1, 1j)
    return -i * torch.log((x2 + i * x1) / torch.sqrt(x2 * x2 + x1 * x1))


def atan2(x1: ArrayLike, x2: ArrayLike, /) -> Array:
    """The same as `arctan2`."""
    if type(x1) is Array and type(x2) is Array and x1._t.dtype is x2._t.dtype:
        return arctan2(x1, x2)
    return arctan2(*promote_args("atan2", x1, x2))  # promoted before they become floating


@binary(promote=to_inexact, primitive="or")
def hypot(x1: Tensor, x2: Tensor) -> Tensor:
    """``sqrt(x1**2 + x2**2)`` without overflow."""
    if x1.dtype.is_complex:
        raise ValueError(
            "jnp.hypot is not well defined for complex-valued inputs. "
            "Please convert to real values first, such as by using abs(x)"
        )
    if not transformed():
        return torch.hypot(*beside(x1, x2))
    # JAX's own definition: its slopes at the origin follow from those of maximum and minimum.
    zero, one = const(x1, 0), const(x1, 1)
    a, b = _size(x1), _size(x2)
    infinite = torch.eq(a, const(a, math.inf)) | torch.eq(b, const(b, math.inf))
    long, short = torch.maximum(a, b), torch.minimum(a, b)
    ratio = short / torch.where(torch.eq(long, zero), one, long)
    length = torch.where(torch.eq(long, zero), long, long * torch.sqrt(one + ratio * ratio))
    return torch.where(infinite, const(x1, math.inf), length)


def _size(x: Tensor) -> Tensor:
    zero = const(x, 0)
    return torch.abs(x) + torch.where(torch.eq(x, zero), x, zero)


# Degrees


@unary(promote=to_inexact, primitive="mul")
def deg2rad(x: Tensor) -> Tensor:
    """Degrees to radians."""
    return x * const(x, math.pi / 180)


@unary(promote=to_inexact, primitive="mul")
def rad2deg(x: Tensor) -> Tensor:
    """Radians to degrees."""
    return x * const(x, 180 / math.pi)


radians = alias("radians", deg2rad)
degrees = alias("degrees", rad2deg)


@unary(promote=to_inexact)
def sinc(x: Tensor) -> Tensor:
    """``sin(pi x) / (pi x)``, 1 at 0."""
    if not transformed() and not x.dtype.is_complex:
        return torch.sinc(x)
    at_zero = torch.eq(x, const(x, 0))
    pi_x = x * const(x, math.pi)
    safe = torch.where(at_zero, const(x, 1), pi_x)
    return torch.where(at_zero, _sinc_series(torch.where(at_zero, pi_x, const(x, 0))), complex_edges.sin(safe) / safe)


def _sinc_series(x: Tensor) -> Tensor:
    """The Taylor series of sin(x)/x, for its value and derivatives at 0."""
    square = x * x
    total = const(x, 0)
    for k in range(5, -1, -1):
        total = total * square + const(x, (-1) ** k / math.factorial(2 * k + 1))
    return total
