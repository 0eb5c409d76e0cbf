"""placement: the shardings of Arrays that were put somewhere on purpose, beside the Arrays.

Few Arrays are, so what every Array would have to carry is a table by identity, whose rows go with their Arrays.
All devices of a mesh may be the same torch device (CPU devices are simulated): the values stay whole, the sharding says
which part of them each device has. While there is an Array that is not on the default device alone, results of
the most common operations are where their operands are.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from jaxlike._src.devices import default_device
from jaxlike._src.frames import STATE, set_following

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jaxlike._src.array import Array
    from jaxlike._src.sharding import Sharding


class _Row(weakref.ref[Any]):
    """A placed Array, with its key in the table and how it is placed."""

    __slots__ = ("key", "sharding")

    key: int
    sharding: Sharding


# Read by who asks first whether there is any such Array, and looks no further if not.
PLACED: dict[int, _Row] = {}
_shardings: weakref.WeakValueDictionary[Sharding, Sharding] = weakref.WeakValueDictionary()  # equal ones are one
_elsewhere: set[int] = set()  # those of them that are not on the default device alone
_at_home: tuple[Any, Any] = (None, None)  # the last sharding that was on the default device alone, and that device


def place(x: Array, sharding: Sharding) -> Array:
    """``x``, from now on placed so."""
    global _at_home
    row = PLACED[id(x)] = _Row(x, _forget)
    row.key, row.sharding = id(x), sharding
    home = default_device()
    if sharding is _at_home[0] and home is _at_home[1]:
        return x
    sharding = row.sharding = _shardings.setdefault(sharding, sharding)
    if sharding.device_set == {home}:
        _at_home = sharding, home
        return x
    if not _elsewhere:
        set_following(True)
    _elsewhere.add(row.key)
    return x


def _forget(row: _Row) -> None:
    if PLACED.get(row.key) is row:
        del PLACED[row.key]
    if row.key in _elsewhere:
        _elsewhere.discard(row.key)
        if not _elsewhere:
            set_following(False)


def placed(x: Any) -> Sharding | None:
    """How ``x`` was placed; None where nobody said."""
    row = PLACED.get(id(x))
    return None if row is None else row.sharding


def follow(name: str, out: Array, *operands: Any) -> Array:
    """A result, placed as the operands are that were placed.

    It is on the one device of these; over a mesh it is split as one of them is whose shape it has.
    """
    if STATE.frame is not None or not PLACED or id(out) in PLACED:
        return out
    has = [placed(x) for x in operands]
    known = [k for k, s in enumerate(has) if s is not None]
    for k in known[1:]:
        if has[k].device_set != has[known[0]].device_set:  # pyright: ignore[reportOptionalMemberAccess]  # they are known
            raise apart(name, [("xyz"[j], operands[j]) for j in (known[0], k)])
    whole = [k for k in known if has[k].num_devices == 1 or operands[k].shape == out.shape]  # pyright: ignore[reportOptionalMemberAccess]
    return place(out, has[whole[0]]) if whole else out  # pyright: ignore[reportArgumentType]  # as above


def apart(function: str, two: Sequence[tuple[str, Array]]) -> ValueError:
    """For two arguments, with their names, that are on different devices."""
    said: list[str] = []
    for name, x in two:
        devices = sorted(placed(x).device_set, key=lambda d: d.id)  # pyright: ignore[reportOptionalMemberAccess]
        said.append(
            f"argument {name} of {function} with shape {x.aval.str_short()} and with device ids "
            f"{[d.id for d in devices]} on platform {devices[0].platform.upper()}"
        )
    return ValueError(f"Received incompatible devices for jitted computation. Got {said[0]} and {said[1]}")
