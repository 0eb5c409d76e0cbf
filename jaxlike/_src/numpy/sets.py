"""sets: the distinct elements of arrays, and sets of them.

`unique` sorts and keeps each element (or row) that differs from the one before. How many there are depends on
values, so inside jit and vmap every function here needs ``size``; surplus places then repeat the first element,
or hold ``fill_value``.
"""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch

from jaxlike._src import dtypes, unsigned
from jaxlike._src.array import Array
from jaxlike._src.border import asarray, astype, canonicalize_axis, concrete_or_error, promote_dtypes, unwrap
from jaxlike._src.debug_checks import results_only
from jaxlike._src.numpy import reduce
from jaxlike._src.numpy.arguments import like, new_shape, one_array
from jaxlike._src.numpy.compare import equal, not_equal
from jaxlike._src.numpy.filled import full_like, zeros
from jaxlike._src.numpy.find import in_order, places_in
from jaxlike._src.numpy.search import first_true, nonzero, positions
from jaxlike._src.numpy.select import where
from jaxlike._src.numpy.shape import all_arrays, moveaxis, ravel, reshape
from jaxlike._src.numpy.sort import gathered, lexical_order, order_of
from jaxlike._src.numpy.stacking import concatenate

if TYPE_CHECKING:
    from torch import Tensor

    from jaxlike._src.typing import ArrayLike

_HINT = (
    "To make jnp.unique() compatible with JIT and other transforms, you can specify a concrete value for the size "
    "argument, which will determine the output size."
)


def _as_int(tensor: Tensor) -> Array:
    return Array(tensor.to(dtypes.to_torch(dtypes.default_int_dtype())))


def _differs(rows: Tensor, equal_nan: bool) -> Tensor:
    """Of sorted rows: whether each differs from the one before; the first does. bool[n]"""
    a, b = rows[1:], rows[:-1]
    new = a != b
    if equal_nan and (rows.is_floating_point() or rows.is_complex()):
        new = new & ~((a != a) & (b != b))
    if new.dim() > 1:
        new = new.flatten(1).any(1)
    return torch.cat([torch.ones(1, dtype=torch.bool, device=rows.device), new])


class _Sorted(NamedTuple):
    """Elements along the first axis in order, which of them are new, and where they were."""

    values: Array
    new: Tensor
    order: Tensor


def _sorted(x: Array, equal_nan: bool) -> _Sorted:
    """``x`` sorted along its first axis, further axes making up the elements."""
    tensor = unwrap(x)
    if np.issubdtype(x.dtype, np.complexfloating):  # which refuses PRNG keys
        tensor = torch.where(tensor != tensor, torch.nan, tensor)
    length, width = tensor.shape[0], math.prod(tensor.shape[1:])
    if width == 0:
        none = torch.zeros(1, dtype=torch.int64, device=tensor.device)
        return _Sorted(like(x, tensor.new_zeros((1, *tensor.shape[1:]))), none.to(torch.bool), none)
    columns = tensor.reshape(length, width)
    order = lexical_order([columns[:, k] for k in reversed(range(width))], 0)
    rows = unsigned.moved_as_signed(torch.index_select, tensor, 0, order)
    if length == 0:
        return _Sorted(like(x, rows), torch.zeros(0, dtype=torch.bool, device=tensor.device), order)
    return _Sorted(like(x, rows), _differs(_comparable(rows), equal_nan), order)


def _comparable(tensor: Tensor) -> Tensor:
    """A tensor on which torch has ``!=``."""
    if tensor.dtype in (torch.uint16, torch.uint32, torch.uint64):
        return in_order(tensor)
    return tensor.to(torch.float32) if tensor.is_floating_point() and tensor.dtype.itemsize == 1 else tensor


def _unique(
    x: Array,
    axis: int,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    equal_nan: bool = True,
    size: int | None = None,
    fill_value: Any = None,
) -> tuple[Array, ...]:
    """The parts of `unique`, in its order."""
    if x.shape[axis] == 0 and size and fill_value is None:
        raise ValueError(
            "jnp.unique: for zero-sized input with nonzero size argument, fill_value must be specified"
        )
    values, new, order = _sorted(moveaxis(x, axis, 0), equal_nan)
    length = new.shape[0]
    some = values.size > 0
    if size is None:
        known = concrete_or_error(None, Array(new), f"The error arose in jnp.unique(). {_HINT}")
        mask = unwrap(known)
        kept = torch.nonzero(mask).squeeze(1)
    else:
        kept = torch.remainder(first_true(new, size), max(length, 1))
    result = values
    if some:
        result = like(values, unsigned.moved_as_signed(torch.index_select, unwrap(values), 0, kept))
    count = new.sum()
    if size is not None and fill_value is not None:
        fill = astype(asarray(fill_value), result.dtype)
        if result.shape[0]:
            valid = torch.arange(size, device=new.device) < count
            result = where(Array(valid.reshape(-1, *[1] * (result.ndim - 1))), result, fill)
        else:
            result = full_like(result, fill, shape=(size, *result.shape[1:]))
    found = [moveaxis(result, 0, axis)]
    if return_index:
        found.append(_as_int(order.index_select(0, kept) if some else order))
    if return_inverse:
        if some:
            rank = torch.cumsum(new.to(torch.int64), 0) - 1
            found.append(_as_int(torch.zeros_like(order).scatter(0, order, rank)))
        else:
            found.append(zeros(x.shape[axis], dtype=dtypes.default_int_dtype()))
    if return_counts:
        found.append(_as_int(_counts(x.shape[axis], some, new, kept, size)))
    return tuple(found)


def _counts(length: int, some: bool, new: Tensor, kept: Tensor, size: int | None) -> Tensor:
    if not some:
        return torch.full((1 if length else 0,), length, device=new.device)
    total = new.shape[0]
    if size is None:
        ends = torch.cat([kept[1:], torch.full((1,), total, device=new.device)])
        return ends - kept
    starts = torch.remainder(first_true(new, size + 1), total)
    later = torch.where(starts[1:] != 0, starts[1:], total)
    return later - torch.cat([starts[:1], later[:-1]])


def unique(
    ar: ArrayLike,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    *,
    equal_nan: bool = True,
    size: int | None = None,
    fill_value: ArrayLike | None = None,
    sorted: bool = True,
) -> Any:
    """The distinct elements of ``ar``, sorted.

    Args:
        ar: array.
        return_index: give also the place where each comes first.
        return_inverse: give also, for each element of ``ar``, its place in the result.
        return_counts: give also how often each occurs.
        axis: distinct parts along this axis, instead of distinct elements.
        equal_nan: whether NaN counts once.
        size: how many to give; needed where ``ar`` is traced.
        fill_value: what surplus places hold, by default the first element.
        sorted: accepted; the result is always sorted.

    Returns:
        An array, or a tuple of it and what was asked for.
    """
    del sorted
    x = one_array("unique", ar)
    if size is None:
        x = _known(x)
    else:
        size = concrete_or_error(
            operator.index, size, f"The error arose for the size argument of jnp.unique(). {_HINT}"
        )
        new_shape(size)
    shape = x.shape
    if axis is None:
        x, along = ravel(x), 0
    else:
        along = canonicalize_axis(axis, x.ndim)
    found = list(
        _unique(x, along, return_index, return_inverse, return_counts, equal_nan, size, fill_value)
    )
    if return_inverse and axis is None:
        at = 2 if return_index else 1
        found[at] = reshape(found[at], shape)
    return found[0] if len(found) == 1 else tuple(found)


def _known(x: Array) -> Array:
    """The values of ``x``, which have no derivative; an error where they are not known."""
    return concrete_or_error(None, x, f"The error arose for the first argument of jnp.unique(). {_HINT}")


class _UniqueAllResult(NamedTuple):
    values: Array
    indices: Array
    inverse_indices: Array
    counts: Array


class _UniqueCountsResult(NamedTuple):
    values: Array
    counts: Array


class _UniqueInverseResult(NamedTuple):
    values: Array
    inverse_indices: Array


def unique_all(x: ArrayLike, /, *, size: int | None = None, fill_value: ArrayLike | None = None) -> Any:
    """`unique` with everything it can give, NaN counting as often as it occurs."""
    x = one_array("unique_all", x)
    return _UniqueAllResult(*unique(x, True, True, True, equal_nan=False, size=size, fill_value=fill_value))


def unique_counts(x: ArrayLike, /, *, size: int | None = None, fill_value: ArrayLike | None = None) -> Any:
    """`unique` with the counts, NaN counting as often as it occurs."""
    x = one_array("unique_counts", x)
    found = unique(x, return_counts=True, equal_nan=False, size=size, fill_value=fill_value)
    return _UniqueCountsResult(*found)


def unique_inverse(x: ArrayLike, /, *, size: int | None = None, fill_value: ArrayLike | None = None) -> Any:
    """`unique` with the place of each element in the result, NaN counting as often as it occurs."""
    x = one_array("unique_inverse", x)
    found = unique(x, return_inverse=True, equal_nan=False, size=size, fill_value=fill_value)
    return _UniqueInverseResult(*found)


def unique_values(x: ArrayLike, /, *, size: int | None = None, fill_value: ArrayLike | None = None) -> Array:
    """`unique`, NaN counting as often as it occurs."""
    return unique(one_array("unique_values", x), equal_nan=False, size=size, fill_value=fill_value)


# Membership

_FEW = 1 << 16  # comparisons of all pairs that are faster than sorting


def _is_in(x: Array, tested: Array, invert: bool) -> Array:
    """For each element of a vector whether it is in another (or, ``invert``, is not)."""
    x, tested = promote_dtypes(x, tested)
    if x.size == 0 or tested.size == 0:
        return Array(torch.full_like(unwrap(x), invert, dtype=torch.bool))
    n, m = x.shape[0], tested.shape[0]
    if n * m <= _FEW or unwrap(x).is_complex():
        a, b = (Array(unwrap(v).unsqueeze(k)) for v, k in ((x, 1), (tested, 0)))
        return reduce.all(not_equal(a, b), axis=-1) if invert else reduce.any(equal(a, b), axis=-1)
    tensor = unwrap(tested)
    ends = gathered(tensor, 0, order_of(tensor, 0))
    nearest = places_in(ends, unwrap(x), right=False).clamp(max=m - 1)
    match = Array(gathered(ends, 0, nearest))
    return not_equal(x, match) if invert else equal(x, match)


_METHODS = ("auto", "compare_all", "binary_search", "sort")


@results_only
def isin(
    element: ArrayLike,
    test_elements: ArrayLike,
    assume_unique: bool = False,
    invert: bool = False,
    *,
    method: str = "auto",
) -> Array:
    """For each element whether it is among the test elements; bool.

    Args:
        element: array.
        test_elements: array.
        assume_unique: accepted.
        invert: whether it is not.
        method: "auto", "compare_all", "binary_search" or "sort"; all give the same result.
    """
    x, tested = all_arrays("isin", (element, test_elements))
    if method not in _METHODS and x.size and tested.size:
        raise ValueError(
            f"{method=} is not implemented; options are 'compare_all', 'binary_search', 'sort', and 'auto'"
        )
    return reshape(_is_in(ravel(x), ravel(tested), invert), x.shape)


# Sets


def _static_size(size: Any, name: str) -> int | None:
    return None if size is None else concrete_or_error(operator.index, size, f"The error arose in {name}()")


def setdiff1d(
    ar1: ArrayLike,
    ar2: ArrayLike,
    assume_unique: bool = False,
    *,
    size: int | None = None,
    fill_value: ArrayLike | None = None,
) -> Array:
    """The distinct elements of ``ar1`` that are not in ``ar2``, sorted.

    Args:
        ar1: array.
        ar2: array.
        assume_unique: the elements of ``ar1`` are distinct already, and stay in their order.
        size: how many to give; needed where arrays are traced.
        fill_value: what surplus places hold, by default 0.
    """
    x, others = all_arrays("setdiff1d", (ar1, ar2))
    x, others = ravel(x), ravel(others)
    if size is None:
        concrete_or_error(None, x, "The error arose in setdiff1d()")
    size = _static_size(size, "setdiff1d")
    fill = full_like(x, 0 if fill_value is None else fill_value, shape=())
    if x.size == 0:
        return full_like(x, fill, shape=size or 0)
    if not assume_unique:
        x = unique(x, size=size and x.size)
    mask = _is_in(x, others, invert=True)
    if size is None:
        return x[mask]
    chosen = unwrap(mask)
    if not assume_unique:
        distinct = x.size + 1 - unwrap(equal(x, x[0])).sum()
        chosen = chosen & (torch.arange(x.size, device=chosen.device) < distinct)
    (at,) = positions(Array(chosen), size)
    valid = torch.arange(size, device=chosen.device) < chosen.sum()
    return where(Array(valid), x[at], fill)


def union1d(
    ar1: ArrayLike, ar2: ArrayLike, *, size: int | None = None, fill_value: ArrayLike | None = None
) -> Array:
    """The distinct elements of both arrays, sorted; ``size`` and ``fill_value`` as in `unique`."""
    x, y = all_arrays("union1d", (ar1, ar2))
    if size is None:
        x, y = (concrete_or_error(None, z, "The error arose in union1d()") for z in (x, y))
    size = _static_size(size, "union1d")
    return unique(concatenate((x, y), axis=None), size=size, fill_value=fill_value)


class _Pair(NamedTuple):
    """The elements of two vectors in one, sorted, those that count first."""

    values: Array
    counts: Tensor
    order: Tensor  # positions in both vectors, one behind the other
    firsts: tuple[Array, Array]  # the places of the distinct elements in each vector


def _sorted_pair(x: Array, y: Array, assume_unique: bool) -> _Pair:
    """Both vectors, made distinct (of unchanged size, surplus places not counting) and sorted together."""
    parts, valid, firsts = [], [], []
    for z in (x, y):
        places = torch.arange(z.shape[0], device=unwrap(z).device)
        if assume_unique or z.shape[0] == 0:
            parts.append(z)
            firsts.append(_as_int(places))
            valid.append(torch.ones_like(places, dtype=torch.bool))
            continue
        values, new, order = _sorted(z, equal_nan=True)
        kept = torch.remainder(first_true(new, z.shape[0]), z.shape[0])
        parts.append(like(z, unsigned.moved_as_signed(torch.index_select, unwrap(values), 0, kept)))
        firsts.append(_as_int(order.index_select(0, kept)))
        valid.append(places < new.sum())
    both = concatenate(parts)
    counts = torch.cat(valid)
    order = lexical_order([unwrap(both), ~counts], 0)
    return _Pair(
        like(both, gathered(unwrap(both), 0, order)), counts.gather(0, order), order, (firsts[0], firsts[1])
    )


def _filled_vector(
    values: Array, chosen: Tensor, size: int, fill_value: Any
) -> tuple[Array, Tensor, Tensor]:
    """The chosen elements, ``size`` of them; which places are filled by them, and from where."""
    device = chosen.device
    if values.shape[0] == 0:
        at = torch.zeros(size, dtype=torch.int64, device=device)
        return zeros(size, dtype=values.dtype), at.to(torch.bool), at
    at = first_true(chosen, size) if chosen.shape[0] else torch.zeros(size, dtype=torch.int64, device=device)
    valid = torch.arange(size, device=device) < chosen.sum()
    at = torch.where(valid, at, 0)
    picked = where(Array(valid), like(values, gathered(unwrap(values), 0, at)), zeros((), dtype=values.dtype))
    if fill_value is None:
        picked = where(Array(valid), picked, reduce.max(picked))
        return where(Array(valid), picked, reduce.min(picked)), valid, at
    return where(Array(valid), picked, fill_value), valid, at


def setxor1d(
    ar1: ArrayLike,
    ar2: ArrayLike,
    assume_unique: bool = False,
    *,
    size: int | None = None,
    fill_value: ArrayLike | None = None,
) -> Array:
    """The distinct elements that are in one of the arrays only, sorted.

    Args:
        ar1: array.
        ar2: array.
        assume_unique: the elements of each are distinct already.
        size: how many to give; needed where arrays are traced.
        fill_value: what surplus places hold, by default the smallest element.
    """
    x, y = promote_dtypes(*map(ravel, all_arrays("setxor1d", (ar1, ar2))))
    if size is None:
        if not assume_unique:
            x, y = unique(x), unique(y)
        both = concatenate((x, y))
        if both.size == 0:
            return both
        values, counts = _sorted(both, equal_nan=False)[0], None
    else:
        values, counts, *_ = _sorted_pair(x, y, assume_unique)
    rows = _comparable(unwrap(values))
    true = torch.ones(1, dtype=torch.bool, device=rows.device)
    apart = torch.cat([true, rows[1:] != rows[:-1], true])
    if counts is not None:  # the first place that does not count ends the last element
        apart = apart | torch.cat([true, ~counts])
    chosen = apart[1:] & apart[:-1]
    if size is None:
        return values[Array(chosen)]
    assert counts is not None
    return _filled_vector(values, chosen & counts, size, fill_value)[0]


def intersect1d(
    ar1: ArrayLike,
    ar2: ArrayLike,
    assume_unique: bool = False,
    return_indices: bool = False,
    *,
    size: int | None = None,
    fill_value: ArrayLike | None = None,
) -> Any:
    """The distinct elements that are in both arrays, sorted.

    Args:
        ar1: array.
        ar2: array.
        assume_unique: the elements of each are distinct already.
        return_indices: give also where each comes first in both raveled arrays.
        size: how many to give; needed where arrays are traced.
        fill_value: what surplus places hold, by default the smallest element.
    """
    x, y = map(ravel, promote_dtypes(*all_arrays("intersect1d", (ar1, ar2))))
    if size is None and not assume_unique:
        x, y = _known(x), _known(y)
    values, counts, order, firsts = _sorted_pair(x, y, assume_unique)
    rows = _comparable(unwrap(values))
    chosen = (rows[1:] == rows[:-1]) & counts[1:]
    if size is None:
        found = values[:-1][Array(chosen)]
        at = unwrap(nonzero(Array(chosen))[0]).to(torch.int64)
        valid = torch.ones_like(at, dtype=torch.bool)
    else:
        found, valid, at = _filled_vector(values, chosen, size, fill_value)
    if not return_indices:
        return found
    where_from: list[Array] = []
    starts = (0, x.shape[0])
    for z, first, step, start in zip((x, y), firsts, (0, 1), starts, strict=True):
        n = z.shape[0]
        if n == 0 or order.shape[0] < 2:
            place = torch.full_like(at, n)
        else:
            place = order.gather(0, at + step) - start
            place = unwrap(first).to(torch.int64).gather(0, place.clamp(0, n - 1))
        where_from.append(_as_int(torch.where(valid, place, n)))
    return found, *where_from
