"""body: the checks of what the functions return that control flow is given.

What a loop carries must keep its tree and types, except that weakly typed values take the type that the body
makes of them. Branches must agree. The messages name every component that differs.
The functions are traced to `Body`s (`transforms/body.py`); where that cannot be, loops run them step by step.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from jaxlike._src import dtypes
from jaxlike._src.array import type_alone
from jaxlike._src.border import astype
from jaxlike._src.transforms.body import Body as Body
from jaxlike._src.transforms.body import leaf_arrays as leaf_arrays
from jaxlike._src.transforms.body import location_of as location_of
from jaxlike._src.transforms.body import make_body as make_body
from jaxlike._src.transforms.derive import example as example
from jaxlike._src.transforms.types import difference, same_type
from jaxlike._src.tree import (
    equality_errors,
    equality_errors_pytreedef,
    keystr,
    tree_flatten_with_path,
    tree_unflatten,
)
from jaxlike._src.varying import axes_of, counted_axes, through

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jaxlike._src.array import Array, ShapedArray


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


def check_varying(
    name: str, fun: Any, tree: Any, carry: Sequence[Array], body: Body, args: Sequence[Array]
) -> None:
    """TypeError where what a loop carries starts the same on all devices of a mesh, and does not stay so."""
    frames = counted_axes()
    if not frames:
        return
    component = _component(fun)
    before = [axes_of(c._t, frames) for c in carry]
    after = through(body.run.graph, [axes_of(a._t, frames) for a in args])
    paths = [path for path, _ in tree_flatten_with_path(tree_unflatten(tree, list(carry)))[0]]
    found = [
        (component(path), type_alone(c).str_short(), a, b)
        for path, c, a, b in zip(paths, carry, before, after, strict=False)
        if not b <= a
    ]
    if not found:
        return
    said = [
        f"{what} has type {kind}{_differs(a)} but the corresponding output carry component has type {kind}{_differs(b)}, so "
        "the manual axis types do not match"
        for what, kind, a, b in found
    ]
    remedies = [
        f"applying `jax.lax.pcast(..., {_ordered(b - a)}, to='varying')`, to the initial carry value corresponding to {what}"
        for what, _, a, b in found
    ]
    raise TypeError(
        f"{name} function carry input and carry output must have equal types, but they differ:\n\n{_listed(said)}"
        f"{_remedy(remedies)}\nRevise the function so that all output types match the corresponding input types."
    )


def _ordered(axes: frozenset[Any]) -> tuple[Any, ...]:
    """In the order of the mesh."""
    return tuple(f.axis_name for f in reversed(counted_axes()) if f.axis_name in axes)


def _differs(axes: frozenset[Any]) -> str:
    names = ",".join(map(str, _ordered(axes)))
    return f"{{V:{names if len(axes) == 1 else f'({names})'}}}" if axes else ""


def _remedy(remedies: Sequence[str]) -> str:
    several = "".join(f"  * {r};\n" for r in remedies[:-1]) + f"  * {remedies[-1]}.\n"
    might = f" {remedies[0]}.\n" if len(remedies) == 1 else f":\n{several}"
    return (
        f"\nThis might be fixed by{might}"
        "See https://docs.jax.dev/en/latest/notebooks/shard_map.html#scan-vma for more information.\n"
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


def check_branches(
    name: str, labels: tuple[str, str], functions: tuple[Any, Any], first: Body, other: Body, operands: Sequence[Array]
) -> None:
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
    remedies: list[str] = []
    if not found and (frames := counted_axes()):
        given = [axes_of(x._t, frames) for x in operands]
        along = [through(body.run.graph, given) for body in (first, other)]
        for path, kind, a, b in zip(paths, first.avals, *along, strict=False):
            if a != b:
                found.append(
                    f"the output of {one}{path} has type {kind.str_short()}{_differs(a)} but the corresponding output of {two} "
                    f"has type {kind.str_short()}{_differs(b)}, so the manual axis types do not match"
                )
                least, missing = (one, b - a) if b - a else (two, a - b)
                remedies.append(f"applying `jax.lax.pcast(..., {_ordered(missing)}, to='varying')` to the output of {least}{path}")
    if found:
        raise TypeError(
            f"{name} branches must have equal output types but they differ.\n\n{about}{_listed(found)}"
            f"{_remedy(remedies) if remedies else ''}\nRevise {one} and/or {two} so that all output types match."
        )
