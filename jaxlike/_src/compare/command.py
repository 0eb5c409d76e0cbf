"""jaxlike compare: one program on the real JAX and on jaxlike, in a process each, and where they part.

`child.py` runs the program and writes down where it came to; `parting.py` compares; `show.py` and `page.py` tell.
The two run one after the other, so that their times can be compared.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import os
import pickle
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from jaxlike._src.compare import child
from jaxlike._src.compare.page import page
from jaxlike._src.compare.parting import Bounds, Report, compare_lines, compare_variables
from jaxlike._src.compare.show import Progress, print_report, progress
from jaxlike._src.testing.outcomes import first_sentence
from jaxlike._src.version import jaxlike_version

USAGE = "jaxlike compare [options] (script.py | notebook.ipynb | -m module) [arguments ...]"


class CannotCompare(Exception):
    """There is nothing to compare: a usage error, or no real JAX."""


def compare_parser() -> argparse.ArgumentParser:
    """The options of the command."""
    parser = argparse.ArgumentParser(
        prog="jaxlike compare",
        usage=USAGE,
        description="Run a program on the real JAX and on jaxlike, and say where they part: the arrays and numbers in "
        "its globals, and each line that it prints. Exit code: 0 if they agree, 1 if not, 2 without a comparison.",
    )
    add = parser.add_argument
    add("-m", dest="module", action="store_true", help="run a module instead of a file")
    add("program", help="a script, a notebook, or with -m a module")
    add("arguments", nargs=argparse.REMAINDER, help="the program's own")
    add(
        "--jax-python",
        default=sys.executable,
        metavar="PYTHON",
        help="the interpreter that has the real JAX (default: this one)",
    )
    add("--rtol", type=float, help="relative tolerance (default: 1e-4, or the rounding of a type of fewer bits)")
    add(
        "--atol", type=float, help="absolute tolerance (default: 1e-6, or the rounding of the largest number beside it)"
    )
    add(
        "--ignore",
        action="append",
        default=[],
        metavar="NAME",
        help="variables not to compare: a name or a pattern; may be repeated",
    )
    add("--ignore-lines", metavar="REGEX", help="printed lines not to compare, such as times")
    add("--timeout", type=float, metavar="SECONDS", help="stop each run after so long")
    add("--html", type=Path, metavar="FILE", help="write a report with plots")
    add("--json", type=Path, metavar="FILE", help="write everything as JSON")
    return parser


def compare_command(arguments: list[str]) -> int:
    """Run, compare and tell; 0 if they agree, 1 if they part, 2 if they could not be compared."""
    options = compare_parser().parse_args(arguments)
    try:
        report = compare(options)
    except CannotCompare as error:
        print(f"jaxlike compare: {error}", file=sys.stderr)
        return 2
    print_report(report)
    if options.html:
        options.html.write_text(page(report), encoding="utf-8")
    if options.json:
        options.json.write_text(json.dumps(as_json(report), indent=1, allow_nan=False), encoding="utf-8")
    return 0 if report.agrees else 1


def compare(options: argparse.Namespace) -> Report:
    """Both runs, compared."""
    bounds = Bounds(options.rtol, options.atol)
    kind = "module" if options.module else "notebook" if options.program.endswith(".ipynb") else "script"
    if kind != "module" and not Path(options.program).is_file():
        raise CannotCompare(f"no such file: {options.program}")
    words = [kind, options.program, *options.arguments]
    interpreters = {"jax": [options.jax_python], "jaxlike": [sys.executable, "-m", "jaxlike"]}
    with progress() as status:
        runs = {name: run(name, command, words, options.timeout, status) for name, command in interpreters.items()}
    report = Report(options.program, bounds)
    for name, (outcome, _) in runs.items():
        report.seconds[name], report.process_seconds[name] = outcome["seconds"], outcome["process_seconds"]
        report.statements[name] = outcome["statements"]
        report.versions[name] = jaxlike_version if name == "jaxlike" else outcome["version"] or "(not imported)"
    (theirs, their_lines), (ours, our_lines) = runs["jax"], runs["jaxlike"]
    report.variables = compare_variables(theirs["variables"], ours["variables"], bounds, options.ignore)
    report.lines = compare_lines(their_lines, our_lines, bounds, options.ignore_lines)
    endings = [ending(outcome) for outcome in (theirs, ours)]
    if endings[0] == endings[1]:
        report.ended = endings[0]
    else:
        report.ending = " ".join(f"{n} ended with {e or 'no error'}." for n, e in zip(runs, endings, strict=True))
    return report


def run(
    name: str, command: list[str], words: list[str], timeout: float | None, status: Progress
) -> tuple[dict[str, Any], list[str]]:
    """What the program left on one framework, and the lines that it printed."""
    status.begin(f"{words[1]} on {name}")
    # Sets of strings are walked in the same order, output comes when it is printed, and no window opens.
    environment = {"PYTHONHASHSEED": "0", "MPLBACKEND": "Agg"} | os.environ
    environment |= {"PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8"}
    beginning = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        record = Path(folder) / "record.pickle"
        with open(Path(folder) / "errors", "w+", encoding="utf-8", errors="replace") as errors:
            try:
                process = subprocess.Popen(
                    [*command, child.__file__, str(record), *words],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    env=environment,
                    encoding="utf-8",
                    errors="replace",
                )
            except OSError as error:
                raise CannotCompare(f"{command[0]}: {error.strerror}") from error
            lines, late = read(process, timeout, status)
            errors.seek(0)
            said = errors.read()
        if late:
            raise CannotCompare(f"the run on {name} was stopped after {timeout:g} s")
        if not record.exists():
            raise CannotCompare(
                f"the run on {name} ended without a result (exit code {process.returncode})\n{said}".rstrip()
            )
        outcome = pickle.loads(record.read_bytes())
    outcome["process_seconds"] = time.perf_counter() - beginning
    check_framework(name, command, outcome)
    if outcome["error"] is not None:
        print(f"{name}:\n{said.rstrip()}\n", file=sys.stderr)
    return outcome, lines


def read(process: subprocess.Popen[str], timeout: float | None, status: Progress) -> tuple[list[str], bool]:
    """The lines of a process until it ends, or is stopped; whether it was."""
    late = threading.Event()

    def stop() -> None:
        late.set()
        process.kill()

    clock = threading.Timer(timeout, stop) if timeout is not None else None
    lines: list[str] = []
    with process:
        if clock is not None:
            clock.start()
        try:
            assert process.stdout is not None
            for line in process.stdout:
                lines.append(line.rstrip())
                status.printed(len(lines))
            process.wait()
        finally:
            if clock is not None:
                clock.cancel()
            if process.poll() is None:
                process.kill()
    return lines, late.is_set()


def check_framework(name: str, command: list[str], outcome: dict[str, Any]) -> None:
    """The run on jax must have had the real one."""
    absent = (
        outcome["error"] is not None and outcome["error"][0] == "ModuleNotFoundError" and "'jax'" in outcome["error"][1]
    )
    if name == "jax" and (outcome["framework"] == "jaxlike" or absent):
        what = "`import jax` is jaxlike" if outcome["framework"] else "the real jax is not installed"
        raise CannotCompare(f"{what} for {command[0]}; name an interpreter that has it: --jax-python PYTHON")


def ending(outcome: dict[str, Any]) -> str:
    """The error that ended a program, or its exit code; '' where it ended well."""
    if outcome["error"] is not None:
        kind, text = outcome["error"]
        return f"{kind}: {first_sentence(text)}"
    return f"exit code {outcome['code']}" if outcome["code"] else ""


def as_json(report: Report) -> dict[str, Any]:
    """The report as plain values; what is not finite is a text."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: plain(v) for k, v in value.items()}
        if isinstance(value, list | tuple):
            return [plain(v) for v in value]
        return str(value) if isinstance(value, float) and not math.isfinite(value) else value

    variables = [dataclasses.asdict(v) | {"agrees": v.agrees} for v in report.variables]
    return plain(dataclasses.asdict(report) | {"agrees": report.agrees, "first": report.first, "variables": variables})
