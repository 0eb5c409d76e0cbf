"""jax.scipy.sparse.linalg: solvers and the derivatives of solutions; lax.custom_linear_solve below them."""

from __future__ import annotations

import numpy as np
import pytest

from compat.same import Tolerance, assert_same, run_both

RNG = np.random.default_rng(5)
CLOSE = Tolerance(4000, normwise=True)
GENERAL = (RNG.normal(size=(6, 6)) / 3 + 3 * np.eye(6)).astype("float32")
DEFINITE = (GENERAL @ GENERAL.T).astype("float32")
COMPLEX = (GENERAL + 0.3j * GENERAL.T).astype("complex64")
B = RNG.normal(size=6).astype("float32")
OPTIONS = {"cg": [{}], "bicgstab": [{}], "gmres": [{}, {"solve_method": "incremental"}, {"restart": 3}]}


def solver(jax, name):
    return getattr(jax.scipy.sparse.linalg, name)


def matrix(name):
    return DEFINITE if name == "cg" else GENERAL


def each(program) -> None:
    for name, many in OPTIONS.items():
        for options in many:
            assert_same(*run_both(program, name, options), CLOSE, title=f"{name} {options}")


def test_solutions() -> None:
    def program(jax, name, options):
        solve, a = solver(jax, name), matrix(name)
        diagonal = np.diag(1 / np.diag(a)).astype("float32")
        return [
            solve(a, B, **options),
            solve(lambda x: a @ x, B, x0=B, M=diagonal, **options),
            solve(lambda x: {"u": 3 * x["u"], "v": 2 * x["v"]}, {"u": B, "v": B[:2]}, **options),
            jax.jit(lambda b: solve(a, b, tol=1e-6, **options)[0])(B),
        ]

    each(program)


@pytest.mark.slow
def test_derivatives() -> None:
    def program(jax, name, options):
        def loss(a, b):
            return (solver(jax, name)(a, b, tol=1e-7, **options)[0] ** 2).sum()

        a = jax.numpy.asarray(matrix(name))
        return (
            jax.grad(loss, (0, 1))(a, B),
            jax.jvp(loss, (a, jax.numpy.asarray(B)), (a * 0.1, jax.numpy.asarray(B))),
            jax.jit(jax.grad(loss))(a, B),
        )

    each(program)


def test_complex_systems() -> None:
    definite = COMPLEX @ COMPLEX.conj().T
    for program in (
        lambda jax: jax.scipy.sparse.linalg.cg(definite, B.astype("complex64")),
        lambda jax: jax.scipy.sparse.linalg.bicgstab(COMPLEX, B.astype("complex64")),
        lambda jax: jax.scipy.sparse.linalg.gmres(COMPLEX, B.astype("complex64")),
    ):
        assert_same(*run_both(program), CLOSE)


@pytest.mark.slow
def test_vmap() -> None:
    stacked = np.stack([B, 2 * B, B * 0])
    for name in OPTIONS:
        assert_same(
            *run_both(lambda jax, name=name: jax.vmap(lambda b: solver(jax, name)(matrix(name), b)[0])(stacked)), CLOSE
        )


def test_errors() -> None:
    for program in (
        lambda jax: jax.scipy.sparse.linalg.cg(GENERAL[:2], B),
        lambda jax: jax.scipy.sparse.linalg.cg("x", B),
        lambda jax: jax.scipy.sparse.linalg.cg(GENERAL, B, x0=(B,)),
        lambda jax: jax.scipy.sparse.linalg.gmres(GENERAL, B, solve_method="x"),
    ):
        assert_same(*run_both(program))


def test_custom_linear_solve() -> None:
    def program(jax):
        def solve(matvec, b):
            a = jax.jacobian(matvec)(b)
            return jax.numpy.linalg.solve(a, b)

        def solution(a, b, **options):
            return jax.lax.custom_linear_solve(lambda x: a @ x, b, solve, **options)

        def loss(a, b):
            return (solution(a, b, transpose_solve=solve) ** 2).sum()

        a, b = jax.numpy.asarray(GENERAL), jax.numpy.asarray(B)
        with_aux = jax.lax.custom_linear_solve(lambda x: a @ x, b, lambda m, v: (solve(m, v), {"n": 2.0 * v}), has_aux=True)
        return (
            solution(a, b),
            jax.grad(loss, (0, 1))(a, b),
            jax.hessian(loss, 1)(a, b),
            jax.jvp(solution, (a, b), (a, b)),
            jax.vmap(solution, (None, 0))(a, jax.numpy.stack([b, b * 2])),
            with_aux,
        )

    assert_same(*run_both(program), CLOSE)
