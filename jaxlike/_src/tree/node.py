"""What a tree is made of: leaves, and nodes of a known type.

A node is a plain tuple `(node_type, children, aux)`, a leaf is `LEAF`. Tuples compare and hash in C,
so the structure of a tree is a good dictionary key as it stands. The `NodeType` knows how a value of
the class is opened into children and aux data, and how it is put together again.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

from jaxlike._src.tree.keys import DictKey, FlattenedIndexKey, GetAttrKey, SequenceKey

Node: TypeAlias = Any  # LEAF or (NodeType, tuple[Node, ...], aux)
Opened: TypeAlias = tuple[Iterable[Any], Any]  # children, aux
KeyedChildren: TypeAlias = Iterable[tuple[Any, Any]]  # key, child


class _Leaf:
    """The structure of a leaf: one object, compared by identity."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "*"

    def __reduce__(self) -> str:
        return "LEAF"  # pickled and copied by reference


LEAF = _Leaf()


class NodeType:
    """How values of one class are opened and built.

    open(value) -> (children, aux)
    open_with_keys(value) -> (iterable of (key, child), aux)
    build(aux, children) -> value; ``children`` is a list, in the order that ``open`` gave.
    """

    __slots__ = ("build", "kind", "open", "open_with_keys", "type")

    def __init__(
        self,
        type: Any,
        kind: str,
        open: Callable[[Any], Opened],
        open_with_keys: Callable[[Any], tuple[KeyedChildren, Any]],
        build: Callable[[Any, list[Any]], Any],
    ) -> None:
        """``kind``: "tuple", "list", "dict", "None", "namedtuple", "custom" or "dataclass"."""
        self.type = type
        self.kind = kind
        self.open = open
        self.open_with_keys = open_with_keys
        self.build = build

    def __repr__(self) -> str:
        """For debugging: the class and the kind."""
        return f"NodeType({self.type}, {self.kind!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled as the class, which must be registered where it is loaded."""
        from jaxlike._src.tree.registry import registered_type  # the registry is built on this module

        return registered_type, (self.type,)


def sorted_keys(tree: dict[Any, Any]) -> list[Any]:
    """The keys of a dict in the order of its leaves."""
    try:
        return sorted(tree)
    except Exception as error:
        raise ValueError("Comparator raised exception while sorting pytree dictionary keys.") from error


def _open_dict(tree: dict[Any, Any]) -> Opened:
    keys = tuple(sorted_keys(tree))
    return tuple([tree[key] for key in keys]), keys


def _open_dict_with_keys(tree: dict[Any, Any]) -> tuple[KeyedChildren, Any]:
    keys = tuple(sorted_keys(tree))
    return tuple([(DictKey(key), tree[key]) for key in keys]), keys


def _open_sequence_with_keys(tree: Sequence[Any]) -> tuple[KeyedChildren, Any]:
    return tuple([(SequenceKey(i), child) for i, child in enumerate(tree)]), None


def _open_sequence(tree: Sequence[Any]) -> Opened:
    return tree, None


def _open_none(_: None) -> Opened:
    return (), None


def _build_dict(keys: tuple[Any, ...], children: list[Any]) -> dict[Any, Any]:
    return dict(zip(keys, children, strict=True))


TUPLE = NodeType(
    tuple, "tuple", _open_sequence, _open_sequence_with_keys, lambda _, children: tuple(children)
)
LIST = NodeType(list, "list", _open_sequence, _open_sequence_with_keys, lambda _, children: children)
DICT = NodeType(dict, "dict", _open_dict, _open_dict_with_keys, _build_dict)
NONE = NodeType(type(None), "None", _open_none, _open_none, lambda _, children: None)

BUILTIN = {node_type.type: node_type for node_type in (TUPLE, LIST, DICT, NONE)}


def namedtuple_type(cls: Any) -> NodeType:
    """The node type of a namedtuple class, or of any subclass of tuple that has `_fields`."""

    def open_with_keys(value: Any) -> tuple[KeyedChildren, Any]:
        fields, children = getattr(value, "_fields", ()), _entries(value)
        if not isinstance(fields, Sequence) or len(fields) != len(children):
            raise ValueError("A namedtuple's _fields attribute should have the same size as the tuple.")
        return [(GetAttrKey(name), child) for name, child in zip(fields, children, strict=True)], None

    def open(value: Any) -> Opened:
        return _entries(value), None

    return NodeType(cls, "namedtuple", open, open_with_keys, lambda _, children: cls(*children))


def _entries(value: Any) -> tuple[Any, ...]:
    """The entries of a tuple, of whose class ``len`` may mean something else (`scipy.spatial`'s Rotation)."""
    return tuple(tuple.__iter__(value))


def custom_type(
    cls: Any,
    to_iterable: Callable[[Any], Any],
    from_iterable: Callable[[Any, Any], Any],
    to_iterable_with_keys: Callable[[Any], Any] | None,
) -> NodeType:
    """The node type of a registered class. What the user's functions return is checked on each use."""

    def open(value: Any) -> Opened:
        opened = to_iterable(value)
        # Exactly a pair and iterable children are what JAX asks for; len() of a tuple subclass may lie.
        if not isinstance(opened, tuple) or len(opened) != 2:
            raise ValueError(
                "The to_iterable function for a custom PyTree node should return a (children, aux_data) "
                f"tuple, got {opened!r}"
            )
        if type(opened[0]) is not tuple and not _is_iterable(opened[0]):
            raise ValueError(
                "The to_iterable function for a custom PyTree node should return a (children, aux_data) "
                f"tuple where 'children' is iterable, got {opened!r}"
            )
        return opened

    def open_with_keys(value: Any) -> tuple[KeyedChildren, Any]:
        if to_iterable_with_keys is None:
            children, aux = open(value)
            return [(FlattenedIndexKey(i), child) for i, child in enumerate(children)], aux
        problem = (
            "The to_iterable_with_keys function for a custom PyTree node should return a "
            "(key_leaf_pairs, aux_data) tuple"
        )
        opened = to_iterable_with_keys(value)
        if not isinstance(opened, tuple) or len(opened) != 2:
            raise ValueError(f"{problem}, got {opened!r}")
        if not _is_iterable(opened[0]):
            raise ValueError(f"{problem} where 'key_leaf_pairs' is iterable, got {opened!r}")
        pairs = list(opened[0])
        for pair in pairs:
            if not isinstance(pair, tuple) or len(pair) != 2:
                # JAX's text stops there, without the closing words.
                raise ValueError(f"{problem} where 'child{pair!r}")
        return pairs, opened[1]

    return NodeType(
        cls, "custom", open, open_with_keys, lambda aux, children: from_iterable(aux, tuple(children))
    )


def dataclass_type(cls: Any, data_fields: Sequence[str], meta_fields: Sequence[str]) -> NodeType:
    """The node type of a dataclass: its data fields are children, its meta fields the aux data."""
    data_names, meta_names = tuple(data_fields), tuple(meta_fields)
    get_data, get_meta = _attributes(data_names), _attributes(meta_names)
    keys = tuple(GetAttrKey(name) for name in data_names)

    def open(value: Any) -> Opened:
        aux = get_meta(value)
        return get_data(value), aux

    def open_with_keys(value: Any) -> tuple[KeyedChildren, Any]:
        children, aux = open(value)
        return list(zip(keys, children, strict=True)), aux

    def build(aux: Any, children: list[Any]) -> Any:
        fields = dict(zip(data_names, children, strict=True))
        fields.update(zip(meta_names, aux, strict=True))
        return cls(**fields)

    return NodeType(cls, "dataclass", open, open_with_keys, build)


def _attributes(names: tuple[str, ...]) -> Callable[[Any], tuple[Any, ...]]:
    """A function from a value to the tuple of its attributes ``names``."""
    if len(names) > 1:
        return operator.attrgetter(*names)  # the fast way, which needs two names to give a tuple
    return lambda value: tuple([getattr(value, name) for name in names])


def _is_iterable(value: Any) -> bool:
    try:
        iter(value)
    except TypeError:
        return False
    return True
