"""sort: sorting by one key or several, with other arrays carried along, and the largest elements.

All is stable, with NaN last and zeros of both signs equal; a derivative goes where the values went.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src import dtypes, unsigned
from jaxlike._src.array import Array
from jaxlike._src.border import canonicalize_axis, unwrap
from jaxlike._src.lax.strict import operand as _operand
from jaxlike._src.numpy.arguments import like
from jaxlike._src.numpy.sort import check_ordered, gathered, lexical_order, order_of, sorted_values
from jaxlike._src.regions import equation

if TYPE_CHECKING:
    from torch import Tensor

    from jaxlike._src.typing import ArrayLike


def _whole(operand: Any, dimension: int = -1, is_stable: bool = True, num_keys: int = 1) -> Any:
    operands = operand if isinstance(operand, Sequence) else (operand,)
    axis = canonicalize_axis(dimension, np.ndim(operands[0]))
    return operands, {"dimension": axis, "is_stable": is_stable, "num_keys": num_keys}


@equation("sort", _whole)
def sort(operand: Any, dimension: int = -1, is_stable: bool = True, num_keys: int = 1) -> Any:
    """Arrays sorted along one axis.

    Args:
        operand: an array, or a sequence of arrays of one shape that are all brought into the same order.
        dimension: the axis.
        is_stable: accepted; sorting is always stable.
        num_keys: how many of the arrays decide about the order, the first of them first.

    Returns:
        A sorted array, or a tuple of them.
    """
    del is_stable
    if not isinstance(operand, Sequence):
        if num_keys != 1:
            raise ValueError(f"num_keys={num_keys} must equal 1 for a single operand.")
        x = _operand("sort", operand)
        check_ordered(x)
        return like(x, sorted_values(unwrap(x), canonicalize_axis(dimension, x.ndim)))
    if len(operand) == 0:
        raise TypeError("Sort requires at least one operand")
    if not 1 <= num_keys <= len(operand):
        raise ValueError(f"num_keys={num_keys} must be between 1 and len(operand)={len(operand)}")
    arrays = [_operand("sort", x, k) for k, x in enumerate(operand)]
    axis = canonicalize_axis(dimension, arrays[0].ndim)
    if len({x.shape for x in arrays}) > 1:
        raise TypeError(f"Arguments to sort must have equal shapes, got: {' '.join(str(x.shape) for x in arrays)}")
    for x in arrays[:num_keys]:
        check_ordered(x)
    places = lexical_order([unwrap(x) for x in reversed(arrays[:num_keys])], axis)
    return tuple(like(x, gathered(unwrap(x), axis, places)) for x in arrays)


def sort_key_val(keys: Array, values: ArrayLike, dimension: int = -1, is_stable: bool = True) -> tuple[Array, Array]:
    """``keys`` sorted along an axis, and ``values`` in the same order."""
    k, v = sort((keys, values), dimension, is_stable)
    return k, v


@equation("top_k", lambda x, k, *, axis=-1: ((x,), {"k": int(k), "axis": canonicalize_axis(axis, np.ndim(x))}))
def top_k(operand: ArrayLike, k: int, *, axis: int = -1) -> list[Array]:
    """The ``k`` largest elements along an axis, largest first, and where they are (int32); of equals the first."""
    k, x = int(k), _operand("top_k", operand)
    if k < 0:
        raise ValueError(f"k argument to top_k must be nonnegative, got {k}")
    axis = canonicalize_axis(axis, x.ndim)
    if dtypes.issubdtype(x.dtype, np.complexfloating):
        raise ValueError("top_k is not compatible with complex inputs.")
    if x.shape[axis] < k:
        raise ValueError(
            f"k argument to top_k must be no larger than size along axis; got k={k} with shape={list(x.shape)} and "
            f"axis={axis}"
        )
    tensor = unwrap(x)
    places = _largest(_total_order(tensor.detach()), k, axis)
    return [like(x, gathered(tensor, axis, places)), Array(places.to(torch.int32), x.weak_type)]


def _largest(keys: Tensor, k: int, axis: int) -> Tensor:
    """Where the ``k`` largest are, largest first, of equals the first.

    torch's topk says nothing of equals, so short keys get their place as low bits. Nearly all of them are sorted sooner.
    """
    n = keys.shape[axis] if keys.dim() else 1
    if 2 * k > n or n >= 1 << 31 or keys.dtype.itemsize > 4 or keys.dtype in unsigned.WIDE:
        return order_of(keys, axis, descending=True).narrow(axis, 0, k)
    backwards = torch.arange(n - 1, -1, -1, device=keys.device).reshape(n, *[1] * (keys.dim() - 1 - axis))
    return ((keys.to(torch.int64) << 32) | backwards).topk(k, axis).indices


def _total_order(tensor: Tensor) -> Tensor:
    """Keys in the order of the bits' signs and sizes: -0 before 0, NaN with a sign before -infinity."""
    if not tensor.dtype.is_floating_point or tensor.dtype.itemsize == 1:
        return tensor
    whole = {2: torch.int16, 4: torch.int32, 8: torch.int64}[tensor.dtype.itemsize]
    bits = tensor.view(whole)
    return torch.where(bits < 0, bits ^ torch.iinfo(whole).max, bits)
