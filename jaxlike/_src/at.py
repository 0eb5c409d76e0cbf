"""at: ``x.at[index].set(y)`` and its kin: new arrays with some elements changed.

An index made of slices and numbers selects a part of the array: it is read, changed and put back. Any other
index is brought to rows: the axes that are looked up come first, the positions along them become one vector
each, and the values one row for each position. Where positions are known, those out of bounds and all but the
last of repeated ones are left out beforehand; where they are not (vmap, jit, a GPU), such rows go to a row past
the end, which is cut off. So of repeated positions in `set` the last wins, and it alone has a gradient.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src import border, dtypes, index_plan, indexing, row_update
from jaxlike._src.array import Array, NarrowArray
from jaxlike._src.border import asarray, unwrap
from jaxlike._src.devices import default_torch_device
from jaxlike._src.frames import STATE
from jaxlike._src.index_plan import GatherScatterMode
from jaxlike._src.numpy.arguments import astype
from jaxlike._src.numpy.create import asarray as as_array
from jaxlike._src.numpy.shape import broadcast_to
from jaxlike._src.regions import UPDATE, equation

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from jaxlike._src.index_plan import Plan


class _IndexUpdateHelper:
    """``x.at``: index it to name the elements to change."""

    __slots__ = ("array",)

    def __init__(self, array: Array) -> None:
        self.array = array

    def __getitem__(self, index: Any) -> _IndexUpdateRef:
        return _IndexUpdateRef(self.array, index)

    def __repr__(self) -> str:
        return f"_IndexUpdateHelper({self.array!r})"


class _IndexUpdateRef:
    """``x.at[index]``: methods that give a new array with the elements at ``index`` changed.

    Common arguments: ``mode`` says what becomes of positions out of bounds ("drop" or "fill": nothing is written,
    the default; "clip": the nearest element is; "promise_in_bounds"); ``unique_indices`` promises that no position
    repeats; ``indices_are_sorted`` is accepted; ``wrap_negative_indices``: negative numbers count from the end.
    """

    __slots__ = ("array", "index")

    def __init__(self, array: Array, index: Any) -> None:
        self.array, self.index = array, index

    def __repr__(self) -> str:
        return f"_IndexUpdateRef({self.array!r}, {self.index!r})"

    def get(
        self,
        *,
        indices_are_sorted: bool = False,
        unique_indices: bool = False,
        mode: Any = None,
        fill_value: Any = None,
        out_sharding: Any = None,
        wrap_negative_indices: bool = True,
    ) -> Array:
        """``x[index]``, with ``fill_value`` for positions out of bounds in mode "fill"."""
        del out_sharding
        promised = {"is_sorted": indices_are_sorted, "unique": unique_indices}
        return indexing.take(self.array, self.index, mode, fill_value, wrap=wrap_negative_indices, **promised)

    def set(
        self,
        values: Any,
        *,
        indices_are_sorted: bool = False,
        unique_indices: bool = False,
        mode: Any = None,
        out_sharding: Any = None,
        wrap_negative_indices: bool = True,
    ) -> Array:
        """``x[index] = values``; of repeated positions the last wins."""
        del out_sharding
        return _update(self, "set", values, unique_indices, mode, wrap_negative_indices, indices_are_sorted)

    def add(
        self,
        values: Any,
        *,
        indices_are_sorted: bool = False,
        unique_indices: bool = False,
        mode: Any = None,
        out_sharding: Any = None,
        wrap_negative_indices: bool = True,
    ) -> Array:
        """``x[index] += values``; repeated positions add up."""
        del out_sharding
        return _update(self, "add", values, unique_indices, mode, wrap_negative_indices, indices_are_sorted)

    def subtract(
        self,
        values: Any,
        *,
        indices_are_sorted: bool = False,
        unique_indices: bool = False,
        mode: Any = None,
        out_sharding: Any = None,
        wrap_negative_indices: bool = True,
    ) -> Array:
        """``x[index] -= values``; repeated positions add up."""
        del out_sharding
        return _update(self, "sub", values, unique_indices, mode, wrap_negative_indices, indices_are_sorted)

    def multiply(
        self,
        values: Any,
        *,
        indices_are_sorted: bool = False,
        unique_indices: bool = False,
        mode: Any = None,
        out_sharding: Any = None,
        wrap_negative_indices: bool = True,
    ) -> Array:
        """``x[index] *= values``; a derivative needs ``unique_indices``."""
        del out_sharding
        return _update(self, "mul", values, unique_indices, mode, wrap_negative_indices, indices_are_sorted)

    mul = multiply

    def divide(
        self,
        values: Any,
        *,
        indices_are_sorted: bool = False,
        unique_indices: bool = False,
        mode: Any = None,
        out_sharding: Any = None,
        wrap_negative_indices: bool = True,
    ) -> Array:
        """``x[index] /= values``."""
        from jaxlike._src.numpy.arithmetic import true_divide

        del indices_are_sorted, out_sharding
        ones = _ones_like(self.array)
        return true_divide(
            self.array,
            _update(_IndexUpdateRef(ones, self.index), "mul", values, unique_indices, mode, wrap_negative_indices),
        )

    def power(
        self,
        values: Any,
        *,
        indices_are_sorted: bool = False,
        unique_indices: bool = False,
        mode: Any = None,
        out_sharding: Any = None,
        wrap_negative_indices: bool = True,
    ) -> Array:
        """``x[index] **= values``."""
        from jaxlike._src.numpy.power import power

        del indices_are_sorted, out_sharding
        ones = _ones_like(self.array)
        return power(
            self.array,
            _update(_IndexUpdateRef(ones, self.index), "mul", values, unique_indices, mode, wrap_negative_indices),
        )

    def min(
        self,
        values: Any,
        *,
        indices_are_sorted: bool = False,
        unique_indices: bool = False,
        mode: Any = None,
        out_sharding: Any = None,
        wrap_negative_indices: bool = True,
    ) -> Array:
        """``x[index] = minimum(x[index], values)``."""
        del out_sharding
        return _update(self, "min", values, unique_indices, mode, wrap_negative_indices, indices_are_sorted)

    def max(
        self,
        values: Any,
        *,
        indices_are_sorted: bool = False,
        unique_indices: bool = False,
        mode: Any = None,
        out_sharding: Any = None,
        wrap_negative_indices: bool = True,
    ) -> Array:
        """``x[index] = maximum(x[index], values)``."""
        del out_sharding
        return _update(self, "max", values, unique_indices, mode, wrap_negative_indices, indices_are_sorted)

    def apply(
        self,
        func: Callable[[Any], Any],
        *,
        indices_are_sorted: bool = False,
        unique_indices: bool = False,
        mode: Any = None,
        wrap_negative_indices: bool = True,
    ) -> Array:
        """``x[index] = func(x[index])`` element by element, once for each time that a position is named."""
        del indices_are_sorted
        return _apply(self, func, unique_indices, mode, wrap_negative_indices)


def _ones_like(x: Array) -> Array:
    return type(x)(torch.ones_like(unwrap(x)), x._tag)


# The update, on Arrays

_REFUSED = (IndexError, ValueError, TypeError, RuntimeError)  # torch's; the general way says what is wrong


def _update(
    ref: _IndexUpdateRef, kind: str, values: Any, unique: bool, mode: Any, wrap: bool, is_sorted: bool = False
) -> Array:
    x, index = ref.array, ref.index
    if mode is None and wrap and STATE.frame is None and type(x) is Array and x._frame is STATE.fast:
        changed = _changed_copy(x, index, kind, values)
        if changed is not None:
            return changed
    parsed = GatherScatterMode.from_any(mode)
    dtype, weak = x.dtype, x.weak_type
    if isinstance(dtype, dtypes.ExtendedDType) and kind != "set":
        raise TypeError(f"Cannot interpret '{dtype}' as a data type")
    y = _checked_values(x, values)
    if dtype == y.dtype == np.bool_ and kind in ("add", "sub", "mul"):
        raise TypeError(
            f"{kind} does not accept dtype bool at position 0. Accepted dtypes at position 0 are subtypes of integer, "
            "floating, complexfloating."
        )
    extended = isinstance(dtype, dtypes.ExtendedDType)
    if not extended:
        x, y = border.promote_dtypes(x, y)
    out = _written(x, y, index, kind, parsed, unique, wrap, is_sorted)
    if out is None:
        return ref.array
    return out if type(out) is not Array else astype(out, dtype, weak)


def _as_written(
    x: Array, y: Array, index: Any, kind: str, mode: Any, unique: bool, wrap: bool, is_sorted: bool
) -> Any:
    found = indexing.entries_of(index, x.shape)
    if found is None:
        return (None,), {}
    params = {"entries": found[0], "kind": kind, "mode": mode, "wrap": wrap, "unique": unique, "sorted": is_sorted}
    return (x, y, *found[1]), params


@equation(UPDATE, _as_written)
def _written(
    x: Array, y: Array, index: Any, kind: str, mode: Any, unique: bool, wrap: bool, is_sorted: bool
) -> Array | None:
    """The array with ``y``, of its dtype, written into it; None where that changes nothing."""
    del is_sorted
    clip = mode in (GatherScatterMode.CLIP, GatherScatterMode.ONE_HOT)
    plan = index_plan.make_plan(index, x.shape, wrap=wrap)
    y = broadcast_to(y, plan.shape)
    if 0 in plan.shape or (plan.missed and not clip):
        return None
    out = _computed(kind, unwrap(x), unwrap(y), plan, x.ndim, unique, clip)
    kept = isinstance(x.dtype, dtypes.ExtendedDType) or (isinstance(x, NarrowArray) and kind == "set")
    return type(x)(out, x._tag) if kept else Array(out, x._tag is True)


def _changed_copy(x: Array, index: Any, kind: str, values: Any) -> Array | None:
    """The common case outside of transformations: torch takes index and values as they are, none repeats."""
    tensor = x._t
    if type(values) is Array and values._frame is None and values._t.dtype is tensor.dtype:
        new: Any = values._t
    elif type(values) is float and tensor.dtype is torch.float32:
        new = border.scalar(values, torch.float32)
    else:
        return None
    if tensor.dtype is torch.bool and kind != "set":
        return None
    try:
        if type(index) is int or type(index) is slice or (type(index) is tuple and indexing.is_static(index)):
            made = tensor.clone()
            part = made[index]
            if kind == "set":
                part.copy_(new)
            else:
                part.copy_(row_update.COMBINE[kind](part, new))
            return Array(made, x._tag)
        at = indexing.tensors_of(x, index if type(index) is tuple else (index,))
        if not _none_repeats(tensor, at):
            return None
        part = tensor[at]
        if new.dim() > part.dim():  # torch would drop leading axes of size 1
            return None
        made = tensor.clone()
        made[at] = new if kind == "set" else row_update.COMBINE[kind](part, new)
    except _REFUSED:
        return None
    return Array(made, x._tag)


_FEW = 64  # positions that are looked at one by one


def _none_repeats(tensor: Tensor, index: tuple[Any, ...]) -> bool:
    """Whether an index that torch takes has no position twice, as far as that is quickly seen."""
    arrays = [at for at in index if isinstance(at, torch.Tensor)]
    count = arrays[0].numel()
    if len(arrays) > 1 or arrays[0].dtype is torch.bool or count < 2:
        return len(arrays) == 1
    size = tensor.shape[0]
    if count > _FEW or index[0] is not arrays[0] or not size:
        return False
    return len({at % size for at in arrays[0].flatten().tolist()}) == count


def _checked_values(x: Array, values: Any) -> Array:
    """The values as an Array, with JAX's warning where they do not fit the array's dtype."""
    extended = isinstance(x.dtype, dtypes.ExtendedDType)
    if isinstance(values, int) and not extended and dtypes.issubdtype(x.dtype, np.integer):
        info = dtypes.iinfo(x.dtype)
        if info.min <= values <= info.max:
            return astype(asarray(int(values)), x.dtype)
    y = values if isinstance(values, Array) else as_array(values)
    if extended or isinstance(y.dtype, dtypes.ExtendedDType):
        if y.dtype != x.dtype:
            raise TypeError(f"Cannot interpret '{x.dtype if extended else y.dtype}' as a data type")
        return y
    kind = border.kind_of(y)
    if not (kind[0] == x.dtype or dtypes.promote(kind, (x.dtype, False))[0] == x.dtype):
        warnings.warn(
            f"scatter inputs have incompatible types: cannot safely cast value from dtype={kind[0]} to "
            f"dtype={x.dtype} with jax_numpy_dtype_promotion={dtypes.promotion_mode()}. In future JAX releases this "
            "will result in an error.",
            FutureWarning,
            stacklevel=4,
        )
    return y


# On tensors

def _computed(kind: str, tensor: Tensor, values: Tensor, plan: Plan, ndim: int, unique: bool, clip: bool) -> Tensor:
    """`_updated` in a dtype that torch's scatters take."""
    return row_update.in_own_dtype(
        kind, lambda a, b: _updated(kind, a, b, plan, ndim, unique, clip), tensor, values
    )


def _updated(kind: str, tensor: Tensor, values: Tensor, plan: Plan, ndim: int, unique: bool, clip: bool) -> Tensor:
    """``tensor`` with the elements of ``plan`` changed; ``values`` has the shape of what the plan reads."""
    for axis in reversed(index_plan.new_axes(plan)):
        values = values.select(axis, 0)
    for axis in plan.expand:
        tensor = tensor.unsqueeze(axis)
    ndim += len(plan.expand) - sum(type(v) is not slice for v in plan.views)  # of the viewed part
    copied = STATE.frame is None and plan.is_known  # nobody else sees the copy, so it may be written to
    if copied:
        tensor = tensor.clone()
    part = tensor if plan.is_whole else tensor[plan.views]
    if plan.flips:
        values = values.flip([_axes_in_result(plan)[axis][0] for axis in plan.flips])
    if plan.lookups or plan.windows:
        part = _put_rows(kind, part, values, plan, ndim, unique, clip, copied)
    elif copied:
        part.copy_(row_update.combine(kind, part, values))
        part = None
    else:  # cloned, because an expanded tangent cannot be made dual again
        part = values.expand(part.shape).clone() if kind == "set" else row_update.combine(kind, part, values)
    if part is not None:
        if tensor.is_complex():  # torch does not differentiate select_scatter and slice_scatter of complex numbers
            whole, inner = tensor.resolve_conj(), part.resolve_conj()
            halves = ((whole.real, inner.real), (whole.imag, inner.imag))
            tensor = torch.complex(*(_put_back(t, plan.views, 0, p) for t, p in halves))
        else:
            tensor = _put_back(tensor, plan.views, 0, part)
    for axis in reversed(plan.expand):
        tensor = tensor.squeeze(axis)
    return tensor


def _put_back(tensor: Tensor, views: tuple[Any, ...], axis: int, part: Tensor) -> Tensor:
    """``tensor`` with ``part`` in place of what ``views`` select of it, from ``axis`` on."""
    for k, view in enumerate(views):
        if view is index_plan.ANY_SLICE:
            axis += 1
            continue
        rest = views[k + 1 :]
        if type(view) is slice:
            inner = _put_back(tensor[(*[index_plan.ANY_SLICE] * axis, view)], rest, axis + 1, part)
            start, stop, step = view.indices(tensor.shape[axis])
            return tensor.slice_scatter(inner, axis, start, stop, step)
        inner = _put_back(tensor.select(axis, view), rest, axis, part)
        return tensor.select_scatter(inner, axis, view)
    return part


def _axes_in_result(plan: Plan) -> dict[int, list[int]]:
    """For each viewed axis, and for FOUND, the axes of the result (but new ones) that it became."""
    out: dict[int, list[int]] = {index_plan.FOUND: []}
    at = 0
    for token in plan.order:
        if token != index_plan.NEW:
            width = len(plan.found) if token == index_plan.FOUND else 1
            out[token] = list(range(at, at + width))
            at += width
    return out


# Rows


def _put_rows(
    kind: str, part: Tensor, values: Tensor, plan: Plan, ndim: int, unique: bool, clip: bool, copied: bool
) -> Tensor | None:
    """``part`` with its looked up rows changed; None where that was done in the (copied) part itself."""
    looked_up = [k.axis for k in (*plan.lookups, *plan.windows)]
    rest = [a for a in range(ndim) if a not in looked_up]
    order = [*looked_up, *rest, *range(ndim, part.dim())]
    came_from = _axes_in_result(plan)
    of_values = [*came_from[index_plan.FOUND], *(a for axis in order if axis in came_from for a in came_from[axis])]
    of_values += range(len(of_values), values.dim())
    rows = part.permute(order)
    new = values.permute(of_values).reshape(-1, *rows.shape[len(looked_up) :])

    positions, valid = _row_positions(plan, clip)
    distinct = unique or new.shape[0] == 1
    if all(isinstance(at, np.ndarray) for at in positions):
        keep = _rows_to_keep(positions, valid, rows.shape, last=kind == "set" and not distinct)
        if keep is not None:
            if not keep.size:
                return None if copied else part
            new = new[index_plan.tensor_of(keep, new.device)]
            positions = [at[keep] for at in positions]
        valid = None
        distinct = distinct or (kind == "set")
    at = tuple(index_plan.tensor_of(p, rows.device) for p in positions)
    mask = None if valid is None else index_plan.tensor_of(valid, rows.device)
    if copied and mask is None and (distinct or kind in ("add", "sub")):
        row_update.write(kind, rows, at, new)
        return None
    changed = row_update.changed(kind, rows, at, mask, new, distinct)
    back = [order.index(a) for a in range(len(order))]
    return changed.permute(back)


def _row_positions(plan: Plan, clip: bool) -> tuple[list[Any], Any]:
    """For each looked up axis the positions of all rows, in bounds; and which rows count (None: all)."""
    windows = len(plan.windows)
    shape = (*plan.found, *(w.size for w in plan.windows))
    positions: list[Any] = []
    valid: Any = None
    for lookup in plan.lookups:
        at, inside = index_plan.bounded(lookup.at, lookup.length, not clip)
        positions.append(_spread(at.reshape((*at.shape, *[1] * windows)), shape))
        if inside is not None:
            valid = index_plan.both(valid, inside.reshape((*inside.shape, *[1] * windows)))
    for k, window in enumerate(plan.windows):
        at, inside = index_plan.bounded_window(window, not clip)
        after = [1] * (windows - 1 - k)
        positions.append(_spread(at.reshape((-1, *after)), shape))
        if inside is not None:
            valid = index_plan.both(valid, inside.reshape((-1, *after)))
    return positions, None if valid is None else _spread(valid, shape)


def _spread(at: Any, shape: tuple[int, ...]) -> Any:
    spread = np.broadcast_to(at, shape) if isinstance(at, np.ndarray) else at.expand(shape)
    return spread.reshape(-1)


def _rows_to_keep(
    positions: list[np.ndarray[Any, Any]], valid: Any, sizes: Sequence[int], *, last: bool
) -> np.ndarray[Any, Any] | None:
    """Which rows are in bounds and, with ``last``, the last at their position; None for all of them."""
    count = positions[0].size
    keep = np.arange(count) if valid is None else np.flatnonzero(valid)
    if last and keep.size > 1:
        flat = np.ravel_multi_index([at[keep] for at in positions], tuple(sizes[: len(positions)]))
        _, from_end = np.unique(flat[::-1], return_index=True)
        if from_end.size < keep.size:
            keep = keep[np.sort(keep.size - 1 - from_end)]
    return None if keep.size == count else keep


# apply


def _apply(ref: _IndexUpdateRef, func: Callable[[Any], Any], unique: bool, mode: Any, wrap: bool) -> Array:
    """The selected elements go through ``func`` as often as the index names their position."""
    from jaxlike._src.lax.while_loop import while_loop
    from jaxlike._src.numpy.reduce import max as maximum
    from jaxlike._src.numpy.select import where
    from jaxlike._src.transforms.vmap import vmap

    x = ref.array
    if row_update.is_differentiated(unwrap(x)):
        raise NotImplementedError("scatter_apply JVP not implemented")
    plan = index_plan.make_plan(ref.index, x.shape, wrap=wrap)
    selected = indexing.take(x, ref.index, "clip", wrap=wrap)
    if not selected.size:
        return x

    def once(values: Array) -> Array:
        out = vmap(func)(values.reshape(-1)).reshape(values.shape)
        return astype(out, x.dtype, x.weak_type)

    if unique or not (plan.lookups or plan.windows) or selected.size == 1:
        return _update(ref, "set", once(selected), unique, mode, wrap)
    zeros = Array(torch.zeros(x.shape, dtype=torch.int32, device=default_torch_device()))
    counts = _update(_IndexUpdateRef(zeros, ref.index), "add", 1, unique, mode, wrap)
    times = indexing.take(counts, ref.index, "clip", wrap=wrap)
    most = maximum(times)
    _, changed = while_loop(
        lambda state: state[0] < most,
        lambda state: (state[0] + 1, where(state[0] < times, once(state[1]), state[1])),
        (asarray(0), selected),
    )
    return _update(ref, "set", changed, unique, mode, wrap)


Array.at = property(_IndexUpdateHelper)  # pyright: ignore[reportAttributeAccessIssue]
