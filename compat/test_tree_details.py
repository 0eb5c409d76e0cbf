"""Trees in detail: predicates, the order of calls, treedefs as objects, metadata, key paths."""

from __future__ import annotations

import copy
import functools
import pickle
from typing import Any

import numpy as np
import pytest

from compat.same import same_in_both
from compat.trees import (
    Box,
    Data,
    Pair,
    Point,
    attempt,
    show,
)

# ------------------------------------------------------------------------------------------------- predicates


@pytest.mark.parametrize("answer", [True, False, None, 1, 0, [], "yes", np.True_, np.array(False)], ids=repr)
@same_in_both
def test_is_leaf_answers_a_boolean_or_None(jax, answer):
    tree = (1, [2, None], {"b": (), "a": 4})
    return (
        attempt(lambda: show(jax.tree.flatten(tree, is_leaf=lambda x: answer))),
        attempt(lambda: show(jax.tree.flatten_with_path(tree, is_leaf=lambda x: answer))),
        attempt(lambda: show(jax.tree.map(lambda x: 0, tree, is_leaf=lambda x: answer))),
    )


@same_in_both
def test_is_leaf_is_asked_in_preorder_and_about_leaves_too(jax):
    asked: list[Any] = []
    tree = (1, [2, None], {"b": (), "a": Box(3)})
    jax.tree.leaves(tree, is_leaf=lambda x: asked.append(repr(x)))
    jax.tree.leaves_with_path(tree, lambda x: asked.append(repr(x)))
    jax.tree.leaves_with_path(tree, lambda p, x: asked.append(repr((p, x))), is_leaf_takes_path=True)
    return asked


@same_in_both
def test_is_leaf_with_a_path(jax):
    tree = {"a": [1, (2, 3)], "b": [4, (5, 6)]}
    at_list = lambda path, x: len(path) == 1 and path[0].key == "a"  # noqa: E731
    return (
        show(jax.tree_util.tree_flatten_with_path(tree, at_list, is_leaf_takes_path=True)),
        show(jax.tree.map_with_path(lambda p, x: len(p), tree, is_leaf=at_list, is_leaf_takes_path=True)),
        show(
            jax.tree.map_with_path(
                lambda p, x, y: (x, y), tree, tree, is_leaf=at_list, is_leaf_takes_path=True
            )
        ),
    )


@same_in_both
def test_is_leaf_in_map_reduce_all_broadcast(jax):
    is_none = lambda x: x is None  # noqa: E731
    tree = (1, {"a": None, "b": [2]})
    return (
        show(jax.tree.map(lambda x, y: (x, y), tree, (3, {"a": 4, "b": [None]}), is_leaf=is_none)),
        attempt(lambda: jax.tree.map(lambda x, y: (x, y), (1, [None]), (2, (3,)), is_leaf=is_none)),
        jax.tree.reduce(lambda a, b: f"{a}{b}", tree, "", is_leaf=is_none),
        jax.tree.reduce_associative(lambda a, b: f"({a}{b})", tree, is_leaf=is_none),
        jax.tree.all([1, [None]], is_leaf=is_none),
        show(jax.tree.broadcast((1, None), ([1, 2], [3, 4]), is_leaf=is_none)),
    )


@same_in_both
def test_predicate_that_raises(jax):
    return jax.tree.leaves((1, 2), is_leaf=lambda x: 1 / 0)


# -------------------------------------------------------------------------------------------------------- map


@same_in_both
def test_map_calls_every_leaf_before_it_builds(jax):
    order: list[Any] = []

    class Node:
        pass

    def build(aux: Any, children: Any) -> Node:
        order.append(("build", children, type(children).__name__))
        return Node()

    jax.tree_util.register_pytree_node(Node, lambda n: ([1, 2], None), build)
    jax.tree.map(lambda x: order.append(x), (Node(), 3))
    return show(order)


@pytest.mark.parametrize("error", [StopIteration, ZeroDivisionError, ValueError])
@same_in_both
def test_map_passes_errors_on(jax, error):
    def fail(x: Any) -> Any:
        raise error("no")

    return attempt(lambda: jax.tree.map(fail, (1, 2)))


@same_in_both
def test_map_keeps_the_first_tree(jax):
    """Subtrees of the other trees are handed over whole."""
    return show(jax.tree.map(lambda x, y: (x, y), (1, [2]), ({"a": 1}, [(2, 3)])))


GENERATOR = "a generator"


@pytest.mark.parametrize("value", [None, 3, "ab", {"a": 1, "b": 2}, range(2), GENERATOR, Pair(1, 2)], ids=str)
@same_in_both
def test_unflatten_takes_any_iterable(jax, value):
    values = (x for x in "ab") if value is GENERATOR else value
    return attempt(lambda: show(jax.tree.unflatten(jax.tree.structure((0, 0)), values)))


@same_in_both
def test_unflatten_does_not_look_at_the_leaves(jax):
    return show(jax.tree.unflatten(jax.tree.structure((0, [0])), [(1, 2), None]))


@same_in_both
def test_transpose(jax):
    tu = jax.tree_util
    outer, inner = tu.tree_structure((0, 0)), tu.tree_structure([0, 0, 0])
    return (
        show(tu.tree_transpose(outer, inner, ([1, 2, 3], [4, 5, 6]))),
        show(tu.tree_transpose(outer, None, ([1, 2, 3], [4, 5, 6]))),
        attempt(lambda: tu.tree_transpose(outer, tu.tree_structure([0, 0]), ([1, 2, 3], [4, 5, 6]))),
        attempt(lambda: tu.tree_transpose(outer, None, ([1, 2, 3], [4, 5]))),
        attempt(lambda: tu.tree_transpose(outer, None, [1, 2])),
        attempt(lambda: tu.tree_transpose(tu.tree_structure(()), None, ())),
        show(tu.tree_transpose(outer, inner, ([1, 2, 3, 4], [5, 6]))),
    )


# ---------------------------------------------------------------------------------------------------- treedef


@same_in_both(covers=["jax.tree_util.PyTreeDef.from_iterable_tree"])
def test_from_iterable_tree(jax):
    structure = jax.tree.structure((1, {"a": [2, None]}, Box(3, aux="q")))
    return [
        attempt(lambda c=c: show(structure.from_iterable_tree(c)))
        for c in (
            [1, [[2, []]], [3]],
            ["a", ["bc"], "d"],
            [1, 2],
            [1, [[2, []]], [3, 4]],
            (1, ((2, None),), (3,)),
        )
    ] + [show(jax.tree.structure(Pair(1, 2)).from_iterable_tree(iter([7, 8])))]


@same_in_both
def test_walk_wants_the_right_number_of_leaves(jax):
    structure = jax.tree.structure((1, 2))
    return [
        attempt(lambda n=n: show(structure.walk(lambda c, d: c, lambda x: x, range(n)))) for n in range(4)
    ]


@same_in_both
def test_node_data_and_children_must_fit(jax):
    make = functools.partial(
        jax.tree_util.PyTreeDef.from_node_data_and_children, jax.tree_util.default_registry
    )
    leaf = jax.tree.structure(0)
    cases = [
        (int, None),
        (dict, ["a"]),
        (dict, ["b", "a"]),
        (dict, ("a", "b")),
        None,
        (tuple, 3),
        (Point, 3),
        (Box, 3),
    ]
    return [attempt(lambda c=c: show(make(c, [leaf, leaf]))) for c in cases] + [
        attempt(lambda c=c: show(make(c, (x for x in ())))) for c in cases
    ]


@same_in_both
def test_treedef_is_only_itself(jax):
    leaf = jax.tree.structure(0)
    return (
        attempt(lambda: leaf < leaf),
        bool(leaf),
        attempt(lambda: len(leaf)),
        leaf == 1,
        attempt(lambda: setattr(leaf, "other", 1)),
        attempt(lambda: leaf.compose(3)),
        attempt(lambda: leaf.walk(lambda c, d: c, None, [1])),
        isinstance(leaf, jax.tree_util.PyTreeDef),
        attempt(lambda: jax.tree_util.tree_unflatten((1, 2), [1])),
    )


class Difficult:
    """Metadata whose comparison is not a plain answer."""

    def __init__(self, answer: Any) -> None:
        """What ``==`` answers or raises."""
        self.answer = answer

    def __eq__(self, other: object) -> bool:
        """The answer."""
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def __repr__(self) -> str:
        """For the comparison."""
        return "Difficult"

    __hash__ = None  # pyright: ignore[reportAssignmentType]


@pytest.mark.parametrize("answer", [True, False, RuntimeError("boo"), np.array([True, False])], ids=repr)
@same_in_both
def test_metadata_with_an_equality_of_its_own(jax, answer):
    same, structure = Difficult(answer), jax.tree.structure
    return (
        attempt(lambda: structure(Box(1, aux=same)) == structure(Box(1, aux=same))),
        attempt(lambda: structure(Box(1, aux=Difficult(answer))) == structure(Box(1, aux=Difficult(answer)))),
        attempt(lambda: structure(Box(1, aux=Difficult(answer))) != structure(Box(1, aux=Difficult(answer)))),
        attempt(lambda: structure(Box(1, aux=same)) == structure(Box((1,), aux=Difficult(answer)))),
        hash(structure(Box(1, aux=same))) == hash(structure(Box(1, aux=same))),
        show(jax.tree.map(lambda x, y: x, Box(1, aux=same), Box(1, aux=same))),
    )


@same_in_both
def test_keys_that_are_equal_but_not_the_same(jax):
    return (
        jax.tree.structure({1: 0}) == jax.tree.structure({True: 0}),
        show(jax.tree.map(lambda x, y: (x, y), {1: 5}, {1.0: 6})),
        show(jax.tree.unflatten(jax.tree.structure({1.0: 0}), [1])),
    )


# ------------------------------------------------------------------------------------------------------- keys


KEYS = "SequenceKey DictKey GetAttrKey FlattenedIndexKey".split()


@same_in_both(covers=[f"jax.tree_util.{name}" for name in KEYS])
def test_keys(jax):
    tu = jax.tree_util
    keys = [
        tu.SequenceKey(1),
        tu.DictKey("a"),
        tu.DictKey((1, "b")),
        tu.GetAttrKey("x"),
        tu.FlattenedIndexKey(3),
    ]
    return [
        (
            repr(k),
            str(k),
            k == copy.deepcopy(k),
            k == pickle.loads(pickle.dumps(k)),
            len({k, copy.copy(k)}),
            k.__match_args__,
        )
        for k in keys
    ] + [[a == b for a in keys for b in keys]]


@same_in_both
def test_keys_by_keyword_and_attribute(jax):
    tu = jax.tree_util
    return (
        tu.SequenceKey(idx=1).idx,
        tu.SequenceKey(np.int64(2)).idx,
        tu.SequenceKey(True).idx,
        tu.DictKey(key="a").key,
        tu.GetAttrKey(name="n").name,
        tu.FlattenedIndexKey(key=4).key,
        tu.SequenceKey(1) == tu.FlattenedIndexKey(1),
        tu.DictKey(1) == 1,
        [attempt(lambda f=f: show(f("a"))) for f in (tu.SequenceKey, tu.FlattenedIndexKey)],
        attempt(lambda: show(tu.SequenceKey(1.5))),
        attempt(lambda: show(tu.GetAttrKey(1))),
        attempt(lambda: hash(tu.DictKey([1]))),
        attempt(lambda: setattr(tu.DictKey(1), "other", 1)),
        attempt(lambda: tu.DictKey(1) < tu.DictKey(2)),
    )


@same_in_both
def test_match_statement(jax):
    tu = jax.tree_util
    found = []
    for path, _ in tu.tree_leaves_with_path({"a": [1], "b": Data(2), "c": Box(3)}):
        match path:
            case (tu.DictKey(key), tu.SequenceKey(idx)):
                found.append((key, idx))
            case (tu.DictKey(key), tu.GetAttrKey(name)):
                found.append((key, name))
            case (tu.DictKey(key), tu.FlattenedIndexKey(index)):
                found.append((key, index))
            case _:
                found.append(path)
    return found


@same_in_both
def test_types_for_annotations(jax):
    return repr(jax.tree_util.KeyPath), repr(jax.tree_util.KeyEntry)


@same_in_both
def test_keystr_takes_anything(jax):
    tu = jax.tree_util
    path = (tu.SequenceKey(1), tu.DictKey("a"), "s", 3, tu.GetAttrKey("q"), tu.FlattenedIndexKey(2))
    return (
        tu.keystr(path),
        tu.keystr(path, simple=True, separator="/"),
        tu.keystr(path, separator="--"),
        tu.keystr(()),
        attempt(lambda: tu.keystr(3)),
    )
