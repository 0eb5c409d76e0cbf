"""Tables: functions are rows, transformations columns (columns.py), dtypes the third direction.

A `Case` is a row; a `Check` is one cell for one dtype, named `jax.numpy.sin/grad/float32` (with `@x64`
where 64-bit types are on). A check draws its arguments in numpy, runs them through both frameworks and
compares. jax's side of many checks is traced into one program and compiled once, which costs a third of
calling them one by one; what raises there, or ends in something else than arrays, is run again by itself, as
a user would.
"""

from __future__ import annotations

import hashlib
import itertools
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from compat import domains, frameworks
from compat.columns import COLUMNS, Column, Drawn
from compat.domains import EDGES, REAL, TIED, Domain
from compat.same import (
    DEFAULT,
    Outcome,
    Tolerance,
    describe_leaf,
    differences,
    first_sentence,
    neutral,
    run,
)

FLOATS = ("float32", "float16", "bfloat16", "float64")
WIDE_FLOATS = ("float32", "float64")
INTS = ("int32", "int8", "uint8", "int16", "uint16", "uint32", "int64", "uint64")
SIGNED = ("int32", "int8", "int16", "int64")
COMPLEX = ("complex64", "complex128")
BOOL = ("bool",)
REALS = FLOATS + INTS + BOOL
ALL = REALS + COMPLEX
NUMBERS = FLOATS + INTS + COMPLEX
INEXACT = FLOATS + COMPLEX
WIDE = WIDE_FLOATS + COMPLEX
INTEGRAL = INTS + BOOL

NEEDS_X64 = frozenset(("float64", "complex128", "int64", "uint64"))
ALSO_UNDER_X64 = frozenset(("float32", "int32", "bool", "uint8"))  # promotion of these depends on the flag

Shapes = tuple[tuple[int, ...], ...]
SHAPES: dict[int, tuple[Shapes, ...]] = {
    0: ((),),
    1: (((),), ((3,),), ((2, 3),), ((0,),), ((2, 1, 3),)),
    2: (((), ()), ((3,), (3,)), ((2, 3), (3,)), ((), (2, 3)), ((2, 1), (1, 3)), ((0,), (1,))),
    3: (((), (), ()), ((3,), (3,), (3,)), ((2, 3), (), (3,)), ((3,), (2, 1), ())),
}
VECTORS: tuple[Shapes, ...] = (((4,),), ((5,),), ((1,),))
MATRICES: tuple[Shapes, ...] = (((3, 4),), ((2, 3),), ((4, 1),))
CUBES: tuple[Shapes, ...] = (((2, 3, 4),), ((1, 3, 2),))
SQUARES: tuple[Shapes, ...] = (((3, 3),), ((2, 3, 3),), ((1, 1),))


@dataclass(frozen=True)
class Case:
    """A row: one function with fixed options.

    `path` is the name below the table's namespace. `call(jax, *arrays, **options)` replaces the plain call
    where a function does not simply take arrays. `shapes` holds one tuple of argument shapes per way to call.
    """

    path: str
    arity: int = 1
    dtypes: tuple[str, ...] = ALL
    domain: Domain | tuple[Domain, ...] = REAL
    shapes: tuple[Shapes, ...] | None = None
    options: dict[str, Any] = field(default_factory=dict)
    grad: bool = True
    only: tuple[str, ...] | None = None
    without: tuple[str, ...] = ()
    call: Callable[..., Any] | None = None
    tolerance: Tolerance = DEFAULT
    label: str = ""
    namespace: str = ""

    @property
    def function_name(self) -> str:
        """The function's name in the inventory."""
        return f"{self.namespace}.{self.path}"

    def __str__(self) -> str:
        """The row's name: function, options, label."""
        options = ",".join(f"{k}={_option(v)}" for k, v in self.options.items())
        return self.function_name + (f"({options})" if options else "") + (f"~{self.label}" if self.label else "")

    def function(self, jax: Any) -> Callable[..., Any]:
        """The function of arrays that this row means, in one framework."""
        if self.call is not None:
            the_call, options = self.call, self.options
            return lambda *arrays: the_call(jax, *arrays, **options)
        found = jax
        for name in self.function_name.split(".")[1:]:
            found = getattr(found, name)
        options = self.options
        return (lambda *arrays: found(*arrays, **options)) if options else found

    def column_applies(self, column: Column, dtype: str) -> bool:
        """Whether this row has a cell in the column for the dtype."""
        names = {column.name, column.like}
        if names & set(self.without) or (self.only is not None and not names & set(self.only)):
            return False
        if column.derivative and (not self.grad or dtype not in INEXACT):
            return False
        if column.domain is not None and (self.shapes is not None or self.domain is not REAL):
            return False
        return not (column.mixed and (self.arity != 2 or self.shapes is not None or self.domain is not REAL))


def _option(value: Any) -> str:
    if callable(value) and hasattr(value, "__name__"):
        return value.__name__
    return str(value).replace(" ", "")


def each(paths: str, **common: Any) -> list[Case]:
    """Rows that differ in nothing but their name."""
    return [Case(path, **common) for path in paths.split()]


def vary(case: Case, **options: Sequence[Any]) -> list[Case]:
    """One row for each combination of the options' values; an option is left out where its value is `...`."""
    rows: list[Case] = []
    for values in itertools.product(*options.values()):
        chosen = {k: v for k, v in zip(options, values, strict=True) if v is not ...}
        rows.append(replace(case, options={**case.options, **chosen}))
    return rows


@dataclass(frozen=True)
class Table:
    """The rows of one namespace."""

    namespace: str
    rows: tuple[Case, ...]
    name: str

    def __init__(self, name: str, namespace: str, rows: Iterable[Case]):
        """Rows without a namespace of their own get the table's."""
        object.__setattr__(self, "namespace", namespace)
        object.__setattr__(self, "rows", tuple(replace(row, namespace=row.namespace or namespace) for row in rows))
        object.__setattr__(self, "name", name)

    def checks(self, column: Column, x64: bool) -> Iterator[Check]:
        """Every check of one column with 64-bit types on or off."""
        for case in self.rows:
            for dtype in case.dtypes:
                if (dtype in NEEDS_X64 and not x64) or (x64 and dtype not in NEEDS_X64 | ALSO_UNDER_X64):
                    continue
                if case.column_applies(column, dtype):
                    yield Check(case, column, dtype, x64)


@dataclass(frozen=True)
class Check:
    """One cell: a row, a column, a dtype, the 64-bit flag."""

    case: Case
    column: Column
    dtype: str
    x64: bool

    @cached_property
    def id(self) -> str:
        """The name under which the ledger and the messages know this check."""
        return f"{self.case}/{self.column}/{self.dtype}" + ("@x64" if self.x64 else "")

    def rng(self, seed: int, draw: int) -> np.random.Generator:
        """A generator that depends on the seed, the check and the number of the draw, and on nothing else."""
        digest = hashlib.blake2b(f"{seed} {draw} {self.id}".encode(), digest_size=8).digest()
        return np.random.default_rng(int.from_bytes(digest, "little"))

    def shapes(self) -> tuple[Shapes, ...]:
        """The ways to call: the row's own, or those of its arity."""
        return self.case.shapes if self.case.shapes is not None else SHAPES[self.case.arity]

    def draw(self, seed: int, number: int, shapes: Shapes | None = None) -> Attempt:
        """Arguments and what else the column wants."""
        rng = self.rng(seed, number)
        if shapes is None:
            ways = self.shapes()
            shapes = ways[int(rng.integers(len(ways)))]
        arity = len(shapes)
        its_domains = self.case.domain if isinstance(self.case.domain, tuple) else (self.case.domain,) * arity
        special = {"EDGES": EDGES, "TIED": TIED}.get(self.column.domain or "")
        arguments: list[Any] = []
        for position, (shape, domain) in enumerate(zip(shapes, its_domains, strict=True)):
            dtype = self._argument_dtype(domain, position, rng)
            if dtype in PYTHON_SCALARS:
                kind, drawn_as = PYTHON_SCALARS[dtype]
                arguments.append(kind(REAL(rng, (), drawn_as)))
            elif special is not None:
                values = special(rng, shape, dtype)
                # Pairs: the second argument runs along an axis of its own.
                arguments.append(values[:, None] if position and special is EDGES else values)
            else:
                arguments.append(np.asarray(domain(rng, shape, dtype)))
        drawn = Drawn()
        if self.column.batched:
            arguments, drawn = self._batched(rng, shapes, its_domains)
        if self.column.derivative:
            tangents = tuple(_tangent(rng, x) for x in arguments)
            drawn = replace(drawn, tangents=tangents)
        return Attempt(self, tuple(arguments), drawn)

    def _argument_dtype(self, domain: Domain, position: int, rng: np.random.Generator) -> str:
        fixed = DTYPE_OF_DOMAIN.get(domain)
        if fixed is not None:
            return fixed
        if not self.column.mixed or position == 0:
            return self.dtype
        others = [d for d in self.case.dtypes if self.x64 or d not in NEEDS_X64]
        others += [name for name in PYTHON_SCALARS if any(d.startswith(name.split()[1]) for d in self.case.dtypes)]
        return others[int(rng.integers(len(others)))]

    def _batched(
        self, rng: np.random.Generator, shapes: Shapes, its_domains: tuple[Domain, ...]
    ) -> tuple[list[np.ndarray], Drawn]:
        size = int(rng.integers(2, 4))
        batched = rng.random(len(shapes)) < 0.7
        if not batched.any() and len(shapes):
            batched[int(rng.integers(len(shapes)))] = True
        arguments: list[np.ndarray] = []
        in_axes: list[int | None] = []
        for shape, domain, has_batch in zip(shapes, its_domains, batched, strict=True):
            dtype = DTYPE_OF_DOMAIN.get(domain, self.dtype)
            if not has_batch:
                arguments.append(np.asarray(domain(rng, shape, dtype)))
                in_axes.append(None)
                continue
            stacked = np.stack([domain(rng, shape, dtype) for _ in range(size)])
            axis = int(rng.integers(-1, stacked.ndim))
            arguments.append(np.moveaxis(stacked, 0, axis))
            in_axes.append(axis)
        return arguments, Drawn(in_axes=tuple(in_axes))


# A domain that decides its argument's dtype by itself.
DTYPE_OF_DOMAIN: dict[Domain, str] = {domains.KEY: "uint32", domains.INDEX: "int32"}
# Weakly typed arguments of the column "promote": the type, and the dtype that its value is drawn in.
PYTHON_SCALARS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "Python bool": (bool, "bool"),
    "Python int": (int, "int32"),
    "Python float": (float, "float64"),
    "Python complex": (complex, "complex128"),
}


def _tangent(rng: np.random.Generator, x: Any) -> Any:
    if not isinstance(x, np.ndarray) or x.dtype.kind in "biu":
        return None
    return REAL(rng, x.shape, x.dtype.name).astype(x.dtype)


@dataclass(frozen=True)
class Attempt:
    """A check with its arguments drawn."""

    check: Check
    arguments: tuple[Any, ...]
    drawn: Drawn

    def program(self, jax: Any, arrays: Sequence[Any] | None = None, cheap: bool = False) -> Any:
        """The check as a program; `arrays` are the arguments already in the framework's hands."""
        if arrays is None:
            arrays = [jax.numpy.asarray(x) if isinstance(x, np.ndarray) else x for x in self.arguments]
        column = self.check.column
        transform = (column.oracle if cheap else None) or column.transform
        return transform(jax, self.check.case.function(jax), arrays, self.drawn)

    def __str__(self) -> str:
        parts = [
            f"{x.dtype}{list(x.shape)} {np.array2string(x, threshold=12, precision=9)}"
            if isinstance(x, np.ndarray)
            else repr(x)
            for x in self.arguments
        ]
        axes = f" in_axes={self.drawn.in_axes}" if self.check.column.batched else ""
        return "; ".join(parts).replace("\n", "") + axes


def expected_outcomes(attempts: Sequence[Attempt]) -> list[Outcome]:
    """jax's outcomes, from one compiled program; what raises in it is run again alone and eagerly."""
    jax = frameworks.EXPECTED
    traced: list[tuple[str, list[tuple[str, Any]], frozenset[tuple[str, str]]] | None] = [None] * len(attempts)

    def together(all_arrays: list[list[Any]]) -> list[list[Any]]:
        results: list[list[Any]] = []
        for i, (attempt, arrays) in enumerate(zip(attempts, all_arrays, strict=True)):
            given = iter(arrays)
            full = [next(given) if isinstance(x, np.ndarray) else x for x in attempt.arguments]
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                try:
                    value = attempt.program(jax, full, cheap=True)
                except Exception:
                    results.append([])
                    continue
            paths, treedef = jax.tree_util.tree_flatten_with_path(value)
            named = [(jax.tree_util.keystr(path), leaf) for path, leaf in paths]
            if not all(isinstance(leaf, jax.core.Tracer) for _, leaf in named):
                results.append([])  # a text or a Python number: not what it would be outside a trace
                continue
            warned = frozenset((w.category.__name__, first_sentence(str(w.message))) for w in caught)
            traced[i] = (neutral(str(treedef)), named, warned)
            results.append([leaf for _, leaf in named])
        return results

    arrays = [[x for x in attempt.arguments if isinstance(x, np.ndarray)] for attempt in attempts]
    try:
        computed = jax.jit(together)(arrays)
    except Exception:
        traced = [None] * len(attempts)  # one check that XLA refuses: all of them one by one
        computed = [[] for _ in attempts]
    outcomes: list[Outcome] = []
    for attempt, record, values in zip(attempts, traced, computed, strict=True):
        if record is None:
            outcomes.append(run(attempt.program, jax))
            continue
        tree, named, warned = record
        leaves = {path: describe_leaf(leaf, jax) for (path, _), leaf in zip(named, values, strict=True)}
        outcomes.append(Outcome(tree, leaves, warned=warned))
    return outcomes


BATCH = 24  # checks compiled together: larger programs compile no faster, and a failure costs more


def compare(attempts: Sequence[Attempt]) -> Iterator[tuple[Attempt, list[str]]]:
    """For each attempt its differences; an empty list where both frameworks agree."""
    for start in range(0, len(attempts), BATCH):
        some = attempts[start : start + BATCH]
        for attempt, expected in zip(some, expected_outcomes(some), strict=True):
            actual = run(attempt.program, frameworks.ACTUAL)
            check = attempt.check
            tolerance = replace(
                check.case.tolerance,
                factor=check.case.tolerance.factor * check.column.growth,
                computed_in=None if check.column.mixed else check.dtype,
            )
            yield attempt, differences(expected, actual, tolerance)


def sample(checks: Sequence[Check], fraction: float, seed: int) -> list[Check]:
    """A part of the checks, at least one, chosen by the seed alone."""
    if fraction >= 1 or not checks:
        return list(checks)
    wanted = max(1, round(fraction * len(checks)))
    ranked = sorted(checks, key=lambda c: hashlib.blake2b(f"{seed} {c.id}".encode(), digest_size=8).digest())
    return ranked[:wanted]


__all__ = ["COLUMNS", "Case", "Check", "Table", "compare", "each", "sample", "vary"]
