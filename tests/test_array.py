"""Array: immutable, a container for other libraries, known or traced; what needs no second framework."""

from __future__ import annotations

import copy
import operator
import pickle
from typing import Any

import numpy as np
import pytest
import torch

import jaxlike as jax
import jaxlike.numpy as jnp
from jaxlike.dlpack import from_dlpack


class Foreign:
    """Knows how to compute with Arrays, which do not know it."""

    def __radd__(self, other: Any) -> str:
        return "radd"

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = object.__hash__


class Wrapped:
    """Is an array by JAX's protocol."""

    def __jax_array__(self) -> Any:
        return jnp.arange(3.0)


def test_it_cannot_be_assigned_to():
    x = jnp.arange(3)
    with pytest.raises(TypeError, match=r"x\.at\[idx\]\.set"):
        x[0] = 1
    with pytest.raises(TypeError, match="unhashable"):
        hash(x)


def test_what_numpy_sees_of_it_cannot_be_written_to():
    x = jnp.arange(3)
    view = np.asarray(x)
    with pytest.raises(ValueError, match="read-only"):
        view[0] = 9
    own = np.array(x)
    own[0] = 9
    assert x.tolist() == [0, 1, 2]


def test_operators_leave_the_rest_to_the_other_side():
    x = jnp.arange(3.0)
    assert x + Foreign() == "radd"
    assert (x == Foreign()) is True
    assert (x == None) is False  # noqa: E711
    assert (x + Wrapped()).tolist() == (Wrapped() + x).tolist() == [0, 2, 4]
    for wrong in ([1], (1,)):
        for compute in (operator.add, operator.mul, operator.eq, operator.ne):
            with pytest.raises(TypeError, match="unsupported operand"):
                compute(x, wrong)
        with pytest.raises(TypeError, match="unsupported operand"):
            operator.mul(wrong, x)


def test_numpy_defers_to_it():
    x = jnp.arange(3.0)
    for made in (np.ones(3) + x, np.float64(2) * x, np.arange(3) - x, np.ones(3) == x):
        assert isinstance(made, jax.Array)
    assert isinstance(np.sin(x), np.ndarray)


def test_values_under_grad_are_known_where_branches_need_them():
    def f(x: Any) -> Any:
        if x > 1 and int(x) == 2:
            return x * [1, 10, 100][jnp.argmax(x)] * x.item()
        return 0 * x

    assert jax.grad(f)(2.5) == 2.5
    with pytest.raises(jax.errors.ConcretizationTypeError, match="`float` function"):
        jax.grad(lambda x: float(x))(1.0)
    for transform in (jax.jit, jax.vmap):
        with pytest.raises(jax.errors.TracerBoolConversionError):
            transform(lambda x: x if x > 0 else -x)(jnp.ones(()) if transform is jax.jit else jnp.ones(2))


def test_traced_values_are_on_no_device():
    seen: dict[str, bool] = {}

    def look(x: Any) -> Any:
        seen.update({name: hasattr(x, name) for name in ("sharding", "device", "block_until_ready", "shape")})
        return x

    jax.jit(look)(1.0)
    assert seen == {"sharding": False, "device": False, "block_until_ready": False, "shape": True}


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "int4", "uint32", "complex64", "bool", "float8_e4m3fn"])
def test_copies_and_pickles(dtype: str) -> None:
    x = jnp.arange(3).astype(dtype)
    for made in (copy.copy(x), copy.deepcopy(x), pickle.loads(pickle.dumps(x)), x.copy()):
        assert made is not x and made.dtype == x.dtype
        np.testing.assert_array_equal(np.asarray(made).astype(complex), np.asarray(x).astype(complex))


def test_weak_type_survives():
    w = jnp.asarray(2.5)
    for made in (copy.copy(w), pickle.loads(pickle.dumps(w)), w[None], w[...], w.T, w.reshape(1), w.at[()].set(1)):
        assert made.weak_type


def test_memory_is_shared_with_torch_by_dlpack():
    x = jnp.arange(3.0)
    assert torch.from_dlpack(x).data_ptr() == x.unsafe_buffer_pointer()
    tensor = torch.arange(3.0)
    assert from_dlpack(tensor).unsafe_buffer_pointer() == tensor.data_ptr()


def test_deleting():
    x, y = jnp.arange(3.0), jnp.arange(3.0)
    x.delete()
    x.delete()
    assert x.is_deleted() and not y.is_deleted()
    assert x.shape == (3,) and x.dtype == np.float32 and len(x) == 3
    for use in (lambda: x + y, lambda: y + x, lambda: x[0], lambda: x.at[0].set(1), lambda: np.asarray(x), lambda: repr(x),
                lambda: x.tolist(), lambda: jax.jit(jnp.sin)(x), lambda: jax.grad(jnp.sum)(x), lambda: jnp.sin(x)):  # fmt: skip
        with pytest.raises(RuntimeError, match=r"Array has been deleted with shape=float32\[3\]\."):
            use()


def test_iteration_takes_any_length():
    x = jnp.arange(450).reshape(225, 2)
    assert [row.tolist() for row in x] == np.arange(450).reshape(225, 2).tolist()
    assert [int(v) for v in reversed(jnp.arange(3))] == [2, 1, 0]
    with pytest.raises(TypeError, match="0-d"):
        iter(jnp.array(1))


def test_long_arrays_print_in_short():
    assert repr(jnp.arange(2000)) == "Array([   0,    1,    2, ..., 1997, 1998, 1999], dtype=int32)"
    assert repr(jnp.zeros((0, 3))) == "Array([], shape=(0, 3), dtype=float32)"
    assert repr(jnp.asarray(1)) == "Array(1, dtype=int32, weak_type=True)"
    assert f"{jnp.asarray(1.25):.1f}" == "1.2"
    assert str(jnp.arange(3.0)) == "[0. 1. 2.]"


@pytest.mark.gpu
def test_on_a_gpu():
    x = jnp.arange(6.0).reshape(2, 3)
    assert x.platform() == "gpu" and x.__cuda_array_interface__["shape"] == (2, 3)
    assert torch.from_dlpack(x).is_cuda
    at = jnp.array([1, 7, 1])
    assert x[at].tolist() == [[3, 4, 5]] * 3
    assert x.at[at].set(jnp.arange(3.0)[:, None]).tolist() == [[0, 1, 2], [2, 2, 2]]
    assert x.at[at].add(1).tolist() == [[0, 1, 2], [5, 6, 7]]
    assert np.asarray(x).tolist() == [[0, 1, 2], [3, 4, 5]]
