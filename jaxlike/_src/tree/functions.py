"""`jax.tree_util` and `jax.tree`: flatten, map, reduce and transpose trees.

A tree is a leaf, or a container (tuple, list, dict, namedtuple, None, a registered class) of trees.
None is a container without children. Dict entries go in the order of their sorted keys.
`is_leaf(x)` may declare any subtree a leaf. `jax.tree` has the same functions under shorter names.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Hashable, Iterable
from typing import Any, TypeAlias, TypeVar

from jaxlike._src.tree import treedef as _treedef
from jaxlike._src.tree.keys import KeyPath
from jaxlike._src.tree.node import LEAF, Node
from jaxlike._src.tree.prefix import broadcast_prefix, prefix_errors
from jaxlike._src.tree.registry import default_registry, tracing_registry
from jaxlike._src.tree.treedef import PyTreeDef, make_treedef

T = TypeVar("T")
Leaf: TypeAlias = Any
IsLeaf: TypeAlias = Callable[[Any], bool] | None


class Unspecified:
    """The default of an argument that has no value that could stand for its absence."""


_unspecified = Unspecified()


# Flatten and unflatten.


def tree_flatten(tree: Any, is_leaf: IsLeaf = None) -> tuple[list[Leaf], PyTreeDef]:
    """The leaves of ``tree`` from left to right, and its structure."""
    if is_leaf is None:
        leaves, node = flatten_fast(tree)
        return leaves, make_treedef(node, len(leaves))
    return default_registry.flatten(tree, is_leaf)


# As `tree_flatten`, with the bare structure: a tuple that compares and hashes in C, for dictionary keys
# on a hot path. Its hash raises TypeError if a node's metadata is unhashable; then `treedef_of(node)`, the
# `PyTreeDef` that users see, can be the key.
flatten_fast: Callable[[Any], tuple[list[Leaf], Node]] = default_registry.flatten_raw


def tree_unflatten(treedef: PyTreeDef, leaves: Iterable[Leaf]) -> Any:
    """The tree of structure ``treedef`` with these leaves."""
    return treedef.unflatten(leaves)


def tree_leaves(tree: Any, is_leaf: IsLeaf = None) -> list[Leaf]:
    """The leaves of ``tree`` from left to right."""
    return flatten_fast(tree)[0] if is_leaf is None else default_registry.flatten(tree, is_leaf)[0]


def tree_leaves_checked(treedef_expected: PyTreeDef, tree: Any) -> list[Leaf]:
    """The leaves of ``tree``, whose structure must be the expected one."""
    leaves, treedef_actual = tracing_registry.flatten(tree)
    assert treedef_actual == treedef_expected
    return leaves


def tree_structure(tree: Any, is_leaf: IsLeaf = None) -> PyTreeDef:
    """The structure of ``tree``."""
    return default_registry.flatten(tree, is_leaf)[1]


def tree_flatten_with_path(
    tree: Any, is_leaf: Callable[..., bool] | None = None, is_leaf_takes_path: bool = False
) -> tuple[list[tuple[KeyPath, Any]], PyTreeDef]:
    """Pairs of key path and leaf, and the structure.

    With ``is_leaf_takes_path``, ``is_leaf(path, x)`` gets the key path too.
    """
    if is_leaf is None or is_leaf_takes_path:
        return default_registry.flatten_with_path(tree, is_leaf)
    return default_registry.flatten_with_path(tree, lambda _, subtree: is_leaf(subtree))


def tree_leaves_with_path(
    tree: Any, is_leaf: Callable[..., bool] | None = None, is_leaf_takes_path: bool = False
) -> list[tuple[KeyPath, Any]]:
    """Pairs of key path and leaf."""
    return tree_flatten_with_path(tree, is_leaf, is_leaf_takes_path)[0]


def generate_key_paths(
    tree: Any, is_leaf: Callable[..., bool] | None = None, is_leaf_takes_path: bool = False
) -> list[tuple[KeyPath, Any]]:
    """The older name of `tree_leaves_with_path`."""
    return tree_flatten_with_path(tree, is_leaf, is_leaf_takes_path)[0]


def flatten_one_level(tree: Any) -> tuple[Iterable[Any], Hashable]:
    """The children of the root of ``tree`` and its metadata; a leaf is an error."""
    out = default_registry.flatten_one_level(tree)
    if out is None:
        raise ValueError(f"can't tree-flatten type: {type(tree)}")
    return out


def flatten_one_level_with_keys(tree: Any) -> tuple[Iterable[tuple[Any, Any]], Hashable]:
    """As `flatten_one_level`, each child in a pair with its key."""
    out = default_registry.flatten_one_level_with_keys(tree)
    if out is None:
        raise ValueError(f"can't tree-flatten type: {type(tree)}")
    return out


# Structures.


def treedef_tuple(treedefs: Iterable[PyTreeDef]) -> PyTreeDef:
    """The structure of a tuple whose elements have the given structures."""
    return _treedef.treedef_tuple(treedefs)


def treedef_children(treedef: PyTreeDef) -> list[PyTreeDef]:
    """The structures of the root's children."""
    return treedef.children()


def treedef_is_leaf(treedef: PyTreeDef) -> bool:
    """Whether the structure is a single node: a leaf, or an empty container such as None."""
    return treedef.num_nodes == 1


def treedef_is_strict_leaf(treedef: PyTreeDef) -> bool:
    """Whether the structure is a leaf."""
    return treedef._node is LEAF


def all_leaves(iterable: Iterable[Any], is_leaf: IsLeaf = None) -> bool:
    """Whether every element is a leaf."""
    if is_leaf is None:
        try:
            return not any(default_registry.is_node(type(value)) for value in iterable)
        except TypeError:
            raise _treedef.bad_arguments("all_leaves", iterable) from None
    values = list(iterable)
    leaves = tree_leaves(values, is_leaf)
    return len(leaves) == len(values) and all(a is b for a, b in zip(values, leaves, strict=True))


def is_tree_node(typ: Any) -> bool:
    """Whether values of exactly this class are containers: built in, namedtuple or registered."""
    return default_registry.is_node(typ)


# Map.


def tree_map(f: Callable[..., Any], tree: Any, *rest: Any, is_leaf: IsLeaf = None) -> Any:
    """The tree of ``f(leaf, *rest_leaves)``.

    Each tree of ``rest`` has the structure of ``tree``, or has subtrees where ``tree`` has leaves; then
    ``f`` gets the subtrees.
    """
    leaves, treedef = tree_flatten(tree, is_leaf)
    others = _flatten_rest(treedef, tree, rest, is_leaf, "tree_map tree") if rest else ()
    return treedef.unflatten(_map_leaves(f, leaves, *others))


def tree_map_with_path(
    f: Callable[..., Any],
    tree: Any,
    *rest: Any,
    is_leaf: Callable[..., bool] | None = None,
    is_leaf_takes_path: bool = False,
) -> Any:
    """As `tree_map`, with the leaf's key path as first argument: ``f(path, leaf, *rest_leaves)``."""
    pairs, treedef = tree_flatten_with_path(tree, is_leaf, is_leaf_takes_path)
    paths, leaves = [path for path, _ in pairs], [leaf for _, leaf in pairs]
    others = _flatten_rest(treedef, tree, rest, is_leaf, "tree_map_with_path tree")
    return treedef.unflatten(_map_leaves(f, paths, leaves, *others))


def _flatten_rest(
    treedef: PyTreeDef, tree: Any, rest: tuple[Any, ...], is_leaf: Callable[..., bool] | None, name: str
) -> list[list[Any]]:
    flat: list[list[Any]] = []
    for other in rest:
        try:
            flat.append(treedef.flatten_up_to(other))
        except Exception as error:
            explain = next(iter(prefix_errors(tree, other, is_leaf)), None)
            raise (explain(name) if explain is not None else error) from None
    return flat


def _map_leaves(f: Callable[..., Any], first: list[Any], *others: list[Any]) -> list[Any]:
    """``f`` of the leaves, all called before any container is built."""
    mapped = list(map(f, first, *others))
    if len(mapped) != len(first):
        # StopIteration out of ``f`` (``lambda _: next(values)``) ends the map; as out of any generator it
        # must not pass for the end of something else.
        raise RuntimeError("generator raised StopIteration") from StopIteration()
    return mapped


def tree_broadcast(prefix_tree: Any, full_tree: Any, is_leaf: IsLeaf = None) -> Any:
    """``full_tree`` with each of its leaves replaced by the leaf of ``prefix_tree`` above it."""
    leaves = broadcast_prefix(prefix_tree, full_tree, is_leaf=is_leaf)
    return tree_structure(full_tree).unflatten(leaves)


def tree_transpose(
    outer_treedef: PyTreeDef, inner_treedef: PyTreeDef | None, pytree_to_transpose: Any
) -> Any:
    """Turn an outer tree of inner trees into an inner tree of outer trees.

    ``inner_treedef=None`` takes the structure of the first subtree.
    """
    leaves, treedef = tree_flatten(pytree_to_transpose)
    if inner_treedef is None:
        inner_treedef = tree_structure(outer_treedef.flatten_up_to(pytree_to_transpose)[0])
    inner_size, outer_size = inner_treedef.num_leaves, outer_treedef.num_leaves
    if treedef.num_leaves != inner_size * outer_size:
        raise TypeError(f"Mismatch\n{treedef}\n != \n{outer_treedef.compose(inner_treedef)}")
    rows = [leaves[i * inner_size : (i + 1) * inner_size] for i in range(outer_size)]
    return inner_treedef.unflatten([outer_treedef.unflatten(column) for column in zip(*rows, strict=True)])


# Reduce.


def tree_reduce(
    function: Callable[[T, Any], T],
    tree: Any,
    initializer: T | Unspecified = _unspecified,
    is_leaf: IsLeaf = None,
) -> T:
    """``functools.reduce`` over the leaves, from left to right."""
    leaves = tree_leaves(tree, is_leaf)
    if isinstance(initializer, Unspecified):
        return functools.reduce(function, leaves)
    return functools.reduce(function, leaves, initializer)


def tree_reduce_associative(
    operation: Callable[[T, T], T],
    tree: Any,
    *,
    identity: T | Unspecified = _unspecified,
    is_leaf: IsLeaf = None,
) -> T:
    """Reduce the leaves by halves, so that the depth is the logarithm of their number."""
    leaves = tree_leaves(tree, is_leaf)
    if leaves:
        return _reduce_halves(operation, leaves)
    if isinstance(identity, Unspecified):
        raise TypeError("Must specify identity for parallel reduction of empty sequence.")
    return identity


def _reduce_halves(operation: Callable[[T, T], T], values: list[T]) -> T:
    if len(values) == 1:
        return values[0]
    middle = len(values) // 2
    return operation(_reduce_halves(operation, values[:middle]), _reduce_halves(operation, values[middle:]))


def tree_all(tree: Any, *, is_leaf: IsLeaf = None) -> bool:
    """Whether every leaf is true."""
    return all(tree_leaves(tree, is_leaf))


def static(**kwargs: Any) -> Any:
    """A `dataclasses.field` that `register_dataclass` takes as metadata instead of data."""
    metadata = {"static": True, **(kwargs.pop("metadata", {}) or {})}
    return dataclasses.field(metadata=metadata, **kwargs)
