"""Two thunks, timed in turns: the ratio of each pair is taken, and the median of the ratios counts.

What else the machine does falls on both sides of a pair alike, so ratios are steady where times are not.
Results are waited for at the end of every batch, on both sides.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Thunk = Callable[[], Any]


@dataclass(frozen=True)
class Timing:
    """Seconds per call of both, and the ratios jaxlike / jax of the pairs."""

    jax: float
    jaxlike: float
    ratios: tuple[float, ...]

    @property
    def ratio(self) -> float:
        """The median of the pairwise ratios."""
        return statistics.median(self.ratios)

    @property
    def spread(self) -> tuple[float, float]:
        """The quartiles of the ratios."""
        if len(self.ratios) < 2:
            return self.ratio, self.ratio
        low, _, high = statistics.quantiles(self.ratios, n=4)
        return low, high


def wait(result: Any) -> None:
    """Until the arrays in the result are computed."""
    if hasattr(result, "block_until_ready"):
        result.block_until_ready()
    elif isinstance(result, dict):
        for item in result.values():
            wait(item)
    elif isinstance(result, tuple | list):
        for item in result:
            wait(item)


def batch(thunk: Thunk, calls: int, wait_each: bool) -> float:
    """Seconds that `calls` calls take, results included."""
    start = time.perf_counter()
    result: Any = None
    for _ in range(calls):
        result = thunk()
        if wait_each:
            wait(result)
    wait(result)
    return time.perf_counter() - start


def calls_for(thunk: Thunk, seconds: float, wait_each: bool) -> int:
    """How many calls fill about `seconds`."""
    calls = 1
    while True:
        took = batch(thunk, calls, wait_each)
        if took >= seconds / 2 or calls >= 100_000:
            return max(1, round(calls * seconds / max(took, 1e-9)))
        calls = max(calls + 1, round(calls * min(10.0, seconds / max(took, 1e-9))))


def compare(jax: Thunk, jaxlike: Thunk, rounds: int, seconds: float, warm: int, wait_each: bool) -> Timing:
    """Time both in turns: `rounds` pairs of batches of about `seconds` each, after `warm` calls."""
    for thunk in (jax, jaxlike):
        for _ in range(warm):
            wait(thunk())
    calls = (calls_for(jax, seconds, wait_each), calls_for(jaxlike, seconds, wait_each))
    times: tuple[list[float], list[float]] = ([], [])
    gc.collect()
    gc.disable()  # a collection would fall on one side of a pair
    try:
        for turn in range(rounds):
            for side in (0, 1) if turn % 2 == 0 else (1, 0):
                times[side].append(batch((jax, jaxlike)[side], calls[side], wait_each) / calls[side])
    finally:
        gc.enable()
    ratios = tuple(b / a for a, b in zip(*times, strict=True))
    return Timing(statistics.median(times[0]), statistics.median(times[1]), ratios)
