"""spectral: decompositions under the names and with the arguments that JAX has for accelerators without LAPACK.

JAX divides and conquers there, by polar decompositions (`polar`); LAPACK's own come to the same. Matrices may be
padded: of an ``N x N`` one the first ``n`` rows and columns count. A range of indices chooses results by rank.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import torch

from jaxlike._src.array import Array
from jaxlike._src.border import adjoint, asarray, concrete_or_error, unwrap
from jaxlike._src.lax import linalg

if TYPE_CHECKING:
    from torch import Tensor

    from jaxlike._src.typing import ArrayLike

_STATIC = "The `{}` argument must be statically specified to use `svd` within JAX transformations."


def _check_range(chosen: Any, size: int) -> tuple[int, int]:
    """The range (start, end) as numbers; ValueError where it is none of ``size`` results."""
    if len(chosen) != 2:
        raise ValueError("subset_by_index must be a tuple of size 2.")
    start, end = map(operator.index, chosen)
    if start >= end:
        raise ValueError("Got empty index range in subset_by_index.")
    if start < 0:
        raise ValueError("Indices in subset_by_index must be non-negative.")
    if end > size:
        raise ValueError("Index in subset_by_index[1] exceeds matrix size.")
    return start, end


def _padded(x: Tensor, rows: int, columns: int) -> Tensor:
    return torch.nn.functional.pad(x, (0, columns - x.shape[-1], 0, rows - x.shape[-2]))


def eigh(
    H: ArrayLike,
    *,
    precision: Any = "float32",
    termination_size: int = 256,
    n: int | None = None,
    sort_eigenvalues: bool = True,
    subset_by_index: tuple[int, int] | None = None,
) -> tuple[Array, Array]:
    """Eigenvalues, ascending, and eigenvectors (columns) of a Hermitian matrix.

    Args:
        H: ``[N, N]``; its lower triangle is read.
        precision: accepted, as the next one is: nothing is divided here.
        termination_size: the size of blocks that JAX does not divide.
        n: how many rows and columns count; eigenvalues beyond are NaN, eigenvectors those of the identity.
        sort_eigenvalues: accepted; they are always sorted.
        subset_by_index: the range of eigenvalues that is given.
    """
    del precision, termination_size, sort_eigenvalues
    x = asarray(H)
    rows, columns = x.shape
    if rows != columns:
        raise TypeError(f"Input H of shape {x.shape} must be square.")
    size = rows if n is None else concrete_or_error(operator.index, n, "The argument `n` of eigh")
    if size > rows:
        raise ValueError("Static size must be greater or equal to dynamic size.")
    start, end = (0, rows) if subset_by_index is None else _check_range(subset_by_index, size)
    vectors, values = map(unwrap, linalg.eigh(x[:size, :size], symmetrize_input=False))
    values = torch.nn.functional.pad(values, (0, rows - size), value=float("nan"))
    beyond = torch.ge(torch.arange(rows, device=vectors.device), size).to(vectors.dtype)
    return Array(values[start:end]), Array((_padded(vectors, rows, rows) + torch.diag(beyond))[:, start:end])


def split_spectrum(H: ArrayLike, n: int, split_point: ArrayLike, V0: ArrayLike | None = None) -> tuple[Array, ...]:
    """A Hermitian matrix on its eigenspaces below and above a point.

    Args:
        H: ``[N, N]``.
        n: how many rows and columns count.
        split_point: the point.
        V0: what the isometries are multiplied with from the left, if anything.

    Returns:
        The part below, the isometry to it, the part above, the isometry to that, the number of eigenvalues below.
        All are ``[N, N]``, zero beyond their size.
    """
    x = asarray(H)
    size, total = concrete_or_error(operator.index, n, "The argument `n` of split_spectrum"), x.shape[0]
    vectors, values = map(unwrap, linalg.eigh(x[:size, :size]))
    rank = torch.lt(values, unwrap(asarray(split_point))).sum()
    places = torch.arange(size, device=vectors.device)
    below = torch.where(places < rank, vectors, 0)
    above = torch.where(places < size - rank, vectors[:, (places + rank) % size], 0)
    t, parts = unwrap(x), []
    for isometry in (_padded(below, total, total), _padded(above, total, total)):
        before = isometry if V0 is None else unwrap(asarray(V0)) @ isometry
        parts += [Array(adjoint(isometry) @ t @ isometry), Array(before)]
    return *parts, Array(rank.to(torch.int32))


def svd(
    a: ArrayLike,
    full_matrices: bool,
    compute_uv: bool = True,
    hermitian: bool = False,
    max_iterations: int = 10,
    subset_by_index: tuple[int, int] | None = None,
) -> Any:
    """Singular value decomposition ``(u, s, vh)`` of a matrix, s descending; NaN where an entry is not finite.

    Args:
        a: ``[m, n]``.
        full_matrices: square ``u`` and ``vh`` rather than ``min(m, n)`` columns and rows.
        compute_uv: give ``u`` and ``vh``, not ``s`` alone.
        hermitian: accepted, as the next one is.
        max_iterations: how often JAX iterates at most.
        subset_by_index: the range of singular values that is given.
    """
    full_matrices = concrete_or_error(bool, full_matrices, _STATIC.format("full_matrices"))
    compute_uv = concrete_or_error(bool, compute_uv, _STATIC.format("compute_uv"))
    concrete_or_error(bool, hermitian, _STATIC.format("hermitian"))
    concrete_or_error(int, max_iterations, _STATIC.format("max_iterations"))
    x = asarray(a)
    rank = min(x.shape)
    start, end = (0, rank) if subset_by_index is None else _check_range(subset_by_index, rank)
    if full_matrices and (start, end) != (0, rank):
        raise ValueError("full_matrices and subset_by_index cannot be both be set.")
    if not compute_uv:
        return linalg.svd(x, full_matrices=False, compute_uv=False)[start:end]
    u, s, vh = linalg.svd(x, full_matrices=full_matrices)
    return (u, s, vh) if (start, end) == (0, rank) else (u[:, start:end], s[start:end], vh[start:end])
