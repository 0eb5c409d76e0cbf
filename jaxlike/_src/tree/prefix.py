"""Prefixes of trees: broadcasting over the subtrees, and saying why one tree is no prefix of another.

A prefix is a tree with leaves where the full tree has subtrees, as ``in_axes=(0, None)`` is for two
arguments that are trees. The errors name the key path of each disagreement; `prefix_errors` returns
them as functions of the name that the caller uses for the prefix.
"""

from __future__ import annotations

import difflib
import textwrap
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from jaxlike._src.tree.keys import KeyPath, key_value, keystr
from jaxlike._src.tree.node import LEAF, Node
from jaxlike._src.tree.registry import default_registry, none_leaf_registry
from jaxlike._src.tree.treedef import PyTreeDef, treedef_of

ErrorOf = Callable[[str], ValueError]


def broadcast_prefix(
    prefix_tree: Any, full_tree: Any, is_leaf: Callable[[Any], bool] | None = None
) -> list[Any]:
    """For each leaf of ``full_tree``, the leaf of ``prefix_tree`` above it."""
    prefix_leaves, treedef = default_registry.flatten(prefix_tree, is_leaf)
    try:
        subtrees = treedef.flatten_up_to(full_tree)
    except ValueError as error:
        explain = next(iter(prefix_errors(prefix_tree, full_tree)), None)
        raise (explain("broadcast_prefix prefix_tree") if explain is not None else error) from None
    result = []
    for leaf, subtree in zip(prefix_leaves, subtrees, strict=True):
        result.extend([leaf] * len(default_registry.flatten(subtree)[0]))
    return result


def broadcast_flattened_prefix_with_treedef(
    prefix_leaves: list[Any], prefix_treedef: PyTreeDef, full_treedef: PyTreeDef
) -> list[Any]:
    """As `broadcast_prefix`, for a flattened prefix and the structure of the full tree."""
    result: list[Any] = []
    leaves = iter(prefix_leaves)

    def broadcast(prefix: Node, full: Node) -> None:
        if prefix is LEAF:
            result.extend([next(leaves)] * treedef_of(full).num_leaves)
            return
        if full is LEAF:
            raise ValueError("`prefix_treedef` is not a prefix of `full_treedef`")
        prefix_type, prefix_children, prefix_aux = prefix
        full_type, full_children, full_aux = full
        if prefix_type is not full_type or prefix_aux != full_aux:
            raise ValueError(f"expected {(full_type.type, full_aux)}, got {(prefix_type.type, prefix_aux)}")
        for prefix_child, full_child in zip(prefix_children, full_children, strict=True):
            broadcast(prefix_child, full_child)

    broadcast(prefix_treedef._node, full_treedef._node)
    return result


def flatten_axes(
    name: str, treedef: PyTreeDef, axis_tree: Any, *, kws: bool = False, tupled_args: bool = False
) -> list[Any]:
    """An entry of ``axis_tree`` for each leaf of ``treedef``; None is an entry, not an empty tree.

    name: what the caller calls the axes, for the error. kws: the structure is (args, kwargs), and the
    error is to speak of args only. tupled_args: the structure is a tuple of arguments, and the error may
    advise to wrap a single one.
    """
    axes, axis_treedef = none_leaf_registry.flatten(axis_tree)
    try:
        return broadcast_flattened_prefix_with_treedef(axes, axis_treedef, treedef)
    except ValueError:
        pass
    if kws:
        treedef = treedef.children()[0]
        axis_tree = axis_tree[0]
    hint = ""
    if tupled_args:
        hint = (
            f" Note that {name} that are non-trivial pytrees should always be "
            "wrapped in a tuple representing the argument list."
        )
        if len(treedef.children()) == 1 and _is_prefix((axis_tree,), treedef):
            hint += (
                " In particular, you're passing in a single argument which "
                f"means that {name} might need to be wrapped in a singleton tuple."
            )
    dummy_tree = treedef.unflatten([_PytreeLeaf()] * treedef.num_leaves)
    errors = prefix_errors(axis_tree, dummy_tree)
    assert errors, "the structures disagree, but no error was found"
    details = "\n  ".join(error(name).args[0] for error in errors)
    raise ValueError(
        f"{name} specification must be a tree prefix of the corresponding value; {hint}"
        f"\n  Mismatch details ({len(errors)} found):\n  {details}"
    )


def _is_prefix(axis_tree: Any, treedef: PyTreeDef) -> bool:
    axes, axis_treedef = none_leaf_registry.flatten(axis_tree)
    try:
        broadcast_flattened_prefix_with_treedef(axes, axis_treedef, treedef)
    except ValueError:
        return False
    return True


class _PytreeLeaf:
    def __repr__(self) -> str:
        return "pytree leaf"


def prefix_errors(
    prefix_tree: Any, full_tree: Any, is_leaf: Callable[[Any], bool] | None = None
) -> list[ErrorOf]:
    """Why ``prefix_tree`` is no prefix of ``full_tree``: one error, as a function of a name, per place."""
    return list(_prefix_errors((), prefix_tree, full_tree, is_leaf))


def _prefix_errors(
    path: KeyPath, prefix: Any, full: Any, is_leaf: Callable[[Any], bool] | None = None
) -> Iterator[ErrorOf]:
    if _is_leaf(prefix, is_leaf):
        return  # a leaf is a prefix of any tree

    if type(prefix) is not type(full):
        yield lambda name: ValueError(
            "pytree structure error: different types at key path\n"
            f"    {name}{keystr(path)}\n"
            f"At that key path, the prefix pytree {name} has a subtree of type\n"
            f"    {type(prefix)}\n"
            "but at the same key path the full pytree has a subtree of different type\n"
            f"    {type(full)}."
        )
        return

    prefix_keys, prefix_children, prefix_aux = _open(prefix)
    full_keys, full_children, full_aux = _open(full)
    if isinstance(prefix, (list, tuple)) and len(prefix) != len(full):
        kind = type(prefix).__name__
        yield lambda name: ValueError(
            f"pytree structure error: different lengths of {kind} at key path\n"
            f"    {name}{keystr(path)}\n"
            f"At that key path, the prefix pytree {name} has a subtree of type "
            f"{kind} of length {len(prefix)}, but the full pytree "
            f"has a subtree of the same type but of length {len(full)}."
        )
        return

    if len(prefix_children) != len(full_children):
        diff = _key_difference(prefix_keys, full_keys, str)
        yield lambda name: ValueError(
            "pytree structure error: different numbers of pytree children at key path\n"
            f"    {name}{keystr(path)}\n"
            f"At that key path, the prefix pytree {name} has a subtree of type\n"
            f"    {type(prefix)}\n"
            f"with {len(prefix_children)} child keys\n"
            f"    {' '.join(map(_bare, prefix_keys))}\n"
            "but at the same key path the full pytree has a subtree of the same "
            f"type but with {len(full_children)} child keys\n"
            f"    {' '.join(map(_bare, full_keys))}\n"
            + ("" if diff is None else f"so the symmetric difference on key sets is\n    {diff}")
        )
        return

    if prefix_aux != full_aux:
        lines = difflib.ndiff(str(prefix_aux).splitlines(), str(full_aux).splitlines())
        diff = textwrap.indent("\n".join(lines), prefix="    ")
        yield lambda name: ValueError(
            "pytree structure error: different pytree metadata at key path\n"
            f"    {name}{keystr(path)}\n"
            f"At that key path, the prefix pytree {name} has a subtree of type\n"
            f"    {type(prefix)}\n"
            f"with metadata\n    {prefix_aux}\n"
            "but at the same key path the full pytree has a subtree of the same "
            f"type but with metadata\n    {full_aux}\n"
            f"so the diff in the metadata at these pytree nodes is\n{diff}"
        )
        return

    assert prefix_keys == full_keys, (
        f"equal pytree nodes gave differing prefix_tree_keys: {prefix_keys} and {full_keys}"
    )
    for key, prefix_child, full_child in zip(prefix_keys, prefix_children, full_children, strict=True):
        yield from _prefix_errors((*path, key), prefix_child, full_child)


def equality_errors(
    tree1: Any, tree2: Any, is_leaf: Callable[[Any], bool] | None = None
) -> Iterable[tuple[KeyPath, str, str, str]]:
    """How two trees differ in structure: (key path, what is in tree1, what in tree2, explanation)."""
    yield from _equality_errors((), tree1, tree2, is_leaf)


def equality_errors_pytreedef(tree1: PyTreeDef, tree2: PyTreeDef) -> Iterable[tuple[KeyPath, str, str, str]]:
    """As `equality_errors`, for two structures."""
    metaclass = type("LeafMeta", (type,), {"__repr__": lambda _: "pytree leaf"})
    leaf = metaclass("Leaf", (), {})()  # its type is what the messages print
    return equality_errors(
        tree1.unflatten([leaf] * tree1.num_leaves), tree2.unflatten([leaf] * tree2.num_leaves)
    )


def _equality_errors(
    path: KeyPath, tree1: Any, tree2: Any, is_leaf: Callable[[Any], bool] | None
) -> Iterator[tuple[KeyPath, str, str, str]]:
    if _is_leaf(tree1, is_leaf) and _is_leaf(tree2, is_leaf):
        return

    if type(tree1) is not type(tree2):
        yield path, str(type(tree1)), str(type(tree2)), "their Python types differ"
        return

    if isinstance(tree1, (list, tuple)) and len(tree1) != len(tree2):
        kind = type(tree1).__name__
        yield (
            path,
            f"{kind} of length {len(tree1)}",
            f"{kind} of length {len(tree2)}",
            "the lengths do not match",
        )
        return

    keys1, children1, aux1 = _open(tree1)
    keys2, children2, aux2 = _open(tree2)
    if len(children1) != len(children2):
        diff = _key_difference(keys1, keys2, repr)
        yield (
            path,
            _with_children(tree1, len(children1)),
            _with_children(tree2, len(children2)),
            "the numbers of children do not match"
            + (f", with the symmetric difference of key sets: {{{diff}}}" if diff else ""),
        )
        return

    if aux1 != aux2:
        yield (
            path,
            f"{type(tree1)} with pytree metadata {aux1}",
            f"{type(tree2)} with pytree metadata {aux2}",
            "the pytree node metadata does not match",
        )
        return

    assert keys1 == keys2, f"equal pytree nodes gave different tree keys: {keys1} and {keys2}"
    for key, child1, child2 in zip(keys1, children1, children2, strict=True):
        yield from _equality_errors((*path, key), child1, child2, is_leaf)


def _is_leaf(tree: Any, is_leaf: Callable[[Any], bool] | None) -> bool:
    return default_registry.flatten(tree, is_leaf)[1]._node is LEAF


def _open(tree: Any) -> tuple[tuple[Any, ...], tuple[Any, ...], Any]:
    """Keys, children and metadata of the root of a tree that can be flattened and is no leaf."""
    opened = default_registry.flatten_one_level_with_keys(tree)
    if opened is None:
        raise ValueError(f"can't tree-flatten type: {type(tree)}")
    default_registry.flatten(tree)
    pairs = list(opened[0])
    return tuple([key for key, _ in pairs]), tuple([child for _, child in pairs]), opened[1]


def _key_difference(keys1: tuple[Any, ...], keys2: tuple[Any, ...], text: Callable[[Any], str]) -> str | None:
    """The keys that are in one tuple only; None if they cannot be hashed."""
    try:
        difference = set(keys1).symmetric_difference(set(keys2))
    except TypeError:
        return None
    return " ".join(text(key_value(key)) for key in difference)


def _bare(key: Any) -> str:
    return keystr((key,), simple=True)


def _with_children(tree: Any, count: int) -> str:
    return f"{type(tree)} with {count} child{'ren' if count > 1 else ''}"
