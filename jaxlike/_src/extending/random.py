"""random: generators by themselves, for libraries that make keys of one of them.

| name | stands for |
| --- | --- |
| `threefry_prng_impl`, `rbg_prng_impl`, `unsafe_rbg_prng_impl` | the generators of `random.generators` |
| `seed_with_impl`, `random_seed` | `jax.random.key` of a given generator |
| `threefry_2x32` | the block cipher under threefry, on pairs of counter words |
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src.array import Array
from jaxlike._src.border import asarray, unwrap
from jaxlike._src.random.generators import PRNGS, PRNGImpl
from jaxlike._src.random.keys import key
from jaxlike._src.random.threefry import hash_tensors

if TYPE_CHECKING:
    from jaxlike._src.typing import ArrayLike

threefry_prng_impl = PRNGS["threefry2x32"]
rbg_prng_impl = PRNGS["rbg"]
unsafe_rbg_prng_impl = PRNGS["unsafe_rbg"]


def seed_with_impl(impl: PRNGImpl, seed: int | ArrayLike) -> Array:
    """A key of a generator from an integer."""
    return key(seed, impl=impl)


def random_seed(seeds: int | ArrayLike, impl: PRNGImpl) -> Array:
    """Keys of a generator from integers, one each."""
    from jaxlike._src.transforms.vmap import vmap

    given = asarray(seeds)
    made: Any = lambda s: key(s, impl=impl)  # noqa: E731
    for _ in range(given.ndim):
        made = vmap(made)
    return made(seeds if not given.ndim else given)


def threefry_2x32(keypair: Any, count: Any) -> Array:
    """The words that threefry2x32 gives for counter words, whose halves are the two words of a block.

    Args:
        keypair: two uint32 words.
        count: uint32 words; an odd number of them is padded.
    """
    k0, k1 = (asarray(k) for k in keypair)
    counts = asarray(count)
    for k in (k0, k1, counts):
        if k.dtype != np.uint32:
            raise TypeError(f"threefry_2x32 requires uint32 arguments, got {[k0.dtype, k1.dtype, counts.dtype]}")
    words = unwrap(counts).view(torch.int32).reshape(-1)
    odd = words.shape[0] % 2
    if odd:
        words = torch.cat([words, words.new_zeros(1)])
    half = words.shape[0] // 2
    outs = hash_tensors(unwrap(k0).view(torch.int32), unwrap(k1).view(torch.int32), words[:half], words[half:])
    flat = torch.cat(outs)
    return Array((flat[:-1] if odd else flat).reshape(counts.shape).view(torch.uint32))
