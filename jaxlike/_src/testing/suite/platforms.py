"""platforms: what the machine under test is, and marks that skip a test where it has no meaning."""

from __future__ import annotations

import functools
import math
import os
import re
import sys
import sysconfig
import unittest
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from jaxlike._src import config
from jaxlike._src.devices import default_backend, device_count, devices, get_backend, local_devices
from jaxlike._src.mesh import AxisType, Mesh, set_mesh
from jaxlike._src.mesh_utils import make_mesh
from jaxlike._src.version import __version__ as served_version


def device_under_test() -> str:
    """The platform that tests run on: ``cpu`` or ``gpu``; the variable ``JAX_TEST_DUT`` names another."""
    return os.getenv("JAX_TEST_DUT") or default_backend()


def _tags() -> set[str]:
    kind = {"rocm"} if is_device_rocm() else {"cuda"} if is_device_cuda() else set[str]()
    return {device_under_test()} | kind


def is_device_rocm() -> bool:
    """Whether it is an AMD GPU."""
    return "rocm" in get_backend().platform_version


def is_device_cuda() -> bool:
    """Whether it is an NVIDIA GPU."""
    return "cuda" in get_backend().platform_version


def _never(*_args: Any, **_kwargs: Any) -> bool:
    """No: TPUs and sanitizers' builds are not among torch's."""
    return False


is_cloud_tpu = is_cloud_tpu_at_least = is_device_tpu = is_device_tpu_at_least = _never
is_asan = is_msan = is_tsan = is_sanitized = is_test_rbe = _never


def is_optimized_build() -> bool:
    """Yes: torch's wheels are."""
    return True


def is_gil_disabled() -> bool:
    """Whether Python runs without its global lock."""
    return bool(sysconfig.get_config_var("Py_GIL_DISABLED"))


def pjrt_c_api_version_at_least(major_version: int, minor_version: int) -> bool:
    """True, as JAX says where devices are no plugin of XLA's."""
    del major_version, minor_version
    return True


def stablehlo_version_at_least(required_version: str) -> bool:
    """True likewise."""
    del required_version
    return True


def get_tpu_version() -> int:
    """ValueError: there is no TPU."""
    raise ValueError("Device is not TPU")


def _capability() -> tuple[int, int] | None:
    import torch

    return torch.cuda.get_device_capability() if is_device_cuda() else None


def is_cuda_compute_capability_at_least(capability: str) -> bool:
    """Whether the GPU's compute capability is ``capability``, such as "9.0", or newer."""
    found = _capability()
    return found is not None and found >= parse_version(capability)


def is_cuda_compute_capability_equal(capability: str) -> bool:
    """Whether the GPU's compute capability is ``capability``."""
    return _capability() == parse_version(capability)


def is_cuda_version_at_least(major: int, minor: int) -> bool:
    """Whether torch is built for that version of CUDA, or a newer one."""
    import torch

    return torch.version.cuda is not None and parse_version(torch.version.cuda) >= (major, minor)


def pattern_search(patterns: str | Sequence[str], string: str) -> str | None:
    """The first of the regular expressions that is found in ``string``."""
    listed = (patterns,) if isinstance(patterns, str) else patterns
    return next((pattern for pattern in listed if re.search(pattern, string)), None)


def device_kind_match(device_patterns: str | Sequence[str]) -> str | None:
    """The first of the regular expressions that is found in the name of the device."""
    return pattern_search(device_patterns, devices()[0].device_kind)


def runtime_environment() -> str | None:
    """Which build system runs the tests: none."""
    return None


# Versions


def parse_version(v: str) -> tuple[int, ...]:
    """The numbers of a version, without what follows them; ValueError where there are none."""
    found = re.match(r"([0-9]+(?:\.[0-9]+)*)(?:(rc|dev).*)?", v)
    if found is None:
        raise ValueError(f"Unable to parse version '{v}'")
    return tuple(map(int, found.group(1).split(".")))


def numpy_version() -> tuple[int, ...]:
    """Of numpy."""
    return parse_version(np.__version__)


def jaxlib_version() -> tuple[int, ...]:
    """Of the jaxlib whose place is taken."""
    return parse_version(served_version)


# Marks


def _skipping(unless: Callable[[], bool], reason: Callable[[str], str]) -> Any:
    def mark(test_method: Any) -> Any:
        @functools.wraps(test_method)
        def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
            if not unless():
                raise unittest.SkipTest(reason(getattr(test_method, "__name__", "[unknown test]")))
            return test_method(self, *args, **kwargs)

        return wrapper

    return mark


def test_device_matches(device_types: Iterable[str]) -> bool:
    """Whether the device under test is of one of these kinds: ``cpu``, ``gpu``, ``cuda`` ..."""
    if isinstance(device_types, str):
        raise AssertionError("device_types should be a list of strings")
    return bool(_tags() & set(device_types))


test_device_matches.__test__ = False  # pyright: ignore[reportFunctionMemberAccess]  # pytest: not a test


def skip_on_devices(*disabled_devices: str, skip_reason: str | None = None) -> Any:
    """A decorator: skip the test on these devices."""
    why = skip_reason or f"Skipped on devices with tags: {', '.join(disabled_devices)}"
    return _skipping(lambda: not test_device_matches(disabled_devices), lambda _: why)


def run_on_devices(*enabled_devices: str, skip_reason: str | None = None) -> Any:
    """A decorator: skip the test on all other devices."""
    why = skip_reason or f"Skipped unless running on devices with tags: {', '.join(enabled_devices)}"
    return _skipping(lambda: test_device_matches(enabled_devices), lambda _: why)


def device_supports_buffer_donation() -> Any:
    """A decorator: skip the test where arguments cannot be donated; here they can everywhere."""
    return _skipping(lambda: True, lambda name: f"{name} not supported on device with tags {_tags()}.")


def skip_on_flag(flag_name: str, skip_value: Any) -> Any:
    """A decorator: skip the test where a flag has that value."""
    return _skipping(
        lambda: config.config._read(flag_name) != skip_value,
        lambda name: f"{name} not supported when FLAGS.{flag_name} is {skip_value}",
    )


def is_running_under_pytest() -> bool:
    """Whether pytest is in this process."""
    return "pytest" in sys.modules


def skip_under_pytest(reason: str) -> Any:
    """A decorator: skip the test where pytest runs it."""
    return unittest.skipIf(is_running_under_pytest(), f"Running under pytest: {reason}")


def pytest_mark_if_available(marker: str) -> Any:
    """A decorator: a mark of pytest's; nothing where there is no pytest."""

    def mark(test: Any) -> Any:
        try:
            import pytest
        except ImportError:
            return test
        return getattr(pytest.mark, marker)(test)

    return mark


# Devices and meshes


def request_cpu_devices(nr_devices: int) -> None:
    """Ask for at least that many CPU devices, at the head of a test file; without effect once devices are in use."""
    if config.config._read("jax_num_cpu_devices") < nr_devices:
        try:
            config.update("jax_num_cpu_devices", nr_devices)
        except RuntimeError:
            return  # tests that need more devices than there are skip themselves


@contextmanager
def with_mesh(named_shape: Sequence[tuple[str, int]]) -> Iterator[None]:
    """A context: a mesh of local devices with these axes; the test is skipped where there are too few."""
    names, shape = [name for name, _ in named_shape], [size for _, size in named_shape]
    found, size = local_devices(), math.prod(shape)
    if len(found) < size:
        raise unittest.SkipTest(f"Test requires {size} local devices")
    with Mesh(np.array(found[:size]).reshape(shape), tuple(names)):
        yield


def with_mesh_from_kwargs(f: Any) -> Any:
    """A decorator: run the test inside a mesh of the axes that its argument ``mesh`` names."""
    return lambda *args, **kwargs: with_mesh(kwargs["mesh"])(f)(*args, **kwargs)


def create_mesh(mesh_shape: Any, axis_names: Any, iota_order: bool = False, axis_types: Any = None) -> Mesh:
    """A mesh of that shape; the test is skipped where there are too few devices."""
    size = math.prod(mesh_shape)
    if device_count() < size:
        raise unittest.SkipTest(f"Test requires {size} global devices and found {device_count()}.")
    if iota_order:
        chosen = sorted(devices(), key=lambda d: d.id)[:size]
        return Mesh(np.array(chosen).reshape(mesh_shape), axis_names, axis_types=axis_types)
    return make_mesh(mesh_shape, axis_names, axis_types or (AxisType.Auto,) * len(mesh_shape))


def with_explicit_mesh(sizes: Any, names: Any, axis_types: Any = None, iota_order: bool = False) -> Any:
    """A decorator: run the test, which takes ``mesh``, inside a mesh whose axes are explicit unless given."""

    def decorator(fn: Any) -> Any:
        def mesh_fn(*args: Any, **kwargs: Any) -> Any:
            types = axis_types or (AxisType.Explicit,) * len(names)
            mesh = create_mesh(sizes, names, iota_order, axis_types=types)
            with set_mesh(mesh):
                return fn(*args, **kwargs, mesh=mesh)

        return mesh_fn

    return decorator
