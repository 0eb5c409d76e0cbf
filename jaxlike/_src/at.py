"""at: ``x.at[index].set(y)`` and its kin: new arrays with some elements changed.

Where the index is made of slices and numbers, the selected part is read, changed and put back with functional
scatters of whole slices. Any other index is turned into flat positions by reading ``arange`` through it, so
that every kind of index means here what it means for reading; positions out of bounds go to a cell past the
end, which is cut off. Of repeated positions in `set` the last wins, and it alone has a gradient.
"""

from __future__ import annotations

import functools
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src import border, dtypes, indexing, unsigned
from jaxlike._src.array import Array
from jaxlike._src.border import asarray, astype, unwrap
from jaxlike._src.frames import STATE
from jaxlike._src.indexing import GatherScatterMode
from jaxlike._src.numpy.shape import broadcast_to

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from jaxlike._src.indexing import Plan


class IndexUpdateHelper:
    """``x.at``: index it to name the elements to change."""

    __slots__ = ("array",)

    def __init__(self, array: Array) -> None:
        self.array = array

    def __getitem__(self, index: Any) -> IndexUpdateRef:
        return IndexUpdateRef(self.array, index)

    def __repr__(self) -> str:
        return f"_IndexUpdateHelper({self.array!r})"


class IndexUpdateRef:
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
        del indices_are_sorted, unique_indices, out_sharding
        return indexing.take(self.array, self.index, mode, fill_value, wrap=wrap_negative_indices)

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
        del indices_are_sorted, out_sharding
        return _update(self, "set", values, unique_indices, mode, wrap_negative_indices)

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
        del indices_are_sorted, out_sharding
        return _update(self, "add", values, unique_indices, mode, wrap_negative_indices)

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
        del indices_are_sorted, out_sharding
        return _update(self, "sub", values, unique_indices, mode, wrap_negative_indices)

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
        del indices_are_sorted, out_sharding
        return _update(self, "mul", values, unique_indices, mode, wrap_negative_indices)

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
            _update(IndexUpdateRef(ones, self.index), "mul", values, unique_indices, mode, wrap_negative_indices),
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
            _update(IndexUpdateRef(ones, self.index), "mul", values, unique_indices, mode, wrap_negative_indices),
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
        del indices_are_sorted, out_sharding
        return _update(self, "min", values, unique_indices, mode, wrap_negative_indices)

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
        del indices_are_sorted, out_sharding
        return _update(self, "max", values, unique_indices, mode, wrap_negative_indices)

    def apply(
        self,
        func: Callable[[Any], Any],
        *,
        indices_are_sorted: bool = False,
        unique_indices: bool = False,
        mode: Any = None,
        out_sharding: Any = None,
        wrap_negative_indices: bool = True,
    ) -> Array:
        """``x[index] = func(x[index])``, once for each time that a position is named."""
        del indices_are_sorted, out_sharding
        return _apply(self, func, unique_indices, mode, wrap_negative_indices)


def _ones_like(x: Array) -> Array:
    return type(x)(torch.ones_like(unwrap(x)), x._tag)


_PRIMITIVE = {"add": "add", "sub": "sub", "mul": "mul", "min": "min", "max": "max"}


def _update(ref: IndexUpdateRef, kind: str, values: Any, unique: bool, mode: Any, wrap: bool) -> Array:
    x = ref.array
    parsed = GatherScatterMode.from_any(mode)
    if isinstance(x.dtype, dtypes.ExtendedDType):
        if kind != "set":
            raise TypeError(f"{kind} does not accept dtypes {x.dtype}, {border.kind_of(values)[0]}.")
        y = values
    else:
        y = _checked_values(x, values)
    plan = indexing.make_plan(ref.index, x.shape, wrap=wrap)
    dtype, weak = x.dtype, x.weak_type
    if dtype == np.bool_ and kind in ("add", "sub", "mul"):
        raise TypeError(
            f"{_PRIMITIVE[kind]} does not accept dtype bool at position 0. Accepted dtypes at position 0 are subtypes "
            "of integer, floating, complexfloating."
        )
    if not isinstance(dtype, dtypes.ExtendedDType):
        x, y = border.promote_dtypes(x, y)
    y = broadcast_to(y, plan.shape)
    out = type(x)(_updated(x, unwrap(x), plan, unwrap(y), kind, unique, parsed, ref.index, wrap), x._tag)
    return out if isinstance(dtype, dtypes.ExtendedDType) else astype(out, dtype, weak)


def _checked_values(x: Array, values: Any) -> Array:
    """The values as an Array, with JAX's warning where they do not fit the array's dtype."""
    if values is None:
        raise ValueError("None is not a valid value for jnp.array")
    if isinstance(values, list | tuple):
        from jaxlike._src.numpy.create import array

        values = array(values)
    kind = border.kind_of(values)
    if not (kind[0] == x.dtype or dtypes.promote(kind, (x.dtype, False))[0] == x.dtype):
        mode = dtypes.promotion_mode()
        warnings.warn(
            f"scatter inputs have incompatible types: cannot safely cast value from dtype={kind[0]} to "
            f"dtype={x.dtype} with jax_numpy_dtype_promotion={mode}. In future JAX releases this will result in an "
            "error.",
            FutureWarning,
            stacklevel=4,
        )
    return asarray(values)


# On tensors


def _updated(
    x: Array,
    tensor: Tensor,
    plan: Plan,
    values: Tensor,
    kind: str,
    unique: bool,
    mode: GatherScatterMode,
    index: Any,
    wrap: bool,
) -> Tensor:
    if tensor.dtype in unsigned.WIDE and kind in ("min", "max"):
        if tensor.dtype is torch.uint64:
            flipped = _updated(x, unsigned.flip(tensor), plan, unsigned.flip(values), kind, unique, mode, index, wrap)
            return unsigned.unflip(flipped)
        wide = tensor.to(torch.int64), values.to(torch.int64)
        return _updated(x, wide[0], plan, wide[1], kind, unique, mode, index, wrap).to(tensor.dtype)
    if tensor.dtype.is_floating_point and tensor.dtype.itemsize == 1:  # torch has no scatter of float8
        if kind == "set":
            as_bits = tensor.view(torch.uint8), values.view(torch.uint8)
            return _updated(x, as_bits[0], plan, as_bits[1], kind, unique, mode, index, wrap).view(tensor.dtype)
        as_floats = tensor.to(torch.float32), values.to(torch.float32)
        made = _updated(x, as_floats[0], plan, as_floats[1], kind, unique, mode, index, wrap)
        return border.cast(made, tensor.dtype)
    if tensor.dtype in unsigned.WIDE:  # the same bits, wrapping the same way
        bits = {2: torch.int16, 4: torch.int32, 8: torch.int64}[tensor.dtype.itemsize]
        back = _updated(x, tensor.view(bits), plan, values.view(bits), kind, unique, mode, index, wrap)
        return back.view(tensor.dtype)
    if tensor.dtype is torch.bool and kind in ("min", "max"):
        narrow = tensor.to(torch.uint8), values.to(torch.uint8)
        return _updated(x, narrow[0], plan, narrow[1], kind, unique, mode, index, wrap) != 0
    clip = mode is GatherScatterMode.CLIP
    if plan.missed and not clip:
        return tensor
    static = not (plan.lookups or plan.windows or plan.flips or plan.expand)
    if static and not (plan.missed and clip):
        return _put(tensor, plan, values, kind)
    return _scatter(x, tensor, plan, values, kind, unique, clip, index, wrap)


_COMBINE: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "set": lambda old, new: new,
    "add": torch.add,
    "sub": torch.sub,
    "mul": torch.mul,
    "min": torch.minimum,
    "max": torch.maximum,
}


def _put(tensor: Tensor, plan: Plan, values: Tensor, kind: str) -> Tensor:
    """Update the part that slices and numbers select; ``values`` has the result's new axes still."""
    for axis in reversed(indexing.new_axes(plan)):
        values = values.select(axis, 0)
    views = plan.views
    if STATE.frame is None:  # nobody else sees the copy
        made = tensor.clone()
        if kind == "set":
            made[views] = values
        else:
            made[views] = _COMBINE[kind](tensor[views], values)
        return made
    if kind != "set":
        values = _COMBINE[kind](tensor[views], values)
    return _put_back(tensor, views, 0, values)


def _put_back(tensor: Tensor, views: tuple[Any, ...], axis: int, values: Tensor) -> Tensor:
    for k, view in enumerate(views):
        if view is indexing.ANY_SLICE:
            axis += 1
            continue
        rest = views[k + 1 :]
        if type(view) is slice:
            part = tensor[(*[indexing.ANY_SLICE] * axis, view)]
            inner = _put_back(part, rest, axis + 1, values)
            start, stop, step = view.indices(tensor.shape[axis])
            return tensor.slice_scatter(inner.expand(part.shape), axis, start, stop, step)
        part = tensor.select(axis, view)
        inner = _put_back(part, rest, axis, values)
        return tensor.select_scatter(inner.expand(part.shape), axis, view)
    return values.expand(tensor.shape)


def _positions(x: Array, index: Any, wrap: bool, clip: bool, device: torch.device) -> Tensor:
    """Flat positions that ``index`` selects, in the result's shape; -1 where out of bounds."""
    flat = torch.arange(x.size, device=indexing.default_torch_device()).reshape(x.shape)
    found = indexing.take(Array(flat), index, "clip" if clip else "fill", None if clip else -1, wrap=wrap)
    del device
    return unwrap(found)


def _scatter(
    x: Array,
    tensor: Tensor,
    plan: Plan,
    values: Tensor,
    kind: str,
    unique: bool,
    clip: bool,
    index: Any,
    wrap: bool,
) -> Tensor:
    payload = tensor.shape[x.ndim :]  # of keys
    size = x.size
    at = _positions(x, index, wrap, clip, tensor.device).reshape(-1)
    flat = tensor.reshape(size, *payload)
    new = values.reshape(-1, *payload)
    at = torch.where(at < 0, size, at)  # past the end
    padded = torch.cat([flat, flat.new_zeros((1, *payload))])
    no_repeats = unique or not plan.lookups
    if kind == "set" and not no_repeats:
        at = _last_of_repeats(at, size)
    spread = at.reshape(-1, *[1] * len(payload)).expand(at.shape[0], *payload) if payload else at
    if kind == "set":
        out = padded.scatter(0, spread, new)
    elif kind in ("add", "sub"):
        out = padded.scatter_add(0, spread, -new if kind == "sub" else new)
    elif no_repeats:
        out = padded.scatter(0, spread, _COMBINE[kind](padded.gather(0, spread), new))
    else:
        if kind == "mul" and _differentiated(tensor, values):
            raise NotImplementedError("scatter_mul gradients are only implemented if `unique_indices=True`")
        how = {"mul": "prod", "min": "amin", "max": "amax"}[kind]
        out = padded.scatter_reduce(0, spread, new, how, include_self=True)
    return out[:size].reshape(tensor.shape)


def _last_of_repeats(at: Tensor, size: int) -> Tensor:
    """The positions with all but the last of each repeated one sent past the end."""
    order = torch.arange(at.shape[0], device=indexing.default_torch_device())
    last = torch.full((size + 1,), -1, device=indexing.default_torch_device()).scatter_reduce(0, at, order, "amax")
    return torch.where(last.gather(0, at) == order, at, size)


def _differentiated(*tensors: Tensor) -> bool:
    return any(border.raw_parts(t) in ("grad", "jvp") for t in tensors)


def _apply(ref: IndexUpdateRef, func: Callable[[Any], Any], unique: bool, mode: Any, wrap: bool) -> Array:
    x = ref.array
    plan = indexing.make_plan(ref.index, x.shape, wrap=wrap)
    repeats = 1
    if plan.lookups and not unique:
        at = border.concrete_tensor(Array(_positions(x, ref.index, wrap, clip=False, device=unwrap(x).device)))
        if at is not None and at.numel():
            inside = at.reshape(-1)[at.reshape(-1) >= 0]
            repeats = int(torch.bincount(inside).max()) if inside.numel() else 1
    if repeats == 1:
        old = indexing.take(x, ref.index, "clip", wrap=wrap)
        return _update(ref, "set", func(old), unique, mode, wrap)
    counts = _update(
        IndexUpdateRef(Array(torch.zeros(x.shape, dtype=torch.int32, device=indexing.default_torch_device())), ref.index),
        "add",
        1,
        unique,
        mode,
        wrap,
    )
    for k in range(repeats):
        changed = func(x)
        again = unwrap(counts) > k
        x = Array(torch.where(again, unwrap(astype(asarray(changed), x.dtype)), unwrap(x)), x._tag)
    return x


Array.at = property(functools.partial(IndexUpdateHelper))  # pyright: ignore[reportAttributeAccessIssue]
