"""bcsr: `BCSR`, batched matrices as rows of values and columns: entries stand row by row, pointers say where rows begin.

Its axes are batch axes, two sparse axes, and dense axes. What is computed with one is computed with the BCOO of the same
entries, whose row is the number of rows that have begun.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxlike._src.array import Array
from jaxlike._src.border import asarray, concrete_or_error
from jaxlike._src.experimental.sparse.base import JAXSparse
from jaxlike._src.experimental.sparse.bcoo import BCOO, bcoo_eliminate_zeros, bcoo_sort_indices, bcoo_sum_duplicates
from jaxlike._src.experimental.sparse.bcoo_shape import bcoo_broadcast_in_dim, bcoo_concatenate
from jaxlike._src.experimental.sparse.convert import TRACED_NSE, extract_data, from_dense, to_dense
from jaxlike._src.experimental.sparse.dot import as_numbers, check_kinds, dot_shape, sparse_dot_dense
from jaxlike._src.experimental.sparse.rows import coo_places, row_pointers, validate, validate_indices
from jaxlike._src.experimental.sparse.util import SparseInfo, count_stored_elements
from jaxlike._src.lax.dot import dot_general
from jaxlike._src.regions import equation
from jaxlike._src.scipy import jnp
from jaxlike._src.transforms.vmappable import register_vmappable
from jaxlike._src.tree import register_pytree_node_class

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jaxlike._src.experimental.sparse.util import Shape
    from jaxlike._src.typing import ArrayLike, DTypeLike


@register_pytree_node_class
class BCSR(JAXSparse):
    """A batched sparse matrix, row by row.

    Args:
        args: ``(data, indices, indptr)``, ``[*batch, nse, *dense]``, ``[*batch, nse]`` and ``[*batch, rows + 1]``:
            values, their columns, and where rows begin and the last one ends.
        shape: of the whole, ``[*batch, rows, columns, *dense]``.
        indices_sorted: whether the columns of each row are in order.
        unique_indices: whether no place comes twice.
    """

    indices: Any
    indptr: Any
    indices_sorted: bool
    unique_indices: bool
    n_sparse = 2

    def __init__(
        self,
        args: tuple[Any, Any, Any],
        *,
        shape: Sequence[int],
        indices_sorted: bool = False,
        unique_indices: bool = False,
    ) -> None:
        self.data, self.indices, self.indptr = map(asarray, args)
        self.indices_sorted, self.unique_indices = indices_sorted, unique_indices
        super().__init__(args, shape=shape)
        validate(self.data, self.indices, self.indptr, self.shape)

    @property
    def nse(self) -> int:
        """How many entries are stored in each batch."""
        return self.indices.shape[-1]

    n_batch = property(lambda self: self.indices.ndim - 1)
    n_dense = property(lambda self: self.data.ndim - self.indices.ndim)
    _info = property(lambda self: SparseInfo(self.shape, self.indices_sorted, self.unique_indices))
    _bufs = property(lambda self: (self.data, self.indices, self.indptr))
    _sparse_shape = property(lambda self: tuple(self.shape[self.n_batch : self.n_batch + 2]))

    def _more(self) -> str:
        batch, dense = self.n_batch, self.n_dense
        return (f", n_batch={batch}" if batch else "") + (f", n_dense={dense}" if dense else "")

    def tree_flatten(self) -> tuple[tuple[Any, Any, Any], dict[str, Any]]:
        """Its arrays, and what is known of them."""
        return (self.data, self.indices, self.indptr), self._info._asdict()

    @classmethod
    def tree_unflatten(cls, aux_data: dict[str, Any], children: Any) -> BCSR:
        """Inverse of `tree_flatten`; the children may be anything."""
        made = object.__new__(cls)
        made.data, made.indices, made.indptr = children
        if aux_data.keys() != {"shape", "indices_sorted", "unique_indices"}:
            raise ValueError(f"BCSR.tree_unflatten: invalid aux_data={aux_data}")
        vars(made).update(aux_data)
        return made

    @classmethod
    def fromdense(
        cls, mat: Any, *, nse: int | None = None, index_dtype: DTypeLike = np.int32, n_dense: int = 0, n_batch: int = 0
    ) -> BCSR:
        """The sparse form of a dense array; see `bcsr_fromdense`."""
        return bcsr_fromdense(mat, nse=nse, index_dtype=index_dtype, n_dense=n_dense, n_batch=n_batch)

    @classmethod
    def from_bcoo(cls, arr: BCOO) -> BCSR:
        """The same array; its indices are sorted first, unless it says that they are."""
        if arr.n_sparse != 2:
            # As JAX refuses: the format has two sparse axes.
            raise NotImplementedError(f"BSCR.from_bcoo requires n_sparse=2; got arr.n_sparse={arr.n_sparse}")
        arr = arr if arr.indices_sorted else bcoo_sort_indices(arr)
        indices, indptr = row_pointers(arr.indices, arr.shape, arr.indices.dtype)
        return cls((arr.data, indices, indptr), shape=arr.shape)

    @classmethod
    def from_scipy_sparse(
        cls, mat: Any, *, index_dtype: DTypeLike | None = None, n_dense: int = 0, n_batch: int = 0
    ) -> BCSR:
        """The same as a matrix of scipy.sparse."""
        if n_dense != 0 or n_batch != 0:
            # As JAX refuses: scipy's matrices have neither.
            raise NotImplementedError("BCSR from_scipy_sparse with nonzero n_dense/n_batch.")
        if mat.ndim != 2:
            raise ValueError(f"BCSR from_scipy_sparse requires 2D array; {mat.ndim}D is given.")
        csr = mat.tocsr()
        indices, indptr = (asarray(x.astype(index_dtype or np.int32)) for x in (csr.indices, csr.indptr))
        return cls((asarray(csr.data), indices, indptr), shape=mat.shape)

    @classmethod
    def _empty(
        cls,
        shape: Shape,
        *,
        dtype: DTypeLike | None = None,
        index_dtype: DTypeLike = "int32",
        n_dense: int = 0,
        n_batch: int = 0,
        nse: int = 0,
    ) -> BCSR:
        shape = tuple(shape)
        if n_dense < 0 or n_batch < 0 or nse < 0:
            raise ValueError(f"Invalid inputs: shape={shape}, n_dense={n_dense}, n_batch={n_batch}, nse={nse}")
        if len(shape) - n_dense - n_batch != 2:
            raise ValueError("BCSR sparse.empty: must have 2 sparse dimensions.")
        batch, (rows, columns), dense = shape[:n_batch], shape[n_batch : n_batch + 2], shape[n_batch + 2 :]
        data, indices = jnp.zeros((*batch, nse, *dense), dtype), jnp.full((*batch, nse), columns, dtype=index_dtype)
        return cls((data, indices, jnp.zeros((*batch, rows + 1), index_dtype)), shape=shape)

    def todense(self) -> Array:
        """The whole array; entries at the same place are added."""
        return bcsr_todense(self)

    def to_bcoo(self) -> BCOO:
        """The same array as a BCOO."""
        return BCOO((self.data, coo_places(self.indices, self.indptr, self.shape)), shape=self.shape)

    def sum_duplicates(self, nse: int | None = None, remove_zeros: bool = True) -> BCSR:
        """The same array with sorted places of which none comes twice; see `BCOO.sum_duplicates`."""
        return bcsr_eliminate_zeros(self, nse=nse) if remove_zeros else bcsr_sum_duplicates(self, nse=nse)

    def transpose(self, *args: Any, **kwargs: Any) -> Any:
        """Not implemented, as in JAX."""
        # As JAX refuses: the format's rows would be columns.
        raise NotImplementedError("Transpose is not implemented.")


# Functions


def bcsr_eliminate_zeros(mat: BCSR, nse: int | None = None) -> BCSR:
    """`bcsr_sum_duplicates`, once entries that are 0 are left out."""
    return BCSR.from_bcoo(bcoo_eliminate_zeros(mat.to_bcoo(), nse=nse))


def bcsr_sum_duplicates(mat: BCSR, nse: int | None = None) -> BCSR:
    """The same array with sorted places of which none comes twice.

    Args:
        mat: a BCSR.
        nse: how many entries to store: cut off or filled up with padding; by default as many as are needed.
    """
    return BCSR.from_bcoo(bcoo_sum_duplicates(mat.to_bcoo(), nse=nse))


def bcsr_fromdense(
    mat: ArrayLike, *, nse: int | None = None, n_batch: int = 0, n_dense: int = 0, index_dtype: DTypeLike = np.int32
) -> BCSR:
    """The sparse form of a dense array.

    Args:
        mat: ``[*batch, rows, columns, *dense]``.
        nse: how many entries to store in each batch; by default as many as the fullest has.
        n_batch: how many leading axes are batch axes.
        n_dense: how many trailing axes are dense.
        index_dtype: type of the indices.

    Raises:
        ConcretizationTypeError: values are traced and ``nse`` is not given.
    """
    x = asarray(mat)
    message = TRACED_NSE.format(name="bcsr", cls="BCSR")
    count: Any = count_stored_elements(x, n_batch, n_dense) if nse is None else nse
    count = concrete_or_error(operator.index, count, message)
    return BCSR(from_dense_rows(x, nse=count, n_batch=n_batch, n_dense=n_dense, index_dtype=index_dtype), shape=x.shape)


@equation("bcsr_fromdense", lambda mat, **params: ((mat,), params))
def from_dense_rows(
    mat: Array, *, nse: int, n_batch: int = 0, n_dense: int = 0, index_dtype: DTypeLike = np.int32
) -> tuple[Array, Array, Array]:
    if mat.ndim - n_dense - n_batch != 2:
        raise ValueError("bcsr_fromdense: must have 2 sparse dimensions.")
    data, places = from_dense(
        mat, nse=nse, n_batch=n_batch, n_dense=n_dense, index_dtype=index_dtype, message=""
    )
    return (data, *row_pointers(places, mat.shape, index_dtype))


def bcsr_todense(mat: BCSR) -> Array:
    """The whole array; entries at the same place are added."""
    return to_dense_rows(mat.data, mat.indices, mat.indptr, spinfo=mat._info)


@equation("bcsr_todense", lambda *args, spinfo: (args, {"spinfo": spinfo}))
def to_dense_rows(data: Any, indices: Any, indptr: Any, *, spinfo: SparseInfo) -> Array:
    data, indices, indptr = map(asarray, (data, indices, indptr))
    validate(data, indices, indptr, spinfo.shape)
    return to_dense(data, coo_places(indices, indptr, spinfo.shape), spinfo=SparseInfo(spinfo.shape))


@equation("bcsr_extract", lambda *args: (args, {}))
def bcsr_extract(indices: ArrayLike, indptr: ArrayLike, mat: ArrayLike) -> Array:
    """The values of a dense array at the places of a BCSR.

    Args:
        indices: columns of a BCSR.
        indptr: row pointers of a BCSR.
        mat: an array of its shape.

    Returns:
        The values of the BCSR: ``[*batch, nse, *dense]``.
    """
    mat = asarray(mat)
    return extract_data(coo_places(asarray(indices), asarray(indptr), mat.shape), mat)


def bcsr_dot_general(
    lhs: Any,
    rhs: Any,
    *,
    dimension_numbers: Any,
    precision: Any = None,
    preferred_element_type: Any = None,
    out_sharding: Any = None,
) -> Array:
    """As `lax.dot_general`, for a BCSR and an array.

    Args:
        lhs: array or BCSR.
        rhs: array.
        dimension_numbers: ``((summed axes of lhs, of rhs), (common axes of lhs, of rhs))``.
        precision: accepted.
        preferred_element_type: dtype of the result.
        out_sharding: accepted.
    """
    del precision, out_sharding
    dense = Array | np.ndarray
    if isinstance(rhs, dense) and isinstance(lhs, dense):
        return dot_general(lhs, rhs, dimension_numbers, preferred_element_type=preferred_element_type)
    if isinstance(rhs, dense) and isinstance(lhs, BCSR):
        return sparse_dot_dense_rows(
            lhs.data,
            lhs.indices,
            lhs.indptr,
            asarray(rhs),
            dimension_numbers=as_numbers(dimension_numbers),
            preferred_element_type=preferred_element_type,
            lhs_spinfo=lhs._info,
        )
    # As JAX refuses: rows are found by pointers on the left side alone.
    raise NotImplementedError("bcsr_dot_general currently implemented for BCSR lhs and ndarray rhs.")


@equation("bcsr_dot_general", lambda *args, **params: (args, params))
def sparse_dot_dense_rows(
    data: Array,
    indices: Array,
    indptr: Array,
    rhs: Array,
    *,
    dimension_numbers: Any,
    preferred_element_type: Any,
    lhs_spinfo: SparseInfo,
) -> Array:
    n_batch, _, _ = validate_indices(indices, indptr, lhs_spinfo.shape)
    dot_shape(lhs_spinfo.shape, rhs.shape, dimension_numbers)
    check_kinds(dimension_numbers, n_batch, 2, "bcsr")
    return sparse_dot_dense(
        data,
        coo_places(indices, indptr, lhs_spinfo.shape),
        rhs,
        dimension_numbers=dimension_numbers,
        preferred_element_type=preferred_element_type,
        lhs_spinfo=SparseInfo(lhs_spinfo.shape),
    )


def bcsr_broadcast_in_dim(
    mat: BCSR, *, shape: Shape, broadcast_dimensions: Sequence[int], sharding: Any = None
) -> BCSR:
    """As `lax.broadcast_in_dim`; see `bcoo_broadcast_in_dim`."""
    del sharding
    wide = bcoo_broadcast_in_dim(mat.to_bcoo(), shape=shape, broadcast_dimensions=broadcast_dimensions)
    return BCSR.from_bcoo(wide)


def bcsr_concatenate(operands: Sequence[BCSR], *, dimension: int) -> BCSR:
    """As `lax.concatenate`, along a batch or a sparse axis; see `bcoo_concatenate`."""
    return BCSR.from_bcoo(bcoo_concatenate([mat.to_bcoo() for mat in operands], dimension=dimension))


def _element(apart: Any, number: Any, val: BCSR, axis: int | None) -> BCSR:
    """What a mapped function gets for a BCSR."""
    del number
    if axis is None:
        return val
    if axis >= val.n_batch:
        raise ValueError(
            f"Cannot map in_axis={axis} for BCSR array with n_batch={val.n_batch}. in_axes for batched BCSR operations "
            "must correspond to a batched dimension."
        )
    data, indices, indptr = (apart(x, axis) for x in val._bufs)
    return BCSR((data, indices, indptr), shape=val.shape[:axis] + val.shape[axis + 1 :])


def _whole(together: Any, axis_size: int, elt: BCSR, axis: int | None) -> BCSR:
    """What a mapped function gives for a BCSR that it returns."""
    if axis is None:
        return elt
    if axis > elt.n_batch:
        raise ValueError(
            f"BCSR: cannot add out_axis={axis} for BCSR array with n_batch={elt.n_batch}. BCSR batch axes must be a "
            "contiguous block of leading dimensions."
        )
    data, indices, indptr = (together(axis_size, x, axis) for x in elt._bufs)
    return BCSR((data, indices, indptr), shape=(*elt.shape[:axis], axis_size, *elt.shape[axis:]))


register_vmappable(BCSR, int, int, _element, _whole, None)
