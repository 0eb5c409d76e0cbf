"""ops: random functions as single torch operators, for keys whose words are not known.

Where a key is a plain tensor its words are hashed at once. Inside a jit trace (no values) or a vmap over
keys (values below a level) the same function is called as an operator ``jaxlike::name``: a trace records one
node instead of hundreds, and batching adds leading axes, which every generator takes.
All tensors of such an operator share their leading batch axes: those of the first, the key words, but one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from jaxlike._src import torch_private
from jaxlike._src.graph.fused.decompose import comes_down_to

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

_LIBRARY = torch.library.Library("jaxlike", "FRAGMENT")


def plain(tensor: Tensor) -> Tensor | None:
    """The tensor below grad and jvp levels; None inside vmap and jit, where values are not at hand."""
    while torch_private.is_wrapped(tensor):
        if torch_private.is_batched(tensor):
            return None
        tensor = torch_private.wrapped_value(tensor)
    return None if tensor.device.type == "meta" else tensor


def operator(
    schema: str, like: Callable[..., tuple[tuple[int, ...], torch.dtype]]
) -> Callable[[Callable[..., Tensor]], Callable[..., Tensor]]:
    """Turn a function of plain tensors and static values into one that also works on hidden values.

    Args:
        schema: torch's signature, ``name(Tensor words, ..) -> Tensor``; tensors come first.
        like: shape and dtype of the result, from the same arguments.
    """
    name = schema.partition("(")[0]
    tensors = schema.count("Tensor ")
    _LIBRARY.define(schema)

    def decorate(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
        _LIBRARY.impl(name, function, "CompositeExplicitAutograd")
        op = getattr(torch.ops.jaxlike, name).default

        def meta(*args: Any) -> Tensor:
            shape, dtype = like(*args)
            return torch.empty(shape, dtype=dtype, device="meta")

        def batch(info: Any, in_dims: tuple[int | None, ...], *args: Any) -> tuple[Tensor, int]:
            moved = [
                t.expand(info.batch_size, *t.shape) if dim is None else t.movedim(dim, 0)
                for t, dim in zip(args[:tensors], in_dims, strict=False)
            ]
            return op(*moved, *args[tensors:]), 0

        _LIBRARY.impl(name, meta, "Meta")
        comes_down_to(f"jaxlike::{name}", function)
        torch.library.register_vmap(f"jaxlike::{name}", batch, lib=_LIBRARY)

        def call(*args: Any) -> Tensor:
            known = [plain(t) for t in args[:tensors]]
            if any(t is None for t in known):
                return op(*args)
            with torch_private.outside():
                return function(*known, *args[tensors:])

        call.__name__, call.__doc__ = name, function.__doc__
        return call

    return decorate
