"""take: elements at given positions along one axis, and elements put there.

`take` and `put` index one axis with an array of any shape, the `_along_axis` pair indexes elementwise. Positions
out of bounds read a fill value and are not written, unless a mode says otherwise; the reading and writing itself
is that of `x[index]` and `x.at[index]`.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src import dtypes, indexing, torch_private, unsigned
from jaxlike._src.array import Array, constant
from jaxlike._src.border import canonicalize_axis, unwrap
from jaxlike._src.devices import default_torch_device
from jaxlike._src.index_plan import ANY_SLICE, GatherScatterMode
from jaxlike._src.index_watch import watch_index
from jaxlike._src.numpy.arguments import like, payload
from jaxlike._src.numpy.arithmetic import remainder
from jaxlike._src.numpy.bits import unravel_index
from jaxlike._src.numpy.ranges import indices as index_grid
from jaxlike._src.numpy.search import positions
from jaxlike._src.numpy.select import clip
from jaxlike._src.numpy.shape import all_arrays, broadcast_array, common_shape, ravel, reshape
from jaxlike._src.numpy.sort import gathered
from jaxlike._src.numpy.stacking import tile
from jaxlike._src.transforms.compiled import compiled, jitted

if TYPE_CHECKING:
    from jaxlike._src.typing import ArrayLike


@jitted("_take", "a indices")
def take(
    a: ArrayLike,
    indices: ArrayLike,
    axis: int | None = None,
    out: None = None,
    mode: str | None = None,
    unique_indices: bool = False,
    indices_are_sorted: bool = False,
    fill_value: Any = None,
) -> Array:
    """The elements of ``a`` at ``indices`` along an axis.

    Args:
        a: array.
        indices: integers of any shape, which takes the place of the axis; negative ones count from the end.
        axis: None ravels ``a`` first.
        out: not supported.
        mode: for positions out of bounds: "fill" (the default), "clip" or "wrap".
        unique_indices: accepted.
        indices_are_sorted: accepted.
        fill_value: by default NaN, the least signed or the largest unsigned number, True.
    """
    del unique_indices, indices_are_sorted
    axis = None if axis is None else operator.index(axis)
    if out is not None:
        raise NotImplementedError("The 'out' argument to jnp.take is not supported.")
    x, at = all_arrays("take", (a, indices))
    if axis is None:
        x, axis = ravel(x), 0
    axis = canonicalize_axis(axis, x.ndim)
    size = x.shape[axis]
    if mode not in (None, "fill", "clip", "wrap"):
        if mode == "raise":
            raise NotImplementedError("The 'raise' mode to jnp.take is not supported.")
        raise ValueError(f"Invalid mode '{mode}' for np.take")
    if mode == "wrap" and size:
        at = remainder(at, size)
    if size == 0:
        if at.size:
            raise IndexError("Cannot do a non-empty jnp.take() from an empty axis.")
        return x
    if at.dtype == dtypes.BOOL and mode in (None, "fill"):  # JAX's sum with the size makes it integer
        at = Array(unwrap(at).to(torch.int32))
    if at.size and not dtypes.issubdtype(at.dtype, np.integer):
        raise ValueError("indices must have an integer type")
    if not at.size:
        at = Array(unwrap(at).to(torch.int32))
    how = "clip" if mode == "wrap" else mode or "fill"
    index = (*[ANY_SLICE] * axis, at)
    return indexing.take(x, index, how, fill_value, wrap=mode != "clip")


@compiled("arr", "indices")
def take_along_axis(
    arr: ArrayLike,
    indices: ArrayLike,
    axis: int | None = -1,
    mode: str | GatherScatterMode | None = None,
    fill_value: Any = None,
    *,
    wrap_negative_indices: bool | None = None,
) -> Array:
    """For each element of ``indices`` the element of ``arr`` at that place along an axis.

    Args:
        arr: array.
        indices: integers, with as many axes as ``arr``; the others broadcast.
        axis: None takes from the raveled ``arr``.
        mode: for positions out of bounds: "fill" (the default), "clip", "promise_in_bounds" or "one_hot".
        fill_value: by default NaN, the least signed or the largest unsigned number, True.
        wrap_negative_indices: whether negative ones count from the end.
    """
    x, at = all_arrays("take_along_axis", (arr, indices))
    if not dtypes.issubdtype(at.dtype, np.integer):
        raise TypeError(f"take_along_axis indices must be of integer type, got {at.dtype}")
    if axis is None:
        if at.ndim != 1:
            raise ValueError(f"take_along_axis indices must be 1D if axis=None, got shape {at.shape}")
        x, axis = ravel(x), 0
    if x.ndim != at.ndim:
        raise ValueError(
            f"indices and arr must have the same number of dimensions; {at.ndim} vs. {x.ndim}"
        )
    axis = canonicalize_axis(axis, x.ndim)
    size = x.shape[axis]
    others = (*x.shape[:axis], 1, *x.shape[axis + 1 :])
    shape = common_shape([at.shape, others])
    tensor = unwrap(x)
    if size == 0:
        return Array(tensor.new_zeros(shape))
    if wrap_negative_indices is None:
        wrap_negative_indices = mode != "promise_in_bounds"
    parsed = GatherScatterMode.from_any(mode)
    places = unwrap(at).to(torch.int64)
    if wrap_negative_indices and unwrap(at).dtype.is_signed:
        places = torch.where(places < 0, places + size, places)
    watch_index(x.shape, [axis], [places], [1])
    full = broadcast_array(x, (*shape[:axis], size, *shape[axis + 1 :]))
    near = places.clamp(0, size - 1).expand(shape)
    extra = payload(x)
    if extra:
        near = near.unsqueeze(-1).expand(*shape, tensor.shape[-1])
    taken = gathered(unwrap(full), axis, near)
    if parsed in (GatherScatterMode.CLIP, GatherScatterMode.PROMISE_IN_BOUNDS):
        return like(x, taken)
    one_hot = parsed is GatherScatterMode.ONE_HOT
    fill = indexing.fill_tensor(x, 0 if one_hot else fill_value)
    inside = (places >= 0) & (places < size)
    made = unsigned.where(inside.unsqueeze(-1) if extra else inside, taken, fill)
    return Array(made) if one_hot else like(x, made)


@compiled("arr", "indices", "values")
def put_along_axis(
    arr: ArrayLike,
    indices: ArrayLike,
    values: ArrayLike,
    axis: int | None,
    inplace: bool = True,
    *,
    mode: str | None = None,
) -> Array:
    """``arr`` with ``values`` at the places ``indices`` along an axis.

    Args:
        arr: array.
        indices: integers, with as many axes as ``arr``.
        values: what to put there; they broadcast to ``indices``.
        axis: None puts into the raveled ``arr``.
        inplace: must be False.
        mode: for positions out of bounds, as in ``x.at[...].set``.
    """
    _refuse_inplace("put_along_axis", inplace, "JAX arraysare")
    x, at, new = all_arrays("put_along_axis", (arr, indices, values))
    original = x.shape
    flat = axis is None
    if axis is None:
        x, axis = ravel(x), 0
    if x.ndim != at.ndim:
        raise ValueError(
            "put_along_axis arguments 'arr' and 'indices' must have same ndim. Got "
            f"arr.ndim={x.ndim} and indices.ndim={at.ndim}."
        )
    try:
        new = broadcast_array(new, at.shape)
    except ValueError:
        raise ValueError(
            "put_along_axis argument 'values' must be broadcastable to 'indices'. Got "
            f"values.shape={new.shape} and indices.shape={at.shape}."
        ) from None
    index = list(index_grid(x.shape, sparse=True))
    index[axis] = at
    result = x.at[tuple(index)].set(new, mode=mode)
    return reshape(result, original) if flat else result


def _refuse_inplace(name: str, inplace: bool, arrays_are: str = "JAX arrays are") -> None:
    if inplace:
        raise ValueError(
            f"jax.numpy.{name} cannot modify arrays in-place, because {arrays_are} immutable. "
            "Pass inplace=False to instead return an updated array."
        )


def _tiled(x: Array, size: int) -> Array:
    """A vector repeated, or cut, to a length."""
    if x.size < size:
        x = tile(x, -(-size // x.size))
    return like(x, unwrap(x)[:size])


def place(arr: ArrayLike, mask: ArrayLike, vals: ArrayLike, *, inplace: bool = True) -> Array:
    """``arr`` with ``vals``, repeated as often as needed, where ``mask`` holds.

    Args:
        arr: array.
        mask: array of the same size.
        vals: values, taken in order.
        inplace: must be False.
    """
    x, chosen, values = all_arrays("place", (arr, mask, vals))
    _refuse_inplace("place", inplace)
    if x.size != chosen.size:
        raise ValueError("place: arr and mask must be the same size")
    if not values.size:
        raise ValueError("Cannot place values from an empty array")
    if not x.size:
        return x
    (at,) = positions(ravel(chosen), x.size, x.size)
    made = ravel(x).at[at].set(_tiled(ravel(values), x.size), mode="drop")
    return reshape(made, x.shape)


def put(
    a: ArrayLike, ind: ArrayLike, v: ArrayLike, mode: str | None = None, *, inplace: bool = True
) -> Array:
    """``a`` with the values ``v``, repeated as often as needed, at positions of the raveled array.

    Args:
        a: array.
        ind: positions.
        v: values, taken in order.
        mode: for positions out of bounds: None drops them, "clip" or "wrap".
        inplace: must be False.
    """
    _refuse_inplace("put", inplace)
    x, at, values = all_arrays("put", (a, ind, v))
    at, values = ravel(at), ravel(values)
    if not x.size or not at.size or not values.size:
        return x
    values = _tiled(values, at.size)
    if mode is None:
        how = "drop"
    elif mode == "clip":
        at, how = clip(at, 0, x.size - 1), "promise_in_bounds"
    elif mode == "wrap":
        at, how = remainder(at, x.size), "promise_in_bounds"
    elif mode == "raise":
        raise NotImplementedError("The 'raise' mode to jnp.put is not supported.")
    else:
        raise ValueError(f"mode should be one of 'wrap' or 'clip'; got {mode=}")
    return x.at[unravel_index(at, x.shape)].set(values, mode=how)


def fill_diagonal(a: ArrayLike, val: ArrayLike, wrap: bool = False, *, inplace: bool = True) -> Array:
    """``a`` with ``val`` on its main diagonal.

    Args:
        a: array of at least two axes, all of one size if there are more than two.
        val: a number, or values that are repeated along the diagonal.
        wrap: not supported.
        inplace: must be False.
    """
    if inplace:
        raise NotImplementedError("JAX arrays are immutable, must use inplace=False")
    if wrap:
        raise NotImplementedError("wrap=True is not implemented, must use wrap=False")
    x, value = all_arrays("fill_diagonal", (a, val))
    if x.ndim < 2:
        raise ValueError("array must be at least 2-d")
    if x.ndim > 2 and len(set(x.shape)) > 1:
        raise ValueError("All dimensions of input must be of equal length")
    n = min(x.shape)
    with torch_private.outside():
        along = constant(torch.arange(n, device=default_torch_device()))
    new = value if value.ndim == 0 else _tiled(ravel(value), n)
    return x.at[(along,) * x.ndim].set(new)
