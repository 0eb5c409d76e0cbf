"""inspect: looking at a function without running it on values: make_jaxpr, eval_shape."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from jaxlike._src.array import ShapedArray
from jaxlike._src.frames import Frame
from jaxlike._src.graph.equations import jaxpr_of
from jaxlike._src.graph.jaxpr import ClosedJaxpr, Literal
from jaxlike._src.shape_struct import ShapeDtypeStruct
from jaxlike._src.transforms.arguments import check_callable, wraps
from jaxlike._src.transforms.hi_values import has_hi, lowered, of_arrays
from jaxlike._src.transforms.jit import Entry, jit, make_entry, stand_in
from jaxlike._src.transforms.leaf_names import as_argument, leaf_names
from jaxlike._src.transforms.ref_state import is_ref, of_leaves
from jaxlike._src.transforms.static_args import as_indices
from jaxlike._src.tree import tree_flatten, tree_unflatten

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def traced(fun: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any]) -> Entry:
    """Trace ``fun`` on arrays or shapes."""
    leaves, in_tree = tree_flatten((tuple(args), kwargs))
    if has_hi(leaves):
        return traced(of_arrays(fun), *lowered((tuple(args), kwargs)))
    if not any(map(is_ref, leaves)):  # as `jit` does, whose traces it shares
        return jit(fun)._entry_for(tuple(args), kwargs)[0]

    def call(inside: Sequence[Any]) -> Any:
        positional, named = tree_unflatten(in_tree, list(inside))
        return fun(*positional, **named)

    _, values, with_refs = of_leaves(call, leaves)
    names = leaf_names(fun, args, kwargs)
    arrays = [as_argument(stand_in(x), fun, lambda: names, k) for k, x in enumerate(values)]
    return make_entry(lambda inside: with_refs(inside)[0], arrays, in_tree, fun, names)


def shapes_of(entry: Entry) -> Any:
    """The result's tree with `ShapeDtypeStruct` leaves."""
    found = [ShapeDtypeStruct(a.shape, a.dtype, weak_type=a.weak_type) for a in entry.graph.own_avals[1]]
    for at, zeros in sorted(entry.float0.items()):
        found.insert(at, ShapeDtypeStruct(zeros.shape, zeros.dtype))
    return tree_unflatten(entry.out_tree, found)


def _shown(entry: Entry) -> ClosedJaxpr:
    """The jaxpr, with results that have no values as what they are: a graph has none of them."""
    closed: ClosedJaxpr = jaxpr_of(entry.graph)
    if not entry.float0:
        return closed
    outvars = list(closed.jaxpr.outvars)
    for at, zeros in sorted(entry.float0.items()):
        outvars.insert(at, Literal(zeros, ShapedArray(zeros.shape, zeros.dtype)))
    return closed.replace(jaxpr=closed.jaxpr.replace(outvars=outvars))


def eval_shape(fun: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Shapes and dtypes of ``fun(*args, **kwargs)`` without computing it.

    Args:
        fun: any function that can be traced.
        *args: arrays, numbers or anything with ``shape`` and ``dtype``.
        **kwargs: the same.

    Returns:
        The result's tree with `ShapeDtypeStruct` leaves.
    """
    check_callable(fun)
    return shapes_of(traced(fun, args, kwargs))


def make_jaxpr(
    fun: Callable[..., Any],
    static_argnums: Any = (),
    axis_env: Any = None,
    return_shape: bool = False,
) -> Callable[..., Any]:
    """A function that gives the jaxpr of ``fun`` for its arguments.

    Args:
        fun: any function that can be traced.
        static_argnums: positions of arguments that are Python values.
        axis_env: named axes as (name, size) pairs.
        return_shape: also return the result's tree of shapes.

    Returns:
        A function that gives a `ClosedJaxpr`, or ``(jaxpr, shapes)``.
    """
    if not callable(fun):
        raise TypeError("the first argument must be callable")
    check_callable(fun)
    static = as_indices(static_argnums)
    if static:
        jit(fun, static_argnums=static)  # what is wrong with them

    def jaxpr_maker(*args: Any, **kwargs: Any) -> Any:
        with contextlib.ExitStack() as axes:
            for name, size in axis_env or ():
                axes.enter_context(Frame("axis", axis_name=name, axis_size=size))
            if static:
                entry = jit(fun, static_argnums=static)._entry_for(args, kwargs)[0]
            else:
                entry = traced(fun, args, kwargs)
        closed = _shown(entry)
        return (closed, shapes_of(entry)) if return_shape else closed

    return wraps(fun, namestr="make_jaxpr({fun})")(jaxpr_maker)
