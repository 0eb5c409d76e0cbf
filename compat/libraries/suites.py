"""Run the libraries' own test suites on both frameworks and compare: `python -m compat.libraries.suites [suite ...]`.

A suite comes from the library's source distribution, is not changed, and runs in two processes: pytest with jaxlike's
plugin, which is told what `import jax` is and writes down how each test ended. What counts is a test that passes on
the real JAX: it is to pass here too. A markdown table says how many do; a list names the others and what they said.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
Outcomes = Mapping[str, Mapping[str, Any]]  # by test: its outcome, its seconds, what it said


@dataclass(frozen=True)
class Suite:
    """Test files of a library: the patterns that find them; files and tests left out, each with its reason; variables."""

    library: str
    files: tuple[str, ...]
    without: Mapping[str, str] = field(default_factory=dict[str, str])
    environment: Mapping[str, str] = field(default_factory=dict[str, str])  # what the suite asks to be told


SUITES = {
    "blackjax": Suite("blackjax", ("tests/**/test_*.py",)),
    "brax": Suite("brax", ("brax/*_test.py", "brax/[egipsm]*/**/*_test.py")),
    "chex": Suite(
        "chex",
        ("chex/**/*_test.py",),
        {
            "chex/_src/asserts_chexify_test.py::AssertsChexifyTest::test_uninspected_checks": "runs the functions that the "
            "process has for its end, torch's too: those take its shape rules away",
        },
    ),
    "distrax": Suite("distrax", ("distrax/**/*_test.py",)),
    "dm-haiku": Suite("dm-haiku", ("haiku/**/*_test.py",)),
    "dynamax": Suite("dynamax", ("dynamax/**/*_test.py", "dynamax/**/test_*.py")),
    "einops": Suite("einops", ("einops/tests/test_*.py",), environment={"EINOPS_TEST_BACKENDS": "numpy,jax"}),
    "flax-core": Suite("flax", ("tests/core/**/*_test.py", "tests/*_test.py")),
    "flax-linen": Suite("flax", ("tests/linen/*_test.py",)),
    "flax-nnx": Suite("flax", ("tests/nnx/**/*_test.py",)),
    "gymnax": Suite("gymnax", ("tests/test_*.py",)),
    "hj-reachability": Suite("hj-reachability", ("hj_reachability/**/*_test.py",)),
    "jaxley": Suite("jaxley", ("tests/test_*.py", "tests/jaxley_identical/test_*.py")),
    "jraph": Suite("jraph", ("jraph/_src/*_test.py",)),
    "mctx": Suite("mctx", ("mctx/**/*_test.py",)),
    "mujoco-mjx": Suite("mujoco-mjx", ("mujoco/mjx/_src/*_test.py",)),
    "numpyro": Suite("numpyro", ("test/test_*.py",)),
    "optax": Suite("optax", ("optax/**/*_test.py",)),
    "penzai": Suite("penzai", ("tests/**/*_test.py",)),
    "qpax": Suite("qpax", ("test/test_*.py",)),
    "rlax": Suite(
        "rlax",
        ("rlax/**/*_test.py",),
        {"rlax/_src/mpo_ops_test.py": "eight optimisations of five thousand steps, half a minute each on both"},
    ),
}


def requirement(library: str) -> str:
    """The line of requirements.txt that pins a library."""
    lines = (HERE / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return next(line for line in lines if line.startswith(f"{library}=="))


def unpacked(library: str, folder: Path) -> Path:
    """Fetch a library's source distribution and unpack it; where it lies."""
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", ":all:", "-d", str(folder)]
    subprocess.run([*command, requirement(library)], check=True)
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as file:
        file.extractall(folder, filter="data")
    return folder / archive.name.removesuffix(".tar.gz")


def files_of(suite: Suite, root: Path) -> list[str]:
    """The files of a suite, relative to the unpacked distribution."""
    found = {str(path.relative_to(root)) for pattern in suite.files for path in root.glob(pattern)}
    if missing := {name.partition("::")[0] for name in suite.without} - found:
        raise ValueError(f"no such test files: {', '.join(sorted(missing))}")
    return sorted(found - suite.without.keys())


def arguments_of(suite: Suite, root: Path, containing: str = "") -> list[str]:
    """What pytest is told: the suite's files whose names contain a word, and which of their tests are left out."""
    files = [file for file in files_of(suite, root) if containing in file]
    return files + [f"--deselect={name}" for name in suite.without if name.partition("::")[0] in files]


def outcomes(
    root: Path, tests: list[str], framework: str, options: argparse.Namespace, more: Mapping[str, str] | None = None
) -> tuple[Outcomes, bool]:
    """How each test ended on ``jax`` or ``jaxlike``, of those that ended before the time limit; whether that is all."""
    with tempfile.TemporaryDirectory() as folder:
        record = Path(folder) / "record.json"
        command = [sys.executable, "-m", "pytest", "-p", "jaxlike.pytest_plugin", f"--jax={framework}"]
        command += [f"--jax-record={record}", "--continue-on-collection-errors", "-o", "addopts=", "-p", "no:cacheprovider"]
        command += ["-q", "--disable-warnings", "--tb=short" if options.errors else "--tb=no"]
        command += ["-k", options.k] if options.k else []
        command += [f"--timeout={options.test_timeout}"] if options.test_timeout else []
        shown = None if options.errors and framework == "jaxlike" else subprocess.DEVNULL
        environment = {name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"} | dict(more or {})
        process = subprocess.Popen([*command, *tests], cwd=root, env=environment, stdout=shown, stderr=shown)
        whole = True
        try:
            process.wait(options.timeout)
        except subprocess.TimeoutExpired:
            whole = False
            process.send_signal(signal.SIGINT)  # pytest ends as by Ctrl-C: the record is written
            process.wait()
            print(f"cut after {options.timeout:.0f} s on {framework}", file=sys.stderr)
        if not record.exists():
            raise RuntimeError(f"no record: on {framework} pytest ended with exit code {process.returncode}")
        return json.loads(record.read_text(encoding="utf-8")), whole


@dataclass(frozen=True)
class Comparison:
    """Tests that say something of JAX (not skipped there), and those that pass on either framework."""

    tests: list[str]
    theirs: list[str]
    ours: list[str]
    seconds: tuple[float, float]
    differing: dict[str, str]  # passes on JAX and not here: what it said here


def compare(expected: Outcomes, actual: Outcomes, whole: bool = True) -> Comparison:
    """Set the outcomes of the real JAX beside those of jaxlike; where those are not all, what there is of them."""
    tests = [test for test, how in expected.items() if how["outcome"] not in ("skipped", "")]
    tests = [test for test in tests if whole or actual.get(test, {}).get("outcome")]
    theirs = [test for test in tests if expected[test]["outcome"] == "passed"]
    ours = [test for test in tests if _outcome(actual, test)["outcome"] == "passed"]
    differing = {test: _shown(_outcome(actual, test)) for test in theirs if test not in set(ours)}
    seconds = (_seconds(expected, tests), _seconds(actual, tests))
    return Comparison(tests, theirs, ours, seconds, differing)


def _seconds(how: Outcomes, tests: list[str]) -> float:
    return sum(how[test]["seconds"] for test in tests if test in how)


def _outcome(actual: Outcomes, test: str) -> Mapping[str, Any]:
    """How a test ended; one that did not run shares the end of its file."""
    missing = {"outcome": "not run", "seconds": 0.0, "said": ""}
    return actual.get(test) or actual.get(test.partition("::")[0]) or missing


def _shown(how: Mapping[str, Any]) -> str:
    return f"{how['outcome']}: {how['said'][:200]}" if how["said"] else how["outcome"]


HEAD = """\
| suite | version | tests | pass on jax | pass on jaxlike | on jax only | jax, s | jaxlike, s |
| --- | --- | --- | --- | --- | --- | --- | --- |"""


def row(name: str, version: str, found: Comparison) -> str:
    """A line of the table."""
    counts = (len(part) for part in (found.tests, found.theirs, found.ours, found.differing))
    return f"| {name} | {version} | {' | '.join(map(str, counts))} | {found.seconds[0]:.0f} | {found.seconds[1]:.0f} |"


def main() -> None:
    """Print the table, then the tests that pass on JAX alone; exit code 1 where there is one."""
    parser = argparse.ArgumentParser(prog="python -m compat.libraries.suites", description=__doc__)
    parser.add_argument("suites", nargs="*", help=f"of {', '.join(SUITES)}; all by default")
    parser.add_argument("--sources", type=Path, help="a folder of unpacked source distributions, instead of fetching them")
    parser.add_argument("--file", default="", help="only the test files whose names contain this")
    parser.add_argument("-k", help="only these tests, as pytest's -k")
    parser.add_argument("--timeout", type=float, default=1800, help="seconds for a suite on one framework")
    parser.add_argument("--test-timeout", type=float, help="seconds for a test; needs pytest-timeout")
    parser.add_argument("--errors", action="store_true", help="show pytest's output for jaxlike")
    options = parser.parse_args()
    found: dict[str, Comparison] = {}
    print(HEAD, flush=True)
    for name in options.suites or SUITES:
        suite = SUITES[name]
        with tempfile.TemporaryDirectory() as folder:
            version = requirement(suite.library).partition("==")[2]
            kept = options.sources and options.sources / f"{suite.library.replace('-', '_')}-{version}"
            root = kept or unpacked(suite.library, Path(folder))
            if not (tests := arguments_of(suite, root, options.file)):
                continue
            expected, _ = outcomes(root, tests, "jax", options, suite.environment)
            found[name] = compare(expected, *outcomes(root, tests, "jaxlike", options, suite.environment))
        print(row(name, version, found[name]), flush=True)
    for name, comparison in found.items():
        print(f"\n{name}\n" * bool(comparison.differing), end="")
        for test, said in comparison.differing.items():
            print(f"- `{test}`: {said}")
    sys.exit(any(comparison.differing for comparison in found.values()))


if __name__ == "__main__":
    main()
