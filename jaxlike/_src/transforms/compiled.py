"""compiled: functions that JAX's library compiles for itself, and what they say of their arguments.

A jaxpr shows a call of such a function's jaxpr. Its arguments are those of a jit call: what is static has to be
hashable, the rest are trees of arrays and numbers, and no object is asked for an array of itself. Here a function
finds its own fault with them; only when it has failed, it is asked what a jit call would have said before.
"""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from jaxlike._src.border import refuse_own_arrays
from jaxlike._src.debug_checks import results_only
from jaxlike._src.frames import STATE
from jaxlike._src.regions import JIT, equation
from jaxlike._src.transforms.leaf_names import check_argument
from jaxlike._src.tree import keystr, tree_leaves_with_path

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

P = ParamSpec("P")
R = TypeVar("R")


def hashable(*values: Any) -> None:
    """Refuse arrays and lists as arguments that JAX's compiled functions need to hash."""
    for value in values:
        try:
            hash(value)
        except TypeError as error:
            raise ValueError(
                "Non-hashable static arguments are not supported. An error occurred while trying to hash an "
                f"object of type {type(value)}, {value}. The error was:\nTypeError: {error}"
            ) from None


def _check_as_compiled(fun: Any, operands: Collection[str], args: Any, kwargs: Any) -> None:
    """Raise what a jit call of ``fun`` says of its arguments, if it has anything to say."""
    try:
        bound = inspect.signature(fun).bind(*args, **kwargs).arguments
    except TypeError:
        return  # a call that does not fit the function: Python has said so
    hashable(*(value for name, value in bound.items() if name not in operands))
    for name in operands:
        for path, leaf in tree_leaves_with_path(bound.get(name)):
            refuse_own_arrays(leaf)
            check_argument(leaf, fun, lambda name=name, path=path: [name + keystr(path)], 0)


def compiled(*operands: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorate a function of which a jaxpr shows the steps; ``operands`` are its parameters that are not static."""

    def lift(fun: Callable[P, R]) -> Callable[P, R]:
        under_flags = results_only(fun)

        @functools.wraps(fun)
        def called(*args: P.args, **kwargs: P.kwargs) -> R:
            try:
                return fun(*args, **kwargs) if STATE.plain else under_flags(*args, **kwargs)
            except Exception:  # whatever the function says, a jit call would have said something before
                _check_as_compiled(fun, operands, args, kwargs)
                raise

        return called

    return lift


def jitted(name: str, operands: str | None = None) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorate a function of Arrays of which a jaxpr shows a call of its jaxpr.

    Args:
        name: what the call is named.
        operands: which of the function's parameters are arrays or numbers, if not all; one that is None is left out.
    """

    def lift(fun: Callable[P, R]) -> Callable[P, R]:
        parameters = list(inspect.signature(fun).parameters)
        wanted = parameters if operands is None else operands.split()

        def describe(*args: Any, **kwargs: Any) -> Any:
            named = dict(zip(parameters, args, strict=False)) | kwargs
            return [x for n in wanted if (x := named.get(n)) is not None], {"name": name}

        whole = name == getattr(fun, "__name__", "")  # else only a part of it is compiled
        check = functools.partial(_check_as_compiled, fun, wanted) if whole else None
        return equation(JIT, describe, check)(fun)

    return lift
