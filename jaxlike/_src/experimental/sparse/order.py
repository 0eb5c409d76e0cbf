"""order: the entries of a BCOO sorted by place, and those at the same place added up.

Places sort by their columns, the first one first. Equal neighbours have the same rank, the number of different places
before them; an entry is added to the row of its rank. Padding is brought to one place past the end, so it sorts last.
How many different places there are depends on values: `nse` says it where values are not known.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxlike._src.border import asarray, concrete_or_error, every_lane
from jaxlike._src.experimental.sparse.places import counting, out_of_bounds, past_the_end, validate, validate_indices
from jaxlike._src.experimental.sparse.util import SparseInfo
from jaxlike._src.lax.convert import broadcasted_iota
from jaxlike._src.lax.sort import sort
from jaxlike._src.numpy.search import positions
from jaxlike._src.regions import equation
from jaxlike._src.scipy import jnp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jaxlike._src.array import Array

_NO_NSE = (
    "bcoo_sum_duplicates: nse must be specified when using the function within jit, vmap, and other transformations "
    "requiring abstract evaluation."
)


def _by_entry(array: Array, at: Array) -> Array:
    """``array[*batch, at]`` for ``at`` ``[*batch, n]``; batch axes of size 1 are broadcast."""
    n_batch = at.ndim - 1
    counts = [counting(size, axis, n_batch + 1) for axis, size in enumerate(array.shape[:n_batch])]
    return array[(*counts, at)]


def _ordered(indices: Array) -> tuple[Array, Array]:
    """Indices in order, and which entry each was: ``[*batch, nse, n_sparse]``, ``[*batch, nse]``."""
    count = indices.shape[-1]
    columns = [indices[..., k] for k in range(count)]
    numbers = broadcasted_iota(np.int32, indices.shape[:-1], indices.ndim - 2)
    *columns, perm = sort((*columns, numbers), num_keys=count)
    return jnp.stack(columns, -1), perm


@equation(
    "bcoo_sort_indices", lambda data, indices, *, spinfo: ((data, indices), {"spinfo": spinfo})
)
def sort_indices(data: Array, indices: Array, *, spinfo: SparseInfo) -> tuple[Array, Array]:
    """Values and indices in order of the indices; equal ones keep theirs."""
    data, indices = asarray(data), asarray(indices)
    props = validate(data, indices, spinfo.shape)
    if props.n_sparse == 0:
        return data, indices
    indices, perm = _ordered(indices)
    return _by_entry(data, perm), indices


def set_nse(data: Array, indices: Array, nse: int, shape: Sequence[int]) -> tuple[Array, Array]:
    """Cut off, or filled up with padding, to ``nse`` entries."""
    n_batch, now = indices.ndim - 2, indices.shape[-2]
    if nse > now:
        more = jnp.zeros((*data.shape[:n_batch], nse - now, *data.shape[n_batch + 1 :]), data.dtype)
        return jnp.concatenate([data, more], n_batch), set_indices_nse(indices, nse, shape)
    return data[(*[slice(None)] * n_batch, slice(nse))], set_indices_nse(indices, nse, shape)


def set_indices_nse(indices: Array, nse: int, shape: Sequence[int]) -> Array:
    """`set_nse` of the indices alone."""
    n_batch, now = indices.ndim - 2, indices.shape[-2]
    if nse <= now:
        return indices[..., :nse, :]
    sizes = (*indices.shape[:-2], nse - now, indices.shape[-1])
    return jnp.concatenate([indices, jnp.broadcast_to(past_the_end(indices, shape, n_batch), sizes)], n_batch)


def unique_indices(indices: Array, shape: Sequence[int]) -> tuple[Array, Array, Array, Array]:
    """The different places.

    Returns:
        The places in order, filled up with padding ``[*batch, nse, n_sparse]``; the rank of each entry
        ``[*batch, nse]``; the first entry at each place, entry 0 where there are fewer ``[*batch, nse]``; how many
        places are within bounds ``[*batch]``.
    """
    n_batch, n_sparse, _, nse = validate_indices(indices, shape)
    batch = indices.shape[:n_batch]
    if n_sparse == 0:  # one place, which is everywhere
        one = jnp.zeros((*batch, 1), np.int32)
        return jnp.zeros((*batch, 1, 0), indices.dtype), one, one, jnp.ones(batch, np.int32)
    fill, outside = past_the_end(indices, shape, n_batch), out_of_bounds(indices, shape, n_batch)
    ordered, perm = _ordered(jnp.where(outside, fill, indices))
    differs = (ordered[..., 1:, :] != ordered[..., :-1, :]).any(-1)
    is_new = jnp.concatenate([jnp.ones((*batch, min(nse, 1)), bool), differs], -1)
    rank = jnp.cumsum(is_new.astype(np.int32), -1) - 1
    counts = [counting(size, axis, n_batch + 1) for axis, size in enumerate(batch)]
    places = jnp.broadcast_to(fill, indices.shape).at[(*counts, rank)].set(ordered)
    inverse = jnp.zeros_like(perm).at[(*counts, perm)].set(rank)
    first = jnp.zeros_like(perm).at[(*counts, jnp.where(is_new, rank, nse))].set(perm, mode="drop")
    found = is_new.astype(np.int32).sum(-1) - outside.any((-1, -2)).astype(np.int32)
    return places, inverse, first, found


def sum_duplicates(data: Any, indices: Any, *, spinfo: SparseInfo, nse: int | None) -> tuple[Array, Array]:
    """Values and indices in order with no place twice, cut off or filled up to ``nse`` entries.

    By default there are as many as the fullest batch needs; that has to be known.
    """
    if nse is not None:
        nse = concrete_or_error(operator.index, nse, "nse argument of bcoo_sum_duplicates.")
    return _sum_duplicates(asarray(data), asarray(indices), spinfo=spinfo, nse=nse)


@equation(
    "bcoo_sum_duplicates", lambda data, indices, *, spinfo, nse: ((data, indices), {"spinfo": spinfo, "nse": nse})
)
def _sum_duplicates(data: Array, indices: Array, *, spinfo: SparseInfo, nse: int | None) -> tuple[Array, Array]:
    n_batch, n_sparse, _, _ = validate(data, indices, spinfo.shape)
    if nse is None and (every_lane(indices) is None or every_lane(data) is None):
        raise ValueError(_NO_NSE)
    places, rank, _, found = unique_indices(indices, spinfo.shape)
    if n_sparse == 0:
        data = data.sum(n_batch, keepdims=True, dtype=data.dtype)
    if nse is None:
        counts = every_lane(found)
        nse = 1 if n_sparse == 0 or counts is None else int(counts.max())
    places = set_indices_nse(places, nse, spinfo.shape)
    batch = tuple(map(max, indices.shape[:n_batch], data.shape[:n_batch]))
    counts = [counting(size, axis, n_batch + 1) for axis, size in enumerate(batch)]
    out = jnp.zeros((*batch, nse, *data.shape[n_batch + 1 :]), data.dtype)
    return out.at[(*counts, rank)].add(data, mode="drop"), places


def without_zeros(data: Array, indices: Array, shape: Sequence[int]) -> Array:
    """The indices with entries that are 0 made padding; where indices are broadcast, those that are 0 in all."""
    n_batch = validate(data, indices, shape).n_batch
    zero = (data == 0).all(tuple(range(n_batch + 1, data.ndim)))
    shared = tuple(axis for axis, size in enumerate(indices.shape[:n_batch]) if size == 1)
    zero = zero.all(shared, keepdims=True)
    return jnp.where(zero[..., None], past_the_end(indices, shape, n_batch), indices)


def first_places(mask: Array, nse: int) -> tuple[Array, ...]:
    """For each axis of a mask where the first ``nse`` that hold are; past the end where there are fewer."""
    return positions(mask, nse, mask.shape)
