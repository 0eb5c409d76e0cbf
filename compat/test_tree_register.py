"""Registering classes as tree nodes, by functions, methods and fields; and jax.tree_util.Partial."""

from __future__ import annotations

import dataclasses
import functools
import pickle
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from compat.same import same_in_both
from compat.trees import (
    EXPECTED,
    Box,
    Data,
    Methods,
    MethodsWithKeys,
    OrderedDict,
    Pair,
    Static,
    attempt,
    defaultdict,
    show,
)

# ----------------------------------------------------------------------------------------------- registration


def fresh(**members: Any) -> type:
    """A class of its own for each program."""
    return type("Fresh", (), members)


@pytest.mark.parametrize(
    "cls", [Box, tuple, list, dict, type(None), OrderedDict, defaultdict, Data, Static], ids=repr
)
@same_in_both
def test_a_class_is_registered_once(jax, cls):
    return attempt(lambda: jax.tree_util.register_pytree_node(cls, lambda x: ((), None), lambda a, c: None))


@same_in_both
def test_registering_twice_in_other_ways(jax):
    tu = jax.tree_util
    return [
        attempt(lambda: tu.register_dataclass(Data)),
        attempt(lambda: tu.register_static(Static)),
        attempt(lambda: tu.register_pytree_node_class(Methods)),
        attempt(lambda: tu.register_pytree_with_keys_class(MethodsWithKeys)),
    ]


@same_in_both
def test_a_class_may_be_registered_late(jax):
    cls = fresh(__repr__=lambda self: "Fresh")
    value = cls()
    before = show(jax.tree.flatten([value]))
    jax.tree_util.register_pytree_node(cls, lambda x: ((1, 2), "aux"), lambda aux, c: (aux, *c))
    return before, show(jax.tree.flatten([value])), show(jax.tree.map(lambda x: x + 1, [value]))


@same_in_both
def test_a_namedtuple_may_be_registered(jax):
    class Fresh(NamedTuple):
        a: Any
        b: Any

    cls = Fresh
    before = show(jax.tree.flatten(cls(1, 2)))
    jax.tree_util.register_pytree_node(cls, lambda x: ((x.a,), x.b), lambda b, a: cls(a[0], b))
    return (
        before,
        show(jax.tree.flatten(cls(1, 2))),
        jax.tree.structure(cls(1, 2)) == jax.tree.structure(cls(3, 2)),
    )


@same_in_both
def test_a_class_needs_its_methods(jax):
    tu = jax.tree_util
    return [
        attempt(lambda: tu.register_pytree_node_class(fresh())),
        attempt(lambda: tu.register_pytree_with_keys_class(fresh())),
        attempt(lambda: tu.register_pytree_node(fresh(), lambda x: x, 3)),
    ]


REGISTER = [f"jax.tree_util.{name}" for name in dir(EXPECTED.tree_util) if name.startswith("register_")]


@same_in_both(covers=REGISTER)
def test_registration_returns_the_class(jax):
    tu = jax.tree_util
    methods = {"tree_flatten": lambda s: ((), None), "tree_unflatten": classmethod(lambda c, a, x: c())}
    keyed = {**methods, "tree_flatten_with_keys": lambda s: ((), None)}
    first, second, third = fresh(**methods), fresh(**keyed), fresh()
    return [
        tu.register_pytree_node_class(first) is first,
        tu.register_pytree_with_keys_class(second) is second,
        tu.register_static(third) is third,
        tu.register_pytree_node(fresh(), lambda x: ((), None), lambda a, c: None),
        tu.register_pytree_with_keys(fresh(), lambda x: ((), None), lambda a, c: None),
        tu.register_dataclass(Plain := fresh(), ["a"], []) is Plain,
    ]


FLATTENS: dict[str, Callable[[Any], Any]] = {
    "three": lambda x: ((1, 2), None, 3),
    "one": lambda x: ((1,),),
    "list": lambda x: [(1,), None],
    "not iterable": lambda x: (3, None),
    "None": lambda x: None,
    "generator": lambda x: ((y for y in (1, 2)), "a"),
    "set": lambda x: ({1}, "a"),
    "dict": lambda x: ({"a": 3}, "a"),
    "string": lambda x: ("ab", "x"),
    "raises": lambda x: 1 / 0,
    "namedtuple of children": lambda x: (Pair(1, 2), 3),
    "a namedtuple": lambda x: Pair((1,), 3),
}


@pytest.mark.parametrize("name", FLATTENS)
@same_in_both
def test_what_a_flatten_function_may_return(jax, name):
    cls = fresh(__repr__=lambda self: "Fresh")
    jax.tree_util.register_pytree_node(cls, FLATTENS[name], lambda a, c: ("built", a, c, type(c).__name__))
    value = cls()
    return (
        attempt(lambda: show(jax.tree.flatten(value))),
        attempt(lambda: show(jax.tree.leaves_with_path(value))),
        attempt(lambda: show(type(jax.tree_util.flatten_one_level(value)))),
        attempt(lambda: show(jax.tree.structure(value).flatten_up_to(value))),
        attempt(lambda: show(jax.tree.map(lambda x: x, value))),
    )


KEYED_FLATTENS: dict[str, Callable[[Any], Any]] = {
    "pairs": lambda x: ((("k", 1),), "a"),
    "no pair": lambda x: ((1,), "a"),
    "a triple": lambda x: ((("k", 1, 2),), "a"),
    "lists": lambda x: [[["k", 1]], "a"],
    "more children": lambda x: ((("k", 1), ("l", 2)), "a"),
    "raises": lambda x: 1 / 0,
    "not iterable": lambda x: (3, 3),
    "generator": lambda x: ((y for y in [("k", 1)]), "b"),
}


@pytest.mark.parametrize("name", KEYED_FLATTENS)
@same_in_both
def test_what_a_flatten_function_with_keys_may_return(jax, name):
    cls = fresh()
    jax.tree_util.register_pytree_node(cls, lambda x: ((1,), "a"), lambda a, c: c, KEYED_FLATTENS[name])
    value = cls()
    return (
        attempt(lambda: show(jax.tree.leaves_with_path(value))),
        attempt(lambda: show(jax.tree_util.flatten_one_level_with_keys(value))),
        show(jax.tree.flatten(value)),
    )


@same_in_both
def test_an_unflatten_function_that_raises(jax):
    def fail(aux: Any, children: Any) -> Any:
        raise KeyError("unflatten")

    cls = fresh()
    jax.tree_util.register_pytree_node(cls, lambda x: ((1,), None), fail)
    return attempt(lambda: jax.tree.map(lambda x: x, cls()))


@same_in_both
def test_register_dataclass_errors(jax):
    @dataclasses.dataclass
    class Fields:
        a: int
        b: int = 2
        c: int = dataclasses.field(default=3, init=False)

    register_dataclass = jax.tree_util.register_dataclass
    return [
        attempt(lambda: register_dataclass(fresh())),
        attempt(lambda: register_dataclass(Fields, ["a"])),
        attempt(lambda: register_dataclass(Fields, meta_fields=["a"])),
        attempt(lambda: register_dataclass(fresh(), ["a"], ["a"])),
        attempt(lambda: register_dataclass(Fields, ["a"], [])),
        attempt(lambda: register_dataclass(Fields, ["a", "b", "z"], [])),
        attempt(lambda: register_dataclass(Fields)),
        show(register_dataclass(Fields, ["a"], [], drop_fields=["b"])),
        show(jax.tree.structure(Fields(1))),
        show(jax.tree.map(lambda x: x + 5, Fields(1, 7))),
        attempt(lambda: register_dataclass(Fields, ["a"], [], drop_fields=["b"])),
    ]


@same_in_both(covers=["jax.tree.static"])
def test_dataclass_fields(jax):
    @jax.tree_util.register_dataclass
    @dataclasses.dataclass
    class Op:
        x: Any
        y: Any
        op: str = jax.tree.static(default="add")
        scale: float = jax.tree.static(default=2.0, metadata={"unit": "m"})
        count: int = jax.tree.static(default=0, metadata={"static": False})

    value = Op(1, [2, 3])
    return (
        show(jax.tree.flatten(value)),
        show(jax.tree.leaves_with_path(value)),
        show(jax.tree.map(lambda x: x * 10, value)),
        [dict(field.metadata) for field in dataclasses.fields(Op)],
        attempt(lambda: jax.tree.map(lambda x, y: x, value, dataclasses.replace(value, op="mul"))),
        attempt(lambda: jax.tree.structure(value).flatten_up_to(dataclasses.replace(value, op="mul"))),
        attempt(lambda: jax.tree.structure(value).flatten_up_to((1, 2))),
        attempt(lambda: jax.tree.static(3)),
    )


@same_in_both
def test_register_dataclass_of_a_plain_class(jax):
    class Plain:
        def __init__(self, a: Any, b: Any) -> None:
            self.a, self.b = a, b

    jax.tree_util.register_dataclass(Plain, data_fields=["b"], meta_fields=["a"])
    value = Plain(1, (2, 3))
    rebuilt = jax.tree.map(lambda x: -x, value)
    del value.a
    return rebuilt.a, rebuilt.b, show(jax.tree.structure(rebuilt)), attempt(lambda: jax.tree.leaves(value))


@same_in_both
def test_dataclass_children_come_in_the_order_given(jax):
    @dataclasses.dataclass
    class Reversed:
        a: Any
        b: Any

        def __post_init__(self) -> None:
            self.a = (self.a, "post init ran")

    jax.tree_util.register_dataclass(Reversed, ["b", "a"], [])
    return show(jax.tree.leaves_with_path(Reversed(1, 2))), show(jax.tree.map(lambda x: x, Reversed(1, 2)))


@same_in_both
def test_static_values_are_the_structure(jax):
    return (
        show(jax.tree.flatten((Static(1), 2))),
        jax.tree.structure(Static(1)) == jax.tree.structure(Static(1)),
        jax.tree.structure(Static(1)) == jax.tree.structure(Static(2)),
        attempt(lambda: jax.tree.map(lambda x, y: x, Static(1), Static(2))),
        show(jax.tree_util.flatten_one_level(Static(1))),
    )


# ---------------------------------------------------------------------------------------------------- Partial


@same_in_both(covers=["jax.tree_util.Partial"])
def test_partial(jax):
    partial = jax.tree_util.Partial
    inner = functools.partial(max, 1)
    nested = partial(inner, 2, default=3)
    return (
        show(jax.tree.flatten(partial(max, 1, (2, None), default=3))),
        show(jax.tree.flatten(nested)),
        show(jax.tree.flatten(partial(partial(max, 1), 2))),
        nested(5, 4),
        partial(min, 3)(4),
        jax.tree.structure(partial(inner, 2)) == jax.tree.structure(partial(inner, 3)),
        jax.tree.structure(partial(max, 2)) == jax.tree.structure(partial(min, 2)),
        hash(jax.tree.structure(partial(inner, 2))) == hash(jax.tree.structure(partial(inner, 2))),
        show(jax.tree.map(lambda x: x + 1, partial(max, 1, default=3))),
        show(pickle.loads(pickle.dumps(partial(max, 1)))),
        isinstance(nested, functools.partial),
        nested.func.func is max,
        attempt(lambda: partial()),
        attempt(lambda: partial(3)),
        show(partial(dict, cls=1, self=2)),
    )
