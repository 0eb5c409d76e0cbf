"""bcoo_slicing: parts of a BCOO: slices, slices that begin at computed places, gathered slices.

Along sparse axes a slice keeps all entries, moves those that are within it and makes padding of the others, with values
of 0. Where that leaves more entries than the slice has places, those at the same place are added to have fewer.
"""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxlike._src.border import asarray, astype
from jaxlike._src.experimental.sparse.bcoo import BCOO, bcoo_update_layout
from jaxlike._src.experimental.sparse.bcoo_shape import bcoo_reshape, bcoo_squeeze, bcoo_transpose, like
from jaxlike._src.experimental.sparse.order import sum_duplicates
from jaxlike._src.experimental.sparse.places import validate
from jaxlike._src.experimental.sparse.util import SparseInfo
from jaxlike._src.index_plan import GatherScatterMode
from jaxlike._src.lax.gather import gather
from jaxlike._src.lax.slicing import dynamic_slice
from jaxlike._src.scipy import jnp
from jaxlike._src.shape_struct import ShapeDtypeStruct
from jaxlike._src.transforms.inspect import eval_shape
from jaxlike._src.transforms.vmap import vmap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jaxlike._src.array import Array
    from jaxlike._src.experimental.sparse.util import Shape


def bcoo_slice(
    mat: BCOO,
    *,
    start_indices: Sequence[int],
    limit_indices: Sequence[int],
    strides: Sequence[int] | None = None,
) -> BCOO:
    """As `lax.slice`.

    Args:
        mat: a BCOO.
        start_indices: where the slice begins along each axis.
        limit_indices: where it ends.
        strides: steps; 1 by default.
    """
    if not isinstance(mat, BCOO):
        raise TypeError(f"bcoo_slice: input should be BCOO array, got type(mat)={type(mat)}")
    starts, ends = ([operator.index(i) for i in s] for s in (start_indices, limit_indices))
    steps = [1] * mat.ndim if strides is None else [operator.index(i) for i in strides]
    if len(starts) != len(ends) != len(steps) != mat.ndim:
        raise ValueError(f"bcoo_slice: indices must have size mat.ndim={mat.ndim}")
    if len(steps) != mat.ndim:
        raise ValueError(f"len(strides) = {len(steps)}; expected {mat.ndim}")
    if any(s <= 0 for s in steps):
        raise ValueError(f"strides must be a sequence of positive integers; got {steps}")
    if not all(0 <= start <= end <= size for start, end, size in zip(starts, ends, mat.shape, strict=True)):
        raise ValueError(
            f"bcoo_slice: invalid indices. Got start_indices={starts}, limit_indices={ends} and shape={mat.shape}"
        )
    n_batch, n_sparse = mat.n_batch, mat.n_sparse
    cuts = [slice(*at) for at in zip(starts, ends, steps, strict=True)]
    batch, dense = cuts[:n_batch], cuts[n_batch + n_sparse :]
    shape = tuple((end - start + step - 1) // step for start, end, step in zip(starts, ends, steps, strict=True))

    def cut(array: Array, *more: slice) -> Array:
        kept = [
            c if array.shape[k] == mat.shape[k] else slice(None) for k, c in enumerate(batch)
        ]  # a broadcast axis has one element
        return array[(*kept, slice(None), *more)]

    data, indices = cut(mat.data, *dense), cut(mat.indices)
    if not n_sparse:
        return BCOO((data, indices), shape=shape)
    begin, end, step = (np.array(x[n_batch : n_batch + n_sparse], indices.dtype) for x in (starts, ends, steps))
    keep = ((indices >= begin) & (indices < end) & ((indices - begin) % step == 0)).all(-1, keepdims=True)
    moved = jnp.where(keep, (indices - begin + step - 1) // step, (end - begin + step - 1) // step)
    return _cut_down(data, moved, keep, shape, n_batch)


def _cut_down(data: Array, indices: Array, keep: Array, shape: Shape, n_batch: int) -> BCOO:
    """Without the values that are not kept; with no more entries than there are places."""
    n_sparse = indices.shape[-1]
    keep = keep[..., 0].reshape(*keep.shape[:-1], *[1] * (data.ndim - n_batch - 1))
    data = jnp.where(keep, data, 0)
    places = math.prod(shape[n_batch : n_batch + n_sparse])
    if indices.shape[-2] > places:
        data, indices = sum_duplicates(data, indices, spinfo=SparseInfo(shape), nse=places)
    return BCOO((data, indices), shape=shape)


def bcoo_dynamic_slice(mat: BCOO, start_indices: Sequence[Any], slice_sizes: Sequence[int]) -> BCOO:
    """As `lax.dynamic_slice`.

    Args:
        mat: a BCOO.
        start_indices: a scalar for each axis; brought to where the slice fits.
        slice_sizes: sizes of the result.
    """
    sizes = tuple(operator.index(i) for i in slice_sizes)
    eval_shape(lambda x, *at: dynamic_slice(x, at, sizes), like(mat), *start_indices)
    if not isinstance(mat, BCOO):
        raise TypeError(f"bcoo_slice: input should be BCOO array, got type(mat)={type(mat)}")
    starts = tuple(map(asarray, start_indices))
    n_batch, n_sparse = mat.n_batch, mat.n_sparse
    of_dense = n_batch + n_sparse
    zero = np.zeros((), starts[0].dtype if starts else np.int32)

    def cut(array: Array, at: Sequence[Any], lengths: Sequence[int]) -> Array:
        shared = [array.shape[k] != mat.shape[k] for k in range(n_batch)]
        begin = [zero if s else starts[k] for k, s in enumerate(shared)]
        long = [1 if s else sizes[k] for k, s in enumerate(shared)]
        return dynamic_slice(array, [*begin, zero, *at], [*long, mat.nse, *lengths])

    data = cut(mat.data, starts[of_dense:], sizes[of_dense:])
    indices = cut(mat.indices, [zero], [n_sparse])
    if not n_sparse:
        return BCOO((data, indices), shape=sizes)
    begin = jnp.stack([astype(s, indices.dtype) for s in starts[n_batch:of_dense]])
    whole, long = (np.array(s[n_batch:of_dense], indices.dtype) for s in (mat.shape, sizes))
    begin = jnp.clip(jnp.where(begin < 0, begin + whole, begin), 0, whole - long)
    keep = ((indices >= begin) & (indices < begin + long)).all(-1, keepdims=True)
    return _cut_down(data, jnp.where(keep, indices - begin, long), keep, sizes, n_batch)


def bcoo_gather(
    operand: BCOO,
    start_indices: Array,
    dimension_numbers: Any,
    slice_sizes: Shape,
    *,
    unique_indices: bool = False,
    indices_are_sorted: bool = False,
    mode: Any = None,
    fill_value: Any = None,
) -> BCOO:
    """As `lax.gather`, for indices that are within bounds: a `bcoo_dynamic_slice` for each of them."""
    validate(operand.data, operand.indices, operand.shape)
    mode = GatherScatterMode.PROMISE_IN_BOUNDS if mode is None else mode
    if GatherScatterMode.from_any(mode) != GatherScatterMode.PROMISE_IN_BOUNDS:
        # As JAX refuses: a slice of a sparse array has no entries out of bounds to clamp or fill.
        raise NotImplementedError(f"bcoo_gather: mode={mode!r} not yet supported.")
    start_indices = asarray(start_indices)
    out = eval_shape(
        lambda x, at: gather(
            x,
            at,
            dimension_numbers,
            slice_sizes,
            unique_indices=unique_indices,
            indices_are_sorted=indices_are_sorted,
            mode=mode,
            fill_value=fill_value,
        ),
        like(operand),
        ShapeDtypeStruct(start_indices.shape, start_indices.dtype),
    )
    offset = tuple(dimension_numbers.offset_dims)
    starts: list[Any] = [np.zeros((), start_indices.dtype)] * operand.ndim
    axes: list[int | None] = [None] * operand.ndim
    sizes = list(operand.shape)
    for k, axis in enumerate(dimension_numbers.start_index_map):
        starts[axis], axes[axis], sizes[axis] = start_indices[..., k].ravel(), 0, slice_sizes[axis]

    def one(at: Sequence[Any]) -> BCOO:
        part = bcoo_dynamic_slice(operand, at, sizes)
        return bcoo_squeeze(part, dimensions=dimension_numbers.collapsed_slice_dims)

    found = vmap(one, in_axes=(axes,))(starts)
    found = bcoo_reshape(
        found, new_sizes=(*start_indices.shape[:-1], *found.shape[1:]), dimensions=tuple(range(found.ndim))
    )
    if found.shape:
        batch = tuple(k for k in range(len(out.shape)) if k not in offset)
        order = np.zeros(found.ndim, int)
        order[np.array(batch + offset, int)] = np.arange(found.ndim)
        if set(order[: len(batch)]) != set(range(len(batch))):
            found = bcoo_update_layout(found, n_batch=0)
        found = bcoo_transpose(found, permutation=tuple(map(int, order)))
    if found.shape != out.shape:
        found = bcoo_reshape(found, new_sizes=out.shape)
    return found if found.dtype == out.dtype else BCOO((astype(found.data, out.dtype), found.indices), **found._info._asdict())
