"""triangles: diagonals and triangles of matrices, and the indices of both.

`tril` and its kin select with a mask of two index ranges, so that what is left out is 0 even where it is NaN.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src import dtypes, torch_private, unsigned
from jaxlike._src.array import Array, constant
from jaxlike._src.border import canonicalize_axis, cast, concrete_or_error, tensor_as, unwrap
from jaxlike._src.devices import default_torch_device
from jaxlike._src.numpy import reduce
from jaxlike._src.numpy.arguments import (
    array_of,
    like,
    new_shape,
    one_array,
    payload,
    static_shape,
    torch_target,
    user_dtype,
)
from jaxlike._src.numpy.ranges import iota
from jaxlike._src.numpy.shape import moveaxis, ravel
from jaxlike._src.regions import spelled
from jaxlike._src.transforms.compiled import compiled, hashable

if TYPE_CHECKING:
    from torch import Tensor

    from jaxlike._src.typing import ArrayLike, DTypeLike


def lower_mask(rows: int, columns: int, k: int, device: torch.device) -> Tensor:
    """True at and below the ``k``-th diagonal; bool[rows, columns]."""
    down = torch.arange(rows, device=device).unsqueeze(1)
    return down + k >= torch.arange(columns, device=device)


def tri(N: int, M: int | None = None, k: int = 0, dtype: DTypeLike | None = None) -> Array:
    """Ones at and below the ``k``-th diagonal of an N x M matrix, zeros above."""
    want = user_dtype("float32" if dtype is None else dtype, "tri")
    rows, columns = static_shape((N, N if M is None else M))
    if rows < 0 or columns < 0:
        raise TypeError(f"iota shape must have every element be nonnegative, got {(rows, columns)}.")
    mask = lower_mask(rows, columns, operator.index(k), torch_target(None))
    return array_of(cast(mask, dtypes.to_torch(want)), want)


def tril(m: ArrayLike, k: int = 0) -> Array:
    """``m`` with zeros above the ``k``-th diagonal; m: [..., n, m]."""
    hashable(k)
    return _triangle("tril", m, operator.index(k), lower=True)


def triu(m: ArrayLike, k: int = 0) -> Array:
    """``m`` with zeros below the ``k``-th diagonal; m: [..., n, m]."""
    hashable(k)
    return _triangle("triu", m, operator.index(k) - 1, lower=False)


def _triangle(name: str, m: Any, k: int, lower: bool) -> Array:
    x = one_array(name, m)
    if x.ndim < 2:
        raise ValueError(f"Argument to jax.numpy.{name} must be at least 2D")
    tensor = unwrap(x)
    if tensor.dtype not in unsigned.WIDE and not payload(x) and tensor.dtype.itemsize > 1:
        return like(x, torch.tril(tensor, k) if lower else torch.triu(tensor, k + 1))
    mask = lower_mask(x.shape[-2], x.shape[-1], k, tensor.device)
    zero = torch.zeros((), dtype=tensor.dtype, device=tensor.device)
    return like(x, unsigned.where(mask, tensor, zero) if lower else unsigned.where(mask, zero, tensor))


# Diagonals


@compiled("a")
def diagonal(a: ArrayLike, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Array:
    """The ``offset``-th diagonal over two axes, as the last axis of the result."""
    hashable(offset, axis1, axis2)
    x = one_array("diagonal", a)
    if x.ndim < 2:
        raise ValueError("diagonal requires an array of at least two dimensions.")
    offset = concrete_or_error(operator.index, offset, "'offset' argument of jnp.diagonal()")
    first, second = canonicalize_axis(axis1, x.ndim), canonicalize_axis(axis2, x.ndim)
    rows, columns = x.shape[first], x.shape[second]
    if first == second:
        moveaxis(x, (axis1, axis2), (-2, -1))  # raises
    offset = max(-rows, min(offset, columns))  # torch refuses what lies outside
    return like(x, torch.diagonal(unwrap(x), offset, first, second))


def diag(v: ArrayLike, k: int = 0) -> Array:
    """A square matrix with the vector ``v`` on its ``k``-th diagonal, or that diagonal of a matrix ``v``."""
    x = one_array("diag", v)
    k = operator.index(k)
    if x.ndim == 2:
        return diagonal(x, offset=k)
    if x.ndim != 1:
        raise ValueError("diag input must be 1d or 2d")
    return like(x, unsigned.moved_as_signed(torch.diag_embed, unwrap(x), k))


def diagflat(v: ArrayLike, k: int = 0) -> Array:
    """A square matrix with all elements of ``v`` on its ``k``-th diagonal."""
    x = ravel(one_array("diagflat", v))
    return Array(unsigned.moved_as_signed(torch.diag_embed, unwrap(x), operator.index(k)))


def _trace_at(x: Array, offset: int, want: Any) -> Array:
    return reduce.sum(diagonal(x, offset, -2, -1), axis=-1, dtype=want)


_trace = spelled("trace", lambda x, k, _: ((x,), (k,)))(_trace_at)


@compiled("a", "offset", "out")
def trace(
    a: ArrayLike,
    offset: int | ArrayLike = 0,
    axis1: int = 0,
    axis2: int = 1,
    dtype: DTypeLike | None = None,
    out: None = None,
) -> Array:
    """The sum of the ``offset``-th diagonal over two axes; narrow integers are widened as in `sum`.

    Args:
        a: array of at least two axes.
        offset: which diagonal; it may be traced.
        axis1: axis of the rows.
        axis2: axis of the columns.
        dtype: dtype to compute in and to return.
        out: not supported.
    """
    x = one_array("trace", a)
    if out is not None:
        raise NotImplementedError("The 'out' argument to jnp.trace is not supported.")
    if canonicalize_axis(axis1, x.ndim) == canonicalize_axis(axis2, x.ndim):
        raise ValueError(f"axis1 and axis2 can not be same. axis1={axis1} and axis2={axis2}")
    want = None if dtype is None else user_dtype(dtype, "trace")
    x = moveaxis(x, (axis1, axis2), (-2, -1))
    if isinstance(offset, int | np.integer):
        given = _trace if x.ndim == 2 and want is None else _trace_at
        return given(x, int(offset), want)
    tensor = unwrap(x)
    down = torch.arange(tensor.shape[-2], device=tensor.device).unsqueeze(1)
    across = torch.arange(tensor.shape[-1], device=tensor.device)
    on = down + tensor_as(offset, np.dtype("int64")) == across
    zero = torch.zeros((), dtype=tensor.dtype, device=tensor.device)
    return reduce.sum(like(x, torch.where(on, tensor, zero)), axis=(-2, -1), dtype=want)


# Indices


def _index_arrays(*picks: np.ndarray[Any, Any]) -> tuple[Array, ...]:
    want = dtypes.default_int_dtype()
    with torch_private.outside():
        return tuple(constant(torch.from_numpy(p.astype(want)).to(default_torch_device())) for p in picks)


def _triangle_indices(name: str, mask: Any, n: Any, k: Any, m: Any) -> tuple[Array, Array]:
    def static(letter: str, value: Any) -> int:
        return concrete_or_error(operator.index, value, f"{letter} argument of jnp.{name}")

    rows, offset = static("n", n), static("k", k)
    columns = rows if m is None else static("m", m)
    new_shape((rows, columns))
    first, second = _index_arrays(*np.nonzero(mask(np.ones((rows, columns), bool), offset)))
    return first, second


def tril_indices(n: int, k: int = 0, m: int | None = None) -> tuple[Array, Array]:
    """Rows and columns of the elements at and below the ``k``-th diagonal of an n x m matrix."""
    return _triangle_indices("triu_indices", np.tril, n, k, m)


def triu_indices(n: int, k: int = 0, m: int | None = None) -> tuple[Array, Array]:
    """Rows and columns of the elements at and above the ``k``-th diagonal of an n x m matrix."""
    return _triangle_indices("triu_indices", np.triu, n, k, m)


def _two_sizes(name: str, arr: Any) -> tuple[int, int]:
    sizes = tuple(arr.shape) if hasattr(arr, "shape") else one_array(name, arr).shape
    if len(sizes) != 2:
        raise ValueError("Only 2-D inputs are accepted")
    return sizes


def tril_indices_from(arr: Any, k: int = 0) -> tuple[Array, Array]:
    """`tril_indices` for the shape of a matrix."""
    n, m = _two_sizes("tril_indices_from", arr)
    return tril_indices(n, k, m)


def triu_indices_from(arr: Any, k: int = 0) -> tuple[Array, Array]:
    """`triu_indices` for the shape of a matrix."""
    n, m = _two_sizes("triu_indices_from", arr)
    return triu_indices(n, k, m)


def diag_indices(n: int, ndim: int = 2) -> tuple[Array, ...]:
    """Indices of the main diagonal of an array of ``ndim`` axes of size ``n``."""
    n = concrete_or_error(operator.index, n, "'n' argument of jnp.diag_indices()")
    ndim = concrete_or_error(operator.index, ndim, "'ndim' argument of jnp.diag_indices()")
    if n < 0:
        raise ValueError(f"n argument to diag_indices must be nonnegative, got {n}")
    if ndim < 0:
        raise ValueError(f"ndim argument to diag_indices must be nonnegative, got {ndim}")
    return (array_of(iota(dtypes.default_int_dtype(), n, torch_target(None)), dtypes.default_int_dtype()),) * ndim


def diag_indices_from(arr: ArrayLike) -> tuple[Array, ...]:
    """`diag_indices` for an array whose axes are all of one size."""
    x = one_array("diag_indices_from", arr)
    if x.ndim < 2:
        raise ValueError("input array must be at least 2-d")
    if len(set(x.shape)) != 1:
        raise ValueError("All dimensions of input must be of equal length")
    return diag_indices(x.shape[0], ndim=x.ndim)
