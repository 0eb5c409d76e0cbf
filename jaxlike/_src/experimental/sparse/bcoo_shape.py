"""bcoo_shape: the functions of `lax` that move elements of an array without looking at them, for BCOO.

Values and batch axes are moved as a dense array's are; along sparse axes the indices are worked out anew. Kinds of axes
do not mix: what would need that is an error, as in JAX.
"""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxlike._src.border import canonicalize_axis
from jaxlike._src.experimental.sparse.bcoo import BCOO, bcoo_set_nse, bcoo_update_layout
from jaxlike._src.experimental.sparse.layout import permuted, validate_permutation
from jaxlike._src.experimental.sparse.places import out_of_bounds, past_the_end, validate
from jaxlike._src.lax.shape import broadcast_in_dim, concatenate, reshape, rev, squeeze
from jaxlike._src.numpy.bits import ravel_multi_index, unravel_index
from jaxlike._src.scipy import jnp
from jaxlike._src.shape_struct import ShapeDtypeStruct
from jaxlike._src.transforms.inspect import eval_shape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jaxlike._src.array import Array
    from jaxlike._src.experimental.sparse.util import Shape


def like(mat: Any) -> ShapeDtypeStruct:
    """The type of the dense array that a sparse one stands for."""
    return ShapeDtypeStruct(mat.shape, mat.dtype)


def bcoo_transpose(mat: BCOO, *, permutation: Sequence[int]) -> BCOO:
    """With the axes in another order.

    Args:
        mat: a BCOO.
        permutation: which axis comes where; an axis stays among those of its kind.
    """
    buffers = permuted(mat.data, mat.indices, permutation=permutation, spinfo=mat._info)
    return BCOO(buffers, shape=tuple(mat.shape[p] for p in permutation), unique_indices=mat.unique_indices)


def bcoo_broadcast_in_dim(
    mat: BCOO, *, shape: Shape, broadcast_dimensions: Sequence[int], sharding: Any = None
) -> BCOO:
    """As `lax.broadcast_in_dim`: with new axes, or longer ones where they had size 1.

    Args:
        mat: a BCOO.
        shape: of the result; a new sparse axis has size 1.
        broadcast_dimensions: for each axis of ``mat`` which one of the result it is. New axes before a sparse or dense
            one are batch axes.
        sharding: accepted.
    """
    del sharding
    if len(mat.shape) != len(broadcast_dimensions):
        raise ValueError(
            f"spinfo.shape={mat.shape} and broadcast_dimensions={broadcast_dimensions} must have the same length"
        )
    data, indices = mat.data, mat.indices
    n_batch, n_sparse, n_dense, nse = validate(data, indices, mat.shape)
    to = tuple(broadcast_dimensions)
    batch, sparse, dense = to[:n_batch], to[n_batch : n_batch + n_sparse], to[n_batch + n_sparse :]
    if max(batch, default=0) > min(sparse, default=len(shape)):
        raise ValueError("Cannot mix batch and sparse dimensions during broadcast_in_dim")
    if max(sparse, default=0) > min(dense, default=len(shape)):
        raise ValueError("Cannot mix sparse and dense dimensions during broadcast_in_dim")
    new_batch = min(to[n_batch:], default=len(shape))
    new_dense = len(shape) - min(dense) if n_dense else 0
    new_sparse = len(shape) - new_batch - new_dense
    before, after = mat.shape[n_batch : n_batch + n_sparse], shape[new_batch : new_batch + new_sparse]
    if math.prod(before) != math.prod(after):
        # As JAX refuses: entries would have to be repeated.
        raise NotImplementedError("Adding sparse dimensions with lengths != 1")
    if (new_batch, new_dense) != (n_batch, n_dense):
        data = broadcast_in_dim(
            data,
            (*shape[:new_batch], nse, *shape[new_batch + new_sparse :]),
            (*batch, new_batch, *(d + 1 - new_sparse for d in dense)),
        )
        indices = broadcast_in_dim(
            indices, (*shape[:new_batch], nse, n_sparse), (*batch, new_batch, new_batch + 1)
        )
    if new_sparse != n_sparse:
        columns = {to - new_batch: indices[..., k] for k, to in enumerate(sparse)}
        zero = jnp.zeros(indices.shape[:-1], indices.dtype)
        indices = jnp.stack([columns.get(k, zero) for k in range(new_sparse)], -1)
    return BCOO((data, indices), shape=shape)


def bcoo_concatenate(operands: Sequence[BCOO], *, dimension: int) -> BCOO:
    """As `lax.concatenate`, along a batch or a sparse axis.

    Args:
        operands: BCOOs of one layout, whose shapes differ along ``dimension`` only.
        dimension: the axis.
    """
    dimension = operator.index(dimension)
    if not all(isinstance(op, BCOO) for op in operands):
        raise ValueError(
            f"bcoo_concatenate: expected operands to be a sequence of BCOO arrays. Got {operands}"
        )
    shape = eval_shape(lambda *xs: concatenate(xs, dimension), *map(like, operands)).shape
    if len({op.n_dense for op in operands}) > 1:
        raise ValueError("bcoo_concatenate requires inputs to have matching nse dimensions.")
    operands = _aligned(operands)
    if len({op.n_batch for op in operands}) != 1:
        raise ValueError("bcoo_concatenate requires inputs to have matching batch dimensions.")
    n_batch, n_sparse = operands[0].n_batch, operands[0].n_sparse
    for name in ("indices", "data"):
        batches = [getattr(op, name).shape[:n_batch] for op in operands]
        if len({b[:dimension] + b[dimension + 1 :] if dimension < n_batch else b for b in batches}) != 1:
            # As JAX refuses: batches that share indices have no room for places of their own.
            raise NotImplementedError("concatenation of arrays with broadcasted batch indices")
    if dimension < n_batch:
        most = max(op.nse for op in operands)
        operands = [bcoo_set_nse(op, most) for op in operands]
        data = concatenate([op.data for op in operands], dimension)
        return BCOO((data, concatenate([op.indices for op in operands], dimension)), shape=shape)
    if dimension >= n_batch + n_sparse:
        # As JAX refuses: entries at different places would have to be filled up.
        raise NotImplementedError("Concatenation along dense dimensions.")
    begin, parts = 0, list[Any]()
    for op in operands:
        moved = np.array([begin if k == dimension - n_batch else 0 for k in range(n_sparse)], op.indices.dtype)
        parts.append(op.indices + moved)
        begin += op.shape[dimension]
    return BCOO((concatenate([op.data for op in operands], n_batch), concatenate(parts, n_batch)), shape=shape)


def _aligned(operands: Sequence[BCOO]) -> Sequence[BCOO]:
    """One layout, where some have an axis of size 1 as a batch axis (as from ``x[None]``) that others have as sparse."""
    if {op.n_batch for op in operands} != {0, 1}:
        return operands
    for wanted, others in ((1, 0), (0, 1)):
        if all(op.shape[0] == 1 for op in operands if op.n_batch == others):
            return [bcoo_update_layout(op, n_batch=wanted) if op.n_batch == others else op for op in operands]
    return operands


def bcoo_reshape(
    mat: BCOO, *, new_sizes: Sequence[int], dimensions: Sequence[int] | None = None, sharding: Any = None
) -> BCOO:
    """As `lax.reshape`.

    Args:
        mat: a BCOO.
        new_sizes: of the result, whose axes come of axes of one kind each.
        dimensions: the order in which the axes are read; an axis stays among those of its kind.
        sharding: accepted.
    """
    del sharding
    n_batch, n_sparse = mat.n_batch, mat.n_sparse
    if mat.indices.shape[:n_batch] != mat.data.shape[:n_batch] != mat.shape[:n_batch]:
        # As JAX refuses: what batches share cannot be cut along other axes.
        raise NotImplementedError("reshape of arrays with broadcasted batch dimensions.")
    of_sparse = mat.shape[n_batch : n_batch + n_sparse]
    batch, sparse, dense = validate_permutation(
        mat.data, mat.indices, tuple(dimensions or range(mat.ndim)), mat.shape
    )
    batches, places = math.prod(mat.shape[:n_batch]), math.prod(of_sparse)
    ends = np.cumprod(new_sizes)
    for kinds, size, end in (("batch and sparse", batches, batches), ("sparse and dense", places, batches * places)):
        if size != 1 and end not in ends:
            which = "n_batch" if kinds.startswith("batch") else "n_dense"
            raise ValueError(
                f"bcoo_reshape: new shape cannot mix {kinds} dimensions; got shape={mat.shape} new_shape={new_sizes} "
                f"with {which}={getattr(mat, which)}"
            )
    i, j = (int(np.searchsorted(ends, end, side="right")) for end in (batches, batches * places))
    new_batch, new_sparse, new_dense = tuple(new_sizes[:i]), tuple(new_sizes[i:j]), tuple(new_sizes[j:])
    data = reshape(
        mat.data, (*new_batch, mat.nse, *new_dense), (*batch, n_batch, *(p + n_batch + 1 for p in dense))
    )
    indices = reshape(mat.indices, (*new_batch, mat.nse, n_sparse), (*batch, n_batch, n_batch + 1))
    if not new_sparse:
        indices = jnp.zeros((*new_batch, mat.nse, 0), indices.dtype)
    elif of_sparse:
        sizes = tuple(of_sparse[k] for k in sparse)
        flat = ravel_multi_index(tuple(indices[..., k] for k in sparse), sizes, mode="clip")
        outside = (indices >= np.array(of_sparse, indices.dtype)).any(-1, keepdims=True)
        places = jnp.stack(list(unravel_index(flat, new_sparse)), -1)
        indices = jnp.where(outside, np.array(new_sparse, indices.dtype), places)
    return BCOO((data, indices), shape=new_sizes)


def bcoo_rev(operand: BCOO, dimensions: Sequence[int]) -> BCOO:
    """As `lax.rev`: with the order of elements reversed along some axes."""
    eval_shape(lambda x: rev(x, dimensions), like(operand))
    n_batch, n_sparse = operand.n_batch, operand.n_sparse
    batch = [d for d in dimensions if d < n_batch]
    sparse = [d - n_batch for d in dimensions if n_batch <= d < n_batch + n_sparse]
    dense = [d for d in dimensions if d >= n_batch + n_sparse]
    data, indices = operand.data, operand.indices
    if batch:
        indices = rev(indices, batch)
    if batch or dense:
        data = rev(data, [*batch, *(d + 1 - n_sparse for d in dense)])
    if sparse:
        fill = past_the_end(indices, operand.shape, n_batch)
        turned = np.array([k in sparse for k in range(n_sparse)])
        indices = jnp.where(turned, fill - 1 - indices, indices)
        indices = jnp.where(indices < 0, fill, indices)
    return BCOO((data, indices), shape=operand.shape)


def bcoo_squeeze(arr: BCOO, *, dimensions: Sequence[int]) -> BCOO:
    """As `lax.squeeze`: without some axes of size 1."""
    dimensions = tuple(canonicalize_axis(d, arr.ndim) for d in dimensions)
    if any(arr.shape[d] != 1 for d in dimensions):
        raise ValueError(
            "cannot select an axis to squeeze out which has size not equal to one, got "
            f"shape={arr.shape} and dimensions={dimensions}"
        )
    n_batch, n_sparse = arr.n_batch, arr.n_sparse
    batch = tuple(d for d in dimensions if d < n_batch)
    sparse = [k for k in range(n_sparse) if k + n_batch not in dimensions]
    dense = tuple(d - n_sparse + 1 for d in dimensions if d >= n_batch + n_sparse)
    indices = arr.indices if len(sparse) == n_sparse else arr.indices[..., np.array(sparse, np.int32)]
    info = arr._info._asdict() | {"shape": tuple(s for k, s in enumerate(arr.shape) if k not in dimensions)}
    return BCOO((squeeze(arr.data, (*batch, *dense)), squeeze(indices, batch)), **info)


def in_bounds(indices: Array, shape: Sequence[int], n_batch: int, rank: int) -> Array:
    """Which entries are not padding, ``[*batch, nse]`` with axes of size 1 up to ``rank``."""
    inside = ~out_of_bounds(indices, shape, n_batch)[..., 0]
    return inside.reshape(*inside.shape, *[1] * (rank - inside.ndim))
