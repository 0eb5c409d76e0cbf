"""bits: bits packed into bytes, and positions in an array as numbers or as one number per axis."""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src import dtypes
from jaxlike._src.array import Array
from jaxlike._src.border import asarray, astype, canonicalize_axis, concrete_or_error, unwrap
from jaxlike._src.numpy import reduce
from jaxlike._src.numpy.arguments import one_array, user_dtype
from jaxlike._src.numpy.arithmetic import add, divmod, multiply, remainder
from jaxlike._src.numpy.compare import greater, greater_equal, less
from jaxlike._src.numpy.create import array as as_array
from jaxlike._src.numpy.select import clip, where
from jaxlike._src.numpy.shape import all_arrays, ravel
from jaxlike._src.transforms.compiled import compiled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from jaxlike._src.typing import ArrayLike, DTypeLike


def _shifts(bitorder: str, device: torch.device) -> Tensor:
    """By how much each bit of a byte is shifted."""
    if bitorder not in ("little", "big"):
        raise ValueError("'order' must be either 'little' or 'big'")
    by = torch.arange(8, dtype=torch.int32, device=device)
    return by.flip(0) if bitorder == "big" else by


def _axis_last(x: Array, axis: int | None) -> tuple[Tensor, int]:
    if axis is None:
        x, axis = ravel(x), 0
    axis = canonicalize_axis(axis, x.ndim)
    return unwrap(x).transpose(axis, -1), axis


@compiled("a")
def packbits(a: ArrayLike, axis: int | None = None, bitorder: str = "big") -> Array:
    """Eight truth values a byte, along an axis; the last byte is filled with 0.

    Args:
        a: array of integers or bool; what is not 0 counts as 1.
        axis: None ravels ``a`` first.
        bitorder: "big" if the first value is the highest bit, or "little".
    """
    x = one_array("packbits", a)
    if not dtypes.any_of((np.integer, np.bool_), x.dtype):
        raise TypeError("Expected an input array of integer or boolean data type")
    by = _shifts(bitorder, unwrap(x).device)
    tensor, axis = _axis_last(astype(x, dtypes.BOOL), axis)
    bits = tensor.to(torch.int32)
    missing = -bits.shape[-1] % 8
    if missing:
        bits = torch.nn.functional.pad(bits, (0, missing))
    bits = bits.reshape(*bits.shape[:-1], bits.shape[-1] // 8, 8)
    packed = torch.sum(bits << by, dim=-1, dtype=torch.int32).to(torch.uint8)
    return Array(packed.transpose(axis, -1))


@compiled("a")
def unpackbits(
    a: ArrayLike, axis: int | None = None, count: int | None = None, bitorder: str = "big"
) -> Array:
    """The bits of bytes as 0 and 1, along an axis; uint8.

    Args:
        a: array of uint8.
        axis: None ravels ``a`` first.
        count: how many bits to give: fewer, or more that are 0.
        bitorder: "big" if the highest bit comes first, or "little".
    """
    x = one_array("unpackbits", a)
    if x.dtype != np.uint8:
        raise TypeError("Expected an input array of unsigned byte data type")
    by = _shifts(bitorder, unwrap(x).device)
    tensor, axis = _axis_last(x, axis)
    bits = ((tensor.to(torch.int32).unsqueeze(-1) >> by) & 1).to(torch.uint8)
    bits = bits.reshape(*bits.shape[:-2], bits.shape[-2] * 8)
    if count is not None:
        length = bits.shape[-1]
        if count > length:
            bits = torch.nn.functional.pad(bits, (0, count - length))
        else:
            bits = bits[..., slice(0, count)]
    return Array(bits.transpose(axis, -1))


# Positions


def unravel_index(indices: ArrayLike, shape: int | Sequence[int]) -> tuple[Array, ...]:
    """Positions in the raveled array as positions along each axis of ``shape``; out of bounds they clamp."""
    rest = one_array("unravel_index", indices)
    try:
        sizes = list(shape)  # pyright: ignore[reportArgumentType]
    except TypeError:
        sizes = [shape]
    if any(np.ndim(n) != 0 for n in sizes):
        raise ValueError("unravel_index: shape should be a scalar or 1D sequence.")
    found: list[Array] = []
    for n in reversed(sizes):
        rest, along = divmod(rest, n)  # pyright: ignore[reportArgumentType]
        found.append(along)
    above = greater(rest, 0)
    below = less(rest, -1) if dtypes.issubdtype(rest.dtype, np.signedinteger) else asarray(False)
    return tuple(
        where(above, n - 1, where(below, 0, along))  # pyright: ignore[reportOperatorIssue]
        for n, along in zip(sizes, reversed(found), strict=True)
    )


def ravel_multi_index(
    multi_index: Sequence[ArrayLike],
    dims: Sequence[int],
    mode: str = "raise",
    order: str = "C",
    *,
    dtype: DTypeLike | None = None,
) -> Array:
    """Positions along each axis of ``dims`` as positions in the raveled array.

    Args:
        multi_index: an array of positions per axis; they broadcast.
        dims: sizes of the axes.
        mode: for positions out of bounds: "raise" (needs known values), "wrap", "clip" or "ignore".
        order: "C", or "F" if the first axis changes fastest.
        dtype: dtype of the result.
    """
    assert len(multi_index) == len(dims), (
        f"len(multi_index)={len(multi_index)} != len(dims)={len(dims)}"
    )
    sizes = tuple(
        concrete_or_error(operator.index, d, "in `dims` argument of ravel_multi_index().") for d in dims
    )
    places = all_arrays("ravel_multi_index", multi_index)
    want: Any = (
        dtypes.result_type(int, *places) if dtype is None else user_dtype(dtype, "ravel_multi_index")
    )
    if not dtypes.issubdtype(want, np.integer):
        raise ValueError(f"dtype={want!r} is not an integer type.")
    if math.prod(sizes) - 1 > dtypes.iinfo(want).max:
        raise ValueError(
            f"jnp.ravel_multi_index: dtype={want!r} not large enough to hold flattened index for dims={sizes}. "
            "Use the dtype argument to pass a suitable dtype (e.g. dtype=np.min_scalar_type(prod(dims)))."
        )
    for at in places:
        if mode == "raise":
            concrete_or_error(
                as_array,
                at,
                "The error occurred because ravel_multi_index was jit-compiled with mode='raise'. Use mode='wrap' "
                "or mode='clip' instead.",
            )
        if not dtypes.issubdtype(at.dtype, np.integer):
            raise TypeError("only int indices permitted")
    pairs = list(zip(places, sizes, strict=True))
    if mode == "raise":
        for at, n in pairs:
            if bool(reduce.any(less(at, 0))) or bool(reduce.any(greater_equal(at, n))):
                raise ValueError("invalid entry in coordinates array")
    elif mode == "clip":
        places = [clip(at, 0, n - 1) for at, n in pairs]
    elif mode == "wrap":
        places = [remainder(at, n) for at, n in pairs]
    elif mode != "ignore":
        raise ValueError(f"invalid mode={mode!r}. Expected 'raise', 'wrap', 'clip', or 'ignore'.")
    if order not in ("C", "F"):
        raise ValueError(f"invalid order={order!r}. Expected 'C' or 'F'")
    strides = [
        math.prod(sizes[:k] if order == "F" else sizes[k + 1 :]) for k in range(len(sizes))
    ]
    total = as_array(0, dtype=want)
    for at, stride in zip(places, strides, strict=True):
        total = add(total, multiply(astype(at, want), stride))
    return total
