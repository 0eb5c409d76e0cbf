"""linalg: the solution of a sparse linear system, directly.

scipy's solver computes it, as JAX's does without a GPU. The derivative is the implicit one: it solves again, with the
transposed matrix in reverse mode.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxlike._src import dtypes
from jaxlike._src.border import asarray
from jaxlike._src.effects.callback import pure_callback
from jaxlike._src.experimental.sparse.coo import COOInfo, matvec
from jaxlike._src.experimental.sparse.lobpcg import lobpcg_standard as lobpcg_standard
from jaxlike._src.experimental.sparse.util import csr_to_coo
from jaxlike._src.lax.linear_solve import custom_linear_solve
from jaxlike._src.regions import equation
from jaxlike._src.shape_struct import ShapeDtypeStruct
from jaxlike._src.transforms.stop_gradient import stop_gradient

if TYPE_CHECKING:
    from jaxlike._src.array import Array
    from jaxlike._src.typing import ArrayLike


def spsolve(
    data: ArrayLike, indices: ArrayLike, indptr: ArrayLike, b: ArrayLike, tol: float = 1e-6, reorder: int = 1
) -> Array:
    """The solution ``x`` of ``A x = b`` for a square sparse matrix, row by row.

    Args:
        data: values of ``A``.
        indices: their columns.
        indptr: where rows begin, ``[n + 1]``.
        b: the right-hand side, ``[n]``, of the dtype of ``data``.
        tol: accepted: for solvers of a GPU.
        reorder: accepted: 0 to 3, how such a solver orders rows.

    Returns:
        ``[n]``; NaN where the matrix is singular. Needs scipy.
    """
    return solve_csr(*map(asarray, (data, indices, indptr, b)), tol=tol, reorder=reorder)


def _check(data: Array, indices: Array, indptr: Array, b: Array, reorder: int) -> None:
    if data.dtype != b.dtype:
        raise ValueError(f"data types do not match: data.dtype={data.dtype!r} b.dtype={b.dtype!r}")
    if not all(dtypes.issubdtype(x.dtype, np.integer) for x in (indices, indptr)):
        raise ValueError(
            f"index arrays must be integer typed; got indices.dtype={indices.dtype!r} indptr.dtype={indptr.dtype!r}"
        )
    shapes = f"data.shape={data.shape} indices.shape={indices.shape} indptr.shape={indptr.shape}"
    if not data.ndim == indices.ndim == indptr.ndim == b.ndim == 1:
        raise ValueError(f"Arrays must be one-dimensional. Got {shapes} b.shape={b.shape}")
    if indptr.size != b.size + 1 or data.shape != indices.shape:
        raise ValueError(f"Invalid CSR buffer sizes: {shapes}")
    if reorder not in (0, 1, 2, 3):
        raise ValueError(f"reorder={reorder} not valid, must be one of [1, 2, 3, 4]")


def _solved(transposed: bool, data: Any, indices: Any, indptr: Any, b: Any) -> Any:
    """The values, by scipy."""
    from scipy.sparse import csr_matrix  # not needed by the rest of the package
    from scipy.sparse.linalg import spsolve as solve

    data, indices, indptr, b = map(np.asarray, (data, indices, indptr, b))
    matrix = csr_matrix((data, indices, indptr), shape=(b.size, b.size))
    return solve(matrix.T.tocsr() if transposed else matrix, b).astype(b.dtype)


@equation("spsolve", lambda *args, **params: (args, params))
def solve_csr(data: Array, indices: Array, indptr: Array, b: Array, *, tol: float = 1e-6, reorder: int = 1) -> Array:
    """`spsolve` of arrays."""
    _check(data, indices, indptr, b, reorder)
    float(tol)
    row, col = csr_to_coo(indices, indptr)
    info = COOInfo((b.size, b.size))
    known = stop_gradient(data)  # the derivative is that of the product

    def by(transposed: bool, _: Any, right: Array) -> Array:
        like = ShapeDtypeStruct(right.shape, right.dtype)
        return pure_callback(functools.partial(_solved, transposed), like, known, indices, indptr, right)

    return custom_linear_solve(
        lambda x: matvec(data, row, col, x, spinfo=info), b, functools.partial(by, False), functools.partial(by, True)
    )
