"""The recitation's script and notebook on jaxlike: they run unchanged, and print what JAX prints."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / "examples" / "recitation.py"
NOTEBOOK = ROOT / "examples" / "recitation.ipynb"

# What JAX 0.10.2 prints; compat/test_recitation.py compares with JAX itself.
PRINTED = """\
x: [0. 1. 2.]
f(x): 2.5
grad_f(x): [0. 1. 2.]
x:  [0. 1. 2.]
f(x):  2.5
dfxT(1): (Array([0., 1., 2.], dtype=float32),)
x:  [0. 1. 2.]
f(x):  2.5
dfx(v): 3.0
x,y:  [0. 1. 2.] [0. 1. 2.]
f(x,y):  (Array(5., dtype=float32), Array(3., dtype=float32))
dfT(1,1): (Array([1., 2., 3.], dtype=float32), Array([0., 1., 2.], dtype=float32))
X:
[[1. 1. 1.]
 [1. 1. 1.]
 [1. 1. 1.]]
f(X): 9.0

dfT(1):
(Array([[0., 0., 0.],
       [0., 1., 2.],
       [0., 2., 4.]], dtype=float32),)
df(I): 5.0
(100, 3)
(100, 2)
(40, 100, 3)
(40, 100, 5)
Jacobian (forward AD):
[[1. 2.]
 [0. 0.]
 [0. 2.]]

Jacobian (reverse AD):
[[1. 0. 0.]
 [2. 0. 2.]]
<class 'function'>
<class 'function'>
<class 'function'>
(5, 10, 2)
(5, 10, 2)
(5, 10, 2)
(5, 10, 2)
(5, 10, 2)
(5, 10, 2)
Exception: JAX arrays are immutable and do not support in-place item assignment. Instead of x[idx] = y, \
use x = x.at[idx].set(y) or another .at[] method: \
https://docs.jax.dev/en/latest/_autosummary/jax.numpy.ndarray.at.html

X:
[[0. 0. 0.]
 [0. 0. 0.]
 [0. 0. 0.]]

Y:
[[1. 1. 1.]
 [0. 0. 0.]
 [0. 0. 0.]]
"""


def environment() -> dict[str, str]:
    """This checkout importable, no display."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    shown = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "MPLBACKEND")}
    return shown | {"PYTHONPATH": path, "PYTHONIOENCODING": "utf-8"}


def test_script(tmp_path):
    result = subprocess.run(
        [sys.executable, "-W", "error", "-m", "jaxlike", str(SCRIPT)],
        capture_output=True,
        encoding="utf-8",
        timeout=600,
        cwd=tmp_path,
        env=environment(),
    )
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines(keepends=True)
    assert "".join(line for line in lines if "selu" not in line) == PRINTED
    time = r"[\d.]+"
    timing = rf"selu: {time} ms per loop \(median of 10 runs of 10 loops each, from {time} to {time} ms\)"
    plain, jitted, ratio = (line.strip() for line in lines if "selu" in line)
    assert re.fullmatch(f"plain {timing}", plain) and re.fullmatch(f"jitted {timing}", jitted)
    assert re.fullmatch(r"jitted selu takes \d\.\d\d of the time of plain selu", ratio)
    assert result.stderr.splitlines() == [
        "the plot is saved as recitation_plot.png",
        "timing plain selu ..........",
        "timing jitted selu ..........",
    ]
    assert (tmp_path / "recitation_plot.png").read_bytes().startswith(b"\x89PNG")


def notebook_code() -> list[str]:
    """The notebook's code cells."""
    return [cell.source for cell in nbformat.read(NOTEBOOK, 4).cells if cell.cell_type == "code"]


def statements(code: str) -> list[str]:
    """Each statement of ``code``, apart from its layout; a line with a magic counts as what it times."""
    python = re.sub(r"^%timeit.*? (?=\w+\()", "", code, flags=re.M)
    return [ast.unparse(node) for node in ast.parse(python).body]


def test_script_and_notebook_are_the_same_code():
    """The notebook is the script without what is added to it: the saved plot, the clock."""
    script = statements(SCRIPT.read_text(encoding="utf-8"))
    added = {
        "import sys",
        "import statistics",
        "import time",
        "plt.savefig(plot_file, dpi=100)",
        "plot_file = sys.argv[1] if len(sys.argv) > 1 else 'recitation_plot.png'",
    }
    added_parts = ("timeit", "file=sys.stderr", "jitted / plain")
    in_script = [line for line in script if line not in added and not any(p in line for p in added_parts)]
    in_notebook = [line for code in notebook_code() for line in statements(code)]
    assert [line for line in in_notebook if "block_until_ready" not in line] == in_script
    assert in_script[:2] == ["import jax", "import jax.numpy as jnp"]
    timed = re.findall(r"^%timeit .*$", "\n".join(notebook_code()), flags=re.M)
    calls = ["selu(x).block_until_ready()", "selu_jit(x).block_until_ready()"]
    assert timed == [f"%timeit -r10 -n100 {call}" for call in calls]


# A process of its own: what it leaves open of asyncio and ZeroMQ is no other test's warning.
EXECUTE = """
import sys
import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

source, folder = sys.argv[1:]
specs = KernelSpecManager(kernel_dirs=[folder], ensure_native_kernel=False)
notebook = nbformat.read(source, 4)
for cell in notebook.cells:
    if cell.cell_type == "code":
        cell.outputs = []
kernel = AsyncKernelManager(kernel_name="jaxlike", kernel_spec_manager=specs)
NotebookClient(notebook, km=kernel, timeout=900, resources={"metadata": {"path": folder}}).execute()
nbformat.write(notebook, folder + "/executed.ipynb")
"""


def printed(notebook: Any) -> str:
    """What a notebook's cells print, %timeit's words left out."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    text = "".join(output.text for output in outputs if output.output_type == "stream")
    return re.sub(r"^(The slowest run took .*|.* per loop .*)\n", "", text, flags=re.M)


def test_notebook(tmp_path):
    """Every cell runs on jaxlike, the timed ones with all their loops, and prints what JAX prints.

    The kernel is the one that the README shows: jaxlike is jax in it from the start.
    """
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    spec = json.loads(re.findall(r"```json\n(.*?)```", readme, flags=re.S)[0])
    spec["argv"][0] = sys.executable
    (tmp_path / "jaxlike").mkdir()
    (tmp_path / "jaxlike" / "kernel.json").write_text(json.dumps(spec))
    execute = [sys.executable, "-c", EXECUTE, str(NOTEBOOK), str(tmp_path)]
    result = subprocess.run(execute, capture_output=True, encoding="utf-8", env=environment())
    assert result.returncode == 0, result.stderr
    notebook = nbformat.read(tmp_path / "executed.ipynb", 4)
    assert printed(notebook) == printed(nbformat.read(NOTEBOOK, 4)) == PRINTED
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert not [output for output in outputs if output.output_type == "error"]
    assert [True for output in outputs if "image/png" in output.get("data", {})] == [True]
    timed = "".join(output.text for output in outputs if output.output_type == "stream")
    assert timed.count("(mean ± std. dev. of 10 runs, 100 loops each)") == 2
