"""chosen_in_windows: in each window of an array one element is chosen, and something is taken from, or given to, its place.

These are the derivatives of the largest and smallest of each window, as primitives of their own: which place is
chosen is a reduction over windows of pairs (element, place), what follows is an index.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxlike._src import dtypes
from jaxlike._src.lax.convert import full_like, iota
from jaxlike._src.lax.primitives import computes
from jaxlike._src.lax.select import select
from jaxlike._src.lax.shape import reshape
from jaxlike._src.lax.window import reduce_window
from jaxlike._src.transforms.arguments import to_array

if TYPE_CHECKING:
    from jaxlike._src.array import Array

def _places(operand: Array, select_prim: Any, dimensions: Any, strides: Any, padding: Any, holes: Any, gaps: Any) -> Array:
    """Where in the flat ``operand`` the chosen element of each window is; -1 where a window has none of it."""
    count = reshape(iota(np.int32, math.prod(operand.shape)), operand.shape)
    worst = _worst(operand.dtype, select_prim.name)

    def better(a: Any, b: Any) -> Any:
        (x, i), (y, j) = a, b
        keep = (j < 0) | ((i >= 0) & select_prim.bind(x, y))
        return select(keep, x, y), select(keep, i, j)

    start = (full_like(operand, worst, shape=()), np.int32(-1))
    return reduce_window((operand, count), start, better, dimensions, strides, padding, holes, gaps)[1]


def _worst(dtype: Any, name: str) -> Any:
    lowest = name in ("ge", "gt")
    if dtypes.issubdtype(dtype, np.inexact):
        return -math.inf if lowest else math.inf
    if dtype == np.bool_:
        return not lowest
    info = dtypes.iinfo(dtype)
    return int(info.min if lowest else info.max)


@computes("select_and_gather_add")
def select_and_gather_add(
    tangents: Any,
    operand: Any,
    select_prim: Any = None,
    window_dimensions: Any = None,
    window_strides: Any = None,
    padding: Any = None,
    base_dilation: Any = None,
    window_dilation: Any = None,
) -> Array:
    """Of each window the element of ``tangents`` in the place that ``operand`` decides; 0 of a window of padding.

    Args:
        tangents, operand: arrays of one shape and dtype.
        select_prim: ``ge_p`` for the largest, ``le_p`` for the smallest; of equals the first.
        window_dimensions, window_strides, padding, base_dilation, window_dilation: as `reduce_window`'s.
    """
    tangents, operand = to_array(tangents), to_array(operand)
    at = _places(operand, select_prim, window_dimensions, window_strides, padding, base_dilation, window_dilation)
    taken = tangents.reshape(-1)[at.clip(0)]
    return select(at < 0, full_like(taken, 0), taken)


@computes("select_and_scatter_add")
def select_and_scatter_add(
    source: Any,
    operand: Any,
    select_prim: Any = None,
    window_dimensions: Any = None,
    window_strides: Any = None,
    padding: Any = None,
) -> Array:
    """Zeros like ``operand``, to which each window adds its element of ``source`` in the place that it chooses.

    Args:
        source: one element for each window.
        operand: decides about the places.
        select_prim, window_dimensions, window_strides, padding: as in `select_and_gather_add`.
    """
    source, operand = to_array(source), to_array(operand)
    at = _places(operand, select_prim, window_dimensions, window_strides, padding, None, None)
    zeros = full_like(operand, 0).reshape(-1)
    end = select(at < 0, full_like(at, zeros.size), at)  # out of range, and dropped
    add = zeros.at[end].max if operand.dtype == np.bool_ else zeros.at[end].add
    return add(source, mode="drop").reshape(operand.shape)
