"""Functions of complex numbers with infinite parts, and of some that overflow."""

from __future__ import annotations

import numpy as np
import pytest

from compat.same import same_in_both

PARTS = np.array([0.0, 1.0, -2.0, np.inf, -np.inf, np.nan], np.float32)
EVERY = np.array([complex(a, b) for a in PARTS for b in PARTS], np.complex64)
UNARY = "exp exp2 expm1 log sqrt sin cos tan sinh cosh tanh square reciprocal".split()


@pytest.mark.parametrize("name", UNARY)
@same_in_both
def test_unary(jax, name):
    x = jax.numpy.asarray(EVERY)
    return getattr(jax.numpy, name)(x), jax.jit(getattr(jax.numpy, name))(x[::5])


@pytest.mark.parametrize("name", "exp expm1 log sqrt sin cosh tanh square".split())
@same_in_both
def test_strict_unary(jax, name):
    return getattr(jax.lax, name)(jax.numpy.asarray(EVERY))


@same_in_both
def test_power(jax):
    x, y = np.repeat(EVERY[6:], 36), np.tile(EVERY, 30)
    known = np.isfinite(x) & (np.abs(x) != 1) & (y.imag == y.imag) | (y == 0)  # elsewhere JAX's parts differ with size
    return jax.numpy.power(jax.numpy.asarray(x[known]), jax.numpy.asarray(y[known]))


@same_in_both
def test_finite_by_infinite(jax):
    y = EVERY[~np.isnan(EVERY) & np.isinf(EVERY)]
    x = jax.numpy.asarray([1 + 2j, -3j, 4.0])
    return x[:, None] / jax.numpy.asarray(y), jax.lax.div(x[:1], jax.numpy.asarray(y[:1]))


@same_in_both
def test_slopes_elsewhere(jax):
    x = jax.numpy.asarray(np.array([1 + 2j, -0.5j], np.complex64))
    functions = [jax.numpy.exp, jax.numpy.square, jax.numpy.reciprocal, lambda x: x ** (0.5 + 1j), lambda x: x / (x + 1)]
    functions += [jax.lax.expm1, jax.lax.exp2, jax.lax.logistic, lambda x: jax.lax.expm1(x.real + 0j)]
    slopes = [jax.grad(lambda x, f=f: jax.numpy.sum(f(x)).real)(x) for f in functions]
    return slopes, [jax.jvp(lambda x, f=f: jax.jvp(f, (x,), (x,))[1], (x,), (x,)) for f in functions]


@same_in_both
def test_cuts(jax):
    """On which side of a cut -0.0 is: of many numbers as of few, and after a change of sign."""
    parts = np.array([0.0, -0.0, 1.0, -1.0, 2.0, -2.0], np.float32)
    z = jax.numpy.asarray(np.array([complex(a, b) for a in parts for b in parts], np.complex64))
    names = "sqrt log log2 log10 log1p arcsin arccos arctan arcsinh arccosh arctanh".split()
    away = np.asarray((jax.numpy.abs(z) != 1) & (z != 0))  # from poles
    found = {name: getattr(jax.numpy, name)(x[away]) for name in names for x in (z, -z)}
    return found, jax.jit(lambda z: jax.lax.log(-z[:12]))(z + 1), [jax.numpy.sqrt(-z[k]) for k in (12, 24)]
