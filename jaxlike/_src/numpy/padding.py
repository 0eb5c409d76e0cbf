"""padding: `pad` in every mode of numpy's.

Modes that repeat elements pick them by an index that numpy's own pad makes of ``arange(n)``, one axis at a
time. The others join what they compute (ramps, statistics, constants) to both ends of each axis in turn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src import dtypes, unsigned
from jaxlike._src.array import Array
from jaxlike._src.border import asarray, concrete_or_error, scalar_value, to_numpy, unwrap
from jaxlike._src.numpy import create
from jaxlike._src.numpy.arguments import astype, known_index, like, one_array
from jaxlike._src.numpy.averages import mean
from jaxlike._src.numpy.quantiles import median
from jaxlike._src.numpy.ranges import linspace
from jaxlike._src.numpy.reduce import amax, amin
from jaxlike._src.numpy.rounding import round
from jaxlike._src.numpy.shape import broadcast_array

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from jaxlike._src.typing import ArrayLike

    Pairs = list[tuple[Any, Any]]

_OPTIONS: dict[str, tuple[str, ...]] = {
    "empty": (),
    "edge": (),
    "wrap": (),
    "constant": ("constant_values",),
    "linear_ramp": ("end_values",),
    "maximum": ("stat_length",),
    "mean": ("stat_length",),
    "median": ("stat_length",),
    "minimum": ("stat_length",),
    "reflect": ("reflect_type",),
    "symmetric": ("reflect_type",),
}
_STATISTICS: dict[str, Any] = {"maximum": amax, "minimum": amin, "mean": mean, "median": median}


def pad(array: ArrayLike, pad_width: Any, mode: str | Callable[..., Any] = "constant", **kwargs: Any) -> Array:
    """``array`` with elements added before and after it along each axis.

    Args:
        array: array of any shape.
        pad_width: how many: ((before, after), ...) for each axis, or one pair or number for all of them.
        mode: "constant", "edge", "linear_ramp", "maximum", "mean", "median", "minimum", "reflect",
            "symmetric", "wrap", "empty" (zeros), or a function as in numpy that returns the padded vector.
        kwargs: ``constant_values`` (for "constant"), ``end_values`` ("linear_ramp"), ``stat_length``
            (statistics), ``reflect_type`` "even" or "odd"; for a function what it is called with.
    """
    x = one_array("pad", array)
    widths = _pairs(pad_width, x.ndim, "pad_width")
    if not all(isinstance(n, int | np.integer) for pair in widths for n in pair):
        raise TypeError("`pad_width` must be of integral type.")
    if callable(mode):
        return _by_function(x, widths, mode, kwargs)
    if mode not in _OPTIONS:
        raise NotImplementedError(f"Unimplemented padding mode '{mode}' for np.pad.")
    unknown = set(kwargs) - set(_OPTIONS[mode])
    if unknown:
        raise ValueError(f"unsupported keyword arguments for mode '{mode}': {unknown}")
    if x.ndim == 0:
        return x
    if any(n < 0 for pair in widths for n in pair):
        raise ValueError("index can't contain negative values")
    if mode == "constant":
        return _constant(x, widths, create.asarray(kwargs.get("constant_values", 0)))
    if mode in ("wrap", "edge") or (mode in ("symmetric", "reflect") and kwargs.get("reflect_type", "even") == "even"):
        return _by_index(x, widths, mode)
    if mode in ("symmetric", "reflect"):
        return _odd_reflection(x, widths, mode)
    if mode == "linear_ramp":
        return _linear_ramp(x, _axis_widths(x, widths), kwargs.get("end_values", 0))
    if mode == "empty":
        return _constant(x, widths, asarray(0))
    return _statistic(x, widths, _STATISTICS[mode], kwargs.get("stat_length"))


def _known(x: Any, name: str) -> Any:
    if isinstance(x, tuple | list):
        return [_known(v, name) for v in x]
    known = concrete_or_error(None, x, f"{name} argument of jnp.pad")
    return to_numpy(known) if isinstance(known, Array) else known


def _pairs(given: Any, rank: int, name: str) -> Pairs:
    """A number, a pair, or pairs, as a pair for each axis."""
    if type(given) is int:
        return [(given, given)] * rank
    try:
        values = np.asarray(_known(given, name))
    except ValueError as error:
        if "inhomogeneous shape" in str(error):
            raise TypeError(f"`{name}` entries must be the same shape: {given}") from error
        raise
    if values.shape == (rank, 2):
        return [(low, high) for low, high in values]
    if values.shape in ((1, 2), (2,)):
        low, high = values.reshape(2)
        return [(low, high)] * rank
    if values.shape in ((1,), ()):
        both = values.reshape(())[()]
        return [(both, both)] * rank
    raise ValueError(
        f"jnp.pad: {name} with nd={rank!r} has unsupported shape {values.shape}. Valid shapes are ({rank}, "
        "2), "
        "(1, 2), (2,), (1,), or ()."
    )


def _axis_widths(x: Array, widths: Pairs) -> list[tuple[int, int, int]]:
    """(axis, before, after), as plain ints."""
    return [(i, int(low), int(high)) for i, (low, high) in enumerate(widths) if i < x.ndim]


def _constant(x: Array, widths: Pairs, values: Array) -> Array:
    tensor = unwrap(x)
    number = scalar_value(values._t) if values.ndim == 0 else None
    if number == 0 and not (tensor.dtype in unsigned.WIDE or tensor.dtype.itemsize == 1):
        amounts = [int(n) for pair in reversed(widths) for n in pair]
        return like(x, torch.constant_pad_nd(tensor, amounts, 0))
    values = astype(values, x.dtype)
    if values.ndim == 1 and values.shape[0] not in (1, 2):
        raise ValueError(
            f"jnp.pad: constant_values has unsupported shape {values.shape}. If the shape is 1D or 2D, the "
            "last "
            "dimension must be of size 1 or 2."
        )
    one_value = values.ndim == 0 or values.shape == (1,)
    pairs = unwrap(values).reshape(()) if one_value else unwrap(broadcast_array(values, (x.ndim, 2)))
    for axis, low, high in _axis_widths(x, widths):
        before, after = (pairs, pairs) if one_value else (pairs[axis, 0], pairs[axis, 1])
        tensor = _joined(tensor, axis, _filled(before, tensor, axis, low), _filled(after, tensor, axis, high))
    return like(x, tensor)


def _filled(value: Tensor, beside: Tensor, axis: int, count: int) -> Tensor | None:
    if count == 0:
        return None
    sizes = list(beside.shape)
    sizes[axis] = count
    return value.to(beside.device).expand(sizes)


def _joined(tensor: Tensor, axis: int, before: Tensor | None, after: Tensor | None) -> Tensor:
    parts = [t for t in (before, tensor, after) if t is not None]
    return torch.cat(parts, axis) if len(parts) > 1 else tensor


def _by_index(x: Array, widths: Pairs, mode: str) -> Array:
    tensor = unwrap(x)
    for axis, low, high in _axis_widths(x, widths):
        size = tensor.shape[axis]
        if _nothing_to_repeat(size, low, high, mode):
            continue
        picks = np.pad(np.arange(size), (low, high), mode=mode)  # pyright: ignore[reportArgumentType, reportCallIssue]
        tensor = unsigned.moved_as_signed(torch.index_select, tensor, axis, known_index(picks, tensor))
    return like(x, tensor)


def _nothing_to_repeat(size: int, low: int, high: int, mode: str) -> bool:
    """Whether an axis stays as it is; an error where it is empty and must not."""
    if size == 0 and (low or high):
        raise ValueError(f"Cannot apply '{mode}' padding to empty axis")
    return not (low or high)


def _odd_reflection(x: Array, widths: Pairs, mode: str) -> Array:
    """Reflected about the value at the edge: ``2 * edge - element``."""
    tensor = unwrap(x)
    for axis, low, high in _axis_widths(x, widths):
        size = tensor.shape[axis]
        if _nothing_to_repeat(size, low, high, mode):
            continue
        skip = 1 if mode == "reflect" and size > 1 else 0
        tensor = _reflected(tensor, axis, low, size, skip)
        tensor = _reflected(tensor.flip(axis), axis, high, size, skip).flip(axis)
    return like(x, tensor)


def _reflected(tensor: Tensor, axis: int, missing: int, size: int, skip: int) -> Tensor:
    """``missing`` elements in front of the axis, at most ``size - skip`` at a time."""
    edge = tensor.narrow(axis, 0, 1)
    while missing > 0:
        count = min(missing, size - skip)
        missing -= count
        mirrored = 2 * edge - tensor.narrow(axis, skip, count).flip(axis)
        if size > 1:
            edge = mirrored.narrow(axis, 0, 1)
        tensor = torch.cat([mirrored, tensor], axis)
    return tensor


def _linear_ramp(x: Array, widths: list[tuple[int, int, int]], end_values: Any) -> Array:
    ends = _pairs(end_values, x.ndim, "end_values")
    tensor = unwrap(x)
    for axis, low, high in widths:
        size = tensor.shape[axis]

        def ramp(end: Any, edge: Tensor, count: int, axis: int = axis) -> Tensor:
            start = end.item() if isinstance(end, np.generic) else end
            made = linspace(start, Array(edge), count, endpoint=False, dtype=x.dtype, axis=axis)
            return unwrap(made)

        before = ramp(ends[axis][0], tensor.select(axis, 0), low)
        after = ramp(ends[axis][1], tensor.select(axis, size - 1), high)
        tensor = torch.cat([before, tensor, after.flip(axis)], axis)
    return like(x, tensor)


def _statistic(x: Array, widths: Pairs, statistic: Callable[..., Array], stat_length: Any) -> Array:
    lengths = None if stat_length is None else _pairs(stat_length, x.ndim, "stat_length")
    for axis, low, high in _axis_widths(x, widths):
        tensor = unwrap(x)
        size = tensor.shape[axis]
        if lengths is None:
            before = after = statistic(x, axis=axis, keepdims=True)
        else:
            first, last = (int(n) for n in lengths[axis])
            if first == 0 or last == 0:
                raise ValueError("stat_length of 0 yields no value for padding")
            first, last = min(first, size), min(last, size)
            before = statistic(like(x, tensor.narrow(axis, 0, first)), axis=axis, keepdims=True)
            after = statistic(like(x, tensor.narrow(axis, size - last, last)), axis=axis, keepdims=True)
        if dtypes.issubdtype(x.dtype, np.integer):
            before, after = round(before), round(after)
        sides = [
            unwrap(astype(s, x.dtype)).expand([n if i == axis else m for i, m in enumerate(tensor.shape)])
            for s, n in ((before, low), (after, high))
        ]
        x = like(x, torch.cat([sides[0], tensor, sides[1]], axis))
    return x


def _by_function(x: Array, widths: Pairs, function: Callable[..., Any], options: dict[str, Any]) -> Array:
    from jaxlike._src.numpy.vectorize import apply_along_axis  # imported here: it is a layer above

    padded = _constant(x, widths, asarray(0))
    for axis in range(padded.ndim):
        padded = apply_along_axis(function, axis, padded, widths[axis], axis, options)
    return padded
