"""Small services at the top: a report of the installation, the live arrays, running without `jit`."""

from __future__ import annotations

import gc
import os
import platform as host
import shutil
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

from jaxlike._src import border, config, devices, version
from jaxlike._src.array import Array
from jaxlike._src.devices import Device


@contextmanager
def disable_jit(disable: bool = True) -> Iterator[None]:
    """Under this, `jit`, `scan`, `cond`, ... call the Python functions on real values."""
    with config.disable_jit(disable):
        yield


def print_environment_info(return_string: bool = False) -> str | None:
    """Print versions, devices and settings, as a report of a fault needs them; or return the text."""
    lines = [
        f"jax:    {version.__version__} (served by jaxlike {version.jaxlike_version})",
        f"jaxlib: none; torch {torch.__version__}",
        f"numpy:  {np.__version__}",
        f"python: {' '.join(sys.version.splitlines())}",
        f"device info: {devices.devices()[0].device_kind}-{devices.device_count()}, "
        f'{devices.local_device_count()} local devices"',
        f"process_count: {devices.process_count()}",
        f"platform: {host.uname()}",
        *(f"{k}={v}" for k, v in os.environ.items() if k.startswith(("JAX_", "JAXLIKE_", "XLA_", "TORCH"))),
    ]
    smi = shutil.which("nvidia-smi")
    if smi is not None:
        report = subprocess.run([smi], capture_output=True, text=True, check=False)
        if report.returncode == 0:
            lines += ["", "$ nvidia-smi", report.stdout]
    info = "\n".join(lines)
    if return_string:
        return info
    print(info)
    return None


def live_arrays(platform: str | None = None) -> list[Array]:
    """All Arrays with values on a platform (by default the default one) that are still referred to.

    They are found among the objects that Python's garbage collector knows, so keeping them costs nothing.
    """
    types = {device.torch_device.type for device in devices.get_backend(platform).devices()}
    return [
        found
        for found in gc.get_objects()
        if issubclass(type(found), Array)
        and border.raw_parts(found._t) is None
        and found._t.device.type in types
    ]


def _live_buffers(device: Device) -> list[Array]:
    """The Arrays on this device; old."""
    warnings.warn(
        "Per device live_buffers() is deprecated. Please use the jax.live_arrays() for jax.Arrays instead.",
        DeprecationWarning,
        stacklevel=2,
    )
    return [x for x in live_arrays(device.platform) if x._t.device == device.torch_device]


Device.live_buffers = _live_buffers  # pyright: ignore[reportAttributeAccessIssue]  # bound late: needs Array
