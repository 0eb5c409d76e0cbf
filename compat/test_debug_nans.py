"""debug_nans and debug_infs: what is looked at where no transformation runs, and of what it is told."""

from __future__ import annotations

import contextlib
import io
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from compat.same import assert_same, run_both

NAN = float("nan")
INF = float("inf")

FOUND: dict[str, Callable[[Any, Any], Any]] = {
    "full": lambda jax, jnp: jnp.full(3, NAN),
    "full_like": lambda jax, jnp: jnp.full_like(jnp.ones(3), NAN),
    "array": lambda jax, jnp: jnp.array(NAN),
    "array of a dtype": lambda jax, jnp: jnp.array(NAN, dtype="float16"),
    "float32": lambda jax, jnp: jnp.float32(NAN),
    "array of a scalar": lambda jax, jnp: jnp.array(np.float32(NAN)),
    "array of a list": lambda jax, jnp: jnp.array([1.0, NAN]),
    "asarray": lambda jax, jnp: jnp.asarray(np.array([NAN, 1.0])),
    "softmax": lambda jax, jnp: jax.nn.softmax(jnp.array([INF, 1.0])),
    "product": lambda jax, jnp: jnp.full((2, 2), INF) @ jnp.zeros((2, 2)),
    "cumsum": lambda jax, jnp: jnp.cumsum(jnp.array([INF, -INF])),
    "linspace": lambda jax, jnp: jnp.linspace(NAN, 1.0, 3),
    "linspace to infinity": lambda jax, jnp: jnp.linspace(0.0, INF, 3),
    "inv": lambda jax, jnp: jnp.linalg.inv(jnp.zeros((2, 2))),
    "callback": lambda jax, jnp: jax.pure_callback(
        lambda x: np.float32(NAN), jax.ShapeDtypeStruct((), np.float32), 1.0
    ),
    "pmap": lambda jax, jnp: jax.pmap(jnp.log)(-jnp.ones(1)),
    "shard_map": lambda jax, jnp: on_mesh(jax, jnp.log)(-jnp.ones(2)),
    "jit of shard_map": lambda jax, jnp: jax.jit(on_mesh(jax, jnp.log))(-jnp.ones(2)),
    "lanes of a compiled function": lambda jax, jnp: jax.vmap(jax.jit(lambda x: jnp.log(x) * 2))(-jnp.ones(3)),
    "derivative of a compiled function": lambda jax, jnp: jax.grad(jax.jit(lambda x: jnp.log(x) * 2))(-1.0),
    "its gradient alone": lambda jax, jnp: jax.grad(jax.jit(lambda x: jnp.where(x > 0, jnp.sqrt(x), 0.0)))(0.0),
    "jvp of a compiled function": lambda jax, jnp: jax.jvp(jax.jit(jnp.log), (-1.0,), (1.0,)),
    "backward rule": lambda jax, jnp: jax.grad(with_rule(jax, lambda x, g: (jnp.log(-x) * g,)))(1.0),
    "gradient of a branch": lambda jax, jnp: jax.grad(
        lambda x: jax.lax.cond(True, lambda x: jnp.sqrt(x) * 0, lambda x: x, x)
    )(0.0),
    "gradient of a scan": lambda jax, jnp: jax.grad(
        lambda x: jax.lax.scan(lambda c, _: (jnp.sqrt(c) * 0, None), x, None, length=2)[0]
    )(0.0),
    "in a tuple": lambda jax, jnp: jax.jit(lambda t: (t[0] / t[1], t[1]))((0.0, 0.0)),
    "a constant": lambda jax, jnp: jax.jit(lambda x: jnp.nan)(1.0),
    "looked for": lambda jax, jnp: jnp.isnan(np.array([1.0, NAN], np.float32)),
    "put away": lambda jax, jnp: jnp.nan_to_num(np.array([1.0, NAN], np.float32)),
}


def with_rule(jax: Any, rule: Any) -> Any:
    """The identity with a backward rule."""
    f = jax.custom_vjp(lambda x: x)
    f.defvjp(lambda x: (x, x), rule)
    return f


def on_mesh(jax: Any, f: Any) -> Any:
    """A function of the rows on a mesh of one device."""
    mesh = jax.make_mesh((1,), ("i",), axis_types=(jax.sharding.AxisType.Auto,))
    spec = jax.sharding.PartitionSpec("i")
    return jax.shard_map(f, mesh=mesh, in_specs=spec, out_specs=spec)


@pytest.mark.parametrize("name", FOUND)
def test_nans(name: str) -> None:
    def program(jax: Any) -> Any:
        with jax.debug_nans(True), contextlib.redirect_stdout(io.StringIO()):  # JAX says that it looks where
            return FOUND[name](jax, jax.numpy)

    assert_same(*run_both(program))


INFINITIES: dict[str, Callable[[Any, Any], Any]] = {
    "full": lambda jax, jnp: jnp.full(2, INF),
    "log": lambda jax, jnp: jnp.log(jnp.zeros(2)),
    "exp": lambda jax, jnp: jnp.exp(jnp.array([1.0, 1000.0])),
    "division": lambda jax, jnp: 1 / jnp.zeros(2),
    "gradient": lambda jax, jnp: jax.grad(jnp.log)(0.0),
    # Infinities of their own, which their results do not show.
    "softmax": lambda jax, jnp: jax.nn.softmax(jnp.arange(3.0)),
    "largest": lambda jax, jnp: jnp.max(jnp.arange(3.0), initial=-5.0, where=jnp.array([True, False, True])),
    "argmax": lambda jax, jnp: jnp.nanargmax(jnp.arange(3.0)),
    "attention": lambda jax, jnp: jax.nn.dot_product_attention(*[jnp.ones((1, 3, 1, 2))] * 3, is_causal=True),
}


@pytest.mark.parametrize("name", INFINITIES)
def test_infinities(name: str) -> None:
    def program(jax: Any) -> Any:
        with jax.debug_infs(True), contextlib.redirect_stdout(io.StringIO()):
            return INFINITIES[name](jax, jax.numpy)

    assert_same(*run_both(program))


# What comes in with a NaN or an infinity; which of JAX's steps stops at it is a matter of how JAX writes the function.
PASSED_ON: dict[str, Callable[[Any, Any, Any], Any]] = {
    "var": lambda jax, jnp, x: jnp.var(x),
    "fft": lambda jax, jnp, x: jnp.fft.fft(x),
    "ifft": lambda jax, jnp, x: jnp.fft.ifft(x),
    "eigh": lambda jax, jnp, x: jnp.linalg.eigh(x.reshape(2, 2)),
    "svd": lambda jax, jnp, x: jnp.linalg.svd(x.reshape(2, 2)),
    "qr": lambda jax, jnp, x: jnp.linalg.qr(x.reshape(2, 2)),
    "det": lambda jax, jnp, x: jnp.linalg.det(x.reshape(2, 2)),
    "norm": lambda jax, jnp, x: jnp.linalg.norm(x),
    "solve": lambda jax, jnp, x: jnp.linalg.solve(x.reshape(2, 2), jnp.ones(2)),
    "cholesky": lambda jax, jnp, x: jnp.linalg.cholesky(x.reshape(2, 2)),
    "sort": lambda jax, jnp, x: jnp.sort(x),
    "median": lambda jax, jnp, x: jnp.median(x),
    "concatenate": lambda jax, jnp, x: jnp.concatenate([x, x]),
    "stack": lambda jax, jnp, x: jnp.stack([x, x]),
    "reshape": lambda jax, jnp, x: x.reshape(2, 2),
    "a position": lambda jax, jnp, x: x[1],
    "another position": lambda jax, jnp, x: x[2],
    "backwards": lambda jax, jnp, x: x[::-1],
    "out of bounds": lambda jax, jnp, x: jnp.arange(3.0).at[jnp.array([9])].get(mode="fill"),
    "written": lambda jax, jnp, x: x.at[0].set(0.0),
    "written over": lambda jax, jnp, x: x.at[1].set(0.0),
    "added": lambda jax, jnp, x: x.at[0].add(1.0),
    "astype": lambda jax, jnp, x: x.astype("bfloat16"),
    "roll": lambda jax, jnp, x: jnp.roll(x, 1),
    "pad": lambda jax, jnp, x: jnp.pad(x, 1),
    "tile": lambda jax, jnp, x: jnp.tile(x, 2),
    "einsum": lambda jax, jnp, x: jnp.einsum("i,i", x, x),
    "convolve": lambda jax, jnp, x: jnp.convolve(x, x),
    "interp": lambda jax, jnp, x: jnp.interp(x, x, x),
    "clip": lambda jax, jnp, x: jnp.clip(x, 0, 1),
    "isin": lambda jax, jnp, x: jnp.isin(x, x),
    "cov": lambda jax, jnp, x: jnp.cov(x),
    "standardize": lambda jax, jnp, x: jax.nn.standardize(x),
    "resize": lambda jax, jnp, x: jax.image.resize(x.reshape(2, 2), (3, 3), "linear"),
    "reduce_window": lambda jax, jnp, x: jax.lax.reduce_window(x, 0.0, jax.lax.add, (2,), (1,), "VALID"),
    "expm": lambda jax, jnp, x: jax.scipy.linalg.expm(x.reshape(2, 2)),
    "scan": lambda jax, jnp, x: jax.lax.scan(lambda c, v: (c + v, c), 0.0, x),
    "a scan that hides it": lambda jax, jnp, x: jax.lax.scan(lambda c, v: (c + jnp.isnan(v + 1), None), 0, x),
    "a branch that hides it": lambda jax, jnp, x: jax.lax.cond(True, lambda v: jnp.isnan(v + 1), jnp.isnan, x),
    "a compiled function that hides it": lambda jax, jnp, x: jax.jit(lambda v: jnp.where(v < 3, 1.0, 2.0))(x),
    "vmap": lambda jax, jnp, x: jax.vmap(lambda v: v * 2)(x),
    "checkpoint": lambda jax, jnp, x: jax.checkpoint(lambda v: v * 2)(x),
    "gradient": lambda jax, jnp, x: jax.grad(lambda v: jnp.sum(v * v))(x),
}


@pytest.mark.parametrize("value", [NAN, INF])
@pytest.mark.parametrize("name", PASSED_ON)
def test_passed_on(name: str, value: float) -> None:
    def program(jax: Any) -> Any:
        x = jax.numpy.asarray(np.array([1.0, value, 2.0, 3.0], np.float32))
        flag = jax.debug_nans if np.isnan(value) else jax.debug_infs
        with flag(True), contextlib.redirect_stdout(io.StringIO()):
            try:
                PASSED_ON[name](jax, jax.numpy, x)
            except FloatingPointError as error:
                return str(error).count("nan" if np.isnan(value) else "inf") > 0
        return "not found"

    assert_same(*run_both(program))


def test_in_another_thread() -> None:
    def program(jax: Any) -> Any:
        found = []

        def run() -> None:
            with contextlib.redirect_stdout(io.StringIO()):
                try:
                    jax.numpy.log(-1.0)
                    found.append("nothing")
                except FloatingPointError as error:
                    found.append(str(error))

        def started() -> None:
            thread = threading.Thread(target=run)
            thread.start()
            thread.join()

        with jax.debug_nans(True):  # of this thread alone
            started()
        jax.config.update("jax_debug_nans", True)
        try:
            started()
        finally:
            jax.config.update("jax_debug_nans", False)
        started()
        return found

    assert_same(*run_both(program))


def test_loops_are_traced_once() -> None:
    def program(jax: Any) -> Any:
        seen = []

        def step(c: Any, x: Any) -> Any:
            seen.append(1)
            return c + x, c

        with jax.debug_nans(True):
            jax.lax.scan(step, 0.0, jax.numpy.arange(4.0))
        return len(seen)

    assert_same(*run_both(program))


@pytest.mark.parametrize("name", ["log", "sum", "compiled", "index", "strict"])
def test_what_it_prints(name: str) -> None:
    def program(jax: Any) -> Any:
        jnp, said = jax.numpy, io.StringIO()
        x = jnp.array([-1.0, INF, -INF])
        runs: dict[str, Callable[[], Any]] = {
            "log": lambda: jnp.log(x),
            "sum": lambda: jnp.sum(x),
            "compiled": lambda: jax.jit(lambda v: v - v)(x),
            "index": lambda: jnp.arange(3.0).at[jnp.array([9])].get(mode="fill"),
            "strict": lambda: jax.lax.sub(x, x),
        }
        with jax.debug_nans(True), contextlib.redirect_stdout(said), contextlib.suppress(FloatingPointError):
            runs[name]()
        return said.getvalue()

    assert_same(*run_both(program))
