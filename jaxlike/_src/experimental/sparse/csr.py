"""csr: `CSR` and `CSC`, matrices as values row by row, or column by column, in plain form: few operations.

A CSC is the transpose of the CSR of the same arrays. What is computed with either is computed with the rows that the row
pointers stand for; see `coo`.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxlike._src.border import asarray, astype, concrete_or_error, promote_dtypes
from jaxlike._src.experimental.sparse import coo
from jaxlike._src.experimental.sparse.base import JAXSparse
from jaxlike._src.experimental.sparse.coo import COOInfo, dense_side, diagonal_places, first_entries
from jaxlike._src.experimental.sparse.util import csr_to_coo
from jaxlike._src.regions import equation
from jaxlike._src.scipy import jnp
from jaxlike._src.tree import register_pytree_node_class

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

    from jaxlike._src.array import Array
    from jaxlike._src.experimental.sparse.util import Shape
    from jaxlike._src.typing import DTypeLike


class _Compressed(JAXSparse):
    """What rows and columns have in common: values, indices within them, and where each begins."""

    indices: Any
    indptr: Any

    def __init__(self, args: tuple[Any, Any, Any], *, shape: Shape) -> None:
        self.data, self.indices, self.indptr = map(asarray, args)
        super().__init__(args, shape=shape)

    @property
    def nse(self) -> int:
        """How many entries are stored."""
        return self.data.size

    @property
    def _bufs(self) -> tuple[Any, Any, Any]:
        return self.data, self.indices, self.indptr

    def tree_flatten(self) -> tuple[tuple[Any, Any, Any], dict[str, Any]]:
        """Its arrays, and its shape."""
        return (self.data, self.indices, self.indptr), {"shape": self.shape}

    @classmethod
    def tree_unflatten(cls, aux_data: dict[str, Any], children: Any) -> Self:
        """Inverse of `tree_flatten`; the children may be anything."""
        made = object.__new__(cls)
        made.data, made.indices, made.indptr = children
        if aux_data.keys() != {"shape"}:
            raise ValueError(f"{cls.__name__}.tree_unflatten: invalid aux_data={aux_data}")
        vars(made).update(aux_data)
        return made

    @classmethod
    def _made_empty(cls, shape: Shape, dtype: Any, index_dtype: Any, axis: int) -> Self:
        shape = tuple(shape)
        if len(shape) != 2:
            raise ValueError(f"{cls.__name__} must have ndim=2; got shape={shape}")
        parts = (jnp.zeros(0, dtype), jnp.zeros(0, index_dtype), jnp.zeros(shape[axis] + 1, index_dtype))
        return cls(parts, shape=shape)

    def _times(self, other: Any, shape: Shape, transpose: bool) -> Array:
        other = dense_side(other)
        data, other = promote_dtypes(self.data, other)
        product = matvec if other.ndim == 1 else matmat
        return product(data, self.indices, self.indptr, other, shape=shape, transpose=transpose)


@register_pytree_node_class
class CSR(_Compressed):
    """A sparse matrix, row by row. `BCSR` does more.

    Args:
        args: ``(data, indices, indptr)``, ``[nse]``, ``[nse]`` and ``[rows + 1]``: values, columns, and where rows begin.
        shape: of the whole.
    """

    @classmethod
    def fromdense(cls, mat: Array, *, nse: int | None = None, index_dtype: DTypeLike = np.int32) -> CSR:
        """The sparse form of a dense matrix; see `csr_fromdense`."""
        return csr_fromdense(mat, nse=nse, index_dtype=index_dtype)

    @classmethod
    def _empty(cls, shape: Shape, *, dtype: DTypeLike | None = None, index_dtype: DTypeLike = "int32") -> CSR:
        return cls._made_empty(shape, dtype, index_dtype, 0)

    @classmethod
    def _eye(
        cls, N: int, M: int, k: int, *, dtype: DTypeLike | None = None, index_dtype: DTypeLike = "int32"
    ) -> CSR:
        places = diagonal_places(N, M, k)
        if places is None:
            return cls._empty((N, M), dtype=dtype, index_dtype=index_dtype)
        row, col = places
        ends = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=N))])
        indices, indptr = (asarray(x.astype(index_dtype)) for x in (col, ends))
        return cls((jnp.ones(col.size, dtype), indices, indptr), shape=(N, M))

    def todense(self) -> Array:
        """The whole matrix; entries at the same place are added."""
        return csr_todense(self)

    def transpose(self, axes: Sequence[int] | None = None) -> CSC:
        """The transpose, a CSC of the same arrays."""
        if axes is not None:
            raise AssertionError(f"axes of a transpose: {axes}")  # as JAX: there is one other order
        return CSC(self._bufs, shape=self.shape[::-1])

    def __matmul__(self, other: Any) -> Array:
        return self._times(other, self.shape, False)


@register_pytree_node_class
class CSC(_Compressed):
    """A sparse matrix, column by column.

    Args:
        args: ``(data, indices, indptr)``, ``[nse]``, ``[nse]`` and ``[columns + 1]``: values, rows, and where columns
            begin.
        shape: of the whole.
    """

    @classmethod
    def fromdense(cls, mat: Array, *, nse: int | None = None, index_dtype: DTypeLike = np.int32) -> CSC:
        """The sparse form of a dense matrix; see `csr_fromdense`."""
        return csr_fromdense(mat.T, nse=nse, index_dtype=index_dtype).transpose()

    @classmethod
    def _empty(cls, shape: Shape, *, dtype: DTypeLike | None = None, index_dtype: DTypeLike = "int32") -> CSC:
        return cls._made_empty(shape, dtype, index_dtype, 1)

    @classmethod
    def _eye(
        cls, N: int, M: int, k: int, *, dtype: DTypeLike | None = None, index_dtype: DTypeLike = "int32"
    ) -> CSC:
        return CSR._eye(M, N, -k, dtype=dtype, index_dtype=index_dtype).transpose()

    def todense(self) -> Array:
        """The whole matrix; entries at the same place are added."""
        return csr_todense(self.transpose()).T

    def transpose(self, axes: Sequence[int] | None = None) -> CSR:
        """The transpose, a CSR of the same arrays."""
        if axes is not None:
            raise AssertionError(f"axes of a transpose: {axes}")  # as JAX: there is one other order
        return CSR(self._bufs, shape=self.shape[::-1])

    def __matmul__(self, other: Any) -> Array:
        return self._times(other, self.shape[::-1], True)


def csr_todense(mat: CSR) -> Array:
    """The whole matrix; entries at the same place are added."""
    return to_dense(*mat._bufs, shape=mat.shape)


@equation("csr_todense", lambda *args, shape: (args, {"shape": shape}))
def to_dense(data: Any, indices: Any, indptr: Any, *, shape: Shape) -> Array:
    row, col = csr_to_coo(asarray(indices), asarray(indptr))
    return coo.to_dense(data, row, col, spinfo=COOInfo(shape))


def csr_fromdense(mat: Array, *, nse: int | None = None, index_dtype: DTypeLike = np.int32) -> CSR:
    """The sparse form of a dense matrix.

    Args:
        mat: a matrix.
        nse: how many entries to store, filled up with padding; by default as many as are not 0.
        index_dtype: type of columns and row pointers.
    """
    count: Any = (mat != 0).sum() if nse is None else nse
    count = concrete_or_error(operator.index, count, "coo_fromdense nse argument")
    return CSR(from_dense(asarray(mat), nse=count, index_dtype=np.dtype(index_dtype)), shape=mat.shape)


@equation("csr_fromdense", lambda mat, **params: ((mat,), params))
def from_dense(mat: Array, *, nse: int, index_dtype: Any = np.int32) -> tuple[Array, Array, Array]:
    data, row, col, there = first_entries(mat, nse)
    rows = mat.shape[0]
    one = np.ones((), index_dtype)
    in_row = jnp.zeros(rows, index_dtype).at[jnp.where(there, row, rows)].add(one, mode="drop")
    ends = astype(jnp.cumsum(in_row), index_dtype)
    return data, astype(col, index_dtype), jnp.concatenate([jnp.zeros(1, index_dtype), ends])


def csr_matvec(mat: CSR, v: Any, transpose: bool = False) -> Array:
    """The product of a sparse matrix and a dense vector.

    Args:
        mat: a CSR.
        v: a vector of its dtype, ``[columns]``, or ``[rows]`` if ``transpose``.
        transpose: whether the matrix is transposed first.
    """
    return matvec(*mat._bufs, v, shape=mat.shape, transpose=transpose)


def csr_matmat(mat: CSR, B: Any, *, transpose: bool = False) -> Array:
    """The product of a sparse matrix and a dense one.

    Args:
        mat: a CSR.
        B: a matrix of its dtype, ``[columns, n]``, or ``[rows, n]`` if ``transpose``.
        transpose: whether ``mat`` is transposed first.
    """
    return matmat(*mat._bufs, B, shape=mat.shape, transpose=transpose)


@equation("csr_matvec", lambda *args, **params: (args, params))
def matvec(data: Any, indices: Any, indptr: Any, v: Any, *, shape: Shape, transpose: bool = False) -> Array:
    row, col = csr_to_coo(asarray(indices), asarray(indptr))
    return coo.matvec(asarray(data), row, col, asarray(v), spinfo=COOInfo(shape), transpose=transpose)


@equation("csr_matmat", lambda *args, **params: (args, params))
def matmat(data: Any, indices: Any, indptr: Any, B: Any, *, shape: Shape, transpose: bool = False) -> Array:
    row, col = csr_to_coo(asarray(indices), asarray(indptr))
    return coo.matmat(asarray(data), row, col, asarray(B), spinfo=COOInfo(shape), transpose=transpose)
