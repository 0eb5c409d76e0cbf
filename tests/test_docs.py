"""The pages of docs/: their snippets run and print what they say, their commands and links lead somewhere."""

from __future__ import annotations

import importlib.util
import re
import shlex
import sys
import tomllib
from pathlib import Path

import pytest

from tests.snippets import ROOT, blocks, check_command, run, run_snippets, steps

PAGES = sorted((ROOT / "docs").glob("*.md"))
TEXTS = {page.stem: page.read_text(encoding="utf-8") for page in PAGES}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
NEEDS_JAX = ("two-frameworks", "contributing")


@pytest.mark.parametrize("page", [page for page, text in TEXTS.items() if blocks(text, "python")])
def test_snippets(page: str, tmp_path: Path) -> None:
    if page in NEEDS_JAX and importlib.util.find_spec("jax") is None:
        pytest.skip("compares with the real JAX")
    run_snippets(blocks(TEXTS[page], "python"), tmp_path)


@pytest.mark.parametrize("page", TEXTS)
def test_commands(page: str) -> None:
    for step in steps(TEXTS[page]):
        program, *words = shlex.split(step)
        if program == "pip":
            extras = re.findall(r"\[(\w+)\]", step)
            assert set(extras) <= set(PROJECT["optional-dependencies"]), step
        elif program in (".", "python3", "sphinx-build") or step == "pytest -n 2 tests compat":
            continue  # makes an environment, builds these pages below, or runs the tests that this is among
        elif program == "python":
            files = [word for word in words if word.startswith("examples/")]
            assert all((ROOT / file).is_file() for file in files), step  # test_examples.py runs them
            assert files or words[:2] in (["-m", "jaxlike"],), step
        else:
            check_command(step, PROJECT["scripts"])


@pytest.mark.parametrize("page", TEXTS)
def test_links_and_pictures(page: str) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", TEXTS[page]):
        assert (ROOT / "docs" / target).exists(), target


def test_the_gallery_shows_every_example() -> None:
    shown = set(re.findall(r"jaxlike examples/(\w+)\.py|python examples/(\w+)\.py", TEXTS["gallery"]))
    examples = {path.stem for path in (ROOT / "examples").glob("*.py")}
    assert {a or b for a, b in shown} == examples
    pictures = set(re.findall(r"examples/([\w.]+\.(?:png|gif))\)", TEXTS["gallery"]))
    assert pictures == {p.name for p in (ROOT / "examples").iterdir() if p.suffix in (".png", ".gif")}


def test_the_pages_can_be_built(tmp_path: Path) -> None:
    for package in ("sphinx", "myst_parser", "furo"):
        pytest.importorskip(package)
    run([sys.executable, "-m", "sphinx", "-q", "-W", str(ROOT / "docs"), str(tmp_path)], ROOT)
    assert {f"{page}.html" for page in TEXTS} <= {path.name for path in tmp_path.iterdir()}
