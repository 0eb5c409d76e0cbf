"""The two frameworks, imported side by side and switched together.

`EXPECTED` is the real jax, `ACTUAL` is jaxlike: modules that are used through the same attribute paths.
The import substitution is never installed here, since it would replace the oracle.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import os
import runpy
from collections.abc import Iterator
from typing import Any

from jaxlike._src import private_names

# Any: one program is handed either module, so neither module's type can be promised to it.
EXPECTED: Any = importlib.import_module("jax")
# COMPAT_ACTUAL=jax compares jax with itself, which checks the tables: each must pass then.
ACTUAL: Any = importlib.import_module(os.environ.get("COMPAT_ACTUAL", "jaxlike"))

# What `import jax` alone does not bring, and a program may reach as an attribute.
SUBMODULES = (
    "ad_checkpoint custom_batching custom_derivatives debug dlpack dtypes errors experimental.checkify"
    " experimental.jet export extend.core flatten_util image interpreters.ad lax lax.linalg nn nn.initializers numpy"
    " numpy.fft numpy.linalg ops profiler random scipy scipy.cluster.vq scipy.fft scipy.integrate"
    " scipy.interpolate scipy.linalg scipy.ndimage scipy.optimize scipy.signal"
    " scipy.sparse.linalg scipy.spatial.transform scipy.special scipy.stats sharding stages"
    " lib monitoring distributed test_util tree tree_util typing"
).split()


def import_if_served(name: str) -> Any:
    """The module `name`, or None where it does not exist.

    An error inside a module of jaxlike is not hidden. Some experimental modules of jax need packages that the
    test extra does not install.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        itself = error.name is not None and (name == error.name or name.startswith(error.name + "."))
        if not itself and name.startswith("jaxlike"):
            raise
        return None


for _name in SUBMODULES:
    import_if_served(f"{EXPECTED.__name__}.{_name}")
    import_if_served(f"{ACTUAL.__name__}.{_name}")


@contextlib.contextmanager
def x64(enabled: bool) -> Iterator[None]:
    """64-bit types on or off in both frameworks."""
    with EXPECTED.enable_x64(enabled), ACTUAL.enable_x64(enabled):
        yield


@functools.cache
def run_again(path: str) -> dict[str, Any]:
    """The globals of a test module run a second time, so with numpy arrays of its own.

    JAX keeps the narrow copy that it makes of a numpy array without 64-bit types, and goes on using it with them.
    """
    return runpy.run_path(path, run_name=f"{path} with 64-bit types")


def on_gpu() -> bool:
    """Whether torch has a CUDA device, where jaxlike then puts its arrays."""
    import torch

    return torch.cuda.is_available()


def private(jax: Any, module: str, name: str) -> Any:
    """A name of one of JAX's private modules; for jaxlike what its table serves in that place."""
    if jax is EXPECTED:
        return getattr(importlib.import_module(module), name)
    return private_names.find(module, name)
