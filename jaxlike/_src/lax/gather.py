"""gather: windows of an array at starts that are themselves an array.

One indexing by torch reads all windows (see `gather_dims.locate`); then axes are put in order. Out of bounds a
window is moved inside, or filled; a promise that there is none reads as if it were moved, without a gradient.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from jaxlike._src import unsigned
from jaxlike._src.border import canonicalize_shape, unwrap
from jaxlike._src.index_plan import GatherScatterMode
from jaxlike._src.indexing import fill_tensor, may_have_derivative
from jaxlike._src.lax.gather_dims import GatherDimensionNumbers, check_gather, check_indices, locate
from jaxlike._src.lax.strict import operand as operand_array
from jaxlike._src.numpy.arguments import like
from jaxlike._src.regions import equation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jaxlike._src.array import Array
    from jaxlike._src.typing import ArrayLike, Shape


def gather(
    operand: ArrayLike,
    start_indices: ArrayLike,
    dimension_numbers: GatherDimensionNumbers,
    slice_sizes: Shape,
    *,
    unique_indices: bool = False,
    indices_are_sorted: bool = False,
    mode: str | GatherScatterMode | None = None,
    fill_value: Any = None,
) -> Array:
    """Windows of ``operand`` that start at ``start_indices``.

    Args:
        operand: array.
        start_indices: integers, the starts along the last axis.
        dimension_numbers: which axis is which.
        slice_sizes: sizes of a window.
        unique_indices: promises that windows do not overlap.
        indices_are_sorted: accepted.
        mode: what becomes of windows that are not inside: "clip" moves them, "fill" gives ``fill_value``,
            "promise_in_bounds" (the default) says that there are none.
        fill_value: NaN, the least signed or largest unsigned integer, True unless given.
    """
    parsed = GatherScatterMode.PROMISE_IN_BOUNDS if mode is None else GatherScatterMode.from_any(mode)
    sizes = canonicalize_shape(slice_sizes)
    x, indices = operand_array("gather", operand, 0), operand_array("gather", start_indices, 1)
    check_indices(indices)
    check_gather(x, indices, dimension_numbers, sizes)
    fill = fill_tensor(x, fill_value) if parsed is GatherScatterMode.FILL_OR_DROP else None
    params = {
        "dimension_numbers": dimension_numbers,
        "slice_sizes": sizes,
        "unique_indices": bool(unique_indices),
        "indices_are_sorted": bool(indices_are_sorted),
        "mode": parsed,
        "fill_value": fill_value,
    }
    return _one(params, x, indices, fill)


@equation("gather", lambda params, x, indices, fill: ((x, indices), params))
def _one(params: dict[str, Any], x: Array, indices: Array, fill: Any) -> Array:
    return _gathered(x, indices, params["dimension_numbers"], params["slice_sizes"], params["mode"], fill)


def _gathered(
    x: Array,
    indices: Array,
    numbers: GatherDimensionNumbers,
    sizes: Sequence[int],
    mode: GatherScatterMode,
    fill: Any,
) -> Array:
    offset, collapsed, start_map, own, of_indices = numbers
    tensor, starts = unwrap(x), unwrap(indices)
    extra = tensor.dim() - x.ndim
    batch = starts.dim() - 1
    shape = _result_shape(starts.shape[:-1], offset, [n for i, n in enumerate(sizes) if i not in (*collapsed, *own)])
    if 0 in shape:
        return like(x, tensor.new_zeros([*shape, *tensor.shape[x.ndim :]]))
    promised = mode is GatherScatterMode.PROMISE_IN_BOUNDS
    check = fill is not None or (promised and may_have_derivative(tensor))
    where = locate(x.shape, sizes, starts, start_map, list(zip(own, of_indices, strict=True)), check=check)
    rest = [i for i in range(x.ndim) if i not in where.axes]
    rows = tensor.permute([*where.axes, *rest, *range(x.ndim, tensor.dim())])
    out = (
        unsigned.moved_as_signed(lambda t: t[tuple(where.at)], rows)
        if where.axes
        else rows.expand([*starts.shape[:-1], *rows.shape])
    )
    if where.axes:  # positions of size 1 along a batch axis that no start depends on
        out = out.expand([*starts.shape[:-1], *out.shape[batch:]])
    if where.inside is not None:
        inside = where.inside.reshape([*where.inside.shape, *[1] * (out.dim() - batch)])
        out = unsigned.where(inside, out, out.detach() if fill is None else fill)
    order = [*where.axes, *rest]
    gone = sorted((batch + order.index(i) for i in (*collapsed, *own)), reverse=True)
    for axis in gone:
        out = out.squeeze(axis)
    windows = [i for i in order if i not in collapsed and i not in own]
    places = {i: batch + k for k, i in enumerate(windows)}
    in_order, lanes = iter(sorted(windows)), iter(range(batch))
    axes = [places[next(in_order)] if k in offset else next(lanes) for k in range(len(shape))]
    return like(x, out.permute([*axes, *range(len(shape), len(shape) + extra)]))


def _result_shape(batch: Sequence[int], offset: Sequence[int], window: Sequence[int]) -> list[int]:
    lanes, sizes = iter(batch), iter(window)
    return [next(sizes) if k in offset else next(lanes) for k in range(len(batch) + len(window))]


def index_take(src: Array, idxs: Any, axes: Sequence[int]) -> Array:
    """``src`` at the positions ``idxs`` (a vector for each of ``axes``), which wrap around; they come first."""
    x = operand_array("gather", src)
    columns = [operand_array("concatenate", i, k) for k, i in enumerate(idxs)]
    lengths = [x.shape[axis] for axis in axes]
    stacked = [torch.remainder(unwrap(c), n).unsqueeze(1) for c, n in zip(columns, lengths, strict=True)]
    sizes = [1 if i in axes else n for i, n in enumerate(x.shape)]
    numbers = GatherDimensionNumbers(tuple(range(1, x.ndim - len(lengths) + 1)), tuple(axes), tuple(axes))
    return gather(x, like(columns[0], torch.cat(stacked, 1)), numbers, sizes)
