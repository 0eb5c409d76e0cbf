"""interpolate: RegularGridInterpolator, between values on a rectilinear grid of any number of axes."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from jaxlike._src import dtypes
from jaxlike._src.array import Array
from jaxlike._src.border import asarray, check_arraylike, promote_dtypes_inexact
from jaxlike._src.scipy import jnp
from jaxlike._src.tree import register_pytree_node


def _coordinates(points: Any, ndim: int) -> Array:
    """Points as ``[..., ndim]``: from an array, or a tuple with one array per axis that broadcast."""
    if isinstance(points, tuple) and len(points) == 1:
        points = points[0]
    if isinstance(points, tuple):
        dtype = dtypes.default_float_dtype()
        columns = jnp.broadcast_arrays(*points)
        return jnp.stack([jnp.asarray(c).astype(dtype) for c in columns], axis=-1)
    check_arraylike("_ndim_coords_from_arrays", points)
    x = asarray(points)
    return x.reshape(-1, ndim) if x.ndim == 1 else x


class RegularGridInterpolator:
    """A function of points, by interpolation between values on a grid.

    Args:
        points: the grid, an ascending array per axis.
        values: ``[*grid, ...]``.
        method: "linear" or "nearest".
        bounds_error: not supported.
        fill_value: the value outside of the grid; None: extrapolate.
    """

    def __init__(
        self, points: Any, values: Any, method: str = "linear", bounds_error: bool = False, fill_value: Any = np.nan
    ) -> None:
        if method not in ("linear", "nearest"):
            raise ValueError(f"method {method!r} is not defined")
        self.method = method
        self.bounds_error = bounds_error
        if self.bounds_error:
            raise NotImplementedError("`bounds_error` takes no effect under JIT")
        check_arraylike("RegularGridInterpolator", values)
        if len(points) > values.ndim:
            raise ValueError(f"there are {len(points)} point arrays, but values has {values.ndim} dimensions")
        (values,) = promote_dtypes_inexact(values)
        if fill_value is not None:
            check_arraylike("RegularGridInterpolator", fill_value)
            fill_value = asarray(fill_value)
            if not dtypes.can_cast(fill_value.dtype, values.dtype, casting="same_kind"):
                raise ValueError("fill_value must be either 'None' or of a type compatible with values")
        self.fill_value = fill_value
        check_arraylike("RegularGridInterpolator", *points)
        self.grid = tuple(asarray(p) for p in points)
        self.values = values

    def __call__(self, xi: Any, method: str | None = None) -> Array:
        """The values at ``xi``, ``[..., axes of the grid]`` or a tuple with an array per axis."""
        method = self.method if method is None else method
        if method not in ("linear", "nearest"):
            raise ValueError(f"method {method!r} is not defined")
        ndim = len(self.grid)
        points = _coordinates(xi, ndim)
        if points.shape[-1] != ndim:
            raise ValueError(
                f"the requested sample points xi have dimension {points.shape[1]}, but this RegularGridInterpolator "
                f"has dimension {ndim}"
            )
        flat = points.reshape(-1, ndim)
        cells, fractions, outside = self._located(flat)
        result = (self._linear if method == "linear" else self._nearest)(cells, fractions)
        if self.fill_value is not None:
            result = jnp.where(outside.reshape(-1, *(1,) * (result.ndim - 1)), self.fill_value, result)
        return result.reshape(points.shape[:-1] + self.values.shape[ndim:])

    def _located(self, points: Array) -> tuple[list[Array], list[Array], Array]:
        """Per axis the grid cell and the position in it, from 0 to 1; and which points are outside."""
        cells, fractions, outside = [], [], jnp.zeros((points.shape[0],), dtype=np.bool_)
        for d, grid in enumerate(self.grid):
            x = points[:, d]
            i = jnp.clip(jnp.searchsorted(grid, x) - 1, 0, grid.size - 2)
            cells.append(i)
            fractions.append((x - grid[i]) / (grid[i + 1] - grid[i]))
            outside = outside | (x < grid[0]) | (x > grid[-1])
        return cells, fractions, outside

    def _linear(self, cells: list[Array], fractions: list[Array]) -> Array:
        spread = (slice(None),) + (None,) * (self.values.ndim - len(cells))
        total: Any = asarray(0.0)
        for corner in itertools.product((0, 1), repeat=len(cells)):
            weight: Any = asarray(1.0)
            for far, y in zip(corner, fractions, strict=True):
                weight = weight * (y if far else 1 - y)
            at = tuple(i + far for i, far in zip(cells, corner, strict=True))
            total = total + self.values[at] * weight[spread]
        return total

    def _nearest(self, cells: list[Array], fractions: list[Array]) -> Array:
        return self.values[tuple(jnp.where(y <= 0.5, i, i + 1) for i, y in zip(cells, fractions, strict=True))]


register_pytree_node(
    RegularGridInterpolator,
    lambda of: ((of.grid, of.values, of.fill_value), (of.method, of.bounds_error)),
    lambda aux, children: RegularGridInterpolator(*children[:2], *aux, *children[2:]),
)
