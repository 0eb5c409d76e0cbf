"""A treedef as a protocol buffer, byte for byte what JAX writes.

The message is a list of nodes in post-order, then the dict keys that they refer to by number:
field 1 (repeated) a node {1: arity, 2: kind, 3: {1: packed key numbers}}, field 2 (repeated) a string.
Zero is not written. Five kinds are known, so the encoding is written out here instead of generated.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from jaxlike._src.errors import JaxRuntimeError
from jaxlike._src.tree.node import DICT, LEAF, LIST, NONE, TUPLE, Node

_LEAF_KIND = 1
_KINDS = {LIST: 2, NONE: 3, TUPLE: 4, DICT: 5}
_NODE_TYPES = {kind: node_type for node_type, kind in _KINDS.items()}
_SINGLETON = "PyTreeDef traversal did not yield a singleton."


def serialize(root: Node) -> bytes:
    """The bytes of a structure of built-in containers."""
    nodes = bytearray()
    numbers: dict[str, int] = {}  # dict key -> its number, by first appearance

    def write(node: Node) -> None:
        if node is LEAF:
            nodes.extend(_field(1, _scalar(2, _LEAF_KIND)))
            return
        node_type, children, aux = node
        if node_type not in _KINDS:
            raise ValueError(
                "User-defined nodes are not supported when serializing pytrees as protocol buffers. "
                "You should either convert the user-defined nodes to another type or use pickle instead."
            )
        for child in children:
            write(child)
        body = _scalar(1, len(children)) + _scalar(2, _KINDS[node_type])
        if node_type is DICT and aux:
            if not all(isinstance(key, str) for key in aux):
                raise ValueError("Only string keys are supported in proto pytree serialization.")
            packed = b"".join(_varint(numbers.setdefault(key, len(numbers))) for key in aux)
            body += _field(3, _field(1, packed))
        nodes.extend(_field(1, body))

    write(root)
    return bytes(nodes) + b"".join(_field(2, key.encode()) for key in numbers)


def deserialize(data: bytes) -> Node:
    """The structure that `serialize` wrote."""
    try:
        fields = list(_fields(data))
        strings = [value.decode() for number, value in fields if number == 2]
        messages = [dict(_fields(value)) for number, value in fields if number == 1]
    except (AttributeError, IndexError, TypeError, ValueError) as error:
        raise JaxRuntimeError("Could not deserialize PyTreeDefProto.") from error
    stack: list[Node] = []
    for message in messages:
        arity, kind = message.get(1, 0), message.get(2, 0)
        if kind == _LEAF_KIND:
            stack.append(LEAF)
            continue
        node_type = _NODE_TYPES.get(kind)
        if node_type is None:
            raise ValueError("Malformed pytree proto (invalid node type)")
        if arity > len(stack):
            raise ValueError("Malformed pytree proto (too few children)")
        keys = None
        if node_type is DICT:
            keys = tuple(strings[i] for i in _varints(dict(_fields(message.get(3, b""))).get(1, b"")))
            if len(keys) != arity:
                raise RuntimeError("Number of keys and entries does not match.")
        children = tuple(stack[len(stack) - arity :])
        del stack[len(stack) - arity :]
        stack.append((node_type, children, keys))
    if len(stack) != 1:
        raise RuntimeError(_SINGLETON)
    return stack[0]


def _varint(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _scalar(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value) if value else b""


def _field(field: int, body: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(body)) + body


def message(field: int, body: Any) -> bytes:
    """A field of a message: bytes, or a message given as {field number: integer, bytes or message}."""
    if isinstance(body, dict):
        parts = (_scalar(k, v) if isinstance(v, int) else message(k, v) for k, v in body.items())
        body = b"".join(parts)
    return _field(field, body)


def packed_scalars(values: Iterable[int]) -> bytes:
    """Integers as the body of a packed field."""
    return b"".join(map(_varint, values))


def _read_varint(data: bytes, position: int) -> tuple[int, int]:
    value, shift = 0, 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, position


def _varints(data: bytes) -> Iterator[int]:
    position = 0
    while position < len(data):
        value, position = _read_varint(data, position)
        yield value


def _fields(data: bytes) -> Iterator[tuple[int, Any]]:
    """The (field number, value) pairs of a message of integers and nested bytes."""
    position = 0
    while position < len(data):
        tag, position = _read_varint(data, position)
        value, position = _read_varint(data, position)
        if tag & 7 == 0:
            yield tag >> 3, value
        elif tag & 7 == 2 and position + value <= len(data):
            yield tag >> 3, data[position : position + value]
            position += value
        else:
            raise ValueError("not a message of integers and bytes")
