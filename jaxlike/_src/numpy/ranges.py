"""ranges: evenly spaced numbers, and their products over several axes.

Lengths are static; the end points of `linspace` and its kin may be traced, those of `arange` may not.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src import dtypes, torch_private
from jaxlike._src.array import Array, constant
from jaxlike._src.border import (
    canonicalize_axis,
    cast,
    concrete_or_error,
    is_arraylike,
    scalar,
    to_numpy,
    unwrap,
)
from jaxlike._src.frames import STATE
from jaxlike._src.numpy.arguments import array_of, as_asked, like, new_shape, torch_target, user_dtype
from jaxlike._src.numpy.dtype_api import astype
from jaxlike._src.numpy.shape import all_arrays, broadcast_array, common_shape
from jaxlike._src.transforms.compiled import hashable

if TYPE_CHECKING:
    from torch import Tensor

    from jaxlike._src.typing import ArrayLike, DTypeLike

_DIRECT = frozenset([torch.int32, torch.int64, torch.float32, torch.float64])


def iota(dtype: Any, length: int, device: torch.device) -> Tensor:
    """0, 1, ... in a numpy dtype, wrapping around where it is too narrow."""
    if dtype == dtypes.BOOL:
        raise TypeError(
            f"iota does not accept dtype {dtype}. Accepted dtypes are subtypes of integer, floating, complexfloating."
        )
    want = dtypes.to_torch(dtype)
    if want in _DIRECT:
        return torch.arange(length, dtype=want, device=device)
    return cast(torch.arange(length, device=device), want)


def _concrete_number(name: str, x: Any) -> Any:
    known = concrete_or_error(None, x, f"It arose in the jnp.arange argument '{name}'")
    if isinstance(known, Array):
        known = to_numpy(known)[()] if known.ndim == 0 else to_numpy(known)
    if known is not None and np.ndim(known) != 0:
        raise ValueError(f"jax.numpy.arange: arguments must be scalars; got {name}={known}")
    return known


def arange(
    start: ArrayLike,
    stop: ArrayLike | None = None,
    step: ArrayLike | None = None,
    dtype: DTypeLike | None = None,
    *,
    device: Any = None,
    out_sharding: Any = None,
) -> Array:
    """Numbers from ``start`` (0 if only one is given) to below ``stop``, ``step`` apart.

    Args:
        start: first number; the end, if it is given alone.
        stop: where to end.
        step: the distance.
        dtype: dtype of the result; by default the promotion of the numbers' dtypes.
        device: where to put the result.
        out_sharding: instead of ``device``, the sharding of the result.
    """
    want = None if dtype is None else user_dtype(dtype, "arange")
    if type(start) is int and stop is None and step is None and 0 <= start <= 0x7FFFFFFF:
        want = dtypes.default_int_dtype() if want is None else want
        made = array_of(iota(want, start, torch_target(device, out_sharding)), want)
        return as_asked(made, device, out_sharding)
    for position, x in enumerate((start, stop, step)):
        if not (x is None or is_arraylike(x)):
            raise TypeError(
                f"arange requires ndarray, scalar, or None arguments, got {type(x)} at position {position}."
            )
    names = ("stop" if stop is None and step is None else "start", "stop", "step")
    given = [_concrete_number(name, x) for name, x in zip(names, (start, stop, step), strict=True)]
    if given[0] is None:
        raise TypeError("must be real number, not NoneType")
    if want is None:
        want = dtypes.result_type(*(a for a, v in zip((start, stop, step), given, strict=True) if v is not None))
    if any(np.iscomplexobj(v) for v in given):
        raise ValueError(
            "Passing complex start/stop/step to jnp.arange is no longer supported starting in JAX v0.10.0."
        )
    first, last, by = given
    if last is None:
        first, last = 0, first
    where = torch_target(device, out_sharding)
    if by is None:
        length = max(0, int(np.ceil(last if first == 0 else last - first)))
        numbers = iota(want, length, where)
        made = array_of(numbers if first == 0 else _plus(_as_scalar(first, want), numbers), want)
        return as_asked(made, device, out_sharding)
    # Steps of a short float would pile up its rounding: they are made in float32.
    narrow = dtypes.issubdtype(want, np.floating) and dtypes.finfo(want).bits < 32
    working = np.dtype("float32") if narrow else want
    length = max(0, int(np.ceil((last - first) / by)))
    numbers = _plus(_as_scalar(first, working), _times(_as_scalar(by, working), iota(working, length, where)))
    return as_asked(array_of(cast(numbers, dtypes.to_torch(want)), want), device, out_sharding)


def _as_scalar(value: Any, dtype: Any) -> Tensor:
    number = value.item() if isinstance(value, np.generic | np.ndarray) else value
    if dtypes.issubdtype(dtype, np.integer):
        number = int(number)
    return scalar(number, dtypes.to_torch(dtype))


_UNSIGNED = {torch.uint16: torch.int64, torch.uint32: torch.int64, torch.uint64: torch.int64}


def _on_bits(kernel: Any, a: Tensor, b: Tensor) -> Tensor:
    wide = _UNSIGNED.get(b.dtype)
    if wide is None:
        return kernel(a, b)
    if b.dtype is torch.uint64:
        return kernel(a.view(wide), b.view(wide)).view(torch.uint64)
    return kernel(a.to(wide), b.to(wide)).to(b.dtype)


def _plus(a: Tensor, b: Tensor) -> Tensor:
    return _on_bits(torch.add, a, b)


def _times(a: Tensor, b: Tensor) -> Tensor:
    return _on_bits(torch.mul, a, b)


def linspace(
    start: ArrayLike,
    stop: ArrayLike,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: DTypeLike | None = None,
    axis: int = 0,
    *,
    device: Any = None,
) -> Any:
    """``num`` numbers from ``start`` to ``stop``, evenly spaced.

    Args:
        start: first number; arrays make one sequence for each pair of their elements.
        stop: last number.
        num: how many.
        endpoint: whether ``stop`` is among them.
        retstep: whether to return the distance too.
        dtype: dtype of the result; integers are rounded down.
        axis: where the sequence lies in the result.
        device: where to put the result.

    Returns:
        The array, or (array, distance).
    """
    hashable(dtype)
    num = concrete_or_error(operator.index, num, "'num' argument of jnp.linspace")
    axis = concrete_or_error(operator.index, axis, "'axis' argument of jnp.linspace")
    if num < 0:
        raise ValueError(f"Number of samples, {num}, must be non-negative.")
    are_numbers = type(start) in _REALS and type(stop) in _REALS
    if are_numbers and dtype is None and not retstep and 1 < num <= 10_000 and STATE.plain:
        want = dtypes.default_float_dtype()
        own = _evenly_numbers(np.asarray(start, want), np.asarray(stop, want), num, endpoint)
        if axis not in (0, -1):
            canonicalize_axis(axis, 1)
        with torch_private.outside():
            return as_asked(constant(torch.from_numpy(own).to(torch_target(device))), device)
    first, last = (x for x in all_arrays("linspace", (start, stop)))
    if dtype is None:
        want = dtypes.to_inexact_dtype(dtypes.result_type(first, last))
    else:
        want = user_dtype(dtype, "linspace")
    computed = dtypes.to_inexact_dtype(want)
    numbers, delta = _evenly(astype(first, computed), astype(last, computed), num, endpoint, axis)
    if dtypes.issubdtype(want, np.integer):
        numbers = torch.floor(numbers)
    made = as_asked(array_of(cast(numbers, dtypes.to_torch(want)), want), device)
    return (made, Array(delta)) if retstep else made


_REALS = (int, float)


def _evenly_numbers(first: Any, last: Any, num: int, endpoint: bool) -> np.ndarray[Any, Any]:
    """`_evenly` of two numbers, on the host: one array is made instead of seven."""
    parts = num - 1 if endpoint else num
    step = np.arange(parts, dtype=first.dtype) / first.dtype.type(parts)
    numbers = first * (1 - step) + last * step
    return np.append(numbers, last) if endpoint else numbers


def _evenly(first: Array, last: Array, num: int, endpoint: bool, axis: int) -> tuple[Tensor, Tensor]:
    """The numbers, and their distance, in the dtype of the end points."""
    sizes = common_shape([first.shape, last.shape])
    low, high = (unwrap(broadcast_array(x, sizes)) for x in (first, last))
    if axis < 0:
        axis += len(sizes) + 1
    nan = torch.full((), torch.nan, dtype=low.dtype, device=low.device)
    if num == 0:
        return low.new_zeros((*sizes[:axis], 0, *sizes[axis:])), nan
    low, high = low.unsqueeze(axis), high.unsqueeze(axis)
    if num == 1:
        return low, nan if endpoint else unwrap(last) - unwrap(first)
    parts = num - 1 if endpoint else num
    real = low.real.dtype if low.is_complex() else low.dtype
    step = torch.arange(parts, device=low.device).to(real) / parts
    step = step.to(low.dtype).reshape((parts, *(1 for _ in sizes[axis:])))
    numbers = low * (1 - step) + high * step
    if endpoint:
        numbers = torch.cat([numbers, high], axis)
    return numbers, (unwrap(last) - unwrap(first)) / parts


def logspace(
    start: ArrayLike,
    stop: ArrayLike,
    num: int = 50,
    endpoint: bool = True,
    base: ArrayLike = 10.0,
    dtype: DTypeLike | None = None,
    axis: int = 0,
) -> Array:
    """``base ** linspace(start, stop, num)``; arguments as in `linspace`."""
    from jaxlike._src.numpy.power import power  # imported here: it is a layer above the rest

    num = concrete_or_error(operator.index, num, "'num' argument of jnp.logspace")
    axis = concrete_or_error(operator.index, axis, "'axis' argument of jnp.logspace")
    want, computed = _spaced_dtype(start, stop, dtype, "logspace")
    first, last = (astype(x, computed) for x in all_arrays("logspace", (start, stop)))
    exponents = linspace(first, last, num, endpoint=endpoint, axis=axis)
    return astype(power(base, exponents), want)


def geomspace(
    start: ArrayLike,
    stop: ArrayLike,
    num: int = 50,
    endpoint: bool = True,
    dtype: DTypeLike | None = None,
    axis: int = 0,
) -> Array:
    """``num`` numbers from ``start`` to ``stop`` with a constant ratio; arguments as in `linspace`."""
    num = concrete_or_error(operator.index, num, "'num' argument of jnp.geomspace")
    axis = concrete_or_error(operator.index, axis, "'axis' argument of jnp.geomspace")
    want, computed = _spaced_dtype(start, stop, dtype, "geomspace")
    first, last = (astype(x, computed) for x in all_arrays("geomspace", (start, stop)))
    sign = Array(torch.sgn(unwrap(first)))
    low, high = (Array(torch.log10(unwrap(x) / unwrap(sign))) for x in (first, last))
    tensor = unwrap(sign) * unwrap(logspace(low, high, num, endpoint=endpoint, dtype=computed))
    axis = canonicalize_axis(axis, tensor.dim())
    return astype(Array(tensor.movedim(0, axis)), want)


def _spaced_dtype(start: Any, stop: Any, dtype: Any, name: str) -> tuple[Any, Any]:
    if dtype is None:
        want = dtypes.to_inexact_dtype(dtypes.result_type(start, stop))
    else:
        want = user_dtype(dtype, name)
    return want, dtypes.to_inexact_dtype(want)


def meshgrid(*xi: ArrayLike, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> list[Array]:
    """Vectors as coordinates of a grid: the k-th result varies along the k-th axis only.

    Args:
        xi: vectors (or scalars), one for each axis.
        copy: only True.
        sparse: leave the other axes at size 1 instead of repeating along them.
        indexing: "ij" for matrix order, "xy" to exchange the first two axes.
    """
    arrays = all_arrays("meshgrid", xi)
    if not copy:
        raise ValueError("jax.numpy.meshgrid only supports copy=True")
    if indexing not in ("xy", "ij"):
        raise ValueError(f"Valid values for indexing are 'xy' and 'ij', got {indexing}")
    if any(x.ndim != 1 for x in arrays):
        raise ValueError(f"Arguments to jax.numpy.meshgrid must be 1D, got shapes {[x.shape for x in arrays]}")
    axes = list(range(len(arrays)))  # along which axis of the grid each argument lies
    if indexing == "xy" and len(arrays) >= 2:
        axes[:2] = [1, 0]
    full = [arrays[axes.index(i)].shape[0] for i in range(len(arrays))]
    grids: list[Array] = []
    for axis, x in zip(axes, arrays, strict=True):
        column = like(x, _along(unwrap(x), axis, len(arrays)))
        grids.append(column if sparse else broadcast_array(column, tuple(full)))
    return grids


def _along(tensor: Tensor, axis: int, rank: int) -> Tensor:
    """A vector (of elements that may have a payload) as axis ``axis`` of an array of rank ``rank``."""
    for i in range(rank):
        if i != axis:
            tensor = tensor.unsqueeze(i)
    return tensor


def indices(dimensions: Any, dtype: DTypeLike | None = None, sparse: bool = False) -> Any:
    """The index of each element of an array of the given shape.

    Args:
        dimensions: the shape.
        dtype: dtype of the indices; int32 by default.
        sparse: a tuple with one array per axis, of size 1 along the others, instead of one stacked array.
    """
    want = dtypes.default_int_dtype() if dtype is None else user_dtype(dtype, "indices")
    sizes = tuple(concrete_or_error(operator.index, n, "dimensions argument of jnp.indices") for n in dimensions)
    new_shape(sizes)
    where = torch_target(None)
    columns = [_along(iota(want, n, where), i, len(sizes)) for i, n in enumerate(sizes)]
    if sparse:
        return tuple(array_of(c, want) for c in columns)
    if not columns:
        return array_of(torch.zeros((0,), dtype=dtypes.to_torch(want), device=where), want)
    return array_of(torch.stack([c.expand(sizes) for c in columns]), want)


def ix_(*args: ArrayLike) -> tuple[Array, ...]:
    """Vectors as an open grid, for ``x[jnp.ix_(rows, columns)]``."""
    arrays = all_arrays("ix", args)
    made: list[Array] = []
    for place, x in enumerate(arrays):
        if x.ndim != 1:
            raise ValueError(f"Arguments to jax.numpy.ix_ must be 1-dimensional, got shape {x.shape}")
        if x.dtype == dtypes.BOOL:
            raise NotImplementedError("Boolean arguments to jax.numpy.ix_ are not implemented")
        if x.size == 0:  # an empty list is an index, though its dtype is float
            x = Array(unwrap(x).to(dtypes.to_torch(dtypes.default_int_dtype())))
        made.append(like(x, _along(unwrap(x), place, len(arrays))))
    return tuple(made)
