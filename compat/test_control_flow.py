"""scan, while_loop, fori_loop, cond, switch, map, associative_scan: transformed, in graphs, and their errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from compat import frameworks
from compat.same import Tolerance, assert_same, run_both, same_in_both

X = np.array([0.5, 1.0, 2.0], np.float32)
W = np.array([[0.2, -0.3, 0.1], [0.4, 0.1, 0.3], [-0.2, 0.5, 0.2]], np.float32)
ROWS = np.array([[0.1, 0.2, -0.3], [0.5, -0.4, 0.2], [0.3, 0.1, 0.9], [-0.6, 0.7, 0.4]], np.float32)
FLAGS = np.array([True, False, True])
GROWTH = Tolerance(factor=8)


# Functions of one vector, to be differentiated, batched and traced


def recurrent(jax: Any) -> Any:
    """A recurrent network: closes over its weights, carries a tree, an integer in it."""
    jnp = jax.numpy

    def f(h: Any) -> Any:
        def step(carry: Any, x: Any) -> Any:
            h, n = carry["h"], carry["n"]
            h = jnp.tanh(W @ h + x)
            return {"h": h, "n": n + 1}, h * n

        last, ys = jax.lax.scan(step, {"h": h, "n": 0}, ROWS)
        return last["h"] + ys.sum(0)

    return f


def over_rows(jax: Any) -> Any:
    """Scans over the argument, in reverse, with a weakly typed carry and a constant that is differentiated."""
    jnp = jax.numpy

    def f(x: Any) -> Any:
        total, ys = jax.lax.scan(lambda c, v: (c * v + x.sum(), jnp.sin(c)), 0.0, x, reverse=True)
        return ys * total

    return f


def nested(jax: Any) -> Any:
    """A scan in a scan."""

    def inner(c: Any, v: Any) -> Any:
        c, _ = jax.lax.scan(lambda d, w: (d * 0.5 + w * v, None), c, X)
        return c, c

    return lambda x: jax.lax.scan(inner, x[0], x)[1]


def counted(jax: Any) -> Any:
    """fori_loop with known bounds."""
    return lambda x: jax.lax.fori_loop(1, 4, lambda i, c: c * x + i, x)


def mapped(jax: Any) -> Any:
    return lambda x: jax.lax.map(lambda v: jax.numpy.sin(v) * x.sum(), x)


def associative(jax: Any) -> Any:
    def combine(a: Any, b: Any) -> Any:
        return a[0] * b[0], a[1] * b[0] + b[1]

    return lambda x: jax.lax.associative_scan(combine, (x, x + 1.0))[1]


def branches(jax: Any) -> Any:
    """cond on each entry's sum: known values take one branch only."""
    jnp = jax.numpy
    return lambda x: jax.lax.cond(x.sum() > 2.0, lambda v: jnp.sin(v) * x, lambda v: v * v, x)


def guarded(jax: Any) -> Any:
    """The branch that is not taken has no finite derivative."""
    jnp = jax.numpy

    def f(x: Any) -> Any:
        return jax.lax.cond(x.sum() > 1e6, lambda v: jnp.sqrt(v - v), lambda v: 2.0 * v, x)

    return f


def switched(jax: Any) -> Any:
    jnp = jax.numpy

    def f(x: Any) -> Any:
        number = x.sum().astype("int32") - 1
        return jax.lax.switch(number, [lambda v: v, jnp.sin, lambda v: v * x], x)

    return f


def loop_in_branch(jax: Any) -> Any:
    def loop(v: Any) -> Any:
        return jax.lax.scan(lambda c, w: (c * w, c), v, X)[0]

    return lambda x: jax.lax.cond(x.sum() > 1.0, loop, lambda v: -v, x)


def branch_in_loop(jax: Any) -> Any:
    def step(c: Any, v: Any) -> Any:
        c = jax.lax.cond(v > 0.7, lambda c: c * v, lambda c: c + v, c)
        return c, c

    return lambda x: jax.lax.scan(step, x, X)[1].sum(0)


def rule_in_loop(jax: Any) -> Any:
    """A custom rule in a body must survive all transformations of the loop."""
    f = jax.custom_jvp(lambda v: jax.numpy.sin(v))
    f.defjvp(lambda p, t: (f(*p), 3.0 * p[0] * t[0]))
    return lambda x: jax.lax.scan(lambda c, v: (f(c) * v, c), x, X)[0]


def doubled(jax: Any) -> Any:
    """A while loop, forward mode only: how often it goes round depends on the value."""
    return lambda x: jax.lax.while_loop(
        lambda c: (c[0] * c[0]).sum() < 50.0, lambda c: (c[0] * 1.7, c[1] + c[0]), (x, x)
    )[1]


def counting(jax: Any) -> Any:
    """fori_loop with a traced bound, forward mode only."""

    def f(x: Any) -> Any:
        n = (x.sum() * 2).astype("int32")
        return jax.lax.fori_loop(0, n, lambda i, c: c * 0.9 + i, x)

    return f


REVERSIBLE = {
    f.__name__: f
    for f in (
        recurrent,
        over_rows,
        nested,
        counted,
        mapped,
        associative,
        branches,
        guarded,
        switched,
        loop_in_branch,
        branch_in_loop,
        rule_in_loop,
    )
}
FORWARD_ONLY = {f.__name__: f for f in (doubled, counting)}
BATCH = np.stack([X, 2 * X, X[::-1], -X])


def weighted(jax: Any, f: Any) -> Any:
    return lambda x: (f(x) * jax.numpy.array([1.0, 2.0, 3.0])).sum()


FORWARD = {
    "value": lambda jax, f: f(X),
    "jit": lambda jax, f: jax.jit(f)(X),
    "vmap": lambda jax, f: jax.vmap(f)(BATCH),
    "vmap of jit": lambda jax, f: jax.vmap(jax.jit(f))(BATCH),
    "jit of vmap": lambda jax, f: jax.jit(jax.vmap(f))(BATCH),
    "vmap of vmap": lambda jax, f: jax.vmap(jax.vmap(f, 1), 0)(np.stack([BATCH.T, 2 * BATCH.T])),
    "jvp": lambda jax, f: jax.jvp(f, (X,), (2 * X,)),
    "jvp of jit": lambda jax, f: jax.jvp(jax.jit(f), (X,), (2 * X,)),
    "jit of jvp": lambda jax, f: jax.jit(lambda x: jax.jvp(f, (x,), (x,)))(X),
    "vmap of jvp": lambda jax, f: jax.vmap(lambda x: jax.jvp(f, (x,), (x,)))(BATCH),
    "jvp of vmap": lambda jax, f: jax.jvp(jax.vmap(f), (BATCH,), (2 * BATCH,)),
    "jit of jvp of vmap": lambda jax, f: jax.jit(lambda b: jax.jvp(jax.vmap(f), (b,), (b,)))(BATCH),
    "jacfwd": lambda jax, f: jax.jacfwd(f)(X),
    "jvp of jvp": lambda jax, f: jax.jvp(lambda h: jax.jvp(f, (h,), (h * h,))[1], (X,), (X,)),
    "jit of jvp of jvp": lambda jax, f: jax.jit(lambda x: jax.jvp(lambda h: jax.jvp(f, (h,), (h * h,))[1], (x,), (x,)))(
        X
    ),
}
REVERSE = {
    "grad": lambda jax, f: jax.grad(weighted(jax, f))(X),
    "grad of jit": lambda jax, f: jax.grad(weighted(jax, jax.jit(f)))(X),
    "jit of grad": lambda jax, f: jax.jit(jax.grad(weighted(jax, f)))(X),
    "vmap of grad": lambda jax, f: jax.vmap(jax.grad(weighted(jax, f)))(BATCH),
    "jit of vmap of grad": lambda jax, f: jax.jit(jax.vmap(jax.grad(weighted(jax, f))))(BATCH),
    "grad of vmap": lambda jax, f: jax.grad(lambda b: (jax.vmap(f)(b) * b).sum())(BATCH),
    "jacrev": lambda jax, f: jax.jacrev(f)(X),
    "hessian": lambda jax, f: jax.hessian(weighted(jax, f))(X),
    "hessian of jit": lambda jax, f: jax.hessian(weighted(jax, jax.jit(f)))(X),
    "jit of hessian": lambda jax, f: jax.jit(jax.hessian(weighted(jax, f)))(X),
    "jacrev of jacrev": lambda jax, f: jax.jacrev(jax.jacrev(f))(X),
    "grad of jvp": lambda jax, f: jax.grad(lambda x: jax.jvp(f, (x,), (x * x,))[1].sum())(X),
    "linearize": lambda jax, f: jax.linearize(f, X)[1](X),
}


@pytest.mark.parametrize("nesting", FORWARD)
@pytest.mark.parametrize("function", REVERSIBLE | FORWARD_ONLY)
def test_forward(function: str, nesting: str) -> None:
    make = (REVERSIBLE | FORWARD_ONLY)[function]
    assert_same(*run_both(lambda jax: FORWARD[nesting](jax, make(jax))), tolerance=GROWTH)


@pytest.mark.parametrize("nesting", REVERSE)
@pytest.mark.parametrize("function", REVERSIBLE)
def test_reverse(function: str, nesting: str) -> None:
    assert_same(*run_both(lambda jax: REVERSE[nesting](jax, REVERSIBLE[function](jax))), tolerance=GROWTH)


def one(jax: Any, x: Any) -> Any:
    """A strong scalar."""
    return jax.numpy.float32(x)


def ran(jax: Any, use: Any) -> Any:
    """How often Python functions ran."""
    count: list[str] = []

    def note(name: str, fun: Any) -> Any:
        def noted(*args: Any) -> Any:
            count.append(name)
            return fun(*args)

        return noted

    use(note)
    return count


PROGRAMS: dict[str, Any] = {
    # scan: arguments, trees, types
    "scan nothing": lambda jax: jax.lax.scan(lambda c, _: (c + 1, c), 0, None, length=3),
    "scan numpy": lambda jax: jax.lax.scan(lambda c, x: (c + x, x), 0.0, np.arange(3)),
    "scan trees": lambda jax: jax.lax.scan(
        lambda c, x: ((c[0] + x["a"], {"k": c[1]["k"] * 2}), [x["b"], None]),
        (0.0, {"k": one(jax, 1)}),
        {"a": X, "b": ROWS[:3]},
    ),
    "scan of nothing": lambda jax: jax.lax.scan(lambda c, x: (c + 1, x * 2), 1.0, jax.numpy.zeros((0, 2))),
    "scan of no length": lambda jax: jax.lax.scan(lambda c, x: (c + 1, c), 1, None, length=0),
    "scan promotes the carry": lambda jax: jax.lax.scan(lambda c, x: (c + x, x), 0, X),
    "scan keeps a weak carry": lambda jax: jax.lax.scan(lambda c, x: (c * 2, x), 1, X),
    "scan promotes to a weak carry": lambda jax: jax.lax.scan(lambda c, x: (c * 2.0, x), 1, X),
    "scan strengthens the carry": lambda jax: jax.lax.scan(lambda c, x: (c * one(jax, 2), c), 1.0, X),
    "scan gives Python numbers": lambda jax: jax.lax.scan(lambda c, x: (c + x, (1.0, 2, True)), 0.0, X),
    "scan hands a carry through": lambda jax: jax.lax.scan(lambda c, x: (c, c * x), one(jax, 2.0), X),
    "scan hands x through": lambda jax: jax.lax.scan(lambda c, x: (x, x), one(jax, 2.0), X),
    "scan swaps": lambda jax: jax.lax.scan(lambda c, x: ((c[1], c[0]), c[0]), (one(jax, 1), one(jax, 2)), X),
    "scan transposes": lambda jax: jax.lax.scan(lambda c, x: (c.T * 2, c.T), jax.numpy.array(W), X),
    "scan keys": lambda jax: jax.lax.scan(
        lambda k, _: (jax.random.fold_in(k, 1), jax.random.uniform(k)), jax.random.key(0), None, length=3
    ),
    "scan over keys": lambda jax: jax.lax.scan(
        lambda c, k: (c + jax.random.normal(k), k), 0.0, jax.random.split(jax.random.key(0), 3)
    ),
    "scan unrolled": lambda jax: jax.lax.scan(lambda c, x: (c + x, c), 0.0, X, unroll=True),
    "scan unrolled by two": lambda jax: jax.lax.scan(lambda c, x: (c + x, c), 0.0, X, unroll=2),
    "scan half precision": lambda jax: jax.lax.scan(
        lambda c, x: (c * x, c), jax.numpy.bfloat16(1), jax.numpy.array(X, "bfloat16")
    ),
    "scan bool and integers": lambda jax: jax.lax.scan(
        lambda c, x: (c ^ x, ~c), jax.numpy.array(False), jax.numpy.array([True, True, False])
    ),
    "scan with a collective": lambda jax: jax.vmap(
        lambda x: jax.lax.scan(lambda c, v: (c + jax.lax.psum(v, "i"), c), 0.0, x), axis_name="i"
    )(BATCH),
    "scan where lanes are in xs only": lambda jax: jax.vmap(
        lambda x: jax.lax.scan(lambda c, v: (c + v, c), one(jax, 0), x), in_axes=1
    )(BATCH),
    "scan where lanes are in the constant only": lambda jax: jax.vmap(
        lambda a: jax.lax.scan(lambda c, v: (c + v * a, v), one(jax, 0), X)
    )(X),
    "scan where lanes reach a carry late": lambda jax: jax.vmap(
        lambda a: jax.lax.scan(lambda c, v: ((c[1], c[2], c[2] * a), c[0]), (one(jax, 0),) * 3, X)
    )(X),
    "scan in debug mode": lambda jax: in_debug_mode(jax),
    "scan without jit": lambda jax: without_jit(
        jax, lambda: jax.lax.scan(lambda c, x: (c + x if x > 0.7 else c, c), one(jax, 0), X)
    ),
    "scan without jit, reversed": lambda jax: without_jit(
        jax, lambda: jax.lax.scan(lambda c, x: (c + x, c), one(jax, 0), X, reverse=True)
    ),
    "scan shape": lambda jax: jax.eval_shape(lambda x: jax.lax.scan(lambda c, v: (c, [v, c]), x, ROWS), X),
    "scan long in jit": lambda jax: jax.jit(
        lambda x: jax.lax.scan(lambda c, v: (c * 0.99 + v, None), x, np.ones(500, np.float32))[0]
    )(1.0),
    "scan grad of an integer carry": lambda jax: jax.grad(
        lambda x: jax.lax.scan(lambda c, v: ((c[0] + 1, c[1] * v * c[0]), None), (1, x), X)[0][1]
    )(one(jax, 2.0)),
    "scan grad by xs": lambda jax: jax.grad(lambda x: jax.lax.scan(lambda c, v: (c * v, c), 2.0, x)[1].sum())(X),
    "scan grad of length zero": lambda jax: jax.grad(
        lambda x: jax.lax.scan(lambda c, v: (c * x, c), x, np.zeros(0, np.float32))[0]
    )(one(jax, 2.0)),
    "scan vjp of all results": lambda jax: jax.vjp(
        lambda h, w: jax.lax.scan(lambda c, v: (c * v * w, c + w), h, X), one(jax, 2.0), one(jax, 3.0)
    )[1]((one(jax, 1.0), jax.numpy.array(X))),
    "scan complex": lambda jax: jax.grad(
        lambda z: jax.numpy.abs(jax.lax.scan(lambda c, v: (c * z + v, None), z, X)[0]) ** 2
    )(np.complex64(1 + 2j)),
    "scan runs its function once": lambda jax: ran(
        jax, lambda note: jax.lax.scan(note("f", lambda c, x: (c + x, c)), one(jax, 0), X)
    ),
    "scan runs its function once for two calls": lambda jax: ran(jax, lambda note: twice(jax, note)),
    "scan hands numbers through": lambda jax: jax.lax.scan(lambda c, x: ((c[0], c[1] + 1), x), (3, 0), X),
    "scan unroll zero": lambda jax: jax.lax.scan(lambda c, x: (c + x, c), 0.0, X, unroll=0),
    # scan: errors
    "scan of a number": lambda jax: jax.lax.scan(3, 1, X),
    "scan gives no pair": lambda jax: jax.lax.scan(lambda c, x: c, 0.0, X),
    "scan gives three": lambda jax: jax.lax.scan(lambda c, x: (c, x, x), 0.0, X),
    "scan gives None": lambda jax: jax.lax.scan(lambda c, x: None, 0.0, X),
    "scan gives text": lambda jax: jax.lax.scan(lambda c, x: (c, "a"), 0.0, X),
    "scan changes the tree": lambda jax: jax.lax.scan(lambda c, x: ((c, c), x), 0.0, X),
    "scan changes the keys": lambda jax: jax.lax.scan(lambda c, x: ({"a": c["a"], "b": 1.0}, x), {"a": 0.0}, X),
    "scan changes the dtype": lambda jax: jax.lax.scan(lambda c, x: (c.astype("int32"), x), one(jax, 0), X),
    "scan changes the shape": lambda jax: jax.lax.scan(lambda c, x: (jax.numpy.stack([c, c]), x), one(jax, 0), X),
    "scan changes two types": lambda jax: jax.lax.scan(
        lambda c, x: ((jax.numpy.stack([c[0]] * 2), c[1].astype("int32")), x), (one(jax, 0), one(jax, 0)), X
    ),
    "scan length disagrees": lambda jax: jax.lax.scan(lambda c, x: (c, x), 1, X, length=4),
    "scan lengths disagree": lambda jax: jax.lax.scan(lambda c, x: (c, x), 1, (X, X[:2])),
    "scan without length": lambda jax: jax.lax.scan(lambda c, x: (c, x), 1, None),
    "scan over a number": lambda jax: jax.lax.scan(lambda c, x: (c, x), 1, 3.0),
    "scan over a scalar": lambda jax: jax.lax.scan(lambda c, x: (c, x), 1, one(jax, 3)),
    "scan traced length": lambda jax: jax.jit(lambda n: jax.lax.scan(lambda c, x: (c, x), 1, None, length=n))(3),
    "scan branches on a value": lambda jax: jax.lax.scan(lambda c, x: (c if x > 0 else -c, x), 1.0, X),
    "scan unroll negative": lambda jax: jax.lax.scan(lambda c, x: (c + x, x), 1.0, X, unroll=-1),
    "scan zero length without jit": lambda jax: without_jit(
        jax, lambda: jax.lax.scan(lambda c, x: (c, x), 1.0, np.zeros(0, np.float32))
    ),
    # while_loop
    "while tree": lambda jax: jax.lax.while_loop(
        lambda s: s["n"] < 3, lambda s: {"n": s["n"] + 1, "x": s["x"] * 2}, {"n": 0, "x": X}
    ),
    "while never": lambda jax: jax.lax.while_loop(lambda c: c < 0, lambda c: c + 1, 1),
    "while promotes": lambda jax: jax.lax.while_loop(lambda c: c < 3, lambda c: c + 1.5, 1),
    "while promotes to strong": lambda jax: jax.lax.while_loop(lambda c: c < 3, lambda c: c + one(jax, 1), 1),
    "while weak": lambda jax: jax.lax.while_loop(lambda c: c < 3, lambda c: c + 1, 1),
    "while lanes disagree": lambda jax: jax.vmap(
        lambda x: jax.lax.while_loop(lambda c: c[0] < 20, lambda c: (c[0] * 2, c[1] + 1, c[2]), (x, 0, x))
    )(jax.numpy.array(X)),
    "while lanes in a constant of the condition": lambda jax: jax.vmap(
        lambda n: jax.lax.while_loop(lambda c: c[0] < n, lambda c: (c[0] + 1, c[1] * 2), (0, one(jax, 1)))
    )(np.array([3, 0, 5])),
    "while lanes in a constant of the body": lambda jax: jax.vmap(
        lambda a: jax.lax.while_loop(lambda c: c[0] < 3, lambda c: (c[0] + 1, c[1] * a), (0, one(jax, 1)))
    )(X),
    "while lanes, matrices": lambda jax: jax.jit(
        jax.vmap(lambda m: jax.lax.while_loop(lambda c: (c * c).sum() < 50, lambda c: c @ c + c, m))
    )(np.stack([W, 2 * W, W.T])),
    "while in jit": lambda jax: jax.jit(
        lambda n: jax.lax.while_loop(lambda c: c[0] < n, lambda c: (c[0] + 1, c[1] * 2), (0, 1.0))
    )(5),
    "while in jit twice": lambda jax: [
        f(n)
        for f in [jax.jit(lambda n: jax.lax.while_loop(lambda c: c < n, lambda c: c * 2 + 1, n * 0))]
        for n in (3, 40)
    ],
    "while shape": lambda jax: jax.eval_shape(lambda x: jax.lax.while_loop(lambda c: c < 3, lambda c: c + 1, x), 1.0),
    "while keys": lambda jax: jax.random.key_data(
        jax.lax.while_loop(lambda c: c[0] < 3, lambda c: (c[0] + 1, jax.random.split(c[1])[0]), (0, jax.random.key(1)))[
            1
        ]
    ),
    "while lanes of keys": lambda jax: jax.vmap(
        lambda n, k: jax.random.key_data(
            jax.lax.while_loop(lambda c: c[0] < n, lambda c: (c[0] + 1, jax.random.split(c[1])[0]), (0, k))[1]
        )
    )(np.array([1, 3, 0]), jax.random.split(jax.random.key(1), 3)),
    "while with a collective": lambda jax: jax.vmap(
        lambda x: jax.lax.while_loop(lambda c: jax.lax.psum(c, "i") < 50, lambda c: c * 2, x), axis_name="i"
    )(X),
    "while without jit": lambda jax: without_jit(
        jax, lambda: jax.lax.while_loop(lambda c: bool(c < 10), lambda c: c * 2, one(jax, 1))
    ),
    "while without jit, lanes": lambda jax: without_jit(
        jax, lambda: jax.vmap(lambda x: jax.lax.while_loop(lambda c: c < 10, lambda c: c * 2, x))(X)
    ),
    "while grad": lambda jax: jax.grad(lambda x: jax.lax.while_loop(lambda c: c < 3, lambda c: c + 1, x))(1.0),
    "while grad in jit": lambda jax: jax.grad(
        jax.jit(lambda x: jax.lax.while_loop(lambda c: c < 3, lambda c: c + 1, x))
    )(1.0),
    "while jit of grad": lambda jax: jax.jit(
        jax.grad(lambda x: jax.lax.while_loop(lambda c: c < 3, lambda c: c + 1, x))
    )(1.0),
    "while vjp": lambda jax: jax.vjp(lambda x: jax.lax.while_loop(lambda c: c < 30, lambda c: c * 2, x), 1.0)[0],
    "while beside a gradient": lambda jax: jax.grad(
        lambda x: x * jax.lax.while_loop(lambda c: c < 30, lambda c: c * 2, 1.0)
    )(2.0),
    "while hands a gradient through": lambda jax: jax.grad(
        lambda x: jax.lax.while_loop(lambda c: c[0] < 3, lambda c: (c[0] + 1, c[1]), (0, x))[1] * 2
    )(2.0),
    "while stopped": lambda jax: jax.grad(
        lambda x: x * jax.lax.stop_gradient(jax.lax.while_loop(lambda c: c < 30, lambda c: c * 2, x))
    )(2.0),
    **{
        f"while linearized in {name}": lambda jax, around=around: jax.linearize(around(jax, sines(jax)), 2.0)[1](1.0)
        for name, around in {
            "nothing": lambda jax, f: f,
            "jit": lambda jax, f: jax.jit(f),
            "scan": lambda jax, f: lambda x: jax.lax.scan(lambda c, v: (f(c) * v, c), x, X),
            "cond": lambda jax, f: lambda x: jax.lax.cond(x > 1, f, lambda x: x, x),
            "checkpoint": lambda jax, f: jax.checkpoint(f),
            "linearize": lambda jax, f: lambda x: jax.linearize(f, x)[1](x),
        }.items()
    },
    "while linearized in a traced scan": lambda jax: jax.jit(
        lambda x: jax.linearize(lambda x: jax.lax.scan(lambda c, v: (sines(jax)(c) * v, c), x, X), x)[1](1.0)
    )(2.0),
    "while linearized under vmap": lambda jax: jax.vmap(lambda x: jax.linearize(sines(jax), x)[1](1.0))(X),
    "while linearized, transposed twice": lambda jax: jax.linear_transpose(jax.linearize(sines(jax), 2.0)[1], 2.0)(1.0),
    "while second order": lambda jax: jax.grad(jax.grad(sines(jax)))(2.0),
    "while second order traced": lambda jax: jax.jit(jax.grad(jax.grad(sines(jax))))(2.0),
    "while grad in scan": lambda jax: jax.grad(lambda x: jax.lax.scan(lambda c, v: (sines(jax)(c) * v, c), x, X)[0])(
        2.0
    ),
    "while hands numbers through": lambda jax: jax.lax.while_loop(
        lambda c: c[0] < 3, lambda c: (c[0] + 1, c[1]), (0, 2.5)
    ),
    "while no bool": lambda jax: jax.lax.while_loop(lambda c: c, lambda c: c, 0.0),
    "while condition a tree": lambda jax: jax.lax.while_loop(lambda c: (c,), lambda c: c, 0.0),
    "while condition a vector": lambda jax: jax.lax.while_loop(lambda c: c > 0, lambda c: c, jax.numpy.ones(2)),
    "while not callable": lambda jax: jax.lax.while_loop(1, lambda c: c, 1),
    "while changes the tree": lambda jax: jax.lax.while_loop(lambda c: c < 3, lambda c: (c,), 1),
    "while changes the dtype": lambda jax: jax.lax.while_loop(lambda c: c < 3, lambda c: c + 1.5, jax.numpy.int32(1)),
    # fori_loop
    "fori": lambda jax: jax.lax.fori_loop(0, 3, lambda i, c: c + i, 0.0),
    "fori of no numbers": lambda jax: jax.lax.fori_loop(5, 3, lambda i, c: c + one(jax, 1), 0),
    "fori traced": lambda jax: jax.jit(lambda n: jax.lax.fori_loop(0, n, lambda i, c: c + i, 0))(4),
    "fori narrow": lambda jax: jax.lax.fori_loop(0, jax.numpy.int8(3), lambda i, c: c + i, 0),
    "fori arrays grad": lambda jax: jax.grad(
        lambda x: jax.lax.fori_loop(jax.numpy.int32(0), jax.numpy.int32(3), lambda i, c: c * x, 1.0)
    )(2.0),
    "fori grad": lambda jax: jax.grad(lambda x: jax.lax.fori_loop(0, 3, lambda i, c: c * x, 1.0))(2.0),
    "fori traced grad": lambda jax: jax.grad(
        lambda x: jax.jit(lambda n: jax.lax.fori_loop(0, n, lambda i, c: c * x, 1.0))(3)
    )(2.0),
    "fori lanes of the bound": lambda jax: jax.vmap(lambda n: jax.lax.fori_loop(0, n, lambda i, c: c * 2 + i, 1))(
        np.array([0, 3, 1])
    ),
    "fori updates": lambda jax: jax.lax.fori_loop(0, 3, lambda i, c: c.at[i].set(i * 1.5), jax.numpy.zeros(3)),
    "fori updates in jit": lambda jax: jax.jit(
        lambda x: jax.lax.fori_loop(0, 3, lambda i, c: jax.lax.dynamic_update_index_in_dim(c, c[i] * i, i, 0), x)
    )(X),
    "fori runs its function once for two calls": lambda jax: ran(
        jax, lambda note: [jax.lax.fori_loop(0, 3, f, 0) for f in [note("f", lambda i, c: c + i)] * 2]
    ),
    "fori branches on its number": lambda jax: jax.lax.fori_loop(0, 3, lambda i, c: c + range(i)[0], 0),
    "fori unroll negative": lambda jax: jax.lax.fori_loop(0, 3, lambda i, c: c + i, 0.0, unroll=-1),
    "fori vector bound": lambda jax: jax.lax.fori_loop(np.zeros(2, int), 5, lambda i, c: c, 0),
    "fori floats": lambda jax: jax.lax.fori_loop(0.0, 3.0, lambda i, c: c + i, 0.0),
    "fori bounds disagree": lambda jax: jax.lax.fori_loop(jax.numpy.int32(0), jax.numpy.int8(3), lambda i, c: c, 0.0),
    "fori changes the tree": lambda jax: jax.lax.fori_loop(0, 3, lambda i, c: (c, c), 0.0),
    "fori not callable": lambda jax: jax.lax.fori_loop(0, 3, 3, 0.0),
    "fori unroll traced": lambda jax: jax.jit(lambda n: jax.lax.fori_loop(0, n, lambda i, c: c + 1, 0.0, unroll=2))(3),
    "fori without jit": lambda jax: without_jit(jax, lambda: jax.lax.fori_loop(0, 0, lambda i, c: c, one(jax, 1))),
    # cond and switch
    **{
        f"cond {pred!r}": lambda jax, pred=pred: jax.lax.cond(pred, lambda x: x * 2, lambda x: x + 1, one(jax, 1))
        for pred in (True, False, 1, 0, 2.5, 0.0, np.array(True), np.float32(0))
    },
    "cond no operands": lambda jax: jax.lax.cond(True, lambda: 1, lambda: 2),
    "cond trees": lambda jax: jax.lax.cond(
        jax.numpy.array(False), lambda a, b: {"s": a + b["x"]}, lambda a, b: {"s": a - b["x"]}, 1.0, {"x": X}
    ),
    "cond weak of true": lambda jax: jax.lax.cond(True, lambda: 1.0, lambda: one(jax, 2)),
    "cond weak of false": lambda jax: jax.lax.cond(True, lambda: one(jax, 2), lambda: 1.0),
    "cond operand": lambda jax: jax.lax.cond(True, lambda x: x, lambda x: x, operand=None),
    "cond operand of each": lambda jax: jax.lax.cond(True, 1, lambda x: x + 1, 2, lambda x: x + 2),
    "cond in jit": lambda jax: jax.jit(lambda p, x: jax.lax.cond(p, lambda x: x, lambda x: -x, x))(True, X),
    "cond closures of both": lambda jax: jax.grad(
        lambda a, b: jax.lax.cond(a < b, lambda: a * b, lambda: a - b), argnums=(0, 1)
    )(1.0, 2.0),
    "cond closures of both in jit": lambda jax: jax.jit(
        jax.grad(lambda a, b: jax.lax.cond(a < b, lambda: a * b, lambda: a - b), argnums=(0, 1))
    )(1.0, 2.0),
    "cond lanes": lambda jax: jax.vmap(lambda p, x: jax.lax.cond(p, lambda x: x * 2, lambda x: x * x, x))(FLAGS, X),
    "cond lanes of the operand": lambda jax: jax.vmap(
        lambda p, x: jax.lax.cond(p, lambda x: x * 2, lambda x: x * x, x), (None, 0)
    )(True, X),
    "cond lanes of the predicate": lambda jax: jax.vmap(lambda p: jax.lax.cond(p, lambda: X, lambda: 2 * X))(FLAGS),
    "cond lanes of the predicate in jit": lambda jax: jax.jit(
        jax.vmap(lambda p: jax.lax.cond(p, lambda: (1, X), lambda: (2, 2 * X)))
    )(FLAGS),
    "cond lanes and a collective": lambda jax: jax.vmap(
        lambda x: jax.lax.cond(x > 0.7, lambda x: x, lambda x: x + jax.lax.psum(x, "i"), x), axis_name="i"
    )(X),
    "cond guards a gradient": lambda jax: jax.grad(
        lambda x: jax.lax.cond(x > 0, lambda x: jax.numpy.sqrt(x), lambda x: 0.0 * x, x)
    )(0.0),
    "cond guards a gradient in jit": lambda jax: jax.jit(
        jax.grad(lambda x: jax.lax.cond(x > 0, lambda x: jax.numpy.sqrt(x), lambda x: 0.0 * x, x))
    )(0.0),
    "cond guards a gradient of lanes": lambda jax: jax.vmap(
        jax.grad(lambda x: jax.lax.cond(x > 0, lambda x: x**2, lambda x: 0.0 * x, x))
    )(X - 1),
    "cond guards a gradient outside of lanes": lambda jax: jax.grad(
        lambda x: jax.vmap(lambda v: jax.lax.cond(v > 0.7, jax.numpy.log, lambda v: 0.0 * v, v))(x).sum()
    )(X - 0.5),
    "cond keys": lambda jax: jax.random.key_data(
        jax.lax.cond(True, lambda k: jax.random.fold_in(k, 1), lambda k: k, jax.random.key(0))
    ),
    "cond without jit": lambda jax: without_jit(jax, lambda: jax.lax.cond(X.sum() > 1, lambda: "yes", lambda: "no")),
    "cond runs both functions": lambda jax: ran(
        jax, lambda note: jax.lax.cond(True, note("true", lambda: 1.0), note("false", lambda: 2.0))
    ),
    "cond None": lambda jax: jax.lax.cond(None, lambda: 1, lambda: 2),
    "cond a list": lambda jax: jax.lax.cond([True], lambda: 1, lambda: 2),
    "cond a vector": lambda jax: jax.lax.cond(jax.numpy.array([True]), lambda: 1, lambda: 2),
    "cond text": lambda jax: jax.lax.cond("a", lambda: 1, lambda: 2),
    "cond complex": lambda jax: jax.lax.cond(1j, lambda: 1, lambda: 2),
    "cond other tree": lambda jax: jax.lax.cond(True, lambda: 1, lambda: (2,)),
    "cond other dtype": lambda jax: jax.lax.cond(True, lambda: 1, lambda: 2.0),
    "cond other shape": lambda jax: jax.lax.cond(True, lambda x: x, lambda x: x[0], X),
    "cond two other types": lambda jax: jax.lax.cond(True, lambda x: (x, x), lambda x: (x[0], x.astype("int32")), X),
    "cond two operands": lambda jax: jax.lax.cond(True, lambda x: x, lambda x: x, 1, operand=2),
    "cond not callable": lambda jax: jax.lax.cond(True, 1, 2),
    "cond gives text": lambda jax: jax.lax.cond(True, lambda: "a", lambda: "b"),
    "cond takes text": lambda jax: jax.lax.cond(True, lambda x: x, lambda x: x, "a"),
    **{
        f"switch {n}": lambda jax, n=n: jax.lax.switch(n, [lambda x: x, lambda x: x * 2, lambda x: -x], one(jax, 3))
        for n in (-1, 0, 1, 2, 7)
    },
    "switch in jit": lambda jax: jax.jit(lambda n, x: jax.lax.switch(n, [lambda x: x, lambda x: x * 2], x))(1, X),
    "switch lanes": lambda jax: jax.vmap(
        lambda n, x: jax.lax.switch(n, [lambda x: x, lambda x: x * 2, lambda x: x * x * x], x)
    )(np.array([5, -1, 1]), X),
    "switch lanes grad": lambda jax: jax.grad(
        lambda x: jax.vmap(lambda n, v: jax.lax.switch(n, [lambda v: v, lambda v: v * v], v))(
            np.array([0, 1, 1]), x
        ).sum()
    )(X),
    "switch of one": lambda jax: jax.lax.switch(3, [lambda: 1]),
    "switch of none": lambda jax: jax.lax.switch(0, []),
    "switch float": lambda jax: jax.lax.switch(1.0, [lambda: 1, lambda: 2]),
    "switch vector": lambda jax: jax.lax.switch(jax.numpy.array([1]), [lambda: 1, lambda: 2]),
    "switch bool": lambda jax: jax.lax.switch(True, [lambda: 1, lambda: 2]),
    "switch not callable": lambda jax: jax.lax.switch(1, [1, 2]),
    "switch other tree": lambda jax: jax.lax.switch(1, [lambda: 1, lambda: (2,)]),
    "switch other dtype": lambda jax: jax.lax.switch(1, [lambda: 1, lambda: 3, lambda: 2.0]),
    # map and associative_scan
    "map trees": lambda jax: jax.lax.map(lambda x: (x["a"] * 2, x["b"]), {"a": X, "b": np.arange(3)}),
    "map of nothing": lambda jax: jax.lax.map(lambda x: x * 2, jax.numpy.zeros((0, 2))),
    **{
        f"map batches of {n}": lambda jax, n=n: jax.lax.map(
            lambda x: {"s": x.sum(), "x": x}, jax.numpy.array(ROWS), batch_size=n
        )
        for n in (0, 1, 2, 3, 4, 9)
    },
    "map batches that disagree": lambda jax: jax.lax.map(
        lambda x: x, (jax.numpy.ones((5, 2)), jax.numpy.ones(4)), batch_size=2
    ),
    "map over nothing": lambda jax: jax.lax.map(lambda x: x, None),
    **{
        f"associative_scan of {n}": lambda jax, n=n: jax.lax.associative_scan(jax.numpy.add, jax.numpy.arange(n))
        for n in range(1, 9)
    },
    "associative_scan along an axis": lambda jax: jax.lax.associative_scan(
        jax.numpy.maximum, ROWS, axis=1, reverse=True
    ),
    "associative_scan order": lambda jax: jax.lax.associative_scan(
        jax.numpy.matmul, jax.numpy.stack([W, W.T, 2 * W, W + 1, W - 1])
    ),
    "associative_scan bool": lambda jax: jax.lax.associative_scan(jax.numpy.logical_or, FLAGS),
    "associative_scan not callable": lambda jax: jax.lax.associative_scan(3, X),
    "associative_scan sizes": lambda jax: jax.lax.associative_scan(lambda a, b: a, (X, X[:2])),
}


def twice(jax: Any, note: Any) -> Any:
    f = note("f", lambda c, x: (c + x, c))
    return [jax.lax.scan(f, one(jax, k), X) for k in range(2)]


def sines(jax: Any) -> Any:
    """A while loop that is differentiated."""
    return lambda x: jax.lax.while_loop(lambda s: s[0] < 3, lambda s: (s[0] + 1, jax.numpy.sin(s[1]) * x), (0, x))[1]


def in_debug_mode(jax: Any) -> Any:
    with jax.debug_nans(True):
        return jax.lax.scan(lambda c, x: (c * x, c), one(jax, 1), X)


def without_jit(jax: Any, program: Any) -> Any:
    with jax.disable_jit():
        return program()


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs(name: str) -> None:
    assert_same(*run_both(PROGRAMS[name]), title=name, tolerance=GROWTH)


@same_in_both(tolerance=Tolerance(factor=20))
def test_a_compiled_loop_agrees(jax: Any) -> Any:
    """On jaxlike the loop is written out for Inductor; jax compiles anyway."""
    f = recurrent(jax)
    if hasattr(jax.config, "jit_tier"):
        return jax.jit(f).lower(X).compile()(X)
    return jax.jit(f)(X)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_linear_solve_in_a_loop(order: int) -> None:
    """A matrix that is differentiated: the solve with its transpose is solved again in each derivative."""
    matrix = np.array([[2.0, 0.3, 0.1], [0.3, 1.5, -0.2], [0.1, -0.2, 1.8]])

    def nth(jax: Any) -> Any:
        lax, jnp = jax.lax, jax.numpy

        def solved(c: Any) -> Any:
            def step(x: Any, _: Any) -> Any:
                direct = lambda matvec, b: jnp.linalg.solve(matrix * lax.stop_gradient(c), b)  # noqa: E731
                return lax.custom_linear_solve(lambda z: (matrix * c) @ z, x, direct, symmetric=True), None

            return lax.scan(step, W[0].astype(np.float64) * c, None, length=2)[0].sum()

        f = solved
        for _ in range(order):
            f = jax.grad(f)
        return f(0.7), jax.jit(f)(0.7), jax.vmap(f)(jnp.array([0.7, 0.5]))

    with frameworks.x64(True):
        assert_same(*run_both(nth), tolerance=Tolerance(factor=1e3))


@pytest.mark.parametrize("order", [1, 2, 3])
def test_complex_carry(order: int) -> None:
    """A loop on complex numbers as a function of a real one."""

    def nth(jax: Any) -> Any:
        def f(c: Any) -> Any:
            rows = W[0].astype(np.float64)
            last = jax.lax.scan(lambda k, a: (k * jax.numpy.exp(1j * c) * (1 + a * c), k), 1.0 + 1j, rows)[0]
            return (last * last).real

        for _ in range(order):
            f = jax.grad(f)
        return f(0.7), jax.jit(f)(0.7)

    with frameworks.x64(True):
        assert_same(*run_both(nth), tolerance=Tolerance(factor=1e3))


@same_in_both
def test_arguments_that_are_looked_at_first(jax):
    """The error that comes first where two could."""
    found = []
    for call in (
        lambda: jax.lax.scan(lambda c, x: (c, x), 0.0, ["a"]),
        lambda: jax.lax.clamp(0, np.zeros(3, np.float32), np.ones(2, np.float32)),
        lambda: jax.lax.optimization_barrier("a"),
        lambda: jax.vmap(lambda x: jax.lax.axis_index(0), axis_name="i")(np.zeros(2)),
    ):
        try:
            found.append(call())
        except Exception as error:
            found.append((type(error).__name__, str(error).split(". ")[0]))
    return found


LOOPS_OF_RULES = {
    "scan": lambda jax, f: lambda x: jax.lax.scan(lambda c, w: (f(c) * w, f(c + w)), x, W[0]),
    "scan of constants": lambda jax, f: lambda x: jax.lax.scan(lambda c, w: (c + f(x * w), None), 1.0, W[0])[0],
    "scan of rows": lambda jax, f: lambda x: jax.lax.scan(lambda c, w: (c * w, f(w) * c), 1.0, x * W[0])[1],
    "backward": lambda jax, f: (
        lambda x: jax.lax.scan(lambda c, w: ((f(c[0]) * w, c[1] + 1), c), (x, 0), W[0], reverse=True)
    ),
    "in jit": lambda jax, f: jax.jit(lambda x: jax.lax.scan(lambda c, w: (f(c) * w, None), x, W[0])[0]),
}


@pytest.mark.parametrize("name", LOOPS_OF_RULES)
@pytest.mark.parametrize("transform", ["grad", "jit of grad", "vmap of grad", "linearize", "jvp"])
def test_a_rule_that_pushes_forward_what_only_pulls_back(name: str, transform: str) -> None:
    """A custom_jvp rule that takes the jvp of a loop of a custom_vjp function: refused unless it is transposed."""

    def program(jax: Any) -> Any:
        f = jax.custom_vjp(jax.numpy.sin)
        f.defvjp(lambda x: (jax.numpy.sin(x), x), lambda x, ct: (ct * jax.numpy.cos(x) * 2.0,))

        def summed(x: Any) -> Any:
            out = jax.tree.leaves(LOOPS_OF_RULES[name](jax, f)(x))
            return sum(v.sum() for v in out if v.dtype == np.float32)

        g = jax.custom_jvp(summed)
        g.defjvp(lambda p, t: (g(*p), jax.jvp(summed, p, t)[1]))
        x = np.float32(0.7)
        if transform == "linearize":
            return jax.linear_transpose(jax.linearize(g, x)[1], x)(np.float32(1))
        if transform == "jvp":
            return jax.jvp(g, (x,), (x,))
        if transform == "vmap of grad":
            return jax.vmap(jax.grad(g))(np.array([0.7, 0.2], np.float32))
        return (jax.jit if transform == "jit of grad" else lambda h: h)(jax.grad(g))(x)

    assert_same(*run_both(program), tolerance=GROWTH)
