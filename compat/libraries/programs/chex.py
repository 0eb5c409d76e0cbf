"""chex: dataclasses that are pytrees, assertions, variants."""

import chex
import jax
import jax.numpy as jnp


@chex.dataclass(frozen=True)
class _Point:
    x: chex.Array
    y: chex.Array
    name: str = "p"


@chex.dataclass(mappable_dataclass=False)
class _State:
    position: chex.ArrayTree
    step: chex.Numeric


def quick_start():
    p = _Point(x=jnp.arange(3.0), y=jnp.ones(3), name=1.0)
    moved = jax.tree.map(lambda a: a * 2, p)
    return moved, p.replace(x=p.y), jax.tree_util.tree_leaves(p), dict(moved)["x"]


def dataclasses_in_loops_and_gradients():
    def step(state, _):
        return _State(position=jax.tree.map(jnp.sin, state.position), step=state.step + 1), state.position["a"].sum()

    first = _State(position={"a": jnp.arange(3.0), "b": jnp.ones(())}, step=0)
    final, sums = jax.jit(lambda s: jax.lax.scan(step, s, length=4))(first)
    grads = jax.grad(lambda s: jnp.sum(s.position["a"] ** 3))(
        _State(position={"a": jnp.arange(3.0), "b": jnp.ones(())}, step=1.0)
    )
    return final, sums, grads


def assertions():
    x, said = jnp.ones((2, 3)), []
    checks = [
        lambda: chex.assert_shape(x, (2, 3)), lambda: chex.assert_shape(x, (3, 2)), lambda: chex.assert_rank(x, 2),
        lambda: chex.assert_rank([x, x[0]], [2, 2]), lambda: chex.assert_type(x, jnp.float32),
        lambda: chex.assert_type(x, int), lambda: chex.assert_equal_shape([x, x.T]),
        lambda: chex.assert_trees_all_close({"a": x}, {"a": x + 1e-9}), lambda: chex.assert_tree_all_finite(x / 0),
        lambda: chex.assert_trees_all_equal_structs((x, 1), (x, [1])), lambda: chex.assert_scalar_positive(1.0),
        lambda: chex.assert_axis_dimension(x, 0, 2), lambda: chex.assert_is_broadcastable((1, 3), (2, 3)),
        lambda: chex.assert_trees_all_equal_shapes({"a": x}, {"a": x.T}), lambda: chex.assert_equal_rank([x, x[0]]),
        lambda: chex.assert_tree_shape_prefix({"a": x, "b": x}, (2,)), lambda: chex.assert_shape(x, (None, 3)),
    ]  # fmt: skip
    for check in checks:
        try:
            check()
            said.append(True)
        except AssertionError:
            said.append(False)
    return said


def traces_are_counted_and_values_checked():
    @jax.jit
    @chex.assert_max_traces(n=1)
    def f(x):
        return x + 1

    again = False
    out = f(jnp.ones(2)), f(jnp.zeros(2))
    try:
        f(jnp.ones(3))
    except AssertionError:
        again = True

    @jax.jit
    @chex.chexify if False else lambda f: f
    def g(x):
        chex.assert_equal_shape([x, x])
        return jnp.log(x)

    with chex.fake_jit():
        faked = jax.jit(lambda x: x * 3)(jnp.ones(2))
    with chex.fake_pmap():
        mapped = jax.pmap(lambda x: x / jax.lax.psum(x, "i"), axis_name="i")(jnp.arange(1.0, 5.0))
    return out, again, g(jnp.ones(2)), faked, mapped


def chexified_value_assertions():
    @chex.chexify
    @jax.jit
    def log_abs(x):
        chex.assert_tree_all_finite(x)
        return jnp.log(jnp.abs(x))

    good, refused = log_abs(jnp.ones(2)), False
    try:
        log_abs(jnp.array([1.0, jnp.nan]))
        chex.block_until_chexify_assertions_complete()
    except AssertionError:
        refused = True
    return good, refused
