"""jaxtyping: shapes and dtypes in annotations, checked."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Complex, Float, Float32, Int, Key, PRNGKeyArray, PyTree, Shaped, jaxtyped


def quick_start():
    x = jnp.ones((3, 4))
    return [
        isinstance(x, Float[Array, "a b"]), isinstance(x, Float[Array, "a a"]), isinstance(x, Int[Array, "..."]),
        isinstance(x, Float32[Array, "3 4"]), isinstance(x, Float[Array, "3"]), isinstance(x, Shaped[Array, "* 4"]),
        isinstance(np.ones(3), Float[Array, "3"]), isinstance(x > 0, Bool[Array, "a b"]),
        isinstance(x * 1j, Complex[Array, "_ _"]), isinstance(jax.random.key(0), Key[Array, ""]),
        isinstance(jax.random.PRNGKey(0), PRNGKeyArray), isinstance({"a": x, "b": [x]}, PyTree[Float[Array, "3 4"]]),
        isinstance({"a": x, "b": 1}, PyTree[Float[Array, "3 4"]]), isinstance(x.astype(jnp.bfloat16), Float[Array, "..."]),
    ]  # fmt: skip


def a_checked_function_inside_transformations():
    def matvec(a, x):
        with jaxtyped("context"):
            if not (isinstance(a, Float[Array, "n m"]) and isinstance(x, Float[Array, "m"])):
                raise TypeError("not a matrix and a vector that go together")
            out = a @ x
            assert isinstance(out, Float[Array, "n"])
        return out

    a = jax.random.normal(jax.random.key(0), (3, 4))
    good = jax.jit(matvec)(a, jnp.ones(4)), jax.vmap(matvec, (None, 0))(a, jnp.ones((2, 4)))
    grads = jax.grad(lambda a: jnp.sum(matvec(a, jnp.ones(4)) ** 2))(a)
    refused = []
    for args in ((a, jnp.ones(3)), (a.astype(int), jnp.ones(4))):
        try:
            jax.jit(matvec)(*args)
            refused.append(False)
        except Exception as error:
            refused.append(isinstance(error, TypeError))
    return good, grads, refused


def shape_structs_and_tree_structures():
    spec = jax.eval_shape(lambda x: {"a": x, "b": x.sum()}, jnp.ones((2, 3)))
    return [
        isinstance(spec["a"], Float[jax.ShapeDtypeStruct, "2 3"]),
        isinstance(spec["b"], Float[jax.ShapeDtypeStruct, ""]),
        isinstance((1, (2, 3)), PyTree[int, "T"]),
    ]


def inside_a_trace():
    said = []

    @jax.jit
    def f(x, key):
        said.append([isinstance(x, Float[Array, "a b"]), isinstance(x, Int[Array, "a b"]), isinstance(key, Key[Array, ""])])
        return x * 2

    out = f(jnp.ones((2, 2)), jax.random.key(1))
    return said, out
