"""unique, isin and the sets of one-dimensional arrays: with and without a size, in jit and vmap, as JAX's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from compat.same import assert_same, run_both

X = np.array([3, 1, 2, 1, 3, 3, -4])
Y = np.array([2, 2, 9, 3, -4, 0])
F = np.array([1.5, np.nan, -0.0, 0.0, np.nan, np.inf, 1.5], np.float32)
C = np.array([1 + 1j, complex(np.nan, 2), 1 - 1j, complex(0, np.nan), 1 + 1j], np.complex64)
M = np.array([[1, 2, 1, 2], [0, 0, 0, 0], [1, 2, 1, 2]])
DTYPES = (
    "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 bfloat16 float32 float64 complex64 complex128"
).split()
EVERYTHING = {"return_index": True, "return_inverse": True, "return_counts": True}


def of(jax: Any, dtype: str) -> tuple[Any, Any]:
    return jax.numpy.asarray(abs(X)).astype(dtype), jax.numpy.asarray(abs(Y)).astype(dtype)


def sets(jax: Any, dtype: str) -> Any:
    jnp = jax.numpy
    x, y = of(jax, dtype)
    return (
        jnp.unique(x, **EVERYTHING),
        jnp.unique(x.reshape(1, 7), axis=1, **EVERYTHING),
        jnp.isin(x, y),
        jnp.isin(x, y, invert=True),
        jnp.union1d(x, y),
        jnp.intersect1d(x, y, return_indices=True),
        jnp.setdiff1d(x, y),
        jnp.setxor1d(x, y),
    )


def sized(jax: Any, dtype: str, size: int, fill_value: Any = None) -> Any:
    jnp = jax.numpy
    options = {"size": size, "fill_value": fill_value}

    def every(x: Any, y: Any) -> Any:
        return (
            jnp.unique(x, **EVERYTHING, **options),
            jnp.isin(x, y),
            jnp.union1d(x, y, **options),
            jnp.intersect1d(x, y, return_indices=True, **options),
            jnp.setdiff1d(x, y, **options),
            jnp.setxor1d(x, y, **options),
        )

    x, y = of(jax, dtype)
    several = jnp.stack([x[:6], y[:6], x[:6][::-1]])
    return every(x, y), jax.jit(every)(x, y), jax.vmap(every)(several, several[::-1])


NAMES = ("unique", "union1d", "intersect1d", "setdiff1d", "setxor1d", "isin")


def call(jnp: Any, name: str, *arrays: Any, **options: Any) -> Any:
    return getattr(jnp, name)(*arrays[: 1 if name.startswith("unique") else 2], **options)


PROGRAMS: dict[str, Any] = {
    # by dtype
    **{f"sets {d}": lambda jax, d=d: sets(jax, d) for d in DTYPES},
    **{f"sets of a size {d}": lambda jax, d=d: sized(jax, d, 4) for d in ("bool", "int32", "uint32", "complex64")},
    **{
        f"sets of size {n} filled with {fill}": lambda jax, n=n, fill=fill: sized(jax, "float32", n, fill)
        for n in (1, 9)
        for fill in (None, -7, 2.5)
    },
    **{
        f"{name} of traced values": lambda jax, name=name: jax.jit(lambda x, y: call(jax.numpy, name, x, y))(X, Y)
        for name in NAMES
    },
    **{
        f"{name} of batched values": lambda jax, name=name: jax.vmap(lambda x, y: call(jax.numpy, name, x, y))(M, M)
        for name in NAMES
    },
    **{
        f"{name} of a traced size": lambda jax, name=name: jax.jit(lambda n: call(jax.numpy, name, X, Y, size=n))(3)
        for name in ("unique", "union1d", "setdiff1d")
    },
    **{f"{name} of nothing": lambda jax, name=name: call(jax.numpy, name, X[:0], Y[:0]) for name in NAMES},
    **{
        f"{name} with nothing": lambda jax, name=name: (
            call(jax.numpy, name, X, Y[:0]),
            call(jax.numpy, name, X[:0], Y),
        )
        for name in NAMES
    },
    **{f"{name} of matrices": lambda jax, name=name: call(jax.numpy, name, M, Y.reshape(2, 3)) for name in NAMES},
    **{f"{name} of scalars": lambda jax, name=name: call(jax.numpy, name, 3, 3.0) for name in NAMES},
    **{f"{name} of lists": lambda jax, name=name: call(jax.numpy, name, [3], [3]) for name in NAMES},
    **{
        f"{name} assume_unique": lambda jax, name=name: (
            call(jax.numpy, name, Y[1:], X[4:], assume_unique=True),
            call(jax.numpy, name, Y[1:], X[5:], assume_unique=True, size=3),
        )
        for name in ("intersect1d", "setdiff1d", "setxor1d")
    },
    **{
        f"{name} assume_unique of traced values": lambda jax, name=name: jax.jit(
            lambda x, y: call(jax.numpy, name, x, y, assume_unique=True)
        )(X, Y)
        for name in ("intersect1d", "setdiff1d", "setxor1d")
    },
    **{
        f"{name} assume_unique in grad": lambda jax, name=name: jax.grad(
            lambda x: (call(jax.numpy, name, x, Y * 1.0, assume_unique=True) ** 2).sum()
        )(X[2:5] * 1.0)
        for name in ("intersect1d", "setdiff1d", "setxor1d")
    },
    **{f"{name} in grad": lambda jax, name=name: jax.grad(
        lambda x: (call(jax.numpy, name, x, Y * 1.0) ** 2).sum()
    )(X * 1.0) for name in ("unique", "union1d", "intersect1d", "setdiff1d", "setxor1d")},
    # unique
    "unique NaN": lambda jax: jax.numpy.unique(F, **EVERYTHING),
    "unique NaN apart": lambda jax: jax.numpy.unique(F, equal_nan=False, **EVERYTHING),
    "unique complex": lambda jax: jax.numpy.unique(C, **EVERYTHING),
    "unique complex NaN apart": lambda jax: jax.numpy.unique(C, equal_nan=False),
    "unique rows": lambda jax: jax.numpy.unique(M, axis=0, **EVERYTHING),
    "unique columns": lambda jax: jax.numpy.unique(M, axis=-1, **EVERYTHING),
    "unique rows of a size": lambda jax: jax.numpy.unique(M, axis=0, size=4, **EVERYTHING),
    "unique rows filled": lambda jax: jax.jit(lambda m: jax.numpy.unique(m, axis=0, size=4, fill_value=-1))(M),
    "unique parts of a cube": lambda jax: jax.numpy.unique(np.arange(24).reshape(2, 3, 4) % 4, axis=1, **EVERYTHING),
    "unique inverse of a matrix": lambda jax: jax.numpy.unique(M, return_inverse=True),
    "unique axis out of bounds": lambda jax: jax.numpy.unique(M, axis=2),
    "unique empty rows": lambda jax: jax.numpy.unique(np.zeros((3, 0)), axis=0, **EVERYTHING),
    "unique no rows": lambda jax: jax.numpy.unique(np.zeros((0, 3)), axis=0, **EVERYTHING),
    "unique nothing of a size": lambda jax: jax.numpy.unique(X[:0], size=3),
    "unique nothing of a size filled": lambda jax: jax.numpy.unique(X[:0], size=3, fill_value=7),
    "unique size zero": lambda jax: jax.numpy.unique(X, size=0),
    "unique size too small": lambda jax: jax.numpy.unique(X, size=2, **EVERYTHING),
    "unique size text": lambda jax: jax.numpy.unique(X, size="a"),
    "unique fill_value of another dtype": lambda jax: jax.numpy.unique(X, size=9, fill_value=2.5),
    "unique grad of a size": lambda jax: jax.grad(lambda x: (jax.numpy.unique(x, size=6) ** 2).sum())(X * 1.0),
    "unique jvp of a size": lambda jax: jax.jvp(lambda x: jax.numpy.unique(x, size=6), (X * 1.0,), (X * 1.0,)),
    "unique of keys": lambda jax: jax.numpy.unique(jax.random.split(jax.random.key(0), 3)),
    "unique_all": lambda jax: jax.numpy.unique_all(F),
    "unique_all fields": lambda jax: list(jax.numpy.unique_all(F)._fields),
    "unique_counts": lambda jax: jax.numpy.unique_counts(F, size=9, fill_value=0),
    "unique_inverse": lambda jax: jax.numpy.unique_inverse(M),
    "unique_values": lambda jax: jax.numpy.unique_values(F),
    "unique_values jit": lambda jax: jax.jit(lambda x: jax.numpy.unique_values(x, size=3))(X),
    # isin
    **{
        f"isin {method}": lambda jax, m=method: jax.numpy.isin(X, Y, method=m)
        for method in ("auto", "compare_all", "binary_search", "sort", "other")
    },
    "isin NaN": lambda jax: jax.numpy.isin(F, F),
    "isin promotes": lambda jax: jax.numpy.isin(X, np.array([1.0, 2.5])),
    "isin large": lambda jax: jax.numpy.isin(np.arange(500) % 97, np.arange(400) * 3),
    "isin large floats": lambda jax: jax.numpy.isin(np.append(np.arange(500) / 4, F), np.append(np.arange(400) / 3, F)),
    "isin large inverted": lambda jax: jax.jit(lambda x: jax.numpy.isin(x, np.arange(400) * 3, invert=True))(
        np.arange(500) % 97
    ),
    # sets
    "intersect1d NaN": lambda jax: jax.numpy.intersect1d(F, F),
    "setxor1d NaN": lambda jax: jax.numpy.setxor1d(F, F[:3]),
    "setdiff1d NaN": lambda jax: jax.numpy.setdiff1d(F, F),
    "union1d NaN": lambda jax: jax.numpy.union1d(F, F),
    "union1d promotes": lambda jax: jax.numpy.union1d(X, Y / 2),
    "intersect1d promotes": lambda jax: jax.numpy.intersect1d(X, Y * 1.0, return_indices=True),
    "intersect1d none in common": lambda jax: jax.numpy.intersect1d(X, X + 99, size=2, return_indices=True),
    "setxor1d none": lambda jax: jax.numpy.setxor1d(X, X, size=2),
    "setdiff1d size zero": lambda jax: jax.numpy.setdiff1d(X, Y, size=0),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_sets(name: str) -> None:
    expected, actual = run_both(PROGRAMS[name])
    assert_same(expected, actual, title=name)


@pytest.mark.slow
@pytest.mark.parametrize("name", PROGRAMS)
def test_sets_x64(name: str) -> None:
    def program(jax: Any) -> Any:
        with jax.enable_x64(True):
            return PROGRAMS[name](jax)

    expected, actual = run_both(program)
    assert_same(expected, actual, title=name)
