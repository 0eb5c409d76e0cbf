"""product: a sparse matrix times dense columns, and products of rows of two dense ones at sparse places.

Each is the derivative of the other: a product is linear in its entries and in the columns, its transpose by the columns is
the product with rows and columns exchanged, and that by the entries takes rows together. So every derivative is one pass
over the entries, as the product is, which scipy makes in C++. Entries out of bounds, by which a BCOO is padded, are left
out; entries need no order and may repeat.
"""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src.array import Array
from jaxlike._src.border import device_of, unwrap
from jaxlike._src.random import ops
from jaxlike._src.transforms.structured import GraphFunction, Structured, apply, with_lanes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from jaxlike._src.frames import Frame

_TYPES = (torch.float32, torch.float64)


def serves(data: Array, dense: Array, dtype: Any) -> bool:
    """Whether the operators take these: one dtype that they know, on the CPU."""
    t = unwrap(data)
    return data.dtype == dense.dtype == dtype and t.dtype in _TYPES and device_of(t).type == "cpu"


# On numpy's arrays


@functools.cache
def _kernels() -> tuple[Callable[..., None], Callable[..., None]]:
    """scipy's loops over entries: for one column, and for several. They are private there, as its classes cost ten times more."""
    from scipy.sparse import _sparsetools  # imported here: few programs want it

    return _sparsetools.coo_matvec, _sparsetools.coo_matmat_dense


def _within(places: Sequence[Any], sizes: Sequence[int]) -> tuple[list[Any], Any]:
    """Places counted from the start, and which entries have all of them within bounds; None if all do."""
    kept: list[Any] = []
    inside: Any = None
    for at, size in zip(places, sizes, strict=True):
        if at.dtype not in (np.int32, np.int64):
            at = at.astype(np.int64)
        if at.size and (at.min() < 0 or at.max() >= size):
            at = np.where(at < 0, at + size, at)
            found = (at >= 0) & (at < size)
            inside = found if inside is None else inside & found
        kept.append(at)
    if len({at.dtype for at in kept}) > 1:
        kept = [at.astype(np.int64) for at in kept]
    return kept, None if inside is None or inside.all() else inside


def _one_product(data: Any, rows: Any, columns: Any, dense: Any, size: int) -> Any:
    (rows, columns), inside = _within((rows, columns), (size, dense.shape[0]))
    if inside is not None:
        data, rows, columns = data[inside], rows[inside], columns[inside]
    data, rows, columns, dense = map(np.ascontiguousarray, (data, rows, columns, dense))
    out = np.zeros((size, dense.shape[1]), dense.dtype)
    by_vector, by_columns = _kernels()
    if dense.shape[1] == 1:
        by_vector(len(data), rows, columns, data, dense.reshape(-1), out.reshape(-1))
    elif out.size:
        by_columns(len(data), dense.shape[1], rows, columns, data, dense.reshape(-1), out.reshape(-1))
    return out


def _one_of_rows(left: Any, right: Any, rows: Any, columns: Any) -> Any:
    (rows, columns), inside = _within((rows, columns), (left.shape[0], right.shape[0]))
    if inside is not None:
        rows, columns = (np.where(inside, at, 0) for at in (rows, columns))
    if not (left.size and right.size):
        return np.zeros(len(rows), left.dtype)
    taken = [torch.from_numpy(x).index_select(0, torch.from_numpy(at)) for x, at in ((left, rows), (right, columns))]
    out = torch.mul(*taken).sum(-1).numpy()
    return out if inside is None else np.where(inside, out, np.zeros((), out.dtype))


def _each(one: Callable[..., Any], lead: Sequence[int], shape: tuple[int, ...], *tensors: Tensor) -> Tensor:
    """``one`` for each of the leading axes, which all have."""
    count = len(lead)
    arrays = [t.numpy() for t in tensors]
    if not count:
        return torch.from_numpy(one(*arrays))
    flat = [a.reshape(math.prod(lead), *a.shape[count:]) for a in arrays]
    made = [one(*lane) for lane in zip(*flat, strict=True)]
    return torch.from_numpy(np.stack(made).reshape(*lead, *shape)) if made else tensors[0].new_zeros((*lead, *shape))


# As operators


@ops.operator(
    "sparse_times_columns(Tensor data, Tensor rows, Tensor columns, Tensor dense, int size) -> Tensor",
    lambda data, rows, columns, dense, size: ((*data.shape[:-1], size, dense.shape[-1]), data.dtype),
)
def _times_columns(data: Tensor, rows: Tensor, columns: Tensor, dense: Tensor, size: int) -> Tensor:
    one = functools.partial(_one_product, size=size)
    return _each(one, data.shape[:-1], (size, dense.shape[-1]), data, rows, columns, dense)


@ops.operator(
    "sparse_products_of_rows(Tensor left, Tensor right, Tensor rows, Tensor columns) -> Tensor",
    lambda left, right, rows, columns: (tuple(rows.shape), left.dtype),
)
def _products_of_rows(left: Tensor, right: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    return _each(_one_of_rows, rows.shape[:-1], tuple(rows.shape[-1:]), left, right, rows, columns)


class _OfPlaces(Structured):
    """What is linear in each of two operands, apart from its rows and columns."""

    both: tuple[int, int]  # which operands these are

    def jvp(self, primals: Sequence[Array], tangents: Sequence[Any]) -> Any:
        """The same of each tangent."""
        parts: list[Array] = []
        for k in self.both:
            if tangents[k] is not None:
                parts += apply(self, [*primals[:k], tangents[k], *primals[k + 1 :]])
        moved = None if not parts else parts[0] if len(parts) == 1 else Array(unwrap(parts[0]) + unwrap(parts[1]))
        return apply(self, primals), [moved]

    def vmap(self, frame: Frame, args: Sequence[Array], mapped: Sequence[bool]) -> Any:
        """Leading axes are lanes."""
        return apply(self, [with_lanes(x, has, True, frame) for x, has in zip(args, mapped, strict=True)]), [True]

    def closed(self, run: GraphFunction, more: int) -> Structured:
        """There is nothing to close over."""
        del run, more
        return self


class TimesColumns(_OfPlaces):
    """``out[r] = sum of data[i] * dense[columns[i]]`` over the entries i of row r: ``[nse], [n, k] -> [size, k]``."""

    name, both = "sparse_times_columns", (0, 3)

    def __init__(self, size: int) -> None:
        self.size = size

    def run(self, args: Sequence[Array]) -> list[Array]:
        """The product."""
        data, rows, columns, dense = map(unwrap, args)
        return [Array(_times_columns(data, rows, columns, dense, self.size))]

    def vjp(self, primals: Sequence[Array], perturbed: Sequence[bool]) -> Any:
        """The product with rows and columns exchanged, and products of rows."""
        data, rows, columns, dense = primals

        def pull(cotangents: Sequence[Any]) -> list[Any]:
            (g,) = cotangents
            if g is None:
                return [None] * 4
            of_data = apply(ProductsOfRows(), [g, dense, rows, columns])[0] if perturbed[0] else None
            transposed = TimesColumns(dense.shape[-2])
            return [of_data, None, None, apply(transposed, [data, columns, rows, g])[0] if perturbed[3] else None]

        return apply(self, primals), pull

    def params(self) -> dict[str, Any]:
        """How many rows there are."""
        return {"size": self.size}


class ProductsOfRows(_OfPlaces):
    """``out[i] = sum of left[rows[i]] * right[columns[i]]``: ``[n, k], [m, k] -> [nse]``."""

    name, both = "sparse_products_of_rows", (0, 1)

    def run(self, args: Sequence[Array]) -> list[Array]:
        """The products."""
        return [Array(_products_of_rows(*map(unwrap, args)))]

    def vjp(self, primals: Sequence[Array], perturbed: Sequence[bool]) -> Any:
        """A sparse matrix of the cotangents, times each side."""
        left, right, rows, columns = primals

        def pull(cotangents: Sequence[Any]) -> list[Any]:
            (g,) = cotangents
            if g is None:
                return [None] * 4
            to_left, to_right = TimesColumns(left.shape[-2]), TimesColumns(right.shape[-2])
            return [
                apply(to_left, [g, rows, columns, right])[0] if perturbed[0] else None,
                apply(to_right, [g, columns, rows, left])[0] if perturbed[1] else None,
                None,
                None,
            ]

        return apply(self, primals), pull


def times_columns(data: Array, rows: Array, columns: Array, dense: Array, size: int) -> Array:
    """The product of a sparse matrix of ``size`` rows with dense columns."""
    return apply(TimesColumns(size), [data, rows, columns, dense])[0]
