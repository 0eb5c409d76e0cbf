"""Where the inputs of a case come from: one function per domain, from a numpy Generator to an array.

A domain is drawn for one sample's shape and a dtype by name. Integers stay small, so that products do not
leave the range of int8; floats are rounded to bfloat16's seven bits where a narrow dtype is asked for anyway.
"""

from __future__ import annotations

from collections.abc import Callable

import ml_dtypes
import numpy as np

Domain = Callable[[np.random.Generator, tuple[int, ...], str], np.ndarray]


def numpy_dtype(name: str) -> np.dtype:
    """The numpy dtype that `name` means, bfloat16 and its kin included."""
    return np.dtype(getattr(ml_dtypes, name, None) or name)


def _cast(values: np.ndarray, dtype: str) -> np.ndarray:
    return np.asarray(values).astype(numpy_dtype(dtype))


def _is(dtype: str, *prefixes: str) -> bool:
    return dtype.startswith(prefixes)


def REAL(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """Values of both signs; False and True for bool; from 0 for unsigned integers."""
    if dtype == "bool":
        return rng.integers(0, 2, shape).astype(bool)
    if _is(dtype, "uint"):
        return _cast(rng.integers(0, 8, shape), dtype)
    if _is(dtype, "int"):
        return _cast(rng.integers(-6, 7, shape), dtype)
    if _is(dtype, "complex"):
        return _cast(rng.normal(size=shape) + 1j * rng.normal(size=shape), dtype)
    return _cast(2 * rng.normal(size=shape), dtype)


def between(low: float, high: float) -> Domain:
    """Uniform floats of an interval; for integers the whole numbers in it."""

    def domain(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> np.ndarray:
        if dtype == "bool":
            return rng.integers(0, 2, shape).astype(bool)
        if _is(dtype, "int", "uint"):
            least = max(np.ceil(low), 0) if _is(dtype, "uint") else np.ceil(low)
            return _cast(rng.integers(int(least), max(int(np.floor(high)), int(least)) + 1, shape), dtype)
        values = rng.uniform(low, high, shape)
        if _is(dtype, "complex"):
            values = values + 1j * rng.uniform(-1, 1, shape)
        return _cast(values, dtype)

    return domain


POSITIVE = between(0.1, 5)
UNIT = between(-0.9, 0.9)
ABOVE_ONE = between(1.1, 5)
PROBABILITY = between(0.05, 0.95)
INDEX = between(0, 2)  # for an axis of three or more
SHIFT = between(0, 7)


def NONZERO(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """Away from zero, of both signs where the dtype has them."""
    values = REAL(rng, shape, dtype)
    return np.where(np.abs(values.astype(complex)) < 0.25, _cast(np.ones(shape), dtype), values).astype(values.dtype)


def DISTINCT(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """All entries different and well apart: for what has a kink at ties."""
    size = int(np.prod(shape, dtype=int))
    values = rng.permutation(size).reshape(shape) - (0 if _is(dtype, "uint") else size // 2)
    return _cast(values * (0.5 if not _is(dtype, "int", "uint", "bool") else 1), dtype)


def TIED(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """From -1, 0, 1 and 2 only: kinks, bounds and ties."""
    low = 0 if _is(dtype, "uint", "bool") else -1
    return _cast(rng.integers(low, 3, shape), dtype)


def EDGES(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """NaN, infinities, both zeros, the extremes of the type, ordinary values; a vector, whatever `shape`."""
    del rng, shape
    if dtype == "bool":
        return np.array([False, True])
    if _is(dtype, "int", "uint"):
        info = ml_dtypes.iinfo(numpy_dtype(dtype))
        return np.array([info.min, info.min + 1, 0, 1, 2, 7, info.max - 1, info.max], numpy_dtype(dtype))
    if _is(dtype, "complex"):
        return np.array([0, 1, 1j, -1, -1j, 1 + 1j, -2 + 0.5j, 3 - 4j], dtype)
    info = ml_dtypes.finfo(numpy_dtype(dtype))
    values = [
        np.nan,
        np.inf,
        -np.inf,
        0.0,
        -0.0,
        1.0,
        -1.0,
        0.5,
        -0.5,
        1.5,
        -2.5,
        3.0,
        float(info.tiny),
        float(info.max),
    ]
    return _cast(np.array(values), dtype)


def SQUARE(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """Well-conditioned square matrices: noise on a dominant diagonal."""
    n = shape[-1]
    return _cast(REAL(rng, shape, "complex128" if _is(dtype, "complex") else "float64") / 4 + 2 * np.eye(n), dtype)


def POSDEF(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """Symmetric (Hermitian) positive definite matrices with separated eigenvalues."""
    n = shape[-1]
    a = REAL(rng, shape, "complex128" if _is(dtype, "complex") else "float64") / 4
    return _cast(a @ np.swapaxes(a.conj(), -1, -2) + np.diag(1.0 + np.arange(n)), dtype)


def KEY(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """A raw threefry key: two words of 32 bits, whatever `shape`."""
    del shape
    return rng.integers(0, 2**32, 2, dtype=np.uint32).astype(dtype)
