"""slicing: static slices, and slices whose start is an array: starts wrap once if negative, then are clamped.

A dynamic slice of known start is a view; otherwise it is one `index_select` an axis, its update one
`torch.where` over the whole array: both work on batched and traced starts and have the right derivatives.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src import dtypes, unsigned
from jaxlike._src.array import Array
from jaxlike._src.border import asarray, canonicalize_shape, concrete_tensor, scalar, unwrap
from jaxlike._src.index_watch import watch_index
from jaxlike._src.lax.shape import expand_dims, squeeze
from jaxlike._src.lax.strict import check_same_dtypes, check_shapelike
from jaxlike._src.lax.strict import operand as _operand
from jaxlike._src.numpy.arguments import like
from jaxlike._src.regions import equation
from jaxlike._src.transforms.compiled import jitted

if TYPE_CHECKING:
    from torch import Tensor

    from jaxlike._src.typing import ArrayLike, Shape

_slice = slice  # `slice` is the public function below

# Static


def slice(
    operand: ArrayLike, start_indices: Sequence[int], limit_indices: Sequence[int], strides: Sequence[int] | None = None
) -> Array:
    """``operand[start:limit:stride]`` along every axis, all within bounds."""
    x = _operand("slice", operand)
    starts, limits = tuple(start_indices), tuple(limit_indices)
    check_shapelike("slice", "start_indices", starts)
    check_shapelike("slice", "limit_indices", limits)
    if x.ndim != len(starts):
        raise TypeError(
            "slice start_indices must have length equal to the number of dimensions of the operand, got indices "
            f"{starts} for operand shape {x.shape}."
        )
    if len(starts) != len(limits):
        raise TypeError(
            f"slice limit_indices must have the same length as start_indices, got start_indices {starts} and "
            f"limit_indices {limits}."
        )
    if any(m > n for m, n in zip(limits, x.shape, strict=True)):
        raise TypeError(
            f"slice limit_indices must be less than or equal to operand shape, got limit_indices {limits} for operand "
            f"shape {x.shape}."
        )
    if any(a > m for a, m in zip(starts, limits, strict=True)):
        raise TypeError(
            f"slice limit_indices must be greater than or equal to start_indices, got start_indices {starts} and "
            f"limit_indices {limits}."
        )
    steps = (1,) * x.ndim if strides is None else tuple(strides)
    check_shapelike("slice", "strides", steps)
    if len(steps) != x.ndim:
        raise TypeError(
            "slice strides must have length equal to the number of dimensions of the operand, got strides "
            f"{steps} for operand shape {x.shape}."
        )
    return like(x, unwrap(x)[tuple(map(_slice, starts, limits, steps))])


def slice_in_dim(
    operand: Array | np.ndarray[Any, Any],
    start_index: int | None,
    limit_index: int | None,
    stride: int = 1,
    axis: int = 0,
) -> Array:
    """`slice` along one axis; None is the end, negative numbers count from there."""
    size, axis = operand.shape[axis], int(axis)
    start = 0 if start_index is None else operator.index(start_index)
    limit = size if limit_index is None else operator.index(limit_index)
    starts, limits, steps = [0] * operand.ndim, list(operand.shape), [1] * operand.ndim
    starts[axis] = start + size if start < 0 else start
    limits[axis] = limit + size if limit < 0 else limit
    steps[axis] = operator.index(stride)
    return slice(operand, starts, limits, steps)


def index_in_dim(operand: Array | np.ndarray[Any, Any], index: int, axis: int = 0, keepdims: bool = True) -> Array:
    """The slice of size 1 at ``index`` along an axis, or without that axis."""
    index, axis = operator.index(index), int(axis)
    size = operand.shape[axis]
    at = index + size if index < 0 else index
    if not 0 <= at < size:
        raise IndexError(f"index {index} is out of bounds for axis {axis} with size {size}")
    found = slice_in_dim(operand, at, at + 1, 1, axis)
    return found if keepdims else squeeze(found, (axis,))


# Dynamic


def _starts(operand: Any, start_indices: Any, allow_negative: Any) -> list[Any]:
    """A start for each axis, a Python int or an integer Array; negative ones wrapped where that is allowed."""
    if len(start_indices) != operand.ndim:
        raise ValueError(
            f"Length of slice indices must match number of operand dimensions ({len(start_indices)} vs {operand.shape})"
        )
    if not isinstance(start_indices, Sequence):
        if start_indices.ndim != 1:
            raise ValueError(f"Slice indices must be a 1D sequence, got {start_indices.shape}")
        start_indices = list(asarray(start_indices))
    allowed = [allow_negative] * operand.ndim if isinstance(allow_negative, bool) else list(allow_negative)
    return [_start(i, n, negative) for i, n, negative in zip(start_indices, operand.shape, allowed, strict=True)]


def _start(index: Any, size: int, allow_negative: bool) -> Any:
    if isinstance(index, int | np.integer):
        if index < 0 and not allow_negative and not isinstance(index, np.unsignedinteger):
            raise ValueError(f"Index {index} is out of bounds for dimension {size} if allow_negative_indices=False")
        return index + size if index < 0 else index
    x = asarray(index)
    if allow_negative and dtypes.issubdtype(x.dtype, np.signedinteger) and not x.ndim:
        known = concrete_tensor(x)
        t = unwrap(x)
        if known is not None and known.device.type == "cpu":
            return x if known.item() >= 0 else like(x, t + size)
        return like(x, torch.where(t < 0, t + size, t))
    return x


def _check_starts(name: str, starts: Sequence[Any], separator: str) -> list[Any]:
    arrays = [asarray(s) for s in starts]
    if any(a.ndim for a in arrays):
        gap = " " if name == "dynamic_slice" else ""
        shown = tuple(a.aval.strip_weak_type() for a in arrays)
        raise TypeError(f"start_indices arguments to {name} must be scalars, {gap}got indices {shown}")
    kinds = [a.dtype for a in arrays]
    if any(d != kinds[0] or not dtypes.issubdtype(d, np.integer) for d in kinds):
        raise TypeError(
            f"index arguments to {name} must be integers of the same type, got{separator} "
            f"{', '.join(d.name for d in kinds)}"
        )
    return arrays


def _clamped(start: Any, array: Array, room: int) -> int | Tensor:
    """A start that leaves the window inside: an int where its value is known without waiting for a device."""
    if isinstance(start, int | np.integer):
        return min(max(int(start), 0), room)
    known = concrete_tensor(array)
    if known is not None and known.device.type == "cpu":
        return min(max(int(known.item()), 0), room)
    tensor = unwrap(array)
    return tensor.to(torch.int64).clamp(0, room)


def _window(tensor: Tensor, axis: int, start: Tensor, size: int) -> Tensor:
    places = torch.arange(size, device=tensor.device) + start
    return unsigned.moved_as_signed(lambda t: torch.index_select(t, axis, places), tensor)


def dynamic_slice(
    operand: Array | np.ndarray[Any, Any],
    start_indices: Any,
    slice_sizes: Shape,
    *,
    allow_negative_indices: bool | Sequence[bool] = True,
) -> Array:
    """The window of ``slice_sizes`` at ``start_indices``, moved so that it lies inside.

    Args:
        operand: array.
        start_indices: a scalar for each axis, or a vector; may be traced.
        slice_sizes: fixed sizes.
        allow_negative_indices: whether negative starts count from the end, for all axes or for each.
    """
    given = operand if isinstance(operand, np.ndarray) else asarray(operand)
    starts = _starts(given, start_indices, allow_negative_indices)
    sizes = canonicalize_shape(slice_sizes)
    x = asarray(operand)
    if any(s > n for s, n in zip(sizes, x.shape, strict=True)):
        raise TypeError(
            f"slice slice_sizes must be less than or equal to operand shape, got slice_sizes {sizes} for operand shape "
            f"{x.shape}."
        )
    if any(s < 0 for s in sizes):
        raise TypeError(f"slice slice_sizes must be greater than or equal to zero, got slice_sizes of {sizes}.")
    arrays = _check_starts("dynamic_slice", starts, ":")
    watch_index(x.shape, range(x.ndim), arrays, sizes)
    return _cut(x, starts, arrays, sizes)


@equation("dynamic_slice", lambda x, starts, arrays, sizes: ((x, *starts), {"slice_sizes": tuple(sizes)}))
def _cut(x: Array, starts: Any, arrays: Any, sizes: Any) -> Array:
    tensor = unwrap(x)
    for axis, (start, array, size) in enumerate(zip(starts, arrays, sizes, strict=True)):
        room = x.shape[axis] - size
        if room == 0:
            continue
        at = _clamped(start, array, room)
        tensor = tensor.narrow(axis, at, size) if isinstance(at, int) else _window(tensor, axis, at, size)
    return like(x, tensor)


def dynamic_update_slice(
    operand: Array | np.ndarray[Any, Any],
    update: ArrayLike,
    start_indices: Any,
    *,
    allow_negative_indices: bool | Sequence[bool] = True,
) -> Array:
    """``operand`` with ``update``, of the same rank and dtype, written at ``start_indices`` as in `dynamic_slice`."""
    x = asarray(operand)
    starts = _starts(x, start_indices, allow_negative_indices)
    new = _operand("dynamic_update_slice", update, 1)
    if x.ndim != new.ndim:
        raise TypeError(
            "dynamic_update_slice update must have the same rank as operand, got update shape "
            f"{new.shape} for operand shape {x.shape}."
        )
    if any(m > n for m, n in zip(new.shape, x.shape, strict=True)):
        raise TypeError(
            "dynamic_update_slice update shape must be smaller than operand shape, got update shape "
            f"{new.shape} for operand shape {x.shape}."
        )
    arrays = _check_starts("dynamic_update_slice", starts, ",") if starts else []
    check_same_dtypes("dynamic_update_slice", (x, new))
    if not starts:
        return _result(x, new, unwrap(new))
    watch_index(x.shape, range(x.ndim), arrays, new.shape)
    return _pasted(x, new, starts, arrays)


@equation("dynamic_update_slice", lambda x, new, starts, arrays: ((x, new, *starts), {}))
def _pasted(x: Array, new: Array, starts: Any, arrays: Any) -> Array:
    places = [_clamped(s, a, n - m) for s, a, n, m in zip(starts, arrays, x.shape, new.shape, strict=True)]
    return _result(x, new, _updated(unwrap(x), unwrap(new), places))


def _result(x: Array, new: Array, tensor: Tensor) -> Array:
    return like(x, tensor) if type(x) is not Array else Array(tensor, x.weak_type and new.weak_type)


def _updated(tensor: Tensor, new: Tensor, places: Sequence[int | Tensor]) -> Tensor:
    """The window replaced: joined from pieces where starts are known, else chosen by position."""
    if all(isinstance(p, int) for p in places):
        return _spliced(tensor, new, [p for p in places if isinstance(p, int)], 0)
    inside: Tensor | None = None
    for axis, at in enumerate(places):
        size, width = tensor.shape[axis], new.shape[axis]
        if size == width:
            continue
        offset = torch.arange(size, device=tensor.device) - at
        new = (
            unsigned.moved_as_signed(lambda t, a, o: torch.index_select(t, a, o), new, axis, offset.clamp(0, width - 1))
            if (width)
            else new
        )
        row = ((offset >= 0) & (offset < width)).reshape([-1 if k == axis else 1 for k in range(len(places))])
        inside = row if inside is None else inside & row
    if 0 in new.shape:
        return tensor
    for _ in range(tensor.dim() - len(places)):
        inside = None if inside is None else inside.unsqueeze(-1)
    return new if inside is None else unsigned.where(inside, new, tensor)


def _spliced(tensor: Tensor, new: Tensor, places: Sequence[int], axis: int) -> Tensor:
    while axis < len(places) and tensor.shape[axis] == new.shape[axis]:
        axis += 1
    if axis == len(places):
        return new
    at, width, size = places[axis], new.shape[axis], tensor.shape[axis]
    inner = _spliced(tensor.narrow(axis, at, width), new, places, axis + 1)
    parts = [tensor.narrow(axis, 0, at), inner, tensor.narrow(axis, at + width, size - at - width)]
    return torch.cat([p for p in parts if p.shape[axis]] or parts[:1], axis)


# One axis


def _zero(index: Any) -> Any:
    """0 of the type of an index."""
    if isinstance(index, Array | np.ndarray | np.generic):
        return Array(scalar(0, asarray(index)._t.dtype))
    return 0


def _along(operand: Any, index: Any, axis: int, allow_negative: bool) -> tuple[list[Any], list[bool]]:
    starts, allowed = [_zero(index)] * operand.ndim, [False] * operand.ndim
    starts[axis], allowed[axis] = index, allow_negative
    return starts, allowed


def dynamic_slice_in_dim(
    operand: Array | np.ndarray[Any, Any],
    start_index: ArrayLike,
    slice_size: int,
    axis: int = 0,
    *,
    allow_negative_indices: bool = True,
) -> Array:
    """`dynamic_slice` along one axis."""
    axis = int(axis)
    starts, allowed = _along(operand, start_index, axis, allow_negative_indices)
    sizes = list(operand.shape)
    sizes[axis] = operator.index(slice_size)
    return dynamic_slice(operand, starts, sizes, allow_negative_indices=allowed)


@jitted("dynamic_index_in_dim", "operand index")
def dynamic_index_in_dim(
    operand: Array | np.ndarray[Any, Any],
    index: ArrayLike,
    axis: int = 0,
    keepdims: bool = True,
    *,
    allow_negative_indices: bool = True,
) -> Array:
    """The slice of size 1 at ``index`` along an axis, or without that axis."""
    operand = asarray(operand)
    found = dynamic_slice_in_dim(operand, index, 1, axis, allow_negative_indices=allow_negative_indices)
    return found if keepdims else squeeze(found, (axis,))


def dynamic_update_slice_in_dim(
    operand: Array | np.ndarray[Any, Any],
    update: ArrayLike,
    start_index: ArrayLike,
    axis: int,
    *,
    allow_negative_indices: bool = True,
) -> Array:
    """`dynamic_update_slice` along one axis."""
    operand = asarray(operand)
    starts, allowed = _along(operand, start_index, int(axis), allow_negative_indices)
    return dynamic_update_slice(operand, update, starts, allow_negative_indices=allowed)


@jitted("dynamic_update_index_in_dim", "operand update index")
def dynamic_update_index_in_dim(
    operand: Array | np.ndarray[Any, Any],
    update: ArrayLike,
    index: ArrayLike,
    axis: int,
    *,
    allow_negative_indices: bool = True,
) -> Array:
    """``operand`` with ``update``, which may lack the axis, written at ``index`` along an axis."""
    axis, operand, new = int(axis), asarray(operand), _operand("dynamic_update_slice", update, 1)
    if new.ndim != operand.ndim:
        assert new.ndim + 1 == operand.ndim
        new = expand_dims(new, (axis,))
    return dynamic_update_slice_in_dim(operand, new, index, axis, allow_negative_indices=allow_negative_indices)
