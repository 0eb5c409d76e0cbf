"""special: error functions, the gamma function's logarithm and its derivative, Bessel functions.

erf_inv takes its values from `_src.special`, which has XLA's polynomials, and its slope from torch.erfinv.
The slope of digamma is a zeta function: torch's trigamma is right to nine digits only in float64.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch

from jaxlike._src import special
from jaxlike._src.array import Array
from jaxlike._src.border import unwrap
from jaxlike._src.lax.strict import FLOAT, unop
from jaxlike._src.numpy.kinks import const, transformed
from jaxlike._src.transforms.custom import library_jvp
from jaxlike._src.transforms.stop_gradient import stopped

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor


def _wide(kernel: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Half precision by way of float32."""
    return kernel(x.to(torch.float32)).to(x.dtype) if x.dtype.itemsize == 2 else kernel(x)


@unop(FLOAT)
def erf(x: Tensor) -> Tensor:
    """The error function, the integral of a Gaussian from 0."""
    return _wide(torch.erf, x)


@unop(FLOAT)
def erfc(x: Tensor) -> Tensor:
    """``1 - erf(x)``, accurate where that is small."""
    return _wide(torch.erfc, x)


@unop(FLOAT)
def erf_inv(x: Tensor) -> Tensor:
    """The y with ``erf(y) == x``; infinite at -1 and 1, NaN beyond."""
    if not transformed():
        return special.erf_inv(x)
    return _wide(_erf_inv, x)


def _erf_inv(x: Tensor) -> Tensor:
    smooth = torch.erfinv(x)
    rest = unwrap(stopped(Array(special.erf_inv(x) - smooth)))
    return torch.where(torch.lt(torch.abs(x), const(x, 1)), smooth + rest, smooth)


@unop(FLOAT)
def lgamma(x: Tensor) -> Tensor:
    """The logarithm of |gamma(x)|."""
    return _wide(_lgamma, x)


def _lgamma(x: Tensor) -> Tensor:
    return unwrap(_lgamma_with_slope(Array(x))) if transformed() else torch.lgamma(x)


@library_jvp
def _lgamma_with_slope(x: Array) -> Array:
    return Array(torch.lgamma(unwrap(x)))


@_lgamma_with_slope.defjvp
def _lgamma_jvp(primals: Any, tangents: Any) -> Any:
    slope = unwrap(_digamma_with_slope(*primals))
    return _lgamma_with_slope(*primals), Array(unwrap(tangents[0]) * slope)


def digamma_value(x: Tensor) -> Tensor:
    """The derivative of lgamma, without derivatives of its own."""
    return torch.where(torch.eq(x, const(x, 0)), const(x, math.nan), torch.digamma(x))


def _digamma(x: Tensor) -> Tensor:
    return unwrap(_digamma_with_slope(Array(x))) if transformed() else digamma_value(x)


@library_jvp
def _digamma_with_slope(x: Array) -> Array:
    return Array(digamma_value(unwrap(x)))


@_digamma_with_slope.defjvp
def _digamma_jvp(primals: Any, tangents: Any) -> Any:
    from jaxlike._src.scipy.gammas import polygamma  # which has digamma as its lowest order

    slope = unwrap(polygamma(1, *primals))
    return _digamma_with_slope(*primals), Array(unwrap(tangents[0]) * slope)


@unop(FLOAT)
def digamma(x: Tensor) -> Tensor:
    """The derivative of lgamma; NaN at 0."""
    return _wide(_digamma, x)


@unop(FLOAT)
def bessel_i0e(x: Tensor) -> Tensor:
    """The modified Bessel function of order 0, times ``exp(-|x|)``."""
    return _wide(torch.special.i0e, x)


@unop(FLOAT)
def bessel_i1e(x: Tensor) -> Tensor:
    """The modified Bessel function of order 1, times ``exp(-|x|)``."""
    return _wide(torch.special.i1e, x)
