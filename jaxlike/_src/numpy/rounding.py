"""rounding: to whole numbers and to decimals. Integers come back as they are; derivatives are 0."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src import dtypes
from jaxlike._src.array import Array
from jaxlike._src.border import astype, concrete_or_error, unwrap
from jaxlike._src.family import FLOATING, FLOATS, REAL, to_inexact, unary
from jaxlike._src.numpy.arguments import one_array
from jaxlike._src.numpy.kinks import const
from jaxlike._src.transforms.compiled import jitted

if TYPE_CHECKING:
    from torch import Tensor

    from jaxlike._src.typing import ArrayLike


@unary(promote=to_inexact, accepts=FLOATING, primitive="floor")
def _floor(x: Tensor) -> Tensor:
    return torch.floor(x)


@unary(promote=to_inexact, accepts=FLOATING, primitive="ceil")
def _ceil(x: Tensor) -> Tensor:
    return torch.ceil(x)


@unary(promote=to_inexact, accepts=(*REAL, np.bool_), primitive="lt")
def _trunc(x: Tensor) -> Tensor:
    return torch.trunc(x)


def _is_whole(x: Array) -> bool:
    return dtypes.issubdtype(x.dtype, np.integer) or x.dtype == np.bool_


def floor(x: ArrayLike, /) -> Array:
    """The largest whole number that is not above ``x``."""
    if type(x) is Array and x._t.dtype in FLOATS:
        return _floor(x)
    x = one_array("floor", x)
    return x if _is_whole(x) else _floor(x)


def ceil(x: ArrayLike, /) -> Array:
    """The smallest whole number that is not below ``x``."""
    if type(x) is Array and x._t.dtype in FLOATS:
        return _ceil(x)
    x = one_array("ceil", x)
    return x if _is_whole(x) else _ceil(x)


def trunc(x: ArrayLike) -> Array:
    """``x`` without its fraction."""
    if type(x) is Array and x._t.dtype in FLOATS:
        return _trunc(x)
    x = one_array("trunc", x)
    if dtypes.issubdtype(x.dtype, np.complexfloating):
        raise TypeError(
            f"lt does not accept dtype {x.dtype} at position 0. Accepted dtypes at position 0 are subtypes of "
            "integer, floating, bool."
        )
    return x if _is_whole(x) else _trunc(x)


def _half_even(x: Tensor) -> Tensor:
    return torch.complex(torch.round(x.real), torch.round(x.imag)) if x.dtype.is_complex else torch.round(x)


@unary(promote=to_inexact, primitive="round")
def _round(x: Tensor) -> Tensor:
    return _half_even(x)


@jitted("rint", "x")
def rint(x: ArrayLike, /) -> Array:
    """The nearest whole number, halves to the even one; integers become floats."""
    x = one_array("rint", x)
    if _is_whole(x):
        return astype(x, dtypes.default_float_dtype())
    return _round(x)


@jitted("round", "a out")
def round(a: ArrayLike, decimals: int = 0, out: None = None) -> Array:
    """Round to ``decimals`` places, halves to the even neighbour.

    Args:
        a: array or number; integers come back as they are.
        decimals: places after the point; negative ones count before it.
        out: not supported.

    Returns:
        An array of the shape and dtype of ``a``.
    """
    x = one_array("round", a)
    places = concrete_or_error(operator.index, decimals, "'decimals' argument of jnp.round")
    if out is not None:
        raise NotImplementedError("The 'out' argument to jnp.round is not supported.")
    dtype = x.dtype
    if dtypes.issubdtype(dtype, np.integer):
        if places < 0:
            raise NotImplementedError("integer np.round not implemented for decimals < 0")
        return x
    if places > np.log10(float(_finfo(dtype).max)):  # beyond the precision of the input
        return x
    if places == 0:
        return _round(x)
    tensor = unwrap(x)
    if tensor.dtype is torch.float16:  # 10**decimals may not fit
        rounded = _to_places(tensor.to(torch.float32), places).to(torch.float16)
    elif tensor.dtype.is_complex:
        rounded = torch.complex(_to_places(tensor.real, places), _to_places(tensor.imag, places))
    else:
        rounded = _to_places(tensor, places)
    return Array(rounded, x.weak_type)


def _finfo(dtype: Any) -> Any:
    if not dtypes.issubdtype(dtype, np.inexact):
        raise ValueError(f"data type {dtype.type!r} not inexact")
    return dtypes.finfo(dtype)


def _to_places(x: Tensor, places: int) -> Tensor:
    factor = const(x, 10**places)
    whole = torch.round(x * factor)
    if x.dtype is torch.bfloat16:
        return whole / factor
    # By the reciprocal, as XLA divides by what it knows: the digits that are printed are the same then.
    return whole * const(x, 1.0).div(factor)


@jitted("around", "a out")
def around(a: ArrayLike, decimals: int = 0, out: None = None) -> Array:
    """The same as `round`."""
    return round(a, decimals, out)
