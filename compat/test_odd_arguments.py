"""Arguments that few programs give: of no hash, of no array, negative sizes, narrow dtypes, strict promotion."""

from __future__ import annotations

import operator

import numpy as np
import pytest

from compat.same import same_in_both, sampled


class AsArray:
    """Says how to make an array of itself."""

    def __array__(self, dtype=None, copy=None):
        return np.ones(3, np.float32)


REFUSED = {
    "norm of a list as order": lambda jax, x: jax.numpy.linalg.norm(x, ord=[1, 2]),
    "quantile method": lambda jax, x: jax.numpy.quantile(x, 0.5, method=["linear"]),
    "median axis": lambda jax, x: jax.numpy.median(x, axis=jax.numpy.arange(1)),
    "convolve mode": lambda jax, x: jax.numpy.convolve(x, x, mode=["full"]),
    "matrix_power exponent": lambda jax, x: jax.numpy.linalg.matrix_power(jax.numpy.eye(2), [2]),
    "mode axis": lambda jax, x: jax.scipy.stats.mode(x, axis=[0, 1]),
    "cholesky of text": lambda jax, x: jax.numpy.linalg.cholesky("text"),
    "cumsum of text": lambda jax, x: jax.numpy.cumsum("text"),
    "glu of an object": lambda jax, x: jax.nn.glu(AsArray()),
    "diagonal offset": lambda jax, x: jax.numpy.linalg.diagonal(jax.numpy.eye(2), offset=[0]),
    "half precision vector": lambda jax, x: jax.numpy.linalg.eigh(x.astype("float16")),
    "a call that does not fit": lambda jax, x: jax.numpy.cumsum(x, bogus=1),
    "name of an axis": lambda jax, x: jax.lax.psum(x, x),
    "accuracy": lambda jax, x: jax.lax.exp(x, accuracy=[0]),
    "gather's dimension numbers": lambda jax, x: jax.lax.gather(x, jax.numpy.zeros((1, 1), int), ((0,), ()), (1,)),
    "scatter's dimension numbers": lambda jax, x: jax.lax.scatter(x, jax.numpy.zeros((1, 1), int), x, ((0,), ())),
    "key as index": lambda jax, x: operator.index(jax.random.key(0)),
    "key as complex": lambda jax, x: complex(jax.random.key(0)),
    "rtol and tol": lambda jax, x: jax.numpy.linalg.matrix_rank(jax.numpy.eye(2), 0.1, tol=0.1),
    "unique size": lambda jax, x: jax.numpy.unique(x, size=-1),
    "repeat length": lambda jax, x: jax.numpy.repeat(x, 2, total_repeat_length=-3),
    "one_hot classes": lambda jax, x: jax.nn.one_hot(jax.numpy.arange(3), -1),
    "bincount length": lambda jax, x: jax.numpy.bincount(jax.numpy.arange(3), length=-1),
    "indices": lambda jax, x: jax.numpy.indices((2, -1)),
    "vecdot's batches": lambda jax, x: jax.numpy.vecdot(jax.numpy.ones((2, 3)), jax.numpy.ones((4, 3))),
}


@pytest.mark.parametrize("name", sampled(REFUSED, slow=""))
@same_in_both
def test_refused(jax, name):
    return REFUSED[name](jax, jax.numpy.arange(3.0))


@same_in_both
def test_taken(jax):
    jnp = jax.numpy
    cube = jnp.arange(16.0).reshape(4, 2, 2) + jnp.eye(4).reshape(4, 2, 2)
    return {
        "offset": jnp.linalg.diagonal(jnp.ones((2, 3)), offset=True),
        "rank of a vector": jnp.linalg.matrix_rank(jnp.ones(3, "float16")),
        "absolute rtol": jnp.linalg.matrix_rank(jnp.diag(jnp.array([5.0, 0.3, 0.05])), 0.1),
        "inverse of a number": jnp.linalg.tensorinv(2.0),
        "axes in order": jnp.linalg.tensorsolve(jnp.moveaxis(cube, 0, -1), jnp.ones(4), axes=(1, 0)),
        "dawsn of infinity": jax.scipy.special.dawsn(jnp.array([jnp.inf, -jnp.inf, 2.0])),
        "axis of bool": jnp.vecdot(jnp.ones((1, 2)), jnp.ones((1, 2)), axis=False),
    }


@pytest.mark.parametrize("dtype", ["float8_e4m3fn", "float8_e5m2", "float8_e4m3b11fnuz"])
@same_in_both
def test_float8(jax, dtype):
    jnp = jax.numpy
    a, b = jnp.array([1.5, 2, 3, -1.25]).astype(dtype), jnp.array([1, 0.5, -2, 3]).astype(dtype)
    made = [getattr(jnp, name)(a, b) for name in "add subtract divide maximum power less remainder".split()]
    made += [getattr(jnp, name)(a) for name in "exp sqrt negative floor sign isfinite logical_not nan_to_num".split()]
    square = a.reshape(2, 2)
    made += [a * 2, jnp.clip(a, 0, 1), square @ square, jnp.dot(square, b[:2], preferred_element_type="float32")]
    return [x.astype("float32") if x.dtype == dtype else x for x in made], [str(x.dtype) for x in made]


@same_in_both
def test_products_of_int4(jax):
    a = jax.numpy.array([[1, 2], [3, -4]]).astype("int4")
    made = a @ a
    return made.astype("int32"), str(made.dtype)


STRICT = {
    "broadcast_arrays": lambda jax, x: jax.numpy.broadcast_arrays(x, x[0]),
    "array_equiv": lambda jax, x: jax.numpy.array_equiv(x, x[0]),
    "csd": lambda jax, x: jax.scipy.signal.csd(x, x, nperseg=8),
    "istft": lambda jax, x: jax.scipy.signal.istft(jax.scipy.signal.stft(x, nperseg=8)[2], nperseg=8),
}


@pytest.mark.parametrize("name", list(STRICT))
@same_in_both
def test_ranks_are_not_promoted(jax, name):
    with jax.numpy_rank_promotion("raise"):
        return STRICT[name](jax, jax.numpy.sin(jax.numpy.arange(32.0)).reshape(2, 16))


SECOND = {
    "cumprod": lambda jax, x: jax.numpy.cumprod(x),
    "variance of complex numbers": lambda jax, x: jax.numpy.var(x + 1j * x),
    "polyval of complex numbers": lambda jax, x: jax.numpy.polyval(x[:1] + 0j, x[0] + 1j),
}


@pytest.mark.parametrize("name", list(SECOND))
@same_in_both
def test_second_forward_derivative(jax, name):
    x, t = jax.numpy.array([-0.5, 0.5, 0.0, -1.0]), jax.numpy.array([1.0, 2.0, 3.0, -1.0])
    return jax.jvp(lambda x: jax.jvp(lambda x: SECOND[name](jax, x), (x,), (t,))[1], (x,), (t,))
