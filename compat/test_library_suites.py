"""The runner of the libraries' own suites: what it counts, and which files it takes."""

import argparse
from pathlib import Path

import pytest

from compat.libraries.suites import SUITES, Suite, arguments_of, compare, outcomes, requirement, row


def ended(outcome: str, said: str = "", seconds: float = 1.0) -> dict[str, object]:
    return {"outcome": outcome, "seconds": seconds, "said": said}


def test_what_passes_on_jax_counts():
    expected = {
        "a.py::same": ended("passed"),
        "a.py::worse": ended("passed"),
        "a.py::better": ended("failed"),
        "a.py::skipped": ended("skipped"),
        "b.py::unread": ended("passed", seconds=2.0),
        "c.py::unrun": ended("passed"),
    }
    actual = {
        "a.py::same": ended("passed", seconds=0.25),
        "a.py::worse": ended("failed", "ValueError: no"),
        "a.py::better": ended("passed"),
        "a.py::skipped": ended("failed"),
        "b.py": ended("error", "ImportError: none"),
        "d.py::more": ended("passed"),
    }
    found = compare(expected, actual)
    assert found.differing == {
        "a.py::worse": "failed: ValueError: no",
        "b.py::unread": "error: ImportError: none",
        "c.py::unrun": "not run",
    }
    assert compare(expected, actual, whole=False).tests == ["a.py::same", "a.py::worse", "a.py::better"]
    assert row("a", "1.0", found) == "| a | 1.0 | 5 | 4 | 2 | 3 | 6 | 2 |"


def test_files_left_out_exist(tmp_path: Path):
    for name in ("a_test.py", "b_test.py", "c.py"):
        (tmp_path / name).write_text("")
    without = {"b_test.py": "needs a network", "a_test.py::test_hardware": "needs two GPUs"}
    suite = Suite("a", ("*_test.py",), without)
    assert arguments_of(suite, tmp_path) == ["a_test.py", "--deselect=a_test.py::test_hardware"]
    assert arguments_of(suite, tmp_path, "b_") == []
    with pytest.raises(ValueError, match=r"^no such test files: z_test\.py$"):
        arguments_of(Suite("a", ("*_test.py",), {"z_test.py": "gone"}), tmp_path)


def test_every_library_is_pinned():
    assert all("==" in requirement(suite.library) for suite in SUITES.values())


def test_a_suite_runs(tmp_path: Path):
    """In a process where `import jax` is the framework that was asked for, whatever the options of its own project."""
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --an-option-of-a-plugin-that-is-not-here\n")
    (tmp_path / "unread_test.py").write_text("import a_module_that_is_not_here\n")
    (tmp_path / "one_test.py").write_text("import jax\n\ndef test_name():\n    assert jax.__name__ == 'jaxlike'\n")
    (tmp_path / "parts_test.py").write_text(
        "import unittest\n\nclass Parts(unittest.TestCase):\n    def test_parts(self):\n"
        "        for k in range(2):\n            with self.subTest(k=k):\n                assert k < 2\n"
    )
    options = argparse.Namespace(timeout=60.0, test_timeout=None, errors=False, k=None)
    found, whole = outcomes(tmp_path, ["unread_test.py", "one_test.py", "parts_test.py"], "jaxlike", options)
    assert whole
    assert {test: how["outcome"] for test, how in found.items()} == {
        "unread_test.py": "error",
        "one_test.py::test_name": "passed",
        "parts_test.py::Parts::test_parts": "passed",
    }
