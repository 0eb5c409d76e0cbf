"""traceback_filter: what a traceback shows of an error in a function that a transformation or a loop called.

`api_boundary` decorates the public functions that call users' functions. An exception that passes the outermost of
them loses the frames of this package and of torch, and says so in a note; `jax_traceback_filtering` has the other
ways: hidden frames that debuggers skip, a cause that has the whole traceback, or nothing. A bare `raise` adds no frame
to a traceback (CPython 3.11 and later), so neither does a boundary.
"""

from __future__ import annotations

import functools
import os
import sys
import traceback
import types
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import torch

from jaxlike._src import config

P = ParamSpec("P")
T = TypeVar("T")

REPLAY = "<jaxlike graph "  # how the file names of graphs' generated code begin
PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
TORCH = os.path.dirname(torch.__file__) + os.sep
excluded_paths: list[str] = []  # files that libraries would have left out
_SIMPLIFIED = (
    "--------------------\n"
    "For simplicity, JAX has removed its internal frames from the traceback of the following exception. "
    "Set JAX_TRACEBACK_FILTERING=off to include these."
)
_WHOLE = (
    "The stack trace below excludes JAX-internal frames.\n"
    "The preceding is the original exception that occurred, unmodified.\n\n--------------------"
)
_boundaries: set[types.CodeType] = set()


class UnfilteredStackTrace(Exception):
    """The cause of an error whose traceback was filtered: the same with the whole of it."""


class SimplifiedTraceback(Exception):
    """What stood for the note where exceptions had none."""


def register_exclusion(path: str) -> None:
    """Say that a file's frames are of no interest to users; again changes nothing, so that one removal undoes it."""
    if path not in excluded_paths:
        excluded_paths.append(path)


def include_frame(frame: types.FrameType) -> bool:
    """Whether a frame is of interest to users: whether it is of no file of this package, of torch, or excluded."""
    return not frame.f_code.co_filename.startswith((PACKAGE, TORCH, REPLAY, *excluded_paths))


def filter_traceback(tb: types.TracebackType | None) -> types.TracebackType | None:
    """The traceback without the frames that are of no interest."""
    kept = [part for part in _parts(tb) if include_frame(part.tb_frame)]
    made = None
    for part in reversed(kept):
        made = types.TracebackType(made, part.tb_frame, part.tb_lasti, part.tb_lineno)
    return made


def _parts(tb: types.TracebackType | None) -> list[types.TracebackType]:
    parts = []
    while tb is not None:
        parts.append(tb)
        tb = tb.tb_next
    return parts


def as_boundary(code: types.CodeType) -> None:
    """Count a function that calls `simplify` itself among the boundaries."""
    _boundaries.add(code)


def api_boundary(
    fun: Callable[P, T], *, repro_api_name: str | None = None, repro_user_func: bool = False
) -> Callable[P, T]:
    """Decorate a function: tracebacks of what it raises are filtered.

    Args:
        repro_api_name, repro_user_func: for JAX's recorder of programs; not used.
    """
    del repro_api_name, repro_user_func

    @functools.wraps(fun)
    def reraising(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return fun(*args, **kwargs)
        except Exception as error:  # any: it goes on as it is, its traceback alone is looked at
            simplify(error)
            raise

    made: Any = reraising
    as_boundary(made.__code__)
    return reraising


def simplify(error: Exception) -> None:
    """Filter the traceback of an error as the flag says, if its boundary is the outermost one."""
    mode = config.traceback_filtering.value
    if mode == "off" or _is_inside(sys._getframe(2)):
        return
    if mode == "auto":
        mode = "tracebackhide" if "IPython" in sys.modules and _in_a_notebook() else "quiet_remove_frames"
    if mode == "tracebackhide":
        for part in _parts(error.__traceback__):
            if not include_frame(part.tb_frame):
                part.tb_frame.f_locals["__tracebackhide__"] = True
        return
    if mode == "quiet_remove_frames":
        if _SIMPLIFIED not in getattr(error, "__notes__", ()):
            error.add_note(_SIMPLIFIED)
    else:
        said = "".join(traceback.format_exception_only(error))
        whole = UnfilteredStackTrace(f"{said}\n{_WHOLE}").with_traceback(error.__traceback__)
        whole.__cause__, whole.__context__ = error.__cause__, error.__context__
        whole.__suppress_context__ = error.__suppress_context__
        error.__cause__, error.__context__ = whole, None
    error.__traceback__ = filter_traceback(error.__traceback__)


def _is_inside(frame: types.FrameType | None) -> bool:
    """Whether a boundary is among the frames that called."""
    while frame is not None:
        if frame.f_code in _boundaries:
            return True
        frame = frame.f_back
    return False


def _in_a_notebook() -> bool:
    return sys.modules["IPython"].get_ipython() is not None
