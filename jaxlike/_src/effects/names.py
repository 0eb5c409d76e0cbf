"""names: scopes that name parts of a program, values that stay known in a trace, and the type of a value."""

from __future__ import annotations

import contextlib
import functools
from typing import TYPE_CHECKING, Any

from jaxlike._src.frames import current_trace
from jaxlike._src.transforms.arguments import check_leaf, is_float0, to_array
from jaxlike._src.transforms.ref_state import is_ref
from jaxlike._src.transforms.types import type_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jaxlike._src.array import ShapedArray


class Scope(contextlib.ContextDecorator):
    """A named part of a program; a context manager and a decorator."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __enter__(self) -> None:
        """The name is for readers of the program: nothing depends on it."""

    def __exit__(self, *exc: object) -> None:
        """Nothing to undo."""


def named_scope(name: str) -> Scope:
    """A context manager, or decorator, that names a part of a program.

    Args:
        name: any text.
    """
    if not isinstance(name, str):
        raise TypeError("named_scope name argument must be a string.")
    return Scope(name)


def named_call(fun: Callable[..., Any], *, name: str | None = None) -> Callable[..., Any]:
    """``fun`` as a named part of a program.

    Args:
        fun: any function.
        name: by default that of the function.
    """
    scope = Scope(fun.__name__ if name is None else name)

    @functools.wraps(fun)
    def called(*args: Any, **kwargs: Any) -> Any:
        with scope:
            return fun(*args, **kwargs)

    return called


@contextlib.contextmanager
def ensure_compile_time_eval() -> Iterator[None]:
    """Inside, what depends on no traced value is computed at once, in `jit` too, and has its value in Python.

        @jax.jit
        def f(x):
            with jax.ensure_compile_time_eval():
                n = int(jnp.arange(3).sum())
            return jnp.ones(n) * x
    """
    trace = current_trace()
    if trace is None:
        yield
        return
    before, trace.folds = trace.folds, True
    try:
        yield
    finally:
        trace.folds = before


def typeof(x: Any) -> ShapedArray:
    """The type of a value: shape, dtype, weak type.

    Args:
        x: an array, or a Python number.
    """
    if is_ref(x):
        return x.aval
    try:
        check_leaf(x)
    except TypeError:
        kind = f"{type(x)}" if isinstance(x, str) else f"'{type(x)}'"  # JAX quotes all but those it converts
        raise TypeError(f"Argument '{x}' of type {kind} is not a valid JAX type") from None
    return type_of(x) if is_float0(x) else to_array(x).aval
