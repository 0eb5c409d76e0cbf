"""For tests that need no JAX: which are chosen, and the 64-bit setting as a fixture."""

from __future__ import annotations

import os
from collections.abc import Iterator

# Workers of pytest-xdist share the cores; set before torch is imported.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("JAX_TRACEBACK_FILTERING", "off")  # whoever reads of a failure wants all of its frames

import pytest
import torch

import jaxlike


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A test marked gpu is skipped where there is none."""
    if item.get_closest_marker("gpu") is not None and not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")


@pytest.fixture(params=[False, True], ids=["x32", "x64"])
def each_x64(request: pytest.FixtureRequest) -> Iterator[bool]:
    """Run the test with 64-bit types off, and on."""
    with jaxlike.enable_x64(request.param):
        yield request.param
