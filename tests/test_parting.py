"""Where two runs of a program part: numbers, printed lines, and what is told of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from jaxlike._src.compare import child, page, show
from jaxlike._src.compare.command import as_json
from jaxlike._src.compare.parting import Bounds, Report, Variable, compare_lines, compare_variables


def leaf(values: Any, dtype: Any = "float32", **other: Any) -> list[tuple[str, dict[str, Any]]]:
    """A variable of one leaf as a run records it."""
    array = np.asarray(values, dtype)
    return [("", child.plain("Array", array.dtype.name, array, False) | other)]


def compared(jax: Any, jaxlike: Any, **bounds: float) -> Variable:
    (found,) = compare_variables({"x": jax}, {"x": jaxlike}, Bounds(**bounds))
    return found


@pytest.mark.parametrize(
    ("jax", "jaxlike", "said"),
    [
        (leaf([1.0, 2.0]), leaf([1.0, 2.00001]), ""),
        (leaf([1.0, 2.0]), leaf([1.0, 2.1]), "1 of 2 numbers differ; first at [1]: jax 2.0, jaxlike 2.0999999046325684"),
        (leaf([1e6, 0.0]), leaf([1e6, 1.0]), ""),  # rounding of the number beside it
        (leaf([np.nan, np.inf]), leaf([np.nan, np.inf]), ""),
        (leaf([np.nan]), leaf([0.0]), "1 of 1 numbers differ; first at [0]: jax nan, jaxlike 0.0"),
        (leaf([np.inf]), leaf([-np.inf]), "1 of 1 numbers differ; first at [0]: jax inf, jaxlike -inf"),
        (leaf([1, 2], "int32"), leaf([1, 3], "int32"), "1 of 2 numbers differ; first at [1]: jax 2, jaxlike 3"),
        (leaf([2**64 - 1], "uint64"), leaf([0], "uint64"), "1 of 1 numbers differ; first at [0]: jax 18446744073709551615, jaxlike 0"),
        (leaf([1j], "complex64"), leaf([1j + 1], "complex64"), "1 of 1 numbers differ; first at [0]: jax 1j, jaxlike (1+1j)"),
        (leaf(1.0, "float16"), leaf(1.002, "float16"), ""),
        (leaf([1.0]), leaf([[1.0]]), "shape: jax (1,), jaxlike (1, 1)"),
        (leaf([1.0]), leaf([1.0], "float64"), "dtype: jax float32, jaxlike float64"),
        (leaf([1.0]), leaf([1.0], weak=True), "weak type: jax False, jaxlike True"),
        (leaf([1.0]), leaf([1.0], kind="numpy"), "kind: jax Array, jaxlike numpy"),
        (leaf(np.zeros((0, 2))), leaf(np.zeros((0, 2))), ""),
        (leaf([1.0]), [], "only on jax"),
        (leaf(np.zeros(2), [("float0", np.void, 0)]), leaf(np.zeros(2), [("float0", np.void, 0)]), ""),
    ],
)  # fmt: skip
def test_numbers(jax: Any, jaxlike: Any, said: str) -> None:
    assert compared(jax, jaxlike).verdict == said


def test_given_tolerances_are_taken_at_their_word() -> None:
    one, near = leaf([1.0, 1e6]), leaf([1.0 + 1e-6, 1e6])
    assert compared(one, near).agrees
    assert not compared(one, near, rtol=0.0, atol=0.0).agrees
    assert not compared(one, near, rtol=1e-7, atol=1e-7).agrees
    assert compared(one, leaf([1.4, 1e6]), atol=0.5).agrees


def test_differences_are_measured() -> None:
    found = compared(leaf([2.0, -4.0]), leaf([2.5, -4.5]))
    assert (found.absolute, found.relative, found.place) == (0.5, 0.25, "[0]")


@pytest.mark.parametrize(
    ("jax", "jaxlike", "agree"),
    [
        ("loss 0.12345", "loss 0.12346", True),  # one unit of the last digit
        ("loss 0.12345", "loss 0.13", False),
        ("[1.  2.5]", "[1.        2.4999998]", True),
        ("step 3", "step 4", False),
        ("took 3 of 10", "took 3  of 10", True),
        ("x: nan -inf", "x: nan -inf", True),
        ("x: nan", "x: 1.0", False),
        ("a1 1.0", "a2 1.0", False),  # digits of a name are no number
        ("<class 'jaxlib._jax.ArrayImpl'>", "<class 'jaxlike._src.array.Array'>", True),
        ("<class 'jaxlib._jax.ArrayImpl'>", "<class 'jax.Array'>", True),
        ("1e-3 2", "0.0010000001 2", True),
    ],
)
def test_printed_lines(jax: str, jaxlike: str, agree: bool) -> None:
    (line,) = compare_lines([jax], [jaxlike], Bounds())
    assert line.agrees is agree


def test_a_line_that_one_alone_printed_does_not_shift_the_others() -> None:
    lines = compare_lines(["start", "a 1.0", "end"], ["start", "a note", "a 1.0", "end"], Bounds())
    assert [line.number for line in lines if not line.agrees] == [(0, 2)]
    assert all(line.agrees for line in compare_lines(["took 1.0 s"], ["took 2.0 s"], Bounds(), "took"))


def test_some_variables_are_left_out() -> None:
    runs = {"seconds": leaf(1.0), "t_1": leaf(1.0), "x": leaf(1.0)}
    assert [v.name for v in compare_variables(runs, runs, Bounds(), ["seconds", "t_*"])] == ["x"]


@pytest.fixture
def report() -> Report:
    """One that parts in every way."""
    report = Report("it.py", Bounds())
    report.variables = compare_variables(
        {"x": leaf([1.0]), "<y>": leaf([1.0])}, {"x": leaf([1.0]), "<y>": leaf([np.nan])}, Bounds()
    )
    report.lines = compare_lines(["a 1.0", "b <1>"], ["a 1.0", "b <2>"], Bounds())
    report.ending = "jax ended with no error. jaxlike ended with TypeError: no."
    report.seconds = report.process_seconds = {"jax": 1.0, "jaxlike": 0.5}
    report.versions = {"jax": "0.10.2", "jaxlike": "0.1.0"}
    report.statements = {"jax": [(1, 0.25), (2, 1.0)], "jaxlike": [(1, 0.25), (2, 0.5)]}
    return report


@pytest.mark.parametrize("with_rich", [False, True])
def test_the_terminal_shows_it_all(
    report: Report, with_rich: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if with_rich:
        pytest.importorskip("rich")
    else:
        monkeypatch.setattr(show, "rich", None)
    show.print_report(report)
    said = capsys.readouterr().out
    for text in ("<y>", "(1,)", "float32", "1 of 1 numbers differ", "1 of 2 lines agree", "b <2>", "TypeError: no."):
        assert text in said
    assert said.endswith("They part first at line 2 of what they print.\n")


def test_many_variables_are_shown_from_the_furthest_apart(capsys: pytest.CaptureFixture[str]) -> None:
    runs = [{f"v{k:03}": leaf([1.0 + k * 1e-7 * which]) for k in range(100)} for which in (0, 1)]
    report = Report("it.py", Bounds(), compare_variables(runs[0], runs[1], Bounds()))
    show.print_report(report)
    said = capsys.readouterr().out
    assert "v099" in said and "v001" not in said and "... and 60 more" in said and "They agree." in said


def test_the_page_and_the_json(report: Report) -> None:
    text = page.page(report)
    assert text.count("<svg") == 2 and "&lt;y&gt;" in text and "<y>" not in text and "They part first at line 2" in text
    plain = as_json(report)
    assert plain["first"] == "line 2 of what they print" and not plain["agrees"]
    assert plain["variables"][1] == {
        "name": "<y>", "shape": "(1,)", "dtype": "float32", "absolute": "inf", "relative": "inf",
        "verdict": "1 of 1 numbers differ; first at [0]: jax 1.0, jaxlike nan", "place": "[0]", "agrees": False,
    }  # fmt: skip
