"""grids: objects that are indexed to make arrays: `mgrid`, `ogrid`, `r_`, `c_`.

``jnp.mgrid[0:3, 0:1:5j]``: a slice is a range, with an imaginary step so many numbers between two ends.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from jaxlike._src import config
from jaxlike._src.array import Array
from jaxlike._src.border import concrete_or_error, promote_dtypes
from jaxlike._src.numpy.create import array
from jaxlike._src.numpy.ranges import arange, linspace, meshgrid
from jaxlike._src.numpy.shape import expand_dims, transpose
from jaxlike._src.numpy.stacking import concatenate, stack

s_ = np.s_
index_exp = np.index_exp


def _range_of(s: slice, name: str) -> Array:
    """The numbers that a slice stands for."""
    start = concrete_or_error(None, s.start, f"slice start of jnp.{name}") or 0
    stop = concrete_or_error(None, s.stop, f"slice stop of jnp.{name}")
    step = concrete_or_error(None, s.step, f"slice step of jnp.{name}") or 1
    if np.iscomplexobj(step):
        return linspace(start, stop, int(abs(step)))
    return arange(start, stop, step)


def _ranges(key: tuple[slice, ...], name: str) -> list[Array]:
    with config.numpy_dtype_promotion("standard"):
        return promote_dtypes(*(_range_of(s, name) for s in key)) if key else []


class MGrid:
    """``mgrid[a:b, c:d]``: the coordinates of a grid, stacked along a new first axis."""

    def __getitem__(self, key: slice | tuple[slice, ...]) -> Array:
        if isinstance(key, slice):
            return _range_of(key, "mgrid")
        grids = meshgrid(*_ranges(key, "mgrid"), indexing="ij")
        return stack(grids, 0) if grids else arange(0)


class OGrid:
    """``ogrid[a:b, c:d]``: the coordinates of a grid, each along its own axis only."""

    def __getitem__(self, key: slice | tuple[slice, ...]) -> Any:
        if isinstance(key, slice):
            return _range_of(key, "ogrid")
        return meshgrid(*_ranges(key, "ogrid"), indexing="ij", sparse=True)


class AxisConcatenator:
    """Joins what stands in the brackets along an axis; a string in front is a directive, as in numpy."""

    def __init__(self, name: str, axis: int, ndmin: int, trans1d: int) -> None:
        """``axis`` to join along, least number of axes, and where the axis of a vector goes among them."""
        self._name = name
        self._defaults = (axis, ndmin, trans1d)

    def __len__(self) -> int:
        return 0

    def _directive(self, text: str) -> tuple[int, int, int, int]:
        """(axis, ndmin, trans1d, axis at which a vector becomes a matrix or -1)."""
        axis, ndmin, trans1d = self._defaults
        if text in ("r", "c"):
            return axis, ndmin, trans1d, "rc".index(text)
        words = text.split(",")[:3]
        try:
            numbers = [int(word) for word in words]
        except ValueError as error:
            raise ValueError(f"could not understand directive {text!r}") from error
        axis, ndmin, trans1d = (*numbers, *self._defaults[len(numbers) :])
        return axis, ndmin, trans1d, -1

    def __getitem__(self, key: Any) -> Array:
        items = key if isinstance(key, tuple) else (key,)
        axis, ndmin, trans1d, matrix = (*self._defaults, -1)
        if isinstance(items[0], str):
            axis, ndmin, trans1d, matrix = self._directive(items[0])
            items = items[1:]
        parts: list[Array] = []
        for item in items:
            if isinstance(item, str):
                raise ValueError("string directive must be placed at the beginning")
            made = _range_of(item, self._name) if isinstance(item, slice) else array(item, copy=False)
            rank = 0 if isinstance(item, slice) else made.ndim
            made = array(made, copy=False, ndmin=ndmin)
            if trans1d != -1 and ndmin > rank:
                shift = ndmin - abs(ndmin + trans1d + 1) % ndmin
                order = tuple(range(ndmin))
                made = transpose(made, order[shift:] + order[:shift])
            parts.append(made)
        joined = concatenate(parts, axis=operator.index(axis))
        return expand_dims(joined, matrix) if matrix != -1 and joined.ndim == 1 else joined


mgrid = MGrid()
ogrid = OGrid()
r_ = AxisConcatenator("r_", 0, 1, -1)
c_ = AxisConcatenator("c_", -1, 2, 0)
