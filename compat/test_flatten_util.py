"""ravel_pytree: leaves of all kinds and dtypes to a vector and back, checked and transformed."""

from __future__ import annotations

import numpy as np
import pytest

from compat.same import same_in_both
from compat.trees import (
    attempt,
)

GOOD = {
    "no leaves": lambda jnp: ((), None),
    "a number": lambda jnp: 1.5,
    "int": lambda jnp: {"a": 1},
    "bool": lambda jnp: True,
    "complex": lambda jnp: 1j,
    "weak only": lambda jnp: [1.0, jnp.asarray(2.0)],
    "weak and strong": lambda jnp: (np.float32(1), 2.0),
    "int and float": lambda jnp: (1, 2.0),
    "int8 and a number": lambda jnp: (jnp.int8(1), 2),
    "arrays": lambda jnp: {"w": jnp.ones((2, 3)), "b": jnp.arange(3.0)},
    "mixed arrays": lambda jnp: {"w": jnp.ones((2, 3)), "b": jnp.arange(3)},
    "numpy": lambda jnp: [np.arange(3), np.arange(4.0).reshape(2, 2)],
    "real and complex": lambda jnp: (jnp.ones(2), jnp.ones(2, jnp.complex64)),
    "bools and floats": lambda jnp: (True, jnp.ones(2)),
    "bfloat16 and float16": lambda jnp: (jnp.ones(2, jnp.bfloat16), jnp.ones(2, jnp.float16)),
    "uint8 and int8": lambda jnp: (jnp.ones(2, jnp.uint8), jnp.ones(2, jnp.int8)),
    "uint32 and int32": lambda jnp: (jnp.ones(2, jnp.uint32), jnp.ones(2, jnp.int32)),
    "uint16": lambda jnp: (jnp.ones(2, jnp.uint16), jnp.ones((), jnp.uint16)),
    "empty arrays": lambda jnp: (jnp.ones((0, 3)), jnp.ones(2)),
}


@pytest.mark.usefixtures("each_x64")
@pytest.mark.parametrize("name", GOOD)
@same_in_both(covers=["jax.flatten_util.ravel_pytree"])
def test_ravel_pytree(jax, name):
    ravel_pytree = jax.flatten_util.ravel_pytree
    flat, unravel = ravel_pytree(GOOD[name](jax.numpy))
    again = ravel_pytree(GOOD[name](jax.numpy))[1]
    return {
        "flat": flat,
        "back": unravel(flat),
        "from numpy": unravel(np.asarray(flat)),
        "jitted": jax.jit(unravel)(flat),
        "hash": hash(unravel) == hash(again) or name == "no leaves",
    }


@pytest.mark.parametrize("name", [name for name in GOOD if name != "no leaves"])
@same_in_both
def test_unravel_checks_its_argument(jax, name):
    jnp = jax.numpy
    flat, unravel = jax.flatten_util.ravel_pytree(GOOD[name](jnp))
    n = flat.shape[0]
    return (
        attempt(lambda: unravel(jnp.ones(n + 1, flat.dtype))),
        attempt(lambda: unravel(jnp.ones((n + 1, n), flat.dtype))),
        attempt(lambda: unravel(jnp.ones(n, jnp.int16))),
        unravel == jax.flatten_util.ravel_pytree(GOOD[name](jnp))[1],
    )


@same_in_both
def test_ravel_pytree_in_transformations(jax):
    jnp, ravel_pytree = jax.numpy, jax.flatten_util.ravel_pytree
    tree = {"a": jnp.ones((3, 2)), "b": jnp.arange(3.0)}
    flat, unravel = ravel_pytree({"a": jnp.ones(2), "b": 1})
    weights = jnp.arange(9.0)
    return (
        jax.jit(lambda t: ravel_pytree(t)[0])(tree),
        jax.vmap(lambda t: ravel_pytree(t)[0])(tree),
        jax.grad(lambda t: jnp.sum(ravel_pytree(t)[0] * weights))(tree),
        jax.jvp(lambda t: ravel_pytree(t)[0], (tree,), (tree,)),
        jax.vmap(unravel)(jnp.ones((2, 3))),
        jax.grad(lambda v: jnp.sum(unravel(v)["a"] ** 2))(flat),
        jax.jit(lambda u, v: u(v), static_argnums=0)(unravel, flat),
    )


@pytest.mark.parametrize("leaf", ["object()", "'text'", "jax.random.key(0)"])
@same_in_both
def test_ravel_pytree_wants_arrays(jax, leaf):
    return jax.flatten_util.ravel_pytree(eval(leaf, {"jax": jax}))


@same_in_both
def test_ravel_pytree_under_strict_promotion(jax):
    """The message lists the dtypes in the order of a set, so only the type is compared."""
    with jax.numpy_dtype_promotion("strict"):
        return attempt(lambda: jax.flatten_util.ravel_pytree((jax.numpy.ones(2), jax.numpy.arange(2))))[1]
