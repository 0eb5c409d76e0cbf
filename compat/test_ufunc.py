"""The ufunc objects of jax.numpy: their facts, their methods, wrong arguments, and `frompyfunc`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from compat.calls import check

ARITHMETIC = "add subtract multiply maximum minimum logaddexp logaddexp2"
BITS = "bitwise_and bitwise_or bitwise_xor"
LOGIC = "logical_and logical_or logical_xor"

EVERY = """
repr({f}), {f}.nin, {f}.nout, {f}.nargs, {f}.identity, {f}.__name__, {f} == {f}, hash({f}) == hash({f})
{f}(x, 2), {f}(2, 3), {f}(x, x, out=None, where=None)
{f}(x)
{f}.reduce(x), {f}.reduce(x, axis=1), {f}.reduce(x, axis=-1, keepdims=True), {f}.reduce(x, axis=None)
{f}.reduce(x, where=x > 1, initial=1)
{f}.reduce(x, where=x > 1)
{f}.accumulate(x), {f}.accumulate(x, axis=1)
{f}.reduceat(v, np.array([0, 2, 1])), {f}.reduceat(x, np.array([1, 1]), axis=1)
{f}.outer(v, x)
{f}.at(v, np.array([0, 0, 2]), 3, inplace=False), {f}.at(x, (np.array([0, 1, 0]), np.array([1, 1, 1])), v[:3], inplace=False)
{f}.at(v, 1, 3, inplace=False)
{f}.reduce(v[:0])
jax.jit({f}.reduce)(x), jax.vmap({f})(x, x), jax.vmap({f}.reduce)(x), jax.jit({f}.accumulate)(x)
"""
WRONG = """
jnp.add(x, x, out=x)
jnp.add(x, x, where=True)
jnp.add(x, x, other=True)
jnp.add(x)
jnp.add([1], 2)
jnp.negative(None)
jnp.add.reduce([1, 2])
jnp.add.reduce(x, axis=2)
jnp.add.reduce(x, axis=[0])
jnp.subtract.reduce(x, axis=(0, 1))
jnp.add.reduce(x, out=x)
jnp.add.reduce(x, where=x, initial=0)
jnp.maximum.reduce(x, where=x > 1)
jnp.negative.reduce(x)
jnp.negative.accumulate(x)
jnp.negative.outer(x, x)
jnp.negative.reduceat(x, np.array([0]))
jnp.subtract.accumulate(x, axis=None)
jnp.subtract.accumulate(x, axis=2)
jnp.add.accumulate(x, out=x)
jnp.bitwise_and.reduce(x)
jnp.bitwise_and.reduce(i2, dtype="float32")
jnp.add.reduceat(x, [0, 1])
jnp.add.reduceat(x, np.array([[0, 1]]))
jnp.add.reduceat(3.0, np.array([0]))
jnp.add.reduceat(x, np.array([0]), axis=(0,))
jnp.add.at(x, 0, 1)
jnp.add.at(x, [0], 1, inplace=False)
jnp.add.at(x, slice(0, 2), 1, inplace=False)
setattr(jnp.add, "nin", 3)
"""
OWN = """
repr(jnp.frompyfunc(max, 2, 1)), jnp.frompyfunc(max, 2, 1).nargs, jnp.frompyfunc(max, 2, 1, identity=1).identity
jnp.frompyfunc(lambda a, b: a * b, 2, 1, identity=1)(x, 2.0)
jnp.frompyfunc(lambda a, b: (a * b, a + b), 2, 2)(x, v4[:3])
jnp.frompyfunc(lambda a, b: a * b, 2, 1, identity=1).reduce(x, axis=1, where=x > 1)
jnp.frompyfunc(lambda a, b: a + 2 * b, 2, 1).reduce(x, axis=None, keepdims=True)
jnp.frompyfunc(lambda a, b: a + 2.5 * b, 2, 1).reduce(i8)
jnp.frompyfunc(lambda a, b: a + 2 * b, 2, 1).accumulate(x, axis=1)
jnp.frompyfunc(lambda a, b: a + 2.5 * b, 2, 1).accumulate(i8)
jnp.frompyfunc(lambda a, b: a + 2 * b, 2, 1).at(v4, np.array([0, 0, 2]), 2.0, inplace=False)
jnp.frompyfunc(lambda a, b: a + 2 * b, 2, 1).reduceat(v4, np.array([0, 2]))
jnp.frompyfunc(lambda a, b: a + 2 * b, 2, 1).outer(v4, x)
jnp.frompyfunc(lambda a, b: a * b, 2, 1).reduce(v4[:0])
jnp.frompyfunc(lambda a, b: (a * b, a + b), 2, 2).reduce(x)
jnp.frompyfunc(lambda a, b: (a * b, a + b), 2, 2).outer(x, x)
jnp.frompyfunc(lambda a: 1 if a > 0 else 2, 1, 1)(x)
jnp.frompyfunc(lambda a, b: a * b, 2, 1)([1, 2], 3)
jnp.frompyfunc(lambda a, b: a * b, 2.0, 1)
jnp.ufunc(lambda a, b: a * b, 2, 1, name="f", nargs=3).nargs
jnp.negative.at(v4, np.array([0, 0, 2]), inplace=False), jnp.negative.nin, jnp.negative.identity
jax.grad(lambda a: jnp.multiply.reduce(a))(v4)
jax.grad(lambda a: jnp.subtract.reduce(a))(v4)
jax.grad(lambda a: jnp.logaddexp.accumulate(a).sum())(v4)
jnp.add.at(bo, 0, True, inplace=False), jnp.multiply.at(bo, 0, False, inplace=False)
"""


def lines(block: str) -> Iterator[str]:
    """The lines of a block that are not empty."""
    return (line for line in block.splitlines() if line)


def some(names: str, quick: str) -> list[Any]:
    """The names as parameters, those that are not in ``quick`` marked as slow."""
    marks = {False: (pytest.mark.slow,), True: ()}
    return [pytest.param(name, marks=marks[name in quick.split()]) for name in names.split()]


@pytest.mark.parametrize("name", some(f"{ARITHMETIC} {BITS} {LOGIC}", "add subtract bitwise_xor logical_or logaddexp"))
def test_methods(name: str) -> None:
    bits = name in BITS.split()
    for line in lines(EVERY):
        written = line.format(f=f"jnp.{name}")
        check(f"(lambda x, v: ({written}))({'i2[:2, :3], i2[0]' if bits else 'x, v4'})")


def test_wrong_arguments() -> None:
    for line in lines(WRONG):
        check(line)


def test_own_functions() -> None:
    for line in lines(OWN):
        check(line)


@pytest.mark.parametrize("dtype", some("bo i8 u8 u32 h2 b2", "bo u32"))
def test_dtypes(dtype: str) -> None:
    names = [*ARITHMETIC.split(), *LOGIC.split(), *(BITS.split() if dtype in ("bo", "i8", "u8", "u32") else [])]
    for name in names:
        if (name, dtype) != ("subtract", "bo"):
            check(f"jnp.{name}.reduce({dtype}), jnp.{name}.accumulate({dtype}), jnp.{name}.reduce({dtype}, axis=None)")


def test_names_of_parameters() -> None:
    for line in ("jnp.arctan2(x)", "jnp.fmax(x1=x, x2=x)", "jnp.sin(x=x)", "jax.scipy.special.xlogy(x=x, y=x)"):
        check(line)
