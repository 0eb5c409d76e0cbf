"""child: run the programs of one library in this process, and write down what each returns.

`python -m compat.libraries.child optax out.pickle` on the real JAX, `python -m jaxlike -m compat.libraries.child ...` on
jaxlike: the programs say `import jax` and see no difference.
"""

from __future__ import annotations

import importlib
import pickle
import sys
import time
import traceback
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

PROGRAMS = "compat.libraries.programs"


def programs_of(module: types.ModuleType) -> Iterator[tuple[str, Callable[[], Any]]]:
    """The public functions that a module defines, in their order."""
    for name, value in list(vars(module).items()):
        if isinstance(value, types.FunctionType) and not name.startswith("_") and value.__module__ == module.__name__:
            yield name, value


def run(library: str, only: str | None) -> dict[str, Any]:
    """For each program its outcome: leaves as numpy arrays, the printed tree, seconds; or the error."""
    outcomes: dict[str, Any] = {}
    try:
        module = importlib.import_module(f"{PROGRAMS}.{library}")
    except Exception as error:
        return {"import": _failure(error)}
    import jax

    for name, program in programs_of(module):
        if only and name != only:
            continue
        start = time.perf_counter()
        try:
            leaves, treedef = jax.tree.flatten(program())
            outcome: dict[str, Any] = {"leaves": [np.asarray(x) for x in leaves], "tree": str(treedef)}
        except Exception as error:
            outcome = _failure(error)
        outcomes[name] = outcome | {"seconds": time.perf_counter() - start}
        print(f"{jax.__name__} {library}.{name} {outcomes[name]['seconds']:.1f} s", file=sys.stderr, flush=True)
    return outcomes


def _failure(error: Exception) -> dict[str, Any]:
    said = str(error).strip().partition("\n")[0]
    return {"error": f"{type(error).__name__}: {said}", "traceback": "".join(traceback.format_exception(error))}


if __name__ == "__main__":
    library, place, *rest = sys.argv[1:]
    Path(place).write_bytes(pickle.dumps(run(library, rest[0] if rest else None)))
