"""varying: along which axes of a mesh a value differs inside of `shard_map`, and what reverse mode makes of that.

Inside, a value is batched at the level of an axis exactly where it may differ along it. The cotangent of a value that is
the same on all devices is the sum of what each device makes of it; until the end each keeps its share. A result that
is the same everywhere therefore starts with an equal share of its cotangent, and what an input that is the same
everywhere gets is summed. In between nothing changes: `psum` is its own transpose.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from jaxlike._src import torch_private
from jaxlike._src.array import Array
from jaxlike._src.border import unwrap
from jaxlike._src.frames import STATE, Frame, running

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


def counted_axes() -> list[Frame]:
    """The frames of mesh axes along which it counts where values differ, innermost first."""
    if STATE.frame is None:
        return []
    return [f for f in running() if f.manual == "checked"]


def is_varying(tensor: Tensor, frame: Frame) -> bool:
    """Whether the value may differ along the axis of a frame."""
    while torch_private.is_wrapped(tensor):
        if torch_private.batch_dim_at(tensor, frame.level) is not None:
            return True
        tensor = torch_private.wrapped_value(tensor)
    return False


def same_along(tensor: Tensor, frames: Sequence[Frame]) -> list[Frame]:
    """The axes along which the value is the same."""
    return [f for f in frames if not is_varying(tensor, f)]


def shared(cotangent: Tensor, like: Tensor) -> Tensor:
    """Each device's share of the cotangent of ``like``."""
    frames = counted_axes()
    if not frames:
        return cotangent
    count = math.prod(f.axis_size for f in same_along(like, frames))
    return cotangent if count == 1 else cotangent / count


def summed(cotangents: Sequence[Any], inputs: Sequence[Any]) -> list[Any]:
    """What inputs that are the same on all devices get: the sum of the shares."""
    frames = counted_axes()
    if not frames:
        return list(cotangents)
    return [_summed(c, x, frames) if isinstance(c, Array) else c for c, x in zip(cotangents, inputs, strict=True)]


def _summed(cotangent: Array, x: Array, frames: Sequence[Frame]) -> Array:
    from jaxlike._src.lax.parallel import total_over  # upward: a collective

    for frame in same_along(unwrap(x), frames):
        cotangent = total_over(cotangent, frame)
    return cotangent
