"""custom_jvp rules that are not linear in their tangents: accepted forward, refused where reverse mode transposes them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from compat.same import assert_same, run_both

X = np.array([0.5, -1.0, 2.0], np.float32)


def with_rule(jax: Any, of_tangent: Any) -> Any:
    """The sine, with a function of jax, the primal and the tangent for its rule."""
    f = jax.custom_jvp(jax.numpy.sin)
    f.defjvp(lambda p, t: (f(p[0]), of_tangent(jax, p[0], t[0])))
    return lambda x: f(x).sum()


def loop(jax: Any, step: Any, t: Any) -> Any:
    """Two steps."""
    return jax.lax.scan(lambda c, _: (step(c), None), t, None, length=2)[0]


CURVED: dict[str, Any] = {
    "chosen by": lambda jax, x, t: jax.numpy.where(t > 0, 2 * t, 3 * t),
    "chosen from constants by": lambda jax, x, t: jax.numpy.where(t > 0, x, 3.0),
    "times a choice by": lambda jax, x, t: jax.numpy.where(t > 0, 2.0, 3.0) * t,
    "not a number": lambda jax, x, t: jax.numpy.nan_to_num(t),
    "compared": lambda jax, x, t: (t > x).astype(x.dtype),
    "compared, times a primal": lambda jax, x, t: (t == 0) * x,
    "any": lambda jax, x, t: jax.numpy.any(t > 0) * x,
    "seen by Python": lambda jax, x, t: 2 * t if t.sum() > 0 else 3 * t,
    "numpy": lambda jax, x, t: x * np.asarray(t > 0),
    "an index": lambda jax, x, t: x[jax.numpy.argmax(t)[None]] * x,
    "sign": lambda jax, x, t: jax.numpy.sign(t) * x,
    "rectified": lambda jax, x, t: jax.nn.relu(t),
    "largest": lambda jax, x, t: t.max() * x,
    "product of all": lambda jax, x, t: jax.numpy.prod(t) * x,
    "running product": lambda jax, x, t: jax.numpy.cumprod(t),
    "square": lambda jax, x, t: t**2,
    "product with itself": lambda jax, x, t: jax.numpy.dot(t, t) * x,
    "ratio": lambda jax, x, t: t / t,
    "divides": lambda jax, x, t: x / t,
    "sorted": lambda jax, x, t: jax.numpy.sort(t),
    "singular values": lambda jax, x, t: jax.numpy.linalg.svd(t * jax.numpy.ones((3, 1)))[1] * x,
    "eigenvalues": lambda jax, x, t: jax.numpy.linalg.eigh(t * jax.numpy.eye(3))[0] * x,
    "triangular": lambda jax, x, t: jax.scipy.linalg.solve_triangular(t + jax.numpy.eye(3), x),
    "cosine of it in a derivative": lambda jax, x, t: jax.jvp(jax.numpy.sin, (t,), (x,))[1],
    "jit": lambda jax, x, t: jax.jit(lambda t: jax.numpy.where(t > 0, t, 2 * t))(t),
    "jit of a sine": lambda jax, x, t: jax.jit(jax.numpy.sin)(t),
    "jit of a product": lambda jax, x, t: jax.jit(lambda a, b: a * b)(t, t),
    "branch by it": lambda jax, x, t: jax.lax.cond(t.sum() > 0, lambda x: x, lambda x: 2 * x, x),
    "branch": lambda jax, x, t: jax.lax.cond(x.sum() > 0, jax.numpy.sin, lambda t: 2 * t, t),
    "loop": lambda jax, x, t: loop(jax, lambda c: jax.numpy.where(c > 0, c, 2 * c), t),
    "endless": lambda jax, x, t: jax.lax.while_loop(lambda c: c.sum() < 10, lambda c: 2 * c, t),
    "checkpoint": lambda jax, x, t: jax.checkpoint(jax.numpy.sin)(t),
    "lanes": lambda jax, x, t: jax.vmap(lambda t: jax.numpy.where(t > 0, t, 2 * t))(t),
}  # fmt: skip
LINEAR: dict[str, Any] = {
    "not used": lambda jax, x, t: (t > 0, jax.numpy.sin(t), 2 * t)[-1],
    "loop, not used": lambda jax, x, t: (jax.lax.while_loop(lambda c: c.sum() < 10, lambda c: 2 * c, t), t)[1],
    "chosen by the primal": lambda jax, x, t: jax.numpy.where(x > 0, 2 * t, t),
    "branch by the primal in Python": lambda jax, x, t: 2 * t if x.sum() > 0 else t,
    "integers": lambda jax, x, t: t.astype(int).astype(x.dtype),
    "order": lambda jax, x, t: jax.numpy.argsort(t).astype(x.dtype),
    "affine": lambda jax, x, t: 2 * t + x,
    "derivative of a square": lambda jax, x, t: jax.grad(lambda t: (t * t).sum())(t),
    "loop": lambda jax, x, t: loop(jax, lambda c: 2 * c, t),
    "loop with a carry beside": lambda jax, x, t: jax.lax.scan(
        lambda c, _: ((jax.numpy.sin(c[0]), 2 * c[1]), None), (x, t), None, length=2)[0][1],
    "one of two results of a call": lambda jax, x, t: jax.jit(lambda x, t: (jax.numpy.sin(x), x * t))(x, t)[1],
    "products, sums, parts": lambda jax, x, t: jax.numpy.cumsum(jax.numpy.outer(t, x) @ x)[::-1].at[0].set(t[1]),
    "transformed": lambda jax, x, t: jax.numpy.fft.fft(t).real + jax.numpy.linalg.solve(jax.numpy.diag(x), t),
}  # fmt: skip


def said(f: Any, x: Any) -> Any:
    """What it gives, or how it refuses."""
    try:
        return f(x)
    except Exception as error:  # which one, both frameworks are asked
        return type(error).__name__, str(error).split("\n")[0].split("traced array")[0]


@pytest.mark.parametrize("name", [*CURVED, *(f"linear: {name}" for name in LINEAR)])
def test_rules_under_reverse_mode(name: str) -> None:
    def program(jax: Any) -> Any:
        rule = CURVED.get(name) or LINEAR[name.removeprefix("linear: ")]
        f, x = with_rule(jax, rule), jax.numpy.asarray(X)
        one = said(jax.grad(f), x)
        in_python = name in ("seen by Python", "numpy", "linear: branch by the primal in Python")
        return one, name == "endless" or in_python or said(jax.jit(jax.grad(f)), x), said(jax.grad(lambda x: 2 * f(x)), x)

    expected, actual = run_both(program)
    assert expected.error is None, expected
    assert_same(expected, actual)


def test_in_lanes_and_twice() -> None:
    def program(jax: Any) -> Any:
        f, g = (with_rule(jax, rule) for rule in (CURVED["chosen by"], LINEAR["chosen by the primal"]))
        x = jax.numpy.asarray(X)
        of = (
            lambda f: jax.vmap(jax.grad(f))(x[None]),
            lambda f: jax.jacrev(jax.grad(f))(x),
            lambda f: jax.jvp(f, (x,), (x,)),
            lambda f: jax.vjp(f, x)[0],
            lambda f: jax.grad(lambda x: f(x) * 0 + g(x))(x),
        )
        return [said(lambda h, of=of: of(h), h) for of in of for h in (f, g)]

    assert_same(*run_both(program))
