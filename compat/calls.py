"""Calls as text: one line is one call, made in both frameworks on the same arrays, and compared.

For what a table cannot say: single arguments, defaults, every kind of wrong argument. `params(text)` gives the
lines of a block to pytest; `outcome(line)` is evaluated with `jax`, `jnp`, `np` and the names of `arrays`.
"""

from __future__ import annotations

import functools
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from compat import frameworks
from compat.same import Tolerance, assert_same, run_both

SUMS = Tolerance(factor=4, normwise=True)


def params(block: str) -> list[Any]:
    """The lines of a block, each a test that is named after it."""
    lines = [line.strip() for line in block.strip().splitlines()]
    return [pytest.param(line, id=line) for line in lines if line and not line.startswith("#")]


def numbers() -> dict[str, Any]:
    """The arrays that lines are written with, in numpy: f for float32, then others by dtype, then odd ones."""
    rng = np.random.default_rng(20)
    f3 = rng.normal(size=(2, 3, 4)).astype(np.float32)
    i2 = rng.integers(-5, 6, (3, 4)).astype(np.int32)
    return {
        "x": np.arange(6.0, dtype=np.float32).reshape(2, 3),
        "v4": np.array([1, 2, 3, 4], np.float32),
        "f1": f3[0, 0],
        "f2": f3[0],
        "f3": f3,
        "h2": f3[0].astype(np.float16),
        "b2": f3[0].astype(ml_dtypes.bfloat16),
        "f8": np.array([1, 2, 0.5], ml_dtypes.float8_e4m3fn),
        "c2": (f3[0] + 1j * f3[1]).astype(np.complex64),
        "i2": i2,
        "i8": i2.astype(np.int8),
        "i16": i2.astype(np.int16),
        "u8": (i2 % 7).astype(np.uint8),
        "u16": (i2 % 7).astype(np.uint16),
        "u32": (i2 % 7).astype(np.uint32),
        "bo": i2 > 0,
        "m": i2 > -2,
        "q4": np.array([1, -3, 7], ml_dtypes.int4),
        "e0": np.zeros((0, 3), np.float32),
        "nan2": np.where(i2 > 2, np.nan, f3[0]).astype(np.float32),
        "inf1": np.array([np.inf, -np.inf, np.nan, 0, -0.0, 1], np.float32),
        "tie": np.array([[1, 2, 2], [2, 1, 0]], np.float32),
    }


@functools.lru_cache(8)
def arrays(jax: Any, x64: bool) -> dict[str, Any]:
    """The same in a framework's hands, and `w`, which is weakly typed."""
    jnp = jax.numpy
    known = {name: jnp.array(value, dtype=value.dtype) for name, value in numbers().items()}
    return {**known, "w": jnp.asarray(1.0), "nf": numbers()["f2"], "ni": numbers()["i2"]}


def check(line: str, x64: bool = False, tolerance: Tolerance = SUMS) -> None:
    """Fail unless the line ends in the same way in both frameworks."""
    __tracebackhide__ = True

    def program(jax: Any) -> Any:
        return eval(line, {"jax": jax, "jnp": jax.numpy, "np": np, **arrays(jax, x64)})

    with frameworks.x64(x64):
        expected, actual = run_both(program)
    assert_same(expected, actual, tolerance, line)
