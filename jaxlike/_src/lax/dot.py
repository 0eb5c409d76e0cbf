"""dot: products summed over any axes of two arrays, with any axes in common.

The axes are brought into the order batch, own, summed and the product is one batched matrix product, by way of
`jax.numpy`'s `exact` for types in which torch has none.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import torch

from jaxlike._src import dtypes
from jaxlike._src.array import Array
from jaxlike._src.border import cast, unwrap
from jaxlike._src.lax.constraint import split_as_asked
from jaxlike._src.lax.precision import canonicalize_precision, check_algorithm, is_algorithm, matmul_precision, stated
from jaxlike._src.lax.strict import operand
from jaxlike._src.numpy.arguments import index_tuple
from jaxlike._src.numpy.products import exact
from jaxlike._src.regions import equation

if TYPE_CHECKING:
    from torch import Tensor

    from jaxlike._src.typing import ArrayLike, DTypeLike


DotDimensionNumbers: TypeAlias = tuple[
    tuple[Sequence[int], Sequence[int]], tuple[Sequence[int], Sequence[int]]
]


def dot_general(
    lhs: ArrayLike,
    rhs: ArrayLike,
    dimension_numbers: Any,
    precision: Any = None,
    preferred_element_type: DTypeLike | None = None,
    *,
    out_sharding: Any = None,
) -> Array:
    """The same as `dot`, with positional arguments."""
    return dot(
        lhs,
        rhs,
        dimension_numbers=dimension_numbers,
        precision=precision,
        preferred_element_type=preferred_element_type,
        out_sharding=out_sharding,
    )


def dot(
    lhs: ArrayLike,
    rhs: ArrayLike,
    *,
    dimension_numbers: Any = None,
    precision: Any = None,
    preferred_element_type: DTypeLike | None = None,
    out_sharding: Any = None,
) -> Array:
    """Sum of products over chosen axes.

    Args:
        lhs: array.
        rhs: array.
        dimension_numbers: ``((summed axes of lhs, of rhs), (common axes of lhs, of rhs))``; may be left out for
            vectors and matrices.
        precision: how exactly a GPU multiplies, see `Precision`.
        preferred_element_type: dtype of the result and of the sums.
        out_sharding: how the result is split over explicit axes of a mesh.

    Returns:
        An array with the common axes, then the other axes of ``lhs``, then those of ``rhs``.
    """
    if out_sharding is not None:
        kwargs: dict[str, Any] = {"precision": precision, "preferred_element_type": preferred_element_type}
        return split_as_asked(out_sharding, "dot_general", lambda: dot(lhs, rhs, dimension_numbers=dimension_numbers, **kwargs))
    x, y = operand("dot_general", lhs, 0), operand("dot_general", rhs, 1)
    if dimension_numbers is None:
        if not (1 <= x.ndim <= 2 and 1 <= y.ndim <= 2 and x.shape[-1] == y.shape[0]):
            raise ValueError(
                "jax.lax.dot: dimension_numbers must be specified when not performing simple un-batched matrix-matrix, "
                f"matrix-vector, or vector-vector products; got lhs_shape={x.shape} rhs_shape={y.shape}"
            )
        dimension_numbers = (((x.ndim - 1,), (0,)), ((), ()))
    (summed_x, summed_y), (common_x, common_y) = dimension_numbers
    sides = tuple(map(index_tuple, (summed_x, summed_y, common_x, common_y)))
    wanted = None
    if preferred_element_type is not None:
        wanted = dtypes.check_and_canonicalize_user_dtype(preferred_element_type, "dot")
    if precision != "tensorfloat32":  # an equation says HIGH of it, and it multiplies as DEFAULT
        precision = canonicalize_precision(precision)
    check_dot(x.shape, y.shape, *sides)
    return _product(x, y, sides, precision, wanted)


def _whole(x: Array, y: Array, sides: Any, precision: Any, wanted: Any) -> Any:
    numbers = ((sides[0], sides[1]), (sides[2], sides[3]))
    params = {"dimension_numbers": numbers, "precision": stated(precision), "preferred_element_type": wanted}
    return (x, y), {**params, "out_sharding": None}


@equation("dot_general", _whole)
def _product(x: Array, y: Array, sides: Any, precision: Any, wanted: Any) -> Array:
    result = result_dtype(x.dtype, y.dtype, wanted, narrower=is_algorithm(precision))
    computed = dtypes.to_torch(widest(x.dtype, y.dtype, result))
    if computed.is_floating_point and computed.itemsize == 1:  # torch has no sums of float8
        computed = torch.float32
    a, b = cast(unwrap(x), computed), cast(unwrap(y), computed)
    check_algorithm(precision, a.device)
    with matmul_precision(precision):
        out = exact(lambda p, q: _contract(p, q, *sides), a, b)
    weak = wanted is None and x.weak_type and y.weak_type
    return Array(cast(out, dtypes.to_torch(result)), weak)


def _rest(ndim: int, *used: Sequence[int]) -> list[int]:
    gone = {i for axes in used for i in axes}
    return [i for i in range(ndim) if i not in gone]


def _contract(
    x: Tensor,
    y: Tensor,
    summed_x: Sequence[int],
    summed_y: Sequence[int],
    common_x: Sequence[int],
    common_y: Sequence[int],
) -> Tensor:
    own_x, own_y = _rest(x.dim(), summed_x, common_x), _rest(y.dim(), summed_y, common_y)
    common = [x.shape[i] for i in common_x]
    rows, columns = [x.shape[i] for i in own_x], [y.shape[i] for i in own_y]
    depth = math.prod(x.shape[i] for i in summed_x)
    lanes = [math.prod(common)] if common else []
    left = x.permute([*common_x, *own_x, *summed_x]).reshape([*lanes, math.prod(rows), depth])
    right = y.permute([*common_y, *summed_y, *own_y]).reshape([*lanes, depth, math.prod(columns)])
    return torch.matmul(left, right).reshape([*common, *rows, *columns])


def check_dot(
    x: tuple[int, ...],
    y: tuple[int, ...],
    summed_x: tuple[int, ...],
    summed_y: tuple[int, ...],
    common_x: tuple[int, ...],
    common_y: tuple[int, ...],
) -> None:
    """TypeError in JAX's words where axes and shapes do not go together."""
    for side, shape, summed, common in (("lhs", x, summed_x, common_x), ("rhs", y, summed_y, common_y)):
        if not all(0 <= i < len(shape) for i in (*summed, *common)):
            raise TypeError(
                f"dot_general requires {side} dimension numbers to be nonnegative and less than the number of axes of "
                f"the {side} value, got {side}_batch of {common} and {side}_contracting of {summed} for {side} of rank "
                f"{len(shape)}"
            )
    if len(common_x) != len(common_y):
        raise TypeError(
            "dot_general requires equal numbers of lhs_batch and rhs_batch dimensions, got lhs_batch "
            f"{common_x} and rhs_batch {common_y}."
        )
    for what, named in (("batch", (common_x, common_y)), ("contracting", (summed_x, summed_y))):
        for side, axes in zip(("lhs", "rhs"), named, strict=True):
            if len(set(axes)) != len(axes):
                raise TypeError(
                    f"dot_general requires {side} {what} dimensions to be distinct, got {side}_{what} {axes}."
                )
    for side, summed, common in (("lhs", summed_x, common_x), ("rhs", summed_y, common_y)):
        if set(summed) & set(common):
            raise TypeError(
                f"dot_general requires {side} batch dimensions to be disjoint from contracting dimensions, got "
                f"{side}_batch {common} and {side}_contracting {summed}."
            )
    sizes = [
        tuple(shape[i] for i in axes) for shape, axes in ((x, common_x), (y, common_y), (x, summed_x), (y, summed_y))
    ]
    if sizes[0] != sizes[1]:
        raise TypeError(
            "dot_general requires lhs batch dimensions and rhs batch dimensions to have the same shape, got "
            f"{sizes[0]} and {sizes[1]}."
        )
    if sizes[2] != sizes[3]:
        raise TypeError(
            f"dot_general requires contracting dimensions to have the same shape, got {sizes[2]} and {sizes[3]}."
        )


def _properties(dtype: Any) -> tuple[Any, ...]:
    """The order of dtypes in a product: complex, then exponent, mantissa, width, sign."""
    is_complex = dtypes.issubdtype(dtype, np.complexfloating)
    part = dtypes.to_floating_dtype(dtype) if is_complex else dtype
    if dtypes.issubdtype(part, np.floating):
        info = dtypes.finfo(part)
        sizes: tuple[int, int, int] = (int(info.maxexp), int(info.nmant), int(info.bits))
    else:
        sizes = (-1, -1, 1 if part == np.bool_ else dtypes.itemsize_bits(part))
    return is_complex, *sizes, not dtypes.issubdtype(part, np.unsignedinteger)


def result_dtype(x: Any, y: Any, wanted: Any, *, narrower: bool = False) -> Any:
    """The dtype of a product of arrays of these, with the one that is wanted or None; TypeError where it is none."""
    a, b = _properties(x), _properties(y)
    if a == b and x != y:
        raise TypeError(f"lax.dot_general argument type error: {x}, {y}")
    found = x if a >= b else y
    if wanted is None or wanted == found:
        return found
    if narrower or dtypes.issubdtype(found, np.floating):
        return wanted
    if dtypes.itemsize_bits(wanted) < dtypes.itemsize_bits(found):
        raise TypeError(
            "`preferred_element_type` must not be narrower than the original type, got preferred_element_type of "
            f"{wanted} for result type of {found}."
        )
    return wanted


def widest(*given: Any) -> Any:
    """The dtype to compute in, of operands and result."""
    return max(given, key=_properties)


def batch_matmul(lhs: Array, rhs: Array, precision: Any = None) -> Array:
    """Products of the matrices in the last two axes; all other axes are common."""
    if min(lhs.ndim, rhs.ndim) < 2:
        raise ValueError(f"Arguments to batch_matmul must be at least 2D, got {lhs.ndim}, {rhs.ndim}")
    if lhs.ndim != rhs.ndim:
        raise ValueError(f"Arguments to batch_matmul must have same ndim, got {lhs.ndim}, {rhs.ndim}")
    common = tuple(range(lhs.ndim - 2))
    numbers = (((lhs.ndim - 1,), (rhs.ndim - 2,)), (common, common))
    return dot_general(lhs, rhs, numbers, precision=precision)
