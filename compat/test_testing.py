"""jaxlike.testing: what people write in tests of their own, on both frameworks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from jaxlike.testing import EXACT, Tolerance, assert_same, differences, run_both, same_in_both


@same_in_both
def test_a_program(jax: Any) -> Any:
    return {"gradient": jax.grad(lambda x: jax.numpy.sum(x**3))(jax.numpy.arange(3.0)), "static": (None, "text", 2)}


@pytest.mark.parametrize("size", [1, 4])
@same_in_both(tolerance=Tolerance(2.0), x64=True)
def test_a_program_with_parameters(jax: Any, rng: np.random.Generator, size: int) -> Any:
    return jax.numpy.sin(rng.normal(size=size))


@same_in_both(tolerance=EXACT)
def test_a_program_that_raises(jax: Any) -> Any:
    return jax.numpy.zeros(3)["a"]


def test_random_inputs_are_alike_for_both_and_differ_between_tests() -> None:
    drawn: list[float] = []

    def first(jax: Any, rng: np.random.Generator) -> float:
        drawn.append(float(rng.normal()))
        return drawn[-1]

    def second(jax: Any, rng: np.random.Generator) -> float:
        return first(jax, rng)

    for program in (first, second):
        same_in_both(program)()
    same_in_both(first, seed=1)()
    assert drawn[0::2] == drawn[1::2] and len(set(drawn)) == 3


def test_a_difference_is_told_leaf_by_leaf() -> None:
    def program(jax: Any) -> Any:
        return {"same": jax.numpy.ones(2), "other": jax.numpy.arange(3.0) + (jax.__name__ == "jaxlike") * 0.25}

    expected, actual = run_both(program)
    (said,) = differences(expected, actual)
    assert said.startswith("['other']: 3 of 3 entries are further apart than") and said.endswith(
        "jax 0.0, jaxlike 0.25"
    )
    with pytest.raises(AssertionError, match="program: jax and jaxlike differ"):
        assert_same(expected, actual)
