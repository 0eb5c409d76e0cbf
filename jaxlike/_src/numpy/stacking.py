"""stacking: arrays joined to one, and one array cut into several or repeated.

Operands promote to one dtype and keep a weak type that all share; PRNG keys and int4 are joined too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

import numpy as np
from jaxlike._src.array import Array
from jaxlike._src.border import (
    asarray,
    astype,
    canonicalize_axis,
    check_arraylike,
    promote_dtypes,
    unwrap,
)
from jaxlike._src.frames import STATE
from jaxlike._src.numpy.arguments import like, user_dtype
from jaxlike._src.numpy.shape import (
    all_arrays,
    expand_dims,
    ravel,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jaxlike._src.typing import ArrayLike, DTypeLike

# Joining


def concatenate_arrays(arrays: Sequence[Array], axis: int) -> Array:
    """Arrays of one dtype joined along an axis; their other sizes must agree."""
    first = arrays[0]
    shapes = [x.shape for x in arrays]
    if len({len(s) for s in shapes}) > 1:
        raise TypeError(
            "Cannot concatenate arrays with different numbers of dimensions: "
            f"got {', '.join(map(str, shapes))}."
        )
    if len({(s[:axis], s[axis + 1 :]) for s in shapes}) > 1:
        raise TypeError(
            "Cannot concatenate arrays with shapes that differ in dimensions other than the one being "
            f"concatenated: concatenating along dimension {axis} for shapes {', '.join(map(str, shapes))}."
        )
    if len(arrays) == 1:
        return first
    return like(first, torch.cat([unwrap(x) for x in arrays], axis))


def _to_dtype(arrays: Sequence[Any], dtype: Any, fun_name: str) -> list[Array]:
    if dtype is None:
        return promote_dtypes(*arrays) if len(arrays) > 1 else [asarray(x) for x in arrays]
    want = user_dtype(dtype, fun_name)
    return [astype(asarray(x), want) for x in arrays]


def _alike(arrays: Any) -> bool:
    """Whether all are Arrays of the running frame with one dtype and weak type: the fast path."""
    if type(arrays) not in (list, tuple) or not arrays or type(arrays[0]) is not Array:
        return False
    dtype, tag, fast = arrays[0]._t.dtype, arrays[0]._tag, STATE.fast
    for x in arrays:
        if type(x) is not Array or x._frame is not fast or x._t.dtype is not dtype or x._tag is not tag:
            return False
    return True


def concatenate(
    arrays: np.ndarray | Array | Sequence[ArrayLike], axis: int | None = 0, dtype: DTypeLike | None = None
) -> Array:
    """The arrays one after the other along an existing axis.

    Args:
        arrays: arrays that agree in all sizes but that of ``axis``, or one array, joined along its first axis.
        axis: where to join; None ravels them first.
        dtype: dtype of the result; by default the promotion of theirs.
    """
    if dtype is None and _alike(arrays) and axis is not None and arrays[0].ndim:
        try:
            return Array(torch.cat([x._t for x in arrays], axis), arrays[0]._tag)
        except (RuntimeError, IndexError, TypeError):  # below it is said what is wrong
            pass
    if isinstance(arrays, np.ndarray | Array):
        return _join_first_axis(arrays, axis, dtype)
    given = all_arrays("concatenate", arrays)
    if not given:
        raise ValueError("Need at least one array to concatenate.")
    if axis is None:
        return concatenate([ravel(x) for x in given], axis=0, dtype=dtype)
    if given[0].ndim == 0:
        raise ValueError("Zero-dimensional arrays cannot be concatenated.")
    axis = canonicalize_axis(axis, given[0].ndim)
    return concatenate_arrays(_to_dtype(given, dtype, "asarray"), axis)


def _join_first_axis(array: Any, axis: int | None, dtype: Any) -> Array:
    (x,) = _to_dtype([array], dtype, "asarray")
    if x.ndim == 0 or x.shape[0] == 0:
        raise ValueError("Need at least one array to concatenate.")
    if axis is None:
        return ravel(x)
    if x.ndim == 1:
        raise ValueError("Zero-dimensional arrays cannot be concatenated.")
    axis = canonicalize_axis(axis, x.ndim - 1)
    sizes = x.shape
    tensor = unwrap(x).movedim(0, axis)
    kept = tensor.shape[x.ndim :]
    joined = (*sizes[1 : axis + 1], sizes[0] * sizes[axis + 1], *sizes[axis + 2 :], *kept)
    return like(x, tensor.reshape(joined))


def concat(arrays: Sequence[ArrayLike], /, *, axis: int | None = 0) -> Array:
    """`concatenate`, under its name in the array API standard."""
    check_arraylike("concat", *arrays)
    return concatenate(arrays, axis=axis)


def stack(
    arrays: np.ndarray | Array | Sequence[ArrayLike],
    axis: int = 0,
    out: None = None,
    dtype: DTypeLike | None = None,
) -> Array:
    """Arrays of one shape along a new axis, which is ``axis`` of the result."""
    if dtype is None and out is None and _alike(arrays):
        try:
            return Array(torch.stack([x._t for x in arrays], axis), arrays[0]._tag)
        except (RuntimeError, IndexError, TypeError):  # below it is said what is wrong
            pass
    if not len(arrays):
        raise ValueError("Need at least one array to stack.")
    if out is not None:
        raise NotImplementedError("The 'out' argument to jnp.stack is not supported.")
    if isinstance(arrays, np.ndarray | Array):
        at = canonicalize_axis(axis, arrays.ndim)
        return concatenate(expand_dims(arrays, at + 1), axis=at, dtype=dtype)
    given = _to_dtype(all_arrays("stack", arrays), dtype, "asarray")
    shapes = [x.shape for x in given]
    if len({len(s) for s in shapes}) > 1:
        raise ValueError(
            f"Cannot stack arrays with different numbers of dimensions: got {', '.join(map(str, shapes))}."
        )
    if len(set(shapes)) > 1:
        raise ValueError(f"Cannot stack arrays with different shapes: got {', '.join(map(str, shapes))}.")
    axis = canonicalize_axis(axis, given[0].ndim + 1)
    return concatenate_arrays([expand_dims(x, axis) for x in given], axis)
