"""A custom_jvp rule that takes the jvp of a custom_vjp function inside of loops, branches and calls; what is not linear."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from compat.same import assert_same, run_both, same_in_both


def own(jax: Any) -> Any:
    """A function whose reverse rule is not its derivative."""
    f = jax.custom_vjp(jax.numpy.sin)
    f.defvjp(lambda x: (jax.numpy.sin(x), x), lambda x, ct: (3 * jax.numpy.cos(x) * ct,))
    return f


def forward_of(jax: Any, inner: Any) -> Any:
    """A function whose forward rule is the jvp of another."""
    f = jax.custom_jvp(lambda x: inner(x))
    f.defjvp(lambda primals, tangents: jax.jvp(inner, primals, tangents))
    return f


def loop(jax: Any, f: Any) -> Any:
    """Two steps."""
    return lambda x: jax.lax.scan(lambda c, _: (f(c), c), x, None, length=2)[0]


def branch(jax: Any, f: Any) -> Any:
    """Where x is positive."""
    return lambda x: jax.lax.cond(x > 0, f, lambda x: 2 * x, x)


INNER: dict[str, Callable[[Any], Any]] = {
    "scan of scan": lambda jax: loop(jax, loop(jax, own(jax))),
    "branch": lambda jax: branch(jax, own(jax)),
    "branch of scan": lambda jax: branch(jax, loop(jax, own(jax))),
    "scan of branch": lambda jax: loop(jax, branch(jax, own(jax))),
    "scan of jit": lambda jax: loop(jax, jax.jit(own(jax))),
    "checkpoint": lambda jax: jax.checkpoint(own(jax)),
}


@pytest.mark.parametrize("name", INNER)
def test_forward_of_reverse(name: str) -> None:
    def program(jax: Any) -> Any:
        f = forward_of(jax, INNER[name](jax))
        return f(0.5), jax.grad(f)(0.5), jax.grad(f)(-0.5), jax.jit(jax.grad(f))(0.5)

    expected, actual = run_both(program)
    assert expected.error is None, expected
    assert_same(expected, actual)


def other_result(jax: Any) -> Any:
    """A function whose forward rule gives another result than it does itself."""
    f = jax.custom_vjp(jax.numpy.sin)
    f.defvjp(lambda x: (2 * jax.numpy.sin(x), x), lambda x, ct: (3 * jax.numpy.cos(x) * ct,))
    return f


def mapped(jax: Any, f: Any) -> Any:
    """Elementwise."""
    return lambda x: jax.lax.map(f, x[None])[0]


AROUND: dict[str, Callable[[Any, Any], Any]] = {
    "alone": lambda jax, f: f,
    "jit": lambda jax, f: jax.jit(f),
    "lanes of jit": lambda jax, f: lambda x: jax.vmap(jax.jit(f))(x[None])[0],
    "jit of lanes": lambda jax, f: lambda x: jax.jit(jax.vmap(f))(x[None])[0],
    "scan": loop,
    "branch": branch,
    "map": mapped,
    "checkpoint": lambda jax, f: jax.checkpoint(f),
}


@pytest.mark.parametrize("name", AROUND)
def test_both_modes_of_a_reverse_rule(name: str) -> None:
    def program(jax: Any) -> Any:
        f, g = (AROUND[name](jax, of(jax)) for of in (own, other_result))
        x = jax.numpy.float32(0.5)
        return [
            said(run)
            for run in (
                lambda: jax.hessian(f)(x),
                lambda: jax.jvp(jax.grad(f), (x,), (x,)),
                lambda: jax.value_and_grad(g)(x),
                lambda: jax.jit(jax.value_and_grad(g))(x),
                lambda: jax.linearize(f, x)[0],
                lambda: jax.linearize(f, x)[1](x),
                lambda: jax.jit(jax.linearize(f, x)[1])(x),
                lambda: jax.linear_transpose(jax.linearize(f, x)[1], x)(x),
                lambda: jax.jvp(f, (x,), (x,))[0],
                lambda: jax.jvp(f, (x,), (x,))[1] + 0,
                lambda: name in ("scan",) or jax.jit(lambda x: jax.jvp(f, (x,), (x,))[0])(x),
                lambda: name in ("scan", "branch", "map") or jax.grad(lambda x: jax.jvp(f, (x,), (x,))[1])(x),
            )
        ]

    expected, actual = run_both(program)
    assert expected.error is None, expected
    assert_same(expected, actual)


def said(run: Callable[[], Any]) -> Any:
    """What it gives, or how it refuses."""
    try:
        return run()
    except (TypeError, NotImplementedError) as error:  # its words are compared
        return type(error).__name__, str(error)


def with_tangent(jax: Any, of_tangent: Any) -> Any:
    """The identity, with this function of the tangent for its rule."""
    f = jax.custom_jvp(lambda x: x)
    f.defjvp(lambda primals, tangents: (primals[0], of_tangent(tangents[0])))
    return f


def linearized_before(jax: Any) -> Any:
    """What `linearize` derives of a choice and a loop does not serve other transformations."""
    f, seen = jax.custom_vjp(lambda x: x * x), []
    f.defvjp(lambda x: (x * x, x), lambda x, g: (3 * x * g,))
    for g in (
        lambda x: jax.lax.cond(x > 0, f, f, x),
        lambda x: jax.lax.scan(lambda c, _: (f(c), None), x, None, 2)[0],
    ):
        for call in (
            lambda g=g: jax.linearize(g, 2.0)[1](1.0),
            lambda g=g: jax.hessian(g)(2.0),
            lambda g=g: jax.grad(lambda x: jax.jvp(g, (x,), (1.0,))[1])(2.0),
        ):
            try:
                seen.append(call())
            except (TypeError, NotImplementedError) as error:  # it has no forward mode: what is said of that is compared
                seen.append((type(error).__name__, str(error)))
    return seen


PROGRAMS: dict[str, Callable[[Any], Any]] = {
    "linearized": lambda jax: jax.linearize(own(jax), 0.5)[0],
    "linearized and called": lambda jax: jax.linearize(own(jax), 0.5)[1](1.0),
    "linearized loop": lambda jax: jax.linearize(loop(jax, own(jax)), 0.5)[1](1.0),
    "linearized and transposed": lambda jax: jax.linear_transpose(jax.linearize(own(jax), 0.5)[1], 1.0)(2.0),
    "linearized and not used": lambda jax: jax.linearize(lambda x: (own(jax)(x), x * 2)[1], 0.5)[1](1.0),
    "linearized, then another mode": lambda jax: linearized_before(jax),
    "tangent stopped": lambda jax: jax.grad(with_tangent(jax, jax.lax.stop_gradient))(1.0),
    "tangent stopped in part": lambda jax: jax.grad(with_tangent(jax, lambda t: t + jax.lax.stop_gradient(t)))(1.0),
    "tangent stopped forward": lambda jax: jax.jvp(with_tangent(jax, jax.lax.stop_gradient), (jax.numpy.ones(2),),
                                                   (jax.numpy.ones(2),))[1] + 0,
}  # fmt: skip


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs(name: str) -> None:
    assert_same(*run_both(PROGRAMS[name]))


@same_in_both
def test_what_a_backward_pass_calls_is_not_differentiated(jax):
    """A jitted function and a loop of cotangents, by a rule that must not be differentiated."""
    jnp = jax.numpy

    once, f = jax.custom_jvp(lambda x: x * 2), jax.custom_vjp(jnp.sin)

    def refuse(primals, tangents):
        raise RuntimeError("a derivative of what is only computed")

    once.defjvp(refuse)

    @jax.jit
    def pulled(g):
        return jax.lax.scan(lambda c, _: (jax.jit(once)(c) / 2, None), g, None, length=2)[0]

    f.defvjp(lambda x: (jnp.sin(x), x), lambda x, g: (pulled(g) * jnp.cos(x),))
    x = jnp.arange(3.0)
    of_jit = jax.jit(f)
    return jax.grad(lambda x: (f(x) ** 2).sum())(x), jax.value_and_grad(lambda x: jnp.exp(of_jit(x * x)).sum())(x)
