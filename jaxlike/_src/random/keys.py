"""keys: make, split and fold in PRNG keys, typed (`jax.random.key`) and raw (`PRNGKey`, uint32 words).

Every function of `jax.random` takes both kinds: `check_key` turns a raw key into a typed one of the default
generator and says that it did, `like_given` turns results back. One known threefry key is hashed in plain
Python integers; everything else goes through an operator of `ops`, on words of any batch shape.
"""

from __future__ import annotations

import functools
import math
import operator
import warnings
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import torch

from jaxlike._src import config, dtypes, key_uses, torch_private
from jaxlike._src.array import Array, constant
from jaxlike._src.border import asarray, cast, is_arraylike, unwrap
from jaxlike._src.devices import default_torch_device
from jaxlike._src.frames import STATE
from jaxlike._src.random import threefry
from jaxlike._src.random.generators import PRNGS, STREAMS, PRNGImpl, stream_of
from jaxlike._src.random.key_array import (
    KeyTy,
    PRNGKeyArray,
    in_shape,
    key_ty,
    key_words,
    known_keys,
    pack,
    unpack,
    words_of,
)
from jaxlike._src.random.ops import operator as random_operator
from jaxlike._src.random.ops import plain
from jaxlike._src.random.words import WORD
from jaxlike._src.regions import equation

if TYPE_CHECKING:
    from torch import Tensor

    from jaxlike._src.typing import ArrayLike

PRNGSpecDesc: TypeAlias = "str | PRNGSpec | PRNGImpl | Hashable"
KeyDTypeLike: TypeAlias = "str | KeyTy"

_THREEFRY = PRNGS["threefry2x32"]


# Generators


class PRNGSpec:
    """A generator as users hold it where it has no registered name."""

    __slots__ = ("_impl",)

    def __init__(self, impl: PRNGImpl) -> None:
        self._impl = impl

    def __repr__(self) -> str:
        return f"PRNGSpec({self._impl.name!r})"

    def __str__(self) -> str:
        return str(self._impl)

    def __hash__(self) -> int:
        return hash(self._impl)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PRNGSpec) and self._impl is other._impl


def default_prng_impl() -> PRNGImpl:
    """The generator that ``jax_default_prng_impl`` names."""
    return PRNGS[config.default_prng_impl.value]


def resolve_prng_impl(spec: Any) -> PRNGImpl:
    """The generator for a name, a spec, a key dtype or None (the default)."""
    if spec is None:
        return default_prng_impl()
    if isinstance(spec, PRNGImpl):
        return spec
    if isinstance(spec, PRNGSpec | KeyTy):
        return spec._impl
    if type(spec) is str:
        if spec in PRNGS:
            return PRNGS[spec]
        known = ", ".join(f'"{name}"' for name in PRNGS)
        raise ValueError(f'unrecognized PRNG implementation "{spec}". Did you mean one of: {known}?')
    raise TypeError(f"unrecognized type {type(spec)} for specifying PRNG implementation.")


# Keys in and out of the functions


def _check_key_data(impl: PRNGImpl, data: Any) -> None:
    if not all(hasattr(data, name) for name in ("ndim", "shape", "dtype")):
        raise TypeError(
            "JAX encountered invalid PRNG key data: expected key_data to have ndim, shape, and dtype attributes. "
            f"Got {data}"
        )
    if data.ndim < 1:
        raise TypeError(f"JAX encountered invalid PRNG key data: expected key_data.ndim >= 1; got ndim={data.ndim}")
    if tuple(data.shape[-len(impl.key_shape) :]) != impl.key_shape:
        raise TypeError(
            f"JAX encountered invalid PRNG key data: expected key_data.shape to end with {impl.key_shape}; got "
            f"shape={tuple(data.shape)} for {impl=}"
        )
    if data.dtype not in (np.uint32, dtypes.float0):
        raise TypeError(
            f"JAX encountered invalid PRNG key data: expected key_data.dtype = uint32; got dtype={data.dtype}"
        )


@equation("random_wrap", lambda data, impl: ((data,), {"kind": (PRNGKeyArray, impl)}))
def _wrap(data: Any, impl: PRNGImpl) -> PRNGKeyArray:
    """Raw words as typed keys."""
    _check_key_data(impl, data)
    words = unwrap(asarray(data)).view(torch.int32)
    return PRNGKeyArray(pack(words.flatten(-len(impl.key_shape))), impl)


def check_key(
    name: str, key: Any, allow_batched: bool = False, hands_on: bool = False
) -> tuple[PRNGKeyArray, bool]:
    """The key argument of a function as a typed key, and whether it was given raw.

    ``hands_on``: the function gives the key to another one, which uses it.
    """
    if type(key) is PRNGKeyArray:
        if key._t.dim() and not allow_batched:
            raise _batched(name, key.shape)
        if key_uses.FLAG.value and not hands_on:
            key_uses.use_in(name, key)
        return key, False
    if not is_arraylike(key):
        raise TypeError(f"unexpected PRNG key type {type(key)}")
    impl = default_prng_impl()
    if type(key) is Array and key._frame is None is STATE.frame and key._t.shape == impl.key_shape and (
        key._t.dtype is torch.uint32
    ):
        typed = known_keys(pack(key._t), impl)
    else:
        typed = _wrap(key, impl)
    legacy = config.legacy_prng_key.value
    if legacy is not config.LegacyPrngKeyState.ALLOW:
        said = (
            "Legacy uint32 key array passed as key to jax.random function. Please create keys using "
            'jax.random.key(). If use of a raw key array was intended, set jax_legacy_prng_key="allow".'
        )
        if legacy is config.LegacyPrngKeyState.ERROR:
            raise ValueError(said)
        warnings.warn(said, stacklevel=3)
    elif config.enable_custom_prng.value:
        warnings.warn(
            "Raw arrays as random keys to jax.random functions are deprecated. Assuming valid threefry2x32 key for "
            "now.",
            FutureWarning,
            stacklevel=3,
        )
    if typed.ndim and not allow_batched:
        raise _batched(name, tuple(key.shape))
    return typed, True


def _batched(name: str, shape: tuple[int, ...]) -> ValueError:
    return ValueError(
        f"{name} accepts a single key, but was given a key array of shape {shape} != (). Use jax.vmap for batching."
    )


def like_given(raw: bool, keys: PRNGKeyArray) -> Array:
    """Keys as raw words where a raw key was given."""
    if not raw or config.enable_custom_prng.value:
        return keys
    if keys._frame is None:
        with torch_private.outside():
            return constant(in_shape(unpack(keys._t).view(torch.uint32), keys._tag))
    return key_words(keys)


def known_words(key: PRNGKeyArray) -> tuple[int, int] | None:
    """The two words of one threefry key whose value is at hand, as Python integers."""
    if key._tag is not _THREEFRY:
        return None
    payload = plain(key._t)
    if payload is None or payload.dim():
        return None
    return words_of(payload)


def _known_keys(data: bytearray, shape: tuple[int, ...]) -> PRNGKeyArray:
    """Keys of words in memory; they depend on no running transformation."""
    with torch_private.outside():
        payload = torch.frombuffer(data, dtype=torch.int64) if data else torch.empty(0, dtype=torch.int64)
        device = default_torch_device()
        if device.type != "cpu":
            payload = payload.to(device)
        return known_keys(payload.reshape(shape), _THREEFRY)


def _keys_like(key: PRNGKeyArray, words: Tensor) -> PRNGKeyArray:
    return PRNGKeyArray(pack(words), key._tag)


# Operators


@random_operator(
    "random_split(Tensor words, str stream, SymInt[] shape) -> Tensor",
    lambda words, stream, shape: ((*words.shape[:-1], *shape, words.shape[-1]), torch.int32),
)
def split_words(words: Tensor, stream: str, shape: Sequence[int]) -> Tensor:
    """New keys [..., *shape, n] from keys [..., n]."""
    return STREAMS[stream].split(words, tuple(shape))


@random_operator(
    "random_fold_in(Tensor words, Tensor data, str stream) -> Tensor",
    lambda words, data, stream: (words.shape, torch.int32),
)
def fold_in_words(words: Tensor, data: Tensor, stream: str) -> Tensor:
    """Keys [..., n] with the integers [...] folded in."""
    return STREAMS[stream].fold_in(words, data)


@random_operator(
    "random_seed(Tensor high, Tensor low, str stream) -> Tensor",
    lambda high, low, stream: ((*high.shape, math.prod(STREAMS[stream].key_shape)), torch.int32),
)
def seed_words(high: Tensor, low: Tensor, stream: str) -> Tensor:
    """Keys [..., n] from the halves of seeds [...]."""
    return STREAMS[stream].seed(high, low)


# Public functions


def key_dtype(impl_spec: PRNGSpecDesc | None = None) -> KeyTy:
    """The dtype of the keys of a generator (by default the one that `key` uses)."""
    return key_ty(resolve_prng_impl(impl_spec))


def key(seed: int | ArrayLike, *, impl: PRNGSpecDesc | None = None, dtype: KeyDTypeLike | None = None) -> Array:
    """A typed PRNG key from an integer.

    Args:
        seed: Python int or integer scalar; its lowest 32 bits count (64 with x64).
        impl: name of the generator, by default that of ``jax_default_prng_impl``.
        dtype: the same as a key dtype or its name; only one of the two.

    Returns:
        A scalar array of dtype ``key<fry>`` (for threefry2x32).
    """
    if dtype is not None:
        if impl is not None:
            raise ValueError("Cannot specify both `impl` and `dtype` arguments to jax.random.key")
        impl = dtype
    return _key("key", seed, impl)


def PRNGKey(seed: int | ArrayLike, *, impl: PRNGSpecDesc | None = None) -> Array:
    """A raw PRNG key from an integer: uint32 words, [2] for threefry2x32. `key` is the newer form."""
    return like_given(True, _key("PRNGKey", seed, impl))


def _key(name: str, seed: Any, spec: Any) -> PRNGKeyArray:
    impl = resolve_prng_impl(spec)
    if isinstance(seed, PRNGKeyArray):
        raise TypeError(f"{name} accepts a scalar seed, but was given a PRNG key.")
    if not isinstance(seed, int):
        shape = np.shape(seed)
        if shape:
            raise TypeError(
                f"{name} accepts a scalar seed, but was given an array of shape {shape} != (). Use jax.vmap for "
                "batching"
            )
        if isinstance(seed, Array):
            return _key_of_array(seed, impl)
        seed = _integer_seed(seed)
    elif not -(1 << 63) <= seed < 1 << 63:
        raise OverflowError("Python int too large to convert to C long")
    number = int(seed)
    if not config.enable_x64.value:  # the seed is an int32; its upper word is shifted in as zeros
        low, high = (number + config.random_seed_offset.value) & WORD, 0
    else:
        number += config.random_seed_offset.value
        low, high = number & WORD, (number >> 32) & WORD
    if impl is _THREEFRY:
        return _known_keys(bytearray(high.to_bytes(4, "little") + low.to_bytes(4, "little")), ())
    with torch_private.outside():
        words = torch.tensor([high, low], dtype=torch.int64, device=default_torch_device()).to(torch.int32)
        return known_keys(pack(impl.seed(words[0], words[1])), impl)


def _integer_seed(seed: Any) -> int:
    """A seed that is neither a Python int nor an Array."""
    if seed is None:
        raise ValueError("None is not a valid value for jnp.array")
    given = asarray(seed)
    if not dtypes.issubdtype(given.dtype, np.integer):
        raise TypeError(f"PRNG key seed must be an integer; got JitTracer({given.aval})")
    number = int(given._t.item())
    return number & WORD if given._t.dtype.itemsize < 8 else number


@equation("random_seed", lambda seed, impl: ((seed,), {"kind": (PRNGKeyArray, impl)}))
def _key_of_array(seed: Array, impl: PRNGImpl) -> PRNGKeyArray:
    if not dtypes.issubdtype(seed.dtype, np.integer):
        raise TypeError(f"PRNG key seed must be an integer; got JitTracer({seed.aval})")
    number = unwrap(seed)
    wide = cast(number, torch.int64) if number.dtype is not torch.uint64 else number.view(torch.int64)
    if offset := config.random_seed_offset.value:
        wide = wide + offset
    low = wide.to(torch.int32)
    high = (wide >> 32).to(torch.int32) if number.dtype.itemsize == 8 else torch.zeros_like(low)
    return PRNGKeyArray(pack(seed_words(high, low, impl.stream or impl.name)), impl)


def split(key: ArrayLike, num: int | tuple[int, ...] = 2) -> Array:
    """New keys from one key.

    Args:
        key: a key; it should not be used again.
        num: how many, or the shape of the array of new keys.

    Returns:
        Keys of shape ``(num,)`` or ``num``; a raw key gives uint32 words with one axis more.
    """
    typed, raw = check_key("split", key)
    return like_given(raw, split_key(typed, num))


def _counts(num: Any) -> tuple[int, ...]:
    return (num,) if type(num) is int else tuple(map(operator.index, num if isinstance(num, Sequence) else (num,)))


@equation("random_split", lambda key, num=2: ((key,), {"kind": (PRNGKeyArray, key._tag), "shape": _counts(num)}))
def split_key(key: PRNGKeyArray, num: Any = 2) -> PRNGKeyArray:
    """`split` of a typed key."""
    if type(num) is int:
        shape, size = (num,), num
    else:
        shape = _counts(num)
        size = functools.reduce(operator.mul, shape, 1)
    if size < 0 or any(n < 0 for n in shape):
        raise ValueError(f"split needs a shape without negative sizes, got {shape}")
    if size <= threefry.MAX_LANES and config.threefry_partitionable.value:
        words = known_words(key)
        if words is not None:
            return _known_keys(threefry.pairs_of_lanes(*words, size) if size else bytearray(), shape)
    return _keys_like(key, split_words(unpack(unwrap(key)), stream_of(key._tag), shape))


def split_list(key: PRNGKeyArray, num: int) -> list[PRNGKeyArray]:
    """``num`` new scalar keys."""
    return list(split_key(key, num))


def fold_in(key: ArrayLike, data: ArrayLike) -> Array:
    """A new key from a key and an integer of 32 bits.

    Args:
        key: a key.
        data: an integer scalar that fits uint32; a Python int that does not fit raises OverflowError.
    """
    typed, raw = check_key("fold_in", key)
    if not isinstance(data, int) and np.ndim(data):
        raise TypeError(
            f"fold_in accepts a scalar, but was given an array ofshape {np.shape(data)} != (). Use jax.vmap for "
            "batching."
        )
    if not isinstance(data, Array):
        data = int(data) & WORD if isinstance(data, np.integer) else int(data)  # pyright: ignore[reportArgumentType]
        if not 0 <= data <= WORD:
            raise OverflowError(f"Python integer {data} out of bounds for uint32")
        words = known_words(typed)
        if words is not None:
            first, second = threefry.hash_one(*words, 0, data)
            made = _known_keys(bytearray((first | second << 32).to_bytes(8, "little")), ())
            return like_given(raw, made)
    return like_given(raw, _folded(typed, data))


@equation("random_fold_in", lambda key, data: ((key, data), {"kind": (PRNGKeyArray, key._tag)}))
def _folded(key: PRNGKeyArray, data: Array | int) -> PRNGKeyArray:
    payload = unwrap(key)
    if isinstance(data, Array):
        number = cast(unwrap(data), torch.uint32).view(torch.int32)
    else:
        number = torch.full(payload.shape, data, dtype=torch.int64, device=payload.device).to(torch.int32)
    return _keys_like(key, fold_in_words(unpack(payload), number, stream_of(key._tag)))


def key_data(keys: ArrayLike) -> Array:
    """The uint32 words of keys, with one axis more."""
    typed, _ = check_key("key_data", keys, allow_batched=True)
    return key_words(typed)


def key_impl(keys: ArrayLike) -> str | PRNGSpec:
    """The name of the generator of keys."""
    typed, _ = check_key("key_impl", keys, allow_batched=True)
    return typed._tag.name if PRNGS.get(typed._tag.name) is typed._tag else PRNGSpec(typed._tag)


def wrap_key_data(
    key_bits_array: Array, *, impl: PRNGSpecDesc | None = None, dtype: KeyDTypeLike | None = None
) -> Array:
    """Typed keys from their uint32 words [..., n]: the inverse of `key_data`."""
    if dtype is not None:
        if impl is not None:
            raise ValueError("Cannot specify both `impl` and `dtype` arguments to jax.random.wrap_key_data")
        impl = dtype
    return _wrap(key_bits_array, resolve_prng_impl(impl))


def clone(key: Any) -> Array:
    """The same key, marked as unused where ``jax_debug_key_reuse`` looks for keys that are used twice."""
    same = asarray(key)
    if isinstance(same, PRNGKeyArray) and key_uses.FLAG.value:
        return PRNGKeyArray(unwrap(same).clone(), same._tag)
    return same
