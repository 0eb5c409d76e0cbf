"""same_in_both for this suite: `jaxlike.testing` between the two modules of `frameworks.py`.

Beside what the public one does, a test says here what it covers in the inventory's words, and random inputs come
from the run's seed.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Any

import pytest

from compat import frameworks
from jaxlike._src.testing.differences import DEFAULT as DEFAULT
from jaxlike._src.testing.differences import EXACT as EXACT
from jaxlike._src.testing.differences import Tolerance as Tolerance
from jaxlike._src.testing.differences import assert_same as assert_same
from jaxlike._src.testing.differences import differences as differences
from jaxlike._src.testing.differences import leaf_difference as leaf_difference
from jaxlike._src.testing.differences import value_difference as value_difference
from jaxlike._src.testing.outcomes import Leaf as Leaf
from jaxlike._src.testing.outcomes import Outcome as Outcome
from jaxlike._src.testing.outcomes import Program as Program
from jaxlike._src.testing.outcomes import describe_error as describe_error
from jaxlike._src.testing.outcomes import describe_leaf as describe_leaf
from jaxlike._src.testing.outcomes import first_sentence as first_sentence
from jaxlike._src.testing.outcomes import neutral as neutral
from jaxlike._src.testing.outcomes import run as run
from jaxlike._src.testing.same_in_both import Frameworks
from jaxlike._src.testing.same_in_both import same_in_both as _same_in_both


def both() -> Frameworks:
    """The two modules of this suite, looked up when a test runs."""
    return Frameworks(frameworks.EXPECTED, frameworks.ACTUAL)


def run_both(program: Program, *args: Any, **kwargs: Any) -> tuple[Outcome, Outcome]:
    """The program's outcome with jax, and with jaxlike."""
    return both().run_both(program, *args, **kwargs)


def same_in_both(
    program: Program | None = None,
    *,
    tolerance: Tolerance = DEFAULT,
    x64: bool | None = None,
    covers: Iterable[str] = (),
) -> Any:
    """`jaxlike.testing.same_in_both`; the fixture `each_x64` runs a test with both settings of the 64-bit flag.

    `covers` names what the program checks in the inventory's words, where its text does not say so:
    `covers=["jax.Array.__repr__"]`.
    """
    if program is None:
        return functools.partial(same_in_both, tolerance=tolerance, x64=x64, covers=covers)
    test = _same_in_both(program, tolerance=tolerance, x64=x64, seed="seed", frameworks=both)
    test.covers = tuple(covers)
    return test


def sampled(programs: Iterable[str], slow: str) -> list[Any]:
    """The names of programs as parameters of a test; those in ``slow``, divided by semicolons, run with `-m slow`."""
    late = set(filter(None, map(str.strip, slow.split(";"))))
    known = list(programs)
    assert late <= set(known), late - set(known)
    return [pytest.param(name, marks=pytest.mark.slow) if name in late else name for name in known]
