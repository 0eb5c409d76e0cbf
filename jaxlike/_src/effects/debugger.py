"""debugger: debug.breakpoint: a prompt in the middle of a running program, with the variables of its Python.

The frames of the stack are taken when the Python runs; traced values among their variables go through the program
as the arguments of a debug callback, which gives them back with their values.
"""

from __future__ import annotations

import cmd
import inspect
import os
import pprint
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from typing import IO, Any, NamedTuple

from jaxlike._src.border import is_traced
from jaxlike._src.effects.callback import pure_callback
from jaxlike._src.effects.debug import callback
from jaxlike._src.transforms.stop_gradient import stop_gradient
from jaxlike._src.tree import tree_flatten, tree_unflatten


class UserFrame(NamedTuple):
    """One frame of the stack: where it is, its source, its variables."""

    filename: str
    lineno: int
    source: Sequence[str]
    offset: int | None  # of the line in the source
    variables: dict[str, Any]


class _Opaque:
    """Stands for a variable that is no tree."""

    def __repr__(self) -> str:
        return "<cant_flatten>"


def _frame_of(info: inspect.FrameInfo) -> UserFrame:
    source: Sequence[str] = ()
    offset: int | None = None
    try:
        lines, start = inspect.getsourcelines(info.frame)
        if 0 <= info.lineno - max(start, 1) < len(lines):
            source, offset = "".join(lines).split("\n"), info.lineno - max(start, 1)
    except OSError:
        pass  # code that was made at run time has no source
    return UserFrame(info.filename, info.lineno, source, offset, dict(info.frame.f_locals))


_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def _stack(filter_frames: bool, num_frames: int | None) -> list[UserFrame]:
    infos = inspect.stack()[2:]
    if filter_frames:
        infos = [i for i in infos if not os.path.abspath(i.filename).startswith(_PACKAGE + os.sep)]
    return [_frame_of(i) for i in infos[:num_frames]]


class _Variables:
    """The variables of all frames, of which the traced values travel."""

    def __init__(self, frames: Sequence[UserFrame]) -> None:
        self.frames = frames
        self.parts: list[tuple[str, Any, list[Any]]] = []  # name, tree, leaves
        self.counts: list[int] = []
        for frame in frames:
            for name, value in frame.variables.items():
                try:
                    leaves, tree = tree_flatten(value)
                except (TypeError, ValueError):
                    leaves, tree = tree_flatten(_Opaque())
                self.parts.append((name, tree, leaves))
            self.counts.append(len(frame.variables))
        self.traced = [x for _, _, leaves in self.parts for x in leaves if is_traced(x)]

    def filled(self, values: Sequence[Any]) -> list[UserFrame]:
        """The frames with values."""
        known, parts, made = iter(values), iter(self.parts), []
        for frame, count in zip(self.frames, self.counts, strict=True):
            variables = {}
            for _ in range(count):
                name, tree, leaves = next(parts)
                variables[name] = tree_unflatten(tree, [next(known) if is_traced(x) else x for x in leaves])
            made.append(frame._replace(variables=variables))
        return made


class CliDebugger(cmd.Cmd):
    """A prompt on the terminal, or on given streams."""

    prompt = "(jdb) "

    def __init__(
        self,
        frames: Sequence[UserFrame],
        thread_id: int | None,
        stdin: IO[str] | None = None,
        stdout: IO[str] | None = None,
        completekey: str = "tab",
    ) -> None:
        super().__init__(completekey, stdin, stdout)
        self.use_rawinput = stdin is None
        self.frames, self.thread_id, self.at = frames, thread_id, 0
        self.intro = "Entering jdb:"

    def _say(self, text: str) -> None:
        print(text, file=self.stdout)

    def _show(self, expression: str, form: Callable[[Any], str]) -> None:
        try:
            self._say(form(eval(expression, {}, dict(self.frames[self.at].variables))))
        except Exception as error:  # whatever the expression raises is its answer
            self._say("*** " + traceback.format_exception_only(error)[-1].strip())

    def _context(self, around: int = 2) -> None:
        frame = self.frames[self.at]
        self._say(f"> {frame.filename}({frame.lineno})")
        if frame.offset is not None:
            first = max(frame.offset - 1 - around, 0)
            for k, line in enumerate(frame.source[first : frame.offset + around + 1], start=first):
                self._say(f"{'->' if k == frame.offset else '  '}  {line}")

    def default(self, line: str) -> None:
        """Evaluate an expression."""
        self._show(line, repr)

    def do_p(self, arg: str) -> None:
        """p expression: evaluate and print."""
        self._show(arg, repr)

    def do_pp(self, arg: str) -> None:
        """pp expression: evaluate and print in several lines."""
        self._show(arg, pprint.pformat)

    def do_up(self, arg: str) -> None:
        """u(p): to the frame that called this one."""
        del arg
        if self.at == len(self.frames) - 1:
            self._say("At topmost frame.")
        else:
            self.at += 1
        self._context()

    def do_down(self, arg: str) -> None:
        """d(own): to the frame that this one called."""
        del arg
        if self.at == 0:
            self._say("At bottommost frame.")
        else:
            self.at -= 1
        self._context()

    def do_list(self, arg: str) -> None:
        """l(ist): the source around the line."""
        del arg
        self._context(5)

    def do_continue(self, arg: str) -> bool:
        """c(ont(inue)): go on."""
        del arg
        return True

    def do_quit(self, arg: str) -> None:
        """q(uit), exit: end the program."""
        del arg
        sys.exit(0)

    def do_where(self, arg: str) -> None:
        """w(here), bt: the stack."""
        del arg
        self._say("Traceback:")
        for frame in reversed(self.frames):
            line = "<no source>" if frame.offset is None else frame.source[frame.offset].strip()
            self._say(f'  File "{frame.filename}", line {frame.lineno}\n    {line}')

    do_u, do_d, do_l, do_c, do_cont = do_up, do_down, do_list, do_continue, do_continue
    do_q = do_EOF = do_exit = do_quit
    do_w = do_bt = do_where


_one_at_a_time = threading.Lock()


def breakpoint(
    *,
    backend: str | None = None,
    filter_frames: bool = True,
    num_frames: int | None = None,
    ordered: bool = False,
    token: Any = None,
    **kwargs: Any,
) -> Any:
    """Stop a running program here, with a prompt that knows the variables of the Python around it.

    Args:
        backend: accepted: the prompt is that of the terminal, as in JAX for a name that it does not know.
        filter_frames: leave out the frames of this package.
        num_frames: how many frames to keep.
        ordered: accepted: calls are always made in the order of the program.
        token: a tree of arrays to return unchanged: the prompt comes when they are known, if they are used later.
        **kwargs: ``stdin`` and ``stdout``: streams in place of the terminal.
    """
    if token is not None and ordered:
        raise ValueError("`ordered` and `token` are mutually exclusive arguments.")
    del backend
    variables = _Variables(_stack(filter_frames, num_frames))

    def stop(*values: Any) -> None:
        frames = variables.filled(values)
        here = threading.current_thread() is threading.main_thread()
        with _one_at_a_time:
            CliDebugger(frames, None if here else threading.get_ident(), **kwargs).cmdloop()

    if token is None:
        callback(stop, *variables.traced, ordered=ordered)
        return None

    def stop_with(token: Any, *values: Any) -> Any:
        stop(*values)
        return token

    token, values = stop_gradient((token, variables.traced))
    return pure_callback(stop_with, token, token, *values)
