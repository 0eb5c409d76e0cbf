"""Peak memory of a step that has run before: what a process holds at most during one, above what it held at first.

Each side runs in a process of its own. A small function is compiled first, and the kernel's mark of the greatest
resident size is set back before the step that is measured, so that imports and compilers do not count; what an allocator
keeps from earlier steps does. The arrays are large, so that code is small beside them. Linux alone has the mark.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from compat.bench.timing import Timing

GROUP = "memory, MB at the peak of a step"
SNIPPETS = {
    "a training step of an MLP, batch 32768": "step, parameters, batch = jit_rows.mlp(jax, 32768)",
    "a training step of a transformer, batch 128": "step, parameters, batch = jit_rows.transformer(jax, 128)",
    "a training step of a convolutional net, batch 512": "step, parameters, batch = jit_rows.convolutional(jax, 512)",
    "the gradient of a scan of 10000 steps, 64 at once": (
        "step = jax.vmap(jax.grad(loop_rows.effort(jax)))\n"
        "parameters, batch = jax.numpy.zeros((64, 10000, 1)), (jax.numpy.ones((64, 2)),)"
    ),
    "the same, its step checkpointed": (
        "step = jax.vmap(jax.grad(loop_rows.effort(jax, jax.checkpoint)))\n"
        "parameters, batch = jax.numpy.zeros((64, 10000, 1)), (jax.numpy.ones((64, 2)),)"
    ),
}
PROGRAM = """
import {module} as jax
from compat.bench import jit_rows, loop_rows
from compat.bench.memory import held

if {module!r} == "jaxlike":
    jax.config.update("jaxlike_jit_tier", "compile")
{snippet}
jax.block_until_ready((parameters, batch, jax.jit(lambda x: jax.numpy.sin(x) + 1)(jax.numpy.ones(8))))
before = held("VmRSS")
step = jax.jit(step)
for turn in range(3):
    if turn == 2:
        open("/proc/self/clear_refs", "w").write("5")  # the mark starts again
    jax.block_until_ready(step(parameters, *batch))
print("MB", held("VmHWM") - before)
"""


def held(what: str) -> float:
    """MB that the kernel tells of this process."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return int(next(line for line in lines if line.startswith(what)).split()[1]) / 1e3


def once(module: str, snippet: str) -> float:
    """MB of one new process."""
    root = Path(__file__).resolve().parents[2]
    path = os.pathsep.join([str(root), *filter(None, [os.environ.get("PYTHONPATH")])])
    code = PROGRAM.format(module=module, snippet=snippet)
    done = subprocess.run(
        [sys.executable, "-c", code], env=dict(os.environ, PYTHONPATH=path), capture_output=True, text=True
    )
    if done.returncode != 0:
        raise RuntimeError(f"{module}: {done.stderr[-2000:]}")
    return float(next(line for line in done.stdout.splitlines() if line.startswith("MB")).split()[1])


def compare(name: str, rounds: int) -> Timing:
    """Both frameworks in turns, `rounds` processes each: a `Timing` of MB."""
    pairs = [(once("jax", SNIPPETS[name]), once("jaxlike", SNIPPETS[name])) for _ in range(rounds)]
    of_jax, own = (sorted(side)[len(pairs) // 2] for side in zip(*pairs, strict=True))
    return Timing(of_jax, own, tuple(b / a for a, b in pairs))
