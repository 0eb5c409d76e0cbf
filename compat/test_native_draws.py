"""Draws by the C++ function: every bit as without it, and JAX's numbers."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import torch

from compat.same import same_in_both
from jaxlike._src.random import draws, generators, native

KEYS = np.array([[1, 2], [0xFFFFFFFF, 77], [0, 0]], np.uint32)


@pytest.fixture
def built() -> None:
    """The function is there, unless the machine cannot build it."""
    if not native.STREAM.make_now():
        assert native.compiler() is None
        pytest.skip("no C++ compiler")  # nothing to compare: draws are then numpy's, which the other tests run


@pytest.fixture
def absent(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs something without the function."""

    def run(use: Any) -> Any:
        with monkeypatch.context() as patch:
            patch.setattr(native, "drawn", lambda *given: None)
            patch.setattr(native, "few", lambda *given: None)
            return use()

    return run


@pytest.mark.parametrize("size", [1, 3, 1000, 70_001, 200_003])
def test_bits_are_those_without_it(built: None, absent: Any, size: int) -> None:
    words = torch.from_numpy(KEYS.view(np.int32))

    def made() -> list[np.ndarray[Any, Any]]:
        found = [generators._threefry_split(words, (size,)), draws.unit_of_words(words, "threefry2x32", torch.float32, (size,))]
        found += [generators._threefry_random_bits(words, width, (size,)) for width in (8, 16, 32, 64)]
        for name in native.STANDARD:
            found.append(draws.standard_of_words(words, "threefry2x32", name, torch.float32, (size,)))
        return [t.numpy() for t in found]

    for with_it, without in zip(made(), absent(made), strict=True):
        np.testing.assert_array_equal(with_it, without)


FORKING = """
import os, numpy as np
from jaxlike._src.random import native

native.STREAM.make_now()
draw = lambda: native.drawn(native.UNIT, np.array([[1, 2]], np.uint32), 400_000).sum()
known, child = draw(), os.fork()
if child == 0:
    os._exit(int(draw() != known))
assert os.waitpid(child, 0)[1] == 0
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes do not fork here")
def test_a_process_that_forks(built: None) -> None:
    subprocess.run([sys.executable, "-W", "ignore", "-c", FORKING], check=True, timeout=120)


@same_in_both
def test_numbers_are_those_of_jax(jax: Any, built: None) -> Any:
    random, key = jax.random, jax.random.key(7)
    keys = random.split(key, 5)
    few = [f(key, (4,)) for f in (random.exponential, random.laplace, random.logistic, random.gumbel)]
    few += [random.normal(key, (3,)), random.normal(key), random.uniform(key, (2, 2)), random.normal(key, (0,))]
    many = [f(key, (5000,)) for f in (random.exponential, random.laplace, random.logistic, random.gumbel)]
    many += [random.categorical(key, np.arange(7, dtype=np.float32), shape=(500,)), random.normal(key, (5000,)), random.uniform(key, (70_000,)), random.bits(key, (100, 7))]
    mapped = [jax.vmap(lambda k: random.normal(k, (300,)))(keys), jax.jit(lambda k: random.normal(k, (300,)))(key)]
    return few, many, mapped, random.key_data(random.split(key, 1000)), random.permutation(key, 1000)


@same_in_both
def test_keys_that_a_transformation_wraps(jax: Any, built: None) -> Any:
    """The function reads a key's memory: a wrapper has none."""
    random, key = jax.random, jax.random.key(7)

    def drawn(key: Any, x: Any) -> Any:
        return x * random.uniform(key, (4,)).sum() + random.normal(key, (3,)).sum() + random.bits(key, (2,))[0]

    def of_parts(x: Any) -> Any:
        return drawn(random.fold_in(key, 1), x) + drawn(random.split(key)[1], x)

    return jax.vjp(drawn, key, 1.0)[0], jax.vjp(of_parts, 1.0)[0], jax.jvp(of_parts, (1.0,), (1.0,))
