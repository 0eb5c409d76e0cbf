"""device_put, device_get and waiting: data between host and devices, for trees.

A leaf is put with torch's `to`, so derivatives and batches pass through it. Inside a `jit` trace there is
one device, the trace's own, and `device_put` is the identity, which a jaxpr shows. What torch has queued on an accelerator is
waited for by `block_until_ready`; on the CPU nothing is ever queued.
"""

from __future__ import annotations

import enum
import functools
from typing import Any

import numpy as np
import torch

from jaxlike._src import border, config, devices, dtypes, key_uses, placement
from jaxlike._src.array import Array
from jaxlike._src.counts import count
from jaxlike._src.devices import Device
from jaxlike._src.frames import current_trace
from jaxlike._src.layout import Format
from jaxlike._src.memory import MemorySpace
from jaxlike._src.mesh import get_concrete_mesh
from jaxlike._src.partition_spec import P
from jaxlike._src.regions import equation
from jaxlike._src.sharding import NamedSharding, Sharding, SingleDeviceSharding
from jaxlike._src.tree import functions as tree
from jaxlike._src.tree.prefix import flatten_axes


class ArrayCopySemantics(enum.IntEnum):
    """What `device_put_p` may do with its operand; here it always may share memory, as Arrays do not change."""

    ALWAYS_COPY = 0
    REUSE_INPUT = 1
    DONATE_INPUT = 2

    def __repr__(self) -> str:
        return f"ArrayCopySemantics.{self.name}"


Target = Device | Sharding | MemorySpace | None


def device_put(
    x: Any,
    device: Any = None,
    *,
    src: Any = None,
    donate: Any = False,
    may_alias: Any = None,
) -> Any:
    """The leaves of ``x`` as Arrays on ``device``; None: Arrays stay, the rest goes to the default device.

    ``device``: a Device, a Sharding, a Format, a memory space, None, or a tree of them that is a prefix of ``x``.
    ``may_alias``: False copies even where the data is there already. ``donate`` allows to reuse the
    memory of ``x``, which torch never needs: nothing is deleted. ``src`` is not needed either.
    """
    leaves, treedef = tree.tree_flatten(x)

    def spread(name: str, value: Any, single: tuple[type, ...]) -> list[Any]:
        if value is None or isinstance(value, single):
            return [value] * len(leaves)
        return flatten_axes(f"device_put {name}", treedef, value)

    targets = [
        _checked_target(target) for target in spread("device", device, (Device, Sharding, Format, MemorySpace))
    ]
    sources = spread("source", src, (Device, Sharding, Format, MemorySpace))
    donated = spread("donate", donate, (bool,))
    aliased = spread("may_alias", may_alias, (bool,))
    if any(alias and give for alias, give in zip(aliased, donated, strict=True)):
        raise ValueError("may_alias and donate cannot be True at the same time.")
    if current_trace() is not None:
        keys = dtypes.ExtendedDType  # which the trace knows by their words
        at = [k for k, x in enumerate(leaves) if border.is_traced(x) and not isinstance(x.dtype, keys)]
        semantics = [
            ArrayCopySemantics.DONATE_INPUT if donated[k] else ArrayCopySemantics(aliased[k] is not False) for k in at
        ]
        said = (tuple([targets[k] for k in at]), tuple([sources[k] for k in at]), tuple(semantics))
        for k, x in zip(at, _written([leaves[k] for k in at], *said) if at else [], strict=True):
            leaves[k] = x
    places = [_place(leaf, target) for leaf, target in zip(leaves, targets, strict=True)]
    moved = [
        _put(leaf, target, place, copy=alias is False)
        for leaf, target, place, alias in zip(leaves, targets, places, aliased, strict=True)
    ]
    return tree.tree_unflatten(treedef, moved)


def _describe(xs: Any, devices: Any, srcs: Any, semantics: Any) -> Any:
    return xs, {"devices": devices, "srcs": srcs, "copy_semantics": semantics}


@equation("device_put", _describe)
def _written(xs: list[Array], devices: Any, srcs: Any, semantics: Any) -> list[Array]:
    """The same values, as a jaxpr shows where they were put."""
    del devices, srcs, semantics
    return [border.same_value(x) for x in xs]


def _checked_target(target: Any) -> Target:
    if isinstance(target, P):
        mesh = get_concrete_mesh()
        if mesh.empty:
            raise ValueError("Please set a mesh via `jax.set_mesh` if a PartitionSpec is passed to device_put")
        return NamedSharding(mesh, target)
    if isinstance(target, Format):
        target = target.sharding  # how elements lie in memory is torch's matter
    if target is None or isinstance(target, Device | Sharding | MemorySpace):
        return target
    raise ValueError(
        "`jax.device_put` only accepts `None`, `jax.sharding.Sharding`, `jax.Device`, `Format`, "
        f"`jax.memory.Space` or a pytree of these values. Received invalid value: {target}"
    )


def _place(leaf: Any, target: Target) -> torch.device | None:
    """The torch device that ``target`` means for ``leaf``, after all checks; None: wherever it is."""
    if not isinstance(leaf, Array):
        border.refuse_own_arrays(leaf)
    if isinstance(leaf, str):
        raise TypeError(f"Argument '{leaf}' of type {type(leaf)} is not a valid JAX type")
    if isinstance(leaf, np.ndarray | np.generic) and leaf.dtype != dtypes.float0:
        dtypes.check_valid_dtype(leaf.dtype)
    if target is None:
        return None
    if isinstance(target, Device):
        return target.torch_device
    if isinstance(target, MemorySpace):
        if target is MemorySpace.Host:
            _require_device_memory(devices.default_device(), "pinned_host")
        return None
    shape = leaf.shape if hasattr(leaf, "shape") else ()
    try:
        target.check_compatible_aval(shape)
    except ValueError as error:
        raise ValueError(
            f"One of device_put args is incompatible with its sharding annotation {target}: {error}"
        ) from None
    target.shard_shape(shape)
    known = target._device_assignment
    _require_device_memory(known[0], target.memory_kind)
    if len({device.torch_device for device in known}) > 1:
        # One Array is one torch tensor, which lies on one device; several processes are torch.distributed's part.
        raise NotImplementedError(f"Arrays split over devices that torch tells apart are not supported: {target}")
    return known[0].torch_device


def _require_device_memory(device: Device, kind: str | None) -> None:
    # On the CPU all kinds of memory are the same memory.
    if kind not in (None, "device") and device.platform != "cpu":
        raise NotImplementedError(f"Arrays live in the memory of their device, not in {kind}, on {device}")


def _put(leaf: Any, target: Target, place: torch.device | None, *, copy: bool) -> Any:
    if isinstance(leaf, np.ndarray) and leaf.dtype == dtypes.float0:
        return leaf  # it holds no data that could be moved
    if isinstance(leaf, Array):
        if target is None and not copy:
            return key_uses.renewed(leaf, as_used=False) if key_uses.FLAG.value else leaf
        if isinstance(target, NamedSharding) and not copy and placement.placed(leaf) == target:
            return leaf
        x = leaf
    else:
        x = _from_host(leaf, target)
    if x is not leaf or target is not None:
        count("batched_device_put")
    tensor = border.unwrap(x)
    if tensor.device.type != "meta":  # in a jit trace there is one device
        if place is not None and tensor.device != place:
            tensor = tensor.to(place, copy=copy)
        elif copy and x is leaf:
            tensor = tensor.clone()
    moved = type(x)(tensor, x._tag)
    if isinstance(target, Sharding):
        return placement.place(moved, target)
    return placement.place(moved, _on(target)) if isinstance(target, Device) else moved


_on = functools.cache(SingleDeviceSharding)  # a device


def _from_host(leaf: Any, target: Target) -> Array:
    """A leaf that is no Array yet, made on the target at once."""
    device: Any = target if isinstance(target, Device) else None
    if isinstance(target, Sharding):
        device = target._device_assignment[0]
    if device is None or device is devices.default_device():
        return border.asarray(leaf)
    with config.default_device(device):
        return border.asarray(leaf)


def device_get(x: Any) -> Any:
    """The leaves of ``x`` on the host: Arrays as numpy arrays, values inside a transformation as they are."""
    return tree.tree_map(_get, x)


def _get(leaf: Any) -> Any:
    if isinstance(leaf, Array) and (border.is_traced(leaf) or isinstance(leaf.dtype, dtypes.ExtendedDType)):
        return leaf  # PRNG keys have no form in numpy
    to_array = getattr(leaf, "__array__", None)
    return leaf if to_array is None else to_array()


def block_until_ready(x: Any) -> Any:
    """``x``, once the values of all its Arrays have been computed."""
    waiting: set[torch.device] = set()
    for leaf in tree.tree_leaves(x):
        if isinstance(leaf, Array):
            waiting.add(leaf._t.device)
        elif hasattr(leaf, "block_until_ready"):
            leaf.block_until_ready()
    for device in waiting:
        wait_for(device)
    return x


def wait_for(device: torch.device) -> None:
    """Wait until everything queued on a torch device is done."""
    if device.type not in ("cpu", "meta"):
        torch.accelerator.synchronize(device)


def copy_to_host_async(x: Any) -> Any:
    """``x``, whose values will be read on the host; each Array is copied when it is read."""
    for leaf in tree.tree_leaves(x):
        if not isinstance(leaf, Array) and hasattr(leaf, "copy_to_host_async"):
            leaf.copy_to_host_async()
    return x
