"""random: BCOOs whose places and values are drawn."""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxlike._src import dtypes
from jaxlike._src.experimental.sparse.bcoo import BCOO
from jaxlike._src.numpy.bits import unravel_index
from jaxlike._src.numpy.scalar_types import float_
from jaxlike._src.random.basic import uniform
from jaxlike._src.random.choosing import choice
from jaxlike._src.random.keys import split
from jaxlike._src.scipy import jnp
from jaxlike._src.transforms.vmap import vmap

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jaxlike._src.array import Array
    from jaxlike._src.typing import DTypeLike


def random_bcoo(
    key: Array,
    shape: Sequence[int],
    *,
    dtype: DTypeLike = float_,
    indices_dtype: DTypeLike | None = None,
    nse: float = 0.2,
    n_batch: int = 0,
    n_dense: int = 0,
    unique_indices: bool = True,
    sorted_indices: bool = False,
    generator: Callable[..., Array] = uniform,
    **kwds: Any,
) -> BCOO:
    """A BCOO with places and values that are drawn.

    Args:
        key: a PRNG key.
        shape: of the whole, ``[*batch, *sparse, *dense]``.
        dtype: of the values.
        indices_dtype: of the indices; the default int type if None.
        nse: how many entries there are in each batch; below 1 the share of places that have one.
        n_batch: how many leading axes are batch axes.
        n_dense: how many trailing axes are dense.
        unique_indices: whether no place comes twice.
        sorted_indices: whether the indices are sorted.
        generator: draws the values from a key, a shape and a dtype.
        **kwds: for the generator.
    """
    shape = tuple(map(operator.index, shape))
    n_batch, n_dense = operator.index(n_batch), operator.index(n_dense)
    if n_batch < 0 or n_dense < 0 or n_batch + n_dense > len(shape):
        raise ValueError(f"Invalid n_batch={n_batch}, n_dense={n_dense} for shape={shape}")
    n_sparse = len(shape) - n_batch - n_dense
    batch, sparse, dense = shape[:n_batch], shape[n_batch : n_batch + n_sparse], shape[n_batch + n_sparse :]
    places = math.prod(sparse)
    if not 0 <= nse < places:
        raise ValueError(f"got nse={nse}, expected to be between 0 and {places}")
    entries = operator.index(math.ceil(nse * places) if 0 < nse < 1 else nse)  # type: ignore[arg-type]
    held = np.dtype(dtypes.default_int_dtype() if indices_dtype is None else indices_dtype)
    if places > dtypes.iinfo(held).max:
        raise ValueError(
            f"indices_dtype={indices_dtype} does not have enough range to generate sparse indices of size {places}."
        )

    def drawn(one_key: Array) -> Array:
        if not sparse:
            return jnp.zeros((entries, n_sparse), held)
        flat = choice(one_key, places, shape=(entries,), replace=not unique_indices).astype(held)
        return jnp.stack(list(unravel_index(flat, sparse)), -1)

    keys = split(key, math.prod(batch) + 1)
    data = generator(keys[0], shape=(*batch, entries, *dense), dtype=dtype, **kwds)
    indices = vmap(drawn)(keys[1:]).reshape(*batch, entries, n_sparse)
    mat = BCOO((data, indices), shape=shape)
    return mat.sort_indices() if sorted_indices else mat
