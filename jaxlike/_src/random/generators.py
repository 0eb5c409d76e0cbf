"""generators: what a PRNG is (seed, split, fold_in, random bits), and threefry2x32 as one of them.

A generator works on tensors: keys are int32 words [..., n] (the bits of JAX's uint32 words), and every
function takes any number of leading batch axes, so that vmap over keys is one call. Results on a CPU come
from numpy or C++, on a GPU from Triton, on other devices from torch ops; all are equal bit for bit.
A stream is a generator together with the flags that change its bits: `stream_of` reads them when a
function is called, so that a compiled call keeps those it was traced with.
"""

from __future__ import annotations

import functools
import importlib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
import torch

from jaxlike._src import config
from jaxlike._src.graph.fused import gpu
from jaxlike._src.random import native, philox, threefry, threefry4x32
from jaxlike._src.random.words import WORD, counters, join_words, narrow

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

Shape: TypeAlias = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class PRNGImpl:
    """A generator: its name, the tag that key dtypes show (``key<fry>``), and functions of key words."""

    name: str
    tag: str
    key_shape: Shape
    seed: Callable[[Tensor, Tensor], Tensor]  # high and low words of 64-bit seeds [...] -> [..., n]
    split: Callable[[Tensor, Shape], Tensor]  # [..., n] -> [..., *shape, n]
    fold_in: Callable[[Tensor, Tensor], Tensor]  # [..., n], int32 [...] -> [..., n]
    random_bits: Callable[[Tensor, int, Shape], Tensor]  # [..., n], width -> unsigned [..., *shape]
    stream: str = ""  # where it is in `STREAMS`, if not under its name

    def __str__(self) -> str:
        return self.tag


def over_counters(words: Tensor, shape: Shape) -> tuple[tuple[Tensor, ...], Tensor, Tensor, Shape]:
    """(each key word [..., 1], high and low counter words [size], shape of the result)."""
    high, low = counters(math.prod(shape), words.device)
    return tuple(words[..., i, None] for i in range(words.shape[-1])), high, low, (*words.shape[:-1], *shape)


# threefry2x32


def on_gpu(words: Tensor) -> Any:
    """The module of kernels for keys on a GPU that they can be built for, else None."""
    return _cuda_draws() if words.device.type == "cuda" else None


@functools.cache
def _cuda_draws() -> Any:
    return importlib.import_module("jaxlike._src.random.cuda_draws") if gpu.is_there() else None


def _host_keys(words: Tensor) -> np.ndarray[Any, Any]:
    return words.reshape(-1, words.shape[-1]).numpy().view(np.uint32)


def _threefry_seed(high: Tensor, low: Tensor) -> Tensor:
    return torch.stack((high, low), dim=-1)


def _threefry_fold_in(words: Tensor, data: Tensor) -> Tensor:
    """The block of counter (0, data)."""
    zero = torch.zeros_like(data)
    if words.device.type == "cpu":
        keys, counts = _host_keys(words), data.reshape(-1).numpy().view(np.uint32)
        out = np.stack(threefry.hash_arrays(keys[:, 0], keys[:, 1], np.zeros_like(counts), counts), axis=-1)
        return torch.from_numpy(out.view(np.int32)).reshape(words.shape)
    if (kernels := on_gpu(words)) is not None:
        return kernels.folded(words, data)
    return torch.stack(threefry.hash_tensors(words[..., 0], words[..., 1], zero, data), dim=-1)


def _threefry_split(words: Tensor, shape: Shape) -> Tensor:
    """Key i is the block of counter i."""
    size = math.prod(shape)
    if words.device.type == "cpu":
        keys = _host_keys(words)
        if (pairs := native.drawn(native.PAIR, keys, size)) is not None:
            return torch.from_numpy(pairs.view(np.int32)).reshape(*words.shape[:-1], *shape, 2)
        out = np.empty((len(keys) * size, 2), np.uint32)
        for start, stop, x0, x1 in threefry.hash_blocks(keys, size):
            out[start:stop, 0] = x0
            out[start:stop, 1] = x1
        return torch.from_numpy(out.view(np.int32)).reshape(*words.shape[:-1], *shape, 2)
    if (kernels := on_gpu(words)) is not None:
        return kernels.blocks(words, shape)
    (k0, k1), high, low, result = over_counters(words, shape)
    return torch.stack(threefry.hash_tensors(k0, k1, high, low), dim=-1).reshape(*result, 2)


def _threefry_random_bits(words: Tensor, width: int, shape: Shape) -> Tensor:
    """Block i, its words side by side for 64 bits, xored for fewer."""
    if words.device.type == "cpu":
        keys, size = _host_keys(words), math.prod(shape)
        made = native.drawn(native.FLIPPED_PAIR if width == 64 else native.XOR, keys, size)
        if made is not None:
            bits = made.astype(f"uint{width}", copy=False)
            return torch.from_numpy(bits).reshape((*words.shape[:-1], *shape))
        out = np.empty(len(keys) * size, np.dtype(f"uint{width}"))
        for start, stop, x0, x1 in threefry.hash_blocks(keys, size):
            if width == 64:
                halves = out[start:stop].view(np.uint32).reshape(-1, 2)
                halves[:, 0] = x1
                halves[:, 1] = x0
            else:
                np.bitwise_xor(x0, x1, out=out[start:stop], casting="unsafe")
        return torch.from_numpy(out).reshape((*words.shape[:-1], *shape))
    if (kernels := on_gpu(words)) is not None:
        if width < 64:
            return narrow(kernels.xored(words, shape), width)
        high, low = kernels.blocks(words, shape).unbind(-1)
        return join_words(high, low, width)
    (k0, k1), high, low, result = over_counters(words, shape)
    return join_words(*threefry.hash_tensors(k0, k1, high, low), width).reshape(result)


# threefry2x32 as it was before jax_threefry_partitionable: counters are 32 bits, hashed in two halves.


def _hash_halves(words: Tensor, count: int) -> Tensor:
    """Counters 0..count-1 cut in two halves that are hashed as pairs; [..., count] words."""
    half = (count + 1) // 2
    counts = torch.arange(2 * half, dtype=torch.int64, device=words.device)
    counts = torch.where(counts < count, counts, 0).to(torch.int32)
    k0, k1 = words[..., 0, None], words[..., 1, None]
    if words.device.type == "cpu":
        both = counts.numpy().view(np.uint32)
        shape = (*words.shape[:-1], half)
        x0, x1 = np.broadcast_to(both[:half], shape), np.broadcast_to(both[half:], shape)
        hashed = threefry.hash_arrays(k0.numpy().view(np.uint32), k1.numpy().view(np.uint32), x0, x1)
        return torch.from_numpy(np.concatenate(hashed, axis=-1).view(np.int32))[..., :count]
    hashed = threefry.hash_tensors(k0, k1, counts[:half], counts[half:])
    return torch.cat(hashed, dim=-1)[..., :count]


def _original_split(words: Tensor, shape: Shape) -> Tensor:
    return _hash_halves(words, 2 * math.prod(shape)).reshape(*words.shape[:-1], *shape, 2)


def _original_random_bits(words: Tensor, width: int, shape: Shape) -> Tensor:
    size = math.prod(shape)
    count = -(-width * size // 32)
    if count >= WORD:
        raise NotImplementedError("more than 2**32 - 2 words of random bits with jax_threefry_partitionable off")
    drawn = _hash_halves(words, count)
    if width == 64:
        high, low = drawn[..., :size], drawn[..., size:]
        return join_words(high, low, 64).reshape((*words.shape[:-1], *shape))
    if width < 32:  # words in little-endian order, cut into pieces
        pieces = [(drawn >> (width * i)) for i in range(32 // width)]
        drawn = torch.stack(pieces, dim=-1).reshape(*words.shape[:-1], -1)[..., :size]
    return narrow(drawn, width).reshape((*words.shape[:-1], *shape))


# rbg: pairs of threefry keys


def _rbg_seed(high: Tensor, low: Tensor) -> Tensor:
    return torch.stack((high, low, high, low), dim=-1)


def _rbg_fold_in(words: Tensor, data: Tensor) -> Tensor:
    halves = words.reshape(*words.shape[:-1], 2, 2)
    return _threefry_fold_in(halves, data[..., None].expand(halves.shape[:-1])).reshape(words.shape)


def _rbg_split(of_half: Callable[[Tensor, Shape], Tensor]) -> Callable[[Tensor, Shape], Tensor]:
    def split(words: Tensor, shape: Shape) -> Tensor:
        batch, size = words.shape[:-1], math.prod(shape)
        both = of_half(words.reshape(*batch, 2, 2), (size,))  # [..., half, size, 2]
        return both.transpose(-3, -2).reshape(*batch, *shape, 4)

    return split


def _unsafe_fold_in(words: Tensor, data: Tensor) -> Tensor:
    return philox.unsafe_fold_in(words, _rbg_seed(torch.zeros_like(data), data))


# The generators by name; "name/original" are those that jax_threefry_partitionable = False changes

_THREEFRY = (_threefry_seed, _threefry_split, _threefry_fold_in, _threefry_random_bits)
STREAMS: Final[dict[str, PRNGImpl]] = {
    "philox2x32": PRNGImpl(
        "philox2x32", "phx2", (1,), philox.seed2, philox.split2, philox.fold_in2, philox.random_bits2
    ),
    "philox4x32": PRNGImpl(
        "philox4x32", "phx4", (2,), philox.seed4, philox.split4, philox.fold_in4, philox.random_bits4
    ),
    "threefry2x32": PRNGImpl("threefry2x32", "fry", (2,), *_THREEFRY),
    "threefry2x32/original": PRNGImpl(
        "threefry2x32", "fry", (2,), _threefry_seed, _original_split, _threefry_fold_in, _original_random_bits
    ),
    "rbg": PRNGImpl("rbg", "rbg", (4,), _rbg_seed, _rbg_split(_threefry_split), _rbg_fold_in, philox.rbg_bits),
    "rbg/original": PRNGImpl(
        "rbg", "rbg", (4,), _rbg_seed, _rbg_split(_original_split), _rbg_fold_in, philox.rbg_bits
    ),
    "unsafe_rbg": PRNGImpl(
        "unsafe_rbg", "urbg", (4,), _rbg_seed, philox.unsafe_split, _unsafe_fold_in, philox.rbg_bits
    ),
    "threefry4x32": PRNGImpl(
        *("threefry4x32", "fry4", (4,)),
        *(threefry4x32.seed, threefry4x32.split, threefry4x32.fold_in, threefry4x32.random_bits),
    ),
}
PRNGS: Final = {name: impl for name, impl in STREAMS.items() if "/" not in name}


def stream_of(impl: PRNGImpl) -> str:
    """The name in `STREAMS` of what ``impl`` does under the flags of this moment."""
    if not config.threefry_partitionable.value and f"{impl.name}/original" in STREAMS:
        return f"{impl.name}/original"
    return impl.stream or impl.name
