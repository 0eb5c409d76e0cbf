"""arguments: what the functions of this package do with their static arguments, and how they rebuild Arrays.

`user_dtype` and `static_shape` read dtype and shape arguments, `axes_of` an axis argument, `torch_target` the
device. Functions that only move elements take every kind of Array (PRNG keys, int4): they give
their tensor to `like`; `payload` says how many trailing axes of the tensor belong to an element.
"""

from __future__ import annotations

import math
import operator
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src import border, dtypes, torch_private
from jaxlike._src.array import Array, NarrowArray, constant
from jaxlike._src.border import (
    asarray,
    canonicalize_axis,
    canonicalize_shape,
    check_arraylike,
    concrete_or_error,
    device_of,
    unwrap,
)
from jaxlike._src.device_put import device_put
from jaxlike._src.devices import default_torch_device, get_backend, to_torch_device

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

# dtypes

_DEPENDS_ON_X64 = frozenset(map(np.dtype, ("int64", "uint64", "float64", "complex128")))
_KNOWN: dict[Any, Any] = {d: d for d in (*dtypes.TO_TORCH, *dtypes.STORAGE) if d not in _DEPENDS_ON_X64}


def user_dtype(dtype: Any, fun_name: str) -> Any:
    """A dtype argument, checked and canonical; None means the default float."""
    if dtype is None:
        return dtypes.default_float_dtype()
    try:
        found = _KNOWN.get(dtype)
    except TypeError:  # unhashable: not a dtype, which the check says
        found = None
    if found is not None:
        return found
    found = dtypes.check_and_canonicalize_user_dtype(dtype, fun_name)
    if isinstance(found, np.dtype) and isinstance(dtype, type | str) and np.dtype(dtype) not in _DEPENDS_ON_X64:
        _KNOWN[dtype] = found
    return found


def array_of(tensor: Tensor, dtype: Any, weak_type: bool = False) -> Array:
    """An Array of ``dtype`` over a tensor of the torch dtype that stores it."""
    return NarrowArray(tensor, dtype) if dtype in dtypes.STORAGE else Array(tensor, weak_type)


# Arrays of any kind


def one_array(fun_name: str, x: Any) -> Array:
    """An array-like argument as an Array; JAX's TypeError for lists and the like."""
    if isinstance(x, Array):
        return x
    check_arraylike(fun_name, x)
    return asarray(x)


def like(x: Array, tensor: Tensor) -> Array:
    """An Array of the kind of ``x`` (weak type, PRNG key, int4 ...) with other elements."""
    return type(x)(tensor, x._tag)


def payload(x: Array) -> int:
    """How many trailing axes of the tensor belong to one element: 0, or 1 for PRNG keys."""
    return x._t.dim() - x.ndim


def astype(x: Array, dtype: Any, weak_type: bool = False) -> Array:
    """`border.astype`, with numpy's warning where complex numbers lose their imaginary part."""
    if x._t.is_complex() and not dtypes.issubdtype(dtype, np.complexfloating):
        warnings.warn(
            "Casting complex values to real discards the imaginary part",
            np.exceptions.ComplexWarning,
            stacklevel=4,
        )
        x = Array(unwrap(x).real)
    return border.astype(x, dtype, weak_type)


def known_index(places: np.ndarray[Any, Any], beside: Tensor) -> Tensor:
    """Places that the host has computed, as an index tensor on the device of another."""
    device = device_of(beside)
    with torch_private.outside():
        index = constant(torch.from_numpy(places.astype(np.int64)).to(device))
    return unwrap(index)


# Shapes and axes


def static_shape(shape: Any, context: str = "") -> tuple[int, ...]:
    """A shape argument: an int or a sequence of ints, none of them traced."""
    kind = type(shape)
    if kind is int:
        return (shape,)
    if kind is not tuple and kind is not list and (getattr(shape, "ndim", None) == 0 or np.ndim(shape) == 0):
        shape = (shape,)
    return canonicalize_shape(shape, context)


def new_shape(shape: Any) -> tuple[int, ...]:
    """The shape of an array to be made; negative sizes are an error."""
    sizes = static_shape(shape)
    for size in sizes:
        if size < 0:
            raise TypeError(f"broadcast_in_dim shape must have every element be nonnegative, got {sizes}.")
    return sizes


def index_tuple(x: Any) -> tuple[int, ...]:
    """An int, or an iterable of ints, as a tuple of ints; never a traced value."""
    if type(x) is int:
        return (x,)
    return concrete_or_error(_index_tuple, x, "expected a static index or sequence of indices.")


def _index_tuple(x: Any) -> tuple[int, ...]:
    try:
        return (operator.index(x),)
    except TypeError:
        return tuple(map(operator.index, x))


def static_axes(axis: Any) -> Any:
    """An axis argument (None, an int or several) as None, int or tuple; never a traced value."""
    if axis is None or type(axis) is int:
        return axis
    return concrete_or_error(_axes, axis, "The axis argument must be known statically.")


def _axes(axis: Any) -> Any:
    try:
        return operator.index(axis)
    except TypeError:
        return tuple(i if isinstance(i, str) else operator.index(i) for i in axis)


def axes_of(axis: Any, ndim: int, said: str = "duplicate value in 'axis'") -> tuple[int, ...]:
    """The axes that a reduction goes over, in ``range(ndim)``; an axis given twice is an error."""
    if axis is None:
        return tuple(range(ndim))
    if type(axis) is int:
        return (canonicalize_axis(axis, ndim),)
    found = tuple(canonicalize_axis(i, ndim) for i in (axis if isinstance(axis, tuple | list) else (axis,)))
    if len(found) != len(set(found)):
        raise ValueError(f"{said}: {axis}")
    return found


def size_of(shape: Sequence[int]) -> int:
    """Number of elements."""
    return math.prod(shape)


# Devices


def torch_target(device: Any, out_sharding: Any = None) -> torch.device:
    """Where to make an array that may be given a ``device`` or an ``out_sharding``."""
    if device is None:
        return default_torch_device()
    if out_sharding is not None:
        raise ValueError(f"Only one of `device` or `out_sharding` can be set. Got {device=!r} and {out_sharding=!r}")
    return to_torch_device(device)


def as_asked(made: Array, device: Any, out_sharding: Any = None) -> Array:
    """``made``, put where its maker's caller asked; where nobody did, it stays as it is."""
    where = out_sharding if device is None else device
    if where is None:
        return made
    torch_target(device, out_sharding)
    return device_put(made, get_backend(where).local_devices()[0] if isinstance(where, str) else where)


def promote_dtypes_complex(*args: Any) -> list[Array]:
    """As `border.promote_dtypes`, with all numbers made complex."""
    dtype, weak = dtypes.promote(*map(border.kind_of, args))
    return [border.astype(asarray(x), dtypes.canonicalize_dtype(dtypes.to_complex_dtype(dtype)), weak) for x in args]
