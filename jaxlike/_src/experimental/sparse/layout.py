"""layout: the axes of a BCOO in another order, and between the kinds: batch, sparse, dense.

A dense axis becomes sparse when each of its elements is an entry of its own; a batch axis becomes sparse when the
batches' entries stand one after another. The other way round an entry is put where it belongs among zeros, so storage
grows by the size of the axis: that is an error unless the caller says otherwise.
"""

from __future__ import annotations

import math
import operator
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxlike._src.border import asarray
from jaxlike._src.experimental.sparse.places import counting, validate
from jaxlike._src.experimental.sparse.util import SparseEfficiencyError, SparseEfficiencyWarning, SparseInfo
from jaxlike._src.lax.shape import transpose
from jaxlike._src.regions import equation
from jaxlike._src.scipy import jnp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jaxlike._src.array import Array


def validate_permutation(
    data: Any, indices: Any, permutation: Sequence[int] | np.ndarray[Any, Any], shape: Sequence[int]
) -> tuple[list[int], list[int], list[int]]:
    """The permutation of each kind of axes, counted from its first; errors where kinds mix."""
    if not isinstance(permutation, tuple | list | np.ndarray):
        raise TypeError(f"transpose permutation must be a tuple/list/ndarray, got {type(permutation)}.")
    permutation = tuple(map(int, permutation))
    if tuple(sorted(permutation)) != tuple(range(len(shape))):
        raise TypeError(
            "transpose permutation isn't a permutation of operand dimensions, got permutation "
            f"{permutation} for shape {shape}."
        )
    n_batch, n_sparse, n_dense, _ = validate(data, indices, shape)
    batch = list(permutation[:n_batch])
    sparse = [p - n_batch for p in permutation[n_batch : n_batch + n_sparse]]
    dense = [p - n_sparse - n_batch for p in permutation[n_batch + n_sparse :]]
    for kind, count, axes in (("batch", n_batch, batch), ("dense", n_dense, dense)):
        if count and sorted(axes) != list(range(count)):
            # As JAX refuses: an axis of one kind in the place of another is another layout.
            raise NotImplementedError(
                f"transpose permutation cannot permute {kind} axes with non-{kind} axes; got permutation "
                f"{permutation}, with n_{kind}={count}."
            )
    return batch, sparse, dense


def permuted(
    data: Any, indices: Any, *, permutation: Sequence[int] | np.ndarray[Any, Any], spinfo: SparseInfo
) -> tuple[Array, Array]:
    """Values and indices of an array with its axes in another order."""
    if tuple(permutation) == tuple(range(len(spinfo.shape))):
        return data, indices
    order = tuple(permutation) if isinstance(permutation, list) else permutation
    return _permuted(asarray(data), asarray(indices), permutation=order, spinfo=spinfo)


@equation("bcoo_transpose", lambda data, indices, **params: ((data, indices), params))
def _permuted(data: Array, indices: Array, *, permutation: Any, spinfo: SparseInfo) -> tuple[Array, Array]:
    batch, sparse, dense = validate_permutation(data, indices, permutation, spinfo.shape)
    n = len(batch)
    columns = indices[..., np.array(sparse, np.int32)] if sparse != list(range(len(sparse))) else indices
    return transpose(data, (*batch, n, *(d + n + 1 for d in dense))), transpose(columns, (*batch, n, n + 1))


def _sized(n_batch: int, n_dense: int, shape: Sequence[int], now: tuple[int, int], on_inefficient: str | None) -> None:
    """An error or a warning where an axis of more than one element becomes batch or dense."""
    told: list[str] = []
    (batch, dense), ndim = now, len(shape)
    if n_dense > dense and any(d > 1 for d in shape[ndim - n_dense : ndim - dense]):
        told.append(
            f"For matrix of shape {shape}, increasing n_dense from {dense} to {n_dense} results in inefficient storage."
        )
    if n_batch > batch and any(d > 1 for d in shape[batch:n_batch]):
        told.append(
            f"For matrix of shape {shape}, increasing n_batch from {batch} to {n_batch} results in inefficient storage."
        )
    for message in told:
        if on_inefficient == "error":
            raise SparseEfficiencyError(
                f"{message} To disable this error, set the on_inefficient argument of bcoo_update_layout to 'warn' or "
                "None."
            )
        if on_inefficient == "warn":
            warnings.warn(
                f"{message} To disable this warning, set the on_inefficient argument of bcoo_update_layout to None.",
                SparseEfficiencyWarning,
                stacklevel=4,
            )


def with_layout(
    data: Array,
    indices: Array,
    shape: Sequence[int],
    n_batch: int | None,
    n_dense: int | None,
    on_inefficient: str | None = "error",
) -> tuple[Array, Array]:
    """Values and indices of the same array with other numbers of batch and of dense axes."""
    now_batch, _, now_dense, _ = validate(data, indices, shape)
    n_batch = now_batch if n_batch is None else operator.index(n_batch)
    n_dense = now_dense if n_dense is None else operator.index(n_dense)
    if (n_batch, n_dense) == (now_batch, now_dense):
        return data, indices
    if on_inefficient not in ("error", "warn", None):
        raise ValueError("on_inefficent={on_inefficient!r}; expected one of ['error', 'warn', None].")
    if n_batch < 0:
        raise ValueError(f"n_batch must be non-negative; got {n_batch}")
    if n_dense < 0:
        raise ValueError(f"n_dense must be non-negative; got {n_dense}")
    if len(shape) < n_batch + n_dense:
        raise ValueError(
            f"sum of n_batch={n_batch} and n_dense={n_dense} cannot be larger than mat.ndim={len(shape)}."
        )
    _sized(n_batch, n_dense, tuple(shape), (now_batch, now_dense), on_inefficient)
    if n_dense < now_dense:
        data, indices = _dense_to_sparse(data, indices, now_dense - n_dense)
    if n_batch < now_batch:
        data, indices = _batch_to_sparse(data, indices, n_batch, tuple(shape[n_batch:now_batch]))
    if n_dense > now_dense:
        data, indices = _sparse_to_dense(data, indices, tuple(shape[len(shape) - n_dense :]), n_dense - now_dense)
    if n_batch > indices.ndim - 2:
        data, indices = _sparse_to_batch(data, indices, tuple(shape[indices.ndim - 2 : n_batch]))
    return data, indices


def _dense_to_sparse(data: Array, indices: Array, count: int) -> tuple[Array, Array]:
    """The first ``count`` dense axes as the last sparse ones: an entry for each of their elements."""
    n_batch, nse = indices.ndim - 2, indices.shape[-2]
    sizes = data.shape[n_batch + 1 : n_batch + 1 + count]
    elements = math.prod(sizes)
    new = np.stack([np.broadcast_to(counting(s, k, count), sizes).ravel() for k, s in enumerate(sizes)], -1)
    batch = tuple(map(max, data.shape[:n_batch], indices.shape[:n_batch]))
    old = jnp.broadcast_to(indices[..., :, None, :], (*batch, nse, elements, indices.shape[-1]))
    added = jnp.broadcast_to(new.astype(indices.dtype), (*batch, nse, elements, count))
    values = jnp.broadcast_to(data, (*batch, *data.shape[n_batch:]))
    return (
        values.reshape(*batch, nse * elements, *data.shape[n_batch + 1 + count :]),
        jnp.concatenate([old, added], -1).reshape(*batch, nse * elements, -1),
    )


def _batch_to_sparse(data: Array, indices: Array, n_batch: int, sizes: tuple[int, ...]) -> tuple[Array, Array]:
    """Batch axes from the ``n_batch``th on as the first sparse ones: all entries of their batches."""
    now, nse = indices.ndim - 2, indices.shape[-2]
    kept = tuple(map(max, data.shape[:n_batch], indices.shape[:n_batch]))
    batch, count = (*kept, *sizes), len(sizes) + 1
    new = np.stack([np.broadcast_to(counting(s, k, count), (*sizes, nse)) for k, s in enumerate(sizes)], -1)
    entries = math.prod(sizes) * nse
    old = jnp.broadcast_to(indices, (*batch, *indices.shape[now:])).reshape(*kept, entries, indices.shape[-1])
    added = jnp.broadcast_to(new.astype(indices.dtype).reshape(entries, -1), (*kept, entries, len(sizes)))
    values = jnp.broadcast_to(data, (*batch, *data.shape[now:])).reshape(*kept, entries, *data.shape[now + 1 :])
    return values, jnp.concatenate([added, old], -1)


def _sparse_to_dense(data: Array, indices: Array, dense: tuple[int, ...], count: int) -> tuple[Array, Array]:
    """The last ``count`` sparse axes as the first dense ones: each entry among zeros."""
    n_batch, nse = indices.ndim - 2, indices.shape[-2]
    batch = tuple(map(max, data.shape[:n_batch], indices.shape[:n_batch]))
    lead = (*batch, nse)
    counts = [counting(size, axis, len(lead)) for axis, size in enumerate(lead)]
    at = [indices[..., k] for k in range(indices.shape[-1] - count, indices.shape[-1])]
    values = jnp.broadcast_to(data, (*batch, *data.shape[n_batch:]))
    out = jnp.zeros((*lead, *dense), data.dtype).at[(*counts, *at)].set(values)
    return out, indices[..., : indices.shape[-1] - count]


def _sparse_to_batch(data: Array, indices: Array, sizes: tuple[int, ...]) -> tuple[Array, Array]:
    """The first sparse axes as the last batch ones: each batch has all entries, with 0 where they are not its own."""
    n_batch, nse, n = indices.ndim - 2, indices.shape[-2], len(sizes)
    batch = tuple(map(max, data.shape[:n_batch], indices.shape[:n_batch]))
    counts = [counting(size, axis, n_batch + 1) for axis, size in enumerate((*batch, nse))]
    at = [indices[..., k] for k in range(n)]
    values = jnp.broadcast_to(data, (*batch, *data.shape[n_batch:]))
    out = jnp.zeros((*batch, *sizes, nse, *data.shape[n_batch + 1 :]), data.dtype)
    out = out.at[(*counts[:-1], *at, counts[-1])].set(values)
    rest = jnp.expand_dims(indices[..., n:], tuple(range(n_batch, n_batch + n)))
    rest = jnp.broadcast_to(rest, (*batch, *sizes, nse, indices.shape[-1] - n))
    return out, rest
