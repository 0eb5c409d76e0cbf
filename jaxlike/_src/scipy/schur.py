"""schur: the Schur and Hessenberg forms, and what is computed through them: matrix functions, Sylvester equations.

The forms themselves are LAPACK's and have no derivative, in JAX neither. Triangular recurrences run along
superdiagonals, a whole one at a time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src import dtypes
from jaxlike._src.array import Array
from jaxlike._src.border import adjoint, asarray, astype, promote_dtypes_inexact, unwrap
from jaxlike._src.family import INEXACT
from jaxlike._src.numpy import linalg as np_linalg
from jaxlike._src.numpy.systems import solve_tensors
from jaxlike._src.scipy import jnp
from jaxlike._src.scipy.lapack import hessenberg_parts, schur_parts
from jaxlike._src.scipy.loops import without_derivative
from jaxlike._src.transforms.compiled import compiled

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from jaxlike._src.typing import ArrayLike

_schur = without_derivative("schur", schur_parts)
_hessenberg = without_derivative("hessenberg", hessenberg_parts)


def _to_complex(x: Array) -> Array:
    return astype(x, dtypes.canonicalize_dtype(dtypes.to_complex_dtype(x.dtype)))


def _check(name: str, x: Array) -> None:
    if not dtypes.any_of(INEXACT, x.dtype):
        raise TypeError(
            f"{name} does not accept dtype {x.dtype} at position 0. Accepted dtypes at position 0 are subtypes of "
            "floating, complexfloating."
        )
    if x.ndim < 2 or x.shape[-1] != x.shape[-2]:
        raise ValueError(f"The input to {name} must be a square matrix. Got shape {x.shape}.")


def schur(a: ArrayLike, output: str = "real") -> list[Array]:
    """Schur decomposition ``[T, Z]``: ``a == Z @ T @ Z^H`` with ``T`` triangular.

    Args:
        a: ``[..., n, n]``.
        output: "real" (a real ``T`` has blocks of two rows for pairs of eigenvalues) or "complex".
    """
    if output not in ("real", "complex"):
        raise ValueError(f"Expected 'output' to be either 'real' or 'complex', got output={output!r}.")
    x = asarray(a)
    if output == "complex":
        x = _to_complex(x)
    _check("schur", x)
    both = _schur(x)
    return [both[..., 0, :, :], both[..., 1, :, :]]


@compiled("a")
def hessenberg(
    a: ArrayLike, *, calc_q: bool = False, overwrite_a: bool = False, check_finite: bool = True
) -> Any:
    """The Hessenberg form H with ``a == Q @ H @ Q^H``; with ``calc_q`` the pair ``(H, Q)``."""
    del overwrite_a, check_finite
    x = asarray(a)
    if x.shape[-1] == 0:
        return (jnp.zeros_like(x), jnp.zeros_like(x)) if calc_q else jnp.zeros_like(x)
    _check("hessenberg", x)
    both = _hessenberg(x)
    return (both[..., 0, :, :], both[..., 1, :, :]) if calc_q else both[..., 0, :, :]


@compiled("T", "Z")
def rsf2csf(T: ArrayLike, Z: ArrayLike, check_finite: bool = True) -> tuple[Array, Array]:
    """A complex Schur form of a real one: blocks of two rows are rotated away."""
    del check_finite
    form, unitary = asarray(T), asarray(Z)
    if form.ndim < 2 or form.shape[-1] != form.shape[-2]:
        raise ValueError("Input 'T' must be square.")
    if unitary.ndim < 2 or unitary.shape[-1] != unitary.shape[-2]:
        raise ValueError("Input 'Z' must be square.")
    if form.shape[-1] != unitary.shape[-1]:
        raise ValueError(f"Input array shapes must match: Z: {unitary.shape} vs. T: {form.shape}")
    form, unitary = (_to_complex(x) for x in promote_dtypes_inexact(form, unitary))
    t, z = torch.broadcast_tensors(unwrap(form), unwrap(unitary))
    eps = torch.finfo(t.real.dtype).eps
    for m in range(t.shape[-1] - 1, 0, -1):
        t, z = _rotate_away(t, z, m, eps)
    return Array(t), Array(z)


def _rotate_away(t: Tensor, z: Tensor, m: int, eps: float) -> tuple[Tensor, Tensor]:
    """Zero the entry left of the diagonal in row ``m``, by a rotation of rows and columns m - 1 and m."""
    n = t.shape[-1]
    below = t[..., m, m - 1]
    wanted = below.abs() > eps * (t[..., m - 1, m - 1].abs() + t[..., m, m].abs())
    mu = torch.linalg.eigvals(t[..., m - 1 : m + 1, m - 1 : m + 1])[..., 0] - t[..., m, m]
    r = torch.sqrt(mu.abs() ** 2 + below.abs() ** 2)
    safe = torch.where(wanted, r, 1.0)
    c, s = torch.where(wanted, mu / safe, 1.0), torch.where(wanted, below / safe, 0.0)
    rows = torch.stack([c.conj(), s, -s, c], dim=-1).reshape(*c.shape, 2, 2)
    left, rest = t[..., : m - 1], t[..., m - 1 :]
    rest = torch.cat([rest[..., : m - 1, :], rows @ rest[..., m - 1 : m + 1, :], rest[..., m + 1 :, :]], dim=-2)
    t = torch.cat([left, rest], dim=-1)
    turned = torch.cat([t[..., : m + 1, m - 1 : m + 1] @ adjoint(rows), t[..., m + 1 :, m - 1 : m + 1]], dim=-2)
    t = torch.cat([t[..., : m - 1], turned, t[..., m + 1 :]], dim=-1)
    z = torch.cat([z[..., : m - 1], z[..., m - 1 : m + 1] @ adjoint(rows), z[..., m + 1 :]], dim=-1)
    return torch.where(_only(n, m, m - 1, t.device), 0.0, t), z


def _only(n: int, i: int, j: int, device: torch.device) -> Tensor:
    index = torch.arange(n, device=device)
    return (index == i)[:, None] & (index == j)[None, :]


def _superdiagonal(values: Tensor, p: int) -> Tensor:
    """A matrix whose ``p``-th superdiagonal is ``values``, zero elsewhere."""
    return torch.diag_embed(values, offset=p)


# Matrix functions


def sqrtm(A: ArrayLike, blocksize: int = 1) -> Array:
    """The principal square root of a matrix ``[n, n]``, complex; by its Schur form."""
    if blocksize > 1:
        raise NotImplementedError("Blocked version is not implemented yet.")
    form, unitary = (unwrap(x) for x in schur(A, output="complex"))
    root = _triangular_root(form)
    return Array(unitary @ root @ adjoint(unitary))


def _triangular_root(t: Tensor) -> Tensor:
    diagonal = torch.sqrt(torch.diagonal(t, dim1=-2, dim2=-1))
    n, strict = t.shape[-1], torch.zeros_like(t)
    for p in range(1, n):
        known = torch.diagonal(strict @ strict, offset=p, dim1=-2, dim2=-1)
        given = torch.diagonal(t, offset=p, dim1=-2, dim2=-1)
        quotient = (given - known) / (diagonal[..., :-p] + diagonal[..., p:])
        strict = strict + _superdiagonal(torch.where(given == known, 0.0, quotient), p)
    return strict + torch.diag_embed(diagonal)


def funm(A: ArrayLike, func: Callable[[Array], Array], disp: bool = True) -> Any:
    """A function of a matrix, from the function of its eigenvalues, by Parlett's recurrence.

    Args:
        A: ``[n, n]``.
        func: the function, of an array.
        disp: give the result alone; if False, ``(result, estimated error)``.
    """
    x = asarray(A)
    if x.ndim != 2 or x.shape[0] != x.shape[1]:
        raise ValueError("expected square array_like input")
    real_form, basis = schur(x)
    form, unitary = rsf2csf(real_form, basis)
    on_diagonal = astype(func(jnp.diag(form)), form.dtype)
    t, z, f = unwrap(form), unwrap(unitary), unwrap(on_diagonal)
    eigenvalues = torch.diagonal(t)
    upper, strict, smallest = t.triu(1), torch.zeros_like(t), eigenvalues[0].abs()
    for p in range(1, t.shape[0]):
        s = torch.diagonal(t, offset=p) * (f[p:] - f[:-p])
        s = s + torch.diagonal(upper @ strict - strict @ upper, offset=p)
        gap = eigenvalues[p:] - eigenvalues[:-p]
        strict = strict + _superdiagonal(torch.where(gap != 0, s / torch.where(gap != 0, gap, 1.0), s), p)
        smallest = torch.minimum(smallest, gap.abs().amin())
    out = Array(z @ (strict + torch.diag(f)) @ adjoint(z))
    if disp:
        return out
    tol = float(dtypes.finfo(np.dtype("float32") if out.dtype == np.complex64 else np.dtype("float64")).eps)
    gap = jnp.where(Array(smallest) == 0.0, tol, Array(smallest))
    error = jnp.minimum(1, jnp.maximum(tol, tol / gap * jnp.norm(Array(upper), 1)))
    return out, jnp.where(jnp.any(jnp.isinf(out)), np.inf, error)


# Sylvester equations


@compiled("A", "B", "C", "tol")
def solve_sylvester(
    A: ArrayLike, B: ArrayLike, C: ArrayLike, *, method: str = "schur", tol: float = 1e-8
) -> Array:
    """The X with ``A @ X + X @ B == C``; NaN where ``A`` and ``-B`` have an eigenvalue in common.

    Args:
        A: ``[..., m, m]``.
        B: ``[..., n, n]``.
        C: ``[..., m, n]``.
        method: "schur" or "eigen", the decomposition of ``A`` and ``B``.
        tol: how close to ``-B``'s an eigenvalue of ``A`` may come.
    """
    a, b, c = promote_dtypes_inexact(asarray(A), asarray(B), asarray(C))
    m, n = c.shape[-2:]
    if a.shape[-2:] != (m, m) or b.shape[-2:] != (n, n):
        raise ValueError(f"Incompatible shapes for Sylvester equation:\nA: {a.shape}\nB: {b.shape}\nC: {c.shape}")
    right = unwrap(_to_complex(c))
    if method == "schur":
        x = _by_schur(a, b, right)
    elif method == "eigen":
        (wa, ua), (wb, ub) = ((unwrap(w), unwrap(v)) for w, v in (np_linalg.eig(a), np_linalg.eig(b)))
        inner = solve_tensors(ua, right @ ub) / (wa.unsqueeze(-1) + wb.unsqueeze(-2))
        x = ua @ inner @ unwrap(np_linalg.inv(Array(ub)))
    else:
        raise ValueError(f'Unrecognized method {method}. The two valid methods are either "schur" or "eigen".')
    sums = unwrap(np_linalg.eigvals(a)).unsqueeze(-1) + unwrap(np_linalg.eigvals(b)).unsqueeze(-2)
    singular = (sums.abs() < tol).any(-1).any(-1)[..., None, None]
    out = x if unwrap(c).is_complex() else x.real
    return Array(torch.where(singular, torch.nan, out))


def _by_schur(a: Array, b: Array, c: Tensor) -> Tensor:
    r, u = (unwrap(x) for x in schur(a, output="complex"))
    s, v = (unwrap(x) for x in schur(Array(adjoint(unwrap(b))), output="complex"))
    lower, f = adjoint(s), adjoint(u) @ c @ v
    n = f.shape[-1]
    eye = torch.eye(r.shape[-1], dtype=r.dtype, device=r.device)
    columns: list[Tensor] = []  # of Y with R Y + Y S^H == F, the last first
    for j in range(n - 1, -1, -1):
        rest = f[..., :, j : j + 1]
        if columns:
            rest = rest - torch.cat(columns[::-1], dim=-1) @ lower[..., j + 1 :, j : j + 1]
        shifted = r + lower[..., j, j][..., None, None] * eye
        columns.append(torch.linalg.solve_triangular(shifted, rest, upper=True))
    return u @ torch.cat(columns[::-1], dim=-1) @ adjoint(v)
