"""The recitation on both frameworks: its sections to the letter, with random inputs, and the whole script."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from compat.programs import recitation
from compat.programs.recitation import SCRIPT, SECTIONS, Section
from compat.same import Tolerance, same_in_both

ROOT = SCRIPT.parents[1]


@pytest.fixture(autouse=True)
def no_display(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Draw without a window, and leave no figure behind."""
    monkeypatch.setenv("MPLBACKEND", "Agg")
    monkeypatch.delenv("DISPLAY", raising=False)
    import matplotlib.pyplot as plt

    plt.switch_backend("Agg")
    yield
    plt.close("all")


CODE = [pytest.param(code, id=number) for number, code in recitation.script_sections().items()]


@pytest.mark.parametrize("code", CODE)
@same_in_both
def test_section_to_the_letter(jax: Any, code: str, tmp_path: Path) -> Any:
    return recitation.script_section(jax, code, tmp_path / "plot.png")


# A network's ones make 4,000 equal summands, whose rounding errors do not cancel.
@pytest.mark.parametrize("section", SECTIONS, ids=str)
@same_in_both(tolerance=Tolerance(factor=10))
def test_section_with_its_own_inputs(jax: Any, section: Section) -> Any:
    return section.program(jax, *section.own())


@pytest.mark.parametrize("draw", range(3))
@pytest.mark.parametrize("section", SECTIONS, ids=str)
@same_in_both
def test_section_with_random_inputs(jax: Any, section: Section, draw: int, rng: np.random.Generator) -> Any:
    return section.program(jax, *section.drawn(rng))


@pytest.mark.parametrize("section", SECTIONS, ids=str)
@same_in_both(x64=True)
def test_section_in_64_bits(jax: Any, section: Section, rng: np.random.Generator) -> Any:
    return section.program(jax, *section.drawn(rng))


def test_script_prints_what_it_prints_on_jax(tmp_path: Path) -> None:
    """Every printed digit, the text of the refused assignment, and the same plot."""
    printed = {}
    for name, start in {"jax": [], "jaxlike": ["-m", "jaxlike"]}.items():
        plot = tmp_path / f"{name}.png"
        path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
        result = subprocess.run(
            [sys.executable, *start, str(SCRIPT), str(plot)],
            capture_output=True,
            encoding="utf-8",
            timeout=600,
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": path, "PYTHONIOENCODING": "utf-8"},
        )
        assert result.returncode == 0, result.stderr
        assert result.stderr.count(".") >= 20, result.stderr  # the progress: a dot for each timed run
        printed[name] = [line for line in result.stdout.splitlines() if "selu" not in line]
        assert len(printed[name]) == len(result.stdout.splitlines()) - 3
    assert printed["jaxlike"] == printed["jax"]
    import matplotlib.image as image

    # A value that rounds differently may get the next of the 256 colors.
    ours, theirs = (image.imread(tmp_path / f"{name}.png") for name in ("jaxlike", "jax"))
    np.testing.assert_allclose(ours, theirs, atol=2.5 / 255)
