"""tile_assignment: how XLA writes down a splitting, which part of JAX's own tools and tests read and write.

An `HloSharding` has a grid of device numbers: an array's axes are cut as often as the grid's are long, what is left of
the grid (its last axes, each of a type) holds the same part, or is somebody's affair. `OpSharding` is the same as a
record to be filled in. `GSPMDSharding` is such a grid with devices. Nothing is split by these here: they say it.
"""

from __future__ import annotations

import copy
import enum
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from jaxlike._src.devices import Device, DeviceList
from jaxlike._src.errors import JaxRuntimeError
from jaxlike._src.mesh import AbstractMesh, Mesh
from jaxlike._src.partition_spec import P
from jaxlike._src.sharding import IndivisibleError, NamedSharding, Sharding, SingleDeviceSharding


class Type(enum.Enum):
    """What an `OpSharding` says, or the devices along one of the last axes of a grid have."""

    REPLICATED = 0
    MAXIMAL = 1
    TUPLE = 2
    OTHER = 3
    MANUAL = 4
    UNKNOWN = 5
    UNREDUCED = 6

    def __str__(self) -> str:
        return f"OpSharding_Type.{self.name}"

    __repr__ = __str__


class OpSharding:
    """A record of a splitting, with lists to be set."""

    Type = Type

    def __init__(self) -> None:
        self.type = Type.REPLICATED
        self.replicate_on_last_tile_dim = False
        self.tile_assignment_dimensions: Sequence[int] = []
        self.tile_assignment_devices: Sequence[int] = []
        self.iota_reshape_dims: Sequence[int] = []
        self.iota_transpose_perm: Sequence[int] = []
        self.last_tile_dims: Sequence[Type] = []
        self.tuple_shardings: Sequence[OpSharding] = []

    def clone(self) -> OpSharding:
        """A copy."""
        return copy.deepcopy(self)

    def __str__(self) -> str:
        lines = [f"type: {self.type.name}"] if self.type is not Type.REPLICATED else []
        for field, values in list(vars(self).items())[2:6]:
            lines += [f"{field}: {value}" for value in values]
        return "\n".join([*lines, ""])


class HloSharding:
    """A splitting: all of it everywhere (or another word for the whole), or a grid of device numbers."""

    __slots__ = ("_grid", "_iota", "_kind", "_last", "_parts")

    def __init__(
        self,
        kind: Type,
        grid: Any = None,
        last: Sequence[Type] = (),
        iota: tuple[tuple[int, ...], tuple[int, ...]] | None = None,
        parts: Sequence[HloSharding] = (),
    ) -> None:
        last, parts = tuple(last), tuple(parts)
        if kind is Type.OTHER:
            repeats = set(last) == {Type.REPLICATED}
            if repeats and all(n == 1 for n in grid.shape[: grid.ndim - len(last)]):
                kind, grid, last, iota = Type.REPLICATED, None, (), None
            else:
                grid, last = _canonical(grid, last)
                grid = np.sort(grid, -1) if repeats and last else grid  # in which order they repeat is nothing
        self._kind, self._grid, self._last, self._iota, self._parts = kind, grid, last, iota, parts

    @staticmethod
    def replicate() -> HloSharding:
        """The whole on each device."""
        return HloSharding(Type.REPLICATED)

    @staticmethod
    def manual() -> HloSharding:
        """Whoever wrote the program says what is where."""
        return HloSharding(Type.MANUAL)

    @staticmethod
    def unreduced() -> HloSharding:
        """A part of a sum on each device."""
        return HloSharding(Type.UNREDUCED)

    @staticmethod
    def unknown() -> HloSharding:
        """Not said."""
        return HloSharding(Type.UNKNOWN)

    @staticmethod
    def iota_tile(
        dims: Sequence[int],
        reshape_dims: Sequence[int] = (),
        transpose_perm: Sequence[int] = (),
        subgroup_types: Sequence[Type] = (),
    ) -> HloSharding:
        """A grid of the numbers from 0 on, in the order that they have after this reshape and this transposition."""
        if not dims:
            raise JaxRuntimeError("INVALID_ARGUMENT: `dims` should not be empty.")
        if len(reshape_dims) != len(transpose_perm):
            raise JaxRuntimeError(
                "INVALID_ARGUMENT: `reshape_dims` and `transpose_perm` should have the same size, saw "
                f"[{','.join(map(str, reshape_dims))}] v.s. [{','.join(map(str, transpose_perm))}]"
            )
        size = math.prod(dims)
        if reshape_dims and math.prod(reshape_dims) != size:
            raise JaxRuntimeError(
                f"INVALID_ARGUMENT: Cannot reshape from `dims` [{','.join(map(str, dims))}] to `reshape_dims` "
                f"[{','.join(map(str, reshape_dims))}]."
            )
        shape, order = _merged(tuple(reshape_dims) or (size,), tuple(transpose_perm) or (0,))
        grid = np.arange(size).reshape(shape).transpose(order).reshape(tuple(dims))
        return HloSharding(Type.OTHER, grid, subgroup_types, (shape, order))

    @staticmethod
    def subgroup_with_device_ordering(tile_assignment: Any, subgroup_types: Sequence[Type] = ()) -> HloSharding:
        """A grid of these numbers."""
        return HloSharding(Type.OTHER, np.asarray(tile_assignment), subgroup_types)

    @staticmethod
    def from_proto(proto: OpSharding) -> HloSharding:
        """What a record says."""
        if proto.type is Type.TUPLE:
            return HloSharding(Type.TUPLE, parts=[HloSharding.from_proto(p) for p in proto.tuple_shardings])
        if proto.type is Type.MAXIMAL:
            return HloSharding(Type.MAXIMAL, np.asarray(proto.tile_assignment_devices))
        if proto.type is not Type.OTHER:
            return HloSharding(proto.type)
        dims = tuple(proto.tile_assignment_dimensions)
        last = [Type.REPLICATED] if proto.replicate_on_last_tile_dim else proto.last_tile_dims
        if proto.iota_reshape_dims:
            return HloSharding.iota_tile(dims, proto.iota_reshape_dims, proto.iota_transpose_perm, last)
        return HloSharding(Type.OTHER, np.asarray(proto.tile_assignment_devices).reshape(dims), last)

    def to_proto(self) -> OpSharding:
        """The same as a record."""
        made = OpSharding()
        made.type = self._kind
        made.tuple_shardings = [p.to_proto() for p in self._parts]
        if self._grid is not None:
            made.tile_assignment_dimensions = list(self._grid.shape)
            if self._iota is None:
                made.tile_assignment_devices = self.tile_assignment_devices()
            else:
                made.iota_reshape_dims, made.iota_transpose_perm = map(list, self._iota)
        made.replicate_on_last_tile_dim = self.replicate_on_last_tile_dim()
        made.last_tile_dims = list(self.subgroup_types())
        return made

    def num_devices(self) -> int:
        """How many devices the grid has; 0 where there is none."""
        return 0 if self._grid is None else self._grid.size

    def num_dimensions(self) -> int:
        """How many axes the grid has."""
        return 1 if self._grid is None else self._grid.ndim

    def tile_assignment_dimensions(self) -> list[int]:
        """The lengths of the grid's axes."""
        return [0] if self._grid is None else list(self._grid.shape)

    def tile_assignment_devices(self) -> list[int]:
        """The numbers in the grid."""
        return [] if self._grid is None else self._grid.ravel().tolist()

    def subgroup_types(self) -> list[Type]:
        """Of the grid's last axes, where there is more to say than that one of them repeats."""
        return [] if self.replicate_on_last_tile_dim() else list(self._last)

    def replicate_on_last_tile_dim(self) -> bool:
        """Whether devices along the grid's last axis have the same part."""
        return self._last == (Type.REPLICATED,)

    def is_tiled(self) -> bool:
        """Whether there is a grid."""
        return self._kind is Type.OTHER

    def is_replicated(self) -> bool:
        """Whether each device has the whole."""
        return self._kind is Type.REPLICATED

    def is_manual(self) -> bool:
        """Whether the program says what is where."""
        return self._kind is Type.MANUAL

    def is_unreduced(self) -> bool:
        """Whether each device has a part of a sum."""
        return self._kind is Type.UNREDUCED

    def is_unknown(self) -> bool:
        """Whether nothing is said."""
        return self._kind is Type.UNKNOWN

    def is_maximal(self) -> bool:
        """Whether a device has all."""
        return self._kind in (Type.MAXIMAL, Type.REPLICATED)

    def is_tile_assignment_iota(self) -> bool:
        """Whether the grid was given as a range in some order."""
        return self._iota is not None

    def get_axis_sizes(self) -> list[int]:
        """The sizes of the mesh that the grid was made of."""
        if self._iota is None:
            return []
        return list(self._iota[0] if len(self._iota[0]) > 1 else self._grid.shape)

    def tuple_elements(self) -> list[HloSharding]:
        """The splittings of a tuple's elements."""
        return list(self._parts)

    def v3_to_v2_sharding(self) -> HloSharding:
        """The same: there is one way to write it here."""
        return self

    def _key(self) -> tuple[Any, ...]:
        shape = None if self._grid is None else self._grid.shape
        return self._kind, shape, tuple(self.tile_assignment_devices()), self._last, self._parts

    def __eq__(self, other: object) -> bool:
        return isinstance(other, HloSharding) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def __repr__(self) -> str:
        if self._kind is Type.TUPLE:
            return f"{{{', '.join(map(repr, self._parts))}}}"
        if self._kind is Type.MAXIMAL:
            return f"{{maximal device={self.tile_assignment_devices()[0]}}}"
        if self._kind is not Type.OTHER:
            return f"{{{self._kind.name.lower()}}}"
        listed = lambda values: ",".join(map(str, values))  # noqa: E731
        text = f"devices=[{listed(self._grid.shape)}]"
        if self._iota is None:
            text += listed(self.tile_assignment_devices())
        else:
            shape, order = self._iota
            text += f"<=[{listed(shape)}]" + (f"T({listed(order)})" if len(order) > 1 else "")
        if self.replicate_on_last_tile_dim():
            text += " last_tile_dim_replicate"
        elif self._last:
            text += f" last_tile_dims={{{', '.join(t.name.lower() for t in self._last)}}}"
        return f"{{{text}}}"


def _canonical(grid: Any, last: tuple[Type, ...]) -> tuple[Any, tuple[Type, ...]]:
    """The grid with one axis for each type of its last axes, and none for those of one device."""
    data = grid.ndim - len(last)
    kinds = sorted(dict.fromkeys(last), key=[*Type].index, reverse=True)  # what repeats comes last
    order = [*range(data), *(data + k for kind in kinds for k, t in enumerate(last) if t is kind)]
    sizes = [math.prod(grid.shape[data + k] for k, t in enumerate(last) if t is kind) for kind in kinds]
    kept = [(n, t) for n, t in zip(sizes, kinds, strict=True) if n > 1]
    shape = (*grid.shape[:data], *(n for n, _ in kept))
    return grid.transpose(order).reshape(shape), tuple(t for _, t in kept)


def _merged(shape: tuple[int, ...], order: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """A reshape and a transposition with as few axes as will do."""
    runs: list[list[int]] = []
    for axis in (a for a in order if shape[a] > 1):
        between = range(runs[-1][-1] + 1, axis) if runs else ()
        if runs and axis > runs[-1][-1] and all(shape[k] == 1 for k in between):
            runs[-1].append(axis)
        else:
            runs.append([axis])
    starts = sorted(run[0] for run in runs)
    sizes = {run[0]: math.prod(shape[a] for a in run) for run in runs}
    return tuple(sizes[s] for s in starts) or (1,), tuple(starts.index(run[0]) for run in runs) or (0,)


def hlo_sharding_of(sharding: Sharding, num_dimensions: int) -> HloSharding:
    """A splitting of an array of so many axes, as XLA would write it."""
    if isinstance(sharding, GSPMDSharding):
        return sharding._hlo_sharding
    if isinstance(sharding, SingleDeviceSharding) or not isinstance(sharding, NamedSharding) or sharding.mesh.size == 1:
        return HloSharding.replicate()
    axes = sharding._tiling(num_dimensions)
    used = [axis for group in axes for axis in group]
    names, sizes = list(sharding.mesh.axis_names), list(sharding.mesh.axis_sizes)
    rest = [name for name in names if name not in used]
    dims = [math.prod(map(sharding._axis_size, group)) for group in axes]
    unreduced = [name for name in rest if name in sharding.spec.unreduced]
    rest = [name for name in rest if name not in unreduced]
    groups = [(unreduced, Type.UNREDUCED), (rest, Type.REPLICATED)]
    last = [(math.prod(map(sharding._axis_size, group)), kind) for group, kind in groups if group]
    order = [names.index(axis) for axis in (*used, *unreduced, *rest)]
    return HloSharding.iota_tile([*dims, *(n for n, _ in last)], sizes, order, [kind for _, kind in last])


class GSPMDSharding(Sharding):
    """An array split over devices as a grid of their places says."""

    __slots__ = ("_devices", "_hlo_sharding", "_memory_kind")

    def __init__(
        self, devices: Sequence[Device], op_sharding: OpSharding | HloSharding, *, memory_kind: str | None = None
    ) -> None:
        """``memory_kind`` is by default that of the devices' own memory."""
        self._devices = DeviceList(devices)
        self._hlo_sharding = HloSharding.from_proto(op_sharding) if isinstance(op_sharding, OpSharding) else op_sharding
        self._memory_kind = SingleDeviceSharding(self._devices[0], memory_kind).memory_kind

    @classmethod
    def get_replicated(cls, device_assignment: Sequence[Device], *, memory_kind: str | None = None) -> GSPMDSharding:
        """The whole array on each of the devices."""
        return cls(device_assignment, HloSharding.replicate(), memory_kind=memory_kind)

    @property
    def memory_kind(self) -> str | None:
        """The memory that the parts lie in."""
        return self._memory_kind

    def with_memory_kind(self, kind: str) -> GSPMDSharding:
        """The same in another memory."""
        return GSPMDSharding(self._devices, self._hlo_sharding, memory_kind=kind)

    @property
    def _device_assignment(self) -> tuple[Device, ...]:
        return tuple(self._devices)

    def _tiling(self, ndim: int) -> list[tuple[Any, ...]]:
        ways, _ = get_num_ways_dim_sharded(self._hlo_sharding)
        return [(axis,) for axis in range(len(ways))] + [()] * (ndim - len(ways))

    def _axis_size(self, axis: Any) -> int:
        return get_num_ways_dim_sharded(self._hlo_sharding)[0][axis]

    @property
    def is_fully_replicated(self) -> bool:
        """Whether every device has the whole array."""
        return is_hlo_sharding_replicated(self._hlo_sharding)

    def check_compatible_aval(self, aval_shape: Sequence[int]) -> None:
        """Raise where an array of this shape has too few axes to be split so."""
        ways, _ = get_num_ways_dim_sharded(self._hlo_sharding)
        if len(aval_shape) < len(ways):
            raise ValueError(
                f"Sharding {self} is only valid for values of rank at least {len(ways)}, but was applied to a value of "
                f"rank {len(aval_shape)}"
            )

    def devices_indices_map(self, global_shape: Sequence[int]) -> Mapping[Device, tuple[slice, ...]]:
        """Device to the slices of the array that lie on it."""
        self.shard_shape(global_shape)
        indices = op_sharding_to_indices(self._hlo_sharding, global_shape, len(self._devices))
        return dict(zip(self._devices, indices, strict=True))

    def _key(self) -> tuple[Any, ...]:
        grid = HloSharding.replicate() if self.is_fully_replicated else self._hlo_sharding
        return self._device_assignment, grid, self._memory_kind

    def __eq__(self, other: object) -> bool:
        """Same devices, grid and memory."""
        return isinstance(other, GSPMDSharding) and self._key() == other._key()

    def __hash__(self) -> int:
        """By value."""
        return hash(self._key())

    def __repr__(self) -> str:
        """``GSPMDSharding({devices=[4,2]<=[8]}, memory_kind=device)``."""
        memory = "" if self._memory_kind is None else f", memory_kind={self._memory_kind}"
        return f"GSPMDSharding({self._hlo_sharding!r}{memory})"


def get_num_ways_dim_sharded(hlo_sharding: HloSharding) -> tuple[list[int], int]:
    """How often each axis of an array is cut, and how many devices have the same part."""
    if hlo_sharding.is_replicated() or hlo_sharding.is_unreduced():
        return [], 1
    dims = hlo_sharding.tile_assignment_dimensions()
    last = hlo_sharding._last
    if not set(last) <= {Type.REPLICATED, Type.UNREDUCED}:
        raise NotImplementedError(f"devices that have neither the same nor a sum's part: {hlo_sharding}")  # nor in JAX
    data = len(dims) - len(last)
    return dims[:data], math.prod(n for n, t in zip(dims[data:], last, strict=True) if t is Type.REPLICATED)


def is_hlo_sharding_replicated(hc: HloSharding) -> bool:
    """Whether each device has the whole."""
    return hc.num_devices() == 1 or hc.is_replicated()


def are_hlo_shardings_equal(hc1: HloSharding, hc2: HloSharding) -> bool:
    """Whether both put the same on each device."""
    return (is_hlo_sharding_replicated(hc1) and is_hlo_sharding_replicated(hc2)) or hc1 == hc2


def op_sharding_to_indices(
    op_sharding: HloSharding, shape: Sequence[int], num_devices: int
) -> tuple[tuple[slice, ...], ...]:
    """The slices of an array of this shape on each device."""
    if is_hlo_sharding_replicated(op_sharding):
        return ((slice(None),) * len(shape),) * num_devices
    ways, repeats = get_num_ways_dim_sharded(op_sharding)
    found: list[Any] = [None] * num_devices
    for place, device in enumerate(op_sharding.tile_assignment_devices()):
        at = np.unravel_index(place // repeats, ways)
        parts = [(int(k), size // n, n) for k, size, n in zip(at, shape, ways, strict=True)]
        found[device] = tuple(slice(k * n, (k + 1) * n) if several > 1 else slice(None) for k, n, several in parts)
    return tuple(found)


def op_sharding_to_numpy_indices(hlo_sharding: HloSharding, shape: Sequence[int], num_devices: int) -> Any:
    """The same as a numpy array of tuples."""
    made = np.empty(num_devices, dtype=np.object_)
    for k, index in enumerate(op_sharding_to_indices(hlo_sharding, shape, num_devices)):
        made[k] = index
    return made


def parse_flatten_op_sharding(hlo_sharding: OpSharding | HloSharding, mesh: Mesh | AbstractMesh) -> list[P]:
    """The spec that splits over the axes of a mesh as a grid does; of a tuple all of them."""
    if isinstance(hlo_sharding, OpSharding):
        hlo_sharding = HloSharding.from_proto(hlo_sharding)
    if parts := hlo_sharding.tuple_elements():
        return [spec for part in parts for spec in parse_flatten_op_sharding(part, mesh)]
    if hlo_sharding.is_replicated() or (hlo_sharding.is_maximal() and mesh.size == 1):
        return [P()]
    if not hlo_sharding.is_tiled() or len(hlo_sharding.subgroup_types()) > 1:
        raise NotImplementedError(f"{hlo_sharding} says nothing of a mesh's axes")  # nor in JAX
    # A mesh axis that the grid runs along: the numbers of two neighbours differ by as much as in the mesh.
    strides = {name: math.prod(mesh.axis_sizes[k + 1 :]) for k, name in enumerate(mesh.axis_names)}
    numbers = np.asarray(hlo_sharding.tile_assignment_devices())
    ways, _ = get_num_ways_dim_sharded(hlo_sharding)
    entries: list[tuple[Any, ...]] = []
    outer = 1
    for size in ways:
        names: list[Any] = []
        while size > 1:
            left = [n for n in mesh.axis_names if mesh.shape[n] > 1 and n not in (*names, *(a for e in entries for a in e))]
            fitting = [
                n for n in left
                if numbers.size % (outer * mesh.shape[n]) == 0 and numbers[numbers.size // (outer * mesh.shape[n])] == strides[n]
            ]  # fmt: skip
            axis = (fitting or left)[0]
            if size % mesh.shape[axis]:
                raise IndivisibleError(
                    f"shape={hlo_sharding.tile_assignment_dimensions()} is incompatible with "
                    f"mesh_shape={mesh.shape}: dim_size={size} is not divisible by axis_size={mesh.shape[axis]}."
                )
            size, outer = size // mesh.shape[axis], outer * mesh.shape[axis]
            names.append(axis)
        entries.append(tuple(names))
    while entries and not entries[-1]:
        entries.pop()
    return [P(*(None if not e else e[0] if len(e) == 1 else e for e in entries))]
