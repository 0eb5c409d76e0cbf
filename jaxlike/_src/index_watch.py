"""index_watch: who is told of indices that may be out of bounds, while `checkify` looks for them.

A trace depends on it. Where nobody watches, indexing computes nothing more.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from jaxlike._src.array import Array
from jaxlike._src.border import unwrap
from jaxlike._src.config import context_state
from jaxlike._src.devices import default_torch_device

index_watch = context_state("index_watch", None)


def watch_index(shape: Sequence[int], axes: Sequence[int], starts: Sequence[Any], sizes: Sequence[int]) -> None:
    """Tell who watches of positions along axes of an array, of which ``sizes`` elements each are meant.

    Args:
        shape: of the array.
        axes: one for each of the positions.
        starts: Arrays, tensors or numpy arrays of integers whose shapes broadcast.
        sizes: how many elements from there on.
    """
    tell = index_watch.value
    if tell is None or not axes:
        return
    device = default_torch_device()
    tensors = [unwrap(s) if isinstance(s, Array) else _tensor(s, device) for s in starts]
    at = torch.stack(torch.broadcast_tensors(*(t.to(torch.int64) for t in tensors)), dim=-1).reshape(-1, len(axes))
    room = torch.tensor([shape[a] - n for a, n in zip(axes, sizes, strict=True)], device=device)
    outside = torch.logical_or(torch.lt(at, 0), torch.gt(at, room)).flatten()
    if not outside.numel():
        return
    first = outside.to(torch.int32).argmax(keepdim=True)
    which = first % len(axes)
    lengths = torch.tensor([shape[a] for a in axes], device=device)
    numbers = torch.tensor(list(axes), device=device)
    found = [t.index_select(0, k) for t, k in ((at.flatten(), first), (numbers, which), (lengths, which))]
    tell(tuple(shape), Array(outside.any()), [Array(torch.cat(found).to(torch.int32))])


def _tensor(x: Any, device: torch.device) -> torch.Tensor:
    return x if isinstance(x, torch.Tensor) else torch.as_tensor(np.asarray(x), device=device)
