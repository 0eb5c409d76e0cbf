"""Compiled functions of many small kernels on a GPU, recorded as one launch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

import jaxlike as jax
import jaxlike.numpy as jnp
from jaxlike._src.graph import recorded
from jaxlike._src.graph.recorded import CALLS_BEFORE, Recorded

pytestmark = pytest.mark.gpu


def many(tensors: Sequence[Tensor]) -> list[Tensor]:
    """Forty small kernels, an argument, and a view."""
    found = [tensors[0] * k + tensors[1] for k in range(20)]
    return [*found, tensors[0], found[1].T, found[2].sum()]


def arguments(seed: int) -> list[Tensor]:
    """Two small ones, of which one is strided."""
    x = torch.randn(6, 5, generator=torch.Generator().manual_seed(seed)).cuda()
    return [x, torch.arange(60.0, device="cuda").view(6, 10)[:, ::2] * seed]


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """A recording is kept whatever it takes."""
    times = iter(range(1000, 0, -1))
    monkeypatch.setattr(recorded, "_seconds", lambda call, tensors: (call(tensors), next(times))[1])
    monkeypatch.setattr(recorded, "ROUNDS", 1)


def test_every_call_gives_results_of_its_own(always: None) -> None:
    call = Recorded(many)
    before: list[tuple[Any, Any]] = []
    for seed in range(CALLS_BEFORE + 4):
        given = arguments(seed)
        before.append((call(given), many(given)))
    assert call._recording is not None
    for found, expected in before:
        for got, want in zip(found, expected, strict=True):
            torch.testing.assert_close(got, want, rtol=0, atol=0)
            assert got.shape == want.shape


def test_on_another_stream_it_is_launched(always: None) -> None:
    call = Recorded(many)
    for seed in range(CALLS_BEFORE + 1):
        call(arguments(seed))
    given = arguments(9)
    torch.cuda.synchronize()
    with torch.cuda.stream(torch.cuda.Stream()):
        found = call(given)
    torch.cuda.synchronize()
    torch.testing.assert_close(found[3], many(given)[3], rtol=0, atol=0)


def test_what_waits_for_the_host_is_launched(always: None) -> None:
    def waits(tensors: Sequence[Tensor]) -> list[Tensor]:
        return [tensors[0] * float(tensors[1].sum())]

    call = Recorded(waits)
    for seed in range(CALLS_BEFORE + 2):
        given = arguments(seed)
        torch.testing.assert_close(call(given)[0], waits(given)[0], rtol=0, atol=0)
    assert call._recording is None
    torch.testing.assert_close(call(arguments(3))[0].sum(), waits(arguments(3))[0].sum())


def test_large_arguments_are_not_copied(monkeypatch: pytest.MonkeyPatch, always: None) -> None:
    monkeypatch.setattr(recorded, "MOST_BYTES", 10)
    call = Recorded(many)
    for seed in range(CALLS_BEFORE + 2):
        call(arguments(seed))
    assert call._recording is None


def test_a_training_step_is_the_same_when_it_is_recorded() -> None:
    def loss(p: Any, x: Any) -> Any:
        for w, b in p:
            x = jnp.tanh(x @ w + b)
        return (x**2).mean()

    def step(p: Any, x: Any) -> Any:
        return jax.tree.map(lambda a, g: a - 0.1 * g, p, jax.grad(loss)(p, x))

    keys = jax.random.split(jax.random.key(0), 4)
    start = [(jax.random.normal(k, (8, 8)), jnp.zeros(8)) for k in keys]
    x = jax.random.normal(jax.random.key(1), (16, 8))
    fast, slow = start, start
    before = jax.config.values["jaxlike_jit_tier"]
    jax.config.update("jaxlike_jit_tier", "compile")
    try:
        jitted = jax.jit(step)
        for _ in range(CALLS_BEFORE + 6):
            fast, slow = jitted(fast, x), step(slow, x)
    finally:
        jax.config.update("jaxlike_jit_tier", before)
    for a, b in zip(jax.tree.leaves(fast), jax.tree.leaves(slow), strict=True):
        assert jnp.allclose(a, b, rtol=1e-3, atol=1e-4)
