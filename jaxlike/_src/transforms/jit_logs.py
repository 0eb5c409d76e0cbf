"""jit_logs: what jit says of its work when a flag asks: traces and compilations, leaks."""

from __future__ import annotations

import gc
import logging
from typing import TYPE_CHECKING

from jaxlike._src import config
from jaxlike._src.array import Array
from jaxlike._src.border import is_traced

if TYPE_CHECKING:
    from jaxlike._src.frames import Frame
    from jaxlike._src.graph.graph import Graph

logger = logging.getLogger("jaxlike.jit")


def log_trace(graph: Graph, seconds: float) -> None:
    """A trace was made, and will run: a warning under `jax.log_compiles`."""
    level = logging.WARNING if config.log_compiles.value else logging.DEBUG
    if not logger.isEnabledFor(level):
        return
    logger.log(level, "Finished tracing %s for jit in %.9f sec", graph.name, seconds)
    avals = f"({', '.join(map(repr, graph.in_avals))}{',' if len(graph.in_avals) == 1 else ''})"
    logger.log(level, "Compiling jit(%s) with global shapes and types %s.", graph.name, avals)


_TRACES = {"vmap": ("BatchTrace", "VmapTracer"), "jit": ("DynamicJaxprTrace", "JitTracer")}


def check_leaks(frame: Frame | None) -> None:
    """An Exception where values of a transformation that has ended are still referred to; asked for by a flag."""
    if frame is None or not config.check_tracer_leaks.value:
        return
    gc.collect()
    leaked = [x for x in gc.get_objects() if issubclass(type(x), Array) and x._frame is frame and is_traced(x)]
    if leaked:
        trace, tracer = _TRACES[frame.kind]
        shown = "\n\n".join(f"{tracer}({x.aval})" for x in leaked)
        raise Exception(f"Leaked trace {trace}. Leaked tracer(s):\n\n{shown}\n")
