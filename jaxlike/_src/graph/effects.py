"""effects: what an operation does beside computing its results: it prints, reads a file, checks a value.

A graph keeps every operation that has an effect, in order, whether its results are used or not, and a compiler does
not get such a graph. What only looks at values (`jax.debug.print`, a check) is silent where a function runs again
to be differentiated: it has spoken when the function ran.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class Effect:
    """Something that an operation does; equal to others of its class."""

    of_one_device = False  # whether its order means something on one device alone

    def __str__(self) -> str:
        return type(self).__name__.removesuffix("Effect")

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other)

    def __hash__(self) -> int:
        return hash(type(self))


class IOEffect(Effect):
    """A callback may do anything."""

    def __str__(self) -> str:
        return "IO"


class OrderedIOEffect(Effect):
    """A callback that must be called in the order of the program."""

    def __str__(self) -> str:
        return "OrderedIO"


class _State(threading.local):
    silent: bool = False


_STATE = _State()


class silenced:
    """No operation that only looks at values runs inside, or is recorded."""

    def __enter__(self) -> None:
        self._before, _STATE.silent = _STATE.silent, True

    def __exit__(self, *exc: object) -> None:
        _STATE.silent = self._before


def are_silenced() -> bool:
    """Whether what only looks at values is to be left out."""
    return _STATE.silent


def effects_in(params: dict[str, Any]) -> frozenset[Effect]:
    """The effects of the graphs among the parameters of a call."""
    return frozenset(e for value in params.values() for e in _of(value))


def _of(value: Any) -> Iterable[Effect]:
    if isinstance(value, tuple | list):
        return _of_all(value)
    return getattr(value, "effects", ())


def _of_all(values: Iterable[Any]) -> Iterator[Effect]:
    for value in values:
        yield from _of(value)
