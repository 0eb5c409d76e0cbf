"""jit_logs: what jit says of its work when a flag asks: traces and compilations."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from jaxlike._src import config

if TYPE_CHECKING:
    from jaxlike._src.graph.graph import Graph

# The names that programs configure.
_steps = logging.getLogger("jax._src.dispatch")
_programs = logging.getLogger("jax._src.interpreters.pxla")


def _level() -> int:
    return logging.WARNING if config.log_compiles.value else logging.DEBUG


def log_trace(name: str, purpose: str, seconds: float) -> None:
    """A trace was made: a warning under `jax.log_compiles`."""
    if _steps.isEnabledFor(level := _level()):
        _steps.log(level, "Finished tracing %s for %s in %.9f sec", name, purpose, seconds)


def log_compile(graph: Graph) -> None:
    """A trace will run: a warning too."""
    if _programs.isEnabledFor(level := _level()):
        avals, mapping = tuple(graph.in_avals), (_Unspecified(),) * len(graph.in_avals)
        said = "Compiling %s with global shapes and types %s. Argument mapping: %s."
        _programs.log(level, said, f"jit({graph.name})", avals, mapping)


class _Unspecified:
    def __repr__(self) -> str:
        return "UnspecifiedValue"
