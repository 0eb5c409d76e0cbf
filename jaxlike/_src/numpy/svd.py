"""svd: singular value decompositions, on a CPU by the LAPACK that JAX asks, so signs are the same.

One torch operator gives U, the singular values and V^H, laid behind each other in one axis, and NaN for a matrix that
is not finite. Its derivative is JAX's, which takes complex matrices too; singular values that are equal have none.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src.array import Array
from jaxlike._src.border import adjoint, unwrap
from jaxlike._src.frames import STATE
from jaxlike._src.random.ops import operator
from jaxlike._src.regions import equation
from jaxlike._src.scipy.lapack import each_matrix, functions, lone_matrix
from jaxlike._src.transforms.custom import library_jvp

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor


def _sizes(a: Tensor, full: bool) -> tuple[int, int, int]:
    """How many columns U has, how many singular values there are, how many rows V^H has."""
    m, n = a.shape[-2:]
    k = min(m, n)
    return (m, k, n) if full else (k, k, k)


def _length(a: Tensor, full: bool) -> int:
    columns, k, rows = _sizes(a, full)
    return a.shape[-2] * columns + k + rows * a.shape[-1]


@operator("svd_parts(Tensor a, bool full) -> Tensor", lambda a, full: ((*a.shape[:-2], _length(a, full)), a.dtype))
def svd_parts(a: Tensor, full: bool) -> Tensor:
    """``[..., length]``: U, the singular values, V^H, flat and behind each other."""
    if a.device.type != "cpu":
        finite = torch.isfinite(a).all(-1).all(-1)[..., None]
        eye = torch.eye(*a.shape[-2:], dtype=a.dtype, device=a.device)
        u, s, vh = torch.linalg.svd(torch.where(finite[..., None], a, eye), full_matrices=full)
        both = torch.cat([u.flatten(-2), s.to(a.dtype), vh.flatten(-2)], -1)
        return torch.where(finite, both, complex(math.nan, math.nan) if a.is_complex() else math.nan)
    if not a.shape[-1] or not a.shape[-2]:
        columns, _, rows = _sizes(a, full)
        eyes = [torch.eye(m, n, dtype=a.dtype).flatten() for m, n in ((a.shape[-2], columns), (rows, a.shape[-1]))]
        return torch.cat(eyes).expand(*a.shape[:-2], -1).clone()
    dtype = a.new_empty(0).numpy().dtype

    def of_one(matrix: Any) -> Any:
        u, s, vh = _solved(matrix, full)
        return np.concatenate([u.ravel(), s.astype(dtype), vh.ravel()])

    return each_matrix(a, (_length(a, full),), dtype, of_one)


def _solved(matrix: Any, full: bool) -> Any:
    solve, workspace = functions(("gesdd", "gesdd_lwork"), matrix.dtype)
    size = workspace(*matrix.shape, full_matrices=int(full))[0].real
    u, s, vh, info = solve(matrix, full_matrices=int(full), lwork=int(size))
    if info:
        raise np.linalg.LinAlgError("no convergence")
    return u, s, vh


def _apart(t: Tensor, a: Tensor, full: bool) -> tuple[Tensor, Tensor, Tensor]:
    """U, the singular values (real), V^H."""
    columns, k, rows = _sizes(a, full)
    u, s, vh = t.split([a.shape[-2] * columns, k, rows * a.shape[-1]], -1)
    u, vh = u.unflatten(-1, (a.shape[-2], columns)), vh.unflatten(-1, (rows, a.shape[-1]))
    return u, s.real if s.is_complex() else s, vh


def _three(a: Tensor, full: bool) -> tuple[Array, Array, Array]:
    u, s, vh = map(Array, _apart(svd_parts(a, full), a, full))
    return s, u, vh


def _differentiable(full: bool) -> Callable[[Array], tuple[Array, Array, Array]]:
    """Three results, so that derivatives of singular values ask for none of vectors, which equal ones do not have."""

    @library_jvp
    def parts(a: Array) -> tuple[Array, Array, Array]:
        return _three(unwrap(a), full)

    @parts.defjvp
    def rule(primals: Any, tangents: Any) -> Any:
        a, da = unwrap(primals[0]), unwrap(tangents[0])
        m, n = a.shape[-2:]
        if full and m != n:
            # JAX refuses it: the vectors that complete U or V^H are free to turn.
            raise NotImplementedError("Singular value decomposition JVP not implemented for full matrices")
        both = parts(*primals)
        s, u, vh = map(unwrap, both)
        ut, v, row = adjoint(u), adjoint(vh), s.unsqueeze(-2)
        turned = ut @ da @ v
        column = row.mT
        eye = torch.eye(s.shape[-1], dtype=s.dtype, device=s.device)
        gaps = (1 / ((row + column) * (row - column) + eye) - eye).to(a.dtype)
        none = (s == 0).to(s.dtype)
        own = 0.5 * (turned - adjoint(turned)) * torch.diag_embed(1 / (s + none) - none).to(a.dtype)
        right, left = row.to(a.dtype) * turned, column.to(a.dtype) * turned
        du = u @ (gaps * (right + adjoint(right)) + own)
        dv = v @ (gaps * (left + adjoint(left)))
        if m > n:
            beside = da @ v
            du = du + (beside - u @ (ut @ beside)) / row.to(a.dtype)
        if n > m:
            beside = adjoint(da) @ u
            dv = dv + (beside - v @ (vh @ beside)) / row.to(a.dtype)
        diagonal = torch.diagonal(turned, dim1=-2, dim2=-1)
        ds = diagonal.real if diagonal.is_complex() else diagonal
        return both, tuple(map(Array, (ds, du, adjoint(dv))))

    return parts


_PARTS = {full: _differentiable(full) for full in (False, True)}


def _plain(t: Tensor, full: bool) -> tuple[Array, Array, Array] | None:
    """The same for one matrix outside of all transformations, where LAPACK is all the work there is."""
    matrix = lone_matrix(t)
    if matrix is None:
        return None
    try:
        u, s, vh = _solved(matrix, full)
    except np.linalg.LinAlgError:
        return None
    return Array(torch.from_numpy(s)), Array(torch.from_numpy(u)), Array(torch.from_numpy(vh))


@equation("svd", lambda a, full: ((a,), {
    "algorithm": None, "compute_uv": True, "full_matrices": full, "subset_by_index": None,
}))  # fmt: skip
def svd(a: Array, full: bool) -> tuple[Array, Array, Array]:
    """Singular values, descending, then U and V^H of matrices; ``full``: U and V^H are square."""
    t = unwrap(a)
    found = _plain(t, full)
    if found is not None:
        return found
    return _three(t, full) if STATE.frame is None else _PARTS[full](a)
