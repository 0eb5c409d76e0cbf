"""array_memory: where an Array's values are: device, sharding, shards, buffer; and freeing them.

Traced values are nowhere. For some of these names JAX then says that values are needed, for others that a tracer
has no such attribute (so that `hasattr` tells): `of_values` and `OfValues` are the two.
A deleted Array keeps its shape and dtype; its frame is `DELETED`, which every use of its values runs into.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import torch

from jaxlike._src import border, torch_private
from jaxlike._src.array import Array, ShapedArray
from jaxlike._src.array_convert import copy, plain_tensor
from jaxlike._src.device_put import device_put, wait_for
from jaxlike._src.devices import device_of
from jaxlike._src.errors import ConcretizationTypeError, JaxRuntimeError, describe, origin
from jaxlike._src.frames import DELETED
from jaxlike._src.layout import Format, usual_layout
from jaxlike._src.memory import MemorySpace
from jaxlike._src.mesh import empty_abstract_mesh
from jaxlike._src.partition_spec import P
from jaxlike._src.placement import place, placed
from jaxlike._src.sharding import NamedSharding, SingleDeviceSharding, sharding_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from jaxlike._src.devices import Device
    from jaxlike._src.sharding import Sharding


def of_values(said: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A method or property that a traced value refuses with a ConcretizationTypeError of these words."""

    def lift(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def method(x: Array, *args: Any, **kwargs: Any) -> Any:
            if border.is_traced(x):
                raise ConcretizationTypeError(x, f"The {said} on {describe(x)}.{origin(x)}")
            return function(x, *args, **kwargs)

        return method

    return lift


class OfValues:
    """A method (or property) that traced values do not have."""

    def __init__(self, function: Callable[..., Any], *, is_property: bool = False, named: bool = False) -> None:
        self.function = function
        self.is_property = is_property
        self.named = named  # whether the error names the method, or the class of the tracer
        self.__name__, self.__doc__ = function.__name__, function.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self.__name__ = name

    def __get__(self, x: Array | None, owner: type) -> Any:
        if x is None:
            return self if self.is_property else self.function
        if border.is_traced(x):
            if self.named:
                raise AttributeError(f"The '{self.__name__}' method is not available on {describe(x)}.{origin(x)}")
            raise AttributeError(f"{border.tracer_kind(x)} has no attribute {self.__name__}")
        return self.function(x) if self.is_property else self.function.__get__(x)


def _check_alive(x: Array) -> None:
    if x._frame is DELETED:
        raise border.deleted_error(x)


def _sharding_of(x: Array) -> Sharding:
    """How the values were placed, or else the sharding on their device."""
    known = placed(x)
    return sharding_of(_torch_device_of(x)) if known is None else known


def _torch_device_of(x: Array) -> torch.device:
    """The device of the values; of a value under grad or jvp that of what it wraps."""
    tensor = x._t
    while torch_private.is_wrapped(tensor):
        tensor = torch_private.wrapped_value(tensor)
    return tensor.device


# Devices


def _device(x: Array) -> Device | Sharding:
    """The device that holds the values; their sharding where there are several."""
    _check_alive(x)
    sharding = _sharding_of(x)
    return next(iter(sharding.device_set)) if sharding.num_devices == 1 else sharding


@of_values("devices() method was called")
def _devices(x: Array) -> set[Device]:
    """The devices that hold the values."""
    _check_alive(x)
    return _sharding_of(x).device_set


def _platform(x: Array) -> str:
    """The platform of the device: "cpu", "gpu", ..."""
    _check_alive(x)
    return device_of(_torch_device_of(x)).platform


def _sharding(x: Array) -> Sharding:
    """How the values lie on devices."""
    if border.is_traced(x):
        raise AttributeError(
            f"The 'sharding' attribute is not available on {describe(x)}. To query sharding information on tracers, "
            "use `jax.typeof(x)`."
        )
    return _sharding_of(x)


@of_values("'committed' attribute is not available")
def _committed(x: Array) -> bool:
    """Whether the values were put on their devices on purpose."""
    return placed(x) is not None


def _format(x: Array) -> Format:
    """The order of its axes in memory, and how the values lie on devices."""
    if border.is_traced(x):
        raise AttributeError(f"{border.tracer_kind(x)} has no attribute format")
    return Format(usual_layout(x.ndim), _sharding_of(x))


@of_values("is_fully_addressable property was called")
def _is_fully_addressable(x: Array) -> bool:
    """Whether this process can read all of the values: always."""
    return True


@of_values("is_fully_replicated property was called")
def _is_fully_replicated(x: Array) -> bool:
    """Whether every device of the sharding holds all of the values."""
    return _sharding_of(x).is_fully_replicated


def _to_device(x: Array, device: Any, *, stream: Any = None) -> Array:
    """The values on another device."""
    if stream is not None:
        raise NotImplementedError("stream argument of array.to_device()")
    return device_put(x, device)


class Shard:
    """The part of an Array that one device holds."""

    def __init__(self, device: Device, sharding: Any, global_shape: tuple[int, ...], data: Any = None) -> None:
        """``sharding`` says which part of an array of ``global_shape`` that is; ``data`` are its values."""
        self._device, self._sharding, self._shape, self._data = device, sharding, global_shape, data

    @property
    def device(self) -> Device:
        """The device that holds it."""
        return self._device

    @property
    def data(self) -> Any:
        """Its values."""
        return self._data

    @property
    def index(self) -> tuple[slice, ...]:
        """Where it lies in the Array."""
        return self._sharding.devices_indices_map(self._shape)[self._device]

    @property
    def replica_id(self) -> int:
        """Which copy of these values it is."""
        everywhere = self._sharding.devices_indices_map(self._shape)
        before = list(everywhere)[: list(everywhere).index(self._device)]
        return sum(everywhere[d] == everywhere[self._device] for d in before)

    def __repr__(self) -> str:
        """``Shard(device=CpuDevice(id=0), index=(slice(None, None, None),), replica_id=0, data=[0. 1.])``."""
        return f"Shard(device={self.device!r}, index={self.index}, replica_id={self.replica_id}, data={self.data})"


def _shards(x: Array) -> list[Shard]:
    _check_alive(x)
    sharding = _sharding_of(x)
    if sharding.num_devices == 1:
        return [Shard(next(iter(sharding.device_set)), sharding, x.shape, x)]
    tensor = border.unwrap(x)
    return [
        Shard(
            d, sharding, x.shape, place(type(x)(tensor[index], x._tag), SingleDeviceSharding(d, sharding.memory_kind))
        )
        for d, index in sharding.devices_indices_map(x.shape).items()
    ]


@of_values("'addressable_shards' attribute is not available")
def _addressable_shards(x: Array) -> list[Shard]:
    """The parts that this process can read."""
    return _shards(x)


@of_values("global_shards property was called")
def _global_shards(x: Array) -> list[Shard]:
    """The parts on all devices."""
    return _shards(x)


@of_values("addressable_data() method was called")
def _addressable_data(x: Array, index: int) -> Array:
    """The values of one of the parts that this process can read."""
    shards = _shards(x)
    return shards[0 if _sharding_of(x).is_fully_replicated else index].data


# The buffer


def _block_until_ready(x: Array) -> Array:
    """Wait until the values are computed; returns the array."""
    if x._frame is DELETED:
        raise JaxRuntimeError("INVALID_ARGUMENT: BlockHostUntilReady() called on deleted or donated buffer")
    wait_for(x._t.device)
    return x


def _is_ready(x: Array) -> bool:
    """Whether the values are computed (on a CPU always)."""
    _check_alive(x)
    device = _torch_device_of(x)
    return device.type != "cuda" or torch.cuda.current_stream(device).query()


def _copy_to_host_async(x: Array) -> None:
    """Accepted: values are copied to the host when they are read there."""
    _check_alive(x)


@of_values("is_deleted() method was called")
def _is_deleted(x: Array) -> bool:
    """Whether `delete` was called."""
    return x._frame is DELETED


@of_values("delete() method was called")
def _delete(x: Array) -> None:
    """Free the values (unless another Array shares them); using them raises from now on."""
    if x._frame is not DELETED:
        with torch_private.outside():
            x._t = x._t.new_empty(()).expand(x._t.shape)
        x._frame = DELETED


@of_values("on_device_size_in_bytes() method was called")
def _on_device_size_in_bytes(x: Array) -> int:
    """Bytes of the values on the device."""
    if x._frame is DELETED:
        raise JaxRuntimeError("INVALID_ARGUMENT: GetOnDeviceSizeInBytes() called on deleted or donated buffer")
    return x._t.numel() * x._t.element_size()


def _unsafe_buffer_pointer(x: Array) -> int:
    """The address of the first element on the device."""
    if x._frame is DELETED:
        raise JaxRuntimeError("INVALID_ARGUMENT: UnsafeBufferPointer() called on deleted or donated buffer")
    return plain_tensor(x, "unsafe_buffer_pointer").data_ptr()


def _cuda_array_interface(x: Array) -> Any:
    """The protocol by which CUDA libraries read each other's arrays."""
    tensor = plain_tensor(x, "__cuda_array_interface__")
    if tensor.device.type != "cuda":
        raise AttributeError("__cuda_array_interface__ is only defined for GPU buffers.")
    return tensor.__cuda_array_interface__


@of_values("traceback property was called")
def _traceback(x: Array) -> None:
    """None: where an Array was made is not recorded."""


def _device_buffer(x: Array) -> Any:
    """Not any more: use ``arr.addressable_data(0)``."""
    raise AttributeError("arr.device_buffer has been deprecated. Use arr.addressable_data(0)")


def _device_buffers(x: Array) -> Any:
    """Not any more: use ``arr.addressable_shards``."""
    raise AttributeError("arr.device_buffers has been deprecated. Use [x.data for x in arr.addressable_shards]")


_BOUND: dict[str, Any] = {
    "device": OfValues(_device, is_property=True),
    "devices": _devices,
    "platform": OfValues(_platform),
    "sharding": property(_sharding),
    "committed": property(_committed),
    "_committed": property(_committed),
    "is_fully_addressable": property(_is_fully_addressable),
    "is_fully_replicated": property(_is_fully_replicated),
    "to_device": _to_device,
    "addressable_shards": property(_addressable_shards),
    "global_shards": property(_global_shards),
    "addressable_data": _addressable_data,
    "format": property(_format),
    "block_until_ready": OfValues(_block_until_ready, named=True),
    "is_ready": OfValues(_is_ready),
    "copy_to_host_async": OfValues(_copy_to_host_async, named=True),
    "clone": OfValues(copy),
    "is_deleted": _is_deleted,
    "delete": _delete,
    "on_device_size_in_bytes": _on_device_size_in_bytes,
    "unsafe_buffer_pointer": _unsafe_buffer_pointer,
    "traceback": property(_traceback),
    "device_buffer": OfValues(_device_buffer, is_property=True),
    "device_buffers": OfValues(_device_buffers, is_property=True),
    "__cuda_array_interface__": property(_cuda_array_interface),
}


def _type_sharding(aval: ShapedArray) -> NamedSharding:
    """Not split over any mesh: what the type of every array says."""
    return NamedSharding(empty_abstract_mesh, P(*[None] * len(aval.shape)))


ShapedArray.sharding = property(_type_sharding)  # pyright: ignore[reportAttributeAccessIssue]
ShapedArray.memory_space = MemorySpace.Device  # pyright: ignore[reportAttributeAccessIssue]
for _name, _attribute in _BOUND.items():
    setattr(Array, _name, _attribute)
    if isinstance(_attribute, OfValues):
        _attribute.__set_name__(Array, _name)
