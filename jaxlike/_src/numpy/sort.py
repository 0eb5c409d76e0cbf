"""sort: sorting, and the orders that sort.

Everything is stable, puts NaN last (first where descending) and takes -0.0 and 0.0 for equal. `order_of` gives
the positions in sorted order for every dtype: those that torch cannot sort are looked at in one that it can, and
complex numbers are sorted by their imaginary, then by their real part. Sorted values of those dtypes are gathered
by it; a derivative goes where the values went.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src import dtypes, unsigned
from jaxlike._src.array import Array
from jaxlike._src.border import canonicalize_axis, cast, unwrap
from jaxlike._src.frames import STATE
from jaxlike._src.numpy.arguments import like, one_array, user_dtype
from jaxlike._src.numpy.shape import all_arrays, ravel
from jaxlike._src.transforms.compiled import compiled, jitted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from jaxlike._src.typing import ArrayLike, DTypeLike

_SORTED_BY_TORCH = frozenset(
    [
        *(torch.float32, torch.float64, torch.float16, torch.bfloat16),
        *(torch.int8, torch.int16, torch.int32, torch.int64, torch.uint8),
    ]
)


def sortable(tensor: Tensor) -> Tensor:
    """A tensor of real values in a dtype that torch sorts, in the same order."""
    dtype = tensor.dtype
    if dtype in _SORTED_BY_TORCH:
        return tensor
    if dtype is torch.bool:
        return tensor.to(torch.uint8)
    if dtype in unsigned.WIDE:
        return unsigned.flip(tensor) if dtype is torch.uint64 else tensor.to(torch.int64)
    return tensor.to(torch.float32)  # float8


def order_of(tensor: Tensor, axis: int, descending: bool = False) -> Tensor:
    """Positions (int64) in sorted order along an axis; stable."""
    return lexical_order([tensor], axis, descending)


def lexical_order(keys: Sequence[Tensor], axis: int, descending: bool = False) -> Tensor:
    """Positions (int64) in the order of several keys of one shape, the last of which counts first."""
    columns = [part for key in keys for part in ((key.imag, key.real) if key.is_complex() else (key,))]
    order: Tensor | None = None
    for column in columns:
        column = sortable(column.detach())
        if order is not None:
            column = torch.gather(column, axis, order)
        # torch.argsort has no stable form under vmap
        step = torch.sort(column, dim=axis, stable=True, descending=descending).indices
        order = step if order is None else torch.gather(order, axis, step)
    assert order is not None
    return order


def gathered(tensor: Tensor, axis: int, places: Tensor) -> Tensor:
    """`torch.gather` for every dtype; ``places`` in range."""
    if tensor.dtype.is_floating_point and tensor.dtype.itemsize == 1:
        return torch.gather(tensor.view(torch.uint8), axis, places).view(tensor.dtype)
    return unsigned.moved_as_signed(torch.gather, tensor, axis, places)


def _index_dtype(size: int) -> Any:
    """What positions along an axis of this size are given in."""
    wide = dtypes.default_int_dtype()
    return np.dtype(np.int64) if size > np.iinfo(np.int32).max else wide


def _checked(name: str, a: Any, axis: Any, kind: Any, order: Any) -> tuple[Array, int]:
    x = one_array(name, a)
    for word, value in (("kind", kind), ("order", order)):
        if value is not None:
            also = " Use stable=True or stable=False to specify sort stability." if word == "kind" else ""
            raise TypeError(f"'{word}' argument to {name} is not supported.{also}")
    if axis is None:
        x, axis = ravel(x), 0
    axis = canonicalize_axis(operator.index(axis), x.ndim)
    check_ordered(x)
    return x, axis


def check_ordered(x: Array) -> None:
    """TypeError for what has no order, such as PRNG keys."""
    if isinstance(x.dtype, dtypes.ExtendedDType):
        raise TypeError(
            f"lt_to does not accept dtype {x.dtype} at position 0. Accepted dtypes at position 0 are subtypes of "
            "integer, floating, bool."
        )


@jitted("sort", "a")
def sort(
    a: ArrayLike,
    axis: int | None = -1,
    *,
    kind: None = None,
    order: None = None,
    stable: bool = True,
    descending: bool = False,
) -> Array:
    """``a`` sorted along an axis, or raveled and sorted.

    Args:
        a: array; complex numbers are ordered by their real, then by their imaginary part.
        axis: None ravels first.
        kind: not supported.
        order: not supported.
        stable: accepted; sorting is always stable.
        descending: the other way round, NaN first.
    """
    if type(a) is Array and a._frame is STATE.fast and type(axis) is int and not descending:
        t = a._t
        if t.dtype in _SORTED_BY_TORCH and -t.dim() <= axis < t.dim() and kind is None and order is None:
            return Array(torch.sort(t, dim=axis, stable=True).values, a._tag)
    x, axis = _checked("sort", a, axis, kind, order)
    return like(x, sorted_values(unwrap(x), axis, descending))


def sorted_values(tensor: Tensor, axis: int, descending: bool = False) -> Tensor:
    """Kernel of `sort`."""
    if tensor.dtype in _SORTED_BY_TORCH:
        out = torch.sort(tensor, dim=axis, stable=True).values
    else:
        out = gathered(tensor, axis, order_of(tensor, axis))
    return unsigned.moved_as_signed(torch.flip, out, (axis,)) if descending else out


@jitted("argsort", "a")
def argsort(
    a: ArrayLike,
    axis: int | None = -1,
    *,
    kind: None = None,
    order: None = None,
    stable: bool = True,
    descending: bool = False,
    dtype: DTypeLike | None = None,
) -> Array:
    """Positions that sort ``a`` along an axis; int32 (int64 with x64).

    Args:
        a: array; complex numbers are ordered by their real, then by their imaginary part.
        axis: None ravels first.
        kind: not supported.
        order: not supported.
        stable: whether equal elements stay in order also where descending.
        descending: the other way round, NaN first.
        dtype: dtype of the result.
    """
    x, axis = _checked("argsort", a, axis, kind, order)
    want = user_dtype(dtype, "argsort") if dtype is not None else _index_dtype(x.shape[axis])
    if descending and not stable:
        places = order_of(unwrap(x), axis).flip(axis)
    else:
        places = order_of(unwrap(x), axis, descending)
    return Array(cast(places, dtypes.to_torch(want)))


@compiled("keys")
def lexsort(keys: Array | np.ndarray[Any, Any] | Sequence[ArrayLike], axis: int = -1) -> Array:
    """Positions that sort by several keys, the last of which counts first.

    Args:
        keys: arrays of one shape, or an array of them.
        axis: along which to sort.
    """
    arrays = all_arrays("lexsort", tuple(keys))
    if not arrays:
        raise TypeError("need sequence of keys with len > 0 in lexsort")
    if len({x.shape for x in arrays}) > 1:
        raise ValueError("all keys need to be the same shape")
    first = arrays[0]
    if first.ndim == 0:
        return Array(torch.zeros_like(unwrap(first), dtype=dtypes.to_torch(dtypes.default_int_dtype())))
    axis = canonicalize_axis(axis, first.ndim)
    for x in arrays:
        check_ordered(x)
    places = lexical_order([unwrap(x) for x in arrays], axis)
    return Array(cast(places, dtypes.to_torch(_index_dtype(first.shape[axis]))))


@compiled("a")
def sort_complex(a: ArrayLike) -> Array:
    """``a`` sorted along its last axis, as complex numbers."""
    x = sort(one_array("sort_complex", a))
    return Array(cast(unwrap(x), dtypes.to_torch(dtypes.to_complex_dtype(x.dtype))))


# Partitions


def _partition_axes(name: str, a: Any, kth: int, axis: int) -> tuple[Array, int, int]:
    x = one_array("partition", a)
    if dtypes.issubdtype(x.dtype, np.complexfloating):
        raise NotImplementedError(f"jnp.{name} for complex dtype is not implemented.")
    axis = canonicalize_axis(axis, x.ndim)
    return x, canonicalize_axis(kth, x.shape[axis]), axis


def _two_sides(places: Tensor, kth: int, axis: int) -> Tensor:
    """The order in which JAX leaves the two sides: smallest first, then largest first."""
    rest = places.shape[axis] - kth - 1
    bottom = places.narrow(axis, 0, kth + 1)
    return torch.cat([bottom, places.narrow(axis, kth + 1, rest).flip(axis)], axis)


@compiled("a")
def partition(a: ArrayLike, kth: int, axis: int = -1) -> Array:
    """``a`` with its ``kth`` smallest element in place, smaller ones before and larger ones after it.

    Args:
        a: real array.
        kth: the place, a static int.
        axis: along which.
    """
    x, kth, axis = _partition_axes("partition", a, kth, axis)
    tensor = unwrap(x)
    return Array(gathered(tensor, axis, _two_sides(order_of(tensor, axis), kth, axis)))


@compiled("a")
def argpartition(a: ArrayLike, kth: int, axis: int = -1) -> Array:
    """Positions that partition ``a``, see `partition`; int32."""
    x, kth, axis = _partition_axes("argpartition", a, kth, axis)
    places = order_of(unwrap(x), axis)
    rest = places.shape[axis] - kth - 1
    # As in JAX the larger elements are given in the order in which they lie in the array.
    after = torch.sort(places.narrow(axis, kth + 1, rest), dim=axis).values
    return Array(torch.cat([places.narrow(axis, 0, kth + 1), after], axis).to(torch.int32))
