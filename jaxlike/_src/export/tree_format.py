"""tree_format: trees of containers as JSON, with the types that programs register.

None, tuples, lists and dicts with string keys are known; a namedtuple, or any other registered node, goes by the
name that `register_namedtuple_serialization` or `register_pytree_node_serialization` gave it.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from jaxlike._src.tree import _registry, tree_structure

T = TypeVar("T")
LEAF = object()


class _Kind(NamedTuple):
    """How nodes of a type are written and built."""

    nodetype: type
    name: str
    write: Callable[[Any], bytes]
    read: Callable[[bytes], Any]
    build: Callable[[Any, Any], Any]


_by_type: dict[type, _Kind] = {}
_by_name: dict[str, _Kind] = {}


def register_pytree_node_serialization(
    nodetype: type[T],
    *,
    serialized_name: str,
    serialize_auxdata: Callable[[Any], bytes | bytearray],
    deserialize_auxdata: Callable[[bytes], Any],
    from_children: Callable[[Any, Any], Any] | None = None,
) -> type[T]:
    """Say how nodes of a registered type are written into an exported function.

    Args:
        nodetype: a type that `jax.tree_util` knows.
        serialized_name: what it is called there.
        serialize_auxdata: from its metadata to bytes.
        deserialize_auxdata: the way back.
        from_children: takes metadata and children, builds a node; by default as registered.

    Returns:
        ``nodetype``.
    """
    if nodetype in _by_type:
        raise ValueError(
            f"Duplicate serialization registration for type `{nodetype}`. Previous registration was with "
            f"serialized_name `{_by_type[nodetype].name}`."
        )
    if serialized_name in _by_name:
        raise ValueError(
            f"Duplicate serialization registration for serialized_name `{serialized_name}`. Previous registration was "
            f"for type `{_by_name[serialized_name].nodetype}`."
        )
    if from_children is None:
        if nodetype not in _registry:
            raise ValueError(
                "If `from_children` is not present, you must call first`jax.tree_util.register_pytree_node` for "
                f"`{nodetype}`"
            )
        from_children = _registry[nodetype].from_iter
    kind = _Kind(nodetype, serialized_name, lambda a: bytes(serialize_auxdata(a)), deserialize_auxdata, from_children)
    _by_type[nodetype] = _by_name[serialized_name] = kind
    return nodetype


def register_namedtuple_serialization(nodetype: type[T], *, serialized_name: str) -> type[T]:
    """Say what a namedtuple is called in an exported function.

    Args:
        nodetype: a class that `collections.namedtuple` made.
        serialized_name: the name.

    Returns:
        ``nodetype``.
    """
    fields = getattr(nodetype, "_fields", None)
    if not issubclass(nodetype, tuple) or fields is None:
        raise ValueError(
            "Use `jax.export.register_pytree_node_serialization` for types other than `collections.namedtuple`."
        )

    def check(data: bytes) -> None:
        if tuple(json.loads(data)) != tuple(fields):
            raise ValueError(f"the fields of `{nodetype}` are {fields}, but {json.loads(data)} were serialized")

    return register_pytree_node_serialization(
        nodetype,
        serialized_name=serialized_name,
        serialize_auxdata=lambda _: json.dumps(fields).encode(),
        deserialize_auxdata=check,
        from_children=lambda _, children: nodetype(*children),
    )


def write_tree(tree: Any) -> Any:
    """A treedef as JSON."""
    data = tree.node_data()
    if data is None:
        return "*"
    nodetype, aux = data
    children = [write_tree(c) for c in tree.children()]
    if nodetype is type(None):
        return None
    if nodetype in (tuple, list):
        return {"kind": nodetype.__name__, "children": children}
    if nodetype is dict:
        if not all(isinstance(k, str) for k in aux):
            raise TypeError("Serialization is supported only for dictionaries with string keys.")
        return {"kind": "dict", "keys": list(aux), "children": children}
    kind = _by_type.get(nodetype)
    if kind is None:
        raise ValueError(
            f"Cannot serialize PyTreeDef with an unregistered type `{nodetype}`. Use "
            "`jax.export.register_pytree_node_serialization` or `jax.export.register_namedtuple_serialization`."
        )
    packed = base64.b64encode(kind.write(aux)).decode()
    return {"kind": "registered", "name": kind.name, "aux": packed, "children": children}


def read_tree(text: Any) -> Any:
    """The treedef that `write_tree` wrote."""
    return tree_structure(_node(text))


def _node(text: Any) -> Any:
    if text is None:
        return None
    if text == "*":
        return LEAF
    children = [_node(c) for c in text["children"]]
    if text["kind"] == "tuple":
        return tuple(children)
    if text["kind"] == "list":
        return children
    if text["kind"] == "dict":
        return dict(zip(text["keys"], children, strict=True))
    kind = _by_name.get(text["name"])
    if kind is None:
        raise ValueError(
            f"Cannot deserialize a PyTreeDef containing an unregistered type `{text['name']}`. Use "
            "`jax.export.register_pytree_node_serialization` or `jax.export.register_namedtuple_serialization`."
        )
    return kind.build(kind.read(base64.b64decode(text["aux"])), children)
