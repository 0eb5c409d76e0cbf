"""Jaxprs parted into what is known and the rest, and with arguments and results in other places."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from compat.frameworks import private
from compat.same import assert_same, run_both

X = np.array([0.5, 1.0, 2.0], np.float32)
UNKNOWN = [True, False]


def of(jax: Any, name: str) -> Any:
    """A function of JAX's module for partial evaluation."""
    return private(jax, "jax._src.interpreters.partial_eval", name)


def elementwise(jax: Any) -> Any:
    """Results that are known, unknown, arguments, and numbers."""
    jnp = jax.numpy
    return lambda a, b: (jnp.sin(a) * jnp.exp(b) + jnp.cos(b), jnp.cos(b) * 2, b, a, 1.0)


def closing(jax: Any) -> Any:
    """A constant on both sides."""
    c = jax.numpy.arange(3.0)
    return lambda a, b: (a + c, b * c, jax.numpy.sin(c) * a)


def call(jax: Any) -> Any:
    """A jitted function of both."""
    return jax.jit(lambda a, b: (jax.numpy.sin(a) * jax.numpy.exp(b), jax.numpy.cos(b)))


def loop(jax: Any) -> Any:
    """A loop whose carry is unknown, and whose rows are known."""
    rows = jax.numpy.asarray(X)
    return lambda a, b: jax.lax.scan(lambda c, x: (c * jax.numpy.sin(x) * b, c * x), a, rows)


def branches(jax: Any) -> Any:
    """A choice that is known."""
    return lambda a, b: jax.lax.cond(b > 0, lambda a, b: (a * jax.numpy.sin(b), b), lambda a, b: (a, b * 2), a, b)


PROGRAMS = {f.__name__: f for f in (elementwise, closing, call, loop, branches)}
SHOWN_ALIKE = ("elementwise", "closing", "call")


@pytest.mark.parametrize("instantiate", [False, True])
@pytest.mark.parametrize("name", PROGRAMS)
def test_parted(name: str, instantiate: bool) -> None:
    """Both parts one after the other give what the function does."""

    def program(jax: Any) -> Any:
        closed = jax.make_jaxpr(PROGRAMS[name](jax))(1.0, 2.0)
        known, rest, unknown, types = of(jax, "partial_eval_jaxpr_nounits")(closed, UNKNOWN, instantiate)
        given = jax.core.jaxpr_as_fun(known)(2.0)
        count = len(given) - len(types)
        outs, unknown_outs = iter(given[:count]), iter(jax.core.jaxpr_as_fun(rest)(*given[count:], 1.0))
        merged = [next(unknown_outs) if u else next(outs) for u in unknown]
        text = (str(known), str(rest), unknown, str(types)) if name in SHOWN_ALIKE else None
        return text, merged, jax.core.jaxpr_as_fun(closed)(1.0, 2.0)

    assert_same(*run_both(program))


def test_residuals_that_are_arguments() -> None:
    def program(jax: Any) -> Any:
        closed = jax.make_jaxpr(lambda a, b: (jax.numpy.sin(a) * b, a * jax.numpy.cos(b)))(1.0, 2.0)
        parted = of(jax, "partial_eval_jaxpr_nounits_fwd")(closed, UNKNOWN, False)
        return [str(part) for part in parted]

    assert_same(*run_both(program))


POLICIES = [
    ([True, False], [True, True], False, False, True),
    ([True, False], [True, False], False, False, True),
    ([True, False], [True, False], False, False, False),
    ([True, False], [True, True], [True, True, True, True, False], True, False),
    ([False, False], [False, False], False, True, False),
]


@pytest.mark.parametrize("case", POLICIES, ids=str)
def test_parted_by_a_policy(case: Any) -> None:
    *flags, kept = case

    def program(jax: Any) -> Any:
        closed = jax.make_jaxpr(elementwise(jax))(1.0, 2.0)
        parted = of(jax, "partial_eval_jaxpr_custom")(closed.jaxpr, *flags, lambda *_, **__: kept)
        return [str(part) for part in parted]

    assert_same(*run_both(program))


@pytest.mark.parametrize("kept", [True, False])
def test_calls_parted_by_a_policy(kept: bool) -> None:
    def program(jax: Any) -> Any:
        closed = jax.make_jaxpr(lambda a, b: call(jax)(a, b))(1.0, 2.0)
        parted = of(jax, "partial_eval_jaxpr_custom")(
            closed.jaxpr, UNKNOWN, [True, True], False, False, lambda *_, **__: kept
        )
        return [str(part) for part in parted]

    assert_same(*run_both(program))


def test_places() -> None:
    def program(jax: Any) -> Any:
        closed = jax.make_jaxpr(lambda a, b, c: (a + b, c, b))(1.0, 2.0, 3.0)
        mask = [False, True, False]
        moves = "move_binders_to_front move_binders_to_back move_invars_right move_outvars_to_back"
        with_consts = jax.make_jaxpr(closing(jax))(1.0, 2.0)
        opened = of(jax, "convert_constvars_jaxpr")(with_consts.jaxpr)
        close = of(jax, "close_jaxpr")
        return (
            [str(of(jax, move)(closed, mask)) for move in moves.split()],
            str(of(jax, "prune_closed_jaxpr_outputs")(closed, mask)),
            str(of(jax, "prune_jaxpr_outputs")(closed.jaxpr, mask)),
            str(opened), str(of(jax, "convert_invars_to_constvars")(opened, 1)),
            [str(part) for part in of(jax, "separate_consts")(with_consts)],
            close(closed.jaxpr) is close(closed.jaxpr),
        )  # fmt: skip

    assert_same(*run_both(program))


@pytest.mark.parametrize("case", [*POLICIES, ([True, False], True, False, False, None)], ids=str)
def test_parted_with_a_count_of_refs(case: Any) -> None:
    *flags, kept = case

    def program(jax: Any) -> Any:
        closed = jax.make_jaxpr(elementwise(jax))(1.0, 2.0)
        policy = None if kept is None else lambda *_, **__: kept
        return [str(part) for part in of(jax, "partial_eval_jaxpr_stateful")(closed.jaxpr, *flags, policy)]

    assert_same(*run_both(program))


def test_effects_of_programs() -> None:
    def program(jax: Any) -> Any:
        def fun(r: Any, x: Any) -> Any:
            t = jax.new_ref(x)
            r[...] = t[...] * 2
            t[0] = 3.0
            return r[...]

        jaxpr = jax.make_jaxpr(fun)(jax.new_ref(X), X).jaxpr
        effects_of, said = of(jax, "make_jaxpr_effects"), ""
        found = effects_of(jaxpr.constvars, jaxpr.invars, jaxpr.outvars, jaxpr.eqns)
        try:
            effects_of((), jaxpr.invars[1:], jaxpr.outvars, jaxpr.eqns)
        except ValueError as error:
            said = str(error)[:20]
        return sorted(type(e).__name__ for e in found), found == jaxpr.effects, said

    assert_same(*run_both(program))
