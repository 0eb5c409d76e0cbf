"""conv_dims: what the axes of a convolution are, how much padding a word stands for, and shapes of results.

Each operand has a batch axis (of the kernel: output features), a feature axis and spatial axes. Specs give them
by letters, "NCHW", or by numbers: (batch, feature, spatial ...). The order of the spatial axes is the kernel's.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np


class ConvDimensionNumbers(NamedTuple):
    """The axes of a convolution.

    ``lhs_spec`` and ``out_spec`` are (batch, feature, spatial ...), ``rhs_spec`` is (output feature, input feature,
    spatial ...).
    """

    lhs_spec: Sequence[int]
    rhs_spec: Sequence[int]
    out_spec: Sequence[int]


ConvGeneralDilatedDimensionNumbers: TypeAlias = tuple[str, str, str] | ConvDimensionNumbers | None


class PaddingType(enum.Enum):
    """Paddings that have a name."""

    VALID = 1
    SAME = 2
    SAME_LOWER = 3


def padtype_to_pads(
    in_shape: Sequence[int] | np.ndarray[Any, Any],
    window_shape: Sequence[int] | np.ndarray[Any, Any],
    window_strides: Sequence[int] | np.ndarray[Any, Any],
    padding: str | PaddingType,
) -> list[tuple[int, int]]:
    """(before, after) for each axis.

    Args:
        in_shape: sizes of the spatial axes.
        window_shape: sizes of the window.
        window_strides: steps of the window.
        padding: "VALID" (none), "SAME" (there are as many windows as steps fit; an odd element comes after) or
            "SAME_LOWER" (it comes before).
    """
    if isinstance(padding, str):
        try:
            kind = PaddingType[padding.upper()]
        except KeyError as error:
            raise RuntimeError(
                f"Unrecognized padding type: expected 'VALID', 'SAME', or 'SAME_LOWER', got {padding}."
            ) from error
    else:
        kind = padding
    if kind is PaddingType.VALID:
        return [(0, 0)] * len(in_shape)
    if kind not in (PaddingType.SAME, PaddingType.SAME_LOWER):
        raise TypeError(f"Unknown padding type: {padding}.")
    pads: list[tuple[int, int]] = []
    for size, width, step in zip(in_shape, window_shape, window_strides, strict=True):
        total = max((-(-int(size) // int(step)) - 1) * int(step) + int(width) - int(size), 0)
        less, more = total // 2, total - total // 2
        pads.append((less, more) if kind is PaddingType.SAME else (more, less))
    return pads


# Axes


def conv_dimension_numbers(
    lhs_shape: Sequence[int], rhs_shape: Sequence[int], dimension_numbers: Any
) -> ConvDimensionNumbers:
    """The axes as numbers; None means (batch, feature, spatial ...) for all three."""
    if isinstance(dimension_numbers, ConvDimensionNumbers):
        return dimension_numbers
    if len(lhs_shape) != len(rhs_shape):
        raise TypeError(
            f"convolution requires lhs and rhs ndim to be equal, got {len(lhs_shape)} and {len(rhs_shape)}."
        )
    if dimension_numbers is None:
        every = tuple(range(len(lhs_shape)))
        return ConvDimensionNumbers(every, every, every)
    if not isinstance(dimension_numbers, list | tuple):
        raise TypeError(f"convolution dimension_numbers must be tuple/list or None, got {type(dimension_numbers)}.")
    if len(dimension_numbers) != 3:
        raise TypeError(
            f"convolution dimension_numbers list/tuple must be length 3, got {len(dimension_numbers)}."
        )
    if not all(isinstance(spec, str) for spec in dimension_numbers):
        kinds = tuple(map(type, dimension_numbers))
        raise TypeError(f"convolution dimension_numbers elements must be strings, got {kinds}.")
    for k, spec in enumerate(dimension_numbers):
        if len(spec) != len(lhs_shape):
            raise TypeError(
                f"convolution dimension_numbers[{k}] must have len equal to the ndim of lhs and rhs, got {len(spec)} "
                f"for lhs and rhs shapes {lhs_shape} and {rhs_shape}."
            )
    return ConvDimensionNumbers(*conv_general_permutations(dimension_numbers))


def conv_general_permutations(dimension_numbers: Sequence[str]) -> tuple[tuple[int, ...], ...]:
    """The axes of specs in letters: for each operand and the result (batch, feature, spatial ...)."""
    own = (("N", "C"), ("O", "I"), ("N", "C"))
    for k, ((first, second), spec) in enumerate(zip(own, dimension_numbers, strict=True)):
        if not spec.count(first) == spec.count(second) == 1:
            raise TypeError(
                f"convolution dimension_numbers[{k}] must contain the characters '{first}' and '{second}' exactly "
                f"once, got {spec}."
            )
        if len(spec) != len(set(spec)):
            raise TypeError(f"convolution dimension_numbers[{k}] cannot have duplicate characters, got {spec}.")
    spatial = [set(spec) - set(pair) for spec, pair in zip(dimension_numbers, own, strict=True)]
    if not spatial[0] == spatial[1] == spatial[2]:
        raise TypeError(
            "convolution dimension_numbers elements must each have the same set of spatial characters, got "
            f"{dimension_numbers}."
        )
    order = [c for c in dimension_numbers[1] if c not in own[1]]
    return tuple(
        (spec.index(first), spec.index(second), *(spec.index(c) for c in order))
        for spec, (first, second) in zip(dimension_numbers, own, strict=True)
    )


# Shapes


def permuted(shape: Sequence[int], spec: Sequence[int]) -> tuple[int, ...]:
    """Sizes in the order of a spec."""
    return tuple(int(shape[k]) for k in spec)


def dilated(size: int, dilation: int) -> int:
    """The size of an axis with ``dilation - 1`` holes after each element but the last."""
    return 0 if size == 0 else 1 + dilation * (size - 1)


def dilated_shape(shape: Sequence[int], dilation: Sequence[int]) -> tuple[int, ...]:
    """Sizes with holes; ``dilation`` is for the last of them."""
    if not all(d > 0 for d in dilation):
        raise TypeError(f"All dilations must be positive, got {dilation}.")
    every = (1,) * (len(shape) - len(dilation)) + tuple(dilation)
    return tuple(dilated(n, d) for n, d in zip(shape, every, strict=True))


def windows(size: int, width: int, step: int) -> int:
    """How many windows of a width fit."""
    return 0 if size < width else 1 + (size - width) // step


def conv_shape_tuple(
    lhs_shape: Sequence[int], rhs_shape: Sequence[int], strides: Sequence[int], pads: Any, batch_group_count: int = 1
) -> tuple[int, ...]:
    """The shape of a convolution of operands whose axes are in the order batch, feature, spatial."""
    if isinstance(pads, str):
        pads = padtype_to_pads(lhs_shape[2:], rhs_shape[2:], strides, pads)
    if len(pads) != len(lhs_shape) - 2:
        raise TypeError(
            f"Wrong number of explicit pads for convolution: expected {len(lhs_shape) - 2}, got {len(pads)}."
        )
    sizes = [n + low + high for n, (low, high) in zip(lhs_shape[2:], pads, strict=True)]
    if any(n < 0 for n in sizes):
        raise ValueError(
            "Negative padding is larger than the size of the corresponding dimension: got padding="
            f"{pads} for lhs_shape[2:]={lhs_shape[2:]}"
        )
    spatial = [windows(int(n), int(w), int(s)) for n, w, s in zip(sizes, rhs_shape[2:], strides, strict=True)]
    return (int(lhs_shape[0]) // batch_group_count, int(rhs_shape[0]), *spatial)


def _in_order_of(out_spec: Sequence[int], shape: Sequence[int]) -> tuple[int, ...]:
    return tuple(int(shape[list(out_spec).index(k)]) for k in range(len(shape)))


def conv_general_shape_tuple(
    lhs_shape: Sequence[int],
    rhs_shape: Sequence[int],
    window_strides: Sequence[int],
    padding: Any,
    dimension_numbers: Sequence[str],
) -> tuple[int, ...]:
    """The shape of a convolution with specs in letters."""
    lhs_spec, rhs_spec, out_spec = conv_general_permutations(dimension_numbers)
    shape = conv_shape_tuple(permuted(lhs_shape, lhs_spec), permuted(rhs_shape, rhs_spec), window_strides, padding)
    return _in_order_of(out_spec, shape)


def transpose_padding(width: int, step: int, padding: Any) -> tuple[int, int]:
    """The padding of the transposed convolution of one with ``padding`` (a word, or a pair)."""
    if padding == "SAME":
        total = width + step - 2
        low = width - 1 if step > width - 1 else -(-total // 2)
    elif padding == "VALID":
        total = width + step - 2 + max(width - step, 0)
        low = width - 1
    elif isinstance(padding, tuple):
        low = width - padding[0] - 1
        total = sum(width - p - 1 for p in padding)
    else:
        raise ValueError(f"Invalid padding mode: {padding}")
    return low, total - low


def conv_transpose_shape_tuple(
    lhs_shape: Sequence[int],
    rhs_shape: Sequence[int],
    window_strides: Sequence[int],
    padding: Any,
    dimension_numbers: Sequence[str],
) -> tuple[int, ...]:
    """The shape of a transposed convolution with specs in letters."""
    lhs_spec, rhs_spec, out_spec = conv_general_permutations(dimension_numbers)
    x, w = permuted(lhs_shape, lhs_spec), permuted(rhs_shape, rhs_spec)
    if isinstance(padding, str):
        padding = [transpose_padding(k, s, padding) for k, s in zip(w[2:], window_strides, strict=True)]
    spatial = [
        (n - 1) * s - k + 2 + int(np.sum(p))
        for n, k, s, p in zip(x[2:], w[2:], window_strides, padding, strict=True)
    ]
    return _in_order_of(out_spec, (x[0], w[0], *spatial))
