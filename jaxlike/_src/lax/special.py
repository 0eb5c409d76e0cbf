"""special: error functions, the gamma function's logarithm and its derivative, Bessel functions.

erf_inv takes its values from `_src.special`, which has XLA's polynomials, and its slope from torch.erfinv.
The slope of digamma is a zeta function: torch's trigamma is right to nine digits only in float64.
"""

from __future__ import annotations

import functools
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


def sloped(tangent: Callable[[Tensor, Tensor, Tensor], Tensor]) -> Callable[[Callable[[Tensor], Tensor]], Any]:
    """Decorate a kernel of one tensor whose derivative is another function: ``tangent`` of tangent, result, operand."""

    def lift(kernel: Callable[[Tensor], Tensor]) -> Any:
        def on_arrays(x: Array) -> Array:
            return Array(kernel(unwrap(x)))

        on_arrays.__name__ = kernel.__name__
        value = library_jvp(on_arrays)

        @value.defjvp
        def rule(primals: Any, tangents: Any) -> Any:
            out = value(*primals)
            return out, Array(tangent(unwrap(tangents[0]), unwrap(out), unwrap(primals[0])))

        return functools.wraps(kernel)(lambda x: unwrap(value(Array(x))) if transformed() else kernel(x))

    return lift


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


@sloped(lambda t, _, x: t * _digamma(x))
def _lgamma(x: Tensor) -> Tensor:
    return torch.lgamma(x)


def digamma_value(x: Tensor) -> Tensor:
    """The derivative of lgamma, without derivatives of its own."""
    return torch.where(torch.eq(x, const(x, 0)), const(x, math.nan), torch.digamma(x))


def _digamma_tangent(t: Tensor, _: Tensor, x: Tensor) -> Tensor:
    from jaxlike._src.scipy.gammas import polygamma  # which has digamma as its lowest order

    return t * unwrap(polygamma(1, Array(x)))


_digamma = sloped(_digamma_tangent)(digamma_value)


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
