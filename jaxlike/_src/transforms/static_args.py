"""static_args: which arguments of a jitted function are Python values rather than arrays.

`StaticArgs` is worked out once from the signature: positions and names complete each other, as a parameter
given by position may also be passed by name.
"""

from __future__ import annotations

import inspect
import operator
from collections.abc import Iterable
from typing import Any


def as_indices(value: Any) -> tuple[int, ...]:
    """An int or a sequence of ints as a tuple."""
    if value is None:
        return ()
    given: list[Any] = list(value) if isinstance(value, Iterable) and not isinstance(value, str) else [value]
    return tuple(map(operator.index, given))


def as_names(value: Any) -> tuple[str, ...]:
    """A str or a sequence of strs as a tuple."""
    if value is None:
        return ()
    if isinstance(value, str):
        return (value,)
    names = tuple(value)
    for name in names:
        if not isinstance(name, str):
            raise TypeError(f"argument is not a string: {name}")
    return names


def signature_of(fun: Any) -> inspect.Signature | None:
    """The signature, where it can be known."""
    try:
        return inspect.signature(fun)
    except (ValueError, TypeError):
        return None


def infer_argnums_and_argnames(
    sig: inspect.Signature, argnums: Any, argnames: Any
) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Positions and names of arguments, each completed from the other where only one was given."""
    parameters = list(sig.parameters.items())
    usual = [p.kind is p.POSITIONAL_OR_KEYWORD for _, p in parameters]
    if argnums is None and argnames is not None:
        names = as_names(argnames)
        return tuple(k for k, (name, _) in enumerate(parameters) if usual[k] and name in names), names
    indices = as_indices(argnums)
    if argnames is None:
        n = len(parameters)
        return indices, tuple(parameters[k][0] for k in indices if -n <= k < n and usual[k])
    return indices, as_names(argnames)


def resolve(fun: Any, indices: Any, names: Any, kind: str) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """(positions, names) of chosen arguments, each completed from the other where only one was given."""
    signature = signature_of(fun)
    if signature is None:
        return as_indices(indices), as_names(names)
    given_indices, given_names = infer_argnums_and_argnames(signature, indices, names)
    _check_indices(signature, given_indices, kind)
    _check_names(signature, given_names, kind)
    return given_indices, given_names


def places_of(fun: Any, names: Any) -> tuple[int, ...]:
    """The positions of the arguments of these names; one that ``fun`` does not take has none."""
    signature = signature_of(fun)
    return () if signature is None else infer_argnums_and_argnames(signature, None, names)[0]


_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def _check_indices(signature: inspect.Signature, indices: tuple[int, ...], kind: str) -> None:
    count = 0
    for parameter in signature.parameters.values():
        if parameter.kind in _POSITIONAL:
            count += 1
        elif parameter.kind is parameter.VAR_POSITIONAL:
            return
    if indices and (max(indices) >= count or min(indices) < -count):
        raise ValueError(
            f"Jitted function has {kind}_argnums={indices}, but only accepts {count} positional arguments."
        )


def _check_names(signature: inspect.Signature, names: tuple[str, ...], kind: str) -> None:
    takes: set[str] = set()
    for name, parameter in signature.parameters.items():
        if parameter.kind is parameter.VAR_KEYWORD:
            return
        if parameter.kind is not parameter.VAR_POSITIONAL and parameter.kind is not parameter.POSITIONAL_ONLY:
            takes.add(name)
    if unknown := set(names) - takes:
        raise ValueError(
            f"Jitted function has invalid argnames {unknown} in {kind}_argnames. Function does not take these args."
        )


class Static:
    """A static value as part of a key: equal if the values are and their types are."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __repr__(self) -> str:
        return f"Static(val={self.value!r})"

    def __hash__(self) -> int:
        try:
            return hash((type(self.value), self.value))
        except TypeError as error:
            raise ValueError(
                "Non-hashable static arguments are not supported. An error occurred while trying to hash an object of "
                f"type {type(self.value)}, {self.value}. The error was:\nTypeError: {error}\n"
            ) from error

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Static) or type(self.value) is not type(other.value):
            return False
        try:
            return bool(self.value == other.value)
        except Exception as error:
            raise ValueError(
                "static arguments should be comparable using __eq__.The following error was raised when comparing two "
                f"objects of types {type(self.value)} and {type(other.value)}. The error was:\n"
                f"{type(error).__name__}: {error}"
            ) from error


class Hashed:
    """A static value as part of a key: equal by value if it has a hash, else by identity."""

    def __init__(self, value: Any) -> None:
        self.value = value
        try:
            self.hash, self.hashable = hash(value), True
        except TypeError:  # it has no hash
            self.hash, self.hashable = id(value), False

    def __hash__(self) -> int:
        return self.hash

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Hashed):
            return False
        return self.value is other.value or (self.hashable and other.hashable and self.value == other.value)
