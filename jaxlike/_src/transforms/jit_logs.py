"""jit_logs: what jit says of its work when a flag asks: traces and compilations, why a call was traced, leaks."""

from __future__ import annotations

import gc
import logging
from typing import TYPE_CHECKING, Any

from jaxlike._src import config
from jaxlike._src.array import Array
from jaxlike._src.border import is_traced
from jaxlike._src.transforms.arguments import location_of, name_of

if TYPE_CHECKING:
    from collections.abc import Sequence

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


def explain_miss(fun: Any, cache: dict[Any, Any], key: tuple[Any, ...], arrays: Sequence[Array]) -> None:
    """Say why a call has to be traced."""
    said = f"TRACING CACHE MISS at {location_of(fun)} because:\n"
    if not cache:
        said += f"  never seen function:\n    {name_of(fun)} id={id(fun)}"
    elif not any(k[0] == key[0] for k in cache):
        said += f"  for {name_of(fun)}\n  never seen input pytree"
    elif not any(k[2] == key[2] for k in cache):
        said += f"  for {name_of(fun)}\n  tracing context doesn't match, e.g. due to config or context manager."
    else:
        shown = ", ".join(x.aval.str_short(short_dtypes=True) for x in arrays)
        said += f"  for {name_of(fun)}\n  never seen input type signature:\n    {shown}"
    logger.warning("%s", said)


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
