"""tensors: Arrays and torch tensors made of each other.

An Array never changes, a tensor may. So a tensor is copied on its way in, unless the caller promises not to write to it;
on the way out memory is shared, and torch copies it when somebody writes to the tensor.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from jaxlike._src import border, dtypes, torch_private
from jaxlike._src.array import NarrowArray
from jaxlike._src.array_convert import plain_tensor

if TYPE_CHECKING:
    from torch import Tensor

    from jaxlike._src.array import Array


def from_torch(tensor: Tensor, *, copy: bool = True) -> Array:
    """An Array with the values of a torch tensor, on the tensor's device.

    The dtype is the tensor's; without 64-bit types, float64 becomes float32 and int64 int32. Where the tensor is
    part of an autograd graph, the Array is not: `as_torch` brings gradients across.

    Args:
        tensor: a dense tensor of a dtype that JAX has.
        copy: False shares the memory where the dtype stays as it is. Then nobody may write to the tensor, or to
            anything that shares its memory, as long as the Array is used: Arrays, and what is derived from them, count
            on values that never change.
    """
    return border.from_tensor(tensor.detach(), copy)


def to_torch(x: Any, *, dtype: Any = None) -> Tensor:
    """The values of an Array, or of any array-like, as a torch tensor on the same device.

    Nothing is copied: the tensor shares the Array's memory until one writes to it, and then torch gives it memory
    of its own (on CPU and CUDA; elsewhere, and for memory that torch does not own, the copy is made at once). So the
    Array keeps its values. The tensor requires no grad: `as_torch` brings gradients across. Values inside a
    transformation have no tensor of their own: `torch_function` calls torch there.

    Args:
        x: the Array.
        dtype: another dtype for the result, torch's or JAX's.
    """
    array = border.asarray(x.detach() if isinstance(x, torch.Tensor) else x)
    if isinstance(array.dtype, dtypes.ExtendedDType) or isinstance(array, NarrowArray):
        raise TypeError(f"torch has no dtype like {array.dtype}")
    tensor = plain_tensor(array, "to_torch")
    with torch_private.outside():
        if dtype is not None:
            wanted = dtype if dtype in dtypes.FROM_TORCH else dtypes.to_torch(dtypes.dtype_of(dtype))
            if wanted is not tensor.dtype:
                return border.cast(tensor, wanted)
        return torch_private.lazy_clone(tensor)
