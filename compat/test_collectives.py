"""psum and its kin over the named axes of vmap: values, derivatives, nesting, errors as JAX's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from compat.same import assert_same, run_both

X = np.array([0.5, 1.0, 2.0], np.float32)
M = np.arange(9, dtype=np.float32).reshape(3, 3) / 4
T = np.arange(18, dtype=np.float32).reshape(3, 6)


def over(jax: Any, body: Any, *args: Any, **options: Any) -> Any:
    return jax.vmap(body, axis_name="i", **options)(*map(jax.numpy.asarray, args))


def in_scan(jax: Any) -> Any:
    return lambda x: jax.lax.scan(lambda c, a: (c + jax.lax.psum(a * c, "i"), c), x, X)


def in_while(jax: Any) -> Any:
    lax = jax.lax
    return lambda x: lax.while_loop(lambda c: lax.pmax(c, "i") < 50, lambda c: c * 2 + lax.psum(c, "i") * 0.1, x)


def in_cond(jax: Any) -> Any:
    lax = jax.lax
    return lambda x: lax.cond(
        lax.psum(x, "i") > 2, lambda x: x * lax.psum(x, "i"), lambda x: x - lax.pmean(x, "i"), x
    )


def in_cond_of_lanes(jax: Any) -> Any:
    lax = jax.lax
    return lambda x: lax.cond(x > 0.7, lambda x: x * lax.psum(x, "i"), lambda x: x - lax.pmean(x, "i"), x)


def in_fori(jax: Any) -> Any:
    ring = [(0, 1), (1, 2), (2, 0)]
    return lambda x: jax.lax.fori_loop(0, 3, lambda i, c: jax.lax.ppermute(c, "i", ring) + c * i, x)


LOOPS = {"scan": in_scan, "while": in_while, "cond": in_cond, "cond of lanes": in_cond_of_lanes, "fori": in_fori}
AROUND = {
    "vmap": lambda jax, f: over(jax, f, X),
    "jit of vmap": lambda jax, f: jax.jit(lambda x: over(jax, f, x))(X),
    "jacfwd": lambda jax, f: jax.jacfwd(lambda x: over(jax, f, x))(X),
    "jit of jacrev": lambda jax, f: jax.jit(jax.jacrev(lambda x: over(jax, f, x)))(X),
}


def two_axes(jax: Any, x: Any) -> Any:
    lax = jax.lax

    def step(c: Any, _: Any) -> Any:
        return c * 0.5 + lax.psum(c, "i") - lax.pmax(c, "j") + lax.axis_index("j"), None

    return lax.scan(step, x, None, length=2)[0]


def with_rule(jax: Any) -> Any:
    f = jax.custom_vjp(lambda x: jax.lax.psum(x, "i") * x)
    f.defvjp(lambda x: (f(x), x), lambda res, ct: (jax.lax.psum(ct, "i") * res,))
    return f


PROGRAMS: dict[str, Any] = {
    "psum": lambda jax: over(jax, lambda x: x / jax.lax.psum(x, "i"), X),
    "psum tree": lambda jax: over(jax, lambda x: jax.lax.psum({"a": x, "b": [x * 2]}, "i"), X),
    "psum of a number": lambda jax: over(jax, lambda x: x * jax.lax.psum(1, "i"), X),
    "psum of a constant array": lambda jax: over(jax, lambda x: jax.lax.psum(jax.numpy.ones(2), "i") + x, X),
    "psum of bool": lambda jax: over(jax, lambda x: jax.lax.psum(x > 0.7, "i"), X),
    "psum of integers": lambda jax: over(jax, lambda x: jax.lax.psum(x, "i"), np.arange(3)),
    "psum out_axes None": lambda jax: over(jax, lambda x: jax.lax.psum(x, "i"), X, out_axes=None),
    "psum unbound": lambda jax: jax.lax.psum(X, "i"),
    "psum other name": lambda jax: over(jax, lambda x: jax.lax.psum(x, "j"), X),
    "pmean": lambda jax: over(jax, lambda x: x - jax.lax.pmean(x, "i"), M),
    "pmax": lambda jax: over(jax, lambda x: x - jax.lax.pmax(x, "i"), M),
    "pmin": lambda jax: over(jax, lambda x: x - jax.lax.pmin(x, "i"), M),
    "all_gather": lambda jax: over(jax, lambda x: jax.lax.all_gather(x, "i"), M),
    "all_gather axis": lambda jax: over(jax, lambda x: jax.lax.all_gather(x, "i", axis=1), M),
    "all_gather tiled": lambda jax: over(jax, lambda x: jax.lax.all_gather(x, "i", tiled=True), M),
    "all_to_all": lambda jax: over(jax, lambda x: jax.lax.all_to_all(x, "i", 0, 0), M),
    "all_to_all axes": lambda jax: over(jax, lambda x: jax.lax.all_to_all(x, "i", 0, 1), M[:, :, None] * X),
    "all_to_all tiled": lambda jax: over(jax, lambda x: jax.lax.all_to_all(x, "i", 0, 0, tiled=True), T),
    "ppermute": lambda jax: over(jax, lambda x: jax.lax.ppermute(x, "i", [(0, 1), (1, 2), (2, 0)]), M),
    "ppermute partial": lambda jax: over(jax, lambda x: jax.lax.ppermute(x, "i", [(0, 1)]), M),
    "pshuffle": lambda jax: over(jax, lambda x: jax.lax.pshuffle(x, "i", [2, 0, 1]), M),
    "pswapaxes": lambda jax: over(jax, lambda x: jax.lax.pswapaxes(x, "i", 0), M),
    "psum_scatter": lambda jax: over(jax, lambda x: jax.lax.psum_scatter(x, "i"), M),
    "psum_scatter tiled": lambda jax: over(jax, lambda x: jax.lax.psum_scatter(x, "i", tiled=True), T),
    "axis_index": lambda jax: over(jax, lambda x: x + jax.lax.axis_index("i"), X),
    "axis_size": lambda jax: over(jax, lambda x: x * jax.lax.axis_size("i"), X),
    "nested axes": lambda jax: jax.vmap(
        lambda row: jax.vmap(
            lambda v: jax.lax.psum(v, "i") + 2 * jax.lax.psum(v, "j") + jax.lax.axis_index("i"), axis_name="j"
        )(row),
        axis_name="i",
    )(M),
    "two axes at once": lambda jax: jax.vmap(
        lambda row: jax.vmap(lambda v: v / jax.lax.psum(v, ("i", "j")), axis_name="j")(row), axis_name="i"
    )(M + 1),
    "index over two axes": lambda jax: jax.vmap(
        lambda row: jax.vmap(lambda v: jax.lax.axis_index(("i", "j")), axis_name="j")(row), axis_name="i"
    )(M),
    "unnamed vmap between": lambda jax: over(
        jax, lambda row: jax.vmap(lambda v: jax.lax.psum(v, "i"))(row), M
    ),
    "grad outside": lambda jax: jax.grad(
        lambda x: (over(jax, lambda v: v / jax.lax.psum(v, "i"), x) ** 2).sum()
    )(X),
    "grad inside": lambda jax: over(jax, jax.grad(lambda v: (v * jax.lax.psum(v, "i")) ** 2), X),
    "jvp inside": lambda jax: over(
        jax, lambda v: jax.jvp(lambda v: v * jax.lax.psum(v, "i"), (v,), (v * v,)), X
    ),
    "jvp of jvp inside": lambda jax: over(
        jax,
        lambda v: jax.jvp(
            lambda v: jax.jvp(lambda v: v * v * jax.lax.psum(v**3, "i"), (v,), (v * v,))[1], (v,), (v * 2,)
        ),
        X,
    ),
    "hessian outside": lambda jax: jax.hessian(
        lambda x: (over(jax, lambda v: v / jax.lax.psum(v, "i"), x) ** 2).sum()
    )(X),
    "grad of all_gather": lambda jax: jax.grad(
        lambda m: (over(jax, lambda v: jax.lax.all_gather(v, "i") * v[0], m) ** 2).sum()
    )(M),
    "grad of ppermute": lambda jax: jax.grad(
        lambda m: (over(jax, lambda v: jax.lax.ppermute(v, "i", [(0, 1), (1, 2), (2, 0)]) * v, m) ** 2).sum()
    )(M),
    "grad of all_to_all": lambda jax: jax.grad(
        lambda m: (over(jax, lambda v: jax.lax.all_to_all(v, "i", 0, 0) * v, m) ** 2).sum()
    )(M),
    "grad of psum_scatter": lambda jax: jax.grad(
        lambda m: (over(jax, lambda v: jax.lax.psum_scatter(v, "i") * v, m) ** 2).sum()
    )(M),
    "jit of psum": lambda jax: jax.jit(lambda x: over(jax, lambda v: v / jax.lax.psum(v, "i"), x))(X),
    "grad of jit of psum": lambda jax: jax.grad(
        lambda x: (jax.jit(lambda x: over(jax, lambda v: v / jax.lax.psum(v, "i"), x))(x) ** 2).sum()
    )(X),
    "psum of jit": lambda jax: over(jax, jax.jit(lambda v: v / jax.lax.psum(v, "i")), X),
    **{
        f"{loop} in {around}": lambda jax, loop=loop, around=around: AROUND[around](jax, LOOPS[loop](jax))
        for loop in ("scan", "while", "cond", "cond of lanes", "fori")
        for around in ("vmap", "jit of vmap", "jacfwd", "jit of jacrev")
        if (loop, around) != ("while", "jit of jacrev")
    },
    "scan of a constant": lambda jax: over(
        jax, lambda x: jax.lax.scan(lambda c, a: (c + jax.lax.psum(a, "i"), jax.lax.axis_index("i")), 1.0, X), X
    ),
    "two axes in a scan": lambda jax: jax.jit(
        lambda m: jax.vmap(jax.vmap(lambda x: two_axes(jax, x), axis_name="j"), axis_name="i")(m)
    )(M),
    "a rule with a collective": lambda jax: jax.jacrev(lambda x: over(jax, with_rule(jax), x))(X),
    "checkpoint": lambda jax: jax.jacrev(
        lambda x: over(jax, jax.checkpoint(lambda v: jax.numpy.sin(jax.lax.psum(v, "i")) * v), x)
    )(X),
    "psum twice the same": lambda jax: over(jax, lambda x: jax.lax.psum(x, ("i", "i")), X),
    "psum other name of a constant": lambda jax: over(jax, lambda x: jax.lax.psum(1.0, "j"), X),
    "all_gather other name": lambda jax: over(jax, lambda x: jax.lax.all_gather(x, "j"), X),
    "axis_index unbound": lambda jax: jax.lax.axis_index("j"),
    "pmax grad": lambda jax: over(jax, jax.grad(lambda x: jax.lax.pmax(x, "i")), X),
    **{
        f"{name} in groups": lambda jax, name=name: over(
            jax, lambda x: getattr(jax.lax, name)(x, "i", axis_index_groups=[[0, 1, 2]]), M
        )
        for name in ("psum", "pmax", "pmean", "all_gather", "psum_scatter")
    },
    "make_jaxpr axis_env": lambda jax: [
        str(a) for a in jax.make_jaxpr(lambda x: jax.lax.psum(x, "i"), axis_env=[("i", 3)])(X).out_avals
    ],
    "spmd_axis_name": lambda jax: jax.vmap(lambda x: x * 2, spmd_axis_name="x")(X),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_collectives(name: str) -> None:
    expected, actual = run_both(PROGRAMS[name])
    assert_same(expected, actual, title=name)
