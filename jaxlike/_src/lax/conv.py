"""conv: convolutions of any number of spatial axes, with strides, padding, dilations and groups.

Operands are brought into torch's order of axes, holes and uneven padding are put into the array, and torch
convolves. Of more than three spatial axes the first are summed over the window's elements, one product each.
Holes in the array under a window that moves by single steps are torch's transposed convolution, which stores
none of them. Batch groups are feature groups of an array whose batch was moved to its features. A complex
product is four real ones.
"""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src import dtypes
from jaxlike._src.array import Array
from jaxlike._src.border import asarray, cast, unwrap
from jaxlike._src.lax.conv_dims import (
    ConvDimensionNumbers,
    conv_dimension_numbers,
    conv_shape_tuple,
    dilated,
    dilated_shape,
    padtype_to_pads,
    permuted,
    transpose_padding,
)
from jaxlike._src.lax.dot import dot_general, widest
from jaxlike._src.lax.precision import canonicalize_precision, convolution_precision, is_algorithm
from jaxlike._src.lax.strict import NUMBER, check_kind, check_same_dtypes, operand
from jaxlike._src.numpy.arguments import like
from jaxlike._src.numpy.products import exact
from jaxlike._src.regions import as_one

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from jaxlike._src.typing import ArrayLike, DTypeLike

_NAME = "conv_general_dilated"


def conv_general_dilated(
    lhs: Array,
    rhs: Array,
    window_strides: Sequence[int],
    padding: str | Sequence[tuple[int, int]],
    lhs_dilation: Sequence[int] | None = None,
    rhs_dilation: Sequence[int] | None = None,
    dimension_numbers: Any = None,
    feature_group_count: int = 1,
    batch_group_count: int = 1,
    precision: Any = None,
    preferred_element_type: DTypeLike | None = None,
    out_sharding: Any = None,
) -> Array:
    """Convolution (as neural networks mean it: the window is not turned round).

    Args:
        lhs: array with a batch axis, a feature axis and spatial axes.
        rhs: window, with an axis of output features, one of input features and the spatial axes.
        window_strides: steps of the window.
        padding: "VALID", "SAME", "SAME_LOWER", or (before, after) for each spatial axis; may be negative.
        lhs_dilation: distance of the elements of ``lhs``; there are zeros between.
        rhs_dilation: distance of the elements of the window.
        dimension_numbers: which axis is which, see `conv_dimension_numbers`.
        feature_group_count: groups of features that are convolved apart.
        batch_group_count: groups of the batch that each give a part of the output features.
        precision: how exactly a GPU multiplies, see `Precision`.
        preferred_element_type: dtype of the result and of the sums.
        out_sharding: accepted.
    """
    del out_sharding
    numbers = conv_dimension_numbers(lhs.shape, rhs.shape, dimension_numbers)
    spatial = lhs.ndim - 2
    holes = (1,) * spatial if lhs_dilation is None else tuple(lhs_dilation)
    gaps = (1,) * (rhs.ndim - 2) if rhs_dilation is None else tuple(rhs_dilation)
    if isinstance(padding, str):
        if lhs_dilation is not None and any(d != 1 for d in holes):
            raise ValueError(
                "String padding is not implemented for transposed convolution using this op. Please either exactly "
                "specify the required padding or use conv_transpose."
            )
        _check_steps(rhs.ndim - 2, window_strides)
        window = permuted(rhs.shape, numbers.rhs_spec)[2:]
        widths = [dilated(n, d) for n, d in zip(window, gaps, strict=True)]
        pads = padtype_to_pads(permuted(lhs.shape, numbers.lhs_spec)[2:], widths, window_strides, padding)
    else:
        try:
            pads = tuple((operator.index(low), operator.index(high)) for low, high in padding)
        except (ValueError, TypeError) as error:
            raise ValueError(
                "padding argument to conv_general_dilated should be a string or a sequence of (low, high) pairs, got "
                f"{padding}"
            ) from error
    wanted = None
    if preferred_element_type is not None:
        wanted = dtypes.check_and_canonicalize_user_dtype(preferred_element_type, _NAME)
    precision = canonicalize_precision(precision)
    x, w = operand(_NAME, lhs, 0), operand(_NAME, rhs, 1)
    groups = (feature_group_count, batch_group_count)
    steps = tuple(window_strides)
    shape = _checked_shape(x.shape, w.shape, numbers, steps, pads, holes, gaps, groups)
    for position, v in enumerate((x, w)):
        check_kind(_NAME, v.dtype, (*NUMBER, np.bool_), position)
    check_same_dtypes(_NAME, (x, w))
    if wanted is not None:
        check_preferred(x.dtype, wanted)
    result = x.dtype if wanted is None else wanted
    computed = dtypes.to_torch(widest(x.dtype, result))
    if dtypes.itemsize_bits(result) == 8 and computed.is_floating_point:  # torch has no sums of float8
        computed = torch.float32
    back = [list(numbers.out_spec).index(k) for k in range(len(shape))]

    def convolved(left: Tensor, right: Tensor) -> Tensor:
        a, b = cast(left, computed).permute(*numbers.lhs_spec), cast(right, computed).permute(*numbers.rhs_spec)
        if 0 in shape or 0 in a.shape or 0 in b.shape:
            out = a.new_zeros(shape)
        else:
            if batch_group_count > 1:
                a = _batch_to_features(a, batch_group_count)
            with convolution_precision(precision):
                out = _any_dtype(a, b, steps, pads, holes, gaps, max(groups))
        return cast(out.permute(back), dtypes.to_torch(result))

    params = {
        "window_strides": steps, "padding": tuple(pads), "lhs_dilation": holes, "rhs_dilation": gaps,
        "dimension_numbers": numbers, "feature_group_count": feature_group_count,
        "batch_group_count": batch_group_count, "precision": precision, "preferred_element_type": wanted,
        "out_sharding": None,
    }  # fmt: skip
    out = as_one(_NAME, params, convolved, unwrap(x), unwrap(w))
    return Array(out, wanted is None and x.weak_type and w.weak_type)


def _checked_shape(
    x: tuple[int, ...],
    w: tuple[int, ...],
    numbers: ConvDimensionNumbers,
    steps: tuple[int, ...],
    pads: Sequence[tuple[int, int]],
    holes: tuple[int, ...],
    gaps: tuple[int, ...],
    groups: tuple[int, int],
) -> tuple[int, ...]:
    """The shape of the result in the order batch, feature, spatial; ValueError in JAX's words."""
    features, batches = groups
    if len(x) != len(w):
        raise ValueError(f"{_NAME} lhs and rhs must have the same number of dimensions, but got {x} and {w}.")
    if not features > 0:
        raise ValueError(f"{_NAME} feature_group_count must be a positive integer, got {features}.")
    inner, outer = x[numbers.lhs_spec[1]], w[numbers.rhs_spec[0]]
    if inner % features:
        raise ValueError(
            f"{_NAME} feature_group_count must divide lhs feature dimension size, but {features} does not divide "
            f"{inner}."
        )
    if inner // features != w[numbers.rhs_spec[1]]:
        raise ValueError(
            f"{_NAME} lhs feature dimension size divided by feature_group_count must equal the rhs input feature "
            f"dimension size, but {inner} // {features} != {w[numbers.rhs_spec[1]]}."
        )
    if outer % features:
        raise ValueError(
            f"{_NAME} rhs output feature dimension size must be a multiple of feature_group_count, but {outer} is not "
            f"a multiple of {features}."
        )
    if not batches > 0:
        raise ValueError(f"{_NAME} batch_group_count must be a positive integer, got {batches}.")
    count = x[numbers.lhs_spec[0]]
    if batches > 1 and count % batches:
        raise ValueError(
            f"{_NAME} batch_group_count must divide lhs batch dimension size, but {batches} does not divide {count}."
        )
    if outer % batches:
        raise ValueError(
            f"{_NAME} rhs output feature dimension size must be a multiple of batch_group_count, but {outer} is not a "
            f"multiple of {batches}."
        )
    if batches > 1 and features > 1:
        raise ValueError(
            "At most one of batch_group_count and feature_group_count may be > 1, got batch_group_count="
            f"{batches} and feature_group_count={features}"
        )
    _check_steps(len(w) - 2, steps)
    sizes = dilated_shape(permuted(x, numbers.lhs_spec), holes)
    widths = dilated_shape(permuted(w, numbers.rhs_spec), gaps)
    return conv_shape_tuple(sizes, widths, steps, pads, batches)


def _check_steps(spatial: int, steps: Sequence[int]) -> None:
    if spatial != len(steps):
        raise ValueError(
            f"{_NAME} window and window_strides must have the same number of dimensions, but got {spatial} and "
            f"{len(steps)}"
        )
    for axis, step in enumerate(steps):
        if step < 1:
            raise ValueError(
                "Cannot lower jaxpr with verifier errors: expects window to have positive stride for "
                f"{axis}-th window dimension, but got {step}."
            )


def check_preferred(given: Any, wanted: Any) -> None:
    """TypeError where a result of dtype ``given`` cannot be had as ``wanted``."""
    integer, floating = np.integer, np.floating
    if not (dtypes.issubdtype(given, integer) and dtypes.issubdtype(wanted, floating)):
        kinds = (integer, floating, np.complexfloating)
        if any(dtypes.issubdtype(given, k) and not dtypes.issubdtype(wanted, k) for k in kinds):
            raise TypeError(
                "Input type is incompatible with `preferred_element_type`. The compatible combinations of (input_type, "
                "preferred_element_type) are (integral, integral), (integral, floating), (floating, floating), "
                "(complex, complex."
            )
        if dtypes.issubdtype(given, np.signedinteger) and not dtypes.issubdtype(wanted, np.signedinteger):
            raise TypeError("`preferred_element_type` must have the same signedness as the original type.")
    if wanted.itemsize < given.itemsize:
        raise TypeError("`preferred_element_type` must not be narrower than the original type.")


# On tensors: axes in torch's order


def _batch_to_features(x: Tensor, groups: int) -> Tensor:
    """[group, n] of the batch become n, and the groups blocks of features."""
    split = x.unflatten(0, (groups, x.shape[0] // groups))
    return split.movedim(0, 1).flatten(1, 2)


def _any_dtype(
    x: Tensor,
    w: Tensor,
    steps: Sequence[int],
    pads: Sequence[tuple[int, int]],
    holes: Sequence[int],
    gaps: Sequence[int],
    groups: int,
) -> Tensor:
    def convolve(a: Tensor, b: Tensor) -> Tensor:
        return _convolved(a, b, steps, pads, holes, gaps, groups)

    if x.is_complex():
        real = convolve(x.real, w.real) - convolve(x.imag, w.imag)
        return torch.complex(real, convolve(x.real, w.imag) + convolve(x.imag, w.real))
    return exact(convolve, x, w)


def _convolved(
    x: Tensor,
    w: Tensor,
    steps: Sequence[int],
    pads: Sequence[tuple[int, int]],
    holes: Sequence[int],
    gaps: Sequence[int],
    groups: int,
) -> Tensor:
    spatial = x.dim() - 2
    if spatial == 0:
        return _convolved(x.unsqueeze(-1), w.unsqueeze(-1), (1,), ((0, 0),), (1,), (1,), groups).squeeze(-1)
    if spatial > 3:
        return _by_elements(x, w, steps, pads, holes, gaps, groups)
    if x.dtype.is_floating_point and any(d > 1 for d in holes) and all(s == 1 for s in steps):
        return _transposed(x, w, pads, holes, gaps, groups)
    for axis, hole in enumerate(holes):
        x = _with_holes(x, axis + 2, hole)
    if not x.dtype.is_floating_point:  # torch has no integer convolutions with distances
        for axis, gap in enumerate(gaps):
            w = _with_holes(w, axis + 2, gap)
        gaps = [1] * spatial
    own = [min(low, high) if min(low, high) > 0 else 0 for low, high in pads]
    x = _padded(x, [(low - p, high - p) for (low, high), p in zip(pads, own, strict=True)])
    return torch.ops.aten.convolution(x, w, None, list(steps), own, list(gaps), False, [0] * spatial, groups)


def _with_holes(x: Tensor, axis: int, hole: int) -> Tensor:
    """``hole - 1`` zeros after each element but the last."""
    if hole == 1 or x.shape[axis] < 2:
        return x
    spread = x.unsqueeze(axis + 1)
    after = [0, 0] * (x.dim() - 1 - axis) + [0, hole - 1]
    joined = torch.nn.functional.pad(spread, after).flatten(axis, axis + 1)
    return joined.narrow(axis, 0, joined.shape[axis] - hole + 1)


def _padded(x: Tensor, pads: Sequence[tuple[int, int]]) -> Tensor:
    """Zeros put before and after the spatial axes, or elements cut away."""
    if not any(low or high for low, high in pads):
        return x
    for axis, (low, high) in enumerate(pads, start=2):  # what is cut away may be more than there is
        if x.shape[axis] + min(low, 0) + min(high, 0) < 0:
            sizes = [*x.shape[:axis], x.shape[axis] + low + high, *x.shape[axis + 1 :]]
            rest = [(0, 0) if k == axis - 2 else p for k, p in enumerate(pads)]
            return _padded(x.new_zeros(sizes), rest)
    return torch.nn.functional.pad(x, [n for pair in reversed(pads) for n in pair])


def _transposed(
    x: Tensor, w: Tensor, pads: Sequence[tuple[int, int]], holes: Sequence[int], gaps: Sequence[int], groups: int
) -> Tensor:
    """With torch's transposed convolution, which gives the result for full padding."""
    spatial = list(range(2, x.dim()))
    turned = w.unflatten(0, (groups, -1)).transpose(1, 2).flatten(0, 1).flip(spatial)
    zeros = [0] * len(spatial)
    full = torch.ops.aten.convolution(x, turned, None, list(holes), zeros, list(gaps), True, zeros, groups)
    reach = [d * (n - 1) for d, n in zip(gaps, w.shape[2:], strict=True)]
    return _padded(full, [(low - r, high - r) for (low, high), r in zip(pads, reach, strict=True)])


def _by_elements(
    x: Tensor,
    w: Tensor,
    steps: Sequence[int],
    pads: Sequence[tuple[int, int]],
    holes: Sequence[int],
    gaps: Sequence[int],
    groups: int,
) -> Tensor:
    """The first spatial axis by a sum over the window's elements along it."""
    x = _padded(_with_holes(x, 2, holes[0]), [pads[0], *[(0, 0)] * (len(pads) - 1)])
    count = (x.shape[2] - gaps[0] * (w.shape[2] - 1) - 1) // steps[0] + 1
    total: Tensor | None = None
    for k in range(w.shape[2]):
        start = k * gaps[0]
        part = x[:, :, start : start + (count - 1) * steps[0] + 1 : steps[0]].movedim(2, 1)
        flat = part.flatten(0, 1)
        out = _convolved(flat, w[:, :, k], steps[1:], pads[1:], holes[1:], gaps[1:], groups)
        out = out.unflatten(0, part.shape[:2])
        total = out if total is None else total + out
    assert total is not None
    return total.movedim(1, 2)


# Other forms


def conv(
    lhs: Array,
    rhs: Array,
    window_strides: Sequence[int],
    padding: str,
    precision: Any = None,
    preferred_element_type: DTypeLike | None = None,
) -> Array:
    """`conv_general_dilated` without dilation, axes in the order batch, feature, spatial."""
    return conv_general_dilated(
        lhs, rhs, window_strides, padding, precision=precision, preferred_element_type=preferred_element_type
    )


def conv_with_general_padding(
    lhs: Array,
    rhs: Array,
    window_strides: Sequence[int],
    padding: str | Sequence[tuple[int, int]],
    lhs_dilation: Sequence[int] | None,
    rhs_dilation: Sequence[int] | None,
    precision: Any = None,
    preferred_element_type: DTypeLike | None = None,
) -> Array:
    """`conv_general_dilated` with axes in the order batch, feature, spatial."""
    return conv_general_dilated(
        lhs,
        rhs,
        window_strides,
        padding,
        lhs_dilation=lhs_dilation,
        rhs_dilation=rhs_dilation,
        precision=precision,
        preferred_element_type=preferred_element_type,
    )


_CHANNELS_LAST = {
    2: ("NC", "IO", "NC"),
    3: ("NHC", "HIO", "NHC"),
    4: ("NHWC", "HWIO", "NHWC"),
    5: ("NHWDC", "HWDIO", "NHWDC"),
}


def conv_transpose(
    lhs: Array,
    rhs: Array,
    strides: Sequence[int],
    padding: str | Sequence[tuple[int, int]],
    rhs_dilation: Sequence[int] | None = None,
    dimension_numbers: Any = None,
    transpose_kernel: bool = False,
    precision: Any = None,
    preferred_element_type: DTypeLike | None = None,
    use_consistent_padding: bool = False,
) -> Array:
    """Convolution with fractional strides: the transpose of one with these strides.

    Args:
        lhs: array with a batch axis, a feature axis and spatial axes.
        rhs: window.
        strides: what the steps of the other convolution are; distances of the elements of ``lhs`` here.
        padding: "SAME" or "VALID", of the other convolution; or (before, after) for each spatial axis of this one.
        rhs_dilation: distance of the elements of the window.
        dimension_numbers: which axis is which; features come last by default.
        transpose_kernel: turn the window round and exchange its features, so that this is a gradient.
        precision: how exactly a GPU multiplies, see `Precision`.
        preferred_element_type: dtype of the result and of the sums.
        use_consistent_padding: pairs of ``padding`` belong to the other convolution too.
    """
    assert len(lhs.shape) == len(rhs.shape) and len(lhs.shape) >= 2
    if dimension_numbers is None:
        if lhs.ndim not in _CHANNELS_LAST:
            raise ValueError("No 4+ dimensional dimension_number defaults.")
        dimension_numbers = _CHANNELS_LAST[lhs.ndim]
    numbers = conv_dimension_numbers(lhs.shape, rhs.shape, dimension_numbers)
    gaps = (1,) * (rhs.ndim - 2) if rhs_dilation is None else tuple(rhs_dilation)
    pads: Any = padding
    if use_consistent_padding or padding in ("SAME", "VALID"):
        widths = [dilated(n, d) for n, d in zip(permuted(rhs.shape, numbers.rhs_spec)[2:], gaps, strict=True)]
        if len(strides) != len(widths):
            raise TypeError(f"Wrong number of explicit pads for convolution: expected {len(widths)}, got {len(strides)}.")
        each = [padding] * len(strides) if isinstance(padding, str) else padding
        pads = tuple(transpose_padding(*three) for three in zip(widths, strides, each, strict=True))
    if transpose_kernel:
        w = asarray(rhs)
        turned = unwrap(w).flip(list(numbers.rhs_spec[2:]))
        rhs = like(w, turned.transpose(numbers.rhs_spec[0], numbers.rhs_spec[1]))
    return conv_general_dilated(
        lhs,
        rhs,
        (1,) * (lhs.ndim - 2),
        pads,
        strides,
        gaps,
        numbers,
        precision=precision,
        preferred_element_type=preferred_element_type,
    )


def conv_general_dilated_patches(
    lhs: ArrayLike,
    filter_shape: Sequence[int],
    window_strides: Sequence[int],
    padding: str | Sequence[tuple[int, int]],
    lhs_dilation: Sequence[int] | None = None,
    rhs_dilation: Sequence[int] | None = None,
    dimension_numbers: Any = None,
    precision: Any = None,
    preferred_element_type: DTypeLike | None = None,
) -> Array:
    """What each window of `conv_general_dilated` sees, along the feature axis of the result.

    Args:
        lhs: array with a batch axis, a feature axis and spatial axes.
        filter_shape: sizes of the window.
        window_strides: steps of the window.
        padding: as in `conv_general_dilated`.
        lhs_dilation: distance of the elements of ``lhs``.
        rhs_dilation: distance of the elements of the window.
        dimension_numbers: which axis is which.
        precision: how exactly a GPU multiplies, see `Precision`.
        preferred_element_type: dtype of the result.

    Returns:
        An array whose features are, for each feature of ``lhs``, the elements of the window in order.
    """
    x, window = operand(_NAME, lhs), tuple(filter_shape)
    numbers = conv_dimension_numbers(x.shape, (1, 1, *window), dimension_numbers)
    features, size = x.shape[numbers.lhs_spec[1]], math.prod(window)
    t = unwrap(x)
    eye = torch.eye(size, device=t.device).to(t.dtype).reshape(size, 1, *window)
    picks = eye.repeat(features, *[1] * (len(window) + 1))
    back = [list(numbers.rhs_spec).index(k) for k in range(picks.dim())]
    return conv_general_dilated(
        x,
        Array(picks.permute(back)),
        window_strides,
        padding,
        lhs_dilation,
        rhs_dilation,
        numbers,
        features,
        precision=precision,
        preferred_element_type=preferred_element_type,
    )


def conv_general_dilated_local(
    lhs: ArrayLike,
    rhs: ArrayLike,
    window_strides: Sequence[int],
    padding: str | Sequence[tuple[int, int]],
    filter_shape: Sequence[int],
    lhs_dilation: Sequence[int] | None = None,
    rhs_dilation: Sequence[int] | None = None,
    dimension_numbers: Any = None,
    precision: Any = None,
) -> Array:
    """Convolution whose window has weights of its own at each place.

    Args:
        lhs: array with a batch axis, a feature axis and spatial axes.
        rhs: weights; the spatial axes are those of the result, the input features are the features of ``lhs``
            with the elements of the window inside of each.
        window_strides: steps of the window.
        padding: as in `conv_general_dilated`.
        filter_shape: sizes of the window.
        lhs_dilation: distance of the elements of ``lhs``.
        rhs_dilation: distance of the elements of the window.
        dimension_numbers: which axis is which.
        precision: how exactly a GPU multiplies, see `Precision`.
    """
    x, known = operand(_NAME, lhs), canonicalize_precision(precision)
    if is_algorithm(known):
        raise ValueError(f"Unsupported precision for conv_general_dilated_local: {precision}")
    patches = conv_general_dilated_patches(
        x,
        filter_shape,
        window_strides,
        padding,
        lhs_dilation,
        rhs_dilation,
        dimension_numbers,
        precision=known[0] if isinstance(known, tuple) else known,
    )
    numbers = conv_dimension_numbers(x.shape, (1, 1, *filter_shape), dimension_numbers)
    places = sorted(zip(numbers.out_spec[2:], numbers.rhs_spec[2:], strict=True))
    common = ([p for p, _ in places], [p for _, p in places])
    out = dot_general(
        patches, rhs, (([numbers.out_spec[1]], [numbers.rhs_spec[1]]), common), precision=precision
    )
    return like(out, unwrap(out).movedim((-2, -1), (numbers.out_spec[0], numbers.out_spec[1])))
