"""array_methods: operators and methods of Array that are functions of jax.numpy.

A method is the jnp function itself, bound to the class, where names and arguments agree. Operators first look
at the other operand: what JAX does not compute with gets NotImplemented (Python then asks the other side),
except containers, where Python would concatenate or compare by identity. Importing this module completes the
class; conversions, printing, memory and `.at` are bound by their own modules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src import array_convert as array_convert
from jaxlike._src import array_memory as array_memory
from jaxlike._src import array_print as array_print
from jaxlike._src import at as at
from jaxlike._src import border, dtypes, indexing
from jaxlike._src.array import Array
from jaxlike._src.frames import STATE
from jaxlike._src.narrow_bits import reinterpreted
from jaxlike._src.numpy import (
    arg_reduce,
    arithmetic,
    array_api,
    averages,
    bitwise,
    compare,
    complex_parts,
    cumulative,
    dtype_api,
    find,
    power,
    products,
    reduce,
    rounding,
    search,
    select,
    shape,
    sort,
    stacking,
    take,
    triangles,
)
from jaxlike._src.numpy.arguments import one_array

if TYPE_CHECKING:
    from collections.abc import Callable

# Operators

_OPERANDS = (Array, int, float, complex, np.generic, np.ndarray, torch.Tensor)
_USUAL = frozenset([Array, float, int, bool, complex, np.ndarray, np.float32, np.float64, np.int32, np.int64])
_SEQUENCES = frozenset([list, tuple])  # Python would concatenate or repeat them
_CONTAINERS = _SEQUENCES | {dict, set}  # Python would say False of comparing with them
_TEXTS = frozenset([str, bytes])


def _accepts(x: Array, other: Any, symbol: str, refused: frozenset[type], *, swapped: bool = False) -> bool:
    """Whether to compute with ``other``; TypeError for ``refused`` ones, and where Python's text would be amiss."""
    if isinstance(other, _OPERANDS) or hasattr(other, "__jax_array__"):
        return True
    kind = type(other)
    builtin = kind is type(None) or kind in _CONTAINERS or (kind in _TEXTS and not swapped)
    if kind in refused or (builtin and symbol != "==" and border.is_traced(x)):
        names = [border.tracer_kind(x) if border.is_traced(x) else type(x).__name__, kind.__name__]
        left, right = reversed(names) if swapped else names
        raise TypeError(f"unsupported operand type(s) for {symbol}: {left!r} and {right!r}")
    return False


def _converted(other: Any) -> Any:
    """An operand, made an Array where it says how: an operator asks it, where a function would not."""
    return border.asarray(other) if not isinstance(other, _OPERANDS) else other


def _operator(
    op: Callable[[Any, Any], Any], symbol: str, refused: frozenset[type] = frozenset()
) -> Callable[[Array, Any], Any]:
    def operator(self: Array, other: Any, /) -> Any:
        if type(other) in _USUAL:
            return op(self, other)
        if _accepts(self, other, symbol, refused):
            return op(self, _converted(other))
        return NotImplemented

    return operator


def _reflected(
    op: Callable[[Any, Any], Any], symbol: str, refused: frozenset[type] = frozenset()
) -> Callable[[Array, Any], Any]:
    def operator(self: Array, other: Any, /) -> Any:
        if type(other) in _USUAL:
            return op(other, self)
        if _accepts(self, other, symbol, refused, swapped=True):
            return op(_converted(other), self)
        return NotImplemented

    return operator


_BINARY: dict[str, tuple[Any, ...]] = {
    "add": (arithmetic.add, "+", _SEQUENCES),
    "sub": (arithmetic.subtract, "-"),
    "mul": (arithmetic.multiply, "*", _SEQUENCES),
    "truediv": (arithmetic.true_divide, "/"),
    "floordiv": (arithmetic.floor_divide, "//"),
    "mod": (arithmetic.remainder, "%"),
    "divmod": (arithmetic.divmod, "divmod()"),
    "pow": (power.power, "** or pow()"),
    "matmul": (products.matmul, "@"),
    "and": (bitwise.bitwise_and, "&"),
    "or": (bitwise.bitwise_or, "|"),
    "xor": (bitwise.bitwise_xor, "^"),
    "lshift": (bitwise.left_shift, "<<"),
    "rshift": (bitwise.right_shift, ">>"),
}
_COMPARISONS: dict[str, tuple[Any, ...]] = {  # the symbol in errors is JAX's: the same for both of the first two
    "eq": (compare.equal, "==", _CONTAINERS),
    "ne": (compare.not_equal, "==", _CONTAINERS),
    "lt": (compare.less, "=="),
    "le": (compare.less_equal, "=="),
    "gt": (compare.greater, "=="),
    "ge": (compare.greater_equal, "=="),
}


def _round(self: Array, ndigits: int | None = None) -> Array:
    rounded = rounding.round(self, decimals=ndigits or 0)
    return dtype_api.astype(rounded, int) if ndigits is None else rounded  # as round(7.5) is an int


def _contains(self: Array, other: Any) -> Any:
    if other is None or isinstance(other, str):
        raise TypeError(f"Array.__contains__: unsupported operand type {type(other)}.")
    query = one_array("Array.__contains__", other)
    if self.ndim != 1:
        raise ValueError(f"Array.__contains__: search array must be one-dimensional, got arr.shape={self.shape}.")
    if query.ndim != 0:
        raise ValueError(f"Array.__contains__: query value must be a scalar, got query.shape={query.shape}")
    return reduce.any(compare.equal(self, query))


def _array_module(self: Array, types: Any) -> Any:
    if not all(issubclass(t, Array | np.ndarray) for t in types):
        return NotImplemented
    import jaxlike.numpy as module  # imported here: the public names are made of this module too

    return module


def _array_namespace(self: Array, *, api_version: str | None = None) -> Any:
    if api_version is not None and api_version != array_api.API_VERSION:
        raise ValueError(f"api_version={api_version!r} is not available; available versions are: {[array_api.API_VERSION]}")
    import jaxlike.numpy as module  # imported here: the public names are made of this module too

    return module


# Methods whose arguments differ from the function's


def _reshape(self: Array, *args: Any, order: str = "C", out_sharding: Any = None) -> Array:
    """The same elements in another shape, given as one sequence or as several ints."""
    new = args[0] if len(args) == 1 else args
    return shape.reshape(self, new, order=order, out_sharding=out_sharding)


def _transpose(self: Array, *args: Any) -> Array:
    """Axes reversed, or in the order given as one sequence or as several ints."""
    if not args:
        return shape.transpose(self)
    axes = args[0] if len(args) == 1 and not isinstance(args[0], int | np.integer) else args
    return shape.transpose(self, axes)


def _astype(self: Array, dtype: Any, copy: bool = False, device: Any = None) -> Array:
    """A copy with another dtype."""
    return dtype_api.astype(self, dtype, copy=copy, device=device)


def _flatten(self: Array, order: str = "C", *, out_sharding: Any = None) -> Array:
    """All elements along one axis."""
    del out_sharding
    return shape.ravel(self, order=order)


def _argsort(
    self: Array,
    axis: int | None = -1,
    *,
    kind: None = None,
    order: None = None,
    stable: bool = True,
    descending: bool = False,
) -> Array:
    """Positions that sort the array along an axis."""
    return sort.argsort(self, axis, kind=kind, order=order, stable=stable, descending=descending)


def _compress(
    self: Array,
    condition: Any,
    axis: int | None = None,
    *,
    out: None = None,
    size: int | None = None,
    fill_value: Any = 0,
) -> Array:
    """The parts along an axis for which a vector of conditions holds."""
    return search.compress(condition, self, axis, out=out, size=size, fill_value=fill_value)


def _clip(self: Array, min: Any = None, max: Any = None) -> Array:
    """Values outside of the interval set to its ends."""
    return select.clip(self, min=min, max=max)


def _view(self: Array, dtype: Any = None, type: None = None) -> Array:
    """The same bits read as another dtype; the last axis grows or shrinks with the item size."""
    if type is not None:
        raise NotImplementedError("`type` argument of array.view() is not supported.")
    if dtype is None:
        return self
    want = dtypes.check_and_canonicalize_user_dtype(dtype, "view")
    bits, want_bits = dtypes.itemsize_bits(self.dtype), dtypes.itemsize_bits(want)
    if self.ndim == 0 and bits != want_bits:
        raise ValueError("view() of a 0d array is only supported if the itemsize is unchanged.")
    if self.ndim and self.shape[-1] * bits % want_bits:
        raise ValueError(
            "When changing to a larger dtype, its size must be a divisor of the total size in bytes of the last axis "
            "of the array."
        )
    return reinterpreted(self, want)


def _byteswap(self: Array) -> Array:
    """The bytes of each element in the opposite order."""
    size = self.dtype.itemsize
    if size == 1:
        return array_convert.copy(self)
    tensor = border.unwrap(self).contiguous()
    if tensor.is_complex():  # both parts for themselves
        tensor, size = torch.view_as_real(tensor), size // 2
    swapped = tensor.unsqueeze(-1).view(torch.uint8).flip(-1).view(tensor.dtype).squeeze(-1)
    return Array(torch.view_as_complex(swapped) if swapped.dim() > self.ndim else swapped)


def _transposed(self: Array) -> Array:
    """All axes reversed."""
    if type(self) is Array and self._frame is STATE.fast:
        rank = self._t.dim()
        if rank < 2:
            return self
        return Array(self._t.t() if rank == 2 else self._t.permute(*range(rank - 1, -1, -1)), self._tag)
    return shape.transpose(self)


def _flat(self: Array) -> Any:
    """Not served: use ``flatten()``."""
    raise NotImplementedError("JAX Arrays do not implement the arr.flat property: consider arr.flatten() instead.")


_METHODS: dict[str, Any] = {
    "all": reduce.all,
    "any": reduce.any,
    "argmax": arg_reduce.argmax,
    "argmin": arg_reduce.argmin,
    "argpartition": sort.argpartition,
    "argsort": _argsort,
    "compress": _compress,
    "conj": complex_parts.conj,
    "conjugate": complex_parts.conjugate,
    "cumprod": cumulative.cumprod,
    "cumsum": cumulative.cumsum,
    "diagonal": triangles.diagonal,
    "dot": products.dot,
    "max": reduce.max,
    "mean": averages.mean,
    "min": reduce.min,
    "nonzero": search.nonzero,
    "prod": reduce.prod,
    "ptp": averages.ptp,
    "ravel": shape.ravel,
    "repeat": stacking.repeat,
    "round": rounding.round,
    "searchsorted": find.searchsorted,
    "sort": sort.sort,
    "squeeze": shape.squeeze,
    "std": averages.std,
    "sum": reduce.sum,
    "swapaxes": shape.swapaxes,
    "take": take.take,
    "trace": triangles.trace,
    "var": averages.var,
    "choose": select.choose,
    "astype": _astype,
    "clip": _clip,
    "flatten": _flatten,
    "reshape": _reshape,
    "transpose": _transpose,
    "view": _view,
    "byteswap": _byteswap,
    "__neg__": arithmetic.negative,
    "__pos__": arithmetic.positive,
    "__abs__": arithmetic.abs,
    "__invert__": bitwise.bitwise_not,
    "__round__": _round,
    "__contains__": _contains,
    "__getitem__": indexing.getitem,
    "__array_namespace__": _array_namespace,
    "__array_module__": _array_module,
}
_PROPERTIES: dict[str, Callable[[Array], Any]] = {
    "T": _transposed,
    "mT": shape.matrix_transpose,
    "real": complex_parts.real,
    "imag": complex_parts.imag,
    "flat": _flat,
    "_value": array_convert.as_numpy,
    "__numpy_dtype__": lambda self: self.dtype,
}


def _complete() -> None:
    for name, row in _BINARY.items():
        setattr(Array, f"__{name}__", _operator(*row))
        setattr(Array, f"__r{name}__", _reflected(*row))
    for name, row in _COMPARISONS.items():
        setattr(Array, f"__{name}__", _operator(*row))
    Array.__hash__ = None  # type: ignore[assignment]  # defining == anew
    for name, method in _METHODS.items():
        setattr(Array, name, method)
    for name, get in _PROPERTIES.items():
        setattr(Array, name, property(get))


_complete()
