"""arg_reduce: where along an axis the largest or smallest element is, of several the first; NaN first."""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src import config, dtypes, unsigned
from jaxlike._src.array import Array
from jaxlike._src.border import unwrap
from jaxlike._src.debug_checks import results_only
from jaxlike._src.frames import STATE
from jaxlike._src.numpy import reduce
from jaxlike._src.numpy.arguments import one_array
from jaxlike._src.numpy.nan_reduce import is_nan, without_nan
from jaxlike._src.numpy.reduction import refuse_out
from jaxlike._src.regions import as_one

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from jaxlike._src.typing import ArrayLike


_DIRECT = frozenset([torch.float32, torch.float64, torch.int32, torch.int64])


def _place(kernel: Callable[..., Tensor], tensor: Tensor, axis: Any, keepdims: Any) -> Tensor:
    if axis is None and keepdims:  # where vmap's rule for torch.argmax forgets keepdim (torch 2.13)
        return kernel(tensor.reshape(-1), 0).reshape([1] * tensor.dim())
    return kernel(tensor, axis, bool(keepdims))


def _found(name: str, kernel: Any, tensor: Tensor, axis: Any, keepdims: Any, dtype: torch.dtype) -> Tensor:
    """The place, in the dtype of indices."""
    if STATE.frame is None or keepdims or (axis is None and tensor.dim() != 1):
        return _place(kernel, tensor, axis, keepdims).to(dtype)
    at = 0 if axis is None else axis % max(tensor.dim(), 1)
    params = {"axes": (at,), "index_dtype": dtypes.from_torch(dtype)}
    return as_one(name, params, lambda t: _place(kernel, t, axis, keepdims).to(dtype), tensor)


_INDEX = {False: torch.int32, True: torch.int64}


def _extreme(name: str, kernel: Callable[..., Tensor], a: Any, axis: Any, out: Any, keepdims: Any) -> Array:
    if (
        type(a) is Array
        and a._frame is STATE.fast
        and a._t.dtype in _DIRECT
        and (axis is None or (type(axis) is int and a._t.dim()))
        and out is None
    ):
        try:
            return Array(_found(name, kernel, a._t, axis, keepdims, _INDEX[config.enable_x64.value]))
        except (IndexError, RuntimeError):  # below it is said what is wrong
            pass
    x = one_array(name, a)
    if axis is not None:
        axis = operator.index(axis)
    refuse_out(name, out)
    sizes = x.shape
    if isinstance(x.dtype, dtypes.ExtendedDType):
        raise ValueError(f"Unsupported dtype for {name[3:]}: {x.dtype}")
    if (math.prod(sizes) if axis is None else sizes[axis]) == 0:
        raise ValueError(f"attempt to get {name} of an empty sequence")
    tensor = unwrap(x)
    if tensor.dtype in unsigned.WIDE:
        tensor = unsigned.flip(tensor) if tensor.dtype is torch.uint64 else tensor.to(torch.int64)
    elif tensor.dtype is torch.bool:
        tensor = tensor.to(torch.uint8)
    elif tensor.is_complex():
        raise TypeError(
            f"{'gt' if name == 'argmax' else 'lt'} does not accept dtype {x.dtype} at position 0. Accepted "
            "dtypes at "
            "position 0 are subtypes of integer, floating, bool."
        )
    elif tensor.dtype.is_floating_point and tensor.dtype.itemsize == 1:
        tensor = tensor.to(torch.float32)
    return Array(_found(name, kernel, tensor, axis, keepdims, dtypes.to_torch(dtypes.default_int_dtype())))


def argmax(a: ArrayLike, axis: int | None = None, out: None = None, keepdims: bool | None = None) -> Array:
    """Index of the largest element along an axis, or in the raveled array; the first NaN if there is one."""
    return _extreme("argmax", torch.argmax, a, axis, out, keepdims)


def argmin(a: ArrayLike, axis: int | None = None, out: None = None, keepdims: bool | None = None) -> Array:
    """Index of the smallest element along an axis, or in the raveled array; the first NaN if there is one."""
    return _extreme("argmin", torch.argmin, a, axis, out, keepdims)


def _leave_out_nan(name: str, find: Any, worst: float, a: Any, axis: Any, out: Any, keepdims: Any) -> Array:
    refuse_out(name, out)
    x = one_array(name, a)
    if not dtypes.issubdtype(x.dtype, np.inexact):
        return find(x, axis=axis, keepdims=keepdims)
    place = unwrap(find(without_nan(x, worst), axis=axis, keepdims=keepdims))
    only = unwrap(reduce.all(is_nan(x), axis=axis, keepdims=bool(keepdims)))
    return Array(torch.where(only, -1, place))


@results_only
def nanargmax(a: ArrayLike, axis: int | None = None, out: None = None, keepdims: bool | None = None) -> Array:
    """As `argmax`, NaN left out; -1 where there is nothing else."""
    return _leave_out_nan("nanargmax", argmax, -math.inf, a, axis, out, keepdims)


@results_only
def nanargmin(a: ArrayLike, axis: int | None = None, out: None = None, keepdims: bool | None = None) -> Array:
    """As `argmin`, NaN left out; -1 where there is nothing else."""
    return _leave_out_nan("nanargmin", argmin, math.inf, a, axis, out, keepdims)
