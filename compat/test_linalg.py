"""jax.numpy.linalg and products, call by call: ranks, options, matrices that are not finite, wrong arguments."""

from __future__ import annotations

import pytest

from compat.calls import check

EVERY = "eigh eigvalsh svd svdvals qr inv det slogdet cholesky pinv eig eigvals matrix_rank cond"
ONE = """
jnp.linalg.{f}(f1)
jnp.linalg.{f}([[1.0, 2.0], [3.0, 4.0]])
jnp.linalg.{f}(jnp.zeros((0, 0)))
jnp.linalg.{f}(jnp.zeros((0, 2, 2)))
jnp.linalg.{f}(jnp.eye(3).at[0, 2].set(jnp.nan)) if '{f}' not in ('qr', 'slogdet') else 0
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
