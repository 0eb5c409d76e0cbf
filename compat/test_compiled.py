"""Compiled functions: the tier that a short test does not reach by itself, on arguments of every layout."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from compat import frameworks
from compat.same import assert_same, run_both

X = np.arange(12, dtype=np.float32).reshape(3, 4) - 5


@pytest.fixture(autouse=True)
def compiled() -> Iterator[None]:
    """Compile at the first call."""
    config = frameworks.ACTUAL.config
    before = config.values["jaxlike_jit_tier"]
    config.update("jaxlike_jit_tier", "compile")
    yield
    config.update("jaxlike_jit_tier", before)


def many(jax: Any) -> Any:
    """A jitted function whose operations look at the layout of their input in several ways."""
    jnp = jax.numpy
    table = jnp.asarray(X[::-1].T)

    def f(x: Any) -> Any:
        return {
            "flat": x.reshape(-1),
            "turned": x.T.reshape(-1),
            "sum of parts": (x + 0).reshape(2, 6),
            "broadcast": jnp.broadcast_to(x[:, None], (3, 2, 4)).reshape(6, 4),
            "product": (x @ table).reshape(-1),
            "bits": jax.lax.bitcast_convert_type(x, jnp.uint8)[..., 0],
            "view": x.view(jnp.int32),
            "split": jnp.split(x.reshape(12), 3),
            "set": x.at[0].set(1.0).reshape(-1),
            "sorted": jnp.sort(x, axis=None),
            "cumulative": jnp.cumsum(x),
            "gradient": jax.grad(lambda x: (x.reshape(-1) ** 2).sum())(x),
            "batched": jax.vmap(lambda row: row.reshape(2, 2))(x),
            "itself": x,
            "constant": table,
        }

    return jax.jit(f)


def arguments(jax: Any) -> dict[str, Any]:
    """The same values in several layouts."""
    jnp = jax.numpy
    return {
        "usual": jnp.asarray(X),
        "transposed": jnp.asarray(X.T.copy()).T,
        "strided": jnp.asarray(np.repeat(X, 2, 1))[:, ::2],
        "reversed": jnp.asarray(X[::-1].copy())[::-1],
        "offset": jnp.asarray(np.pad(X, 1))[1:-1, 1:-1],
        "broadcast": jnp.broadcast_to(jnp.asarray(X[0]), (3, 4)),
    }


@pytest.mark.parametrize("first", ["usual", "transposed", "broadcast"])
def test_layouts(first: str) -> None:
    def program(jax: Any) -> Any:
        f, given = many(jax), arguments(jax)
        f(given[first])
        return {name: f(x) for name, x in given.items()}

    expected, actual = run_both(program)
    assert_same(expected, actual)


def test_results_that_share_memory() -> None:
    def program(jax: Any) -> Any:
        f = jax.jit(lambda x, y: (x, x, (x + y)[:2], (x + y).T, y[1:], x.T))
        x, y = jax.numpy.asarray(X), jax.numpy.asarray(X) * 2
        return f(x, y), f(y, x), jax.jit(lambda x: x)(x), jax.jit(lambda: 1.0)()

    expected, actual = run_both(program)
    assert_same(expected, actual)


def test_numbers_and_closed_over_arrays() -> None:
    def program(jax: Any) -> Any:
        held = jax.numpy.asarray(X)
        f = jax.jit(lambda x, y: (x * held + y, (held @ held.T).sum() + x, jax.numpy.where(held > x, held, y)))
        return f(2, 3.0), f(held, 1), f(True, X), f(np.float32(2), np.nan)

    expected, actual = run_both(program)
    assert_same(expected, actual)


def test_writes_into_a_broadcast_array() -> None:
    def program(jax: Any) -> Any:
        jnp = jax.numpy
        ids = jnp.asarray([0, 1, 0, 2, 1, 0])
        x = jnp.asarray(np.arange(24, dtype=np.float32).reshape(6, 2, 2))

        def f(x: Any) -> Any:
            return jax.ops.segment_sum(x, ids, 3), jnp.zeros(3).at[1].set(x[0, 0]), jnp.ones((3, 2)).at[ids].add(x)

        return jax.jit(jax.vmap(f, in_axes=1))(x)

    expected, actual = run_both(program)
    assert_same(expected, actual)


@pytest.mark.parametrize("name", ["jvp", "grad", "vmap"])
def test_a_derived_function_is_compiled_once(name: str, caplog: pytest.LogCaptureFixture) -> None:
    jax = frameworks.ACTUAL
    f = jax.jit(lambda x: jax.numpy.sin(x) * 3.25)
    of = {
        "jvp": lambda x: jax.jvp(f, (x,), (x,)),
        "grad": lambda x: jax.grad(lambda x: f(x).sum())(x),
        "vmap": jax.vmap(f),
    }[name]
    with jax.log_compiles(True), caplog.at_level("WARNING"):
        for _ in range(3):
            of(jax.numpy.asarray(X[0]))
    assert 1 <= sum("Finished compilation" in r.getMessage() for r in caplog.records) <= 2  # forward, backward
