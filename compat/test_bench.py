"""The bench compares like with like: every row computes the same on both sides; its arithmetic is right."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from pathlib import Path

import pytest

from compat.bench import output, reach, timing
from compat.bench.rows import JITTED, ROWS, TARGETS, Row
from compat.bench.timing import Timing
from compat.same import Tolerance, assert_same, run_both

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_row_computes_the_same_in_both(row: Row) -> None:
    expected, actual = run_both(lambda jax: row.make(jax)())
    assert expected.error is None, f"the row fails with jax: {expected.error}"
    # Entries of a large product or transform carry the rounding of large terms.
    assert_same(expected, actual, Tolerance(4, normwise=row.group == JITTED), row.name)


def test_rows_have_names_of_their_own() -> None:
    names = [row.name for row in ROWS]
    assert len(set(names)) == len(names)
    assert {row.group for row in ROWS} == set(TARGETS)


def test_pairs_are_timed_in_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    clock = itertools.count()
    monkeypatch.setattr(timing.time, "perf_counter", lambda: float(next(clock)))
    monkeypatch.setattr(timing, "calls_for", lambda *_: 1)
    timing.compare(lambda: order.append("a"), lambda: order.append("b"), rounds=4, seconds=0, warm=0, wait_each=True)
    assert order == ["a", "b", "b", "a", "a", "b", "b", "a"]


def test_the_table() -> None:
    groups = {"g": {"twice": Timing(1e-6, 2e-6, (2.0, 2.0, 2.0)), "half": Timing(2e-3, 1e-3, (0.5, 0.5))}}
    text = output.markdown(groups, {"g": 0.5}, {"cores": 2})
    assert "| twice | 1 µs | 2 µs | 2.00 | 2.00 to 2.00 |" in text
    assert "Geometric mean 1.00, target 0.5; worst row: twice (2.00)." in text
    assert output.as_json(groups, {})["rows"][1]["ratio"] == 0.5


def test_one_row_runs_alone(tmp_path: Path) -> None:
    written = tmp_path / "bench.json"
    command = [
        sys.executable,
        "-m",
        "compat.bench",
        "--only",
        "sin(x)",
        "--rounds",
        "3",
        "--fresh-rounds",
        "0",
    ]
    done = subprocess.run([*command, "--json", str(written)], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "| sin(x), 3 numbers |" in done.stdout
    assert [row["row"] for row in json.loads(written.read_text())["rows"]] == ["sin(x), 3 numbers"]


def test_an_unknown_row_is_an_error() -> None:
    command = [sys.executable, "-m", "compat.bench", "--only", "no such row"]
    assert subprocess.run(command, cwd=ROOT, capture_output=True).returncode != 0


@pytest.mark.parametrize("row", reach.REACHES, ids=lambda row: row.name)
def test_what_reaches_limits_is_the_same_in_both(row: reach.Reach, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reach, "SIDE", 16)
    monkeypatch.setattr(reach._vector, "__defaults__", (5000,))
    assert_same(*run_both(lambda jax: row.make(jax)()), Tolerance(16, normwise=True), row.name)


@pytest.mark.parametrize("name", reach.SCALES)
def test_what_is_scaled_is_the_same_in_both(name: str) -> None:
    make, _ = reach.SCALES[name]
    expected, actual = run_both(lambda jax: str(make(jax, 7)()) if "jaxpr" in name else make(jax, 7)())
    assert_same(expected, actual, Tolerance(4), name)


def test_the_picture_of_scales(tmp_path: Path) -> None:
    reach.draw({"elements: f": [(10, 1e-6, 2e-6), (100, 2e-6, 1e-6)], "steps: g": [(1, 1.0, 1.0)]}, "here", tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes()[:4] == b"\x89PNG"
    assert "| x + 1 | 1 s | 500 ms | 25% | 50% |" in reach.markdown([("x + 1", 1.0, 0.5, 0.25, 0.5)])
