"""error_check: errors that a computation sets while it runs, and that are raised when somebody asks.

The state is one number in a ref of the thread, so it is kept through jit, loops and branches: that of the first error,
whose message and traceback are in a list. JAX serves this under `jax._src` alone.
"""

from __future__ import annotations

import sys
import threading
from types import FrameType, TracebackType
from typing import Any

import numpy as np

from jaxlike._src.array import Array
from jaxlike._src.border import asarray, is_traced
from jaxlike._src.frames import no_frame
from jaxlike._src.lax.refs import new_ref
from jaxlike._src.numpy.select import where
from jaxlike._src.traceback_filter import include_frame

_NO_ERROR = np.iinfo(np.uint32).max
_lock = threading.RLock()
_errors: list[tuple[str, TracebackType | None]] = []


class JaxValueError(ValueError):
    """An error that a computation has set."""


class _Storage(threading.local):
    ref: Any = None  # the number of the first error


_storage = _Storage()


def _new_state() -> Any:
    with no_frame():
        return new_ref(asarray(np.uint32(_NO_ERROR)))


class error_checking_context:
    """A state of its own for what runs inside; the one before comes back after it."""

    __slots__ = ("_before",)

    def __enter__(self) -> error_checking_context:
        self._before, _storage.ref = _storage.ref, _new_state()
        return self

    def __exit__(self, *exc: object) -> None:
        _storage.ref = self._before


def set_error_if(pred: Array, /, msg: str) -> None:
    """Set the error ``msg`` if an element of ``pred`` is true when this runs, and none is set."""
    if _storage.ref is None:
        _storage.ref = _new_state()
    with _lock:
        number = np.uint32(len(_errors))
        _errors.append((msg, _traceback(sys._getframe(1))))
    before = _storage.ref[...]
    _storage.ref[...] = where((before == np.uint32(_NO_ERROR)) & asarray(pred).any(), number, before)


def raise_if_error() -> None:
    """Raise the error that is set, a `JaxValueError`, and set none."""
    if _storage.ref is None:
        return
    number = _storage.ref[...]
    if is_traced(number):
        raise ValueError(
            "raise_if_error() should not be called within a traced context, such as within a jitted function."
        )
    if int(number) == _NO_ERROR:
        return
    _storage.ref[...] = np.uint32(_NO_ERROR)
    message, traceback = _errors[int(number)]
    raise JaxValueError(message).with_traceback(traceback)


def _traceback(frame: FrameType | None) -> TracebackType | None:
    """The users' frames that run, as an error's traceback."""
    made = None
    while frame is not None:
        if include_frame(frame):
            made = TracebackType(made, frame, frame.f_lasti, frame.f_lineno)
        frame = frame.f_back
    return made
