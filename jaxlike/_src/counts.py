"""counts: how often this thread did what tests count: traces, calls that missed a cache, programs made ready.

The names are those of JAX's test events. Counting is one dictionary update where work of milliseconds is about to
start, so it is always on.
"""

from __future__ import annotations

import threading
from collections import Counter


class _Counts(threading.local):
    def __init__(self) -> None:
        self.by_event: Counter[str] = Counter()


_counts = _Counts()


def count(event: str) -> None:
    """One more ``event`` in this thread."""
    _counts.by_event[event] += 1


def counted(event: str) -> int:
    """How often ``event`` happened in this thread."""
    return _counts.by_event[event]
