"""hi_jit: a jitted function whose arguments have values of higher types among them: it is one of their arrays.

The function of arrays gives the last states of mutable values beside its result; they are put when it has run.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from jaxlike._src.transforms import hi_values
from jaxlike._src.transforms.hi_values import lowered, mutable_of, raised, update, with_states
from jaxlike._src.transforms.staged import Staged

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_of_arrays: weakref.WeakKeyDictionary[Any, Any] = weakref.WeakKeyDictionary()  # jitted functions, as those of arrays


class LoweredCall:
    """A jitted function of arrays, and arguments with arrays in the places of values."""

    def __init__(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any], mutable: Sequence[Any]) -> None:
        self._function, self._args, self._kwargs, self._mutable = function, args, kwargs, mutable

    def call(self) -> Any:
        """The result; mutable values get their last states."""
        return _finished(self._function(*self._args, **self._kwargs), self._mutable)

    def trace(self) -> Staged:
        """The first stage of compiling it."""
        return Staged(self._function.trace(*self._args, **self._kwargs), _run)


def _run(stage: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    low, named = lowered((args, kwargs))
    return _finished(stage(*low, **named), mutable_of((args, kwargs)))


def _finished(out: Any, mutable: Sequence[Any]) -> Any:
    result, last = out
    update(mutable, last)
    return raised(result)


def lowered_call(
    function: Any, make: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> LoweredCall | None:
    """The call as one of arrays, if there are values of higher types among the arguments that are not static.

    Args:
        function: the jitted function.
        make: makes one, of a function and options.
        args: positional arguments.
        kwargs: named arguments.
    """
    if not hi_values.TYPES:
        return None
    dynamic, named = function.split(args, kwargs)
    if not hi_values.has_hi((dynamic, named)):
        return None
    if function not in _of_arrays:
        options = dict(function._options)
        if options.get("out_shardings") is not None:
            options["out_shardings"] = (options["out_shardings"], None)
        _of_arrays[function] = make(with_states(function._fun), options)
    static = {k % len(args) for k in function._static_nums if -len(args) <= k < len(args)} if args else set()
    low = tuple(a if k in static else lowered(a) for k, a in enumerate(args))
    low_named = {k: v if k in function._static_names else lowered(v) for k, v in kwargs.items()}
    return LoweredCall(_of_arrays[function], low, low_named, mutable_of((dynamic, named)))
