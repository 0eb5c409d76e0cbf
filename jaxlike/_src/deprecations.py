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
