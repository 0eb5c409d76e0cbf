"""`python -m compat.bench`: time every row, or those whose name or group contains `--only`.

Both frameworks get the same cores (`--threads`), in one process. Progress goes to stderr, the table to
stdout.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import platform
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from compat.bench import fresh, memory, output
from compat.bench.rows import ROWS, TARGETS, Row
from compat.bench.timing import Timing, compare


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m compat.bench", description=__doc__)
    parser.add_argument("--only", default="", help="rows whose name or group contains this text")
    parser.add_argument("--json", type=Path, metavar="F", help="write everything measured to this file")
    parser.add_argument("--markdown", type=Path, metavar="F", help="write the table to this file")
    parser.add_argument("--list", action="store_true", help="print the rows and stop")
    parser.add_argument("--rounds", type=int, default=15, help="pairs of batches a row (default 15)")
    parser.add_argument("--seconds", type=float, default=0.02, help="length of a batch (default 0.02)")
    parser.add_argument("--fresh-rounds", type=int, default=3, help="processes a first-call row (default 3; 0: none)")
    parser.add_argument("--threads", type=int, default=None, help="cores for both frameworks (default: all)")
    return parser.parse_args()


def same_cores(threads: int | None) -> int:
    """Pin the process before either framework is imported: both size their pools by the cores they get."""
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # leave half of a GPU's memory to torch
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))[:threads]
        os.sched_setaffinity(0, cores)
        count = len(cores)
    else:
        count = threads or os.cpu_count() or 1
    os.environ["OMP_NUM_THREADS"] = str(count)
    import torch

    torch.set_num_threads(count)
    return count


def environment(cores: int) -> dict[str, Any]:
    """What the numbers depend on."""
    import jax
    import torch

    device = torch.cuda.get_device_name() if torch.cuda.is_available() else platform.machine()
    return {
        "jax": f"{jax.__version__} on {jax.default_backend()}",
        "torch": torch.__version__,
        "Python": platform.python_version(),
        "device": device,
        "cores": cores,
    }


def timed(row: Row, options: argparse.Namespace) -> Timing:
    """One row, both frameworks."""
    from compat import frameworks

    if row.tier is not None:
        frameworks.ACTUAL.config.update("jaxlike_jit_tier", row.tier)
    try:
        thunks = row.make(frameworks.EXPECTED), row.make(frameworks.ACTUAL)
        seconds = 0.0 if row.large else options.seconds
        return compare(*thunks, rounds=options.rounds, seconds=seconds, warm=row.warm, wait_each=row.large)
    finally:
        if row.tier is not None:
            frameworks.ACTUAL.config.update("jaxlike_jit_tier", "auto")


Work = tuple[str, str, Callable[[], Timing]]


def work(options: argparse.Namespace) -> list[Work]:
    """(group, row, what times it) of every row that was asked for."""
    found: list[Work] = [(row.group, row.name, functools.partial(timed, row, options)) for row in ROWS]
    for name in fresh.SNIPPETS if options.fresh_rounds else ():
        found.append((fresh.GROUP, name, functools.partial(fresh.compare, name, options.fresh_rounds)))
    for name in memory.SNIPPETS if options.fresh_rounds and sys.platform == "linux" else ():
        found.append((memory.GROUP, name, functools.partial(memory.compare, name, options.fresh_rounds)))
    return [one for one in found if options.only in one[0] or options.only in one[1]]


def measure(wanted: list[Work]) -> tuple[dict[str, dict[str, Timing]], int]:
    """Group to row to timing, and how many rows failed; a row that fails is told of, and the others go on."""
    groups: dict[str, dict[str, Timing]] = {}
    failed = 0
    for number, (group, name, time) in enumerate(wanted, 1):
        print(f"[{number}/{len(wanted)}] {group}: {name} ...", end=" ", file=sys.stderr, flush=True)
        try:
            timing = time()
        except Exception as error:
            failed += 1
            print(f"failed, {type(error).__name__}: {error}", file=sys.stderr, flush=True)
            continue
        print(f"{timing.ratio:.2f}", file=sys.stderr, flush=True)
        groups.setdefault(group, {})[name] = timing
    return groups, failed


def main() -> None:
    """Run the rows and write the table."""
    options = arguments()
    if options.list:
        found = [f"{r.group}: {r.name}" for r in ROWS]
        for group, names in ((fresh.GROUP, fresh.SNIPPETS), (memory.GROUP, memory.SNIPPETS)):
            found += [f"{group}: {name}" for name in names]
        print("\n".join(found))
        return
    wanted = work(options)
    if not wanted:
        sys.exit(f"no row contains {options.only!r}; --list shows them")
    cores = same_cores(options.threads)
    groups, failed = measure(wanted)
    where = environment(cores)
    table = output.markdown(groups, TARGETS, where, plain={memory.GROUP})
    print(table)
    if options.markdown:
        options.markdown.write_text(table, encoding="utf-8")
    if options.json:
        options.json.write_text(json.dumps(output.as_json(groups, where), indent=1), encoding="utf-8")
    if failed:
        sys.exit(f"{failed} rows failed")


if __name__ == "__main__":
    main()
