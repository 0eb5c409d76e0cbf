"""array_methods: operators, methods and properties of Array that are functions of jax.numpy.

A method is the jnp function itself, bound to the class, where names and arguments agree. Operators first look
at the other operand: what JAX does not compute with gets NotImplemented (Python then asks the other side), and
containers get JAX's TypeError. Importing this module completes the class.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import torch

from jaxlike._src import array_convert as array_convert
from jaxlike._src import array_print as array_print
from jaxlike._src import at as at
from jaxlike._src import border, dtypes, indexing
from jaxlike._src.array import Array
from jaxlike._src.device_put import block_until_ready, device_put
from jaxlike._src.devices import device_of
from jaxlike._src.numpy import (
    arg_reduce,
    arithmetic,
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
from jaxlike._src.sharding import sharding_of

if TYPE_CHECKING:
    from collections.abc import Callable

_OPERANDS = (Array, int, float, complex, np.generic, np.ndarray)
_CONTAINERS = (list, tuple, set, dict)


def _accepts(x: Array, other: Any, symbol: str, *, swapped: bool = False) -> bool:
    if isinstance(other, _OPERANDS) or hasattr(other, "__jax_array__"):
        return True
    if isinstance(other, _CONTAINERS):
        left, right = (other, x) if swapped else (x, other)
        raise TypeError(
            f"unsupported operand type(s) for {symbol}: {type(left).__name__!r} and {type(right).__name__!r}"
        )
    return False


def _operator(op: Callable[[Any, Any], Any], symbol: str) -> Callable[[Array, Any], Any]:
    def operator(self: Array, other: Any) -> Any:
        if type(other) is Array or _accepts(self, other, symbol):
            return op(self, other)
        return NotImplemented

    return operator


def _reflected(op: Callable[[Any, Any], Any], symbol: str) -> Callable[[Array, Any], Any]:
    def operator(self: Array, other: Any) -> Any:
        if _accepts(self, other, symbol, swapped=True):
            return op(other, self)
        return NotImplemented

    return operator


_BINARY = {
    "add": (arithmetic.add, "+"),
    "sub": (arithmetic.subtract, "-"),
    "mul": (arithmetic.multiply, "*"),
    "truediv": (arithmetic.true_divide, "/"),
    "floordiv": (arithmetic.floor_divide, "//"),
    "mod": (arithmetic.remainder, "%"),
    "divmod": (arithmetic.divmod, "divmod"),
    "pow": (power.power, "**"),
    "matmul": (products.matmul, "@"),
    "and": (bitwise.bitwise_and, "&"),
    "or": (bitwise.bitwise_or, "|"),
    "xor": (bitwise.bitwise_xor, "^"),
    "lshift": (bitwise.left_shift, "<<"),
    "rshift": (bitwise.right_shift, ">>"),
}
_COMPARISONS = {
    "eq": (compare.equal, "=="),
    "ne": (compare.not_equal, "!="),
    "lt": (compare.less, "<"),
    "le": (compare.less_equal, "<="),
    "gt": (compare.greater, ">"),
    "ge": (compare.greater_equal, ">="),
}


def _round(self: Array, ndigits: int | None = None) -> Array:
    return rounding.round(self, decimals=ndigits or 0)


def _contains(self: Array, other: Any) -> Any:
    return reduce.any(compare.equal(self, other))


def _array_namespace(self: Array, *, api_version: str | None = None) -> Any:
    if api_version is not None and api_version != "2024.12":
        raise ValueError(f"api_version={api_version!r} is not available; available versions are: ['2024.12']")
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
    if want == self.dtype:
        return self
    tensor = border.unwrap(self)
    if dtypes.BOOL in (want, self.dtype):
        return _view_of_bool(self, want)
    source, target = self.dtype.itemsize, want.itemsize
    if self.ndim == 0 and source != target:
        raise ValueError("view() of a 0d array is only supported if the itemsize is unchanged.")
    if target > source and (self.shape[-1] * source) % target:
        raise ValueError(
            "When changing to a larger dtype, its size must be a divisor of the total size in bytes of the last axis of the array."
        )
    return Array(tensor.contiguous().view(dtypes.to_torch(want)))


def _view_of_bool(x: Array, want: Any) -> Array:
    tensor = border.unwrap(x)
    if want == dtypes.BOOL:
        return Array(tensor.contiguous().view(torch.uint8) != 0)
    return _view(Array(tensor.to(torch.uint8)), want)


def _byteswap(self: Array) -> NoReturn:
    raise NotImplementedError("byteswap() is not supported for JAX arrays")


# Properties and facts about memory


def _device(self: Array) -> Any:
    return sharding_of(_torch_device(self)) if border.is_traced(self) else device_of(_torch_device(self))


def _torch_device(self: Array) -> torch.device:
    tensor = border.concrete_tensor(self)
    if tensor is None:
        from jaxlike._src.devices import default_torch_device

        return default_torch_device()
    return tensor.device


def _devices(self: Array) -> set[Any]:
    """The devices that hold the values: one."""
    if border.is_traced(self):
        raise border.errors.ConcretizationTypeError(self, "The devices() method was called on a traced value.")
    return {device_of(_torch_device(self))}


def _to_device(self: Array, device: Any, *, stream: Any = None) -> Array:
    """The values on another device."""
    del stream
    return device_put(self, device)


def _block_until_ready(self: Array) -> Array:
    """Wait until the values are computed; returns the array."""
    return block_until_ready(self)


def _is_ready(self: Array) -> bool:
    """Whether the values are computed (on a CPU always)."""
    return _torch_device(self).type == "cpu" or torch.cuda.current_stream().query()


def _flat(self: Array) -> NoReturn:
    raise NotImplementedError("JAX Arrays do not implement the arr.flat property: consider arr.flatten() instead.")


def _delete(self: Array) -> None:
    """Accepted: memory is freed when the last reference goes."""


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
    "copy": array_convert._copy,
    "clone": array_convert._copy,
    "devices": _devices,
    "to_device": _to_device,
    "block_until_ready": _block_until_ready,
    "is_ready": _is_ready,
    "copy_to_host_async": lambda self: None,
    "delete": _delete,
    "is_deleted": lambda self: False,
    "on_device_size_in_bytes": lambda self: self.nbytes,
    "unsafe_buffer_pointer": lambda self: array_convert.plain_tensor(self).data_ptr(),
    "platform": lambda self: device_of(_torch_device(self)).platform,
    "addressable_data": lambda self, index: self,
    "__neg__": arithmetic.negative,
    "__pos__": arithmetic.positive,
    "__abs__": arithmetic.abs,
    "__invert__": bitwise.bitwise_not,
    "__round__": _round,
    "__contains__": _contains,
    "__getitem__": indexing.getitem,
    "__array_namespace__": _array_namespace,
}
_PROPERTIES: dict[str, Callable[[Array], Any]] = {
    "T": shape.transpose,
    "mT": shape.matrix_transpose,
    "real": complex_parts.real,
    "imag": complex_parts.imag,
    "device": _device,
    "flat": _flat,
    "sharding": lambda self: sharding_of(_torch_device(self)),
    "committed": lambda self: False,
    "is_fully_addressable": lambda self: True,
    "is_fully_replicated": lambda self: True,
    "traceback": lambda self: None,
}


def _complete() -> None:
    for name, (op, symbol) in _BINARY.items():
        setattr(Array, f"__{name}__", _operator(op, symbol))
        setattr(Array, f"__r{name}__", _reflected(op, symbol))
    for name, (op, symbol) in _COMPARISONS.items():
        setattr(Array, f"__{name}__", _operator(op, symbol))
    Array.__hash__ = None  # type: ignore[assignment]  # defining == anew
    for name, method in _METHODS.items():
        setattr(Array, name, method)
    for name, get in _PROPERTIES.items():
        setattr(Array, name, property(get))


_complete()
