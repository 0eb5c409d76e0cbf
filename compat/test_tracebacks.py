"""Tracebacks of errors in functions that transformations and loops call: whose frames are left out, in each mode."""

from __future__ import annotations

import traceback
from typing import Any

import numpy as np
import pytest

from compat import frameworks


def err(*_: Any) -> Any:
    """What is called fails."""
    raise ValueError("wrong")


def through(*transforms: str) -> Any:
    """A function under several transformations, each with a function of its own between."""

    def program(jax: Any) -> Any:
        def after(inside: Any) -> Any:
            def step(x: Any) -> Any:
                return inside(x) + 1

            return step

        step = after(err)
        for name in transforms:
            step = after(getattr(jax, name)(step))
        return step(np.float32(1)) if "vmap" not in transforms else step(np.ones(2, np.float32))

    return program


def by_rule(jax: Any) -> Any:
    f = jax.custom_vjp(err)
    f.defvjp(lambda x: (x, None), lambda _, g: (g,))
    return f(1.0)


PROGRAMS: dict[str, Any] = {
    "jit": through("jit"),
    "jit in jit in jit": through("jit", "jit", "jit"),
    "vmap in jit": through("vmap", "jit"),
    "grad in jit": through("grad", "jit"),
    "jit in grad": through("jit", "grad"),
    "checkpoint": through("checkpoint"),
    "vjp": lambda jax: jax.vjp(err, 1.0),
    "jvp": lambda jax: jax.jvp(err, (1.0,), (1.0,)),
    "linearize": lambda jax: jax.linearize(err, 1.0),
    "cond": lambda jax: jax.lax.cond(True, err, lambda x: x, 1.0),
    "switch": lambda jax: jax.lax.switch(1, [lambda x: x, err], 1.0),
    "scan": lambda jax: jax.lax.scan(err, (), (), 3),
    "fori_loop": lambda jax: jax.lax.fori_loop(0, 3, err, ()),
    "while_loop": lambda jax: jax.lax.while_loop(lambda s: False, err, ()),
    "map": lambda jax: jax.lax.map(err, np.ones(3, np.float32)),
    "associative_scan": lambda jax: jax.lax.associative_scan(err, np.ones(4, np.float32)),
    "custom_root": lambda jax: jax.lax.custom_root(err, 3.0, lambda f, x: x, lambda f, x: x),
    "custom_linear_solve": lambda jax: jax.lax.custom_linear_solve(err, 3.0, lambda f, x: x),
    "custom_vjp": by_rule,
}


def seen(jax: Any, mode: str, name: str) -> Any:
    """The functions of the traceback, and what else tells of those that are not in it."""
    before = jax.config.jax_traceback_filtering
    jax.config.update("jax_traceback_filtering", mode)
    try:
        PROGRAMS[name](jax)
    except ValueError as error:
        cause = error.__cause__
        frames = [f for f, _ in traceback.walk_tb(error.__traceback__) if "__tracebackhide__" not in f.f_locals]
        return (
            [f.f_code.co_name for f in frames],
            [note.splitlines()[1] for note in getattr(error, "__notes__", ())],
            type(cause).__name__,
            None if cause is None else str(cause).splitlines()[:3],
            str(error),
        )
    finally:
        jax.config.update("jax_traceback_filtering", before)


@pytest.mark.parametrize("mode", ["quiet_remove_frames", "remove_frames", "tracebackhide", "auto"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_frames(name: str, mode: str) -> None:
    assert seen(frameworks.EXPECTED, mode, name) == seen(frameworks.ACTUAL, mode, name)


def test_off_leaves_the_traceback_whole() -> None:
    names, notes, cause, *_ = seen(frameworks.ACTUAL, "off", "jit in jit in jit")
    assert len(names) > 10 and notes == [] and cause == "NoneType"


@pytest.mark.parametrize("jax", [frameworks.EXPECTED, frameworks.ACTUAL], ids=["jax", "jaxlike"])
def test_a_cause_of_the_users_stays(jax: Any) -> None:
    def outer(x: Any) -> Any:
        try:
            return jax.jit(err)(x)
        except ValueError as error:
            raise TypeError("outer") from error

    with pytest.raises(TypeError) as caught:
        jax.jit(outer)(1.0)
    assert isinstance(caught.value.__cause__, ValueError)
