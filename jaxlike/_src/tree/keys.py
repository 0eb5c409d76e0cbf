"""Key paths: where a leaf sits in its tree, as a tuple of small keys, and how that is printed.

A list or tuple position is a `SequenceKey`, a dict entry a `DictKey`, a field of a namedtuple or
dataclass a `GetAttrKey`; a child of a registered class that names no keys is a `FlattenedIndexKey`.
Keys print as the Python that reaches the child, so `keystr` of a path reads `['params'][0].w`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from typing import Any, ClassVar, TypeAlias, TypeVar

KeyEntry = TypeVar("KeyEntry", bound=Any)
KeyPath: TypeAlias = tuple[KeyEntry, ...]


class _Key:
    """One step of a path: immutable, equal to keys of its own class with an equal value."""

    __slots__ = ("_value",)
    __match_args__: ClassVar[tuple[str, ...]]
    _value: Any

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self._value == other._value

    def __hash__(self) -> int:
        return hash(self._value)  # of a DictKey or GetAttrKey, as JAX: sets of keys print in one order

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.__match_args__[0]}={self._value!r})"

    def __reduce__(self) -> tuple[type, tuple[Any]]:
        return type(self), (self._value,)


def _index(key: _Key, value: Any) -> int:
    try:
        return operator.index(value)
    except TypeError:
        raise _not_a(int, key, value) from None


def _not_a(wanted: type, key: _Key, value: Any) -> TypeError:
    return TypeError(
        f"__init__(): incompatible function arguments. {type(key).__name__} takes one {wanted.__name__}, "
        f"got {type(value).__name__}."
    )


class SequenceKey(_Key):
    """Position ``idx`` in a list or tuple; prints as ``[idx]``."""

    __slots__ = ()
    __match_args__ = ("idx",)

    def __init__(self, idx: int) -> None:
        """``idx``: a Python int."""
        self._value = _index(self, idx)

    @property
    def idx(self) -> int:
        """The position."""
        return self._value

    def __str__(self) -> str:
        """As it stands in a path."""
        return f"[{self._value}]"


class DictKey(_Key):
    """Entry ``key`` of a dict; prints as ``[repr(key)]``."""

    __slots__ = ()
    __match_args__ = ("key",)

    def __init__(self, key: Any) -> None:
        """``key``: whatever is a key of the dict."""
        self._value = key

    @property
    def key(self) -> Any:
        """The dict's key."""
        return self._value

    def __str__(self) -> str:
        """As it stands in a path."""
        return f"[{self._value!r}]"


class GetAttrKey(_Key):
    """Attribute ``name``; prints as ``.name``."""

    __slots__ = ()
    __match_args__ = ("name",)

    def __init__(self, name: str) -> None:
        """``name``: the attribute's name."""
        if not isinstance(name, str):
            raise _not_a(str, self, name)
        self._value = name

    @property
    def name(self) -> str:
        """The attribute's name."""
        return self._value

    def __str__(self) -> str:
        """As it stands in a path."""
        return f".{self._value}"


class FlattenedIndexKey(_Key):
    """Child number ``key`` of a class that was registered without keys; prints as ``[<flat index key>]``."""

    __slots__ = ()
    __match_args__ = ("key",)

    def __init__(self, key: int) -> None:
        """``key``: a Python int."""
        self._value = _index(self, key)

    @property
    def key(self) -> int:
        """The child's number."""
        return self._value

    def __str__(self) -> str:
        """As it stands in a path."""
        return f"[<flat index {self._value}>]"


def keystr(keys: Iterable[Any], *, simple: bool = False, separator: str = "") -> str:
    """The path ``keys`` as text, its steps joined by ``separator``.

    By default as Python would reach the leaf, ``['a'][0].w``; with ``simple``, the bare names and
    numbers: ``keystr(path, simple=True, separator="/")`` is ``a/0/w``.
    """
    text: Callable[[Any], str] = (lambda key: str(key_value(key))) if simple else str
    return separator.join(map(text, keys))


def key_value(key: Any) -> Any:
    """What a key holds: the position, dict key or name; a key of a foreign class is its own value."""
    return key._value if isinstance(key, _Key) else key
