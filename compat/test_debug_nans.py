"""debug_nans and debug_infs: what is looked at where no transformation runs, and of what it is told."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from compat.same import assert_same, run_both

NAN = float("nan")
INF = float("inf")

FOUND: dict[str, Callable[[Any, Any], Any]] = {
    "full": lambda jax, jnp: jnp.full(3, NAN),
    "full_like": lambda jax, jnp: jnp.full_like(jnp.ones(3), NAN),
    "array": lambda jax, jnp: jnp.array(NAN),
    "array of a scalar": lambda jax, jnp: jnp.array(np.float32(NAN)),
    "array of a list": lambda jax, jnp: jnp.array([1.0, NAN]),
    "asarray": lambda jax, jnp: jnp.asarray(np.array([NAN, 1.0])),
    "softmax": lambda jax, jnp: jax.nn.softmax(jnp.array([INF, 1.0])),
    "product": lambda jax, jnp: jnp.full((2, 2), INF) @ jnp.zeros((2, 2)),
    "cumsum": lambda jax, jnp: jnp.cumsum(jnp.array([INF, -INF])),
    "linspace": lambda jax, jnp: jnp.linspace(NAN, 1.0, 3),
    "linspace to infinity": lambda jax, jnp: jnp.linspace(0.0, INF, 3),
    "inv": lambda jax, jnp: jnp.linalg.inv(jnp.zeros((2, 2))),
    "callback": lambda jax, jnp: jax.pure_callback(
        lambda x: np.float32(NAN), jax.ShapeDtypeStruct((), np.float32), 1.0
    ),
    "pmap": lambda jax, jnp: jax.pmap(jnp.log)(-jnp.ones(1)),
    "shard_map": lambda jax, jnp: on_mesh(jax, jnp.log)(-jnp.ones(2)),
    "jit of shard_map": lambda jax, jnp: jax.jit(on_mesh(jax, jnp.log))(-jnp.ones(2)),
    "looked for": lambda jax, jnp: jnp.isnan(np.array([1.0, NAN], np.float32)),
    "put away": lambda jax, jnp: jnp.nan_to_num(np.array([1.0, NAN], np.float32)),
}


def on_mesh(jax: Any, f: Any) -> Any:
    """A function of the rows on a mesh of one device."""
    mesh = jax.make_mesh((1,), ("i",), axis_types=(jax.sharding.AxisType.Auto,))
    spec = jax.sharding.PartitionSpec("i")
    return jax.shard_map(f, mesh=mesh, in_specs=spec, out_specs=spec)


@pytest.mark.parametrize("name", FOUND)
def test_nans(name: str) -> None:
    def program(jax: Any) -> Any:
        with jax.debug_nans(True), contextlib.redirect_stdout(io.StringIO()):  # JAX says that it looks where
            return FOUND[name](jax, jax.numpy)

    assert_same(*run_both(program))


def test_infinities() -> None:
    def program(jax: Any) -> Any:
        with jax.debug_infs(True), contextlib.redirect_stdout(io.StringIO()):
            return jax.numpy.full(2, INF)

    assert_same(*run_both(program))
