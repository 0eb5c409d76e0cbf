"""Every command and every snippet of the README does what the README says."""

from __future__ import annotations

import re
import shlex
import sys
import tomllib

import pytest

from tests.snippets import ROOT, blocks, check_command, run, run_snippets, steps

README = (ROOT / "README.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
COMMANDS = [line for block in blocks(README, "bash") for line in block.strip().splitlines()]
CI = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
STEPS = steps(README)


def test_the_commands_for_a_fresh_machine_come_first():
    """Each sets itself up: an environment, the package with an extra, and then the job."""
    main_job, tests = COMMANDS[:2]
    for command, extra in ((main_job, "plot"), (tests, "test")):
        environment, activate, install, _ = command.split(" && ")
        assert (environment, activate) == ("python3 -m venv .venv", ". .venv/bin/activate")
        assert f".[{extra}]" in shlex.split(install) and extra in PROJECT["optional-dependencies"]
    assert main_job.endswith(" && python -m jaxlike examples/recitation.py")
    assert tests.endswith(" && pytest -n 2 tests compat")
    taken = re.search(r"grep -m1 '(.*)' README.md", CI)  # CI takes the command from here
    assert taken and re.findall(rf"^.*{taken[1]}", README, flags=re.M) == [tests]
    for step in ("ruff check .", "pyright"):
        assert step in CI.splitlines() and step in STEPS


@pytest.mark.parametrize("step", STEPS)
def test_command(step, tmp_path):
    """Each step of each command, in this environment in place of the one that the README makes."""
    program, *arguments = shlex.split(step)
    if program in ("pip", ".", "pyright") or arguments[:2] == ["-m", "venv"]:
        return  # checked above: they make what this test runs in, or take a minute of CI of their own
    if program == "jaxlike" or "jaxlike.pytest_plugin" in arguments:
        check_command(step, PROJECT["scripts"])
    elif program == "pytest":  # the tests that this one is among
        run([sys.executable, "-m", "pytest", *arguments, "--collect-only", "-q"], ROOT)
    elif program == "ruff":
        run([sys.executable, "-m", "ruff", *arguments], ROOT)
    elif arguments[:2] == ["-m", "compat.report"]:
        assert run([sys.executable, *arguments], ROOT).startswith("| namespace | served / total |")
    else:
        assert program == "python"
        (tmp_path / "examples").symlink_to(ROOT / "examples")
        assert run([sys.executable, *arguments], tmp_path)
        if "examples/recitation.py" in arguments:
            assert (tmp_path / "recitation_plot.png").exists()


@pytest.mark.parametrize("snippet", blocks(README, "python"), ids=lambda snippet: snippet.split("\n")[0])
def test_python_snippet(snippet, tmp_path):
    """It runs without a warning, and prints what its comments say."""
    run_snippets([snippet], tmp_path)


@pytest.mark.parametrize("snippet", blocks(README, "ipython"))
def test_notebook_snippet(snippet, tmp_path):
    program = f"""
from IPython.core.interactiveshell import InteractiveShell
InteractiveShell.instance().run_cell({snippet + "print(jax.__name__)"!r}).raise_error()
"""
    assert run([sys.executable, "-c", program], tmp_path).splitlines()[-1] == "jaxlike"


def test_links_and_the_picture_lead_somewhere():
    targets = re.findall(r"\]\(([^)]+)\)", README)
    assert "examples/recitation_plot.png" in targets
    for target in targets:
        assert (ROOT / target).exists(), target
