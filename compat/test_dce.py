"""Jaxprs cut down to what is used, inside of loops, choices and calls too; what is left gives the same values."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from compat.same import assert_same, run_both

X = np.float32(0.6)
ROWS = np.array([1.0, 2.0, 3.0], np.float32)


def looped(jax: Any, x: Any, rows: Any) -> Any:
    """The second carry needs the first; the third is carried for its own sake."""

    def step(carry: Any, row: Any) -> Any:
        a, b, c = carry
        return (a * 0.5 + 1.0, b + a * x, c * row), (jax.numpy.sin(a), jax.numpy.cos(c))

    return jax.lax.scan(step, (x, x * 2.0, x * 3.0), rows)


def chosen(jax: Any, x: Any, rows: Any) -> Any:
    return jax.lax.cond(x > 0.0, lambda a, r: (jax.numpy.sin(a), r * 2.0), lambda a, r: (a, jax.numpy.cos(r)), x, rows)


def jitted(jax: Any, x: Any, rows: Any) -> Any:
    return jax.jit(lambda a, r: (jax.numpy.sin(a), r * 2.0, a * 3.0))(x, rows)


def recomputed(jax: Any, x: Any, rows: Any) -> Any:
    return jax.checkpoint(lambda a, r: (jax.numpy.sin(a), r * 2.0))(x, rows)


def deep(jax: Any, x: Any, rows: Any) -> Any:
    """A choice in a loop in a call: only what the used results come from is left, at every depth."""

    def step(carry: Any, row: Any) -> Any:
        a, b = carry
        return (a * row, b + 1.0), jax.lax.cond(
            row > 1.0, lambda u, v: (u, jax.numpy.sin(v)), lambda u, v: (u * 2.0, v), a, b
        )

    return jax.jit(lambda x, rows: jax.lax.scan(step, (x, x * 2.0), rows))(x, rows)


PROGRAMS = [looped, chosen, jitted, recomputed, deep]


@pytest.mark.parametrize("program", PROGRAMS)
def test_dead_code_inside(program: Any) -> None:
    """Which arguments stay, how many equations there are, and the values."""

    def cut(jax: Any) -> Any:
        pe, core = jax.interpreters.partial_eval, jax.extend.core
        closed = jax.make_jaxpr(lambda x, rows: program(jax, x, rows))(X, ROWS)
        found = []
        for used in list(itertools.product([False, True], repeat=len(closed.jaxpr.outvars)))[::3]:
            smaller, kept = pe.dce_jaxpr(closed.jaxpr, list(used))
            given = [a for a, k in zip((X, ROWS), kept, strict=True) if k]
            values = jax.extend.core.jaxpr_as_fun(core.ClosedJaxpr(smaller, closed.consts))(*given)
            found.append((kept, _counts(jax, smaller), values))
        return found

    assert_same(*run_both(cut))


def _counts(jax: Any, jaxpr: Any) -> Any:
    """Names of equations that loop, choose or call, with the numbers of arguments, and of equations inside."""
    return [
        (
            e.primitive.name,
            len(e.invars),
            len(e.outvars),
            [len(j.eqns) for j in jax.extend.core.jaxprs_in_params(e.params)],
        )
        for e in jaxpr.eqns
        if any(True for _ in jax.extend.core.jaxprs_in_params(e.params))
    ]


def test_rules_of_others() -> None:
    """A rule in the table is asked, and says what is left."""

    def cut(jax: Any) -> Any:
        pe, asked = jax.interpreters.partial_eval, []
        primitive = jax.extend.core.Primitive("pair")
        primitive.multiple_results = True
        primitive.def_abstract_eval(lambda x, y: [x, y])

        def rule(used: Any, eqn: Any) -> Any:
            asked.append(list(used))
            if not any(used):
                return [False] * len(eqn.invars), None
            return [True] * len(eqn.invars), eqn

        pe.dce_rules[primitive] = rule
        closed = jax.make_jaxpr(lambda x, y: primitive.bind(jax.numpy.sin(x), y))(X, X)
        return [
            (kept, len(smaller.eqns))
            for u in ([True, False], [False, False])
            for smaller, kept in [pe.dce_jaxpr(closed.jaxpr, u)]
        ], asked

    assert_same(*run_both(cut))
