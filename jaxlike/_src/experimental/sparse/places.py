"""places: the arrays of a BCOO checked, and what reads and writes a dense array at their places.

`indices` are ``[*batch, nse, n_sparse]``, values ``[*batch, nse, *dense]``. To look up an array ``[*batch, *sparse,
*dense]`` takes one index for each batch axis, which counts along it, and one for each sparse axis; they broadcast
against each other to ``[*batch, nse]``. Places out of bounds are padding: read as 0, never written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from jaxlike._src import dtypes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jaxlike._src.array import Array
    from jaxlike._src.experimental.sparse.util import Shape


class Buffer(Protocol):
    """What has a shape and a dtype."""

    @property
    def shape(self) -> Shape:
        """Sizes of the axes."""
        ...

    @property
    def dtype(self) -> Any:
        """Type of the elements."""
        ...


class BCOOProperties(NamedTuple):
    """How many axes of each kind there are, and how many entries."""

    n_batch: int
    n_sparse: int
    n_dense: int
    nse: int


def validate_indices(indices: Buffer, shape: Sequence[int]) -> BCOOProperties:
    """The layout that indices have in an array of this shape; ValueError where they do not fit."""
    if not dtypes.issubdtype(indices.dtype, np.integer):
        raise AssertionError(f"indices must be integers, got {indices.dtype}")
    shape = tuple(shape)
    nse, n_sparse = indices.shape[-2:]
    n_batch = len(indices.shape) - 2
    n_dense = len(shape) - n_batch - n_sparse
    if n_dense < 0:
        raise AssertionError(f"indices of shape {indices.shape} have too many axes for shape {shape}")
    if any(given not in (1, size) for given, size in zip(indices.shape[:n_batch], shape[:n_batch], strict=True)):
        raise ValueError(f"indices batch dimensions not compatible for indices.shape={indices.shape}, shape={shape}")
    return BCOOProperties(n_batch, n_sparse, n_dense, nse)


def validate(data: Buffer, indices: Buffer, shape: Sequence[int]) -> BCOOProperties:
    """The layout of a BCOO; ValueError where its arrays do not fit its shape."""
    props = validate_indices(indices, shape)
    n_batch, n_sparse, n_dense, nse = props
    shape = tuple(shape)
    batch = data.shape[:n_batch]
    if len(batch) != n_batch or any(given not in (1, size) for given, size in zip(batch, shape[:n_batch], strict=True)):
        raise ValueError(f"data batch dimensions not compatible for data.shape={data.shape}, shape={shape}")
    if data.shape[n_batch:] != (nse, *shape[n_batch + n_sparse :]):
        raise ValueError(f"Invalid data.shape={data.shape} for nse={nse}, n_batch={n_batch}, n_dense={n_dense}")
    return props


def remaining(original: Sequence[int], *removed: Sequence[int]) -> list[int]:
    """The axes that are in none of the lists removed."""
    gone = {axis for axes in removed for axis in axes}
    return [axis for axis in original if axis not in gone]


def counting(size: int, axis: int, rank: int) -> np.ndarray[Any, Any]:
    """0, 1, 2, ... along one of ``rank`` axes; the others have size 1."""
    return np.arange(size, dtype=np.int32).reshape([size if k == axis else 1 for k in range(rank)])


def index_of(indices: Array, shape: Sequence[int]) -> tuple[Any, ...]:
    """What indexes an array of this shape at the places of indices; see the header."""
    n_batch = indices.ndim - 2
    counts = [counting(size, axis, n_batch + 1) for axis, size in enumerate(tuple(shape)[:n_batch])]
    return (*counts, *(indices[..., k] for k in range(indices.shape[-1])))


def out_of_bounds(indices: Array, shape: Sequence[int], n_batch: int) -> Array:
    """Which entries are padding: ``[*batch, nse, 1]``."""
    sizes = np.array(tuple(shape)[n_batch : n_batch + indices.shape[-1]], indices.dtype)
    return (indices >= sizes).any(-1, keepdims=True)


def past_the_end(indices: Array, shape: Sequence[int], n_batch: int) -> np.ndarray[Any, Any]:
    """The place that padding has: one past the end along each sparse axis, ``[n_sparse]``."""
    return np.array(tuple(shape)[n_batch : n_batch + indices.shape[-1]], indices.dtype)
