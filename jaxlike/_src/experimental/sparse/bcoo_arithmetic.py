"""bcoo_arithmetic: sums, products and convolutions of BCOOs with each other and with dense arrays.

A sum over sparse axes drops their indices, over batch axes joins the batches' entries; entries at the same place mean
their sum, so nothing is added up. A product of two BCOOs has an entry for each pair that may meet.
"""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxlike._src.array import Array
from jaxlike._src.border import asarray
from jaxlike._src.experimental.sparse.bcoo import BCOO
from jaxlike._src.experimental.sparse.bcoo_shape import in_bounds
from jaxlike._src.experimental.sparse.convert import extract_data
from jaxlike._src.experimental.sparse.dot import (
    dense_dot_sparse,
    dot_shape,
    sampled_dot,
    sparse_dot_dense,
    sparse_dot_sparse,
)
from jaxlike._src.experimental.sparse.layout import with_layout
from jaxlike._src.experimental.sparse.places import counting, validate
from jaxlike._src.experimental.sparse.util import nfold_vmap
from jaxlike._src.lax.conv import conv_general_dilated
from jaxlike._src.lax.conv_dims import padtype_to_pads
from jaxlike._src.lax.convert import broadcasted_iota
from jaxlike._src.lax.dot import dot_general
from jaxlike._src.lax.elementwise import mul
from jaxlike._src.lax.shape import broadcast_shapes, expand_dims, reshape, squeeze
from jaxlike._src.scipy import jnp
from jaxlike._src.shape_struct import ShapeDtypeStruct
from jaxlike._src.transforms.inspect import eval_shape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jaxlike._src.experimental.sparse.util import Shape
    from jaxlike._src.typing import ArrayLike


def bcoo_extract(sparr: BCOO, arr: ArrayLike, *, assume_unique: bool | None = None) -> BCOO:
    """The values of a dense array at the places of a sparse one.

    Args:
        sparr: a BCOO.
        arr: an array of its shape.
        assume_unique: whether every entry has its value; if not, the first entry at a place does and the others have
            0. By default what ``sparr`` says of its indices.
    """
    if not isinstance(sparr, BCOO):
        raise TypeError(f"First argument to bcoo_extract should be a BCOO array. Got type(sparr)={type(sparr)}")
    a = asarray(arr)
    if a.shape != sparr.shape:
        raise ValueError(f"shape mismatch: sparr.shape={sparr.shape} a.shape={a.shape}")
    unique = sparr.unique_indices if assume_unique is None else assume_unique
    return BCOO((extract_data(sparr.indices, a, assume_unique=unique), sparr.indices), **sparr._info._asdict())


# Sums of products


def bcoo_dot_general(
    lhs: Any,
    rhs: Any,
    *,
    dimension_numbers: Any,
    precision: Any = None,
    preferred_element_type: Any = None,
    out_sharding: Any = None,
) -> Any:
    """As `lax.dot_general`: a BCOO of two BCOOs, else an array.

    Args:
        lhs: array or BCOO.
        rhs: array or BCOO.
        dimension_numbers: ``((summed axes of lhs, of rhs), (common axes of lhs, of rhs))``; common axes are batch axes
            of a BCOO, summed ones batch or sparse axes.
        precision: accepted.
        preferred_element_type: dtype of the result.
        out_sharding: accepted.
    """
    del precision, out_sharding
    params = {"dimension_numbers": dimension_numbers, "preferred_element_type": preferred_element_type}
    if isinstance(lhs, BCOO) and isinstance(rhs, BCOO):
        shape = dot_shape(lhs.shape, rhs.shape, dimension_numbers)
        buffers = sparse_dot_sparse(*lhs._bufs, *rhs._bufs, lhs_spinfo=lhs._info, rhs_spinfo=rhs._info, **params)
        return BCOO(buffers, shape=shape)
    if isinstance(lhs, BCOO):
        return sparse_dot_dense(lhs.data, lhs.indices, rhs, lhs_spinfo=lhs._info, **params)
    if isinstance(rhs, BCOO):
        return dense_dot_sparse(lhs, *rhs._bufs, rhs_spinfo=rhs._info, **params)
    return dot_general(lhs, rhs, dimension_numbers, preferred_element_type=preferred_element_type)


def bcoo_dot_general_sampled(A: ArrayLike, B: ArrayLike, indices: ArrayLike, *, dimension_numbers: Any) -> Array:
    """The values that a product of dense arrays has at the indices of a BCOO.

    Args:
        A: array.
        B: array.
        indices: of a BCOO that has the product's shape.
        dimension_numbers: as for `lax.dot_general`.

    Returns:
        Its values: ``[*batch, nse, *dense]``.
    """
    return sampled_dot(A, B, indices, dimension_numbers=dimension_numbers)


def bcoo_reduce_sum(mat: BCOO, *, axes: Sequence[int]) -> BCOO:
    """The sum over some axes.

    Args:
        mat: a BCOO.
        axes: nonnegative.
    """
    shape, data, indices = mat.shape, mat.data, mat.indices
    if not all(0 <= a < len(shape) for a in axes):
        raise AssertionError(f"axes {axes} of an array of {len(shape)} axes")
    n_batch, n_sparse, _, nse = validate(data, indices, shape)
    axes = sorted(set(axes))
    data = data.sum(tuple(ax - n_sparse + 1 for ax in axes if ax >= n_batch + n_sparse))
    if n_sparse:  # what loses its index counts from now on, if it was padding
        data = jnp.where(in_bounds(indices, shape, n_batch, data.ndim), data, 0)
    kept = [k for k in range(n_sparse) if k + n_batch not in axes]
    if len(kept) < n_sparse:
        indices = indices[..., np.array(kept, np.int32)]
    joined = [ax for ax in axes if ax < n_batch]
    for ax in joined:
        if data.shape[ax] == indices.shape[ax] == 1:
            data = data * shape[ax]
        elif data.shape[ax] == 1:
            data = jnp.broadcast_to(data, (*data.shape[:ax], shape[ax], *data.shape[ax + 1 :]))
        elif indices.shape[ax] == 1:
            data = data.sum(ax, keepdims=True)
    own = [ax for ax in range(n_batch) if ax not in joined]
    order, entries = (*own, *joined), nse * math.prod(data.shape[ax] for ax in joined)

    def together(x: Array) -> Array:
        sizes = (*(x.shape[ax] for ax in own), entries, *x.shape[n_batch + 1 :])
        return reshape(x, sizes, (*order, *range(n_batch, x.ndim)))

    return BCOO((together(data), together(indices)), shape=tuple(s for k, s in enumerate(shape) if k not in axes))


# Products


def bcoo_multiply_sparse(lhs: BCOO, rhs: BCOO) -> BCOO:
    """The product of two BCOOs, element by element; it stores as many entries as there are pairs of theirs.

    Args:
        lhs: a BCOO.
        rhs: one of as many axes, whose sizes are the same or 1.
    """
    left, right = (validate(m.data, m.indices, m.shape) for m in (lhs, rhs))
    if len(lhs.shape) != len(rhs.shape):
        raise TypeError(
            f"bcoo_multiply_sparse: arrays must have same number of dimensions, got {lhs.shape}, {rhs.shape}"
        )
    if left.n_dense != right.n_dense:
        # As JAX refuses: an entry of one would be a block, of the other a number.
        raise NotImplementedError(
            f"bcoo_multiply_sparse: arrays with differing numbers of dense dimensions: {left}, {right}"
        )
    n = min(left.n_batch, right.n_batch)
    pairs = functools.partial(_pairs, lhs_shape=lhs.shape[n:], rhs_shape=rhs.shape[n:])
    buffers = nfold_vmap(pairs, n)(*lhs._bufs, *rhs._bufs)
    return BCOO(buffers, shape=jnp.broadcast_shapes(lhs.shape, rhs.shape))


def _pairs(x: Array, at: Array, y: Array, at_rhs: Array, *, lhs_shape: Shape, rhs_shape: Shape) -> tuple[Array, Array]:
    """Values and indices of the pairs of entries that meet, one of the sides without batch axes."""
    (x, at), (y, at_rhs) = (
        with_layout(v, i, s, 0, None) if i.ndim > 2 else (v, i) for v, i, s in ((x, at, lhs_shape), (y, at_rhs, rhs_shape))
    )
    count, count_rhs = at.shape[0], at_rhs.shape[0]
    sizes = zip(lhs_shape[: at.shape[1]], rhs_shape[: at_rhs.shape[1]], strict=True)
    both = np.array([k for k, (s, t) in enumerate(sizes) if s != 1 and t != 1], np.int32)
    meet = (at[:, both][:, None] == at_rhs[:, both][None]).all(-1)
    i, j = jnp.nonzero(meet, size=count * count_rhs, fill_value=(count, count_rhs))

    def chosen(a: Array, k: Array, fill: int) -> Array:
        return a.at[k].get(mode="fill", fill_value=fill)

    past = [max(shape, default=0) for shape in (lhs_shape, rhs_shape)]
    places = jnp.maximum(chosen(at, i, past[0]), chosen(at_rhs, j, past[1]))
    return chosen(x, i, 0) * chosen(y, j, 0), places


def bcoo_multiply_dense(sp_mat: BCOO, v: ArrayLike) -> Array:
    """The values of the product of a BCOO and a dense array, element by element; its indices are those of the BCOO.

    Args:
        sp_mat: a BCOO.
        v: an array that broadcasts to its shape.
    """
    data, indices, shape = sp_mat.data, sp_mat.indices, sp_mat.shape
    v = asarray(v)
    if v.ndim == 0:
        return mul(data, v)
    if v.shape == shape:
        return mul(data, extract_data(indices, v))
    if broadcast_shapes(v.shape, shape) != shape:
        # As JAX refuses: the result would not be sparse where the BCOO is.
        raise NotImplementedError(
            "multiplication between sparse and dense is only implemented for cases where the output shape matches the "
            f"sparse matrix shape. Got shape={shape}, v.shape={v.shape}"
        )
    v = expand_dims(v, range(len(shape) - v.ndim))
    n_batch, n_sparse, _, _ = validate(data, indices, shape)
    zero = counting(1, 0, n_batch + 1)
    at = (
        *(counting(size, k, n_batch + 1) if size != 1 else zero for k, size in enumerate(v.shape[:n_batch])),
        *(indices[..., k] if v.shape[n_batch + k] != 1 else zero for k in range(n_sparse)),
    )
    out = data * (v[at] if at else v)
    batch = broadcast_shapes(out.shape[:n_batch], indices.shape[:n_batch])
    return out if batch == out.shape[:n_batch] else jnp.broadcast_to(out, (*batch, *out.shape[n_batch:]))


# Convolutions


def bcoo_conv_general_dilated(
    lhs: Any,
    rhs: Any,
    *,
    window_strides: Sequence[int],
    padding: Any,
    lhs_dilation: Sequence[int] | None = None,
    rhs_dilation: Sequence[int] | None = None,
    dimension_numbers: Any = None,
    feature_group_count: int = 1,
    batch_group_count: int = 1,
    precision: Any = None,
    preferred_element_type: Any = None,
    out_sharding: Any = None,
) -> BCOO:
    """As `lax.conv_general_dilated`, along one axis, with one channel, for one example, without strides or dilation."""
    del out_sharding
    more = {"feature_group_count": feature_group_count, "batch_group_count": batch_group_count}
    out = eval_shape(
        lambda x, y: conv_general_dilated(
            x,
            y,
            window_strides,
            padding,
            lhs_dilation,
            rhs_dilation,
            dimension_numbers,
            precision=precision,
            preferred_element_type=preferred_element_type,
            **more,
        ),
        ShapeDtypeStruct(lhs.shape, lhs.dtype),
        ShapeDtypeStruct(rhs.shape, rhs.dtype),
    )
    ones = (1,) * (len(lhs.shape) - 2)
    for given, said in (
        (lhs_dilation, "lhs_dilation"),
        (rhs_dilation, "lhs_dilation"),
        (window_strides, "non-unit window_strides"),
    ):
        if given is not None and tuple(given) != ones:
            # As JAX refuses, here and below: it convolves one vector with one, as a sum over all pairs of entries.
            raise NotImplementedError(f"bcoo convolution with {said}.")
    if batch_group_count != 1 or feature_group_count != 1:
        raise NotImplementedError("bcoo convolution with non-unit group counts.")  # as above: one vector
    if tuple(lhs.shape[:2]) != (1, 1) or tuple(rhs.shape[:2]) != (1, 1):
        raise NotImplementedError("bcoo convolution with leading dimensions other than (1, 1)")  # as above: one vector
    held = [m.indices.dtype for m in (lhs, rhs) if isinstance(m, BCOO)]
    (x, at), (y, at_rhs) = (_as_vector(m, held[0] if held else np.dtype(np.int32)) for m in (lhs, rhs))
    if isinstance(padding, str):
        padding = padtype_to_pads(lhs.shape[2:], rhs.shape[2:], window_strides, padding)
    low = int(padding[0][0])
    places = (at[:, None] + (low - at_rhs)[None]).reshape(-1)
    values = (x[:, None] * y[None]).reshape(-1)
    before = places < 0
    values, places = jnp.where(before, 0, values), jnp.where(before, 0, places)
    return BCOO((expand_dims(values, (0, 1)), expand_dims(places, (0, 1, 3))), shape=out.shape)


def _as_vector(mat: Any, index_dtype: Any) -> tuple[Array, Array]:
    """Values and their places along the last axis of ``[1, 1, n]``; 0 where they are out of bounds."""
    if isinstance(mat, BCOO):
        data, indices = with_layout(mat.data, mat.indices, mat.shape, 2, 0)
        data, indices = squeeze(data, (0, 1)), squeeze(indices, (0, 1, 3))
        return jnp.where(indices < mat.shape[-1], data, 0), indices
    if isinstance(mat, Array | np.ndarray):
        data = squeeze(asarray(mat), (0, 1))
        return data, broadcasted_iota(index_dtype, data.shape, 0)
    raise TypeError(f"bcoo_conv_general_dilated: input of type {type(mat)} not recognized.")
