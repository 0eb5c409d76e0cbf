"""cumulative: running sums and products along an axis.

Unlike sums these keep narrow integer dtypes (and wrap around); bool counts in int32.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src import dtypes, unsigned
from jaxlike._src.array import Array
from jaxlike._src.border import canonicalize_axis, unwrap
from jaxlike._src.frames import STATE
from jaxlike._src.numpy.arguments import array_of, astype, one_array, user_dtype
from jaxlike._src.numpy.kinks import transformed
from jaxlike._src.numpy.nan_reduce import without_nan
from jaxlike._src.numpy.reduction import promoted_integer
from jaxlike._src.numpy.shape import reshape
from jaxlike._src.regions import as_one
from jaxlike._src.transforms.compiled import hashable, jitted

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from jaxlike._src.typing import ArrayLike, DTypeLike

_DIRECT = frozenset([torch.float32, torch.float64, torch.complex64, torch.complex128])


def running_sum(tensor: Tensor, axis: int) -> Tensor:
    """Kernel of `cumsum`: keeps the dtype."""
    if tensor.dtype.is_floating_point and tensor.dtype.itemsize < 4:
        return _stepwise(torch.cumsum, tensor, axis)
    return torch.cumsum(tensor, dim=axis, dtype=tensor.dtype)


def running_product(tensor: Tensor, axis: int) -> Tensor:
    """Kernel of `cumprod`: keeps the dtype."""
    if tensor.dtype.is_floating_point and tensor.dtype.itemsize < 4:
        return _stepwise(running_product, tensor, axis)
    if transformed() and (tensor.dtype.is_floating_point or tensor.is_complex()):
        params = {"axis": axis % max(tensor.dim(), 1), "reverse": False}
        return as_one("cumprod", params, lambda t: _by_doubling(t, axis), tensor)
    return torch.cumprod(tensor, dim=axis, dtype=tensor.dtype)


def _by_doubling(tensor: Tensor, axis: int) -> Tensor:
    """Products of 1, 2, 4 ... neighbours: torch's second forward derivative of a product with a 0 is half of it (2.13)."""
    reach, size = 1, tensor.shape[axis]
    while reach < size:
        first, rest = tensor.split([reach, size - reach], axis)
        tensor = torch.cat([first, rest * tensor.narrow(axis, 0, size - reach)], axis)
        reach *= 2
    return tensor


def _stepwise(kernel: Callable[[Tensor, int], Tensor], tensor: Tensor, axis: int) -> Tensor:
    return kernel(tensor.to(torch.float32), axis).to(tensor.dtype)


def _cumulative(
    name: str,
    kernel: Callable[..., Tensor],
    a: Any,
    axis: Any,
    dtype: Any,
    out: Any,
    *,
    nan: float | None = None,
    promote_integers: bool = False,
) -> Array:
    """Every case: the dtype computed in, then the kernel."""
    hashable(axis, dtype)
    x = one_array(name, a)
    if out is not None:
        raise NotImplementedError(f"The 'out' argument to jnp.{name} is not supported")
    if isinstance(x.dtype, dtypes.ExtendedDType):
        raise TypeError(f"Cannot interpret '{x.dtype}' as a data type")
    if axis is None:
        x = reshape(x, (x.size,))
    axis = 0 if axis is None else canonicalize_axis(axis, x.ndim)
    if nan is not None and dtypes.issubdtype(x.dtype, np.inexact):
        x = without_nan(x, nan)
    if dtype is None:
        widened = promote_integers or x.dtype == dtypes.BOOL
        computed = result = promoted_integer(x.dtype) if widened else x.dtype
    else:
        result = user_dtype(dtype, name)
        computed = promoted_integer(result) if result == dtypes.BOOL else result
        if result == dtypes.BOOL:
            x = astype(x, result)
    tensor = unwrap(astype(x, computed))
    if tensor.dtype in unsigned.WIDE:
        made = unsigned.emulate(kernel, "bits", tensor, axis=axis)
    else:
        made = kernel(tensor, axis)
    return astype(array_of(made, computed), result)


@jitted("cumsum", "a out")
def cumsum(a: ArrayLike, axis: int | None = None, dtype: DTypeLike | None = None, out: None = None) -> Array:
    """Running sum along an axis, or of the raveled array; the dtype stays (bool becomes int32)."""
    if type(a) is Array and a._frame is STATE.fast and a._t.dtype in _DIRECT and dtype is None and out is None:
        t = a._t
        if axis is None:
            return Array(torch.cumsum(t.reshape(-1), dim=0))
        if type(axis) is int and -t.dim() <= axis < t.dim():
            return Array(torch.cumsum(t, dim=axis))
    return _cumulative("cumsum", running_sum, a, axis, dtype, out)


@jitted("cumprod", "a out")
def cumprod(a: ArrayLike, axis: int | None = None, dtype: DTypeLike | None = None, out: None = None) -> Array:
    """Running product along an axis, or of the raveled array; the dtype stays (bool becomes int32)."""
    return _cumulative("cumprod", running_product, a, axis, dtype, out)


@jitted("nancumsum", "a out")
def nancumsum(a: ArrayLike, axis: int | None = None, dtype: DTypeLike | None = None, out: None = None) -> Array:
    """As `cumsum`, NaN counting as 0."""
    return _cumulative("nancumsum", running_sum, a, axis, dtype, out, nan=0)


@jitted("nancumprod", "a out")
def nancumprod(a: ArrayLike, axis: int | None = None, dtype: DTypeLike | None = None, out: None = None) -> Array:
    """As `cumprod`, NaN counting as 1."""
    return _cumulative("nancumprod", running_product, a, axis, dtype, out, nan=1)


def _standard(
    name: str, noun: str, kernel: Any, x: Any, axis: Any, dtype: Any, initial: int | None, promotes: bool
) -> Array:
    """The array API's form: an axis unless there is only one, and the value before the first if asked for."""
    a = one_array(name, x)
    if a.ndim == 0:
        raise ValueError(
            f"The input must be non-scalar to take a cumulative {noun}, however a scalar value or scalar "
            "array was "
            "given."
        )
    if axis is None:
        axis = 0
        if a.ndim > 1:
            raise ValueError(
                f"The input array has rank {a.ndim}, however axis was not set to an explicit value. The "
                "axis argument "
                "is only optional for one-dimensional arrays."
            )
    axis = canonicalize_axis(axis, a.ndim)
    made = _cumulative(name, kernel, a, axis, dtype, None, promote_integers=promotes)
    if initial is None:
        return made
    tensor = unwrap(made)
    sizes = list(tensor.shape)
    sizes[axis] = 1
    first = torch.full(sizes, initial, dtype=tensor.dtype, device=tensor.device)
    return array_of(torch.cat([first, tensor], axis), made.dtype)


def cumulative_sum(
    x: ArrayLike,
    /,
    *,
    axis: int | None = None,
    dtype: DTypeLike | None = None,
    include_initial: bool = False,
) -> Array:
    """Running sum along an axis; narrow integers become int32 (uint32).

    Args:
        x: array of at least one axis.
        axis: may be left out if there is only one.
        dtype: dtype to compute in and to return.
        include_initial: whether the result starts with 0 and so is longer by one.
    """
    return _standard("cumulative_sum", "sum", running_sum, x, axis, dtype, 0 if include_initial else None, True)


def cumulative_prod(
    x: ArrayLike,
    /,
    *,
    axis: int | None = None,
    dtype: DTypeLike | None = None,
    include_initial: bool = False,
) -> Array:
    """Running product along an axis; the dtype stays.

    Args:
        x: array of at least one axis.
        axis: may be left out if there is only one.
        dtype: dtype to compute in and to return.
        include_initial: whether the result starts with 1 and so is longer by one.
    """
    return _standard(
        "cumulative_prod", "product", running_product, x, axis, dtype, 1 if include_initial else None, False
    )
