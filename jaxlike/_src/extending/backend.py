"""backend: the devices as backends, and what is remembered of them."""

from __future__ import annotations

from typing import Any

from jaxlike._src.devices import _default_device, get_backend
from jaxlike._src.transforms.jit import clear_caches

_caches: list[Any] = []


def register_backend_cache(cache: Any, for_what: str) -> None:
    """Have a cache cleared with `clear_backends`.

    Args:
        cache: something with ``cache_clear()``.
        for_what: accepted.
    """
    del for_what
    _caches.append(cache)


def clear_in_memory_compilation_cache() -> None:
    """Forget every trace and compiled graph."""
    clear_caches()


def clear_backends(_crash: bool = False) -> None:
    """Forget every trace, and what caches hold that were registered."""
    del _crash
    clear_caches()
    for cache in _caches:
        cache.cache_clear()


def get_default_device() -> Any:
    """Where new arrays go."""
    return _default_device()


def backend_xla_version(platform: str | None = None) -> int | None:
    """None: no backend is XLA's."""
    get_backend(platform)
    return None
