"""Trees: every function of jax.tree_util and jax.tree on every kind of container, alone and in pairs.

Errors are compared by their whole text; only the wording of C++ argument checks is left out.
"""

from __future__ import annotations

import copy
import importlib
import operator
import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compat.same import neutral, same_in_both
from compat.trees import (
    EXPECTED,
    NAMES,
    Box,
    Data,
    NoOrder,
    OrderedDict,
    Pair,
    Point,
    Static,
    attempt,
    defaultdict,
    show,
    trees,
)

# --------------------------------------------------------------------------------------------------- one tree


ONE: dict[str, Callable[[Any, Any, Any], Any]] = {
    "flatten": lambda tu, tree, x: show(tu.tree_flatten(x)),
    "jax.tree flatten": lambda tu, tree, x: show(tree.flatten(x)),
    "leaves": lambda tu, tree, x: show((tu.tree_leaves(x), tree.leaves(x))),
    "structure": lambda tu, tree, x: show((tu.tree_structure(x), tree.structure(x))),
    "unflatten": lambda tu, tree, x: show(tu.tree_unflatten(tu.tree_structure(x), tree.leaves(x))),
    "unflatten method": lambda tu, tree, x: show(tree.structure(x).unflatten(tree.leaves(x))),
    "unflatten by name": lambda tu, tree, x: show(tree.unflatten(tree.structure(x), iter(tree.leaves(x)))),
    "too few": lambda tu, tree, x: tree.unflatten(tree.structure((x, 0)), tree.leaves(x)),
    "too many": lambda tu, tree, x: tree.unflatten(tree.structure(x), [*tree.leaves(x), 1]),
    "paths": lambda tu, tree, x: show(tu.tree_flatten_with_path(x)),
    "jax.tree paths": lambda tu, tree, x: show((tree.flatten_with_path(x), tree.leaves_with_path(x))),
    "keystr": lambda tu, tree, x: [tu.keystr(p) for p, _ in tu.tree_leaves_with_path(x)],
    "keystr simple": lambda tu, tree, x: [
        tu.keystr(p, simple=True, separator="/") for p, _ in tu.tree_leaves_with_path(x)
    ],
    "one level": lambda tu, tree, x: show(tu.flatten_one_level(x)),
    "one level with keys": lambda tu, tree, x: show(
        [list(part) if isinstance(part, list | tuple) else part for part in tu.flatten_one_level_with_keys(x)]
        if "_fields" not in dir(x)  # the keys of a namedtuple: see tests/test_tree.py
        else None
    ),
    "numbers": lambda tu, tree, x: (tree.structure(x).num_leaves, tree.structure(x).num_nodes),
    "node data": lambda tu, tree, x: show(tree.structure(x).node_data()),
    "children": lambda tu, tree, x: show(
        (tree.structure(x).children(), tu.treedef_children(tree.structure(x)))
    ),
    "from node data": lambda tu, tree, x: show(
        tu.PyTreeDef.from_node_data_and_children(
            tu.default_registry, tree.structure(x).node_data(), tree.structure(x).children()
        )
    ),
    "is leaf": lambda tu, tree, x: tu.treedef_is_leaf(tree.structure(x)),
    "is node": lambda tu, tree, x: tu.is_tree_node(type(x)),
    "all leaves": lambda tu, tree, x: (tu.all_leaves([x]), tu.all_leaves(tree.leaves(x))),
    "all leaves by predicate": lambda tu, tree, x: tu.all_leaves([x, None], is_leaf=lambda y: y is None),
    "equal": lambda tu, tree, x: (
        tree.structure(x) == tree.structure(x),
        tree.structure(x) != tree.structure((x,)),
    ),
    "hash": lambda tu, tree, x: hash(tree.structure(x)) == hash(tree.structure(x)),
    "pickle": lambda tu, tree, x: show(pickle.loads(pickle.dumps(tree.structure(x)))),
    "deepcopy": lambda tu, tree, x: copy.deepcopy(tree.structure(x)) == tree.structure(x),
    "serialize": lambda tu, tree, x: tree.structure(x).serialize_using_proto(),
    "deserialize": lambda tu, tree, x: show(
        tu.PyTreeDef.deserialize_using_proto(tu.default_registry, tree.structure(x).serialize_using_proto())
    ),
    "walk": lambda tu, tree, x: show(
        tree.structure(x).walk(lambda n, d: ("node", n, d), lambda leaf: ("leaf", leaf), tree.leaves(x))
    ),
    "compose": lambda tu, tree, x: show(tree.structure(x).compose(tree.structure([0, None]))),
    "composed": lambda tu, tree, x: show(tree.structure((0, [0])).compose(tree.structure(x))),
    "treedef tuple": lambda tu, tree, x: show(tu.treedef_tuple([tree.structure(x), tree.structure(1)])),
    "map": lambda tu, tree, x: show(tree.map(lambda leaf: (leaf, 0), x)),
    "map twice": lambda tu, tree, x: show(tu.tree_map(lambda a, b: [a, b], x, x)),
    "map thrice": lambda tu, tree, x: show(tu.tree_map(lambda a, b, c: a, x, x, x)),
    "map with path": lambda tu, tree, x: show(tu.tree_map_with_path(lambda p, *leaf: (p, leaf), x)),
    "map with path twice": lambda tu, tree, x: show(tree.map_with_path(lambda p, a, b: (len(p), a, b), x, x)),
    "map to None": lambda tu, tree, x: show(tree.map(lambda leaf: None, x)),
    "map with predicate": lambda tu, tree, x: show(
        tree.map(lambda y: type(y).__name__, x, is_leaf=lambda y: y is not x)
    ),
    "flatten up to": lambda tu, tree, x: show(tree.structure(x).flatten_up_to(x)),
    "reduce": lambda tu, tree, x: tu.tree_reduce(lambda a, b: f"({a}{b!r})", x, ""),
    "reduce without start": lambda tu, tree, x: show(tree.reduce(lambda a, b: (a, b), x)),
    "reduce by halves": lambda tu, tree, x: show(tu.tree_reduce_associative(lambda a, b: (a, b), x)),
    "reduce by halves, identity": lambda tu, tree, x: show(
        tree.reduce_associative(lambda a, b: (a, b), x, identity=0)
    ),
    "all": lambda tu, tree, x: (tu.tree_all(x), tree.all(x)),
    "broadcast": lambda tu, tree, x: show(tu.tree_broadcast(7, x)),
    "broadcast to itself": lambda tu, tree, x: show(tree.broadcast(x, x)),
    "transpose": lambda tu, tree, x: show(
        tu.tree_transpose(tree.structure(x), None, tree.map(lambda leaf: [leaf, 0], x))
    ),
    "transpose of a list": lambda tu, tree, x: show(
        tree.transpose(tree.structure([0, 0]), tree.structure(x), [x, x])
    ),
    "registry": lambda tu, tree, x: show(tu.default_registry.flatten(x, None)),
    "registry paths": lambda tu, tree, x: show(tu.default_registry.flatten_with_path(x)),
    "registry is node": lambda tu, tree, x: tu.default_registry.is_node(type(x)),
    "as arguments of jit": lambda tu, tree, x: show(tree.structure(((x,), {}))),
}


# What the tables use is what they cover: functions as `tu.name` and `tree.name`, methods of a structure.
SOURCE = Path(__file__).read_text(encoding="utf-8")
USES = {
    "tree_util": r"\btu\.(\w+)",
    "tree": r"\btree\.(\w+)",
    "tree_util.PyTreeDef": r"(?:\)|PyTreeDef)\.(\w+)",
}
COVERED = [
    f"jax.{place}.{name}"
    for place, pattern in USES.items()
    for name in re.findall(pattern, SOURCE)
    if hasattr(operator.attrgetter(place)(EXPECTED), name)
]


@pytest.mark.parametrize("operation", ONE)
@same_in_both(covers=COVERED)
def test_one_tree(jax, operation):
    return {
        name: attempt(lambda tree=tree: ONE[operation](jax.tree_util, jax.tree, tree))
        for name, tree in trees(jax).items()
    }


# -------------------------------------------------------------------------------------------------- two trees


TWO: dict[str, Callable[[Any, Any, Any, Any], Any]] = {
    "flatten up to": lambda tu, tree, a, b: show(tree.structure(a).flatten_up_to(b)),
    "map": lambda tu, tree, a, b: show(tree.map(lambda x, y: (x, y), a, b)),
    "map with path": lambda tu, tree, a, b: show(tu.tree_map_with_path(lambda p, x, y: (x, y), a, b)),
    "map nested": lambda tu, tree, a, b: show(tree.map(lambda x, y: (x, y), [1, {"k": a}], [b, {"k": b}])),
    "broadcast": lambda tu, tree, a, b: show(tree.broadcast(a, b)),
    "broadcast nested": lambda tu, tree, a, b: show(tree.broadcast((a, 0), (b, a))),
    "equal": lambda tu, tree, a, b: tree.structure(a) == tree.structure(b),
    "compose": lambda tu, tree, a, b: show(tree.structure(a).compose(tree.structure(b))),
    "transpose": lambda tu, tree, a, b: show(tu.tree_transpose(tree.structure(a), tree.structure(b), a)),
}


@pytest.mark.parametrize("left", NAMES)
@same_in_both
def test_two_trees(jax, left):
    values = trees(jax)
    a = values[left]
    return {
        f"{operation}, {right}": attempt(
            lambda right=right, function=function: function(jax.tree_util, jax.tree, a, values[right])
        )
        for operation, function in TWO.items()
        for right in NAMES
    }


def same_dummies(text: str) -> str:
    """The class of the leaves that stand in for values in these messages has a name of its own in each."""
    return re.sub(r"[\w.]*PytreeLeaf", "PytreeLeaf", neutral(text))


def private_helpers(jax: Any) -> tuple[Any, Any]:
    """The functions behind the messages of vmap, jit and the loops, which have no public name."""
    if jax is EXPECTED:
        return importlib.import_module("jax._src.tree_util"), importlib.import_module("jax._src.api_util")
    tree = importlib.import_module("jaxlike._src.tree")
    return tree, tree


HELPERS: dict[str, Callable[[Any, Any, Any, Any, Any], Any]] = {
    "prefix": lambda tu, api, s, a, b: [error("in_axes").args[0] for error in tu.prefix_errors(a, b)],
    "equality": lambda tu, api, s, a, b: list(tu.equality_errors(a, b)),
    "structures": lambda tu, api, s, a, b: list(tu.equality_errors_pytreedef(s(a), s(b))),
    "axes": lambda tu, api, s, a, b: api.flatten_axes("axes", s((b, 1)), (a, 0)),
    "tupled": lambda tu, api, s, a, b: api.flatten_axes("axes", s((b,)), a, tupled_args=True),
    "keywords": lambda tu, api, s, a, b: api.flatten_axes("axes", s(((b,), {"k": 1})), ((a,), 0), kws=True),
}


@pytest.mark.parametrize("left", NAMES)
@same_in_both
def test_messages_of_other_transformations(jax, left):
    tu, api = private_helpers(jax)
    values, structure = trees(jax), jax.tree.structure
    a = values[left]
    return {
        f"{name}, {right}": same_dummies(
            repr(attempt(lambda right=right, helper=helper: helper(tu, api, structure, a, values[right])))
        )
        for name, helper in HELPERS.items()
        for right in NAMES
    }


# ----------------------------------------------------------------------------------------------- random trees


def containers(children: Any) -> Any:
    """A container of some kind around trees."""
    keys = st.text("abcde", max_size=2)
    named = st.sampled_from([Pair, Point, Data])
    return st.one_of(
        st.lists(children, max_size=3),
        st.lists(children, max_size=3).map(tuple),
        st.dictionaries(keys, children, max_size=3),
        st.dictionaries(st.integers(-3, 3), children, max_size=3),
        st.dictionaries(keys, children, max_size=3).map(OrderedDict),
        st.dictionaries(keys, children, max_size=3).map(lambda d: defaultdict(int, d)),
        st.tuples(named, children, children).map(lambda t: t[0](t[1], t[2])),
        st.tuples(st.lists(children, max_size=3), keys).map(lambda t: Box(*t[0], aux=t[1])),
        keys.map(Static),
    )


LEAVES = st.one_of(st.integers(0, 9), st.none(), st.text("xy", max_size=1))
RANDOM = st.recursive(LEAVES, containers, max_leaves=12)


def facts(jax: Any, tree: Any) -> dict[str, Any]:
    """Much of what can be said of a tree."""
    structure = jax.tree.structure(tree)
    return {
        "flat": show(jax.tree.flatten(tree)),
        "paths": show(jax.tree.leaves_with_path(tree)),
        "numbers": (structure.num_leaves, structure.num_nodes),
        "rebuilt": show(jax.tree.unflatten(structure, jax.tree.leaves(tree))),
        "doubled": show(jax.tree.map(lambda x, y: [x, y], tree, tree)),
        "same": jax.tree.structure(jax.tree.map(lambda x: 0, tree)) == structure,
        "ints": show(jax.tree.flatten(tree, is_leaf=lambda x: isinstance(x, list))),
        "pickled": show(pickle.loads(pickle.dumps(structure))),
    }


@settings(max_examples=60, deadline=None, database=None)
@given(tree=RANDOM)
@same_in_both
def test_random_trees(jax, *, tree):
    return facts(jax, tree)


@settings(max_examples=60, deadline=None, database=None)
@given(a=RANDOM, b=RANDOM)
@same_in_both
def test_random_pairs(jax, *, a, b):
    # Keys of namedtuple fields in messages: see tests/test_tree.py.
    messages = "x=" not in f"{a!r}{b!r}" and "left=" not in f"{a!r}{b!r}"
    results = {
        name: attempt(lambda function=function: function(jax.tree_util, jax.tree, a, b))
        for name, function in TWO.items()
    }
    return {name: result for name, result in results.items() if messages or not isinstance(result, tuple)}


# -------------------------------------------------------------------------------------- keys without an order


# JAX loses a level of Python's recursion limit, for good, whenever flattening fails below the root or in a
# class's own function. So this is tried in few places, not in every pair above.
@pytest.mark.parametrize(
    "bad", [{"a": 1, 1: 2}, {NoOrder(): 1, NoOrder(): 2}, defaultdict(int, {"a": 1, 1: 2})], ids=repr
)
@same_in_both
def test_keys_without_an_order(jax, bad):
    tu = jax.tree_util
    return [
        attempt(lambda: tu.tree_flatten(bad)),
        attempt(lambda: tu.tree_flatten([1, bad])),
        attempt(lambda: tu.tree_leaves_with_path(bad)),
        attempt(lambda: tu.flatten_one_level(bad)),
        attempt(lambda: tu.flatten_one_level_with_keys(bad)),
        attempt(lambda: tu.tree_map(lambda x, y: x, {"a": 1}, bad)),
        attempt(lambda: tu.tree_map(lambda x, y: x, {"k": None}, {"k": bad})),
        attempt(lambda: tu.tree_structure({"a": 1}).flatten_up_to(bad)),
        attempt(lambda: tu.tree_broadcast((), bad)),
        show(tu.tree_structure({NoOrder(): 1})),
        show(tu.tree_leaves(bad, is_leaf=lambda x: x is bad)),
    ]
