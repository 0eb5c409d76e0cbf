"""filled: arrays of given shape with one value, and the identity matrix."""

from __future__ import annotations

import types
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src import dtypes
from jaxlike._src.array import Array
from jaxlike._src.border import asarray as one
from jaxlike._src.border import cast, check_arraylike, from_numpy, kind_of, unwrap
from jaxlike._src.frames import STATE
from jaxlike._src.numpy.arguments import (
    array_of,
    as_asked,
    astype,
    like,
    new_shape,
    static_shape,
    torch_target,
    user_dtype,
)
from jaxlike._src.numpy.create import asarray
from jaxlike._src.numpy.shape import broadcast_array
from jaxlike._src.placement import PLACED, follow
from jaxlike._src.regions import spelled
from jaxlike._src.transforms.mesh_types import split_like

if TYPE_CHECKING:
    from jaxlike._src.typing import ArrayLike, DTypeLike, DuckTypedArray


def _check_shape_argument(name: str, shape: Any, dtype: Any) -> None:
    if isinstance(shape, types.GeneratorType):
        raise TypeError("expected sequence object with len >= 0 or a single integer")
    if isinstance(dtype, int) and isinstance(shape, int):
        raise TypeError(
            f"Cannot interpret '{dtype}' as a data type.\n\nDid you accidentally write "
            f"`jax.numpy.{name}({shape}, {dtype})` when you meant `jax.numpy.{name}(({shape}, {dtype}))`, "
            "i.e. with "
            "a single tuple argument for the shape?"
        )


def zeros(shape: Any, dtype: DTypeLike | None = None, *, device: Any = None, out_sharding: Any = None) -> Array:
    """Zeros of the given shape; float32 if no dtype is given."""
    if type(shape) is not tuple:
        _check_shape_argument("zeros", shape, dtype)
    if isinstance(dtype, dtypes.ExtendedDType):
        return dtype.filled(new_shape(shape), 0)
    known = user_dtype(dtype, "zeros")
    sizes = new_shape(shape)
    made = torch.zeros(sizes, dtype=dtypes.to_torch(known), device=torch_target(device, out_sharding))
    return as_asked(array_of(made, known), device, out_sharding)


def ones(shape: Any, dtype: DTypeLike | None = None, *, device: Any = None, out_sharding: Any = None) -> Array:
    """Ones of the given shape; float32 if no dtype is given."""
    if type(shape) is not tuple:
        _check_shape_argument("ones", shape, dtype)
    if isinstance(dtype, dtypes.ExtendedDType):
        return dtype.filled(new_shape(shape), 1)
    sizes = new_shape(shape)
    known = user_dtype(dtype, "ones")
    made = torch.ones(sizes, dtype=dtypes.to_torch(known), device=torch_target(device, out_sharding))
    return as_asked(array_of(made, known), device, out_sharding)


def empty(shape: Any, dtype: DTypeLike | None = None, *, device: Any = None, out_sharding: Any = None) -> Array:
    """As `zeros`: memory that was never written to has no value in a functional program."""
    _check_shape_argument("empty", shape, dtype)
    if isinstance(dtype, dtypes.ExtendedDType):
        return dtype.filled(new_shape(shape), 0)
    return zeros(shape, user_dtype(dtype, "empty"), device=device, out_sharding=out_sharding)


def full(
    shape: Any,
    fill_value: ArrayLike,
    dtype: DTypeLike | None = None,
    *,
    device: Any = None,
    out_sharding: Any = None,
) -> Array:
    """``fill_value`` broadcast to a shape, in its own dtype (and weak type) or the given one."""
    check_arraylike("full", fill_value)
    if isinstance(dtype, dtypes.ExtendedDType) and not isinstance(kind_of(fill_value)[0], dtypes.ExtendedDType):
        return dtype.filled(new_shape(shape), fill_value)
    known = None if dtype is None else user_dtype(dtype, "full")
    if np.ndim(fill_value) == 0:
        made = _filled(new_shape(shape), fill_value, known, torch_target(device, out_sharding))
        return as_asked(made, device, out_sharding)
    made = broadcast_array(asarray(fill_value, known), static_shape(shape))
    return as_asked(made, device, out_sharding)


def _filled(sizes: tuple[int, ...], value: Any, dtype: Any, device: torch.device) -> Array:
    """A scalar (number or 0-d array) broadcast to ``sizes``."""
    kind = type(value)
    if kind not in dtypes.SCALAR_TYPES:
        x = one(value)
        return broadcast_array(x if dtype is None else astype(x, dtype), sizes)
    weak = dtype is None and kind is not bool
    want = dtypes.canonicalize_dtype(dtypes.SCALAR_DTYPES[kind]) if dtype is None else dtype
    if (kind is int and -0x80000000 <= value <= 0x7FFFFFFF and want in _TAKE_ANY_INT) or (
        kind is float and abs(value) < 1e38 and want in _TAKE_ANY_FLOAT
    ):
        return Array(torch.full(sizes, value, dtype=dtypes.to_torch(want), device=device), weak)
    # A number that may not fit is converted as an array would be: floats saturate, integers wrap.
    wide = from_numpy(np.asarray(value), dtypes.SCALAR_DTYPES[kind])
    x = astype(like(wide, unwrap(wide).to(device)), want, weak)
    return broadcast_array(x, sizes)


_TAKE_ANY_FLOAT = frozenset(map(np.dtype, ("float32", "float64", "complex64", "complex128")))
_TAKE_ANY_INT = _TAKE_ANY_FLOAT | frozenset(map(np.dtype, ("int32", "int64")))


def _shaped(name: str, a: Any, dtype: Any, shape: Any) -> tuple[Any, tuple[int, ...] | None, Any]:
    """The first argument of the ``_like`` functions, and the shape and dtype that were asked for."""
    if not (hasattr(a, "dtype") and hasattr(a, "shape")):
        check_arraylike(name, a)
        a = one(a)
    return a, None if shape is None else new_shape(shape), None if dtype is None else user_dtype(dtype, name)


def full_like(
    a: ArrayLike | DuckTypedArray,
    fill_value: ArrayLike,
    dtype: DTypeLike | None = None,
    shape: Any = None,
    *,
    device: Any = None,
    out_sharding: Any = None,
) -> Array:
    """``fill_value`` in the shape, dtype and weak type of ``a``, where no others are given."""
    check_arraylike("full_like", 0, fill_value)
    a, sizes, want = _shaped("full_like", a, dtype, shape)
    sizes = tuple(a.shape) if sizes is None else sizes  # pyright: ignore[reportAttributeAccessIssue]
    if np.ndim(fill_value) == 0:
        weak = want is None and dtypes.is_weakly_typed(a)
        want = dtypes.dtype_of(a) if want is None else want
        if isinstance(want, dtypes.ExtendedDType) and not isinstance(kind_of(fill_value)[0], dtypes.ExtendedDType):
            return want.filled(sizes, fill_value)
        made = _filled(sizes, fill_value, want, torch_target(device, out_sharding))
        made = astype(made, want, weak)
        return as_asked(_beside("full_like", made, a), device, out_sharding)
    want = dtypes.result_type(a) if want is None else want
    made = broadcast_array(asarray(fill_value, want), sizes)
    return as_asked(made, device, out_sharding)


def zeros_like(
    a: ArrayLike | DuckTypedArray,
    dtype: DTypeLike | None = None,
    shape: Any = None,
    *,
    device: Any = None,
    out_sharding: Any = None,
) -> Array:
    """Zeros in the shape, dtype and weak type of ``a``, where no others are given."""
    return _constant_like("zeros_like", a, 0, dtype, shape, device, out_sharding)


def ones_like(
    a: ArrayLike | DuckTypedArray,
    dtype: DTypeLike | None = None,
    shape: Any = None,
    *,
    device: Any = None,
    out_sharding: Any = None,
) -> Array:
    """Ones in the shape, dtype and weak type of ``a``, where no others are given."""
    return _constant_like("ones_like", a, 1, dtype, shape, device, out_sharding)


def empty_like(
    prototype: ArrayLike | DuckTypedArray,
    dtype: DTypeLike | None = None,
    shape: Any = None,
    *,
    device: Any = None,
) -> Array:
    """As `zeros_like`."""
    return _constant_like("ones_like", prototype, 0, dtype, shape, device, None)


def _constant_like(name: str, a: Any, value: int, dtype: Any, shape: Any, device: Any, out_sharding: Any) -> Array:
    a, sizes, want = _shaped(name, a, dtype, shape)
    weak = want is None and dtypes.is_weakly_typed(a)
    if want is None:
        want = a.dtype if isinstance(a, Array) else dtypes.dtype_of(a)
    if isinstance(want, dtypes.ExtendedDType):
        return want.filled(tuple(a.shape) if sizes is None else sizes, value)
    if want == dtypes.float0:
        return np.zeros(a.shape if sizes is None else sizes, want)  # pyright: ignore[reportReturnType]  # never an Array
    if isinstance(a, Array) and device is None and out_sharding is None:
        where = unwrap(a).device  # beside ``a``
    else:
        where = torch_target(device, out_sharding)
    make = torch.ones if value else torch.zeros
    sizes = tuple(a.shape) if sizes is None else sizes
    made = array_of(make(sizes, dtype=dtypes.to_torch(want), device=where), want, weak)
    return as_asked(_beside(name, made, a), device, out_sharding)


def _beside(name: str, made: Array, a: Any) -> Array:
    """A new array, where ``a`` is and split as it is."""
    if PLACED and STATE.frame is not None and isinstance(a, Array):
        return split_like(made, a)
    return follow(name, made, a)


def eye(N: Any, M: Any = None, k: int | ArrayLike = 0, dtype: DTypeLike | None = None, *, device: Any = None) -> Array:
    """Ones on the ``k``-th diagonal of an N x M matrix, zeros elsewhere; ``k`` may be traced."""
    want = user_dtype(dtype, "eye")
    check_arraylike("eye", k)
    if isinstance(k, int):
        k = max(min(k, 0x7FFFFFFF), -0x80000000)
    offset_dtype, _ = kind_of(k)
    if np.ndim(k) or not dtypes.issubdtype(offset_dtype, np.integer):
        raise ValueError(f"k must be a scalar integer; got {k}")
    (n,) = static_shape((N,), "argument of 'N' jnp.eye()")
    (m,) = (n,) if M is None else static_shape((M,), "argument 'M' of jnp.eye()")
    if n < 0 or m < 0:
        raise ValueError(f"negative dimensions are not allowed, got {N} and {M}")
    where = torch_target(device)
    if isinstance(k, int):
        return as_asked(_eye(n, m, k, want, where), device)
    return as_asked(_eye_at(n, m, unwrap(one(k)).to(torch.int64), want, where), device)


def _eye_at(n: int, m: int, offset: Any, want: Any, where: torch.device) -> Array:
    rows = torch.arange(n, device=where).unsqueeze(1)
    columns = torch.arange(m, device=where)
    return array_of(cast(rows + offset == columns, dtypes.to_torch(want)), want)


_eye = spelled("eye", lambda n, m, k, want, _: ((), (n, m, k, want)), None)(_eye_at)


def identity(n: Any, dtype: DTypeLike | None = None) -> Array:
    """The n x n identity matrix."""
    return eye(n, dtype=dtype)
