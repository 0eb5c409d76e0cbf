"""search: where an array is not 0, and what is selected by that.

The size of such results depends on values. Outside of jit and vmap these are looked at; inside, ``size`` says how
many positions to give: they are then computed by a running count, and surplus places are filled.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import torch

from jaxlike._src import dtypes, torch_private
from jaxlike._src.array import Array, constant
from jaxlike._src.border import asarray, astype, check_arraylike, concrete_or_error, concrete_tensor, unwrap
from jaxlike._src.numpy.arguments import new_shape, one_array
from jaxlike._src.numpy.compare import not_equal
from jaxlike._src.numpy.filled import ones
from jaxlike._src.numpy.select import where
from jaxlike._src.numpy.shape import all_arrays, moveaxis, ravel
from jaxlike._src.numpy.sort import order_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from jaxlike._src.typing import ArrayLike

_SIZE = (
    "The size argument of jnp.nonzero must be statically specified to use jnp.nonzero within JAX transformations."
)


def _truth(x: Array) -> Array:
    return x if x.dtype == dtypes.BOOL else not_equal(x, 0)


def first_true(mask: Tensor, size: int) -> Tensor:
    """The first ``size`` places where a bool vector holds; its length where there are fewer."""
    length = mask.shape[0]
    if length == 0:
        return torch.zeros(size, dtype=torch.int64, device=mask.device)
    before = torch.cumsum(mask.to(torch.int64), 0) - 1
    slot = torch.where(mask & (before < size), before, size)  # one more, which is cut off
    places = torch.arange(length, device=mask.device)
    empty = torch.full((size + 1,), length, dtype=torch.int64, device=mask.device)
    return empty.scatter(0, slot, places)[:size]


def positions(x: Array, size: int, fill_value: Any = None) -> tuple[Array, ...]:
    """`nonzero` of a known size."""
    wide = dtypes.to_torch(dtypes.default_int_dtype())
    sizes = x.shape
    mask = unwrap(_truth(x)).reshape(-1)
    new_shape(size)
    if mask.shape[0] == 0 or size == 0:
        return tuple(Array(torch.zeros(size, dtype=wide, device=mask.device)) for _ in sizes)
    flat = first_true(mask, size)
    found: list[Array] = []
    stride = mask.shape[0]
    for n in sizes:
        stride //= n
        along = torch.div(flat, stride, rounding_mode="floor") if stride != 1 else flat
        found.append(Array(torch.remainder(along, n).to(wide)))
    if fill_value is None:
        return tuple(found)
    fills = fill_value if isinstance(fill_value, tuple) else (fill_value,) * len(sizes)
    if any(asarray(value).ndim for value in fills):
        raise ValueError(
            f"fill_value must be a scalar or a tuple of length {len(sizes)}; got {fill_value}"
        )
    if len(fills) != len(found):
        n, m = len(fills), len(found)
        raise ValueError(
            f"safe_zip() argument 1 has length {m} but argument 0 has length {n}. All lengths: {(n, m)}"
        )
    surplus = Array(torch.arange(size, device=mask.device) >= mask.sum())
    return tuple(where(surplus, value, at) for value, at in zip(fills, found, strict=True))


def nonzero(a: ArrayLike, *, size: int | None = None, fill_value: Any = None) -> tuple[Array, ...]:
    """Where ``a`` is not 0: for each axis a vector of positions.

    Args:
        a: array of at least one axis.
        size: how many positions to give; needed where values are traced.
        fill_value: a number, or one for each axis, given in place of missing positions; 0 by default.
    """
    x = one_array("nonzero", a)
    if x.ndim == 0:
        raise ValueError(
            "Calling nonzero on 0d arrays is not allowed. Use jnp.atleast_1d(scalar).nonzero() instead."
        )
    truth = _truth(x)
    if size is not None:
        return positions(truth, concrete_or_error(operator.index, size, _SIZE), fill_value)
    known = concrete_tensor(truth)
    if known is None:
        total = torch.sum(unwrap(truth), dtype=dtypes.to_torch(dtypes.default_int_dtype()))
        concrete_or_error(None, Array(total), _SIZE)  # raises
    assert known is not None
    wide = dtypes.to_torch(dtypes.default_int_dtype())
    with torch_private.outside():
        return tuple(constant(at.to(wide)) for at in torch.nonzero(known, as_tuple=True))


def flatnonzero(a: ArrayLike, *, size: int | None = None, fill_value: Any = None) -> Array:
    """Where the raveled ``a`` is not 0; ``size`` and ``fill_value`` as in `nonzero`."""
    return nonzero(ravel(a), size=size, fill_value=fill_value)[0]


def argwhere(a: ArrayLike, *, size: int | None = None, fill_value: Any = None) -> Array:
    """Where ``a`` is not 0: a row of positions per element; ``size`` and ``fill_value`` as in `nonzero`."""
    x = one_array("argwhere", a)
    rank = x.ndim
    found = nonzero(ravel(x) if rank == 0 else x, size=size, fill_value=fill_value)
    dtype, weak = dtypes.promote(*((f.dtype, f.weak_type) for f in found))
    columns = torch.stack([unwrap(astype(f, dtype)) for f in found], dim=1)
    return Array(columns if rank else columns[:, :0], weak)


def mask_indices(
    n: int, mask_func: Callable[[Array, int], Array], k: int = 0, *, size: int | None = None
) -> tuple[Array, Array]:
    """Row and column positions where ``mask_func(ones((n, n)), k)`` is not 0."""
    rows, columns = nonzero(mask_func(ones((n, n)), k), size=size)
    return rows, columns


def compress(
    condition: ArrayLike,
    a: ArrayLike,
    axis: int | None = None,
    *,
    size: int | None = None,
    fill_value: ArrayLike = 0,
    out: None = None,
) -> Array:
    """The parts of ``a`` along an axis for which a vector of conditions holds.

    Args:
        condition: bool vector; if it is shorter than the axis, the rest is left out.
        a: array.
        axis: None ravels ``a`` first.
        size: how many parts to give; needed where ``condition`` is traced.
        fill_value: what missing parts are filled with.
        out: not supported.
    """
    chosen, x, fill = all_arrays("compress", (condition, a, fill_value))
    chosen = astype(chosen, dtypes.BOOL)
    if out is not None:
        raise NotImplementedError("The 'out' argument to jnp.compress is not supported.")
    if chosen.ndim != 1:
        raise ValueError("condition must be a 1D array")
    x = ravel(x) if axis is None else moveaxis(x, axis, 0)
    length = x.shape[0]
    mask = unwrap(chosen)
    extra = mask[length:]
    mask = mask[:length]
    x = x[: mask.shape[0]]
    if size is None:
        if bool(Array(extra.any())):
            raise ValueError("condition contains entries that are out of bounds")
        picked = x[Array(mask)]
    elif not 0 <= size <= x.shape[0]:
        raise ValueError(
            "size must be positive and not greater than the size of the array axis;"
            f" got size={size} for a.shape[axis]={x.shape[0]}"
        )
    else:
        rows = Array(mask.reshape(-1, *[1] * (x.ndim - 1)))
        filled = where(rows, x, astype(fill, x.dtype))
        order = order_of(mask, 0, descending=True)[:size]
        picked = filled[Array(order)]
    return moveaxis(picked, 0, 0 if axis is None else axis)


def extract(
    condition: ArrayLike, arr: ArrayLike, *, size: int | None = None, fill_value: ArrayLike = 0
) -> Array:
    """The elements of ``arr`` for which ``condition`` holds, in a vector; arguments as in `compress`."""
    check_arraylike("extreact", condition, arr, fill_value)  # JAX's spelling
    return compress(ravel(condition), ravel(arr), size=size, fill_value=fill_value)
