"""Shardings: on which devices an array lies, and which part of it on each.

`SingleDeviceSharding` is what `x.sharding` is. `NamedSharding` says how an array would be split over a
mesh: indices and shapes of the parts are computed from the mesh and the spec, nothing is moved here.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from jaxlike._src.devices import Device, device_of, no_such_memory
from jaxlike._src.mesh import AbstractMesh, AxisType, Mesh, entered_mesh, get_abstract_mesh, get_concrete_mesh
from jaxlike._src.partition_spec import P, flat_axes

Shape = tuple[int, ...]
Index = tuple[slice, ...]


class IndivisibleError(ValueError):
    """An axis's size is not a multiple of the number of its parts."""


class DuplicateSpecError(Exception):
    """A spec uses a mesh axis twice."""

    def __init__(self, message: str, mesh: Any, pspec: P) -> None:
        """``mesh`` and ``pspec`` are kept for handlers."""
        super().__init__(message)
        self.message, self.mesh, self.pspec = message, mesh, pspec


class Sharding:
    """Where the parts of an array lie."""

    __slots__ = ("__weakref__",)

    @property
    def memory_kind(self) -> str | None:
        """The memory that the parts lie in: "device", "pinned_host", ..."""
        raise NotImplementedError("Subclasses should implement this method.")

    def with_memory_kind(self, kind: str) -> Sharding:
        """The same in another memory."""
        raise NotImplementedError("Subclasses should implement this method")

    @property
    def _device_assignment(self) -> tuple[Device, ...]:
        raise NotImplementedError("Subclasses should implement this method.")

    def _tiling(self, ndim: int) -> list[tuple[Any, ...]]:
        """For each axis of an array, the mesh axes that it is split over."""
        raise NotImplementedError("Subclasses should implement this method.")

    def _axis_size(self, axis: Any) -> int:
        raise NotImplementedError("Subclasses should implement this method.")

    @property
    def device_set(self) -> set[Device]:
        """The devices."""
        return set(self._device_assignment)

    @property
    def _addressable_device_assignment(self) -> tuple[Device, ...]:
        """The devices of this process, in order; checkpoint libraries ask for them by JAX's name."""
        return tuple(d for d in self._device_assignment if d in self.addressable_devices)

    @property
    def num_devices(self) -> int:
        """How many devices there are."""
        return len(self.device_set)

    @property
    def addressable_devices(self) -> set[Device]:
        """The devices of this process."""
        return {d for d in self.device_set if d.process_index == d.client.process_index()}

    @property
    def has_addressable_devices(self) -> bool:
        """Whether this process has any of the devices."""
        return bool(self.addressable_devices)

    @property
    def is_fully_addressable(self) -> bool:
        """Whether all devices belong to this process."""
        return len(self.addressable_devices) == len(self.device_set)

    @property
    def is_fully_replicated(self) -> bool:
        """Whether every device has the whole array."""
        raise NotImplementedError("Subclasses should implement this method.")

    def check_compatible_aval(self, aval_shape: Sequence[int]) -> None:
        """Raise where an array of this shape has too few axes to be split so."""

    def _tiles(self, ndim: int) -> list[int]:
        return [math.prod(map(self._axis_size, axes)) for axes in self._tiling(ndim)]

    def shard_shape(self, global_shape: Sequence[int]) -> Shape:
        """The shape of each part."""
        tiles = self._tiles(len(global_shape))
        for axis, (size, parts) in enumerate(zip(global_shape, tiles, strict=True)):
            if size % parts:
                raise IndivisibleError(
                    f"Sharding {self} implies that array axis {axis} is partitioned {parts} times, but the "
                    f"dimension size is {size} (full shape: {tuple(global_shape)}, per-dimension tiling "
                    f"factors: {tiles} should evenly divide the shape)"
                )
        return tuple(size // parts for size, parts in zip(global_shape, tiles, strict=True))

    def devices_indices_map(self, global_shape: Sequence[int]) -> Mapping[Device, Index]:
        """Device to the slices of the array that lie on it."""
        whole = (slice(None),) * len(global_shape)
        return dict.fromkeys(self._device_assignment, whole)

    def addressable_devices_indices_map(self, global_shape: Sequence[int]) -> Mapping[Device, Index]:
        """`devices_indices_map` of this process's devices."""
        everywhere = self.devices_indices_map(global_shape)
        return {d: index for d, index in everywhere.items() if d in self.addressable_devices}

    def is_equivalent_to(self, other: Sharding, ndim: int) -> bool:
        """Whether both put the same parts of an array with ``ndim`` axes on the same devices."""
        return (
            self.memory_kind == other.memory_kind
            and self._device_assignment == other._device_assignment
            and self._places(ndim) == other._places(ndim)
        )

    def _to_xla_hlo_sharding(self, num_dimensions: int) -> Any:
        """The same in XLA's way of writing, which JAX's own programs ask for by this name."""
        from jaxlike._src.tile_assignment import hlo_sharding_of  # it is written in terms of shardings

        return hlo_sharding_of(self, num_dimensions)

    def _places(self, ndim: int) -> list[Index]:
        """The slices on each device, of an array that every splitting divides."""
        size = math.prod(map(self._axis_size, {axis for axes in self._tiling(ndim) for axis in axes}))
        return [*self.devices_indices_map((max(size, 1),) * ndim).values()]


class SingleDeviceSharding(Sharding):
    """The whole array on one device."""

    __slots__ = ("_device", "_memory_kind")

    def __init__(self, device: Device, memory_kind: str | None = None) -> None:
        """``memory_kind`` is by default that of the device's own memory."""
        self._device = device
        self._memory_kind = _checked_memory_kind(device, memory_kind)

    @property
    def memory_kind(self) -> str | None:
        """The memory that the array lies in."""
        return self._memory_kind

    def with_memory_kind(self, kind: str) -> SingleDeviceSharding:
        """The same device, another memory."""
        return SingleDeviceSharding(self._device, memory_kind=kind)

    @property
    def _device_assignment(self) -> tuple[Device, ...]:
        return (self._device,)

    def _tiling(self, ndim: int) -> list[tuple[Any, ...]]:
        return [()] * ndim

    @property
    def is_fully_replicated(self) -> bool:
        """True."""
        return True

    def __eq__(self, other: object) -> bool:
        """Same device and memory."""
        if not isinstance(other, SingleDeviceSharding):
            return False
        return self._device == other._device and self._memory_kind == other._memory_kind

    def __hash__(self) -> int:
        """By value."""
        return hash((self._device, self._memory_kind))

    def __reduce__(self) -> Any:
        """Rebuild from the parts."""
        return SingleDeviceSharding, (self._device, self._memory_kind)

    def __repr__(self) -> str:
        """``SingleDeviceSharding(device=CpuDevice(id=0), memory_kind=device)``."""
        memory = "" if self._memory_kind is None else f", memory_kind={self._memory_kind}"
        return f"SingleDeviceSharding(device={self._device!r}{memory})"


class NamedSharding(Sharding):
    """An array split over a mesh as a `P` says."""

    __slots__ = ("_memory_kind", "mesh", "spec")

    def __init__(self, mesh: Mesh | AbstractMesh, spec: P, *, memory_kind: str | None = None) -> None:
        """``memory_kind`` is by default that of the devices' own memory."""
        self.mesh = mesh
        self.spec = spec
        first = None if isinstance(mesh, AbstractMesh) or mesh.empty else mesh.flat_devices[0]
        self._memory_kind = _checked_memory_kind(first, memory_kind)
        _check_spec(mesh, spec)

    @property
    def memory_kind(self) -> str | None:
        """The memory that the parts lie in."""
        return self._memory_kind

    def with_memory_kind(self, kind: str) -> NamedSharding:
        """The same in another memory."""
        return self.update(memory_kind=kind)

    def update(self, **kwargs: Any) -> NamedSharding:
        """A copy with some of ``mesh``, ``spec``, ``memory_kind`` replaced."""
        spec = kwargs.pop("spec", self.spec)
        return NamedSharding(
            kwargs.pop("mesh", self.mesh),
            spec if isinstance(spec, P) else P(*spec),
            memory_kind=kwargs.pop("memory_kind", self._memory_kind),
        )

    @property
    def _device_assignment(self) -> tuple[Device, ...]:
        return self._concrete("_device_assignment").flat_devices

    def _concrete(self, name: str) -> Mesh:
        if isinstance(self.mesh, AbstractMesh):
            raise ValueError(f"{name} is not implemented for `jax.sharding.AbstractMesh`.")
        return self.mesh

    @property
    def device_set(self) -> set[Device]:
        """The devices."""
        return set(self._concrete("device_set").flat_devices)

    @property
    def addressable_devices(self) -> set[Device]:
        """The devices of this process."""
        return set(self._concrete("addressable_devices").local_devices)

    @property
    def num_devices(self) -> int:
        """How many devices there are."""
        return self.mesh.size

    def _axis_size(self, axis: Any) -> int:
        return self.mesh.shape[axis]

    def _tiling(self, ndim: int) -> list[tuple[Any, ...]]:
        entries = [tuple(flat_axes((entry,))) for entry in self.spec.partitions]
        if any(entries[ndim:]):
            raise IndexError(f"{self.spec} splits more axes than the array's {ndim}")
        return entries[:ndim] + [()] * (ndim - len(entries))

    @property
    def is_fully_replicated(self) -> bool:
        """Whether every device has the whole array."""
        if self.mesh.size == 1:
            return True
        return not self.spec.unreduced and all(
            self.mesh.shape[axis] == 1 for axis in flat_axes(self.spec.partitions)
        )

    @property
    def replicated_axes(self) -> frozenset[Any]:
        """The mesh axes along which the same data is repeated."""
        used = frozenset(flat_axes(self.spec.partitions))
        return frozenset(self.mesh.axis_names) - used - self.spec.unreduced - self.spec.reduced

    def check_compatible_aval(self, aval_shape: Sequence[int]) -> None:
        """Raise where an array of this shape has too few axes to be split so."""
        if len(aval_shape) < len(self.spec):
            hint = "" if aval_shape else " For scalars the PartitionSpec should be P()"
            raise ValueError(
                f"Sharding {self} is only valid for values of rank at least {len(self.spec)}, but was "
                f"applied to a value of rank {len(aval_shape)}.{hint}"
            )

    def devices_indices_map(self, global_shape: Sequence[int]) -> Mapping[Device, Index]:
        """Device to the slices of the array that lie on it."""
        part = self.shard_shape(global_shape)
        if self.spec.unreduced:
            raise NotImplementedError("device_indices_map doesn't work with unreduced.")
        mesh = self._concrete("devices_indices_map")
        coordinates = np.indices(mesh.axis_sizes).reshape(len(mesh.axis_sizes), -1)
        position = dict(zip(mesh.axis_names, coordinates, strict=True))
        numbers: list[Any] = []  # for each axis of the array: which part each device has; None: the whole
        for axes in self._tiling(len(global_shape)):
            sizes = [mesh.shape[axis] for axis in axes]
            split = math.prod(sizes) > 1
            numbers.append(np.ravel_multi_index([position[a] for a in axes], sizes) if split else None)
        return {
            device: tuple(
                slice(None) if number is None else slice(int(number[i]) * n, (int(number[i]) + 1) * n)
                for number, n in zip(numbers, part, strict=True)
            )
            for i, device in enumerate(mesh.flat_devices)
        }

    def __eq__(self, other: object) -> bool:
        """Same mesh, spec and memory."""
        if not isinstance(other, NamedSharding):
            return False
        return self._key() == other._key()

    def __hash__(self) -> int:
        """By value."""
        return hash(self._key())

    def _key(self) -> tuple[Any, ...]:
        return self.mesh, self.spec, self._memory_kind

    def __reduce__(self) -> Any:
        """Rebuild from the parts."""
        return _named_sharding, self._key()

    def __repr__(self) -> str:
        """``NamedSharding(mesh=Mesh('x': 4, ...), spec=P('x',), memory_kind=device)``."""
        memory = "" if self._memory_kind is None else f", memory_kind={self._memory_kind}"
        return f"NamedSharding(mesh={self.mesh!s}, spec={self.spec}{memory})"


def make_single_device_sharding(device: Device, *, memory_kind: str | None = None) -> SingleDeviceSharding:
    """The sharding that puts an array on one device."""
    return SingleDeviceSharding(device, memory_kind=memory_kind)


@functools.cache
def sharding_of(device: torch.device) -> SingleDeviceSharding:
    """The sharding of an array whose tensor is on ``device``."""
    return SingleDeviceSharding(device_of(device))


def common_devices_indices_map(sharding: Sharding, global_shape: Shape) -> Any:
    """Which part of an array each device has."""
    return sharding.devices_indices_map(global_shape)


def in_mesh(sharding: Any, what: str, name: str) -> Any:
    """A `P` as a sharding of the mesh in force; ``what`` and ``name`` are what messages call argument and function.

    None is unsplit if there is a mesh, and nothing is said where there is none, or for `jit`.
    """
    if isinstance(sharding, Sharding):
        return sharding
    mesh = get_concrete_mesh()
    if mesh.empty:
        mesh = get_abstract_mesh()
    if mesh.empty:
        mesh = entered_mesh()
    if sharding is None:
        return None if mesh.empty or name == "jit" else NamedSharding(mesh, P())
    if mesh.empty:
        raise RuntimeError(
            f"{name} requires a non-empty mesh in context if you are passing `PartitionSpec`s to {what}. You can define "
            f"a context mesh via `jax.set_mesh(mesh)`. Alternatively, provide `Sharding`s to {what} and then the mesh "
            "context manager is not required."
        )
    return NamedSharding(mesh, sharding)


def check_fits(sharding: Sharding | None, shape: Shape, what: str, path: str = "", *, evenly: bool = True) -> None:
    """ValueError where an array of this shape cannot be split so; messages say what it is one of, and where."""
    if sharding is None:
        return
    try:
        sharding.check_compatible_aval(shape)
    except ValueError as error:
        at = f" with pytree key path {path}" if path else ""
        raise ValueError(f"One of {what}{at} is incompatible with its sharding annotation {sharding}: {error}") from None
    if evenly:
        sharding.shard_shape(shape)


def _named_sharding(mesh: Mesh, spec: P, memory_kind: str | None) -> NamedSharding:
    return NamedSharding(mesh, spec, memory_kind=memory_kind)


def _checked_memory_kind(device: Any, kind: str | None) -> str | None:
    if not isinstance(device, Device):
        return kind
    if kind is None:
        return device.default_memory().kind
    if all(memory.kind != kind for memory in device.addressable_memories()):
        raise ValueError(no_such_memory(device, kind))
    return kind


def _check_spec(mesh: Mesh | AbstractMesh, spec: P) -> None:
    axes = flat_axes(spec.partitions)
    twice = sorted({f"`{axis}`" for axis in axes if axes.count(axis) > 1})
    if twice:
        raise DuplicateSpecError(
            "A single NamedSharding spec specification can map every mesh axis to at most one positional "
            f"dimension, but {spec} has duplicate entries for {', '.join(twice)}",
            mesh,
            spec,
        )
    for axis in axes:
        if axis not in mesh.axis_names:
            raise ValueError(f"Resource axis: {axis} of {spec} is not found in mesh: {mesh.axis_names}.")
    if AxisType.Auto not in mesh.axis_types and P.UNCONSTRAINED in spec.partitions:
        raise ValueError(
            f"{spec} cannot contain `P.UNCONSTRAINED` when no mesh axis_types are `Auto`. Got mesh "
            f"axis_types: {mesh.axis_types}"
        )
    for word, named in (("Unreduced", spec.unreduced), ("Reduced", spec.reduced)):
        for axis in named:
            if axis not in mesh.axis_names:
                raise ValueError(
                    f"{word} axes {axis} is not found in mesh.axis_names={mesh.axis_names}. Got pspec={spec}"
                )
            if axis not in mesh.explicit_axes:
                raise ValueError(
                    f"{word} axes can only refer to mesh axes that is of type `Explicit`. Got "
                    f"{word.lower()} axes: {named} and mesh: {mesh}"
                )
