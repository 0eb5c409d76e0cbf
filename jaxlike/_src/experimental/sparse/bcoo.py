"""bcoo: `BCOO`, sparse arrays as blocks of values and their places.

The axes of a BCOO are, in order, batch axes (each batch has as many entries), sparse axes (an entry has an index along
each) and dense axes (an entry is a block of them). Places out of bounds are padding: what is there counts for nothing.
It is a tree of two arrays, so it goes through `jit`, `grad` and loops as they do; `vmap` maps its batch axes.
The operators are in `methods`, which are what `sparsify` makes of those of a dense array.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxlike._src.array import Array
from jaxlike._src.border import asarray, concrete_or_error
from jaxlike._src.experimental.sparse.base import JAXSparse
from jaxlike._src.experimental.sparse.convert import TRACED_NSE, from_dense, to_dense
from jaxlike._src.experimental.sparse.layout import permuted, with_layout
from jaxlike._src.experimental.sparse.order import set_nse, sort_indices, sum_duplicates, without_zeros
from jaxlike._src.experimental.sparse.places import validate
from jaxlike._src.experimental.sparse.util import SparseInfo, count_stored_elements
from jaxlike._src.scipy import jnp
from jaxlike._src.transforms.vmappable import register_vmappable
from jaxlike._src.tree import register_pytree_node_class

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jaxlike._src.experimental.sparse.util import Shape
    from jaxlike._src.typing import ArrayLike, DTypeLike


@register_pytree_node_class
class BCOO(JAXSparse):
    """A batched sparse array: values at indices; those at the same place are added.

    Args:
        args: ``(data, indices)``, ``[*batch, nse, *dense]`` and ``[*batch, nse, n_sparse]``.
        shape: of the whole, ``[*batch, *sparse, *dense]``.
        indices_sorted: whether the indices are in order.
        unique_indices: whether none comes twice.
    """

    indices: Any
    indices_sorted: bool
    unique_indices: bool

    def __init__(
        self,
        args: tuple[Any, Any],
        *,
        shape: Sequence[int],
        indices_sorted: bool = False,
        unique_indices: bool = False,
    ) -> None:
        self.data, self.indices = map(asarray, args)
        self.indices_sorted, self.unique_indices = indices_sorted, unique_indices
        super().__init__(args, shape=tuple(shape))
        validate(self.data, self.indices, self.shape)

    @property
    def nse(self) -> int:
        """How many entries are stored in each batch."""
        return self.indices.shape[-2]

    n_batch = property(lambda self: self.indices.ndim - 2)
    n_sparse = property(lambda self: self.indices.shape[-1])
    n_dense = property(lambda self: self.data.ndim - 1 - self.n_batch)
    _info = property(lambda self: SparseInfo(self.shape, self.indices_sorted, self.unique_indices))

    def _more(self) -> str:
        batch, dense = self.n_batch, self.n_dense
        return (f", n_batch={batch}" if batch else "") + (f", n_dense={dense}" if dense else "")

    @property
    def _bufs(self) -> tuple[Any, Any]:
        return self.data, self.indices

    # Trees and maps

    def tree_flatten(self) -> tuple[tuple[Any, Any], dict[str, Any]]:
        """Its arrays, and what is known of them."""
        return (self.data, self.indices), self._info._asdict()

    @classmethod
    def tree_unflatten(cls, aux_data: dict[str, Any], children: Any) -> BCOO:
        """Inverse of `tree_flatten`; the children may be anything."""
        made = object.__new__(cls)
        made.data, made.indices = children
        if aux_data.keys() != {"shape", "indices_sorted", "unique_indices"}:
            raise ValueError(f"BCOO.tree_unflatten: invalid aux_data={aux_data}")
        vars(made).update(aux_data)
        return made

    # Making one

    @classmethod
    def fromdense(
        cls, mat: Any, *, nse: int | None = None, index_dtype: DTypeLike = np.int32, n_dense: int = 0, n_batch: int = 0
    ) -> BCOO:
        """The sparse form of a dense array; see `bcoo_fromdense`."""
        return bcoo_fromdense(mat, nse=nse, index_dtype=index_dtype, n_dense=n_dense, n_batch=n_batch)

    @classmethod
    def from_scipy_sparse(
        cls, mat: Any, *, index_dtype: DTypeLike | None = None, n_dense: int = 0, n_batch: int = 0
    ) -> BCOO:
        """The same as a matrix of scipy.sparse."""
        if n_dense != 0 or n_batch != 0:
            # As JAX refuses: scipy's matrices have neither batch nor dense axes that could be told from the others.
            raise NotImplementedError("BCOO.fromscipy with nonzero n_dense/n_batch")
        coo = mat.tocoo()
        indices = np.column_stack((coo.row, coo.col)).astype(index_dtype or np.int32)
        return cls((asarray(coo.data), asarray(indices)), shape=mat.shape)

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
    ) -> BCOO:
        shape = tuple(shape)
        n_sparse = len(shape) - n_dense - n_batch
        if n_sparse < 0 or n_dense < 0 or n_batch < 0 or nse < 0:
            raise ValueError(f"Invalid inputs: shape={shape}, n_dense={n_dense}, n_batch={n_batch}, nse={nse}")
        batch, sparse, dense = shape[:n_batch], shape[n_batch : n_batch + n_sparse], shape[n_batch + n_sparse :]
        data = jnp.zeros((*batch, nse, *dense), dtype)
        indices = jnp.full((*batch, nse, n_sparse), np.array(sparse, np.int32), dtype=index_dtype)
        return cls((data, indices), shape=shape, indices_sorted=True, unique_indices=True)

    @classmethod
    def _eye(
        cls,
        N: int,
        M: int,
        k: int,
        *,
        dtype: DTypeLike | None = None,
        index_dtype: DTypeLike = "int32",
        n_batch: int = 0,
        n_dense: int = 0,
    ) -> BCOO:
        if 2 < n_batch + n_dense or n_dense < 0 or n_batch < 0:
            raise ValueError(f"Invalid inputs: shape={(N, M)}, n_dense={n_dense}, n_batch={n_batch}")
        size = min(N, M - k) if k > 0 else min(N + k, M)
        if size <= 0:
            return cls._empty((N, M), dtype=dtype, index_dtype=index_dtype, n_batch=n_batch, n_dense=n_dense)
        if n_dense > 0 or n_batch > 1:  # every element is an entry
            whole = jnp.eye(N, M, k, dtype=dtype)
            return cls.fromdense(whole, n_batch=n_batch, n_dense=n_dense, index_dtype=index_dtype)
        if n_batch == 0:
            data, along = jnp.ones(size, dtype), np.arange(size)
            places = np.stack([along - min(k, 0), along + max(k, 0)], -1)
        else:  # an entry for each row, padding where the diagonal has none
            columns = np.arange(N) + k
            inside = np.ones(N, bool)
            if k < 0:
                inside[:-k] = False
                columns[:-k] = M
            elif k > 0:  # of the rows below the diagonal's end only the first has JAX's padding
                inside[M - k :] = False
                columns[M - k : M - k + 1] = M
            data = jnp.where(inside, jnp.ones(N, dtype), jnp.zeros((), dtype))[:, None]
            places = columns[:, None, None]
        indices = asarray(places.astype(index_dtype))
        return cls((data, indices), shape=(N, M), indices_sorted=True, unique_indices=True)

    # Other forms of the same array

    def todense(self) -> Array:
        """The whole array; entries at the same place are added."""
        return to_dense(self.data, self.indices, spinfo=self._info)

    def update_layout(
        self, *, n_batch: int | None = None, n_dense: int | None = None, on_inefficient: str | None = "error"
    ) -> BCOO:
        """The same array with other numbers of batch and of dense axes; see `bcoo_update_layout`."""
        return bcoo_update_layout(self, n_batch=n_batch, n_dense=n_dense, on_inefficient=on_inefficient)

    def sum_duplicates(self, nse: int | None = None, remove_zeros: bool = True) -> BCOO:
        """The same array with sorted indices of which none comes twice, and without zeros if ``remove_zeros``.

        Args:
            nse: how many entries to store: cut off or filled up with padding; by default as many as are needed,
                which has to be known.
            remove_zeros: whether entries of 0 go; that has no derivative.
        """
        return bcoo_eliminate_zeros(self, nse=nse) if remove_zeros else bcoo_sum_duplicates(self, nse=nse)

    def sort_indices(self) -> BCOO:
        """The same array with sorted indices."""
        return bcoo_sort_indices(self)

    def transpose(self, axes: Sequence[int] | None = None) -> BCOO:
        """With the axes in another order, by default the reverse one."""
        order = list(range(self.ndim)[::-1] if axes is None else axes)
        data, indices = permuted(self.data, self.indices, permutation=order, spinfo=self._info)
        sparse = [p - self.n_batch for p in order[self.n_batch : self.n_batch + self.n_sparse]]
        return BCOO(
            (data, indices),
            shape=tuple(self.shape[k] for k in order),
            indices_sorted=sparse == list(range(self.n_sparse)) and self.indices_sorted,
            unique_indices=self.unique_indices,
        )


def bcoo_todense(mat: BCOO) -> Array:
    """The whole array; entries at the same place are added."""
    return to_dense(mat.data, mat.indices, spinfo=mat._info)


def bcoo_fromdense(
    mat: ArrayLike, *, nse: int | None = None, n_batch: int = 0, n_dense: int = 0, index_dtype: DTypeLike = np.int32
) -> BCOO:
    """The sparse form of a dense array.

    Args:
        mat: ``[*batch, *sparse, *dense]``.
        nse: how many entries to store in each batch, filled up with padding; by default as many as the fullest has.
        n_batch: how many leading axes are batch axes.
        n_dense: how many trailing axes are dense: an entry is a block of them that is not all 0.
        index_dtype: type of the indices.

    Raises:
        ConcretizationTypeError: values are traced and ``nse`` is not given.
    """
    x = asarray(mat)
    message = TRACED_NSE.format(name="bcoo", cls="BCOO")
    count: Any = count_stored_elements(x, n_batch, n_dense) if nse is None else nse
    buffers = from_dense(
        x,
        nse=concrete_or_error(operator.index, count, message),
        n_batch=n_batch,
        n_dense=n_dense,
        index_dtype=index_dtype,
        message=message,
    )
    return BCOO(buffers, shape=x.shape, indices_sorted=True, unique_indices=True)


def bcoo_sort_indices(mat: BCOO) -> BCOO:
    """The same array with sorted indices."""
    buffers = sort_indices(mat.data, mat.indices, spinfo=mat._info)
    return BCOO(buffers, shape=mat.shape, indices_sorted=True, unique_indices=mat.unique_indices)


def bcoo_sum_duplicates(mat: BCOO, nse: int | None = None) -> BCOO:
    """The same array with sorted indices of which none comes twice.

    Args:
        mat: a BCOO.
        nse: how many entries to store: cut off or filled up with padding; by default as many as are needed, which has
            to be known.
    """
    buffers = sum_duplicates(mat.data, mat.indices, spinfo=mat._info, nse=nse)
    return BCOO(buffers, shape=mat.shape, indices_sorted=True, unique_indices=True)


def bcoo_eliminate_zeros(mat: BCOO, nse: int | None = None) -> BCOO:
    """`bcoo_sum_duplicates`, once entries that are 0 are left out; where they stay is not differentiable."""
    indices = without_zeros(mat.data, mat.indices, mat.shape)
    return bcoo_sum_duplicates(BCOO((mat.data, indices), shape=mat.shape), nse=nse)


def bcoo_set_nse(mat: BCOO, nse: int) -> BCOO:
    """Cut off, or filled up with padding, to ``nse`` entries."""
    nse = operator.index(nse)
    if mat.nse == nse:
        return mat
    buffers = set_nse(mat.data, mat.indices, nse, mat.shape)
    return BCOO(buffers, **mat._info._asdict())


def bcoo_update_layout(
    mat: BCOO, *, n_batch: int | None = None, n_dense: int | None = None, on_inefficient: str | None = "error"
) -> BCOO:
    """The same array with other numbers of batch and of dense axes.

    Args:
        mat: a BCOO.
        n_batch: how many batch axes; by default as many as before.
        n_dense: how many dense axes; by default as many as before.
        on_inefficient: "error", "warn" or None: what happens where an axis of more than one element becomes batch or
            dense, so that zeros are stored.

    Raises:
        SparseEfficiencyError: see ``on_inefficient``.
    """
    buffers = with_layout(mat.data, mat.indices, mat.shape, n_batch, n_dense, on_inefficient)
    return mat if buffers[0] is mat.data and buffers[1] is mat.indices else BCOO(buffers, shape=mat.shape)


def _element(apart: Any, number: Any, val: BCOO, axis: int | None) -> BCOO:
    """What a mapped function gets for a BCOO."""
    del number
    if axis is None:
        return val
    if axis >= val.n_batch:
        raise ValueError(
            f"Cannot map in_axis={axis} for BCOO array with n_batch={val.n_batch}. in_axes for batched BCOO operations "
            "must correspond to a batch dimension."
        )
    info = val._info._asdict() | {"shape": val.shape[:axis] + val.shape[axis + 1 :]}
    return BCOO((apart(val.data, axis), apart(val.indices, axis)), **info)


def _whole(together: Any, axis_size: int, elt: BCOO, axis: int | None) -> BCOO:
    """What a mapped function gives for a BCOO that it returns."""
    if axis is None:
        return elt
    if axis > elt.n_batch:
        raise ValueError(
            f"BCOO: cannot add out_axis={axis} for BCOO array with n_batch={elt.n_batch}. BCOO batch axes must be a "
            "contiguous block of leading dimensions."
        )
    info = elt._info._asdict() | {"shape": (*elt.shape[:axis], axis_size, *elt.shape[axis:])}
    return BCOO((together(axis_size, elt.data, axis), together(axis_size, elt.indices, axis)), **info)


register_vmappable(BCOO, int, int, _element, _whole, None)
