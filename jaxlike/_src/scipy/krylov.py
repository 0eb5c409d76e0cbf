"""krylov: iterative solvers of linear systems: conjugate gradients, BiCGSTAB and GMRES.

Unknowns are trees of arrays, matrices functions of such trees (or arrays). All loops are `while_loop`;
derivatives are those of the solution, through `custom_linear_solve`.
"""

from __future__ import annotations

import functools
import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxlike._src import dtypes
from jaxlike._src.array import Array
from jaxlike._src.border import asarray, astype
from jaxlike._src.lax.linear_solve import custom_linear_solve
from jaxlike._src.lax.while_loop import fori_loop, while_loop
from jaxlike._src.numpy.complex_parts import iscomplexobj
from jaxlike._src.scipy import jnp, linalg
from jaxlike._src.tree import tree_leaves, tree_map, tree_reduce, tree_structure

if TYPE_CHECKING:
    from collections.abc import Callable

_HIGHEST = "highest"


# Trees as vectors


def _real_dot(x: Any, y: Any) -> Any:
    """The real part of the inner product of two trees."""

    def of_leaves(a: Array, b: Array) -> Array:
        out = jnp.vdot(jnp.real(a), jnp.real(b), precision=_HIGHEST)
        if iscomplexobj(a) or iscomplexobj(b):
            out = out + jnp.vdot(jnp.imag(a), jnp.imag(b), precision=_HIGHEST)
        return out

    return sum(tree_leaves(tree_map(of_leaves, x, y)))


def _dot(x: Any, y: Any) -> Any:
    return sum(tree_leaves(tree_map(lambda a, b: jnp.vdot(a, b, precision=_HIGHEST), x, y)))


def _norm(x: Any) -> Array:
    return jnp.sqrt(_real_dot(x, x))


def _scaled(factor: Any, tree: Any) -> Any:
    return tree_map(lambda x: factor * x, tree)


_plus = functools.partial(tree_map, operator.add)
_minus = functools.partial(tree_map, operator.sub)


def _identity(x: Any) -> Any:
    return x


def _as_function(f: Any) -> Callable[[Any], Any]:
    if callable(f):
        return f
    if isinstance(f, np.ndarray | Array):
        if f.ndim != 2 or f.shape[0] != f.shape[1]:
            raise ValueError(f"linear operator must be a square matrix, but has shape: {f.shape}")
        return lambda x: jnp.dot(f, x, precision=_HIGHEST)
    if hasattr(f, "__matmul__"):
        if (hasattr(f, "shape") and len(f.shape) != 2) or f.shape[0] != f.shape[1]:
            raise ValueError(f"linear operator must be a square matrix, but has shape: {f.shape}")
        return lambda x: f @ x
    raise TypeError(f"linear operator must be either a function or ndarray: {f}")


def _common_dtype(tree: Any) -> Any:
    return dtypes.result_type(*tree_leaves(tree))


def _checked(b: Any, x0: Any) -> tuple[Any, Any]:
    """Right-hand side and first guess as trees of Arrays of one structure."""
    b = tree_map(asarray, b)
    x0 = tree_map(jnp.zeros_like, b) if x0 is None else tree_map(asarray, x0)
    if tree_structure(x0) != tree_structure(b):
        raise ValueError(
            f"x0 and b must have matching tree structure: {tree_structure(x0)} vs {tree_structure(b)}"
        )
    return b, x0


def _size(tree: Any) -> int:
    return sum(x.size for x in tree_leaves(tree))


# Conjugate gradients and BiCGSTAB


def _cg(A: Any, b: Any, x0: Any, *, maxiter: int, tol: Any, atol: Any, M: Any) -> Any:
    bound = jnp.maximum(jnp.square(tol) * _real_dot(b, b), jnp.square(atol))

    def going(state: Any) -> Any:
        _, r, gamma, _, k = state
        size = jnp.real(gamma) if M is _identity else _real_dot(r, r)
        return (size > bound) & (k < maxiter)

    def step(state: Any) -> Any:
        x, r, gamma, p, k = state
        Ap = A(p)
        alpha = gamma / astype(_real_dot(p, Ap), dtype)
        x, r = _plus(x, _scaled(alpha, p)), _minus(r, _scaled(alpha, Ap))
        z = M(r)
        after = astype(_real_dot(r, z), dtype)
        return x, r, after, _plus(z, _scaled(after / gamma, p)), k + 1

    r = _minus(b, A(x0))
    z = M(r)
    dtype = _common_dtype(z)
    return while_loop(going, step, (x0, r, astype(_real_dot(r, z), dtype), z, 0))[0]


def _bicgstab(A: Any, b: Any, x0: Any, *, maxiter: int, tol: Any, atol: Any, M: Any) -> Any:
    bound = jnp.maximum(jnp.square(tol) * _real_dot(b, b), jnp.square(atol))

    def going(state: Any) -> Any:
        r, k = state[1], state[-1]
        return (_real_dot(r, r) > bound) & (k < maxiter) & (k >= 0)

    def step(state: Any) -> Any:
        x, r, shadow, alpha, omega, rho, p, q, k = state
        rho_new = _dot(shadow, r)
        beta = rho_new / rho * alpha / omega
        p = _plus(r, _scaled(beta, _minus(p, _scaled(omega, q))))
        p_hat = M(p)
        q = A(p_hat)
        alpha = rho_new / _dot(shadow, q)
        s = _minus(r, _scaled(alpha, q))
        early = _real_dot(s, s) < bound
        s_hat = M(s)
        t = A(s_hat)
        omega = _dot(t, s) / _dot(t, t)
        half = _plus(x, _scaled(alpha, p_hat))
        x = tree_map(lambda a, c: jnp.where(early, a, c), half, _plus(half, _scaled(omega, s_hat)))
        r = tree_map(lambda a, c: jnp.where(early, a, c), s, _minus(s, _scaled(omega, t)))
        count = jnp.where((omega == 0) | (alpha == 0), -11, k + 1)  # as scipy numbers its breakdowns
        return x, r, shadow, alpha, omega, rho_new, p, q, jnp.where(rho_new == 0, -10, count)

    r = _minus(b, A(x0))
    one = jnp.ones((), dtype=_common_dtype(b))
    return while_loop(going, step, (x0, r, r, one, one, one, r, r, 0))[0]


def _solve(
    method: Any, A: Any, b: Any, x0: Any, tol: Any, atol: Any, maxiter: int | None, M: Any, check_symmetric: bool
) -> tuple[Any, None]:
    b, x0 = _checked(b, x0)
    steps = 10 * _size(b) if maxiter is None else maxiter
    matvec, preconditioner = _as_function(A), _identity if M is None else _as_function(M)

    def solver(A: Any, b: Any) -> Any:
        return method(A, b, x0, maxiter=steps, tol=tol, atol=atol, M=preconditioner)

    symmetric = check_symmetric and not any(iscomplexobj(x) for x in tree_leaves(b))
    return custom_linear_solve(matvec, b, solver, solver, symmetric), None


def cg(
    A: Any, b: Any, x0: Any = None, *, tol: float = 1e-5, atol: float = 0.0, maxiter: int | None = None, M: Any = None
) -> tuple[Any, None]:
    """Solve ``A x = b`` for a Hermitian positive definite ``A`` by conjugate gradients.

    Args:
        A: a matrix, or a linear function of trees like ``b``.
        b: right-hand side, a tree of arrays.
        x0: first guess, zeros by default.
        tol: the residual's norm may be this times that of ``b``,
        atol: or this, whichever is larger.
        maxiter: the most iterations, by default ten times the number of unknowns.
        M: preconditioner, an approximate inverse of ``A``.

    Returns:
        The solution, and None.
    """
    return _solve(_cg, A, b, x0, tol, atol, maxiter, M, check_symmetric=True)


def bicgstab(
    A: Any, b: Any, x0: Any = None, *, tol: float = 1e-5, atol: float = 0.0, maxiter: int | None = None, M: Any = None
) -> tuple[Any, None]:
    """Solve ``A x = b`` by the stabilized bi-conjugate gradient method; arguments as of `cg`."""
    return _solve(_bicgstab, A, b, x0, tol, atol, maxiter, M, check_symmetric=False)


# GMRES


def _normalized(x: Any, threshold: Any = None) -> tuple[Any, Array]:
    """The tree divided by its norm, and that; zeros where the norm is too small."""
    norm = _norm(x)
    dtype = _common_dtype(x)
    least = dtypes.finfo(norm.dtype).eps if threshold is None else threshold
    usable = norm > least
    size = astype(norm, dtype)
    return tree_map(lambda y: jnp.where(usable, y / size, 0.0), x), jnp.where(usable, norm, 0.0)


def _projections(V: Any, v: Any) -> Array:
    """Inner products with the basis vectors, which stand along the last axis."""
    return tree_reduce(
        operator.add,
        tree_map(lambda X, y: jnp.einsum("...n,...->n", jnp.conj(X), y, precision=_HIGHEST), V, v),
    )


def _orthogonalized(V: Any, v: Any) -> tuple[Any, Array]:
    """What is left of ``v`` without its projections, taken off twice, and those."""
    total: Any = 0.0
    for _ in range(2):
        h = _projections(V, v)
        v = _minus(v, tree_map(lambda X, h=h: jnp.dot(X, h, precision=_HIGHEST), V))
        total = total + h
    return v, total


def _arnoldi_step(k: Any, A: Any, M: Any, V: Any, H: Array) -> tuple[Any, Array, Array]:
    """The next basis vector, and the column of A in the basis (as row k of H)."""
    dtype = _common_dtype(V)
    v = M(A(tree_map(lambda X: X[..., k], V)))
    size = _normalized(v)[1]
    v, h = _orthogonalized(V, v)
    unit, rest = _normalized(v, threshold=dtypes.finfo(dtype).eps * size)
    longer = tree_map(lambda X, y: X.at[..., k + 1].set(y), V, unit)
    h = h.at[k + 1].set(astype(rest, dtype))
    return longer, H.at[k, :].set(h), rest == 0.0


def _basis(unit: Any, restart: int) -> Any:
    """Room for ``restart`` more vectors behind the first, along a new last axis."""
    return tree_map(lambda x: jnp.concatenate([x[..., None], jnp.zeros((*x.shape, restart), x.dtype)], axis=-1), unit)


def _moved(A: Any, b: Any, x: Any, V: Any, y: Array, M: Any) -> tuple[Any, Any, Array]:
    """The guess moved by a combination of basis vectors; the new residual's direction and norm."""
    x = _plus(x, tree_map(lambda X: jnp.dot(X[..., :-1], y, precision=_HIGHEST), V))
    return x, *_normalized(M(_minus(b, A(x))))


def _batched(A: Any, b: Any, x0: Any, unit: Any, norm: Array, ptol: Any, restart: int, M: Any) -> Any:
    """A whole basis first, then one least-squares problem."""
    del ptol
    dtype = _common_dtype(b)

    def step(state: Any) -> Any:
        basis, rows, _, k = state
        return *_arnoldi_step(k, A, M, basis, rows), k + 1

    start = _basis(unit, restart), jnp.eye(restart, restart + 1, dtype=dtype), False, 0
    V, H, _, _ = while_loop(lambda state: (state[3] < restart) & ~jnp.asarray(state[2]), step, start)
    beta = jnp.zeros((restart + 1,), dtype=dtype).at[0].set(astype(norm, dtype))
    adjoint = jnp.conj(H)
    normal = jnp.dot(adjoint, H.T, precision=_HIGHEST), jnp.dot(adjoint, beta, precision=_HIGHEST)
    return _moved(A, b, x0, V, linalg.solve(*normal, assume_a="pos"), M)


def _incremental(A: Any, b: Any, x0: Any, unit: Any, norm: Array, ptol: Any, restart: int, M: Any) -> Any:
    """A basis that stops growing when the residual is small enough, by rotations of the Hessenberg matrix."""
    dtype = _common_dtype(b)

    def step(state: Any) -> Any:
        k, _, before, upper, beta, rotations = state
        basis, rows, _ = _arnoldi_step(k, A, M, before, upper)
        row = fori_loop(0, k, lambda i, row: _rotated(row, i, rotations[i, 0], rotations[i, 1]), rows[k, :])
        c, s = _rotation(row[k], row[k + 1])
        rotations = rotations.at[k, :].set(jnp.stack([c, s]))
        beta = _rotated(beta, k, c, s)
        upper = upper.at[k, :].set(_rotated(row, k, c, s))
        return k + 1, jnp.abs(beta[k + 1]), basis, upper, beta, rotations

    beta = jnp.zeros((restart + 1,), dtype=dtype).at[0].set(astype(norm, dtype))
    upper, rotations = jnp.eye(restart, restart + 1, dtype=dtype), jnp.zeros((restart, 2), dtype=dtype)
    start = 0, norm, _basis(unit, restart), upper, beta, rotations
    end = while_loop(lambda state: (state[0] < restart) & (state[1] > ptol), step, start)
    _, _, basis, upper, beta, _ = end
    return _moved(A, b, x0, basis, linalg.solve_triangular(upper[:, :-1].T, beta[:-1]), M)


def _rotated(v: Array, i: Any, c: Array, s: Array) -> Array:
    x, y = v[i], v[i + 1]
    return v.at[i].set(jnp.conj(c) * x - jnp.conj(s) * y).at[i + 1].set(s * x + c * y)


def _rotation(a: Array, b: Array) -> tuple[Array, Array]:
    """Cosine and sine of the rotation that takes ``(a, b)`` to ``(r, 0)``."""
    flat, steep = jnp.abs(b) == 0, jnp.abs(a) < jnp.abs(b)
    t = -jnp.where(steep, a, b) / jnp.where(steep, b, a)
    r = astype(1 / jnp.sqrt(1 + jnp.abs(t) ** 2), t.dtype)
    c, s = jnp.where(steep, r * t, r), jnp.where(steep, r, r * t)
    return jnp.where(flat, 1, c), jnp.where(flat, 0, s)


def gmres(
    A: Any,
    b: Any,
    x0: Any = None,
    *,
    tol: float = 1e-5,
    atol: float = 0.0,
    restart: int = 20,
    maxiter: int | None = None,
    M: Any = None,
    solve_method: str = "batched",
) -> tuple[Any, Array]:
    """Solve ``A x = b`` by the generalized minimal residual method.

    Args:
        A: a matrix, or a linear function of trees like ``b``.
        b: right-hand side, a tree of arrays.
        x0: first guess, zeros by default.
        tol: the residual's norm may be this times that of ``b``,
        atol: or this, whichever is larger.
        restart: the size of the Krylov space.
        maxiter: how often it is built, by default ten times the number of unknowns.
        M: preconditioner, an approximate inverse of ``A``.
        solve_method: "batched", or "incremental", which may stop before a space is full.

    Returns:
        The solution, and 0, or -1 where it has NaN.
    """
    b, x0 = _checked(b, x0)
    matvec, preconditioner = _as_function(A), _identity if M is None else _as_function(M)
    size = _size(b)
    steps = 10 * size if maxiter is None else maxiter
    space = min(restart, size)
    b_norm = _norm(b)
    bound = jnp.maximum(tol * b_norm, atol)
    ptol = _norm(preconditioner(b)) * jnp.minimum(1.0, bound / b_norm)
    if solve_method not in ("incremental", "batched"):
        raise ValueError(f"invalid solve_method {solve_method}, must be either 'incremental' or 'batched'")
    cycle = _incremental if solve_method == "incremental" else _batched

    def solver(A: Any, b: Any) -> Any:
        def step(state: Any) -> Any:
            x, k, unit, norm = state
            x, unit, norm = cycle(A, b, x, unit, norm, ptol, space, preconditioner)
            return x, k + 1, unit, norm

        start = x0, 0, *_normalized(preconditioner(_minus(b, A(x0))))
        return while_loop(lambda state: (state[1] < steps) & (state[3] > bound), step, start)[0]

    x = custom_linear_solve(matvec, b, solver, solver)
    return x, jnp.where(jnp.isnan(_norm(x)), -1, 0)
