"""Run JAX's libraries on both frameworks and compare: `python -m compat.libraries [library ...]`.

Each library's programs run in two processes, one with the real JAX and one with jaxlike in its place, in the
environment of requirements.txt. A table in markdown says per program whether the numbers agree.
"""

from __future__ import annotations

import argparse
import pickle
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
LIBRARIES = sorted(path.stem for path in (HERE / "programs").glob("[a-z]*.py"))


def outcomes(library: str, framework: str, only: str | None, timeout: float) -> dict[str, Any]:
    """What the programs of a library gave on ``jax`` or ``jaxlike``."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "outcomes.pickle"
        through = ["-m", "jaxlike"] if framework == "jaxlike" else []
        command = [sys.executable, *through, "-m", "compat.libraries.child", library, str(place), *([only] if only else [])]
        try:
            result = subprocess.run(command, cwd=HERE.parents[1], timeout=timeout, check=False)
        except subprocess.TimeoutExpired:
            return {"import": {"error": f"no result after {timeout:.0f} s"}}
        if result.returncode or not place.exists():
            return {"import": {"error": f"the process ended with exit code {result.returncode}"}}
        return pickle.loads(place.read_bytes())


def difference(expected: dict[str, Any], actual: dict[str, Any]) -> tuple[str, float]:
    """What differs, in words ('' if nothing does), and by how much the numbers do, relative to their size."""
    for which, outcome in (("jax", expected), ("jaxlike", actual)):
        if "error" in outcome:
            return f"{which}: {outcome['error'][:200]}", np.inf
    if expected["tree"] != actual["tree"]:
        return f"tree {actual['tree'][:80]} instead of {expected['tree'][:80]}", np.inf
    worst = 0.0
    largest = max((_size(a) for a in expected["leaves"]), default=0.0)
    for k, (a, b) in enumerate(zip(expected["leaves"], actual["leaves"], strict=True)):
        if a.shape != b.shape or a.dtype != b.dtype:
            return f"leaf {k}: {b.dtype}{list(b.shape)} instead of {a.dtype}{list(a.shape)}", np.inf
        if a.dtype.kind in "fc" or a.dtype.kind == "V":
            x, y = a.astype(np.complex128), b.astype(np.complex128)
            if (np.isfinite(x) != np.isfinite(y)).any():
                return f"leaf {k}: not finite where jax's is, or the other way round", np.inf
            # What is zero but for rounding, beside others, is compared with those.
            scale = max(_size(a), 1e-3 * largest) or 1.0
            apart = np.abs(np.where(np.isfinite(x), x - y, 0)).max(initial=0) / scale
            worst = max(worst, float(apart))
        elif not np.array_equal(a, b):
            return f"leaf {k}: {b.ravel()[:5]} instead of {a.ravel()[:5]}", np.inf
    return "", worst


def _size(x: np.ndarray[Any, Any]) -> float:
    if x.dtype.kind not in "fcV":
        return 0.0
    value = np.abs(x.astype(np.complex128))
    return float(np.where(np.isfinite(value), value, 0).max(initial=0))


# Float32, through some hundred steps of an optimiser or a solver: rounding has grown this far at most.
TOLERANCE = 2e-3


def main() -> None:
    """Print the table; exit code 1 where something differs."""
    parser = argparse.ArgumentParser(prog="python -m compat.libraries", description=__doc__)
    parser.add_argument("libraries", nargs="*", help=f"of {', '.join(LIBRARIES)}; all by default")
    parser.add_argument("--program", help="only this one")
    parser.add_argument("--timeout", type=float, default=900, help="seconds for a library on one framework")
    parser.add_argument("--errors", action="store_true", help="print the whole tracebacks")
    options = parser.parse_args()
    failed = False
    rows: list[str] = []
    for library in options.libraries or LIBRARIES:
        expected, actual = (
            outcomes(library, framework, options.program, options.timeout) for framework in ("jax", "jaxlike")
        )
        if "import" in actual:  # nothing ran: every program fails for that reason
            actual = {name: actual["import"] for name in expected}
        for name, outcome in expected.items():
            said, apart = difference(outcome, actual.get(name, {"error": "did not run"}))
            if not said and apart > TOLERANCE:
                said = f"numbers differ by {apart:.1e} of their size"
            failed |= bool(said)
            times = [o.get("seconds", np.nan) for o in (outcome, actual.get(name, {}))]
            rows.append(
                f"| {library} | {name} | {'no' if said else 'yes'} | {said.replace('|', '/') or f'{apart:.0e}'} "
                f"| {times[0]:.1f} | {times[1]:.1f} |"
            )
            print(rows[-1], flush=True)
            if options.errors and "error" in actual.get(name, {}):
                print(actual[name].get("traceback"))
    print("\n| library | program | same | largest difference | jax, s | jaxlike, s |")
    print("| --- | --- | --- | --- | --- | --- |")
    print("\n".join(rows))
    sys.exit(failed)


if __name__ == "__main__":
    main()
