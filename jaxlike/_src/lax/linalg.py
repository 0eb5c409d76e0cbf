"""linalg: the strict forms of decompositions and solvers; operands are matrices of one float or complex dtype.

They share their bodies with `jax.numpy.linalg`. What LAPACK packs (reflectors and their scales) stays packed.
Decompositions whose derivative JAX does not have refuse one.
"""

from __future__ import annotations

import enum
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src import dtypes
from jaxlike._src.array import Array
from jaxlike._src.border import adjoint, conjugate, unwrap
from jaxlike._src.lax.lapack import eig_both_sides, packed_hessenberg, packed_tridiagonal
from jaxlike._src.lax.strict import INEXACT, check_kind, check_same_dtypes, operand
from jaxlike._src.lax.tridiagonal import TridiagonalSolve
from jaxlike._src.numpy import linalg as np_linalg
from jaxlike._src.numpy.arguments import like
from jaxlike._src.numpy.cholesky import cholesky_of_lower
from jaxlike._src.numpy.eigh import eigh as hermitian_parts
from jaxlike._src.numpy.factors import refuse_eigenvectors
from jaxlike._src.numpy.linalg import NO_SQUARE
from jaxlike._src.numpy.lu_qr import lu_parts, pivots_to_permutation
from jaxlike._src.numpy.norms import refuse_half
from jaxlike._src.numpy.systems import solve_tensors
from jaxlike._src.regions import equation
from jaxlike._src.scipy.lapack import schur_parts
from jaxlike._src.scipy.linalg import pivoted
from jaxlike._src.scipy.loops import without_derivative
from jaxlike._src.transforms.custom import library_jvp
from jaxlike._src.transforms.structured import apply

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from jaxlike._src.typing import ArrayLike


class EigImplementation(enum.Enum):
    """Libraries that compute eigenvectors of general matrices; here it is LAPACK."""

    CUSOLVER = "cusolver"
    MAGMA = "magma"
    LAPACK = "lapack"


class EighImplementation(enum.Enum):
    """Algorithms for eigenvectors of Hermitian matrices; here it is torch's choice."""

    QR = "qr"
    JACOBI = "jacobi"
    QDWH = "qdwh"


class SvdAlgorithm(enum.Enum):
    """Algorithms for singular values; here it is torch's choice."""

    DEFAULT = "default"
    QR = "QR"
    JACOBI = "Jacobi"
    POLAR = "polar"
    DIVIDE_AND_CONQUER = "divide_and_conquer"


def _matrices(name: str, ranks: Sequence[int], *args: Any) -> list[Array]:
    """Operands with axes of matrices (rank 2) or vectors (rank 1) at the end, and the same number in front."""
    arrays = [operand(name, x, k) for k, x in enumerate(args)]
    for position, (x, rank) in enumerate(zip(arrays, ranks, strict=True)):
        if x.ndim < rank:
            raise TypeError(f"Input {position} to {name} must have rank at least {rank}, but got shape={x.shape}")
    lead = [x.ndim - rank for x, rank in zip(arrays, ranks, strict=True)]
    if len(set(lead)) > 1:
        raise TypeError(
            f"All inputs to {name} must have the same number of batch dimensions, but got {lead} batch dimensions for "
            "the inputs."
        )
    return arrays


def _kinds(name: str, arrays: Sequence[Array], accepts: Any = INEXACT, halves: bool = False) -> list[Tensor]:
    for position, x in enumerate(arrays):
        check_kind(name, x.dtype, accepts, position)
    check_same_dtypes(name, arrays)
    tensors = [unwrap(x) for x in arrays]
    if not halves:
        refuse_half(tensors[0])
    if tensors[0].dtype.itemsize == 1:
        raise NotImplementedError(f"Unsupported dtype {arrays[0].dtype}")
    return tensors


def _square(name: str, x: Array, text: str) -> tuple[int, int]:
    shape = x.shape[-2:]
    if shape[0] != shape[1]:
        raise ValueError(text.format(name=name, shape=shape))
    return shape[0], shape[1]


def _symmetrised(x: Array) -> Array:
    return like(x, np_linalg.symmetrised(x)) if x.ndim >= 2 else x


# Triangles


def cholesky(x: Array, *, symmetrize_input: bool = True) -> Array:
    """Triangle L with ``L @ L^H == x``; NaN where ``x`` is not positive definite."""
    given = operand("cholesky", x)
    (a,) = _matrices("cholesky", [2], _symmetrised(given) if symmetrize_input else given)
    _square("cholesky", a, NO_SQUARE)
    _kinds("cholesky", [a])
    return cholesky_of_lower(a)


def _updated_factor(r: Tensor, w: Tensor) -> Tensor:
    joined = torch.cat([r, w.unsqueeze(0)])
    new = torch.linalg.qr(joined).R
    diagonal = new.diagonal()
    return new * torch.where(diagonal < 0, -1.0, 1.0).to(new.dtype).unsqueeze(-1)


_cholesky_update = without_derivative("cholesky_update", _updated_factor)


def cholesky_update(r_matrix: ArrayLike, w_vector: ArrayLike) -> Array:
    """The upper Cholesky factor of ``R^T R + w w^T``."""
    r, w = operand("cholesky_update", r_matrix, 0), operand("cholesky_update", w_vector, 1)
    for position, (x, rank) in enumerate(((r, 2), (w, 1))):
        if x.ndim < rank:
            raise TypeError(
                f"Input {position} to cholesky_update must have rank at least {rank}, but got shape={x.shape}"
            )
        if x.ndim != rank:
            raise TypeError(
                f"Input {position} to cholesky_update must have a rank of exactly {rank}, but got shape={x.shape}"
            )
    if r.shape[0] != r.shape[1] or w.shape[0] != r.shape[1]:
        raise ValueError(
            "Rank-1 update to Cholesky decomposition takes a square matrix and a vector of the same size as input. Got "
            f"shapes {r.shape} and {w.shape} instead"
        )
    _kinds("cholesky_update", [r, w], (np.floating,))
    return _cholesky_update(r, w)


@equation(
    "triangular_solve",
    lambda a, b, **given: (
        (a, b),
        dict.fromkeys(("left_side", "lower", "transpose_a", "conjugate_a", "unit_diagonal"), False) | given,
    ),
)
def triangular_solve(
    a: ArrayLike,
    b: ArrayLike,
    *,
    left_side: bool = False,
    lower: bool = False,
    transpose_a: bool = False,
    conjugate_a: bool = False,
    unit_diagonal: bool = False,
) -> Array:
    """Solution x of ``x @ op(a) == b``, or of ``op(a) @ x == b``, for a triangle.

    Args:
        a: ``[..., n, n]``.
        b: matrices, or vectors with one axis less than ``a``.
        left_side: whether ``a`` stands on the left.
        lower: which triangle is read.
        transpose_a: transpose ``a`` first.
        conjugate_a: take its conjugate first.
        unit_diagonal: count its diagonal as ones.
    """
    x, y = operand("triangular_solve", a, 0), operand("triangular_solve", b, 1)
    vectors = y.ndim == x.ndim - 1
    if vectors:
        y = like(y, unwrap(y).unsqueeze(-1 if left_side else -2))
    x, y = _matrices("triangular_solve", [2, 2], x, y)
    if x.shape[-1] != x.shape[-2]:
        raise ValueError(f"The first input to triangular_solve must be a square matrix. Got shape {x.shape[-2:]}.")
    if x.shape[-1] != y.shape[-2 if left_side else -1]:
        raise ValueError(
            f"Incompatible shapes for arguments to triangular_solve: {x.shape[-2:]} and {y.shape[-2:]}."
        )
    matrix, right = _kinds("triangular_solve", [x, y], halves=True)
    if conjugate_a and matrix.is_complex():
        matrix = conjugate(matrix)
    if transpose_a:
        matrix, lower = matrix.mT, not lower
    out = np_linalg.solve_triangle(matrix, right, upper=not lower, left=left_side, unit_diagonal=unit_diagonal)
    if vectors:
        out = out.squeeze(-1 if left_side else -2)
    return Array(out, x.weak_type and y.weak_type)


# Eigenvalues


def _eigenvalues_of_both(a: Array) -> Array:
    return Array(eig_both_sides(unwrap(a)))


@library_jvp
def _eigenvalues(a: Array) -> Array:
    return Array(torch.linalg.eigvals(unwrap(a)))


@_eigenvalues.defjvp
def _eigenvalues_jvp(primals: Any, tangents: Any) -> Any:
    (a,), (da,) = primals, tangents
    values, vectors = (Array(t) for t in torch.linalg.eig(unwrap(a)))
    v = unwrap(vectors)
    moved = solve_tensors(v, unwrap(da).to(v.dtype))
    return values, Array((moved * v.mT).sum(-1))


@library_jvp
def _eigenvectors(a: Array) -> Array:
    return _eigenvalues_of_both(a)


_eigenvectors.defjvp(refuse_eigenvectors)


@library_jvp
def _smooth_eigenvectors(a: Array) -> Array:
    return _eigenvalues_of_both(a)


@_smooth_eigenvectors.defjvp
def _smooth_eigenvectors_jvp(primals: Any, tangents: Any) -> Any:
    both = _smooth_eigenvectors(*primals)
    t, da = unwrap(both), unwrap(tangents[0])
    values, left, right = t[..., 0, 0, :], t[..., 1, :, :], t[..., 2, :, :]
    da = da.to(t.dtype)
    d_values, d_right = _moved_vectors(values, right, da)
    _, d_left = _moved_vectors(conjugate(values), left, adjoint(da))
    rest = torch.zeros_like(right[..., 1:, :])
    first = torch.cat([d_values.unsqueeze(-2), rest], -2)
    return both, Array(torch.stack([first, d_left, d_right], -3))


def _moved_vectors(w: Tensor, v: Tensor, da: Tensor) -> tuple[Tensor, Tensor]:
    """Tangents of eigenvalues and of eigenvectors of norm 1 whose largest component is real."""
    n = w.shape[-1]
    eye = torch.eye(n, dtype=w.dtype, device=w.device)
    gaps = 1 / (eye + w.unsqueeze(-2) - w.unsqueeze(-1)) - eye
    turned = solve_tensors(v, da) @ v
    u = v @ (gaps * turned)
    largest = v.abs().argmax(-2, keepdim=True)
    u_there, v_there = torch.gather(u, -2, largest).squeeze(-2), torch.gather(v, -2, largest).squeeze(-2)
    c = torch.complex(-(conjugate(v) * u).sum(-2).real, -u_there.imag / v_there.real)
    return turned.diagonal(dim1=-2, dim2=-1), u + v * c.unsqueeze(-2)


def eig(
    x: ArrayLike,
    *,
    compute_left_eigenvectors: bool = True,
    compute_right_eigenvectors: bool = True,
    enable_eigvec_derivs: bool = False,
    implementation: EigImplementation | None = None,
    use_magma: bool | None = None,
) -> list[Array]:
    """Eigenvalues of a general matrix, with left and right eigenvectors (columns) as asked for.

    Args:
        x: ``[..., n, n]``.
        compute_left_eigenvectors: give those of ``x^H``.
        compute_right_eigenvectors: give those of ``x``.
        enable_eigvec_derivs: eigenvectors may be differentiated; right where eigenvalues are distinct.
        implementation: LAPACK, or None.
        use_magma: deprecated.
    """
    if use_magma is not None:
        warnings.warn(
            "use_magma is deprecated, please use implementation=EigImplementation.MAGMA instead.",
            DeprecationWarning,
            stacklevel=2,
        )
        implementation = EigImplementation.MAGMA if use_magma else EigImplementation.LAPACK
    (a,) = _matrices("eig", [2], x)
    _square("eig", a, NO_SQUARE)
    _kinds("eig", [a])
    if implementation not in (None, EigImplementation.LAPACK):
        raise ValueError("Only the lapack implementation is supported on CPU.")
    vectors = int(compute_left_eigenvectors) + int(compute_right_eigenvectors)
    if not vectors:
        return [_eigenvalues(a)]
    if not a.shape[-1]:
        none = unwrap(a).to(dtypes.to_torch(dtypes.to_complex_dtype(a.dtype)))
        return [Array(none.sum(-1)), *[Array(none)] * vectors]
    t = unwrap((_smooth_eigenvectors if enable_eigvec_derivs else _eigenvectors)(a))
    out = [Array(t[..., 0, 0, :])]
    if compute_left_eigenvectors:
        out.append(Array(t[..., 1, :, :]))
    if compute_right_eigenvectors:
        out.append(Array(t[..., 2, :, :]))
    return out


def eigh(
    x: Array,
    *,
    lower: bool = True,
    symmetrize_input: bool = True,
    sort_eigenvalues: bool = True,
    subset_by_index: tuple[int, int] | None = None,
    implementation: EighImplementation | None = None,
) -> tuple[Array, Array]:
    """Eigenvectors (columns) and eigenvalues (ascending) of a Hermitian matrix.

    Args:
        x: ``[..., n, n]``.
        lower: which triangle is read where the input is not symmetrised.
        symmetrize_input: average ``x`` with its conjugate transpose first.
        sort_eigenvalues: accepted; they are always sorted.
        subset_by_index: not supported, but for all of them.
        implementation: QR, or None.
    """
    del sort_eigenvalues
    given = operand("eigh", x)
    (a,) = _matrices("eigh", [2], _symmetrised(given) if symmetrize_input else given)
    n, _ = _square(
        "eigh", a, "Argument to symmetric eigendecomposition must have shape [..., n, n], got shape {shape}"
    )
    _kinds("eigh", [a])
    if subset_by_index not in (None, (0, n)):
        raise NotImplementedError("subset_by_index not supported on CPU and GPU")
    if implementation is EighImplementation.QDWH:
        raise NotImplementedError("QDWH implementation is only supported on TPU")
    if implementation is EighImplementation.JACOBI:
        raise NotImplementedError("Jacobi implementation is not supported on CPU")
    return hermitian_parts(a, bool(lower))


# Orthogonal factors


@equation("householder_product", lambda a, taus: ((a, taus), {}))
def householder_product(a: ArrayLike, taus: ArrayLike) -> Array:
    """The product of reflectors, whose vectors are the columns of ``a`` below the diagonal, with scales ``taus``."""
    x, scales = _matrices("householder_product", [2, 1], a, taus)
    m, n = x.shape[-2:]
    if m < n:
        raise ValueError(
            "The first argument to householder_product must have at least as many rows as columns, got shape "
            f"{(m, n)}"
        )
    if scales.shape[-1] > min(m, n):
        raise ValueError(
            "The second argument to householder_product must not have more rows than the minimum of the first "
            "argument's rows and columns."
        )
    vectors, t = _kinds("householder_product", [x, scales])
    return Array(torch.linalg.householder_product(vectors, t))


def ormqr(a: ArrayLike, taus: ArrayLike, c: ArrayLike, *, left: bool = True, transpose: bool = False) -> Array:
    """The orthogonal matrix of `householder_product`, made square, times ``c`` (or ``c`` times it).

    Args:
        a: ``[..., m, n]``, reflectors.
        taus: their scales.
        c: matrices.
        left: whether the orthogonal matrix stands on the left.
        transpose: take its conjugate transpose.
    """
    x, scales, y = _matrices("ormqr", [2, 1, 2], a, taus, c)
    m, shape = x.shape[-2], y.shape[-2:]
    if left and shape[0] != m:
        raise ValueError(
            "ormqr with left=True expects c to have the same number of rows as the Householder matrix a. Got a shape "
            f"{x.shape[-2:]} and c shape {shape}."
        )
    if not left and shape[1] != m:
        raise ValueError(
            "ormqr with left=False expects c to have the same number of columns as the Householder matrix a has rows. "
            f"Got a shape {x.shape[-2:]} and c shape {shape}."
        )
    vectors, t, right = _kinds("ormqr", [x, scales, y])
    width = m - vectors.shape[-1]
    vectors = torch.nn.functional.pad(vectors, (0, width)) if width > 0 else vectors[..., :m]
    q = torch.linalg.householder_product(vectors, t)
    q = adjoint(q) if transpose else q
    return Array(q @ right if left else right @ q)


@equation(
    "qr", lambda x, **given: ((x,), {"pivoting": False, "full_matrices": True, "use_magma": None} | given)
)
def qr(
    x: ArrayLike, *, pivoting: bool = False, full_matrices: bool = True, use_magma: bool | None = None
) -> tuple[Array, ...]:
    """QR decomposition ``(Q, R)``, with the order of columns if it may choose one.

    Args:
        x: ``[..., m, n]``.
        pivoting: take the columns in an order that keeps R well conditioned.
        full_matrices: square Q rather than ``min(m, n)`` columns.
        use_magma: accepted.
    """
    del use_magma
    (a,) = _matrices("qr", [2], x)
    _kinds("qr", [a])
    order: tuple[Array, ...] = ()
    if pivoting:
        a, places = pivoted(a)
        order = (places,)
    q, r = np_linalg.qr(a, mode="complete" if full_matrices else "reduced")
    return (q, r, *order)


def svd(
    x: ArrayLike,
    *,
    full_matrices: bool = True,
    compute_uv: bool = True,
    subset_by_index: tuple[int, int] | None = None,
    algorithm: SvdAlgorithm | None = None,
) -> Any:
    """Singular value decomposition ``(U, S, Vh)``, or S alone.

    Args:
        x: ``[..., m, n]``.
        full_matrices: square U and Vh rather than ``min(m, n)`` columns and rows.
        compute_uv: give U and Vh.
        subset_by_index: not supported, but for all of them.
        algorithm: accepted.
    """
    (a,) = _matrices("svd", [2], x)
    _kinds("svd", [a])
    k = min(a.shape[-2:])
    if subset_by_index is not None:
        if full_matrices and subset_by_index != (0, k):
            raise ValueError("full_matrices and subset_by_index cannot both be set")
        if subset_by_index != (0, k):
            raise NotImplementedError("subset_by_index not implemented for CPU and GPU")
    if algorithm not in (None, SvdAlgorithm.DEFAULT, SvdAlgorithm.QR, SvdAlgorithm.DIVIDE_AND_CONQUER):
        raise NotImplementedError("The SVD Jacobi and Polar algorithms are not implemented on CPU.")
    out = np_linalg.svd_parts(a, bool(full_matrices), compute_uv)
    return tuple(out) if compute_uv else out


# LU


@equation("lu", lambda x: ((x,), {}))
def lu(x: ArrayLike) -> list[Array]:
    """Packed LU factors, the row swaps, and the order of rows that they come to (both from 0)."""
    (a,) = _matrices("lu", [2], x)
    (t,) = _kinds("lu", [a])
    packed, order, pivots = lu_parts(t)
    return [Array(packed), Array(pivots.to(torch.int32)), Array(order.to(torch.int32))]


@equation("lu_pivots_to_permutation", lambda pivots, permutation_size: ((pivots,), {"permutation_size": permutation_size}))
def lu_pivots_to_permutation(pivots: ArrayLike, permutation_size: int) -> Array:
    """The order of rows that row swaps (from 0) come to."""
    (swaps,) = _matrices("lu_pivots_to_permutation", [1], pivots)
    count = swaps.shape[-1]
    if not permutation_size >= count:
        raise ValueError(
            f"Output permutation size {permutation_size} has to exceed the trailing dimension of the pivots. Got "
            f"pivots size {count}"
        )
    if swaps.dtype != np.int32:
        raise TypeError(
            f"lu_pivots_to_permutation does not accept dtype {swaps.dtype} at position 0. Accepted dtypes at position 0 "
            "are subtypes of int32."
        )
    t = unwrap(swaps)
    shape = torch.zeros([*t.shape[:-1], permutation_size, count], device=t.device)
    return Array(pivots_to_permutation(shape, t + 1).to(torch.int32))


# Forms


_schur = without_derivative("schur", schur_parts)
_hessenberg = without_derivative("hessenberg", packed_hessenberg)
_tridiagonal = {
    lower: without_derivative("tridiagonal", lambda a, lower=lower: packed_tridiagonal(a, lower))
    for lower in (False, True)
}


def schur(
    x: ArrayLike,
    *,
    compute_schur_vectors: bool = True,
    sort_eig_vals: bool = False,
    select_callable: Callable[..., Any] | None = None,
) -> list[Array]:
    """The Schur form of a matrix, and the unitary matrix of the change.

    Args:
        x: ``[..., n, n]``.
        compute_schur_vectors: give the unitary matrix.
        sort_eig_vals: not supported.
        select_callable: not used.
    """
    del select_callable
    (a,) = _matrices("schur", [2], x)
    _square("schur", a, NO_SQUARE)
    _kinds("schur", [a])
    if sort_eig_vals:
        raise NotImplementedError("The sort feature of LAPACK's gees routine is not implemented.")
    both = unwrap(_schur(a))
    form = Array(both[..., 0, :, :])
    return [form, Array(both[..., 1, :, :])] if compute_schur_vectors else [form]


@equation("hessenberg", lambda a: ((a,), {}))
def hessenberg(a: ArrayLike) -> list[Array]:
    """The Hessenberg form of a matrix, with reflectors below it, and their scales."""
    (x,) = _matrices("hessenberg", [2], a)
    n, _ = _square("hessenberg", x, "Argument to Hessenberg reduction must have shape [..., n, n], got shape {shape}")
    _kinds("hessenberg", [x])
    t = unwrap(_hessenberg(x))
    return [Array(t[..., :n, :]), Array(t[..., n, : n - 1])]


@equation("tridiagonal", lambda a, **given: ((a,), {"lower": True} | given))
def tridiagonal(a: ArrayLike, *, lower: bool = True) -> list[Array]:
    """A Hermitian matrix brought to tridiagonal form.

    Args:
        a: ``[..., n, n]``.
        lower: which triangle is read.

    Returns:
        The matrix with reflectors, its diagonal, the diagonal beside it, and the reflectors' scales.
    """
    (x,) = _matrices("tridiagonal", [2], a)
    n, columns = x.shape[-2:]
    if n != columns or columns == 0:
        raise ValueError(NO_SQUARE.format(name="tridiagonal", shape=(n, columns)))
    _kinds("tridiagonal", [x])
    t = unwrap(_tridiagonal[bool(lower)](x))
    diagonal, beside = t[..., n, :], t[..., n + 1, : n - 1]
    if t.is_complex():
        diagonal, beside = diagonal.real, beside.real
    parts = [t[..., :n, :], diagonal, beside, t[..., n + 2, : n - 1]]
    return [Array(p) for p in parts]


_SOLVE = TridiagonalSolve()


def tridiagonal_solve(dl: Array, d: Array, du: Array, b: Array, *, perturb_singular: bool = False) -> Array:
    """Solution x of ``A @ x == b`` for tridiagonal matrices.

    Args:
        dl: ``[..., n]``, the lower diagonal; its first element is not used.
        d: ``[..., n]``, the diagonal.
        du: ``[..., n]``, the upper diagonal; its last element is not used.
        b: ``[..., n, k]``.
        perturb_singular: not supported.
    """
    arrays = _matrices("tridiagonal_solve", [1, 1, 1, 2], dl, d, du, b)
    sizes = [x.shape[-1:] for x in arrays[:3]]
    if len(set(sizes)) > 1:
        raise TypeError("tridiagonal_solve requires that all diagonal arguments have the same shape.")
    if sizes[0] != arrays[3].shape[-2:-1]:
        raise TypeError(
            "tridiagonal_solve requires that the leading ndim-1 dimensions of b equal the dimensions of the diagonal "
            "arguments."
        )
    _kinds("tridiagonal_solve", arrays)
    if perturb_singular:
        raise NotImplementedError("perturb_singular=True is not supported on this platform.")
    return apply(_SOLVE, arrays)[0]


def symmetric_product(
    a_matrix: ArrayLike,
    c_matrix: ArrayLike,
    *,
    alpha: float = 1.0,
    beta: float = 0.0,
    symmetrize_output: bool = False,
) -> Array:
    """``alpha * a @ a^T + beta * c``."""
    a, c = _matrices("symmetric_product", [2, 2], a_matrix, c_matrix)
    if a.shape[-2] != c.shape[-1] or c.shape[-2] != c.shape[-1]:
        raise ValueError(
            "symmetric_update expects a rectangular matrix of shape (m, n) and a square matrix of shape (n, n). Got "
            f"shapes {a.shape[-2:]} and {c.shape[-2:]}."
        )
    x, y = _kinds("symmetric_product", [a, c], (np.floating,))
    out = alpha * (x @ x.mT) + beta * y
    return Array(out.tril() + out.tril(-1).mT if symmetrize_output else out)

