"""array_convert: Arrays as Python numbers, numpy arrays, DLPack capsules, pickles and copies.

A value under grad or jvp alone is known, so bool, int, index and item give it; float, complex and numpy's
conversion refuse it, as JAX does. Inside vmap and jit every conversion raises JAX's error. What is handed out
of an Array's memory (numpy's view, a DLPack capsule) is not to be written to; numpy's is marked so.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch

from jaxlike._src import border, dtypes, errors, torch_private
from jaxlike._src.array import Array, NarrowArray
from jaxlike._src.errors import describe, origin
from jaxlike._src.frames import STATE
from jaxlike._src.regions import equation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Python numbers


def known_values(x: Array) -> np.ndarray[Any, Any] | None:
    """The values where they are known, also under grad and jvp; None inside vmap and jit."""
    tensor = border.concrete_tensor(x)
    return None if tensor is None else border.tensor_to_numpy(tensor, x.dtype)


def _number(x: Array) -> Any:
    """The one element of ``x`` as a Python number; None where it is not known."""
    if x._frame is None and STATE.frame is None and type(x) is Array:
        return x._t.item()
    values = known_values(x)
    return None if values is None else values.item()


def _bool(x: Array) -> bool:
    size = x._t.numel()
    if size > 1:
        raise ValueError("The truth value of an array with more than one element is ambiguous. Use a.any() or a.all()")
    if size == 0:
        raise ValueError(
            "The truth value of an empty array is ambiguous. Use `array.size > 0` to check that an array is not empty."
        )
    value = _number(x)
    if value is None:
        raise errors.TracerBoolConversionError(x)
    return bool(value)


def _conversion(kind: Callable[[Any], Any], *, of_tracers: bool) -> Callable[[Array], Any]:
    """``kind(x)`` of a scalar; of a value under grad or jvp only where JAX has it."""
    name = kind.__name__
    advice = (
        f"The problem arose with the `{name}` function. If trying to convert the data type of a value, try using "
        f"`x.astype({name})` or `jnp.array(x, {name})` instead."
    )

    def convert(x: Array) -> Any:
        if x._t.dim() > 0:
            raise TypeError(f"Only scalar arrays can be converted to Python scalars; got arr.ndim={x.ndim}")
        value = None if not of_tracers and border.is_traced(x) else _number(x)
        if value is None:
            raise errors.ConcretizationTypeError(x, advice)
        return kind(value)

    return convert


def _index(x: Array) -> int:
    if x.ndim or not dtypes.issubdtype(x.dtype, np.integer):
        raise TypeError("Only integer scalar arrays can be converted to a scalar index.")
    value = _number(x)
    if value is None:
        raise errors.TracerIntegerConversionError(x)
    return operator.index(value)


def _hex(x: Array) -> str:
    return hex(_index(x))


def _oct(x: Array) -> str:
    return oct(_index(x))


def _item(x: Array, *args: int) -> Any:
    """The one element, or the one at a flat position or at one position per axis, as a Python number."""
    if not args and x._t.numel() == 1 and (value := _number(x)) is not None:
        return value
    values = known_values(x)
    if values is None:
        raise errors.ConcretizationTypeError(x, "This occurred in the item() method of jax.Array")
    return values.item(*args)


def _refuse_tracer(x: Array, name: str) -> None:
    if border.is_traced(x):
        raise errors.ConcretizationTypeError(x, f"The {name}() method was called on {describe(x)}.{origin(x)}")


def _tolist(x: Array) -> Any:
    """The values as nested lists of Python numbers."""
    _refuse_tracer(x, "tolist")
    return border.to_numpy(x).tolist()


def _tobytes(x: Array, order: Any = "C") -> bytes:
    """The values as bytes."""
    _refuse_tracer(x, "tobytes")
    return border.to_numpy(x).tobytes(order)


def _bytes(x: Array) -> bytes:
    return _tobytes(x)


def _buffer(x: Array, flags: int) -> memoryview:
    """What Python from 3.12 on asks for where a buffer is wanted: the values, which are not to be written to."""
    del flags
    if not (x.dtype.kind in "biufc" and x.dtype.type.__module__ == "numpy"):
        kind = "BF16" if x.dtype.name == "bfloat16" else x.dtype.name.upper()
        raise BufferError(f"INVALID_ARGUMENT: Buffers of type {kind} are not supported by the Python buffer protocol.")
    values = border.to_numpy(x).view()
    values.flags.writeable = False
    return memoryview(cast("bytes", values))  # numpy's types say of an array that it is a buffer from 3.12 on


# numpy


def _array(x: Array, dtype: Any = None, context: None = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
    del context
    tensor = x._t
    plain = type(x) is Array and x._frame is None and STATE.frame is None  # a NarrowArray is stored in a wider type
    if plain and tensor.dtype in _SHARED and tensor.device.type == "cpu":
        values = tensor.numpy()
    else:
        values = border.to_numpy(x)
        if values.flags.writeable:
            values = values.view()
    values.flags.writeable = False  # the memory is the Array's own
    if dtype is None and copy is None:
        return values
    return np.asarray(values, dtype=dtype) if copy is None else np.asarray(values, dtype=dtype, copy=copy)


_SHARED = frozenset(
    getattr(torch, name)
    for name in "float32 float64 float16 int8 int16 int32 int64 uint8 uint16 uint32 uint64 bool".split()
)


def as_numpy(x: Array) -> np.ndarray[Any, Any]:
    """The values as a read-only numpy array."""
    return _array(x)


# Iteration

_AT_ONCE = 100  # rows that are taken apart in one step


def _iter(x: Array) -> Iterator[Array]:
    if x.ndim == 0:
        raise TypeError("iteration over a 0-d array")
    return _rows(x)


def _rows(x: Array) -> Iterator[Array]:
    kind, tag = type(x), x._tag
    for start in range(0, x.shape[0], _AT_ONCE):
        for row in border.unwrap(x)[start : start + _AT_ONCE].unbind(0):
            yield kind(row, tag)


# Copies and pickles


def copy(x: Array) -> Array:
    """An array of the same values."""
    return _clone(x) if isinstance(x.dtype, dtypes.ExtendedDType) else _copied(x)


def _clone(x: Array) -> Array:
    return type(x)(border.unwrap(x).clone(), x._tag)


_copied = equation("copy", lambda x: ((x,), {}))(_clone)  # of keys a trace knows the words


def _deepcopy(x: Array, memo: Any) -> Array:
    del memo
    return copy(x)


def _reduce(x: Array) -> Any:
    if border.is_traced(x):
        raise errors.ConcretizationTypeError(
            x,
            "The error occurred in the __reduce__ method, which may indicate an attempt to serialize/pickle a traced "
            "value.",
        )
    return rebuild, (border.to_numpy(x).copy(), x.weak_type)


def rebuild(values: np.ndarray[Any, Any], weak_type: bool) -> Array:
    """An Array from its pickled values."""
    tensor = border.tensor_from_numpy(np.array(values), values.dtype)
    if values.dtype in dtypes.STORAGE:
        return NarrowArray(tensor, values.dtype)
    return Array(tensor, weak_type)


# DLPack


def plain_tensor(x: Array, name: str) -> torch.Tensor:
    """The tensor of an Array outside of transformations; ``name`` is the method that needs it."""
    _refuse_tracer(x, name)
    found = border.concrete_tensor(x)
    assert found is not None
    return found


def _dlpack(
    x: Array,
    *,
    stream: Any = None,
    max_version: tuple[int, int] | None = None,
    dl_device: tuple[Any, int] | None = None,
    copy: bool | None = None,
) -> Any:
    tensor = plain_tensor(x, "__dlpack__")
    if isinstance(x.dtype, dtypes.ExtendedDType):
        raise AttributeError(f"{type(x).__name__!r} object has no attribute '__dlpack__'")
    if isinstance(x, NarrowArray):
        raise errors.JaxRuntimeError(f"UNIMPLEMENTED: dtype {x.dtype} has no DLPack equivalent")
    if stream is not None and tensor.device.type == "cpu":
        raise errors.JaxRuntimeError("UNIMPLEMENTED: WaitUntilBufferReadyOnStream is only implemented for GPU.")
    with torch_private.outside():
        given = {} if stream is None else {"stream": stream}
        return tensor.__dlpack__(max_version=max_version, dl_device=dl_device, copy=copy, **given)


def _dlpack_device(x: Array) -> Any:
    return plain_tensor(x, "__dlpack_device__").__dlpack_device__()


_BOUND = {
    "__bool__": _bool,
    "__int__": _conversion(int, of_tracers=True),
    "__float__": _conversion(float, of_tracers=False),
    "__complex__": _conversion(complex, of_tracers=False),
    "__index__": _index,
    "__hex__": _hex,
    "__oct__": _oct,
    "item": _item,
    "tolist": _tolist,
    "tobytes": _tobytes,
    "__bytes__": _bytes,
    "__buffer__": _buffer,
    "__array__": _array,
    "__iter__": _iter,
    "copy": copy,
    "__copy__": copy,
    "__deepcopy__": _deepcopy,
    "__reduce__": _reduce,
    "__dlpack__": _dlpack,
    "__dlpack_device__": _dlpack_device,
}
for _name, _function in _BOUND.items():
    setattr(Array, _name, _function)
