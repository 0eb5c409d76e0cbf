"""Loops that run as one compiled function, next to JAX and next to the same loops step by step.

Every program is run with few numbers, which are kept in registers, and with many, which are kept in memory. None of
them may fall back to steps.
"""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from compat import frameworks
from compat.same import Tolerance, assert_same, run_both
from jaxlike._src.graph.fused import lanes, tier
from jaxlike._src.graph.fused.kernel import source_of
from tests.team_emulation import SHARED, emulated

GROWTH = Tolerance(factor=16, normwise=True)
FEW, MANY = 3, 24
Program = Callable[[Any, int], Any]


class Refusals(logging.Handler):
    """What was said of loops that go on step by step."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the message."""
        self.said.append(record.getMessage())


@pytest.fixture(autouse=True)
def kernels() -> Iterator[None]:
    """Loops are compiled at the first call, and none is refused."""
    config, logger, refusals = frameworks.ACTUAL.config, logging.getLogger("jaxlike.loops"), Refusals()
    before = config.values["jaxlike_jit_tier"]
    config.update("jaxlike_jit_tier", "compile")
    logger.addHandler(refusals)
    logger.setLevel(logging.DEBUG)
    yield
    logger.removeHandler(refusals)
    config.update("jaxlike_jit_tier", before)
    assert not refusals.said


def numbers(n: int, *more: int, seed: int = 0) -> Any:
    """Floats between -1 and 1."""
    return np.random.default_rng(seed).uniform(-1, 1, (n, *more)).astype(np.float32)


# Functions of a vector


def recurrent(jax: Any, n: int) -> Any:
    """Products, a tree with an integer in it, rows that are read and written."""
    w, rows = numbers(n, n) / n, numbers(5, n, seed=1)

    def f(x: Any) -> Any:
        def step(carry: Any, row: Any) -> Any:
            h = jax.numpy.tanh(w @ carry["h"] + row)
            return {"h": h, "n": carry["n"] + 1}, h * carry["n"]

        last, ys = jax.lax.scan(step, {"h": x, "n": 0}, rows)
        return last["h"] + ys.sum(0)

    return f


def backwards(jax: Any, n: int) -> Any:
    """In reverse, over the argument, with a constant that is differentiated."""
    del n

    def f(x: Any) -> Any:
        total, ys = jax.lax.scan(lambda c, v: (c * v + x.sum(), jax.numpy.sin(c)), 0.0, x, reverse=True)
        return ys * total

    return f


def without_rows(jax: Any, n: int) -> Any:
    """``xs=None``; a carry that swaps, one that stays, one that is a view of the other."""

    def f(x: Any) -> Any:
        def step(carry: Any, _: None) -> Any:
            a, b, c = carry
            return (b, a * 0.5 + c, a[::-1]), (a[0], b)

        (a, b, c), ys = jax.lax.scan(step, (x, x + 1, x), None, length=5)
        return a + b * c + ys[0].sum() + ys[1].sum(0)

    del n
    return f


def counted(jax: Any, n: int) -> Any:
    """fori_loop with known bounds, a number that is used."""
    return lambda x: jax.lax.fori_loop(1, 6, lambda i, c: c * x + i * 0.1, x) * n


def nested(jax: Any, n: int) -> Any:
    """A scan in a scan in a fori_loop."""
    rows = numbers(4, n)

    def inner(c: Any, v: Any) -> Any:
        c, ys = jax.lax.scan(lambda d, w: (d * 0.5 + w * v, d.sum()), c, rows)
        return c + ys.sum(), c

    def outer(i: Any, x: Any) -> Any:
        last, ys = jax.lax.scan(inner, x, x[:3])
        return last + 0.1 * ys.sum(0) + i

    return lambda x: jax.lax.fori_loop(0, 2, outer, x)


def chosen(jax: Any, n: int) -> Any:
    """Branches in a body."""
    del n

    def f(x: Any) -> Any:
        def step(c: Any, v: Any) -> Any:
            c = jax.lax.cond(v > 0, lambda c: jax.numpy.sin(c) * v, lambda c: c + v, c)
            return c, jax.lax.switch(jax.numpy.int32(v > 0.3), [lambda c: c.sum(), lambda c: c.max()], c)

        last, ys = jax.lax.scan(step, x, x)
        return last * ys

    return f


def places(jax: Any, n: int) -> Any:
    """Elements read and written at computed places."""

    def f(x: Any) -> Any:
        def step(i: Any, c: Any) -> Any:
            at = (i * 2) % n
            c = c.at[at].set(c[i] * 0.5).at[i].add(x[at])
            piece = jax.lax.dynamic_slice(c, (at,), (2,))
            return jax.lax.dynamic_update_slice(c, piece[::-1] + 1, (i,))

        return jax.lax.fori_loop(0, 3, step, x)

    return f


def of_nn(jax: Any, n: int) -> Any:
    """What bodies of networks are made of, with rules of their own."""
    jnp, nn = jax.numpy, jax.nn

    def f(x: Any) -> Any:
        def step(c: Any, v: Any) -> Any:
            h = nn.relu(c) + nn.gelu(v * c) + nn.softplus(c) + nn.silu(c) * nn.sigmoid(v)
            h = h - nn.logsumexp(h) + nn.softmax(h) + jnp.where(h > 0, h, 0.1 * h).mean()
            return h / jnp.sqrt(1 + (h * h).sum()), jnp.linalg.norm(h)

        last, ys = jax.lax.scan(step, x, numbers(3, n))
        return last + ys.sum()

    return f


def linear_algebra(jax: Any, n: int) -> Any:
    """Systems, factors, determinants of small matrices."""
    jnp, linalg = jax.numpy, jax.numpy.linalg
    del n

    def f(x: Any) -> Any:
        def step(p: Any, v: Any) -> Any:
            s = 0.1 * p @ p.T + jnp.eye(3) * (1 + v**2)
            k = linalg.solve(s, p)
            chol = linalg.cholesky(s)
            half = jax.scipy.linalg.solve_triangular(chol, k, lower=True)
            more = jax.scipy.linalg.cho_solve((chol, True), half)
            return 0.3 * k + 0.1 * half + 0.1 * more, linalg.slogdet(s)[1] + linalg.inv(s).sum() + linalg.det(s)

        last, ys = jax.lax.scan(step, jnp.outer(x[:3], x[:3]) + jnp.eye(3), numbers(2))
        return last.sum() * x + ys.sum()

    return f


FUNCTIONS: dict[str, Program] = {
    f.__name__: f for f in (recurrent, backwards, without_rows, counted, nested, chosen, places, of_nn, linear_algebra)
}


def _sum(jax: Any, f: Any) -> Any:
    return lambda x: jax.numpy.sum(f(x) ** 2)


def batch(n: int, count: int = 4) -> Any:
    """Lanes."""
    return numbers(count, n, seed=3)


WAYS: dict[str, Callable[[Any, Any, int], Any]] = {
    "value": lambda jax, f, n: f(numbers(n)),
    "jit": lambda jax, f, n: jax.jit(f)(numbers(n)),
    "grad": lambda jax, f, n: jax.grad(_sum(jax, f))(numbers(n)),
    "jit of grad": lambda jax, f, n: jax.jit(jax.value_and_grad(_sum(jax, f)))(numbers(n)),
    "jvp": lambda jax, f, n: jax.jvp(f, (numbers(n),), (numbers(n, seed=2),)),
    "vmap": lambda jax, f, n: jax.vmap(f)(batch(n)),
    "jit of vmap of grad": lambda jax, f, n: jax.jit(jax.vmap(jax.grad(_sum(jax, f))))(batch(n)),
    "grad of vmap": lambda jax, f, n: jax.grad(lambda x: jax.numpy.sum(jax.vmap(f)(x) ** 2))(batch(n)),
    "jit of hessian": lambda jax, f, n: jax.jit(jax.hessian(_sum(jax, f)))(numbers(n)),
}
SLOW = {"jit of hessian", "grad of vmap", "jvp", "grad", "jit"}


@pytest.fixture
def of_threads(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Loops are written for the threads of a GPU's block, and run by the CPU: both orders of the threads give the same."""

    def kernel(candidate: tier.Candidate, now: bool = False, expected: float = 0.0) -> Any:
        del now, expected
        if not hasattr(candidate, "of_threads"):
            run = emulated(source_of(candidate._graph(), shared=SHARED), tmp_path)

            def once(tensors: Any) -> Any:
                first, last = run(tensors)
                for a, b in zip(first, last, strict=True):
                    torch.testing.assert_close(a, b, equal_nan=True, rtol=1e-4, atol=1e-5)
                return first

            candidate.of_threads = once  # pyright: ignore[reportAttributeAccessIssue]
        return candidate.of_threads  # pyright: ignore[reportAttributeAccessIssue]

    monkeypatch.setattr(tier.Candidate, "kernel", kernel)


@pytest.mark.sample(0.04)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("n", [FEW, MANY], ids=["few", "many"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_for_a_gpu(name: str, n: int, way: str, of_threads: None) -> None:
    def program(jax: Any) -> Any:
        return WAYS[way](jax, FUNCTIONS[name](jax, n), n)

    assert_same(*run_both(program), tolerance=GROWTH)


@pytest.mark.gpu
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("n", [FEW, MANY], ids=["few", "many"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_on_a_gpu(name: str, n: int, way: str) -> None:
    def program(jax: Any) -> Any:
        with jax.default_matmul_precision("highest"):
            return WAYS[way](jax, FUNCTIONS[name](jax, n), n)

    assert_same(*run_both(program), tolerance=GROWTH)


@pytest.mark.parametrize("way", [pytest.param(w, marks=[pytest.mark.slow] * (w in SLOW)) for w in WAYS])
@pytest.mark.parametrize("n", [FEW, MANY], ids=["few", "many"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name: str, n: int, way: str) -> None:
    def program(jax: Any) -> Any:
        return WAYS[way](jax, FUNCTIONS[name](jax, n), n)

    assert_same(*run_both(program), tolerance=GROWTH)


# Complex numbers, which are not written for a GPU


def oscillating(jax: Any, n: int) -> Any:
    """Complex numbers inside, real ones outside."""
    del n

    def f(x: Any) -> Any:
        def step(z: Any, t: Any) -> Any:
            z = z * jax.numpy.exp(0.1j * t) + 0.1 * jax.numpy.conj(z) / (1.5 + z)
            return z, jax.numpy.abs(z) + z.real * z.imag

        last, sizes = jax.lax.scan(step, x + 0.5j, numbers(4, seed=5))
        return last.real + sizes.sum(0)

    return f


def quantum(jax: Any, n: int) -> Any:
    """A state that is carried, by products with a matrix."""
    jnp = jax.numpy
    h = jnp.asarray(numbers(n, n) + 1j * numbers(n, n, seed=1)) / n

    def f(x: Any) -> Any:
        def step(i: Any, psi: Any) -> Any:
            psi = psi - 0.1j * (h @ psi)
            return jnp.where(i % 2 == 0, psi / jnp.linalg.norm(psi), jnp.sqrt(psi) * psi)

        return jnp.abs(jax.lax.fori_loop(0, 4, step, x.astype(jnp.complex64) + 0.1j)) ** 2

    return f


def escaping(jax: Any, n: int) -> Any:
    """Lanes that stop at different times, and a list of powers."""
    jnp = jax.numpy

    def f(x: Any) -> Any:
        def count(c: Any) -> Any:
            def inside(s: Any) -> Any:
                return (jnp.abs(s[0]) <= 2) & (s[1] < 20)

            return jax.lax.while_loop(inside, lambda s: (s[0] * s[0] + c, s[1] + 1), (jnp.zeros_like(c), 0))[1]

        powers = jax.lax.associative_scan(jnp.multiply, jax.lax.complex(x, x + 1))
        return jax.vmap(count)(2 * x + 1j * jnp.arange(n) / n) + powers.real * x

    return f


OF_COMPLEX: dict[str, Program] = {f.__name__: f for f in (oscillating, quantum, escaping)}


@pytest.mark.parametrize("way", ["jit", "jit of grad", "jvp", "vmap", "grad of vmap"])
@pytest.mark.parametrize("n", [FEW, MANY], ids=["few", "many"])
@pytest.mark.parametrize("name", OF_COMPLEX)
def test_complex_numbers(name: str, n: int, way: str) -> None:
    if name == "escaping" and "grad" in way:
        way = "jit"  # JAX has no reverse mode of a loop of unknown length

    def program(jax: Any) -> Any:
        return WAYS[way](jax, OF_COMPLEX[name](jax, n), n)

    assert_same(*run_both(program), tolerance=GROWTH)


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Loops over lanes are written in parts, for two threads, however short they are; whether each was."""
    found: list[bool] = []
    write = lanes.in_parts

    def noted(*args: Any) -> Any:
        made = write(*args)
        found.append(made is not None)
        return made

    monkeypatch.setattr(lanes, "in_parts", noted)
    monkeypatch.setattr(lanes, "threads", lambda: 2)
    monkeypatch.setattr(lanes, "LEAST_WORK", 0)
    return found


OF_LANES: dict[str, Callable[[Any, Any, int], Any]] = {
    "vmap": lambda jax, f, n: jax.vmap(f)(batch(n, 5)),
    "jit of vmap of grad": lambda jax, f, n: jax.jit(jax.vmap(jax.grad(_sum(jax, f))))(batch(n, 2)),
    "grad of vmap": lambda jax, f, n: jax.grad(lambda x: jax.numpy.sum(jax.vmap(f)(x) ** 2))(batch(n, 3)),
    "vmap of vmap": lambda jax, f, n: jax.vmap(jax.vmap(f), in_axes=2, out_axes=1)(numbers(2, n, 3, seed=3)),
    "vmap of jvp": lambda jax, f, n: jax.jit(jax.vmap(lambda x: jax.jvp(f, (x,), (x,))))(batch(n, 3)),
}


@pytest.mark.sample(0.3)
@pytest.mark.parametrize("way", OF_LANES)
@pytest.mark.parametrize("n", [FEW, MANY], ids=["few", "many"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_lanes_in_parts(name: str, n: int, way: str, parts: list[bool]) -> None:
    assert_same(*run_both(lambda jax: OF_LANES[way](jax, FUNCTIONS[name](jax, n), n)), tolerance=GROWTH)
    assert any(parts)


@pytest.mark.parametrize("n", [FEW, MANY], ids=["few", "many"])
@pytest.mark.parametrize("name", ["newton", "collatz", "random_walk", "sorted_out"])
def test_programs_in_parts(name: str, n: int, parts: list[bool]) -> None:
    assert_same(*run_both(lambda jax: PROGRAMS[name](jax, n)), tolerance=GROWTH)
    assert parts


# Programs


def newton(jax: Any, n: int) -> Any:
    """A condition on floats and integers, each lane with its own number of steps."""
    jnp = jax.numpy

    def root(a: Any) -> Any:
        def going(s: Any) -> Any:
            return (jnp.abs(s[0] ** 2 - a) > 1e-3) & (s[1] < 50)

        return jax.lax.while_loop(going, lambda s: (0.5 * (s[0] + a / s[0]), s[1] + 1), (jnp.float32(1), 0))

    return root(jnp.float32(3)), jax.vmap(root)(jnp.linspace(1, 40, n)), jax.jvp(root, (3.0,), (1.0,))[1][0]


def collatz(jax: Any, n: int) -> Any:
    """Integers alone."""

    def steps(k: Any) -> Any:
        def body(s: Any) -> Any:
            k, count, odd = s
            return jax.numpy.where(k % 2 == 0, k // 2, 3 * k + 1), count + 1, odd ^ (k % 2 == 1)

        return jax.lax.while_loop(lambda s: s[0] != 1, body, (k, 0, False))

    return steps(27), jax.vmap(steps)(jax.numpy.arange(1, n + 1))


def unknown_bounds(jax: Any, n: int) -> Any:
    """fori_loop to a number that is an argument; none, and an empty range."""

    def f(last: Any, x: Any) -> Any:
        return jax.lax.fori_loop(0, last, lambda i, c: c + i * x, x)

    return [jax.jit(f)(k, numbers(n)) for k in (0, 1, 5)]


def no_steps(jax: Any, n: int) -> Any:
    """Loops of no length."""
    x = numbers(n)
    empty = jax.lax.scan(lambda c, v: (c + v, c * v), x, np.zeros((0, n), np.float32))
    return (
        empty,
        jax.lax.fori_loop(3, 3, lambda i, c: c + i, x),
        jax.lax.while_loop(lambda c: c[0] > 5, lambda c: c + 1, x),
    )


def bits(jax: Any, n: int) -> Any:
    """Bools, shifts, bits of floats, narrow and unsigned integers."""
    jnp = jax.numpy

    def step(c: Any, v: Any) -> Any:
        flags, k, small = c
        as_bits = jax.lax.bitcast_convert_type(v, jnp.int32)
        flags = flags ^ (v > 0)
        k = (k << 1) ^ (as_bits >> 3) ^ flags
        small = small * 3 + jnp.int8(1)
        return (flags, k, small), (jnp.any(flags), k % 7, k // 5, small & 15, jnp.where(flags, k, -k))

    start = (np.zeros(n, bool), np.arange(n, dtype=np.int32), np.arange(n, dtype=np.int8))
    return jax.lax.scan(step, start, numbers(6, n))


def random_walk(jax: Any, n: int) -> Any:
    """Keys that are split in the body, draws of several kinds."""

    def step(carry: Any, _: None) -> Any:
        key, x = carry
        key, a, b, c = jax.random.split(key, 4)
        x = x + jax.random.normal(a, (n,)) * jax.random.uniform(b)
        return (key, x), (
            jax.random.bernoulli(c, 0.3, (n,)),
            jax.random.randint(c, (n,), 0, 10),
            jax.random.fold_in(key, 3),
        )

    (_, x), ys = jax.lax.scan(step, (jax.random.key(0), numbers(n)), None, length=4)
    return x, ys[0], ys[1], jax.random.key_data(ys[2])


def sorted_out(jax: Any, n: int) -> Any:
    """Running sums, extremes and where they are, joining, NaN and infinity on the way."""
    jnp = jax.numpy

    def step(c: Any, v: Any) -> Any:
        c = jnp.concatenate([c[1:], v[None]])
        ys = (
            jnp.cumsum(c),
            jnp.argmax(c),
            jnp.argmin(c),
            jnp.max(c),
            jnp.prod(c),
            jnp.clip(c, -0.5, 0.5),
            jnp.roll(c, 1),
        )
        return c, ys

    with_special = np.array([0.1, np.nan, np.inf, -np.inf, 0.3, 0.2], np.float32)
    return jax.lax.scan(step, numbers(n), with_special)


def types(jax: Any, n: int) -> Any:
    """Weak types and casts between steps."""
    jnp = jax.numpy
    x = numbers(n)

    def step(c: Any, v: Any) -> Any:
        return (c[0] + 1, (c[1] * v).astype(jnp.float32)), (c[0] / 2, v.astype(jnp.int32), jnp.int32(c[0]) * v)

    return jax.lax.scan(step, (0, x), (x[:, None] * 3 * x).astype(np.float32))


def inside_rules(jax: Any, n: int) -> Any:
    """Loops in functions with rules of their own, which close over arguments: solvers, a checkpoint."""
    jnp, x = jax.numpy, numbers(n)
    matrix = numbers(n, n) / n + 2 * np.eye(n, dtype=np.float32)

    @jax.jit
    def solved(a: Any, b: Any) -> Any:
        ruled = jax.custom_vjp(lambda v: jax.lax.fori_loop(0, 3, lambda i, c: jnp.sin(c) * b + i, v))
        ruled.defvjp(lambda v: (ruled(v), None), lambda _, g: (g,))
        kept = jax.checkpoint(lambda v: jax.lax.scan(lambda c, y: (c * y, c), jnp.float32(1), v))
        solve = jax.lax.custom_linear_solve(
            lambda v: a @ v, b, lambda mv, v: jax.lax.fori_loop(0, 30, lambda i, y: y - 0.3 * (mv(y) - v), jnp.zeros_like(v))
        )
        return ruled(b), kept(b), solve, jax.scipy.sparse.linalg.cg(a @ a.T, b, maxiter=5)[0]

    times = np.linspace(0, 1, 4, dtype=np.float32)
    if n > FEW:
        return solved(matrix, x)
    ode = importlib.import_module(jax.__name__ + ".experimental.ode")
    return solved(matrix, x), jax.jit(lambda y: ode.odeint(lambda y, t: -y * t, y, times))(x)


PROGRAMS: dict[str, Program] = {
    f.__name__: f
    for f in (newton, collatz, unknown_bounds, no_steps, bits, random_walk, sorted_out, types, inside_rules)
}


@pytest.mark.parametrize("n", [FEW, MANY], ids=["few", "many"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_programs(name: str, n: int, each_x64: None) -> None:
    del each_x64
    assert_same(*run_both(lambda jax: PROGRAMS[name](jax, n)), tolerance=GROWTH)


@pytest.mark.sample(0.2)
@pytest.mark.parametrize("n", [FEW, MANY], ids=["few", "many"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_for_a_gpu(name: str, n: int, of_threads: None, each_x64: None) -> None:
    assert_same(*run_both(lambda jax: PROGRAMS[name](jax, n)), tolerance=GROWTH)


@pytest.mark.gpu
@pytest.mark.parametrize("n", [FEW, MANY], ids=["few", "many"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_on_a_gpu(name: str, n: int, each_x64: None) -> None:
    assert_same(*run_both(lambda jax: PROGRAMS[name](jax, n)), tolerance=GROWTH)
