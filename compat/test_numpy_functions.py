"""Functions of jax.numpy that do not fit a table: dtypes, functions of functions, paths, settings."""

from __future__ import annotations

import functools
import itertools
from typing import Any

import numpy as np
import pytest

from compat.domains import numpy_dtype
from compat.same import Tolerance, same_in_both

DTYPES = "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 bfloat16 float16 float32 float64 complex64 complex128"
NARROW = "int4 uint4 float8_e4m3fn float8_e5m2"
PYTHON = {"bool": True, "int": 1, "float": 1.0, "complex": 1j}


def attempt(function: Any, *args: Any) -> Any:
    """The result's text, or the exception's type and text."""
    try:
        return str(function(*args))
    except Exception as error:
        return f"{type(error).__name__}: {str(error).splitlines()[0]}"


@same_in_both
def test_promote_types(jax: Any, each_x64: bool) -> Any:
    names = [*DTYPES.split(), *NARROW.split(), *PYTHON]
    types = [getattr(jax.numpy, n, None) if n not in PYTHON else type(PYTHON[n]) for n in names]
    return {
        f"{a},{b}": attempt(jax.numpy.promote_types, s, t)
        for (a, s), (b, t) in itertools.product(zip(names, types, strict=True), repeat=2)
    }


@same_in_both
def test_result_type_of_arrays_and_python_numbers(jax: Any, each_x64: bool) -> Any:
    jnp = jax.numpy
    arrays = {
        n: jnp.zeros(2, n) for n in DTYPES.split() if each_x64 or n not in ("int64", "uint64", "float64", "complex128")
    }
    weak = {f"weak {n}": jnp.asarray(v) for n, v in PYTHON.items()}
    everything = {**arrays, **weak, **PYTHON}
    return {
        f"{a},{b}": (
            attempt(jnp.result_type, x, y),
            attempt(lambda x=x, y=y: jax.eval_shape(jnp.add, x, y).weak_type),
        )
        for (a, x), (b, y) in itertools.product(everything.items(), repeat=2)
    }


@same_in_both(tolerance=Tolerance(0.0))
def test_rounded_numbers_have_the_same_digits(jax: Any) -> Any:
    """In each of their bits: numbers are rounded to be printed."""
    x = jax.numpy.linspace(-9, 9, 301)
    return [x.astype(dtype).round(places) for dtype in ("float32", "bfloat16", "float16") for places in (1, 2, 3, 4)]


@same_in_both
def test_strict_promotion(jax: Any) -> Any:
    jnp = jax.numpy
    with jax.numpy_dtype_promotion("strict"):
        pairs = [
            (jnp.ones(2), jnp.arange(2)),
            (jnp.ones(2), 1),
            (jnp.arange(2), 1.0),
            (jnp.ones(2), jnp.ones(2)),
        ]
        return [attempt(f, x, y) for f in (jnp.add, jnp.power) for x, y in pairs]


@same_in_both
def test_issubdtype_can_cast_isdtype(jax: Any) -> Any:
    jnp = jax.numpy
    classes = "generic number inexact floating complexfloating integer signedinteger unsignedinteger".split()
    names = [*DTYPES.split(), *NARROW.split()]
    return {
        "issubdtype": {
            f"{n},{c}": bool(jnp.issubdtype(numpy_dtype(n), getattr(jnp, c))) for n in names for c in classes
        },
        "keys": [bool(jax.dtypes.issubdtype(jax.random.key(0).dtype, k)) for k in (jax.dtypes.prng_key, jnp.number)],
        "can_cast": {f"{a},{b}": attempt(jnp.can_cast, a, b) for a in DTYPES.split() for b in DTYPES.split()},
        "isdtype": {
            f"{n},{kind}": attempt(jnp.isdtype, numpy_dtype(n), kind)
            for n in names
            for kind in (
                "bool",
                "signed integer",
                "unsigned integer",
                "integral",
                "real floating",
                "numeric",
                "no",
            )
        },
    }


@same_in_both
def test_finfo_iinfo(jax: Any) -> Any:
    jnp = jax.numpy
    floats = [n for n in [*DTYPES.split(), *NARROW.split()] if "float" in n]
    integers = [n for n in [*DTYPES.split(), *NARROW.split()] if "int" in n]
    return (
        {
            n: [str(getattr(jnp.finfo(n), a)) for a in ("eps", "max", "min", "tiny", "bits", "nmant", "dtype")]
            for n in floats
        },
        {n: [str(getattr(jnp.iinfo(n), a)) for a in ("max", "min", "bits", "dtype")] for n in integers},
        attempt(jnp.finfo, "int32"),
        attempt(jnp.iinfo, "float32"),
    )


@same_in_both
def test_dtype_objects(jax: Any, each_x64: bool) -> Any:
    jnp = jax.numpy
    found = {}
    for name in [
        *DTYPES.split(),
        *NARROW.split(),
        "int_",
        "float_",
        "complex_",
        "uint",
        "single",
        "double",
        "bool_",
    ]:
        kind = getattr(jnp, name)
        found[name] = (
            attempt(lambda kind=kind: kind(1)),
            attempt(lambda kind=kind: kind(1).dtype),
            str(jnp.dtype(kind)),
            kind == jnp.dtype(kind),
            repr(kind),
            attempt(lambda kind=kind: jnp.zeros(2, kind).dtype),
            hash(kind) == hash(jnp.dtype(kind)),
        )
    return found


@same_in_both
def test_functions_of_functions(jax: Any) -> Any:
    jnp = jax.numpy
    x = jnp.arange(12.0).reshape(3, 4)
    scale = jnp.vectorize(lambda v, s: v * s, signature="(n),()->(n)")
    product = jnp.frompyfunc(lambda a, b: a * b, 2, 1, identity=1)
    return {
        "along axis": [jnp.apply_along_axis(jnp.cumsum, axis, x) for axis in (0, 1)],
        "over axes": jnp.apply_over_axes(jnp.sum, x, [0, 1]),
        "vectorize": (scale(x, jnp.arange(3.0)), jnp.vectorize(lambda a, b: a + b)(x, 1.0)),
        "excluded": jnp.vectorize(lambda a, n: a**n, excluded={1})(x, 2),
        "frompyfunc": (product(x, 2.0), product.reduce(x, axis=0)),
        "vectorize error": attempt(scale, x, x),
    }


@same_in_both
def test_ufunc_methods(jax: Any) -> Any:
    jnp = jax.numpy
    x = jnp.array([3.0, 1.0, 2.0])
    return {
        name: (ufunc(x, x), ufunc.reduce(x), ufunc.accumulate(x), ufunc.outer(x, x), ufunc.nin, ufunc.nout)
        for name, ufunc in (("add", jnp.add), ("multiply", jnp.multiply), ("maximum", jnp.maximum))
    } | {
        "at": jnp.add.at(x, jnp.array([0, 0]), 1.0, inplace=False),
        "reduceat": jnp.add.reduceat(x, jnp.array([0, 1])),
        "call": jnp.add.__call__(x, x),
    }


@same_in_both(tolerance=Tolerance(40, normwise=True))
def test_polynomials(jax: Any) -> Any:
    jnp = jax.numpy
    x = jnp.linspace(-1, 1, 7)
    fit = jnp.polyfit(x, 2 * x**2 - x + 0.5, 2)
    roots = jnp.sort(jnp.real(jnp.roots(jnp.array([1.0, -6.0, 11.0, -6.0]), strip_zeros=False)))
    return fit, jnp.polydiv(jnp.array([2.0, 3.0, 1.0]), jnp.array([1.0, 1.0])), roots


@same_in_both
def test_einsum_path(jax: Any) -> Any:
    a, b, c = (np.ones(shape) for shape in ((2, 3), (3, 4), (4, 2)))
    return jax.numpy.einsum_path("ij,jk,kl->il", a, b, c)[0], jax.numpy.einsum_path("ij,jk", a, b, optimize=True)[0]


@same_in_both
def test_histograms(jax: Any, rng: np.random.Generator) -> Any:
    jnp = jax.numpy
    x, y = (jnp.asarray(rng.normal(size=20).astype("float32")) for _ in range(2))
    return (
        jnp.histogram_bin_edges(x, 4),
        jnp.histogram2d(x, y, bins=3),
        jnp.histogramdd(jnp.stack([x, y], 1), bins=2),
    )


@pytest.mark.parametrize("name", ["fromfile", "load"])
@same_in_both(covers=["jax.numpy.fromfile"])
def test_files_that_are_not_there(jax: Any, name: str) -> Any:
    return getattr(jax.numpy, name)("no-such-file.npy")


@same_in_both
def test_index_helpers(jax: Any) -> Any:
    jnp = jax.numpy
    return (
        [
            jnp.mgrid[0:3, 0:2],
            jnp.ogrid[0:3, 0:2],
            jnp.r_[1, 2, jnp.arange(3)],
            jnp.c_[jnp.arange(2), jnp.ones(2)],
        ],
        [str(jnp.s_[1:2, ...]), str(jnp.index_exp[0]), jnp.newaxis],
        [jnp.pi, jnp.e, jnp.inf, jnp.nan, jnp.euler_gamma],
    )


@same_in_both
def test_print_settings(jax: Any) -> Any:
    before = jax.numpy.get_printoptions()["precision"]
    jax.numpy.set_printoptions(precision=before)
    return before


@same_in_both(tolerance=Tolerance(60, normwise=True))
def test_eig(jax: Any) -> Any:
    a = jax.numpy.array([[1.0, 2.0], [3.0, 4.0]])
    values, vectors = jax.numpy.linalg.eig(a)
    order = jax.numpy.argsort(values.real)
    return values[order], a @ vectors - vectors * values


@same_in_both
def test_what_the_array_api_asks(jax: Any, each_x64: bool) -> Any:
    jnp = jax.numpy
    info = jnp.__array_namespace_info__()
    return (
        (jnp.__array_api_version__, info.capabilities(), info.default_device(), len(info.devices())),
        (info.default_dtypes(), info.dtypes(), info.dtypes(kind=("bool", "integral"))),
        attempt(lambda: info.dtypes(kind="x")),
    )


@same_in_both
def test_odd_numbers(jax: Any) -> Any:
    jnp = jax.numpy
    z = jnp.array([1 + 2j, jnp.nan + 1j, 1 + jnp.nan * 1j, jnp.inf - 1j, 0], "complex64")
    zeros = jnp.zeros(6, "complex64")
    truth = jnp.array([True, False, True])
    return (
        (z + z[::-1], z - z[::-1], z + 2.5, 2.5 - z, z + jnp.nan, z + 1e30),
        (zeros ** jnp.array([0, 1, 2, 1j, -1, 2 + 1j]), jnp.array([0, 1, 2]) ** jnp.array([0.5 + 1j, 0, 2])),
        [getattr(truth.at[jnp.array([0, 1, 1])], m)(2) for m in ("add", "multiply", "subtract", "divide", "power")],
        attempt(lambda: truth.at[0].add(True)),
        [jnp.arange(3) + 2.5 for _ in range(2)],
        [jnp.arange(3, dtype="int8") / jnp.ones(3) for _ in range(2)],
        (jnp.ndim([1]), jnp.shape([[1]]), jnp.size([[1, 2]], axis=1)),
        jnp.nanmean(jnp.array([1.5, jnp.nan]), dtype=int),
        attempt(lambda: jnp.ones((2, 3)).reshape(4)),
        attempt(lambda: jnp.fix).split(" Use ")[0].split(" jax.numpy.trunc ")[0],
    )


@same_in_both
def test_where_of_many(jax: Any, rng: np.random.Generator) -> Any:
    """More elements than the usual kernel is used for; what is not chosen leaves nothing behind, NaN neither."""
    jnp = jax.numpy
    x = jnp.asarray(rng.normal(size=600_000).astype("float32")).at[5].set(jnp.nan).at[7].set(-jnp.inf)
    chosen = x > 0
    many = [jnp.where(chosen, x, 0.0), jnp.where(chosen, x, 0), jnp.where(chosen, x, -0.0), jnp.where(chosen, x, 1)]
    many += [jnp.where(chosen[::2], x[::2], 0.0), jax.grad(lambda x: jnp.where(x > 0, x, 0.0).sum())(x)]
    with jax.enable_x64(True):
        many.append(jnp.where(chosen, x.astype("float64"), 0.0))
    return many


@same_in_both
def test_small_systems(jax: Any, rng: np.random.Generator) -> Any:
    """Sizes that are solved by LAPACK directly, a singular matrix and wrong shapes among them."""
    jnp, solve = jax.numpy, jax.numpy.linalg.solve
    a = jnp.asarray((rng.normal(size=(4, 4)) + 4 * np.eye(4)).astype("float32"))
    b = jnp.asarray(rng.normal(size=4).astype("float32"))
    found = [solve(a, b), solve(a.T, b), solve(a, b[:, None]), solve(jnp.zeros((0, 0)), jnp.zeros(0)), jax.jit(solve)(a, b)]
    found += [jax.grad(lambda a: solve(a, b).sum())(a), jax.vmap(solve, (None, 0))(a, jnp.stack([b, 2 * b]))]
    found.append(jnp.isfinite(solve(jnp.ones((2, 2)), jnp.arange(2.0))))
    with jax.enable_x64(True):
        found.append(solve(a.astype("float64"), b.astype("float64")))
    for wrong in (lambda: solve(a, b[:3]), lambda: solve(a[:3], b), lambda: solve(a[0], b)):
        try:
            wrong()
        except (ValueError, TypeError) as error:
            found.append(f"{type(error).__name__}: {error}")
    return found


KEPT = ("sum", "prod", "max", "min", "any", "all", "mean", "var", "std", "argmax", "quantile", "ptp", "nanmean", "nanvar",
        "nansum", "nanmax", "nanargmin", "count_nonzero", "average", "median", "linalg.norm", "linalg.vector_norm",
        "linalg.matrix_norm", "logsumexp", "logmeanexp")  # fmt: skip


@pytest.mark.parametrize("name", KEPT)
@same_in_both
def test_keepdims_that_is_a_number(jax: Any, name: str) -> Any:
    module = jax.nn if name.startswith("log") else jax.numpy
    fun = functools.reduce(getattr, name.split("."), module)
    x = jax.numpy.arange(6.0).reshape(2, 3)
    given = (x, 0.5) if name == "quantile" else (x,)
    return fun(*given, keepdims=1), fun(*given, keepdims=0), [said(lambda a=a: fun(*given, axis=a)) for a in (5, (0, 0))]


@same_in_both
def test_odd_arguments(jax: Any) -> Any:
    jnp, x = jax.numpy, jax.numpy.arange(6.0).reshape(2, 3)
    shapes = [(2.0,), (-1,), None, (jnp.int32(3),), "a"]
    found = [said(lambda s=s: jnp.broadcast_shapes(s)) for s in shapes]
    for fun in (jax.nn.softmax, jax.nn.log_softmax, jax.nn.logsumexp):
        found += [said(lambda f=fun, a=a: f(x, axis=a)) for a in (5, -3, (0, 0), (0, -2))]
    found += [said(lambda m=m: jax.lax.round(x, m)) for m in (0, 1, 3, None, jax.lax.RoundingMethod.TO_NEAREST_EVEN)]
    found += [jnp.linalg.svd(x, None)[2].shape, jnp.linalg.svd(x, 1)[2].shape, jnp.linalg.pinv(x, None, None)]
    return found


def said(use: Any) -> Any:
    """What a call returns, or the exception it ends with, to its first sentence."""
    try:
        return use()
    except (TypeError, ValueError, IndexError) as error:
        return f"{type(error).__name__}: {str(error).split('. ')[0]}"
