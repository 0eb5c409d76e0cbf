"""segments: sums, products and extremes of the rows of an array that have the same number.

Rows go where their number says by `x.at[ids]`, so numbers need no order and rows out of range are dropped. With
buckets, blocks of rows are reduced apart and the results combined, which loses less to rounding.
"""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING, Any

from jaxlike._src.array import Array
from jaxlike._src.border import asarray, astype, check_arraylike, concrete_or_error, unwrap
from jaxlike._src.numpy import reduce
from jaxlike._src.numpy.arguments import array_of
from jaxlike._src.numpy.ranges import arange
from jaxlike._src.numpy.reduction import identity_of

if TYPE_CHECKING:
    from jaxlike._src.typing import ArrayLike


def _reduced(
    name: str,
    method: str,
    identity: float,
    combine: Any,
    data: Any,
    segment_ids: Any,
    num_segments: Any,
    unique: bool,
    bucket_size: int | None,
    mode: Any,
) -> Array:
    check_arraylike(name, data, segment_ids)
    x, ids = asarray(data), asarray(segment_ids)
    if num_segments is None:
        num_segments = reduce.max(ids) + 1
    count = concrete_or_error(operator.index, num_segments, "segment_sum() `num_segments` argument.")
    if count < 0:
        raise ValueError("num_segments must be non-negative.")
    start = identity_of(identity, x.dtype).to(unwrap(x).device)
    rows = x.shape[1:]
    options = {"unique_indices": unique, "mode": mode, "wrap_negative_indices": False}
    if bucket_size is None:
        out = array_of(start.expand([count, *rows]), x.dtype)
        return getattr(out.at[ids], method)(x, **options)
    buckets = math.ceil(ids.size / bucket_size)
    out = array_of(start.expand([buckets, count, *rows]), x.dtype)
    at = (arange(ids.shape[0]) // bucket_size, ids[None, :])
    return astype(combine(getattr(out.at[at], method)(x, **options), axis=0), x.dtype)


def segment_sum(
    data: ArrayLike,
    segment_ids: ArrayLike,
    num_segments: int | None = None,
    indices_are_sorted: bool = False,
    unique_indices: bool = False,
    bucket_size: int | None = None,
    mode: Any = None,
    out_sharding: Any = None,
) -> Array:
    """Sums of rows by number.

    Args:
        data: array of rows.
        segment_ids: the number of each row.
        num_segments: how many results there are; the largest number and one unless given, which a trace needs.
        indices_are_sorted: accepted.
        unique_indices: promises that no number repeats.
        bucket_size: rows that are reduced together before the results are.
        mode: what becomes of numbers out of range: they are dropped unless "clip" is given.
        out_sharding: accepted.
    """
    del indices_are_sorted, out_sharding
    return _reduced(
        "segment_sum", "add", 0, reduce.sum, data, segment_ids, num_segments, unique_indices, bucket_size, mode
    )


def segment_prod(
    data: ArrayLike,
    segment_ids: ArrayLike,
    num_segments: int | None = None,
    indices_are_sorted: bool = False,
    unique_indices: bool = False,
    bucket_size: int | None = None,
    mode: Any = None,
    out_sharding: Any = None,
) -> Array:
    """Products of rows by number; see `segment_sum`."""
    del indices_are_sorted, out_sharding
    return _reduced(
        "segment_prod", "multiply", 1, reduce.prod, data, segment_ids, num_segments, unique_indices, bucket_size, mode
    )


def segment_max(
    data: ArrayLike,
    segment_ids: ArrayLike,
    num_segments: int | None = None,
    indices_are_sorted: bool = False,
    unique_indices: bool = False,
    bucket_size: int | None = None,
    mode: Any = None,
    out_sharding: Any = None,
) -> Array:
    """Largest elements of rows by number, the least value of the dtype for no row; see `segment_sum`."""
    del indices_are_sorted, out_sharding
    return _reduced(
        "segment_max", "max", -math.inf, reduce.max, data, segment_ids, num_segments, unique_indices, bucket_size, mode
    )


def segment_min(
    data: ArrayLike,
    segment_ids: ArrayLike,
    num_segments: int | None = None,
    indices_are_sorted: bool = False,
    unique_indices: bool = False,
    bucket_size: int | None = None,
    mode: Any = None,
    out_sharding: Any = None,
) -> Array:
    """Smallest elements of rows by number, the largest value of the dtype for no row; see `segment_sum`."""
    del indices_are_sorted, out_sharding
    return _reduced(
        "segment_min", "min", math.inf, reduce.min, data, segment_ids, num_segments, unique_indices, bucket_size, mode
    )
