"""indexing: an index is parsed once into a Plan; reading (`take` here) and `.at[]` (at.py) both follow it.

The rules are JAX's: numpy's for what is selected and where axes go, but nothing depends on traced values:
reads out of bounds clamp (or fill), writes out of bounds are dropped, after one wrap of negative numbers.
A Plan is a view (slices and fixed numbers, torch's own indexing), then windows (`Slice`), then lookups
(arrays of positions, which broadcast together), then the order of the result's axes.
Positions are numpy arrays where their values are known, tensors where they are not (vmap, jit, a GPU).
"""

from __future__ import annotations

import enum
import itertools
import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

import numpy as np
import torch

from jaxlike._src import dtypes, errors, torch_private
from jaxlike._src.array import Array, constant
from jaxlike._src.border import asarray, concrete_or_error, concrete_tensor, scalar, unwrap
from jaxlike._src.devices import default_torch_device
from jaxlike._src.frames import STATE, running
from jaxlike._src.unsigned import WIDE

if TYPE_CHECKING:
    from torch import Tensor

Positions: TypeAlias = "np.ndarray[Any, Any] | Tensor"
ANY_SLICE: Final = slice(None)


class GatherScatterMode(enum.Enum):
    """What becomes of positions out of bounds: moved to the nearest, filled or dropped, or promised away."""

    CLIP = enum.auto()
    FILL_OR_DROP = enum.auto()
    PROMISE_IN_BOUNDS = enum.auto()
    ONE_HOT = enum.auto()

    @staticmethod
    def from_any(s: str | GatherScatterMode | None) -> GatherScatterMode:
        """The mode of a name: "clip", "fill" or "drop" (also None), "promise_in_bounds", "one_hot"."""
        if isinstance(s, GatherScatterMode):
            return s
        found = _MODES.get(s) if s is None or isinstance(s, str) else None
        if found is None:
            raise ValueError(f'Unknown gather mode "{s}"')
        return found


_MODES: Final[dict[str | None, GatherScatterMode]] = {
    None: GatherScatterMode.FILL_OR_DROP,
    "fill": GatherScatterMode.FILL_OR_DROP,
    "drop": GatherScatterMode.FILL_OR_DROP,
    "clip": GatherScatterMode.CLIP,
    "promise_in_bounds": GatherScatterMode.PROMISE_IN_BOUNDS,
    "one_hot": GatherScatterMode.ONE_HOT,
}


@dataclass(slots=True)
class Slice:
    """An index of ``size`` positions from ``start``, which may be traced; made by `ds`."""

    start: Any
    size: Any
    stride: int = 1

    def __post_init__(self) -> None:
        """Only forward strides."""
        if self.stride < 0:
            raise ValueError("`stride` must be >= 0.")

    @property
    def is_dynamic_start(self) -> bool:
        """Whether the start is an array."""
        return not isinstance(self.start, int | np.integer)

    @property
    def is_dynamic_size(self) -> bool:
        """Whether the size is an array."""
        return not isinstance(self.size, int | np.integer)

    def tree_flatten(self) -> tuple[tuple[Any, Any], tuple[Any, Any, int]]:
        """Arrays are children, numbers are part of the structure."""
        start, size = self.is_dynamic_start, self.is_dynamic_size
        children = (self.start if start else None, self.size if size else None)
        return children, (None if start else self.start, None if size else self.size, self.stride)

    @classmethod
    def tree_unflatten(cls, aux_data: Any, children: Any) -> Slice:
        """Inverse of `tree_flatten`."""
        start, size = (a if a is not None else b for a, b in zip(children, aux_data[:2], strict=True))
        return cls(start, size, aux_data[2])

    @classmethod
    def from_slice(cls, slc: slice, size: int) -> Slice:
        """The Slice that a Python slice with forward steps selects of ``size`` positions."""
        start, stop, step = slc.indices(size)
        if step < 1:
            raise ValueError(f"slice must have a step >= 1 (found: {step})")
        return cls(start, len(range(start, stop, step)), step)


def dslice(start: Any, size: Any = None, stride: int | None = None) -> slice | Slice:
    """An index of a fixed number of positions from a start that may be traced.

    ``dslice(None)`` is ``:``, ``dslice(n)`` is ``:n``, ``dslice(i, n)`` is ``i:i+n``.
    """
    if start is None:
        return ANY_SLICE
    if stride is None:
        stride = 1
    if not isinstance(stride, int):
        raise ValueError("Non-static stride in `dslice`")
    if size is None:
        start, size = 0, start
    return Slice(start, size, stride)


ds = dslice


# Parsing


class Part(NamedTuple):
    """One entry of an index: what kind it is, its value, and the axes of the array that it stands for."""

    kind: str  # "none", "ellipsis", "slice", "window", "int", "bool" or "array"
    value: Any
    axes: tuple[int, ...] = ()


_KINDS_OF_TYPES: Final[dict[type, str]] = {
    int: "int",
    slice: "slice",
    bool: "bool",
    type(None): "none",
    type(Ellipsis): "ellipsis",
    Slice: "window",
    np.bool_: "bool",
}


def _kind_and_value(entry: Any) -> tuple[str, Any]:
    found = _KINDS_OF_TYPES.get(type(entry))
    if found is not None:
        return found, entry
    if isinstance(entry, int | np.integer):
        return "int", entry
    if isinstance(entry, str):
        raise TypeError(f"JAX does not support string indexing; got idx={entry!r}")
    if isinstance(entry, Sequence):
        from jaxlike._src.numpy.create import asarray as as_array  # needed for lists within an index only

        entry = as_array(entry) if entry else np.zeros(0, np.int32)
    if isinstance(entry, Array | np.ndarray):
        if entry.dtype == np.bool_:
            return "bool", entry
        if dtypes.issubdtype(entry.dtype, np.integer):
            return "array", entry
        raise TypeError(f"Indexer must have integer or boolean type, got indexer with type {entry.dtype}")
    if isinstance(entry, float | complex | np.generic):
        raise TypeError(f"Indexer must have integer or boolean type, got indexer with type {np.dtype(type(entry))}")
    raise IndexError(
        "only integers, slices (`:`), ellipsis (`...`), newaxis (`None`) and integer or boolean arrays are "
        f"valid indices. Got {entry}"
    )


def _as_tuple(index: Any) -> tuple[Any, ...]:
    if isinstance(index, tuple):
        return index
    if isinstance(index, Sequence) and not isinstance(index, str):
        nested = any(
            (isinstance(i, np.ndarray | Array) and i.ndim != 0)
            or isinstance(i, Sequence | slice)
            or i is Ellipsis
            or i is None
            for i in index
        )
        raise TypeError(
            "Using a non-tuple sequence for multidimensional indexing is not allowed; use "
            f"`arr[{'tuple' if nested else 'array'}(seq)]` instead of `arr[seq]`. "
            "See https://github.com/jax-ml/jax/issues/4564 for more information."
        )
    return (index,)


def parse(index: Any, shape: tuple[int, ...]) -> list[Part]:
    """The entries of ``index``, each with its kind and the axes of ``shape`` that it stands for."""
    entries = [_kind_and_value(entry) for entry in _as_tuple(index)]
    if [kind for kind, _ in entries].count("ellipsis") > 1:
        raise IndexError("an index can only have a single ellipsis ('...')")
    widths = [0 if k in ("none", "ellipsis") else np.ndim(v) if k == "bool" else 1 for k, v in entries]
    consumed = sum(widths)
    if consumed > len(shape):
        raise IndexError(f"Too many indices: array is {len(shape)}-dimensional, but {consumed} were indexed")
    parts: list[Part] = []
    axis = 0
    for (kind, value), width in zip(entries, widths, strict=True):
        width = len(shape) - consumed if kind == "ellipsis" else width
        parts.append(Part(kind, value, tuple(range(axis, axis + width))))
        axis += width
    return parts


def known_values(x: Any) -> np.ndarray[Any, Any] | None:
    """The values of an index array, unless they are traced or would have to be fetched from a GPU."""
    if isinstance(x, Array):
        tensor = concrete_tensor(x)
        if tensor is None or tensor.device.type != "cpu":
            return None
        with torch_private.outside():
            return tensor.numpy()
    return np.asarray(x)


def _positions_of_masks(parts: list[Part], shape: tuple[int, ...]) -> list[Part]:
    """Boolean arrays become the positions of their True entries; their values must be known."""
    if all(part.kind != "bool" for part in parts):
        return parts
    out: list[Part] = []
    for position, part in enumerate(parts):
        if part.kind != "bool":
            out.append(part)
            continue
        try:
            mask = concrete_or_error(np.asarray, part.value)
        except errors.ConcretizationTypeError:
            raise errors.NonConcreteBooleanIndexError(part.value.aval) from None
        if mask.ndim == 0:
            out.append(Part("bool", bool(mask)))
            continue
        expected = [shape[axis] for axis in part.axes]
        if not all(got in (0, want) for got, want in zip(mask.shape, expected, strict=True)):
            raise IndexError(
                f"boolean index did not match shape of indexed array in index {position}: got {mask.shape}, "
                f"expected {expected}"
            )
        out += [Part("array", i, (axis,)) for i, axis in zip(np.nonzero(mask), part.axes, strict=True)]
    return out


def _slice_bounds(index: slice, size: int, position: int) -> tuple[int, int, int]:
    """(first, number of steps, step) of a slice with static entries."""
    entries: list[int | None] = []
    for entry in (index.start, index.stop, index.step):
        if entry is None or type(entry) is int:
            entries.append(entry)
            continue
        try:
            entries.append(operator.index(entry))
        except errors.TracerIntegerConversionError:
            raise IndexError(f"Slice entries must be static integers. Got {index} at position {position}") from None
    start, stop, step = slice(*entries).indices(size)
    return start, len(range(start, stop, step)), step


# The plan

NEW, FOUND = -1, -2  # axes of a result that are none of the viewed array: None's, and those of the lookups


@dataclass(slots=True)
class Window:
    """``size`` positions from ``start`` along one axis; moved or dropped as a whole if the stride is 1."""

    axis: int
    start: Positions
    size: int
    stride: int
    length: int  # of the axis


@dataclass(slots=True)
class Lookup:
    """Positions along one axis, negative ones wrapped."""

    axis: int
    at: Positions
    length: int  # of the axis


@dataclass(slots=True)
class Plan:
    """How an index reads from an array, and the other way round how values go there."""

    expand: tuple[int, ...]  # axes of size 1 that scalar booleans put in first
    views: tuple[Any, ...]  # for each axis then: a slice with a forward step, or a number
    flips: tuple[int, ...]  # viewed axes that backward slices turn round
    windows: tuple[Window, ...]
    lookups: tuple[Lookup, ...]
    found: tuple[int, ...]  # the common shape of the lookups
    order: tuple[int, ...]  # the result's axes: viewed ones and NEW; FOUND stands for all of the lookups'
    shape: tuple[int, ...]  # of the result
    missed: bool  # a number is out of bounds (its view is clamped)

    @property
    def is_whole(self) -> bool:
        """Whether the view is all of the array."""
        return all(v is ANY_SLICE for v in self.views)

    @property
    def is_known(self) -> bool:
        """Whether the values of all positions are known."""
        return all(isinstance(k.at, np.ndarray) for k in self.lookups) and all(
            isinstance(w.start, np.ndarray) for w in self.windows
        )


def _wrapped(value: Any, size: int, wrap: bool) -> Positions:
    """Index values as int64 positions; signed negative ones count from the end."""
    known = known_values(value)
    if known is not None:
        at = known.astype(np.int64)
        # numpy's functions make 0-d arrays scalars.
        return np.asarray(np.where(at < 0, at + size, at)) if wrap and known.dtype.kind == "i" else at
    tensor = unwrap(asarray(value))
    wrap = wrap and tensor.dtype.is_signed
    tensor = tensor.to(torch.int64)
    return torch.where(tensor < 0, tensor + scalar(size, torch.int64), tensor) if wrap else tensor


def _complete(parts: list[Part], shape: tuple[int, ...]) -> tuple[list[Part], tuple[int, ...], tuple[int, ...]]:
    """The parts with a slice for every axis that is not mentioned, and scalar booleans as lookups.

    x[True] looks up position 0 of a new axis of size 1, x[False] none. Returns parts, shape, new axes.
    """
    every: list[Part] = []
    sizes: list[int] = []
    expand: list[int] = []
    mentioned = sum(len(p.axes) for p in parts)
    for part in [*parts, Part("ellipsis", ..., tuple(range(mentioned, len(shape))))]:
        if part.kind == "none":
            every.append(part)
        elif part.kind == "bool":
            every.append(Part("array", np.arange(int(part.value)), (len(sizes),)))
            expand.append(len(sizes))
            sizes.append(1)
        else:
            for axis in part.axes:
                every.append(Part("slice", ANY_SLICE) if part.kind == "ellipsis" else part)
                sizes.append(shape[axis])
    return every, tuple(sizes), tuple(expand)


def make_plan(index: Any, shape: tuple[int, ...], *, wrap: bool = True) -> Plan:
    """Parse ``index`` for an array of ``shape``; ``wrap``: negative numbers count from the end."""
    parts = _positions_of_masks(parse(index, shape), shape)
    numbers = [n for n, p in enumerate(parts) if p.kind in ("int", "array")]
    adjacent = all(b == a + 1 for a, b in itertools.pairwise(numbers))
    parts, sizes, expand = _complete(parts, shape)
    gathers = any(p.kind == "array" and np.ndim(p.value) for p in parts)

    views: list[Any] = []
    flips: list[int] = []
    windows: list[Window] = []
    lookups: list[Lookup] = []
    order = [FOUND] if gathers and not adjacent else []
    extents: dict[int, int] = {NEW: 1}
    missed = False
    for position, part in enumerate(parts):
        kind, value = part.kind, part.value
        if kind == "none":
            order.append(NEW)
            continue
        size, axis = sizes[len(views)], sum(type(v) is slice for v in views)
        if kind == "slice":
            start, count, step = _slice_bounds(value, size, position)
            if step < 0:
                start, step = start + (count - 1) * step, -step
                flips.append(axis)
            full = count == size and step == 1
            views.append(ANY_SLICE if full else slice(start, start + (count - 1) * step + 1 if count else start, step))
            order.append(axis)
            extents[axis] = count
        elif kind == "window":
            views.append(ANY_SLICE)
            windows.append(_window(value, axis, size, wrap and not gathers))
            order.append(axis)
            extents[axis] = windows[-1].size
        elif size == 0 and not gathers:
            raise IndexError(f"index is out of bounds for axis {len(views)} with size 0")
        elif kind == "int" and not gathers:
            number = operator.index(value)
            number += size if wrap and number < 0 else 0
            missed = missed or not 0 <= number < size
            views.append(min(max(number, 0), size - 1))
        else:
            views.append(ANY_SLICE)
            lookups.append(Lookup(axis, _wrapped(value, size, wrap), size))
            if gathers and FOUND not in order:
                order.append(FOUND)
    found = _common_shape([tuple(k.at.shape) for k in lookups])
    result: list[int] = []
    for token in order:
        result += found if token == FOUND else [extents[token]]
    return Plan(
        expand, tuple(views), tuple(flips), tuple(windows), tuple(lookups), found, tuple(order), tuple(result), missed
    )  # fmt: skip


def _window(value: Slice, axis: int, length: int, wrap: bool) -> Window:
    size = operator.index(value.size)
    if size > length:
        raise TypeError(
            f"slice slice_sizes must be less than or equal to operand shape, got slice_sizes ({size},) for operand "
            f"shape ({length},)."
        )
    return Window(axis, _wrapped(value.start, length, wrap and value.stride == 1), size, value.stride, length)


def _common_shape(shapes: list[tuple[int, ...]]) -> tuple[int, ...]:
    if len(shapes) < 2:
        return shapes[0] if shapes else ()
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        raise ValueError(f"Incompatible shapes for broadcasting: shapes={shapes}") from None


# Positions


def bounded(at: Positions, length: int, check: bool = True) -> tuple[Positions, Positions | None]:
    """Positions moved into ``range(length)``, and which were there (None: all, or not asked)."""
    if isinstance(at, np.ndarray):
        inside = (at >= 0) & (at < length)
        if inside.all():
            return at, None
        return np.asarray(at.clip(0, length - 1)), np.asarray(inside) if check else None
    last = scalar(length - 1, torch.int64)
    inside = (at >= scalar(0, torch.int64)) & (at <= last) if check else None
    return at.clamp(0, length - 1), inside


def bounded_window(window: Window, check: bool = True) -> tuple[Positions, Positions | None]:
    """The positions of a window, in bounds, and which of them count (for stride 1: all or none)."""
    steps = np.arange(window.size) * window.stride
    if window.stride != 1:
        return bounded(_plus(window.start, steps), window.length, check)
    start, inside = bounded(window.start, window.length - window.size + 1, check)
    return _plus(start, steps), inside


def _plus(start: Positions, steps: np.ndarray[Any, Any]) -> Positions:
    return np.asarray(start + steps) if isinstance(start, np.ndarray) else start + tensor_of(steps, start.device)


def both(a: Positions | None, b: Positions | None) -> Positions | None:
    """Where both hold; None stands for everywhere."""
    if a is None or b is None:
        return b if a is None else a
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return np.asarray(a & b)
    device = next(x.device for x in (a, b) if isinstance(x, torch.Tensor))
    return tensor_of(a, device) & tensor_of(b, device)


def tensor_of(at: Positions, device: torch.device) -> Tensor:
    """Positions (or a mask) as a tensor that may be used with tensors of ``device`` here."""
    if not isinstance(at, np.ndarray):
        return at
    with torch_private.outside():
        own = at if at.flags.writeable and at.flags.c_contiguous else at.copy()
        tensor = torch.from_numpy(own)
        tensor = tensor.to(default_torch_device() if device.type == "meta" else device)
    return unwrap(constant(tensor))


# Reading


def take(x: Array, index: Any, mode: Any = None, fill_value: Any = None, *, wrap: bool = True) -> Array:
    """``x[index]``; positions out of bounds clamp, or read ``fill_value`` in mode "fill"."""
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
    rank = x.ndim + len(plan.expand)  # what follows is the payload of keys
    check = fill is not None or (plan.found != () and not clip and _may_have_derivative(tensor))
    if 0 in plan.shape:
        return type(x)(tensor.new_zeros((*plan.shape, *tensor.shape[x.ndim :])), x._tag)
    for lookup in plan.lookups:
        if lookup.length == 0:
            raise TypeError(
                f"Slice size at index {lookup.axis} in gather op is out of range, must be within [0, 0 + 1), got 1."
            )
    tensor = viewed(tensor, plan)
    rank -= sum(type(v) is not slice for v in plan.views)
    if plan.flips:
        tensor = flipped(tensor, plan.flips)
    valid: Positions | None = None
    for window in plan.windows:
        at, inside = bounded_window(window, check)
        tensor = tensor[(*[ANY_SLICE] * window.axis, tensor_of(at, tensor.device))]
        if inside is not None:
            valid = both(valid, inside.reshape((-1, *[1] * (rank - 1 - window.axis)) if inside.ndim else ()))
    if valid is not None:  # windows come before lookups change the axes
        tensor = torch.where(_before_payload(valid, tensor, rank), tensor, _outside(tensor, fill))
    if plan.lookups:
        tensor = _looked_up(tensor, plan, rank, fill, check)
    if plan.missed and fill is not None:
        tensor = torch.where(scalar(False, torch.bool), tensor, fill)
    for axis in new_axes(plan):
        tensor = tensor.unsqueeze(axis)
    return type(x)(tensor, x._tag)


def _may_have_derivative(tensor: Tensor) -> bool:
    inexact = tensor.dtype.is_floating_point or tensor.dtype.is_complex
    return STATE.frame is not None and inexact and any(frame.kind == "grad" for frame in running())


def _outside(tensor: Tensor, fill: Tensor | None) -> Tensor:
    """What is read out of bounds: ``fill``, or the nearest element, which has no gradient."""
    return tensor.detach() if fill is None else fill


def _before_payload(valid: Positions, tensor: Tensor, rank: int) -> Tensor:
    payload = tensor.dim() - rank
    return tensor_of(valid.reshape((*valid.shape, *[1] * payload)), tensor.device)


def viewed(tensor: Tensor, plan: Plan) -> Tensor:
    """The part of ``tensor`` that slices and numbers select, backward slices not yet turned round."""
    for axis in plan.expand:
        tensor = tensor.unsqueeze(axis)
    return tensor if plan.is_whole else tensor[plan.views]


def flipped(tensor: Tensor, axes: Sequence[int]) -> Tensor:
    """`torch.flip`, also of unsigned types and float8, which it lacks."""
    if tensor.dtype in WIDE or (tensor.dtype.is_floating_point and tensor.dtype.itemsize == 1):
        bits = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}[tensor.dtype.itemsize]
        return tensor.view(bits).flip(list(axes)).view(tensor.dtype)
    return tensor.flip(list(axes))


def _looked_up(tensor: Tensor, plan: Plan, rank: int, fill: Tensor | None, check: bool) -> Tensor:
    valid: Positions | None = None
    index: list[Any] = [ANY_SLICE] * (plan.lookups[-1].axis + 1)
    for lookup in plan.lookups:
        at, inside = bounded(lookup.at, lookup.length, check)
        index[lookup.axis] = tensor_of(at, tensor.device)
        valid = both(valid, inside)
    payload = tensor.dim() - rank
    # torch would read the values of 0-d positions, which a trace does not have.
    one = [1] * max(1, len(plan.found))
    tensor = tensor[tuple(i if i is ANY_SLICE or i.dim() else i.reshape(one) for i in index)]
    if not plan.found:
        tensor = tensor.select(axes_of_one(plan), 0)
    order = axes_from_lookups(plan, rank)
    if order != sorted(order):
        tensor = tensor.permute(*order, *range(len(order), len(order) + payload))
    if valid is not None:
        after = [t for t in plan.order if t != NEW]
        after = after[after.index(FOUND) + 1 :] if FOUND in after else after
        shape = (*valid.shape, *[1] * (len(after) + payload))
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


def new_axes(plan: Plan) -> list[int]:
    """The axes of the result that None put there, first to last."""
    out: list[int] = []
    at = 0
    for token in plan.order:
        if token == NEW:
            out.append(at)
        at += len(plan.found) if token == FOUND else 1
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
                    return Array(x._t[index], x._tag)
                return Array(x._t[tensors_of(x, index)], x._tag)
            if kind is Array:
                return Array(x._t[tensors_of(x, (index,))], x._tag)
        except _REFUSED:
            return take(x, index)
    return take(x, index)


def is_static(index: tuple[Any, ...]) -> bool:
    """Whether an index is made of numbers, slices, None and at most one Ellipsis."""
    kinds = set(map(type, index))
    return kinds <= _STATIC and (type(Ellipsis) not in kinds or index.count(Ellipsis) == 1)


def _backwards(tensor: Tensor, index: slice) -> Tensor:
    if tensor.dtype in WIDE:
        raise TypeError("torch has no flip of unsigned types")
    start, count, step = _slice_bounds(index, tensor.shape[0], 0)
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
