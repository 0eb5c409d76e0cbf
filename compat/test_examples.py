"""The examples say and leave the same on JAX and on jaxlike."""

from __future__ import annotations

from pathlib import Path

import pytest

from compat.test_two_runs import compare

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["cart_pole", "digits", "hmc", "neural_ode", "sweep"])
def test_the_same_on_both(name: str) -> None:
    if name == "digits":
        pytest.importorskip("sklearn")
    said = compare("--rtol", "0.01", f"{name}.py", "--quick", cwd=EXAMPLES)
    assert "They agree." in said
