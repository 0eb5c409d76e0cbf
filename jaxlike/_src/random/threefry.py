"""threefry: the hash that JAX's random bits come from, equal to JAX's in every bit.

A block turns a key (two 32-bit words) and a counter (two words) into two words: twenty rounds of add,
rotate, xor (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3"). Three forms of it, each the
fastest at its size: `hash_lanes` lays counters side by side in one Python integer (4 us, no tensor),
`hash_blocks` works in numpy on pieces that stay in the cache (7 ns a counter), `hash_tensors` is int32
torch ops for every device and transformation.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxlike._src.random.words import WORD

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
PARITY = 0x1BD11BDA
MAX_LANES = 128  # from here on numpy is faster
BLOCK = 1 << 16  # counters of one numpy piece: three uint32 arrays of it fit in a second-level cache


# Python integers


@functools.lru_cache(maxsize=2 * MAX_LANES)
def _lane_constants(lanes: int) -> tuple[int, int, int]:
    """(1 in every lane, the low word of every lane, lane i holding i); a lane is 64 bits."""
    ones = int.from_bytes(b"\1\0\0\0\0\0\0\0" * lanes, "little")
    count = int.from_bytes(np.arange(lanes, dtype=np.uint64).tobytes(), "little")
    return ones, ones * WORD, count


def hash_lanes(k0: int, k1: int, x0: int, x1: int, ones: int, mask: int) -> tuple[int, int]:
    """The blocks of many counters; lane i of ``x0`` and ``x1`` is counter i, and so are the results."""
    keys = (k0 * ones, k1 * ones, (k0 ^ k1 ^ PARITY) * ones)
    x0 += keys[0]  # the upper half of a lane catches carries; x0 needs no masking until the end
    x1 = (x1 + keys[1]) & mask
    for i in range(5):
        for r in ROTATIONS[i & 1]:
            x0 += x1
            x1 = ((x1 << r | x1 >> (32 - r)) ^ x0) & mask
        x0 += keys[(i + 1) % 3]
        x1 = (x1 + keys[(i + 2) % 3] + (i + 1) * ones) & mask
    return x0 & mask, x1


def hash_one(k0: int, k1: int, x0: int, x1: int) -> tuple[int, int]:
    """The block of one counter."""
    return hash_lanes(k0, k1, x0, x1, 1, WORD)


def pairs_of_lanes(k0: int, k1: int, lanes: int) -> bytearray:
    """The blocks of counters 0, 1, ..: as many pairs of little-endian words."""
    ones, mask, count = _lane_constants(lanes)
    x0, x1 = hash_lanes(k0, k1, 0, count, ones, mask)
    return bytearray((x0 | x1 << 32).to_bytes(8 * lanes, "little"))


def bits_of_lanes(k0: int, k1: int, lanes: int) -> list[int]:
    """The 32 random bits of counters 0, 1, ..: the two words of each block xored."""
    ones, mask, count = _lane_constants(lanes)
    x0, x1 = hash_lanes(k0, k1, 0, count, ones, mask)
    if lanes == 1:
        return [x0 ^ x1]
    return np.frombuffer((x0 ^ x1).to_bytes(8 * lanes, "little"), dtype=np.uint64).tolist()


# numpy


def _hash_in_place(k0: Any, k1: Any, x0: Any, x1: Any, scratch: Any) -> None:
    keys = (k0, k1, k0 ^ k1 ^ np.uint32(PARITY))
    np.add(x0, k0, out=x0)
    np.add(x1, k1, out=x1)
    for i in range(5):
        for r in ROTATIONS[i & 1]:
            np.add(x0, x1, out=x0)
            np.left_shift(x1, np.uint32(r), out=scratch)
            np.right_shift(x1, np.uint32(32 - r), out=x1)
            np.bitwise_or(x1, scratch, out=x1)
            np.bitwise_xor(x1, x0, out=x1)
        np.add(x0, keys[(i + 1) % 3], out=x0)
        np.add(x1, keys[(i + 2) % 3], out=x1)
        np.add(x1, np.uint32(i + 1), out=x1)


def hash_arrays(k0: Any, k1: Any, x0: Any, x1: Any) -> tuple[Any, Any]:
    """The blocks of uint32 arrays of one shape, or keys that are uint32 scalars."""
    x0, x1 = x0.copy(), x1.copy()
    with np.errstate(over="ignore"):
        _hash_in_place(k0, k1, x0, x1, np.empty_like(x1))
    return x0, x1


def hash_blocks(keys: np.ndarray[Any, Any], size: int) -> Iterator[tuple[int, int, Any, Any]]:
    """The blocks of counters 0..size-1 under each of ``keys`` [n, 2], flat, a piece at a time.

    Yields (start, stop, first words, second words); the arrays are reused for the next piece.
    """
    longest = max(1, min(BLOCK, size)) * max(1, min(len(keys), BLOCK // max(size, 1)))
    scratch = np.empty((3, longest), np.uint32)
    with np.errstate(over="ignore"):
        if size * 2 > BLOCK:
            for row, (k0, k1) in enumerate(keys):
                for at in range(0, size, BLOCK):
                    stop = min(at + BLOCK, size)
                    x0, x1, spare = scratch[:, : stop - at]
                    x0.fill(at >> 32)
                    x1[:] = np.arange(at & WORD, (at & WORD) + stop - at, dtype=np.uint64)
                    _hash_in_place(k0, k1, x0, x1, spare)
                    yield row * size + at, row * size + stop, x0, x1
            return
        together = BLOCK // max(size, 1)
        counters = np.arange(size, dtype=np.uint32)
        for row in range(0, len(keys), together):
            some = keys[row : row + together]
            x0, x1, spare = scratch[:, : len(some) * size]
            x0.fill(0)
            x1.reshape(len(some), size)[:] = counters
            if len(some) == 1:
                k0, k1 = some[0]
            else:
                k0, k1 = np.repeat(some[:, 0], size), np.repeat(some[:, 1], size)
            _hash_in_place(k0, k1, x0, x1, spare)
            yield row * size, (row + len(some)) * size, x0, x1


# Tensors


def _rotate(x: Tensor, r: int) -> Tensor:
    return (x << r) | ((x >> (32 - r)) & ((1 << r) - 1))


def hash_tensors(k0: Tensor, k1: Tensor, x0: Tensor, x1: Tensor) -> tuple[Tensor, Tensor]:
    """The blocks of int32 tensors (bits of uint32) that broadcast."""
    keys = (k0, k1, k0 ^ k1 ^ PARITY)
    x0, x1 = x0 + k0, x1 + k1
    for i in range(5):
        for r in ROTATIONS[i & 1]:
            x0 = x0 + x1
            x1 = _rotate(x1, r) ^ x0
        x0 = x0 + keys[(i + 1) % 3]
        x1 = x1 + (keys[(i + 2) % 3] + (i + 1))
    return x0, x1

