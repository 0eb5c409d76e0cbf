"""rows: the arrays of a BCSR checked, and the indices that they stand for.

Columns are ``[*batch, nse]``, row pointers ``[*batch, rows + 1]``: where in the entries each row begins, and the last
one ends. The row of an entry is the number of rows that have begun by then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from jaxlike._src import dtypes
from jaxlike._src.experimental.sparse.places import counting
from jaxlike._src.experimental.sparse.places import validate_indices as places_of
from jaxlike._src.experimental.sparse.util import csr_to_coo
from jaxlike._src.scipy import jnp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jaxlike._src.array import Array
    from jaxlike._src.typing import DTypeLike


class BCSRProperties(NamedTuple):
    """How many axes of each kind there are, and how many entries."""

    n_batch: int
    n_dense: int
    nse: int


def _fits(given: Sequence[int], whole: Sequence[int]) -> bool:
    return len(given) == len(whole) and all(s in (1, t) for s, t in zip(given, whole, strict=True))


def validate_indices(indices: Any, indptr: Any, shape: Sequence[int]) -> BCSRProperties:
    """The layout that columns and row pointers have in an array of this shape; ValueError where they do not fit."""
    if not all(dtypes.issubdtype(x.dtype, np.integer) for x in (indices, indptr)):
        raise AssertionError(f"indices must be integers, got {indices.dtype} and {indptr.dtype}")
    shape = tuple(shape)
    nse, n_batch = indices.shape[-1], len(indices.shape) - 1
    n_dense = len(shape) - n_batch - 2
    if n_dense < 0:
        raise AssertionError(f"indices of shape {indices.shape} have too many axes for shape {shape}")
    for name, x in (("indices", indices), ("indptr", indptr)):
        if not _fits(x.shape[:n_batch], shape[:n_batch]):
            raise ValueError(
                f"{name} batch dimensions not compatible for {name}.shape={x.shape}, shape={shape}"
            )
    if indptr.shape[n_batch:] != (shape[n_batch] + 1,):
        raise ValueError("indptr shape must match the matrix shape plus 1.")
    return BCSRProperties(n_batch, n_dense, nse)


def validate(data: Any, indices: Any, indptr: Any, shape: Sequence[int]) -> BCSRProperties:
    """The layout of a BCSR; ValueError where its arrays do not fit its shape."""
    props = validate_indices(indices, indptr, shape)
    n_batch, n_dense, nse = props
    shape = tuple(shape)
    if not _fits(data.shape[:n_batch], shape[:n_batch]):
        raise ValueError(f"data batch dimensions not compatible for data.shape={data.shape}, shape={shape}")
    if data.shape[-(n_dense + 1) :] != (nse, *shape[n_batch + 2 :]):
        raise ValueError(f"Invalid data.shape={data.shape} for nse={nse}, n_batch={n_batch}, n_dense={n_dense}")
    return props


def coo_places(indices: Array, indptr: Array, shape: Sequence[int]) -> Array:
    """The indices that the BCOO of the same entries has."""
    validate_indices(indices, indptr, shape)
    return jnp.stack(csr_to_coo(indices, indptr), -1)


def row_pointers(places: Array, shape: Sequence[int], index_dtype: DTypeLike) -> tuple[Array, Array]:
    """Columns and row pointers of sorted indices of a BCOO."""
    n_batch, n_sparse, _, _ = places_of(places, shape)
    if n_sparse != 2:
        raise ValueError("Must have 2 sparse dimensions to be converted to BCSR.")
    batch, rows = places.shape[:n_batch], shape[n_batch]
    counts = [counting(size, axis, n_batch + 1) for axis, size in enumerate(batch)]
    one = np.ones((), index_dtype)
    in_row = jnp.zeros((*batch, rows), index_dtype).at[(*counts, places[..., 0])].add(one, mode="drop")
    ends = jnp.cumsum(in_row, -1).astype(index_dtype)
    return places[..., 1], jnp.concatenate([jnp.zeros((*batch, 1), index_dtype), ends], -1)
