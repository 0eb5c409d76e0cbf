"""Trees without JAX: what is documented, what differs from JAX on purpose, and what JAX has no name for."""

from __future__ import annotations

import collections
import dataclasses
import gc
import inspect
import pickle
import sys
from typing import Any, NamedTuple

import pytest

from jaxlike import tree as short_names
from jaxlike import tree_util as tu
from jaxlike._src import tree as private
from jaxlike._src.tree import builder, flatten_fast, matcher, treedef_of


class Point(NamedTuple):
    """A namedtuple."""

    x: Any
    y: Any


class Box:
    """Two children and metadata."""

    def __init__(self, a: Any, b: Any, aux: Any = None) -> None:
        """The children and the metadata."""
        self.a, self.b, self.aux = a, b, aux

    def __eq__(self, other: object) -> bool:
        """Equal parts."""
        return isinstance(other, Box) and (self.a, self.b, self.aux) == (other.a, other.b, other.aux)

    __hash__ = None  # pyright: ignore[reportAssignmentType]


tu.register_pytree_node(Box, lambda b: ([b.a, b.b], b.aux), lambda aux, c: Box(*c, aux=aux))


@tu.register_dataclass
@dataclasses.dataclass
class Data:
    """A dataclass with a static field."""

    x: Any
    op: str = short_names.static(default="add")


TREES = {
    "leaf": 1,
    "none": None,
    "empty": ((), [], {}, None),
    "tuple": (1, 2, 3),
    "list of one": [1],
    "dict": {"b": 1, "a": {"z": 2, "y": 3}},
    "dict of ints": {2: 1, 1: (2, 3)},
    "namedtuple": Point(1, [2, None]),
    "ordered": collections.OrderedDict(b=1, a=(2,)),
    "defaultdict": collections.defaultdict(int, b=1, a=2),
    "box": Box(1, (2, 3), aux="m"),
    "box with a list as metadata": Box(1, 2, aux=[1]),
    "data": Data([1, 2], op="mul"),
    "partial": tu.Partial(max, 1, key=2),
    "arguments": (({"w": 1, "b": 2}, 3), {"scale": 4}),
    "many": list(range(300)),
    "wide dict": {f"k{i}": (i, [i]) for i in range(100)},
}


@pytest.fixture(params=TREES)
def tree(request: pytest.FixtureRequest) -> Any:
    """A tree of each kind."""
    return TREES[request.param]


def nested(depth: int) -> Any:
    """A list in a list in a list."""
    tree: Any = 1
    for _ in range(depth):
        tree = [tree]
    return tree


# What is documented.


def test_the_example_of_the_documentation():
    leaves, treedef = tu.tree_flatten({"b": (1, None), "a": [2, 3]})
    assert leaves == [2, 3, 1]
    assert str(treedef) == "PyTreeDef({'a': [*, *], 'b': (*, None)})"
    assert tu.tree_unflatten(treedef, "xyz") == {"a": ["x", "y"], "b": ("z", None)}
    assert str(tu.tree_structure(Data(1))) == "PyTreeDef(CustomNode(Data[('add',)], [*]))"
    assert str(tu.tree_structure(Point(1, 2))) == "PyTreeDef(CustomNode(namedtuple[Point], [*, *]))"


def test_dict_keys_come_back_sorted():
    assert list(short_names.map(lambda x: x, {"b": 1, "a": 2})) == ["a", "b"]


def test_none_is_an_empty_tree():
    assert short_names.leaves((1, None, (None, 2))) == [1, 2]
    with pytest.raises(ValueError, match=r"^Expected None, got 1\.\n\nIn previous releases of JAX"):
        short_names.structure(None).flatten_up_to(1)


def test_paths():
    value = {"params": [Data(1), Point(2, {"k": 3})], "box": Box(4, 5)}
    texts = [tu.keystr(path) for path, _ in short_names.leaves_with_path(value)]
    assert texts == [
        "['box'][<flat index 0>]",
        "['box'][<flat index 1>]",
        "['params'][0].x",
        "['params'][1].x",
        "['params'][1].y['k']",
    ]


def test_round_trip(tree: Any):
    leaves, treedef = tu.tree_flatten(tree)
    rebuilt = tu.tree_unflatten(treedef, leaves)
    assert type(rebuilt) is type(tree)
    assert short_names.structure(rebuilt) == treedef
    assert short_names.leaves(rebuilt) == leaves
    assert treedef.num_leaves == len(leaves)
    assert [leaf for _, leaf in tu.tree_leaves_with_path(tree)] == leaves
    assert treedef.flatten_up_to(tree) == leaves


def test_treedefs_are_dictionary_keys(tree: Any):
    treedef, again = short_names.structure(tree), short_names.structure(tree)
    assert {treedef: "found"}[again] == "found"
    assert pickle.loads(pickle.dumps(treedef)) == treedef


def test_the_public_modules_list_jaxs_names():
    names = {name for name in vars(tu) if not name.startswith("_")}
    assert {"Partial", "PyTreeDef", "default_registry", "keystr", "tree_map", "register_dataclass"} <= names
    assert set(short_names.__all__) == {name for name in vars(short_names) if not name.startswith("_")}


# Errors name the place.


def test_tree_map_names_the_place():
    with pytest.raises(ValueError) as info:
        short_names.map(lambda x, y: x, {"a": [1, (2, 3)]}, {"a": [1, (2, 3, 4)]})
    assert str(info.value).splitlines()[:2] == [
        "pytree structure error: different lengths of tuple at key path",
        "    tree_map tree['a'][1]",
    ]


def test_the_path_in_a_namedtuple_names_the_right_field():
    """JAX 0.10.2 names the first field whichever it is (flatten_one_level_with_keys of a namedtuple)."""
    with pytest.raises(ValueError, match=r"tree_map tree\.y\n"):
        short_names.map(lambda x, y: x, Point(1, (2,)), Point(1, 2))
    pairs, cls = tu.flatten_one_level_with_keys(Point(1, 2))
    assert (list(pairs), cls) == ([(tu.GetAttrKey("x"), 1), (tu.GetAttrKey("y"), 2)], Point)


def test_numbers_of_children_are_explained_for_keys_of_any_class():
    """Where a class names its children by strings, JAX fails with an AttributeError instead."""

    class Named:
        def __init__(self, *children: Any) -> None:
            self.children = children

    tu.register_pytree_with_keys(
        Named,
        lambda n: ([(f"k{i}", child) for i, child in enumerate(n.children)], None),
        lambda aux, children: Named(*children),
    )
    message = r"with 2 child keys\n    k0 k1\nbut at the same key path .* with 3 child keys\n    k0 k1 k2"
    with pytest.raises(ValueError, match=message):
        short_names.map(lambda x, y: x, Named(1, 2), Named(1, 2, 3))


def test_comparing_with_something_else_is_false():
    """JAX's comparison of a treedef or a key with None is a TypeError of its C++ binding."""
    assert short_names.structure(1) != None  # noqa: E711
    assert tu.DictKey("a") != None  # noqa: E711


@pytest.mark.parametrize(
    ("axes", "tupled", "message"),
    [
        (
            (0, 1),
            False,
            "x specification must be a tree prefix of the corresponding value; \n  Mismatch details (1 ",
        ),
        ((0, 1), True, "singleton tuple"),
        ([0], False, "different types at key path"),
    ],
)
def test_flatten_axes_says_what_is_wrong(axes: Any, tupled: bool, message: str):
    with pytest.raises(ValueError) as info:
        private.flatten_axes("x", short_names.structure(((1, 2),)), axes, tupled_args=tupled)
    assert message in str(info.value)


def test_flatten_axes_speaks_of_positional_arguments_only():
    structure = short_names.structure(((1, 2), {"k": 3}))
    assert private.flatten_axes("x", structure, ((0, None), 0), kws=True) == [0, None, 0]
    with pytest.raises(ValueError, match="different lengths of tuple at key path\n    x\n"):
        private.flatten_axes("x", structure, ((0,), 0), kws=True)


def test_flatten_axes_takes_none_as_an_entry():
    structure = short_names.structure(([1, 2], {"a": 3}))
    assert private.flatten_axes("x", structure, (None, 0)) == [None, None, 0]
    assert private.flatten_axes("x", short_names.structure(([1, None], {"a": 3})), ([0, 1], None)) == [
        0,
        None,
    ]


def test_equality_errors_of_structures():
    a, b = (short_names.structure(t) for t in ({"p": (1, [2])}, {"p": (1, (2,))}))
    ((path, first, second, why),) = private.equality_errors_pytreedef(a, b)
    assert (tu.keystr(path), why) == ("['p'][1]", "their Python types differ")
    assert (first, second) == ("<class 'list'>", "<class 'tuple'>")


def test_a_tree_that_contains_itself():
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(RecursionError):
        short_names.leaves(loop)


def test_deep_trees():
    tree = nested(sys.getrecursionlimit() // 3)
    leaves, treedef = short_names.flatten(tree)
    assert short_names.unflatten(treedef, leaves) == tree
    assert treedef == short_names.structure(tree)
    assert short_names.map(lambda x, y: x + y, tree, tree) == short_names.map(lambda x: 2 * x, tree)


# The fast paths give what the general one gives.


def test_flatten_fast(tree: Any):
    leaves, node = flatten_fast(tree)
    assert (leaves, treedef_of(node)) == short_names.flatten(tree)


def test_matcher_takes_its_own_structure(tree: Any):
    leaves, treedef = short_names.flatten(tree)
    assert matcher(treedef)(tree) == leaves


def test_matcher_refuses_every_other_structure():
    for name, tree in TREES.items():
        match = matcher(short_names.structure(tree))
        for other_name, other in TREES.items():
            same = short_names.structure(tree) == short_names.structure(other)
            assert (match(other) is not None) == same, (name, other_name)


@pytest.mark.parametrize(
    ("tree", "other"),
    [
        ((1, 2), (1, 2, 3)),
        ((1, 2), [1, 2]),
        ((1, 2), (1, (2,))),
        ((1, 2), (1, None)),
        ((1, 2), Point(1, 2)),
        ({"a": 1}, {"b": 1}),
        ({"a": 1}, {"a": 1, "b": 2}),
        ({"a": 1}, collections.OrderedDict(a=1)),
        ({"a": 1}, 3),
        (Box(1, 2, aux=1), Box(1, 2, aux=2)),
        (Box(1, 2, aux=1), Box(1, (2,), aux=1)),
        (Data(1), Data(1, op="mul")),
        (None, 1),
        (1, None),
    ],
    ids=lambda value: type(value).__name__,  # some print their address
)
def test_matcher_refuses(tree: Any, other: Any):
    assert matcher(short_names.structure(tree))(other) is None


def test_matcher_accepts_what_is_equal():
    assert matcher(short_names.structure({1: 5}))({1.0: 6}) == [6]
    assert matcher(short_names.structure(Box(1, 2, aux=[3])))(Box(4, 5, aux=[3])) == [4, 5]


def test_matcher_knows_classes_that_are_registered_later():
    class Late:
        pass

    match = matcher(short_names.structure([1]))
    value = Late()
    assert match([value]) == [value]
    tu.register_pytree_node(Late, lambda x: ((), None), lambda aux, c: Late())
    assert match([value]) is None

    class Fresh(NamedTuple):
        a: Any

    assert match([Fresh(1)]) is None


def test_matcher_reports_metadata_that_cannot_be_compared():
    class Angry:
        def __eq__(self, other: object) -> bool:
            raise RuntimeError("no")

        __hash__ = None  # pyright: ignore[reportAssignmentType]

    match = matcher(short_names.structure(Box(1, 2, aux=Angry())))
    with pytest.raises(ValueError, match="Exception raised while checking equality of metadata"):
        match(Box(1, 2, aux=Angry()))


def test_builder(tree: Any):
    leaves, treedef = short_names.flatten(tree)
    built = builder(treedef)(leaves)
    assert type(built) is type(tree)
    assert short_names.flatten(built) == (leaves, treedef)
    if isinstance(tree, dict):
        assert list(built) == list(short_names.unflatten(treedef, leaves))


def test_structures_too_deep_or_large_for_code():
    for tree in (nested(200), list(range(20_000))):
        leaves, treedef = short_names.flatten(tree)
        assert builder(treedef)(leaves) == tree
        assert matcher(treedef)(tree) == leaves
        assert matcher(treedef)([tree]) is None


# Registration.


def test_a_failed_registration_leaves_nothing_behind():
    class Once:
        pass

    tu.register_static(Once)
    with pytest.raises(ValueError, match="Duplicate custom PyTreeDef type registration for "):
        tu.register_pytree_node(Once, lambda x: ((1,), None), lambda aux, c: Once())
    value = Once()
    assert short_names.leaves(value) == []


def test_none_is_a_leaf_of_the_other_registry():
    assert private.none_leaf_registry.flatten((1, None))[0] == [1, None]
    assert private.none_leaf_registry.flatten(Box(1, None))[0] == [1, None]


def test_a_registry_of_ones_own():
    registry = private.PyTreeRegistry(enable_tuple=False)
    registry.register_node(set, lambda s: (sorted(s), None), lambda aux, c: set(c))
    leaves, treedef = registry.flatten([(1, 2), {4, 3}])
    assert leaves == [(1, 2), 3, 4]
    assert treedef.unflatten(leaves) == [(1, 2), {3, 4}]
    assert not tu.is_tree_node(set)


def test_the_dict_that_libraries_read():
    children, aux = private._registry[dict].to_iter({"b": 1, "a": 2})
    assert (children, aux) == ((2, 1), ("a", "b"))
    assert private._registry[dict].from_iter(aux, children) == {"a": 2, "b": 1}
    children, aux = private._registry[Data].to_iter(Data(1))
    assert private._registry[Data].from_iter(aux, children) == Data(1)


def test_nothing_is_kept_alive():
    class Leaf:
        pass

    import weakref

    leaf = Leaf()
    alive = weakref.ref(leaf)
    tree = {"a": (leaf,)}
    matcher(short_names.structure(tree))(tree)
    short_names.map(lambda x: x, tree)
    del leaf, tree
    gc.collect()
    assert alive() is None


@pytest.mark.parametrize("name", sorted(set(short_names.__all__) - {"static"}))
def test_every_function_has_a_docstring_and_a_signature(name: str):
    function = getattr(short_names, name)
    assert function.__doc__
    assert inspect.signature(function).parameters
