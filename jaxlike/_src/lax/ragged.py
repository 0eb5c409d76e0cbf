"""ragged: products of matrices in groups of rows of different sizes; products with scales.

Each group of the ragged axis is spread into a copy of the array that is zero elsewhere, which makes it a plain
product with one more axis. So derivatives and batching are those of `dot_general`.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src import dtypes, unsigned
from jaxlike._src.array import Array
from jaxlike._src.border import astype, unwrap
from jaxlike._src.lax.dot import check_dot, dot_general
from jaxlike._src.lax.precision import canonicalize_precision
from jaxlike._src.lax.strict import operand
from jaxlike._src.numpy.arguments import like

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from jaxlike._src.typing import DTypeLike

_NAME = "ragged_dot_general"


@dataclass(frozen=True, init=False)
class RaggedDotDimensionNumbers:
    """The axes of a ragged product: those of `dot_general`, the ragged axis of lhs, the axis of groups of rhs."""

    dot_dimension_numbers: Any
    lhs_ragged_dimensions: Sequence[int]
    rhs_group_dimensions: Sequence[int]

    def __init__(self, dot_dimension_numbers: Any, lhs_ragged_dimensions: Any, rhs_group_dimensions: Any) -> None:
        numbers = tuple(tuple(map(tuple, pair)) for pair in dot_dimension_numbers)
        object.__setattr__(self, "dot_dimension_numbers", numbers)
        object.__setattr__(self, "lhs_ragged_dimensions", tuple(lhs_ragged_dimensions))
        object.__setattr__(self, "rhs_group_dimensions", tuple(rhs_group_dimensions))


class _Mode(enum.Enum):
    """Which kind of axis is ragged."""

    OWN = 1
    SUMMED = 2
    COMMON = 3


_ROWS = RaggedDotDimensionNumbers((([1], [1]), ([], [])), [0], [0])


def ragged_dot(
    lhs: Array,
    rhs: Array,
    group_sizes: Array,
    precision: Any = None,
    preferred_element_type: DTypeLike | None = None,
    group_offset: Array | None = None,
    out_sharding: Any = None,
) -> Array:
    """Rows of ``lhs`` in consecutive groups, each multiplied by a matrix of its own.

    Args:
        lhs: [m, k].
        rhs: [g, k, n].
        group_sizes: [g], how many rows each group has; the rows after the last give zeros.
        precision: how exactly a GPU multiplies, see `Precision`.
        preferred_element_type: dtype of the result and of the sums.
        group_offset: not supported.
        out_sharding: accepted.
    """
    return ragged_dot_general(
        lhs, rhs, group_sizes, _ROWS, precision, preferred_element_type, group_offset, out_sharding
    )


def ragged_dot_general(
    lhs: Array,
    rhs: Array,
    group_sizes: Array,
    ragged_dot_dimension_numbers: RaggedDotDimensionNumbers,
    precision: Any = None,
    preferred_element_type: DTypeLike | None = None,
    group_offset: Array | None = None,
    out_sharding: Any = None,
) -> Array:
    """`dot_general` where one axis of ``lhs`` is in consecutive groups.

    Args:
        lhs: array with a ragged axis: an own one (each group has a matrix of ``rhs``), a summed one (each group has
            a result, along a new first axis) or a common one (groups make no difference).
        rhs: array; with an axis of groups if the ragged axis is an own one.
        group_sizes: sizes along the last axis; may have the axes of ``lhs`` before the ragged one in front.
        ragged_dot_dimension_numbers: which axis is which.
        precision: how exactly a GPU multiplies, see `Precision`.
        preferred_element_type: dtype of the result and of the sums.
        group_offset: not supported.
        out_sharding: accepted.
    """
    del out_sharding
    precision = canonicalize_precision(precision)
    x, y, sizes = operand(_NAME, lhs, 0), operand(_NAME, rhs, 1), operand(_NAME, group_sizes, 2)
    numbers = ragged_dot_dimension_numbers
    mode, ragged, prefix = _checked(x, y, sizes, numbers)
    if group_offset is not None:
        raise NotImplementedError("Unimplemented group_offset support.")
    (summed_x, summed_y), (common_x, common_y) = numbers.dot_dimension_numbers
    options = {"precision": precision, "preferred_element_type": preferred_element_type}
    if mode is _Mode.COMMON:
        return dot_general(x, y, numbers.dot_dimension_numbers, **options)
    per_lane = unwrap(sizes)
    lanes = [x.shape[i] for i in prefix]
    if sizes.ndim == 1:
        per_lane = per_lane.expand([*lanes, per_lane.shape[-1]])
    spread = _in_groups(x, ragged, prefix, per_lane)
    if mode is _Mode.OWN:
        summed = ([*_later(summed_x), 0], [*summed_y, numbers.rhs_group_dimensions[0]])
        return dot_general(spread, y, (summed, (_later(common_x), common_y)), **options)
    other = summed_y[summed_x.index(ragged)]
    spread_y = _in_groups(y, other, [*common_y, *summed_y[: summed_x.index(ragged)]], per_lane)
    common = ([0, *_later(common_x)], [0, *_later(common_y)])
    return dot_general(spread, spread_y, ((_later(summed_x), _later(summed_y)), common), **options)


def _later(axes: Sequence[int]) -> list[int]:
    return [i + 1 for i in axes]


def _in_groups(x: Array, ragged: int, prefix: Sequence[int], sizes: Tensor) -> Array:
    """[g, ...]: for each group a copy of ``x`` that is zero outside of it along the ragged axis."""
    ends = sizes.to(torch.int64).cumsum(-1)
    starts = ends - sizes.to(torch.int64)
    place = torch.arange(x.shape[ragged], device=ends.device)
    inside = (place >= starts.unsqueeze(-1)) & (place < ends.unsqueeze(-1))  # [prefix..., g, n]
    inside = inside.movedim(len(prefix), 0)
    # its axes now are the group, the prefix in its order, and the ragged one
    order = sorted(range(len(prefix) + 1), key=lambda k: [*prefix, ragged][k])
    inside = inside.permute([0, *(k + 1 for k in order)])
    shape = [inside.shape[0], *(n if i in (*prefix, ragged) else 1 for i, n in enumerate(x.shape))]
    tensor = unwrap(x)
    return like(
        x, unsigned.where(inside.reshape(shape), tensor, torch.zeros((), dtype=tensor.dtype, device=tensor.device))
    )


def _checked(x: Array, y: Array, sizes: Array, numbers: RaggedDotDimensionNumbers) -> tuple[_Mode, int, list[int]]:
    """The mode, the ragged axis and the axes of ``lhs`` before it; TypeError in JAX's words."""
    if len(numbers.lhs_ragged_dimensions) != 1:
        raise TypeError("ragged_dot_general expects exactly one lhs ragged dimension.")
    ragged = numbers.lhs_ragged_dimensions[0]
    _check_axis(ragged, x.ndim, "lhs ragged dimension", "lhs")
    (summed_x, summed_y), (common_x, common_y) = numbers.dot_dimension_numbers
    own = [i for i in range(x.ndim) if i not in summed_x and i not in common_x]
    if ragged in own:
        mode, prefix = _Mode.OWN, [*common_x, *own[: own.index(ragged)]]
    elif ragged in summed_x:
        mode, prefix = _Mode.SUMMED, [*common_x, *summed_x[: summed_x.index(ragged)]]
    else:
        mode, prefix = _Mode.COMMON, [*common_x[: common_x.index(ragged)]]
    if sizes.ndim == 0:
        raise TypeError("expected rank of group_sizes to be >=1.")
    groups = sizes.shape[-1]
    if sizes.ndim != 1:
        expected = (*(x.shape[i] for i in prefix), groups)
        if sizes.shape != expected:
            raise TypeError(f"expected group_sizes to have shape {expected}, got {sizes.shape}.")
    own_groups = numbers.rhs_group_dimensions
    if mode is not _Mode.OWN:
        if own_groups:
            raise TypeError(
                "ragged_dot_general requires zero group dimensions in the rhs when lhs ragged dimension is contracting "
                "or batch."
            )
    else:
        if len(own_groups) != 1:
            raise TypeError(
                "ragged_dot_general requires exactly one rhs group dimension when lhs ragged dimension is "
                "noncontracting."
            )
        axis = own_groups[0]
        _check_axis(axis, y.ndim, "rhs group dimension", "rhs")
        if axis in common_y or axis in summed_y:
            raise TypeError(
                "ragged_dot_general requires rhs group dimension numbers to be distinct from contracting and batch "
                "dimensions."
            )
        if y.shape[axis] != groups:
            raise TypeError(f"expected rhs group dimension size to be {groups}, got {y.shape[axis]}.")
    check_dot(x.shape, y.shape, summed_x, summed_y, common_x, common_y)
    if not dtypes.issubdtype(sizes.dtype, np.integer):
        raise TypeError("ragged_dot_general requires that group_sizes.dtype is subtype of np.integer.")
    return mode, ragged, prefix


def _check_axis(axis: int, rank: int, what: str, side: str) -> None:
    if not 0 <= axis < rank:
        raise TypeError(
            f"ragged_dot_general requires {what} numbers to be nonnegative and less than the number of axes of the "
            f"{side} value, got {axis} for {side} of rank {rank}."
        )


# Scales


def scaled_dot(
    lhs: Array,
    rhs: Array,
    *,
    lhs_scale: Array | None = None,
    rhs_scale: Array | None = None,
    dimension_numbers: Any = None,
    preferred_element_type: DTypeLike | None = None,
) -> Array:
    """`dot_general` of operands times scales, computed in bfloat16.

    Args:
        lhs: array.
        rhs: array.
        lhs_scale: array with the axes of ``lhs``; summed axes may be shorter, each scale then is for a block.
        rhs_scale: the same for ``rhs``.
        dimension_numbers: as in `dot_general`; products of matrices by default.
        preferred_element_type: dtype of the result, bfloat16 by default.
    """
    numbers = dimension_numbers
    if numbers is None:
        if lhs.ndim < 2:
            raise TypeError("scaled_dot does not support 0-rank and 1-rank operands.")
        lead = tuple(range(lhs.ndim - 2))
        numbers = (((lhs.ndim - 1,), (lhs.ndim - 2,)), (lead, lead))
    x, y = operand("scaled_dot", lhs, 0), operand("scaled_dot", rhs, 1)
    given = [None if s is None else operand("scaled_dot", s, 2 + k) for k, s in enumerate((lhs_scale, rhs_scale))]
    _check_scales(x, y, given[0], given[1], numbers)
    sides = [_scaled(v, s, summed) for v, s, summed in zip((x, y), given, numbers[0], strict=True)]
    wanted = dtypes.check_and_canonicalize_user_dtype(preferred_element_type or dtypes.bfloat16, "scaled_dot")
    return dot_general(sides[0], sides[1], numbers, preferred_element_type=wanted)


def _scaled(x: Array, scale: Array | None, summed: Sequence[int]) -> Array:
    half = np.dtype(dtypes.bfloat16)
    own = astype(x, half)
    if scale is None:
        return own
    factor = unwrap(astype(scale, half))
    for i in summed:
        if factor.shape[i] != x.shape[i]:
            times = x.shape[i] // factor.shape[i]
            wide = factor.unsqueeze(i + 1)
            factor = wide.expand([*wide.shape[: i + 1], times, *wide.shape[i + 2 :]]).flatten(i, i + 1)
    return Array(unwrap(own) * factor)


def _check_scales(x: Array, y: Array, x_scale: Array | None, y_scale: Array | None, numbers: Any) -> None:
    (summed_x, summed_y), (common_x, common_y) = numbers
    ranks = {v.ndim for v in (x, y, x_scale, y_scale) if v is not None}
    if len(ranks) > 1:
        shown = ["N/A" if s is None else s.ndim for s in (x_scale, y_scale)]
        raise TypeError(
            f"All input tensors must have the same rank. Got lhs rank: {x.ndim} rhs rank: {y.ndim} lhs_scale rank: "
            f"{shown[0]} rhs_scale rank: {shown[1]}."
        )
    for what, a, b in (("batch", common_x, common_y), ("contracting", summed_x, summed_y)):
        if len(a) != len(b):
            raise TypeError(f"LHS and RHS must have the same number of {what} dimensions, got {len(a)} and {len(b)}.")
    for i, j in zip(common_x, common_y, strict=True):
        sizes = {v.shape[k] for v, k in ((x, i), (y, j), (x_scale, i), (y_scale, j)) if v is not None}
        if len(sizes) > 1:
            raise TypeError(f"All input tensors must have the same batch dimension size for batch dims ({i}, {j}).")
    for i, j in zip(summed_x, summed_y, strict=True):
        if x.shape[i] != y.shape[j]:
            raise TypeError(
                f"LHS contracting dim {i} of size {x.shape[i]} does not match RHS contracting dim {j} of size "
                f"{y.shape[j]}."
            )
    for side, v, scale, summed in (("LHS", x, x_scale, summed_x), ("RHS", y, y_scale, summed_y)):
        if scale is None:
            continue
        for i, size in enumerate(v.shape):
            if i in summed:
                if size % scale.shape[i]:
                    raise TypeError(
                        f"{side} contracting dim {i} of size {size} must be divisible by its scale's dim size "
                        f"{scale.shape[i]}."
                    )
                if size // scale.shape[i] < 2:
                    raise TypeError(
                        f"The ratio of {side} contracting dim {i} to its scale's dim size ({size // scale.shape[i]}) must "
                        "be at least 2."
                    )
            elif size != scale.shape[i]:
                raise TypeError(f"{side} dim {i} of size {size} does not match scale dim size {scale.shape[i]}.")
