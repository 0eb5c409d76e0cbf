"""jax.numpy.linalg, jax.scipy.linalg and products, call by call: ranks, options, matrices that are not finite,
wrong arguments; and second derivatives in every nesting.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from compat.calls import check
from compat.same import Tolerance, assert_same, run_both, same_in_both, sampled

EVERY = "eigh eigvalsh svd svdvals qr inv det slogdet cholesky pinv eig eigvals matrix_rank cond"
ONE = """
jnp.linalg.{f}(f1)
jnp.linalg.{f}([[1.0, 2.0], [3.0, 4.0]])
jnp.linalg.{f}(jnp.zeros((0, 0)))
jnp.linalg.{f}(jnp.zeros((0, 2, 2)))
jnp.linalg.{f}(jnp.eye(3).at[0, 2].set(jnp.nan)) if '{f}' != 'qr' else 0
jnp.linalg.{f}(jnp.diag(v4[:2]).astype('float16')) if '{f}' in ('det', 'slogdet', 'inv') else 0
"""
WRONG = """
jnp.linalg.{f}(x)
"""
NORMS = """
[jnp.linalg.norm(f1, o) for o in (None, 0, 1, 2, -1, -2, 3, 0.5, jnp.inf, -jnp.inf)]
[jnp.linalg.norm(f2, o) for o in (None, 'fro', 'nuc', 1, -1, 2, -2, jnp.inf, -jnp.inf)]
[jnp.linalg.norm(f3, o, axis=(0, 2), keepdims=True) for o in (None, 'fro', 'nuc', 1, 2, jnp.inf)]
jnp.linalg.norm(f3, 1)
jnp.linalg.norm(f2, 'x')
jnp.linalg.norm(f1, 'fro')
jnp.linalg.norm(f2, axis=(0, 0))
jnp.linalg.norm(f2, axis=2)
jnp.linalg.norm(f1[:0], jnp.inf), jnp.linalg.norm(e0, 2), jnp.linalg.norm(f1[:0])
jnp.linalg.norm(f1[:0], -jnp.inf)
jnp.linalg.matrix_norm(f1)
jnp.linalg.vector_norm(f2, ord='fro')
"""
OTHERS = """
jnp.linalg.svd(f2, full_matrices=False, subset_by_index=(0, 1))
jnp.linalg.svd(f2, subset_by_index=(0, 1))
jnp.linalg.qr(f2, mode='x')
jnp.linalg.slogdet(f2[:, :3], method='x')
jnp.linalg.cond(f2, 1)
jnp.linalg.lstsq(f2, f1)
jnp.linalg.lstsq(f3, f1[:2])
jnp.linalg.solve(f3[:, :, :3], f2[:, :2]), jnp.linalg.solve(f3[:, :, :3], v4[:3])
jnp.linalg.solve(f3[:, :, :3], jnp.ones((2, 3)))
jnp.linalg.solve(f1, f1)
jnp.linalg.tensorinv(f3, 1)
jnp.linalg.tensorsolve(f3, f2)
jnp.linalg.cross(f2[:, :2], f2[:, :2])
jnp.linalg.trace(f1)
jnp.linalg.diagonal(f1)
jnp.linalg.multi_dot([f2, f2])
jnp.matvec(f3, f2)
jnp.vecmat(f2, f3)
jnp.matmul(f2, f2.T, precision='x')
jnp.tensordot(f2, f2, axes='x')
jnp.einsum('ij,jk->ik', f2, f2)
jnp.einsum('ij,jk->ik', None, f2)
jnp.einsum_path('ij,jk,kl->il', f2, f2.T, f2)[0]
jnp.sum(f2, where=m[0, :3])
jax.jit(jnp.linalg.eigh)(jnp.eye(3).at[0, 2].set(jnp.nan)), jax.vmap(jnp.linalg.svdvals)(f3.at[0, 0, 0].set(jnp.nan))
jnp.linalg.cholesky(-jnp.eye(3)), jnp.linalg.cholesky(jnp.eye(3).at[1, 1].set(jnp.nan))
"""
SCIPY = """
sl.cholesky([[2.0, 1], [1, 2]]), sl.cholesky(jnp.zeros((0, 0))), sl.cholesky(jnp.eye(3).at[1, 2].set(jnp.nan))
sl.cholesky(f1)
sl.cho_solve((jnp.stack([jnp.eye(3) * 2] * 2), True), f3)
sl.cho_solve((jnp.stack([jnp.eye(3) * 2] * 3), False), f3[:1, :, :3].repeat(3, 0)[:, 0])
sl.cho_solve((f2, True), f1)
sl.cho_solve((h2[:3, :3], True), h2)
sl.solve_triangular(f3[:, :, :3], f2), sl.solve_triangular([[1.0, 2], [0, 3]], [1, 2])
sl.solve_triangular(f2, f1)
sl.solve([[2.0, 1], [1, 2]], [1, 2], assume_a='pos'), sl.solve(-jnp.eye(3), f1[:3], assume_a='pos')
sl.solve(jnp.eye(3), f1, assume_a='pos')
sl.lu_factor(f1)
sl.lu_factor(h2[:3, :3])
sl.lu_solve(sl.lu_factor(f3[:, :, :3]), f3), sl.lu_solve(sl.lu_factor(f2[:, :3]), f1[:3], trans=1)
sl.lu_solve(sl.lu_factor(f2[:, :3]), f1)
sl.expm(f2)
sl.svd([[1.0, 2], [3, 4]], compute_uv=False)
sl.toeplitz(2.0), sl.toeplitz(u16), sl.toeplitz(f2, i2[0]), sl.circulant(1.0), sl.circulant(u16)
sl.hankel(u16), sl.hankel(f1, i2)
sl.hankel(2.0)
sl.pascal(-1), sl.pascal(3, 'lower'), sl.pascal(3, 'upper')
sl.pascal(3, 'x')
sl.hadamard(3)
sl.dft(3, 'x')
sl.dft(3, dtype='float32')
jax.lax.linalg.triangular_solve(h2[:3, :3], h2, left_side=True)
jax.lax.linalg.lu(b2[:3, :3])
jnp.linalg.slogdet(f2[:, :3].at[2, 2].set(jnp.inf)), jnp.linalg.slogdet(jnp.zeros((2, 2)))
jax.grad(jnp.linalg.det)(jnp.diag(v4.at[3].set(0))), jax.grad(jnp.linalg.det)(jnp.diag(v4.at[2].set(0)))
"""


@pytest.mark.parametrize("name", EVERY.split())
def test_decompositions(name: str) -> None:
    for line in (ONE + WRONG * (name not in ("svd", "qr", "pinv"))).strip().splitlines():
        if line:
            check(line.format(f=name))


def test_norms() -> None:
    for line in NORMS.strip().splitlines():
        check(line)


def test_other_calls() -> None:
    for line in OTHERS.strip().splitlines():
        check(line)


def test_scipy_calls() -> None:
    for line in SCIPY.strip().splitlines():
        check(line.replace("sl.", "jax.scipy.linalg."))


# Functions of a well-conditioned matrix. In torch the tangent of a tangent of some lacks terms.
TWICE = {
    "solve": lambda jax, a: jax.numpy.linalg.solve(a, a @ a.T),
    "solve of a constant": lambda jax, a: jax.numpy.linalg.solve(a, jax.numpy.arange(3.0)),
    "inv": lambda jax, a: jax.numpy.linalg.inv(a),
    "det": lambda jax, a: jax.numpy.linalg.det(jax.scipy.linalg.block_diag(a, a[:1, :1])),
    "slogdet": lambda jax, a: jax.numpy.linalg.slogdet(a)[1],
    "solve pos": lambda jax, a: jax.scipy.linalg.solve(a @ a.T, a, assume_a="pos"),
    "cholesky": lambda jax, a: jax.scipy.linalg.cholesky(a, lower=True),
    "triangle": lambda jax, a: jax.scipy.linalg.solve_triangular(a, a @ a),
    "lu": lambda jax, a: jax.scipy.linalg.lu_factor(a)[0],
    "qr": lambda jax, a: jax.numpy.linalg.qr(a)[1],
    "pinv": lambda jax, a: jax.numpy.linalg.pinv(a[:, :2]),
    "expm": lambda jax, a: jax.scipy.linalg.expm(a),
    "gammaln": lambda jax, a: jax.scipy.special.gammaln(a),
}


@pytest.mark.parametrize("name", sampled(TWICE, slow="solve; solve pos; triangle; lu; qr; pinv; expm; cholesky"))
@same_in_both(x64=True, tolerance=Tolerance(factor=100, normwise=True))
def test_second_derivatives(jax, name, rng):
    a, along, turn = (rng.normal(size=(3, 3)) / 4 + shift * np.eye(3) for shift in (2, 0, 0))

    def moved(a, along):
        return jax.jvp(lambda a: TWICE[name](jax, a), (a,), (along,))[1]

    def total(a, along):
        return jax.numpy.sum(moved(a, along) * np.cos(np.arange(3.0)))

    forward = jax.jvp(moved, (a, along), (turn, turn.T))[1]
    return forward, jax.jit(jax.grad(total, (0, 1)))(a, along), jax.vmap(jax.grad(total), (None, 0))(a, along[None])


@pytest.mark.parametrize("dtype", ["float32", "complex64"])
@pytest.mark.parametrize("n", [1, 2, 3, 7, 20])
def test_eigenvectors_are_those_of_jax(n: int, dtype: str) -> None:
    """Eigenvectors are free up to a factor; the same LAPACK gives the same ones, in a batch, a trace, a derivative too."""
    rng = np.random.RandomState(n)
    a = (rng.randn(2, n, n) + (1j * rng.randn(2, n, n) if dtype == "complex64" else 0)).astype(dtype)

    def program(jax: Any) -> Any:
        eigh = jax.numpy.linalg.eigh
        h = a + a.conj().swapaxes(-1, -2)
        return (
            [f(a, UPLO, symmetrize_input=False) for UPLO in "LU" for f in (eigh, jax.jit(eigh, static_argnums=1, static_argnames="symmetrize_input"))],
            jax.vmap(eigh)(a),
            eigh(a[0]),
            jax.lax.linalg.eigh(jax.numpy.asarray(a[1])),
            jax.jvp(lambda x: eigh(x).eigenvalues, (h,), (a,)),
            jax.vjp(lambda x: eigh(x).eigenvalues, h)[0],
        )

    assert_same(*run_both(program), Tolerance(factor=40, normwise=True))


@pytest.mark.parametrize("dtype", ["float32", "complex64"])
@pytest.mark.parametrize("shape", [(1, 1), (3, 2), (2, 5), (7, 7), (40, 12), (5, 33)])
def test_singular_vectors_are_those_of_jax(shape: tuple[int, int], dtype: str) -> None:
    """The same vectors, not others that would do; and all derivatives, of complex matrices too."""
    rng = np.random.RandomState(sum(shape))
    a = (rng.randn(2, *shape) + (1j * rng.randn(2, *shape) if dtype == "complex64" else 0)).astype(dtype)

    def program(jax: Any) -> Any:
        svd = jax.numpy.linalg.svd
        thin = lambda x: svd(x, full_matrices=False)  # noqa: E731
        outs, pull = jax.vjp(thin, a)
        along = a[::-1].copy()
        return (
            [f(a) for f in (svd, jax.jit(svd), jax.vmap(thin), jax.jit(thin))],
            thin(a[0]),
            svd(a[1]),
            jax.lax.linalg.svd(jax.numpy.asarray(a)),
            pull(jax.tree.map(lambda y: jax.numpy.full_like(y, 0.3), outs)),
            jax.jvp(thin, (a,), (along,)),
            jax.jvp(lambda x: jax.jvp(thin, (x,), (along,))[1], (a,), (along,))[1],
        )

    assert_same(*run_both(program), Tolerance(factor=100, normwise=True))


@same_in_both
def test_singular_vectors_that_have_no_derivative(jax):
    return jax.jvp(jax.numpy.linalg.svd, (np.ones((2, 3), np.float32),), (np.ones((2, 3), np.float32),))


@same_in_both
def test_singular_values_of_odd_matrices(jax):
    svd = jax.numpy.linalg.svd
    empty = [np.zeros(s, d) for s in ((0, 0), (3, 0), (2, 0, 3), (0, 2, 2)) for d in ("float32", "complex64")]
    return [svd(x, full_matrices=full) for x in empty for full in (True, False)], svd(np.array([[1, np.nan], [2, 3]], "float32"))


EQUAL = {"identity": np.eye(3), "zeros": np.zeros((3, 3)), "two equal": np.diag([1.0, 1, 2]), "complex": np.array([[2, 1j], [-1j, 2]])}


@pytest.mark.parametrize("name", list(EQUAL))
@same_in_both
def test_slopes_of_equal_values(jax, name):
    """Eigenvalues and singular values that are equal have derivatives, though their vectors have none."""
    dtype = "complex64" if name == "complex" else "float32"
    x, weights = jax.numpy.asarray(EQUAL[name].astype(dtype)), np.arange(1.0, 1 + len(EQUAL[name])).astype(np.float32)
    functions = {
        "eigh": lambda x: jax.numpy.linalg.eigh(x)[0] @ weights,
        "svd": lambda x: jax.numpy.linalg.svd(x, full_matrices=False)[1] @ weights,
        "nuclear": lambda x: jax.numpy.linalg.norm(x, "nuc"),
    }
    return {name: (jax.grad(f)(x), jax.jvp(f, (x,), (x + 1,))) for name, f in functions.items()}


@same_in_both
def test_slopes_where_there_is_no_decomposition(jax):
    """They are NaN, for matrices that are not finite, or not positive definite, among others."""
    x = np.stack([np.eye(2) * [2, 3] + 0.5, np.full((2, 2), np.nan), -np.eye(2), np.zeros((2, 2))]).astype(np.float32)
    names = "cholesky eigvalsh svdvals pinv".split()

    def slopes(name):
        fun = getattr(jax.numpy.linalg, name)
        some = np.array([0, 1, 2, 3] if name == "cholesky" else [0, 1])  # elsewhere values are equal, or 0
        return jax.grad(lambda x: fun(x).sum())(x[some]), jax.jvp(fun, (x[some],), (x[some] + 1,))[1]

    return {name: slopes(name) for name in names}


@pytest.mark.parametrize("which", [0, 1])
@same_in_both
def test_no_slopes_of_general_eigenvectors(jax, which):
    return jax.grad(lambda x: abs(jax.numpy.linalg.eig(x)[which]).sum())(np.array([[1.0, 2], [0.5, 3]]))
