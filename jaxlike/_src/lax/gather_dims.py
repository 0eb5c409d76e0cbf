"""gather_dims: the dimension numbers of `gather` and `scatter`, what must hold of them, and where windows lie.

`start_indices` has vectors along its last axis, each the start of a window in the operand. `locate` turns the
starts into positions along those operand axes that windows do not cover whole, in a form that torch's indexing
takes: they broadcast to the batch of vectors, followed by an axis for each looked up axis.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch

from jaxlike._src import dtypes
from jaxlike._src.border import scalar
from jaxlike._src.index_watch import watch_index

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from jaxlike._src.array import Array


class GatherDimensionNumbers(NamedTuple):
    """How the axes of `gather`'s operand, starts and result belong together.

    ``offset_dims``: axes of the result that are the windows'. ``collapsed_slice_dims``: operand axes of size 1 in a
    window that the result lacks. ``start_index_map``: the operand axis of each number of a start.
    ``operand_batching_dims`` and ``start_indices_batching_dims``: axes that run together.
    """

    offset_dims: tuple[int, ...]
    collapsed_slice_dims: tuple[int, ...]
    start_index_map: tuple[int, ...]
    operand_batching_dims: tuple[int, ...] = ()
    start_indices_batching_dims: tuple[int, ...] = ()


class ScatterDimensionNumbers(NamedTuple):
    """How the axes of the operand, starts and updates of a scatter belong together.

    ``update_window_dims``: axes of the updates that are the windows'. ``inserted_window_dims``: operand axes of
    size 1 in a window that the updates lack. ``scatter_dims_to_operand_dims``: the operand axis of each number of a
    start. ``operand_batching_dims`` and ``scatter_indices_batching_dims``: axes that run together.
    """

    update_window_dims: Sequence[int]
    inserted_window_dims: Sequence[int]
    scatter_dims_to_operand_dims: Sequence[int]
    operand_batching_dims: Sequence[int] = ()
    scatter_indices_batching_dims: Sequence[int] = ()


# Checks, in JAX's words


def _increasing(op: str, name: str, dims: Sequence[int]) -> None:
    if any(b < a for a, b in itertools.pairwise(dims)):
        raise TypeError(f"{name} in {op} op must be sorted; got {dims}")


def _distinct(op: str, name: str, dims: Sequence[int]) -> None:
    if len(set(dims)) != len(dims):
        raise TypeError(f"{name} in {op} op must not repeat; got: {dims}.")


def _within(op: str, name: str, dims: Sequence[int], rank: int) -> None:
    for dim in dims:
        if not 0 <= dim < rank:
            raise TypeError(f"Invalid {name} set in {op} op; valid range is [0, {rank}); got: {dim}.")


def _apart(op: str, name: str, dims: Sequence[int], other_name: str, others: Sequence[int]) -> None:
    if not set(dims).isdisjoint(others):
        raise TypeError(f"{name} and {other_name} in {op} op must be disjoint; got: {dims} and {others}.")


def _check_batching(op: str, names: tuple[str, str], own: Any, of_indices: Any, x: Array, indices: Array) -> None:
    own_name, indices_name = names
    last = indices.ndim - 1
    _distinct(op, indices_name, of_indices)
    _within(op, indices_name, of_indices, indices.ndim)
    capital = op.capitalize()
    if last in of_indices:
        raise TypeError(f"{capital} op cannot have the index vector dimension as a batching dimension; got {of_indices}.")
    if len(own) != len(of_indices):
        gap = "" if op == "gather" else " "
        raise TypeError(
            f"{capital} op requires equal numbers of {own_name} and {indices_name}, got {own} and{gap}{of_indices}."
        )
    a, b = tuple(x.shape[i] for i in own), tuple(indices.shape[i] for i in of_indices)
    if a != b:
        raise TypeError(
            f"{capital} op requires operand batching dimensions and indices batching dimensions to have the same "
            f"shape, got {a} and {b}."
        )


def check_indices(indices: Array) -> None:
    """ValueError where positions are no integers."""
    if not dtypes.issubdtype(indices.dtype, np.integer):
        raise ValueError("indices must have an integer type")


def check_gather(x: Array, indices: Array, numbers: GatherDimensionNumbers, sizes: Sequence[int]) -> None:
    """TypeError where dimension numbers, window sizes and shapes do not go together."""
    offset, collapsed, start_map = numbers.offset_dims, numbers.collapsed_slice_dims, numbers.start_index_map
    own, of_indices = numbers.operand_batching_dims, numbers.start_indices_batching_dims
    last = indices.ndim - 1
    if last < 0:
        raise TypeError(
            "Gather index leaf dimension must be within [0, rank(indices) + 1). rank(indices) is "
            f"{indices.ndim} and gather index leaf dimension is {last}."
        )
    _increasing("gather", "offset_dims", offset)
    _distinct("gather", "offset_dims", offset)
    rank = len(offset) + last
    for k, dim in enumerate(offset):
        if not 0 <= dim < rank:
            raise TypeError(
                f"Offset dimension {k} in gather op is out of bounds; got {dim}, but should have been in [0, {rank})"
            )
    if len(start_map) != indices.shape[last]:
        raise TypeError(
            f"Gather op has {len(start_map)} elements in start_index_map and the bound of dimension "
            f"index_vector_dim={last} of indices is {indices.shape[last]}. These two numbers must be equal."
        )
    for k, dim in enumerate(start_map):
        if not 0 <= dim < x.ndim:
            raise TypeError(f"Invalid start_index_map; domain is [0, {x.ndim}), got: {k}->{dim}.")
    _distinct("gather", "start_index_map", start_map)
    _increasing("gather", "collapsed_slice_dims", collapsed)
    _within("gather", "collapsed_slice_dims", collapsed, x.ndim)
    _distinct("gather", "collapsed_slice_dims", collapsed)
    _distinct("gather", "operand_batching_dims", own)
    _increasing("gather", "operand_batching_dims", own)
    _within("gather", "operand_batching_dims", own, x.ndim)
    _apart("gather", "collapsed_slice_dims", collapsed, "operand_batching_dims", own)
    _apart("gather", "start_index_map", start_map, "operand_batching_dims", own)
    _check_batching("gather", ("operand_batching_dims", "start_indices_batching_dims"), own, of_indices, x, indices)
    if x.ndim != len(sizes):
        raise TypeError(
            f"Gather op must have one slice size for every input dimension; got: len(slice_sizes)={len(sizes)}, "
            f"input_shape.rank={x.ndim}"
        )
    if len(sizes) != len(offset) + len(collapsed) + len(own):
        raise TypeError(
            "All components of the offset index in a gather op must either be a offset dimension or explicitly "
            f"collapsed/batching; got len(slice_sizes)={len(sizes)}, output_slice_sizes={offset}, "
            f"collapsed_slice_dims={collapsed}, operand_batching_dims={own}."
        )
    for k, (size, length) in enumerate(zip(sizes, x.shape, strict=True)):
        if 0 not in indices.shape and not 0 <= size <= length:
            raise TypeError(
                f"Slice size at index {k} in gather op is out of range, must be within [0, {length} + 1), got {size}."
            )
    for k, dim in enumerate(collapsed):
        if sizes[dim] != 1:
            raise TypeError(
                f"Gather op can only collapse slice dims with bound 1, but bound is {sizes[dim]} for index {dim} at "
                f"position {k}."
            )
    for k, dim in enumerate(own):
        if sizes[dim] > 1:
            raise TypeError(
                f"Gather op can only have operand batching dims with bound 0/1, but bound is {sizes[dim]} for index "
                f"{dim} at position {k}."
            )


def check_scatter(x: Array, indices: Array, updates: Array, numbers: ScatterDimensionNumbers) -> None:
    """TypeError where dimension numbers and shapes do not go together."""
    window, inserted = numbers.update_window_dims, numbers.inserted_window_dims
    to_operand, own = numbers.scatter_dims_to_operand_dims, numbers.operand_batching_dims
    of_indices = numbers.scatter_indices_batching_dims
    last = indices.ndim - 1
    if last < 0:
        raise TypeError(
            "Scatter index leaf dimension must be within [0, rank(indices) + 1). rank(indices) is "
            f"{indices.ndim} and scatter index leaf dimension is {last}."
        )
    if updates.ndim != last + len(window):
        raise TypeError(f"Updates tensor must be of rank {last + len(window)}; got {updates.ndim}.")
    for name, dims, rank in (
        ("update_window_dims", window, updates.ndim),
        ("inserted_window_dims", inserted, x.ndim),
        ("operand_batching_dims", own, x.ndim),
    ):
        _increasing("scatter", name, dims)
        _distinct("scatter", name, dims)
        _within("scatter", name, dims, rank)
    _apart("scatter", "inserted_window_dims", inserted, "operand_batching_dims", own)
    _apart("scatter", "scatter_dims_to_operand_dims", to_operand, "operand_batching_dims", own)
    _check_batching("scatter", ("operand_batching_dims", "scatter_indices_batching_dims"), own, of_indices, x, indices)
    batch = [i for i in range(updates.ndim) if i not in window]
    a, b = tuple(x.shape[i] for i in own), tuple(updates.shape[batch[i]] for i in of_indices)
    if a != b:
        raise TypeError(
            "Scatter op requires operand batching dimensions and updates batching dimensions to have the same shape, "
            f"got {a} and {b}."
        )
    size = len(window) + len(inserted) + len(own)
    if x.ndim != size:
        raise TypeError(f"Scatter op has window of size {size}; doesn't match operand of rank {x.ndim}.")
    if len(to_operand) != indices.shape[last]:
        raise TypeError(
            f"Scatter op has {len(to_operand)} elements in scatter_dims_to_operand_dims and the bound of dimension "
            f"index_vector_dim={last} of indices is {indices.shape[last]}. These two numbers must be equal"
        )
    for k, dim in enumerate(to_operand):
        if not 0 <= dim < x.ndim:
            raise TypeError(
                f"Invalid scatter_dims_to_operand_dims mapping; domain is [0, {x.ndim}), got: {k}->{dim}."
            )
    _distinct("scatter", "scatter_dims_to_operand_dims", to_operand)
    largest = [n for i, n in enumerate(x.shape) if i not in inserted and i not in own]
    for dim, most in zip(window, largest, strict=True):
        if most < updates.shape[dim]:
            raise TypeError(
                "Bounds of the window dimensions of updates must not exceed the bounds of the corresponding dimensions "
                f"of operand. For dimension {dim}, updates bound is {updates.shape[dim]}, operand bound is {most}."
            )
    for k, dim in enumerate(batch):
        if updates.shape[dim] != indices.shape[k]:
            raise TypeError(
                "Bounds of the scatter dimensions of updates must be the same as the bounds of the corresponding "
                f"dimensions of scatter indices. For scatter dimension {dim}, updates bound is {updates.shape[dim]}, "
                f"indices bound is {indices.shape[k]}."
            )


# Positions


class Located(NamedTuple):
    """Where windows lie: the looked up axes, positions along each, and which windows are in bounds (None: all)."""

    axes: list[int]
    at: list[Tensor]
    inside: Tensor | None


def int64_positions(indices: Tensor) -> Tensor:
    """Integers of any width as int64; what is too large for it as the largest."""
    if indices.dtype is torch.uint64:
        signed = indices.view(torch.int64)
        return torch.where(signed < 0, scalar(2**63 - 1, torch.int64), signed)
    return indices.to(torch.int64)


def locate(
    shape: Sequence[int],
    sizes: Sequence[int],
    indices: Tensor,
    start_map: Sequence[int],
    batching: Sequence[tuple[int, int]],
    *,
    check: bool,
) -> Located:
    """Positions of windows, moved so that each lies inside.

    Args:
        shape: sizes of the operand.
        sizes: sizes of a window.
        indices: starts, vectors along the last axis.
        start_map: the operand axis of each of their numbers.
        batching: pairs of an operand axis and an axis of ``indices`` that run together.
        check: whether to tell which windows were inside by themselves.
    """
    indices = int64_positions(indices)
    watch_index(shape, start_map, indices.unbind(-1), [sizes[a] for a in start_map])
    batch = indices.dim() - 1
    inside: Tensor | None = None
    starts: dict[int, Tensor] = {}
    for k, axis in enumerate(start_map):
        start, room = indices.select(-1, k), shape[axis] - sizes[axis]
        if check:
            fits = (start >= scalar(0, torch.int64)) & (start <= scalar(room, torch.int64))
            inside = fits if inside is None else inside & fits
        if room:
            starts[axis] = start.clamp(0, room)
    together = dict(batching)
    axes = [i for i in range(len(shape)) if i in together or sizes[i] < shape[i]]
    at: list[Tensor] = []
    for place, axis in enumerate(axes):
        steps = torch.arange(sizes[axis], device=indices.device)
        steps = steps.reshape([-1 if k == place else 1 for k in range(len(axes))])
        if axis in together:
            lanes = torch.arange(shape[axis], device=indices.device)
            start = lanes.reshape([-1 if k == together[axis] else 1 for k in range(batch)])
        elif axis in starts:
            start = starts[axis]
        else:
            start = torch.zeros([1] * batch, dtype=torch.int64, device=indices.device)
        at.append(start.reshape([*start.shape, *[1] * len(axes)]) + steps)
    return Located(axes, at, inside)
