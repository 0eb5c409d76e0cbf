"""body: the functions that control flow is given, traced once, and the checks of what they return.

A function becomes a `Body`: flat Arrays in and out, closed-over Arrays as further arguments. Where a graph cannot
say what the function does (collectives over an enclosing vmap's axis, flags that check every op) the body is the
Python function itself, and loops run it step by step.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from jaxlike._src import dtypes
from jaxlike._src.array import Array, ShapedArray
from jaxlike._src.border import astype
from jaxlike._src.frames import STATE, running
from jaxlike._src.graph.trace import trace
from jaxlike._src.transforms.arguments import check_leaf, is_float0, name_of, to_array
from jaxlike._src.transforms.derive import example as example
from jaxlike._src.transforms.structured import GraphFunction
from jaxlike._src.transforms.types import difference, same_type
from jaxlike._src.tree import (
    equality_errors,
    equality_errors_pytreedef,
    keystr,
    tree_flatten,
    tree_flatten_with_path,
    tree_unflatten,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Body:
    """A traced function: ``run`` on flat Arrays with ``closed`` at the end, the tree and types of its results."""

    def __init__(self, run: Any, closed: list[Array], out_tree: Any, outs: Sequence[Array]) -> None:
        self.run = run
        self.closed = closed
        self.out_tree = out_tree
        self.avals = [o.aval for o in outs]
        self.is_graph = isinstance(run, GraphFunction)


def needs_python() -> bool:
    """Whether control flow must run the Python functions themselves."""
    if not STATE.plain:
        return True
    for frame in running():
        if frame.trace is not None:
            return False
        if frame.axis_name is not None:
            return True
    return False


def make_body(
    fun: Callable[..., Any], in_tree: Any, examples: Sequence[Array], kind: str, probe: Callable[[], Sequence[Array]]
) -> Body:
    """Trace ``fun(*args)`` for a tree of arguments.

    Args:
        fun: the function.
        in_tree: the tree of its arguments (a tuple).
        examples: Arrays of the arguments' types; their values are not used.
        kind: what it is traced for, as messages say it.
        probe: arguments to run the Python function on, where that is needed to see its types.
    """
    out_tree: Any = None

    def flat(values: Sequence[Array]) -> list[Array]:
        nonlocal out_tree
        out = fun(*tree_unflatten(in_tree, list(values)))
        leaves, out_tree = tree_flatten(out)
        return [_result(x, k, out, fun, kind) for k, x in enumerate(leaves)]

    if needs_python():
        outs = flat(list(probe()))
        return Body(flat, [], out_tree, outs)
    graph, outs = trace(flat, examples, name_of(fun), location=location_of(fun))
    kinds = [(type(o), o._tag) for o in outs]
    return Body(GraphFunction(graph, kinds), graph.lifted, out_tree, list(outs))


def location_of(fun: Any) -> str:
    """``name at file:line``, as messages name a function."""
    code = getattr(fun, "__code__", None)
    return f"{name_of(fun)} at {code.co_filename}:{code.co_firstlineno}" if code is not None else name_of(fun)


def _result(x: Any, k: int, out: Any, fun: Any, kind: str) -> Array:
    try:
        check_leaf(x)
    except TypeError:
        path = keystr(tree_flatten_with_path(out)[0][k][0])
        at = f" at output component {path}" if path else ""
        raise TypeError(
            f"function {location_of(fun)} traced for {kind} returned a value of type {type(x)}{at}, which is not a "
            "valid JAX type"
        ) from None
    return to_array(x.astype(bool) if is_float0(x) else x)


def leaf_arrays(tree: Any) -> tuple[list[Array], Any]:
    """The leaves of arguments as Arrays, and the tree."""
    leaves, treedef = tree_flatten(tree)
    try:
        return [to_array(x) for x in leaves], treedef
    except TypeError as error:
        raise TypeError(str(error).removesuffix(".")) from None


# What is carried


def promoted(carry: Sequence[Array], outs: Sequence[ShapedArray]) -> tuple[list[Array], bool]:
    """Weakly typed values in the type that the body makes of them; whether any changed."""
    made, changed = [], False
    for x, out in zip(carry, outs, strict=True):
        if x.weak_type and not same_type(x.aval, out):
            dtype = dtypes.promote((x.dtype, True), (out.dtype, out.weak_type))[0]
            x, changed = astype(x, dtype), True
        made.append(x)
    return made, changed


def check_carry(
    name: str, fun: Any, tree: Any, carry: Sequence[ShapedArray], out_tree: Any, outs: Sequence[ShapedArray]
) -> None:
    """TypeError where what a loop's body returns is not of the type that it was given."""
    component = _component(fun)
    if tree != out_tree:
        before, after = tree_unflatten(tree, list(carry)), tree_unflatten(out_tree, list(outs))
        found = [
            f"{component(path)} is a {was} but the corresponding component of the carry output is a {now}, so {why}"
            for path, was, now, why in equality_errors(before, after)
        ]
        if found:
            raise TypeError(
                f"{name} function carry input and carry output must have the same pytree structure, but they differ:"
                f"\n\n{_listed(found)}\nRevise the function so that the carry output has the same pytree structure as "
                "the carry input."
            )
        return
    paths = [path for path, _ in tree_flatten_with_path(tree_unflatten(tree, list(carry)))[0]]
    found = [
        f"{component(path)} has type {a.str_short()} but the corresponding output carry component has type "
        f"{b.str_short()}{difference(a, b)}"
        for path, a, b in zip(paths, carry, outs, strict=True)
        if not same_type(a, b)
    ]
    if found:
        raise TypeError(
            f"{name} function carry input and carry output must have equal types, but they differ:\n\n{_listed(found)}"
            "\nRevise the function so that all output types match the corresponding input types."
        )


def _component(fun: Any) -> Callable[[Any], str]:
    try:
        parameters = list(inspect.signature(fun).parameters)
    except (ValueError, TypeError):
        parameters = []
    if parameters:
        return lambda path: (
            f"the input carry component {parameters[0]}{keystr(path)}" if path else f"the input carry {parameters[0]}"
        )
    return lambda path: f"the input carry at path {keystr(path)}" if path else "the input carry"


def _listed(found: Sequence[str]) -> str:
    if len(found) == 1:
        return f"{found[0][0].capitalize()}{found[0][1:]}.\n"
    return "".join(f"  * {text};\n" for text in found[:-1]) + f"  * {found[-1]}.\n"


def check_branches(name: str, labels: tuple[str, str], functions: tuple[Any, Any], first: Body, other: Body) -> None:
    """TypeError where two branches return different trees or types."""
    one, two = labels
    about = f"{one} is {location_of(functions[0])}\n{two} is {location_of(functions[1])}\n\n"
    paths = [
        f" at path {keystr(path)}" if path else ""
        for path, _ in tree_flatten_with_path(tree_unflatten(first.out_tree, list(first.avals)))[0]
    ]
    if first.out_tree != other.out_tree:
        found = [
            f"{one} output{f' at path {keystr(path)}' if path else ''} is a {was} but {two} output"
            f"{f' at path {keystr(path)}' if path else ''} is a {now}, so {why}"
            for path, was, now, why in equality_errors_pytreedef(first.out_tree, other.out_tree)
        ]
        if found:
            listed = f"{found[0]}.\n" if len(found) == 1 else _listed(found)
            raise TypeError(
                f"{name} branch outputs must have the same pytree structure, but they differ:\n\n{about}{listed}\n"
                f"Revise {one} and/or {two} so that they have the same pytree structure."
            )
        return
    found = [
        f"the output of {one}{path} has type {a.str_short()} but the corresponding output of {two} has type "
        f"{b.str_short()}{difference(a, b)}"
        for path, a, b in zip(paths, first.avals, other.avals, strict=True)
        if not same_type(a, b)
    ]
    if found:
        raise TypeError(
            f"{name} branches must have equal output types but they differ.\n\n{about}{_listed(found)}\n"
            f"Revise {one} and/or {two} so that all output types match."
        )
