"""convolve, correlate and the polynomial functions: as JAX's, derivatives and errors too."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from compat.frameworks import run_again
from compat.same import Tolerance, assert_same, run_both

P = np.array([2.0, -3.0, 1.0, 0.5], np.float32)
Q = np.array([1.0, -2.0], np.float32)
X = np.array([0.5, -1.0, 2.0, 3.0, 0.25], np.float32)
Y = np.array([1.0, 2.0, -1.0, 0.5, 4.0], np.float32)
MODES = ("full", "same", "valid")


def both(jax: Any, a: Any, v: Any, **options: Any) -> Any:
    return jax.numpy.convolve(a, v, **options), jax.numpy.correlate(a, v, **options)


PROGRAMS: dict[str, Any] = {
    **{f"convolve {mode}": lambda jax, m=mode: (both(jax, X, P, mode=m), both(jax, Q, X, mode=m)) for mode in MODES},
    **{
        f"convolve {d}": lambda jax, d=d: both(jax, jax.numpy.asarray(X, d), jax.numpy.asarray(P, d))
        for d in ("float16", "bfloat16", "float64", "complex64", "int8", "int32", "uint32", "bool")
    },
    "convolve complex": lambda jax: both(jax, X * (1 + 2j), P * (3 - 1j)),
    "convolve swapped complex": lambda jax: both(jax, Q * (1 + 2j), X * (3 - 1j)),
    **{
        f"convolve integers as {d}": lambda jax, d=d: both(
            jax, np.arange(5), np.array([1, 2, 3]), preferred_element_type=d
        )
        for d in ("int32", "float32", "int8")
    },
    **{
        f"convolve {a} as {b}": lambda jax, a=a, b=b: jax.numpy.convolve(
            jax.numpy.asarray(P, a), jax.numpy.asarray(Q, a), preferred_element_type=b
        )
        for a, b in [
            ("int32", "uint32"), ("float32", "int32"), ("float32", "complex64"), ("float16", "float32"),
            ("float32", "float16"), ("uint8", "int32"), ("bool", "int32"), ("int8", "float16"),
        ]
    },
    "convolve defaults": lambda jax: both(jax, X, Q),
    "convolve mode": lambda jax: jax.numpy.convolve(X, P, mode="other"),
    "convolve matrix": lambda jax: jax.numpy.convolve(X[None], P),
    "convolve empty": lambda jax: jax.numpy.correlate(X, P[:0]),
    "convolve list": lambda jax: jax.numpy.convolve([1.0], P),
    "convolve precision": lambda jax: jax.numpy.convolve(X, P, precision="highest"),
    "convolve precision unknown": lambda jax: jax.numpy.convolve(X, P, precision="other"),
    "convolve jit of vmap": lambda jax: jax.jit(jax.vmap(jax.numpy.convolve, (0, None)))(np.stack([X, Y]), P),
    "convolve vmap of both": lambda jax: jax.vmap(jax.numpy.correlate)(np.stack([X, Y]), np.stack([Q, P[:2]])),
    "convolve grad": lambda jax: jax.grad(lambda x, y: (jax.numpy.convolve(x, y) ** 3).sum(), (0, 1))(X, P),
    "correlate jvp": lambda jax: jax.jvp(jax.numpy.correlate, (X, P), (Y, P[::-1].copy())),
    "convolve hessian": lambda jax: jax.hessian(lambda y: (jax.numpy.convolve(X, y) ** 3).sum())(P),
    # polynomials
    "polyval": lambda jax: (jax.numpy.polyval(P, X), jax.numpy.polyval(P, 2), jax.numpy.polyval(P, X.reshape(5, 1))),
    "polyval integers": lambda jax: jax.numpy.polyval(np.array([1, 2, 3]), np.arange(4)),
    "polyval bool": lambda jax: jax.numpy.polyval(np.array([True, False]), np.array([True, False])),
    "polyval columns": lambda jax: jax.numpy.polyval(P[:, None] * Q, 2.0),
    "polyval shapes": lambda jax: jax.numpy.polyval(P[:, None] * Q, X),
    "polyval empty": lambda jax: jax.numpy.polyval(P[:0], X),
    "polyval unroll": lambda jax: jax.numpy.polyval(P, X, unroll=1),
    "polyval grad": lambda jax: jax.grad(lambda p, x: jax.numpy.polyval(p, x).sum(), (0, 1))(P, X),
    "polyval jit of vmap": lambda jax: jax.jit(jax.vmap(jax.numpy.polyval, (None, 0)))(P, X),
    "polyadd": lambda jax: (jax.numpy.polyadd(P, Q), jax.numpy.polyadd(Q, P), jax.numpy.polyadd(np.arange(3), Q)),
    "polysub": lambda jax: (jax.numpy.polysub(P, Q), jax.numpy.polysub(Q, P), jax.numpy.polysub(np.arange(3), Q)),
    "polymul": lambda jax: (jax.numpy.polymul(P, Q), jax.numpy.polymul(np.arange(3), np.arange(2))),
    "polymul trim": lambda jax: jax.numpy.polymul(np.array([0.0, 0.0, 1.0]), Q, trim_leading_zeros=True),
    "polymul empty": lambda jax: jax.numpy.polymul(P[:0], Q),
    "polydiv": lambda jax: (jax.numpy.polydiv(P, Q), jax.numpy.polydiv(Q, P)),
    "polydiv trim": lambda jax: (
        jax.numpy.polydiv(P, Q, trim_leading_zeros=True),
        jax.numpy.polydiv(Q * 2, Q, trim_leading_zeros=True),
    ),
    "polydiv trim jit": lambda jax: jax.jit(lambda p: jax.numpy.polydiv(p, Q, trim_leading_zeros=True))(P),
    "polyder": lambda jax: [jax.numpy.polyder(P, m) for m in (0, 1, 2, 4)],
    "polyder integers": lambda jax: jax.numpy.polyder(np.arange(4)),
    "polyder negative": lambda jax: jax.numpy.polyder(P, -1),
    "polyint": lambda jax: [jax.numpy.polyint(P, m) for m in (0, 1, 3)],
    "polyint k": lambda jax: (jax.numpy.polyint(P, 2, k=5), jax.numpy.polyint(P, 2, k=Q)),
    "polyint k count": lambda jax: jax.numpy.polyint(P, 3, k=Q),
    "polyint negative": lambda jax: jax.numpy.polyint(P, -1),
    "poly": lambda jax: (jax.numpy.poly(P), jax.numpy.poly(P[:0]), jax.numpy.poly(3)),
    "poly rank": lambda jax: jax.numpy.poly(P[None, None]),
    "poly grad": lambda jax: jax.grad(lambda p: (jax.numpy.poly(p) ** 2).sum())(P),
    "roots": lambda jax: jax.numpy.sort(jax.numpy.roots(np.array([1.0, -6.0, 11.0, -6.0], np.float32))),
    "roots leading zeros": lambda jax: jax.numpy.roots(np.array([0.0, 0.0, 1.0, -2.0], np.float32)),
    "roots not stripped": lambda jax: jax.jit(lambda p: jax.numpy.roots(p, strip_zeros=False))(
        np.array([0.0, 0.0, 1.0, -2.0], np.float32)
    ),
    "roots of zeros": lambda jax: (jax.numpy.roots(np.zeros(3)), jax.numpy.roots(np.zeros(1))),
    "roots of zeros not stripped": lambda jax: jax.numpy.roots(np.zeros(3, np.float32), strip_zeros=False),
    "roots jit": lambda jax: jax.jit(lambda p: jax.numpy.roots(p))(P),
    "roots matrix": lambda jax: jax.numpy.roots(P[None]),
    "polyfit": lambda jax: jax.numpy.polyfit(X, Y, 2),
    "polyfit columns": lambda jax: jax.numpy.polyfit(X, np.stack([Y, X], 1), 2),
    "polyfit full": lambda jax: jax.numpy.polyfit(X, Y, 2, full=True),
    "polyfit w": lambda jax: jax.numpy.polyfit(X, Y, 2, w=np.abs(Y)),
    "polyfit cov": lambda jax: (jax.numpy.polyfit(X, Y, 1, cov=True), jax.numpy.polyfit(X, Y, 1, cov="unscaled")),
    "polyfit cov of columns": lambda jax: jax.numpy.polyfit(X, np.stack([Y, X], 1), 1, cov=True),
    "polyfit cov count": lambda jax: jax.numpy.polyfit(X, Y, 4, cov=True),
    "polyfit negative": lambda jax: jax.numpy.polyfit(X, Y, -1),
    "polyfit lengths": lambda jax: jax.numpy.polyfit(X, Y[1:], 1),
    "polyfit ranks": lambda jax: jax.numpy.polyfit(X[None], Y, 1),
    "polyfit empty": lambda jax: jax.numpy.polyfit(X[:0], Y[:0], 1),
    "polyfit w lengths": lambda jax: jax.numpy.polyfit(X, Y, 1, w=Y[1:]),
    "polyfit grad": lambda jax: jax.grad(lambda y: jax.numpy.polyfit(X, y, 1)[0])(Y),
}
TOLERANCES = {
    name: Tolerance(factor=40, normwise=True) for name in PROGRAMS if name.split()[0] in ("polyfit", "roots", "convolve")
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_polynomial(name: str) -> None:
    expected, actual = run_both(PROGRAMS[name])
    assert_same(expected, actual, TOLERANCES.get(name, Tolerance()), title=name)


@pytest.mark.parametrize("name", PROGRAMS)
def test_polynomial_x64(name: str) -> None:
    def program(jax: Any) -> Any:
        with jax.enable_x64(True):
            return run_again(__file__)["PROGRAMS"][name](jax)

    expected, actual = run_both(program)
    assert_same(expected, actual, TOLERANCES.get(name, Tolerance()), title=name)
