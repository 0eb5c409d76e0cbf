"""Memory spaces."""

from jaxlike._src.memory import MemorySpace as Space

__all__ = ["Space"]
