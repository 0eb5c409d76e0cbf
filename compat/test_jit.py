"""jit: values, options, stages, how often the Python runs, errors, as JAX's."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest

from compat.same import assert_same, run_both

X = np.array([0.5, 1.0, 2.0], np.float32)
M = np.arange(6, dtype=np.float32).reshape(2, 3) / 4


def f(jax: Any) -> Any:
    jnp = jax.numpy
    return lambda x: (jnp.sin(x) * x).sum()


def traces(jax: Any, *calls: Any, **options: Any) -> list[Any]:
    """The shapes and dtypes with which a jitted function was traced in these calls."""
    seen: list[Any] = []

    @functools.partial(jax.jit, **options)
    def traced(*args: Any) -> Any:
        seen.append([(str(getattr(a, "dtype", type(a))), getattr(a, "shape", a)) for a in args])
        return args[0]

    for call in calls:
        traced(*call)
    return [repr(s) for s in seen]


def leak(jax: Any, transform: Any) -> Any:
    kept: list[Any] = []

    def body(x: Any) -> Any:
        kept.append(x * 2)
        return x

    transform(body)
    return kept[0] + 1


class Holder:
    """A class with a jitted method."""

    def __init__(self, jax: Any) -> None:
        self.scale = 3.0
        self.method = jax.jit(self._method)

    def _method(self, x: Any) -> Any:
        return x * self.scale

    def __call__(self, x: Any) -> Any:
        return x * self.scale


def generator(x: Any) -> Any:
    yield x


def with_doc(x: Any) -> Any:
    """Documented."""
    return x


PROGRAMS: dict[str, Any] = {
    "jit": lambda jax: jax.jit(f(jax))(X),
    "jit of numbers": lambda jax: jax.jit(lambda x, n: (x * n, n))(1.5, 2),
    "jit of a tree": lambda jax: jax.jit(lambda d: {"s": d["a"] + d["b"][0], "t": (d["a"],)})({"a": X, "b": [1.0]}),
    "jit results that are constants": lambda jax: jax.jit(lambda x: (x, 2.0, np.ones(2), None))(X),
    "jit keyword": lambda jax: jax.jit(lambda x, *, k: x * k)(X, k=2.0),
    "jit default": lambda jax: jax.jit(lambda x, k=3.0: x * k)(X),
    "jit static by number": lambda jax: jax.jit(lambda x, n: x[:n], static_argnums=1)(X, 2),
    "jit static by name": lambda jax: jax.jit(lambda x, n: x[:n], static_argnames="n")(X, n=2),
    "jit static by name, given by position": lambda jax: jax.jit(lambda x, n: x[:n], static_argnames="n")(X, 2),
    "jit static by number, given by name": lambda jax: jax.jit(lambda x, n: x[:n], static_argnums=(1,))(X, n=2),
    "jit static negative": lambda jax: jax.jit(lambda x, n: x[:n], static_argnums=-1)(X, 2),
    "jit static not hashable": lambda jax: jax.jit(lambda x, n: x, static_argnums=1)(X, [1]),
    "jit static too large": lambda jax: jax.jit(lambda x, n: x, static_argnums=5),
    "jit static unknown name": lambda jax: jax.jit(lambda x, n: x, static_argnames="m"),
    "jit static text number": lambda jax: jax.jit(lambda x, n: x, static_argnums="a"),
    "jit donate": lambda jax: jax.jit(lambda x: x + 1, donate_argnums=0)(X),
    "jit donate and static": lambda jax: jax.jit(lambda x: x, donate_argnums=0, static_argnums=0),
    "jit as decorator factory": lambda jax: jax.jit(static_argnums=1)(lambda x, n: x * n)(X, 2),
    "jit of a partial": lambda jax: jax.jit(functools.partial(lambda a, x: a * x, 2.0))(X),
    "jit of a method": lambda jax: Holder(jax).method(X),
    "jit of a callable": lambda jax: jax.jit(Holder(jax))(X),
    "jit of jit": lambda jax: jax.jit(jax.jit(f(jax)))(X),
    "jit inside jit": lambda jax: jax.jit(lambda x: jax.jit(f(jax))(x) * 2)(X),
    "jit recursion": lambda jax: recursive(jax)(X, 3),
    "jit of text": lambda jax: jax.jit(lambda x: x)("a"),
    "jit of text in a tree": lambda jax: jax.jit(lambda x, *, k: k)(X, k={"a": "b"}),
    "jit returns text": lambda jax: jax.jit(lambda x: "a")(X),
    "jit returns text in a tree": lambda jax: jax.jit(lambda x: {"b": [x, "a"]})(X),
    "jit of no function": lambda jax: jax.jit(3),
    "jit of a generator": lambda jax: jax.jit(generator),
    "jit without arguments": lambda jax: jax.jit(lambda: jax.numpy.ones(3))(),
    "jit missing argument": lambda jax: type(attempt(lambda: jax.jit(lambda x: x)())).__name__,
    "jit names": lambda jax: (jax.jit(with_doc).__name__, jax.jit(with_doc).__doc__),
    "jit None": lambda jax: jax.jit(lambda x: None)(X),
    "jit closes over an array": lambda jax: (lambda c: jax.jit(lambda x: x * c)(X))(jax.numpy.arange(3.0)),
    "jit closes over a number": lambda jax: (lambda c: jax.jit(lambda x: x * c)(X))(2.0),
    "jit bool": lambda jax: jax.jit(lambda a: bool(a > 1))(1.0),
    "jit if": lambda jax: jax.jit(lambda a: a if a > 1 else -a)(1.0),
    "jit int": lambda jax: jax.jit(lambda a: int(a))(1.0),
    "jit float": lambda jax: jax.jit(lambda a: float(a))(1.0),
    "jit complex": lambda jax: jax.jit(lambda a: complex(a))(1.0),
    "jit numpy": lambda jax: jax.jit(lambda a: np.asarray(a))(1.0),
    "jit index": lambda jax: jax.jit(lambda a: range(a))(1),
    "jit shape": lambda jax: jax.jit(lambda a: jax.numpy.ones(a))(1),
    "jit mask": lambda jax: jax.jit(lambda a: a[a > 0])(X),
    "jit len": lambda jax: jax.jit(lambda a: len(a) + a)(X),
    "jit iterate": lambda jax: jax.jit(lambda a: [v * 2 for v in a])(X),
    "jit int32 vs weak": lambda jax: jax.jit(lambda a, b: a + b)(np.int32(1), 2),
    "jit x64 input": lambda jax: jax.jit(lambda a: a * 2)(X.astype(np.float64)),
    "jit uint8": lambda jax: jax.jit(lambda a: a + 250)(np.arange(10, dtype=np.uint8)),
    "jit uint32": lambda jax: jax.jit(lambda a: a - 1)(np.arange(3, dtype=np.uint32)),
    "jit complex64": lambda jax: jax.jit(lambda a: a * a)(np.array([1 + 2j], np.complex64)),
    "jit bfloat16": lambda jax: jax.jit(lambda a: a * 1.1)(jax.numpy.ones(3, "bfloat16")),
    "grad of jit": lambda jax: jax.grad(jax.jit(f(jax)))(X),
    "jit of grad": lambda jax: jax.jit(jax.grad(f(jax)))(X),
    "grad of jit of grad": lambda jax: jax.grad(lambda x: jax.jit(jax.grad(f(jax)))(x).sum())(X),
    "vmap of jit": lambda jax: jax.vmap(jax.jit(f(jax)))(M),
    "jit of vmap": lambda jax: jax.jit(jax.vmap(f(jax)))(M),
    "jit of vmap of grad": lambda jax: jax.jit(jax.vmap(jax.grad(f(jax))))(M),
    "vmap of grad of jit": lambda jax: jax.vmap(jax.grad(jax.jit(f(jax))))(M),
    "jvp of jit": lambda jax: jax.jvp(jax.jit(f(jax)), (X,), (X,)),
    "jit of jvp": lambda jax: jax.jit(lambda x: jax.jvp(f(jax), (x,), (x * x,)))(X),
    "jit of jvp of jvp": lambda jax: jax.jit(
        lambda x: jax.jvp(lambda h: jax.jvp(f(jax), (h,), (h * h,))[1], (x,), (x * x,))
    )(X),
    "hessian of jit": lambda jax: jax.hessian(jax.jit(f(jax)))(X),
    "jit of hessian": lambda jax: jax.jit(jax.hessian(f(jax)))(X),
    "jit of hessian of jit": lambda jax: jax.jit(jax.hessian(jax.jit(f(jax))))(X),
    "jit of third order": lambda jax: jax.jit(jax.jacrev(jax.jacfwd(jax.grad(f(jax)))))(X),
    "linearize of jit": lambda jax: jax.linearize(jax.jit(f(jax)), X)[1](X),
    "vjp of jit": lambda jax: jax.vjp(jax.jit(lambda x: (x * 2, x.sum())), X)[1]((X, 1.0)),
    "jit closes over a grad's value": lambda jax: jax.grad(lambda y: jax.jit(lambda x: (x * y).sum())(X))(2.0),
    "jit closes over a vmap's value": lambda jax: jax.vmap(lambda y: jax.jit(lambda x: (x * y).sum())(X))(X),
    "jit closes over a jit's value": lambda jax: jax.jit(lambda y: jax.jit(lambda x: (x * y).sum())(X))(2.0),
    "jit closes over both": lambda jax: jax.jit(
        lambda y: jax.vmap(lambda z: jax.grad(lambda w: jax.jit(lambda x: (x * y * z * w * w).sum())(X))(y))(X)
    )(2.0),
    "traces once a shape": lambda jax: traces(jax, (X,), (X,), (M,), (X,)),
    "traces once a dtype": lambda jax: traces(jax, (X,), (X.astype(np.int32),), (X,)),
    "traces weak types apart": lambda jax: traces(jax, (1.0,), (np.float32(1),), (2.0,)),
    "traces static values apart": lambda jax: traces(jax, (X, 1), (X, 2), (X, 1), static_argnums=1),
    "traces again under x64": lambda jax: traces_x64(jax),
    "leak from jit": lambda jax: leak(jax, lambda body: jax.jit(body)(1.0)),
    "leak from grad": lambda jax: leak(jax, lambda body: jax.grad(body)(1.0)),
    "leak from vmap": lambda jax: leak(jax, lambda body: jax.vmap(body)(X)),
    "disable_jit": lambda jax: disabled(jax),
    "eval_shape": lambda jax: shapes(jax.eval_shape(lambda x, n: {"a": x * n, "b": x.sum()}, X, 2)),
    "eval_shape of shapes": lambda jax: shapes(
        jax.eval_shape(lambda x: (x @ x.T, x > 0), jax.ShapeDtypeStruct((2, 3), jax.numpy.float32))
    ),
    "jit eval_shape": lambda jax: repr(jax.jit(f(jax)).eval_shape(X)),
    "ShapeDtypeStruct": lambda jax: repr(jax.ShapeDtypeStruct((2, 3), "int32")),
    "lower and compile": lambda jax: jax.jit(f(jax)).lower(X).compile()(X),
    "lower shapes and compile": lambda jax: jax.jit(f(jax))
    .lower(jax.ShapeDtypeStruct((3,), "float32"))
    .compile()(X),
    "compiled, another dtype": lambda jax: jax.jit(f(jax)).lower(X).compile()(np.arange(3)),
    "compiled, another tree": lambda jax: jax.jit(lambda x, y: x @ y).lower(X, X).compile()(X),
    "lower out_info": lambda jax: repr(jax.jit(lambda x: (x, x.sum())).lower(X).out_info),
    "trees of the stages": lambda jax: [
        str(jax.jit(lambda x, y: [x, y]).lower(X, {"a": 1.0}).in_tree),
        str(jax.jit(lambda x, y: [x, y]).lower(X, {"a": 1.0}).out_tree),
    ],
    "clear_cache": lambda jax: cleared(jax),
    "make_jaxpr avals": lambda jax: (
        lambda j: (str(j.in_avals), str(j.out_avals), [str(e.primitive) for e in j.eqns])
    )(jax.make_jaxpr(lambda x: (jax.numpy.sin(x) * 2.0).sum())(X)),
    "make_jaxpr text": lambda jax: str(jax.make_jaxpr(lambda x, y: jax.numpy.sin(x) * y)(X, X)),
    "make_jaxpr constants": lambda jax: (
        lambda c: [np.asarray(v).tolist() for v in jax.make_jaxpr(lambda x: x * c)(X).consts]
    )(jax.numpy.arange(3.0)),
    "make_jaxpr return_shape": lambda jax: repr(jax.make_jaxpr(f(jax), return_shape=True)(X)[1]),
    "checkpoint": lambda jax: jax.grad(jax.checkpoint(f(jax)))(X),
    "remat as a decorator": lambda jax: jax.grad(jax.remat(policy=None)(f(jax)))(X),
}


def attempt(call: Any) -> Any:
    try:
        return call()
    except TypeError as error:
        return error


def recursive(jax: Any) -> Any:
    @functools.partial(jax.jit, static_argnums=1)
    def power(x: Any, n: int) -> Any:
        return x * power(x, n - 1) if n > 1 else x

    return power


def traces_x64(jax: Any) -> int:
    seen: list[Any] = []
    jitted = jax.jit(lambda x: seen.append(str(x.dtype)) or x + 1)
    jitted(1.0)
    with jax.enable_x64(True):
        jitted(1.0)
    jitted(1.0)
    return seen  # pyright: ignore


def disabled(jax: Any) -> Any:
    with jax.disable_jit():
        return jax.jit(lambda x: x * 2 if x > 1 else x)(3.0)


def cleared(jax: Any) -> int:
    seen: list[Any] = []
    jitted = jax.jit(lambda x: seen.append(1) or x)
    jitted(1.0)
    jitted.clear_cache()
    jitted(1.0)
    return len(seen)


def shapes(tree: Any) -> str:
    return repr(tree)


@pytest.mark.parametrize("name", PROGRAMS)
def test_jit(name: str) -> None:
    expected, actual = run_both(PROGRAMS[name])
    assert_same(expected, actual, title=name)
