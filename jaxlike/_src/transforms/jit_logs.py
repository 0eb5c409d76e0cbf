"""jit_logs: what jit says of its work when a flag asks: traces and compilations, leaks."""

from __future__ import annotations

import gc
import logging
from typing import TYPE_CHECKING, Any

from jaxlike._src import config
from jaxlike._src.array import Array
from jaxlike._src.border import is_traced
from jaxlike._src.errors import origin

if TYPE_CHECKING:
    from jaxlike._src.frames import Frame
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


def _values_within(frame: Frame) -> list[Array]:
    """The traced values of a frame and of those inside it that are there still: found from the frame, not among all objects."""
    found: list[Array] = []
    holders: list[Any] = gc.get_referrers(frame)
    for holder in holders:
        kind: type = type(holder)
        if issubclass(kind, Array) and holder._frame is frame and is_traced(holder):
            found.append(holder)
        elif kind is type(frame) and holder.parent is frame:
            found += _values_within(holder)
    return found


class _Unspecified:
    def __repr__(self) -> str:
        return "UnspecifiedValue"


_TRACES = {"vmap": ("BatchTrace", "VmapTracer"), "jit": ("DynamicJaxprTrace", "JitTracer")}
OF_TRANSPOSE = ("JaxprTrace", "Traced")


def check_leaks(frame: Frame | None, names: tuple[str, str] | None = None) -> None:
    """An Exception where values of a transformation that has ended are still referred to; asked for by a flag."""
    if frame is None or not config.check_tracer_leaks.value:
        return
    leaked = _values_within(frame)
    for generation in (1, 2):  # what is left may be garbage; collecting the young costs a hundredth of collecting all
        if leaked:
            del leaked
            gc.collect(generation)
            leaked = _values_within(frame)
    if leaked:
        trace, tracer = names or _TRACES[frame.kind]
        shown = "\n\n".join(f"{tracer}({x.aval}){origin(x)}" for x in leaked)
        raise Exception(f"Leaked trace {trace}. Leaked tracer(s):\n\n{shown}\n")
