"""custom_vjp_refs: a custom_vjp function of refs, as one of the other arguments that closes over them.

What a rule does to a ref has no derivative; a ref may be written in ``bwd``, which is how a program gets a look at a
cotangent. A ref among the residuals is kept beside the arrays.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from jaxlike._src.transforms.arguments import name_of
from jaxlike._src.transforms.leaf_names import leaf_names
from jaxlike._src.transforms.ref_state import is_ref
from jaxlike._src.tree import (
    broadcast_prefix,
    keystr,
    register_pytree_node,
    tree_flatten_with_path,
    tree_leaves,
    tree_map,
    tree_unflatten,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class _Kept:
    """A ref among residuals: a node without leaves."""

    def __init__(self, ref: Any) -> None:
        self.ref = ref


register_pytree_node(_Kept, lambda kept: ((), kept.ref), lambda ref, _: _Kept(ref))


def _named(fun: Any) -> Callable[[Any], Any]:
    """Decorate with the name of a function, whose signature is another."""

    def name(made: Any) -> Any:
        made.__name__ = made.__qualname__ = name_of(fun)
        return made

    return name


def without_refs(
    rule: Any, leaves: Sequence[Any], in_tree: Any, static: Sequence[Any], whole: Callable[[Sequence[Any]], list[Any]]
) -> Any:
    """The value of a custom_vjp function for arguments with these leaves, refs among them."""
    for k, ref in enumerate(leaves):
        if is_ref(ref) and any(ref is other for other in leaves[:k]):
            names = leaf_names(rule.fun, whole(tree_unflatten(in_tree, leaves)), {})
            first, second = [name for name, x in zip(names, leaves, strict=False) if x is ref][:2]
            raise ValueError(
                "only one reference to a mutable array may be passed as an argument to a function, but custom_vjp "
                f"function {functools.partial(rule.fun)} got the same mutable array reference of type {ref.aval} at "
                f"{first} and {second}."
            )

    def filled(values: Sequence[Any]) -> list[Any]:
        rest = iter(values)
        return whole(tree_unflatten(in_tree, [x if is_ref(x) else next(rest) for x in leaves]))

    @_named(rule.fun)
    def fun(*values: Any) -> Any:
        out = rule.fun(*filled(values))
        for ref in filter(is_ref, tree_leaves(out)):
            raise ValueError(
                f"custom_vjp primal function {functools.partial(rule.fun)} returned a mutable array reference of type "
                f"{ref.aval} that was not an argument."
            )
        return out

    @_named(rule.fwd)
    def fwd(*values: Any) -> Any:
        pair = rule.fwd(*filled(values))
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            return pair
        for path, ref in tree_flatten_with_path(pair[0])[0]:
            if is_ref(ref):
                raise ValueError(
                    f"custom_vjp fwd function {functools.partial(rule.fwd)} returned a mutable array reference of type "
                    f"{ref.aval} at output tree path [0]{keystr(path)}, but mutable array references cannot be returned "
                    "there."
                )
        return pair[0], tree_map(lambda r: _Kept(r) if is_ref(r) else r, pair[1])

    @_named(rule.bwd)
    def bwd(residuals: Any, cotangent: Any) -> Any:
        given = tree_map(
            lambda r: r.ref if isinstance(r, _Kept) else r, residuals, is_leaf=lambda r: isinstance(r, _Kept)
        )
        out = rule.bwd(*static, given, cotangent)
        dummy = tree_unflatten(in_tree, [object()] * len(leaves))
        found = broadcast_prefix(tuple(out), dummy, is_leaf=lambda x: x is None)
        return tuple(c for c, x in zip(found, leaves, strict=True) if not is_ref(x))

    made = type(rule)(fun)
    made.defvjp(fwd, bwd)
    return made(*(x for x in leaves if not is_ref(x)))
