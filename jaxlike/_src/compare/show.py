"""show: a report in the terminal; rich draws the table and the progress where it is installed (the extra `compare`)."""

from __future__ import annotations

import contextlib
import importlib
import math
import sys
from collections.abc import Iterator
from typing import Any

from jaxlike._src.compare.parting import Report, Variable


def _rich_if_installed() -> Any:
    """The package rich with the modules that are used here, or None."""
    try:
        for name in ("box", "console", "table", "text"):
            importlib.import_module(f"rich.{name}")
    except ImportError:
        return None
    return importlib.import_module("rich")


rich = _rich_if_installed()
HEAD = ("variable", "shape", "dtype", "greatest difference", "relative", "agrees")
MOST_ROWS, MOST_LINES = 40, 10


def number(x: float) -> str:
    """A difference in few digits."""
    return "0" if x == 0 else f"{x:.1e}" if math.isfinite(x) else str(x)


def row(variable: Variable) -> tuple[str, ...]:
    """The cells of a variable."""
    seen = (variable.name, variable.shape, variable.dtype)
    return *seen, number(variable.absolute), number(variable.relative), "yes" if variable.agrees else "no"


def chosen(report: Report) -> list[Variable]:
    """All variables, or where they are many those that differ and those that are furthest apart."""
    by_distance = sorted(report.variables, key=lambda v: (v.agrees, -v.relative))[:MOST_ROWS]
    names = {v.name for v in by_distance}
    return [v for v in report.variables if v.name in names]


def print_report(report: Report) -> None:
    """The whole report on standard output."""
    variables = chosen(report)
    if variables:
        _rich_table(variables) if rich is not None else _plain_table(variables)
    if len(variables) < len(report.variables):
        print(f"... and {len(report.variables) - len(variables)} more that agree, none of them further apart")
    for variable in variables:
        if not variable.agrees:
            print(f"{variable.name}: {variable.verdict}")
    _print_lines(report)
    if report.ending:
        print(report.ending)
    elif report.ended:
        print(f"both ended with {report.ended}")
    print(f"time: {report.times}")
    print("They agree." if report.agrees else f"They part first at {report.first}.")


def _print_lines(report: Report) -> None:
    if not report.lines:
        return
    wrong = [line for line in report.lines if not line.agrees]
    worst = max(line.relative for line in report.lines)
    print(
        f"printed: {len(report.lines) - len(wrong)} of {len(report.lines)} lines agree; relative {number(worst)} at most"
    )
    for line in wrong[:MOST_LINES]:
        print(f"  line {line.number[0] or line.number[1]}")
        for name, text in (("jax", line.jax), ("jaxlike", line.jaxlike)):
            print(f"    {name:8}{'(nothing)' if text is None else text}")
    if len(wrong) > MOST_LINES:
        print(f"  ... and {len(wrong) - MOST_LINES} more")


def _plain_table(variables: list[Variable]) -> None:
    rows = [HEAD, *map(row, variables)]
    widths = [max(len(cells[k]) for cells in rows) for k in range(len(HEAD))]
    for k, cells in enumerate(rows):
        print("  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip())
        if k == 0:
            print("  ".join("-" * width for width in widths))


def _rich_table(variables: list[Variable]) -> None:
    table = rich.table.Table(box=rich.box.SIMPLE_HEAD)
    for title in HEAD:
        table.add_column(title, justify="right" if title in HEAD[3:5] else "left", overflow="fold")
    for variable in variables:
        cells = [rich.text.Text(cell) for cell in row(variable)]
        cells[-1].stylize("green" if variable.agrees else "bold red")
        table.add_row(*cells)
    rich.console.Console().print(table)


class Progress:
    """Says on standard error, if that is a terminal, what runs now and how many lines it has printed."""

    def __init__(self, status: Any = None) -> None:
        self.status, self.doing = status, ""

    def begin(self, doing: str) -> None:
        """Another thing runs now."""
        self.doing = doing
        if self.status is not None:
            self.status.update(doing)
        elif sys.stderr.isatty():
            print(doing, file=sys.stderr)

    def printed(self, lines: int) -> None:
        """It has printed so many lines."""
        if self.status is not None:
            self.status.update(f"{self.doing}, {lines} lines printed")


@contextlib.contextmanager
def progress() -> Iterator[Progress]:
    """A `Progress` while something runs."""
    if rich is None or not sys.stderr.isatty():
        yield Progress()
    else:
        with rich.console.Console(stderr=True).status("") as status:
            yield Progress(status)
