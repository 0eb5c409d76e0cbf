"""Whole programs of a course on control and learning, on both frameworks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from compat.programs.course import PROGRAMS
from compat.same import Tolerance, same_in_both


# Iterated solvers carry rounding along: an ulp in a step is some tens at the end.
@pytest.mark.parametrize("name", PROGRAMS)
@same_in_both(tolerance=Tolerance(factor=200, normwise=True))
def test_course_program(jax: Any, name: str, rng: np.random.Generator) -> Any:
    return PROGRAMS[name](jax, rng)


@pytest.mark.slow
@pytest.mark.parametrize("name", PROGRAMS)
@same_in_both(x64=True, tolerance=Tolerance(factor=1000, normwise=True))
def test_course_program_in_64_bits(jax: Any, name: str, rng: np.random.Generator) -> Any:
    return PROGRAMS[name](jax, rng)
