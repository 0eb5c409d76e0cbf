"""Every example runs with jaxlike in the place of jax, at a reduced size, and comes to what it is about."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"
COURSE = "recitation"  # has a test file of its own
# What the last lines say, as a pattern.
ENDS = {
    "cart_pole": r"angle 1\.00 pi",
    "digits": r"read correctly: (8[5-9]|9\d) %",
    "hmc": r"accepted: 9\d\.\d %",
    "neural_ode": r"loss 0\.0[0-6]",
    "sweep": r"rests at 0\.6429; neighbours approach at a rate of -0\.223",
    "torch_module": r"loss 0\.[0-4]",
    "with_libraries": r"diffrax layer in torch: .* -> 0\.[01]",
}
NEEDS = {"digits": "sklearn", "with_libraries": "diffrax"}
# Those of compat/libraries/requirements.txt, which CI does not install.
NAMES = [pytest.param(name, marks=[pytest.mark.slow] * (name == "with_libraries")) for name in ENDS]


def test_every_example_is_here() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.py")} == {*ENDS, COURSE}


@pytest.mark.parametrize("name", NAMES)
def test_example(name: str, tmp_path: Path) -> None:
    if name in NEEDS:
        pytest.importorskip(NEEDS[name])
    path = os.pathsep.join(filter(None, [str(EXAMPLES.parent), os.environ.get("PYTHONPATH")]))
    picture = tmp_path / f"{name}.png"
    options = ["--plot", str(picture)] if name in ("sweep", "hmc") else []  # the others' pictures take their time
    result = subprocess.run(
        [sys.executable, "-W", "error", "-m", "jaxlike", str(EXAMPLES / f"{name}.py"), "--quick", *options],
        capture_output=True,
        text=True,
        timeout=300,
        env=os.environ | {"PYTHONPATH": path, "MPLBACKEND": "Agg"},
    )
    assert result.returncode == 0, result.stderr
    assert re.search(ENDS[name], result.stdout), result.stdout
    assert picture.exists() == bool(options)


@pytest.mark.slow
@pytest.mark.parametrize("name", ENDS)
def test_picture(name: str, tmp_path: Path) -> None:
    if name in NEEDS:
        pytest.importorskip(NEEDS[name])
    picture = tmp_path / ("it.gif" if name == "cart_pole" else "it.png")
    path = os.pathsep.join(filter(None, [str(EXAMPLES.parent), os.environ.get("PYTHONPATH")]))
    command = [sys.executable, "-m", "jaxlike", str(EXAMPLES / f"{name}.py"), "--quick", "--plot", str(picture)]
    subprocess.run(command, check=True, timeout=300, env=os.environ | {"PYTHONPATH": path, "MPLBACKEND": "Agg"})
    assert picture.stat().st_size > 10_000
