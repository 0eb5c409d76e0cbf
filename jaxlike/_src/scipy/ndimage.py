"""ndimage: values of an array at coordinates between its elements, nearest or linear.

Along each axis a coordinate has one or two neighbours with weights; the value is the sum over all combinations
of neighbours. Neighbours out of bounds are moved by the mode, or read a constant.
"""

from __future__ import annotations

import functools
import itertools
import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxlike._src import dtypes
from jaxlike._src.array import Array
from jaxlike._src.border import astype
from jaxlike._src.lax.elementwise import round as lax_round
from jaxlike._src.numpy.arithmetic import absolute, floor_divide
from jaxlike._src.numpy.create import asarray
from jaxlike._src.numpy.rounding import floor
from jaxlike._src.numpy.select import clip, where

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jaxlike._src.typing import ArrayLike


def _mirror(index: Array, size: int) -> Array:
    last = size - 1
    return absolute((index + last) % (2 * last) - last)


_MOVED: dict[str, Any] = {
    "constant": lambda index, size: index,
    "nearest": lambda index, size: clip(index, 0, size - 1),
    "wrap": lambda index, size: index % size,
    "mirror": _mirror,
    "reflect": lambda index, size: floor_divide(_mirror(2 * index + 1, 2 * size + 1) - 1, 2),
}


def _rounded(x: Array) -> Array:
    return x if dtypes.issubdtype(x.dtype, np.integer) else lax_round(x)


def _neighbours(coordinate: Array, order: int) -> list[tuple[Array, Any]]:
    """Positions along an axis, with weights."""
    if order == 0:
        return [(astype(_rounded(coordinate), np.dtype(np.int32)), coordinate.dtype.type(1))]
    lower = floor(coordinate)
    upper_weight = coordinate - lower
    at = astype(lower, np.dtype(np.int32))
    return [(at, 1 - upper_weight), (at + 1, upper_weight)]


def map_coordinates(
    input: ArrayLike, coordinates: Sequence[ArrayLike], order: int, mode: str = "constant", cval: ArrayLike = 0.0
) -> Array:
    """Values of an array at coordinates.

    Args:
        input: array.
        coordinates: for each axis an array of coordinates, of one shape.
        order: 0 for the nearest element, 1 for linear interpolation.
        mode: what is out of bounds: "constant" (``cval``), "nearest", "wrap", "mirror" (about the last element) or
            "reflect" (about its edge).
        cval: what mode "constant" reads.
    """
    x = asarray(input)
    places = [asarray(c) for c in coordinates]
    outside = asarray(cval, x.dtype)
    if len(places) != x.ndim:
        raise ValueError(f"coordinates must be a sequence of length input.ndim, but {len(places)} != {x.ndim}")
    moved = _MOVED.get(mode)
    if moved is None:
        raise NotImplementedError(
            f"jax.scipy.ndimage.map_coordinates does not yet support mode {mode}. Currently supported modes are "
            f"{set(_MOVED)}."
        )
    if order not in (0, 1):
        raise NotImplementedError("jax.scipy.ndimage.map_coordinates currently requires order<=1")
    along = [
        [(moved(i, size), (i >= 0) & (i < size), weight) for i, weight in _neighbours(c, order)]
        for c, size in zip(places, x.shape, strict=True)
    ]
    parts: list[Array] = []
    for chosen in itertools.product(*along):
        value = x[tuple(i for i, _, _ in chosen)]
        if mode == "constant":
            value = where(functools.reduce(operator.and_, (inside for _, inside, _ in chosen)), value, outside)
        parts.append(functools.reduce(operator.mul, (weight for _, _, weight in chosen)) * value)
    total = functools.reduce(operator.add, parts)
    return astype(_rounded(total) if dtypes.issubdtype(x.dtype, np.integer) else total, x.dtype)
