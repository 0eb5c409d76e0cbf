"""index_plan: an index is parsed once into a Plan; reading (indexing.py) and `.at[]` (at.py) both follow it.

What is selected, and where axes go, are numpy's rules. A Plan is a view (slices and fixed numbers, which torch
indexes by), then windows (`Slice`), then lookups (arrays of positions, which broadcast together), then the order
of the result's axes.
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
from jaxlike._src.border import asarray, concrete_or_error, concrete_tensor, is_traced, scalar, unwrap
from jaxlike._src.devices import default_torch_device
from jaxlike._src.index_watch import index_watch, watch_index
from jaxlike._src.tree import register_pytree_node_class

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


@register_pytree_node_class
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
    if isinstance(entry, torch.Tensor):
        entry = asarray(entry)
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


def as_tuple(index: Any) -> tuple[Any, ...]:
    """The entries of an index; TypeError for a list."""
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
    entries = [_kind_and_value(entry) for entry in as_tuple(index)]
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


def slice_bounds(index: slice, size: int, position: int) -> tuple[int, int, int]:
    """(first, number of steps, step) of a slice with static entries."""
    entries: list[int | None] = []
    for entry in (index.start, index.stop, index.step):
        if entry is None or type(entry) is int:
            entries.append(entry)
            continue
        try:
            entries.append(operator.index(entry))
        except TypeError:
            if not is_traced(entry):
                raise
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
            start, count, step = slice_bounds(value, size, position)
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
    if index_watch.value is not None:
        _tell(sizes, parts, views, windows, lookups)
    return Plan(
        expand, tuple(views), tuple(flips), tuple(windows), tuple(lookups), found, tuple(order), tuple(result), missed
    )  # fmt: skip


def _tell(
    sizes: Sequence[int],
    parts: Sequence[Part],
    views: Sequence[Any],
    windows: Sequence[Window],
    lookups: Sequence[Lookup],
) -> None:
    """Tell who watches of windows and lookups, and of numbers, which are known."""
    axes = [axis for axis, view in enumerate(views) if type(view) is slice]
    for window in windows:
        watch_index(sizes, [axes[window.axis]], [window.start], [window.size])
    watch_index(sizes, [axes[k.axis] for k in lookups], [k.at for k in lookups], [1] * len(lookups))
    kept = [p for p in parts if p.kind != "none"]
    for axis, (part, size) in enumerate(zip(kept, sizes, strict=True)):
        if part.kind == "int" and axis not in axes:
            number = operator.index(part.value)
            watch_index(sizes, [axis], [np.asarray(number + size if number < 0 else number)], [1])


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


def new_axes(plan: Plan) -> list[int]:
    """The axes of the result that None put there, first to last."""
    out: list[int] = []
    at = 0
    for token in plan.order:
        if token == NEW:
            out.append(at)
        at += len(plan.found) if token == FOUND else 1
    return out


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
