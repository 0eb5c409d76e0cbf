"""array_api: what the array API standard asks of a namespace about itself."""

from __future__ import annotations

from typing import Any, Final

from jaxlike._src import config, dtypes
from jaxlike._src.devices import devices

API_VERSION: Final = "2024.12"
_ALWAYS = frozenset("bool int8 int16 int32 uint8 uint16 uint32 float32 complex64".split())
_WITH_X64 = frozenset("int64 uint64 float64 complex128".split())


class ArrayNamespaceInfo:
    """Facts about jax.numpy in the words of the array API standard."""

    def capabilities(self) -> dict[str, Any]:
        """What may depend on values, and how many axes an array can have; under transformations nothing may."""
        return {"boolean indexing": False, "data-dependent shapes": False, "max dimensions": 64}

    def default_device(self) -> None:
        """None: arrays are free to go where they are needed."""

    def devices(self) -> list[Any]:
        """None (no device in particular) and every device."""
        return [None, *devices()]

    def default_dtypes(self, *, device: Any = None) -> dict[str, Any]:
        """The dtypes that are made of Python numbers."""
        del device
        return {
            "real floating": dtypes.default_float_dtype(),
            "complex floating": dtypes.default_complex_dtype(),
            "integral": dtypes.default_int_dtype(),
            "indexing": dtypes.default_int_dtype(),
        }

    def dtypes(self, *, device: Any = None, kind: str | tuple[str, ...] | None = None) -> dict[str, Any]:
        """The standard's dtypes by name: all, or those of one or several kinds."""
        del device
        names = _ALWAYS | _WITH_X64 if config.enable_x64.value else _ALWAYS
        found: dict[str, Any] = {}
        for one in ("numeric", "bool") if kind is None else kind if isinstance(kind, tuple) else (kind,):
            found |= {d.name: d for d in dtypes.KINDS[one] if d.name in names}
        return found


def array_namespace_info() -> ArrayNamespaceInfo:
    """Facts about jax.numpy in the words of the array API standard."""
    return ArrayNamespaceInfo()
