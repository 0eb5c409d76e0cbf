"""The seed of the run, the 64-bit fixture, the ledger's strict xfails, and which tests are chosen.

Random inputs are the same in every default run, so that what passed passes again; `--seed today` (or any other
number) draws others. The header prints the seed, and a failure says how to repeat it.
"""

from __future__ import annotations

import datetime
import gc
import hashlib
import os
from collections.abc import Iterator

# Workers of pytest-xdist share the cores; set before torch is imported.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("JAX_TRACEBACK_FILTERING", "off")  # whoever reads of a failure wants all of its frames

import pytest

from compat import frameworks, ledger

DEFAULT_SEED = 20261123


def _seed_of(text: str) -> int:
    """A number, or the date for "today"."""
    return int(datetime.date.today().strftime("%Y%m%d")) if text == "today" else int(text)


def pytest_addoption(parser: pytest.Parser) -> None:
    """--seed, --fraction, --check."""
    group = parser.getgroup("compat")
    group.addoption(
        "--seed", type=_seed_of, default=DEFAULT_SEED, help=f"seed of the random inputs: a number, or today (default: {DEFAULT_SEED})"
    )
    group.addoption("--fraction", type=float, default=0.02, help="part of the tables' checks to run (default 0.02)")
    group.addoption(
        "--check", default=None, help="run the tables' checks whose id matches, all of them: 'jax.numpy.s*'"
    )



def pytest_report_header(config: pytest.Config) -> str:
    """The seed, so that any run can be repeated."""
    return f"compat: seed {config.option.seed} (repeat with --seed {config.option.seed})"


def _draw(seed: int, name: str) -> float:
    """A number in [0, 1) of this name in a run with this seed."""
    return int.from_bytes(hashlib.blake2b(f"{seed} {name}".encode(), digest_size=4).digest(), "little") / 2**32


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what the ledger lists, which must fail, and as slow what the seed leaves out of a test's sample."""
    gaps = ledger.load()
    for item in items:
        sample = item.get_closest_marker("sample")
        if sample is not None and _draw(config.option.seed, item.nodeid) >= sample.args[0]:
            item.add_marker(pytest.mark.slow)
        reason = gaps.reason("tests", item.nodeid.removeprefix("compat/"))
        if reason is not None:
            item.add_marker(pytest.mark.xfail(reason=reason, strict=True))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A test marked gpu is skipped where there is none."""
    if item.get_closest_marker("gpu") is not None and not frameworks.on_gpu():
        pytest.skip("needs a CUDA device")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Say with a failure which seed it had."""
    del call
    report = yield
    if report.when == "call" and report.failed and "seed" in getattr(item, "fixturenames", ()):
        report.sections.append(("compat", f"repeat with --seed {item.config.option.seed}"))
    return report


@pytest.fixture(scope="module")
def small_heap() -> Iterator[None]:
    """For tests that look for leaks: both frameworks walk through all objects, and need not through older tests'."""
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """A seed for this test: from the run's seed and the test's name."""
    text = f"{request.config.option.seed} {request.node.nodeid}"
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


@pytest.fixture(params=[False, True], ids=["x32", "x64"])
def each_x64(request: pytest.FixtureRequest) -> Iterator[bool]:
    """Run the test with 64-bit types off, and on, in both frameworks."""
    with frameworks.x64(request.param):
        yield request.param
