"""x[index]: every kind of index and mixtures, traced, out of bounds, batched, differentiated, refused: as JAX's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from compat.frameworks import run_again
from compat.same import assert_same, run_both

X = np.arange(24, dtype=np.float32).reshape(2, 3, 4) - 5
V = np.array([0.5, -1.0, 2.0, 4.0, 8.0], np.float32)
A = np.array([2, 0, -1])
B = np.array([[1], [0]])
MASK = np.array([True, False, True])
S = np.s_
DTYPES = (
    "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 bfloat16 float32 float64 complex64 complex128"
    " float8_e4m3fn int4 uint4"
).split()

GOOD: dict[str, Any] = {
    # slices and numbers
    "number": 1,
    "negative number": -1,
    "numbers": (1, -2, 3),
    "numpy number": np.int32(1),
    "numpy uint8": np.uint8(1),
    "all": S[:],
    "nothing": (),
    "ellipsis": ...,
    "ellipsis and number": (..., 1),
    "number and ellipsis": (1, ..., -1),
    "ellipsis of no axes": (0, ..., 1, 2),
    "new axis": None,
    "new axes": (None, 1, None, ..., None),
    "steps": S[:, ::2, 1::2],
    "backwards": S[::-1, ::-2, 3:0:-1],
    "backwards from the end": S[:, :, -1:-9:-3],
    "negative bounds": S[:, -2:, :-1],
    "bounds beyond": S[:, -9:9, 2:99],
    "empty slices": S[:, 3:1, ::-1],
    "numpy bounds": (slice(np.int32(0), np.int64(1)),),
    # out of bounds
    "number beyond": 7,
    "number far below": -7,
    "numbers beyond": (1, 9, -9),
    "array beyond": (0, np.array([5, -5, 1])),
    # arrays
    "array": np.array([1, 0, 1]),
    "array of another axis": (S[:], A),
    "array of the last axis": (..., A),
    "array 2-d": (0, np.array([[0, 1], [2, -1]])),
    "arrays side by side": (S[:], A, A),
    "arrays apart": (np.array([1, 0]), S[:], np.array([3, 3])),
    "arrays that broadcast": (S[:], B, A),
    "arrays and a number": (np.array([1, 0, 1]), 2),
    "number then array": (1, A),
    "number, slice, array": (1, S[:], A),
    "array, slice, number": (np.array([0, 1]), S[1:], 0),
    "array, new axis, array": (np.array([0, 1]), None, np.array([2, 0])),
    "new axis, array": (None, np.array([0, 1]), None),
    "slice, array, slice": S[:, A, ::2],
    "backwards, array": S[::-1, A, ::-1],
    "scalar array": np.array(1),
    "scalar arrays": (np.array(1), S[:], np.array(-1)),
    "three arrays": (np.array([0, 1]), np.array([2, 1]), np.array([3, 3])),
    "list inside": (0, [0, 2]),
    "empty list inside": (0, []),
    "nested lists inside": (0, [[0], [1]], [0, 1]),
    "int8 array": np.array([1, -1], np.int8),
    "uint8 array": (S[:], np.array([1, 200], np.uint8)),
    "uint32 array": (S[:], np.array([1, 200], np.uint32)),
    "int64 array": np.array([1, 0]),
    "empty array": np.zeros(0, np.int32),
    "empty array of another axis": (S[:], np.zeros((2, 0), np.int32)),
    # masks
    "mask": np.array([True, False]),
    "mask of another axis": (S[:], MASK),
    "mask of two axes": X[:, :, 0] > 0,
    "mask of all": X > 3,
    "mask and number": (1, MASK),
    "mask and array": (np.array([1, 0]), MASK),
    "mask apart from array": (np.array([1]), S[:], np.array([True, False, True, False])),
    "mask of nothing": np.zeros(2, bool),
    "True": True,
    "False": False,
    "True and number": (True, 1),
    "True and array": (True, np.array([0, 1])),
    "0-d mask": np.array(False),
}
BAD: dict[str, Any] = {
    "too many": (0, 0, 0, 0),
    "too many with ellipsis": (0, 0, ..., 0, 0),
    "two ellipses": (..., ...),
    "float": 1.0,
    "float array": np.array([1.0]),
    "complex": 1j,
    "numpy float": np.float32(1),
    "text": "a",
    "list": [0, 1],
    "list of slices": [slice(None)],
    "list with a list": [[0, 1]],
    "dict": {},
    "mask of another size": np.array([True, False, True]),
    "mask of too many axes": np.ones((2, 3, 4, 1), bool),
    "shapes": (A, np.array([0, 1])),
    "slice of floats": slice(0.5),
    "zero step": slice(None, None, 0),
    "text inside": (0, "a"),
    "object": (object(),),
    "string array": np.array(["a"]),
}
TRACED: dict[str, Any] = {
    "number": lambda i: i[0],
    "numbers": lambda i: (i[0], S[:], i[1]),
    "number and slice": lambda i: (S[:], i[1], S[1:]),
    "array": lambda i: (S[:], i),
    "arrays apart": lambda i: (i, S[:], i),
    "array 2-d": lambda i: (S[:], S[:], i.reshape(3, 2)),
    "array and array": lambda i: (i[:, None], i),
    "array and numpy array": lambda i: (i[:3], A),
    "array and number": lambda i: (1, i),
    "new axis": lambda i: (None, i, None),
    "backwards": lambda i: (S[::-1], i),
    "mask and array": lambda i: (i[:1], MASK),
}
AT = np.array([1, 0, -1, 7, -9, 2])


def indexed(index: Any) -> Any:
    """One index, read in every way."""

    def program(jax: Any) -> Any:
        jnp = jax.numpy

        def cubes(x: Any) -> Any:
            y = x[index]
            return (y * y * y * np.arange(1, y.size + 1).reshape(y.shape)).sum()

        x = jnp.asarray(X)
        return (
            x[index],
            jax.jit(lambda x: x[index])(x),
            jax.vmap(lambda x: x[index])(jnp.stack([x, 2 * x])),
            jax.vmap(lambda x: x[index], in_axes=-1)(jnp.stack([x, 2 * x], -1)),
            jax.jvp(lambda x: x[index], (x,), (x * x,)),
            jax.grad(cubes)(x),
            jax.jit(jax.grad(cubes))(x),
            jax.vmap(jax.grad(cubes))(jnp.stack([x, 2 * x])),
        )

    return program


def traced(index_of: Any) -> Any:
    """One index that depends on traced positions, read in every way."""

    def program(jax: Any) -> Any:
        jnp = jax.numpy
        x, i = jnp.asarray(X), jnp.asarray(AT)

        def at(x: Any, i: Any) -> Any:
            return x[index_of(i)]

        def cubes(x: Any, i: Any) -> Any:
            y = at(x, i)
            return (y * y * y * np.arange(1, y.size + 1).reshape(y.shape)).sum()

        both, several = jnp.stack([x, 2 * x]), jnp.stack([i, i[::-1]])
        return (
            at(x, i),
            jax.jit(at)(x, i),
            jax.vmap(at)(both, several),
            jax.vmap(at, (None, 0))(x, several),
            jax.vmap(at, (0, None))(both, i),
            jax.vmap(at, (None, 1))(x, several.T),
            jax.grad(cubes)(x, i),
            jax.jit(jax.grad(cubes))(x, i),
            jax.vmap(jax.grad(cubes), (None, 0))(x, several),
            jax.jvp(lambda x: at(x, i), (x,), (x * x,)),
            jax.jit(jax.vmap(at, (None, 0)))(x, several),
        )

    return program


def of_dtype(jax: Any, dtype: str) -> Any:
    x = jax.numpy.asarray(abs(X) % 7).astype(dtype)

    def read(x: Any, i: Any) -> Any:
        return x[0], x[::-1, 1:, ::-2], x[:, A], x[i[0]], x[:, i[:2]], x[:, MASK], x[0, 0, None]

    return read(x, AT), jax.jit(read)(x, AT), jax.vmap(read, (None, 0))(x, np.stack([AT, AT[::-1]]))


PROGRAMS: dict[str, Any] = {
    **{name: indexed(index) for name, index in GOOD.items()},
    **{f"traced {name}": traced(index) for name, index in TRACED.items()},
    **{f"refused {name}": lambda jax, i=i: jax.numpy.asarray(X)[i] for name, i in BAD.items()},
    **{f"refused in jit {name}": lambda jax, i=i: jax.jit(lambda x: x[i])(X) for name, i in BAD.items()},
    **{f"dtype {d}": lambda jax, d=d: of_dtype(jax, d) for d in DTYPES},
    "keys": lambda jax: [
        jax.random.key_data(jax.random.split(jax.random.key(0), (2, 3))[i])
        for i in (0, (S[:], A), (0, 7), S[::-1], X[:, :, 0] > 0, None)
    ],
    "hessian": lambda jax: jax.hessian(lambda x: (x[np.array([0, 0, 2])] ** 3).sum())(V),
    "hessian of a traced index": lambda jax: jax.hessian(lambda x, i: (x[i] ** 3).sum())(V, np.array([0, 0, 9])),
    "jacobian": lambda jax: (jax.jacrev(lambda x: x[1:, A])(X[0]), jax.jacfwd(lambda x: x[1:, A])(X[0])),
    "grad of a vector by position": lambda jax: jax.vmap(jax.grad(lambda x, i: x[i] ** 2), (None, 0))(V, np.arange(5)),
    "index of a scalar": lambda jax: (jax.numpy.asarray(1.0)[()], jax.numpy.asarray(1.0)[None], jax.numpy.asarray(1.0)[...]),
    "index 0 of a scalar": lambda jax: jax.numpy.asarray(1.0)[0],
    **{
        f"grad in mode {mode}": lambda jax, mode=mode: (
            jax.grad(lambda x: (x.at[np.array([1, 7, -9])].get(mode=mode) ** 2).sum())(V),
            jax.grad(lambda x: x.at[7].get(mode=mode) ** 2)(V),
            jax.grad(lambda x, i: x.at[i].get(mode=mode) ** 2)(V, 7),
            jax.vmap(jax.grad(lambda x, i: x.at[i].get(mode=mode) ** 2), (None, 0))(V, np.array([7, -9])),
        )
        for mode in (None, "clip", "promise_in_bounds")
    },
    "weak type": lambda jax: (jax.numpy.asarray(1.0)[None], jax.numpy.full((), 1.0)[None]),
    "empty axis": lambda jax: jax.numpy.zeros((0, 3))[0],
    "empty axis by array": lambda jax: jax.numpy.zeros((0, 3))[np.array([0])],
    "empty axis by empty array": lambda jax: jax.numpy.zeros((0, 3))[np.zeros(0, int)],
    "empty axis sliced": lambda jax: jax.numpy.zeros((0, 3))[:, 1],
    "empty axis traced": lambda jax: jax.jit(lambda i: jax.numpy.zeros((0, 3))[i])(0),
    "traced mask": lambda jax: jax.jit(lambda x: x[x > 0])(V),
    "batched mask": lambda jax: jax.vmap(lambda x: x[x > 0])(X[0]),
    "mask under grad": lambda jax: jax.grad(lambda x: (x[x > 0] ** 2).sum())(V),
    "mask under jvp": lambda jax: jax.jvp(lambda x: x[x > 0], (V,), (V,)),
    "traced slice": lambda jax: jax.jit(lambda x, i: x[i : i + 2])(V, 1),
    "traced step": lambda jax: jax.jit(lambda x, i: x[::i])(V, 1),
    "slice of an Array": lambda jax: jax.numpy.asarray(V)[: jax.numpy.asarray(2)],
    "Array of values": lambda jax: jax.numpy.asarray(X)[jax.numpy.asarray([1, 0])],
    "Array mask": lambda jax: jax.numpy.asarray(V)[jax.numpy.asarray(V) > 1],
    "traced float": lambda jax: jax.jit(lambda x, i: x[i])(V, 1.0),
    "numpy array by a tracer": lambda jax: jax.jit(lambda i: V[i])(1),
    "list by a tracer": lambda jax: jax.jit(lambda i: [1, 2][i])(1),
    "range by a tracer": lambda jax: jax.jit(lambda i: list(range(i)))(1),
    "assignment": lambda jax: jax.numpy.asarray(V).__setitem__(0, 1),
    "iteration": lambda jax: list(jax.numpy.asarray(X[0])),
    "iteration in jit": lambda jax: jax.jit(lambda x: [row * 2 for row in x])(X[0]),
    "iteration of a scalar": lambda jax: list(jax.numpy.asarray(1.0)),
    "unpacking": lambda jax: (lambda a, b, c: a + b * c)(*jax.numpy.asarray(X[0])),
    "length": lambda jax: (len(jax.numpy.asarray(X)), jax.jit(lambda x: len(x) * x)(X)),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_indexing(name: str) -> None:
    expected, actual = run_both(PROGRAMS[name])
    assert_same(expected, actual, title=name)


@pytest.mark.sample(0.25)
@pytest.mark.parametrize("name", [n for n in PROGRAMS if n.startswith(("traced", "refused", "dtype", "mask", "Array"))])
def test_indexing_x64(name: str) -> None:
    def program(jax: Any) -> Any:
        with jax.enable_x64(True):
            return run_again(__file__)["PROGRAMS"][name](jax)

    expected, actual = run_both(program)
    assert_same(expected, actual, title=name)
