"""sizes: arithmetic of axis sizes under the names that `jax._src.core` has for it; sizes are numbers here."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxlike._src.border import canonicalize_shape, concrete_or_error
from jaxlike._src.errors import InconclusiveDimensionOperation
from jaxlike._src.extending.context import definitely_equal, is_constant_dim

if TYPE_CHECKING:
    from collections.abc import Sequence


def canonicalize_dim(d: Any, context: str = "") -> int:
    """A size as an int; TypeError where it is none."""
    return canonicalize_shape((d,), context)[0]


def concrete_dim_or_error(val: Any, context: str = "") -> int:
    """A size as an int; an error that tells of ``context`` where it is traced."""
    return concrete_or_error(lambda x: x.__index__(), val, context)


def int_dtype_for_dim(d: int, *, signed: bool) -> np.dtype[Any]:
    """An integer dtype that holds the places along an axis of this size."""
    return int_dtype_for_shape((d,), signed=signed)


def int_dtype_for_shape(shape: Sequence[int], *, signed: bool) -> np.dtype[Any]:
    """An integer dtype that holds the places along every axis."""
    narrow, wide = (np.int32, np.int64) if signed else (np.uint32, np.uint64)
    return np.dtype(wide if any(d > np.iinfo(narrow).max for d in shape) else narrow)


def is_dim(v: Any) -> bool:
    """Whether a value is a size."""
    return is_constant_dim(v)


def is_symbolic_dim(v: Any) -> bool:
    """Whether a size is an expression: none is."""
    del v
    return False


def definitely_equal_one_of_dim(d1: Any, dlist: Sequence[Any]) -> bool:
    """Whether a size is known to be one of several."""
    return any(definitely_equal(d1, d) for d in dlist)


def is_empty_shape(s: Sequence[Any]) -> bool:
    """Whether an array of this shape has no elements."""
    return any(definitely_equal(d, 0) for d in s)


def divide_shape_sizes(s1: Sequence[int], s2: Sequence[int]) -> int:
    """How many times as many elements the first shape has; an error where that is no whole number."""
    size, other = math.prod(s1), math.prod(s2)
    if size == other:
        return 1
    quotient, rest = divmod(size, other)
    if rest != 0:
        raise InconclusiveDimensionOperation(
            f"Cannot divide evenly the sizes of shapes {tuple(s1)} and {tuple(s2)}. The remainder {rest} should be 0."
        )
    return quotient


def dilate_dim(d: int, dilation: int) -> int:
    """The size with ``dilation - 1`` holes between elements."""
    return d if dilation == 1 else max(1 + dilation * (d - 1), 0)


def stride_dim(d: int, window_size: int, window_stride: int) -> int:
    """How many windows fit."""
    return max((d - window_size) // window_stride + 1, 0)
