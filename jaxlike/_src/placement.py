"""placement: the shardings of Arrays that were put somewhere on purpose, beside the Arrays.

Few Arrays are, so what every Array would have to carry is a table by identity, whose rows go with their Arrays.
All devices of a mesh may be the same torch device (CPU devices are simulated): the values stay whole, the sharding says
which part of them each device has. What is not on the default device alone has a tensor that knows it (`Marked`), and
so have the results that torch computes of it, under transformations too; while there is such an Array the most common
operations also look at their operands themselves, and name them where they are apart.
"""

from __future__ import annotations

import math
import weakref
from typing import TYPE_CHECKING, Any

import torch

from jaxlike._src import torch_private
from jaxlike._src.devices import default_device
from jaxlike._src.dtypes import from_torch
from jaxlike._src.explicit_rules import explicit_spec, moved_axes
from jaxlike._src.frames import STATE, set_following
from jaxlike._src.mesh import AxisType
from jaxlike._src.partition_spec import P, flat_axes
from jaxlike._src.sharding import NamedSharding

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from jaxlike._src.array import Array
    from jaxlike._src.sharding import Sharding


class _Row(weakref.ref[Any]):
    """A placed Array, with its key in the table and how it is placed."""

    __slots__ = ("key", "sharding")

    key: int
    sharding: Sharding


# Read by who asks first whether there is any such Array, and looks no further if not.
PLACED: dict[int, _Row] = {}
_ALWAYS = _Row(_Row)  # a row that stays: results that have a mark have no row
_shardings: weakref.WeakValueDictionary[Sharding, Sharding] = weakref.WeakValueDictionary()  # equal ones are one
_elsewhere: set[int] = set()  # those of them that are not on the default device alone
_at_home: tuple[Any, Any] = (None, None)  # the last sharding that was on the default device alone, and that device


def place(x: Array, sharding: Sharding) -> Array:
    """``x``, from now on placed so."""
    global _at_home
    x._t = torch_private.plain(x._t)
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
    if not torch_private.is_wrapped(x._t) and x._t.device.type != "meta":
        PLACED.setdefault(-1, _ALWAYS)
        x._t = torch_private.marked(x._t, sharding)
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
    if row is not None:
        return row.sharding
    tensor = getattr(x, "_t", None)
    return tensor.mark if type(tensor) is torch_private.Marked else None


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
    if type(out._t) is torch_private.Marked:
        return out
    whole = [k for k in known if has[k].num_devices == 1 or operands[k].shape == out.shape]  # pyright: ignore[reportOptionalMemberAccess]
    return place(out, has[whole[0]]) if whole else out  # pyright: ignore[reportArgumentType]  # as above


def apart(function: str, two: Sequence[tuple[str, Array]]) -> ValueError:
    """For two arguments, with their names, that are on different devices."""
    return _apart(function, [(name, x.aval.str_short(), placed(x)) for name, x in two])


def _apart(function: str, two: Sequence[tuple[str, str, Any]]) -> ValueError:
    said: list[str] = []
    for name, aval, sharding in two:
        devices = sorted(sharding.device_set, key=lambda d: d.id)
        said.append(
            f"argument {name} of {function} with shape {aval} and with device ids "
            f"{[d.id for d in devices]} on platform {devices[0].platform.upper()}"
        )
    return ValueError(f"Received incompatible devices for jitted computation. Got {said[0]} and {said[1]}")


# What torch computes


def _joined(op: Any, args: Any, operands: Sequence[Any], out: Tensor) -> Sharding:
    """Where a result of torch is."""
    first = operands[0]
    for other in operands[1:]:
        if other.mark is not first.mark and other.mark.device_set != first.mark.device_set:
            name = str(_NAMES.get(op.overloadpacket, op.overloadpacket.__name__))
            avals = [f"{from_torch(x.dtype).name}[{','.join(map(str, x.shape))}]" for x in (first, other)]
            places = [next(k for k, x in enumerate(operands) if x is y) for y in (first, other)]
            names = [f"args[{k}]" if name == "concatenate" or k > 2 else "xyz"[k] for k in places]
            raise _apart(name, list(zip(names, avals, (first.mark, other.mark), strict=True)))
    return spread(op, args, lambda x: x.mark if type(x) is torch_private.Marked else None, tuple(out.shape))


_aten: Any = torch.ops.aten
_NAMES = {_aten.cat: "concatenate"}
_REDUCTIONS = {getattr(_aten, name) for name in "all amax amin any argmax argmin mean prod sum".split()}
_VIEWS = {_aten.view, _aten.reshape, _aten._unsafe_view}


def spread(op: Any, args: Any, split: Callable[[Any], Any], shape: tuple[int, ...]) -> Any:
    """How a result of an op of torch is split, for ``split``, which knows it of the operands; None where none is known.

    On one device it is there. Over a mesh it is split along the axes of its operands that the operation keeps.
    """
    flat = [x for a in args for x in (a if isinstance(a, list | tuple) else (a,))]
    known = [(x, s) for x in flat if (s := split(x)) is not None]
    if not known:
        return None
    sharding = known[0][1]
    if sharding.num_devices == 1 or not isinstance(sharding, NamedSharding):
        return sharding
    if AxisType.Explicit in sharding.mesh.axis_types:
        return sharding.update(spec=P(*explicit_spec(op, args, split, shape, sharding)))
    of = [
        ([*s.spec, *[None] * (len(x.shape) - len(s.spec))], tuple(x.shape))
        for x, s in known
        if isinstance(s, NamedSharding)
    ]
    parts = sharding.mesh.shape
    spec = [
        axis if n % math.prod(parts[name] for name in flat_axes([axis])) == 0 else None
        for axis, n in zip(_spec_of(op, args, of, shape), shape, strict=False)  # a spec may be shorter
    ]
    while spec and spec[-1] is None:
        spec.pop()
    return sharding.update(spec=P(*spec))


def _spec_of(op: Any, args: Any, of: list[tuple[list[Any], tuple[int, ...]]], shape: tuple[int, ...]) -> list[Any]:
    packet, (spec, sizes) = op.overloadpacket, of[0]
    if (moved := moved_axes(packet, args, spec, len(shape))) is not None:
        return moved
    if packet is _aten.mm and len(of) == 2:
        return _without_repeats([spec[0], of[1][0][1]])
    if packet is _aten.mv and len(sizes) == 2:
        return spec[:1]
    if packet is _aten.cat:
        return spec
    if packet in (_aten.select, _aten.squeeze, *_REDUCTIONS) and len(args) > 1 and len(sizes) != len(shape):
        dims = args[1] if isinstance(args[1], list | tuple) else (args[1],)
        left = [axis for d, axis in enumerate(spec) if d not in dims and d - len(spec) not in dims]
        return left if len(left) == len(shape) else []
    if packet in _VIEWS and math.prod(sizes) == math.prod(shape) > 0:  # else it is a view as another dtype
        return _in_other_shape(spec, sizes, shape)
    if torch.Tag.pointwise in op.tags or packet is _aten.expand or len(sizes) == len(shape):
        return _merged(of, shape)
    return []


def _without_repeats(spec: list[Any]) -> list[Any]:
    return [axis if axis not in spec[:k] else None for k, axis in enumerate(spec)]


def _merged(of: list[tuple[list[Any], tuple[int, ...]]], shape: tuple[int, ...]) -> list[Any]:
    """As the operands are split that have an axis of the result's size, those with more parts first."""
    out: list[Any] = [None] * len(shape)
    for spec, sizes in sorted(of, key=lambda pair: sum(axis is None for axis in pair[0]) - len(pair[0])):
        for k in range(1, min(len(sizes), len(shape)) + 1):
            if out[-k] is None and sizes[-k] == shape[-k] and spec[-k] not in out:
                out[-k] = spec[-k]
    return out


def _in_other_shape(spec: list[Any], sizes: tuple[int, ...], shape: tuple[int, ...]) -> list[Any]:
    """Axes that are merged, or come of one, are split as the first of them was."""
    out: list[Any] = [None] * len(shape)
    j = k = 0
    while j < len(sizes) and k < len(shape):
        out[k], n, m = spec[j], sizes[j], shape[k]
        while n != m:
            if n < m:
                j += 1
                n *= sizes[j]
            else:
                k += 1
                m *= shape[k]
        j, k = j + 1, k + 1
    return out


torch_private.Marked.join = staticmethod(_joined)
