"""compare: orderings, equality, tests for NaN and infinity, larger and smaller of two.

A comparison of weakly typed operands gives a weakly typed bool, as in JAX. Complex numbers are ordered as pairs, real part first.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch

from jaxlike._src import dtypes
from jaxlike._src.array import Array
from jaxlike._src.border import (
    broadcast_shapes,
    check_arraylike,
    promote_args,
    promote_args_inexact,
    tensor_as,
    unwrap,
)
from jaxlike._src.family import binary, unary
from jaxlike._src.numpy.arguments import one_array
from jaxlike._src.numpy.create import asarray as as_array
from jaxlike._src.numpy.kinks import const, flat_at_nan, transformed
from jaxlike._src.regions import JIT, as_one, written_as

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from jaxlike._src.typing import ArrayLike


def lexicographic(compare: Callable[[Tensor, Tensor], Tensor], x: Tensor, y: Tensor) -> Tensor:
    """An ordering of complex numbers by real, then imaginary part."""
    a, b = x.real, y.real
    return torch.where(torch.eq(a, b), compare(x.imag, y.imag), compare(a, b))


@binary(primitive="eq", result="bool")
def equal(x: Tensor, y: Tensor) -> Tensor:
    """``x == y``."""
    return torch.eq(x, y)


@binary(primitive="ne", result="bool")
def not_equal(x: Tensor, y: Tensor) -> Tensor:
    """``x != y``."""
    return torch.ne(x, y)


@binary(primitive="lt", result="bool", uint64="order")
def less(x: Tensor, y: Tensor) -> Tensor:
    """``x < y``."""
    return lexicographic(torch.lt, x, y) if x.dtype.is_complex else torch.lt(x, y)


@binary(primitive="le", result="bool", uint64="order")
def less_equal(x: Tensor, y: Tensor) -> Tensor:
    """``x <= y``."""
    return lexicographic(torch.le, x, y) if x.dtype.is_complex else torch.le(x, y)


@binary(primitive="gt", result="bool", uint64="order")
def greater(x: Tensor, y: Tensor) -> Tensor:
    """``x > y``."""
    return lexicographic(torch.gt, x, y) if x.dtype.is_complex else torch.gt(x, y)


@binary(primitive="ge", result="bool", uint64="order")
def greater_equal(x: Tensor, y: Tensor) -> Tensor:
    """``x >= y``."""
    return lexicographic(torch.ge, x, y) if x.dtype.is_complex else torch.ge(x, y)


# The larger and the smaller


@binary(primitive="max", uint64="order")
def maximum(x: Tensor, y: Tensor) -> Tensor:
    """The larger of two; NaN if one is NaN. At ties each gets half of the derivative."""
    if x.dtype.is_complex:
        return _shared_at_ties(torch.where(lexicographic(torch.ge, x, y), x, y), x, y)
    if transformed() and x.dtype.is_floating_point:
        return as_one("max", {}, lambda x, y: flat_at_nan(torch.maximum(x, y)), x, y)
    return torch.maximum(x, y)


@binary(primitive="min", uint64="order")
def minimum(x: Tensor, y: Tensor) -> Tensor:
    """The smaller of two; NaN if one is NaN. At ties each gets half of the derivative."""
    if x.dtype.is_complex:
        return _shared_at_ties(torch.where(lexicographic(torch.le, x, y), x, y), x, y)
    if transformed() and x.dtype.is_floating_point:
        return as_one("min", {}, lambda x, y: flat_at_nan(torch.minimum(x, y)), x, y)
    return torch.minimum(x, y)


def _shared_at_ties(chosen: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """``chosen``, its derivative split in half where both are equal (torch's complex `where` gives all to one)."""
    between = torch.complex(_between(x.real, y.real), _between(x.imag, y.imag))
    return torch.where(torch.eq(x, y), between, chosen)


def _between(a: Tensor, b: Tensor) -> Tensor:
    """The middle of two equal numbers, exactly them."""
    return torch.where(torch.isinf(a), a * 0.5 + b * 0.5, a + (b - a) * 0.5)


def _chosen(x: Tensor, y: Tensor, compare: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    better = lexicographic(compare, x, y) if x.dtype.is_complex else compare(x, y)
    return torch.where(better | torch.ne(y, y), x, y)


@binary(primitive="gt", uint64="order", arguments_of="greater", keywords=True)
def fmax(x1: Tensor, x2: Tensor) -> Tensor:
    """The larger of two, NaN counting as missing. At ties ``x2`` is taken."""
    return _chosen(x1, x2, torch.gt)


@binary(primitive="lt", uint64="order", arguments_of="less", keywords=True)
def fmin(x1: Tensor, x2: Tensor) -> Tensor:
    """The smaller of two, NaN counting as missing. At ties ``x2`` is taken."""
    return _chosen(x1, x2, torch.lt)


# NaN and infinity


@unary(primitive="ne", of_keys=lambda x: not_equal(x, x))
def isnan(x: Tensor) -> Tensor:
    """Whether ``x`` is NaN."""
    return torch.ne(x, x)


def _below_infinity(x: Tensor) -> Tensor:
    return torch.lt(torch.abs(x), const(x, math.inf))  # torch.isfinite takes twice as long


@unary(of_keys=lambda x: equal(x, x))
@written_as("is_finite")
def isfinite(x: Tensor) -> Tensor:
    """Whether ``x`` is neither NaN nor infinite."""
    if x.dtype.is_floating_point:
        return _below_infinity(x)
    if x.dtype.is_complex:
        return _below_infinity(x.real) & _below_infinity(x.imag)
    return torch.ones_like(x, dtype=torch.bool)


def _at_infinity(x: Tensor) -> Tensor:
    return torch.eq(torch.abs(x), const(x, math.inf))


@unary(weak=False, of_keys=lambda x: not_equal(x, x))
def isinf(x: Tensor) -> Tensor:
    """Whether ``x`` is infinite."""
    if x.dtype.is_floating_point:
        return as_one(JIT, {"name": "isinf"}, _at_infinity, x)
    if x.dtype.is_complex:
        return _at_infinity(x.real) | _at_infinity(x.imag)
    return torch.zeros_like(x, dtype=torch.bool)


def _is_infinity(x: Tensor, infinity: float) -> Tensor:
    if x.dtype.is_floating_point:
        return torch.eq(x, const(x, infinity))
    if x.dtype.is_complex:
        raise ValueError("isposinf/isneginf are not well defined for complex types")
    return torch.zeros_like(x, dtype=torch.bool)


@unary(weak=False)
def _isposinf(x: Tensor) -> Tensor:
    return _is_infinity(x, math.inf)


@unary(weak=False)
def _isneginf(x: Tensor) -> Tensor:
    return _is_infinity(x, -math.inf)


def _no_out(out: Any) -> None:
    if out is not None:
        raise NotImplementedError("The 'out' argument to isneginf/isposinf is not supported.")


def isposinf(x: ArrayLike, /, out: None = None) -> Array:
    """Whether ``x`` is +inf; not for complex ``x``."""
    x = one_array("isposinf", x)
    _no_out(out)
    return _isposinf(x)


def isneginf(x: ArrayLike, /, out: None = None) -> Array:
    """Whether ``x`` is -inf; not for complex ``x``."""
    x = one_array("isneginf", x)
    _no_out(out)
    return _isneginf(x)


# Nearly equal


def isclose(
    a: ArrayLike, b: ArrayLike, rtol: ArrayLike = 1e-05, atol: ArrayLike = 1e-08, equal_nan: bool = False
) -> Array:
    """Whether ``|a - b| <= atol + rtol * |b|``, or both are the same infinity.

    Args:
        a: array or number.
        b: array or number; shapes broadcast.
        rtol: tolerance relative to ``b``.
        atol: absolute tolerance.
        equal_nan: whether NaN is close to NaN.

    Returns:
        bool, of the common shape.
    """
    a, b = promote_args("isclose", a, b)
    if isinstance(a.dtype, dtypes.ExtendedDType):
        return equal(a, b)
    a, b = promote_args_inexact("isclose", a, b)
    broadcast_shapes("isclose", [a.shape, b.shape], "and")
    x, y = unwrap(a), unwrap(b)
    kind = dtypes.from_torch(y.real.dtype)
    x_near = torch.le(torch.abs(x - y), tensor_as(atol, kind) + tensor_as(rtol, kind) * torch.abs(y))
    out = torch.eq(x, y) | (torch.isfinite(y) & x_near)
    return Array(out | (torch.ne(x, x) & torch.ne(y, y)) if equal_nan else out)


def allclose(
    a: ArrayLike, b: ArrayLike, rtol: ArrayLike = 1e-05, atol: ArrayLike = 1e-08, equal_nan: bool = False
) -> Array:
    """Whether all elements are close, as `isclose` has it: a bool scalar."""
    check_arraylike("allclose", a, b)
    return _all(isclose(a, b, rtol, atol, equal_nan))


def _all(x: Array) -> Array:
    return Array(torch.all(unwrap(x)))


def array_equal(a1: ArrayLike, a2: ArrayLike, equal_nan: bool = False) -> Array:
    """Whether shapes and all elements are equal: a bool scalar. Takes lists too."""
    a1, a2 = as_array(a1), as_array(a2)
    if a1.shape != a2.shape:
        return as_array(False)
    same = equal(a1, a2)
    if equal_nan:
        same = Array(unwrap(same) | (unwrap(isnan(a1)) & unwrap(isnan(a2))))
    return _all(same)


def array_equiv(a1: ArrayLike, a2: ArrayLike) -> Array:
    """Whether all elements are equal after broadcasting: a bool scalar. Takes lists too."""
    x, y = as_array(a1), as_array(a2)
    try:
        same = equal(x, y)
    except ValueError:  # shapes or dtypes that do not go together, by the flags too: not equal
        return as_array(False)
    return _all(same)
