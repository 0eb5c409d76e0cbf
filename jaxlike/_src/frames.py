"""frames: which transformations are running on this thread, innermost last.

Each running grad, jvp, vmap or jit trace is a Frame in a linked stack; None stands for plain eager code.
An Array remembers the frame it was made in, so that `unwrap` can tell at once whether its payload may be
used as it is (same frame), must be lifted into a running trace (older frame), or has leaked (dead frame).
`STATE.fast` equals `STATE.frame` unless a flag asks for checks on every op: then no Array matches it and
every op takes its general path.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import weakref
    from collections.abc import Iterable, Iterator


class Frame:
    """One running transformation; ``trace`` is its recorder if it is a jit-like trace."""

    __slots__ = ("alive", "axis_name", "axis_size", "fun_name", "kind", "level", "linear", "made", "manual", "parent",
                 "resumes", "trace", "within")  # fmt: skip

    def __init__(
        self,
        kind: str,
        *,
        level: int = 0,
        trace: Any = None,
        axis_name: Any = None,
        axis_size: int = 0,
        fun_name: str = "",
        resumes: Frame | None = None,
        manual: str = "",
    ) -> None:
        self.kind = kind  # "grad", "jvp", "vmap" or "jit"; "escaped": see `escape`
        self.level = level  # the functorch level
        self.trace = trace
        self.axis_name = axis_name
        self.axis_size = axis_size
        self.fun_name = fun_name
        self.parent: Frame | None = None
        self.within: Any = None  # the recorder that runs around it
        self.alive = False
        self.linear = False  # whether the function is linear in what it is differentiated by
        # Of forward mode the Arrays that it makes: its tangents are gone when it ends, so nothing else tells which leak.
        self.made: list[weakref.ref[Any]] | None = [] if kind == "jvp" else None
        self.manual = (
            manual if resumes is None else resumes.manual
        )  # of a mesh axis: "checked" where it counts what differs along it, else "unchecked"
        self.resumes = None if resumes is None else resumes.origin  # not itself: a cycle is garbage for the collector

    @property
    def origin(self) -> Frame:
        """The frame whose lanes these are."""
        return self if self.resumes is None else self.resumes

    def escape(self, arrays: Iterable[Any]) -> None:
        """These Arrays had a tangent here, and may not be used any more."""
        gone = Frame("escaped")
        gone.parent = self.parent
        for x in arrays:
            x._frame = gone

    def __enter__(self) -> Frame:
        parent = self.parent = STATE.frame
        self.alive = True
        if parent is not None:
            within = self.within = parent.trace or parent.within
            if within is not None:
                within.enter(self)
        STATE.frame = self
        STATE.fast = self if STATE.plain else CHECKED
        return self

    def __exit__(self, *exc: object) -> None:
        self.alive = False
        if self.within is not None:
            self.within.leave()
            self.within = None
        STATE.frame = self.parent
        STATE.fast = (self.parent or STATE.idle) if STATE.plain else CHECKED


class _State(threading.local):
    frame: Frame | None = None
    fast: Any = None
    plain: bool = True
    results_only: bool = False  # a compiled function runs, at whose steps flags do not look
    idle: Any = None  # what `fast` is outside of frames, where no flag asks for checks
    tape: Any = None  # the `LinearTape` of a rule that runs: the values that it reaches are not known


CHECKED = object()  # what no Array has as its frame
DELETED = Frame("deleted")  # the frame of an Array whose values were freed; it never runs
STATE = _State()


class below:
    """The innermost frame set aside; what is made inside belongs to the next one."""

    __slots__ = ("_frame",)

    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    def __enter__(self) -> None:
        STATE.frame = self._frame.parent
        STATE.fast = (STATE.frame or STATE.idle) if STATE.plain else CHECKED

    def __exit__(self, *exc: object) -> None:
        STATE.frame = self._frame
        STATE.fast = (STATE.frame or STATE.idle) if STATE.plain else CHECKED


class inside_of:
    """A frame further out, or None, as the innermost one."""

    __slots__ = ("_before", "_frame")

    def __init__(self, frame: Frame | None) -> None:
        self._frame = frame

    def __enter__(self) -> None:
        self._before = STATE.frame
        STATE.frame = self._frame
        STATE.fast = (STATE.frame or STATE.idle) if STATE.plain else CHECKED

    def __exit__(self, *exc: object) -> None:
        STATE.frame = self._before
        STATE.fast = (STATE.frame or STATE.idle) if STATE.plain else CHECKED


class no_frame:
    """All frames set aside: plain eager code inside."""

    __slots__ = ("_frame",)

    def __enter__(self) -> None:
        self._frame = STATE.frame
        STATE.frame = None
        STATE.fast = STATE.idle if STATE.plain else CHECKED

    def __exit__(self, *exc: object) -> None:
        STATE.frame = self._frame
        STATE.fast = (STATE.frame or STATE.idle) if STATE.plain else CHECKED


def set_checked(checked: bool, in_process: bool) -> None:
    """Send every op through its general path (flags such as debug_nans are looked at there).

    Args:
        checked: whether to, in this thread.
        in_process: the same for threads that start from now on.
    """
    of_others = type(STATE)
    of_others.plain, of_others.fast = not in_process, CHECKED if in_process else of_others.idle
    STATE.plain = not checked
    STATE.fast = CHECKED if checked else STATE.frame or STATE.idle


def set_following(on: bool) -> None:
    """Outside of transformations send every op through its general path, where results follow their operands."""
    of_others = type(STATE)
    STATE.idle = of_others.idle = CHECKED if on else None
    STATE.fast = (STATE.frame or STATE.idle) if STATE.plain else CHECKED
    of_others.fast = of_others.idle if of_others.plain else CHECKED


def running() -> Iterator[Frame]:
    """The running frames, innermost first."""
    frame = STATE.frame
    while frame is not None:
        yield frame
        frame = frame.parent


def named_axes() -> tuple[tuple[Any, int, str], ...]:
    """Name, size and mode of the axes of running vmaps that have a name, innermost first."""
    return tuple((f.axis_name, f.axis_size, f.manual) for f in running() if f.axis_name is not None)


def current_trace() -> Any:
    """The innermost running trace (a graph recorder), or None."""
    for frame in running():
        if frame.trace is not None:
            return frame.trace
    return None
