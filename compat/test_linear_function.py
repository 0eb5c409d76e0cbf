"""What `vjp` and `linearize` give: a function that is a tree of what it keeps, with a jaxpr."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from compat.same import assert_same, run_both, same_in_both

X = np.array([0.5, -1.0, 2.0], np.float32)
W = np.arange(6, dtype=np.float32).reshape(3, 2)


@same_in_both(covers=["jax.vjp"])
def test_the_residuals_of_a_pullback(jax: Any) -> Any:
    _, pull = jax.vjp(lambda p, x: (x @ p["w"]) ** 2 + p["b"], {"w": W, "b": np.float32(1)}, jax.numpy.asarray(X))
    needed = [type(x).__name__ for x in jax.tree.leaves(pull.args_res, is_leaf=lambda x: not jax.tree.leaves(x))]
    count = len(jax.tree.leaves(pull))
    return (
        needed[0],
        count == len(jax.tree.leaves((pull.args_res, pull.opaque_residuals))),
        str(pull.in_tree),
        str(pull.out_tree),
    )


@same_in_both
def test_residuals_can_be_put_aside(jax: Any) -> Any:
    x = jax.numpy.asarray(X)
    _, pull = jax.vjp(lambda x: x * x, x)
    (kept,) = pull.args_res
    pull.args_res[0] = None
    pull.args_res[0] = 2 * kept
    return pull(np.ones(3, np.float32)), jax.tree.leaves(pull)


@same_in_both
def test_a_pullback_is_a_tree(jax: Any) -> Any:
    _, pull = jax.jit(lambda x: jax.vjp(jax.numpy.sin, x))(X)
    doubled = jax.tree.map(lambda r: 2 * r, pull)
    again = jax.jit(lambda f, ct: f(ct))(pull, X)
    return pull(X), doubled(X), again, jax.tree.leaves(pull)


@same_in_both(covers=["jax.linearize"])
def test_a_linearized_function_is_a_partial(jax: Any) -> Any:
    _, push = jax.linearize(lambda x: jax.numpy.sin(x) * x, jax.numpy.asarray(X))
    doubled = jax.tree.map(lambda r: 2 * r, push)
    return isinstance(push, jax.tree_util.Partial), push(X), doubled(X), push.keywords, len(push.args)


TEXTS: dict[str, Callable[[Any], Any]] = {
    "vjp": lambda jax: jax.vjp(jax.numpy.sin, X)[1].jaxpr,
    "linearize": lambda jax: jax.linearize(jax.numpy.sin, X)[1].func.fun.args[0],
    "transposed": lambda jax: jax.vjp(lambda m: m.T, W)[1].jaxpr,
}


@pytest.mark.parametrize("name", TEXTS)
def test_its_jaxpr(name: str) -> None:
    assert_same(*run_both(lambda jax: str(TEXTS[name](jax))))


POLICIES: dict[str, Callable[[Any], Any]] = {
    "none": lambda jax: None,
    "everything": lambda jax: jax.checkpoint_policies.everything_saveable,
    "nothing": lambda jax: jax.checkpoint_policies.nothing_saveable,
    "sin": lambda jax: lambda primitive, *_, **__: str(primitive) == "sin",
}


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("jitted", [False, True], ids=["", "jit"])
def test_what_is_computed_again(policy: str, jitted: bool) -> None:
    def program(jax: Any) -> Any:
        sin = jax.numpy.sin
        f = jax.checkpoint(lambda x: sin(sin(x)), policy=POLICIES[policy](jax))
        f = jax.jit(f) if jitted else f
        texts = str(jax.vjp(f, 1.0)[1].jaxpr), str(jax.linearize(f, 1.0)[1].func.fun.args[0])
        return [(text.count(" sin "), text.count(" cos ")) for text in texts]

    assert_same(*run_both(program))


@same_in_both(covers=["jax.ad.GradValue", "jax.ad.GradRef", "jax.ad.DontWant", "jax.ad.DidntWant"])
def test_cotangents_are_added_to_refs(jax: Any) -> Any:
    _, pull = jax.vjp(lambda x, y, z: x * y + z, X, 2 * X, 3 * X)
    total = jax.new_ref(jax.numpy.ones(3))
    out = pull.with_refs(total, jax.ad.GradValue(), jax.ad.DontWant())(X)
    return total[...], type(out[0]).__name__, out[1], type(out[2]).__name__, jax.tree.leaves(out)


@same_in_both
def test_a_pullback_wants_one_cotangent(jax: Any) -> Any:
    return jax.vjp(lambda x: (x, x), X)[1]()


@same_in_both
def test_a_checkpointed_scan_keeps_its_carries(jax: Any) -> Any:
    """Bytes that wait for the backward pass: one carry a step, whatever the step computes inside."""
    weights = jax.numpy.ones((8, 8)) / 8

    @jax.checkpoint
    def step(c: Any, x: Any) -> Any:
        inside = c
        for _ in range(4):
            inside = jax.numpy.sin(inside @ weights)
        return inside + x, None

    _, pull = jax.vjp(lambda c, xs: jax.lax.scan(step, c, xs)[0].sum(), jax.numpy.ones(8), jax.numpy.ones((100, 8)))
    kept = jax.tree.leaves(pull)
    return sum(x.nbytes for x in kept) == weights.nbytes + 100 * 8 * 4, sorted(x.shape for x in kept)
