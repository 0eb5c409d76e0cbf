"""PyTreeDef: the structure of a tree without its leaves.

A thin object around a `node` (see node.py), so that comparing and hashing run in C and children,
composition and printing are walks over tuples. It is made by flattening and never changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from jaxlike._src.tree.node import DICT, LEAF, LIST, NONE, TUPLE, Node, NodeType, sorted_keys

if TYPE_CHECKING:
    from jaxlike._src.tree.registry import PyTreeRegistry


class PyTreeDef:
    """The structure of a tree: types, dict keys and metadata of its nodes, and where the leaves are."""

    __slots__ = ("_node", "_num_leaves")
    _node: Node
    _num_leaves: int

    def __init__(self, *_: Any, **__: Any) -> None:
        """Not for users: a structure comes from flattening a tree."""
        raise TypeError("jaxlike.tree_util.PyTreeDef: no constructor defined!")

    # Comparing and printing.

    def __eq__(self, other: object) -> bool:
        """Same types, keys, metadata and shape."""
        if not isinstance(other, PyTreeDef):
            return False
        return same_metadata(self._node, other._node)

    def __hash__(self) -> int:
        """In agreement with ``==``, also where metadata cannot be hashed."""
        try:
            return hash(self._node)
        except TypeError:  # metadata may be unhashable: then only the types count
            return hash(_without_aux(self._node))

    def __repr__(self) -> str:
        """The tree with a ``*`` for each leaf."""
        return f"PyTreeDef({_text(self._node)})"

    # Going back to a tree.

    def unflatten(self, leaves: Iterable[Any], /) -> Any:
        """The tree of this structure with these leaves, from left to right."""
        if type(leaves) is not list:
            leaves = _list(leaves, "unflatten", self)
        if len(leaves) != self._num_leaves:
            expected = self._num_leaves
            if len(leaves) < expected:
                raise ValueError(f"Too few leaves for PyTreeDef; expected {expected}, got {len(leaves)}")
            raise ValueError(f"Too many leaves for PyTreeDef; expected {expected}.")
        node = self._node
        return leaves[0] if node is LEAF else _build(node, iter(leaves).__next__)

    def walk(
        self, f_node: Callable[[Any, Any], Any], f_leaf: Callable[[Any], Any], leaves: Iterable[Any], /
    ) -> Any:
        """Fold the tree: ``f_leaf(leaf)`` at leaves, ``f_node(children, node_data)`` at nodes, bottom up."""
        if not callable(f_node) or not callable(f_leaf):
            raise bad_arguments("walk", self, f_node, f_leaf, leaves)
        leaves = _list(leaves, "walk", self, f_node, f_leaf)
        if len(leaves) < self._num_leaves:
            raise ValueError("Too few leaves for PyTreeDef")
        if len(leaves) > self._num_leaves:
            raise ValueError("Too many leaves for PyTreeDef")
        next_leaf = iter(leaves).__next__

        def fold(node: Node) -> Any:
            if node is LEAF:
                return f_leaf(next_leaf())
            children = node[1]
            return f_node(tuple([fold(child) for child in children]), _walk_data(node))

        return fold(self._node)

    def from_iterable_tree(self, tree: Any, /) -> Any:
        """The tree of this structure whose contents are given as nested iterables of the same shape."""

        def build(node: Node, contents: Any) -> Any:
            if node is LEAF:
                return contents
            node_type, children, aux = node
            contents = list(contents)
            if len(contents) != len(children):
                raise ValueError("Arity mismatch between trees")
            return node_type.build(aux, [build(*pair) for pair in zip(children, contents, strict=True)])

        return build(self._node, tree)

    def flatten_up_to(self, tree: Any) -> list[Any]:
        """The subtrees of ``tree`` that stand where this structure has leaves."""
        subtrees: list[Any] = []
        _flatten_up_to(self._node, tree, subtrees)
        subtrees.reverse()
        return subtrees

    # Parts.

    @property
    def num_leaves(self) -> int:
        """How many leaves there are."""
        return self._num_leaves

    @property
    def num_nodes(self) -> int:
        """How many nodes there are, leaves and Nones included."""
        return _count(self._node, leaves_only=False)

    def children(self) -> list[PyTreeDef]:
        """The structures of the root's children."""
        return [] if self._node is LEAF else [treedef_of(child) for child in self._node[1]]

    def node_data(self) -> tuple[Any, Any] | None:
        """The root's type and metadata; None for a leaf."""
        if self._node is LEAF:
            return None
        node_type, _, aux = self._node
        return node_type.type, (list(aux) if node_type is DICT else aux)

    def compose(self, inner: PyTreeDef, /) -> PyTreeDef:
        """This structure with ``inner`` in the place of each leaf."""
        if not isinstance(inner, PyTreeDef):
            raise bad_arguments("compose", self, inner)
        return make_treedef(_replace_leaves(self._node, inner._node), self._num_leaves * inner._num_leaves)

    @staticmethod
    def from_node_data_and_children(
        registry: PyTreeRegistry, node_data: tuple[Any, Any] | None, children: Iterable[PyTreeDef]
    ) -> PyTreeDef:
        """The structure that has this `node_data` and these `children`."""
        nodes = _nodes(children)
        if node_data is None:
            if nodes:
                raise RuntimeError("PyTreeDef traversal did not yield a singleton.")
            return treedef_of(LEAF)
        cls, aux = node_data
        node_type = registry.node_type(cls)
        if node_type is None:
            raise RuntimeError(f"Could not find type: {cls!r}.")
        if node_type is DICT:
            aux = tuple(aux)
            if len(aux) != len(nodes):
                raise RuntimeError("Number of keys and entries does not match.")
        elif node_type is NONE and nodes:
            raise RuntimeError("PyTreeDef traversal did not yield a singleton.")
        elif node_type.kind not in ("custom", "dataclass"):
            aux = None
        return treedef_of((node_type, nodes, aux))

    # Storing.

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled with references to the node classes."""
        return treedef_of, (self._node,)

    def serialize_using_proto(self) -> bytes:
        """The structure as a protocol buffer; only built-in containers, dict keys only strings."""
        from jaxlike._src.tree.proto import serialize  # rarely used

        return serialize(self._node)

    @staticmethod
    def deserialize_using_proto(registry: PyTreeRegistry, data: bytes) -> PyTreeDef:
        """The structure that `serialize_using_proto` wrote."""
        from jaxlike._src.tree.proto import deserialize

        return treedef_of(deserialize(data))


_new = PyTreeDef.__new__


def make_treedef(node: Node, num_leaves: int) -> PyTreeDef:
    """A treedef around a node whose number of leaves is known."""
    treedef = _new(PyTreeDef)  # without __init__: users have no constructor, and a call less
    treedef._node = node
    treedef._num_leaves = num_leaves
    return treedef


def treedef_of(node: Node) -> PyTreeDef:
    """A treedef around a node."""
    return make_treedef(node, _count(node, leaves_only=True))


def treedef_tuple(treedefs: Iterable[PyTreeDef]) -> PyTreeDef:
    """The structure of a tuple whose elements have the given structures."""
    return treedef_of((TUPLE, _nodes(treedefs), None))


def same_metadata(a: Any, b: Any) -> bool:
    """``a == b``, for metadata or whole nodes; what an ``__eq__`` raises is explained."""
    try:
        return bool(a == b)
    except Exception as error:
        raise ValueError(
            "Exception raised while checking equality of metadata fields of pytree. Make sure that metadata "
            "fields are hashable and have simple equality semantics. "
            "(Note: arrays cannot be passed as metadata fields!)"
        ) from error


def bad_arguments(function: str, *args: Any) -> TypeError:
    """The error for arguments of types that a method does not take."""
    types = ", ".join(type(arg).__name__ for arg in args)
    return TypeError(f"{function}(): incompatible function arguments. It was called with types: {types}")


def _list(values: Any, function: str, *args: Any) -> list[Any]:
    try:
        iterator = iter(values)
    except TypeError:
        raise bad_arguments(function, *args, values) from None
    return list(iterator)


def _nodes(treedefs: Iterable[PyTreeDef]) -> tuple[Node, ...]:
    treedefs = list(treedefs)
    for treedef in treedefs:
        if not isinstance(treedef, PyTreeDef):
            raise RuntimeError(f"std::bad_cast: expected a PyTreeDef, got {type(treedef).__name__}.")
    return tuple([treedef._node for treedef in treedefs])


# Lengths agree by construction where this is used, and zip(strict=True) costs 0.2 µs a call more.
_pairs = zip


def _build(node: Node, next_leaf: Callable[[], Any]) -> Any:
    """The value of a node that is not a leaf, taking its leaves from left to right."""
    node_type, children, aux = node
    # The built-in types in line, and loops instead of comprehensions: a call less for most nodes.
    if node_type is DICT:
        tree = {}
        for key, child in _pairs(aux, children):
            tree[key] = next_leaf() if child is LEAF else _build(child, next_leaf)
        return tree
    values = []
    for child in children:
        values.append(next_leaf() if child is LEAF else _build(child, next_leaf))
    if node_type is TUPLE:
        return tuple(values)
    return values if node_type is LIST else node_type.build(aux, values)


def _flatten_up_to(node: Node, tree: Any, subtrees: list[Any]) -> None:
    """Append the subtrees from right to left: of several mismatches, JAX reports the last."""
    if node is LEAF:
        subtrees.append(tree)
        return
    node_type, children, aux = node
    values = None
    if node_type is TUPLE or node_type is LIST:
        if type(tree) is node_type.type and len(tree) == len(children):
            values = tree
    elif node_type is DICT and type(tree) is dict and len(tree) == len(aux):
        try:
            values = list(map(tree.__getitem__, aux))
        except KeyError:
            pass
    if values is None:
        values = _match(node_type, len(children), aux, tree)
    for child, value in _pairs(reversed(children), reversed(values)):
        if child is LEAF:
            subtrees.append(value)
        else:
            _flatten_up_to(child, value, subtrees)


_NONE_ADVICE = """

In previous releases of JAX, flatten-up-to used to consider None to be a tree-prefix of non-None values. \
To obtain the previous behavior, you can usually write:
  jax.tree.map(lambda x, y: None if x is None else f(x, y), a, b, is_leaf=lambda x: x is None)"""


def _match(node_type: NodeType, arity: int, aux: Any, tree: Any) -> Any:
    """The children of ``tree``, which must be a node of the given type, metadata and arity."""
    if node_type is TUPLE or node_type is LIST:
        name = node_type.kind
        if type(tree) is not node_type.type:
            raise ValueError(f"Expected {name}, got {tree!r}.")
        if len(tree) != arity:
            raise ValueError(f"{name.capitalize()} arity mismatch: {len(tree)} != {arity}; {name}: {tree!r}.")
        return tree
    if node_type is DICT:
        if type(tree) is not dict:
            raise ValueError(f"Expected dict, got {tree!r}.")
        keys = sorted_keys(tree)
        if tuple(keys) != aux:
            raise ValueError(f"Dict key mismatch; expected keys: {list(aux)}; present keys: {keys}.")
        return [tree[key] for key in keys]
    if node_type is NONE:
        if tree is not None:
            raise ValueError(f"Expected None, got {tree!r}.{_NONE_ADVICE}")
        return ()
    if node_type.kind == "namedtuple":
        if not isinstance(tree, tuple) or not hasattr(tree, "_fields"):
            raise ValueError(f"Expected named tuple, got {tree!r}.")
        if len(tree) != arity:
            raise ValueError(f"Named tuple arity mismatch: {len(tree)} != {arity}; tuple: {tree!r}.")
        if type(tree) is not node_type.type:
            raise ValueError(f"Named tuple type mismatch: expected type: {node_type.type}, tuple: {tree!r}.")
        return tree
    kind = "custom dataclass" if node_type.kind == "dataclass" else "custom"
    if type(tree) is not node_type.type:
        raise ValueError(
            f"{kind.capitalize()} node type mismatch: expected type: {node_type.type}, value: {tree!r}."
        )
    values, tree_aux = node_type.open(tree)
    if aux is not tree_aux and aux != tree_aux:
        raise ValueError(f"Mismatch {kind} node data: {aux!r} != {tree_aux!r}; value: {tree!r}.")
    values = list(values)
    if len(values) != arity:
        raise ValueError(f"Custom type arity mismatch: {len(values)} != {arity}; value: {tree!r}.")
    return values


def _walk_data(node: Node) -> Any:
    node_type, _, aux = node
    if node_type is DICT:
        return list(aux)
    return node_type.type if node_type.kind == "namedtuple" else aux


def _replace_leaves(node: Node, inner: Node) -> Node:
    if node is LEAF:
        return inner
    node_type, children, aux = node
    return node_type, tuple([_replace_leaves(child, inner) for child in children]), aux


def _without_aux(node: Node) -> Any:
    return node if node is LEAF else (node[0], tuple([_without_aux(child) for child in node[1]]))


def _count(node: Node, *, leaves_only: bool) -> int:
    if node is LEAF:
        return 1
    return (0 if leaves_only else 1) + sum([_count(child, leaves_only=leaves_only) for child in node[1]])


def _text(node: Node) -> str:
    if node is LEAF:
        return "*"
    node_type, children, aux = node
    texts = [_text(child) for child in children]
    joined = ", ".join(texts)
    match node_type.kind:
        case "None":
            return "None"
        case "tuple":
            return f"({joined},)" if len(texts) == 1 else f"({joined})"
        case "list":
            return f"[{joined}]"
        case "dict":
            return "{" + ", ".join([f"{key!r}: {text}" for key, text in zip(aux, texts, strict=True)]) + "}"
        case "namedtuple":
            return f"CustomNode(namedtuple[{_name(node_type)}], [{joined}])"
        case _:
            return f"CustomNode({_name(node_type)}[{aux}], [{joined}])"


def _name(node_type: NodeType) -> str:
    return getattr(node_type.type, "__name__", None) or str(node_type.type)
