"""What a program says of how it should be split or scheduled: checked, shown, and otherwise without effect on values."""

from __future__ import annotations

import importlib
from functools import partial
from typing import Any

import numpy as np
import pytest

from compat.same import assert_same, run_both, same_in_both
from jaxlike._src import private_names

X = np.arange(8.0, dtype=np.float32).reshape(4, 2)


def experimental(jax: Any, name: str) -> Any:
    """A module of `jax.experimental`."""
    return importlib.import_module(f"{jax.__name__}.experimental.{name}")


def outcome(run: Any) -> Any:
    """What it gives, or what it raises."""
    try:
        return run()
    except Exception as error:  # whichever: its class and text are compared
        return type(error).__name__, str(error).partition("\n")[0]


def part(mesh: Any, args: Any, results: Any) -> Any:
    """A way to split, which is not asked for where there is one device."""
    raise AssertionError


RULES: list[tuple[Any, dict[str, Any]]] = [
    *((rule, {}) for rule in (
        "i j -> i j", "...i -> ...i", "i j", "... i j, k->(i j) k", "i j -> (i", "(i (j)) -> i", "1i -> i", "i$ -> i", "i . -> i",
        "i->j", "i ...-> i", "... ->", "(i)->i", "i j -> (i j) k", "...2 i -> i", "a_1 b-> a_1", "i)->i", "(i j) -> i", "-> i", 3,
    )),
    ("(i j) -> i", {"j": 2}), ("(i j) -> i", {"i": 2, "j": 2}), ("i j -> i", {"k": 2}), (None, {"k": 2}), ("i (j k) -> i", {"k": 2.5, "j": 1}),
    ("i j -> i", {"reduction_factors": ("j",)}), ("i j -> i", {"reduction_factors": ("k",)}), ("i j -> i", {"reduction_factors": ("j", "j")}),
    ("i j -> i", {"reduction_factors": ("j",), "permutation_factors": ("j",)}), ("i j -> i", {"need_replication_factors": "j"}),
    (None, {"reduction_factors": ("j",)}),
]  # fmt: skip


def of_rule(jax: Any, rule: Any, more: dict[str, Any]) -> Any:
    """A rule as `def_partition` takes it."""
    f = experimental(jax, "custom_partitioning").custom_partitioning(jax.numpy.sin)

    def run() -> str:
        f.def_partition(part, sharding_rule=rule, **more)
        return str(f.sharding_rule)

    return outcome(run)


@pytest.mark.parametrize(("rule", "more"), RULES, ids=str)
def test_rules(rule: Any, more: dict[str, Any]):
    assert_same(*run_both(lambda jax: of_rule(jax, rule, more)))


@same_in_both(
    covers=[
        "jax.experimental.custom_partitioning.ArrayMapping",
        "jax.experimental.custom_partitioning.BATCHING",
        "jax.experimental.custom_partitioning.CompoundFactor",
        "jax.experimental.custom_partitioning.SdyShardingRule",
    ]
)
def test_mappings(jax: Any) -> Any:
    """Rules made of objects."""
    m = experimental(jax, "custom_partitioning")
    arrays = [("a",), ("b", "c"), (m.BATCHING, "a"), ("a", m.BATCHING), (1,), ("1",), ("a$",), ()]
    factors = [("a", "b"), ("a",), (m.BATCHING, "a"), ("a", 1)]
    rule = m.SdyShardingRule((m.ArrayMapping(m.BATCHING, "i"),), (m.ArrayMapping(m.CompoundFactor("i", "j")),), j=2)
    made = [outcome(partial(m.ArrayMapping, *a)) for a in arrays]
    return made, [outcome(partial(m.CompoundFactor, *f)) for f in factors], str(rule), rule.factor_sizes


def of_function(jax: Any, which: str) -> Any:
    """A function that is split in a way of its own, called."""
    wrap = experimental(jax, "custom_partitioning").custom_partitioning
    f = wrap(lambda x, y=2.0: {"a": jax.numpy.sin(x) * y, "b": x})
    g = wrap(lambda x, n: x * n if isinstance(n, int) else None, static_argnums=(1,))
    for made in (f, g):
        made.def_partition(part, sharding_rule="i j -> i j")
    inferred = wrap(lambda x: x)
    inferred.def_partition(part, infer_sharding_from_operands=lambda *_: None)
    return outcome({
        "eager": lambda: f(X)["a"],
        "jit": lambda: jax.jit(f)(X, 3.0),
        "keywords": lambda: f(y=X, x=X),
        "jaxpr": lambda: [e.primitive.name for e in jax.make_jaxpr(f)(X).eqns],
        "parameters": lambda: sorted(jax.make_jaxpr(f)(X).eqns[0].params),
        "vmap": lambda: jax.vmap(f)(X),
        "grad": lambda: jax.grad(lambda x: f(x)["a"].sum())(X),
        "static": lambda: (g(X, 3), jax.jit(lambda x: g(x, n=2))(X)),
        "traced": lambda: outcome(lambda: jax.jit(g)(X, 3.0))[0],
        "too many": lambda: f(X, X, X),
        "not defined": lambda: outcome(lambda: wrap(jax.numpy.sin)(X))[0],
        "inferred": lambda: inferred(X),
    }[which])  # fmt: skip


CALLS = [*"eager jit keywords jaxpr parameters vmap grad static traced inferred".split(), "too many", "not defined"]


@pytest.mark.parametrize("which", CALLS)
def test_functions(which: str):
    same_in_both(
        covers=[
            "jax.experimental.custom_partitioning.custom_partitioning",
            "jax.experimental.custom_partitioning.custom_partitioning_p",
        ]
    )(lambda jax: of_function(jax, which))()


@same_in_both(
    covers=[
        "jax.experimental.scheduling_groups.scheduling_group",
        "jax.experimental.scheduling_groups.xla_metadata_call",
        "jax.experimental.shard_alike.shard_alike",
        "jax.experimental.topologies.Device",
        "jax.experimental.topologies.TopologyDescription",
        "jax.experimental.topologies.get_attached_topology",
        "jax.experimental.topologies.make_mesh",
    ]
)
def test_words(jax: Any) -> Any:
    """Trees that should be split alike, operations that should be scheduled together, the devices there are."""
    alike = experimental(jax, "shard_alike").shard_alike
    groups, topologies = experimental(jax, "scheduling_groups"), experimental(jax, "topologies")
    calls = [
        lambda: alike({"a": X}, {"a": X + 1}),
        lambda: jax.jit(alike)(X, X),
        lambda: jax.grad(lambda x: alike(x, x)[0].sum())(X),
        lambda: alike({"a": X}, [X]),
        lambda: alike(X, X[:1]),
        lambda: groups.scheduling_group("name")(jax.numpy.sin)(X),
        lambda: jax.jit(groups.xla_metadata_call(lambda x: {"s": x + 1}, note="n"))(X),
        lambda: jax.grad(groups.xla_metadata_call(lambda x: (x * x).sum()))(X),
    ]
    here = topologies.get_attached_topology()
    mesh = topologies.make_mesh(topologies.TopologyDescription(here.devices[:1]), (1, 1), ("x", "y"))
    names = isinstance(here, topologies.TopologyDescription), isinstance(here.devices[0], topologies.Device)
    return [outcome(c) for c in calls], dict(mesh.shape), names


def error_check(jax: Any) -> Any:
    """The private module of errors that computations set."""
    if jax.__name__ == "jax":
        return importlib.import_module("jax._src.error_check")
    return importlib.import_module(private_names.MIRRORS["jax._src.error_check"][0])


def of_errors(jax: Any, which: str) -> Any:
    """What is set, and what is raised when it is asked for."""
    m = error_check(jax)

    def raised() -> Any:
        found = outcome(m.raise_if_error)
        return found, outcome(m.raise_if_error)  # and then there is none

    def f(x: Any, low: float = 3.0) -> Any:
        m.set_error_if(x > low, f"more than {low}")
        return x + 1

    def loop(x: Any) -> Any:
        return jax.lax.fori_loop(0, 4, lambda _, c: f(c), x)

    def branch(x: Any) -> Any:
        return jax.lax.cond(x > 3, f, lambda x: x, x)

    runs = {
        "none": lambda: f(jax.numpy.float32(1.0)),
        "eager": lambda: f(jax.numpy.asarray(X)),
        "jit": lambda: jax.jit(f)(X),
        "jit, none": lambda: jax.jit(f)(X[:1]),
        "first of two": lambda: f(f(jax.numpy.asarray(X)), 5.0),
        "second of two": lambda: f(f(jax.numpy.asarray(X[:1])), 1.0),
        "loop": lambda: jax.jit(loop)(1.0),
        "branch": lambda: (jax.jit(branch)(1.0), jax.jit(branch)(4.0)),
        "inside": lambda: jax.jit(lambda x: [f(x), m.raise_if_error()])(X),
    }
    with m.error_checking_context():
        out = outcome(runs[which])
        return out, raised()


ERRORS = ["none", "eager", "jit", "jit, none", "first of two", "second of two", "loop", "branch", "inside"]


@pytest.mark.parametrize("which", ERRORS)
def test_errors_that_computations_set(which: str):
    assert_same(*run_both(lambda jax: of_errors(jax, which)))


def test_where_an_error_was_set():
    import jaxlike as jax

    m = error_check(jax)
    with m.error_checking_context():
        jax.jit(lambda x: m.set_error_if(x > 0, "positive"))(X)
        with pytest.raises(m.JaxValueError, match="positive") as caught:
            m.raise_if_error()
    assert any(entry.name == "<lambda>" for entry in caught.traceback)
