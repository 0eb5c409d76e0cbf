"""convert: a BCOO made dense, a dense array made a BCOO, and values read at the places of one.

To make one dense its values are added at their places to zeros. To make a dense array sparse its first entries that
are not zero are counted off in each batch.
"""

from __future__ import annotations

import functools
import operator
from typing import TYPE_CHECKING, Any

from jaxlike._src.border import asarray, concrete_or_error
from jaxlike._src.experimental.sparse.lookup import add_rows, read_rows
from jaxlike._src.experimental.sparse.order import first_places, unique_indices
from jaxlike._src.experimental.sparse.places import counting, index_of, validate, validate_indices
from jaxlike._src.experimental.sparse.util import SparseInfo, nfold_vmap
from jaxlike._src.lax.convert import broadcasted_iota
from jaxlike._src.regions import equation
from jaxlike._src.scipy import jnp

if TYPE_CHECKING:
    from jaxlike._src.array import Array
    from jaxlike._src.typing import DTypeLike

TRACED_NSE = (
    "\nThe error arose for the nse argument of {name}_fromdense. In order for {cls}.fromdense() to be used in "
    "traced/compiled code, you must pass a concrete value to the nse (number of stored elements) argument."
)


@equation("bcoo_todense", lambda data, indices, *, spinfo: ((data, indices), {"spinfo": spinfo}))
def to_dense(data: Any, indices: Any, *, spinfo: SparseInfo) -> Array:
    """The array ``[*batch, *sparse, *dense]`` with the values at their places; those at the same place are added."""
    data, indices = asarray(data), asarray(indices)
    n_batch, n_sparse, _, _ = validate(data, indices, spinfo.shape)
    at = index_of(indices, spinfo.shape)
    if n_sparse == 0:
        data = data.sum(n_batch, keepdims=bool(at), dtype=data.dtype)
    return add_rows(spinfo.shape, at, data) if at else data


@equation(
    "bcoo_extract",
    lambda indices, arr, *, assume_unique=True: ((indices, arr), {"assume_unique": assume_unique}),
)
def extract_data(indices: Any, arr: Any, *, assume_unique: bool = True) -> Array:
    """The values ``[*batch, nse, *dense]`` of a dense array at indices; 0 for padding.

    Unless ``assume_unique`` the first entry at a place has its value, and the others have 0.
    """
    indices, arr = asarray(indices), asarray(arr)
    n_batch, n_sparse, _, nse = validate_indices(indices, arr.shape)
    if not n_sparse:
        found = jnp.expand_dims(arr, n_batch)
        whole = jnp.broadcast_to(found, (*arr.shape[:n_batch], nse, *arr.shape[n_batch:]))
        if assume_unique:
            return whole
        first = counting(nse, n_batch, whole.ndim) == 0
        return jnp.where(first, whole, jnp.zeros((), arr.dtype))
    if assume_unique:
        return read_rows(arr, index_of(indices, arr.shape))
    places, _, first, _ = unique_indices(indices, arr.shape)
    found = read_rows(arr, index_of(places, arr.shape))
    counts = [counting(size, axis, n_batch + 1) for axis, size in enumerate(found.shape[:n_batch])]
    return jnp.zeros_like(found).at[(*counts, first)].add(found)


def from_dense(
    mat: Any, *, nse: int | None, n_batch: int, n_dense: int, index_dtype: DTypeLike, message: str
) -> tuple[Array, Array]:
    """Values and indices of ``nse`` entries in each batch of a dense array."""
    count = concrete_or_error(operator.index, nse, message)
    return _from_dense(asarray(mat), nse=count, n_batch=n_batch, n_dense=n_dense, index_dtype=index_dtype)


@equation("bcoo_fromdense", lambda mat, **params: ((mat,), params))
def _from_dense(mat: Array, *, nse: int, n_batch: int, n_dense: int, index_dtype: DTypeLike) -> tuple[Array, Array]:
    mask = mat != 0
    if n_dense > 0:
        mask = mask.any(tuple(range(mask.ndim - n_dense, mask.ndim)))
    if mask.ndim == n_batch:
        indices = jnp.zeros((*mask.shape, nse, 0), index_dtype)
    else:
        places = nfold_vmap(functools.partial(first_places, nse=nse), n_batch, broadcasted=False)(mask)
        indices = jnp.stack(places, -1).astype(index_dtype)
    data = extract_data(indices, mat)
    count = mask.sum(tuple(range(n_batch, mask.ndim)))[..., None]
    there = broadcasted_iota(count.dtype, (1,) * n_batch + (nse,), n_batch) < count
    return jnp.where(there[(..., *[None] * n_dense)], data, 0), indices
