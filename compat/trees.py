"""The trees that the tests of jax.tree_util use: one of each kind, of classes that both frameworks know.

One value is the same tree to both, so results can be compared as text: `show` a value, `attempt` a call.
"""

from __future__ import annotations

import collections
import dataclasses
import time
import types
from collections.abc import Callable
from typing import Any, NamedTuple

from compat import frameworks
from compat.same import neutral

EXPECTED = frameworks.EXPECTED
OrderedDict, defaultdict = collections.OrderedDict, collections.defaultdict


class Pair(NamedTuple):
    """A namedtuple."""

    left: Any
    right: Any


class Point(Pair):
    """A namedtuple class with a base in between."""

    __slots__ = ()


class Wide(NamedTuple):
    """A namedtuple of three."""

    a: Any
    b: Any
    c: Any


class Box:
    """Children without keys, and metadata."""

    def __init__(self, *children: Any, aux: Any = None) -> None:
        """Any children."""
        self.children, self.aux = children, aux

    def __repr__(self) -> str:
        """For the comparison."""
        return f"Box({', '.join(map(repr, self.children))}, aux={self.aux})"


class Keyed(Box):
    """Children with keys of the class's own making."""

    def __repr__(self) -> str:
        """For the comparison."""
        return "Keyed" + super().__repr__()


class Methods:
    """Registered by its methods."""

    def __init__(self, a: Any, b: Any) -> None:
        """Two children."""
        self.a, self.b = a, b

    def tree_flatten(self) -> tuple[Any, Any]:
        """Children and metadata."""
        return (self.a, self.b), "m"

    def tree_flatten_with_keys(self) -> tuple[Any, Any]:
        """Children with keys, and metadata."""
        return (("key a", self.a), ("key b", self.b)), "m"

    @classmethod
    def tree_unflatten(cls, aux: Any, children: Any) -> Methods:
        """The value again."""
        assert aux == "m"
        return cls(*children)

    def __repr__(self) -> str:
        """For the comparison."""
        return f"{type(self).__name__}({self.a!r}, {self.b!r})"


class MethodsWithKeys(Methods):
    """Registered by its methods, with keys."""


@dataclasses.dataclass
class Data:
    """A dataclass with a static field."""

    x: Any
    y: Any = 1
    op: str = dataclasses.field(default="add", metadata={"static": True})


@dataclasses.dataclass(frozen=True)
class Static:
    """Metadata only."""

    value: Any


class SubBox(Box):
    """A subclass that is not registered: a leaf."""


class SubDict(dict):
    """A leaf."""


class NoOrder:
    """A dict key that cannot be compared."""

    def __repr__(self) -> str:
        """For the comparison."""
        return "NoOrder"


def register(tree_util: Any) -> None:
    """Make the classes known to one framework."""
    tree_util.register_pytree_node(Box, lambda b: (b.children, b.aux), lambda aux, c: Box(*c, aux=aux))
    tree_util.register_pytree_with_keys(
        Keyed,
        lambda b: ([(f"k{i}", child) for i, child in enumerate(b.children)], b.aux),
        lambda aux, c: Keyed(*c, aux=aux),
    )
    tree_util.register_pytree_node_class(Methods)
    tree_util.register_pytree_with_keys_class(MethodsWithKeys)
    tree_util.register_dataclass(Data)
    tree_util.register_static(Static)


for framework in (EXPECTED, frameworks.ACTUAL):
    register(framework.tree_util)


def trees(jax: Any) -> dict[str, Any]:
    """One of each kind, and nestings of them."""
    partial = jax.tree_util.Partial
    return {
        "leaf": 5,
        "none": None,
        "string": "ab",
        "tuple0": (),
        "tuple1": (1,),
        "tuple2": (1, 2),
        "tuple2 deep": ((1, 2), (3,)),
        "list": [1, 2],
        "list deep": [1, [2, None], (3, [])],
        "dict0": {},
        "dict": {"b": 1, "a": 2},
        "dict other keys": {"a": 1, "c": 2},
        "dict one key": {"a": 1},
        "dict numbers": {3: 1, 1.5: 2, True: 0},
        "dict tuples": {(2, 1): 1, (1, 2): 2},
        "dict deep": {"b": {"y": 1, "x": [2]}, "a": (3, None)},
        "namedtuple": Pair(1, 2),
        "namedtuple derived": Point(1, 2),
        "namedtuple wide": Wide(1, (2, 3), {"z": 4}),
        "OrderedDict": OrderedDict([("b", 1), ("a", 2)]),
        "OrderedDict other order": OrderedDict([("a", 1), ("b", 2)]),
        "OrderedDict unsortable": OrderedDict([("a", 1), (1, 2)]),
        "defaultdict": defaultdict(int, {"b": 1, "a": 2}),
        "defaultdict other factory": defaultdict(list, {"b": 1, "a": 2}),
        "box": Box(1, [2], aux="x"),
        "box other aux": Box(1, [2], aux="y"),
        "box aux lines": Box(1, [2], aux="one\ntwo"),
        "box three": Box(1, 2, 3, aux="x"),
        "box empty": Box(),
        "box unhashable aux": Box(1, aux=[1, 2]),
        "keyed": Keyed(1, (2, 3), aux="x"),
        "methods": Methods(1, (2,)),
        "methods with keys": MethodsWithKeys(1, (2,)),
        "data": Data(1, 2),
        "data deep": Data([1], {"k": None}, op="mul"),
        "static": Static(3),
        "static other": Static(4),
        "partial": partial(max, 1, key=2),
        "partial other": partial(min, 1, key=2),
        "deque": collections.deque([1, 2]),
        "struct sequence": time.gmtime(0),
        "counter": collections.Counter("ab"),
        "mapping proxy": types.MappingProxyType({"a": 1}),
        "subclass of a node": SubBox(1),
        "subclass of dict": SubDict(a=1),
        "set": {1},
        "range": range(3),
        "everything": {
            "p": Wide(None, [Box((), aux=1)], Data(1, (2, 3))),
            "o": OrderedDict(z=1, y=(2,)),
            "n": None,
        },
    }


NAMES = list(trees(EXPECTED))


def attempt(function: Callable[[], Any]) -> Any:
    """The result, or the exception's type and text, cause included."""
    try:
        return function()
    except Exception as error:
        text, cause = neutral(str(error)), type(error.__cause__).__name__
        if "incompatible function arguments" in text:
            text = text[: text.index("arguments")]
        return "raised", type(error).__name__, text, cause


def show(value: Any) -> Any:
    """A value as text, so that its order and types count and it is not taken apart."""
    return neutral(f"{type(value).__name__} {value!r}")
