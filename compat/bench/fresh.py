"""First-call times: what a user waits for in a new process, with nothing cached in memory.

Each row is a snippet with `jax` and the modules of rows in scope; a process imports the framework, runs the snippet once
and reports the seconds of both. The compiler's disk caches are empty: both get a new folder of their own.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from compat.bench.timing import Timing

GROUP = "first call, fresh process"
IMPORT = "import"
_STEP = (
    "step, parameters, batch = jit_rows.{}(jax)\n"
    "jax.block_until_ready(jax.jit(step)(parameters, *batch))"
)  # fmt: skip
SNIPPETS = {
    IMPORT: "",
    "jnp.sin(1.0)": "jax.numpy.sin(1.0).block_until_ready()",
    "jit(selu) on 1000": (
        "jnp = jax.numpy\n"
        "x = jnp.ones(1000)\n"
        "jax.jit(lambda x: 1.05 * jnp.where(x > 0, x, 1.67 * jnp.exp(x) - 1.67))(x).block_until_ready()"
    ),
    "grad(f)(x), eager": (
        "jnp = jax.numpy\njax.grad(lambda x: jnp.sum(x**2) / 2)(jnp.array([0.0, 1.0, 2.0])).block_until_ready()"
    ),
    "jit of the gradient of a cross entropy": (
        "jnp = jax.numpy\n"
        "loss = lambda w, x: -jnp.mean(jnp.log(jax.nn.softmax(x @ w))[:, 0])\n"
        "jax.jit(jax.grad(loss))(jnp.ones((4, 3)), jnp.ones((8, 4))).block_until_ready()"
    ),
    "jit of a sort, a solve and a joined result": (
        "jnp = jax.numpy\n"
        "f = lambda a, b: jnp.concatenate([jnp.linalg.solve(a, b), jnp.sort(b)])\n"
        "jax.jit(f)(jnp.eye(4) * 2, jnp.ones(4)).block_until_ready()"
    ),
    "random.normal(key, (3,))": "jax.random.normal(jax.random.key(0), (3,)).block_until_ready()",
    "a training step of an MLP": _STEP.format("mlp"),
    "a training step of a small transformer": _STEP.format("transformer"),
    "a scan of 1000 steps and its gradient": (
        "x, us = jax.numpy.ones(2), jax.numpy.ones((1000, 1))\n"
        "jax.block_until_ready(jax.jit(jax.value_and_grad(loop_rows.effort(jax)))(us, x))"
    ),
    "a Kalman filter": "jax.block_until_ready(loop_rows.kalman(jax)())",
    "linalg.solve, 4 by 4": ("jnp = jax.numpy\njnp.linalg.solve(jnp.eye(4) * 2, jnp.ones(4)).block_until_ready()"),
}
PROGRAM = """
import sys, time
start = time.perf_counter()
import {module} as jax
imported = time.perf_counter()
from compat.bench import jit_rows, loop_rows
start_again = time.perf_counter()
{snippet}
done = time.perf_counter()
print("seconds", imported - start, done - start_again)
"""


def once(module: str, snippet: str) -> tuple[float, float]:
    """(seconds to import, seconds of the snippet) of one new process."""
    root = Path(__file__).resolve().parents[2]
    with tempfile.TemporaryDirectory() as folder:
        environment = dict(os.environ, TORCHINDUCTOR_CACHE_DIR=folder, JAX_COMPILATION_CACHE_DIR="")
        environment.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed package has its bytecode
        environment["PYTHONPATH"] = os.pathsep.join([str(root), *filter(None, [os.environ.get("PYTHONPATH")])])
        code = PROGRAM.format(module=module, snippet=snippet)
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{module}: {done.stderr[-2000:]}")
    _, imported, ran = next(line for line in done.stdout.splitlines() if line.startswith("seconds")).split()
    return float(imported), float(ran)


def compare(name: str, rounds: int) -> Timing:
    """Both frameworks in turns, `rounds` processes each."""
    times: tuple[list[float], list[float]] = ([], [])
    once("jaxlike", SNIPPETS[name])  # writes the bytecode
    for _ in range(rounds):
        for side, module in enumerate(("jax", "jaxlike")):
            imported, ran = once(module, SNIPPETS[name])
            times[side].append(imported if name == IMPORT else ran)
    ratios = tuple(b / a for a, b in zip(*times, strict=True))
    return Timing(statistics.median(times[0]), statistics.median(times[1]), ratios)


if __name__ == "__main__":
    print(json.dumps({name: compare(name, 1).ratio for name in SNIPPETS}))
