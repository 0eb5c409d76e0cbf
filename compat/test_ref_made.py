"""Refs that a function makes and gives: derivatives of such functions; the weak type of what refs hold."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from compat.same import assert_same, run_both

X = np.arange(3, dtype=np.float32)

PROGRAMS = """
    jax.jvp(made, (x,), (x,)); jax.vjp(made, x)[0]; jax.linearize(made, x)[0]; jax.linearize(made, x)[1](x)
    jax.vjp(made, x)[1](x); jax.grad(made)(x); jax.vmap(made)(x); jax.jit(made)(x)
    jax.jvp(pair, (x,), (x,)); jax.vjp(pair, x)[0]; jax.linearize(pair, x)[1](x); jax.jacfwd(made)(x)
    jax.grad(beside, has_aux=True)(x); jax.value_and_grad(beside, has_aux=True)(x); jax.vjp(beside, x, has_aux=True)[2]
    jax.jvp(beside, (x,), (x,), has_aux=True); jax.linearize(beside, x, has_aux=True)[2]
    jax.jit(lambda: held(1.0))(); jax.eval_shape(lambda: held(1.0, 2.0)); jax.eval_shape(lambda: held(1.0, np.float32(2)))
    held(1.0, np.float32(2)); held(np.float32(2), 1.0); jax.jit(lambda: held(np.float32(2), 1.0))(); held(1, 2)
    jax.jit(lambda r: r.__setitem__(..., 2.0))(kept) or kept; jax.jit(lambda: kept.__setitem__(..., 2.0))() or kept
    jax.lax.scan(lambda c, y: (c, kept.__setitem__(..., y)), 0.0, x) and kept
"""


@pytest.mark.parametrize("program", [p.strip() for p in PROGRAMS.replace("\n", ";").split(";") if p.strip()])
def test_programs(program: str) -> None:
    def run(jax: Any) -> Any:
        def made(x: Any) -> Any:
            r = jax.new_ref(x * 2)
            r[0] += x[1] if x.ndim else x
            return r

        def pair(x: Any) -> Any:
            return {"r": jax.new_ref(x * x), "x": x * 3}

        def beside(x: Any) -> Any:
            r = jax.new_ref(x)
            r[...] *= x
            return x.sum(), r

        def held(first: Any, *then: Any) -> Any:
            r = jax.new_ref(first)
            for value in then:
                r[...] = value
            return r[...]

        known = {"jax": jax, "np": np, "x": jax.numpy.asarray(X), "kept": jax.new_ref(1.0)}
        out = eval(program, known | {"made": made, "pair": pair, "beside": beside, "held": held})
        return jax.tree.map(lambda y: (y[...], repr(y)) if isinstance(y, jax.Ref) else y, out)

    assert_same(*run_both(run))
