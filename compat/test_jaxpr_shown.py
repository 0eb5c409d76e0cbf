"""What a jaxpr shows of derivatives, lanes, indices and products, and what is left of what nothing uses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from compat.same import assert_same, run_both

X = np.array([0.5, 1.0, 2.0], np.float32)
M = np.arange(6, dtype=np.float32).reshape(2, 3)
N = np.arange(3, dtype=np.int32)
I = np.int32(1)  # noqa: E741
B = np.ones((2, 3, 4), np.float32)


def shown(fun: Callable[[Any], Any], *args: Any) -> Callable[[Any], Any]:
    """The text of a jaxpr in which every variable is defined before it is read."""

    def text(jax: Any) -> str:
        closed = jax.make_jaxpr(fun(jax))(*args)
        jax.extend.core.check_jaxpr(closed.jaxpr)
        return str(closed)

    return text


def twice(jax: Any) -> Any:
    """A function whose derivative needs a value in between."""
    return lambda x: jax.numpy.sin(jax.numpy.sin(x))


def platform(jax: Any) -> Any:
    """A function by platform."""
    return lambda x: jax.lax.platform_dependent(x, cpu=jax.numpy.sin, cuda=jax.numpy.cos, default=jax.numpy.tan)


CHECKPOINTED: dict[str, Callable[[Any], Any]] = {
    "grad": shown(lambda jax: jax.grad(jax.checkpoint(twice(jax))), 1.0),
    "value and grad": shown(lambda jax: jax.value_and_grad(jax.checkpoint(twice(jax))), 1.0),
    "grad of jit": shown(lambda jax: jax.grad(jax.jit(jax.checkpoint(twice(jax)))), 1.0),
    "jit inside": shown(lambda jax: jax.grad(jax.checkpoint(jax.jit(twice(jax)))), 1.0),
    "jvp": shown(lambda jax: lambda x: jax.jvp(jax.checkpoint(twice(jax)), (x,), (x,)), 1.0),
}

DERIVATIVES: dict[str, Callable[[Any], Any]] = {
    "square": shown(lambda jax: jax.grad(lambda x: x**2), 1.0),
    "cube": shown(lambda jax: jax.grad(lambda x: x**3), 1.0),
    "tanh": shown(lambda jax: jax.grad(jax.numpy.tanh), 1.0),
    "product": shown(lambda jax: jax.grad(lambda x: (x @ x.T).sum()), M),
    "unused results of a loop": lambda jax: [
        (e.primitive.name, len(e.outvars), [len(j.outvars) for j in jax.extend.core.jaxprs_in_params(e.params)])
        for f in (
            lambda c, x: jax.lax.scan(lambda c, x: (jax.numpy.sin(c) * x, c), c, x)[0],
            lambda c, x: jax.lax.fori_loop(0, 3, lambda i, c: jax.numpy.sin(c), c),
        )
        for e in jax.make_jaxpr(jax.grad(f))(1.0, X).eqns
    ],
}

LANES: dict[str, Callable[[Any], Any]] = {
    "switch": shown(
        lambda jax: jax.vmap(lambda i, x: jax.lax.switch(i, [lambda x: x, jax.numpy.sin, jax.numpy.cos], x)), N, X
    ),
    "one switch": shown(
        lambda jax: jax.vmap(
            lambda i, x: jax.lax.switch(i, [lambda x: x, jax.numpy.sin, jax.numpy.cos], x), (None, 0)
        ),
        I, X,
    ),
    "cond": shown(lambda jax: jax.vmap(lambda x: jax.lax.cond(x > 0, jax.numpy.sin, jax.numpy.cos, x)), X),
    "dot": shown(lambda jax: jax.vmap(lambda x: jax.numpy.dot(x, x)), M),
    "product": shown(lambda jax: jax.vmap(lambda x, y: x @ y, (0, None)), B, np.ones((4, 5), np.float32)),
    "another product": shown(lambda jax: jax.vmap(lambda x, y: x @ y, (None, 0)), np.ones((5, 3), np.float32), B),
    "matrix and vector": shown(lambda jax: jax.vmap(lambda x, y: x @ y, (None, 0)), M, np.ones((4, 3), np.float32)),
    "einsum": shown(lambda jax: jax.vmap(lambda x: jax.numpy.einsum("ij,kj->ik", x, x)), B),
    "dot_general": shown(
        lambda jax: jax.vmap(lambda x, y: jax.lax.dot_general(x, y, (((1,), (1,)), ((0,), (0,))))), B, B
    ),
    "clip": shown(lambda jax: jax.vmap(lambda x: jax.numpy.clip(x, 0, 1)), M),
    "constant": shown(lambda jax: jax.vmap(lambda x: 3.0), M),
    "platform": shown(lambda jax: jax.vmap(platform(jax)), X),
}  # fmt: skip

INDICES: dict[str, Callable[[Any], Any]] = {
    "number": shown(lambda jax: lambda x, i: x[i], X, I),
    "numbers": shown(lambda jax: lambda x, i: x[i], X, N),
    "row": shown(lambda jax: lambda x, i: (x[i], x[:, i], x[i, i], x[i, 1:], x[None, i]), M, I),
    "rows": shown(lambda jax: lambda x, i: (x[i], x[i, i], x[:, i]), M, N),
    "filled": shown(lambda jax: lambda x, i: x.at[i].get(mode="fill", fill_value=0), X, N),
    **{
        f"{how}": shown(lambda jax, how=how: lambda x, i: getattr(x.at[i], how)(1.0), X, I)
        for how in ("set", "add", "multiply", "min", "max")
    },
    "rows set": shown(lambda jax: lambda x, i: (x.at[i].set(1.0), x.at[:, i].set(2.0)), M, N),
    "static set": shown(lambda jax: lambda x: (x.at[0].set(1.0), x.at[1:].add(1.0)), X),
    "promises": shown(
        lambda jax: lambda x, i: x.at[i].add(1.0, unique_indices=True, indices_are_sorted=True, mode="drop"), X, N
    ),
}

PRODUCTS: dict[str, Callable[[Any], Any]] = {
    "places": shown(lambda jax: lambda m: (jax.numpy.argsort(m[0]), jax.numpy.argmax(m), m.argmin(1)), M),
    "calls": shown(
        lambda jax: lambda m, i: (
            jax.lax.dynamic_index_in_dim(m, i, keepdims=False), jax.numpy.linalg.norm(m), jax.numpy.rot90(m)
        ),
        M, I,
    ),
    "fewer digits": shown(lambda jax: lambda x: jax.lax.reduce_precision(x, 8, 7), X),
    "einsum": shown(lambda jax: lambda x: jax.numpy.einsum("bij,bkj->bik", x, x), B),
    "einsum of matrices": shown(lambda jax: lambda x: jax.numpy.einsum("ij,jk->ik", x, x.T), M),
    "vector and matrix": shown(lambda jax: lambda m, x: x @ m.T, M, X),
    "batches": shown(lambda jax: lambda x: x @ x.swapaxes(1, 2), B),
    "platform": shown(platform, X),
    "choice of operands": shown(
        lambda jax: lambda p, x, y: jax.lax.cond(p, lambda x, y: (x * 2, y), lambda x, y: (x * 3, y), x, y), True, X, X
    ),
}  # fmt: skip

K = np.array([0, 1], np.uint32)
RANDOM: dict[str, Callable[[Any], Any]] = {
    "seed": shown(lambda jax: lambda s: (jax.random.split(jax.random.key(s), 3), jax.random.PRNGKey(s)), 1),
    "keys": shown(lambda jax: lambda k: (jax.random.split(k), jax.random.fold_in(k, 3), jax.random.bits(k, (3,))), K),
    "a key of many": shown(lambda jax: lambda s: jax.random.split(jax.random.key(s))[0], 1),
    "words": shown(lambda jax: lambda k: jax.random.key_data(jax.random.wrap_key_data(k)), K),
    "draws": shown(lambda jax: lambda k: (jax.random.uniform(k, (3,)), jax.random.uniform(k, ())), K),
    "lanes": shown(lambda jax: jax.vmap(lambda k: (jax.random.split(k), jax.random.normal(k))), np.stack([K, K])),
    **{
        how: shown(lambda jax, how=how: lambda k: getattr(jax.random, how)(k, (3,)), K)
        for how in ("normal", "exponential", "gumbel", "laplace", "logistic", "cauchy")
    },
}

GROUPS = {"random": RANDOM, "checkpoint": CHECKPOINTED, "derivative": DERIVATIVES, "lanes": LANES, "index": INDICES, "more": PRODUCTS}


@pytest.mark.parametrize("case", [f"{group}: {name}" for group, cases in GROUPS.items() for name in cases])
def test_shown(case: str) -> None:
    group, _, name = case.partition(": ")
    assert_same(*run_both(GROUPS[group][name]))


# Bound again


def walk(jax: Any) -> Any:
    """A loop that goes on with one of the keys that it makes."""

    def step(state: Any) -> Any:
        n, key = state
        a, b, c = jax.random.split(key, 3)
        return n + 1, jax.numpy.where(jax.random.normal(b) > 0, a, c)

    def run(seed: Any) -> Any:
        _, key = jax.lax.while_loop(lambda s: s[0] < 3, step, (0, jax.random.key(seed)))
        return jax.random.bits(key), jax.random.bits(jax.random.fold_in(key, seed), (2,))

    return run


@pytest.mark.parametrize("name", ["gather", "scatter", "lanes", "product", "pulled", "draws", "keys", "platform", "unused call", "chosen keys", "chosen keys of lanes"])
def test_bound_again(name: str) -> None:
    """The equations give the values of the function."""

    def program(jax: Any) -> Any:
        fun, args = {
            "gather": (lambda x, i: (x[i - 1], x[i, i], x.at[i].get(mode="fill")), (M, N)),
            "scatter": (lambda x, i: (x.at[i].add(2.0), x.at[:, i].min(1.0), x.at[i, i].mul(x[0])), (M, N)),
            "lanes": (jax.vmap(lambda x, i: (x[i], x.at[i].add(1.0))), (np.ones((3, 3), np.float32), N)),
            "product": (jax.vmap(lambda x, y: jax.numpy.einsum("ij,kj->ki", x, y), (0, 2)), (B, np.ones((3, 4, 2)))),
            "pulled": (jax.grad(lambda x, i: (jax.numpy.tanh(x[i]) @ (x * 2) ** 3).sum()), (M[:, :2], N[:2])),
            "chosen keys": (walk(jax), (3,)),
            "chosen keys of lanes": (jax.vmap(walk(jax)), (N,)),
            "unused call": (jax.grad(lambda x, i: jax.numpy.where(i > 1, x, x * x).sum()), (X, N)),
            "draws": (
                lambda k: [
                    getattr(jax.random, how)(k, (4,))
                    for how in ("normal", "uniform", "exponential", "gumbel", "laplace", "logistic", "cauchy")
                ],
                (K,),
            ),
            "keys": (
                lambda s: [
                    jax.random.bits(jax.random.fold_in(k, 7), (2,)) for k in jax.random.split(jax.random.key(s), 3)
                ],
                (3,),
            ),
            "platform": (jax.grad(lambda x: jax.jit(platform(jax))(x).sum()), (X,)),
        }[name]
        closed = jax.make_jaxpr(fun)(*args)
        return jax.core.eval_jaxpr(closed.jaxpr, closed.consts, *args), fun(*args)

    assert_same(*run_both(program))


# Names of scopes


def names_of(jax: Any, fun: Any, *args: Any) -> list[Any]:
    """Names of equations with the scopes that they are in."""
    return [(e.primitive.name, str(e.source_info.name_stack)) for e in jax.make_jaxpr(fun)(*args).eqns]


@pytest.mark.parametrize("how", ["grad", "value_and_grad"])
def test_scopes_of_what_is_pulled_back(how: str) -> None:
    def program(jax: Any) -> Any:
        @jax.named_scope("foo")
        def f(x: Any) -> Any:
            with jax.named_scope("bar"):
                return jax.numpy.sin(x)

        inner = jax.make_jaxpr(getattr(jax, how)(jax.jit(f)))(1.0)
        inside = [[str(e.source_info.name_stack) for e in q.params["jaxpr"].eqns] for q in inner.eqns]
        return names_of(jax, getattr(jax, how)(f), 1.0), inside

    assert_same(*run_both(program))


def twice_sin(jax: Any) -> Any:
    """A function without scopes."""
    return lambda x: jax.numpy.sin(x) * 2


def scoped(jax: Any) -> Any:
    """A function of two scopes, one in the other."""

    def f(x: Any) -> Any:
        with jax.named_scope("a"):
            y = jax.numpy.sin(x)
            with jax.named_scope("b"):
                return jax.numpy.cos(y)

    return f


def between(jax: Any, x: Any) -> Any:
    """A pullback that is called after something else."""
    y, pull = jax.vjp(twice_sin(jax), x)
    return pull(jax.numpy.exp(y))


NAMED: dict[str, Any] = {
    "jvp": lambda jax, x: jax.jvp(twice_sin(jax), (x,), (x,)),
    "vmap": lambda jax, x: jax.vmap(twice_sin(jax))(x[None]),
    "grad": lambda jax, x: jax.grad(lambda x: twice_sin(jax)(x).sum())(x),
    "grad of vmap": lambda jax, x: jax.grad(lambda x: jax.vmap(twice_sin(jax))(x).sum())(x),
    "linearize": lambda jax, x: jax.linearize(twice_sin(jax), x)[1](x),
    "grad of jit": lambda jax, x: jax.grad(jax.jit(twice_sin(jax)))(x[0]),
    "a pullback later": lambda jax, x: between(jax, x),
    "grad of scan": lambda jax, x: jax.grad(
        lambda x: jax.lax.scan(lambda c, a: (jax.numpy.sin(c), a), x, None, length=2)[0]
    )(x[0]),
    "vmap of jvp": lambda jax, x: jax.vmap(lambda x: jax.jvp(twice_sin(jax), (x,), (x,)))(x),
    "scopes linearized": lambda jax, x: jax.linearize(scoped(jax), x)[1](x),
}


@pytest.mark.parametrize("how", NAMED)
def test_names_after_transformations(how: str) -> None:
    """What a transformation does is named after it, also where no scope is; in any order."""
    same = run_both(lambda jax: sorted(set(names_of(jax, lambda x: NAMED[how](jax, x), X)) - {("neg", "jvp(a)/b")}))
    assert_same(*same)


# What only runs to be transposed


def ruled(jax: Any, kind: str) -> Any:
    """``sin`` with a rule of its own."""
    f = getattr(jax, kind)(lambda x: jax.numpy.sin(x))
    if kind == "custom_jvp":
        f.defjvp(lambda p, t: (f(*p), t[0] * jax.numpy.cos(p[0])))
    else:
        f.defvjp(lambda x: (f(x), x), lambda x, g: (g * jax.numpy.cos(x),))
    return f


TRANSPOSED: dict[str, Any] = {
    "linearize": lambda jax, x: jax.linearize(twice_sin(jax), x)[1](x),
    "of jit": lambda jax, x: jax.linearize(jax.jit(twice_sin(jax)), x)[1](x),
    "of map": lambda jax, x: jax.linearize(lambda x: jax.lax.map(lambda a: a * 2, x), x)[1](x),
    "of a rule": lambda jax, x: jax.linearize(ruled(jax, "custom_jvp"), x)[1](x),
    "of a backward rule": lambda jax, x: jax.linearize(ruled(jax, "custom_vjp"), x)[1](x),
    "grad of a rule": lambda jax, x: jax.grad(lambda x: ruled(jax, "custom_jvp")(x).sum())(x),
    "vjp of a rule": lambda jax, x: jax.vjp(ruled(jax, "custom_jvp"), x)[0],
    "jvp of a backward rule": lambda jax, x: jax.jvp(ruled(jax, "custom_vjp"), (x,), (x,)),
}


@pytest.mark.parametrize("how", TRANSPOSED)
def test_what_runs_to_be_transposed_is_not_shown(how: str) -> None:
    assert_same(*run_both(lambda jax: str(jax.make_jaxpr(lambda x: TRANSPOSED[how](jax, x))(X))))


@pytest.mark.parametrize("kind", ["custom_jvp", "custom_vjp"])
def test_parameters_of_rules(kind: str) -> None:
    """Each parameter that is here is one of JAX's; the name is written out of the program's in JAX."""

    def program(jax: Any) -> Any:
        (eqn,) = jax.make_jaxpr(ruled(jax, kind))(X).eqns
        rules = ("call_jaxpr", "jvp_jaxpr_fun", "fwd_jaxpr_thunk", "bwd", "num_consts", "symbolic_zeros")
        return [k for k in rules if k in eqn.params], eqn.params["num_consts"], eqn.params["symbolic_zeros"]

    assert_same(*run_both(program))


@pytest.mark.parametrize("options", [{"name_stack": True}, {"source_info": True}, {"name_stack": True, "source_info": True}])
def test_notes_at_the_ends_of_lines(options: dict[str, bool]) -> None:
    """Where equations are from and the scopes that they are in, beneath each other."""

    def program(jax: Any) -> Any:
        def scoped(x: Any) -> Any:
            with jax.named_scope("s"):
                return jax.numpy.sin(x) * 2.0

        nested = lambda x: jax.jit(lambda y: y * 2.0)(x) * 3.0  # noqa: E731
        functions = [scoped, nested, lambda x: jax.lax.cond(x > 0, scoped, scoped, x)]
        if "source_info" not in options:  # what a backward pass adds is not at the line of what it differentiates
            functions.append(jax.grad(scoped))
        return [jax.make_jaxpr(f)(1.0).pretty_print(**options) for f in functions]

    assert_same(*run_both(program))
