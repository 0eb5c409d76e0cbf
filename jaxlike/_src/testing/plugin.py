"""plugin: pytest's hooks for `--jax=jaxlike|jax|both`: what `import jax` is for a suite that says it.

The choice is made before any conftest is loaded, and handed on to pytest-xdist's workers by the environment. `both`
runs pytest once for each framework, in processes of their own, each of which writes down how its tests ended; then
the tests that differ are listed.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from jaxlike._src.substitute import install, uninstall
from jaxlike._src.version import __version__ as served_version
from jaxlike._src.version import jaxlike_version

FRAMEWORKS = ("jax", "jaxlike")
_FOR_WORKERS = "JAXLIKE_PYTEST"


def choose_early() -> None:
    """Install unless the command line or a parent process says otherwise.

    This is when the plugin is imported. Plugins of installed packages come next, before the options are read, and may
    import jax.
    """
    said = os.environ.get(_FOR_WORKERS)
    if said is None:
        words = [*sys.argv[1:], *os.environ.get("PYTEST_ADDOPTS", "").split()]
        given = [word.partition("=")[2] or following for word, following in zip(words, [*words[1:], ""], strict=True)
                 if word.partition("=")[0] == "--jax"]  # fmt: skip
        said = given[-1] if given else "jaxlike"
    if said == "jaxlike":
        install()


def pytest_addoption(parser: pytest.Parser) -> None:
    """--jax, the ini line jax, and where `both` has its processes write."""
    choices = (*FRAMEWORKS, "both")
    what = "what `import jax` is: jaxlike, the real jax, or one after the other, with a list of the tests that differ"
    group = parser.getgroup("jaxlike")
    group.addoption("--jax", choices=choices, default=None, help=f"{what} (default: the ini line jax, or jaxlike)")
    group.addoption("--jax-record", metavar="FILE", default=None, help="write how each test ended, as JSON")
    parser.addini("jax", f"{what}", default="jaxlike")


def chosen(config: pytest.Config) -> str:
    """jax, jaxlike or both."""
    choice: str = config.known_args_namespace.jax or config.getini("jax")
    if choice not in (*FRAMEWORKS, "both"):
        raise pytest.UsageError(f"the ini line jax is {choice!r}; it may be jaxlike, jax or both")
    return choice


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Put jaxlike in the place of jax, or not."""
    choice = chosen(early_config)
    os.environ[_FOR_WORKERS] = choice
    if choice == "jaxlike":
        return install()
    uninstall()
    if importlib.util.find_spec("jax") is None:
        raise pytest.UsageError(f"--jax={choice} needs the real jax, which is not installed here")


def pytest_report_header(config: pytest.Config) -> str:
    """Which framework this run is on."""
    if chosen(config) == "jaxlike":
        return f"jax: jaxlike {jaxlike_version}, in the place of jax {served_version}"
    return f"jax: the real one, {importlib.metadata.version('jax')}"


def pytest_collection_finish(session: pytest.Session) -> None:
    """Nothing may have put the other framework there meanwhile."""
    found, choice = sys.modules.get("jax"), chosen(session.config)
    if found is not None and found.__name__ != choice:
        raise pytest.UsageError(f"--jax={choice}, but jax is {found.__name__} (is `jaxlike substitute` on?)")


# How each test ended


class Record:
    """Collects the worst outcome of each test over its phases, with its seconds and what it said."""

    def __init__(self, config: pytest.Config, path: str) -> None:
        self.config, self.path, self.tests = config, path, dict[str, dict[str, Any]]()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """One phase of one test."""
        test = self.tests.setdefault(report.nodeid, {"outcome": "", "seconds": 0.0, "said": ""})
        test["seconds"] += report.duration
        category = self.config.hook.pytest_report_teststatus(report=report, config=self.config)[0]
        ended = category.removeprefix("subtests ")
        if ended != category:  # a part of a test, which ends by itself: what matters is that it failed
            category = ended if ended == "failed" else ""
        if category and test["outcome"] in ("", "passed"):
            test.update(outcome=category, said=_said(report))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file that could not be read."""
        if report.failed:
            self.tests[report.nodeid] = {"outcome": "error", "seconds": 0.0, "said": _said(report)}

    def pytest_sessionfinish(self) -> None:
        """Write."""
        Path(self.path).write_text(json.dumps(self.tests), encoding="utf-8")


def _said(report: Any) -> str:
    """The first line of an error, or the reason of a skip."""
    if isinstance(report.longrepr, tuple):
        return str(report.longrepr[2])
    crash = getattr(report.longrepr, "reprcrash", None)
    lines = (crash.message if crash else str(report.longrepr or "")).strip().splitlines() or [""]
    return lines[0] if crash else lines[-1]


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Record where that was asked for; workers send their reports to the process that records."""
    if config.option.jax_record and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Record(config, config.option.jax_record), "jaxlike-record")


# Both


def pytest_cmdline_main(config: pytest.Config) -> int | None:
    """With --jax=both, two runs in the place of this one."""
    option = config.option
    if chosen(config) != "both" or option.help or option.version or option.markers or option.showfixtures:
        return None
    codes: dict[str, int] = {}
    tests: dict[str, dict[str, dict[str, Any]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in FRAMEWORKS:
            record = Path(folder) / f"{name}.json"
            options = ["-p", "jaxlike.pytest_plugin", f"--jax={name}", f"--jax-record={record}"]
            if config.pluginmanager.hasplugin("cacheprovider"):  # --last-failed is each framework's own
                options += ["-o", f"cache_dir={Path(config.getini('cache_dir')) / name}"]
            command = [sys.executable, "-m", "pytest", *map(str, config.invocation_params.args), *options]
            print(f"\n{f' pytest with {name} ':=^80}", flush=True)
            environment = os.environ | {_FOR_WORKERS: name}
            codes[name] = subprocess.run(
                command, cwd=config.invocation_params.dir, env=environment, check=False
            ).returncode
            tests[name] = json.loads(record.read_text(encoding="utf-8")) if record.exists() else {}
            if codes[name] not in (0, 1, 2, 5):  # no run: a usage error, an error of pytest's own
                return codes[name]
    differing = print_summary(tests)
    return max(codes.values()) if not differing else max(1, *(code for code in codes.values() if code != 5))


def print_summary(tests: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> list[str]:
    """Say how many tests ended how on each framework, and list those that differ; their names."""
    print(f"\n{' jax and jaxlike ':=^80}")
    for name, ended in tests.items():
        counts: dict[str, int] = {}
        for test in ended.values():
            counts[test["outcome"]] = counts.get(test["outcome"], 0) + 1
        total = sum(test["seconds"] for test in ended.values())
        said = ", ".join(f"{n} {outcome or 'not run'}" for outcome, n in sorted(counts.items())) or "no tests"
        print(f"{name:8} {said}; {total:.2f} s in tests")
    theirs, ours = (tests[name] for name in FRAMEWORKS)
    missing: dict[str, Any] = {"outcome": "not run", "said": ""}
    every = list(dict.fromkeys([*theirs, *ours]))
    pairs = {test: (theirs.get(test, missing), ours.get(test, missing)) for test in every}
    differing = [test for test, (a, b) in pairs.items() if a["outcome"] != b["outcome"]]
    print(f"{len(differing)} of {len(every)} tests differ" + (":" if differing else ""))
    for test in differing:
        print(f"\n{test}")
        for name, ended in zip(FRAMEWORKS, pairs[test], strict=True):
            print(f"    {name:8} {ended['outcome']}{': ' + ended['said'] if ended['said'] else ''}")
    return differing
