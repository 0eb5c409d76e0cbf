"""same_in_both: one program, run with jax and with jaxlike, must come to the same end.

A program is a function of the module `jax`. What it returns is flattened by each framework's own
tree_util and compared by printed tree, then leaf by leaf: kind, shape, dtype, weak type, value within
the dtype's tolerance. What it raises is compared by type, public ancestors and first sentence;
what it warns and prints, by text. A failure shows both sides.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import io
import re
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from compat import frameworks

Program = Callable[..., Any]


# ---------------------------------------------------------------------------------------------- tolerances


@dataclass(frozen=True)
class Tolerance:
    """How far two inexact values may be apart: the dtype's own (rtol, atol), times `factor`.

    `normwise` measures against the largest entry instead of each entry: for sums with cancellation and for
    factorizations, where small entries carry the rounding of large ones. `computed_in` names a dtype that the
    values passed through: a float64 that was made of float32 has the precision of float32.
    """

    factor: float = 1.0
    normwise: bool = False
    signed_zero: bool = False
    computed_in: str | None = None

    def bounds(self, dtype: str) -> tuple[float, float]:
        """(rtol, atol) for values of this dtype; zeros where it is compared exactly."""
        rtol, atol = RTOL_ATOL.get(dtype, (0.0, 0.0))
        if rtol and self.computed_in is not None:
            rtol, atol = max((rtol, atol), RTOL_ATOL.get(self.computed_in, (0.0, 0.0)))
        return rtol * self.factor, atol * self.factor


# Two libraries round the same formula differently, by a few units in the last place an operation.
RTOL_ATOL = {
    "float64": (1e-12, 1e-13),
    "complex128": (1e-12, 1e-13),
    "float32": (5e-6, 1e-6),
    "complex64": (5e-6, 1e-6),
    "float16": (4e-3, 2e-3),
    "bfloat16": (2e-2, 1e-2),
    "float8_e4m3fn": (0.07, 0.002),
    "float8_e5m2": (0.13, 0.002),
}
FLOAT0 = np.dtype([("float0", np.void, 0)])  # the dtype of an integer's tangent: it holds no value
EXACT = Tolerance(factor=0.0)
DEFAULT = Tolerance()


# ----------------------------------------------------------------------------------------------- outcomes


@dataclass(frozen=True)
class Leaf:
    """What is seen of one leaf, in words that belong to neither framework."""

    kind: str
    shape: tuple[int, ...] | None = None
    dtype: str | None = None
    weak_type: bool | None = None
    value: Any = None

    def __str__(self) -> str:
        """As in a failure's message."""
        if self.shape is None:
            return f"{self.kind} {self.value}"
        dims = ",".join(map(str, self.shape))
        weak = " weakly typed" if self.weak_type else ""
        return f"{self.kind} {self.dtype}[{dims}]{weak} {_short(self.value)}"


@dataclass(frozen=True)
class Outcome:
    """How a program ended: a tree of leaves, or an exception; with what it printed and warned."""

    tree: str | None = None
    leaves: dict[str, Leaf] = field(default_factory=dict)
    error: tuple[str, tuple[str, ...], str] | None = None
    cause: BaseException | None = None
    warned: frozenset[tuple[str, str]] = frozenset()
    printed: str = ""

    def __str__(self) -> str:
        """As in a failure's message."""
        lines: list[str] = []
        if self.error is not None:
            lines.append(f"raised {self.error[0]}: {self.error[2]}")
        else:
            lines.append(f"returned {self.tree}")
            lines += [f"  {path or 'value'}: {leaf}" for path, leaf in list(self.leaves.items())[:20]]
        lines += [f"warned {category}: {text}" for category, text in sorted(self.warned)]
        if self.printed:
            lines.append("printed " + repr(self.printed[:400]))
        return "\n".join(lines)


def _short(value: Any) -> str:
    text = np.array2string(value, threshold=20, precision=9) if isinstance(value, np.ndarray) else repr(value)
    return text if len(text) <= 400 else text[:400] + " ..."


def neutral(text: str) -> str:
    """`text` without memory addresses, and with one name for what each framework calls by its own.

    jax's array class is ArrayImpl, and what it traces with has a class for each transformation; it tells
    where in the file a batched value was made, which is not kept here.
    """
    text = re.sub(r"0x[0-9a-f]+", "0xADDRESS", text).replace("jaxlike", "jax")
    text = re.sub(r"\n *This \w+Tracer with object id \d+ was created on line:\n.*(?=\n|$)", "", text)
    return re.sub(r"\b(jaxlib\._jax\.|jax\._src\.array\.)?(ArrayImpl|Array)\b", "Array", text)


def first_sentence(message: str) -> str:
    """Up to the first full stop that ends a sentence or the first empty line; white space joined."""
    message = neutral(message)
    match = re.search(r"(?<!e\.g)(?<!i\.e)(?<=[^.])\.+(?=\s|$)|\n\s*\n", message)
    return " ".join(message[: match.end() if match else None].split())


def describe_leaf(leaf: Any, jax: Any) -> Leaf:
    """The leaf as `Leaf`; `jax` is the framework that made it."""
    if isinstance(leaf, jax.core.Tracer):
        return Leaf("Tracer", tuple(leaf.shape), str(leaf.dtype))
    if isinstance(leaf, jax.Array):
        if jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.prng_key):
            data = np.asarray(jax.random.key_data(leaf))
            return Leaf("Array", tuple(leaf.shape), str(leaf.dtype), bool(leaf.aval.weak_type), data)
        value = np.asarray(leaf)
        # The array's own word for its dtype, and numpy's word for the same data, must agree.
        dtype = str(leaf.dtype) if leaf.dtype == value.dtype else f"{leaf.dtype} (as numpy: {value.dtype})"
        return Leaf("Array", tuple(leaf.shape), dtype, bool(leaf.weak_type), value)
    if isinstance(leaf, np.ndarray | np.generic):
        kind = "numpy." + ("ndarray" if isinstance(leaf, np.ndarray) else "scalar")
        return Leaf(kind, leaf.shape, str(leaf.dtype), None, np.asarray(leaf))
    if isinstance(leaf, bool | int | float | complex | str | bytes | type(None)):
        return Leaf(type(leaf).__name__, value=leaf)
    if isinstance(leaf, type):
        return Leaf("type", value=leaf.__name__)
    if callable(leaf) and hasattr(leaf, "__name__"):
        return Leaf("callable", value=leaf.__name__)
    return Leaf(type(leaf).__name__, value=neutral(repr(leaf)))


def describe_error(error: BaseException) -> tuple[str, tuple[str, ...], str]:
    """Type name, public ancestors, first sentence."""
    ancestors = tuple(c.__name__ for c in type(error).__mro__[1:] if not c.__name__.startswith("_"))
    # str(KeyError("text")) adds quotes; the message is its argument.
    text = error.args[0] if len(error.args) == 1 and isinstance(error.args[0], str) else str(error)
    return type(error).__name__, ancestors, first_sentence(text)


def run(program: Program, jax: Any, *args: Any, **kwargs: Any) -> Outcome:
    """Run `program(jax, ...)` and describe how it ended."""
    printed = io.StringIO()
    error: BaseException | None = None
    tree, leaves = "", dict[str, Leaf]()
    with warnings.catch_warnings(record=True) as caught, contextlib.redirect_stdout(printed):
        warnings.simplefilter("always")
        try:
            value = program(jax, *args, **kwargs)
            # Reading a result belongs to the program: an array that cannot be read is no result.
            paths_and_leaves, treedef = jax.tree_util.tree_flatten_with_path(value)
            leaves = {jax.tree_util.keystr(path): describe_leaf(leaf, jax) for path, leaf in paths_and_leaves}
            tree = neutral(str(treedef))
        except Exception as raised:
            error = raised
    warned = frozenset((w.category.__name__, first_sentence(str(w.message))) for w in caught)
    text = neutral(printed.getvalue())
    if error is not None:
        return Outcome(error=describe_error(error), cause=error, warned=warned, printed=text)
    return Outcome(tree, leaves, warned=warned, printed=text)


def sampled(programs: Iterable[str], slow: str) -> list[Any]:
    """The names of programs as parameters of a test; those in ``slow``, divided by semicolons, run with `-m slow`."""
    late = set(filter(None, map(str.strip, slow.split(";"))))
    known = list(programs)
    assert late <= set(known), late - set(known)
    return [pytest.param(name, marks=pytest.mark.slow) if name in late else name for name in known]


def run_both(program: Program, *args: Any, **kwargs: Any) -> tuple[Outcome, Outcome]:
    """The program's outcome with jax, and with jaxlike."""
    expected = run(program, frameworks.EXPECTED, *args, **kwargs)
    return expected, run(program, frameworks.ACTUAL, *args, **kwargs)


# --------------------------------------------------------------------------------------------- comparison


def _as_comparable(value: np.ndarray) -> np.ndarray:
    """numpy's own types as they are; ml_dtypes and float16 widened to types that numpy computes with."""
    name = value.dtype.name
    if value.dtype.isbuiltin == 1 and name != "float16":
        return value
    return value.astype(np.int64 if name.startswith(("int", "uint")) else np.float64)


def value_difference(expected: np.ndarray, actual: np.ndarray, tolerance: Tolerance) -> str | None:
    """What is different between two arrays of one shape and dtype, or None."""
    if expected.size == 0 or expected.dtype == FLOAT0:
        return None
    rtol, atol = tolerance.bounds(str(expected.dtype))
    e, a = _as_comparable(expected), _as_comparable(actual)
    if e.dtype.kind not in "fc" or (rtol == 0 and atol == 0):
        unequal = ~((e == a) | ((e != e) & (a != a)))
        return _worst(e, a, unequal, "differ") if unequal.any() else None
    if e.dtype.kind == "c":
        parts = (value_difference_of_reals(np.real(e), np.real(a), rtol, atol, tolerance),)
        parts += (value_difference_of_reals(np.imag(e), np.imag(a), rtol, atol, tolerance),)
        named = [f"{name} part: {text}" for name, text in zip(("real", "imaginary"), parts, strict=True) if text]
        return "; ".join(named) or None
    return value_difference_of_reals(e, a, rtol, atol, tolerance)


def value_difference_of_reals(
    e: np.ndarray, a: np.ndarray, rtol: float, atol: float, tolerance: Tolerance
) -> str | None:
    """`value_difference` of real floats; NaN equals NaN, infinities must agree in sign."""
    nans = np.isnan(e) != np.isnan(a)
    if nans.any():
        return _worst(e, a, nans, "are NaN on one side only")
    infinite = (np.isinf(e) | np.isinf(a)) & (e != a)
    if infinite.any():
        return _worst(e, a, infinite, "are infinite on one side only, or with another sign")
    if tolerance.signed_zero:
        signs = (np.signbit(e) != np.signbit(a)) & (e == 0) & (a == 0)
        if signs.any():
            return _worst(e, a, signs, "are zeros of another sign")
    finite = np.isfinite(e)
    size = np.where(finite, np.abs(e), 0)
    size = np.full_like(size, size.max()) if tolerance.normwise else size
    with np.errstate(invalid="ignore", over="ignore"):
        far = finite & (np.abs(a - e) > atol + rtol * size)
    return _worst(e, a, far, f"are further apart than {atol:.1g} + {rtol:.1g} * |jax|") if far.any() else None


def _worst(e: np.ndarray, a: np.ndarray, bad: np.ndarray, verdict: str) -> str:
    with np.errstate(invalid="ignore", over="ignore"):
        gap = np.where(bad, np.abs(np.asarray(a, complex) - np.asarray(e, complex)), -1.0)
    at = tuple(int(i) for i in np.unravel_index(np.nanargmax(np.where(np.isnan(gap), np.inf, gap)), e.shape))
    return f"{int(bad.sum())} of {bad.size} entries {verdict}; at {at}: jax {e[at]!s}, jaxlike {a[at]!s}"


def leaf_difference(expected: Leaf, actual: Leaf, tolerance: Tolerance) -> str | None:
    """What is different between two leaves, or None."""
    for name in ("kind", "shape", "dtype", "weak_type"):
        e, a = getattr(expected, name), getattr(actual, name)
        if e != a:
            return f"{name}: jax {e}, jaxlike {a}"
    if isinstance(expected.value, np.ndarray):
        return value_difference(expected.value, actual.value, tolerance)
    if isinstance(expected.value, float | complex):
        return value_difference(np.asarray(expected.value), np.asarray(actual.value), tolerance)
    return None if expected.value == actual.value else f"jax {expected.value!r}, jaxlike {actual.value!r}"


def differences(expected: Outcome, actual: Outcome, tolerance: Tolerance = DEFAULT) -> list[str]:
    """Every difference between two outcomes, one line each; empty when they are the same."""
    found: list[str] = []
    if (expected.error is None) != (actual.error is None):
        raised = expected.error or actual.error
        side = "jax" if expected.error else "jaxlike"
        found.append(f"only {side} raised {raised and raised[0]}: {raised and raised[2]}")
    elif expected.error is not None and actual.error is not None:
        for name, e, a in zip(("exception", "ancestors", "first sentence"), expected.error, actual.error, strict=True):
            if e != a:
                found.append(f"{name}:\n    jax     {e}\n    jaxlike {a}")
    elif expected.tree != actual.tree:
        found.append(f"tree:\n    jax     {expected.tree}\n    jaxlike {actual.tree}")
    elif list(expected.leaves) != list(actual.leaves):
        found.append(f"key paths:\n    jax     {list(expected.leaves)}\n    jaxlike {list(actual.leaves)}")
    else:
        for path, leaf in expected.leaves.items():
            difference = leaf_difference(leaf, actual.leaves[path], tolerance)
            if difference:
                found.append(f"{path or 'value'}: {difference}")
    for side, extra in (
        ("jax", expected.warned - actual.warned),
        ("jaxlike", actual.warned - expected.warned),
    ):
        found += [f"only {side} warned {category}: {text}" for category, text in sorted(extra)]
    if expected.printed != actual.printed:
        found.append(f"printed:\n    jax     {expected.printed!r}\n    jaxlike {actual.printed!r}")
    return found


def assert_same(expected: Outcome, actual: Outcome, tolerance: Tolerance = DEFAULT, title: str = "program") -> None:
    """Fail with both sides shown unless the outcomes are the same."""
    __tracebackhide__ = True
    found = differences(expected, actual, tolerance)
    if not found:
        return
    lines = [f"{title}: jax and jaxlike differ", *("  - " + text for text in found)]
    lines += ["jax " + str(expected), "jaxlike " + str(actual)]
    failure = AssertionError("\n".join(lines))
    # The traceback of an error that only jaxlike raised says where to look.
    raise failure from (actual.cause if expected.error is None else None)


# ---------------------------------------------------------------------------------------------- decorator


def same_in_both(
    program: Program | None = None,
    *,
    tolerance: Tolerance = DEFAULT,
    x64: bool | None = None,
    covers: Iterable[str] = (),
) -> Any:
    """Make a test of a program: run with jax and with jaxlike, it must end in the same way.

    The program's first parameter is `jax`. Its others come from pytest (fixtures, parametrize) or hypothesis;
    one named `rng` is a numpy Generator, seeded alike for both runs. `x64` fixes the 64-bit flag of both
    frameworks (the fixture `each_x64` runs a test with both settings). `covers` names what the program checks
    in the inventory's words, where its text does not say so: `covers=["jax.Array.__repr__"]`.
    """
    if program is None:
        return functools.partial(same_in_both, tolerance=tolerance, x64=x64, covers=covers)
    the_program = program
    names = list(inspect.signature(program).parameters.values())
    if not names or names[0].name != "jax":
        raise TypeError(f"the first parameter of {program.__name__} must be named jax")
    wants_rng = any(p.name == "rng" for p in names)
    parameters = [p for p in names[1:] if p.name != "rng"]
    seed_parameter = inspect.Parameter("seed", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    if wants_rng and not any(p.name == "seed" for p in parameters):
        parameters.append(seed_parameter)

    def test(**arguments: Any) -> None:
        __tracebackhide__ = True
        passed = dict(arguments)
        if wants_rng and not any(p.name == "seed" for p in names):
            passed.pop("seed")

        def seeded(jax: Any) -> Any:
            rng = {"rng": np.random.default_rng(arguments["seed"])} if wants_rng else {}
            return the_program(jax, **passed, **rng)

        with frameworks.x64(x64) if x64 is not None else contextlib.nullcontext():
            expected, actual = run_both(seeded)
        assert_same(expected, actual, tolerance, the_program.__name__)

    test.__name__, test.__qualname__ = program.__name__, program.__qualname__
    test.__doc__, test.__module__ = program.__doc__, program.__module__
    test.__dict__.update(__signature__=inspect.Signature(parameters), covers=tuple(covers), program=program)
    return test
