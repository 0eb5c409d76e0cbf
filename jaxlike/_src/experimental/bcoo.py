"""bcoo: sparse arrays as the values that are not zero and their places.

A `BCOO` is a tree of two arrays, so it goes through `jit`, `grad` and loops as they do. Places out of bounds are
padding: what is there is dropped. Products with dense arrays gather rows and add them up; nothing is made dense but by
`todense`. Batch axes and dense axes (parts of an array that every entry has) are data only: no operation takes them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from jaxlike._src import border, errors
from jaxlike._src.array import Array
from jaxlike._src.border import asarray
from jaxlike._src.numpy.filled import zeros
from jaxlike._src.numpy.search import nonzero
from jaxlike._src.numpy.shape import broadcast_to
from jaxlike._src.numpy.stacking import concatenate, stack
from jaxlike._src.tree import register_pytree_node_class


class JAXSparse:
    """Base of sparse arrays: a shape, and arrays that hold the rest."""

    data: Any
    shape: tuple[int, ...]
    __array_priority__ = 100
    __hash__ = None  # type: ignore[assignment]

    size = property(lambda self: int(np.prod(self.shape, dtype=int)))
    ndim = property(lambda self: len(self.shape))
    dtype = property(lambda self: self.data.dtype)

    def __init__(self, args: Any, *, shape: Sequence[int]) -> None:
        del args
        self.shape = tuple(shape)

    @property
    def nse(self) -> int:
        """How many entries are stored."""
        raise NotImplementedError  # each format counts its own

    def __len__(self) -> int:
        return self.shape[0]

    def __repr__(self) -> str:
        name = type(self).__name__
        try:
            return f"{name}({self.dtype}{list(self.shape)}, nse={self.nse})"
        except AttributeError:  # a tree of something else than arrays
            return f"{name}(<invalid>)"


@register_pytree_node_class
class BCOO(JAXSparse):
    """A sparse array: ``data[k]`` is at ``indices[k]``.

    Args:
        args: ``(data, indices)``, ``[nse]`` and ``[nse, ndim]``.
        shape: of the whole.
        indices_sorted: whether the indices are in order.
        unique_indices: whether none comes twice.
    """

    indices: Any

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

    @property
    def nse(self) -> int:
        """How many entries are stored."""
        return self.indices.shape[-2]

    n_batch = property(lambda self: self.indices.ndim - 2)
    n_sparse = property(lambda self: self.indices.shape[-1])
    n_dense = property(lambda self: self.data.ndim - 1 - self.n_batch)

    # Making one

    @classmethod
    def fromdense(
        cls, mat: Any, *, nse: int | None = None, index_dtype: Any = np.int32, n_dense: int = 0, n_batch: int = 0
    ) -> BCOO:
        """The sparse form of a dense array.

        Args:
            mat: the array.
            nse: how many entries to store, filled up with padding; by default as many as are not zero.
            index_dtype: type of the indices.
            n_dense: must be 0.
            n_batch: must be 0.
        """
        _require_plain(n_batch, n_dense)
        x = asarray(mat)
        if nse is None and border.is_traced(x):
            raise errors.ConcretizationTypeError(
                x,
                "The error arose for the nse argument of bcoo_fromdense. In order for BCOO.fromdense() to be used in "
                "traced/compiled code, you must pass a concrete value to the nse (number of stored elements) argument.",
            )
        places = stack(nonzero(x) if nse is None else nonzero(x, size=nse, fill_value=x.shape), -1).astype(index_dtype)
        flat = [places[:, k] for k in range(x.ndim)]
        data = x.at[tuple(flat)].get(mode="fill", fill_value=0)
        return cls((data, places), shape=x.shape, indices_sorted=True, unique_indices=True)

    @classmethod
    def from_scipy_sparse(cls, mat: Any, *, index_dtype: Any = None, n_dense: int = 0, n_batch: int = 0) -> BCOO:
        """The same as a matrix of scipy.sparse."""
        _require_plain(n_batch, n_dense)
        coo = mat.tocoo()
        indices = np.column_stack((coo.row, coo.col)).astype(index_dtype or np.int32)
        return cls((asarray(coo.data), asarray(indices)), shape=mat.shape)

    # Taking it apart

    def tree_flatten(self) -> tuple[tuple[Any, Any], dict[str, Any]]:
        """Its arrays, and what is known of them."""
        return (self.data, self.indices), {
            "shape": self.shape,
            "indices_sorted": self.indices_sorted,
            "unique_indices": self.unique_indices,
        }

    @classmethod
    def tree_unflatten(cls, aux_data: dict[str, Any], children: Any) -> BCOO:
        """Inverse of `tree_flatten`; the children may be anything."""
        made = object.__new__(cls)
        made.data, made.indices = children
        vars(made).update(aux_data)
        return made

    def _places(self) -> tuple[Any, ...]:
        _require_plain(self.n_batch, self.n_dense)
        return tuple(self.indices[:, k] for k in range(self.n_sparse))

    def todense(self) -> Array:
        """The whole array; entries at the same place are added."""
        return zeros(self.shape, self.dtype).at[self._places()].add(self.data, mode="drop")

    def transpose(self, axes: Sequence[int] | None = None) -> BCOO:
        """With the axes in another order, by default the reverse one."""
        _require_plain(self.n_batch, self.n_dense)
        order = tuple(range(self.ndim))[::-1] if axes is None else tuple(axes)
        indices = stack([self.indices[:, k] for k in order], -1)
        shape = [self.shape[k] for k in order]
        return BCOO((self.data, indices), shape=shape, unique_indices=self.unique_indices)

    T = property(lambda self: self.transpose())

    def _with_data(self, data: Any) -> BCOO:
        return BCOO(
            (data, self.indices),
            shape=self.shape,
            indices_sorted=self.indices_sorted,
            unique_indices=self.unique_indices,
        )

    # Arithmetic

    def __neg__(self) -> BCOO:
        return self._with_data(-self.data)

    def __mul__(self, other: Any) -> BCOO:
        if isinstance(other, JAXSparse):
            # An open gap. JAX bounds the number of the result's entries, and pads to it.
            raise NotImplementedError("the product of two sparse arrays, entry by entry")
        y = asarray(other)
        if y.ndim:
            y = broadcast_to(y, self.shape).at[self._places()].get(mode="fill", fill_value=0)
        return self._with_data(self.data * y)

    __rmul__ = __mul__

    def __add__(self, other: Any) -> Any:
        if not isinstance(other, JAXSparse) and np.shape(other) == self.shape:
            return self.todense() + other
        if not isinstance(other, BCOO) or other.shape != self.shape:
            # As JAX refuses other shapes, and numbers.
            raise NotImplementedError("a sparse array is added to one of its shape: `.todense()` of it to others")
        data, indices = concatenate([self.data, other.data]), concatenate([self.indices, other.indices])
        return BCOO((data, indices), shape=self.shape)

    def __matmul__(self, other: Any) -> Any:
        if isinstance(other, JAXSparse):
            # An open gap. JAX bounds the number of the result's entries, and pads to it.
            raise NotImplementedError("the product of two sparse matrices: `.todense()` of one is multiplied")
        y = asarray(other)
        if self.ndim not in (1, 2) or y.ndim not in (1, 2):
            # An open gap, as batch axes are.
            raise NotImplementedError(f"a product of {self.ndim} and {y.ndim} axes")
        if self.shape[-1] != y.shape[0]:
            raise TypeError(
                "dot_general requires contracting dimensions to have the same shape, got "
                f"{(self.shape[-1],)} and {(y.shape[0],)}."
            )
        places = self._places()
        rows = y.at[places[-1]].get(mode="fill", fill_value=0)
        terms = self.data * rows if y.ndim == 1 else self.data[:, None] * rows
        if self.ndim == 1:
            return terms.sum(0)
        return zeros((self.shape[0], *y.shape[1:]), terms.dtype).at[places[0]].add(terms, mode="drop")

    def __rmatmul__(self, other: Any) -> Any:
        product = self.T @ asarray(other).T
        return product.T


def _require_plain(n_batch: int, n_dense: int) -> None:
    if n_batch or n_dense:
        # An open gap: torch's COO has dense axes but no batch axes, so these need entries of our own.
        raise NotImplementedError(
            f"BCOO arrays with batch axes or dense axes, got n_batch={n_batch}, n_dense={n_dense}"
        )
