"""allocator: keep freed host memory for the next array instead of giving it back to the system at once.

glibc maps each block over 32 MB anew and unmaps it when freed, so that an elementwise op on 1e7 numbers spends
most of its time on page faults (15 ms for a product; 2 ms without). With mapping off and up to 1 GiB kept on top
of the heap, freed blocks are reused, as GPU allocators do. ``JAXLIKE_KEEP_MEMORY=0`` leaves malloc as it is.
"""

from __future__ import annotations

import ctypes
import os
import sys

_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4  # malloc.h
KEEP_BYTES = 1 << 30


def keep_freed_memory() -> bool:
    """Set malloc up so; False where the C library is not glibc or the environment says no."""
    if sys.platform != "linux" or os.environ.get("JAXLIKE_KEEP_MEMORY", "1").lower() in ("0", "false", "no", "off"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and bool(mallopt(_M_MMAP_MAX, 0)) and bool(mallopt(_M_TRIM_THRESHOLD, KEEP_BYTES))


keep_freed_memory()
