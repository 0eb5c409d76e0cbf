"""When a loop becomes a kernel: once steps have taken as long as a build, in the middle of a loop, or never."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import jaxlike as jax
import jaxlike.numpy as jnp
from jaxlike._src import config
from jaxlike._src.graph.fused import build, tier
from jaxlike._src.graph.fused.kernel import Kernel
from jaxlike._src.lax import while_loop

needs_compiler = pytest.mark.skipif(build.compiler() is None, reason="needs a C++ compiler")


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Kernel]:
    """The kernels that were called; nothing was built before."""
    found: list[Kernel] = []
    original = Kernel.__call__

    def call(self: Kernel, tensors: Any) -> Any:
        found.append(self)
        return original(self, tensors)

    monkeypatch.setattr(Kernel, "__call__", call)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(tier, "_spent", {})
    return found


def costs(monkeypatch: pytest.MonkeyPatch, write: float, build: float) -> None:
    """Say what writing a program is expected to take, and how much longer than usual a build."""
    monkeypatch.setattr(tier, "WRITE_SECONDS", write)
    monkeypatch.setattr(tier, "WRITE_SECONDS_PER_NODE", 0.0)
    monkeypatch.setattr(tier, "BUILD_FACTOR", build)


def step(i: Any, c: Any) -> Any:
    """A body that is the same function each time."""
    return c * 0.5 + i


def summed(x: Any) -> Any:
    """A loop of twenty steps."""
    return jax.lax.fori_loop(0, 20, step, x)


def until_large(x: Any, last: float = 300.0) -> Any:
    """A loop of a number of steps that nobody knows before."""
    return jax.lax.while_loop(lambda c: c < last, lambda c: c + 1.0, x)


def until(done: Callable[[], bool], again: Callable[[], Any]) -> None:
    """Call until something has happened, for a minute at most."""
    end = time.monotonic() + 60
    while not done() and time.monotonic() < end:
        again()
        time.sleep(0.01)


def test_a_short_loop_takes_steps(calls: list[Kernel]) -> None:
    assert summed(jnp.float32(1)) == pytest.approx(36.0, abs=1e-3)
    assert not calls


@needs_compiler
@pytest.mark.parametrize("jitted", [False, True])
def test_a_loop_is_built_beside_its_steps(jitted: bool, calls: list[Kernel], monkeypatch: pytest.MonkeyPatch) -> None:
    costs(monkeypatch, 1e-9, 1e-5)
    monkeypatch.setattr("jaxlike._src.graph.fused.tier.SECONDS_PER_OP", 0.0)  # no loop is known to be long
    f = jax.jit(summed) if jitted else summed
    expected = float(f(jnp.float32(1)))
    until(lambda: bool(calls), lambda: f(jnp.float32(1)))
    assert calls
    assert float(f(jnp.float32(1))) == pytest.approx(expected, rel=1e-6)


@needs_compiler
def test_functions_made_anew_share_what_was_built(calls: list[Kernel], monkeypatch: pytest.MonkeyPatch) -> None:
    costs(monkeypatch, 1e-9, 1e-5)

    def anew() -> Any:
        return jax.lax.fori_loop(0, 50, lambda i, c: c + i * 0.25, jnp.float32(0))

    until(lambda: bool(calls), anew)
    assert calls
    assert float(anew()) == pytest.approx(1225 * 0.25)


@needs_compiler
def test_a_loop_that_is_known_to_be_long_is_built_first(calls: list[Kernel]) -> None:
    total = jax.lax.fori_loop(0, 10**6, lambda i, c: c + 1, jnp.int32(0))
    assert int(total) == 10**6
    assert len(calls) == 1


@needs_compiler
def test_a_long_loop_goes_on_as_a_kernel(calls: list[Kernel]) -> None:
    assert float(until_large(jnp.float32(0), 4e6)) == 4e6
    assert len(calls) == 1


@needs_compiler
def test_steps_are_not_lost_between_tiers(calls: list[Kernel], monkeypatch: pytest.MonkeyPatch) -> None:
    costs(monkeypatch, 1e-9, 1e-9)
    monkeypatch.setattr(while_loop, "LOOKS", 3)
    monkeypatch.setattr(tier.Build, "is_done", lambda self: self.wait() or True)
    assert float(until_large(jnp.float32(0))) == 300.0
    assert len(calls) == 1


def test_the_replay_tier_takes_steps(calls: list[Kernel], monkeypatch: pytest.MonkeyPatch) -> None:
    costs(monkeypatch, -1.0, -1.0)
    with config.jit_tier("replay"):
        assert float(until_large(jnp.float32(0))) == 300.0
        jax.jit(summed)(jnp.float32(1))
    assert not calls


@pytest.mark.parametrize("trouble", ["no compiler", "a compiler that fails", "a folder that is a file"])
def test_without_a_build_loops_take_steps(
    trouble: str, calls: list[Kernel], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    if trouble == "no compiler":
        monkeypatch.setattr(tier, "compiler", lambda: None)
    elif build.compiler() is None:
        pytest.skip("needs a C++ compiler")
    elif trouble == "a compiler that fails":
        monkeypatch.setattr(build, "FLAGS", (*build.FLAGS, "--no-such-flag"))
    else:
        (tmp_path / "jaxlike").write_text("")
    costs(monkeypatch, -1.0, -1.0)
    assert float(until_large(jnp.float32(0))) == 300.0
    assert float(jax.jit(until_large)(jnp.float32(0))) == 300.0
    assert not calls and not recwarn.list
