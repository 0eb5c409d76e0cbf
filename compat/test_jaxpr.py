"""Jaxprs: their text, their parts, and interpreters that walk them and bind their primitives again."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from typing import Any

import numpy as np
import pytest

from compat.same import assert_same, run_both

X = np.array([0.5, 1.0, 2.0], np.float32)
M = np.arange(6, dtype=np.float32).reshape(2, 3)
N = np.arange(3, dtype=np.int32)
B = np.array([True, False, True])


# Texts


def custom(jax: Any) -> Any:
    """A custom_jvp function."""
    f = jax.custom_jvp(lambda x: jax.numpy.sin(x))
    f.defjvp(lambda p, t: (f(*p), t[0]))
    return f


TEXTS: dict[str, Callable[[Any], Any]] = {
    "sin": lambda jax: jax.make_jaxpr(jax.numpy.sin)(X),
    "with a number": lambda jax: jax.make_jaxpr(lambda x: x + 1)(X),
    "with a float": lambda jax: jax.make_jaxpr(lambda x: 0.1 * x)(X),
    "a number alone": lambda jax: jax.make_jaxpr(lambda x: x * 2.0)(1.0),
    "operators": lambda jax: jax.make_jaxpr(lambda x, y: -(x + y) * (x - 1) / y)(X, X),
    "comparisons": lambda jax: jax.make_jaxpr(lambda x, y: (x < y, x >= 2, x == y, x != y))(X, X),
    "bits": lambda jax: jax.make_jaxpr(lambda i, b: (i & 3, i | i, i ^ 1, ~i, ~b, b & b))(N, B),
    "ints": lambda jax: jax.make_jaxpr(lambda i: i * i - 2)(N),
    "broadcast": lambda jax: jax.make_jaxpr(lambda x, m: x + m)(X, M),
    "scalar operand": lambda jax: jax.make_jaxpr(lambda x, s: x * s)(X, X[0]),
    "closed over": lambda jax: jax.make_jaxpr(lambda y: y + jax.numpy.asarray(X))(X),
    "docs": lambda jax: jax.make_jaxpr(lambda a, b, c: a + jax.numpy.sin(b) * 3.0)(X, X, X),
    "tree": lambda jax: jax.make_jaxpr(lambda d: {"u": d["a"] + d["b"], "v": d["a"]})({"a": X, "b": X}),
    "identity": lambda jax: jax.make_jaxpr(lambda x: x)(X),
    "twice": lambda jax: jax.make_jaxpr(lambda x: (x, x))(X),
    "constant": lambda jax: jax.make_jaxpr(lambda x: 3.0)(X),
    "nothing": lambda jax: jax.make_jaxpr(lambda: ())(),
    "sum": lambda jax: jax.make_jaxpr(jax.numpy.sum)(M),
    "sum axis": lambda jax: jax.make_jaxpr(lambda m: m.sum(0) + m.max(0) * m.min(0))(M),
    "sum keepdims": lambda jax: jax.make_jaxpr(lambda m: m.sum(1, keepdims=True))(M),
    "any": lambda jax: jax.make_jaxpr(lambda b: (b.any(), b.all()))(B),
    "matmul": lambda jax: jax.make_jaxpr(lambda m: m @ m.T)(M),
    "dot": lambda jax: jax.make_jaxpr(jax.numpy.dot)(X, X),
    "reshape": lambda jax: jax.make_jaxpr(lambda m: m.reshape(3, 2).T)(M),
    "newaxis": lambda jax: jax.make_jaxpr(lambda x: x[:, None])(X),
    "slice": lambda jax: jax.make_jaxpr(lambda x: x[1:])(X),
    "element": lambda jax: jax.make_jaxpr(lambda x: x[0])(X),
    "concatenate": lambda jax: jax.make_jaxpr(lambda x: jax.numpy.concatenate([x, x]))(X),
    "flip": lambda jax: jax.make_jaxpr(lambda x: jax.lax.rev(x, (0,)))(X),
    "zeros": lambda jax: jax.make_jaxpr(lambda: jax.numpy.zeros(3))(),
    "ones": lambda jax: jax.make_jaxpr(lambda: jax.numpy.ones((2, 3), int))(),
    "arange": lambda jax: jax.make_jaxpr(lambda: jax.numpy.arange(3))(),
    "select": lambda jax: jax.make_jaxpr(lambda b, x: jax.lax.select(b, x, -x))(B, X),
    "unary": lambda jax: jax.make_jaxpr(lambda x: [getattr(jax.lax, n)(x) for n in UNARY])(X),
    "vmap": lambda jax: jax.make_jaxpr(jax.vmap(lambda a, b: a + b))(M, M),
    "jvp": lambda jax: jax.make_jaxpr(lambda x: jax.jvp(jax.numpy.sin, (x,), (x,)))(X),
    "while": lambda jax: jax.make_jaxpr(lambda n: jax.lax.while_loop(lambda c: c < 3, lambda c: c + 1, n))(0),
    "fori": lambda jax: jax.make_jaxpr(lambda n: jax.lax.fori_loop(0, 3, lambda i, c: c + i, n))(0),
    "cond": lambda jax: jax.make_jaxpr(lambda x: jax.lax.cond(x[0] > 0, lambda y: y, lambda y: -y, x))(X),
    "scan": lambda jax: jax.make_jaxpr(lambda x: jax.lax.scan(lambda c, a: (c + a, c), jax.numpy.float32(0), x))(X),
    "custom_jvp": lambda jax: jax.make_jaxpr(custom(jax))(X),
    "stop_gradient": lambda jax: jax.make_jaxpr(jax.lax.stop_gradient)(X),
    "many letters": lambda jax: jax.make_jaxpr(lambda x: [x + k for k in range(30)])(X),
    "no shapes": lambda jax: jax.make_jaxpr(lambda x: x + 1)(X).pretty_print(print_shapes=False),
    "x64": lambda jax: jax.make_jaxpr(lambda x: jax.numpy.sin(x) + 1)(np.float64(2)),
    "complex": lambda jax: jax.make_jaxpr(lambda z: (z * 2, z.real, z.imag, z.conj()))(X + 1j),
    "powers": lambda jax: jax.make_jaxpr(lambda x: [x**2, x**3, x**-1, x**0.5, 2.0**x, x**x])(X),
    "integer powers": lambda jax: jax.make_jaxpr(lambda n: (n**2, jax.lax.integer_pow(n, 4)))(N),
    "pads": lambda jax: jax.make_jaxpr(
        lambda x: [jax.lax.pad(x, 0.0, [c]) for c in ((1, 2, 0), (1, 2, 1), (-1, 2, 0))]
    )(X),
    "places": lambda jax: jax.make_jaxpr(lambda m: (jax.numpy.argmax(m[0]), m.argmin(1)))(M),
    "mean": lambda jax: jax.make_jaxpr(lambda m: (m.mean(), m.mean(0)))(M),
    "where": lambda jax: jax.make_jaxpr(lambda x: [jax.numpy.where(x > 0, x, y) for y in (0, 1.0, -x)])(X),
    "clamp": lambda jax: jax.make_jaxpr(lambda x: (jax.lax.clamp(0.0, x, 1.0), jax.numpy.clip(x, 0, 1)))(X),
    "indices": lambda jax: jax.make_jaxpr(lambda m: (m[0, 1], m[:, 1], m[1:, :2], m[1:2, 0], m[..., None], m[::-1]))(M),
    "dynamic slices": lambda jax: jax.make_jaxpr(
        lambda x: jax.lax.dynamic_update_slice(x, jax.lax.dynamic_slice(x, (1,), (2,)), (0,))
    )(X),
    "calls of the library": lambda jax: jax.make_jaxpr(
        lambda x: [
            f(x)
            for f in (jax.nn.silu, jax.numpy.cumsum, jax.numpy.sort, jax.numpy.flip, jax.numpy.diff, jax.numpy.round)
        ]
    )(X),
    "more unary": lambda jax: jax.make_jaxpr(
        lambda x: (jax.numpy.cbrt(x), jax.numpy.isfinite(x), jax.lax.bitcast_convert_type(x, "int32"))
    )(X),
    "shifts": lambda jax: jax.make_jaxpr(lambda n: (n << 1, n >> 1))(N),
    "stack": lambda jax: jax.make_jaxpr(lambda x: jax.numpy.stack([x, x]))(X),
    "broadcasts": lambda jax: jax.make_jaxpr(
        lambda x: (jax.lax.broadcast_in_dim(x, (3, 2), (0,)), jax.lax.broadcast(x, (2,)))
    )(X),
    "cond of a number": lambda jax: jax.make_jaxpr(lambda x: jax.lax.cond(True, lambda: x, lambda: x * 2))(X),
    "switch": lambda jax: jax.make_jaxpr(lambda x: jax.lax.switch(1, [lambda y: y, jax.numpy.sin], x))(X),
    "an abstract argument": lambda jax: jax.make_jaxpr(lambda x: x + 1)(
        jax.core.ShapedArray((2,), np.dtype("float32"))
    ),
    "copies": lambda jax: jax.make_jaxpr(
        lambda x: (jax.numpy.array(x), x.copy(), jax.numpy.asarray(x), jax.vmap(jax.numpy.array)(x))
    )(X),
    "device_put": lambda jax: jax.make_jaxpr(
        lambda x: (
            jax.device_put({"a": x, "b": x * 2}),
            jax.device_put(x, may_alias=False),
            jax.vmap(lambda x: jax.device_put(x, donate=True))(x),
        )
    )(X),
    "bfloat16": lambda jax: jax.make_jaxpr(lambda x: x * 2)(jax.numpy.bfloat16(1)),
    **{f"where lines of a shared jaxpr break {n}": lambda jax, n=n: shared(jax, "b" * n) for n in range(1, 8)},
}


def shared(jax, name):
    """A jaxpr that stands at the head, because it is called twice."""

    def f(x):
        return jax.numpy.sin(x), jax.numpy.cos(x)

    f.__name__ = name
    g = jax.jit(f)
    return jax.make_jaxpr(lambda x: (g(x), g(x)))(1.0)


UNARY = "neg abs sign floor ceil exp log log1p expm1 tanh sin cos tan sqrt rsqrt erf is_finite logistic".split()


@pytest.mark.parametrize("name", TEXTS)
def test_texts(name: str) -> None:
    assert_same(*run_both(lambda jax: str(TEXTS[name](jax))))


# Parts


def parts(jax: Any) -> Any:
    """What a jaxpr's objects say of themselves."""
    closed = jax.make_jaxpr(lambda x, y: (jax.numpy.sin(x) * 2.0, y))(X, M)
    jaxpr, (first, second) = closed.jaxpr, closed.eqns
    shown = [str(v.aval) for v in (*jaxpr.invars, *jaxpr.outvars)]
    literal = second.invars[1]
    return (
        shown, first.primitive.name, first.params, str(first), repr(second), second.invars[0] is first.outvars[0],
        type(literal).__name__, float(literal.val), str(literal.aval), repr(literal), first.primitive.multiple_results,
        len(closed.consts), len(closed.literals), str(closed.in_avals), str(closed.out_avals), list(jaxpr.constvars),
        jaxpr.effects == jax.extend.core.no_effects or not jaxpr.effects, first.effects == jax.extend.core.no_effects,
        str(closed) == str(jaxpr) == repr(jaxpr), first.primitive is jax.lax.sin_p, second.primitive is jax.lax.mul_p,
        first.primitive == jax.extend.core.primitives.sin_p, isinstance(jaxpr, jax.extend.core.Jaxpr),
        isinstance(closed, jax.extend.core.ClosedJaxpr), isinstance(first, jax.extend.core.JaxprEqn),
        isinstance(jaxpr.invars[0], jax.extend.core.Var), isinstance(literal, jax.extend.core.Literal),
        isinstance(first.primitive, jax.extend.core.Primitive), jaxpr.invars[1] is jaxpr.outvars[1],
        closed.invars is jaxpr.invars, closed.debug_info.func_name, str(first.source_info.name_stack),
    )  # fmt: skip


def replaced(jax: Any) -> Any:
    """Jaxprs with parts replaced."""
    closed = jax.make_jaxpr(lambda x: jax.numpy.sin(x) * 2.0)(X)
    first, second = closed.eqns
    cosine = first.replace(primitive=jax.lax.cos_p)
    jaxpr = closed.jaxpr.replace(eqns=[cosine, second])
    made = jax.extend.core.ClosedJaxpr(jaxpr, closed.consts)
    return str(made), jax.extend.core.jaxpr_as_fun(made)(X), str(closed.replace(jaxpr=jaxpr)), str(closed)


def built(jax: Any) -> Any:
    """A jaxpr made by hand."""
    new = jax.extend.core
    aval = jax.core.ShapedArray((3,), np.dtype("float32"))
    x, y, z = (jax.extend.core.Var(aval) for _ in range(3))
    one = new.Literal(np.float32(1), jax.core.ShapedArray((), np.dtype("float32")))
    eqns = [
        new.new_jaxpr_eqn([x, one], [y], jax.lax.add_p, {}, new.no_effects),
        new.new_jaxpr_eqn([y], [z], jax.lax.sin_p, {"accuracy": None}, new.no_effects),
    ]
    jaxpr = new.Jaxpr([], [x], [z, x], eqns, new.no_effects)
    jax.extend.core.check_jaxpr(jaxpr)
    return str(jaxpr), jax.core.eval_jaxpr(jaxpr, [], X)


def wrong(jax: Any) -> Any:
    """A jaxpr that uses a variable before it is defined."""
    closed = jax.make_jaxpr(lambda x: jax.numpy.sin(x) * 2.0)(X)
    jax.extend.core.check_jaxpr(closed.jaxpr.replace(eqns=closed.eqns[::-1]))


def nested(jax: Any) -> Any:
    """The names of all primitives, inside of others too."""
    found: list[str] = []

    def walk(jaxpr: Any) -> None:
        found.extend(e.primitive.name for e in jaxpr.eqns)
        for inner in jax.extend.core.subjaxprs(jaxpr):
            walk(inner)

    def f(x: Any) -> Any:
        c, ys = jax.lax.scan(lambda c, a: (c * a, jax.numpy.sin(c)), x[0], x)
        z = jax.lax.cond(c > 0, jax.numpy.cos, jax.numpy.tan, ys)
        return jax.lax.while_loop(lambda v: v[0] < 3.0, lambda v: v + 1.0, z)

    closed = jax.make_jaxpr(f)(X)
    walk(closed.jaxpr)
    counts = [len(list(jax.extend.core.jaxprs_in_params(e.params))) for e in closed.eqns]
    return found, counts


def shapes(jax: Any) -> Any:
    """make_jaxpr's options."""
    closed, out = jax.make_jaxpr(lambda x, n: {"a": x * n}, static_argnums=1, return_shape=True)(X, 3)
    abstract = jax.make_jaxpr(jax.numpy.sin)(jax.ShapeDtypeStruct((2,), np.float32))
    return str(closed), out, str(abstract), jax.make_jaxpr(jax.numpy.sin).__name__


PARTS = {f.__name__: f for f in (parts, replaced, built, wrong, nested, shapes)}


@pytest.mark.parametrize("name", PARTS)
def test_parts(name: str) -> None:
    assert_same(*run_both(PARTS[name]))


# Interpreters


def evaluate(jax: Any, jaxpr: Any, consts: Any, *args: Any) -> Any:
    """JAX's tutorial: the standard evaluation loop."""
    env: dict[Any, Any] = {}

    def read(var: Any) -> Any:
        return var.val if type(var) is jax.extend.core.Literal else env[var]

    for group, values in ((jaxpr.invars, args), (jaxpr.constvars, consts)):
        env.update(zip(group, values, strict=True))
    for eqn in jaxpr.eqns:
        params = eqn.primitive.get_bind_params(eqn.params)
        outs = eqn.primitive.bind(*map(read, eqn.invars), **params)
        if not eqn.primitive.multiple_results:
            outs = [outs]
        env.update(zip(eqn.outvars, outs, strict=True))
    return [read(v) for v in jaxpr.outvars]


def inverse(jax: Any, fun: Any) -> Any:
    """JAX's tutorial: the inverse of a function of one argument, equation by equation from the last."""
    registry = {jax.lax.exp_p: jax.numpy.log, jax.lax.tanh_p: jax.numpy.arctanh, jax.lax.neg_p: jax.numpy.negative}

    def run(jaxpr: Any, consts: Any, *args: Any) -> Any:
        env: dict[Any, Any] = {}

        def read(var: Any) -> Any:
            return var.val if type(var) is jax.extend.core.Literal else env[var]

        env.update(zip(jaxpr.outvars, args, strict=True))
        env.update(zip(jaxpr.constvars, consts, strict=True))
        for eqn in jaxpr.eqns[::-1]:
            if eqn.primitive not in registry:
                raise NotImplementedError(f"{eqn.primitive} does not have registered inverse.")
            env[eqn.invars[0]] = registry[eqn.primitive](*map(read, eqn.outvars))
        return [read(v) for v in jaxpr.invars]

    @wraps(fun)
    def wrapped(*args: Any) -> Any:
        closed = jax.make_jaxpr(fun)(*args)
        return run(closed.jaxpr, closed.literals, *args)[0]

    return wrapped


def programs(jax: Any) -> dict[str, tuple[Any, tuple[Any, ...]]]:
    """Functions with their arguments."""
    jnp, lax = jax.numpy, jax.lax
    return {
        "elementwise": (lambda x: jnp.exp(jnp.tanh(x)) * 2 + x, (X,)),
        "matrices": (lambda m: jnp.dot(m, m.T).sum(0) + m.reshape(3, 2)[0], (M,)),
        "indexing": (lambda m: m[1:, ::2] + m[0, 1], (M,)),
        "gather": (lambda x, i: x[i] + x.at[i].add(1.0), (X, N)),
        "where": (lambda x: jnp.where(x > 1, jnp.sin(x), 0.0), (X,)),
        "types": (lambda x: (x.astype(int), x > 1, x.astype(jnp.bfloat16)), (X,)),
        "sort": (lambda x: (jnp.sort(-x), jnp.argsort(-x), jnp.argmax(x), jnp.cumsum(x)), (X,)),
        "random": (lambda s: jax.random.normal(jax.random.split(jax.random.key(s))[0], (3,)), (3,)),
        "scan": (lambda x: lax.scan(lambda c, a: (c * a, c), jnp.float32(1), x), (X,)),
        "while": (lambda x: lax.while_loop(lambda c: c.sum() < 30, lambda c: c * 2, x), (X,)),
        "cond": (lambda x: lax.cond(x[0] > 0, jnp.sin, jnp.cos, x), (X,)),
        "jit": (jax.jit(lambda x: jax.jit(jnp.sin)(x) + 1), (X,)),
        "custom_jvp": (custom(jax), (X,)),
        "relu": (jax.nn.relu, (X - 1,)),
        "checkpoint": (jax.checkpoint(lambda x: jnp.sin(jnp.sin(x))), (X,)),
        "grad": (jax.grad(lambda x: (jnp.sin(x) ** 2).sum()), (X,)),
        "vmap": (jax.vmap(lambda x: jnp.dot(x, x)), (M,)),
        "linalg": (lambda x: jnp.linalg.inv(jnp.diag(x) + 0.1), (X,)),
        "convolution": (lambda x: jnp.convolve(x, x), (X,)),
    }


RUNS: dict[str, Callable[..., Any]] = {
    "tutorial": evaluate,
    "eval_jaxpr": lambda jax, jaxpr, consts, *a: jax.core.eval_jaxpr(jaxpr, consts, *a),
    "jit": lambda jax, jaxpr, consts, *a: jax.jit(partial(evaluate, jax, jaxpr, consts))(*a),
    "made again": lambda jax, jaxpr, consts, *a: evaluate(
        jax, *(lambda j: (j.jaxpr, j.consts))(jax.make_jaxpr(partial(evaluate, jax, jaxpr, consts))(*a)), *a
    ),
}


@pytest.mark.parametrize("name", list(programs(__import__("jax"))))
def test_interpreters(name: str) -> None:
    for how, run in RUNS.items():

        def program(jax: Any, run: Any = run) -> Any:
            fun, args = programs(jax)[name]
            closed = jax.make_jaxpr(fun)(*args)
            args = [jax.numpy.asarray(a) for a in args]
            return list(map(jax.numpy.asarray, run(jax, closed.jaxpr, closed.consts, *args)))

        expected, actual = run_both(program)
        assert expected.error is None, expected
        try:
            assert_same(expected, actual)
        except AssertionError as error:
            raise AssertionError(f"{how}: {error}") from None


@pytest.mark.parametrize("name", ["elementwise", "matrices", "scan", "cond", "custom_jvp", "jit", "relu", "checkpoint"])
def test_derivatives_of_interpreted_programs(name: str) -> None:
    def program(jax: Any) -> Any:
        fun, args = programs(jax)[name]
        closed = jax.make_jaxpr(fun)(*args)

        def loss(*inside: Any) -> Any:
            return sum((o * o).sum() for o in jax.core.eval_jaxpr(closed.jaxpr, closed.consts, *inside))

        lanes = [np.stack([a, 2 * a]) for a in args]
        return jax.grad(loss)(*args), jax.vmap(jax.grad(loss))(*lanes), jax.jvp(loss, args, args)

    assert_same(*run_both(program))


def test_inverse() -> None:
    def program(jax: Any) -> Any:
        f = lambda x: -jax.numpy.exp(jax.numpy.tanh(x))  # noqa: E731
        f_inv = inverse(jax, f)
        return (
            f_inv(f(0.5)),
            jax.jit(jax.vmap(jax.grad(f_inv)))(-(np.arange(5, dtype=np.float32) + 1.0) / 5),
            str(jax.make_jaxpr(f_inv)(f(0.5))),
        )

    assert_same(*run_both(program))
    assert_same(*run_both(lambda jax: inverse(jax, jax.numpy.sin)(0.5)))


BINDS: dict[str, Callable[[Any], Any]] = {
    "add": lambda jax: jax.lax.add_p.bind(X, X),
    "sin": lambda jax: jax.lax.sin_p.bind(X, accuracy=None),
    "mul": lambda jax: jax.lax.mul_p.bind(X, np.float32(2), out_dtype=None),
    "neg in grad": lambda jax: jax.grad(lambda x: jax.lax.neg_p.bind(x).sum())(X),
    "broadcast_in_dim": lambda jax: jax.lax.broadcast_in_dim_p.bind(
        X, shape=(2, 3), broadcast_dimensions=(1,), sharding=None
    ),
    "reshape": lambda jax: jax.lax.reshape_p.bind(M, new_sizes=(6,), dimensions=None, sharding=None),
    "transpose": lambda jax: jax.lax.transpose_p.bind(M, permutation=(1, 0)),
    "reduce_sum": lambda jax: jax.lax.reduce_sum_p.bind(M, axes=(0,), out_sharding=None),
    "concatenate": lambda jax: jax.lax.concatenate_p.bind(X, X, dimension=0),
    "convert": lambda jax: jax.lax.convert_element_type_p.bind(
        X, new_dtype=np.dtype("int32"), weak_type=False, sharding=None
    ),
    "select_n": lambda jax: jax.lax.select_n_p.bind(B, X, -X),
    "slice": lambda jax: jax.lax.slice_p.bind(X, start_indices=(1,), limit_indices=(3,), strides=None),
    "dot_general": lambda jax: jax.lax.dot_general_p.bind(
        M, X, dimension_numbers=(((1,), (0,)), ((), ())), precision=None, preferred_element_type=None, out_sharding=None
    ),
    "sort": lambda jax: jax.lax.sort_p.bind(-X, N, dimension=0, is_stable=True, num_keys=1),
    "integer_pow": lambda jax: jax.lax.integer_pow_p.bind(X, y=3),
    "iota": lambda jax: jax.lax.iota_p.bind(dtype=np.dtype("int32"), shape=(2, 3), dimension=1, sharding=None),
    "cumsum": lambda jax: jax.lax.cumsum_p.bind(X, axis=0, reverse=True),
    "argmax": lambda jax: jax.lax.argmax_p.bind(X, axes=(0,), index_dtype=np.dtype("int32")),
    "clamp": lambda jax: jax.lax.clamp_p.bind(np.float32(0.7), X, np.float32(1.5)),
    "dynamic_slice": lambda jax: jax.lax.dynamic_slice_p.bind(X, np.int32(1), slice_sizes=(2,)),
    "name": lambda jax: (str(jax.lax.scatter_add_p), jax.lax.while_p.multiple_results, jax.lax.add_p.multiple_results),
    "all names": lambda jax: [
        (n, getattr(jax.lax, n).name, getattr(jax.lax, n).multiple_results)
        for n in sorted(vars(jax.lax)) if n.endswith("_p")
    ],
    "all extend names": lambda jax: [
        (n, getattr(p, n).name, getattr(p, n).multiple_results)
        for p in [jax.extend.core.primitives]
        for n in sorted(vars(p)) if n.endswith("_p")
    ],
    "the same objects": lambda jax: [
        getattr(p, n) is getattr(jax.lax, n)
        for p in [jax.extend.core.primitives]
        for n in sorted(vars(p)) if n.endswith("_p") and hasattr(jax.lax, n)
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", BINDS)
def test_binding(name: str) -> None:
    assert_same(*run_both(BINDS[name]))


# What nothing uses, and what is brought to one type


def unused(jax: Any) -> Any:
    """A function that computes more than it returns."""

    def f(x: Any) -> Any:
        y = jax.numpy.sin(x)
        jax.numpy.cos(y)
        return x * 2

    return f


def loop(jax: Any, step: Callable[[Any, Any], Any]) -> Any:
    """The text of a loop from a number that is weakly typed."""
    return str(jax.make_jaxpr(lambda c, x: jax.lax.scan(step, c, x))(1.0, X))


MORE_TEXTS: dict[str, Callable[[Any], Any]] = {
    "unused": lambda jax: jax.make_jaxpr(unused(jax))(X),
    "unused in jit": lambda jax: jax.make_jaxpr(jax.jit(unused(jax)))(X),
    "unused in checkpoint": lambda jax: jax.make_jaxpr(jax.checkpoint(unused(jax)))(X),
    "unused of grad": lambda jax: jax.make_jaxpr(jax.grad(jax.numpy.sin))(1.0),
    "unused of jvp": lambda jax: jax.make_jaxpr(lambda x: jax.jvp(jax.numpy.sin, (x,), (x,))[1])(X),
    "weak and strong": lambda jax: jax.make_jaxpr(lambda s, x: s * x)(2.0, X),
    "strong and weak": lambda jax: jax.make_jaxpr(lambda s, x: x - s)(2.0, X),
    "weak through": lambda jax: jax.make_jaxpr(lambda s, x: jax.numpy.sin(s) * 3 + x)(2.0, X),
    "weak int": lambda jax: jax.make_jaxpr(lambda s, x: s * x)(2, X),
    "weak compared": lambda jax: jax.make_jaxpr(lambda s, x: (s < x, s + 1))(2.0, X),
    "weak chosen": lambda jax: jax.make_jaxpr(lambda s, x: jax.numpy.where(x > 0, x, s))(2.0, X),
    "weak in a loop": lambda jax: loop(jax, lambda c, x: (c + x, x)),
    "kept unused": lambda jax: jax.make_jaxpr(jax.jit(lambda x: x, keep_unused=True))(X),
    "donated": lambda jax: jax.make_jaxpr(jax.jit(lambda x: x, donate_argnums=0))(X),
    "spread as it is": lambda jax: jax.make_jaxpr(lambda x: jax.lax.broadcast_in_dim(x, x.shape, (0,)))(X),
}


@pytest.mark.parametrize("name", MORE_TEXTS)
def test_more_texts(name: str):
    assert_same(*run_both(lambda jax: str(MORE_TEXTS[name](jax))))


# Cut down to what is used


def cut(jax: Any, f: Callable[..., Any], used: list[bool], *args: Any) -> Any:
    """The text of a jaxpr for some results; what it still takes; what it gives."""
    pe = jax.interpreters.partial_eval
    closed = jax.make_jaxpr(f)(*args)
    smaller, read = pe.dce_jaxpr(closed.jaxpr, used)
    leaves = [x for x, r in zip(jax.tree.leaves(args), read, strict=True) if r]
    return str(smaller), read, jax.core.eval_jaxpr(smaller, closed.consts, *leaves)


def three(jax: Any, c: Any, _: Any) -> Any:
    """A step in which each carry needs the one before."""
    a, b, d = c
    return (a * a, a + b, b + d), (a * 3, d - b)


def branches(jax: Any, p: Any, x: Any, y: Any) -> Any:
    """A choice of two results."""
    f, g = jax.numpy.sin, jax.numpy.cos
    return jax.lax.cond(p > 0, lambda u, v: (f(u), v * 2), lambda u, v: (u * 3, g(v)), x, y)


S = np.float32(0.5)
PAIR: list[tuple[bool, bool]] = [(True, False), (False, True), (True, True), (False, False)]


@pytest.mark.parametrize("used", PAIR, ids=str)
@pytest.mark.parametrize("kind", ["jit", "checkpoint", "cond", "scan rows"])
def test_cut_down(kind: str, used: tuple[bool, bool]):
    programs: dict[str, Callable[[Any], Any]] = {
        "jit": lambda jax: cut(jax, jax.jit(lambda x, y: (jax.numpy.sin(x), jax.numpy.cos(y))), [*used], S, S),
        "checkpoint": lambda jax: cut(
            jax, jax.checkpoint(lambda x, y: (jax.numpy.sin(x), jax.numpy.cos(y))), [*used], S, S
        ),
        "cond": lambda jax: cut(jax, partial(branches, jax), [*used], S, S, S),
        "scan rows": lambda jax: cut(
            jax, lambda c: jax.lax.scan(partial(three, jax), c, None, length=3)[1], [*used], (S, S, S)
        ),
    }
    assert_same(*run_both(programs[kind]))


@pytest.mark.parametrize("place", range(3))
def test_carries_cut_down(place: int):
    def program(jax: Any) -> Any:
        used = [k == place for k in range(3)]
        return cut(jax, lambda c: jax.lax.scan(partial(three, jax), c, None, length=3)[0], used, (S, S, S))

    assert_same(*run_both(program))


# What does not fit together


def spoiled(jax: Any, f: Callable[..., Any], spoil: Callable[[Any, Any], Any], *args: Any) -> str:
    """What is said of a jaxpr that was changed."""
    core = jax.extend.core
    jaxpr = jax.make_jaxpr(f)(*args).jaxpr
    core.check_jaxpr(jaxpr)
    jaxpr = spoil(jax, jaxpr) or jaxpr
    with pytest.raises(core.JaxprTypeError) as caught:
        core.check_jaxpr(jaxpr)
    return str(caught.value)


def summed(jax: Any) -> Any:
    """Two functions of one argument."""
    return lambda x: jax.numpy.sin(x) + jax.numpy.cos(x)


def long(jax: Any) -> Any:
    """Many equations."""

    def f(x: Any) -> Any:
        for _ in range(20):
            x = jax.numpy.sin(x) * 2
        return x

    return f


def another_type(place: int, *kind: Any) -> Any:
    """Give what an equation defines another type."""

    def spoil(jax: Any, jaxpr: Any) -> None:
        jaxpr.eqns[place].outvars[0].aval = jax.core.ShapedArray(*kind)

    return spoil


def shorter_branch(jax: Any, jaxpr: Any) -> None:
    """Take a result from a branch."""
    cond = next(e for e in jaxpr.eqns if e.primitive.name == "cond")
    first, *rest = cond.params["branches"]
    shorter = jax.extend.core.ClosedJaxpr(first.jaxpr.replace(outvars=[]), first.consts)
    cond.params["branches"] = (shorter, *rest)


SPOILED: dict[str, Callable[[Any], Any]] = {
    "int": lambda jax: spoiled(jax, summed(jax), another_type(0, (2,), np.dtype("int32")), S),
    "shape": lambda jax: spoiled(jax, summed(jax), another_type(0, (2, 3), np.dtype("float32")), S),
    "of a sum": lambda jax: spoiled(jax, summed(jax), another_type(2, (), np.dtype("int32")), S),
    "in the middle": lambda jax: spoiled(jax, long(jax), another_type(16, (2,), np.dtype("float32")), S),
    "not defined": lambda jax: spoiled(jax, summed(jax), lambda _, j: j.replace(eqns=j.eqns[1:]), S),
    "bound twice": lambda jax: spoiled(jax, summed(jax), lambda _, j: j.replace(eqns=j.eqns + j.eqns), S),
    "branch": lambda jax: spoiled(jax, partial(branches, jax), shorter_branch, S, S, S).partition("\n\nin eq")[0],
}


@pytest.mark.parametrize("name", SPOILED)
def test_spoiled(name: str):
    assert_same(*run_both(SPOILED[name]))


def evaluated(jax: Any) -> Any:
    """Weak types survive the walk through a jaxpr."""
    closed = jax.make_jaxpr(lambda s: (s * 2.0, jax.numpy.sin(s) + 1, s > 0, jax.numpy.zeros(2) + 1))(3.0)
    return jax.core.eval_jaxpr(closed.jaxpr, closed.consts, 3.0)


def test_weak_numbers():
    assert_same(*run_both(evaluated))


# Precision of products

PRECISIONS = ["default", "bfloat16", "tensorfloat32", "float32", "high", "highest", "BF16_BF16_F32"]
PRODUCTS: dict[str, Callable[[Any, Any, Any], Any]] = {
    "matmul": lambda jax, m, p: jax.numpy.matmul(m, m.T, precision=p),
    "dot": lambda jax, m, p: jax.numpy.dot(m[0], m[1], precision=p),
    "lax": lambda jax, m, p: jax.lax.dot(m, m.T, precision=p),
    "general": lambda jax, m, p: jax.lax.dot_general(m, m, (((1,), (1,)), ((), ())), precision=p),
}


def product(jax: Any, name: str, precision: Any) -> Any:
    """The precision of the last product in a jaxpr, and the jaxpr."""
    closed = jax.make_jaxpr(lambda m: PRODUCTS[name](jax, m, precision))(M)
    found = [e.params["precision"] for e in closed.eqns if e.primitive.name == "dot_general"]
    return str(found), str(closed) if name != "dot" else None


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("name", PRODUCTS)
def test_precision_by_flag(name: str, precision: str):
    def program(jax: Any) -> Any:
        with jax.default_matmul_precision(precision):
            return product(jax, name, None)

    assert_same(*run_both(program))


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("name", PRODUCTS)
def test_precision_by_argument(name: str, precision: str):
    assert_same(*run_both(lambda jax: product(jax, name, precision)))
