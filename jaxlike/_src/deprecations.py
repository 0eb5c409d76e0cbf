"""deprecations: names that JAX still answers for with a warning, or refuses with words of its own.

A public module takes its ``__getattr__`` from the library it lists: `module_getattr` makes one of a table of
(message, value); a value of None is a name that is gone.
"""

from __future__ import annotations

import functools
import warnings
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def module_getattr(module: str, table: Mapping[str, tuple[str, Any]]) -> Callable[[str], Any]:
    """What a module called ``module`` does for names that it does not list."""

    @functools.cache  # it warns once, as JAX's
    def __getattr__(name: str) -> Any:
        if name not in table:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        message, value = table[name]
        if value is None:
            raise AttributeError(message)
        warnings.warn(message, DeprecationWarning, stacklevel=2)
        return value

    return __getattr__


# What is deprecated but is no name, such as a kind of argument: by an identifier, and whether it is an error already.

_registered: dict[str, bool] = {}


def _known(deprecation_id: str) -> bool:
    if deprecation_id not in _registered:
        raise ValueError(f"{deprecation_id=!r} not registered.")
    return _registered[deprecation_id]


def register(deprecation_id: str) -> None:
    """From now on it can be warned about."""
    _registered[deprecation_id] = False


def unregister(deprecation_id: str) -> None:
    """The opposite; ValueError where it is not registered."""
    _known(deprecation_id)
    del _registered[deprecation_id]


def accelerate(deprecation_id: str) -> None:
    """Make it an error; ValueError where it is not registered."""
    _known(deprecation_id)
    _registered[deprecation_id] = True


def is_accelerated(deprecation_id: str) -> bool:
    """Whether it is an error; ValueError where it is not registered."""
    return _known(deprecation_id)


def warn(
    deprecation_id: str, message: str, stacklevel: int, *, error_class: type[Exception] = ValueError
) -> None:
    """Warn with a DeprecationWarning, or raise ``error_class`` where it is an error already."""
    if _known(deprecation_id):
        raise error_class(message)
    warnings.warn(message, DeprecationWarning, stacklevel=stacklevel + 1)
