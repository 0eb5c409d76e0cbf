"""random_bits: the compiler's own generators: bits under a key, and uniform numbers without one.

`rng_bit_generator` gives what XLA gives on a CPU, whose default is philox. `rng_uniform` draws from the process's
generator; its numbers are no one's promise, in JAX neither.
"""

from __future__ import annotations

import enum
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src import dtypes
from jaxlike._src.array import Array
from jaxlike._src.border import canonicalize_shape, cast, unwrap
from jaxlike._src.devices import default_torch_device
from jaxlike._src.lax.strict import operand
from jaxlike._src.random import philox, threefry
from jaxlike._src.random.ops import operator
from jaxlike._src.random.words import join_words, narrow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from jaxlike._src.typing import ArrayLike, DTypeLike, Shape


class RandomAlgorithm(enum.IntEnum):
    """Generators of `rng_bit_generator`."""

    RNG_DEFAULT = 0
    RNG_THREE_FRY = 1
    RNG_PHILOX = 2

    def __str__(self) -> str:
        return self.name


def _shape_of_both(words: Tensor, width: int, shape: Sequence[int]) -> tuple[tuple[int, ...], torch.dtype]:
    return (*words.shape[:-1], *shape), getattr(torch, f"uint{width}")


@operator("philox_bits(Tensor words, int width, int[] shape) -> Tensor", _shape_of_both)
def _philox_bits(words: Tensor, width: int, shape: Sequence[int]) -> Tensor:
    """Bits of philox under a key of four words."""
    return philox.rbg_bits(words, width, tuple(shape))


@operator("threefry_bits(Tensor words, int width, int[] shape) -> Tensor", _shape_of_both)
def _threefry_bits(words: Tensor, width: int, shape: Sequence[int]) -> Tensor:
    """Bits of threefry2x32 under a key of two words and a counter of two, low word first.

    The two words of a block are side by side along the first axis of even size; where all are odd, along the longest.
    """
    result = (*words.shape[:-1], *shape)
    words = words.reshape(-1, 4)[0]  # of a batch of keys the first draws for all, as in JAX
    sizes = list(result) or [1]
    longest = sizes.index(max(sizes))
    if width < 64 and all(n % 2 for n in sizes):
        sizes[longest] += 1
    wide = words.to(torch.int64) & 0xFFFFFFFF
    low = wide[2] + torch.arange(_threefry_blocks(width, result), device=words.device)
    high = (wide[3] + (low >> 32)) & 0xFFFFFFFF
    halves = threefry.hash_tensors(words[0, None], words[1, None], low.to(torch.int32), high.to(torch.int32))
    if width == 64:
        return join_words(halves[1], halves[0], 64).reshape(result)
    even = next(i for i, n in enumerate(sizes) if n % 2 == 0)
    half = [*sizes[:even], sizes[even] // 2, *sizes[even + 1 :]]
    drawn = torch.stack([h.reshape(half) for h in halves], even + 1)
    drawn = drawn.reshape(sizes).narrow(longest, 0, result[longest] if result else 1)
    return narrow(drawn, width).reshape(result)


def _threefry_blocks(width: int, shape: Sequence[int]) -> int:
    """How many blocks there are: two words each; where every axis is odd, the longest one is filled up."""
    total = math.prod(shape)
    if width == 64:
        return total
    longest = max(shape, default=1)
    return (total // longest * (longest + 1) if total % 2 else total) // 2


@operator(
    "moved_counter(Tensor words, int width, int[] shape, bool by_threefry) -> Tensor",
    lambda words, width, shape, by_threefry: (tuple(words.shape), words.dtype),
)
def _moved_counter(words: Tensor, width: int, shape: Sequence[int], by_threefry: bool) -> Tensor:
    """The key after bits of that shape: its counter, the second half, moved on; of a batch of keys the first's."""
    drawn = (*words.shape[:-1], *shape)
    blocks = _threefry_blocks(width, drawn) if by_threefry else -(-math.prod(drawn) * max(width // 32, 1) // 4)
    wide = (words.to(torch.int64) & 0xFFFFFFFF).reshape(-1, 4)
    low = wide[:1, 2] + blocks
    high = (wide[:1, 3] + (low >> 32)) & 0xFFFFFFFF
    moved = torch.stack([wide[:1, 0], wide[:1, 1], low & 0xFFFFFFFF, high], -1)
    return torch.cat([moved, wide[1:]]).to(torch.int32).reshape(words.shape)


def rng_bit_generator(
    key: ArrayLike,
    shape: Shape,
    dtype: DTypeLike = np.uint32,
    algorithm: RandomAlgorithm = RandomAlgorithm.RNG_DEFAULT,
    *,
    out_sharding: Any = None,
) -> tuple[Array, Array]:
    """Random bits, and the key for the next ones.

    Args:
        key: four words of 32 bits, or two of 64.
        shape: shape of the bits.
        dtype: unsigned integers of any width.
        algorithm: philox, which is the default, or threefry.
        out_sharding: accepted.
    """
    del out_sharding
    sizes = canonicalize_shape(shape)
    wanted = dtypes.check_and_canonicalize_user_dtype(dtype, "rng_bit_generator")
    if dtypes.issubdtype(wanted, np.unsignedinteger) is False or wanted.itemsize > 8:
        raise TypeError(f"rng_bit_generator: unsupported dtype {wanted}")
    x = operand("rng_bit_generator", key)
    if (x.dtype, x.shape) not in ((np.uint32, (4,)), (np.uint64, (2,))):  # JAX asserts it
        raise AssertionError(f"a key of rng_bit_generator is uint32[4] or uint64[2], got {x.aval.str_short()}")
    tensor = unwrap(x)
    words = tensor.view(torch.int32)
    width = 8 * wanted.itemsize
    threefry_asked = algorithm == RandomAlgorithm.RNG_THREE_FRY
    bits = (_threefry_bits if threefry_asked else _philox_bits)(words, width, list(sizes))
    following = _moved_counter(words, width, list(sizes), threefry_asked)
    return Array(following.view(tensor.dtype), x.weak_type), Array(bits)


def rng_uniform(a: ArrayLike, b: ArrayLike, shape: Shape) -> Array:
    """Numbers from ``a`` up to ``b``, other ones each time."""
    low, high = operand("rng_uniform", a, 0), operand("rng_uniform", b, 1)
    if low.dtype != high.dtype:
        raise ValueError(f"Arguments to rng_uniform must have identical dtypes, got {low.dtype} and {high.dtype}.")
    if low.shape or high.shape:
        raise ValueError(
            f"Arguments to rng_uniform must be scalars; got shapes {low.shape} and {high.shape}."
        )
    start, stop = unwrap(low), unwrap(high)
    drawn = torch.rand(tuple(shape), dtype=torch.float64, device=default_torch_device())
    if start.dtype.is_floating_point:
        out = start + (stop - start) * drawn.to(start.dtype)
    else:
        span = (stop.to(torch.int64) - start.to(torch.int64)).to(torch.float64)
        out = cast(torch.floor(drawn * span).to(torch.int64) + start.to(torch.int64), start.dtype)
    return Array(out, low.weak_type and high.weak_type)
