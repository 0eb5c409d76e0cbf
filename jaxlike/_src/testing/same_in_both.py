"""same_in_both: one program, run with jax and with jaxlike, must come to the same end.

A program is a function of the module `jax`. Both modules are imported side by side, under their own names; the
substitution must not be installed, since it would put jaxlike in the place of what it is compared with. A failure
shows both outcomes.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from jaxlike._src.testing.differences import DEFAULT, Tolerance, assert_same
from jaxlike._src.testing.outcomes import Outcome, Program, run


@dataclass(frozen=True)
class Frameworks:
    """Two modules that are used through the same attribute paths; the first is right."""

    expected: Any
    actual: Any

    def run_both(self, program: Program, *args: Any, **kwargs: Any) -> tuple[Outcome, Outcome]:
        """The program's outcome with each."""
        return run(program, self.expected, *args, **kwargs), run(program, self.actual, *args, **kwargs)

    @contextlib.contextmanager
    def x64(self, enabled: bool) -> Iterator[None]:
        """64-bit types on or off in both."""
        with self.expected.enable_x64(enabled), self.actual.enable_x64(enabled):
            yield


@functools.cache
def jax_and_jaxlike() -> Frameworks:
    """The real jax and jaxlike."""
    ours = importlib.import_module("jaxlike")
    try:
        theirs = importlib.import_module("jax")
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "jaxlike.testing compares with the real jax, which is not installed here. "
            f"`pip install jax=={ours.__version__}` installs the version whose API is served."
        ) from error
    if theirs is ours:
        raise RuntimeError(
            "`import jax` is jaxlike in this process, so there is nothing to compare with. Run these tests without "
            "jaxlike.install(), `python -m jaxlike` and `--jax=jaxlike`."
        )
    return Frameworks(theirs, ours)


def run_both(program: Program, *args: Any, **kwargs: Any) -> tuple[Outcome, Outcome]:
    """The outcomes of ``program(jax, *args, **kwargs)`` with jax, and with jaxlike."""
    return jax_and_jaxlike().run_both(program, *args, **kwargs)


def same_in_both(
    program: Program | None = None,
    *,
    tolerance: Tolerance = DEFAULT,
    x64: bool | None = None,
    seed: int | str = 0,
    frameworks: Callable[[], Frameworks] = jax_and_jaxlike,
) -> Any:
    """Make a test of a program: run with jax and with jaxlike, it must end in the same way.

    Compared are the printed tree of what it returns; of each leaf the kind (Array, numpy, Python number), shape,
    dtype, weak type and value; or the exception's type, public ancestors and first sentence; and warnings and
    printed text.

    Args:
        program: a function whose first parameter is named ``jax``. Its others come from pytest (fixtures,
            parametrize) or hypothesis; one named ``rng`` is a numpy Generator, seeded alike for both runs.
        tolerance: how far inexact values may be apart.
        x64: fixes the 64-bit flag of both frameworks.
        seed: of ``rng``, together with the test's name; or the name of the fixture that gives the whole seed.
        frameworks: gives other modules than jax and jaxlike, when the test runs.
    """
    if program is None:
        return functools.partial(same_in_both, tolerance=tolerance, x64=x64, seed=seed, frameworks=frameworks)
    the_program = program
    names = list(inspect.signature(program).parameters.values())
    if not names or names[0].name != "jax":
        raise TypeError(f"the first parameter of {program.__name__} must be named jax")
    wants_rng = any(p.name == "rng" for p in names)
    parameters = [p for p in names[1:] if p.name != "rng"]
    fixture = seed if isinstance(seed, str) and wants_rng else None
    takes_seed = any(p.name == fixture for p in parameters)
    if fixture is not None and not takes_seed:
        parameters.append(inspect.Parameter(fixture, inspect.Parameter.POSITIONAL_OR_KEYWORD))

    def test(**arguments: Any) -> None:
        __tracebackhide__ = True
        both = frameworks()
        number = _seed_of(the_program, seed) if fixture is None else arguments[fixture]
        passed = {k: v for k, v in arguments.items() if k != fixture or takes_seed}

        def seeded(jax: Any) -> Any:
            rng = {"rng": np.random.default_rng(number)} if wants_rng else {}
            return the_program(jax, **passed, **rng)

        with both.x64(x64) if x64 is not None else contextlib.nullcontext():
            expected, actual = both.run_both(seeded)
        assert_same(expected, actual, tolerance, the_program.__name__)

    test.__name__, test.__qualname__ = program.__name__, program.__qualname__
    test.__doc__, test.__module__ = program.__doc__, program.__module__
    test.__dict__.update(__signature__=inspect.Signature(parameters), program=program)
    return test


def _seed_of(program: Program, seed: int | str) -> int:
    text = f"{seed} {program.__module__}.{program.__qualname__}"
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")
