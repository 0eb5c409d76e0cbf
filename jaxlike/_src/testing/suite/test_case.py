"""test_case: the base class of JAX's test files: strict promotion, a generator per test, comparisons with numpy."""

from __future__ import annotations

import contextlib
import os
import re
import sys
import tempfile
import textwrap
import warnings
import zlib
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, TextIO

import numpy as np
from absl.testing import absltest, parameterized

from jaxlike._src import config
from jaxlike._src import dtypes as _dtypes
from jaxlike._src.frames import STATE
from jaxlike._src.testing.suite.closeness import _assert_numpy_allclose, _dtype, is_sequence, tolerance
from jaxlike._src.testing.suite.counting import (
    count_aot_jit_cpp_cache_miss,
    count_compilation_after_persistent_cache_miss,
    count_jit_and_pmap_lowerings,
    count_jit_tracing_cache_miss,
    count_pjit_cpp_cache_miss,
)
from jaxlike._src.transforms.jit import jit
from jaxlike._src.tree import tree_map


class JaxTestLoader(absltest.TestLoader):
    """absl's loader: tests run one after the other."""


@contextlib.contextmanager
def thread_unsafe_test(condition: bool = True) -> Iterator[None]:
    """A decorator for tests that must run alone, as all do here."""
    del condition
    yield


def thread_unsafe_test_class(condition: bool = True) -> Callable[[Any], Any]:
    """The same for a class."""
    del condition
    return lambda klass: klass


# Contexts


@contextlib.contextmanager
def global_config_context(**kwds: Any) -> Iterator[None]:
    """Inside, these flags have these values for the whole process."""
    before = {name: config.config._read(name) for name in kwds}
    try:
        for name, value in kwds.items():
            config.update(name, value)
        yield
    finally:
        for name, value in before.items():
            config.update(name, value)


@contextlib.contextmanager
def thread_local_config_context(**kwds: Any) -> Iterator[None]:
    """Inside, these flags have these values for this thread."""
    with contextlib.ExitStack() as stack:
        for name, value in kwds.items():
            stack.enter_context(_thread_value(name, value))
        yield


def _thread_value(name: str, value: Any) -> Any:
    holder = config.config._value_holders[name]
    return holder(value) if callable(holder) else global_config_context(**{name: value})


@contextlib.contextmanager
def assert_global_configs_unchanged() -> Iterator[None]:
    """AssertionError where a flag of the process is another at the end."""
    before = config.config.values
    yield
    after = config.config.values
    if before != after:
        differing = {name: (before[name], after[name]) for name in before if before[name] != after[name]}
        raise AssertionError(f"Test changed global config values. Differing values are: {differing}")


@contextlib.contextmanager
def ignore_warning(*, message: str | None = None, category: type[Warning] = Warning) -> Iterator[None]:
    """Inside, warnings of the category whose text ``message`` matches are not shown."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=message or "", category=category)
        yield


@contextlib.contextmanager
def raise_on_warnings() -> Iterator[None]:
    """Inside, a warning is an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@contextlib.contextmanager
def record_warnings() -> Iterator[list[warnings.WarningMessage]]:
    """Inside, warnings are put into the list instead of shown."""
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        yield seen


@contextlib.contextmanager
def set_env(**kwargs: str | None) -> Iterator[None]:
    """Inside, these environment variables have these values; None: they are not set."""
    before = {name: os.environ.pop(name, None) for name in kwargs}
    os.environ.update({name: value for name, value in kwargs.items() if value is not None})
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


@contextlib.contextmanager
def _capture_output(stream: TextIO) -> Iterator[Callable[[], str]]:
    """What is written to ``stream`` inside, by Python or not; the function given returns it afterwards."""
    captured: list[str] = []

    def get_output() -> str:
        if not captured:
            raise ValueError("get_output() called while the context is active.")
        return captured[0]

    with tempfile.TemporaryFile("w+", encoding="utf-8") as file:
        stream.flush()
        before = os.dup(stream.fileno())
        os.dup2(file.fileno(), stream.fileno())
        try:
            yield get_output
        finally:
            stream.flush()
            os.dup2(before, stream.fileno())
            os.close(before)
            file.seek(0)
            captured.append(file.read())


def capture_stdout() -> Any:
    """A context, of what is printed."""
    return _capture_output(sys.stdout)


def capture_stderr() -> Any:
    """A context, of what is written to the standard error."""
    return _capture_output(sys.stderr)


# The base class


class JaxTestCase(parameterized.TestCase):
    """A test case under strict promotion, with comparisons of arrays and of a function with its jitted form."""

    _default_global_config: ClassVar[dict[str, Any]] = {}
    _default_thread_local_config: ClassVar[dict[str, Any]] = {
        "jax_enable_checks": True,
        "jax_numpy_dtype_promotion": "strict",
        "jax_numpy_rank_promotion": "raise",
        "jax_traceback_filtering": "off",
        "jax_legacy_prng_key": "error",
    }

    def setUp(self) -> None:
        """A fresh generator, seeded by the test's name, and the class's flags."""
        super().setUp()
        self.enterContext(assert_global_configs_unchanged())
        self._rng = np.random.RandomState(zlib.adler32(self._testMethodName.encode()))
        self.enterContext(global_config_context(**self._default_global_config))
        self.enterContext(thread_local_config_context(**self._default_thread_local_config))

    def tearDown(self) -> None:
        """AssertionError where a transformation is still running."""
        if STATE.frame is not None:
            raise AssertionError(f"the test left a transformation running: {STATE.frame}")
        super().tearDown()

    def rng(self) -> np.random.RandomState:
        """The test's generator."""
        return self._rng

    def assertArraysEqual(
        self,
        actual: Any,
        desired: Any,
        *,
        check_dtypes: bool = True,
        err_msg: str = "",
        allow_object_dtype: bool = False,
        verbose: bool = True,
    ) -> None:
        """Equal values, and dtypes unless ``check_dtypes`` is False."""
        if check_dtypes:
            self.assertDtypesMatch(actual, desired)
        actual, desired = np.asarray(actual), np.asarray(desired)
        if not allow_object_dtype and object in (actual.dtype, desired.dtype):
            raise TypeError("assertArraysEqual compares arrays of numbers; np.asarray made one of objects.")
        with np.errstate(over="ignore"):
            np.testing.assert_array_equal(actual, desired, err_msg=err_msg, verbose=verbose)

    def assertArraysAllClose(
        self,
        actual: Any,
        desired: Any,
        *,
        check_dtypes: bool = True,
        atol: Any = None,
        rtol: Any = None,
        err_msg: str = "",
    ) -> None:
        """Equal shapes and dtypes, and values within the larger tolerance of the two dtypes."""
        self.assertEqual(actual.shape, desired.shape)
        within = [max(tolerance(_dtype(actual), t), tolerance(_dtype(desired), t)) for t in (atol, rtol)]
        _assert_numpy_allclose(actual, desired, within[0], within[1], err_msg)
        if check_dtypes:
            self.assertDtypesMatch(actual, desired)

    def assertDtypesMatch(self, actual: Any, desired: Any, *, canonicalize_dtypes: bool = True) -> None:
        """Equal dtypes; where x64 is off, 64-bit ones count as 32-bit ones."""
        first, second = _dtype(actual), _dtype(desired)
        if not config.enable_x64.value and canonicalize_dtypes:
            first = _dtypes.canonicalize_dtype(first, allow_extended_dtype=True)
            second = _dtypes.canonicalize_dtype(second, allow_extended_dtype=True)
        self.assertEqual(first, second)

    def assertAllClose(
        self,
        actual: Any,
        desired: Any,
        *,
        check_dtypes: bool = True,
        atol: Any = None,
        rtol: Any = None,
        canonicalize_dtypes: bool = True,
        err_msg: str = "",
    ) -> None:
        """The same for arrays, numbers, and dictionaries and sequences of them."""
        options: dict[str, Any] = {
            "check_dtypes": check_dtypes, "atol": atol, "rtol": rtol,
            "canonicalize_dtypes": canonicalize_dtypes, "err_msg": err_msg,
        }  # fmt: skip
        if isinstance(actual, dict):
            self.assertIsInstance(desired, dict)
            self.assertEqual(set(actual), set(desired))
            for key in actual:
                self.assertAllClose(actual[key], desired[key], **options)
        elif is_sequence(actual) and not hasattr(actual, "__array__"):
            if not is_sequence(desired) or hasattr(desired, "__array__"):
                self.fail(f"Expected sequence, got {desired}")
            self.assertEqual(len(actual), len(desired))
            for first, second in zip(actual, desired, strict=True):
                self.assertAllClose(first, second, **options)
        elif hasattr(actual, "__array__") or np.isscalar(actual):
            if not (hasattr(desired, "__array__") or np.isscalar(desired)):
                self.fail(f"Expected array-like, got {desired}")
            if check_dtypes:
                self.assertDtypesMatch(actual, desired, canonicalize_dtypes=canonicalize_dtypes)
            self.assertArraysAllClose(
                np.asarray(actual), np.asarray(desired), check_dtypes=False, atol=atol, rtol=rtol, err_msg=err_msg
            )
        elif actual != desired:
            raise TypeError((type(actual), type(desired)))

    def assertMultiLineStrippedEqual(self, expected: str, what: str) -> None:
        """Equal texts but for indentation and empty lines."""
        wanted, found = (re.sub(r"\s*\n\s*", "\n", textwrap.dedent(text).strip()) for text in (expected, what))
        if wanted != found:
            self.assertMultiLineEqual(wanted, found, msg=f"Found\n{what}\nExpecting\n{expected}")

    def assertDeprecationWarnsOrRaises(
        self, deprecation_id: str, message: str, *, error_class: type[Exception] = ValueError
    ) -> Any:
        """A context in which a DeprecationWarning is expected; none has become an error yet."""
        del deprecation_id, error_class
        return self.assertWarnsRegex(DeprecationWarning, message)

    @contextlib.contextmanager
    def assertNoWarnings(self) -> Iterator[None]:
        """A context in which a warning is an error."""
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            yield

    def assertWarns(self, warning: Any, *, msg: str | None = None) -> Any:  # pyright: ignore
        """A context in which such a warning, with ``msg`` in its text, is expected; others may come too."""
        return self._expect_warning(warning, msg, lambda text: msg is None or msg in text)

    def assertWarnsRegex(self, warning: Any, regex: Any) -> Any:  # pyright: ignore
        """A context in which such a warning, with ``regex`` found in its text, is expected; others may come too."""
        return self._expect_warning(warning, regex, lambda text: regex is None or bool(re.search(regex, text)))

    @contextlib.contextmanager
    def _expect_warning(self, kind: Any, wanted: Any, fits: Callable[[str], bool]) -> Iterator[None]:
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            yield
        if not any(isinstance(w.message, kind) and fits(str(w.message)) for w in seen):
            self.fail(f"Expected warning not found {kind}:'{wanted}', got warnings: {[str(w.message) for w in seen]}")

    def _CompileAndCheck(
        self,
        fun: Callable[..., Any],
        args_maker: Callable[[], Any],
        *,
        check_dtypes: bool = True,
        tol: Any = None,
        rtol: Any = None,
        atol: Any = None,
        check_cache_misses: bool = True,
    ) -> None:
        """``fun`` gives the same eager and jitted, for two sets of arguments of one kind, and is traced once."""
        del check_cache_misses  # operations are not compiled one by one here
        close: dict[str, Any] = {"check_dtypes": check_dtypes, "atol": atol or tol, "rtol": rtol or tol}
        may_run = True

        def watched(*args: Any) -> Any:
            self.assertTrue(may_run)
            return fun(*args)

        jitted, args = jit(watched), args_maker()
        eager = fun(*args)
        self.assertEqual(tree_map(np.shape, eager), tree_map(lambda x: np.shape(np.asarray(x)), eager))
        first = jitted(*args)
        may_run = False
        self.assertAllClose(first, eager, **close)
        self.assertAllClose(jitted(*args), eager, **close)
        args = args_maker()
        self.assertAllClose(jitted(*args), fun(*args), **close)

    def _CheckAgainstNumpy(
        self,
        numpy_reference_op: Callable[..., Any],
        lax_op: Callable[..., Any],
        args_maker: Callable[[], Any],
        check_dtypes: bool = True,
        tol: Any = None,
        atol: Any = None,
        rtol: Any = None,
        canonicalize_dtypes: bool = True,
    ) -> None:
        """Both functions give the same for the same arguments."""
        args = args_maker()
        self.assertAllClose(
            lax_op(*args), numpy_reference_op(*args), check_dtypes=check_dtypes, atol=atol or tol, rtol=rtol or tol,
            canonicalize_dtypes=canonicalize_dtypes,
        )  # fmt: skip

    def assertCacheMisses(
        self,
        func: Callable[[], Any],
        *,
        cpp: int | None = None,
        aot_call: int | None = None,
        tracing: int | None = None,
        lowering: int | None = None,
        compilation_after_persistent_cache_miss: int | None = None,
    ) -> None:
        """``func()`` misses each of the caches as often as is said of it."""
        expected = {
            count_pjit_cpp_cache_miss: cpp,
            count_aot_jit_cpp_cache_miss: aot_call,
            count_jit_tracing_cache_miss: tracing,
            count_jit_and_pmap_lowerings: lowering,
            count_compilation_after_persistent_cache_miss: compilation_after_persistent_cache_miss,
        }
        with contextlib.ExitStack() as stack:
            counts = {counter: stack.enter_context(counter()) for counter in expected}
            func()
        for counter, times in expected.items():
            if times is not None:
                self.assertEqual(times, counts[counter]())


class BufferDonationTestCase(JaxTestCase):
    """With words for donated arguments."""

    def assertDeleted(self, x: Any) -> None:
        """It was donated, and its memory is gone."""
        self.assertTrue(x.is_deleted())

    def assertNotDeleted(self, x: Any) -> None:
        """It is as it was."""
        self.assertFalse(x.is_deleted())


def _flags_of_class(attribute: str, flags: dict[str, Any]) -> Callable[[Any], Any]:
    def decorator(cls: Any) -> Any:
        if not (isinstance(cls, type) and issubclass(cls, JaxTestCase)):
            raise AssertionError("@with_config can only wrap JaxTestCase class definitions.")
        inherited = [getattr(base, attribute, {}) for base in cls.__bases__]
        setattr(cls, attribute, {name: value for known in [*inherited, flags] for name, value in known.items()})
        return cls

    return decorator


def with_config(**kwds: Any) -> Any:
    """A decorator of a test class: these flags, for the thread of each test."""
    return _flags_of_class("_default_thread_local_config", kwds)


def with_global_config(**kwds: Any) -> Any:
    """A decorator of a test class: these flags, for the process while a test runs."""
    return _flags_of_class("_default_global_config", kwds)


def _noop(fun: Any, *_args: Any, **_kwargs: Any) -> Any:
    return fun


# With and without jit, for tests of what does not depend on it; the names are for the names of tests.
jit._name = "jit"  # pyright: ignore[reportFunctionMemberAccess]
_noop._name = "noop"  # pyright: ignore[reportFunctionMemberAccess]
JIT_IMPLEMENTATION = (jit, _noop)

