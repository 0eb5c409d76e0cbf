"""Scalars in jaxprs: what is written in as a literal, and what is a constant that the function closed over."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from compat.same import assert_same, run_both

X = np.arange(3, dtype=np.float32)

# A function of ``x`` that closes over ``c`` (float32, weakly typed), ``f`` (float32), ``i`` (int32) and ``n`` (numpy's).
PROGRAMS = """
    x * c; x * f; x * i; x * n; c; f; n; jnp.sin(c); jnp.sin(n); f + i; x ** f; x ** 2; c + 1; jnp.where(x > c, x, i)
    x * jnp.array(1.0); x * jnp.asarray(np.float32(2)); x * jnp.float32(2); x * np.float32(2); jnp.array(1.0); 1.0; 1
    jnp.asarray(np.float32(2)); jnp.array(True) & (x > 0); jnp.uint32(5); jnp.zeros(()); jnp.full((), 2.0) * x
    jnp.array([x[0], f]); jnp.clip(x, c, f); lax.full((2,), f)
    jax.jit(lambda y: y * c)(x); jax.jit(lambda y, z: y * z)(x, c); jax.jit(lambda y: y * i + n)(x)
    jax.jit(lambda y: jax.jit(lambda z: z * f)(y) * c)(x); jax.checkpoint(lambda y: y * c)(x)
    lax.scan(lambda a, y: (a * c + y, None), 0.0, x); lax.scan(lambda a, y: (a + y, None), f, x)
    lax.scan(lambda a, y: (a + y * i, a), jnp.array(0.0), x); lax.fori_loop(0, 3, lambda k, a: a * f + k, x)
    lax.while_loop(lambda a: a[0] < c, lambda a: a * f + c, x); lax.cond(x[0] > f, lambda: x * c, lambda: x)
    jax.grad(lambda y: (y * c).sum())(x); jax.vmap(lambda y: y * f)(x); jax.jvp(lambda y: y * f, (x,), (x,))
    jax.make_jaxpr(lambda y: y * jnp.array(0) + c)(x).jaxpr and x; jax.custom_jvp(lambda y: y * c).__wrapped__(x)
"""


@pytest.mark.parametrize("program", [p.strip() for p in PROGRAMS.replace("\n", ";").split(";") if p.strip()])
def test_programs(program: str) -> None:
    def run(jax: Any) -> Any:
        jnp = jax.numpy
        known = {"jax": jax, "jnp": jnp, "np": np, "lax": jax.lax, "n": np.float32(3)}
        known |= {"c": jnp.array(2.0), "f": jnp.float32(3), "i": jnp.int32(1)}
        closed = jax.make_jaxpr(eval(f"lambda x: {program}", known))(X)
        consts = [(type(x) is not np.ndarray and str(jax.typeof(x)), np.asarray(x)) for x in closed.consts]
        outs = jax.core.eval_jaxpr(closed.jaxpr, closed.consts, X)
        return str(closed), consts, [np.asarray(x, np.float32) for x in outs]

    assert_same(*run_both(run))


def test_converted_closures_have_the_numbers_of_surroundings_as_leaves() -> None:
    """A library compares the constants of a function made inside a trace, before a loop and in it."""

    def program(jax: Any) -> Any:
        jnp = jax.numpy

        def count(start: Any, x: Any) -> Any:
            return len(jax.make_jaxpr(lambda y: y * start)(x).consts)

        found = []

        def fun(x: Any) -> Any:
            found.append(count(jnp.array(0), x))
            found.append(count(x[0], x))
            found.append(count(0.5, x))
            return x

        jax.jit(fun)(X)
        return found

    assert_same(*run_both(program))
