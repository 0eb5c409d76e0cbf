"""The tools of JAX's test files (`jax._src.test_util`) against JAX's own: the same draws, cases, tolerances, verdicts."""

import functools
import unittest
import warnings
from typing import Any

import numpy as np
import pytest

pytest.importorskip("absl", reason="the base class of JAX's tests is absl's; the test extra installs it")

import jax._src.test_util

import jaxlike._src.testing.suite

theirs: Any = jax._src.test_util
ours: Any = jaxlike._src.testing.suite

SHAPES = [(3, 4), (), (0, 2), (5,), 7]
DTYPES = ["float32", "float64", "int32", "uint8", "complex64", "bool"]
SAMPLERS = [
    "rand_default", "rand_nonzero", "rand_positive", "rand_small", "rand_not_small", "rand_small_positive",
    "rand_uniform", "rand_some_equal", "rand_some_inf", "rand_some_nan", "rand_some_inf_and_nan", "rand_some_zero",
    "rand_fullrange", "rand_int", "rand_bool",
]  # fmt: skip


def outcome(f):
    try:
        return f()
    except Exception as error:
        return type(error), str(error).split("\n")[0]


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of casts of NaN to integers, in both
def test_samplers(name):
    """Every sampler draws what JAX's draws, for every kind of shape and dtype."""
    drawn = 0
    for dtype in DTYPES:
        for shape in [*SHAPES, "numpy scalar", "python scalar"]:
            results = []
            for tools in (theirs, ours):
                scalars = {"numpy scalar": tools.NUMPY_SCALAR_SHAPE, "python scalar": tools.PYTHON_SCALAR_SHAPE}
                given = scalars.get(shape, shape) if isinstance(shape, str) else shape
                sampler = getattr(tools, name)(np.random.RandomState(3))
                results.append(outcome(functools.partial(sampler, given, np.dtype(dtype))))
            expected, got = results
            if isinstance(expected, tuple):
                continue  # JAX refuses this shape
            assert type(got) is type(expected), (dtype, shape, got, expected)
            np.testing.assert_array_equal(got, expected, err_msg=f"{name} {dtype} {shape}")
            drawn += 1
    assert drawn > 10


@pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
@pytest.mark.parametrize("sizes", [(0, 3), (4, None), (1, 2), (2, 0)])
def test_complex_plane(dtype, sizes):
    np.testing.assert_array_equal(ours.complex_plane_sample(dtype, *sizes), theirs.complex_plane_sample(dtype, *sizes))


EXACT = "abs sqrt exp expm1 exp2 log log1p log2 sin tan arcsin arccos arctan tanh arcsinh arccosh arctanh sign sinc"


@pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of the largest numbers of the sample
def test_functions_by_mpmath(dtype):
    """Functions of exact arithmetic, at infinities, on branch cuts and elsewhere; and what is made of their results."""
    mpmath = pytest.importorskip("mpmath", reason="references of JAX's tests are made by it; torch brings it, by sympy")
    x = ours.complex_plane_sample(dtype, 2, 2)
    real = x.real[0]
    expected, got = (tools.numpy_with_mpmath(mpmath, extra_prec=1) for tools in (theirs, ours))
    for name in EXACT.split():
        np.testing.assert_array_equal(getattr(got, name)(x), getattr(expected, name)(x), err_msg=name)
        np.testing.assert_array_equal(got.exp(real), expected.exp(real))
    close, closer = (x * (1 + 3e-7)).astype(dtype), (x * (1 + 1e-7)).astype(dtype)
    for a, b in zip(got.normalize(closer, x, close), expected.normalize(closer, x, close), strict=True):
        np.testing.assert_array_equal(a, b)
    wide = ours.vectorize_with_mpmath(lambda x: x, mpmath=mpmath)
    np.testing.assert_array_equal(wide.mptonp(wide.nptomp(x)), x)
    assert type(wide.nptomp(x[0, 0])) is wide.contexts[np.finfo(dtype).dtype.name].mpc


def test_versions_and_warnings():
    import jax._src.test_warning_util as their_warnings

    from jaxlike._src.testing.suite import test_case as our_warnings

    for tools, warns in ((theirs, their_warnings), (ours, our_warnings)):
        assert tools.pjrt_c_api_version_at_least(0, 40)
        assert tools.stablehlo_version_at_least("1.0.0")
        with warns.record_warnings() as seen:
            warnings.warn("said", UserWarning, stacklevel=1)
        assert [str(w.message) for w in seen] == ["said"]
        with pytest.raises(UserWarning, match="said"), warns.raise_on_warnings():
            warnings.warn("said", UserWarning, stacklevel=1)


def test_cases():
    """The same parameters are drawn, under the same names."""
    axes = [dict(shape=s, axis=a) for s in [(2, 3), (4,)] for a in range(2)], [dict(kind="x"), dict(kind="y")]
    for size in (3, 10):
        values = {"dtype": DTYPES[:size], "flag": [True, False]}
        assert ours.sample_product_testcases(*axes, **values) == theirs.sample_product_testcases(*axes, **values)
    assert ours.sanitize_test_name("f[3, 'a'].b") == theirs.sanitize_test_name("f[3, 'a'].b")
    for shape in SHAPES:
        assert ours.format_shape_dtype_string(shape, np.int8) == theirs.format_shape_dtype_string(shape, np.int8)

    def gen(choose):
        for n in choose([1, 2, 3]):
            yield {"testcase_name": f"_{n}", "n": n}

    assert list(ours.named_cases_from_sampler(gen)) == list(theirs.named_cases_from_sampler(gen))
    sizes = list(ours.cases_from_gens(lambda n: n, str))
    assert sizes == list(theirs.cases_from_gens(lambda n: n, str))


@pytest.mark.parametrize("x64", [False, True])
def test_dtypes(x64):
    import jax

    import jaxlike

    kinds = ["floating", "all_floating", "integer", "all_integer", "unsigned", "all_unsigned", "complex", "boolean"]
    kinds += ["inexact", "all_inexact", "numeric", "all"]
    with jax.enable_x64(x64), jaxlike.enable_x64(x64):
        assert ours.supported_dtypes() == theirs.supported_dtypes()
        fresh = type(theirs.dtypes)()  # JAX's lists are kept as first made
        for kind in kinds:
            assert getattr(ours.dtypes, kind) == getattr(fresh, kind)


def test_patterns():
    for tools in (theirs, ours):
        assert tools.pattern_search("[ab]", "xb") == "[ab]" and tools.pattern_search(["q", "x"], "xb") == "x"
        assert tools.pattern_search("q", "xb") is None and tools.device_kind_match("no such device") is None


def test_tolerances():
    assert ours.default_tolerance() == theirs.default_tolerance()
    assert ours.default_gradient_tolerance == theirs.default_gradient_tolerance
    for tol in (None, 1e-3, {np.float32: 1e-2, np.float16: 1}):
        for dtype in (np.float32, np.int32, np.float16):
            assert ours.tolerance(np.dtype(dtype), tol) == theirs.tolerance(np.dtype(dtype), tol)
        assert ours.join_tolerance(tol, 1e-4) == theirs.join_tolerance(tol, 1e-4)


VERDICTS = {
    "equal": lambda case: case.assertAllClose(np.float32(1), np.float32(1)),
    "apart": lambda case: case.assertAllClose(np.float32(1), np.float32(1.1)),
    "near": lambda case: case.assertAllClose(np.float32(1), np.float32(1 + 1e-7)),
    "asked": lambda case: case.assertAllClose(np.float32(1), np.float32(1.1), rtol=0.2),
    "dtypes": lambda case: case.assertAllClose(np.float32(1), np.int32(1)),
    "dtypes unchecked": lambda case: case.assertAllClose(np.float32(1), np.int32(1), check_dtypes=False),
    "wide": lambda case: case.assertAllClose(np.float64(1), np.float32(1)),
    "wide kept": lambda case: case.assertAllClose(np.float64(1), np.float32(1), canonicalize_dtypes=False),
    "trees": lambda case: case.assertAllClose({"a": [1.0, (2,)]}, {"a": [1.0, (2,)]}),
    "other trees": lambda case: case.assertAllClose({"a": 1.0}, {"b": 1.0}),
    "lengths": lambda case: case.assertAllClose([1.0], [1.0, 2.0]),
    "a sequence and a number": lambda case: case.assertAllClose([1.0], 1.0),
    "shapes": lambda case: case.assertAllClose(np.ones(2), np.ones((2, 1))),
    "arrays": lambda case: case.assertArraysEqual(np.arange(3), np.arange(3)),
    "other arrays": lambda case: case.assertArraysEqual(np.arange(3), np.ones(3, int)),
    "objects": lambda case: case.assertArraysEqual(np.array([None]), np.array([None]), check_dtypes=False),
    "texts": lambda case: case.assertMultiLineStrippedEqual("\n  a\n    b\n", "a\n  b"),
    "other texts": lambda case: case.assertMultiLineStrippedEqual("a", "b"),
    "close": lambda case: case.tools.check_close([np.ones(3)], [np.ones(3) + 1e-9], rtol=1e-6, atol=0),
    "not close": lambda case: case.tools.check_close([np.ones(3)], [np.zeros(3)]),
    "raised": lambda case: case.tools.check_raises(lambda: int("x"), ValueError, "invalid literal"),
    "raised otherwise": lambda case: case.tools.check_raises(lambda: int("x"), ValueError, "literal"),
    "not raised": lambda case: case.tools.check_raises_regexp(lambda: 1, ValueError, "literal"),
}


@pytest.mark.parametrize("name", VERDICTS)
def test_verdicts(name):
    """What passes for equal, and the kind of error where it does not."""
    found = []
    for tools in (theirs, ours):

        class Case(tools.JaxTestCase):
            def test(self):
                VERDICTS[name](self)

        Case.tools = tools
        result = unittest.TestResult()
        Case("test").run(result)
        assert result.testsRun == 1
        found.append((len(result.failures), len(result.errors)))
    assert found[1] == found[0]


def test_flags_and_counts():
    """Promotion is strict inside of a test, flags of classes are set, and traces are counted."""
    import jaxlike
    import jaxlike.numpy as jnp

    seen = {}

    @ours.with_config(jax_numpy_rank_promotion="allow")
    class Case(ours.JaxTestCase):
        def test(self):
            seen["sum"] = (jnp.ones((2, 2)) + jnp.ones(2)).shape
            with self.assertRaises(ValueError):
                jnp.add(jnp.ones(2, "float32"), jnp.ones(2, "int32"))
            f = jaxlike.jit(lambda x: x * 2)
            self.assertCacheMisses(lambda: (f(1.0), f(2.0)), cpp=1, tracing=1, lowering=1)
            self.assertCacheMisses(lambda: f(3.0), cpp=0, tracing=0, lowering=0)
            self._CompileAndCheck(jnp.sin, lambda: [self.rng().randn(3).astype("float32")])
            self._CheckAgainstNumpy(np.add, jnp.add, lambda: [np.ones(2, "float32"), np.ones(2, "float32")])

        def test_leaves_a_flag(self):
            jaxlike.config.update("jax_default_matmul_precision", "highest")

    result = unittest.TestResult()
    Case("test").run(result)
    assert not result.failures and not result.errors, result
    assert seen["sum"] == (2, 2)
    try:
        Case("test_leaves_a_flag").run(result)
    finally:
        jaxlike.config.update("jax_default_matmul_precision", None)
    assert "Test changed global config values" in result.failures[0][1]


def test_rows_of_lax() -> None:
    """The functions of lax with their dtypes and draws, and where a mapped axis goes."""
    from jax._src.internal_test_util import lax_test_util as theirs

    from jaxlike._src.testing.suite import lax_ops as ours

    def rows(table):
        kinds = lambda r: sorted(np.dtype(d).name for d in r.dtypes)  # noqa: E731
        return sorted((r.op, r.nargs, kinds(r), r.rng_factory.__name__) for r in table.lax_ops())

    assert rows(ours) == rows(theirs)
    for table in ("lax_reduce_ops", "lax_named_reduce_ops"):
        a, b = getattr(ours, table)(), getattr(theirs, table)()
        key = lambda r: (r.op.__name__, sorted(np.dtype(d).name for d in r.dtypes))  # noqa: E731
        assert sorted(map(key, a)) == sorted(map(key, b))
    for t in (ours, theirs):
        assert list(t.all_bdims((2,), ()))[:3] == [(None, 0), (0, None), (0, 0)]
        assert t.add_bdim(5, 1, (2, 3)) == (2, 5, 3) and t.add_bdim(5, None, (2, 3)) == (2, 3)
        of_lane = t.args_slicer([np.arange(6).reshape(2, 3), np.arange(3)], (1, None))
        assert [np.asarray(x).tolist() for x in of_lane(2)] == [[2, 5], [0, 1, 2]]
