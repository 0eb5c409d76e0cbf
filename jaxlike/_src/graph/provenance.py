"""provenance: where a traced value came from, for the errors that name it.

Of values of a trace the trace knows. Values of `vmap` outside of traces carry no line, which would cost a tenth of each
operation: the error that needs one finds it in the code that runs, where the operand of the instruction at fault was
made by an instruction before. What is not to be found so is called unknown.
"""

from __future__ import annotations

import dis
import sys
from typing import TYPE_CHECKING, Any

from jaxlike._src import border
from jaxlike._src.array import Array
from jaxlike._src.graph.source import Place, is_user_code, user_place

if TYPE_CHECKING:
    from types import FrameType

# Instructions that leave their operand on the stack, or add to it what is no traced value.
_PASSING = ("CACHE", "PRECALL", "KW_NAMES", "EXTENDED_ARG", "COPY", "SWAP", "NOP", "TO_BOOL", "PUSH_NULL", "NOT_TAKEN",
            "LOAD_CONST", "LOAD_SMALL_INT", "BUILD_", "UNPACK_")  # fmt: skip
_LOADS = ("LOAD_FAST", "LOAD_NAME", "LOAD_GLOBAL", "LOAD_DEREF")
_STORES = ("STORE_FAST", "STORE_NAME", "STORE_GLOBAL", "STORE_DEREF")


def origin_message(x: Array) -> str:
    """Lines that say where a traced value came from, each after a line break; empty if that is not known."""
    kind = border.tracer_kind(x)
    if kind not in ("BatchTracer", "DynamicJaxprTracer"):
        return ""
    frame = x._frame
    while frame is not None and frame.trace is None:
        frame = frame.parent
    trace = frame.trace if frame is not None else None
    if kind == "DynamicJaxprTracer":
        return "" if trace is None else trace.origin_of(x._t)
    alive = x._frame is not None and x._frame.alive
    line = trace.line_of(x._t) if trace is not None else _operand_line(x) if alive else "unknown"
    return f"\nThis BatchTracer with object id {id(x)} was created on line:\n  {line}"


Array._origin_msg = origin_message  # pyright: ignore[reportAttributeAccessIssue]


def _operand_line(x: Array) -> str:
    """The line that made the value ``x`` which the instruction of the innermost user's frame uses."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and not is_user_code(frame.f_code):
        frame = frame.f_back
    place = None if frame is None else _maker(frame, x)
    return "unknown" if place is None else str(place)


def _maker(frame: FrameType, x: Any) -> Place | None:
    code = frame.f_code
    steps = [i for i in dis.get_instructions(code) if i.offset <= frame.f_lasti]
    several = steps[-1].opname.startswith("CALL") and (steps[-1].arg or 0) > 1  # arguments, of which one is it, or none
    before = None if several else _made_before(steps[:-1])
    if before is None or not before.opname.startswith(_LOADS):
        return Place(code, frame.f_lasti if before is None else before.offset)
    name = before.argval
    if frame.f_locals.get(name, frame.f_globals.get(name)) is not x:  # made of that variable by this instruction
        return Place(code, frame.f_lasti)
    stores = [k for k, i in enumerate(steps) if i.opname.startswith(_STORES) and i.argval == name]
    if stores:
        before = _made_before(steps[: stores[-1]])
        return None if before is None else Place(code, before.offset)
    return user_place(frame.f_back) if name in code.co_varnames[: code.co_argcount] and frame.f_back else None


def _made_before(steps: list[dis.Instruction]) -> dis.Instruction | None:
    """The last instruction that put a value on the stack."""
    return next((i for i in reversed(steps) if not i.opname.startswith((*_PASSING, *_STORES))), None)
