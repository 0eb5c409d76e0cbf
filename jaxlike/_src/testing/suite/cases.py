"""cases: which parameters a test is run with. A sample of a product, the same one in every run, instead of all."""

from __future__ import annotations

import functools
import math
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, ClassVar

import ml_dtypes
import numpy as np

from jaxlike._src import config
from jaxlike._src.testing.suite.platforms import device_under_test
from jaxlike._src.testing.suite.values import NUMPY_SCALAR_SHAPE, PYTHON_SCALAR_SHAPE


class _Number:
    """A number that a variable of the environment may set."""

    def __init__(self, variable: str, default: int) -> None:
        self.value = int(os.getenv(variable, str(default)))


NUM_GENERATED_CASES = _Number("JAX_NUM_GENERATED_CASES", 10)
TEST_NUM_THREADS = _Number("JAX_TEST_NUM_THREADS", 0)
SKIP_SLOW_TESTS = _Number("JAX_SKIP_SLOW_TESTS", 0)
_RETRIES = _Number("JAX_MAX_CASES_SAMPLING_RETRIES", 100)


def sanitize_test_name(s: str) -> str:
    """``s`` with what test filters cannot take as one underscore."""
    return re.sub(r"[ \"'\[\](){}<>=,._]+", "_", s)


@functools.cache
def _choice(n: int, m: int) -> Any:
    return np.random.RandomState(42).choice(n, size=m, replace=False)


def sample_product_testcases(*args: Iterable[dict[str, Any]], **kw: Iterable[Any]) -> list[dict[str, Any]]:
    """The cases that `sample_product` runs."""
    axes = [list(group) for group in args] + [[{name: v} for v in values] for name, values in kw.items()]
    n = math.prod(map(len, axes))
    cases: list[dict[str, Any]] = []
    for i in _choice(n, min(n, NUM_GENERATED_CASES.value)):
        case: dict[str, Any] = {}
        for axis in axes:
            i, at = divmod(i, len(axis))
            case.update(axis[at])
        cases.append(case)
    return cases


def sample_product(*args: Iterable[dict[str, Any]], **kw: Iterable[Any]) -> Any:
    """A decorator: run the test with a sample of the product of the given lists.

    Args:
        *args: each a list of dictionaries, of which one is chosen: parameters that belong together.
        **kw: a list of values for each parameter.
    """
    from absl.testing import parameterized

    return parameterized.parameters(*sample_product_testcases(*args, **kw))


def named_cases_from_sampler(gen: Callable[[Any], Iterable[dict[str, Any]]]) -> Iterator[dict[str, Any]]:
    """Different cases drawn by ``gen``, which is given a function that chooses one of a list."""
    rng, seen, failed = np.random.RandomState(42), set[str](), 0

    def choose(x: Any) -> list[Any]:
        x = x if isinstance(x, list | tuple) else list(x)
        return [x[rng.randint(len(x))]]

    while len(seen) < NUM_GENERATED_CASES.value and failed < _RETRIES.value:
        failed += 1
        cases = list(gen(choose))
        if len(cases) > 1:
            raise RuntimeError("Generator is expected to only return a single case when sampling")
        if cases and cases[0]["testcase_name"] not in seen:
            failed = 0
            seen.add(cases[0]["testcase_name"])
            yield cases[0]


def cases_from_gens(*gens: Callable[[int], Any]) -> Iterator[tuple[Any, ...]]:
    """Cases of three sizes, each with what every generator gives for it."""
    sizes = (1, 3, 10)
    for size in sizes:
        for i in range(NUM_GENERATED_CASES.value // len(sizes) + 1):
            yield (f"_{size}_{i}", *(gen(size) for gen in gens))


def parameterized_filterable(
    *,
    kwargs: Sequence[dict[str, Any]],
    testcase_name: Callable[[dict[str, Any]], str] | None = None,
    one_containing: str | None = None,
) -> Any:
    """A decorator: run the test once for each of ``kwargs``, under names that filters can take.

    ``one_containing`` chooses the one case whose name has that text, and leaves the test's name as it is.
    """
    from absl.testing import parameterized

    def name(kw: dict[str, Any]) -> str:
        if testcase_name is not None:
            return str(testcase_name(kw))
        return kw.get("testcase_name") or "_".join(f"{k}={kw[k]}" for k in sorted(kw))

    named = [{**kw, "testcase_name": sanitize_test_name(name(kw))} for kw in kwargs]
    if one_containing is None:
        return parameterized.named_parameters(*named)
    chosen = [kw for kw in named if one_containing in kw["testcase_name"]]
    if not chosen:
        listed = "\n  ".join(kw["testcase_name"] for kw in named)
        raise AssertionError(f"No testcase_name contains '{one_containing}'. The testcase_name values are\n  {listed}")
    return parameterized.named_parameters([{**chosen[0], "testcase_name": ""}])


# Shapes and dtypes


def is_valid_shape(shape: Any, dtype: Any) -> bool:
    """Whether a scalar or array of that shape can have ``dtype``: Python's numbers have one each."""
    if shape is PYTHON_SCALAR_SHAPE:
        return dtype == np.dtype(type(np.array(0, dtype=dtype).item()))
    return True


def dtype_str(dtype: Any) -> str:
    """The dtype's name."""
    return np.dtype(dtype).name


def format_shape_dtype_string(shape: Any, dtype: Any) -> str:
    """Such as ``float32[3,4]``, for the names of tests."""
    if shape is NUMPY_SCALAR_SHAPE:
        return dtype_str(dtype)
    if shape is PYTHON_SCALAR_SHAPE:
        return "py" + dtype_str(dtype)
    if isinstance(shape, np.ndarray):
        return f"{dtype_str(dtype)}[{shape}]"
    if isinstance(shape, tuple | list):
        return f"{dtype_str(dtype)}[{','.join(map(str, shape))}]"
    if type(shape) is int:
        return f"{dtype_str(dtype)}[{shape},]"
    raise TypeError(type(shape))


def supported_dtypes() -> set[Any]:
    """The types that tests draw from, on the device under test and with the x64 flag as it is."""
    wide = {np.uint64, np.int64, np.float64, np.complex128}
    usual = {np.bool_, np.int8, np.int16, np.int32, np.uint8, np.uint16, np.uint32, ml_dtypes.bfloat16}
    usual |= {np.float16, np.float32, np.complex64}
    narrow = {ml_dtypes.float8_e4m3fn, ml_dtypes.float8_e5m2} if device_under_test() == "gpu" else {ml_dtypes.int4, ml_dtypes.uint4}
    return usual | narrow | (wide if config.enable_x64.value else set())


class _Dtypes:
    """Lists of the supported types of a kind; made when asked for, as the device is known only then."""

    KINDS: ClassVar[dict[str, Sequence[Any]]] = {
        "custom_floats": (ml_dtypes.bfloat16, *(
            getattr(ml_dtypes, f"float8_{name}")
            for name in ("e4m3b11fnuz", "e4m3fn", "e4m3fnuz", "e5m2", "e5m2fnuz", "e3m4", "e4m3", "e8m0fnu")
        ), ml_dtypes.float4_e2m1fn),
        "floating": (np.float32, np.float64),
        "all_floating": (ml_dtypes.bfloat16, np.float16, np.float32, np.float64),
        "integer": (np.int32, np.int64),
        "all_integer": (np.int8, np.int16, np.int32, np.int64),
        "unsigned": (np.uint32, np.uint64),
        "all_unsigned": (np.uint8, np.uint16, np.uint32, np.uint64),
        "complex": (np.complex64, np.complex128),
        "boolean": (np.bool_,),
    }  # fmt: skip
    UNIONS: ClassVar[dict[str, Sequence[str]]] = {
        "inexact": ("floating", "complex"),
        "all_inexact": ("all_floating", "complex"),
        "numeric": ("floating", "integer", "unsigned", "complex"),
        "all": ("all_floating", "all_integer", "all_unsigned", "complex", "boolean"),
    }

    def supported(self, dtypes: Sequence[Any]) -> list[Any]:
        """Those of ``dtypes`` that are supported."""
        found = supported_dtypes()
        return [d for d in dtypes if d in found]

    def __getattr__(self, kind: str) -> list[Any]:
        if kind in self.KINDS:
            return self.supported(self.KINDS[kind])
        if kind in self.UNIONS:
            return [d for part in self.UNIONS[kind] for d in getattr(self, part)]
        raise AttributeError(f"no list of dtypes is called {kind!r}", name=kind)


dtypes = _Dtypes()
