"""lobpcg: the largest eigenvalues of a symmetric matrix that is known by its products only.

Locally optimal block preconditioned conjugate gradients, without a preconditioner (Knyazev 2001; Duersch et al. 2018).
Three blocks of columns are carried: estimates X, search directions P and residuals R, orthonormal together; columns that
have no rank are 0. In each step the matrix projected on them is diagonalized. Orthonormal bases come from eigenvectors
of the small matrix of inner products (Stathopoulos and Wu 2002), twice, and a block is taken out of another twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from jaxlike._src import dtypes
from jaxlike._src.array import Array
from jaxlike._src.border import asarray
from jaxlike._src.lax.dot import dot
from jaxlike._src.lax.precision import Precision
from jaxlike._src.lax.scan import scan
from jaxlike._src.lax.while_loop import while_loop
from jaxlike._src.numpy.linalg import qr, svd
from jaxlike._src.numpy.quantiles import median
from jaxlike._src.scipy import jnp
from jaxlike._src.transforms.jit import jit

if TYPE_CHECKING:
    from collections.abc import Callable


def lobpcg_standard(
    A: Any, X: Array, m: int = 100, tol: float | Array | None = None
) -> tuple[Array, Array, Array]:
    """The ``k`` largest eigenvalues of a symmetric matrix and their eigenvectors.

    Args:
        A: ``[n, n]``, or a function of ``[n, j]`` that multiplies with it.
        X: ``[n, k]``, first estimates of the eigenvectors; ``5 k < n``.
        m: at most how many steps.
        tol: an eigenpair is there when the norm of its residual is below ``10 n tol (lambda + |A v|)``; by default the
            resolution of the dtype.

    Returns:
        Eigenvalues ``[k]``, eigenvectors ``[n, k]``, and how many steps were taken.

    Raises:
        ValueError: shapes or dtypes do not fit.
    """
    if isinstance(A, Array | np.ndarray):
        return _of_matrix(asarray(A), X, m, tol)
    return _of_product(A, X, m, tol)


def _mm(a: Array, b: Array) -> Array:
    return dot(a, b, precision=Precision.HIGHEST)


def _norms(x: Array) -> Array:
    """Of each column: ``[1, columns]``."""
    return jnp.norm(x, 2, 0, True)


def _over(x: Array, norms: Array) -> Array:
    return x / jnp.where(norms == 0, 1.0, norms)


def _check(product: Callable[[Array], Array], X: Array) -> None:
    n, k = X.shape
    if k == 0:
        raise ValueError(f"must have search dim > 0, got {k}")
    if k * 5 >= n:
        raise ValueError(f"expected search dim * 5 < matrix dim (got {k * 5}, {n})")
    out = product(jnp.zeros((n, 1), X.dtype))
    if out.dtype != X.dtype:
        raise ValueError(f"A, X must have same dtypes (were {out.dtype}, {X.dtype})")
    if out.shape != (n, 1):
        raise ValueError(f"A must be ({n}, {n}) matrix A, got output {out.shape}")


def _iterated(product: Callable[[Array], Array], X: Array, m: int, tol: Any, debug: bool = False) -> Any:
    """Eigenvalues, eigenvectors and the number of steps; with ``debug`` what `_looked_at` sees of each of ``m`` steps."""
    n, k = X.shape
    _check(product, X)
    tol = float(dtypes.finfo(X.dtype).eps) if tol is None else tol
    first = _orthonormal(X)
    moved = product(first)
    values = jnp.sum(first * moved, 0, keepdims=True)

    def unfinished(state: Any) -> Array:
        count, _, _, _, done, _ = state
        return (count < m) & (done < k)

    def step(state: Any, _: Any = None) -> Any:
        count, x, p, r, *_ = state
        basis = jnp.concatenate([x, p, _without(jnp.concatenate([x, p], 1), r)], 1)
        theta, inside = _eigh_descending(_mm(basis.T, product(basis)))
        best = inside[:, :k]
        x = _mm(basis, best / _norms(best))
        x = x / _norms(x)
        # The next directions: what of the basis is not x, within the span of x before and after.
        q, _ = qr(inside[:k, k:].T)
        p = _mm(basis, _mm(inside[:, k:], q))
        p = _over(p, _norms(p))
        moved = product(x)
        r = moved - theta[None, :k] * x
        scale = 10.0 * n * (_norms(moved)[0] + theta[:k])
        done = jnp.sum((_norms(r)[0] < tol * scale).astype(np.int32))
        new = count + 1, x, p, r, done, theta[None, :k]
        return (new, _looked_at(basis, *new[1:], _norms(r)[0] / scale)) if debug else new

    zero = jnp.zeros((), np.int32)
    state = (zero, first, _complement(first), moved - values * first, zero, values)
    if debug:
        (count, x, _, _, _, theta), seen = scan(step, state, None, length=m)
        return theta[0], x, count, seen
    count, x, _, _, _, theta = while_loop(unfinished, step, state)
    return theta[0], x, count


def _looked_at(basis: Array, x: Array, p: Array, r: Array, done: Array, theta: Array, residual: Array) -> dict[str, Array]:
    """What tells how well a step went: ranks, values, residuals, and how far blocks are from orthogonal."""

    def is_zero(a: Array) -> Array:
        return jnp.sum(jnp.all(a == 0.0, 0).astype(np.int32))

    def mean(a: Array) -> Array:
        return jnp.sum(abs(a)) / x.shape[1] ** 2

    def oblique(a: Array) -> Array:
        inner = _mm(a.T, a)
        return mean(inner - jnp.diag(jnp.diag(inner)))

    return {
        "basis rank": basis.shape[1] - is_zero(basis),
        "X zeros": is_zero(x),
        "P zeros": is_zero(p),
        "lambda history": theta[0],
        "residual history": _norms(r)[0],
        "converged": done,
        "adjusted residual max": jnp.max(residual),
        "adjusted residual p50": median(residual),
        "adjusted residual min": jnp.min(residual),
        "X orth": oblique(x),
        "P orth": oblique(p),
        "P.X": mean(x.T @ p),
    }


def _eigh_descending(a: Array) -> tuple[Array, Array]:
    w, v = jnp.eigh(a)
    return w[::-1], v[:, ::-1]


def _orthonormal_once(x: Array) -> Array:
    """Orthonormal columns with the span of ``x``; 0 for columns that it has too many."""
    x = _over(x, _norms(x))
    inner = _mm(x.T, x)
    w, v = _eigh_descending(inner)
    least = dtypes.finfo(x.dtype).eps * w[0]
    root = jnp.where(least > 0, jnp.maximum(w, least), 1.0) ** -0.5
    keep = ((w > least) & (jnp.diag(inner) > 0.0))[None]
    out = _mm(x, v * root[None]) * keep.astype(x.dtype)
    norms = _norms(out)
    return out / jnp.where(keep & (norms > 0.0), norms, 1.0)


def _orthonormal(x: Array) -> Array:
    return _orthonormal_once(_orthonormal_once(x))


def _without(basis: Array, x: Array) -> Array:
    """Orthonormal columns for the part of ``x`` that is orthogonal to an orthonormal basis, or 0."""

    def rest(x: Array) -> Array:
        return x - _mm(basis, _mm(basis.T, x))

    for _ in range(2):
        x = _orthonormal(rest(x))
    x = rest(rest(x))
    # What has lost length was in the span of the basis but for rounding.
    return x * (_norms(x) >= 0.99).astype(x.dtype)


def _complement(x: Array) -> Array:
    """As many orthonormal columns again, orthogonal to orthonormal ``x``: of a block Householder reflection.

    With ``u s v^T`` the singular values of the upper square of ``x``, the columns ``y`` of ``x`` with ``u v^T`` added
    to that square are reflected on; the reflection maps ``x`` to the first unit vectors, and the next ones to these.
    """
    n, k = x.shape
    u, s, vt = svd(x[:k])
    y = jnp.concatenate([x[:k] + _mm(u, vt), x[k:]], 0)
    unit = jnp.eye(n - k, k, dtype=x.dtype)
    w = _mm(y, vt.T * ((2 * (1 + s)) ** -0.5)[None])
    h = -2 * _mm(w, _mm(w[k:].T, unit))
    return h.at[k:].add(unit)


_of_product = jit(_iterated, static_argnames=["product", "m", "debug"])


def standard_callable(A: Callable[[Array], Array], X: Array, m: int, tol: Any, debug: bool = False) -> Any:
    """`lobpcg_standard` of a function; with ``debug`` it takes all steps and says of each how well it went."""
    return _of_product(A, X, m, tol, debug)


def _matrix(A: Array, X: Array, m: int, tol: Any) -> tuple[Array, Array, Array]:
    return _iterated(lambda x: _mm(A, x), X, m, tol)


_of_matrix = jit(_matrix, static_argnames=["m"])
