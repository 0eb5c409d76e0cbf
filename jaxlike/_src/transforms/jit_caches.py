"""jit_caches: what jitted functions keep, by the function and the parameters of `jit`.

Two wrappers of one function with the same parameters share a cache. A function that dies takes its caches along.
"""

from __future__ import annotations

import weakref
from typing import Any

_caches: weakref.WeakKeyDictionary[Any, dict[Any, dict[Any, Any]]] = weakref.WeakKeyDictionary()


def shared_cache(fun: Any, parameters: Any) -> dict[Any, Any]:
    """The cache of a function and jit parameters."""
    try:
        return _caches.setdefault(fun, {}).setdefault(parameters, {})
    except TypeError:  # not hashable, or cannot be referred to weakly
        return {}


def siblings(fun: Any) -> list[tuple[Any, dict[Any, Any]]]:
    """All caches of a function, with the parameters of each."""
    try:
        return list(_caches.get(fun, {}).items())
    except TypeError:  # as in `shared_cache`
        return []


def forget_caches() -> None:
    """Empty every cache; wrappers go on with theirs."""
    for by_parameters in list(_caches.values()):
        for cache in by_parameters.values():
            cache.clear()
