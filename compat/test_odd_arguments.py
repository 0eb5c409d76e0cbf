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
    **{
        f"{name} into an array": lambda jax, x, name=name: getattr(jax.numpy, name)(x, out=x)
        for name in "cumsum cumprod nansum nanmean nanmax round".split()
    },
    **{
        f"{name} dtype": lambda jax, x, name=name: getattr(jax.numpy, name)(x, dtype=[1])
        for name in "sum prod mean var std".split()
    },
    "linspace dtype": lambda jax, x: jax.numpy.linspace(0, 1, dtype={}),
    "mean as bool": lambda jax, x: jax.numpy.mean(x, dtype=bool),
    "cumsum of a number": lambda jax, x: jax.numpy.cumsum(x[0], axis=0),
    "accumulate of a number": lambda jax, x: jax.numpy.add.accumulate(x[0]),
    "qr mode": lambda jax, x: jax.numpy.linalg.qr(x, "economic"),
    "raw qr of a vector": lambda jax, x: jax.numpy.linalg.qr(x, "raw"),
    "vector norm by a name": lambda jax, x: jax.numpy.linalg.vector_norm(x, ord="-inf"),
    "vector norm of integers": lambda jax, x: jax.numpy.linalg.vector_norm(x.astype(int), ord=-2),
    "number of integers": lambda jax, x: jax.numpy.linalg.vector_norm(x.astype(int), ord=0),
    "gcd of shapes": lambda jax, x: jax.numpy.gcd(np.ones((2, 3), int), np.ones(2, int)),
    "integral of nothing": lambda jax, x: jax.numpy.trapezoid(x[:0]),
    "integral over places": lambda jax, x: jax.numpy.trapezoid(np.ones((2, 4)), x),
    "codes of another length": lambda jax, x: jax.scipy.cluster.vq.vq(np.ones((5, 3)), np.ones((4, 2))),
    "too few strides": lambda jax, x: jax.lax.conv(np.ones((1, 2, 5, 5)), np.ones((3, 2, 2, 2)), (1,), "SAME"),
    "strides of nothing": lambda jax, x: jax.lax.conv(np.ones((1, 2, 5, 5)), np.ones((3, 2, 2, 2)), (-1, 1), "VALID"),
    "too few strides back": lambda jax, x: jax.lax.conv_transpose(np.ones((1, 5, 5, 2)), np.ones((2, 2, 2, 3)), (2,), "SAME"),
    "window of one axis": lambda jax, x: jax.lax.reduce_window(np.ones((5, 5)), 0.0, jax.lax.add, (2,), (1, 1), "SAME"),
    "window that stands": lambda jax, x: jax.lax.reduce_window(np.ones((5, 5)), 0.0, jax.lax.add, (2, 2), (0, 1), "VALID"),
    "pads of one axis": lambda jax, x: jax.lax.reduce_window(np.ones((5, 5)), 0.0, jax.lax.add, (2, 2), (1, 1), [(0, 0)]),
    "float of two bits": lambda jax, x: jax.numpy.exp(x.astype("int2")),
    "median of nothing": lambda jax, x: jax.numpy.nanmedian(x[:0]),
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
        "full qr": jnp.linalg.qr(jnp.array([[1.0, 2], [3, 1], [0, 2]]), "full")[1],
        "product of one": jnp.linalg.multi_dot([jnp.arange(6.0).reshape(2, 3)]),
        "unwrapped integers": jnp.unwrap(jnp.array([0, 8, 1])),
        "quantile of a number": [f(2.0, 0.3, keepdims=True) for f in (jnp.quantile, jnp.nanquantile)],
        "variance of no integers": jnp.var(jnp.zeros(0, "uint8"), dtype="uint8"),
        "multigammaln of numbers": [jax.scipy.special.multigammaln(a, 2) for a in (4, 3.5, np.int32(5))],
        "bytes": bytes(jnp.arange(3.0)),
        "path from the left": jnp.einsum_path("ij,jk,kl->il", *map(np.ones, [(2, 3), (3, 4), (4, 2)]), optimize=False)[0],
        "angles of eight bits": jnp.angle(jnp.array([1.0, -2.0], "float8_e4m3fn")),
        "turns of eight bits": str(jnp.unwrap(jnp.array([1.0, 8.0, -2.0], "float8_e4m3fn")).dtype),
        "no draws": [jax.random.poisson(jax.random.key(0), 2.0, (0, 2)), jax.random.binomial(jax.random.key(0), 3, 0.5, (0,))],
    }


POINTS = np.array([np.inf, -np.inf, np.nan, 0, -0.0, -1, -0.5, 0.5, 2], "float32")


@same_in_both
def test_poles(jax):
    """Where zeta and polygamma are infinite, and where JAX calls them undefined."""
    x, q = (jax.numpy.array(v.ravel()) for v in np.meshgrid(np.array([2, 3, 1.5, 1, 0.5, 0, -1, -2], "float32"), POINTS))
    n, at = (jax.numpy.array(v.ravel()) for v in np.meshgrid(np.array([0, 1, 2, 0.5, -1, 1.5], "float32"), POINTS))
    return jax.lax.zeta(x, q), jax.scipy.special.zeta(x, q), jax.lax.polygamma(n, at)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "bool"])
@same_in_both
def test_norms_of_integers(jax, dtype):
    x = jax.numpy.array([[1, 2, 100], [0, 3, 90]]).astype(dtype)
    orders = [None, 2, 1, 3, 2.5, np.inf, -np.inf]
    return [jax.numpy.linalg.vector_norm(x, ord=o, axis=a) for o in orders for a in (None, 0)]


@pytest.mark.parametrize("mode", ["warn", "raise"])
@pytest.mark.parametrize("name", ["gcd", "lcm", "ldexp", "divmod"])
@same_in_both
def test_ranks(jax, mode, name):
    """Which function a rank that is promoted is a fault of, if of any."""
    with jax.numpy_rank_promotion(mode):
        return getattr(jax.numpy, name)(jax.numpy.ones((2, 3), int), jax.numpy.arange(3))


@same_in_both
def test_complex_infinities(jax):
    """Infinite parts, and finite ones whose squares overflow."""
    inf, large = np.inf, 3e38
    z = [complex(a, b) for a in (inf, -inf, 0, 1, large) for b in (inf, -inf, 0.5, large, -large, 1e-10)]
    x = jax.numpy.array(np.array(z, "complex64"))
    tame = jax.numpy.array(np.array([complex(-1e5, 2), complex(-inf, 0.5), complex(1e5, 3)], "complex64"))
    return jax.numpy.log1p(x), jax.numpy.square(x), jax.lax.logistic(tame)


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
    made = [a @ a, jax.lax.integer_pow(a, 2), a**3, jax.numpy.power(a, 1)]
    return [x.astype("int32") for x in made], [str(x.dtype) for x in made]


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


@same_in_both
def test_no_tangents_are_arrays(jax):
    """Second derivatives that torch knows to be zero come with memory."""
    x = jax.numpy.array([-1.0, 2.0])
    second = jax.grad(jax.grad(jax.numpy.abs))
    flipped = jax.grad(lambda x: jax.numpy.copysign(x, -1.0))
    return second(1.0), jax.vmap(second)(x), jax.vmap(lambda x: jax.jvp(flipped, (x,), (2 * x,)))(x)


@same_in_both
def test_weak_type_of_truth(jax):
    """Of conditions without axes as of what they promote to, of others never; a bool is never weak by promotion."""
    jnp, found = jax.numpy, dict[str, bool]()
    compared = jnp.array(1) == 1
    kinds = {"bool": jnp.array(True), "compared": compared, "int": jnp.array(1), "int32": jnp.int32(1), "number": 1.0}
    kinds |= {"ints": jnp.ones(2, int), "bools": jnp.ones(2, bool), "weak": jax.jit(lambda x: x * 1.0)(jnp.ones(2, int))}
    for name, a in kinds.items():
        found |= {f"{name} and {other}": jnp.logical_and(a, b).weak_type for other, b in kinds.items()}
    return found, (compared & compared).weak_type, jnp.equal(compared, compared)


@pytest.mark.parametrize("s", [(), (3, 4)])
@same_in_both
def test_real_transform_over_few_axes(jax, s):
    return jax.numpy.fft.irfftn(jax.numpy.arange(5.0), s=s)


@same_in_both
def test_log1p_near_its_circle(jax):
    """Where the real part, half the logarithm of ``|1 + x|**2``, is what two squares leave."""
    return jax.numpy.log1p(jax.numpy.array([-1.0202491e-15 - 4.5171873e-08j, 0.25 - 0.5j, -0.5, 3 + 4j], "complex64"))
