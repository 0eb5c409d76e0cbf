"""coo: `COO`, matrices as values with their rows and columns, in plain form: no batch axes, few operations.

Entries at the same place are added. What a product needs is gathered along one index and added up along the other.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from jaxlike._src.border import asarray, astype, concrete_or_error, promote_dtypes
from jaxlike._src.experimental.sparse.base import JAXSparse
from jaxlike._src.experimental.sparse.lookup import add_rows
from jaxlike._src.lax.sort import sort
from jaxlike._src.regions import equation
from jaxlike._src.scipy import jnp
from jaxlike._src.tree import register_pytree_node_class

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jaxlike._src.array import Array
    from jaxlike._src.experimental.sparse.util import Shape
    from jaxlike._src.typing import DTypeLike

Dtype = Any


class COOInfo(NamedTuple):
    """What is known of a COO matrix beside its arrays."""

    shape: Shape
    rows_sorted: bool = False
    cols_sorted: bool = False


def diagonal_places(N: int, M: int, k: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]] | None:
    """Rows and columns of a diagonal of an ``N`` by ``M`` matrix; None where it is outside."""
    size = min(N, M - k) if k > 0 else min(N + k, M)
    return (np.arange(size) - min(k, 0), np.arange(size) + max(k, 0)) if size > 0 else None


@register_pytree_node_class
class COO(JAXSparse):
    """A sparse matrix: ``data[k]`` is at ``row[k], col[k]``. `BCOO` does more.

    Args:
        args: ``(data, row, col)``, ``[nse]`` each.
        shape: of the whole.
        rows_sorted: whether entries are in order of their rows.
        cols_sorted: whether entries are in order of their columns.
    """

    row: Any
    col: Any

    def __init__(
        self, args: tuple[Any, Any, Any], *, shape: Shape, rows_sorted: bool = False, cols_sorted: bool = False
    ) -> None:
        self.data, self.row, self.col = map(asarray, args)
        self._rows_sorted, self._cols_sorted = rows_sorted, cols_sorted
        super().__init__(args, shape=shape)

    @property
    def nse(self) -> int:
        """How many entries are stored."""
        return self.data.size

    _info = property(lambda self: COOInfo(self.shape, self._rows_sorted, self._cols_sorted))
    @property
    def _bufs(self) -> tuple[Any, Any, Any]:
        return self.data, self.row, self.col


    @classmethod
    def fromdense(cls, mat: Array, *, nse: int | None = None, index_dtype: DTypeLike = np.int32) -> COO:
        """The sparse form of a dense matrix; see `coo_fromdense`."""
        return coo_fromdense(mat, nse=nse, index_dtype=index_dtype)

    def _sort_indices(self) -> COO:
        """The same matrix with its entries in order of rows, then columns."""
        if self._rows_sorted:
            return self
        row, col, data = sort((self.row, self.col, self.data), num_keys=2)
        return COO((data, row, col), shape=self.shape, rows_sorted=True)

    @classmethod
    def _empty(cls, shape: Shape, *, dtype: DTypeLike | None = None, index_dtype: DTypeLike = "int32") -> COO:
        shape = tuple(shape)
        if len(shape) != 2:
            raise ValueError(f"COO must have ndim=2; got shape={shape}")
        none = jnp.zeros(0, index_dtype)
        return cls((jnp.zeros(0, dtype), none, none), shape=shape, rows_sorted=True, cols_sorted=True)

    @classmethod
    def _eye(
        cls, N: int, M: int, k: int, *, dtype: DTypeLike | None = None, index_dtype: DTypeLike = "int32"
    ) -> COO:
        places = diagonal_places(N, M, k)
        if places is None:
            return cls._empty((N, M), dtype=dtype, index_dtype=index_dtype)
        row, col = (asarray(x.astype(index_dtype)) for x in places)
        return cls((jnp.ones(row.size, dtype), row, col), shape=(N, M), rows_sorted=True, cols_sorted=True)

    def todense(self) -> Array:
        """The whole matrix; entries at the same place are added."""
        return coo_todense(self)

    def transpose(self, axes: Sequence[int] | None = None) -> COO:
        """The transpose."""
        if axes is not None:
            # As JAX refuses: there is one other order.
            raise NotImplementedError("axes argument to transpose()")
        sides = {"rows_sorted": self._cols_sorted, "cols_sorted": self._rows_sorted}
        return COO((self.data, self.col, self.row), shape=self.shape[::-1], **sides)

    def tree_flatten(self) -> tuple[tuple[Any, Any, Any], dict[str, Any]]:
        """Its arrays, and what is known of them."""
        return (self.data, self.row, self.col), self._info._asdict()

    @classmethod
    def tree_unflatten(cls, aux_data: dict[str, Any], children: Any) -> COO:
        """Inverse of `tree_flatten`; the children may be anything."""
        made = object.__new__(cls)
        made.data, made.row, made.col = children
        if aux_data.keys() != {"shape", "rows_sorted", "cols_sorted"}:
            raise ValueError(f"COO.tree_unflatten: invalid aux_data={aux_data}")
        made.shape = aux_data["shape"]
        made._rows_sorted, made._cols_sorted = aux_data["rows_sorted"], aux_data["cols_sorted"]
        return made

    def __matmul__(self, other: Any) -> Array:
        other = dense_side(other)
        data, other = promote_dtypes(self.data, other)
        promoted = COO((data, self.row, self.col), **self._info._asdict())
        return coo_matvec(promoted, other) if other.ndim == 1 else coo_matmat(promoted, other)


def dense_side(other: Any) -> Array:
    """What a matrix is multiplied with, a dense vector or matrix."""
    if isinstance(other, JAXSparse):
        # As JAX refuses: BCOO has it.
        raise NotImplementedError("matmul between two sparse objects.")
    other = asarray(other)
    if other.ndim not in (1, 2):
        # As JAX refuses: the format multiplies vectors and matrices.
        raise NotImplementedError(f"matmul with object of shape {other.shape}")
    return other


def coo_todense(mat: COO) -> Array:
    """The whole matrix; entries at the same place are added."""
    return to_dense(mat.data, mat.row, mat.col, spinfo=mat._info)


@equation("coo_todense", lambda *args, spinfo: (args, {"spinfo": spinfo}))
def to_dense(data: Any, row: Any, col: Any, *, spinfo: COOInfo) -> Array:
    """The dense matrix of values at rows and columns."""
    data = asarray(data)
    return add_rows(spinfo.shape, (asarray(row), asarray(col)), data)


def coo_fromdense(mat: Array, *, nse: int | None = None, index_dtype: DTypeLike = np.int32) -> COO:
    """The sparse form of a dense matrix.

    Args:
        mat: a matrix.
        nse: how many entries to store, filled up with zeros in the corner; by default as many as are not 0.
        index_dtype: type of rows and columns.
    """
    count: Any = (mat != 0).sum() if nse is None else nse
    count = concrete_or_error(operator.index, count, "coo_fromdense nse argument")
    buffers = from_dense(asarray(mat), nse=count, index_dtype=index_dtype)
    return COO(buffers, shape=mat.shape, rows_sorted=True)


@equation("coo_fromdense", lambda mat, **params: ((mat,), params))
def from_dense(mat: Array, *, nse: int, index_dtype: DTypeLike = np.int32) -> tuple[Array, Array, Array]:
    """Values, rows and columns of the first ``nse`` entries of a dense matrix."""
    data, row, col, _ = first_entries(mat, nse)
    return data, astype(row, np.dtype(index_dtype)), astype(col, np.dtype(index_dtype))


def first_entries(mat: Array, nse: int) -> tuple[Array, Array, Array, Array]:
    """Values, rows and columns of the first entries that are not 0, and which are entries rather than filling."""
    if mat.ndim != 2:
        raise AssertionError(f"expected a matrix, got shape {mat.shape}")
    row, col = jnp.nonzero(mat, size=nse)
    there = np.arange(nse, dtype=np.int32) < (mat != 0).sum()
    return jnp.where(there, mat[row, col], 0), row, col, there


def coo_matvec(mat: COO, v: Any, transpose: bool = False) -> Array:
    """The product of a sparse matrix and a dense vector.

    Args:
        mat: a COO.
        v: a vector of its dtype, ``[columns]``, or ``[rows]`` if ``transpose``.
        transpose: whether the matrix is transposed first.
    """
    return matvec(*mat._bufs, v, spinfo=mat._info, transpose=transpose)


def coo_matmat(mat: COO, B: Any, *, transpose: bool = False) -> Array:
    """The product of a sparse matrix and a dense one.

    Args:
        mat: a COO.
        B: a matrix of its dtype, ``[columns, n]``, or ``[rows, n]`` if ``transpose``.
        transpose: whether ``mat`` is transposed first.
    """
    return matmat(*mat._bufs, B, spinfo=mat._info, transpose=transpose)


@equation("coo_matvec", lambda *args, **params: (args, params))
def matvec(data: Array, row: Array, col: Array, v: Any, *, spinfo: COOInfo, transpose: bool = False) -> Array:
    """The product of values at rows and columns with a vector."""
    return _product(data, row, col, asarray(v), 1, spinfo.shape, transpose)


@equation("coo_matmat", lambda *args, **params: (args, params))
def matmat(data: Array, row: Array, col: Array, B: Any, *, spinfo: COOInfo, transpose: bool = False) -> Array:
    """The product of values at rows and columns with a matrix."""
    return _product(data, row, col, asarray(B), 2, spinfo.shape, transpose)


def _product(data: Array, row: Array, col: Array, other: Array, ndim: int, shape: Shape, transpose: bool) -> Array:
    if transpose:
        row, col, shape = col, row, shape[::-1]
    # JAX checks these by assertions too.
    if not (data.shape == row.shape == col.shape and data.dtype == other.dtype and row.dtype == col.dtype):
        raise AssertionError(f"arrays do not go together: {data.aval}, {row.aval}, {col.aval}, {other.aval}")
    if not (len(shape) == 2 and other.ndim == ndim and other.shape[0] == shape[1]):
        raise AssertionError(f"shapes do not go together: {shape}, {other.shape}")
    terms = (data if ndim == 1 else data[:, None]) * other[col]
    return add_rows((shape[0], *other.shape[1:]), (row,), terms)
