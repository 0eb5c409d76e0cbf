"""`python -m compat.bench.reach`: how near to the machine's limits, and what a call costs by the size of its work.

Rows that memory bounds are shown as a share of the rate at which torch copies, rows of products as a share of the rate
of torch's own product. `--plot F` draws the time of a call on both frameworks by number of elements, of leaves, of
operations (a trace) and of steps (a loop). Progress goes to stderr, the table to stdout.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from compat.bench.__main__ import environment, same_cores
from compat.bench.output import seconds
from compat.bench.timing import compare

MILLIONS = 10_000_000
SIDE = 1024


class Reach(NamedTuple):
    """A workload: ``amount`` bytes that must cross memory, or operations on floats."""

    name: str
    make: Callable[[Any], Callable[[], Any]]
    amount: float
    of_memory: bool


def _vector(jax: Any, size: int = MILLIONS) -> Any:
    return jax.numpy.linspace(-3.0, 3.0, size)


def _matrix(jax: Any) -> Any:
    return jax.random.normal(jax.random.key(0), (SIDE, SIDE))


def _jitted(function: Callable[[Any], Callable[..., Any]], of: Callable[[Any], Any] = _vector) -> Callable[[Any], Any]:
    def make(jax: Any) -> Callable[[], Any]:
        jitted, x = jax.jit(function(jax)), of(jax)
        return lambda: jitted(x)

    return make


def _eager(function: Callable[[Any], Callable[..., Any]], of: Callable[[Any], Any] = _vector) -> Callable[[Any], Any]:
    def make(jax: Any) -> Callable[[], Any]:
        called, x = function(jax), of(jax)
        return lambda: called(x)

    return make


ONCE = 8.0 * MILLIONS  # read and written
REACHES = [
    Reach("x + 1", _eager(lambda jax: lambda x: x + 1.0), ONCE, True),
    Reach("jit: x + 1", _jitted(lambda jax: lambda x: x + 1.0), ONCE, True),
    Reach("jit: selu", _jitted(lambda jax: jax.nn.selu), ONCE, True),
    Reach("where(x > 0, x, 0)", _eager(lambda jax: lambda x: jax.numpy.where(x > 0, x, 0.0)), ONCE, True),
    Reach("jit: sum of squares", _jitted(lambda jax: lambda x: (x * x).sum()), ONCE / 2, True),
    Reach("jit: gradient of a sum of tanh", _jitted(lambda jax: jax.grad(lambda x: jax.numpy.tanh(x).sum())), ONCE, True),
    Reach("jit: cumsum", _jitted(lambda jax: jax.numpy.cumsum), ONCE, True),
    Reach("jit: transposed sum", _jitted(lambda jax: lambda x: x.reshape(-1, 1000).sum(0)), ONCE / 2, True),
    Reach("A @ A", _eager(lambda jax: lambda a: a @ a, _matrix), 2.0 * SIDE**3, False),
    Reach("jit: A @ A", _jitted(lambda jax: lambda a: a @ a, _matrix), 2.0 * SIDE**3, False),
    Reach("jit: gradient of a product", _jitted(lambda jax: jax.grad(lambda a: (a @ a).sum()), _matrix), 6.0 * SIDE**3, False),
]  # fmt: skip


def limits(rounds: int) -> tuple[float, float]:
    """Bytes a second of torch's copy, operations a second of its product."""
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    x, y = torch.zeros(MILLIONS, device=device), torch.zeros(MILLIONS, device=device)
    a = torch.randn(SIDE, SIDE, device=device)

    def waited(work: Callable[[], Any]) -> Callable[[], Any]:
        def run() -> None:
            work()
            if device == "cuda":
                torch.cuda.synchronize()

        return run

    def best(work: Callable[[], Any]) -> float:
        return compare(waited(work), waited(work), rounds, 0.0, 3, True).jax

    return ONCE / best(lambda: y.copy_(x)), 2.0 * SIDE**3 / best(lambda: a @ a)


def reached(rounds: int) -> list[tuple[str, float, float, float, float]]:
    """(row, seconds of jax, of jaxlike, share of the limit that jax reaches, that jaxlike reaches)."""
    from compat import frameworks

    of_memory, of_products = limits(rounds)
    found: list[tuple[str, float, float, float, float]] = []
    for row in REACHES:
        print(f"{row.name} ...", end=" ", file=sys.stderr, flush=True)
        timing = compare(row.make(frameworks.EXPECTED), row.make(frameworks.ACTUAL), rounds, 0.0, 5, True)
        limit = of_memory if row.of_memory else of_products
        share, own = row.amount / timing.jax / limit, row.amount / timing.jaxlike / limit
        print(f"{own:.2f}", file=sys.stderr, flush=True)
        found.append((row.name, timing.jax, timing.jaxlike, share, own))
    return found


def markdown(rows: Sequence[tuple[str, float, float, float, float]]) -> str:
    """The table."""
    lines = ["| | JAX | jaxlike | JAX, of the limit | jaxlike, of the limit |", "| --- | ---: | ---: | ---: | ---: |"]
    for name, ours, theirs, one, two in rows:
        lines.append(f"| {name} | {seconds(ours)} | {seconds(theirs)} | {one:.0%} | {two:.0%} |")
    return "\n".join(lines)


# What a call costs by the size of its work


def _elements(jax: Any, n: int) -> Callable[[], Any]:
    f, x = jax.jit(jax.nn.selu), _vector(jax, n)
    return lambda: f(x)


def _elements_eager(jax: Any, n: int) -> Callable[[], Any]:
    x = _vector(jax, n)
    return lambda: jax.numpy.sin(x)


def _leaves(jax: Any, n: int) -> Callable[[], Any]:
    f = jax.jit(lambda t: jax.tree.map(lambda a: a + 1.0, t))
    tree = {str(k): jax.numpy.ones(3) for k in range(n)}
    return lambda: f(tree)


def _nodes(jax: Any, n: int) -> Callable[[], Any]:
    def chain(x: Any) -> Any:
        for _ in range(n // 2):
            x = jax.numpy.sin(x) * 0.5
        return x

    return lambda: jax.make_jaxpr(lambda x: chain(x))(1.0)  # another function each time: traces are kept


def _steps(jax: Any, n: int) -> Callable[[], Any]:
    f = jax.jit(lambda x: jax.lax.scan(lambda c, _: (0.5 * jax.numpy.sin(c), c), x, None, length=n))
    x = jax.numpy.float32(1.0)
    return lambda: f(x)


SCALES: dict[str, tuple[Callable[[Any, int], Callable[[], Any]], Sequence[int]]] = {
    "elements: jit(selu)": (_elements, [10**k for k in range(1, 8)]),
    "elements: jnp.sin": (_elements_eager, [10**k for k in range(1, 8)]),
    "leaves of a tree: jit dispatch": (_leaves, [1, 3, 10, 30, 100, 300]),
    "operations: make_jaxpr": (_nodes, [10, 30, 100, 300, 1000, 3000]),
    "steps: jit of a scan": (_steps, [10, 100, 1000, 10_000, 100_000]),
}


def scaled(rounds: int, wanted: str = "") -> dict[str, list[tuple[int, float, float]]]:
    """By name, (size, seconds of jax, of jaxlike)."""
    from compat import frameworks

    found: dict[str, list[tuple[int, float, float]]] = {}
    for name, (make, sizes) in SCALES.items():
        for n in sizes if wanted in name else ():
            timing = compare(make(frameworks.EXPECTED, n), make(frameworks.ACTUAL, n), rounds, 0.01, 3, False)
            print(f"{name}, {n}: {timing.ratio:.2f}", file=sys.stderr, flush=True)
            found.setdefault(name, []).append((n, timing.jax, timing.jaxlike))
    return found


def draw(found: dict[str, list[tuple[int, float, float]]], where: str, path: Path) -> None:
    """A panel for each, both axes logarithmic."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(1, len(found), figsize=(3.2 * len(found), 3.2), layout="constrained", squeeze=False)
    for panel, (name, rows) in zip(panels[0], found.items(), strict=True):
        sizes = [n for n, _, _ in rows]
        for label, style, times in (("JAX", "o--", [t for _, t, _ in rows]), ("jaxlike", "o-", [t for _, _, t in rows])):
            panel.loglog(sizes, times, style, label=label, markersize=3)
        panel.set_title(name, fontsize=9)
        panel.set_xlabel(name.split(":")[0])
        panel.grid(alpha=0.3)
    panels[0][0].set_ylabel("seconds a call")
    panels[0][0].legend(frameon=False)
    figure.suptitle(where, fontsize=8)
    figure.savefig(path, dpi=110)


def main() -> None:
    """Measure, print, draw."""
    from compat import frameworks

    parser = argparse.ArgumentParser(prog="python -m compat.bench.reach", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, help="pairs of batches a row (default 7)")
    parser.add_argument("--threads", type=int, default=None, help="cores for both frameworks (default: all)")
    parser.add_argument("--plot", type=Path, metavar="F", help="draw what calls cost by size to this file")
    parser.add_argument("--only", default="", help="scales whose name contains this text")
    options = parser.parse_args()
    where = environment(same_cores(options.threads))
    frameworks.ACTUAL.config.update("jaxlike_jit_tier", "compile")
    told = ", ".join(f"{k} {v}" for k, v in where.items())
    print(f"{told}\n\n{markdown(reached(options.rounds))}")
    if options.plot:
        draw(scaled(options.rounds, options.only), told, options.plot)


if __name__ == "__main__":
    main()
