"""metadata: shape, dtype and strides of an op's results, known before any value is.

Torch's own rules are its kernels on meta tensors. Many of those are Python that takes a tenth of a millisecond, and
half a second the first time. For pointwise ops two facts do: the shapes broadcast, and the dtype is that of the op
on nothing, in C++.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from jaxlike._src import torch_private
from jaxlike._src.torch_private_rules import free_shape_rules

if TYPE_CHECKING:
    from torch import Tensor

_Tensor = torch.Tensor


class Static:
    """The result of an op that is known from metadata alone."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


class Unsupported(NotImplementedError):
    """An op that cannot be recorded: it writes into a view, or its result's shape depends on values."""


def of(tensor: Tensor) -> tuple[Any, ...]:
    """Shape, dtype and strides."""
    return tuple(tensor.shape), tensor.dtype, tensor.stride()


def empty(meta: tuple[Any, ...]) -> Tensor:
    """A meta tensor of that shape, dtype and strides."""
    shape, dtype, stride = meta
    return torch.empty_strided(shape, stride, dtype=dtype, device="meta")


def contiguous(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The usual strides of a shape."""
    strides, step = [], 1
    for size in reversed(shape):
        strides.append(step)
        step *= max(size, 1)
    return tuple(reversed(strides))


def key(value: Any) -> Any:
    """What the metadata of results depends on in an argument."""
    kind = type(value)
    if kind is _Tensor:
        return value.shape, value.dtype, value.stride()
    if kind is tuple or kind is list or isinstance(value, list | tuple):
        return tuple(map(key, value))
    if isinstance(value, _Tensor):
        return value.shape, value.dtype, value.stride()
    return kind, value


def of_results(op: Any, args: Any, kwargs: Any) -> Any:
    """Output metadata of ``op``: a (shape, dtype, strides) tuple, or a list of them."""
    with torch_private.outside():
        if torch.Tag.pointwise in op.tags and (found := _pointwise(op, args, kwargs)) is not None:
            return found
        return _by_meta_kernel(op, args, kwargs)


def _pointwise(op: Any, args: Any, kwargs: Any) -> tuple[Any, ...] | None:
    """The metadata where the operands are of one shape and usual strides, but for 0-d ones; else None."""
    shape: tuple[int, ...] = ()
    for x in args:
        if isinstance(x, _Tensor) and x.dim():
            if (shape and x.shape != shape) or not x.is_contiguous() or x.numel() == 0:
                return None
            shape = tuple(x.shape)
    if not shape or any(isinstance(v, _Tensor) for v in kwargs.values()):
        return None
    examples = [torch.ones((0,) * bool(x.dim()), dtype=x.dtype) if isinstance(x, _Tensor) else x for x in args]
    try:
        out = op(*examples, **kwargs)
    except (RuntimeError, TypeError):  # no such kernel on the CPU
        return None
    return (shape, out.dtype, contiguous(shape)) if isinstance(out, _Tensor) and out.dim() == 1 else None


def _by_meta_kernel(op: Any, args: Any, kwargs: Any) -> Any:
    def meta(value: Any) -> Any:
        if isinstance(value, _Tensor):
            return value if value.device.type == "meta" else value.to("meta")
        if isinstance(value, list | tuple):
            return [meta(v) for v in value]
        return torch.device("meta") if isinstance(value, torch.device) else value

    free_shape_rules()
    try:
        out = op(*map(meta, args), **{k: meta(v) for k, v in kwargs.items()})
    except NotImplementedError as error:
        raise Unsupported(f"{op} has no shape rule: {error}") from error
    if isinstance(out, _Tensor):
        return of(out)
    if not isinstance(out, list | tuple):  # is_same_size and its like: a fact about shapes
        return Static(out)
    return [None if o is None else of(o) for o in out]
