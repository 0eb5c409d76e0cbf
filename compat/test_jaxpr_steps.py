"""What a jaxpr shows of functions that torch computes in other steps than JAX, and that its equations give the same.

`SAME_TEXT` are lines whose jaxpr is JAX's to the letter; of `SAME_NAMES` the primitives are, inside of calls too.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

from compat.calls import params
from compat.same import assert_same, run_both

X = np.array([0.5, 1.0, 2.0], np.float32)
NAMES = {
    "x": X,
    "m": np.arange(6, dtype=np.float32).reshape(2, 3),
    "s": np.array([[2, 1, 0], [1, 3, 1], [0, 1, 4]], np.float32),
    "b": np.arange(12, dtype=np.float32).reshape(2, 2, 3),
    "i": np.array([5, -7, 9], np.int32),
    "j": np.array([2, 4, -6], np.int32),
    "u": np.array([5, 7, 9], np.uint8),
    "image": np.arange(15, dtype=np.float32).reshape(1, 3, 5),
    "window": np.ones((2, 3, 2), np.float32),
}

SAME_TEXT = """
    x % x
    divmod(x, x)
    i // j
    u // u
    1 - x; 1 / x; jnp.reciprocal(x)
    jnp.isnan(x); jnp.isinf(x); jnp.trunc(x); jnp.signbit(x); jnp.log2(x); jnp.log10(x)
    jax.nn.relu(x); jnp.logaddexp(x, 2 * x); jax.nn.relu6(x); jax.nn.softplus(x)
    jnp.tril(m); jnp.triu(b, 1); jnp.eye(3); jnp.eye(2, 3, 1, dtype=jnp.int32); jnp.identity(3)
    jnp.diagonal(m, 1); jnp.trace(m); jnp.tile(m, (2, 3))
    jnp.any(m); jnp.all(m, axis=0, keepdims=True)
    jnp.expand_dims(m, (0, 3)); m.reshape(6, order="F"); jax.lax.reshape(m, (3, 2), (1, 0))
    jax.lax.broadcasted_iota(jnp.int32, (3, 4), 1); jnp.arange(1, 5); jax.lax.iota(jnp.int32, 4)
    x.at[0].set(2)
    jnp.var(x); jnp.std(m, axis=0); jnp.ptp(x)
    jax.nn.logsumexp(x); jax.nn.logsumexp(m, axis=1, keepdims=True)
    jax.lax.round(x); jax.lax.round(x, jax.lax.RoundingMethod.TO_NEAREST_EVEN)
    jax.lax.conv_general_dilated(image, window, (1,), "SAME")
    jax.lax.linalg.triangular_solve(s, s, left_side=True, lower=True); jax.lax.linalg.lu(s)
    jax.lax.linalg.qr(s, full_matrices=False); jax.lax.igamma(x, x); jax.lax.zeta(x + 1, x)
    jax.lax.reduce_window(m, 0.0, jax.lax.add, (2, 2), (1, 1), "VALID")
    jax.lax.reduce_window(m, -jnp.inf, jax.lax.max, (2, 1), (2, 1), "SAME", (1, 2), (1, 1))
    jax.vmap(lambda r: jax.lax.reduce_window(r, jnp.inf, jax.lax.min, (2,), (1,), ((1, 0),)))(m)
    jax.vmap(lambda a: a / jax.lax.psum(a, "i"), axis_name="i")(x); jax.vmap(lambda a: jax.lax.pmin(a, "i"), axis_name="i")(x)
    jax.vmap(lambda a: a + jax.lax.axis_index("i"), axis_name="i")(x); jax.vmap(lambda a: jax.lax.pmean(a, "i"), axis_name="i")(x)
    jax.vmap(jax.vmap(lambda a: jax.lax.psum(a, "i") - jax.lax.pmax(a, "i"), axis_name="i", out_axes=None))(m)
"""
SAME_NAMES = """
    jnp.diag(x, -1); jnp.roll(x, 1); jnp.roll(m, (1, -2), (0, 1)); jnp.nanmax(x); jnp.nansum(m, axis=0)
    jnp.fmod(x, x); jax.nn.log_softmax(x); jax.nn.hard_silu(x); jax.nn.mish(x); jnp.logaddexp2(x, x)
    jnp.vander(x); jnp.trapezoid(x); jnp.append(m, m, axis=1); jax.nn.celu(x); jnp.nancumsum(x)
"""


def lines(block: str) -> list[Any]:
    """A line may hold several calls."""
    return params(block.replace(";", "\n"))


def closed(jax: Any, line: str) -> Any:
    """The jaxpr of a line as a function of the arrays that it names, and these."""
    used = [name for name in NAMES if name in compile(line, line, "eval").co_names]

    def fun(*arrays: Any) -> Any:
        return eval(line, {"jax": jax, "jnp": jax.numpy, **dict(zip(used, arrays, strict=True))})

    arrays = [jax.numpy.asarray(NAMES[name]) for name in used]
    return jax.make_jaxpr(fun)(*arrays), fun, arrays


def names_in(jaxpr: Any) -> Counter[str]:
    """How often each primitive is in a jaxpr, in those inside too."""
    found = Counter[str]()
    for e in jaxpr.eqns:
        found[f"{e.primitive.name} {e.params['name']}" if e.primitive.name == "jit" else e.primitive.name] += 1
        for v in e.params.values():
            for inner in v if isinstance(v, tuple) else (v,):
                if hasattr(inner, "eqns"):
                    found += names_in(inner)
    return found


@pytest.mark.parametrize("line", lines(SAME_TEXT))
def test_text(line: str) -> None:
    def program(jax: Any) -> Any:
        jaxpr, fun, arrays = closed(jax, line)
        return str(jaxpr), jax.core.eval_jaxpr(jaxpr.jaxpr, jaxpr.consts, *arrays), fun(*arrays)

    assert_same(*run_both(program))


@pytest.mark.parametrize("line", lines(SAME_NAMES))
def test_names(line: str) -> None:
    def program(jax: Any) -> Any:
        jaxpr, fun, arrays = closed(jax, line)
        out = jax.core.eval_jaxpr(jaxpr.jaxpr, jaxpr.consts, *arrays)
        return sorted(names_in(jaxpr).items()), out, fun(*arrays)

    assert_same(*run_both(program))


@pytest.mark.parametrize("how", ["grad", "vmap", "jvp", "hessian"])
def test_rules_of_equations(how: str) -> None:
    """Functions with a derivative of their own have it in their equations."""

    def program(jax: Any) -> Any:
        jnp = jax.numpy
        jaxpr = jax.make_jaxpr(lambda x: (jax.nn.relu(x) + jnp.logaddexp(x, 2 * x) + jax.nn.relu6(x) * x).sum())(X)

        def again(x: Any) -> Any:
            return jax.core.eval_jaxpr(jaxpr.jaxpr, jaxpr.consts, x)[0]

        if how == "jvp":
            return jax.jvp(again, (X,), (X,))
        return jax.vmap(again)(NAMES["m"]) if how == "vmap" else getattr(jax, how)(again)(X)

    assert_same(*run_both(program))


def test_functions_called_by_keyword() -> None:
    """What a call in a jaxpr reads has the names of parameters, so it may be given by name."""

    def program(jax: Any) -> Any:
        jnp, nn = jax.numpy, jax.nn

        def by_name(x: Any, m: Any) -> Any:
            return [
                nn.softplus(x=x), nn.squareplus(x=x, b=2.0), nn.celu(x, alpha=x), nn.glu(x=m, axis=0), jnp.sort(a=x),
                jnp.clip(x, max=0.7, min=x * x), jnp.cov(m=m, y=m), jnp.diff(x, append=x[:1], prepend=0.0),
                jnp.append(arr=x, values=1.0), jnp.take(a=x, indices=1), jnp.linalg.norm(x=m), jnp.polyadd(a1=x, a2=x),
                jnp.trapezoid(y=x, x=x * x), jnp.angle(z=x), jnp.round(a=x), jnp.linalg.det(a=m @ m.T),
            ]  # fmt: skip

        x, m = np.array([0.25, 0.5, 1.0], np.float32), np.arange(6, dtype=np.float32).reshape(2, 3)
        closed = jax.make_jaxpr(by_name)(x, m)
        calls = [e.params["name"] for e in closed.eqns if e.primitive.name == "jit"]
        return by_name(x, m), jax.core.eval_jaxpr(closed.jaxpr, closed.consts, x, m), calls

    assert_same(*run_both(program))


def test_branches_are_traced_again_as_they_are() -> None:
    def program(jax: Any) -> Any:
        jnp, lax = jax.numpy, jax.lax

        def fun(x: Any) -> Any:
            some = lax.cond(x[0] > 0, jnp.sin, jnp.cos, x)
            return lax.switch(x[1].astype(int), [jnp.negative, jnp.abs, jnp.floor], some)

        closed = jax.make_jaxpr(fun)(np.ones(3, np.float32))
        again = jax.make_jaxpr(lambda x: jax.core.eval_jaxpr(closed.jaxpr, closed.consts, x))(np.ones(3, np.float32))
        return str(closed), str(again)

    assert_same(*run_both(program))
