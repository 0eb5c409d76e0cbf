"""key_signatures: what a function does to the keys that it is given, in the words of JAX's key_reuse.

A function uses keys that it is given (`Sink`), returns new ones (`Source`), or hands keys on (`Forward`).
`function_type_signature` traces it with `jax.debug_key_reuse` on and asks `key_uses`, which is what raises
KeyReuseError; `assert_consumed` and its like, inside of such a function, ask there too, and do nothing elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, NoReturn, TypeVar

import numpy as np

from jaxlike._src import key_uses
from jaxlike._src.graph.primitive import builtin
from jaxlike._src.graph.trace import trace
from jaxlike._src.random.key_array import PRNGKeyArray
from jaxlike._src.transforms.arguments import to_array
from jaxlike._src.tree import tree_flatten, tree_leaves, tree_unflatten

consume_p = builtin("consume")
_Kind = TypeVar("_Kind", "Sink", "Source")


class _Part:
    """An argument or a result by its number, and which of its keys; all: True."""

    __slots__ = ("idx", "mask")
    idx: int
    mask: Any

    def __init__(self, idx: int, mask: Any = True) -> None:
        assert isinstance(idx, int) and np.asarray(mask).dtype == bool
        if isinstance(mask, np.ndarray):
            mask = False if not mask.any() else True if mask.all() else _frozen(mask)
        object.__setattr__(self, "idx", idx)
        object.__setattr__(self, "mask", bool(mask) if isinstance(mask, np.bool_) else mask)

    def __setattr__(self, *_: Any) -> NoReturn:
        raise ValueError(f"{type(self).__name__} is immutable")

    def _parts(self) -> tuple[Any, ...]:
        mask = np.asarray(self.mask)
        return type(self).__name__, self.idx, mask.shape, tuple(mask.ravel().tolist())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Part) and self._parts() == other._parts()

    def __hash__(self) -> int:
        return hash(self._parts())

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.idx})" if self.mask is True else f"{type(self).__name__}({self.idx}, {self.mask})"


def _frozen(mask: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    mask = mask.copy()
    mask.flags.writeable = False
    return mask


class Sink(_Part):
    """Keys of an argument are used."""

    __slots__ = ()


class Source(_Part):
    """Keys of a result are new."""

    __slots__ = ()


class Forward(NamedTuple):
    """A result is an argument."""

    in_idx: int
    out_idx: int

    def __repr__(self) -> str:
        return f"Forward({self.in_idx}, {self.out_idx})"


class KeyReuseSignature:
    """A set of what happens to keys."""

    def __init__(self, *args: Sink | Source | Forward) -> None:
        self._args = frozenset(args)

    def _of(self, kind: type[_Kind]) -> Iterator[_Kind]:
        return (x for x in self._args if isinstance(x, kind))

    @property
    def sinks(self) -> Iterator[Sink]:
        """What is used."""
        return self._of(Sink)

    @property
    def sources(self) -> Iterator[Source]:
        """What is new."""
        return self._of(Source)

    @property
    def forwards(self) -> Iterator[Forward]:
        """What is handed on."""
        return (x for x in self._args if isinstance(x, Forward))

    def __repr__(self) -> str:
        by_name = sorted((type(x).__name__ == "Forward", type(x).__name__, repr(x), x) for x in self._args)
        return f"KeyReuseSignature{tuple(x for *_, x in by_name)}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, KeyReuseSignature) and self._args == other._args

    def __hash__(self) -> int:
        return hash(self._args)


def function_type_signature(fun: Callable[..., Any], *args: Any) -> KeyReuseSignature:
    """What a function of these arguments does to keys; KeyReuseError where it uses one twice."""
    leaves, tree = tree_flatten(args)
    found: list[KeyReuseSignature] = []

    def looked_at(given: Any) -> Any:
        outs = [to_array(x) for x in tree_leaves(fun(*tree_unflatten(tree, list(given))))]
        found.append(_signature(given, outs))
        return outs

    with key_uses.FLAG(True):
        trace(looked_at, [to_array(x) for x in leaves], getattr(fun, "__name__", "fun"))
    return found[-1]


def _signature(given: Any, outs: Any) -> KeyReuseSignature:
    said: list[Sink | Source | Forward] = []
    for k, x in enumerate(given):
        mask = key_uses.used_part(x) if isinstance(x, PRNGKeyArray) else None
        if mask is not None:
            said.append(Sink(k, mask))
    for k, out in enumerate(outs):
        if isinstance(out, PRNGKeyArray):
            source = next((j for j, x in enumerate(given) if key_uses.are_same(x, out)), None)
            if source is not None:
                said.append(Forward(source, k))
            elif key_uses.used_part(out) is None:
                said.append(Source(k))
    return KeyReuseSignature(*said)


def check_key_reuse(fun: Callable[..., Any], /, *args: Any) -> None:
    """KeyReuseError where a function of these arguments uses a key twice."""
    function_type_signature(fun, *args)


def consume(key: Any) -> Any:
    """The key, used."""
    if key_uses.FLAG.value:
        key_uses.use(key._t, "consume", 0)
        return key_uses.renewed(key, as_used=True)
    return key


def assert_consumed(key: Any, value: Any = True) -> None:
    """AssertionError where the key was not used, or where other parts of it were than ``value`` says."""
    if not key_uses.FLAG.value:
        return
    used = key_uses.used_part(key)
    if not np.all((False if used is None else used) == np.asarray(value)):
        if np.all(value):
            raise AssertionError(f"Expected key to be consumed in {key!r}")
        if not np.any(value):
            raise AssertionError(f"Expected key to not be consumed in {key!r}")
        raise AssertionError(f"Expected {value}, got {used} in {key!r}")


def assert_unconsumed(key: Any) -> None:
    """AssertionError where the key was used."""
    assert_consumed(key, False)
