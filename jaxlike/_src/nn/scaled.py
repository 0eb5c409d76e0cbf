"""scaled: products of matrices whose entries are kept in 4 or 8 bits, with a scale for each block of a row.

`quantize` brings an array to such a form (mxfp8: blocks of 32, scales are powers of two; nvfp4: blocks of 16,
8-bit scales and one for all), `scaled_matmul` multiplies two of them in float32. Gradients are products of the
same kind, taken straight through the rounding.
"""

from __future__ import annotations

import functools
import math
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ml_dtypes
import numpy as np
import torch

from jaxlike._src import dtypes
from jaxlike._src.array import Array
from jaxlike._src.border import asarray, astype, unwrap
from jaxlike._src.lax.dot import dot_general
from jaxlike._src.numpy.arithmetic import abs as absolute
from jaxlike._src.numpy.filled import ones
from jaxlike._src.numpy.select import clip, where
from jaxlike._src.transforms.custom_vjp import custom_vjp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from jaxlike._src.typing import DTypeLike


@dataclass(slots=True)
class BlockScaleConfig:
    """How an operand is quantized."""

    mode: str
    block_size: int
    data_type: Any
    scale_type: Any
    global_scale: Any
    infer_only: bool


def get_scaled_dot_general_config(mode: str, global_scale: Array | None = None) -> BlockScaleConfig:
    """The configuration of a format: "nvfp4" (with a scale for the whole array, 1 by default) or "mxfp8"."""
    if mode == "nvfp4":
        whole = ones((1,), dtype=np.dtype("float32")) if global_scale is None else global_scale
        return BlockScaleConfig("nvfp4", 16, ml_dtypes.float4_e2m1fn, ml_dtypes.float8_e4m3fn, whole, False)
    if mode == "mxfp8":
        return BlockScaleConfig("mxfp8", 32, ml_dtypes.float8_e4m3fn, ml_dtypes.float8_e8m0fnu, None, False)
    raise ValueError(f"Unsupported mode: {mode}")


def scaled_matmul(
    lhs: Array, rhs: Array, lhs_scales: Array, rhs_scales: Array, preferred_element_type: DTypeLike = np.float32
) -> Array:
    """``lhs @ rhs^T`` of operands times the scales of their blocks.

    Args:
        lhs: ``[B, M, K]``.
        rhs: ``[B, N, K]``.
        lhs_scales: ``[B, M, K / block]``.
        rhs_scales: ``[B, N, K / block]``.
        preferred_element_type: dtype of the result.

    Returns:
        ``[B, M, N]``.
    """
    a, b, a_scales, b_scales = (asarray(x) for x in (lhs, rhs, lhs_scales, rhs_scales))
    if not all(x.ndim == 3 for x in (a, b, a_scales, b_scales)):
        raise ValueError("scaled_matmul requires all inputs to be 3-dimensional arrays")
    if (a.shape[0], a.shape[2]) != (b.shape[0], b.shape[2]):
        raise ValueError(
            "scaled_matmul requires inputs a and b to have matching batch (B) and contract (K) dimensions, but got "
            f"shapes {a.shape} and {b.shape}"
        )
    if (a_scales.shape[0], a_scales.shape[2]) != (b_scales.shape[0], b_scales.shape[2]):
        raise ValueError(
            "scaled_matmul requires scales to have matching batch (B) and contract (K) dimensions, but got shapes "
            f"{a_scales.shape} and {b_scales.shape}"
        )
    if a_scales.shape[1] != a.shape[1] or b_scales.shape[1] != b.shape[1]:
        raise ValueError(
            f"scaled_matmul requires scales to match non-contract dimensions of inputs, but got shapes a: {a.shape}, "
            f"b: {b.shape}, a_scales: {a_scales.shape}, b_scales: {b_scales.shape}"
        )
    want = dtypes.check_and_canonicalize_user_dtype(preferred_element_type, "scaled_matmul")
    return astype(Array(_scaled(a, a_scales) @ _scaled(b, b_scales).mT), want)


def _scaled(x: Array, scales: Array) -> Tensor:
    """The values that a quantized operand stands for, in float32."""
    wide = np.dtype("float32")
    values, factors = unwrap(astype(x, wide)), unwrap(astype(scales, wide))
    blocks = values.reshape(*factors.shape, -1)
    return (blocks * factors.unsqueeze(-1)).reshape(values.shape)


def quantize(x: Array, config: BlockScaleConfig) -> tuple[Array, Array]:
    """``[B, M, K]`` as entries of few bits, and a scale for each block of a row."""
    size = x.shape[-1]
    if size < config.block_size or size % config.block_size:
        raise AssertionError(f"the contracted size {size} is no multiple of the block size {config.block_size}")
    blocks = x.reshape(*x.shape[:-1], size // config.block_size, config.block_size)
    largest = float(dtypes.finfo(config.data_type).max)
    if config.mode == "mxfp8":
        scales = _power_of_two(absolute(blocks).max(axis=-1, keepdims=True) / largest)
        factors = astype(scales, x.dtype)
    else:
        blocks = blocks / config.global_scale
        steps = clip(absolute(blocks).max(axis=-1, keepdims=True) / largest, 0, float(dtypes.finfo(config.scale_type).max))
        scales = astype(steps, np.dtype(config.scale_type))
        factors = astype(scales, np.dtype("float32"))
    entries = astype(clip(blocks / factors, -largest, largest), np.dtype(config.data_type))
    return entries.reshape(x.shape), scales.reshape(scales.shape[:-1])


def _power_of_two(x: Array) -> Array:
    """The least power of two that is not below ``x``, as float8_e8m0fnu."""
    exponent = torch.frexp(unwrap(astype(x, np.dtype("float32"))))
    power = exponent.exponent - (exponent.mantissa == 0.5).to(exponent.exponent.dtype)
    power = torch.where(exponent.mantissa == 0, -127, power).clamp(-127, 127)
    return astype(Array(torch.ldexp(torch.ones_like(exponent.mantissa), power)), np.dtype(ml_dtypes.float8_e8m0fnu))


# Products over any axes


def shape_normalization(x: Array, dimension_numbers: tuple[Sequence[int], Sequence[int]]) -> Array:
    """``x`` as ``[batch, rows, summed]``; ``dimension_numbers``: which axes are summed, and which are of the batch."""
    summed, batch = dimension_numbers
    rows = [d for d in range(x.ndim) if d not in summed and d not in batch]
    order = [*sorted(batch), *rows, *sorted(summed)]
    sizes = [math.prod(x.shape[d] for d in group) for group in (batch, rows, summed)]
    return x.transpose(order).reshape(sizes)


def _product(x: Array, y: Array, numbers: Any, dtype: Any, configs: Sequence[BlockScaleConfig]) -> Array:
    (x_summed, y_summed), (x_batch, y_batch) = numbers
    a, b = shape_normalization(x, (x_summed, x_batch)), shape_normalization(y, (y_summed, y_batch))
    (a, a_scales), (b, b_scales) = quantize(a, configs[0]), quantize(b, configs[1])
    out = scaled_matmul(a, b, a_scales, b_scales, np.dtype("float32"))
    if configs[0].mode == "nvfp4":
        out = out * (configs[0].global_scale * configs[1].global_scale)
    kept = [n for d, n in enumerate(x.shape) if d not in x_summed and d not in x_batch]
    kept += [n for d, n in enumerate(y.shape) if d not in y_summed and d not in y_batch]
    return astype(out, dtype).reshape([x.shape[d] for d in sorted(x_batch)] + kept)


@functools.partial(custom_vjp, nondiff_argnums=(2, 3, 4))
def _scaled_dot(lhs: Array, rhs: Array, numbers: Any, dtype: Any, configs: Sequence[BlockScaleConfig]) -> Array:
    return _product(lhs, rhs, numbers, dtype, configs)


def _forward(lhs: Array, rhs: Array, numbers: Any, dtype: Any, configs: Any) -> Any:
    return _product(lhs, rhs, numbers, dtype, configs), (lhs, rhs)


def _backward(numbers: Any, dtype: Any, configs: Any, operands: Any, g: Array) -> Any:
    (x_summed, y_summed), (x_batch, y_batch) = numbers
    lhs, rhs = operands
    count = len(x_batch)
    x_kept = lhs.ndim - len(x_summed) - count
    of_x = tuple(range(count, count + x_kept))
    of_y = tuple(range(count + x_kept, g.ndim))
    common = tuple(range(count))
    grads = []
    for x, y, x_s, y_s, x_b, y_b, over, config in (
        (lhs, rhs, x_summed, y_summed, x_batch, y_batch, of_y, configs[1]),
        (rhs, lhs, y_summed, x_summed, y_batch, x_batch, of_x, configs[0]),
    ):
        y_kept = tuple(d for d in range(y.ndim) if d not in y_s and d not in y_b)
        back = ((over, y_kept), (common, tuple(sorted(y_b))))
        if config.mode == "nvfp4":
            out = dot_general(g, y, back, preferred_element_type=dtype)
        else:
            out = _product(g, y, back, dtype, [configs[2], config])
        places = [d for d in range(x.ndim) if d not in x_s and d not in x_b]
        matched = [x_s[k] for k in np.argsort(y_s)]
        moved = out.transpose([int(d) for d in np.argsort([*sorted(x_b), *places, *matched])])
        grads.append(astype(moved, x.dtype))
    if configs[2].mode == "nvfp4":  # what was cut off has no gradient
        for k, (x, config) in enumerate(((lhs, configs[0]), (rhs, configs[1]))):
            bound = float(dtypes.finfo(config.data_type).max) * float(dtypes.finfo(config.scale_type).max)
            grads[k] = where(absolute(x) <= config.global_scale * bound, grads[k], 0)
    return tuple(grads)


_scaled_dot.defvjp(_forward, _backward)


def scaled_dot_general(
    lhs: Any,
    rhs: Any,
    dimension_numbers: Any,
    preferred_element_type: Any = np.float32,
    configs: Sequence[BlockScaleConfig] | None = None,
    implementation: str | None = None,
) -> Array:
    """`lax.dot_general` of operands that are quantized first.

    Args:
        lhs: array.
        rhs: array.
        dimension_numbers: as in `lax.dot_general`.
        preferred_element_type: dtype of the result.
        configs: how ``lhs``, ``rhs`` and the gradient are quantized, of `get_scaled_dot_general_config`; None: not at all.
        implementation: ignored.
    """
    if implementation is not None:
        warnings.warn(
            "Backend selector, now ignored. The system chooses the backend automatically.",
            DeprecationWarning,
            stacklevel=2,
        )
    if configs is None:
        return dot_general(lhs, rhs, dimension_numbers, preferred_element_type=preferred_element_type)
    x, y = asarray(lhs), asarray(rhs)
    if preferred_element_type is None:
        want = dtypes.result_type(x, y)
    else:
        want = dtypes.check_and_canonicalize_user_dtype(preferred_element_type, "scaled_dot_impl")
    (summed, batch) = dimension_numbers
    numbers = tuple(map(tuple, summed)), tuple(map(tuple, batch))
    return _scaled_dot(x, y, numbers, want, configs)
