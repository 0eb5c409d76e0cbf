"""Arrays among other libraries: numpy's protocols, copies, pickles, DLPack, files, the buffer."""

from __future__ import annotations

import copy
import io
import pickle
from typing import Any

import numpy as np
import pytest

from compat.same import assert_same, run_both, same_in_both

DTYPES = "float32 int32 bool complex64 float16 bfloat16 uint8 uint32 float8_e4m3fn int4".split()
KEY = "key<fry>"


def some(jax: Any, dtype: str) -> Any:
    """A small matrix, or two keys."""
    if dtype == KEY:
        return jax.random.split(jax.random.key(3))
    return jax.numpy.arange(6).reshape(2, 3).astype(dtype)


@pytest.mark.parametrize("dtype", [*DTYPES, KEY])
@same_in_both(covers=["jax.Array.__copy__", "jax.Array.__deepcopy__", "jax.Array.clone"])
def test_copies(jax: Any, dtype: str) -> Any:
    x = some(jax, dtype)
    return copy.copy(x), copy.deepcopy({"a": [x]}), x.copy()


@pytest.mark.parametrize("dtype", DTYPES)
@same_in_both(covers=["jax.Array.__reduce__", "jax.Array.__getstate__"])
def test_pickles(jax: Any, dtype: str) -> Any:
    x = some(jax, dtype)
    return [pickle.loads(pickle.dumps(x, protocol)) for protocol in (2, 5)]


@pytest.mark.parametrize("dtype", DTYPES)
@same_in_both(covers=["jax.Array.__array__", "jax.Array.__array_priority__"])
def test_numpy_takes_arrays(jax: Any, dtype: str) -> Any:
    x = some(jax, dtype)
    as_numpy = np.asarray(x)
    return (
        as_numpy,
        np.array(x),
        as_numpy.flags.writeable,
        str(as_numpy.dtype),
        isinstance(np.ones(3, np.float32) * x, jax.Array),
    )


@same_in_both(covers=["jax.Array.__array__"])
def test_numpy_converts_on_the_way(jax: Any) -> Any:
    x = some(jax, "float32")
    return np.asarray(x, dtype=np.float64), np.array(x, dtype=int), np.sum(x), np.stack([x, x]), np.add(x, x)


@same_in_both
def test_a_numpy_array_is_copied(jax: Any) -> Any:
    source = np.arange(3.0, dtype=np.float32)
    x = jax.numpy.array(source)  # device_put may share memory in JAX, if it happens to be aligned
    source[0] = 9
    return x


@same_in_both(covers=["jax.Array.__array__"])
def test_what_numpy_gets_is_not_the_arrays_own_to_write(jax: Any) -> Any:
    x = some(jax, "float32")
    np.array(x)[0, 0] = 9
    with pytest.raises(ValueError, match="read-only"):
        np.asarray(x)[0, 0] = 9
    return x


@same_in_both(covers=["jax.Array.__array_namespace__"])
def test_array_namespace(jax: Any) -> Any:
    x = some(jax, "float32")
    return x.__array_namespace__() is jax.numpy, x.__array_namespace__().sin(x)


@pytest.mark.parametrize("dtype", ["float32", "int32", "complex64", "float16", "uint8", "bool"])
@same_in_both(covers=["jax.Array.__dlpack__", "jax.Array.__dlpack_device__"])
def test_dlpack(jax: Any, dtype: str) -> Any:
    x = some(jax, dtype)
    there = np.from_dlpack(x)
    back = jax.numpy.from_dlpack(np.arange(6, dtype=dtype))
    return there, back, jax.dlpack.from_dlpack(x), tuple(int(i) for i in x.__dlpack_device__())


@same_in_both
def test_torch_takes_arrays_by_dlpack(jax: Any) -> Any:
    import torch

    tensor = torch.from_dlpack(some(jax, "float32"))
    return tensor.numpy(), jax.numpy.from_dlpack(torch.arange(3, dtype=torch.float32))


@same_in_both
def test_files(jax: Any) -> Any:
    jnp = jax.numpy
    one, several = io.BytesIO(), io.BytesIO()
    jnp.save(one, jnp.arange(3.0))
    jnp.savez(several, a=jnp.ones(2), b=jnp.arange(2))
    one.seek(0)
    several.seek(0)
    loaded = jnp.load(several)
    return jnp.load(one), sorted(loaded), np.asarray(loaded["a"])


@same_in_both
def test_printing(jax: Any) -> Any:
    jnp = jax.numpy
    x = jnp.array([1.23456789, 2.0])
    with jnp.printoptions(precision=3):
        inside = repr(x), str(x), jnp.array_repr(x), jnp.array_str(x)
    return inside, repr(x), jnp.array_str(x, precision=2), sorted(jnp.get_printoptions())


@same_in_both(
    covers=[
        *(
            "jax.Array.is_deleted",
            "jax.Array.delete",
            "jax.Array.is_ready",
            "jax.Array.devices",
            "jax.Array.to_device",
        ),
        *("jax.Array.on_device_size_in_bytes", "jax.Array.copy_to_host_async", "jax.Array.addressable_data"),
    ]
)
def test_the_buffer(jax: Any) -> Any:
    x = some(jax, "float32").block_until_ready()
    facts = (
        x.is_deleted(),
        x.is_ready(),
        len(x.devices()),
        x.on_device_size_in_bytes(),
        x.copy_to_host_async(),
    )
    moved = x.to_device(jax.devices()[0])
    part = x.addressable_data(0)
    shown = (
        np.array(moved),
        np.array(part),
    )  # taken while the buffer lives: moving to the same device shares it
    x.delete()
    return facts, shown, x.is_deleted()


@same_in_both
def test_a_deleted_array_cannot_be_used(jax: Any) -> Any:
    x = some(jax, "float32")
    x.delete()
    return x + 1


@same_in_both
def test_it_does_not_hash(jax: Any) -> Any:
    return {jax.numpy.ones(2): 1}


def own_array(jax: Any) -> Any:
    """An object that says how to make an array of itself."""

    class Own:
        def __jax_array__(self) -> Any:
            return jax.numpy.asarray([0.5, -1.0, 2.0])

    return Own()


OWN: dict[str, Any] = {
    "reductions": lambda jax, a, x: jax.numpy.sum(a),
    "where": lambda jax, a, x: jax.numpy.where(x > 1, a, x),
    "dot": lambda jax, a, x: jax.numpy.dot(x, a),
    "sort": lambda jax, a, x: jax.numpy.sort(a),
    "norm": lambda jax, a, x: jax.numpy.linalg.norm(a),
    "not compiled in JAX": lambda jax, a, x: [jax.numpy.concatenate([a, x]), jax.numpy.std(a), jax.numpy.fft.fft(a),
                                              jax.numpy.split(a, 3), jax.numpy.dstack([a])],
    "operators": lambda jax, a, x: [x + a, a + x, x * a, a - x, a / x, x @ a, a @ x, x == a, x < a, x // a],
    "asarray": lambda jax, a, x: [jax.numpy.asarray(a), jax.numpy.array(a), jax.numpy.reshape(a, (3, 1))],
    "converted": lambda jax, a, x: jax.lax.convert_element_type(a, int),
    "special": lambda jax, a, x: jax.scipy.special.erf(a),
    "sin": lambda jax, a, x: jax.numpy.sin(a),
    "add": lambda jax, a, x: jax.numpy.add(x, a),
    "lax.sin": lambda jax, a, x: jax.lax.sin(a),
    "lax.add": lambda jax, a, x: jax.lax.add(x, a),
    "lax.reshape": lambda jax, a, x: jax.lax.reshape(a, (3, 1)),
    "jit": lambda jax, a, x: jax.jit(jax.numpy.sin)(a),
    "grad": lambda jax, a, x: jax.grad(lambda y: y.sum())(a),
    "vmap": lambda jax, a, x: jax.vmap(lambda y: y)(a),
}


def registered(jax: Any) -> Any:
    """The same, of a class that is registered as a tree."""

    class Own:
        def __init__(self, value: Any) -> None:
            self.value = value

        def __jax_array__(self) -> Any:
            return self.value

    jax.tree_util.register_pytree_node(Own, lambda own: ((own.value,), None), lambda _, parts: Own(*parts))
    return Own(jax.numpy.asarray([0.5, -1.0, 2.0]))


NODES: dict[str, Any] = {
    **{name: OWN[name] for name in ("reductions", "where", "dot", "sin", "add", "lax.sin", "jit")},
    "matmul": lambda jax, a, x: jax.numpy.matmul(x, a),
    "grad": lambda jax, a, x: jax.grad(lambda y: jax.numpy.sin(y).sum())(a).value,
    "vmap": lambda jax, a, x: jax.vmap(jax.numpy.sin)(a),
    "jvp": lambda jax, a, x: jax.jvp(jax.numpy.sin, (a,), (a,)),
    "softmax": lambda jax, a, x: jax.nn.softmax(a),
    "map": lambda jax, a, x: jax.lax.map(jax.numpy.sin, a),
}


@pytest.mark.parametrize("name", NODES)
def test_trees_that_are_arrays(name: str) -> None:
    assert_same(*run_both(lambda jax: NODES[name](jax, registered(jax), jax.numpy.asarray([1.0, 2.0, 3.0]))))


@pytest.mark.parametrize("name", OWN)
def test_objects_that_are_arrays(name: str) -> None:
    assert_same(*run_both(lambda jax: OWN[name](jax, own_array(jax), jax.numpy.asarray([1.0, 2.0, 3.0]))))
