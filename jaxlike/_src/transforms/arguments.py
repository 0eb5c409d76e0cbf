"""arguments: what all transformations do to arguments before and after they call the function.

`flatten` turns a tree of array-likes into Arrays, refusing what is no JAX value; `over_argnums` selects and
replaces the arguments that a transformation is about, so that each is written for one tree.
"""

from __future__ import annotations

import functools
import inspect
import operator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src import dtypes
from jaxlike._src.array import Array
from jaxlike._src.border import asarray, refuse_own_arrays
from jaxlike._src.tree import tree_flatten

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_LEAVES = (Array, np.ndarray, np.generic, bool, int, float, complex, torch.Tensor)


def check_callable(fun: Any) -> None:
    """TypeError where ``fun`` cannot be transformed."""
    if isinstance(fun, staticmethod):
        raise TypeError(f"staticmethod arguments are not supported, got {fun}")
    if not callable(fun):
        raise TypeError(f"Expected a callable value, got {fun}")
    if inspect.isgeneratorfunction(fun):
        raise TypeError(f"Expected a function, got a generator function: {fun}")


def name_of(fun: Any) -> str:
    """The function's name for messages."""
    while isinstance(fun, functools.partial):
        fun = fun.func
    return getattr(fun, "__name__", None) or "<unnamed function>"


def location_of(fun: Any) -> str:
    """``name at file:line``, as messages name a function."""
    inner: Any = fun
    while hasattr(inner, "__wrapped__") or isinstance(inner, functools.partial):
        inner = inner.func if isinstance(inner, functools.partial) else inner.__wrapped__
    code = getattr(inner, "__code__", None)
    where = f" at {code.co_filename}:{code.co_firstlineno}" if code is not None else ""
    return f"{name_of(fun)}{where}"


def wraps(fun: Any, namestr: str = "{fun}", docstr: str | None = None) -> Callable[[Any], Any]:
    """As `functools.wraps`, for callables that may lack any of the attributes."""

    def apply(wrapper: Any) -> Any:
        try:
            name = name_of(fun)
            wrapper.__name__ = namestr.format(fun=name)
            wrapper.__module__ = getattr(fun, "__module__", "<unknown module>")
            doc = getattr(fun, "__doc__", "") or ""
            wrapper.__doc__ = doc if docstr is None else docstr.format(fun=name, doc=doc)
            wrapper.__annotations__ = getattr(fun, "__annotations__", {})
            wrapper.__qualname__ = getattr(fun, "__qualname__", wrapper.__name__)
            wrapper.__dict__.update(getattr(fun, "__dict__", {}))
        except TypeError:  # an object may say anything of itself, such as a class' property: as JAX, no more is copied
            pass
        wrapper.__wrapped__ = fun
        return wrapper

    return apply


def check_leaf(x: Any) -> None:
    """TypeError where ``x`` is no value that JAX computes with."""
    if isinstance(x, _LEAVES):
        if isinstance(x, np.ndarray | np.generic) and x.dtype not in dtypes.VALID:
            raise InvalidInputException(f"Argument '{x}' of type {type(x)} is not a valid JAX type.")
        return
    refuse_own_arrays(x)
    raise InvalidInputException(f"Argument '{x}' of type {type(x)} is not a valid JAX type.")


class InvalidInputException(TypeError):
    """A value that JAX does not compute with was given to a transformed function."""


def is_float0(x: Any) -> bool:
    """Whether ``x`` is a tangent of an integer: a numpy array of dtype float0."""
    return isinstance(x, np.ndarray) and x.dtype == dtypes.float0


def to_array(x: Any) -> Any:
    """A leaf as an Array; float0 arrays stay numpy."""
    if type(x) is Array:
        return x
    check_leaf(x)
    return x if is_float0(x) else asarray(x)


def flatten(tree: Any) -> tuple[list[Array], Any]:
    """The leaves as Arrays, and the tree's structure."""
    leaves, treedef = tree_flatten(tree)
    return [to_array(x) for x in leaves], treedef


def flatten_typed(tree: Any, end: str = ".") -> tuple[list[Array], Any]:
    """As `flatten`, with a plain TypeError for what is no JAX value, and another end of its message."""
    try:
        return flatten(tree)
    except InvalidInputException as error:
        raise TypeError(str(error).removesuffix(".") + end) from None


def shape_of(x: Any) -> tuple[int, ...]:
    """Shape of an Array or a float0 array."""
    return tuple(x.shape)


def checked_argnums(argnums: Any) -> int | tuple[int, ...]:
    """``argnums`` as an int or a tuple of ints."""
    if hasattr(argnums, "__index__"):
        return operator.index(argnums)
    return tuple(map(operator.index, argnums))


def resolve_argnums(argnums: int | tuple[int, ...], n_args: int, of_grad: bool) -> tuple[int, ...]:
    """The positions of the chosen arguments among ``n_args``, counted from 0; `grad` has words of its own."""
    chosen = argnums if isinstance(argnums, tuple) else (argnums,)
    needed = max(chosen) + 1
    if of_grad and needed > n_args:
        raise TypeError(
            f"differentiating with respect to argnums={argnums} requires at least {needed} positional arguments to "
            f"be passed by the caller, but got only {n_args} positional arguments."
        )
    for number in chosen:
        if not -n_args <= number < n_args:
            raise ValueError(
                "Positional argument indices, e.g. for `static_argnums`, must have value greater than or equal to "
                f"-len(args) and less than len(args), but got value {number} for len(args) == {n_args}."
            )
    return tuple(number % n_args for number in chosen)


def split_argnums(
    fun: Callable[..., Any],
    argnums: int | tuple[int, ...],
    args: Sequence[Any],
    kwargs: dict[str, Any],
    of_grad: bool = False,
) -> tuple[Callable[[Any], Any], Any]:
    """(a function of the chosen arguments alone, their values): one tree for an int, a tuple for a tuple."""
    places = resolve_argnums(argnums, len(args), of_grad)
    if isinstance(argnums, int):
        (place,) = places
        if len(args) == 1:
            return (lambda x: fun(x, **kwargs)) if kwargs else fun, args[0]
        before, after = args[:place], args[place + 1 :]
        return lambda x: fun(*before, x, *after, **kwargs), args[place]

    def of_chosen(chosen: Any) -> Any:
        whole = list(args)
        for place, value in zip(places, chosen, strict=True):
            whole[place] = value
        return fun(*whole, **kwargs)

    return of_chosen, tuple(args[p] for p in places)


def split_aux(out: Any) -> tuple[Any, Any]:
    """The (value, aux) that a function with ``has_aux=True`` returned."""
    if not isinstance(out, tuple | list) or len(out) != 2:
        raise TypeError(
            "expected function with aux output to return a two-element tuple, but got "
            f"type {type(out)} with value {out!r}"
        )
    return out[0], out[1]


def argument_names(fun: Any) -> list[str]:
    """The names of the parameters in order; empty where they cannot be known."""
    try:
        return list(inspect.signature(fun).parameters)
    except (ValueError, TypeError):
        return []
