"""random: generators by themselves, for libraries that make keys of one of them.

| name | stands for |
| --- | --- |
| `threefry_prng_impl`, `rbg_prng_impl`, `unsafe_rbg_prng_impl` | the generators of `random.generators` |
| `seed_with_impl`, `random_seed` | `jax.random.key` of a given generator |
| `define_prng_impl` | a generator made of functions of Arrays |
| `random_wrap`, `random_unwrap`, `random_bits`, `random_split`, `random_fold_in` | functions of any number of keys |
| `threefry_2x32` | the block cipher under threefry, on pairs of counter words |
| `threefry_seed`, `threefry_split`, `threefry_fold_in`, `threefry_random_bits` | threefry on the words of one key |
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src.array import Array
from jaxlike._src.border import asarray, unwrap
from jaxlike._src.numpy.shape import broadcast_to
from jaxlike._src.random import draws
from jaxlike._src.random import keys as of_keys
from jaxlike._src.random.defined import defined
from jaxlike._src.random.generators import PRNGS, PRNGImpl
from jaxlike._src.random.key_array import PRNGKeyArray
from jaxlike._src.random.keys import PRNGSpec, key, key_data, wrap_key_data
from jaxlike._src.random.threefry import hash_tensors

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jaxlike._src.typing import ArrayLike

threefry_prng_impl = PRNGS["threefry2x32"]
rbg_prng_impl = PRNGS["rbg"]
unsafe_rbg_prng_impl = PRNGS["unsafe_rbg"]


def seed_with_impl(impl: PRNGImpl, seed: int | ArrayLike) -> Array:
    """A key of a generator from an integer."""
    return key(seed, impl=impl)


def random_seed(seeds: int | ArrayLike, impl: PRNGImpl) -> Array:
    """Keys of a generator from integers, one each."""
    given = asarray(seeds)
    return _of_each(lambda s: key(s, impl=impl), given.ndim)(given if given.ndim else seeds)


def _of_each(fun: Callable[..., Array], ndim: int) -> Callable[..., Array]:
    from jaxlike._src.transforms.vmap import vmap  # libraries that make keys have no need of transformations

    for _ in range(ndim):
        fun = vmap(fun)
    return fun


def define_prng_impl(
    *,
    key_shape: tuple[int, ...],
    seed: Callable[[Array], Array],
    split: Callable[[Array, tuple[int, ...]], Array],
    random_bits: Callable[[Array, int, tuple[int, ...]], Array],
    fold_in: Callable[[Array, Any], Array],
    name: str = "<unnamed>",
    tag: str = "?",
) -> PRNGSpec:
    """A generator for `jax.random.key(seed, impl=...)` made of functions of Arrays; `random.defined` says which."""
    return PRNGSpec(defined(key_shape, seed, split, random_bits, fold_in, name, tag))


def register_prng(impl: PRNGImpl) -> None:
    """Have a generator found by its name."""
    if impl.name in PRNGS:
        raise ValueError(f"PRNG with name {impl.name} already registered: {impl}")
    PRNGS[impl.name] = impl


def random_wrap(base_arr: Any, *, impl: PRNGImpl) -> Array:
    """Keys of a generator from their words."""
    return wrap_key_data(base_arr, impl=impl)


def random_unwrap(keys: Array) -> Array:
    """The words of keys."""
    if not isinstance(keys, PRNGKeyArray):
        raise TypeError(f"random_unwrap takes key array operand, got keys.dtype={keys.dtype!r}")
    return key_data(keys)


def random_bits(keys: Array, bit_width: int, shape: Sequence[int]) -> Array:
    """Unsigned integers [*keys.shape, *shape] of so many bits."""
    return _of_each(lambda k: Array(draws.random_bits(k, bit_width, tuple(shape))), keys.ndim)(keys)


def random_split(keys: Array, shape: Sequence[int]) -> Array:
    """New keys [*keys.shape, *shape]."""
    return _of_each(lambda k: of_keys.split(k, tuple(shape)), keys.ndim)(keys)


def random_fold_in(keys: Array, msgs: Any) -> Array:
    """New keys, of each key and the integer in its place."""
    data = asarray(msgs)
    shape = np.broadcast_shapes(keys.shape, data.shape)
    keys, data = broadcast_to(keys, shape), broadcast_to(data, shape)
    return _of_each(of_keys.fold_in, keys.ndim)(keys, data)


def threefry_seed(seed: Array) -> Array:
    """The words of threefry's key for an integer."""
    return key_data(key(seed, impl=threefry_prng_impl))


def threefry_split(key: Array, shape: Sequence[int]) -> Array:
    """The words of new keys."""
    return key_data(of_keys.split(wrap_key_data(key, impl=threefry_prng_impl), tuple(shape)))


def threefry_fold_in(key: Array, data: Any) -> Array:
    """The words of a new key."""
    return key_data(of_keys.fold_in(wrap_key_data(key, impl=threefry_prng_impl), data))


def threefry_random_bits(key: Array, bit_width: int, shape: Sequence[int]) -> Array:
    """Unsigned integers of so many bits."""
    return random_bits(wrap_key_data(key, impl=threefry_prng_impl), bit_width, shape)


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
