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
    "spmd_axis_name": lambda jax: jax.vmap(lambda x: x * 2, spmd_axis_name="x")(X),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_collectives(name: str) -> None:
    expected, actual = run_both(PROGRAMS[name])
    assert_same(expected, actual, title=name)
