"""placement: the shardings of Arrays that were put somewhere on purpose, beside the Arrays.

Few Arrays are, so what every Array would have to carry is a table by identity, whose rows go with their Arrays.
All devices of a mesh may be the same torch device (CPU devices are simulated): the values stay whole, the sharding says
which part of them each device has.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jaxlike._src.array import Array
    from jaxlike._src.sharding import Sharding

# Read by who asks first whether there is any such Array, and looks no further if not.
PLACED: dict[int, tuple[weakref.ref[Any], Sharding]] = {}


def place(x: Array, sharding: Sharding) -> Array:
    """``x``, from now on placed so."""
    key = id(x)

    def forget(_gone: Any) -> None:
        PLACED.pop(key, None)

    PLACED[key] = weakref.ref(x, forget), sharding
    return x


def placed(x: Any) -> Sharding | None:
    """How ``x`` was placed; None where nobody said."""
    row = PLACED.get(id(x))
    return None if row is None else row[1]
