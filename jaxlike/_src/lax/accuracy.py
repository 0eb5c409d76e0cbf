"""accuracy: how exact an elementwise function is asked to be, and how `round` treats halves.

torch has one implementation of each function, so a wanted accuracy is checked and changes nothing.
"""

from __future__ import annotations

import enum


class AccuracyMode(enum.Enum):
    """How exact a function is to be."""

    HIGHEST = 1
    DEFAULT = 2


class Tolerance:
    """How far a result may be off: absolutely, relatively, in units of the last place."""

    def __init__(self, atol: float = 0.0, rtol: float = 0.0, ulps: int = 0) -> None:
        if atol < 0.0 or rtol < 0.0 or ulps < 0.0:
            raise ValueError("Tolerances must be non-negative.")
        if atol == 0.0 and rtol == 0.0 and ulps == 0:
            raise ValueError("At least one of atol, rtol, or ulps must be set.")
        self.atol, self.rtol, self.ulps = atol, rtol, ulps


class RoundingMethod(enum.IntEnum):
    """What becomes of halves: away from zero, or to the even neighbour."""

    AWAY_FROM_ZERO = 0
    TO_NEAREST_EVEN = 1
