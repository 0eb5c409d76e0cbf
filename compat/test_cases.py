"""Every table, crossed with every column. One pytest item is one table, one column, one setting of x64."""

from __future__ import annotations

import fnmatch
from collections import Counter
from collections.abc import Iterable

import pytest

from compat import frameworks, ledger
from compat.cases import TABLES
from compat.columns import COLUMNS, Column
from compat.table import Attempt, Check, Table, compare, sample

ITEMS = [
    pytest.param(table, column, x64, id=f"{table.name}-{column}-{'x64' if x64 else 'x32'}")
    for table in TABLES
    for column in COLUMNS
    for x64 in (False, True)
    if next(table.checks(column, x64), None) is not None
]


def served(checks: Iterable[Check]) -> list[Check]:
    """Without the functions that the ledger says are not served yet: test_inventory.py watches those."""
    gaps = ledger.load()
    return [check for check in checks if gaps.reason("later", check.case.function_name) is None]


def verdict(results: dict[str, list[tuple[Attempt, list[str]]]], run_seed: int) -> None:
    """Fail with every difference that the ledger does not list, and with every listed one that is gone."""
    __tracebackhide__ = True
    gaps = ledger.load()
    lines: list[str] = []
    for name, found in results.items():
        bad = [(attempt, texts) for attempt, texts in found if texts]
        reason = gaps.reason("checks", name)
        if bad and reason is None:
            attempt, texts = bad[0]
            lines.append(f"{name}\n    with {attempt}\n    " + "\n    ".join(texts))
        elif not bad and reason is not None:
            lines.append(f"{name} agrees now, and gaps.txt lists it ({reason}): remove the row")
    if lines:
        shown = "\n".join(lines[:25]) + (f"\n... and {len(lines) - 25} more" if len(lines) > 25 else "")
        hint = f"one of them alone: pytest compat/test_cases.py --check 'ID' --seed {run_seed}"
        pytest.fail(f"{len(lines)} of {len(results)} checks\n{shown}\n{hint}", pytrace=False)


def run_checks(checks: list[Check], run_seed: int, x64: bool, every_shape: bool) -> None:
    """Draw, compare, and give the verdict: one way to call per check, or all of them."""
    __tracebackhide__ = True
    attempts: list[Attempt] = []
    for check in checks:
        ways = check.shapes() if every_shape else (None,)
        attempts += [check.draw(run_seed, number, way) for number, way in enumerate(ways)]
    results: dict[str, list[tuple[Attempt, list[str]]]] = {}
    with frameworks.x64(x64):
        for attempt, found in compare(attempts):
            results.setdefault(attempt.check.id, []).append((attempt, found))
    verdict(results, run_seed)


@pytest.mark.parametrize(("table", "column", "x64"), ITEMS)
def test_sampled_checks(table: Table, column: Column, x64: bool, request: pytest.FixtureRequest) -> None:
    option = request.config.option
    checks = served(table.checks(column, x64))
    if option.check is not None:
        checks = [check for check in checks if fnmatch.fnmatchcase(check.id, option.check)]
        if not checks:
            pytest.skip("no check of this item matches --check")
        run_checks(checks, option.seed, x64, every_shape=True)
    else:
        run_checks(sample(checks, option.fraction, option.seed), option.seed, x64, every_shape=False)


@pytest.mark.slow
@pytest.mark.parametrize(("table", "column", "x64"), ITEMS)
def test_every_check(table: Table, column: Column, x64: bool, request: pytest.FixtureRequest) -> None:
    run_checks(served(table.checks(column, x64)), request.config.option.seed, x64, every_shape=True)


def test_ledger_names_checks_that_exist() -> None:
    every = [check.id for t in TABLES for column in COLUMNS for x in (False, True) for check in t.checks(column, x)]
    unknown = [row for row in ledger.load().rows["checks"] if not fnmatch.filter(every, row)]
    assert not unknown, f"rows of [checks] in gaps.txt that match no check: {unknown}"


def test_check_names_are_unique_and_stable() -> None:
    names = Counter(str(row) for table in TABLES for row in table.rows)
    twice = [name for name, count in names.items() if count > 1]
    assert not twice, f"give these rows a label: {twice[:20]}"
    assert not [name for name in names if "0x" in name], "a memory address in a name: give the row a label"
