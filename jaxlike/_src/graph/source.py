"""source: where an equation comes from: the user's line, and the names of the scopes around it."""

from __future__ import annotations

import contextlib
import os
import sys
import sysconfig
import threading
from typing import TYPE_CHECKING, Any, NamedTuple

from jaxlike._src import torch_private
from jaxlike._src.traceback_filter import PACKAGE, REPLAY, TORCH

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from types import CodeType, FrameType

    from torch import Tensor

    from jaxlike._src.frames import Frame


class NameStack(NamedTuple):
    """The names of the scopes (`jax.named_scope`, transformations) that run, outermost first."""

    stack: tuple[str, ...] = ()

    def extend(self, name: str) -> NameStack:
        """One more scope inside."""
        return NameStack((*self.stack, name))

    def transform(self, name: str) -> NameStack:
        """The scopes under a transformation."""
        return NameStack((f"{name}({'/'.join(self.stack)})",))

    def transposed(self, outer: int = 0) -> NameStack:
        """The scopes of the transpose of what was differentiated in these, inside of so many other differentiations."""
        for k, scope in enumerate(self.stack):
            parts = scope.split("jvp(")
            if outer < len(parts) - 1:
                head, tail = "jvp(".join(parts[: outer + 1]), "jvp(".join(parts[outer + 1 :])
                depth, end = 1, 0
                while depth:  # to the parenthesis that closes it
                    depth += {"(": 1, ")": -1}.get(tail[end], 0)
                    end += 1
                return NameStack((*self.stack[:k], f"{head}transpose(jvp({tail[:end]}){tail[end:]}", *self.stack[k + 1 :]))
            outer -= len(parts) - 1
        return self

    def __add__(self, other: Any) -> NameStack:
        return NameStack(self.stack + other.stack)

    def __str__(self) -> str:
        return "/".join(self.stack)


class SourceInfo(NamedTuple):
    """Where an equation comes from."""

    traceback: Any
    name_stack: NameStack

    def replace(self, **changes: Any) -> SourceInfo:
        """The same with some fields changed."""
        return self._replace(**changes)


class _State(threading.local):
    stack: NameStack = NameStack()
    replayed: NameStack | None = None  # the names of the node that runs, where a graph is replayed; see `user_place`


_STATE = _State()


class _Active(threading.local):
    """The scopes that run: name, trace, frame, how many nodes the trace had, autograd's number, the name stack."""

    def __init__(self) -> None:
        self.scopes: list[tuple[str, Any, Any, int, int, Any]] = []


ACTIVE = _Active()
TRANSFORMS = {"grad": "jvp", "jvp": "jvp", "vmap": "vmap"}  # how JAX names what a frame's kind runs


def named_within(name: str, frame: Frame | None) -> str:
    """A scope's name with the transformations that run between it and what is around it: a scope, or a trace."""
    outer = ACTIVE.scopes[-1][2] if ACTIVE.scopes else None
    while frame is not None and frame is not outer and frame.trace is None:
        name = f"{TRANSFORMS.get(frame.kind, frame.kind)}({name})"
        frame = frame.parent
    return name


def active_names(trace: Any) -> tuple[str, ...]:
    """The names of the scopes of a trace that run."""
    return tuple(name for name, t, *_ in ACTIVE.scopes if t is trace)


class _Pulling(threading.local):
    """Whether torch's engine runs a backward pass, so that what is recorded is its doing."""

    now: bool = False
    ids: set[int] | None = None  # of the tensors that depend on cotangents, while a backward pass runs
    strays: dict[int, Tensor] | None = None  # by the ids of what is differentiated by: cotangents of other dtypes
    number: int = 0  # autograd's when it began
    pushes: bool = False  # whether that is the transpose of a backward pass, so that operations are named as made
    looking: Any = None  # the trace in which a backward pass runs to be transposed, and for no other reason

    @contextlib.contextmanager
    def run(self, cotangents: Iterable[Tensor]) -> Iterator[None]:
        """A backward pass from these runs inside."""
        before = self.now, self.ids, self.strays, self.number
        self.now, self.ids, self.strays = True, {id(c) for c in cotangents}, {}
        self.number = torch_private.last_autograd_number()
        try:
            yield
        finally:
            self.now, self.ids, self.strays, self.number = before

    @contextlib.contextmanager
    def looked_at(self, trace: Any) -> Iterator[None]:
        """What runs inside, a backward pass or a rule, is run to be transposed; it is shown only where it is used."""
        before, self.looking = self.looking, trace
        try:
            yield
        finally:
            self.looking = before

    def looked(self, pulled: int) -> int:
        """By whom a node is made, inside of `looked_at`: what does not depend on cotangents may be the program's."""
        return LOOKED if pulled == PULLED or (pulled == PROGRAM and not self.now) else pulled

    @contextlib.contextmanager
    def pushed(self) -> Iterator[None]:
        """The transpose of a backward pass runs inside."""
        before, self.pushes = self.pushes, True
        try:
            yield
        finally:
            self.pushes = before

    @contextlib.contextmanager
    def aside(self) -> Iterator[None]:
        """Inside, a rule of an operation runs, and not torch's engine."""
        before, self.now = self.now, False
        try:
            yield
        finally:
            self.now = before

    def stray(self, to: Tensor, cotangent: Tensor) -> None:
        """Pass a cotangent of another dtype, which torch's engine would convert, by it to what is differentiated by."""
        assert self.strays is not None
        other = self.strays.get(id(to))
        self.strays[id(to)] = cotangent if other is None else _added(other, cotangent)

    def with_strays(self, inputs: Sequence[Tensor], grads: Sequence[Tensor | None]) -> list[Tensor | None]:
        """What the engine found, with what went by it."""
        if not self.strays:
            return list(grads)
        by_id = [self.strays.get(id(x)) for x in inputs]
        return [g if s is None else s if g is None else _added(g, s) for g, s in zip(grads, by_id, strict=True)]

    def reached(self, given: Iterable[Any], made: Iterable[Tensor | None]) -> bool:
        """Whether what is made depends on cotangents, as one of these (or of a list of them) does; it is noted."""
        ids = self.ids
        if ids is None:
            return False
        for x in given:
            if id(x) in ids or (type(x) is list and any(id(t) in ids for t in x)):
                ids.update([id(t) for t in made if t is not None])
                return True
        return False


# By whom a node was made: the program, torch's engine from cotangents, torch's engine of what is known before; or while
# a backward pass ran only to be transposed.
PROGRAM, PULLED, BESIDE, LOOKED = 0, 1, 2, 3


def _added(a: Tensor, b: Tensor) -> Tensor:
    if a.dtype is not b.dtype:  # in JAX they meet in a sum of `lax`
        names = (str(x.dtype).removeprefix("torch.") for x in (a, b))
        raise TypeError(f"lax.add requires arguments to have the same dtypes, got {', '.join(names)}.")
    return a + b


PULLING = _Pulling()


def new_name_stack(name: str = "") -> NameStack:
    """A stack of one name, or of none."""
    return NameStack((name,)) if name else NameStack()


def current_name_stack() -> NameStack:
    """The scopes that run."""
    return _STATE.stack


def replayed_name_stack() -> NameStack | None:
    """The names of the node that ran when `user_place` last looked, where a graph is replayed."""
    return _STATE.replayed


def current() -> SourceInfo:
    """The source of what runs now."""
    return SourceInfo(user_place(), _STATE.stack)


def new_source_info() -> SourceInfo:
    """No source."""
    return SourceInfo(None, NameStack())


@contextlib.contextmanager
def set_name_stack(name_stack: NameStack) -> Iterator[None]:
    """Other scopes inside."""
    before, _STATE.stack = _STATE.stack, name_stack
    try:
        yield
    finally:
        _STATE.stack = before


def extend_name_stack(name: str) -> contextlib.AbstractContextManager[None]:
    """One more scope inside."""
    return set_name_stack(_STATE.stack.extend(name))


def transform_name_stack(name: str) -> contextlib.AbstractContextManager[None]:
    """A transformation inside."""
    return set_name_stack(_STATE.stack.transform(name))


def reset_name_stack() -> contextlib.AbstractContextManager[None]:
    """No scopes inside."""
    return set_name_stack(NameStack())


@contextlib.contextmanager
def user_context(traceback: Any, *, name_stack: NameStack | None = None) -> Iterator[None]:
    """Another source inside."""
    del traceback
    with set_name_stack(_STATE.stack if name_stack is None else name_stack):
        yield


def summarize(source_info: SourceInfo, num_frames: int = 1) -> str:
    """A line that says where an equation comes from."""
    del num_frames
    return "unknown" if source_info.traceback is None else str(source_info.traceback)


NODE_AT = "node_at"  # the globals of graphs' generated code which map its lines to nodes,
SCOPES = "scopes"  # and nodes to their names


# What is not the user's: this package, torch, Python's own library.
_LIBRARIES = (sysconfig.get_path("stdlib") + os.sep, os.path.dirname(contextlib.__file__) + os.sep)
_OURS = (PACKAGE, TORCH, *_LIBRARIES, REPLAY, "<frozen ")
_ours: dict[str, bool] = {}  # file name -> whether its frames are left out


class Place(NamedTuple):
    """A line of the user's program."""

    code: CodeType
    instruction: int

    def __str__(self) -> str:
        line, _, column, _ = list(self.code.co_positions())[self.instruction // 2]
        return f"{self.code.co_filename}:{line}{f':{column}' if column else ''} ({self.code.co_qualname})"


def user_place(frame: FrameType | None = None) -> Place | None:
    """The innermost frame that is the user's, from ``frame`` or the caller on; where a graph is replayed, a node's."""
    if frame is None:
        frame = sys._getframe(1)
    _STATE.replayed = None
    while frame is not None:
        code = frame.f_code
        name = code.co_filename
        ours = _ours.get(name)
        if ours is None:
            ours = _ours[name] = not is_user_code(code)
        if not ours:
            return Place(code, frame.f_lasti)
        if name.startswith(REPLAY) and (node := frame.f_globals[NODE_AT].get(frame.f_lineno)):
            if _STATE.replayed is None:
                _STATE.replayed = frame.f_globals[SCOPES].get(id(node))
            if node.line is not None:
                return node.line
        frame = frame.f_back
    return None


def is_user_code(code: CodeType) -> bool:
    """Whether `user_place` takes a line of this code for one of the user's program."""
    name = code.co_filename
    return not name.startswith(_OURS) or name.endswith("_test.py")


def user_line(frame: FrameType | None) -> str:
    """``file:line:column (function)`` of the innermost frame that is the user's."""
    place = user_place(frame) if frame is not None else None
    return "unknown" if place is None else str(place)
