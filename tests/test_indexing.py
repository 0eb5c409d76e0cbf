"""Indexing and `.at[]`: numpy is the oracle within bounds; out of bounds, repeats and speed need none."""

from __future__ import annotations

import timeit
from typing import Any

import hypothesis.extra.numpy as npst
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

import jaxlike as jax
import jaxlike.numpy as jnp

X = np.arange(60.0, dtype=np.float32).reshape(3, 4, 5)
SHAPES = npst.array_shapes(min_dims=1, max_dims=4, max_side=4)


@st.composite
def arrays_and_indices(draw: st.DrawFn) -> tuple[np.ndarray[Any, Any], Any]:
    """An array of distinct numbers, and an index within its bounds: basic, or of integer arrays and slices."""
    shape = draw(SHAPES)
    x = np.arange(1.0, 1.0 + np.prod(shape), dtype=np.float32).reshape(shape)
    if draw(st.booleans()):
        return x, draw(npst.basic_indices(shape, allow_newaxis=True))
    common = draw(npst.array_shapes(min_dims=0, max_dims=2, max_side=3))
    entries: list[Any] = []
    for size in shape[: draw(st.integers(1, len(shape)))]:
        if draw(st.booleans()):
            entries.append(draw(npst.arrays(np.int64, common, elements=st.integers(-size, size - 1))))
        else:
            entries.append(draw(st.one_of(st.slices(size), st.integers(-size, size - 1))))
    return x, tuple(entries)


@settings(max_examples=200, deadline=None)
@given(arrays_and_indices())
def test_reading_is_numpys(drawn: tuple[np.ndarray[Any, Any], Any]) -> None:
    x, index = drawn
    np.testing.assert_array_equal(np.asarray(jnp.array(x)[index]), x[index])


@settings(max_examples=200, deadline=None)
@given(arrays_and_indices())
def test_writing_is_numpys(drawn: tuple[np.ndarray[Any, Any], Any]) -> None:
    x, index = drawn
    written = x.copy()
    values = np.arange(-1.0, -1.0 - written[index].size, -1, dtype=np.float32).reshape(written[index].shape)
    written[index] = values
    np.testing.assert_array_equal(np.asarray(jnp.array(x).at[index].set(values)), written)
    np.add.at(written, index, values)
    np.testing.assert_array_equal(np.asarray(jnp.array(x).at[index].set(values).at[index].add(values)), written)


@settings(max_examples=50, deadline=None)
@given(arrays_and_indices())
def test_traced_positions_mean_the_same(drawn: tuple[np.ndarray[Any, Any], Any]) -> None:
    x, index = drawn
    entries = index if isinstance(index, tuple) else (index,)
    traced = [k for k, entry in enumerate(entries) if isinstance(entry, np.ndarray)]

    def at(x: Any, *positions: Any) -> Any:
        given = dict(zip(traced, positions, strict=True))
        full = tuple(given.get(k, entry) for k, entry in enumerate(entries))
        return x[full], x.at[full].set(-x[full]), x.at[full].add(1)

    positions = [entries[k] for k in traced]
    for got, want in zip(jax.jit(at)(x, *positions), at(jnp.array(x), *positions), strict=True):
        np.testing.assert_array_equal(np.asarray(got), np.asarray(want))
    lanes = jax.vmap(at, (0, *[None] * len(traced)))(jnp.stack([x, 2 * x]), *positions)
    np.testing.assert_array_equal(np.asarray(lanes[0][1]), np.asarray(at(jnp.array(2 * x), *positions)[0]))


def test_out_of_bounds():
    x = jnp.arange(3.0)
    far = jnp.array([-9, 0, 9])
    assert x[far].tolist() == [0, 0, 2]
    assert x[9] == 2 and x[-9] == 0
    assert x.at[far].set(5).tolist() == [5, 1, 2]
    assert x.at[far].set(5, mode="clip").tolist() == [5, 1, 5]
    assert x.at[far].get(mode="fill", fill_value=-1).tolist() == [-1, 0, -1]
    assert x.at[-1].set(7, wrap_negative_indices=False).tolist() == [0, 1, 2]


def test_of_repeated_positions_the_last_wins_and_has_the_gradient():
    at = jnp.array([1, 0, 1, 1])

    def weighed(v: Any, at: Any) -> Any:
        return (jnp.zeros(2).at[at].set(v) * jnp.array([10.0, 100.0])).sum()

    v = jnp.array([1.0, 2.0, 3.0, 4.0])
    assert jnp.zeros(2).at[at].set(v).tolist() == [2, 4]
    for gradient in (jax.grad(weighed), jax.jit(jax.grad(weighed)), jax.grad(jax.jit(weighed))):
        assert gradient(v, at).tolist() == [0, 10, 0, 100]


def test_a_derivative_of_repeated_multiplication_is_refused():
    def product(v: Any, unique: bool) -> Any:
        return jnp.ones(3).at[jnp.array([0, 2])].multiply(v, unique_indices=unique).sum()

    assert jax.grad(product)(2.0, True) == 2
    with pytest.raises(NotImplementedError, match="unique_indices=True"):
        jax.grad(product)(2.0, False)


def test_an_update_leaves_the_array_as_it_was():
    x = jnp.arange(4.0)
    part = x[1:3]
    for changed in (x.at[1].set(9), x.at[1:3].add(1), x.at[jnp.array([1, 2])].multiply(0)):
        assert changed[1] != 1
    assert x.tolist() == [0, 1, 2, 3] and part.tolist() == [1, 2]


def test_scalar_booleans_are_axes():
    x = jnp.array(X)
    for index in (True, False, (None, True), (True, 1), (..., True)):
        np.testing.assert_array_equal(np.asarray(x[index]), X[index])


def test_windows_keep_their_size():
    x = jnp.arange(5)
    assert x[jax.ds(3, 2)].tolist() == [3, 4]
    assert jax.jit(lambda i: x[jax.ds(i, 2)])(9).tolist() == [3, 4]
    assert x.at[jax.ds(4, 2)].set(0).tolist() == [0, 1, 2, 3, 4]  # as a whole out of bounds
    with pytest.raises(TypeError, match="slice_sizes"):
        x[jax.ds(0, 6)]


def test_the_usual_indices_are_fast():
    """Generous bounds, for slow machines: the general way takes ten times as long."""
    x, at = jnp.array(X), jnp.array([0, 2])
    for read in (lambda: x[0], lambda: x[1:3], lambda: x[0, 1], lambda: x[at], lambda: x.at[0].set(1.0)):
        assert min(timeit.repeat(read, number=100, repeat=20)) / 100 < 30e-6
