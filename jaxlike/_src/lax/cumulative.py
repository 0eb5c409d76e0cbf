"""cumulative: running sums, products, extremes and log-sums of exponentials along one axis, in both directions.

Under a transformation all but the sum are associative scans of their two-argument function, as in JAX, so that
derivatives at ties come out the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src import dtypes
from jaxlike._src.array import Array
from jaxlike._src.border import unwrap
from jaxlike._src.lax import elementwise
from jaxlike._src.lax.associative import associative_scan
from jaxlike._src.lax.strict import compute, operand, result
from jaxlike._src.numpy import exponential
from jaxlike._src.numpy.cumulative import running_product, running_sum
from jaxlike._src.numpy.kinks import transformed
from jaxlike._src.regions import equation

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor


def _checked(name: str, x: Any, axis: int) -> Array:
    a = operand(name, x)
    if axis < 0:
        raise ValueError("XLA operations do not allow negative axes")
    if axis >= a.ndim:
        raise ValueError(f"axis {axis} is out of bounds for array of shape {a.shape}")
    if not dtypes.issubdtype(a.dtype, np.number):
        raise TypeError(f"{name} does not accept dtype {a.dtype}. Accepted dtypes are subtypes of number.")
    return a


def _running(name: str, x: Any, axis: int, reverse: bool, kernel: Callable[[Tensor, int], Tensor], rule: Any) -> Array:
    axis = int(axis)
    a = _checked(name, x, axis)
    if not a.shape[axis]:
        return a

    def both_ways(tensor: Tensor) -> Tensor:
        return kernel(tensor.flip(axis), axis).flip(axis) if reverse else kernel(tensor, axis)

    return result(name, compute(both_ways, rule, a), a.weak_type)


def _scanned(name: str, x: Any, axis: int, reverse: bool, combine: Any, kernel: Any, rule: Any) -> Array:
    """By an associative scan where that may be differentiated (or torch has no kernel), else by the kernel."""
    a = _checked(name, x, int(axis))
    inexact = dtypes.issubdtype(a.dtype, np.inexact)
    if (transformed() and inexact) or dtypes.issubdtype(a.dtype, np.complexfloating):
        return associative_scan(combine, a, reverse=bool(reverse), axis=int(axis))
    return _running(name, a, axis, reverse, kernel, rule)


def _whole(operand: Array, axis: int = 0, reverse: bool = False) -> Any:
    return (operand,), {"axis": int(axis), "reverse": bool(reverse)}


@equation("cumsum", _whole)
def cumsum(operand: Array, axis: int = 0, reverse: bool = False) -> Array:
    """Running sum along an axis, from its end if ``reverse``."""
    return _running("cumsum", operand, axis, reverse, running_sum, "bits")


@equation("cumprod", _whole)
def cumprod(operand: Array, axis: int = 0, reverse: bool = False) -> Array:
    """Running product along an axis, from its end if ``reverse``."""
    return _scanned("cumprod", operand, axis, reverse, elementwise.mul, running_product, "bits")


@equation("cummax", _whole)
def cummax(operand: Array, axis: int = 0, reverse: bool = False) -> Array:
    """Largest element so far along an axis, from its end if ``reverse``."""
    return _scanned("cummax", operand, axis, reverse, elementwise.max, lambda t, i: torch.cummax(t, i).values, "order")


@equation("cummin", _whole)
def cummin(operand: Array, axis: int = 0, reverse: bool = False) -> Array:
    """Smallest element so far along an axis, from its end if ``reverse``."""
    return _scanned("cummin", operand, axis, reverse, elementwise.min, lambda t, i: torch.cummin(t, i).values, "order")


def _logaddexp(x: Array, y: Array) -> Array:
    return Array(exponential.logaddexp.kernel(unwrap(x), unwrap(y)), x.weak_type and y.weak_type)


@equation("cumlogsumexp", _whole)
def cumlogsumexp(operand: Array, axis: int = 0, reverse: bool = False) -> Array:
    """``log(cumsum(exp(x)))`` without overflow, along an axis, from its end if ``reverse``."""
    x = _checked("cumlogsumexp", operand, int(axis))
    if dtypes.issubdtype(x.dtype, np.integer):
        raise OverflowError("cannot convert float infinity to integer")  # what it would start with
    return _scanned("cumlogsumexp", x, axis, reverse, _logaddexp, torch.logcumsumexp, "bits")
