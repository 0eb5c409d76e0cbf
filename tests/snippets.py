"""What a page in Markdown shows, run: fenced blocks, and what the comments in them say that they print."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
# Runs the snippets of a page in one process, each in globals of its own; prints a JSON list of what they printed.
_RUNNER = """
import contextlib, io, json, sys
said = []
for number, snippet in enumerate(json.load(sys.stdin)):
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(snippet, f"snippet {number}", "exec", dont_inherit=True), {"__name__": "__main__"})
    said.append(printed.getvalue())
print(json.dumps(said))
"""


def blocks(text: str, language: str) -> list[str]:
    """The fenced blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.S | re.M)


def steps(text: str) -> list[str]:
    """The steps of every command in blocks of bash, each once."""
    lines = [line for block in blocks(text, "bash") for line in block.strip().splitlines()]
    return list(dict.fromkeys(step for line in lines for step in line.split(" && ")))


def run(arguments: list[str], cwd: Path, stdin: str | None = None) -> str:
    """Run a command with this checkout importable and no display; its standard output."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    environment = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "MPLBACKEND")}
    result = subprocess.run(
        arguments,
        cwd=cwd,
        input=stdin,
        capture_output=True,
        encoding="utf-8",
        timeout=600,
        env=environment | {"PYTHONPATH": path, "PYTHONIOENCODING": "utf-8"},
    )
    assert result.returncode == 0, f"{arguments}\n{result.stdout}\n{result.stderr}"
    return result.stdout


def run_snippets(snippets: list[str], cwd: Path) -> None:
    """Each must run without a warning, print something, and print what its comments say."""
    output = run([sys.executable, "-W", "error", "-c", _RUNNER], cwd, json.dumps(snippets))
    for snippet, printed in zip(snippets, json.loads(output.splitlines()[-1]), strict=True):
        assert printed or "\nprint(" not in f"\n{snippet}", snippet
        for said in re.findall(r"^print\(.*\)  # (.*)$", snippet, flags=re.M):
            assert said in printed.splitlines(), f"{said!r} is not in\n{printed}"


def check_command(step: str, scripts: list[str]) -> None:
    """A command that is not run here names a program, options and files that exist."""
    from shlex import split

    from jaxlike._src.compare.command import compare_parser
    from jaxlike._src.redirect import ACTIONS

    program, *words = split(step)
    if program == "jaxlike":
        assert program in scripts
        if words[0] == "compare":  # needs JAX: compat/test_two_runs.py does it
            named = compare_parser().parse_args(words[1:]).program
            assert named in ("script.py", "package") or (ROOT / named).is_file(), step
        else:  # changes an environment: test_substitute.py does it, in one of its own
            assert words[0] == "substitute" and words[1] in ACTIONS
    elif "jaxlike.pytest_plugin" in words:
        assert words[:2] == ["-p", "jaxlike.pytest_plugin"]
        assert words[2] in ("--jax=jaxlike", "--jax=jax", "--jax=both") and words[3:] in ([], ["-n", "4"])
    else:
        raise AssertionError(f"nothing is known of this command: {step}")
