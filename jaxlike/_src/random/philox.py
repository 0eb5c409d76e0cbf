"""philox: generators that mix by 32 x 32 -> 64 bit products (Salmon et al.), ten rounds.

philox2x32 and philox4x32 hash counters under a key as threefry does. rbg is what XLA's RngBitGenerator gives
on a CPU: philox4x32 whose counter starts at the second half of the key; its keys split by threefry.
Words are int64 tensors in 0..2**32-1 here: a product may wrap, its two halves are right all the same.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from jaxlike._src.random.words import WORD, counters, join_words, narrow

if TYPE_CHECKING:
    from torch import Tensor

    Shape = tuple[int, ...]

MULTIPLIER_2 = 0xD256D193
MULTIPLIERS_4 = (0xD2511F53, 0xCD9E8D57)
WEYL = (0x9E3779B9, 0xBB67AE85)


def _wide(words: Tensor) -> Tensor:
    return words.to(torch.int64) & WORD


def _product(a: int, b: Tensor) -> tuple[Tensor, Tensor]:
    """(high, low) words of ``a * b``."""
    wide = a * b
    return (wide >> 32) & WORD, wide & WORD


def hash2(k: Tensor, x0: Tensor, x1: Tensor) -> tuple[Tensor, Tensor]:
    """The philox2x32 block of a counter (x0, x1) under a key of one word."""
    for i in range(10):
        high, low = _product(MULTIPLIER_2, x0)
        x0, x1 = high ^ x1 ^ ((k + i * WEYL[0]) & WORD), low
    return x0, x1


def hash4(
    k0: Tensor, k1: Tensor, x0: Tensor, x1: Tensor, x2: Tensor, x3: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The philox4x32 block of a counter of four words under a key of two."""
    for i in range(10):
        high0, low0 = _product(MULTIPLIERS_4[0], x0)
        high1, low1 = _product(MULTIPLIERS_4[1], x2)
        a, b = (k0 + i * WEYL[0]) & WORD, (k1 + i * WEYL[1]) & WORD
        x0, x1, x2, x3 = high1 ^ x1 ^ a, low1, high0 ^ x3 ^ b, low0
    return x0, x1, x2, x3


def _stack(*words: Tensor) -> Tensor:
    return torch.stack(words, dim=-1).to(torch.int32)


def _counters(words: Tensor, shape: Shape) -> tuple[Tensor, Tensor, Tensor]:
    high, low = map(_wide, counters(math.prod(shape), words.device))
    return high, low, torch.zeros_like(low)


# philox2x32


def seed2(high: Tensor, low: Tensor) -> Tensor:
    """The first word of the block of the seed under key 0."""
    high, low = _wide(high), _wide(low)
    return _stack(hash2(torch.zeros_like(low), high, low)[0])


def fold_in2(words: Tensor, data: Tensor) -> Tensor:
    """The first word of the block of counter (0, data)."""
    data = _wide(data)
    return _stack(hash2(_wide(words[..., 0]), torch.zeros_like(data), data)[0])


def split2(words: Tensor, shape: Shape) -> Tensor:
    """Key i is the first word of block i."""
    high, low, _ = _counters(words, shape)
    return _stack(hash2(_wide(words), high, low)[0]).reshape(*words.shape[:-1], *shape, 1)


def random_bits2(words: Tensor, width: int, shape: Shape) -> Tensor:
    """Block i, its words side by side for 64 bits, xored for fewer."""
    high, low, _ = _counters(words, shape)
    a, b = (w.to(torch.int32) for w in hash2(_wide(words), high, low))
    return join_words(a, b, width).reshape((*words.shape[:-1], *shape))


# philox4x32


def seed4(high: Tensor, low: Tensor) -> Tensor:
    """The first two words of the block of (high, low, 0, 0) under key 0."""
    high, low = _wide(high), _wide(low)
    zero = torch.zeros_like(low)
    return _stack(*hash4(zero, zero, high, low, zero, zero)[:2])


def fold_in4(words: Tensor, data: Tensor) -> Tensor:
    """The first two words of the block of counter (0, 0, 0, data)."""
    data, wide = _wide(data), _wide(words)
    zero = torch.zeros_like(data)
    return _stack(*hash4(wide[..., 0], wide[..., 1], zero, zero, zero, data)[:2])


def split4(words: Tensor, shape: Shape) -> Tensor:
    """Key i is two words of the block of (0, 0, high word of i, low word of i)."""
    high, low, zero = _counters(words, shape)
    wide = _wide(words)
    hashed = hash4(wide[..., 0, None], wide[..., 1, None], zero, zero, high, low)
    return _stack(*hashed[:2]).reshape(*words.shape[:-1], *shape, 2)


def random_bits4(words: Tensor, width: int, shape: Shape) -> Tensor:
    """The block of (high word of i, low word of i, 0, 0): two words for 64 bits, all xored for fewer."""
    high, low, zero = _counters(words, shape)
    wide = _wide(words)
    hashed = hash4(wide[..., 0, None], wide[..., 1, None], high, low, zero, zero)
    a, b, c, d = (w.to(torch.int32) for w in hashed)
    bits = join_words(a, b, 64) if width == 64 else narrow(a ^ b ^ c ^ d, width)
    return bits.reshape((*words.shape[:-1], *shape))


# rbg


def _carried(low: Tensor, high: Tensor, by: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The four words of a 128-bit counter, given as two int64, plus a small number."""
    total = low + by
    carry = (total ^ -(1 << 63)) < (low ^ -(1 << 63))  # unsigned comparison: it wrapped around
    high = high + carry.to(torch.int64)
    return total & WORD, (total >> 32) & WORD, high & WORD, (high >> 32) & WORD


def bit_stream(words: Tensor, count: int) -> Tensor:
    """``count`` random words [count], int64, from one key of four words."""
    wide = _wide(words)
    key, start = wide[0] | (wide[1] << 32), wide[2] | (wide[3] << 32)
    blocks = torch.arange(-(-count // 4), dtype=torch.int64, device=words.device)
    return torch.stack(hash4(wide[0], wide[1], *_carried(start, key, blocks)), dim=-1).reshape(-1)[:count]


def rbg_bits(words: Tensor, width: int, shape: Shape) -> Tensor:
    """Random bits of the first key alone, in the shape of all: what vmap over such keys gives in JAX."""
    result = (*words.shape[:-1], *shape)
    size = math.prod(result)
    if size == 0:
        return narrow(torch.zeros(result, dtype=torch.int32, device=words.device), 8).to(_unsigned(width))
    first = words.reshape(-1, 4)[0]
    if width == 64:
        drawn = bit_stream(first, 2 * size).reshape(-1, 2)
        return ((drawn[:, 1] << 32) | drawn[:, 0]).view(torch.uint64).reshape(result)
    return narrow(bit_stream(first, size).to(torch.int32), width).reshape(result)


def _unsigned(width: int) -> torch.dtype:
    return {8: torch.uint8, 16: torch.uint16, 32: torch.uint32, 64: torch.uint64}[width]


def unsafe_split(words: Tensor, shape: Shape) -> Tensor:
    """Every tenth group of four words."""
    size = math.prod(words.shape[:-1]) * math.prod(shape)
    drawn = bit_stream(words.reshape(-1, 4)[0], 40 * size).reshape(-1, 10, 4)[:, 0]
    return drawn.to(torch.int32).reshape(*words.shape[:-1], *shape, 4)


def unsafe_fold_in(words: Tensor, seeded: Tensor) -> Tensor:
    """The keys xored with every tenth group of words of the first of the keys seeded by the data."""
    size = math.prod(seeded.shape[:-1])
    drawn = bit_stream(seeded.reshape(-1, 4)[0], 40 * size).reshape(-1, 10, 4)[:, 9]
    return words ^ drawn.to(torch.int32).reshape(seeded.shape)
