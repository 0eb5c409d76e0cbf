"""What is timed: each row makes, from the module `jax`, a thunk that does the work once.

Rows stand in groups. `target` is what the project promises for the group's ratio jaxlike / jax on a CPU.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Make = Callable[[Any], Callable[[], Any]]


@dataclass(frozen=True)
class Row:
    """One workload. `tier` is the execution tier of jaxlike's jit that it is timed in."""

    name: str
    group: str
    make: Make
    large: bool = False  # one call is a batch: wait for each result
    tier: str | None = None
    warm: int = 5


ROWS: list[Row] = []
TARGETS = {
    "eager ops": 0.5,
    "eager transformations": 0.3,
    "jit dispatch": 1.0,
    "transformations of jitted functions": 0.5,
    "traces": 1.0,
    "jitted functions": 0.8,
    "loops": 0.6,
    "recitation: selu on 1e7": 1.1,
}


def row(name: str, group: str, **options: Any) -> Callable[[Make], Make]:
    """Register the decorated function as a row."""

    def register(make: Make) -> Make:
        ROWS.append(Row(name, group, make, **options))
        return make

    return register


EAGER, TRANSFORMATIONS, DISPATCH, DERIVED, TRACES, JITTED, LOOPS, SELU = TARGETS
VECTOR = np.array([0.1, 0.7, -1.3], np.float32)


# -------------------------------------------------------------------------------------------------- eager ops


@row("sin(x), 3 numbers", EAGER)
def unary(jax):
    x, sin = jax.numpy.asarray(VECTOR), jax.numpy.sin
    return lambda: sin(x)


@row("x + y, 3 numbers", EAGER)
def binary(jax):
    x = jax.numpy.asarray(VECTOR)
    return lambda: x + x


@row("x * 2.5 (a Python scalar)", EAGER)
def binary_scalar(jax):
    x = jax.numpy.asarray(VECTOR)
    return lambda: x * 2.5


@row("int32 + float32 (promotion)", EAGER)
def promotion(jax):
    x, n = jax.numpy.asarray(VECTOR), jax.numpy.arange(3)
    return lambda: n + x


@row("sum(x**2)/2", EAGER)
def reduction_chain(jax):
    jnp = jax.numpy
    x = jnp.asarray(VECTOR)
    return lambda: jnp.sum(x**2) / 2


@row("x[1:, 0] of (10, 3)", EAGER)
def slicing(jax):
    x = jax.numpy.ones((10, 3))
    return lambda: x[1:, 0]


@row("x[i], an index array", EAGER)
def gathering(jax):
    x, i = jax.numpy.ones((10, 3)), jax.numpy.array([0, 4, 2])
    return lambda: x[i]


@row("X.at[0, :].set(1.)", EAGER)
def scatter(jax):
    x = jax.numpy.zeros((3, 3))
    return lambda: x.at[0, :].set(1.0)


@row("array([x[1], 9.81 * sin(x[0])])", EAGER)
def array_of_scalars(jax):
    jnp = jax.numpy
    x = jnp.asarray(VECTOR)
    return lambda: jnp.array([x[1], 9.81 * jnp.sin(x[0])])


@row("A @ b, (32, 3) and (3,)", EAGER)
def product(jax):
    a, b = jax.numpy.ones((32, 3)), jax.numpy.ones(3)
    return lambda: a @ b


@row("linalg.norm(x), 3 numbers", EAGER)
def norm(jax):
    x, of = jax.numpy.asarray(VECTOR), jax.numpy.linalg.norm
    return lambda: of(x)


@row("linalg.solve(A, b), 4 by 4", EAGER)
def solve(jax):
    a = jax.numpy.asarray(np.eye(4, dtype=np.float32) * 3 + 0.1)
    b, of = jax.numpy.ones(4), jax.numpy.linalg.solve
    return lambda: of(a, b)


@row("where(x > 0, x, 0) on 1e7", EAGER, large=True)
def where_large(jax):
    jnp = jax.numpy
    x = jnp.asarray(np.random.default_rng(0).normal(size=10**7).astype(np.float32))
    return lambda: jnp.where(x > 0, x, 0.0)


@row("random.split(key)", EAGER)
def split(jax):
    key, of = jax.random.key(0), jax.random.split
    return lambda: of(key)


@row("random.normal(key, (3,))", EAGER)
def normal(jax):
    key, of = jax.random.key(0), jax.random.normal
    return lambda: of(key, (3,))


@row("jax.tree.map(x + y) over 20 leaves", EAGER)
def tree_map(jax):
    x = [jax.numpy.asarray(VECTOR) for _ in range(20)]
    return lambda: jax.tree.map(lambda a, b: a + b, x, x)


# -------------------------------------------------------------------------------------- eager transformations


def half_square(jax):
    jnp = jax.numpy
    return lambda x: jnp.sum(x**2) / 2


@row("grad(f)(x)", TRANSFORMATIONS)
def grad(jax):
    f, x = jax.grad(half_square(jax)), jax.numpy.asarray(VECTOR)
    return lambda: f(x)


@row("vjp(f, x), pullback", TRANSFORMATIONS)
def vjp(jax):
    f, x = half_square(jax), jax.numpy.asarray(VECTOR)

    def thunk():
        _, pullback = jax.vjp(f, x)
        return pullback(1.0)

    return thunk


@row("jvp(f, x, v)", TRANSFORMATIONS)
def jvp(jax):
    f, x = half_square(jax), jax.numpy.asarray(VECTOR)
    return lambda: jax.jvp(f, (x,), (x,))


@row("vmap(f)(xs), 100 by 3", TRANSFORMATIONS)
def vmap(jax):
    f, xs = jax.vmap(half_square(jax)), jax.numpy.ones((100, 3))
    return lambda: f(xs)


@row("vmap(grad(f))(xs)", TRANSFORMATIONS)
def vmap_grad(jax):
    f, xs = jax.vmap(jax.grad(half_square(jax))), jax.numpy.ones((100, 3))
    return lambda: f(xs)


@row("jacfwd(f)(x)", TRANSFORMATIONS)
def jacfwd(jax):
    jnp = jax.numpy
    f = jax.jacfwd(lambda x: jnp.array([x[0], x[0] ** 2 + x[2] ** 2]))
    x = jnp.asarray(VECTOR)
    return lambda: f(x)


@row("hessian(f)(x)", TRANSFORMATIONS)
def hessian(jax):
    f, x = jax.hessian(half_square(jax)), jax.numpy.asarray(VECTOR)
    return lambda: f(x)


@row("recitation 3.3: vmap of vmap of two jvps", TRANSFORMATIONS)
def linearization(jax):
    jnp = jax.numpy

    def f(x, u):
        return jnp.array([x[1], 9.81 * jnp.sin(x[0]) + u[0]])

    def taylor(x, u, dx, du):
        value, along_x = jax.jvp(lambda x: f(x, u), (x,), (dx,))
        _, along_u = jax.jvp(lambda u: f(x, u), (u,), (du,))
        return value, along_x, along_u

    batched = jax.vmap(jax.vmap(taylor, in_axes=(None, None, 0, 0)), in_axes=(0, 0, None, None))
    arguments = jnp.ones((5, 2)), jnp.ones((5, 1)), jnp.ones((10, 2)), jnp.ones((10, 1))
    return lambda: batched(*arguments)


@row("recitation 3.1: vmap of vmap of a network", TRANSFORMATIONS)
def network(jax):
    jnp = jax.numpy

    def f(x, w, b):
        return w[1] @ jnp.tanh(w[0] @ x + b[0]) + b[1]

    batched = jax.vmap(jax.vmap(f, in_axes=(0, None, None)), in_axes=(0, None, None))
    weights, biases = (jnp.ones((32, 3)), jnp.ones((5, 32))), (jnp.ones(32), jnp.ones(5))
    x = jnp.ones((40, 100, 3))
    return lambda: batched(x, weights, biases)


# ----------------------------------------------------------------------------------------------- jit dispatch


@row("jit, one array", DISPATCH, tier="compile", warm=50)
def dispatch_one(jax):
    f, x = jax.jit(lambda x: x + 1), jax.numpy.asarray(VECTOR)
    return lambda: f(x)


def tree_of(jax, size):
    return {f"leaf{i}": jax.numpy.asarray(VECTOR) for i in range(size)}


def add_one(jax):
    return jax.jit(lambda tree: jax.tree_util.tree_map(lambda x: x + 1, tree))


@row("jit, a tree of 3", DISPATCH, tier="compile", warm=50)
def dispatch_three(jax):
    f, tree = add_one(jax), tree_of(jax, 3)
    return lambda: f(tree)


@row("jit, a tree of 40", DISPATCH, tier="compile", warm=50)
def dispatch_forty(jax):
    f, tree = add_one(jax), tree_of(jax, 40)
    return lambda: f(tree)


@row("jit of grad, one array", DISPATCH, tier="compile", warm=50)
def dispatch_grad(jax):
    f, x = jax.jit(jax.grad(half_square(jax))), jax.numpy.asarray(VECTOR)
    return lambda: f(x)


# --------------------------------------------------------------------------- transformations of jitted functions


@row("grad(jit(f))(x)", DERIVED)
def grad_of_jit(jax):
    f, x = jax.grad(jax.jit(half_square(jax))), jax.numpy.asarray(VECTOR)
    return lambda: f(x)


@row("vmap(jit(f))(xs)", DERIVED)
def vmap_of_jit(jax):
    f, xs = jax.vmap(jax.jit(half_square(jax))), jax.numpy.ones((100, 3))
    return lambda: f(xs)


@row("vmap(grad(jit(f)))(xs)", DERIVED)
def vmap_of_grad_of_jit(jax):
    f, xs = jax.vmap(jax.grad(jax.jit(half_square(jax)))), jax.numpy.ones((100, 3))
    return lambda: f(xs)


@row("jvp(jit(f)), 100 ops", DERIVED, tier="compile")
def jvp_of_jit(jax):
    f, x = jax.jit(chain(jax, 100)), jax.numpy.asarray(VECTOR)
    return lambda: jax.jvp(f, (x,), (x,))


@row("grad(jit(f)), 100 ops", DERIVED)
def grad_of_jit_of_a_chain(jax):
    f, x = jax.grad(jax.jit(chain(jax, 100))), jax.numpy.asarray(VECTOR)
    return lambda: f(x)


# -------------------------------------------------------------------------------------------------------- traces


def chain(jax, ops):
    """A new function of about so many operations: none that a cache knows."""
    sin = jax.numpy.sin

    def f(x):
        for _ in range(ops // 3):
            x = sin(x) * x + 1.0
        return x.sum()

    return f


def traced(jax, ops, transform):
    """Trace a new function; the types of its results."""
    return lambda: [str(a) for a in jax.make_jaxpr(transform(chain(jax, ops)))(VECTOR).out_avals]


@row("make_jaxpr, 10 ops", TRACES)
def trace_short(jax):
    return traced(jax, 10, lambda f: f)


@row("make_jaxpr, 300 ops", TRACES, warm=2)
def trace_long(jax):
    return traced(jax, 300, lambda f: f)


@row("make_jaxpr, 3000 ops", TRACES, warm=1)
def trace_very_long(jax):
    return traced(jax, 3000, lambda f: f)


@row("make_jaxpr of grad, 10 ops", TRACES)
def trace_grad_short(jax):
    return traced(jax, 10, jax.grad)


@row("make_jaxpr of grad, 300 ops", TRACES, warm=2)
def trace_grad(jax):
    return traced(jax, 300, jax.grad)


@row("make_jaxpr of vmap, 300 ops", TRACES, warm=2)
def trace_vmap(jax):
    return traced(jax, 300, lambda f: jax.vmap(lambda x: f(x + jax.numpy.ones(3))))


@row("make_jaxpr of jit of grad, 300 ops", TRACES, warm=2)
def trace_jit_of_grad(jax):
    return traced(jax, 300, lambda f: jax.jit(jax.grad(f)))


def traced_loop(jax, steps):
    """Trace the gradient of a new loop of so many steps."""
    jnp = jax.numpy
    x, torques = jnp.asarray(VECTOR[:2]), jnp.zeros(steps)

    def thunk():
        def step(x, u):
            x = x + 0.01 * jnp.array([x[1], u - 9.81 * jnp.sin(x[0])])
            return x, x

        made = jax.make_jaxpr(jax.grad(lambda x, us: jnp.sum(jax.lax.scan(step, x, us)[1])))(x, torques)
        return [str(a) for a in made.out_avals]

    return thunk


@row("make_jaxpr of grad, a scan of 10 steps", TRACES, warm=2)
def trace_short_loop(jax):
    return traced_loop(jax, 10)


@row("make_jaxpr of grad, a scan of 100,000 steps", TRACES, warm=2)
def trace_long_loop(jax):
    return traced_loop(jax, 100_000)


# ------------------------------------------------------------------------------------------- the recitation's


def selu(jax):
    jnp = jax.numpy

    def f(x, alpha=1.67, lmbda=1.05):
        return lmbda * jnp.where(x > 0, x, alpha * jnp.exp(x) - alpha)

    return f


@row("selu(x)", SELU, large=True)
def selu_plain(jax):
    f, x = selu(jax), jax.numpy.ones(int(1e7))
    return lambda: f(x)


@row("jit(selu)(x)", SELU, large=True, tier="compile", warm=10)
def selu_jit(jax):
    f, x = jax.jit(selu(jax)), jax.numpy.ones(int(1e7))
    return lambda: f(x)


@row("jit(selu)(x), auto tier", SELU, large=True, tier="auto", warm=60)
def selu_jit_auto(jax):
    f, x = jax.jit(selu(jax)), jax.numpy.ones(int(1e7))
    return lambda: f(x)
