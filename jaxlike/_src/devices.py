"""Devices: one `Device` object per torch device, grouped into a `Client` per platform, under JAX's names.

Platforms are "cpu", "cuda", "rocm", "mps", "xpu" and whatever other accelerator torch was built for; "gpu"
means the one of them that is present. The first accelerator's first device is the default, unless the
flags `jax_platforms` or `jax_default_device` say otherwise. Devices of the CPU may be more than one
(`jax_num_cpu_devices`); torch knows only one, so all of them compute on it.
"""

from __future__ import annotations

import functools
import os
import re
import warnings
from collections.abc import Sequence
from typing import Any, NoReturn, cast

import torch

from jaxlike._src import config, device_facts
from jaxlike._src.config_state import Derived
from jaxlike._src.distributed import global_state
from jaxlike._src.errors import JaxRuntimeError

_GPUS = ("cuda", "rocm", "xpu", "mps")
_ALIASES = {"oneapi": "xpu", "metal": "mps", "METAL": "mps"}
_KNOWN = ("cpu", *_GPUS)


class Memory:
    """A memory space of a device: its own ("device"), or the host's ("pinned_host", "unpinned_host")."""

    __slots__ = ("_device", "_id", "kind")

    def __init__(self, device: Device, kind: str, id: int) -> None:
        """Made by its device."""
        self._device = device
        self._id = id
        self.kind = kind

    @property
    def platform(self) -> str:
        """The platform of its device."""
        return self._device.platform

    @property
    def process_index(self) -> int:
        """The process that it belongs to."""
        return self._device.process_index

    def addressable_by_devices(self) -> list[Device]:
        """The devices that can use it."""
        return [self._device]

    def __str__(self) -> str:
        """``CpuDeviceMemory(id=0, process_index=0, client=cpu)``."""
        name = {
            "device": "CpuDeviceMemory" if self.platform == "cpu" else "GpuHbmMemorySpace",
            "pinned_host": "PinnedHostMemory",
            "unpinned_host": "UnpinnedHostMemorySpace",
        }[self.kind]
        return f"{name}(id={self._id}, process_index={self.process_index}, client={self.platform})"

    def __repr__(self) -> str:
        """``CPU_DEVICE_0``."""
        prefix = f"{self.platform.upper()}_DEVICE" if self.kind == "device" else self.kind.upper()
        return f"{prefix}_{self._id}"


class Device:
    """A device; `torch_device` is what torch calls it. Get one from `jax.devices()`."""

    __slots__ = (
        "__weakref__",
        "_attributes",
        "_memories",
        "client",
        "id",
        "local_hardware_id",
        "torch_device",
    )

    client: Client
    id: int
    local_hardware_id: int
    torch_device: torch.device

    def __init__(self) -> None:
        """Not for users."""
        raise TypeError("Device: no constructor defined!")

    @property
    def platform(self) -> str:
        """ "cpu", "gpu", "mps", ..."""
        return self.client.platform

    @property
    def device_kind(self) -> str:
        """The name of the model: "NVIDIA H100"; "cpu" for the CPU."""
        return device_facts.device_kind(self.torch_device)

    @property
    def process_index(self) -> int:
        """The process that it belongs to."""
        return self.client.process_index()

    host_id = task_id = process_index

    def memory_stats(self) -> dict[str, int] | None:
        """Bytes and allocations of torch's allocator under JAX's names; None where torch has no count."""
        return device_facts.memory_stats(self.torch_device)

    def addressable_memories(self) -> list[Memory]:
        """The memory spaces that it can use, its own first."""
        return list(self._memories)

    def default_memory(self) -> Memory:
        """The memory space that arrays on it live in."""
        return self._memories[0]

    def memory(self, kind: str) -> Memory:
        """The memory space of this kind."""
        for memory in self._memories:
            if memory.kind == kind:
                return memory
        raise JaxRuntimeError(f"INVALID_ARGUMENT: {no_such_memory(self, kind)}")

    def get_stream_for_external_ready_events(self) -> int:
        """The handle of torch's current CUDA stream, for another library to order its work by."""
        if self.torch_device.type != "cuda":
            raise JaxRuntimeError(
                f"UNIMPLEMENTED: get_stream_for_external_ready_events is not implemented for {self}"
            )
        return torch.cuda.current_stream(self.torch_device).cuda_stream

    def __getattr__(self, name: str) -> Any:
        """What only some platforms have: ``compute_capability``, ``core_count`` of a CUDA device."""
        if not name.startswith("_"):
            known = device_facts.gpu_attributes(self.torch_device)
            if name in known:
                return known[name]
        raise AttributeError(f"'Device' object has no attribute '{name}'")

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        """Devices do not change."""
        known = hasattr(type(self), name)
        raise AttributeError(
            "property of 'Device' object has no setter"
            if known
            else f"'Device' object has no attribute '{name}'"
        )

    def __reduce__(self) -> Any:
        """A pickle names the device; it is looked up in the process that loads it."""
        return _find_device, (self.client.key, self.id)

    def __repr__(self) -> str:
        """``CpuDevice(id=0)``, ``CudaDevice(id=0)``."""
        return f"{self.client.key.capitalize()}Device(id={self.id})"

    def __str__(self) -> str:
        """``cpu:0``, ``cuda:0``."""
        return f"{self.client.key}:{self.id}"


class Client:
    """The devices of one platform; JAX's functions accept it as ``backend``."""

    __slots__ = ("_devices", "key")
    runtime_type = "torch"

    def __init__(self, key: str, indices: Sequence[int]) -> None:
        """``key``: "cuda", ...; ``indices``: torch's numbers of the devices to use."""
        self.key = key
        self._devices = tuple(_make_device(self, id, index) for id, index in enumerate(indices))

    @property
    def platform(self) -> str:
        """The platform as devices give it: "gpu" for CUDA and ROCm."""
        return "gpu" if self.key in ("cuda", "rocm") else self.key

    @property
    def platform_version(self) -> str:
        """The version of the software below: PyTorch, and CUDA or HIP."""
        below = {"cuda": f", cuda {torch.version.cuda}", "rocm": f", hip {torch.version.hip}"}
        return f"PyTorch {torch.__version__}{below.get(self.key, '')}"

    def devices(self) -> list[Device]:
        """All devices."""
        return list(self._devices)

    def local_devices(self) -> list[Device]:
        """The devices of this process."""
        return list(self._devices)

    def device_count(self) -> int:
        """How many devices there are."""
        return len(self._devices)

    def local_device_count(self) -> int:
        """How many devices this process has."""
        return len(self._devices)

    def process_index(self) -> int:
        """The number of this process."""
        return global_state.process_id

    host_id = task_id = process_index

    def device_from_local_hardware_id(self, local_hardware_id: int) -> Device:
        """The device of this hardware number."""
        for device in self._devices:
            if device.local_hardware_id == local_hardware_id:
                return device
        raise JaxRuntimeError(f"INVALID_ARGUMENT: No device with local_hardware_id {local_hardware_id}")

    def __repr__(self) -> str:
        """Platform and number of devices."""
        return f"<Client {self.key}, {len(self._devices)} devices>"


def _make_device(client: Client, id: int, index: int) -> Device:
    device = object.__new__(Device)
    put = functools.partial(object.__setattr__, device)
    put("client", client)
    put("id", id)
    put("local_hardware_id", index)
    kind = device_facts.torch_type() if client.key != "cpu" else None
    put("torch_device", torch.device("cpu") if kind is None else torch.device(kind, index))
    kinds = ("device", "pinned_host", "unpinned_host") if client.key == "cpu" else ("device", "pinned_host")
    put("_memories", tuple(Memory(device, kind, id * len(kinds) + i) for i, kind in enumerate(kinds)))
    return device


def no_such_memory(device: Device, kind: str) -> str:
    """JAX's words for a memory kind that ``device`` does not have."""
    kinds = ", ".join(memory.kind for memory in device.addressable_memories())
    return (
        f"Could not find memory addressable by device {device.device_kind}. Device {device.device_kind} "
        f"can address the following memory kinds: {kinds}. Got memory kind: {kind}"
    )


# ------------------------------------------------------------------------------------ which are present


def _cpu_indices() -> tuple[int, ...]:
    count = config.num_cpu_devices.value
    if count is None or count < 0:
        asked = re.search(r"--xla_force_host_platform_device_count=(\d+)", os.getenv("XLA_FLAGS", ""))
        count = int(asked[1]) if asked else 1
    return tuple(range(max(count, 1)))


def _accelerator_indices(key: str) -> tuple[int, ...]:
    count = torch.accelerator.device_count()
    flags = {"cuda": config.cuda_visible_devices, "rocm": config.rocm_visible_devices}
    asked = flags[key].value if key in flags else "all"
    if asked == "all":
        return tuple(range(count))
    return tuple(index for index in map(int, asked.split(",")) if index < count)


@functools.cache
def _client(key: str, indices: tuple[int, ...]) -> Client:
    return Client(key, indices)


def _cpu_client() -> Client:
    config.backends.initialized = True
    return _client("cpu", _cpu_indices())


def _accelerator_client() -> Client | None:
    """The client of the accelerator that torch has a device of, whatever the flags select."""
    config.backends.initialized = True
    key = device_facts.accelerator()
    indices = () if key is None else _accelerator_indices(key)
    return _client(key, indices) if key is not None and indices else None


def _matches(name: str, client: Client) -> bool:
    """Whether a user's word for a platform, perhaps "gpu", means this one."""
    return client.key == _ALIASES.get(name, name) or (name == "gpu" and client.key in _GPUS)


def _select() -> tuple[dict[str, Client], Client]:
    """The platforms in use by name, and the default one."""
    if not config.platforms.value:
        present = [client for client in (_cpu_client(), _accelerator_client()) if client is not None]
        return {client.key: client for client in present}, present[-1]
    chosen: list[Client] = []
    for name in config.platforms.value.split(","):
        client = _cpu_client() if name == "cpu" else _accelerator_client()
        if client is None or not _matches(name, client):
            known = name == "gpu" or _ALIASES.get(name, name) in (*_KNOWN, "tpu")
            why = (
                f"PyTorch {torch.__version__} finds no such device"
                if known
                else f"Backend '{name}' is not in the list of known backends: {list(_KNOWN)}."
            )
            raise RuntimeError(
                f"Unable to initialize backend '{name}': {why} (set JAX_PLATFORMS='' to automatically "
                "choose an available backend)"
            )
        chosen.append(client)
    return {client.key: client for client in chosen}, chosen[0]


_platform_flags = (
    config.platforms,
    config.platform_name,
    config.xla_backend,
    config.num_cpu_devices,
    config.cuda_visible_devices,
    config.rocm_visible_devices,
)
_selected = Derived(_select, _platform_flags)


def backends() -> dict[str, Client]:
    """The platforms in use, by name."""
    return _selected.read()[0]


def initialized_backends() -> dict[str, Client]:
    """The platforms in use, once something asked for one."""
    return backends() if config.backends.initialized else {}


def get_backend(platform: str | Client | None = None) -> Client:
    """The client of a platform; by default that of the default device's platform."""
    if platform is not None and not isinstance(platform, str):
        return platform
    name = platform or config.xla_backend.value or config.platform_name.value
    selected, default = _selected.read()
    if not name:
        return default
    for client in selected.values():
        if _matches(name, client):
            return client
    if name == "gpu":
        raise RuntimeError(
            "Unknown backend: 'gpu' requested, but no platforms that are instances of gpu are present. "
            f"Platforms present are: {','.join(selected)}"
        )
    if name == "tpu":
        raise RuntimeError(
            f"Backend 'tpu' failed to initialize: PyTorch has no TPU. Available backends are {list(selected)}"
        )
    raise RuntimeError(f"Unknown backend {name}. Available backends are {list(selected)}")


def _find_device(key: str, id: int) -> Device:
    return get_backend(key).devices()[id]


# ------------------------------------------------------------------------------------ public functions


def devices(backend: str | Client | None = None) -> list[Device]:
    """The devices of a platform; by default of the first accelerator, or the CPU where there is none."""
    return get_backend(backend).devices()


def local_devices(
    process_index: int | None = None, backend: str | Client | None = None, host_id: int | None = None
) -> list[Device]:
    """The devices of one process, this one by default."""
    if host_id is not None:
        warnings.warn(
            "The argument to jax.local_devices has been renamed from `host_id` to `process_index`. This "
            "alias will eventually be removed; please update your code.",
            stacklevel=2,
        )
        process_index = host_id
    if process_index is None:
        process_index = get_backend(backend).process_index()
    if not 0 <= process_index < process_count(backend):
        raise ValueError(f"Unknown process_index {process_index}")
    return [device for device in devices(backend) if device.process_index == process_index]


def device_count(backend: str | Client | None = None) -> int:
    """How many devices a platform has, over all processes."""
    return get_backend(backend).device_count()


def local_device_count(backend: str | Client | None = None) -> int:
    """How many devices of a platform this process has."""
    return get_backend(backend).local_device_count()


def default_backend() -> str:
    """The name of the default platform: "cpu", "gpu", "mps", ..."""
    return get_backend(None).platform


def process_index(backend: str | Client | None = None) -> int:
    """The number of this process."""
    return get_backend(backend).process_index()


def process_count(backend: str | Client | None = None) -> int:
    """How many processes share the program."""
    devices(backend)  # what is no backend is an error
    return global_state.num_processes


def process_indices(backend: str | Client | None = None) -> list[int]:
    """The numbers of all processes."""
    return list(range(process_count(backend)))


def _renamed(old: str, new: str) -> None:
    warnings.warn(
        f"jax.{old} has been renamed to jax.{new}. This alias will eventually be removed; please update "
        "your code.",
        stacklevel=3,
    )


def host_id(backend: str | Client | None = None) -> int:
    """Old name of `process_index`."""
    _renamed("process_index", "process_index")  # JAX's words, which name the new name twice
    return process_index(backend)


def host_count(backend: str | Client | None = None) -> int:
    """Old name of `process_count`."""
    _renamed("process_count", "process_count")
    return process_count(backend)


def host_ids(backend: str | Client | None = None) -> list[int]:
    """Old name of `process_indices`."""
    _renamed("process_indexs", "process_indices")
    return process_indices(backend)


# --------------------------------------------------------------------------------------- torch and back


def _default_device() -> Device:
    asked = config.default_device.value
    if asked is None:
        return get_backend(None).local_devices()[0]
    return get_backend(asked).local_devices()[0] if isinstance(asked, str) else asked


_default = Derived(_default_device, (config.default_device, *_platform_flags))
_default_torch = Derived(lambda: _default.read().torch_device, (config.default_device, *_platform_flags))
default_device = _default.read
default_torch_device = _default_torch.read  # read by every function that makes an array: cached per thread


def to_torch_device(x: Any = None) -> torch.device:
    """The torch device of a Device, a sharding on one device, a platform's name, None (the default)."""
    if x is None:
        return default_torch_device()
    if isinstance(x, Device):
        return x.torch_device
    if isinstance(x, torch.device):
        return x
    if isinstance(x, str):
        return get_backend(x).local_devices()[0].torch_device
    devices_of_sharding = getattr(x, "_device_assignment", None)
    if devices_of_sharding is None:
        raise ValueError(f"Expected a Device, a Sharding or the name of a platform, got {x!r}")
    return devices_of_sharding[0].torch_device


_devices_of_torch: Derived[dict[torch.device, Device]] = Derived(dict, _platform_flags)


def device_of(device: torch.device) -> Device:
    """The Device that stands for a torch device (the first one, of several simulated on the CPU)."""
    known = _devices_of_torch.read()
    found = known.get(device)
    if found is None:
        found = known[device] = _look_up(device)
    return found


def _look_up(device: torch.device) -> Device:
    client = _cpu_client() if device.type == "cpu" else _accelerator_client()
    if client is not None and device.type in ("cpu", device_facts.torch_type()):
        index = 0 if device.type == "cpu" else cast("int | None", device.index)  # its stub: never None
        if index is None:
            index = torch.accelerator.current_device_index()
        for candidate in client.devices():
            if candidate.local_hardware_id == index:
                return candidate
    raise ValueError(f"No device of this process stands for the torch device '{device}'")


class DeviceList(tuple[Device, ...]):
    """Devices in an order, as shardings of JAX keep them."""

    __slots__ = ()

    @property
    def is_fully_addressable(self) -> bool:
        """Whether all are of this process."""
        return all(d.process_index == process_index() for d in self)

    @property
    def addressable_device_list(self) -> DeviceList:
        """Those of this process."""
        return DeviceList(d for d in self if d.process_index == process_index())

    @property
    def device_kind(self) -> str:
        """What the first is called."""
        return self[0].device_kind
