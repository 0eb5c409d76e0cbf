"""grad, vjp, jvp, vmap, jacfwd, jacrev, hessian, linearize: values, trees, options and errors as JAX's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from compat.same import assert_same, run_both

X = np.array([0.5, 1.0, 2.0], np.float32)
M = np.arange(6, dtype=np.float32).reshape(2, 3) / 4


def f(jax: Any) -> Any:
    jnp = jax.numpy
    return lambda x: (jnp.sin(x) * x).sum()


def g(jax: Any) -> Any:
    jnp = jax.numpy
    return lambda x: (jnp.tanh(x) * x[0], {"s": jnp.exp(x).sum()})


def float0(shape: tuple[int, ...] = ()) -> np.ndarray[Any, Any]:
    return np.zeros(shape, [("float0", np.void, 0)])


def xyz(jax: Any) -> Any:
    return lambda *z: z[0]


def pulled_back(jax: Any) -> Any:
    """Backpropagation by hand: a scan that gives pullbacks, and one that calls them."""

    def forth(c: Any, x: Any) -> Any:
        return jax.vjp(lambda c, x: jax.numpy.sin(c * x), c, x)

    _, pulls = jax.lax.scan(forth, 1.0, X)
    return jax.lax.scan(lambda ct, pull: pull(ct), 1.0, pulls, reverse=True)


PROGRAMS: dict[str, Any] = {
    # grad and value_and_grad
    "grad": lambda jax: jax.grad(f(jax))(X),
    "grad of a weak scalar": lambda jax: jax.grad(lambda x: x * 2.0)(1.0),
    "grad of a float16": lambda jax: jax.grad(lambda x: (x * x).sum())(jax.numpy.ones(3, "float16")),
    "grad argnums tuple": lambda jax: jax.grad(lambda x, y: x * y, argnums=(0, 1))(1.0, 2.0),
    "grad argnums list": lambda jax: jax.grad(lambda x, y: x * y, argnums=[1])(1.0, 2.0),
    "grad argnums negative": lambda jax: jax.grad(lambda x, y: x * y, argnums=-1)(1.0, 2.0),
    "grad argnums empty": lambda jax: jax.grad(lambda x, y: x, argnums=())(1.0, 2.0),
    "grad argnums text": lambda jax: jax.grad(lambda x, y: x * y, argnums="a")(1.0, 2.0),
    "grad argnums too large": lambda jax: jax.grad(lambda x: x, argnums=2)(1.0),
    "grad argnums tuple too large": lambda jax: jax.grad(lambda x, y: x, argnums=(0, 5))(1.0, 2.0),
    "grad argnums too negative": lambda jax: jax.grad(lambda x, y: x * y, argnums=-3)(1.0, 2.0),
    "grad of a tree": lambda jax: jax.grad(lambda d: d["a"] * d["b"].sum())({"a": 1.0, "b": X}),
    "grad of a tree with None": lambda jax: jax.grad(lambda d: d[0] * 3.0)((1.0, None, [])),
    "grad mixed dtypes": lambda jax: jax.grad(lambda d: d["a"] * d["b"])({"a": 1.0, "b": jax.numpy.float16(2)}),
    "grad with kwargs": lambda jax: jax.grad(lambda x, *, y: x * y)(1.0, y=3.0),
    "grad has_aux": lambda jax: jax.grad(lambda x: (x.sum(), {"a": x, "n": 3}), has_aux=True)(jax.numpy.ones(3)),
    "value_and_grad has_aux": lambda jax: jax.value_and_grad(lambda x: (x.sum(), [x * 2]), has_aux=True)(
        jax.numpy.ones(3)
    ),
    "grad has_aux not a pair": lambda jax: jax.grad(lambda x: [x.sum()] * 3, has_aux=True)(X),
    "grad holomorphic": lambda jax: jax.grad(lambda z: z * z, holomorphic=True)(1.0 + 2j),
    "grad holomorphic of a real": lambda jax: jax.grad(lambda z: z, holomorphic=True)(1.0),
    "grad holomorphic of a real output": lambda jax: jax.grad(lambda z: abs(z), holomorphic=True)(1j),
    "grad of |z|**2": lambda jax: jax.grad(lambda z: jax.numpy.abs(z) ** 2)(1.0 + 2j),
    "grad real to complex and back": lambda jax: jax.grad(lambda x: jax.numpy.real((x * (1 + 2j)) ** 2))(3.0),
    "grad complex output": lambda jax: jax.grad(lambda x: x * 1j)(1.0),
    "grad of an integer": lambda jax: jax.grad(lambda x: x)(1),
    "grad allow_int": lambda jax: jax.grad(lambda x: x * 2.0, allow_int=True)(1),
    "grad allow_int of two": lambda jax: jax.grad(lambda x, n: x * n, argnums=(0, 1), allow_int=True)(1.0, 3),
    "grad integer output": lambda jax: jax.grad(lambda x: 1)(1.0),
    "grad bool output": lambda jax: jax.grad(lambda x: x > 1)(1.0),
    "grad vector output": lambda jax: jax.grad(lambda x: x)(X),
    "grad None output": lambda jax: jax.grad(lambda x: None)(1.0),
    "grad constant output": lambda jax: jax.grad(lambda x: 2.0)(1.0),
    "grad of text": lambda jax: jax.grad(lambda x: x)("a"),
    "grad of no function": lambda jax: jax.grad(3),
    "grad reduce_axes": lambda jax: jax.grad(lambda x: x, reduce_axes=("i",))(1.0),
    "grad numpy inside": lambda jax: jax.grad(lambda x: (x * np.arange(3)).sum())(X),
    "grad of an unused argument": lambda jax: jax.grad(lambda x, y: y, argnums=(0, 1))(X, 1.0),
    "jvp of jvp to integers": lambda jax: jax.jvp(
        lambda x: jax.jvp(lambda x: x.sum(dtype=int), (x,), (X,)), (X,), (X,)
    ),
    "jvp of jvp with a known zero": lambda jax: jax.jvp(
        lambda x: jax.jvp(lambda x: (x + x.T) / 2, (x,), (X[:1],))[1], (X[:1],), (X[:1],)
    ),
    "hvp by a mask": lambda jax: jax.jvp(jax.grad(lambda x: (x[np.array([True, False, True])] ** 2).sum()), (X,), (X,)),
    "hvp by a mask that is an Array": lambda jax: jax.jvp(
        jax.grad(lambda x: (x[jax.numpy.asarray([True, False, True])] ** 2).sum()), (X,), (X,)
    ),
    "jit of grad of an unused argument": lambda jax: jax.jit(jax.grad(lambda x, y: y * 2, argnums=(0, 1)))(X, 1.0),
    "grad of grad of an unused argument": lambda jax: jax.grad(lambda x: jax.grad(lambda y: x * 2.0)(x) + x)(1.0),
    "vmap of grad of an unused argument": lambda jax: jax.vmap(jax.grad(lambda x, y: y * 2, argnums=(0, 1)), (None, 0))(
        X, X
    ),
    "grad name": lambda jax: (jax.grad(xyz).__name__, jax.grad(xyz).__doc__),
    "grad branches on values": lambda jax: jax.grad(lambda x: x * 3 if x > 1 else x)(2.0),
    "grad converts values": lambda jax: jax.grad(lambda x: x * float(x) * int(x))(2.5),
    "grad numpy of a traced value": lambda jax: jax.grad(lambda x: x * np.asarray(x))(2.5),
    "grad of grad": lambda jax: jax.grad(lambda x: jax.grad(f(jax))(x).sum())(X),
    "third order": lambda jax: jax.grad(jax.grad(jax.grad(lambda x: jax.numpy.sin(x) ** 3)))(0.7),
    "grad x64": lambda jax: jax.grad(f(jax))(X.astype(np.float64)),
    # vjp
    "vjp": lambda jax: jax.vjp(g(jax), X)[1]((jax.numpy.ones(3), {"s": 2.0})),
    "vjp value": lambda jax: jax.vjp(g(jax), X)[0],
    "vjp numpy cotangent": lambda jax: jax.vjp(lambda x: x * 2, X)[1](np.ones(3, np.float32)),
    "vjp has_aux": lambda jax: (lambda out: (out[0], out[1](1.0), out[2]))(
        jax.vjp(lambda x: (x * 2.0, "kept"), 1.0, has_aux=True)
    )[:2],
    "vjp wrong tree": lambda jax: jax.vjp(lambda x: (x, x), X)[1](X),
    "vjp wrong length": lambda jax: jax.vjp(lambda x: (x, x), X)[1]((X,)),
    "vjp wrong shape": lambda jax: jax.vjp(lambda x: x, X)[1](jax.numpy.ones(2)),
    "vjp wrong dtype": lambda jax: jax.vjp(lambda x: x, X)[1](jax.numpy.ones(3, "float16")),
    "vjp integer cotangent": lambda jax: jax.vjp(lambda x: x, X)[1](np.ones(3, np.int32)),
    "vjp integer input": lambda jax: jax.vjp(lambda n: n * 2.0, 3)[1](1.0),
    "vjp float0 cotangent": lambda jax: jax.vjp(lambda x: x > 1, X)[1](float0((3,))),
    "vjp complex": lambda jax: jax.vjp(lambda x: x * (1 + 1j), 1.0)[1](1j),
    "vjp complex product": lambda jax: jax.vjp(lambda z: z * z * (2 - 1j), 1.0 + 2j)[1](1.0 + 1j),
    "vjp twice": lambda jax: (lambda pull: (pull(X), pull(2 * X)))(jax.vjp(lambda x: x * x, X)[1]),
    "vjp of no function": lambda jax: jax.vjp(3, X),
    "vjp of text": lambda jax: jax.vjp(lambda x: x, "a"),
    "vjp returns text": lambda jax: jax.vjp(lambda x: "a", X),
    "vjp under vmap": lambda jax: jax.vmap(jax.vjp(lambda x: jax.numpy.sin(x), X)[1])(jax.numpy.eye(3)),
    "vjp function leaves vmap": lambda jax: jax.vmap(lambda x: jax.vjp(jax.numpy.sin, x)[1](1.0)[0])(X),
    "vjp called with two": lambda jax: jax.vjp(lambda x: x, X)[1](X, X),
    "vjp of text cotangent": lambda jax: jax.vjp(lambda x: x, X)[1]("a"),
    "vjp float0 cotangent of another shape": lambda jax: jax.vjp(lambda x: x > 1, X)[1](float0((2,))),
    "vjp leaves jit": lambda jax: (lambda y, pull: (y, pull(X)))(
        *jax.jit(lambda x: jax.vjp(lambda x: jax.numpy.sin(x) * x, x))(X)
    ),
    "vjp enters jit": lambda jax: jax.jit(lambda pull, c: pull(c))(jax.vjp(lambda x: jax.numpy.sin(x) * x, X)[1], X),
    "vjp leaves a vmap as a tree": lambda jax: jax.vmap(lambda pull, c: pull(c))(
        jax.vmap(lambda x: jax.vjp(jax.numpy.sin, x)[1])(X), X
    ),
    "vjp stacked by scan": lambda jax: pulled_back(jax),
    "vjp rebuilt": lambda jax: jax.tree.map(lambda x: x, jax.vjp(lambda x, y: x * y, 2.0, X)[1])(X),
    "vjp number of leaves": lambda jax: len(jax.tree.leaves(jax.vjp(lambda x, y: x * y, 2.0, X)[1])),
    # jvp
    "jvp": lambda jax: jax.jvp(g(jax), (X,), (X,)),
    "jvp x64": lambda jax: jax.jvp(f(jax), (X.astype(np.float64),), (X.astype(np.float64),)),
    "jvp scalar times 0-d": lambda jax: jax.jvp(lambda x: x.sum() * 2.0, (X,), (X,)),
    "jvp has_aux": lambda jax: jax.jvp(lambda x: (x * 2.0, x + 1), (X,), (X,), has_aux=True),
    "jvp list": lambda jax: jax.jvp(lambda x: x * 2.0, [X], [X]),
    "jvp not tuples": lambda jax: jax.jvp(lambda x: x, jax.numpy.ones(3), jax.numpy.ones(3)),
    "jvp too many tangents": lambda jax: jax.jvp(lambda x: x, (X,), (X, X)),
    "jvp wrong shape": lambda jax: jax.jvp(lambda x: x, (X,), (np.ones(2, np.float32),)),
    "jvp wrong dtype": lambda jax: jax.jvp(lambda x: x, (X,), (jax.numpy.ones(3, "float16"),)),
    "jvp integer tangent": lambda jax: jax.jvp(lambda x: x, (1,), (1,)),
    "jvp float0": lambda jax: jax.jvp(lambda n, x: n * x, (jax.numpy.arange(3), 2.0), (float0((3,)), 1.0)),
    "jvp integer output": lambda jax: jax.jvp(lambda x: (x * 2, x > 1), (X,), (X,)),
    "jvp of jvp": lambda jax: jax.jvp(lambda h: jax.jvp(f(jax), (h,), (h * h,))[1], (X,), (X,)),
    "jvp of grad": lambda jax: jax.jvp(jax.grad(f(jax)), (X,), (X,)),
    "grad of jvp": lambda jax: jax.grad(lambda x: jax.jvp(f(jax), (x,), (x * x,))[1])(X),
    "jvp of infinities": lambda jax: jax.jvp(
        lambda x: x * 2.0 + 1.0, (np.array([np.inf, np.nan], np.float32),), (np.ones(2, np.float32),)
    ),
    # Jacobians
    "jacfwd": lambda jax: jax.jacfwd(g(jax))(X),
    "jacrev": lambda jax: jax.jacrev(g(jax))(X),
    "jacobian": lambda jax: jax.jacobian(lambda x: x**3)(X),
    "jacfwd trees": lambda jax: jax.jacfwd(lambda d: {"p": d["a"] * d["b"]})({"a": 2.0, "b": X}),
    "jacrev trees": lambda jax: jax.jacrev(lambda d: {"p": d["a"] * d["b"]})({"a": 2.0, "b": X}),
    "jacfwd argnums": lambda jax: jax.jacfwd(lambda x, y: x * y, argnums=(0, 1))(X, 2.0),
    "jacrev argnums": lambda jax: jax.jacrev(lambda x, y: x * y, argnums=(0, 1))(X, 2.0),
    "jacfwd has_aux": lambda jax: jax.jacfwd(lambda x: (x * x, x.sum()), has_aux=True)(X),
    "jacrev has_aux": lambda jax: jax.jacrev(lambda x: (x * x, x.sum()), has_aux=True)(X),
    "jacfwd argnums too large": lambda jax: jax.jacfwd(lambda x: x, argnums=3)(X),
    "jacfwd of text": lambda jax: jax.jacfwd(lambda x: x)("a"),
    "jvp of text": lambda jax: jax.jvp(lambda x: x, ("a",), (1.0,)),
    "grad argnums float": lambda jax: jax.grad(lambda x, y: x * y, argnums=1.0)(1.0, 2.0),
    "jacfwd integer": lambda jax: jax.jacfwd(lambda x: x * 2)(1),
    "jacrev integer": lambda jax: jax.jacrev(lambda x: x * 2)(1),
    "jacrev allow_int": lambda jax: jax.jacrev(lambda x: x * 2.0, allow_int=True)(1),
    "jacrev bool output": lambda jax: jax.jacrev(lambda x: x > 2)(1.0),
    "jacfwd complex output": lambda jax: jax.jacfwd(lambda x: x * 1j)(1.0),
    "jacrev complex output": lambda jax: jax.jacrev(lambda x: x * 1j)(1.0),
    "jacfwd complex input": lambda jax: jax.jacfwd(lambda x: x)(1j),
    "jacfwd holomorphic": lambda jax: jax.jacfwd(lambda x: x * x, holomorphic=True)(1.0 + 1j),
    "jacrev holomorphic": lambda jax: jax.jacrev(lambda x: x * x, holomorphic=True)(1.0 + 1j),
    "jacfwd holomorphic of a real": lambda jax: jax.jacfwd(lambda x: x, holomorphic=True)(1.0),
    "hessian": lambda jax: jax.hessian(lambda x: (x**3).sum() + x[0] * x[1])(X),
    "hessian of a tree": lambda jax: jax.hessian(lambda d: (d["a"] * d["b"] ** 2).sum())({"a": 2.0, "b": X}),
    "hessian argnums": lambda jax: jax.hessian(lambda x, y: (x * y * y).sum(), argnums=(0, 1))(X, 2.0),
    "jacrev of jacfwd of grad": lambda jax: jax.jacrev(jax.jacfwd(jax.grad(f(jax))))(X),
    "jacobian of a matrix function": lambda jax: jax.jacrev(lambda m: m @ m.T)(jax.numpy.asarray(M)),
    # linearize and linear_transpose
    "linearize": lambda jax: (lambda out, lin: (out, lin(X), lin(X * 2)))(*jax.linearize(jax.numpy.sin, X)),
    "linearize tree": lambda jax: (lambda out, lin: (out, lin(X)))(*jax.linearize(g(jax), X)),
    "linearize two": lambda jax: jax.linearize(lambda x, y: x * y, X, 2.0)[1](X, 1.0),
    "linearize has_aux": lambda jax: (lambda out: (out[0], out[1](1.0), out[2]))(
        jax.linearize(lambda x: (x * x, x + 1), 3.0, has_aux=True)
    ),
    "linearize wrong dtype": lambda jax: jax.linearize(lambda x: x**2, 3.0)[1](1),
    "linearize wrong shape": lambda jax: jax.linearize(lambda x: x**2, X)[1](1.0),
    "linearize wrong tree": lambda jax: jax.linearize(lambda x: x**2, X)[1](X, X),
    "linearize under vmap": lambda jax: jax.vmap(jax.linearize(jax.numpy.sin, X)[1])(jax.numpy.eye(3)),
    "linearize leaves jit": lambda jax: (lambda y, push: (y, push(X)))(
        *jax.jit(lambda x: jax.linearize(lambda x: jax.numpy.sin(x) * x, x))(X)
    ),
    "linearize enters jit": lambda jax: jax.jit(lambda push, t: push(t))(jax.linearize(jax.numpy.sin, X)[1], X),
    "linearize branches on values": lambda jax: jax.linearize(lambda x: x * 2 if x > 0 else x, 2.0)[1](1.0),
    "linearize of integers": lambda jax: jax.linearize(lambda n, x: n * x, 3, 2.0)[1](float0(), 1.0),
    "linear_transpose": lambda jax: jax.linear_transpose(lambda x: 2 * x, X)(X),
    "linear_transpose two": lambda jax: jax.linear_transpose(lambda x, y: 2 * x - y, X, X)(X),
    "linear_transpose shape": lambda jax: jax.linear_transpose(lambda x: 2 * x, jax.ShapeDtypeStruct((3,), "float32"))(
        X
    ),
    "linear_transpose wrong shape": lambda jax: jax.linear_transpose(lambda x: 2 * x, X)(1.0),
    **{
        f"linear_transpose of what is not linear {k}": lambda jax, f=f: jax.linear_transpose(lambda x: f(jax, x), 1.0)(
            3.0
        )
        for k, f in enumerate(
            (
                lambda jax, x: x * x,
                lambda jax, x: x / x,
                lambda jax, x: 1 / x,
                lambda jax, x: jax.jit(lambda y: y * y)(x),
                lambda jax, x: jax.numpy.maximum(x, 0),
                lambda jax, x: jax.numpy.where(x > 0, x, 0),
                lambda jax, x: x**2,
                lambda jax, x: 2.0**x,
                lambda jax, x: x + 1.0,
            )
        )
    },
    "linear_transpose of what prints": lambda jax: [
        f(3.0)
        for f in [jax.linear_transpose(lambda x: (jax.debug.print("here"), jax.debug.print("{}", x), 2 * x)[2], 1.0)]
        for _ in range(2)
    ],
    "linear_transpose complex": lambda jax: jax.linear_transpose(lambda x: (2 + 1j) * x, 1j)(1.0 + 0j),
    # vmap
    "vmap": lambda jax: jax.vmap(f(jax))(M),
    "vmap in_axes": lambda jax: jax.vmap(lambda x, y: (x * y).sum(), in_axes=(1, None))(M, np.ones(2, np.float32)),
    "vmap in_axes negative": lambda jax: jax.vmap(lambda x: x * 2, in_axes=-1, out_axes=-1)(M),
    "vmap in_axes tree": lambda jax: jax.vmap(lambda d: d["a"] * d["b"], in_axes=({"a": 0, "b": None},))(
        {"a": X, "b": 2.0}
    ),
    "vmap out_axes": lambda jax: jax.vmap(lambda x: (x * 2, x.sum()), out_axes=(1, 0))(M),
    "vmap out_axes prefix": lambda jax: jax.vmap(lambda x: {"a": x + 1, "b": [x * 2]}, out_axes=1)(M),
    "vmap kwargs": lambda jax: jax.vmap(lambda x, *, y: x * y)(X, y=X),
    "vmap axis_size": lambda jax: jax.vmap(lambda x: x, in_axes=None, axis_size=2)(X),
    "vmap axis_size mismatch": lambda jax: jax.vmap(lambda x: x, axis_size=4)(X),
    "vmap constant": lambda jax: jax.vmap(lambda x: 3)(X),
    "vmap None": lambda jax: jax.vmap(lambda x: None)(X),
    "vmap text output": lambda jax: jax.vmap(lambda x: "a")(X),
    "vmap of a scalar": lambda jax: jax.vmap(xyz(jax))(1.0),
    "vmap sizes": lambda jax: jax.vmap(xyz(jax))(X, np.ones(4, np.float32)),
    "vmap sizes named": lambda jax: jax.vmap(lambda a, b: a)(X, np.ones(4, np.float32)),
    "vmap sizes in a tree": lambda jax: jax.vmap(lambda z: z)({"a": X, "b": np.ones(4, np.float32)}),
    "vmap sizes of many": lambda jax: jax.vmap(lambda a, b, c, d: a)(X, X, X, np.ones(4, np.float32)),
    "vmap rank": lambda jax: jax.vmap(xyz(jax), in_axes=1)(X),
    "vmap rank negative": lambda jax: jax.vmap(xyz(jax), in_axes=-3)(X),
    "vmap in_axes length": lambda jax: jax.vmap(xyz(jax), in_axes=(0,))(X, X),
    "vmap in_axes None": lambda jax: jax.vmap(xyz(jax), in_axes=None)(X),
    "vmap in_axes text": lambda jax: jax.vmap(xyz(jax), in_axes="a"),
    "vmap in_axes float": lambda jax: jax.vmap(xyz(jax), in_axes=(0, 1.0)),
    "vmap in_axes wrong tree": lambda jax: jax.vmap(xyz(jax), in_axes=({"a": 0},))({"b": X}),
    "vmap out_axes None": lambda jax: jax.vmap(xyz(jax), out_axes=None)(X),
    "vmap out_axes None unbatched": lambda jax: jax.vmap(lambda x: jax.numpy.ones(2), out_axes=None)(X),
    "vmap out_axes too large": lambda jax: jax.vmap(xyz(jax), out_axes=2)(X),
    "vmap out_axes wrong tree": lambda jax: jax.vmap(xyz(jax), out_axes=(0, 1))(X),
    "vmap hands over what it does not map": lambda jax: jax.vmap(lambda x, n: x * range(n)[-1], (0, None))(X, 3),
    "vmap in_axes bool": lambda jax: jax.vmap(xyz(jax), in_axes=True)(X),
    "vmap out_axes None of two": lambda jax: jax.vmap(lambda x: (x, x), out_axes=(0, None))(X),
    "vmap axis_size against two": lambda jax: jax.vmap(lambda a, b: a, axis_size=5)(X, X),
    "vmap axis_size of another type": lambda jax: jax.vmap(lambda x: x, axis_size="a")(X),
    "vmap axis_size no integer": lambda jax: jax.vmap(lambda: 1.0, axis_size=3.5)(),
    "vmap axis_size negative": lambda jax: jax.vmap(lambda: 1.0, axis_size=-1)(),
    "vmap axis_size list": lambda jax: jax.vmap(lambda: 1.0, axis_size=[3])(),
    "vmap axis_name list": lambda jax: jax.vmap(lambda x: x, axis_name=[1])(X),
    "vmap sizes of a wrong call": lambda jax: jax.vmap(lambda x, **k: x)(np.ones(4, np.float32), x=X),
    "vmap nothing": lambda jax: jax.vmap(xyz(jax))(),
    "vmap of text": lambda jax: jax.vmap(xyz(jax))("a"),
    "vmap of no function": lambda jax: jax.vmap(3),
    "vmap size zero": lambda jax: jax.vmap(lambda x: x.sum())(np.zeros((0, 3), np.float32)),
    "vmap of vmap": lambda jax: jax.vmap(jax.vmap(lambda x, y: x * y, (0, None)), (None, 0))(X, M[0]),
    "vmap of grad": lambda jax: jax.vmap(jax.grad(f(jax)))(M),
    "grad of vmap": lambda jax: jax.grad(lambda m: jax.vmap(f(jax))(m).sum())(M),
    "vmap of jacfwd": lambda jax: jax.vmap(jax.jacfwd(lambda x: x**2))(M),
    "vmap of hessian": lambda jax: jax.vmap(jax.hessian(f(jax)))(M),
    "vmap of jvp": lambda jax: jax.vmap(lambda x: jax.jvp(f(jax), (x,), (x * x,)))(M),
    "vmap bool": lambda jax: jax.vmap(lambda x: x if x > 0 else -x)(X),
    "vmap int": lambda jax: jax.vmap(lambda x: int(x))(X),
    "vmap float": lambda jax: jax.vmap(lambda x: float(x))(X),
    "vmap numpy": lambda jax: jax.vmap(lambda x: np.asarray(x))(X),
    "vmap index": lambda jax: jax.vmap(lambda x: range(x))(np.arange(3)),
    "vmap name": lambda jax: (jax.vmap(xyz).__name__, jax.vmap(xyz).__doc__),
    "vmap int argument": lambda jax: jax.vmap(lambda n: n + 1)(np.arange(3)),
    "vmap of a list": lambda jax: jax.vmap(lambda x: x[0] + x[1])([X, X]),
    "vmap jnp.array of parts": lambda jax: jax.vmap(lambda x: jax.numpy.array([x.sum(), x[0], 1.0]))(M),
}
X64 = [name for name in PROGRAMS if "wrong" not in name and "name" not in name]


@pytest.mark.parametrize("name", PROGRAMS)
def test_transforms(name: str) -> None:
    expected, actual = run_both(PROGRAMS[name])
    assert_same(expected, actual, title=name)


@pytest.mark.parametrize("name", X64)
def test_transforms_x64(name: str) -> None:
    def program(jax: Any) -> Any:
        with jax.enable_x64(True):
            return PROGRAMS[name](jax)

    expected, actual = run_both(program)
    assert_same(expected, actual, title=name)
