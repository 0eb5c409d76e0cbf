"""key_array: arrays of typed PRNG keys, whose dtype prints as ``key<fry>``.

One key is one element of the payload: its uint32 words lie side by side in an int64 (two words), an int32
(one) or a complex128 (four). So a key array has a tensor of its own shape, and whatever moves elements
(indexing, reshape, stack, where, scatter, vmap's axes) needs to know nothing of keys.
Arithmetic is refused by dtype; only == and != are defined.
"""

from __future__ import annotations

import copyreg
import functools
import math
from typing import TYPE_CHECKING, Any, Final

import torch

from jaxlike._src import dtypes, key_uses, torch_private
from jaxlike._src.array import Array
from jaxlike._src.array_print import traced_repr
from jaxlike._src.border import is_traced, tensor_to_numpy, unwrap
from jaxlike._src.frames import STATE
from jaxlike._src.random.generators import PRNGS, PRNGImpl
from jaxlike._src.random.words import WORD
from jaxlike._src.regions import equation

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from torch import Tensor

_ELEMENT: Final = {1: torch.int32, 2: torch.int64, 4: torch.complex128}  # by number of words


class KeyTy(dtypes.ExtendedDType):
    """The dtype of an array of keys of one generator; equal where the generator is the same."""

    __slots__ = ("_impl",)
    type = dtypes.prng_key

    def __init__(self, impl: PRNGImpl) -> None:
        self._impl = impl

    @property
    def name(self) -> str:
        """``key<tag>``."""
        return f"key<{self._impl.tag}>"

    @property
    def itemsize(self) -> int:
        """Bytes of one key."""
        return 4 * math.prod(self._impl.key_shape)

    def stand_in(self, shape: tuple[int, ...]) -> PRNGKeyArray:
        """Keys without values."""
        with torch_private.outside():
            element = _ELEMENT[math.prod(self._impl.key_shape)]
            return PRNGKeyArray(torch.empty(shape, dtype=element, device="meta"), self._impl)

    def filled(self, shape: tuple[int, ...], word: Any) -> PRNGKeyArray:
        """Keys all of whose words are ``word``."""
        number = int(word) & WORD
        return PRNGKeyArray(element_tensor(self._impl, number - (number >> 31 << 32), shape), self._impl)

    def __repr__(self) -> str:
        return self.name

    def __eq__(self, other: object) -> bool:
        return type(other) is KeyTy and self._impl is other._impl

    def __hash__(self) -> int:
        return hash((KeyTy, self._impl))

    def __reduce__(self) -> Any:
        return key_dtype_by_name, (self._impl.name,)


@functools.cache
def key_ty(impl: PRNGImpl) -> KeyTy:
    """The dtype of the generator's keys."""
    return KeyTy(impl)


def key_dtype_by_name(name: str) -> KeyTy:
    """The dtype of the keys of the generator of this name."""
    return key_ty(PRNGS[name])


def pack(words: Tensor) -> Tensor:
    """int32 words [..., n] as one element each."""
    return words.contiguous().view(_ELEMENT[words.shape[-1]]).squeeze(-1)


def unpack(payload: Tensor) -> Tensor:
    """Inverse of `pack`."""
    return payload.unsqueeze(-1).view(torch.int32)


def in_shape(words: Tensor, impl: PRNGImpl) -> Tensor:
    """Words [..., n] in the shape of a key of the generator."""
    return words if len(impl.key_shape) == 1 else words.unflatten(-1, impl.key_shape)


def words_of(payload: Tensor) -> tuple[int, int]:
    """The two words of one key, given as a plain tensor, as Python integers."""
    if STATE.frame is None:
        number = int(payload.item())
    else:
        with torch_private.outside():  # a trace would record the reading
            number = int(payload.item())
    return number & WORD, (number >> 32) & WORD


def element_tensor(impl: PRNGImpl, fill: int, shape: tuple[int, ...]) -> Tensor:
    """A payload of keys all of whose words are ``fill``: what ``jnp.zeros_like(keys)`` gives."""
    with torch_private.outside():
        return pack(torch.full((*shape, math.prod(impl.key_shape)), fill, dtype=torch.int32))


def _abstract(name: str) -> Any:
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError(f"Cannot call abstract method {name}")

    method.__name__ = name
    return method


class PRNGKeyArray(Array):
    """An array of PRNG keys, made by ``jax.random.key`` and ``split``; the tag is the generator."""

    __slots__ = ()
    __array_priority__ = 100

    _tag: PRNGImpl

    @property
    def dtype(self) -> Any:
        """``key<tag>``, below ``jax.dtypes.prng_key``."""
        return key_ty(self._tag)

    @property
    def weak_type(self) -> bool:
        """Never weakly typed."""
        return False

    @property
    def _impl(self) -> PRNGImpl:
        return self._tag

    @property
    def _base_array(self) -> Array:
        return key_words(self)

    def __iter__(self) -> Iterator[PRNGKeyArray]:
        if not self.ndim:
            raise TypeError("iteration over a 0-d key array")
        if self._frame is None:
            with torch_private.outside():
                return iter([known_keys(t, self._tag) for t in self._t.unbind(0)])
        return iter([PRNGKeyArray(t, self._tag) for t in unwrap(self).unbind(0)])

    def __getitem__(self, index: Any) -> Array:
        part = Array.__getitem__(self, index)
        if key_uses.FLAG.value:
            key_uses.use_part(self, index, part)
        return part

    def __bool__(self) -> bool:
        raise TypeError("key array cannot be converted to boolean.")

    def __float__(self) -> float:
        raise TypeError(f"float() argument must be a string or a real number, not '{type(self).__name__}'")

    def __int__(self) -> int:
        raise TypeError(
            f"int() argument must be a string, a bytes-like object or a real number, not '{type(self).__name__}'"
        )

    def __index__(self) -> int:
        raise TypeError(f"'{type(self).__name__}' object cannot be interpreted as an integer")

    def __complex__(self) -> complex:
        raise TypeError(f"complex() first argument must be a string or a number, not '{type(self).__name__}'")

    def __repr__(self) -> str:
        if is_traced(self):
            return traced_repr(self)
        return f"Array({self.shape}, dtype={self.dtype.name}) overlaying:\n{_numpy_words(self)}"

    __str__ = __repr__

    def __array__(self, dtype: Any = None, context: Any = None, copy: Any = None) -> np.ndarray[Any, Any]:
        raise TypeError(
            "JAX array with PRNGKey dtype cannot be converted to a NumPy array. Use jax.random.key_data(arr) if you "
            "wish to extract the underlying integer array."
        )

    def __reduce__(self) -> Any:
        return _restore, (self._tag.name, _numpy_words(self))

    def __copy__(self) -> PRNGKeyArray:
        return self

    def __deepcopy__(self, memo: Any) -> PRNGKeyArray:
        return self

    def copy(self) -> PRNGKeyArray:
        """The same keys."""
        made = PRNGKeyArray(unwrap(self).clone(), self._tag)
        if key_uses.FLAG.value:
            key_uses.hand_on(self, made)
        return made

    def block_until_ready(self) -> PRNGKeyArray:
        """Wait for the words."""
        key_words(self).block_until_ready()
        return self

    def _equal(self, other: PRNGKeyArray) -> Array:
        """Elementwise equality of all words; shapes broadcast."""
        return Array((unpack(unwrap(self)) == unpack(unwrap(other))).all(dim=-1))


for _name in (
    *("all", "any", "argmax", "argmin", "argpartition", "argsort", "astype", "choose", "clip", "compress"),
    *("conj", "conjugate", "cumprod", "cumsum", "diagonal", "dot", "item", "max", "mean", "min", "nonzero"),
    *("prod", "ptp", "repeat", "round", "searchsorted", "sort", "std", "sum", "trace", "var", "view"),
):
    setattr(PRNGKeyArray, _name, _abstract(_name))


def known_keys(payload: Tensor, impl: PRNGImpl) -> PRNGKeyArray:
    """Keys that belong to no running transformation; the payload is plain."""
    made = PRNGKeyArray(payload, impl)
    made._frame = None
    return made


@equation("random_unwrap", lambda keys: ((keys,), {"kind": (PRNGKeyArray, keys._tag)}))
def key_words(keys: PRNGKeyArray) -> Array:
    """The uint32 words [..., *key_shape] of keys."""
    return Array(in_shape(unpack(unwrap(keys)).view(torch.uint32), keys._tag))


def _numpy_words(keys: PRNGKeyArray) -> np.ndarray[Any, Any]:
    words = key_words(keys)
    return tensor_to_numpy(words._t, words.dtype)


def _restore(name: str, words: np.ndarray[Any, Any]) -> PRNGKeyArray:
    with torch_private.outside():
        return known_keys(pack(torch.from_numpy(words.copy()).view(torch.int32)), PRNGS[name])


copyreg.pickle(PRNGImpl, lambda impl: (PRNGS.__getitem__, (impl.name,)))
