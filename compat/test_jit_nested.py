"""Transformations of jitted functions: derived graphs give what JAX gives, and the Python runs once.

Random stacks of transformations over functions with structured operations in them, `jit` anywhere in the stack.
"""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from compat.same import Tolerance, assert_same, run_both

X = np.array([0.5, 1.0, 2.0], np.float32)
GROWTH = Tolerance(factor=50)


def functions(jax: Any) -> list[Any]:
    jnp, lax = jax.numpy, jax.lax
    ruled = jax.custom_jvp(jnp.sin)
    ruled.defjvp(lambda p, t: (ruled(p[0]), t[0] * jnp.cos(p[0]) * p[0]))
    cubed = jax.custom_vjp(lambda x: x**3)
    cubed.defvjp(lambda x: (x**3, x), lambda x, g: (g * 3.3 * x**2,))
    return [
        lambda x: jnp.sin(x) * x,
        lambda x: lax.scan(lambda c, a: (c * jnp.cos(a) + a, c), x.sum(), x)[1] * x,
        lambda x: lax.fori_loop(0, 3, lambda i, c: c * jnp.sin(c) + i, x),
        lambda x: lax.cond(x.sum() > 1, jnp.sin, jnp.cos, x),
        lambda x: ruled(x) * x,
        lambda x: jnp.where(x > 0.7, jnp.exp(x), x**2),
        lambda x: jnp.exp(-x).cumsum() * x,
        lambda x: x @ jnp.outer(x, jnp.tanh(x)),
        lambda x: jnp.sort(x)[::-1] * x[0],
        lambda x: jax.nn.softmax(x) * jnp.max(x),
        lambda x: cubed(x),
    ]


LAST_FORWARD = 10  # from here on: reverse mode alone
REVERSE = {
    "grad": lambda jax, f: jax.grad(lambda x: f(x).sum()),
    "vjp": lambda jax, f: lambda x: jax.vjp(f, x)[1](jax.numpy.sin(x))[0],
    "vmap": lambda jax, f: lambda x: jax.vmap(f)(jax.numpy.stack([x, x * 2])).sum(0),
    "vmap of one": lambda jax, f: lambda x: jax.vmap(lambda y, z: f(y) * z, (None, 0))(x, x).sum(0),
    "jacrev": lambda jax, f: lambda x: jax.jacrev(f)(x).sum(0),
}
FORWARD = {
    "jvp": lambda jax, f: lambda x: jax.jvp(f, (x,), (x * x,))[1],
    "jvp's value": lambda jax, f: lambda x: jax.jvp(f, (x,), (jax.numpy.ones_like(x),))[0] * x,
    "linearize": lambda jax, f: lambda x: jax.linearize(f, x)[1](x),
    "jacfwd": lambda jax, f: lambda x: jax.jacfwd(f)(x).sum(0),
}


def drawn(draw: random.Random) -> tuple[int, list[str]]:
    which = draw.randrange(11)
    names = list(REVERSE) if which >= LAST_FORWARD else [*REVERSE, *FORWARD]
    stack = ["jit", *(draw.choice([*names, "jit"]) for _ in range(draw.choice([1, 2, 2, 3])))]
    draw.shuffle(stack)
    return which, stack


def program(which: int, stack: list[str]) -> Any:
    def run(jax: Any) -> Any:
        f = functions(jax)[which]
        for name in stack:
            f = jax.jit(f) if name == "jit" else {**REVERSE, **FORWARD}[name](jax, f)
        return f(X)

    return run


def check(seed: int, count: int) -> None:
    draw = random.Random(seed)
    for _ in range(count):
        which, stack = drawn(draw)
        assert_same(*run_both(program(which, stack)), tolerance=GROWTH, title=f"function {which} under {stack}")


def test_stacks() -> None:
    check(20260101, 12)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_many_stacks(seed: int) -> None:
    check(seed, 40)


# How often the Python runs


def counted(jax: Any, use: Any) -> Any:
    """What ``use`` gives, and how often it ran the Python of a jitted function."""
    runs: list[Any] = []

    @jax.jit
    def f(x: Any) -> Any:
        runs.append(x.shape)
        return (jax.numpy.sin(x) * x).sum()

    out = use(jax, f)
    return out, len(runs)


USES: dict[str, Any] = {
    "a chain in a trace": lambda jax, f: jax.jit(lambda x: f(x * f(x * f(x))))(X),
    "every transformation": lambda jax, f: [
        jax.grad(f)(X),
        jax.jvp(f, (X,), (X,)),
        jax.vmap(f)(X[None]),
        jax.hessian(f)(X),
        jax.linearize(f, X)[1](X),
        jax.vjp(f, X)[1](2.0),
        jax.vmap(jax.grad(f))(X[None]),
        jax.jit(jax.grad(f))(X),
    ],
    "again": lambda jax, f: [jax.grad(f)(X), jax.grad(f)(X + 1), f(X)],
    "another type": lambda jax, f: [f(X), jax.grad(f)(X[:2])],
    "named axis": lambda jax, f: [jax.vmap(f, axis_name="i")(X[None]) for _ in range(2)],
    "a scan's body": lambda jax, f: jax.lax.scan(lambda c, x: (c + f(c * x), c), X, X)[0],
}


@pytest.mark.parametrize("name", USES)
def test_python_runs_once(name: str) -> None:
    assert_same(*run_both(lambda jax: counted(jax, USES[name])), tolerance=GROWTH, title=name)


def parts(jax: Any) -> Any:
    jnp = jax.numpy
    return jax.jit(lambda x: (jnp.sqrt(x), x * 2))


def closing_over(jax: Any) -> Any:
    def f(x: Any, y: Any) -> Any:
        return jax.jit(lambda z: z * y * x)(x).sum()

    return f


PROGRAMS: dict[str, Any] = {
    "cotangents of some results": lambda jax: jax.grad(lambda x: parts(jax)(x)[1].sum())(np.zeros(3, np.float32)),
    "tangents of some results": lambda jax: jax.jvp(
        lambda x: parts(jax)(x)[1], (np.zeros(3, np.float32),), (X,)
    ),
    "the first, then the second": lambda jax: [
        jax.vjp(lambda x, k=k: parts(jax)(x)[k], X)[1](X)[0] for k in range(2)
    ],
    "aux": lambda jax: jax.value_and_grad(jax.jit(lambda x: ((x * x).sum(), {"a": x + 1, "n": 3})), has_aux=True)(X),
    "an integer argument": lambda jax: jax.grad(jax.jit(lambda x, n: (x * n).sum()))(X, 3),
    "an integer result": lambda jax: jax.jvp(jax.jit(lambda x: (x, (x * 3).astype(int))), (X,), (X,))[0],
    "grad by an integer": lambda jax: str(jax.jit(jax.grad(lambda n: n * 2.0, allow_int=True))(3).dtype),
    "complex": lambda jax: jax.vjp(jax.jit(lambda z: jax.numpy.exp(z) * z.conj()), X + 1j * X)[1](X + 2j)[0],
    "complex of real": lambda jax: jax.vjp(jax.jit(lambda x: x * (1 + 1j)), X)[1](np.full(3, 1j, np.complex64))[0],
    "holomorphic": lambda jax: jax.grad(jax.jit(lambda z: z**2), holomorphic=True)(np.complex64(1 + 2j)),
    "keys": lambda jax: jax.grad(jax.jit(lambda x, k: (x * jax.random.normal(k, (3,))).sum()))(X, jax.random.key(0)),
    "vmap over keys": lambda jax: jax.vmap(jax.jit(lambda k: jax.random.normal(k, (2,))))(
        jax.random.split(jax.random.key(0), 3)
    ),
    "weak types": lambda jax: [
        jax.grad(jax.jit(lambda x: x * 2))(1.0),
        jax.jvp(jax.jit(lambda x: x * 2.0), (1.0,), (1.0,)),
        jax.vmap(jax.jit(lambda x: (x, 1.0)))(X),
    ],
    "closed-over tracers of grad": lambda jax: jax.grad(closing_over(jax), (0, 1))(X, 2 * X),
    "closed-over tracers, second order": lambda jax: jax.hessian(closing_over(jax), (0, 1))(X, 2 * X),
    "closed-over lanes": lambda jax: jax.vmap(
        lambda y: jax.grad(lambda x: jax.jit(lambda z: (z * y * x).sum())(x))(X)
    )(X),
    "third order through lanes": lambda jax: jax.grad(
        lambda x: jax.grad(lambda x: jax.jacfwd(jax.jit(lambda x: jax.numpy.sin(x) * x))(x).sum())(x).sum()
    )(X),
    "no lanes": lambda jax: jax.vmap(jax.jit(lambda x: x * 2))(np.zeros((0, 3), np.float32)),
    "lanes out of nothing": lambda jax: jax.vmap(jax.jit(lambda x: jax.numpy.ones(2)), out_axes=None)(X),
    "psum over an outer axis": lambda jax: jax.grad(
        lambda x: (jax.vmap(jax.jit(lambda x: x / jax.lax.psum(x, "i")), axis_name="i")(x) ** 2).sum()
    )(X),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs(name: str) -> None:
    assert_same(*run_both(PROGRAMS[name]), title=name)


def test_a_rule_that_closes_over_a_tracer() -> None:
    """JAX refuses it ("No constant handler"); here such a value is one more argument of the derived graphs."""
    import jaxlike as jax

    def gradient(y: Any) -> Any:
        f = jax.custom_vjp(lambda x: x * 2)
        f.defvjp(lambda x: (x * 2, None), lambda _, g: (g * y,))
        return jax.grad(jax.jit(lambda x: f(x) * 3))(3.0)

    assert float(jax.jit(gradient)(2.0)) == 6.0
