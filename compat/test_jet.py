"""jax.experimental.jet: Taylor series, next to JAX's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from compat.same import Tolerance, assert_same, run_both, sampled

X = np.array([0.3, 0.5, 0.8], np.float32)
CLOSE = Tolerance(factor=40, normwise=True)  # JAX's factorials are rounded, and terms grow with the order
ORDER = 5


def curve(*arrays: Any, order: int = ORDER) -> Any:
    """Arguments, and a series for each."""
    rng = np.random.default_rng(0)
    return arrays, [[rng.normal(size=a.shape).astype(a.dtype) for _ in range(order)] for a in arrays]


UNARY = ("sin cos tanh sinh cosh exp expm1 log log1p sqrt square reciprocal arcsinh arctanh negative").split()
LAX = "logistic erf rsqrt integer_pow_3".split()
BINARY = "add subtract multiply divide power maximum minimum arctan2".split()


def _lax(jax: Any, name: str) -> Any:
    if name == "integer_pow_3":
        return lambda x: jax.lax.integer_pow(x, 3)
    return getattr(jax.lax, name)


@pytest.mark.parametrize("name", sampled(UNARY, "sinh; cosh; expm1; log1p; arcsinh; arctanh; reciprocal; square; sqrt"))
def test_unary(name: str) -> None:
    args, series = curve(X)
    assert_same(
        *run_both(lambda jax: jax.experimental.jet.jet(getattr(jax.numpy, name), args, series)), tolerance=CLOSE
    )


@pytest.mark.parametrize("name", sampled(LAX, "rsqrt; erf"))
def test_lax(name: str) -> None:
    args, series = curve(X)
    assert_same(*run_both(lambda jax: jax.experimental.jet.jet(_lax(jax, name), args, series)), tolerance=CLOSE)


@pytest.mark.parametrize("name", sampled(BINARY, "arctan2; minimum; subtract; power"))
def test_binary(name: str) -> None:
    args, series = curve(X, X[::-1].copy() + 1)
    assert_same(
        *run_both(lambda jax: jax.experimental.jet.jet(getattr(jax.numpy, name), args, series)), tolerance=CLOSE
    )


def net(jax: Any) -> Any:
    """A small network."""
    w = jax.numpy.array(np.linspace(-1, 1, 9).reshape(3, 3), "float32")
    return lambda x: jax.numpy.tanh(w @ jax.numpy.tanh(w @ x)).sum()


PROGRAMS: dict[str, Any] = {
    "network": lambda jax, jet: jet.jet(net(jax), (X,), ([X, X * 0, X * 0],)),
    "network in jit": lambda jax, jet: jax.jit(lambda x: jet.jet(net(jax), (x,), ([x, x * 0, x * 0],)))(X),
    "vmap": lambda jax, jet: jax.vmap(lambda x: jet.jet(jax.numpy.sin, (x,), ((x, 0.0 * x, x),)))(X),
    "grad": lambda jax, jet: jax.grad(lambda x: jet.jet(jax.numpy.sin, (x,), ((1.0, 0.0, 0.0),))[1][2])(0.5),
    "jvp of jit": lambda jax, jet: jax.jvp(
        jax.jit(lambda x: jet.jet(jax.numpy.exp, (x,), ((x, x),))[1][1]), (0.5,), (1.0,)
    ),
    "of a jitted function": lambda jax, jet: jet.jet(jax.jit(jax.numpy.cos), (0.5,), ((1.0, 0.5, 0.2),)),
    "trees": lambda jax, jet: jet.jet(lambda x: {"a": jax.numpy.sin(x), "b": (x * 2,)}, (X,), ([X, X],)),
    "two arguments": lambda jax, jet: jet.jet(
        lambda x, y: x * jax.numpy.sin(y), (0.5, 1.0), ((1.0, 0.2, 0.1), (0.3, 2.0, 3.0))
    ),
    "lists": lambda jax, jet: jet.jet(jax.numpy.sin, [0.5], [[1.0, 0.0, 0.0]]),
    "no terms": lambda jax, jet: jet.jet(jax.numpy.sin, (0.5,), ([],)),
    "one term": lambda jax, jet: jet.jet(jax.numpy.sin, (0.5,), ([1.0],)),
    "coefficients": lambda jax, jet: jet.jet(jax.numpy.sin, (0.5,), ((1.0, 0.3, 0.2),), factorial_scaled=False),
    "jet2": lambda jax, jet: jax.experimental.jet.jet2(jax.numpy.exp, (0.5,), ((1.0, 0.3, 0.2),)),
    "constant": lambda jax, jet: jet.jet(lambda x: jax.numpy.ones(3), (0.5,), ((1.0, 0.0),)),
    "rounding": lambda jax, jet: jet.jet(jax.numpy.round, (1.2,), ((1.0, 0.0),)),
    "reductions": lambda jax, jet: jet.jet(lambda x: (x.sum(), x.max()), (X,), ([X, X * 2],)),
    "shapes": lambda jax, jet: jet.jet(lambda x: x.reshape(3, 1).T[0, ::-1] * 2, (X,), ([X, X * 2],)),
    "where": lambda jax, jet: jet.jet(lambda x: jax.numpy.where(x > 0.4, x, x * x), (X,), ([X, X * 2],)),
    "products": lambda jax, jet: jet.jet(lambda x: jax.numpy.outer(x, x) @ x, (X,), ([X, X * 2, X],)),
    "fact": lambda jax, jet: jax.experimental.jet.fact(5),
    "lengths disagree": lambda jax, jet: jet.jet(lambda x, y: x, (0.5, 1.0), ((1.0, 0.0), (1.0,))),
    "more terms than arguments": lambda jax, jet: jet.jet(jax.numpy.sin, (0.5,), ((1.0, 0.0), (1.0, 2.0))),
    "more arguments than terms": lambda jax, jet: jet.jet(jax.numpy.sin, (0.5, 1.0), ((1.0, 0.0),)),
    "no series of zeros": lambda jax, jet: (
        jet.jet(lambda x: jax.numpy.full_like(x, 2.0), (X,), ([X, X],))[1] is jet.zero_series
    ),
    "argument is a tree": lambda jax, jet: jet.jet(lambda x: x["a"], ({"a": 0.5},), ([1.0],)),
    "term is a tree": lambda jax, jet: jet.jet(lambda x: x, (0.5,), ([{"a": 1.0}],)),
    "softmax": lambda jax, jet: jet.jet(lambda x: jax.numpy.exp(x) / jax.numpy.exp(x).sum(), (X,), ([X, X, X],)),
}


@pytest.mark.parametrize("name", sampled(PROGRAMS, "network in jit; softmax; products"))
def test_programs(name: str) -> None:
    assert_same(*run_both(lambda jax: PROGRAMS[name](jax, jax.experimental.jet)), tolerance=CLOSE)


def test_what_jax_has_no_rule_for() -> None:
    import jaxlike as jax
    from jaxlike.experimental import jet

    def power(x: Any) -> Any:
        return jax.lax.scan(lambda c, _: (c * x, None), x, None, length=2)[0]

    _, terms = jet.jet(power, (2.0,), ((1.0, 0.0, 0.0),))
    assert [float(t) for t in terms] == [12.0, 12.0, 6.0]
