"""names: scopes that name parts of a program, values that stay known in a trace, and the type of a value."""

from __future__ import annotations

import contextlib
import functools
from typing import TYPE_CHECKING, Any

from jaxlike._src import torch_private
from jaxlike._src.array import ShapedArray
from jaxlike._src.frames import STATE, current_trace
from jaxlike._src.graph.source import ACTIVE, NameStack, active_names, extend_name_stack, named_within
from jaxlike._src.shape_struct import ShapeDtypeStruct
from jaxlike._src.transforms.arguments import check_leaf, is_float0, to_array
from jaxlike._src.transforms.hi_values import hi_type, is_hi
from jaxlike._src.transforms.ref_state import is_ref
from jaxlike._src.transforms.types import type_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Scope(contextlib.ContextDecorator):
    """A named part of a program; a context manager and a decorator.

    A trace remembers for its nodes the scopes inside of it; a name says which transformations it is under.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def __enter__(self) -> None:
        trace, name = current_trace(), named_within(self.name, STATE.frame)
        stack = extend_name_stack(name)
        stack.__enter__()
        start = len(trace.nodes) if trace is not None else 0
        ACTIVE.scopes.append((name, trace, STATE.frame, start, torch_private.last_autograd_number(), stack))

    def __exit__(self, *exc: object) -> None:
        _, trace, _, start, number, stack = ACTIVE.scopes[-1]
        if trace is not None:
            names = NameStack(active_names(trace))
            for node in trace.nodes[start:]:
                trace.scopes.setdefault(id(node), names)  # an inner scope came first
            trace.numbered.append((number, torch_private.last_autograd_number(), names))
        ACTIVE.scopes.pop()
        stack.__exit__(None, None, None)


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
        x: an array, a Python number, or a `ShapeDtypeStruct`.
    """
    if is_ref(x):
        return x.aval
    if is_hi(x):
        return hi_type(x)
    if isinstance(x, ShapeDtypeStruct):
        return ShapedArray(x.shape, x.dtype, weak_type=x.weak_type)
    try:
        check_leaf(x)
    except TypeError:
        kind = f"{type(x)}" if isinstance(x, str) else f"'{type(x)}'"  # JAX quotes all but those it converts
        raise TypeError(f"Argument '{x}' of type {kind} is not a valid JAX type") from None
    return type_of(x) if is_float0(x) else to_array(x).aval
