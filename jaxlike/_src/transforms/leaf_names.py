"""leaf_names: how messages call the leaves of a function's arguments, and what is said of those that are no arrays."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from jaxlike._src.border import asarray, too_large
from jaxlike._src.transforms.arguments import check_leaf, is_float0
from jaxlike._src.transforms.static_args import signature_of
from jaxlike._src.tree import keystr, tree_flatten_with_path

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jaxlike._src.array import Array


def leaf_names(fun: Any, args: Sequence[Any], kwargs: dict[str, Any], places: Sequence[int] | None = None) -> list[str]:
    """``x``, ``state['w'][0]``: a name for each leaf.

    Args:
        fun: the function that they are for.
        args: positional arguments.
        kwargs: named arguments.
        places: the positions of ``args`` among all of the function's arguments.
    """
    signature, places = signature_of(fun), range(len(args)) if places is None else places
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    parameters = [] if signature is None else list(signature.parameters.values())
    rest = next((p.name for p in parameters if p.kind is p.VAR_POSITIONAL), "args")
    fixed = [p.name for p in parameters if p.kind in positional]
    more = next((p.name for p in parameters if p.kind is p.VAR_KEYWORD), None)
    named = {p.name for p in parameters}
    out: list[str] = []
    for path, _ in tree_flatten_with_path(tuple(args))[0]:
        place = places[path[0].idx]
        out.append((fixed[place] if place < len(fixed) else f"{rest}[{place - len(fixed)}]") + keystr(path[1:]))
    for path, _ in tree_flatten_with_path(kwargs)[0] if kwargs else ():
        key = str(path[0].key)
        out.append((key if key in named or more is None else f"{more}[{key!r}]") + keystr(path[1:]))
    return out


def as_argument(x: Any, fun: Any, names: Callable[[], Sequence[str]], place: int) -> Array:
    """A leaf as an Array; TypeError where it is none. A float0 has no values: a bool array stands for it."""
    check_argument(x, fun, names, place)
    if is_float0(x):
        return asarray(x.astype(bool))
    try:
        return asarray(x)
    except OverflowError as error:
        raise too_large(names()[place], x) from error


def check_argument(x: Any, fun: Any, names: Callable[[], Sequence[str]], place: int) -> None:
    """TypeError where a leaf is no value that JAX computes with."""
    try:
        check_leaf(x)
    except TypeError:
        raise TypeError(
            f"Error interpreting argument to {fun} as an abstract array. The problematic value is of type {type(x)} "
            f"and was passed to the function at path {names()[place]}.\nThis typically means that a jit-wrapped "
            "function was called with a non-array argument, and this argument was not marked as static using the "
            "static_argnums or static_argnames parameters of jax.jit."
        ) from None
