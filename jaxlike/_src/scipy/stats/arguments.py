"""arguments: what the formulas of all distributions share."""

from __future__ import annotations

from typing import Any

from jaxlike._src.array import Array
from jaxlike._src.border import promote_args_inexact as promote_args_inexact
from jaxlike._src.border import scalar

INF = float("inf")
NAN = float("nan")


def const(x: Array, value: float) -> Array:
    """``value`` as a number of the dtype of ``x``; weakly typed only beside a number that is."""
    return Array(scalar(value, x._t.dtype), x.weak_type and not x.ndim)


def is_probability(q: Array) -> Any:
    """Where ``q`` is a number from 0 to 1."""
    return (q >= 0) & (q <= 1)
