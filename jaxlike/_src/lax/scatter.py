"""scatter: an array with windows at given starts set, added to, multiplied or bounded by updates.

The operand's looked up axes come first, every element of a window that lies along them is one row (see
`gather_dims.locate`), and `row_update` changes the rows. Windows that are not inside are dropped, or moved.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from jaxlike._src import row_update, unsigned
from jaxlike._src.array import Array
from jaxlike._src.border import asarray, unwrap
from jaxlike._src.index_plan import GatherScatterMode
from jaxlike._src.lax.convert import full
from jaxlike._src.lax.gather_dims import ScatterDimensionNumbers, check_indices, check_scatter, locate
from jaxlike._src.lax.strict import NUMBER, check_kind, check_same_dtypes
from jaxlike._src.lax.strict import operand as operand_array
from jaxlike._src.numpy.arguments import like
from jaxlike._src.regions import equation
from jaxlike._src.transforms.vmap import vmap

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from jaxlike._src.typing import ArrayLike, Shape

    Mode = str | GatherScatterMode | None

_PRIMITIVES = {
    "set": "scatter",
    "add": "scatter-add",
    "sub": "scatter-sub",
    "mul": "scatter-mul",
    "min": "scatter-min",
    "max": "scatter-max",
}


def _scattered(
    kind: str,
    operand: Any,
    scatter_indices: Any,
    updates: Any,
    numbers: ScatterDimensionNumbers,
    unique: bool,
    mode: Any,
) -> Array:
    name = _PRIMITIVES[kind]
    parsed = GatherScatterMode.from_any(mode)
    x, indices = operand_array(name, operand, 0), operand_array(name, scatter_indices, 1)
    new = operand_array(name, updates, 2)
    if kind in ("add", "sub", "mul"):
        check_kind(kind, x.dtype, NUMBER, 0)
    check_scatter(x, indices, new, numbers)
    check_indices(indices)
    check_same_dtypes("scatter", (x, new))
    if not new.size or not x.size:
        return x
    clip = parsed in (GatherScatterMode.CLIP, GatherScatterMode.ONE_HOT)
    starts = unwrap(indices)
    out = row_update.in_own_dtype(
        kind, lambda a, b: _updated(kind, a, starts, b, x.ndim, numbers, unique, clip), unwrap(x), unwrap(new)
    )
    return like(x, out)


def _updated(
    kind: str,
    tensor: Tensor,
    starts: Tensor,
    new: Tensor,
    rank: int,
    numbers: ScatterDimensionNumbers,
    unique: bool,
    clip: bool,
) -> Tensor:
    window, inserted, to_operand, own, of_indices = numbers
    shape, extra = tensor.shape[:rank], range(rank, tensor.dim())
    batch = [i for i in range(new.dim() - len(extra)) if i not in window]
    new = new.permute([*batch, *window, *range(new.dim() - len(extra), new.dim())])
    for axis in range(rank):  # now each operand axis has one
        if axis in inserted or axis in own:
            new = new.unsqueeze(len(batch) + axis)
    sizes = new.shape[len(batch) : len(batch) + rank]
    where = locate(shape, sizes, starts, to_operand, list(zip(own, of_indices, strict=True)), check=not clip)
    axes, at = where.axes, where.at
    rest = [i for i in range(rank) if i not in axes]
    rows = tensor.permute([*axes, *rest, *extra])
    new = new.permute(
        [*range(len(batch)), *(len(batch) + i for i in (*axes, *rest)), *(len(batch) + i for i in extra)]
    )
    if not axes:  # windows are the whole operand
        rows, at = rows.unsqueeze(0), [torch.zeros([1] * len(batch), dtype=torch.int64, device=starts.device)]
    spread = [*starts.shape[:-1], *(sizes[i] for i in axes)]
    flat = tuple(p.expand(spread).reshape(-1) for p in at)
    mask = None
    if where.inside is not None:
        mask = where.inside.reshape([*where.inside.shape, *[1] * len(axes)]).expand(spread).reshape(-1)
    new = new.reshape(-1, *rows.shape[len(at) :])
    changed = row_update.changed(kind, rows, flat, mask, new, unique)
    if not axes:
        return changed.squeeze(0)
    order = [*axes, *rest, *extra]
    return changed.permute([order.index(a) for a in range(tensor.dim())])


_ARGUMENTS = """

    Args:
        operand: array.
        scatter_indices: integers, the starts of windows along the last axis.
        updates: new values of the windows.
        dimension_numbers: which axis is which.
        indices_are_sorted: accepted.
        unique_indices: promises that windows do not overlap.
        mode: what becomes of windows that are not inside: "drop" (or "fill", the default), "clip" moves them.
    """


def _documented(function: Any) -> Any:
    function.__doc__ = (function.__doc__ or "") + _ARGUMENTS
    return function


def _whole(
    operand: Any,
    scatter_indices: Any,
    updates: Any,
    dimension_numbers: Any,
    *,
    indices_are_sorted: bool = False,
    unique_indices: bool = False,
    mode: Any = None,
) -> Any:
    return (operand, scatter_indices, updates), {
        "dimension_numbers": dimension_numbers,
        "indices_are_sorted": bool(indices_are_sorted),
        "unique_indices": bool(unique_indices),
        "mode": GatherScatterMode.from_any(mode),
        "update_jaxpr": None,
        "update_consts": (),
    }


@_documented
@equation("scatter", _whole)
def scatter(
    operand: ArrayLike,
    scatter_indices: ArrayLike,
    updates: ArrayLike,
    dimension_numbers: ScatterDimensionNumbers,
    *,
    indices_are_sorted: bool = False,
    unique_indices: bool = False,
    mode: Mode = None,
) -> Array:
    """``operand`` with windows replaced; where they overlap the last one wins."""
    del indices_are_sorted
    return _scattered("set", operand, scatter_indices, updates, dimension_numbers, unique_indices, mode)


@_documented
@equation("scatter-add", _whole)
def scatter_add(
    operand: ArrayLike,
    scatter_indices: ArrayLike,
    updates: ArrayLike,
    dimension_numbers: ScatterDimensionNumbers,
    *,
    indices_are_sorted: bool = False,
    unique_indices: bool = False,
    mode: Mode = None,
) -> Array:
    """``operand`` with updates added to windows; where they overlap all are."""
    del indices_are_sorted
    return _scattered("add", operand, scatter_indices, updates, dimension_numbers, unique_indices, mode)


@_documented
@equation("scatter-sub", _whole)
def scatter_sub(
    operand: ArrayLike,
    scatter_indices: ArrayLike,
    updates: ArrayLike,
    dimension_numbers: ScatterDimensionNumbers,
    *,
    indices_are_sorted: bool = False,
    unique_indices: bool = False,
    mode: Mode = None,
) -> Array:
    """``operand`` with updates subtracted from windows; where they overlap all are."""
    del indices_are_sorted
    return _scattered("sub", operand, scatter_indices, updates, dimension_numbers, unique_indices, mode)


@_documented
@equation("scatter-mul", _whole)
def scatter_mul(
    operand: ArrayLike,
    scatter_indices: ArrayLike,
    updates: ArrayLike,
    dimension_numbers: ScatterDimensionNumbers,
    *,
    indices_are_sorted: bool = False,
    unique_indices: bool = False,
    mode: Mode = None,
) -> Array:
    """``operand`` with windows multiplied; a derivative by the updates needs ``unique_indices``."""
    del indices_are_sorted
    return _scattered("mul", operand, scatter_indices, updates, dimension_numbers, unique_indices, mode)


@_documented
@equation("scatter-min", _whole)
def scatter_min(
    operand: ArrayLike,
    scatter_indices: ArrayLike,
    updates: ArrayLike,
    dimension_numbers: ScatterDimensionNumbers,
    *,
    indices_are_sorted: bool = False,
    unique_indices: bool = False,
    mode: Mode = None,
) -> Array:
    """``operand`` with windows bounded from above; of equal values each has a part of the derivative."""
    del indices_are_sorted
    return _scattered("min", operand, scatter_indices, updates, dimension_numbers, unique_indices, mode)


@_documented
@equation("scatter-max", _whole)
def scatter_max(
    operand: ArrayLike,
    scatter_indices: ArrayLike,
    updates: ArrayLike,
    dimension_numbers: ScatterDimensionNumbers,
    *,
    indices_are_sorted: bool = False,
    unique_indices: bool = False,
    mode: Mode = None,
) -> Array:
    """``operand`` with windows bounded from below; of equal values each has a part of the derivative."""
    del indices_are_sorted
    return _scattered("max", operand, scatter_indices, updates, dimension_numbers, unique_indices, mode)


def scatter_apply(
    operand: Array,
    scatter_indices: Array,
    func: Callable[[Array], Array],
    dimension_numbers: ScatterDimensionNumbers,
    *,
    update_shape: Shape = (),
    indices_are_sorted: bool = False,
    unique_indices: bool = False,
    mode: Mode = None,
) -> Array:
    """``operand`` with ``func`` applied to the elements of windows, as often as they overlap.

    Args:
        operand: array.
        scatter_indices: integers, the starts of windows along the last axis.
        func: function of a scalar.
        dimension_numbers: which axis is which.
        update_shape: the shape that updates would have in `scatter`.
        indices_are_sorted: accepted.
        unique_indices: promises that windows do not overlap.
        mode: what becomes of windows that are not inside: "drop" (or "fill", the default), "clip" moves them.
    """
    from jaxlike._src.lax.while_loop import while_loop  # a loop's rules are built on indexing

    x = asarray(operand)
    if row_update.is_differentiated(unwrap(x)):
        raise NotImplementedError("scatter_apply JVP not implemented")
    counts = scatter_add(
        full(x.shape, 0, "int32"),
        scatter_indices,
        full(update_shape, 1, "int32"),
        dimension_numbers,
        indices_are_sorted=indices_are_sorted,
        mode=mode,
    )
    if not x.size:
        return x
    times = unwrap(counts)

    def once(values: Array, done: Tensor) -> Array:
        changed = _elementwise(func, values)
        return like(x, unsigned.where(done < unwrap(counts), unwrap(changed), unwrap(values)))

    if unique_indices:
        return once(x, torch.zeros((), dtype=torch.int32, device=times.device))
    most = Array(times.max())
    _, out = while_loop(
        lambda state: state[0] < most,
        lambda state: (state[0] + 1, once(state[1], unwrap(state[0]))),
        (full((), 0, "int32"), x),
    )
    return out


def _elementwise(func: Callable[[Array], Array], values: Array) -> Array:
    flat = like(values, unwrap(values).reshape(-1))
    return like(values, unwrap(asarray(vmap(func)(flat))).reshape(values.shape))
