"""insertion: elements put into an array, or taken out of it, along an axis.

Each result is one selection along the axis, by an index that is computed on the host where the places are
known, and on the device where `insert` is given traced ones.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src import dtypes, unsigned
from jaxlike._src.array import Array
from jaxlike._src.border import (
    asarray,
    canonicalize_axis,
    check_arraylike,
    concrete_or_error,
    to_numpy,
    unwrap,
)
from jaxlike._src.debug_checks import results_only
from jaxlike._src.numpy.arguments import astype, axes_of, known_index, like, one_array
from jaxlike._src.numpy.ranges import arange
from jaxlike._src.numpy.shape import broadcast_array, broadcast_shapes, expand_dims, moveaxis, ravel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from jaxlike._src.typing import ArrayLike


def select(x: Array, axis: int, index: Tensor) -> Array:
    """The elements of ``x`` at ``index``, a vector of places along an axis that are all in range."""
    return like(x, unsigned.moved_as_signed(torch.index_select, unwrap(x), axis, index))


def _select_known(x: Array, axis: int, places: np.ndarray[Any, Any]) -> Array:
    return select(x, axis, known_index(places, unwrap(x)))


def delete(
    arr: ArrayLike, obj: ArrayLike | slice, axis: int | None = None, *, assume_unique_indices: bool = False
) -> Array:
    """``arr`` without some of its parts along an axis.

    Args:
        arr: array.
        obj: which: an integer, a slice, or integers or truth values whose values are known.
        axis: along which; None ravels ``arr`` first.
        assume_unique_indices: with this, integers may be traced; each must be given once.
    """
    x = one_array("delete", arr)
    if axis is None:
        x, axis = ravel(x), 0
    axis = canonicalize_axis(axis, x.ndim)
    size = x.shape[axis]
    try:
        place = canonicalize_axis(operator.index(obj), size)  # pyright: ignore[reportArgumentType]
    except TypeError:
        pass
    else:
        return _select_known(x, axis, np.delete(np.arange(size), place))
    if isinstance(obj, slice):
        return _select_known(x, axis, np.delete(np.arange(size), obj))
    check_arraylike("delete", arr, obj)
    given = asarray(obj)
    if dtypes.issubdtype(given.dtype, np.integer) and assume_unique_indices:
        return _delete_unique(x, axis, unwrap(ravel(given)).to(torch.int64))
    known = concrete_or_error(None, obj, "'obj' array argument of jnp.delete()")
    places = to_numpy(known) if isinstance(known, Array) else np.asarray(known)
    if dtypes.issubdtype(places.dtype, np.integer):
        kept = np.ones(size, bool)
        kept[places] = False
    elif places.dtype == bool:
        if places.shape != (size,):
            raise ValueError(
                "np.delete(arr, obj): for boolean indices, obj must be one-dimensional with length matching "
                "specified axis."
            )
        kept = ~places
    else:
        raise ValueError(f"np.delete(arr, obj): got obj.dtype={places.dtype}; must be integer or bool.")
    return _select_known(x, axis, np.flatnonzero(kept))


def _delete_unique(x: Array, axis: int, places: Tensor) -> Array:
    """As many elements fewer as there are places, which may be traced."""
    size = x.shape[axis]
    places = torch.where(places < 0, places + size, places).clamp(0, size)
    places = torch.sort(places).values
    before = places - torch.arange(places.shape[0], device=places.device)
    kept = torch.arange(size - places.shape[0], device=places.device)
    return select(x, axis, kept + (kept >= before.unsqueeze(1)).sum(0))


def insert(arr: ArrayLike, obj: ArrayLike | slice, values: ArrayLike, axis: int | None = None) -> Array:
    """``arr`` with ``values`` put in before the given places of an axis.

    Args:
        arr: array.
        obj: places: an integer, several, or a slice; they may be traced.
        values: what to put in; broadcast to the parts of ``arr`` that lie there, converted to its dtype.
        axis: along which; None ravels ``arr`` first.
    """
    x = one_array("insert", arr)
    check_arraylike("insert", arr, 0 if isinstance(obj, slice) else obj, values)
    if axis is None:
        x, axis = ravel(x), 0
    axis = concrete_or_error(operator.index, axis, "axis argument of jnp.insert()")
    axis = canonicalize_axis(axis, x.ndim)
    size = x.shape[axis]
    places = arange(*obj.indices(size)) if isinstance(obj, slice) else asarray(obj)
    if places.ndim > 1:
        raise ValueError(f"jnp.insert(): obj must be a slice, a one-dimensional array, or a scalar; got {obj}")
    empty = places.size == 0 and not isinstance(obj, Array)
    if not dtypes.issubdtype(places.dtype, np.integer) and not empty:
        raise ValueError(f"jnp.insert(): index array must be integer typed; got {obj}")
    new = astype(asarray(values), x.dtype)
    if new.ndim < x.ndim:
        new = expand_dims(new, tuple(range(x.ndim - new.ndim)))
    at = unwrap(places).to(torch.int64)
    if places.size == 1:
        if places.ndim == 0:
            new = moveaxis(new, 0, axis)
        at = at.reshape(1).expand(new.shape[axis])
    (count,) = broadcast_shapes(tuple(at.shape), (new.shape[axis],))
    new = broadcast_array(new, (*x.shape[:axis], count, *x.shape[axis + 1 :]))
    return _merged(x, new, at.expand(count), axis)


def _merged(x: Array, new: Array, at: Tensor, axis: int) -> Array:
    """``new`` put into ``x`` before the places ``at``."""
    size, count = x.shape[axis], new.shape[axis]
    at = torch.where(at < 0, at + size, at).clamp(0, size)
    rank = torch.argsort(torch.argsort(at, stable=True), stable=True)
    old = torch.arange(size, device=at.device)
    old_to = old + (at.unsqueeze(1) <= old).sum(0)  # an element is moved by what is put in before it
    sources = torch.arange(size + count, device=at.device)
    picks = torch.zeros_like(sources).scatter(0, torch.cat([old_to, at + rank]), sources)
    both = like(x, torch.cat([unwrap(x), unwrap(new)], axis))
    return select(both, axis, picks)


@results_only
def trim_zeros(filt: ArrayLike, trim: str = "fb", axis: int | Sequence[int] | None = None) -> Array:
    """``filt`` without the zeros at its ends.

    Args:
        filt: array whose values are known.
        trim: "f" for the front, "b" for the back, or both.
        axis: along which; all axes if none is given.
    """
    x = one_array("trim_zeros", filt)
    known = concrete_or_error(None, x, "Error arose in the `filt` argument of trim_zeros()")
    front, back = "f" in trim.lower(), "b" in trim.lower()
    axes = axes_of(axis, x.ndim, "repeated axis")
    if not axes or not (front or back):
        return x
    nonzero = to_numpy(known) != 0
    for i in axes:
        there = np.flatnonzero(nonzero.any(tuple(j for j in range(x.ndim) if j != i)))
        if there.size == 0:
            first, last = 0, 0
        else:
            first = int(there[0]) if front else 0
            last = int(there[-1]) + 1 if back else x.shape[i]
        x = like(x, unwrap(x).narrow(i, first, last - first))
    return x
