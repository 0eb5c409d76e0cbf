"""Two-framework runs as a user starts them: `jaxlike compare`, and `pytest --jax=both`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def run(*arguments: str, cwd: Path, code: int = 0) -> str:
    """``python *arguments`` with this checkout importable, which must end with ``code``; what it printed."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    bare = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "JAXLIKE_PYTEST"))}
    result = subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env=bare | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert result.returncode == code, result.stdout + result.stderr
    return result.stdout + result.stderr


def compare(*arguments: str, cwd: Path, code: int = 0) -> str:
    return run("-m", "jaxlike", "compare", *arguments, cwd=cwd, code=code)


AGREES = '''
"""A program."""
from __future__ import annotations
import sys
import numpy as np
import jax
import jax.numpy as jnp

key = jax.random.key(0)
params = {"w": jax.random.normal(key, (3, 3)), "none": None, "f": jnp.sin, "b": np.zeros(2)}
low = jnp.ones(2, jnp.bfloat16)
tangent = np.zeros(2, jax.dtypes.float0)
_hidden = 1.0 if jax.__name__ == "jax" else 2.0

def main() -> float:
    return float(jnp.sum(params["w"]))

print(f"total {main():.4f}", sys.argv[1:], __name__)
if sys.argv[1:] == ["fail"]:
    jnp.zeros(3)["a"]
'''


def test_a_program_that_agrees(tmp_path: Path) -> None:
    (tmp_path / "agrees.py").write_text(AGREES)
    said = compare("--json", "out.json", "agrees.py", "--rtol", "own", cwd=tmp_path)
    assert "They agree." in said and "printed: 1 of 1 lines agree" in said
    told = json.loads((tmp_path / "out.json").read_text())
    assert [v["name"] for v in told["variables"]] == ["key", "params['b']", "params['w']", "low", "tangent"]
    assert {v["dtype"] for v in told["variables"]} == {"key<fry>", "float64", "float32", "bfloat16", "float0"}
    assert told["lines"][0]["jax"].endswith("['--rtol', 'own'] __main__")
    assert [line for line, _ in told["statements"]["jax"]] == [line for line, _ in told["statements"]["jaxlike"]]


def test_a_module_that_fails_on_both_in_the_same_way(tmp_path: Path) -> None:
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__main__.py").write_text(AGREES)
    said = compare("-m", "package", "fail", cwd=tmp_path)
    assert "They agree." in said and "both ended with TypeError: " in said
    assert said.count("Traceback") == 2 and "child.py" not in said.split("\n\n")[0]


def test_a_program_that_parts(tmp_path: Path) -> None:
    (tmp_path / "parts.py").write_text(
        "import jax, jax.numpy as jnp\nours = jax.__name__ == 'jaxlike'\nx = jnp.arange(4.0)\n"
        "y = x.at[2].add(0.5 * ours)\nprint('sum', y.sum())\nassert not ours, 'ours'\n"
    )
    said = compare("--html", "out.html", "--ignore", "ours", "parts.py", cwd=tmp_path, code=1)
    for text in ("y: 1 of 4 numbers differ; first at [2]: jax 2.0, jaxlike 2.5", "jaxlike sum 6.5",
                 "jax ended with no error. jaxlike ended with AssertionError: ours", "They part first at line 1 of"):  # fmt: skip
        assert text in said
    assert (tmp_path / "out.html").read_text().count("<svg") == 2


@pytest.mark.slow
def test_a_notebook(tmp_path: Path) -> None:
    nbformat = pytest.importorskip("nbformat")
    cells = ["%matplotlib inline\nimport jax.numpy as jnp", "x = jnp.arange(3.0)\nx.sum()", "print('end')"]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nbformat.write(notebook, tmp_path / "it.ipynb")
    said = compare("it.ipynb", cwd=tmp_path)
    assert "They agree." in said and "x " in said and "In" not in said.split()


def test_what_cannot_be_compared(tmp_path: Path) -> None:
    assert "no such file: absent.py" in compare("absent.py", cwd=tmp_path, code=2)
    (tmp_path / "it.py").write_text("import jax")
    assert "no-such-python" in compare("--jax-python", "no-such-python", "it.py", cwd=tmp_path, code=2)
    (tmp_path / "slow.py").write_text("import time\ntime.sleep(60)")
    assert "was stopped after 0.5 s" in compare("--timeout", "0.5", "slow.py", cwd=tmp_path, code=2)
    (tmp_path / "jax.py").write_text("from jaxlike import *\nimport jaxlike, sys\nsys.modules['jax'] = jaxlike")
    assert "`import jax` is jaxlike for" in compare("it.py", cwd=tmp_path, code=2)


# pytest

SUITE = """
import jax
import pytest

def test_same():
    assert jax.numpy.sin(0.0) == 0

def test_not_on_jaxlike():
    assert jax.__name__ == "jax", "only there"

@pytest.mark.parametrize("x", [1, 2])
def test_skipped(x):
    pytest.skip("everywhere")  # an outcome that is alike on both, and no difference to report

@pytest.mark.xfail(strict=False)  # fails on one framework and passes on the other: neither is a failure
def test_expected():
    assert jax.__name__ == "jaxlike"
"""
PLUGIN = ("-m", "pytest", "-q", "-p", "jaxlike.pytest_plugin", "-p", "no:cacheprovider")


def write_suite(folder: Path) -> None:
    """A conftest that imports jax before anything else, and tests."""
    (folder / "conftest.py").write_text("import jax\n")
    (folder / "test_it.py").write_text(SUITE)


def test_a_suite_on_both(tmp_path: Path) -> None:
    write_suite(tmp_path)
    said = run(*PLUGIN, "--jax=both", "test_it.py", cwd=tmp_path, code=1)
    summary = said[said.index(" jax and jaxlike ") :]
    assert "jax      2 passed, 2 skipped, 1 xfailed;" in summary
    assert "jaxlike  1 failed, 1 passed, 2 skipped, 1 xpassed;" in summary
    assert "2 of 5 tests differ:" in summary
    assert (
        "test_it.py::test_not_on_jaxlike\n    jax      passed\n    jaxlike  failed: AssertionError: only there"
        in summary
    )
    assert "test_it.py::test_expected\n    jax      xfailed" in summary


@pytest.mark.slow
def test_the_choice_by_an_ini_line_reaches_workers(tmp_path: Path) -> None:
    write_suite(tmp_path)
    (tmp_path / "pytest.ini").write_text("[pytest]\njax = jax\n")
    said = run(*PLUGIN, "-n", "1", cwd=tmp_path)
    assert "2 passed, 2 skipped, 1 xfailed" in said
    said = run(*PLUGIN, "--jax=jaxlike", "-n", "1", "-k", "same or expected", cwd=tmp_path)
    assert "1 passed, 1 xpassed" in said
    (tmp_path / "pytest.ini").write_text("[pytest]\njax = torch\n")
    assert "it may be jaxlike, jax or both" in run(*PLUGIN, cwd=tmp_path, code=4)


@pytest.mark.slow
def test_both_agree(tmp_path: Path) -> None:
    write_suite(tmp_path)
    said = run(*PLUGIN, "--jax=both", "-k", "same", cwd=tmp_path)
    assert "0 of 1 tests differ" in said


@pytest.mark.slow
def test_a_comparison_needs_both_frameworks(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        "from jaxlike.testing import same_in_both\n@same_in_both\ndef test(jax):\n    return jax.numpy.ones(2)\n"
    )
    assert "so there is nothing to compare with" in run(*PLUGIN, cwd=tmp_path, code=1)
    assert "1 passed" in run(*PLUGIN, "--jax=jax", cwd=tmp_path)
