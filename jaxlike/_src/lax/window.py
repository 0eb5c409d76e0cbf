"""window: reductions over windows that move over an array, on which pooling is built.

Sums and extremes are taken along one axis after the other, over torch's view of all windows along it, or by
doubling where windows are long. Where an extreme may be differentiated the place of the first one in each window
is found instead, and read: it alone has a derivative. Any other function is applied to one element of all
windows after another, starting with the initial value; what is outside of the array is passed over.
"""

from __future__ import annotations

import functools
import itertools
import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch

from jaxlike._src import dtypes, unsigned
from jaxlike._src.array import Array
from jaxlike._src.border import asarray, astype, concrete_tensor, tensor_to_numpy, unwrap
from jaxlike._src.lax import elementwise
from jaxlike._src.lax.conv_dims import dilated_shape, padtype_to_pads, windows
from jaxlike._src.lax.shape import pad
from jaxlike._src.lax.strict import check_shapelike, compute, operand, result
from jaxlike._src.numpy.arguments import like
from jaxlike._src.numpy.kinks import transformed
from jaxlike._src.numpy.reduction import identity_of
from jaxlike._src.regions import equation
from jaxlike._src.row_update import is_differentiated
from jaxlike._src.transforms.stop_gradient import stopped
from jaxlike._src.transforms.vmap import vmap
from jaxlike._src.tree import tree_flatten, tree_unflatten

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from jaxlike._src.typing import Shape


class Windows(NamedTuple):
    """Sizes, steps and distances of elements, for each axis of an array that has its padding."""

    sizes: tuple[int, ...]
    steps: tuple[int, ...]
    gaps: tuple[int, ...]


class _Kind(NamedTuple):
    """A known reduction: its name, of two tensors, along the last axis, identity, how wide unsigned types compute."""

    name: str
    combine: Any
    along: Any
    identity: Any
    rule: Any
    place: Any = None  # where the chosen element is, for extremes


_SUM = _Kind("sum", torch.add, lambda t: t.sum(-1, dtype=t.dtype), 0, "bits")
_MAX = _Kind("max", torch.maximum, lambda t: t.amax(-1), -math.inf, "order", torch.argmax)
_MIN = _Kind("min", torch.minimum, lambda t: t.amin(-1), math.inf, "order", torch.argmin)
_KINDS = {elementwise.add: _SUM, elementwise.max: _MAX, elementwise.min: _MIN}


def reduce_window(
    operand: Any,
    init_value: Any,
    computation: Callable[..., Any],
    window_dimensions: Shape,
    window_strides: Sequence[int] | None = None,
    padding: str | Sequence[tuple[int, int]] = "VALID",
    base_dilation: Sequence[int] | None = None,
    window_dilation: Sequence[int] | None = None,
) -> Any:
    """The elements in each place of a moving window, combined by a function.

    Args:
        operand: array, or a tree of arrays of one shape.
        init_value: scalars in the same tree, what each window starts with.
        computation: takes two trees of scalars and gives one.
        window_dimensions: sizes of the window.
        window_strides: its steps, 1 by default.
        padding: "VALID", "SAME", "SAME_LOWER", or (before, after) for each axis.
        base_dilation: distance of the elements of ``operand``.
        window_dilation: distance of the elements of the window.
    """
    leaves, tree = tree_flatten(operand)
    starts, start_tree = tree_flatten(init_value)
    if tree != start_tree:
        raise ValueError(f"Operands must have the same tree structure as init_values: {tree} vs. {start_tree}")
    if not leaves:
        raise ValueError("reduce_window must have at least one operand.")
    arrays = [_operand("reduce_window", x, k) for k, x in enumerate(leaves)]
    inits = [_operand("reduce_window", x, len(leaves) + k) for k, x in enumerate(starts)]
    shape, rank = arrays[0].shape, len(window_dimensions)
    ones = (1,) * rank
    steps = ones if window_strides is None else window_strides
    holes = ones if base_dilation is None else base_dilation
    gaps = ones if window_dilation is None else window_dilation
    _check(shape, window_dimensions, steps, holes, gaps)
    if isinstance(padding, str):
        pads = padtype_to_pads(shape, dilated_shape(window_dimensions, gaps), steps, padding)
    else:
        pads = [(low, high) for low, high in padding]
        if len(pads) != rank:
            raise ValueError(f"safe_zip() argument 1 has length {len(pads)} but argument 0 has length {rank}.")
    kind = _known(computation, inits)
    if kind is _SUM and not dtypes.issubdtype(arrays[0].dtype, np.number):
        raise TypeError(f"operand to reduce_window_sum must have a number dtype, got {arrays[0].dtype.name}")
    if kind is None:
        given, start_dtypes = [a.dtype for a in arrays], [i.dtype for i in inits]
        if given != start_dtypes:
            raise TypeError(
                "reduce_window got inconsistent dtypes for operands and init_values: got operand dtypes "
                f"{given} and init_value dtypes {start_dtypes}."
            )
        if any(i.shape for i in inits):
            raise TypeError(
                "reduce_window expected init_values to be scalars but init_values have shapes "
                f"{[i.shape for i in inits]}."
            )
    window = Windows(tuple(window_dimensions), tuple(steps), tuple(gaps))
    config = [(low, high, hole - 1) for (low, high), hole in zip(pads, holes, strict=True)]
    out_shape = reduce_window_shape_tuple(shape, window_dimensions, steps, pads, holes, gaps)
    if kind is not None:
        params = {
            "window_dimensions": tuple(window_dimensions),
            "window_strides": tuple(steps),
            "padding": tuple(map(tuple, pads)),
            "base_dilation": tuple(holes),
            "window_dilation": tuple(gaps),
        }
        shown = equation(f"reduce_window_{kind.name}", lambda x, *_: ((x,), params))(_reduced)
        return shown(arrays[0], kind, window, config, out_shape)
    outs = _folded(arrays, inits, tree, computation, window, config, out_shape)
    return tree_unflatten(tree, outs)


_operand = operand


def reduce_window_shape_tuple(
    operand_shape: Sequence[int],
    window_dimensions: Sequence[int],
    window_strides: Sequence[int],
    padding: Sequence[tuple[int, int]],
    base_dilation: Sequence[int] | None = None,
    window_dilation: Sequence[int] | None = None,
) -> tuple[int, ...]:
    """The shape of `reduce_window`."""
    sizes = operand_shape if base_dilation is None else dilated_shape(operand_shape, base_dilation)
    widths = window_dimensions if window_dilation is None else dilated_shape(window_dimensions, window_dilation)
    padded = [n + low + high for n, (low, high) in zip(sizes, padding, strict=False)]
    return tuple(map(windows, padded, widths, window_strides))


def _known(computation: Any, inits: Sequence[Array]) -> _Kind | None:
    """The reduction that a computation and its start are."""
    try:
        kind = _KINDS.get(computation)
    except TypeError:
        return None
    if kind is None or len(inits) != 1 or inits[0].shape:
        return None
    if kind.place is not None and dtypes.issubdtype(inits[0].dtype, np.complexfloating):
        return None  # torch has no largest of complex numbers: the computation is called
    start = concrete_tensor(inits[0])
    if start is None:
        return None
    dtype = inits[0].dtype
    return kind if tensor_to_numpy(start, dtype) == tensor_to_numpy(identity_of(kind.identity, dtype), dtype) else None


def _check(shape: Sequence[int], sizes: Any, steps: Any, holes: Any, gaps: Any) -> None:
    for name, value in (("window_dimensions", sizes), ("window_strides", steps)):
        check_shapelike("reduce_window", name, value)
        if len(value) and min(value) < 1:
            raise TypeError(f"reduce_window {name} must have every element be strictly positive, got {value}.")
    check_shapelike("reduce_window", "base_dilation", holes)
    check_shapelike("reduce_window", "window_dilation", gaps)
    if len(shape) != len(sizes):
        raise TypeError(
            f"reduce_window got the wrong number of window_dimensions for operand: got operand shape {tuple(shape)} "
            f"with window_dimensions {tuple(sizes)}."
        )
    for name, value in (("window_strides", steps), ("base_dilation", holes), ("window_dilation", gaps)):
        if len(value) != len(sizes):
            raise TypeError(
                f"reduce_window got inconsistent {name} and window_dimensions: got {name} {tuple(value)} and "
                f"window_dimensions {tuple(sizes)}."
            )


# Known reductions


def _reduced(x: Array, kind: _Kind, window: Windows, config: Any, shape: tuple[int, ...]) -> Array:
    start = identity_of(kind.identity, x.dtype)
    weak, name = x.weak_type, "reduce_window"
    if 0 in shape:
        return like(x, unwrap(x).new_zeros(shape))
    padded = pad(x, like(x, start.to(unwrap(x).device)), config)
    if kind.place is not None and transformed() and dtypes.issubdtype(x.dtype, np.floating):
        return like(x, _read_at_places(padded, kind, window))
    if x.dtype == np.bool_:
        counted = _over_axes(unwrap(padded).to(torch.uint8), kind, window)
        return Array(counted != 0, weak)
    return result(name, compute(lambda t: _over_axes(t, kind, window), kind.rule, padded), weak)


def _all_windows(t: Tensor, axis: int, size: int, step: int, gap: int) -> Tensor:
    """A view of the windows along an axis, their elements along a new last one."""
    seen = t.unfold(axis, gap * (size - 1) + 1, step)
    return seen if gap == 1 else seen[..., ::gap]


def _over_axes(t: Tensor, kind: _Kind, window: Windows) -> Tensor:
    for axis in reversed(range(t.dim())):
        size, step, gap = window.sizes[axis], window.steps[axis], window.gaps[axis]
        if size == 1:
            t = t if step == 1 else t.unfold(axis, 1, step).squeeze(-1)
        elif size <= 16 or 4 * step >= size:
            t = kind.along(_all_windows(t, axis, size, step, gap))
        else:
            t = _doubled(t, axis, size, step, gap, kind.combine)
    return t


def _doubled(t: Tensor, axis: int, size: int, step: int, gap: int, combine: Any) -> Tensor:
    """Windows of ``size`` joined from those of powers of two."""
    done: Tensor | None = None
    covered, power, width = 0, t, 1  # `power` has the windows of `width` elements
    count = t.shape[axis] - gap * (size - 1)
    while True:
        if size & width:
            part = power.narrow(axis, covered * gap, count)
            done = part if done is None else combine(done, part)
            covered += width
        if covered == size:
            assert done is not None
            return done if step == 1 else done.unfold(axis, 1, step).squeeze(-1)
        length = power.shape[axis] - gap * width
        power = combine(power.narrow(axis, 0, length), power.narrow(axis, gap * width, length))
        width *= 2


def _read_at_places(padded: Array, kind: _Kind, window: Windows) -> Tensor:
    values = unwrap(stopped(padded))
    own = unwrap(padded)
    at = torch.arange(own.numel(), device=own.device).reshape(own.shape)
    for axis in reversed(range(own.dim())):
        size, step, gap = window.sizes[axis], window.steps[axis], window.gaps[axis]
        seen, seen_at = (_all_windows(t, axis, size, step, gap) for t in (values, at))
        place = kind.place(seen, dim=-1, keepdim=True)
        values = torch.gather(seen, -1, place).squeeze(-1)
        at = torch.gather(seen_at.expand((*place.shape[:-1], size)), -1, place).squeeze(-1)
    return own.reshape(-1).gather(0, at.reshape(-1)).reshape(at.shape)


# With a function of one's own


def _folded(
    arrays: Sequence[Array],
    inits: Sequence[Array],
    tree: Any,
    computation: Any,
    window: Windows,
    config: Any,
    shape: tuple[int, ...],
) -> list[Array]:
    if any(is_differentiated(unwrap(i)) for i in inits):
        raise TypeError("reduce_window jvp does not support non-zero init_value_tangent.")

    def combine(xs: Sequence[Array], ys: Sequence[Array]) -> list[Array]:
        one = functools.reduce(lambda f, _: vmap(f), shape, computation)
        out, out_tree = tree_flatten(one(tree_unflatten(tree, list(xs)), tree_unflatten(tree, list(ys))))
        if out_tree != tree:
            raise ValueError(
                f"reduce_window output must have the same tree structure as the operands {tree} vs. {out_tree}"
            )
        return [asarray(o) for o in out]

    total = [like(i, unwrap(i).expand(shape)) for i in inits]
    if 0 in shape:
        return combine(total, total)
    padded = [pad(x, i, config) for x, i in zip(arrays, inits, strict=True)]
    everywhere = torch.ones(arrays[0].shape, dtype=torch.bool, device=unwrap(arrays[0]).device)
    outside = torch.zeros((), dtype=torch.bool, device=everywhere.device)
    known = unwrap(pad(Array(everywhere), Array(outside), config))  # only what is inside is combined
    for place in itertools.product(*map(range, window.sizes)):
        cut = tuple(
            slice(k * gap, k * gap + (count - 1) * step + 1, step)
            for k, gap, count, step in zip(place, window.gaps, shape, window.steps, strict=True)
        )
        joined = combine(total, [like(x, unwrap(x)[cut]) for x in padded])
        kept = zip(joined, total, strict=True)
        total = [like(t, unsigned.where(known[cut], unwrap(j), unwrap(t))) for j, t in kept]
    return [astype(t, t.dtype) for t in total]
