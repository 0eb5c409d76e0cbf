"""eigh: eigenvalues and eigenvectors of Hermitian matrices, on a CPU by the LAPACK that JAX asks, so signs are the same.

One torch operator gives both, the eigenvalues as a row below the eigenvectors, and NaN for a matrix that is not finite.
Its derivative is JAX's; equal eigenvalues have none.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src.array import Array
from jaxlike._src.border import unwrap
from jaxlike._src.frames import STATE
from jaxlike._src.random.ops import operator
from jaxlike._src.regions import equation
from jaxlike._src.scipy.lapack import each_matrix, functions, lone_matrix
from jaxlike._src.transforms.custom import library_jvp

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor


@operator(
    "eigh_parts(Tensor a, bool lower) -> Tensor", lambda a, lower: ((*a.shape[:-2], a.shape[-1] + 1, a.shape[-1]), a.dtype)
)
def eigh_parts(a: Tensor, lower: bool) -> Tensor:
    """``[..., n + 1, n]``: eigenvectors (columns), and their eigenvalues, ascending, as the last row."""
    if a.device.type != "cpu":
        finite = torch.isfinite(a).all(-1).all(-1)[..., None, None]
        eye = torch.eye(a.shape[-1], dtype=a.dtype, device=a.device)
        values, vectors = torch.linalg.eigh(torch.where(finite, a, eye), UPLO="L" if lower else "U")
        both = torch.cat([vectors, values.to(a.dtype).unsqueeze(-2)], -2)
        return torch.where(finite, both, complex(math.nan, math.nan) if a.is_complex() else math.nan)
    n, dtype = a.shape[-1], a.new_empty(0).numpy().dtype
    if n == 0:
        return a.new_empty((*a.shape[:-2], 1, 0))

    def of_one(matrix: Any) -> Any:
        values, vectors = _solved(matrix, lower)
        return np.concatenate([vectors, values[None].astype(dtype)])

    return each_matrix(a, (n + 1, n), dtype, of_one)


def _solved(matrix: Any, lower: bool) -> tuple[Any, Any]:
    name = "heevd" if matrix.dtype.kind == "c" else "syevd"
    solve, workspace = functions((name, f"{name}_lwork"), matrix.dtype)
    *sizes, _ = workspace(len(matrix), lower=int(lower))
    names = ("lwork", "liwork") if len(sizes) == 2 else ("lwork", "liwork", "lrwork")
    given = {name: int(size.real) for name, size in zip(names, sizes, strict=True)}
    values, vectors, info = solve(matrix, lower=int(lower), **given)
    if info:
        raise np.linalg.LinAlgError("no convergence")
    return values, vectors


def _apart(t: Tensor) -> tuple[Array, Array]:
    values = t[..., -1, :]
    return Array(t[..., :-1, :]), Array(values.real if values.is_complex() else values)


def _differentiable(lower: bool) -> Callable[[Array], tuple[Array, Array]]:
    """Two results, so that derivatives of the eigenvalues ask for none of vectors, which equal eigenvalues do not have."""

    @library_jvp
    def parts(a: Array) -> tuple[Array, Array]:
        return _apart(eigh_parts(unwrap(a), lower))

    @parts.defjvp
    def rule(primals: Any, tangents: Any) -> Any:
        both = parts(*primals)
        vectors, values = map(unwrap, both)
        eye = torch.eye(values.shape[-1], dtype=values.dtype, device=values.device)
        gaps = 1 / (eye + values.unsqueeze(-2) - values.unsqueeze(-1)) - eye
        turned = vectors.mH @ unwrap(tangents[0]).to(vectors.dtype) @ vectors
        moved = torch.diagonal(turned, dim1=-2, dim2=-1)
        moved_vectors = vectors @ (gaps.to(vectors.dtype) * turned)
        return both, (Array(moved_vectors), Array(moved.real if moved.is_complex() else moved))

    return parts


_PARTS = {lower: _differentiable(lower) for lower in (False, True)}


def _plain(t: Tensor, lower: bool) -> tuple[Array, Array] | None:
    """The same for one matrix outside of all transformations, where LAPACK is all the work there is."""
    matrix = lone_matrix(t)
    if matrix is None:
        return None
    try:
        values, vectors = _solved(matrix, lower)
    except np.linalg.LinAlgError:
        return None
    return Array(torch.from_numpy(vectors)), Array(torch.from_numpy(values))


@equation("eigh", lambda a, lower: ((a,), {
    "algorithm": None, "lower": lower, "sort_eigenvalues": True, "subset_by_index": None,
}))  # fmt: skip
def eigh(a: Array, lower: bool) -> tuple[Array, Array]:
    """Eigenvectors (columns) and eigenvalues (ascending, real) of Hermitian matrices, of which one triangle is read."""
    t = unwrap(a)
    found = _plain(t, lower)
    if found is not None:
        return found
    return _apart(eigh_parts(t, lower)) if STATE.frame is None else _PARTS[lower](a)
