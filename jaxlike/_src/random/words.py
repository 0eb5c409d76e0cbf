"""words: pieces that the generators share: counters, and 32-bit words put together or cut down."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import torch

if TYPE_CHECKING:
    from torch import Tensor

WORD: Final = 0xFFFFFFFF
UINT: Final = {8: torch.uint8, 16: torch.uint16, 32: torch.uint32, 64: torch.uint64}


def counters(size: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """0..size-1 as (high words, low words), int32."""
    count = torch.arange(size, dtype=torch.int64, device=device)
    low = count.to(torch.int32)
    return (count >> 32).to(torch.int32) if size > WORD else torch.zeros_like(low), low


def join_words(high: Tensor, low: Tensor, width: int) -> Tensor:
    """Two int32 words as random bits: side by side for 64, xored and cut for 8, 16, 32."""
    if width == 64:
        return ((high.to(torch.int64) << 32) | (low.to(torch.int64) & WORD)).view(torch.uint64)
    return narrow(high ^ low, width)


def narrow(word: Tensor, width: int) -> Tensor:
    """The lowest 8, 16 or 32 bits of an int32 word, unsigned."""
    if width == 32:
        return word.view(torch.uint32)
    signed = {8: torch.int8, 16: torch.int16}[width]
    return word.to(signed).view(UINT[width])
