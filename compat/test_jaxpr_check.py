"""Jaxprs that do not fit together: the first line of what is said of parameters of loops and choices, and of types."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from compat.same import assert_same, run_both

F32 = np.float32


def switched(jax: Any) -> Any:
    return jax.make_jaxpr(lambda i, y: jax.lax.switch(i, [lambda x: x + 1.0, lambda x: x * 3.0], y))(0, 2.0).jaxpr


def scanned(jax: Any) -> Any:
    return jax.make_jaxpr(lambda c, xs: jax.lax.scan(lambda c, x: (c + x, x * 2), c, xs))(
        F32(1), np.arange(3, dtype=F32)
    ).jaxpr


def changed(jaxpr: Any, primitive: str, params: dict[str, Any]) -> Any:
    eqns = [e.replace(params={**e.params, **params}) if e.primitive.name == primitive else e for e in jaxpr.eqns]
    return jaxpr.replace(eqns=eqns)


def of(jax: Any, fun: Any, *args: Any) -> Any:
    return jax.make_jaxpr(fun)(*args)


BRANCHES = {
    "no jaxprs": lambda jax: (4, 2),
    "no tuple": lambda jax: 3,
    "none": lambda jax: (),
    "other numbers of arguments": lambda jax: (of(jax, lambda x: x, 1.0), of(jax, lambda x, y: x, 1.0, 2.0)),
    "other numbers of results": lambda jax: (of(jax, lambda x: x, 1.0), of(jax, lambda x: (x, x), 1.0)),
    "other arguments": lambda jax: (of(jax, lambda x: x, 1.0), of(jax, lambda x: x, np.zeros(3, F32))),
    "other results": lambda jax: (of(jax, lambda x: x * 1.0, 1.0), of(jax, lambda x: jax.numpy.int32(x), 1.0)),
    "other operands": lambda jax: (of(jax, lambda x: x * 1.0, np.zeros(3, F32)),) * 2,
    "more operands": lambda jax: (of(jax, lambda x, y: x, 1.0, 2.0),) * 2,
}
LOOPS = {
    "length": lambda jax: {"length": -5},
    "reverse": lambda jax: {"reverse": 4},
    "num_consts": lambda jax: {"num_consts": -3},
    "num_consts, a name": lambda jax: {"num_consts": "a"},
    "num_carry": lambda jax: {"num_carry": 2.0},
    "jaxpr": lambda jax: {"jaxpr": {}},
    "unroll": lambda jax: {"unroll": "a"},
    "shifted": lambda jax: {"num_consts": 1},
    "carry changes": lambda jax: {"jaxpr": of(jax, lambda c, x: (jax.numpy.int32(c), x), 1.0, 2.0)},
    "other carry": lambda jax: {"jaxpr": of(jax, lambda c, x: (c, x), 1, 2.0)},
    "other rows": lambda jax: {"jaxpr": of(jax, lambda c, x: (c, x), 1.0, 2)},
}


def said(jax: Any, jaxpr: Any) -> str:
    """What comes before the equation."""
    try:
        jax.extend.core.check_jaxpr(jaxpr)
    except jax.errors.JaxprTypeError as error:
        return str(error.args[0]).split("\n\nin equation:")[0]
    return "fits"


@pytest.mark.parametrize("case", BRANCHES)
def test_choices(case: str) -> None:
    def check(jax: Any) -> str:
        return said(jax, changed(switched(jax), "cond", {"branches": BRANCHES[case](jax)}))

    assert_same(*run_both(check))


@pytest.mark.parametrize("case", LOOPS)
def test_loops(case: str) -> None:
    assert_same(*run_both(lambda jax: said(jax, changed(scanned(jax), "scan", LOOPS[case](jax)))))


@pytest.mark.parametrize("aval", [((), np.int32), ((2,), F32)])
def test_types_of_results(aval: Any) -> None:
    """A result that is said to be what it is not."""

    def check(jax: Any) -> str:
        jaxpr = jax.make_jaxpr(lambda x: jax.numpy.sin(x) + jax.numpy.cos(x))(F32(1)).jaxpr
        jaxpr.eqns[0].outvars[0].aval = jax.core.ShapedArray(*aval)
        return said(jax, jaxpr)

    assert_same(*run_both(check))


def test_what_fits() -> None:
    """Loops, choices, calls, rules and callbacks, and derivatives of them."""

    def check(jax: Any) -> list[str]:
        lax, jnp = jax.lax, jax.numpy
        rule = jax.custom_jvp(jnp.sin)
        rule.defjvp(lambda p, t: (jnp.sin(p[0]), t[0]))
        programs = [
            lambda x: lax.scan(lambda c, y: (c * y, rule(c)), x.sum(), x),
            lambda x: lax.while_loop(lambda c: c[0] < 3, lambda c: (c[0] + 1, c[1] * 2), (0, x)),
            lambda x: lax.cond(x.sum() > 0, jnp.sin, lambda y: y * 2, x),
            lambda x: jax.vmap(lambda y: lax.psum(y, "i"), axis_name="i")(x),
            lambda x: jax.checkpoint(lambda y: jnp.sort(y) @ y)(x),
            lambda x: jax.random.normal(jax.random.key(0), (3,)) * x,
            lambda x: jax.pure_callback(np.sin, x, x),
        ]
        grads = [
            jax.grad(lambda x, p=p: jax.tree.leaves(p(x))[-1].sum()) for p in (programs[0], programs[2], programs[4])
        ]
        return [said(jax, jax.make_jaxpr(p)(np.ones(3, F32)).jaxpr) for p in (*programs, *grads)]

    assert_same(*run_both(check))


@pytest.mark.parametrize("unroll", [1, 2, 5, True, False])
def test_unroll_is_shown(unroll: Any) -> None:
    """Of the loop, of its batch and of its derivative."""

    def shown(jax: Any) -> Any:
        def loop(c: Any, xs: Any) -> Any:
            return jax.lax.scan(lambda c, x: (c * x, c), c, xs, unroll=unroll)[0]

        xs = np.arange(3, dtype=F32)
        found = []
        for f, args in ((loop, (F32(1), xs)), (jax.vmap(loop, (0, None)), (xs, xs))):
            found += [e.params["unroll"] for e in jax.make_jaxpr(f)(*args).eqns if e.primitive.name == "scan"]
        forward = jax.make_jaxpr(lambda c: jax.jvp(lambda c: loop(c, xs), (c,), (c,)))(F32(1))
        return found, [e.params["unroll"] for e in forward.eqns if e.primitive.name == "scan"]

    assert_same(*run_both(shown))


@pytest.mark.parametrize("framework", ["jax", "jaxlike"])
def test_inputs_of_branches_are_counted_first(framework: str) -> None:
    import importlib

    jax: Any = importlib.import_module(framework)
    core: Any = importlib.import_module("jax._src.core" if framework == "jax" else "jaxlike._src.graph.jaxpr_check")
    # Functions of this test alone: the traces of jax.numpy's are kept, and one of these is broken below.
    jaxpr = jax.make_jaxpr(lambda x: jax.lax.cond(x > 0, lambda x: x + 1, lambda x: x * 2, x))(1.0).jaxpr
    cond = next(eqn for eqn in jaxpr.eqns if eqn.primitive.name == "cond")
    cond.params["branches"][0].jaxpr._invars = ()
    with pytest.raises(jax.errors.JaxprTypeError, match="cond branch 0 takes 0 inputs, branch 1 takes 1"):
        core.check_jaxpr(jaxpr)
