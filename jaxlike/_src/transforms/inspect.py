"""inspect: looking at a function without running it on values: make_jaxpr, eval_shape."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from jaxlike._src.array import ShapedArray
from jaxlike._src.frames import Frame
from jaxlike._src.graph.equations import jaxpr_of
from jaxlike._src.graph.jaxpr import ClosedJaxpr
from jaxlike._src.shape_struct import ShapeDtypeStruct
from jaxlike._src.transforms.arguments import check_callable, wraps
from jaxlike._src.transforms.jit import Entry, make_entry
from jaxlike._src.transforms.leaf_names import as_argument, leaf_names
from jaxlike._src.transforms.ref_state import holding, of_leaves, threading
from jaxlike._src.transforms.static_args import Static, resolve
from jaxlike._src.tree import tree_flatten, tree_unflatten

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jaxlike._src.array import Array


def _leaf(x: Any, fun: Any, names: Sequence[str], place: int) -> Array:
    if isinstance(x, ShapeDtypeStruct):
        return x.stand_in()
    if isinstance(x, ShapedArray):
        return ShapeDtypeStruct(x.shape, x.dtype, weak_type=x.weak_type).stand_in()
    if not hasattr(x, "weak_type") and hasattr(x, "shape") and hasattr(x, "dtype") and not hasattr(x, "__array__"):
        return ShapeDtypeStruct(x.shape, x.dtype).stand_in()
    return as_argument(x, fun, lambda: names, place)


def _with_refs(trace: Any, refs: Any, fun: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Entry:
    """A function that reads and writes refs of its surroundings: their values are its last argument; writes are lost."""

    @wraps(fun)
    def of_values(*inside: Any, **named: Any) -> Any:
        with holding(refs, inside[-1]):
            return fun(*inside[:-1], **named)

    return trace(of_values, (*args, [r.value() for r in refs]), kwargs)


@threading(_with_refs)
def traced(fun: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any]) -> Entry:
    """Trace ``fun`` on arrays or shapes."""
    leaves, in_tree = tree_flatten((tuple(args), kwargs))

    def call(inside: Sequence[Any]) -> Any:
        positional, named = tree_unflatten(in_tree, list(inside))
        return fun(*positional, **named)

    refs, values, with_refs = of_leaves(call, leaves)
    names = leaf_names(fun, args, kwargs)
    if refs:
        names = [f"args[{k}]" for k in range(len(values))]
    arrays = [_leaf(x, fun, names, k) for k, x in enumerate(values)]
    whole = (lambda inside: with_refs(inside)[0]) if refs else call
    return make_entry(whole, arrays, in_tree, fun, names, with_shapes=True)


def shapes_of(entry: Entry) -> Any:
    """The result's tree with `ShapeDtypeStruct` leaves."""
    avals = entry.graph.out_avals
    return tree_unflatten(entry.out_tree, [ShapeDtypeStruct(a.shape, a.dtype, weak_type=a.weak_type) for a in avals])


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
    static = resolve(fun, static_argnums, None, "static")[0]

    def jaxpr_maker(*args: Any, **kwargs: Any) -> Any:
        fixed = {k % len(args) for k in static if -len(args) <= k < len(args)}
        for k in fixed:
            hash(Static(args[k]))  # ValueError in jit's words

        @wraps(fun)
        def of_dynamic(*dynamic: Any, **named: Any) -> Any:
            rest = iter(dynamic)
            return fun(*(a if k in fixed else next(rest) for k, a in enumerate(args)), **named)

        with contextlib.ExitStack() as axes:
            for name, size in axis_env or ():
                axes.enter_context(Frame("axis", axis_name=name, axis_size=size))
            entry = traced(of_dynamic, [a for k, a in enumerate(args) if k not in fixed], kwargs)
        closed: ClosedJaxpr = jaxpr_of(entry.graph)
        return (closed, shapes_of(entry)) if return_shape else closed

    return wraps(fun, namestr="make_jaxpr({fun})")(jaxpr_maker)
