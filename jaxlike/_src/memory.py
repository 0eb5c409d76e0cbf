"""`jax.memory.Space`: the memory of a device or of its host, for `device_put`."""

from __future__ import annotations

import enum


class MemorySpace(enum.Enum):
    """Where the data of an array may lie."""

    Device = enum.auto()
    Host = enum.auto()
    Any = enum.auto()

    def __repr__(self) -> str:
        """``MemorySpace.Device``."""
        return f"MemorySpace.{self.name}"
