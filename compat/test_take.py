"""take, put and their kin, nonzero and its kin, packed bits, raveled positions, windows: as JAX's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from compat.same import assert_same, run_both

X = np.array([0.5, -1.0, 2.0, 4.0], np.float32)
M = np.arange(12, dtype=np.float32).reshape(3, 4) - 3
Z = np.array([[0, 2, 0, -1], [0, 0, 0, 0], [3, 0, 0, np.nan]], np.float32)
I = np.array([2, 0, -1, 7, -9, 2])  # noqa: E741
ALONG = np.array([[0, -1, 5, 2], [1, 1, 0, -7]])
DTYPES = (
    "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 bfloat16 float32 float64 complex64 complex128"
    " float8_e4m3fn float8_e5m2 int4 uint4"
).split()
INDEX_DTYPES = "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64".split()


def cube(x: Any) -> Any:
    return (x * x * x).sum()


def keys(jax: Any) -> Any:
    return jax.random.split(jax.random.key(0), 4)


def taken(jax: Any, dtype: str) -> Any:
    """Reading from and writing to one dtype."""
    jnp = jax.numpy
    x = jnp.asarray(M.astype(int) * (M > 0) % 7).astype(dtype)
    read = (
        jnp.take(x, I),
        jnp.take(x, I, axis=1, mode="clip"),
        jnp.take(x, I, axis=0, mode="wrap"),
        jnp.take_along_axis(x, ALONG, axis=0),
        jax.jit(lambda x, i: jnp.take(x, i, axis=-1))(x, I),
        jax.vmap(jnp.take, (0, None))(x, I),
        jax.vmap(jnp.take)(x, np.array([[0, 9], [1, -1], [3, -9]])),
        jax.vmap(lambda x, i: jnp.take_along_axis(x, i, 0))(x, np.array([[0, 9], [1, -1], [3, -9]])),
        jnp.nonzero(x),
        jnp.argwhere(x),
        jnp.flatnonzero(x, size=9, fill_value=-1),
        jnp.compress(np.array([True, False, True]), x, axis=1),
        jnp.extract(x, x),
        jnp.trace(x),
    )
    return read


def written(jax: Any, dtype: str) -> Any:
    jnp = jax.numpy
    x = jnp.asarray(M.astype(int) * (M > 0) % 7).astype(dtype)
    one = jnp.ones((), dtype)
    return (
        jnp.put(x, I, jnp.stack([one, one]), inplace=False),
        jnp.put_along_axis(x, ALONG, one, axis=0, inplace=False),
        jnp.place(x, x, jnp.stack([one, one, one]), inplace=False),
        jnp.fill_diagonal(x, one, inplace=False),
    )


def indexed_by(jax: Any, dtype: str) -> Any:
    jnp = jax.numpy
    i = jnp.asarray(np.array([0, 1, 1, 3])).astype(dtype)
    if dtype == "bool":
        return jnp.take(X, i)
    return (
        jnp.take(X, i),
        jnp.take(M, i, axis=1, mode="clip"),
        jnp.take(X, i, mode="wrap"),
        jnp.take_along_axis(jnp.asarray(X), i, 0),
        jnp.unravel_index(i, (2, 2)),
        jnp.ravel_multi_index((i, i), (4, 5)),
        jax.vmap(lambda i: jnp.take(X, i))(i),
        jax.jit(lambda i: jnp.take(X, i))(i),
    )


def weighted(x: Any) -> Any:
    return (x**2 * np.arange(1, x.size + 1).reshape(x.shape)).sum()


PROGRAMS: dict[str, Any] = {
    **{f"read {d}": lambda jax, d=d: taken(jax, d) for d in DTYPES if "int4" not in d},
    **{f"write {d}": lambda jax, d=d: written(jax, d) for d in DTYPES},
    **{f"positions {d}": lambda jax, d=d: indexed_by(jax, d) for d in INDEX_DTYPES},
    # take
    "take clip bool": lambda jax: jax.numpy.take(X, np.array([True]), mode="clip"),
    **{
        f"take axis {axis} mode {mode}": lambda jax, axis=axis, mode=mode: jax.numpy.take(M, I, axis=axis, mode=mode)
        for axis in (None, 0, 1, -1)
        for mode in (None, "fill", "clip", "wrap")
    },
    "take 2-d": lambda jax: jax.numpy.take(M, ALONG, axis=1),
    "take one": lambda jax: (jax.numpy.take(M, 1), jax.numpy.take(M, -1, axis=0), jax.numpy.take(M, 99, axis=0)),
    "take of a weak scalar": lambda jax: jax.numpy.take(3.0, 0),
    "take fill_value": lambda jax: jax.numpy.take(M, I, axis=1, fill_value=7),
    "take fill_value rounded": lambda jax: jax.numpy.take(M.astype(int), I, axis=1, fill_value=2.7),
    "take nothing": lambda jax: jax.numpy.take(M, np.zeros((0, 2), int), axis=1),
    "take nothing of a float dtype": lambda jax: jax.numpy.take(M, np.zeros(0)),
    "take from an empty axis": lambda jax: jax.numpy.take(np.zeros((0, 3)), I, axis=0),
    "take nothing from an empty axis": lambda jax: jax.numpy.take(np.zeros((0, 3)), np.zeros(0, int), axis=0),
    "take along an axis of a large array": lambda jax: jax.numpy.take(np.arange(300), np.array([200, 255], np.uint8)),
    "take mode raise": lambda jax: jax.numpy.take(M, I, mode="raise"),
    "take mode unknown": lambda jax: jax.numpy.take(M, I, mode="other"),
    "take out": lambda jax: jax.numpy.take(M, I, out=M),
    "take float": lambda jax: jax.numpy.take(M, 1.5),
    "take list": lambda jax: jax.numpy.take(M, [0, 1]),
    "take of a list": lambda jax: jax.numpy.take([0, 1], 0),
    "take axis out of bounds": lambda jax: jax.numpy.take(M, I, axis=2),
    "take axis float": lambda jax: jax.numpy.take(M, I, axis=1.5),
    "take of keys": lambda jax: jax.random.key_data(jax.numpy.take(keys(jax), I)),
    "take method": lambda jax: jax.numpy.asarray(M).take(I, axis=1, mode="clip"),
    "grad of take": lambda jax: jax.grad(lambda x: weighted(jax.numpy.take(x, np.array([2, 0, 2, -1]))))(X),
    "grad of take out of bounds": lambda jax: jax.grad(lambda x: weighted(jax.numpy.take(x, I, mode="clip")))(X),
    "grad of take wrapped": lambda jax: jax.grad(lambda x: weighted(jax.numpy.take(x, I, axis=1, mode="wrap")))(M),
    "grad of take filled": lambda jax: jax.grad(lambda x: weighted(jax.numpy.take(x, I, axis=1, fill_value=0)))(M),
    "grad of take traced": lambda jax: jax.jit(
        jax.grad(lambda x, i: weighted(jax.numpy.take(x, i, axis=1, fill_value=0)))
    )(M, I),
    "jvp of take": lambda jax: jax.jvp(lambda x: jax.numpy.take(x, I, axis=1), (M,), (M * 2,)),
    "hessian of take": lambda jax: jax.hessian(lambda x: cube(jax.numpy.take(x, np.array([2, 0, 2]))))(X),
    "vmap of grad of take": lambda jax: jax.vmap(jax.grad(lambda x, i: cube(jax.numpy.take(x, i))))(
        M, np.array([[0, 0], [1, 2], [3, -1]])
    ),
    "vmap over positions": lambda jax: jax.vmap(lambda i: jax.numpy.take(M, i, axis=0))(np.array([[0, 5], [2, -1]])),
    "vmap in_axes 1": lambda jax: jax.vmap(lambda x, i: jax.numpy.take(x, i, axis=0), (1, None))(M, I),
    # take_along_axis, put_along_axis
    **{
        f"take_along_axis mode {mode}": lambda jax, mode=mode: jax.numpy.take_along_axis(M, ALONG, 0, mode=mode)
        for mode in (None, "fill", "clip", "promise_in_bounds", "wrap", "drop", "other")
    },
    "take_along_axis one_hot": lambda jax: jax.numpy.take_along_axis(M, ALONG, 0, mode="one_hot"),
    "take_along_axis axis None": lambda jax: jax.numpy.take_along_axis(M, I, None),
    "take_along_axis axis None 2-d": lambda jax: jax.numpy.take_along_axis(M, ALONG, None),
    "take_along_axis broadcasts positions": lambda jax: jax.numpy.take_along_axis(M, ALONG[:, :1], 0),
    "take_along_axis broadcasts array": lambda jax: jax.numpy.take_along_axis(M[:1], ALONG, 1),
    "take_along_axis shapes": lambda jax: jax.numpy.take_along_axis(M, ALONG, 1),
    "take_along_axis ranks": lambda jax: jax.numpy.take_along_axis(M, I, 1),
    "take_along_axis float": lambda jax: jax.numpy.take_along_axis(M, ALONG * 1.0, 0),
    "take_along_axis axis out of bounds": lambda jax: jax.numpy.take_along_axis(M, ALONG, 2),
    "take_along_axis empty": lambda jax: jax.numpy.take_along_axis(np.zeros((0, 4)), ALONG, 0),
    "take_along_axis unwrapped": lambda jax: jax.numpy.take_along_axis(M, ALONG, 0, wrap_negative_indices=False),
    "take_along_axis fill_value": lambda jax: jax.numpy.take_along_axis(M, ALONG, 0, fill_value=9),
    "take_along_axis of keys": lambda jax: jax.random.key_data(jax.numpy.take_along_axis(keys(jax), I, 0)),
    "take_along_axis undoes argsort": lambda jax: jax.numpy.take_along_axis(-M, jax.numpy.argsort(-M, 1), 1),
    "grad of take_along_axis": lambda jax: jax.grad(
        lambda x: weighted(jax.numpy.take_along_axis(x, ALONG, 0, fill_value=0))
    )(M),
    "hessian of take_along_axis": lambda jax: jax.hessian(
        lambda x: cube(jax.numpy.take_along_axis(x, np.array([2, 2, 0]), 0))
    )(X),
    "jvp of take_along_axis": lambda jax: jax.jvp(lambda x: jax.numpy.take_along_axis(x, ALONG, 0), (M,), (M,)),
    "put_along_axis": lambda jax: jax.numpy.put_along_axis(M, ALONG, 9, 0, inplace=False),
    "put_along_axis axis None": lambda jax: jax.numpy.put_along_axis(M, I, 9, None, inplace=False),
    "put_along_axis clip": lambda jax: jax.numpy.put_along_axis(M, ALONG[:1], 9, 0, inplace=False, mode="clip"),
    "put_along_axis inplace": lambda jax: jax.numpy.put_along_axis(M, ALONG, 9, 0),
    "put_along_axis ranks": lambda jax: jax.numpy.put_along_axis(M, I, 9, 0, inplace=False),
    "put_along_axis values": lambda jax: jax.numpy.put_along_axis(M, ALONG, np.ones(3), 0, inplace=False),
    "grad of put_along_axis": lambda jax: jax.grad(
        lambda x, v: cube(jax.numpy.put_along_axis(x, np.array([[0], [3], [3]]), v, 1, inplace=False)), (0, 1)
    )(M, X[:3, None]),
    # put, place, fill_diagonal
    **{
        f"put mode {mode}": lambda jax, mode=mode: jax.numpy.put(M, np.array([1, 7, -30, 30]), X, mode, inplace=False)
        for mode in (None, "clip", "wrap", "raise", "other")
    },
    "put negative": lambda jax: jax.numpy.put(M, np.array([-1, -12]), 9, inplace=False),
    "put repeats": lambda jax: jax.numpy.put(M, np.arange(5), np.array([1, 2]), inplace=False),
    "put inplace": lambda jax: jax.numpy.put(M, 0, 1),
    "put nothing": lambda jax: jax.numpy.put(M, np.zeros(0, int), 1, inplace=False),
    "put list": lambda jax: jax.numpy.put(M, [0], 1, inplace=False),
    "place": lambda jax: jax.numpy.place(M, M > 2, X, inplace=False),
    "place inplace": lambda jax: jax.numpy.place(M, M > 2, X),
    "place size": lambda jax: jax.numpy.place(M, M[0] > 2, X, inplace=False),
    "place no values": lambda jax: jax.numpy.place(M, M > 2, X[:0], inplace=False),
    "place jit": lambda jax: jax.jit(lambda x: jax.numpy.place(x, x > 2, X, inplace=False))(M),
    "place vmap": lambda jax: jax.vmap(lambda x: jax.numpy.place(x, x > 2, X, inplace=False))(M),
    "fill_diagonal wide": lambda jax: jax.numpy.fill_diagonal(M, 7, inplace=False),
    "fill_diagonal tall": lambda jax: jax.numpy.fill_diagonal(M.T, X[:2], inplace=False),
    "fill_diagonal cube": lambda jax: jax.numpy.fill_diagonal(np.zeros((2, 2, 2)), 1, inplace=False),
    "fill_diagonal vector": lambda jax: jax.numpy.fill_diagonal(X, 1, inplace=False),
    "fill_diagonal box": lambda jax: jax.numpy.fill_diagonal(np.zeros((2, 2, 3)), 1, inplace=False),
    "fill_diagonal inplace": lambda jax: jax.numpy.fill_diagonal(M, 1),
    "fill_diagonal wrap": lambda jax: jax.numpy.fill_diagonal(M, 1, True, inplace=False),
    "grad of fill_diagonal": lambda jax: jax.grad(
        lambda x, v: cube(jax.numpy.fill_diagonal(x, v, inplace=False)), (0, 1)
    )(M, 2.0),
    # nonzero and its kin
    "nonzero": lambda jax: (jax.numpy.nonzero(Z), jax.numpy.flatnonzero(Z), jax.numpy.argwhere(Z), jax.numpy.where(Z)),
    **{
        f"nonzero size {size} fill {fill}": lambda jax, size=size, fill=fill: (
            jax.numpy.nonzero(Z, size=size, fill_value=fill),
            jax.jit(lambda x: jax.numpy.nonzero(x, size=size, fill_value=fill))(Z),
            jax.vmap(lambda x: jax.numpy.nonzero(x, size=size, fill_value=fill)[0])(Z[:, None])
            if not isinstance(fill, tuple)
            else None,
        )
        for size in (0, 2, 6)
        for fill in (None, -1, 2.5, (7, 8))
    },
    "nonzero fill_value": lambda jax: jax.numpy.nonzero(X, size=5, fill_value=np.arange(3)),
    "nonzero fill_value count": lambda jax: jax.numpy.nonzero(X, size=5, fill_value=(1, 2)),
    "nonzero size negative": lambda jax: jax.numpy.nonzero(X, size=-1),
    "nonzero size float": lambda jax: jax.numpy.nonzero(X, size=1.5),
    "nonzero scalar": lambda jax: jax.numpy.nonzero(3),
    "nonzero list": lambda jax: jax.numpy.nonzero([3]),
    "nonzero empty": lambda jax: jax.numpy.nonzero(np.zeros((0, 3)), size=2, fill_value=7),
    "nonzero empty size None": lambda jax: jax.numpy.nonzero(np.zeros((0, 3))),
    "nonzero of keys": lambda jax: jax.numpy.nonzero(keys(jax)),
    "nonzero jit": lambda jax: jax.jit(jax.numpy.nonzero)(X),
    "nonzero vmap": lambda jax: jax.vmap(jax.numpy.nonzero)(Z),
    "nonzero traced size": lambda jax: jax.jit(lambda x, n: jax.numpy.nonzero(x, size=n))(X, 2),
    "nonzero of a constant in jit": lambda jax: jax.jit(lambda x: jax.numpy.nonzero(Z))(X),
    "nonzero in grad": lambda jax: jax.grad(lambda x: cube(x[jax.numpy.nonzero(x > 1)]))(X),
    "nonzero in jvp": lambda jax: jax.jvp(lambda x: jax.numpy.nonzero(x, size=3), (X,), (X,)),
    "nonzero method": lambda jax: jax.numpy.asarray(Z).nonzero(size=2, fill_value=1),
    "argwhere scalars": lambda jax: (jax.numpy.argwhere(5), jax.numpy.argwhere(0)),
    "argwhere size": lambda jax: jax.numpy.argwhere(Z, size=5, fill_value=-1),
    "argwhere fill float": lambda jax: jax.numpy.argwhere(Z, size=5, fill_value=-1.5),
    "argwhere jit": lambda jax: jax.jit(jax.numpy.argwhere)(X),
    "where jit": lambda jax: jax.jit(lambda x: jax.numpy.where(x))(X),
    "where size": lambda jax: jax.numpy.where(Z, size=5, fill_value=-1),
    "flatnonzero jit": lambda jax: jax.jit(lambda x: jax.numpy.flatnonzero(x, size=5))(Z),
    "mask_indices": lambda jax: (
        jax.numpy.mask_indices(3, jax.numpy.triu),
        jax.numpy.mask_indices(3, jax.numpy.tril, -1, size=2),
    ),
    # compress, extract
    "compress": lambda jax: jax.numpy.compress(np.array([True, False]), M, axis=0),
    "compress flat": lambda jax: jax.numpy.compress(np.array([0, 2, 1]), M),
    "compress size": lambda jax: jax.jit(lambda c: jax.numpy.compress(c, M, axis=1, size=3, fill_value=-7))(
        np.array([True, False, False, True])
    ),
    "compress jit": lambda jax: jax.jit(lambda c: jax.numpy.compress(c, M, axis=1))(np.array([True, False])),
    "compress too long": lambda jax: jax.numpy.compress(np.array([1, 0, 0, 1]), M, axis=0),
    "compress too large a size": lambda jax: jax.numpy.compress(np.array([1, 0]), M, axis=0, size=3),
    "compress 2-d": lambda jax: jax.numpy.compress(M > 0, M, axis=0),
    "compress out": lambda jax: jax.numpy.compress(np.array([1, 0]), M, axis=0, out=M),
    "compress method": lambda jax: jax.numpy.asarray(M).compress(np.array([False, True]), axis=0),
    "extract": lambda jax: jax.numpy.extract(M > 4, M),
    "extract size": lambda jax: jax.numpy.extract(M > 4, M, size=9, fill_value=1),
    "extract list": lambda jax: jax.numpy.extract([True], M),
    "grad of compress": lambda jax: jax.grad(lambda x: cube(jax.numpy.compress(np.array([1, 0, 1]), x, axis=0)))(M),
    "grad of extract size": lambda jax: jax.grad(lambda x: cube(jax.numpy.extract(x > 4, x, size=6)))(M),
    # trace
    **{f"trace {k}": lambda jax, k=k: jax.numpy.trace(M, k) for k in (0, 1, -1, 3, 9, -9)},
    "trace axes": lambda jax: jax.numpy.trace(np.arange(24).reshape(2, 3, 4), 0, 2, 0),
    "trace traced offset": lambda jax: jax.jit(lambda k: jax.numpy.trace(M, k))(1),
    "trace dtype": lambda jax: jax.numpy.trace(M.astype(np.int8), dtype="float16"),
    "trace bool": lambda jax: jax.numpy.trace(M > 0),
    "trace NaN": lambda jax: jax.numpy.trace(Z),
    "trace same axes": lambda jax: jax.numpy.trace(M, axis1=0, axis2=-2),
    "trace vector": lambda jax: jax.numpy.trace(X),
    "trace out": lambda jax: jax.numpy.trace(M, out=M),
    "trace method": lambda jax: jax.numpy.asarray(M).trace(1),
    "grad of trace": lambda jax: jax.grad(lambda x: jax.numpy.trace(x, 1) ** 2)(M),
    "vmap of trace": lambda jax: jax.vmap(jax.numpy.trace)(np.arange(24.0).reshape(2, 3, 4)),
    # bits and positions
    **{
        f"packbits axis {axis} {order}": lambda jax, axis=axis, order=order: (
            jax.numpy.packbits(Z > 0, axis, order),
            jax.numpy.packbits((np.arange(40) % 3).reshape(4, 10), axis, bitorder=order),
            jax.numpy.unpackbits(np.array([[1, 128, 77], [255, 0, 3]], np.uint8), axis, bitorder=order),
        )
        for axis in (None, 0, -1)
        for order in ("big", "little")
    },
    "packbits float": lambda jax: jax.numpy.packbits(X),
    "packbits order": lambda jax: jax.numpy.packbits(X > 0, bitorder="other"),
    "packbits vmap": lambda jax: jax.vmap(jax.numpy.packbits)(Z > 0),
    "unpackbits count": lambda jax: (
        jax.numpy.unpackbits(np.array([77], np.uint8), count=3),
        jax.numpy.unpackbits(np.array([77], np.uint8), count=12),
        jax.numpy.unpackbits(np.array([77], np.uint8), count=-2),
    ),
    "unpackbits int": lambda jax: jax.numpy.unpackbits(np.array([77])),
    "unravel_index": lambda jax: jax.numpy.unravel_index(np.array([5, 11, 99, -1, -12, -99]), (3, 4)),
    "unravel_index scalar shape": lambda jax: jax.numpy.unravel_index(3, 5),
    "unravel_index uint8": lambda jax: jax.numpy.unravel_index(np.array([5, 250], np.uint8), (3, 4)),
    "unravel_index 2-d shape": lambda jax: jax.numpy.unravel_index(3, np.ones((2, 2))),
    "unravel_index traced": lambda jax: jax.jit(lambda i: jax.numpy.unravel_index(i, (3, 4)))(7),
    **{
        f"ravel_multi_index {mode} {order}": lambda jax, mode=mode, order=order: jax.numpy.ravel_multi_index(
            (np.array([0, 2, 3, -1]), np.array([1, 0, 9, 2])), (3, 4), mode=mode, order=order
        )
        for mode in ("raise", "wrap", "clip", "ignore", "other")
        for order in ("C", "F", "K")
    },
    "ravel_multi_index good": lambda jax: jax.numpy.ravel_multi_index((np.array([0, 2]), 1), (3, 4)),
    "ravel_multi_index dtype": lambda jax: jax.numpy.ravel_multi_index((np.array([0, 2]), 1), (3, 4), dtype="uint8"),
    "ravel_multi_index float": lambda jax: jax.numpy.ravel_multi_index((np.array([0.0]), 1), (3, 4)),
    "ravel_multi_index float dtype": lambda jax: jax.numpy.ravel_multi_index((0, 1), (3, 4), dtype=float),
    "ravel_multi_index small dtype": lambda jax: jax.numpy.ravel_multi_index((0, 1), (30, 40), dtype="int8"),
    "ravel_multi_index jit": lambda jax: jax.jit(lambda i: jax.numpy.ravel_multi_index((i, i), (3, 4)))(1),
    "ravel_multi_index jit clip": lambda jax: jax.jit(
        lambda i: jax.numpy.ravel_multi_index((i, i), (3, 4), mode="clip")
    )(9),
    "ravel_multi_index lengths": lambda jax: jax.numpy.ravel_multi_index((1,), (3, 4)),
    # windows
    **{
        f"{name} {n}": lambda jax, name=name, n=n: getattr(jax.numpy, name)(n)
        for name in ("bartlett", "blackman", "hamming", "hanning")
        for n in (-1, 0, 1, 2, 7)
    },
    "kaiser": lambda jax: (jax.numpy.kaiser(7, 2.5), jax.numpy.kaiser(1, 3), jax.numpy.kaiser(4, 3)),
    "hanning float": lambda jax: jax.numpy.hanning(4.7),
    "hanning traced": lambda jax: jax.jit(lambda n: jax.numpy.hanning(n))(4),
    "kaiser array": lambda jax: jax.numpy.kaiser(4, np.arange(4.0)),
    # numpy's own
    "array_str": lambda jax: jax.numpy.array_str(jax.numpy.ones(2)),
    "iterable": lambda jax: (jax.numpy.iterable(jax.numpy.arange(3)), jax.numpy.iterable(3)),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_take(name: str) -> None:
    expected, actual = run_both(PROGRAMS[name])
    assert_same(expected, actual, title=name)


@pytest.mark.sample(0.25)
@pytest.mark.parametrize("name", PROGRAMS)
def test_take_x64(name: str) -> None:
    def program(jax: Any) -> Any:
        with jax.enable_x64(True):
            return PROGRAMS[name](jax)

    expected, actual = run_both(program)
    assert_same(expected, actual, title=name)
