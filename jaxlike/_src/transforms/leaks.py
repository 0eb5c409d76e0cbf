"""leaks: what outlives its transformation, and what keeps it, when `jax.checking_leaks` asks."""

from __future__ import annotations

import gc
import types
from typing import TYPE_CHECKING, Any

from jaxlike._src import config
from jaxlike._src.array import Array
from jaxlike._src.array_print import traced_repr
from jaxlike._src.border import is_traced, tracer_kind
from jaxlike._src.graph.provenance import origin_message

if TYPE_CHECKING:
    from jaxlike._src.frames import Frame


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


_MOST_HOLDERS = 50  # of which a message tells
_TRACES = {"vmap": "BatchTrace", "jit": "DynamicJaxprTrace"}
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
        trace, tracer = names or (_TRACES[frame.kind], None)
        kept = [_keepers(k, leaked) for k in range(len(leaked))]  # before anything here refers to them
        shown = [f"{tracer}({x.aval})" if tracer else traced_repr(x) for x in leaked]
        said = "\n\n".join(f"{s}{origin_message(x)}{k}" for s, x, k in zip(shown, leaked, kept, strict=True))
        raise Exception(f"Leaked trace {trace}. Leaked tracer(s):\n\n{said}\n")


def _keepers(which: int, leaked: list[Array]) -> str:
    """Lines that say what refers to one of them, what to that, and so on to a module; no more where a ring is closed."""
    lines: list[str] = []
    seen: set[int] = set()
    child: Any = leaked[which]
    while id(child) not in seen and type(child) is not types.ModuleType and len(lines) < _MOST_HOLDERS:
        seen.add(id(child))
        parent = _holder(child, leaked)
        if parent is None:
            break
        lines.append(f"\n{_name(child)} is referred to by {_place_in(parent, child)}")
        child = parent
    return "".join(lines)


def _holder(x: Any, leaked: list[Array]) -> Any:
    """An object that refers to ``x``: a module or an instance for its dict, a function for a cell of its closure."""
    holder = next(iter(_holders(x, leaked)), None)
    if type(holder) is dict:
        return next((h for h in _holders(holder, leaked) if getattr(h, "__dict__", None) is holder), holder)
    if type(holder) is types.CellType:
        functions = [h for closure in _holders(holder, leaked) for h in _holders(closure, leaked)]
        return next((h for h in functions if isinstance(h, types.FunctionType)), holder)
    return holder


def _holders(x: Any, leaked: list[Array]) -> list[Any]:
    """What refers to an object, other than what looks at it here."""
    return [h for h in gc.get_referrers(x) if h is not leaked and not isinstance(h, types.FrameType)]


def _name(x: Any) -> str:
    kind = tracer_kind(x) if isinstance(x, Array) and is_traced(x) else type(x).__name__
    return f"<{kind} {id(x)}>"


def _place_in(parent: Any, child: Any) -> str:
    """Where in an object another is."""
    if isinstance(parent, types.FunctionType):
        cells = zip(parent.__code__.co_freevars, parent.__closure__ or (), strict=True)
        names = [name for name, cell in cells if cell.cell_contents is child]
        if names:
            return f"{_name(parent)} ({parent.__name__}) closed-over variable {', '.join(names)}"
    if isinstance(parent, list | tuple):
        return f"{_name(parent)}[{next(k for k, x in enumerate(parent) if x is child)}]"
    if isinstance(parent, dict):
        return f"{_name(parent)}[{next((k for k, x in parent.items() if x is child), '?')!r}]"
    name = parent.__name__ if isinstance(parent, types.ModuleType) else _name(parent)
    names = [k for k, x in getattr(parent, "__dict__", {}).items() if x is child]
    return f"{name}.{names[0]}" if names else name
