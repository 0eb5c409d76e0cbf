"""What a jaxpr shows of refs, what its equations do when they are bound, and the same made a program of values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from compat.frameworks import private
from compat.same import assert_same, run_both

X = np.array([0.5, 1.0, 2.0], np.float32)
M = np.arange(12, dtype=np.float32).reshape(3, 4)
I = np.int32(1)  # noqa: E741

PARTS = """
    r[0]; r[-1]; r[i]; r[1:3]; r[::2]; r[:]; r[...]; r[()]; r[None]; r[i, 1:]; r[..., -1]; r[0:2, 0:3:2]
    r[jnp.array([0, 1])]; r[np.array([0, 1])]; r[i[None], i[None]]; r[np.int32(1)]; r[jnp.int8(1)]
    r.at[0][1]; r.at[1:][0]; jax.freeze(r); jax.ref.free_ref(r)
    jax.ref.addupdate(r, (0, 0), 1.0); jax.ref.addupdate(r, None, x); r.addupdate(x[1], 0)
    jax.ref.swap(r, (0, slice(None)), x[1]); jax.ref.swap(r, None, x * 2); jax.ref.set(r, None, x)
    r.__setitem__((i, 0), 2); r.__setitem__(0, x[1])
"""


def described(closed: Any) -> Any:
    """A jaxpr's text, and its effects."""
    ins = closed.jaxpr.invars
    kinds = [(type(e).__name__, ins.index(e.input) if getattr(e, "input", None) in ins else None) for e in closed.effects]
    return str(closed), sorted(kinds, key=str), [sorted(type(e).__name__ for e in q.effects) for q in closed.eqns]


@pytest.mark.parametrize("line", [part.strip() for part in PARTS.replace("\n", ";").split(";") if part.strip()])
def test_parts(line: str) -> None:
    def program(jax: Any) -> Any:
        def fun(x: Any, i: Any) -> Any:
            r = jax.new_ref(x)
            return eval(line, {"jax": jax, "jnp": jax.numpy, "np": np, "r": r, "x": x, "i": i}), r[...]

        closed = jax.make_jaxpr(fun)(M, I)
        return described(closed), jax.core.eval_jaxpr(closed.jaxpr, closed.consts, M, I)

    assert_same(*run_both(program))


def given(jax: Any) -> Any:
    """A ref among the arguments."""

    def fun(r: Any, x: Any) -> Any:
        r[0] = x
        r[...]
        jax.ref.addupdate(r, (0,), 1.0)
        return r[1]

    r = jax.new_ref(jax.numpy.arange(3.0))
    closed = jax.make_jaxpr(fun)(r, 2.0)
    out = jax.core.eval_jaxpr(closed.jaxpr, closed.consts, r, 5.0)
    return described(closed), str(closed.in_avals), closed.jaxpr.debug_info.arg_names, out, r[...]


def closed_over(jax: Any) -> Any:
    """A ref from outside."""
    r = jax.new_ref(jax.numpy.arange(3.0))
    closed = jax.make_jaxpr(lambda x: r.__setitem__(0, x))(1.0)
    jax.core.eval_jaxpr(closed.jaxpr, closed.consts, 5.0)
    return described(closed), closed.consts[0] is r, r[...]


def bound_again(jax: Any) -> Any:
    """The equations under transformations."""

    def fun(x: Any) -> Any:
        r = jax.new_ref(x)
        r[0] = x[1]
        return r[...] * jax.ref.swap(r, None, x)

    closed = jax.make_jaxpr(fun)(X)

    def again(x: Any) -> Any:
        return jax.core.eval_jaxpr(closed.jaxpr, closed.consts, x)[0]

    grads = jax.grad(lambda x: again(x).sum())(X)
    return jax.jit(again)(X), jax.jit(fun)(X), jax.vmap(again)(M[:, :3]), grads, described(jax.make_jaxpr(again)(X))


def two(jax: Any) -> Any:
    """Two refs, of which one gets the other's values."""

    def fun(x: Any) -> Any:
        a, b = jax.new_ref(x), jax.new_ref(x * 2)
        a[...] = b[...]
        b[0] = a[1]
        return jax.freeze(a) + jax.freeze(b)

    return described(jax.make_jaxpr(fun)(X))


def unused(jax: Any) -> Any:
    """Writes that nothing reads, of values that nothing else uses."""

    def fun(x: Any) -> None:
        a = jax.new_ref(jax.numpy.zeros(3))
        a[...] = x.astype("int32").astype("float32")
        jax.new_ref(jax.numpy.arange(3.0))[0] = 3

    return described(jax.make_jaxpr(fun)(X))


PROGRAMS = {f.__name__: f for f in (given, closed_over, bound_again, two, unused)}


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs(name: str) -> None:
    assert_same(*run_both(PROGRAMS[name]))


def test_discharged() -> None:
    def program(jax: Any) -> Any:
        def fun(r: Any, q: Any, x: Any) -> Any:
            r[0] = r[1] + x
            q[...] *= 2
            return [r[2] + q[0]]

        debug = jax.api_util.debug_info("a test", fun, (1, 2, 3), {})
        wrapped = private(jax, "jax._src.linear_util", "wrap_init")(fun, debug_info=debug)
        ref = private(jax, "jax._src.state", "shaped_array_ref")((3,), np.dtype("float32"))
        types = [ref, ref, ref.inner_aval.update(shape=())]
        trace = private(jax, "jax._src.interpreters.partial_eval", "trace_to_jaxpr_dynamic")
        jaxpr, outs, consts = trace(wrapped, types)
        closed = jax.extend.core.ClosedJaxpr(jaxpr, consts)
        discharge = private(jax, "jax._src.state.discharge", "discharge_state")
        pure = discharge(closed)
        values = jax.core.eval_jaxpr(pure.jaxpr, pure.consts, X, X * 2, 1.0)
        return described(closed), str(outs), str(pure.in_avals), str(pure.out_avals), pure.effects == set(), values

    assert_same(*run_both(program))
