"""array_convert: Arrays as Python numbers, numpy arrays, DLPack capsules, pickles and copies.

A value under grad or jvp alone is known, so bool, int, index and item give it; float, complex and numpy's
conversion refuse it, as JAX does. Inside vmap and jit every conversion raises JAX's error.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src import border, dtypes, errors, torch_private
from jaxlike._src.array import Array, NarrowArray

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def known_values(x: Array) -> np.ndarray[Any, Any] | None:
    """The values where they are known, also under grad and jvp; None inside vmap and jit."""
    tensor = border.concrete_tensor(x)
    return None if tensor is None else border.tensor_to_numpy(tensor, x.dtype)


def _scalar(x: Array) -> None:
    if x.ndim > 0:
        raise TypeError(f"Only scalar arrays can be converted to Python scalars; got arr.ndim={x.ndim}")


def _bool(x: Array) -> bool:
    values = known_values(x)
    if values is None:
        raise errors.TracerBoolConversionError(x)
    if x.size > 1:
        raise ValueError(
            "The truth value of an array with more than one element is ambiguous. Use a.any() or a.all()"
        )
    if x.size == 0:
        raise ValueError(
            "The truth value of an empty array is ambiguous. Use `array.size > 0` to check that an array is not empty."
        )
    return bool(values)


def _advice(name: str) -> str:
    return (
        f"The problem arose with the `{name}` function. If trying to convert the data type of a value, try using "
        f"`x.astype({name})` or `jnp.array(x, {name})` instead."
    )


def _number(kind: Callable[[Any], Any], concrete_only: bool) -> Callable[[Array], Any]:
    def convert(x: Array) -> Any:
        traced = border.is_traced(x)
        values = None if traced and concrete_only else known_values(x)
        if values is None:
            raise errors.ConcretizationTypeError(x, _advice(kind.__name__))
        _scalar(x)
        return kind(values.item())

    return convert


def _index(x: Array) -> int:
    values = known_values(x)
    if values is None:
        raise errors.TracerIntegerConversionError(x)
    if x.ndim > 0 or not dtypes.issubdtype(x.dtype, np.integer):
        raise TypeError("Only integer scalar arrays can be converted to a scalar index.")
    return operator.index(values.item())


def _item(x: Array, *args: int) -> Any:
    """The one element (or the one at these indices) as a Python number."""
    values = known_values(x)
    if values is None:
        raise errors.ConcretizationTypeError(x)
    return values.item(*args)


def _tolist(x: Array) -> Any:
    """The values as nested lists of Python numbers."""
    if border.is_traced(x):
        raise errors.ConcretizationTypeError(x)
    return border.to_numpy(x).tolist()


def _array(x: Array, dtype: Any = None, context: None = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
    del context
    values = border.to_numpy(x)
    if dtype is not None and values.dtype != dtype:
        return values.astype(dtype)
    if copy:
        return values.copy()
    if values.flags.writeable:  # the memory is the Array's own
        values = values.view()
        values.flags.writeable = False
    return values


def _iter(x: Array) -> Iterator[Array]:
    if x.ndim == 0:
        raise TypeError("iteration over a 0-d array")
    tensor = border.unwrap(x)
    return (type(x)(part, x._tag) for part in tensor.unbind(0))


def _hex(x: Array) -> str:
    return hex(_index(x))


def _oct(x: Array) -> str:
    return oct(_index(x))


def _copy(x: Array) -> Array:
    """An array of the same values."""
    return type(x)(border.unwrap(x).clone(), x._tag)


def _deepcopy(x: Array, memo: Any) -> Array:
    del memo
    return _copy(x)


def _reduce(x: Array) -> Any:
    return rebuild, (border.to_numpy(x).copy(), x.weak_type)


def rebuild(values: np.ndarray[Any, Any], weak_type: bool) -> Array:
    """An Array from its pickled values."""
    tensor = border.tensor_from_numpy(np.array(values), values.dtype)
    if values.dtype in dtypes.STORAGE:
        return NarrowArray(tensor, values.dtype)
    return Array(tensor, weak_type)


def _dlpack(x: Array, **options: Any) -> Any:
    if border.is_traced(x):
        raise errors.ConcretizationTypeError(x, "DLPack needs the values.")
    with torch_private.outside():
        stream = options.pop("stream", None)
        return torch.Tensor.__dlpack__(plain_tensor(x), **({} if stream is None else {"stream": stream}), **options)


def _dlpack_device(x: Array) -> Any:
    return plain_tensor(x).__dlpack_device__()


def plain_tensor(x: Array) -> torch.Tensor:
    """The tensor of an Array outside vmap and jit."""
    found = border.concrete_tensor(x)
    if found is None:
        raise errors.ConcretizationTypeError(x)
    return found


def _tobytes(x: Array, order: Any = "C") -> bytes:
    """The values as bytes."""
    return border.to_numpy(x).tobytes(order)


_BOUND = {
    "__bool__": _bool,
    "__int__": _number(int, concrete_only=False),
    "__float__": _number(float, concrete_only=True),
    "__complex__": _number(complex, concrete_only=True),
    "__index__": _index,
    "__hex__": _hex,
    "__oct__": _oct,
    "item": _item,
    "tolist": _tolist,
    "tobytes": _tobytes,
    "__array__": _array,
    "__iter__": _iter,
    "__copy__": _copy,
    "__deepcopy__": _deepcopy,
    "__reduce__": _reduce,
    "__dlpack__": _dlpack,
    "__dlpack_device__": _dlpack_device,
}
for _name, _function in _BOUND.items():
    setattr(Array, _name, _function)
