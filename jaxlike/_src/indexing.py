"""indexing: x[index] with JAX's meaning: nothing depends on traced values.

Positions are wrapped once where they are negative; then reads out of bounds clamp, or fill. `getitem` first tries
torch's own indexing, which means the same for static indices within bounds and, on a CPU, for most arrays of
positions; `take` does it all, along a Plan.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from torch import Tensor

from jaxlike._src import dtypes, unsigned
from jaxlike._src.array import Array
from jaxlike._src.border import concrete_or_error, scalar, unwrap
from jaxlike._src.frames import STATE, running
from jaxlike._src.index_plan import (
    ANY_SLICE,
    FOUND,
    NEW,
    GatherScatterMode,
    Plan,
    Positions,
    both,
    bounded,
    bounded_window,
    make_plan,
    new_axes,
    parse,
    slice_bounds,
    tensor_of,
)
from jaxlike._src.placement import follow
from jaxlike._src.regions import STATIC_INDEX, TAKE, as_one, equation

if TYPE_CHECKING:
    from collections.abc import Sequence

# Reading


def entries_of(index: Any, shape: tuple[int, ...]) -> tuple[list[tuple[str, Any]], list[Any]] | None:
    """What an index says of each axis and of new ones, and its arrays, for a jaxpr; None if it says more than that.

    "new"; "int" with a number; "slice" with start and size; "at" with the place among the arrays.
    """
    entries: list[tuple[str, Any]] = []
    arrays: list[Any] = []
    for kind, value, axes in parse(index, shape):
        if kind == "none":
            entries.append(("new", None))
        elif kind == "int":
            entries.append(("int", int(value)))
        elif kind == "ellipsis":
            entries += [("slice", (0, shape[k])) for k in axes]
        elif kind == "slice":
            start, count, step = slice_bounds(value, shape[axes[0]], 0)
            if step != 1:
                return None
            entries.append(("slice", (start, count)))
        elif kind == "array" and isinstance(value, Array):
            entries.append(("at", len(arrays)))
            arrays.append(value)
        else:
            return None
    entries += [("slice", (0, n)) for n in shape[sum(kind != "new" for kind, _ in entries) :]]
    return entries, arrays


def _as_taken(
    x: Array,
    index: Any,
    mode: Any = None,
    fill_value: Any = None,
    *,
    wrap: bool = True,
    is_sorted: bool = False,
    unique: bool = False,
) -> Any:
    found = entries_of(index, x.shape)
    if found is None:
        return (None,), {}
    parsed = None if mode is None else GatherScatterMode.from_any(mode)
    params = {"entries": found[0], "mode": parsed, "fill": fill_value, "wrap": wrap}
    return (x, *found[1]), {**params, "sorted": is_sorted, "unique": unique}


@equation(TAKE, _as_taken)
def take(
    x: Array,
    index: Any,
    mode: Any = None,
    fill_value: Any = None,
    *,
    wrap: bool = True,
    is_sorted: bool = False,
    unique: bool = False,
) -> Array:
    """``x[index]``; positions out of bounds clamp, or read ``fill_value`` in mode "fill".

    ``is_sorted`` and ``unique`` are promises that a jaxpr repeats.
    """
    del is_sorted, unique
    plan = make_plan(index, x.shape, wrap=wrap)
    parsed = GatherScatterMode.CLIP if mode is None else GatherScatterMode.from_any(mode)
    if parsed is not GatherScatterMode.FILL_OR_DROP:
        return read(x, plan, clip=mode is not None and parsed is GatherScatterMode.CLIP)
    fill_value = concrete_or_error(None, fill_value, "fill_value argument to indexed get()")
    if fill_value is not None and np.ndim(fill_value) != 0:
        raise ValueError("fill_value argument to indexed get() must be a scalar")
    return read(x, plan, fill_tensor(x, fill_value))


def fill_tensor(x: Array, fill_value: Any = None) -> Tensor:
    """``fill_value`` in the dtype of ``x``; by default NaN, the least signed or largest unsigned, True."""
    dtype = x.dtype
    if isinstance(dtype, dtypes.ExtendedDType):
        from jaxlike._src.random.key_array import element_tensor  # random is built on this module

        word = 0xFFFFFFFF if fill_value is None else int(fill_value)
        return element_tensor(x._tag, word - (word >> 31 << 32), ())  # as int32
    if fill_value is None:
        if dtypes.issubdtype(dtype, np.inexact):
            fill_value = np.nan
        elif dtype == np.bool_:
            fill_value = True
        else:
            info = dtypes.iinfo(dtype)
            fill_value = info.min if dtypes.issubdtype(dtype, np.signedinteger) else info.max
    return scalar(np.asarray(fill_value).astype(dtype).item(), x._t.dtype)


def read(x: Array, plan: Plan, fill: Tensor | None = None, *, clip: bool = False) -> Array:
    """What ``plan`` selects of ``x``; with ``fill`` in place of what is out of bounds.

    Without it the nearest element is read. That has its gradient if ``clip`` says so, or if single numbers alone
    are looked up.
    """
    tensor = unwrap(x)
    check = fill is not None or (plan.found != () and not clip and may_have_derivative(tensor))
    if 0 in plan.shape:
        return type(x)(tensor.new_zeros(plan.shape), x._tag)
    for lookup in plan.lookups:
        if lookup.length == 0:
            raise TypeError(
                f"Slice size at index {lookup.axis} in gather op is out of range, must be within [0, 0 + 1), got 1."
            )
    dtype = tensor.dtype
    if dtype in unsigned.WIDE and (plan.windows or plan.lookups or plan.missed):
        bits = unsigned.SIGNED[dtype]
        tensor, fill = tensor.view(bits), None if fill is None else fill.view(bits)
    tensor = viewed(tensor, plan)
    if plan.flips:
        tensor = flipped(tensor, plan.flips)
    valid: Positions | None = None
    for window in plan.windows:
        at, inside = bounded_window(window, check)
        tensor = tensor[(*[ANY_SLICE] * window.axis, tensor_of(at, tensor.device))]
        if inside is not None:
            valid = both(valid, inside.reshape((-1, *[1] * (tensor.dim() - 1 - window.axis)) if inside.ndim else ()))
    if valid is not None:  # windows come before lookups change the axes
        tensor = torch.where(tensor_of(valid, tensor.device), tensor, _outside(tensor, fill))
    if plan.lookups:
        tensor = _looked_up(tensor, plan, fill, check)
    if plan.missed and fill is not None:
        tensor = torch.where(scalar(False, torch.bool), tensor, fill)
    for axis in new_axes(plan):
        tensor = tensor.unsqueeze(axis)
    return type(x)(tensor if tensor.dtype is dtype else tensor.view(dtype), x._tag)


def may_have_derivative(tensor: Tensor) -> bool:
    """Whether a gradient of ``tensor`` may be asked for."""
    inexact = tensor.dtype.is_floating_point or tensor.dtype.is_complex
    return STATE.frame is not None and inexact and any(frame.kind == "grad" for frame in running())


def _outside(tensor: Tensor, fill: Tensor | None) -> Tensor:
    """What is read out of bounds: ``fill``, or the nearest element, which has no gradient."""
    return tensor.detach() if fill is None else fill


def viewed(tensor: Tensor, plan: Plan) -> Tensor:
    """The part of ``tensor`` that slices and numbers select, backward slices not yet turned round."""
    for axis in plan.expand:
        tensor = tensor.unsqueeze(axis)
    return tensor if plan.is_whole else tensor[plan.views]


def flipped(tensor: Tensor, axes: Sequence[int]) -> Tensor:
    """`torch.flip`, also of unsigned types and float8, which it lacks."""
    return unsigned.moved_as_signed(torch.flip, tensor, list(axes))


def _looked_up(tensor: Tensor, plan: Plan, fill: Tensor | None, check: bool) -> Tensor:
    valid: Positions | None = None
    index: list[Any] = [ANY_SLICE] * (plan.lookups[-1].axis + 1)
    for lookup in plan.lookups:
        at, inside = bounded(lookup.at, lookup.length, check)
        index[lookup.axis] = tensor_of(at, tensor.device)
        valid = both(valid, inside)
    rank = tensor.dim()
    of_float8 = tensor.dtype.itemsize == 1 and tensor.dtype.is_floating_point
    if len(plan.lookups) == 1 and not of_float8:  # several times as quick, but torch lacks it for those
        (axis, at) = plan.lookups[0].axis, index[-1]
        tensor = tensor.index_select(axis, at if at.dim() == 1 else at.reshape(-1))
        if at.dim() > 1:
            tensor = tensor.unflatten(axis, at.shape)
    else:
        # torch would read the values of 0-d positions, which a trace does not have.
        one = [1] * max(1, len(plan.found))
        tensor = tensor[tuple(i if i is ANY_SLICE or i.dim() else i.reshape(one) for i in index)]
    if not plan.found:
        tensor = tensor.select(axes_of_one(plan), 0)
    order = axes_from_lookups(plan, rank)
    if order != sorted(order):
        tensor = tensor.permute(order)
    if valid is not None:
        after = [t for t in plan.order if t != NEW]
        after = after[after.index(FOUND) + 1 :] if FOUND in after else after
        shape = (*valid.shape, *[1] * len(after))
        tensor = torch.where(tensor_of(valid.reshape(shape), tensor.device), tensor, _outside(tensor, fill))
    return tensor


def axes_of_one(plan: Plan) -> int:
    """Where torch puts the one axis of positions of shape (1,)."""
    axes = [k.axis for k in plan.lookups]
    return axes[0] if axes == list(range(axes[0], axes[0] + len(axes))) else 0


def axes_from_lookups(plan: Plan, rank: int) -> list[int]:
    """The result's axes (but new ones) as axes of what torch's indexing gives.

    torch puts the lookups' axes where the lookups are if these are side by side, else first; JAX looks at
    the index as written (x[i, None, j] has them first too).
    """
    axes = [k.axis for k in plan.lookups]
    rest = [a for a in range(rank) if a not in axes]
    width = len(plan.found)
    together = axes == list(range(axes[0], axes[0] + len(axes)))
    at = axes[0] if together else 0
    place = {axis: n if n < at else n + width for n, axis in enumerate(rest)}
    out: list[int] = []
    for token in plan.order:
        if token == FOUND:
            out += range(at, at + width)
        elif token != NEW:
            out.append(place[token])
    return out


# x[index]

_STATIC: Final = frozenset([int, slice, type(None), type(Ellipsis)])
_REFUSED = (IndexError, ValueError, TypeError, RuntimeError)  # torch's; the general way says what is wrong
_POSITIONS: Final = frozenset([torch.int32, torch.int64])


def getitem(x: Array, index: Any, /) -> Array:
    """``x[index]``: numpy's indexing, except that positions out of bounds clamp and lists are refused."""
    if type(x) is Array and x._frame is STATE.fast:
        kind = type(index)
        try:
            # Static indices within bounds mean the same to torch, which takes steps forward only.
            if kind is int:
                return Array(x._t[index], x._tag)
            if kind is slice:
                step = index.step
                return Array(x._t[index] if step is None or step > 0 else _backwards(x._t, index), x._tag)
            if kind is tuple:
                if is_static(index):
                    return Array(as_one(STATIC_INDEX, {}, Tensor.__getitem__, x._t, index), x._tag)
                return Array(x._t[tensors_of(x, index)], x._tag)
            if kind is Array:
                (at,) = tensors_of(x, (index,))
                # Quicker, and refuses negative positions, so that these are counted from the end below.
                if at.dim() == 1 and at.dtype is not torch.bool and x._t.dim():
                    return Array(x._t.index_select(0, at), x._tag)
                return Array(x._t[at], x._tag)
        except _REFUSED:
            return take(x, index)
    return follow("dynamic_slice", take(x, index), x)


def is_static(index: tuple[Any, ...]) -> bool:
    """Whether an index is made of numbers, slices, None and at most one Ellipsis."""
    kinds = set(map(type, index))
    return kinds <= _STATIC and (type(Ellipsis) not in kinds or index.count(Ellipsis) == 1)


def _backwards(tensor: Tensor, index: slice) -> Tensor:
    if tensor.dtype in unsigned.WIDE:
        raise TypeError("torch has no flip of unsigned types")
    start, count, step = slice_bounds(index, tensor.shape[0], 0)
    return tensor[start + (count - 1) * step : start + 1 : -step].flip(0) if count else tensor[:0]


def tensors_of(x: Array, index: tuple[Any, ...]) -> tuple[Any, ...]:
    """An index with arrays for torch, where that means the same to it; else IndexError.

    On a CPU torch wraps and checks positions itself. It takes numbers out first, where JAX counts them as arrays.
    It looks at axes to see which arrays are side by side, JAX at the index as written, so that an Ellipsis beside
    two arrays may make a difference.
    """
    out: list[Any] = []
    arrays = ellipses = 0
    for entry in index:
        if type(entry) is Array:
            at = entry._t
            arrays += 1
            if entry._frame is not x._frame or at.device.type != "cpu" or not _means_the_same(x._t, at, len(index)):
                raise IndexError
            out.append(at)
            continue
        ellipses += entry is Ellipsis
        if not (entry is None or entry is Ellipsis or type(entry) is slice):
            raise IndexError
        out.append(entry)
    if not arrays or ellipses > 1 or (arrays > 1 and ellipses):
        raise IndexError
    return tuple(out)


def _means_the_same(tensor: Tensor, at: Tensor, entries: int) -> bool:
    if at.dtype in _POSITIONS:
        return at.dim() > 0 or entries == 1
    rank = at.dim()
    return (
        at.dtype is torch.bool
        and rank > 0
        and entries == 1
        and STATE.frame is None
        and (tensor.shape[:rank] == at.shape)
    )
