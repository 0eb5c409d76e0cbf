"""Every differentiable function of the tables against finite differences, forwards and backwards.

torch has ops whose derivative is zero without a word, and JAX may be wrong too: here neither is asked first. Where a
derivative and the differences disagree, JAX's derivative decides, since its conventions (at kinks, of rounding, of
truncated series) are the ones to keep.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from compat import frameworks
from compat.cases import TABLES
from compat.columns import COLUMNS, _of_inexact, _tangents, _weighted
from compat.table import Attempt, Table
from compat.test_cases import served

JVP = next(column for column in COLUMNS if column.name == "jvp")
STEP = 1e-6


def derivatives(jax: Any, attempt: Attempt) -> tuple[float, float]:
    """The derivative of the weighted sum along the drawn tangents, in forward and in reverse mode."""
    args = [jax.numpy.asarray(x) if isinstance(x, np.ndarray) else x for x in attempt.arguments]
    of_inexact, inexact = _of_inexact(jax, attempt.check.case.function(jax), args)
    total, tangents = _weighted(jax, of_inexact), _tangents(jax, args, attempt.drawn)
    forward = jax.jvp(total, inexact, tangents)[1]
    gradients = jax.grad(total, tuple(range(len(inexact))))(*inexact)
    return float(forward), float(sum(jax.numpy.vdot(g, t) for g, t in zip(gradients, tangents, strict=True)))


def difference(jax: Any, attempt: Attempt) -> float:
    """The central difference along the tangents."""
    args = [jax.numpy.asarray(x) if isinstance(x, np.ndarray) else x for x in attempt.arguments]
    of_inexact, inexact = _of_inexact(jax, attempt.check.case.function(jax), args)
    total, tangents = _weighted(jax, of_inexact), _tangents(jax, args, attempt.drawn)

    def at(step: float) -> float:
        return float(total(*(x + step * t for x, t in zip(inexact, tangents, strict=True))))

    return (at(STEP) - at(-STEP)) / (2 * STEP)


def agree(a: float, b: float, rtol: float) -> bool:
    """Whether two numbers are close, or neither is finite."""
    return bool(np.isclose(a, b, rtol=rtol, atol=1e-5)) or not (np.isfinite(a) or np.isfinite(b))


def failure(attempt: Attempt) -> str | None:
    """What is wrong with the derivatives, or None."""
    actual, expected = frameworks.ACTUAL, frameworks.EXPECTED
    try:
        of_jax = derivatives(expected, attempt)
    except Exception:
        return None  # JAX has no derivative; test_cases compares what is said then
    forward, reverse = derivatives(actual, attempt)
    if agree(forward, reverse, 1e-6) and agree(forward, difference(actual, attempt), 1e-3):
        return None
    if agree(forward, of_jax[0], 1e-6) and agree(reverse, of_jax[1], 1e-6):
        return None
    return (
        f"{attempt.check.id}: forward {forward}, reverse {reverse}, differences {difference(actual, attempt)}; jax "
        f"{of_jax[0]}, {of_jax[1]}\n    with {attempt}"
    )


@pytest.mark.slow
@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_derivatives(table: Table, seed: int) -> None:
    with frameworks.x64(True):
        checks = [check for check in served(table.checks(JVP, x64=True)) if check.dtype == "float64"]
        attempts = [check.draw(seed, k, way) for check in checks for k, way in enumerate(check.shapes())]
        found = [text for text in map(failure, attempts) if text is not None]
    assert not found, f"{len(found)} of {len(attempts)}:\n" + "\n".join(found[:25])
