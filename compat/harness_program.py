"""JAX's own table of calls of its primitives, run by whatever `jax` is imported here; outcomes go to a file.

`test_harnesses.py` runs it in a process per framework. The table is a file of the installed JAX: each entry is a
function, how its arguments are drawn, and where JAX itself has no implementation. Nothing of it is kept here.
"""

from __future__ import annotations

import importlib.util
import pickle
import sys
import warnings
import zlib
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jaxlike._src.testing.outcomes import run

MODES = ("eager", "jit", "vmap", "jvp", "vjp")


def table(path: str) -> list[Any]:
    """The entries, from the file at ``path``."""
    spec = importlib.util.spec_from_file_location("table_of_jax", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["table_of_jax"] = module
    spec.loader.exec_module(module)
    entries = [entry for entry in module.all_harnesses if entry.filter("cpu")]
    return sorted(entries, key=lambda entry: entry.fullname)  # the table is made from sets


def outcome_of(entry: Any, mode: str) -> Any:
    """How one call ends; derivatives and batches are of the array arguments, floating ones for derivatives."""
    rng = np.random.RandomState(zlib.adler32(entry.fullname.encode()))
    args = list(entry.dyn_args_maker(rng))
    wanted = np.generic if mode == "vmap" else np.inexact
    moving = [k for k, a in enumerate(args) if isinstance(a, np.ndarray) and jax.numpy.issubdtype(a.dtype, wanted)]

    def of_moving(*given: Any) -> Any:
        filled = list(args)
        for k, value in zip(moving, given, strict=True):
            filled[k] = value
        outs = entry.dyn_fun(*filled)
        if mode in ("eager", "jit", "vmap"):
            return outs
        return [y for y in jax.tree.leaves(outs) if jax.numpy.issubdtype(y.dtype, np.inexact)]

    def like(x: Any) -> Any:
        return np.asarray(rng.randn(*x.shape)).astype(x.dtype)

    def program(_jax: Any) -> Any:
        given = [args[k] for k in moving]
        if mode == "eager":
            return entry.dyn_fun(*args)
        if mode == "jit":
            return jax.jit(entry.dyn_fun)(*args)
        if not moving:
            return None
        if mode == "vmap":
            return jax.vmap(of_moving)(*[np.stack([a, a]) for a in given])
        if mode == "jvp":
            return jax.jvp(of_moving, given, [like(a) for a in given])
        outs, pull = jax.vjp(of_moving, *given)
        return pull([jax.numpy.asarray(like(y)) for y in outs])

    return run(program, jax)


def main(path: str, x64: str, seed: str, count: str, out: str) -> None:
    """Run ``count`` entries drawn by ``seed``, each in one mode, and write a dictionary of outcomes to ``out``."""
    warnings.simplefilter("ignore")
    jax.config.update("jax_enable_x64", x64 == "1")
    entries = table(path)
    rng = np.random.RandomState(int(seed))
    outcomes: dict[str, Any] = {}
    for k in rng.choice(len(entries), int(count), replace=False):
        mode = MODES[rng.randint(len(MODES))]
        outcome = outcome_of(entries[k], mode)
        outcomes[f"{mode} {entries[k].fullname}"] = outcome if outcome.cause is None else _without_cause(outcome)
    Path(out).write_bytes(pickle.dumps(outcomes))


def _without_cause(outcome: Any) -> Any:
    return type(outcome)(error=outcome.error, warned=outcome.warned, printed=outcome.printed)


if __name__ == "__main__":
    main(*sys.argv[1:])
