"""Straight-line Python for one structure: three to five times faster than the general walk.

`matcher(treedef)` takes trees of exactly that structure apart, and answers None for any other;
`builder(treedef)` puts leaves together. They pay where one structure is met again and again, as the
arguments and results of a jitted function are. Keys, classes and metadata are the code's constants.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

from jaxlike._src.tree.node import DICT, LEAF, LIST, NONE, TUPLE, Node
from jaxlike._src.tree.registry import PyTreeRegistry, default_registry
from jaxlike._src.tree.treedef import PyTreeDef, same_metadata

Matcher = Callable[[Any], list[Any] | None]
Builder = Callable[[list[Any]], Any]

_MAX_NODES = 2_000  # compiling takes about 10 µs a node
_MAX_DEPTH = 50  # Python's parser gives up at about 90 nested brackets


def matcher(treedef: PyTreeDef, registry: PyTreeRegistry = default_registry) -> Matcher:
    """A function from a tree to its leaves if the tree has this structure, else to None.

    It sees what `registry` sees: a class registered later is no leaf any more.
    """
    if _is_large(treedef._node):
        return _general_matcher(treedef, registry)
    code = _Code()
    code.line("try:")
    code.indent = "    "
    leaves = _match(code, treedef._node, "tree")
    code.line("pass")
    code.indent = "  "
    # A dict without an expected key; or a user's function failed, which the general walk will report.
    code.line("except KeyError: return None")
    code.line(f"leaves = [{', '.join(leaves)}]")
    only_leaves = code.constant("only_leaves", registry.leaf_types.issuperset)
    code.line(f"if {only_leaves}(map(type, leaves)): return leaves")
    # A class of leaves that nobody met before is not in the set yet: ask for each.
    is_node = code.constant("is_node", registry.is_node)
    code.line(f"return None if any(map({is_node}, map(type, leaves))) else leaves")
    return code.function("match", "tree")


def builder(treedef: PyTreeDef) -> Builder:
    """A function from the list of leaves, which must have the right length, to the tree."""
    if _is_large(treedef._node):
        return treedef.unflatten
    code = _Code()
    names = (f"leaf{i}" for i in count())
    expression = _construct(code, treedef._node, names)
    if treedef.num_leaves:
        targets = ", ".join(f"leaf{i}" for i in range(treedef.num_leaves))
        code.line(f"{targets}, = leaves")
    code.line(f"return {expression}")
    return code.function("build", "leaves")


class _Code:
    """The lines of a function, and the constants that they name."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.indent = "  "
        self.constants: dict[str, Any] = {}
        self.numbers = count()

    def line(self, text: str) -> None:
        self.lines.append(self.indent + text)

    def fresh(self, name: str) -> str:
        return f"{name}{next(self.numbers)}"

    def constant(self, name: str, value: Any) -> str:
        name = self.fresh(name)
        self.constants[name] = value
        return name

    def function(self, name: str, parameter: str) -> Callable[[Any], Any]:
        source = f"def {name}({parameter}):\n" + "\n".join(self.lines)
        exec(source, self.constants)
        return self.constants.pop(name)


def _match(code: _Code, node: Node, tree: str) -> list[str]:
    """Write the test that the variable `tree` is such a node; return the names of its leaves."""
    if node is LEAF:
        return [tree]
    node_type, children, aux = node
    if node_type is NONE:
        code.line(f"if {tree} is not None: return None")
        return []
    arity = len(children)
    cls = code.constant("cls", node_type.type)
    values = [code.fresh("t") for _ in children]
    targets = ", ".join(values) + "," if values else "()"
    if node_type is DICT:
        code.line(f"if type({tree}) is not {cls} or len({tree}) != {arity}: return None")
        if values:
            keys = [code.constant("key", key) for key in aux]
            lookups = ", ".join(f"{tree}[{key}]" for key in keys)
            code.line(f"{targets} = {lookups},")
    elif node_type is TUPLE or node_type is LIST:
        code.line(f"if type({tree}) is not {cls} or len({tree}) != {arity}: return None")
        if values:
            code.line(f"{targets} = {tree}")
    elif node_type.kind == "namedtuple":  # its class may give `len` another meaning
        length = code.constant("length", tuple.__len__)
        code.line(f"if type({tree}) is not {cls} or {length}({tree}) != {arity}: return None")
        if values:
            code.line(f"{targets} = {code.constant('entries', tuple.__iter__)}({tree})")
    else:
        contents, metadata = code.fresh("contents"), code.fresh("metadata")
        code.line(f"if type({tree}) is not {cls}: return None")
        code.line(f"{contents}, {metadata} = {code.constant('open', node_type.open)}({tree})")
        expected = code.constant("expected", aux)
        same = code.constant("same", same_metadata)
        code.line(f"if {metadata} is not {expected} and not {same}({metadata}, {expected}): return None")
        code.line(f"if type({contents}) is not tuple: {contents} = tuple({contents})")
        code.line(f"if len({contents}) != {arity}: return None")
        if values:
            code.line(f"{targets} = {contents}")
    return [
        leaf for child, value in zip(children, values, strict=True) for leaf in _match(code, child, value)
    ]


def _construct(code: _Code, node: Node, leaves: Iterator[str]) -> str:
    """The expression that makes the value of a node."""
    if node is LEAF:
        return next(leaves)
    node_type, children, aux = node
    if node_type is NONE:
        return "None"
    values = [_construct(code, child, leaves) for child in children]
    if node_type is DICT:
        keys = [code.constant("key", key) for key in aux]
        return "{" + ", ".join(f"{key}: {value}" for key, value in zip(keys, values, strict=True)) + "}"
    if node_type is TUPLE:
        return f"({', '.join(values)},)" if values else "()"
    if node_type is LIST:
        return f"[{', '.join(values)}]"
    build, metadata = code.constant("build", node_type.build), code.constant("metadata", aux)
    return f"{build}({metadata}, [{', '.join(values)}])"


def _general_matcher(treedef: PyTreeDef, registry: PyTreeRegistry) -> Matcher:
    def match(tree: Any) -> list[Any] | None:
        leaves, actual = registry.flatten(tree)
        return leaves if actual == treedef else None

    return match


def _is_large(node: Node) -> bool:
    """Whether code for this structure would take too long to compile, or be nested too deeply."""
    level, nodes, depth = [node], 0, 0
    while level:
        nodes += len(level)
        depth += 1
        if nodes > _MAX_NODES or depth > _MAX_DEPTH:
            return True
        level = [child for parent in level if parent is not LEAF for child in parent[1]]
    return False
