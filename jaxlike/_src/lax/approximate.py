"""approximate: the largest or smallest elements, where a few may be missed; here none is.

The exact answer is an approximate one. Without aggregation more elements than asked for come back, unsorted: the
whole axis, as JAX's CPU gives it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from jaxlike._src import dtypes
from jaxlike._src.array import Array
from jaxlike._src.border import canonicalize_axis, unwrap
from jaxlike._src.lax.strict import operand as operand_array
from jaxlike._src.numpy.arguments import like
from jaxlike._src.numpy.sort import gathered, order_of

if TYPE_CHECKING:
    from typing import Any


def _top(operand: Any, k: int, axis: int, largest: bool, whole: bool) -> list[Array]:
    x = operand_array("approx_top_k", operand)
    if k <= 0:
        raise ValueError(f"k must be positive, got {k}")
    if x.ndim == 0:
        raise TypeError(f"approx_top_k operand must have >= 1 dimension, got {x.shape}")
    length = list(x.shape)[axis]
    if length < k:
        raise ValueError(f"k must be smaller than the size of reduction_dim {length}, got {k}")
    if not dtypes.issubdtype(x.dtype, np.floating):
        raise ValueError("operand must be a floating type")
    axis = canonicalize_axis(axis, x.ndim)
    tensor = unwrap(x)
    places = order_of(tensor, axis, descending=largest)
    if not whole:
        places = places.narrow(axis, 0, k)
    return [like(x, gathered(tensor, axis, places)), Array(places.to(torch.int32), x.weak_type)]


def approx_max_k(
    operand: Array,
    k: int,
    reduction_dimension: int = -1,
    recall_target: float = 0.95,
    reduction_input_size_override: int = -1,
    aggregate_to_topk: bool = True,
) -> list[Array]:
    """The ``k`` largest elements along an axis, largest first, and where they are.

    Args:
        operand: array of floats.
        k: how many.
        reduction_dimension: the axis.
        recall_target: what part of them must be found; all are.
        reduction_input_size_override: accepted.
        aggregate_to_topk: False gives all elements.
    """
    del recall_target, reduction_input_size_override
    return _top(operand, k, reduction_dimension, True, not aggregate_to_topk)


def approx_min_k(
    operand: Array,
    k: int,
    reduction_dimension: int = -1,
    recall_target: float = 0.95,
    reduction_input_size_override: int = -1,
    aggregate_to_topk: bool = True,
) -> list[Array]:
    """The ``k`` smallest elements along an axis, smallest first, and where they are; see `approx_max_k`."""
    del recall_target, reduction_input_size_override
    return _top(operand, k, reduction_dimension, False, not aggregate_to_topk)
