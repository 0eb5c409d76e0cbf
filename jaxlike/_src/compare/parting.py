"""parting: where two runs of one program part: variable by variable, and line by line of what they print.

Numbers agree as `numpy.allclose` has it: ``|jaxlike - jax| <= atol + rtol * |jax|``. Where the user gives no rtol and no
atol, types of few bits get the rounding of their type, and small numbers that of the largest beside them, since a sum of
large ones that cancel has it. Printed numbers may be apart by one unit of their last digit.
"""

from __future__ import annotations

import difflib
import fnmatch
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from jaxlike._src.testing.differences import RTOL_ATOL
from jaxlike._src.testing.outcomes import neutral

RTOL, ATOL, BESIDE = 1e-4, 1e-6, 1e-5  # of programs in float32 that take some hundred steps


@dataclass(frozen=True)
class Bounds:
    """How far numbers may be apart; None: as the dtype rounds, RTOL and ATOL at least, BESIDE of the largest number."""

    rtol: float | None = None
    atol: float | None = None

    def of(self, dtype: str, largest: float = 0.0) -> tuple[float, float]:
        """(rtol, atol) for values of this dtype, of which one is so large."""
        rounding = RTOL_ATOL.get(dtype, (0.0, 0.0))
        rtol = max(RTOL, rounding[0]) if self.rtol is None else self.rtol
        atol = max(ATOL, rounding[1], max(BESIDE, rounding[0]) * largest) if self.atol is None else self.atol
        return rtol, atol


@dataclass
class Variable:
    """One array or number that a program left, on both frameworks."""

    name: str
    shape: str = ""
    dtype: str = ""
    absolute: float = 0.0  # greatest difference
    relative: float = 0.0  # greatest difference over jax's value
    verdict: str = ""  # what is different; "" if they agree
    place: str = ""  # the index where they part first

    @property
    def agrees(self) -> bool:
        """Whether nothing is different."""
        return not self.verdict


@dataclass
class Line:
    """One printed line on both; None where one of them did not print it."""

    jax: str | None
    jaxlike: str | None
    relative: float = 0.0
    agrees: bool = True
    number: tuple[int, int] = (0, 0)  # 1-based, on each


@dataclass
class Report:
    """Everything that is told of two runs."""

    program: str
    bounds: Bounds
    variables: list[Variable] = field(default_factory=list[Variable])
    lines: list[Line] = field(default_factory=list[Line])
    ending: str = ""  # how the ways to end differ; "" if they do not
    ended: str = ""  # what both ended with, if not well
    seconds: dict[str, float] = field(default_factory=dict[str, float])  # of the program; jaxlike is imported before it
    process_seconds: dict[str, float] = field(default_factory=dict[str, float])  # with the start of Python
    versions: dict[str, str] = field(default_factory=dict[str, str])
    statements: dict[str, list[tuple[int, float]]] = field(default_factory=dict[str, list[tuple[int, float]]])

    @property
    def agrees(self) -> bool:
        """Whether nothing is different."""
        return not self.ending and all(v.agrees for v in self.variables) and all(x.agrees for x in self.lines)

    @property
    def times(self) -> str:
        """Version and seconds of each, in words."""
        return ", ".join(
            f"{name} {self.versions[name]} {s:.2f} s (whole process {self.process_seconds[name]:.2f} s)"
            for name, s in self.seconds.items()
        )

    @property
    def first(self) -> str:
        """The first place where they part, in words; the printed lines come first, since they were there first."""
        for line in self.lines:
            if not line.agrees:
                return f"line {line.number[0] or line.number[1]} of what they print"
        for variable in self.variables:
            if not variable.agrees:
                return f"variable {variable.name}{variable.place}"
        return "the end" if self.ending else ""


# Variables

Recorded = Mapping[str, Sequence[tuple[str, Mapping[str, Any]]]]


def compare_variables(jax: Recorded, jaxlike: Recorded, bounds: Bounds, ignored: Iterable[str] = ()) -> list[Variable]:
    """Each leaf of each variable, in the order in which JAX's program made them."""
    found: list[Variable] = []
    for name in dict.fromkeys([*jax, *jaxlike]):
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in ignored):
            continue
        theirs, ours = dict(jax.get(name, ())), dict(jaxlike.get(name, ()))
        for path in dict.fromkeys([*theirs, *ours]):
            leaf = Variable(name + path)
            if path in theirs and path in ours:
                compare_leaf(leaf, theirs[path], ours[path], bounds)
            else:
                leaf.verdict = f"only on {'jax' if path in theirs else 'jaxlike'}"
            found.append(leaf)
    return found


def compare_leaf(into: Variable, e: Mapping[str, Any], a: Mapping[str, Any], bounds: Bounds) -> None:
    """Fill in what is seen of one leaf."""
    into.shape = _either(e["shape"], a["shape"], lambda shape: str(tuple(shape)))
    into.dtype = _either((e["dtype"], e["weak"]), (a["dtype"], a["weak"]), lambda it: ("~" if it[1] else "") + it[0])
    for what in ("kind", "shape", "dtype", "weak"):
        if e[what] != a[what]:
            name = {"weak": "weak type"}.get(what, what)
            into.verdict = f"{name}: jax {e[what]}, jaxlike {a[what]}"
            return
    if e["dtype"] == "float0":
        return
    x, y = (np.frombuffer(it["bytes"], it["wide"]).reshape(it["shape"]) for it in (e, a))
    inexact = x.dtype.kind in "fc"
    with np.errstate(all="ignore"):
        same = (x == y) | (np.isnan(x) & np.isnan(y)) if inexact else x == y
        # uint64 wraps, so the difference of integers is taken as float64's
        apart = np.where(same, 0.0, np.abs(y - x) if inexact else np.abs(y.astype(float) - x.astype(float)))
        apart = np.where(np.isnan(apart), np.inf, apart)  # NaN, or an infinity, on one side
        size = np.abs(x) if inexact else np.abs(x.astype(float))
        relative = np.where(apart == 0, 0.0, apart / size)
        finite = np.where(np.isfinite(size), size, 0.0)
        rtol, atol = bounds.of(e["dtype"], float(finite.max(initial=0))) if inexact else (0.0, 0.0)
        bad = ~same & ~(apart <= atol + rtol * finite)
    into.absolute, into.relative = float(apart.max(initial=0)), float(relative.max(initial=0))
    if bad.any():
        first = tuple(int(k) for k in np.unravel_index(int(np.argmax(bad)), bad.shape))
        into.place = str(list(first)) if first else ""
        into.verdict = f"{int(bad.sum())} of {bad.size} numbers differ; first{into.place and ' at ' + into.place}: jax {x[first]!s}, jaxlike {y[first]!s}"


def _either(e: Any, a: Any, text: Any) -> str:
    return text(e) if e == a else f"{text(e)} / {text(a)}"


# Printed lines

_NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?|inf|nan)(?![\w])")


def compare_lines(jax: Sequence[str], jaxlike: Sequence[str], bounds: Bounds, ignored: str | None = None) -> list[Line]:
    """What was printed, line by line; lines that one of them alone printed are found by their words."""
    if ignored is not None:
        jax, jaxlike = ([line for line in lines if not re.search(ignored, line)] for lines in (jax, jaxlike))
    found: list[Line] = []
    words = [[_words(line) for line in lines] for lines in (jax, jaxlike)]
    for kind, i, j, k, m in difflib.SequenceMatcher(None, *words, autojunk=False).get_opcodes():
        for step in range(max(j - i, m - k)):
            x, y = (i + step if i + step < j else None), (k + step if k + step < m else None)
            line = Line(None if x is None else jax[x], None if y is None else jaxlike[y])
            line.number = (0 if x is None else x + 1, 0 if y is None else y + 1)
            if line.jax is None or line.jaxlike is None or kind != "equal":
                line.agrees = False
            else:
                line.relative, line.agrees = numbers_apart(line.jax, line.jaxlike, bounds)
            found.append(line)
    return found


def _words(line: str) -> str:
    """The line without its numbers, the width of its gaps and what each framework calls by its own name."""
    return "".join(_NUMBER.sub("#", neutral(line)).split())


def numbers_apart(jax: str, jaxlike: str, bounds: Bounds) -> tuple[float, bool]:
    """Greatest relative difference of the numbers of two lines of the same words, and whether all agree."""
    worst, agree = 0.0, True
    expected, actual = (_NUMBER.findall(neutral(line)) for line in (jax, jaxlike))
    rtol, atol = bounds.of("float32", max((abs(v) for x in expected if math.isfinite(v := float(x))), default=0.0))
    for x, y in zip(expected, actual, strict=True):
        if x == y:
            continue
        e, a = float(x), float(y)
        if e == a or (math.isnan(e) and math.isnan(a)):
            continue
        apart = abs(a - e) if math.isfinite(e) and math.isfinite(a) else math.inf
        worst = max(worst, apart / abs(e) if e else math.inf)
        unit = (_last_digit(x) + _last_digit(y)) / 2  # 0 for integers, which are compared as they are
        agree &= apart <= unit * 1.000001 + (atol + rtol * abs(e) if unit else 0)
    return worst, agree


def _last_digit(text: str) -> float:
    """What one unit of the last printed digit is worth; 0 for an integer."""
    mantissa, _, exponent = text.lower().partition("e")
    if "." not in mantissa and not exponent:
        return 0.0
    return 10.0 ** (int(exponent or 0) - len(mantissa.partition(".")[2]))
