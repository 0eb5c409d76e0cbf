"""threefry4x32: the four-word variant of threefry, 20 rounds, on int32 tensors of any shape.

Even rounds mix words (0, 1) and (2, 3), odd rounds (0, 3) and (2, 1); every fourth is followed by a key word
for each. Seeding and folding in are blocks too, which fill all four words from two.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from jaxlike._src.random.words import counters, join_words, narrow

if TYPE_CHECKING:
    from torch import Tensor

ROTATIONS = ((10, 26), (11, 21), (13, 27), (23, 5), (6, 20), (17, 11), (25, 10), (18, 20))
PARITY = 0x1BD11BDA


def _mix(a: Tensor, b: Tensor, r: int) -> tuple[Tensor, Tensor]:
    a = a + b
    return a, ((b << r) | ((b >> (32 - r)) & ((1 << r) - 1))) ^ a


def hash_tensors(
    key: tuple[Tensor, Tensor, Tensor, Tensor], x: tuple[Tensor, Tensor, Tensor, Tensor]
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The block of four counter words under four key words; int32 (bits of uint32) that broadcast."""
    keys = (*key, key[0] ^ key[1] ^ key[2] ^ key[3] ^ PARITY)
    x0, x1, x2, x3 = (word + k for word, k in zip(x, key, strict=True))
    for i in range(20):
        first, second = ROTATIONS[i % 8]
        if i % 2 == 0:
            x0, x1 = _mix(x0, x1, first)
            x2, x3 = _mix(x2, x3, second)
        else:
            x0, x3 = _mix(x0, x3, first)
            x2, x1 = _mix(x2, x1, second)
        if i % 4 == 3:
            n = i // 4 + 1
            x0, x1, x2, x3 = (word + keys[(n + j) % 5] for j, word in enumerate((x0, x1, x2, x3)))
            x3 = x3 + n
    return x0, x1, x2, x3


def _key(words: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    a, b, c, d = words.unbind(dim=-1)
    return a, b, c, d


def seed(high: Tensor, low: Tensor) -> Tensor:
    """The block of counter 0 under the key (high, low, 0, 0)."""
    zero = torch.zeros_like(low)
    return torch.stack(hash_tensors((high, low, zero, zero), (zero, zero, zero, zero)), dim=-1)


def fold_in(words: Tensor, data: Tensor) -> Tensor:
    """The block of counter (0, 0, 0, data)."""
    zero = torch.zeros_like(data)
    return torch.stack(hash_tensors(_key(words), (zero, zero, zero, data)), dim=-1)


def split(words: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Key i is the block of counter (0, 0, high word of i, low word of i)."""
    high, low = counters(math.prod(shape), words.device)
    zero = torch.zeros_like(low)
    out = torch.stack(hash_tensors(_key(words[..., None, :]), (zero, zero, high, low)), dim=-1)
    return out.reshape(*words.shape[:-1], *shape, 4)


def random_bits(words: Tensor, width: int, shape: tuple[int, ...]) -> Tensor:
    """The words of block (high word of i, low word of i, 0, 0), xored down to the width."""
    high, low = counters(math.prod(shape), words.device)
    zero = torch.zeros_like(low)
    a, b, c, d = hash_tensors(_key(words[..., None, :]), (high, low, zero, zero))
    bits = join_words(a ^ c, b ^ d, 64) if width == 64 else narrow(a ^ b ^ c ^ d, width)
    return bits.reshape((*words.shape[:-1], *shape))
