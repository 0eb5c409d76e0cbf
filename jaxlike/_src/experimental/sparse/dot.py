"""dot: products of a BCOO with a dense array, dense products read at sparse places, products of two BCOOs.

With one side dense, its rows are gathered at the summed indices of the sparse side, multiplied by the values and added
up at the indices that stay. With both sides sparse every pair of entries gives one entry, 0 where their summed indices
differ, and entries at the same place are added.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxlike._src import dtypes
from jaxlike._src.border import asarray, astype
from jaxlike._src.experimental.sparse.lookup import add_rows, read_rows
from jaxlike._src.experimental.sparse.order import sum_duplicates
from jaxlike._src.experimental.sparse.places import counting, remaining, validate, validate_indices
from jaxlike._src.experimental.sparse.product import serves, times_columns
from jaxlike._src.experimental.sparse.util import SparseInfo, nfold_vmap
from jaxlike._src.lax.dot import check_dot, result_dtype
from jaxlike._src.lax.shape import transpose
from jaxlike._src.numpy.arguments import index_tuple
from jaxlike._src.regions import equation
from jaxlike._src.scipy import jnp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jaxlike._src.array import Array
    from jaxlike._src.experimental.sparse.util import Shape

_Numbers = tuple[tuple[tuple[int, ...], tuple[int, ...]], tuple[tuple[int, ...], tuple[int, ...]]]


def as_numbers(dimension_numbers: Any) -> _Numbers:
    """Dimension numbers of a product with tuples in them."""
    (summed_x, summed_y), (common_x, common_y) = dimension_numbers
    return (index_tuple(summed_x), index_tuple(summed_y)), (index_tuple(common_x), index_tuple(common_y))


def dot_shape(lhs: Shape, rhs: Shape, dimension_numbers: Any) -> Shape:
    """The shape of a product; TypeError in the words of `lax.dot_general` where the sides do not fit."""
    (summed_x, summed_y), (common_x, common_y) = as_numbers(dimension_numbers)
    check_dot(lhs, rhs, summed_x, summed_y, common_x, common_y)
    return (
        *(lhs[k] for k in common_x),
        *(lhs[k] for k in remaining(range(len(lhs)), common_x, summed_x)),
        *(rhs[k] for k in remaining(range(len(rhs)), common_y, summed_y)),
    )


def _dtype_of(lhs: Array, rhs: Array, preferred: Any) -> Any:
    if preferred is not None:
        preferred = dtypes.check_and_canonicalize_user_dtype(preferred, "dot_general")
    return result_dtype(lhs.dtype, rhs.dtype, preferred)


# One side dense


def sparse_dot_dense(
    data: Any, indices: Any, rhs: Any, *, dimension_numbers: Any, preferred_element_type: Any, lhs_spinfo: SparseInfo
) -> Array:
    """The product of a BCOO with a dense array, dense."""
    return _sparse_dot_dense(
        asarray(data),
        asarray(indices),
        asarray(rhs),
        dimension_numbers=as_numbers(dimension_numbers),
        preferred_element_type=preferred_element_type,
        lhs_spinfo=lhs_spinfo,
    )


@equation("bcoo_dot_general", lambda data, indices, rhs, **params: ((data, indices, rhs), params))
def _sparse_dot_dense(
    data: Array,
    indices: Array,
    rhs: Array,
    *,
    dimension_numbers: _Numbers,
    preferred_element_type: Any,
    lhs_spinfo: SparseInfo,
    name: str = "bcoo",
) -> Array:
    out_shape = dot_shape(lhs_spinfo.shape, rhs.shape, dimension_numbers)
    out_dtype = _dtype_of(data, rhs, preferred_element_type)
    n_batch, n_sparse, n_dense, _ = validate(data, indices, lhs_spinfo.shape)
    check_kinds(dimension_numbers, n_batch, n_sparse, name)
    (summed, summed_rhs), (common, common_rhs) = dimension_numbers
    pairs = list(zip(summed, summed_rhs, strict=True))
    if (n_batch, n_sparse, n_dense, len(pairs)) == (0, 2, 0, 1) and serves(data, rhs, out_dtype):
        ((k, k_rhs),) = pairs
        dense = jnp.moveaxis(rhs, k_rhs, 0)
        dense = dense.reshape(dense.shape[0], math.prod(dense.shape[1:]))
        return times_columns(data, indices[:, 1 - k], indices[:, k], dense, out_shape[0]).reshape(out_shape)
    of_batch, of_sparse = [p for p in pairs if p[0] < n_batch], [p for p in pairs if p[0] >= n_batch]

    # lhs: batch axes in the order common, own, summed; columns in the order summed, own.
    own = remaining(range(n_batch), common, [k for k, _ in of_batch])
    order = [*common, *own, *(k for k, _ in of_batch)]
    data = transpose(data, [*order, *range(n_batch, data.ndim)])
    indices = transpose(indices, [*order, n_batch, n_batch + 1])
    sizes = [lhs_spinfo.shape[k] for k in order]
    columns = [indices[..., k - n_batch] for k, _ in of_sparse]
    kept = [indices[..., k] for k in remaining(range(n_sparse), [k - n_batch for k, _ in of_sparse])]
    counts = [counting(size, axis, n_batch + 1) for axis, size in enumerate(sizes)]

    # rhs: axes that are looked up come first.
    looked_up = [*common_rhs, *(k for _, k in of_batch), *(k for _, k in of_sparse)]
    rhs = transpose(rhs, [*looked_up, *remaining(range(rhs.ndim), looked_up)])
    n_own = len(own)
    at = (*counts[: len(common)], *counts[len(common) + n_own :], *columns)
    rows = read_rows(rhs, at) if at else jnp.expand_dims(rhs, tuple(range(n_batch + 1)))
    lead, rest = n_batch + 1, rhs.ndim - len(looked_up)
    rows = rows.reshape(*rows.shape[:lead], *[1] * n_dense, *rows.shape[lead:])
    terms = astype(data.reshape(*data.shape, *[1] * rest), out_dtype) * astype(rows, out_dtype)

    stays = len(common) + n_own
    summed_batch = tuple(range(stays, n_batch))
    if kept:
        kept[0] = jnp.broadcast_to(kept[0], (*kept[0].shape[:stays], *sizes[stays:], kept[0].shape[-1]))
        into = (*counts[:stays], *kept)
        return add_rows(out_shape, into, terms)
    out = terms.sum((*summed_batch, n_batch), dtype=out_dtype)
    return out if out.shape == out_shape else jnp.broadcast_to(out, out_shape)


def check_kinds(dimension_numbers: _Numbers, n_batch: int, n_sparse: int, name: str) -> None:
    """Errors where the axes of a product are not of the kinds that sparse ones have."""
    (summed, _), (common, _) = dimension_numbers
    if common and max(common) >= n_batch:
        # As JAX refuses: common axes are batch axes of the format.
        raise NotImplementedError(
            f"{name}_dot_general batch dimensions must be among the batch dimensions in the sparse "
            f"{'representation' if name == 'bcoo' else 'representtaion'}.\ngot lhs_batch={common}, n_batch={n_batch}"
        )
    if any(k >= n_batch + n_sparse for k in summed):
        # As JAX refuses: a dense axis is inside of an entry, and the product sums over entries.
        raise NotImplementedError(f"{name}_dot_general: contracting over dense dimensions.")


def dense_dot_sparse(
    lhs: Any, data: Any, indices: Any, *, dimension_numbers: Any, preferred_element_type: Any, rhs_spinfo: SparseInfo
) -> Array:
    """The product of a dense array with a BCOO, dense: the product the other way round, its axes put in order."""
    turned = tuple(tuple(d[::-1]) for d in dimension_numbers)
    out = sparse_dot_dense(
        data,
        indices,
        lhs,
        dimension_numbers=turned,
        preferred_element_type=preferred_element_type,
        lhs_spinfo=rhs_spinfo,
    )
    n_summed, n_common = (len(index_tuple(d[0])) for d in dimension_numbers)
    n_swap = len(rhs_spinfo.shape) - n_summed
    return transpose(out, (*range(n_common), *range(n_swap, out.ndim), *range(n_common, n_swap)))


# Two dense sides, read at sparse places


def sampled_dot(A: Any, B: Any, indices: Any, *, dimension_numbers: Any) -> Array:
    """The values that a product of dense arrays has at the indices of a BCOO; 0 for padding."""
    return _sampled_dot(asarray(A), asarray(B), asarray(indices), dimension_numbers=as_numbers(dimension_numbers))


@equation("bcoo_dot_general_sampled", lambda A, B, indices, **params: ((A, B, indices), params))
def _sampled_dot(A: Array, B: Array, indices: Array, *, dimension_numbers: _Numbers) -> Array:
    shape = dot_shape(A.shape, B.shape, dimension_numbers)
    n_batch, n_sparse, _, nse = validate_indices(indices, shape)
    dtype = _dtype_of(A, B, None)
    (summed_a, summed_b), (common_a, common_b) = dimension_numbers
    kept_a = remaining(range(A.ndim), common_a, summed_a)
    kept_b = remaining(range(B.ndim), common_b, summed_b)
    first = len(common_a)
    counts = [counting(size, axis, n_batch + 1) for axis, size in enumerate(shape[:n_batch])]
    index = [*counts, *(indices[..., k] for k in range(n_sparse))]

    def rows(x: Array, common: Sequence[int], kept: Sequence[int], summed: Sequence[int], at: Sequence[int]) -> Array:
        """``[*batch, nse, dense, summed]``: an operand looked up along those of its axes that are batch or sparse."""
        looked_up = [k for k in at if k < len(index)]
        x = transpose(x, [*common, *kept, *summed])
        if looked_up:
            x = read_rows(x, [index[k] for k in looked_up])
        else:
            x = jnp.expand_dims(x, tuple(range(n_batch + 1)))
        split = x.ndim - len(summed)
        lead, own, deep = x.shape[: n_batch + 1], x.shape[n_batch + 1 : split], x.shape[split:]
        return astype(x.reshape(*lead, math.prod(own), math.prod(deep)), dtype)

    places_a = [*range(first), *range(first, first + len(kept_a))]
    places_b = [*range(first), *range(first + len(kept_a), len(shape))]
    a = rows(A, common_a, kept_a, summed_a, places_a)
    b = rows(B, common_b, kept_b, summed_b, places_b)
    if a.shape[-2] == b.shape[-2] == 1:
        out = (a * b).sum(-1, dtype=dtype)[..., 0]
    else:
        out = jnp.einsum("...ac,...bc->...ab", a, b, precision="highest")
    dense = shape[n_batch + n_sparse :]
    out = out.reshape(*out.shape[: n_batch + 1], *dense)
    return jnp.broadcast_to(out, (*shape[:n_batch], nse, *dense))


# Both sides sparse


def sparse_dot_sparse(
    lhs_data: Any,
    lhs_indices: Any,
    rhs_data: Any,
    rhs_indices: Any,
    *,
    lhs_spinfo: SparseInfo,
    rhs_spinfo: SparseInfo,
    dimension_numbers: Any,
    preferred_element_type: Any,
) -> tuple[Array, Array]:
    """Values and indices of the product of two BCOOs."""
    arrays = map(asarray, (lhs_data, lhs_indices, rhs_data, rhs_indices))
    return _sparse_dot_sparse(
        *arrays,
        lhs_spinfo=lhs_spinfo,
        rhs_spinfo=rhs_spinfo,
        dimension_numbers=as_numbers(dimension_numbers),
        preferred_element_type=preferred_element_type,
    )


@equation("bcoo_spdot_general", lambda *args, **params: (args, params))
def _sparse_dot_sparse(
    lhs_data: Array,
    lhs_indices: Array,
    rhs_data: Array,
    rhs_indices: Array,
    *,
    lhs_spinfo: SparseInfo,
    rhs_spinfo: SparseInfo,
    dimension_numbers: _Numbers,
    preferred_element_type: Any,
) -> tuple[Array, Array]:
    out_shape = dot_shape(lhs_spinfo.shape, rhs_spinfo.shape, dimension_numbers)
    lhs, rhs = validate(lhs_data, lhs_indices, lhs_spinfo.shape), validate(rhs_data, rhs_indices, rhs_spinfo.shape)
    out_nse = _pairs(lhs, rhs, dimension_numbers, out_shape)
    (summed, summed_rhs), (common, common_rhs) = dimension_numbers
    dtype = _dtype_of(lhs_data, rhs_data, preferred_element_type)
    order = [*common, *remaining(range(lhs.n_batch), common)]
    order_rhs = [*common_rhs, *remaining(range(rhs.n_batch), common_rhs)]
    lhs_data, rhs_data = transpose(lhs_data, [*order, lhs.n_batch]), transpose(rhs_data, [*order_rhs, rhs.n_batch])
    lhs_indices = transpose(lhs_indices, [*order, lhs.n_batch, lhs.n_batch + 1])
    rhs_indices = transpose(rhs_indices, [*order_rhs, rhs.n_batch, rhs.n_batch + 1])
    at, at_rhs = [k - lhs.n_batch for k in summed], [k - rhs.n_batch for k in summed_rhs]
    shape, shape_rhs = lhs_spinfo.shape[lhs.n_batch :], rhs_spinfo.shape[rhs.n_batch :]
    kept, kept_rhs = remaining(range(lhs.n_sparse), at), remaining(range(rhs.n_sparse), at_rhs)
    index_dtype = dtypes.promote_types(lhs_indices.dtype, rhs_indices.dtype)

    def chosen(indices: Array, axes: Sequence[int]) -> Array:
        return indices[:, np.array(axes, np.int32)]

    def one(x: Array, places: Array, y: Array, places_rhs: Array) -> tuple[Array, Array]:
        i, i_rhs = chosen(places, at), chosen(places_rhs, at_rhs)
        valid = (i < np.array([shape[k] for k in at], i.dtype)).all(-1)
        valid_rhs = (i_rhs < np.array([shape_rhs[k] for k in at_rhs], i_rhs.dtype)).all(-1)
        meet = (i[:, None] == i_rhs[None]).all(-1) & valid[:, None] & valid_rhs[None]
        values = jnp.where(meet, x[:, None] * y[None], 0).ravel()
        pairs = (places.shape[0], places_rhs.shape[0])
        left = jnp.broadcast_to(astype(chosen(places, kept), index_dtype)[:, None], (*pairs, len(kept)))
        right = jnp.broadcast_to(astype(chosen(places_rhs, kept_rhs), index_dtype)[None], (*pairs, len(kept_rhs)))
        both = jnp.concatenate([left, right], -1).reshape(math.prod(pairs), len(kept) + len(kept_rhs))
        sizes = (*(shape[k] for k in kept), *(shape_rhs[k] for k in kept_rhs))
        return sum_duplicates(values, both, spinfo=SparseInfo(sizes), nse=out_nse)

    fun = nfold_vmap(one, rhs.n_batch - len(common), in_axes=(None, None, 0, 0))
    fun = nfold_vmap(fun, lhs.n_batch - len(common), in_axes=(0, 0, None, None))
    fun = nfold_vmap(fun, len(common))
    data, indices = fun(lhs_data, lhs_indices, rhs_data, rhs_indices)
    return astype(data, dtype), indices


def _pairs(lhs: Any, rhs: Any, dimension_numbers: _Numbers, out_shape: Shape) -> int:
    """How many entries a product has: a pair of each, no more than there are places."""
    (summed, summed_rhs), (common, common_rhs) = dimension_numbers
    if lhs.n_dense or rhs.n_dense:
        # As JAX refuses: entries that meet are numbers, not blocks.
        raise NotImplementedError("bcoo_spdot_general with dense dimensions.")
    if (common and max(common) >= lhs.n_batch) or (common_rhs and max(common_rhs) >= rhs.n_batch):
        # As JAX refuses: common axes are batch axes of the format.
        raise NotImplementedError(
            "bcoo_spdot_general: batch_dims must correspond to batch dimensions of the sparse representation."
        )
    for axes, side in ((summed, lhs), (summed_rhs, rhs)):
        if axes and (min(axes) < side.n_batch or max(axes) >= side.n_batch + side.n_sparse):
            # As JAX refuses: entries are matched by their indices, which batch and dense axes have not.
            raise NotImplementedError("bcoo_spdot_general only supports contraction of sparse indices.")
    if rhs.n_batch > len(common_rhs) and lhs.n_sparse > len(summed):
        raise ValueError(
            "bcoo_spdot_general: cannot have unused batch dims on rhs with unused sparse dims on lhs."
        )
    left = lhs.nse if lhs.n_sparse > len(summed) else 1
    right = rhs.nse if rhs.n_sparse > len(summed_rhs) else 1
    return min(left * right, math.prod(out_shape[lhs.n_batch + rhs.n_batch - len(common) :]))
