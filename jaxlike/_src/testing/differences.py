"""differences: what is different between two outcomes, one line each; none when they are the same.

Inexact values may be apart by the rounding of their dtype (`Tolerance`); all else must be equal.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from jaxlike._src.testing.outcomes import Leaf, Outcome


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


def _as_comparable(value: np.ndarray) -> np.ndarray:
    """numpy's own types as they are; ml_dtypes and float16 widened to types that numpy computes with."""
    name = value.dtype.name
    if value.dtype.type.__module__ == "numpy" and name != "float16":
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
