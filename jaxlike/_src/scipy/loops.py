"""loops: series and continued fractions of tensors, each entry summed until it stands still.

What such a loop computes is one torch operator (`random.ops.operator`): a trace records a single node, and the
values that end the loop are at hand where it runs. Its derivatives come from a rule of its own, or none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from jaxlike._src.array import Array
from jaxlike._src.border import unwrap
from jaxlike._src.transforms.custom import library_jvp

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor


def iterate(
    step: Callable[..., tuple[Tensor, ...]], going: Callable[..., Tensor], state: tuple[Tensor, ...]
) -> tuple[Tensor, ...]:
    """In each entry: ``state = step(*state)`` while ``going(*state)``."""
    state = torch.broadcast_tensors(*state)
    active = going(*state)
    while bool(active.any()):
        state = tuple(torch.where(active, new, old) for new, old in zip(step(*state), state, strict=True))
        active = active & going(*state)
    return state


def like_first(*args: Any) -> tuple[tuple[int, ...], torch.dtype]:
    """Shape and dtype of an elementwise operator's result, for `operator`."""
    tensors = [t for t in args if isinstance(t, torch.Tensor)]
    return tuple(torch.broadcast_shapes(*(t.shape for t in tensors))), tensors[0].dtype


def without_derivative(name: str, kernel: Callable[..., Tensor]) -> Callable[..., Array]:
    """A kernel as a function of Arrays that refuses to be differentiated."""

    @library_jvp
    def value(*args: Array) -> Array:
        return Array(kernel(*map(unwrap, args)))

    @value.defjvp
    def refuse(primals: Any, tangents: Any) -> Any:
        raise NotImplementedError(f"Differentiation rule for '{name}' not implemented")

    return value
