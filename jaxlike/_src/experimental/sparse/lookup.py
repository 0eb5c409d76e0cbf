"""lookup: rows of an array read at sparse places, and rows added up at them; what is out of bounds reads 0 and adds nothing.

The axes that are looked up are taken as one, with one more row past their end: there goes every place that is out of
bounds, so that no other pass over the rows has to mask them. Types that torch cannot add, and arrays that are larger than
what is read of them, go the way of `.at[]`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src import dtypes
from jaxlike._src.array import Array
from jaxlike._src.border import asarray, unwrap
from jaxlike._src.scipy import jnp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

# What torch adds up at places that repeat.
_ADDED = (
    torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.complex64, torch.complex128, torch.uint8,
    torch.int8, torch.int16, torch.int32, torch.int64,
)  # fmt: skip


def _flat(index: Sequence[Any], sizes: Sequence[int]) -> Tensor:
    """Places along axes taken as one; past their end for what is out of bounds."""
    flat: Any = None
    inside: Any = None
    for at, size in zip(index, sizes, strict=True):
        places = unwrap(asarray(at)).to(torch.int64)
        if not isinstance(at, np.ndarray):  # a count is within bounds
            places = torch.where(places < 0, places + size, places)
            within = (places >= 0) & (places < size)
            inside = within if inside is None else inside & within
        flat = places if flat is None else flat * size + places
    return flat if inside is None else torch.where(inside, flat, math.prod(sizes))


def read_rows(x: Array, index: Sequence[Any]) -> Array:
    """``x[index]`` with 0 for what is out of bounds; ``index`` has integer arrays that broadcast, for the first axes."""
    count = len(index)
    sizes, rest = x.shape[:count], x.shape[count:]
    entries = math.prod(np.broadcast_shapes(*(at.shape for at in index)))
    if dtypes.to_torch(x.dtype) not in _ADDED or math.prod(sizes) > 2 * entries:
        return x.at[tuple(index)].get(mode="fill", fill_value=0)
    rows = unwrap(x).reshape(math.prod(sizes), *rest)
    padded = torch.cat([rows, rows.new_zeros((1, *rest))])
    flat = _flat(index, sizes)
    read = torch.index_select(padded, 0, flat.reshape(-1))  # many times as fast as an index
    return Array(read.reshape(*flat.shape, *rest))


def add_rows(shape: Sequence[int], index: Sequence[Any], values: Array) -> Array:
    """Zeros of a shape with rows added at places along the first axes; ``index`` as in `read_rows`, one at least."""
    count, dtype = len(index), dtypes.to_torch(values.dtype)
    sizes, rest = tuple(shape[:count]), tuple(shape[count:])
    if dtype not in _ADDED or not math.prod(shape):
        return jnp.zeros(shape, values.dtype).at[tuple(index)].add(values, mode="drop")
    flat, total = _flat(index, sizes), math.prod(sizes)
    rows = unwrap(values)
    rows = rows.expand(*flat.shape, *rows.shape[flat.dim() :])
    out = torch.zeros((total + 1, *rest), dtype=dtype, device=rows.device)
    return Array(out.index_put((flat,), rows, accumulate=True)[:total].reshape(*sizes, *rest))
