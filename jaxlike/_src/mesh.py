"""Meshes: an array of devices whose axes have names, and the same without the devices.

A mesh is data: it says what `NamedSharding` and collectives mean by an axis name. The mesh in force
(`use_abstract_mesh`) is a flag that traces depend on.
"""

from __future__ import annotations

import collections
import enum
import math
import warnings
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from jaxlike._src import config
from jaxlike._src import devices as devices_
from jaxlike._src.config_state import UNSET
from jaxlike._src.frames import STATE


class AxisType(enum.Enum):
    """Who decides how arrays are split over a mesh axis: the compiler, the types, the program."""

    Auto = enum.auto()
    Explicit = enum.auto()
    Manual = enum.auto()

    def __repr__(self) -> str:
        """Its name."""
        return self.name


@dataclass(frozen=True, slots=True)
class AbstractDevice:
    """The kind of device that an abstract mesh is meant for."""

    device_kind: str
    num_cores: int | None
    platform: str

    def __repr__(self) -> str:
        """Its fields."""
        return f"AbstractDevice({self.fields()})"

    def fields(self) -> str:
        """Its fields, for messages."""
        return f"device_kind={self.device_kind}, num_cores={self.num_cores}, platform={self.platform}"


def _normalize_axis_types(axis_names: tuple[Any, ...], axis_types: Any, name: str) -> tuple[AxisType, ...]:
    if axis_types is None:
        axis_types = (AxisType.Auto,) * len(axis_names)
    if not isinstance(axis_types, tuple):
        axis_types = (axis_types,)
    if not all(isinstance(axis_type, AxisType) for axis_type in axis_types):
        raise TypeError(
            f"axis_types passed to {name} must be of type `jax.sharding.AxisType`. "
            f"Got {axis_types} of type {tuple(type(axis_type) for axis_type in axis_types)}"
        )
    if len(axis_names) != len(axis_types):
        raise ValueError(
            "Number of axis names should match the number of axis_types. Got "
            f"axis_names={axis_names} and axis_types={axis_types}"
        )
    return axis_types


_meshes: weakref.WeakValueDictionary[Any, Any] = weakref.WeakValueDictionary()  # by their classes and keys


class _Interned(type):
    """The class of meshes: equal ones that are in use are one object."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        made = super().__call__(*args, **kwargs)
        return _meshes.setdefault((cls, made._key()), made)


class _BaseMesh(metaclass=_Interned):
    """What both kinds of mesh have: names, sizes and types of axes; equality by value."""

    axis_names: tuple[Any, ...]
    axis_sizes: tuple[int, ...]
    axis_types: tuple[AxisType, ...]
    size: int

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise AttributeError(f"cannot assign to field {name!r}")

    def __copy__(self) -> _BaseMesh:
        return self

    def _put(self, **fields: Any) -> None:
        vars(self).update(fields)

    def _key(self) -> tuple[Any, ...]:
        raise NotImplementedError

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._key() == other._key()  # pyright: ignore[reportAttributeAccessIssue]

    def __hash__(self) -> int:
        return hash(self._key())

    @property
    def shape_tuple(self) -> tuple[tuple[Any, int], ...]:
        """Pairs of name and size."""
        return tuple(zip(self.axis_names, self.axis_sizes, strict=True))

    @property
    def shape(self) -> collections.OrderedDict[Any, int]:
        """Name to size."""
        return collections.OrderedDict(self.shape_tuple)

    @property
    def empty(self) -> bool:
        """Whether it has no devices."""
        return self.size == 0

    def axes_of_type(self, axis_type: AxisType) -> tuple[Any, ...]:
        """The names of the axes of a type."""
        pairs = zip(self.axis_names, self.axis_types, strict=True)
        return tuple(name for name, known in pairs if known is axis_type)

    def _all(self, axis_type: AxisType) -> bool:
        return bool(self.axis_types) and all(known is axis_type for known in self.axis_types)

    auto_axes = property(lambda self: self.axes_of_type(AxisType.Auto))
    explicit_axes = property(lambda self: self.axes_of_type(AxisType.Explicit))
    manual_axes = property(lambda self: self.axes_of_type(AxisType.Manual))
    are_all_axes_auto = property(lambda self: self._all(AxisType.Auto))
    are_all_axes_explicit = property(lambda self: self._all(AxisType.Explicit))
    are_all_axes_manual = property(lambda self: self._all(AxisType.Manual))


class Mesh(_BaseMesh):
    """An array of devices with a name for each of its axes."""

    devices: np.ndarray

    def __init__(
        self,
        devices: np.ndarray | Sequence[Any],
        axis_names: str | Sequence[Any],
        axis_types: tuple[AxisType, ...] | AxisType | None = None,
    ) -> None:
        """``Mesh(np.array(jax.devices()).reshape(4, 2), ('x', 'y'))``."""
        grid = np.array(devices, dtype=object)
        names = (axis_names,) if isinstance(axis_names, str) else tuple(axis_names)
        if any(name is None for name in names):
            raise ValueError(f"Mesh axis names cannot be None. Got: {names}")
        if grid.ndim != len(names):
            raise ValueError(
                "Mesh requires the ndim of its first argument (`devices`) to equal the length of its second "
                f"argument (`axis_names`), but got devices.ndim == {grid.ndim} and "
                f"len(axis_names) == {len(names)}."
            )
        types = _normalize_axis_types(names, axis_types, "Mesh")
        grid.flags.writeable = False
        size = 0 if not names and grid.flat[0] is None else math.prod(grid.shape)
        self._put(devices=grid, axis_names=names, axis_types=types, axis_sizes=grid.shape, size=size)

    def _key(self) -> tuple[Any, ...]:
        return self.flat_devices, self.axis_sizes, self.axis_names, self.axis_types

    @property
    def flat_devices(self) -> tuple[Any, ...]:
        """The devices, the last axis running fastest."""
        return tuple(self.devices.flat)

    @property
    def device_ids(self) -> np.ndarray:
        """The devices' ids, in the mesh's shape."""
        return np.array([device.id for device in self.devices.flat], dtype=int).reshape(self.devices.shape)

    @property
    def is_scalar(self) -> bool:
        """Whether it is one device without an axis."""
        return self.size == 1 and not self.axis_names

    @property
    def local_devices(self) -> list[Any]:
        """The devices of this process."""
        return [d for d in self.devices.flat if d.process_index == d.client.process_index()]

    @property
    def is_multi_process(self) -> bool:
        """Whether some of the devices belong to other processes."""
        return self.devices.size != len(self.local_devices)

    @property
    def local_mesh(self) -> Mesh:
        """The part of the mesh that this process has, which must be a block."""
        if self.empty:
            return self
        here = np.array([d.process_index == devices_.process_index() for d in self.devices.flat])
        indices = np.argwhere(here.reshape(self.devices.shape))
        low, high = indices.min(axis=0), indices.max(axis=0)
        block = tuple(slice(int(a), int(b) + 1) for a, b in zip(low, high, strict=True))
        if self.devices[block].size != len(indices):
            raise ValueError(
                "When passing host local inputs to pjit, devices connected to a single host must form a "
                "contiguous subcube of the global device mesh"
            )
        return Mesh(self.devices[block], self.axis_names)

    @property
    def abstract_mesh(self) -> AbstractMesh:
        """The mesh without its devices."""
        if not self.axis_names:
            return empty_abstract_mesh
        first = next(iter(self.devices.flat), None)
        kind = None
        if first is not None:
            kind = AbstractDevice(first.device_kind, getattr(first, "core_count", None), first.platform)
        return AbstractMesh(self.axis_sizes, self.axis_names, self.axis_types, abstract_device=kind)

    def __enter__(self) -> Mesh:
        """Put the mesh in force, the old way."""
        if config.config.jax_disallow_mesh_context_manager:
            raise RuntimeError("Mesh context manager is disabled.")
        warnings.warn(
            "`with mesh:` context manager has been deprecated. Please use `with jax.set_mesh(mesh):` instead.",
            category=DeprecationWarning,
            stacklevel=2,
        )
        _entered.set_local((*(_entered.value or ()), self))
        return self

    def __exit__(self, *_error: object) -> None:
        """Take it out of force."""
        _entered.set_local((_entered.value or ())[:-1])

    def update(self, devices: Any = None, axis_names: Any = None, axis_types: Any = None) -> Mesh:
        """A copy with some of its parts replaced."""
        return Mesh(
            self.devices if devices is None else devices,
            self.axis_names if axis_names is None else axis_names,
            self.axis_types if axis_types is None else axis_types,
        )

    def __reduce__(self) -> Any:
        """Rebuild from the parts."""
        return Mesh, (self.devices, self.axis_names, self.axis_types)

    def __str__(self) -> str:
        """``Mesh('x': 4, 'y': 2, axis_types=(Auto, Auto))``."""
        if self.empty:
            return "Mesh()"
        return f"Mesh({_show(self.shape_tuple)}, axis_types={self.axis_types})"

    def __repr__(self) -> str:
        """``Mesh(axis_sizes=(4, 2), axis_names=('x', 'y'), axis_types=(Auto, Auto))``."""
        if self.empty:
            return "Mesh(axis_sizes=(), axis_names=())"
        return f"Mesh(axis_sizes={self.axis_sizes}, axis_names={self.axis_names!r}, axis_types={self.axis_types})"


class AbstractMesh(_BaseMesh):
    """A mesh without devices: names, sizes and types of its axes."""

    abstract_device: AbstractDevice | None

    def __init__(
        self,
        axis_sizes: tuple[int, ...],
        axis_names: tuple[Any, ...],
        axis_types: AxisType | tuple[AxisType, ...] | None = None,
        *,
        abstract_device: AbstractDevice | None = None,
    ) -> None:
        """``AbstractMesh((4, 2), ('x', 'y'))``."""
        types = _normalize_axis_types(axis_names, axis_types, "AbstractMesh")
        self._put(
            axis_sizes=axis_sizes,
            axis_names=axis_names,
            axis_types=types,
            abstract_device=abstract_device,
            size=math.prod(axis_sizes) if axis_sizes else 0,
        )

    def _key(self) -> tuple[Any, ...]:
        return self.axis_sizes, self.axis_names, self.axis_types, self.abstract_device

    @property
    def abstract_mesh(self) -> AbstractMesh:
        """Itself."""
        return self

    def update(
        self, axis_sizes: Any = None, axis_names: Any = None, axis_types: Any = None, **kwargs: Any
    ) -> AbstractMesh:
        """A copy with some of its parts replaced."""
        kwargs.setdefault("abstract_device", self.abstract_device)
        return AbstractMesh(
            self.axis_sizes if axis_sizes is None else axis_sizes,
            self.axis_names if axis_names is None else axis_names,
            self.axis_types if axis_types is None else axis_types,
            **kwargs,
        )

    def update_axis_types(self, name_to_type: Mapping[Any, AxisType]) -> AbstractMesh:
        """A copy with the types of some axes replaced."""
        pairs = zip(self.axis_names, self.axis_types, strict=True)
        return self.update(axis_types=tuple(name_to_type.get(name, known) for name, known in pairs))

    def __getattr__(self, name: str) -> NoReturn:
        """What only a mesh with devices has is an error of its own."""
        if name in ("devices", "device_ids", "is_multi_process", "local_devices", "local_mesh"):
            raise ValueError(f"AbstractMesh does not implement {name}")
        raise AttributeError(f"'AbstractMesh' object has no attribute {name!r}")

    def __reduce__(self) -> Any:
        """Rebuild from the parts."""
        return _abstract_mesh, self._key()

    def __repr__(self) -> str:
        """``AbstractMesh('x': 4, 'y': 2, axis_types=(Auto, Auto))``."""
        device = "" if self.abstract_device is None else f", {self.abstract_device.fields()}"
        return f"AbstractMesh({_show(self.shape_tuple) or '()'}, axis_types={self.axis_types}{device})"


def _show(shape_tuple: tuple[tuple[Any, int], ...]) -> str:
    return ", ".join(f"'{name}': {size}" for name, size in shape_tuple)


def _abstract_mesh(sizes: Any, names: Any, types: Any, device: Any) -> AbstractMesh:
    return AbstractMesh(sizes, names, types, abstract_device=device)


empty_abstract_mesh = AbstractMesh((), ())
empty_concrete_mesh = Mesh(np.empty((), dtype=object), ())
_abstract_mesh_in_force = config.context_state("abstract_mesh_context_manager", None)
_mesh_in_force = config.context_state("device_context", None)
_entered = config.context_state("mesh_context_manager", ())


def entered_mesh() -> Mesh:
    """The innermost mesh of `with mesh:`; an empty one where there is none."""
    entered = _entered.value or ()
    return entered[-1] if entered else empty_concrete_mesh


def get_concrete_mesh() -> Mesh:
    """The mesh of `set_mesh`; an empty one where there is none."""
    mesh = _mesh_in_force.value
    return empty_concrete_mesh if mesh is None else mesh


def get_mesh() -> Mesh:
    """`get_concrete_mesh`, outside of transformations; ValueError inside."""
    if STATE.frame is not None:
        raise ValueError(
            "`get_mesh` can only be used outside of `jax.jit`. Maybe you want `jax.sharding.get_abstract_mesh()`?"
        )
    return get_concrete_mesh()


class set_mesh:
    """Put a mesh in force from now on; used as a context manager, until its end."""

    __slots__ = ("_abstract", "_concrete")

    def __init__(self, mesh: Mesh | None) -> None:
        """ValueError for what is no mesh, a mesh with manual axes, and inside of transformations."""
        if mesh is not None and not isinstance(mesh, Mesh):
            raise ValueError(f"Expected mesh of type `jax.sharding.Mesh`. Got {type(mesh)}")
        if STATE.frame is not None:
            raise ValueError("`set_mesh` can only be used outside of `jax.jit`.")
        if mesh is not None and mesh.manual_axes:
            raise ValueError(
                f"mesh {mesh} contains manual axes which is not allowed when using `jax.set_mesh`. Please use "
                "`jax.shard_map` to enter into `Manual` mode instead."
            )
        self._abstract = _abstract_mesh_in_force.swap_local(empty_abstract_mesh if mesh is None else mesh.abstract_mesh)
        self._concrete = _mesh_in_force.swap_local(empty_concrete_mesh if mesh is None else mesh)

    def __enter__(self) -> None:
        """The mesh is in force already."""

    def __exit__(self, *_error: object) -> None:
        """Restore the one before."""
        _abstract_mesh_in_force.set_local(self._abstract)
        _mesh_in_force.set_local(self._concrete)


def get_abstract_mesh() -> AbstractMesh:
    """The abstract mesh in force; an empty one where there is none."""
    mesh = _abstract_mesh_in_force.value
    return empty_abstract_mesh if mesh is None else mesh


class use_abstract_mesh:
    """A context manager under which a mesh is in force."""

    __slots__ = ("_before", "mesh")

    def __init__(self, mesh: AbstractMesh) -> None:
        """``mesh`` must have the size of the one in force, if there is one."""
        if not isinstance(mesh, AbstractMesh):
            raise ValueError(f"Expected mesh of type `jax.sharding.AbstractMesh`. Got type: {type(mesh)}")
        self.mesh = mesh
        self._before: Any = UNSET

    def __enter__(self) -> None:
        """Put the mesh in force."""
        before = _abstract_mesh_in_force.get_local()
        if before is not UNSET and not before.empty and not self.mesh.empty and before.size != self.mesh.size:
            raise ValueError(
                f"use_abstract_mesh cannot change the size of the mesh. Got new mesh: {self.mesh} with "
                f"size={self.mesh.size} and prev mesh: {before} with size={before.size}"
            )
        self._before = _abstract_mesh_in_force.swap_local(self.mesh)

    def __exit__(self, *_error: object) -> None:
        """Restore the one before."""
        _abstract_mesh_in_force.set_local(self._before)


class _Environment:
    """What programs ask of `thread_resources.env`."""

    @property
    def physical_mesh(self) -> Mesh:
        """The mesh that was entered as a context."""
        return entered_mesh()


class _ThreadResources:
    """The mesh of this thread, where programs look for it."""

    env = _Environment()


thread_resources = _ThreadResources()
