"""util: what the formats share: their warnings and errors, `SparseInfo`, maps over batch axes, row pointers.

Batch axes of the arrays of one sparse array may have size 1 where the whole has more: they are broadcast, and
`broadcasting_vmap` maps so.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from jaxlike._src.border import asarray
from jaxlike._src.lax.shape import squeeze
from jaxlike._src.scipy import jnp
from jaxlike._src.transforms.vmap import vmap
from jaxlike._src.tree import flatten_axes, tree_flatten, tree_unflatten

if TYPE_CHECKING:
    from collections.abc import Callable

    from jaxlike._src.array import Array

Shape: TypeAlias = tuple[int, ...]


class SparseEfficiencyError(ValueError):
    """A sparse array would store much more than it needs."""


class SparseEfficiencyWarning(UserWarning):
    """A sparse array stores much more than it needs."""


class CuSparseEfficiencyWarning(SparseEfficiencyWarning):
    """An operation that cuSPARSE does not have."""


class SparseInfo(NamedTuple):
    """What is known of a batched sparse array beside its arrays."""

    shape: Shape
    indices_sorted: bool = False
    unique_indices: bool = False


def nfold_vmap(fun: Callable[..., Any], N: int, *, broadcasted: bool = True, in_axes: Any = 0) -> Callable[..., Any]:
    """``fun`` mapped ``N`` times, with axes of size 1 broadcast if ``broadcasted``."""
    for _ in range(N):
        fun = broadcasting_vmap(fun, in_axes) if broadcasted else vmap(fun, in_axes)
    return fun


def broadcasting_vmap(fun: Callable[..., Any], in_axes: Any = 0, out_axes: Any = 0) -> Callable[..., Any]:
    """`vmap`, where a mapped axis of size 1 goes with one of any size."""

    @functools.wraps(fun)
    def batched_fun(*args: Any) -> Any:
        leaves, tree = tree_flatten(args)
        axes: list[Any] = flatten_axes("vmap in_axes", tree, in_axes)
        size = max(x.shape[i] for x, i in zip(leaves, axes, strict=True) if i is not None)
        for k, (x, axis) in enumerate(zip(leaves, axes, strict=True)):
            if size <= 1 or axis is None or x.shape[axis] == size:
                continue
            if x.shape[axis] != 1:
                raise ValueError("broadcasting_vmap: mismatched input shapes")
            leaves[k], axes[k] = squeeze(x, (axis,)), None
        return vmap(fun, tree_unflatten(tree, axes), out_axes)(*tree_unflatten(tree, leaves))

    return batched_fun


def csr_to_coo(indices: Array, indptr: Array) -> tuple[Array, Array]:
    """(row, column) of each entry from columns ``[..., nse]`` and row pointers ``[..., rows + 1]``.

    A row is the number of rows that have begun by then; entries past the last pointer are in row ``rows``.
    """
    if indices.ndim > 1:
        return nfold_vmap(csr_to_coo, 1)(indices, indptr)
    began = jnp.zeros_like(indices).at[indptr].add(1)
    return jnp.cumsum(began) - 1, indices


def count_stored_elements(mat: Any, n_batch: int = 0, n_dense: int = 0) -> Array:
    """How many entries the fullest batch of a dense array has; an entry is a block of the dense axes that is not 0."""
    mask = asarray(mat) != 0
    if n_dense > 0:
        mask = mask.any(tuple(range(mask.ndim - n_dense, mask.ndim)))
    return mask.sum(tuple(range(n_batch, mask.ndim))).max(initial=0)
