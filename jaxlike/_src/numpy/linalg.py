"""linalg: decompositions, solvers and norms of jax.numpy.linalg, batched over leading axes.

They never raise for bad numbers: a failed Cholesky is NaN, a singular solve has NaN and inf, as LAPACK's
factors give them. Symmetric functions symmetrise their input first, as JAX does. Results that come in
several parts are named tuples.
"""

from __future__ import annotations

import itertools
import operator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch

from jaxlike._src import dtypes, fast_paths
from jaxlike._src.array import Array
from jaxlike._src.border import (
    adjoint,
    alike_and_inexact,
    asarray,
    canonicalize_axis,
    cast,
    check_arraylike,
    conjugate,
    promote_dtypes_inexact,
    unwrap,
)
from jaxlike._src.frames import STATE
from jaxlike._src.lax.lapack import packed_qr
from jaxlike._src.numpy import factors, products, systems, triangles
from jaxlike._src.numpy.cholesky import cholesky_or_nan
from jaxlike._src.numpy.eigh import eigh as hermitian_parts
from jaxlike._src.numpy.lu_qr import qr_factors
from jaxlike._src.numpy.norms import norm, refuse_half
from jaxlike._src.numpy.svd import svd as singular_parts
from jaxlike._src.numpy.systems import solve_tensors
from jaxlike._src.transforms.compiled import compiled, jitted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


class EigResult(NamedTuple):
    """Eigenvalues and right eigenvectors (columns)."""

    eigenvalues: Array
    eigenvectors: Array


class EighResult(NamedTuple):
    """Ascending eigenvalues and orthonormal eigenvectors (columns)."""

    eigenvalues: Array
    eigenvectors: Array


class QRResult(NamedTuple):
    """Orthonormal columns and an upper triangle."""

    Q: Array
    R: Array


class SlogdetResult(NamedTuple):
    """Sign (or phase) and logarithm of the absolute value of a determinant."""

    sign: Array
    logabsdet: Array


class SVDResult(NamedTuple):
    """``U * S @ Vh`` is the matrix; S descends."""

    U: Array
    S: Array
    Vh: Array


def inexact_operands(name: str, *args: Any) -> list[Array]:
    """The operands as floating Arrays of one dtype that LAPACK has."""
    if alike_and_inexact(args):
        return list(args)
    arrays = inexact_arrays(f"jnp.linalg.{name}", *args)
    if arrays[0].ndim > 1:  # what is no matrix does not come as far as LAPACK
        refuse_half(unwrap(arrays[0]))
    return arrays


def inexact_arrays(name: str, *args: Any) -> list[Array]:
    """The operands as floating Arrays of one dtype."""
    check_arraylike(name, *args)
    return promote_dtypes_inexact(*args)


def check_rank(name: str, x: Array) -> None:
    """TypeError for what is no matrix."""
    if x.ndim < 2:
        raise TypeError(f"Input 0 to {name} must have rank at least 2, but got shape={x.shape}")


def check_square(
    name: str, x: Array, text: str = "Argument to {name} must have shape [..., n, n], got {shape}."
) -> None:
    """ValueError where ``x`` is no stack of square matrices."""
    if x.ndim < 2 or x.shape[-1] != x.shape[-2]:
        raise ValueError(text.format(name=name, shape=x.shape))


NO_SQUARE = "The input to {name} must be a square matrix. Got shape {shape}."


def symmetrised(x: Array) -> Tensor:
    """``(x + x^H) / 2``."""
    t = unwrap(x)
    if x.ndim < 2:
        raise TypeError(
            "transpose permutation isn't a permutation of operand dimensions, got permutation "
            f"{(x.ndim - 1, x.ndim - 2)} for operand shape {x.shape}."
        )
    if x.shape[-1] != x.shape[-2]:
        turned = (*x.shape[:-2], x.shape[-1], x.shape[-2])
        raise TypeError(f"add got incompatible shapes for broadcasting: {x.shape}, {turned}.")
    return (t + adjoint(t)) / 2


# Decompositions


@jitted("cholesky", "a")
def cholesky(a: Any, *, upper: bool = False, symmetrize_input: bool = True) -> Array:
    """Triangle L with ``L @ L^H == a`` (``upper``: U with ``U^H @ U == a``); NaN where ``a`` is not positive."""
    (x,) = inexact_operands("cholesky", a)
    if not symmetrize_input:
        check_square("cholesky", x)
    t = symmetrised(x) if symmetrize_input else unwrap(x)
    factor = cholesky_or_nan(t)
    return Array(adjoint(factor) if upper else factor)


@jitted("eigh", "a")
def eigh(a: Any, UPLO: str | None = None, symmetrize_input: bool = True) -> EighResult:
    """Eigenvalues (ascending, real) and eigenvectors of a Hermitian matrix.

    Args:
        a: ``[..., n, n]``.
        UPLO: which triangle is read where the input is not symmetrised: "L" or "U".
        symmetrize_input: average the matrix with its conjugate transpose first.
    """
    (x,) = inexact_operands("eigh", a)
    if UPLO not in (None, "L", "U"):
        raise ValueError(f"UPLO must be one of None, 'L', or 'U', got {UPLO}")
    if not symmetrize_input:
        check_square("eigh", x)
    vectors, values = hermitian_parts(Array(symmetrised(x)) if symmetrize_input else x, UPLO != "U")
    return EighResult(values, vectors)


@jitted("eigvalsh", "a")
def eigvalsh(a: Any, UPLO: str | None = "L", *, symmetrize_input: bool = True) -> Array:
    """Eigenvalues of a Hermitian matrix, ascending."""
    check_arraylike("jnp.linalg.eigvalsh", a)
    return eigh(a, UPLO, symmetrize_input).eigenvalues


def eig(a: Any) -> EigResult:
    """Eigenvalues and right eigenvectors of a general matrix, complex."""
    (x,) = inexact_operands("eig", a)
    check_rank("eig", x)
    check_square("eig", x, NO_SQUARE)
    return EigResult(*factors.eig(x))


@compiled("a")
def eigvals(a: Any) -> Array:
    """Eigenvalues of a general matrix, complex."""
    (x,) = inexact_operands("eigvals", a)
    check_rank("eig", x)
    check_square("eig", x, NO_SQUARE)
    return Array(factors.eigvals(unwrap(x)))


@jitted("svd", "a")
def svd(
    a: Any,
    full_matrices: bool = True,
    compute_uv: bool = True,
    hermitian: bool = False,
    subset_by_index: tuple[int, int] | None = None,
) -> Any:
    """Singular value decomposition ``a == U * S @ Vh``.

    Args:
        a: ``[..., m, n]``.
        full_matrices: square U and Vh rather than ``min(m, n)`` columns and rows.
        compute_uv: give U and Vh; otherwise only S.
        hermitian: ``a`` is Hermitian: its eigenvectors serve.
        subset_by_index: not supported, unless it means all.
    """
    full_matrices = bool(full_matrices)
    (x,) = inexact_operands("svd", a)
    if not hermitian:
        check_rank("svd", x)
    if subset_by_index is not None and tuple(subset_by_index) != (0, min(x.shape[-2:])):
        if full_matrices:
            raise ValueError("full_matrices and subset_by_index cannot both be set")
        raise NotImplementedError("subset_by_index not implemented for CPU and GPU")
    if hermitian:
        vectors, values = map(unwrap, hermitian_parts(Array(symmetrised(x)), True))
        size = values.abs()
        order = size.argsort(dim=-1, descending=True, stable=True)
        size = size.gather(-1, order)
        if not compute_uv:
            return Array(size)
        vectors = vectors.gather(-1, order.unsqueeze(-2).expand(vectors.shape))
        signs = torch.where(values.gather(-1, order) < 0, -1.0, 1.0).to(vectors.dtype)
        return SVDResult(Array(vectors), Array(size), Array(adjoint(vectors * signs.unsqueeze(-2))))
    return svd_parts(x, full_matrices, compute_uv)


def svd_parts(x: Array, full_matrices: bool, compute_uv: bool) -> Any:
    """The decomposition of checked matrices, or the singular values."""
    if not compute_uv:
        return Array(factors.svdvals(unwrap(x)))
    s, u, vh = singular_parts(x, full_matrices)
    return SVDResult(u, s, vh)


def svdvals(x: Any, /) -> Array:
    """Singular values, descending."""
    check_arraylike("jnp.linalg.svdvals", x)
    return svd(x, compute_uv=False)


@jitted("qr", "a")
def qr(a: Any, mode: str = "reduced") -> Any:
    """QR decomposition.

    Args:
        a: ``[..., m, n]``.
        mode: "reduced" (or "full"), "complete", "r" (only R) or "raw" (LAPACK's reflectors and scales).
    """
    (x,) = inexact_operands("qr", a)
    if mode not in ("reduced", "r", "full", "complete", "raw"):
        raise ValueError(f"Unsupported QR decomposition mode '{mode}'")
    check_rank("geqrf" if mode == "raw" else "qr", x)
    if mode == "raw":
        packed = packed_qr(unwrap(x))
        return QRResult(Array(packed[..., :-1, :].mT), Array(packed[..., -1, : min(x.shape[-2:])]))
    q, r = qr_factors(unwrap(x), mode == "complete")
    return Array(r) if mode == "r" else QRResult(Array(q), Array(r))


# Solvers


def solve_triangle(
    t: Tensor, b: Tensor, *, upper: bool, left: bool = True, unit_diagonal: bool = False
) -> Tensor:
    """Solve with one triangle of ``t``; 16-bit floats are widened, as LAPACK lacks them."""
    wide = [x.to(torch.float32) if x.dtype.itemsize == 2 else x for x in (t, b)]
    out = torch.linalg.solve_triangular(*wide, upper=upper, left=left, unitriangular=unit_diagonal)
    return out.to(t.dtype)


def lu_substitute(
    packed: Tensor, order: Tensor, b: Tensor, *, transposed: bool = False, conjugated: bool = False
) -> Tensor:
    """Solve with LU factors by two triangular solves; a zero pivot gives inf and NaN."""
    n = packed.shape[-1]
    if transposed:
        factors = conjugate(packed) if conjugated and packed.is_complex() else packed
        y = torch.linalg.solve_triangular(factors.mT, b, upper=False)
        y = torch.linalg.solve_triangular(factors.mT, y, upper=True, unitriangular=True)
        back = order.argsort(dim=-1)
        return y.gather(-2, back.unsqueeze(-1).expand(*y.shape[:-2], n, y.shape[-1]))
    rows = order.unsqueeze(-1).expand(*np.broadcast_shapes(order.shape[:-1], b.shape[:-2]), n, b.shape[-1])
    permuted = b.expand(*rows.shape).gather(-2, rows)
    y = torch.linalg.solve_triangular(packed, permuted, upper=False, unitriangular=True)
    return torch.linalg.solve_triangular(packed, y, upper=True)


@compiled("a", "b")
def solve(a: Any, b: Any) -> Array:
    """Solution x of ``a @ x == b``.

    Args:
        a: ``[..., n, n]``.
        b: ``[n]``, or ``[..., n, k]``; leading axes broadcast.
    """
    if STATE.fast is None and type(a) is Array and type(b) is Array and a._frame is b._frame is None:
        matrix, right = a._t, b._t
        if matrix.dtype is right.dtype and matrix.dtype in fast_paths.LAPACK and matrix.is_cpu and right.is_cpu:
            solved = fast_paths.small_solve(matrix, right)
            if solved is not None:
                return Array(solved)
    x, y = inexact_operands("solve", a, b)
    if x.ndim < 2:
        raise ValueError(
            f"left hand array must be at least two dimensional; got a.shape={x.shape}"
        )
    if y.ndim > 1 and x.ndim == y.ndim + 1 and x.shape[-1] == y.shape[-1] != y.shape[-2]:
        raise ValueError(
            f"Invalid shapes for solve: {x.shape}, {y.shape}. Prior to JAX v0.5.0, this would have been treated as a "
            "batched 1-dimensional solve. To recover this behavior, use solve(a, b[..., None]).squeeze(-1)."
        )
    t = unwrap(y)
    if not (t.ndim and x.shape[-2] == x.shape[-1] == t.shape[max(-2, -t.ndim)]):
        signature, cores = ("(m,m),(m)->(m)", ("mm", "m")) if y.ndim == 1 else ("(m,m),(m,n)->(m,n)", ("mm", "mn"))
        products.check_core_sizes(signature, (x.shape, y.shape), cores)
    if y.ndim == 1:
        return Array(solve_broadcast(unwrap(x), t.unsqueeze(-1)).squeeze(-1))
    return Array(solve_broadcast(unwrap(x), t))


def solve_broadcast(a: Tensor, b: Tensor) -> Tensor:
    """`solve_tensors` with leading axes broadcast."""
    if a.shape[:-2] == b.shape[:-2]:
        return solve_tensors(a, b)
    lead = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    return solve_tensors(a.expand(*lead, *a.shape[-2:]), b.expand(*lead, *b.shape[-2:]))


@jitted("inv", "a")
def inv(a: Any) -> Array:
    """Inverse of ``[..., n, n]``; NaN and inf where it has none."""
    (x,) = inexact_operands("inv", a)
    check_square("inv", x)
    t = unwrap(x)
    eye = torch.eye(x.shape[-1], dtype=t.dtype, device=t.device)
    return Array(solve_tensors(t, eye.expand(t.shape)))


def lstsq(a: Any, b: Any, rcond: float | None = None, *, numpy_resid: bool = False) -> tuple[Array, ...]:
    """Least squares: x with the smallest ``|a @ x - b|``.

    Returns:
        The solution, squared residuals (empty with ``numpy_resid`` where numpy gives none), the rank, and the
        singular values of ``a``.
    """
    x, y = inexact_operands("lstsq", a, b)
    if x.shape[0] != y.shape[0]:
        raise ValueError("Leading dimensions of input arrays must match")
    if x.ndim != 2:
        raise TypeError(f"{x.ndim}-dimensional array given. Array must be two-dimensional")
    if y.ndim not in (1, 2):
        raise TypeError(f"{y.ndim}-dimensional array given. Array must be one or two-dimensional")
    t, r = unwrap(x), unwrap(y)
    if y.ndim == 1:
        r = r.unsqueeze(-1)
    m, n = x.shape
    real = dtypes.finfo(x.dtype)
    limit = float(real.eps) * max(n, m) if rcond is None else float(np.where(rcond < 0, real.eps, rcond))
    s, u, vh = map(unwrap, singular_parts(x, False))
    if s.numel():
        mask = (s > 0) & (s >= limit * s[..., :1])
    else:
        mask = torch.zeros_like(s, dtype=torch.bool)
    rank = mask.sum(dtype=dtypes.to_torch(dtypes.default_int_dtype()))
    inverse = torch.where(mask, 1.0 / torch.where(mask, s, 1.0), 0.0).to(t.dtype)
    solution = adjoint(vh) @ (inverse.unsqueeze(-1) * (adjoint(u) @ r))
    difference = r - t @ solution
    residuals = (difference.abs() ** 2).sum(0)
    if numpy_resid and (int(rank) < n or m <= n):
        residuals = residuals[:0]
    if y.ndim == 1:
        solution = solution.squeeze(-1)
    return Array(solution), Array(residuals), Array(rank), Array(s)


def pinv(a: Any, rtol: Any = None, hermitian: bool = False, *, rcond: Any = None) -> Array:
    """Moore-Penrose inverse by singular values; those below ``rtol`` times the largest count as 0."""
    (x,) = inexact_operands("pinv", a)
    limit = rtol if rtol is not None else rcond
    _, _ = x.shape[-2:]
    if limit is None:
        limit = 10.0 * max(x.shape[-2:]) * float(dtypes.finfo(x.dtype).eps)
    real = torch.float64 if unwrap(x).dtype in (torch.float64, torch.complex128) else torch.float32
    cut = cast(unwrap(asarray(limit)), real)
    t = symmetrised(x) if hermitian else unwrap(x)
    return Array(factors.pinv(t, cut, bool(hermitian)))


# Determinants


@jitted("slogdet", "a")
def slogdet(a: Any, *, method: str | None = None) -> SlogdetResult:
    """Sign and log of the absolute value of the determinant of ``[..., n, n]``."""
    (x,) = inexact_arrays("jnp.linalg.slogdet", a)
    if method not in (None, "lu", "qr"):
        raise ValueError(f"Unknown slogdet method '{method}'. Supported methods are 'lu' (`None`), and 'qr'.")
    check_square("slogdet()", x, "Argument to {name} must have shape [..., n, n], got {shape}")
    t = unwrap(x)
    if t.dtype.itemsize != 2:
        return SlogdetResult(*systems.slogdet(Array(t)))
    return SlogdetResult(*(Array(unwrap(part).to(t.dtype)) for part in systems.slogdet(Array(t.to(torch.float32)))))


@jitted("det", "a")
def det(a: Any) -> Array:
    """Determinant of ``[..., n, n]``."""
    (x,) = inexact_arrays("jnp.linalg.det", a)
    check_square("_det()", x, "Argument to _det() must have shape [..., n, n], got {shape}")
    t = unwrap(x)
    if x.shape[-1] == 0:
        return Array(t.new_ones(x.shape[:-2]))
    if x.shape[-1] == 1:
        return Array(t[..., 0, 0])
    if x.shape[-1] == 2:
        return Array(t[..., 0, 0] * t[..., 1, 1] - t[..., 0, 1] * t[..., 1, 0])
    if x.shape[-1] == 3:
        rows = [[t[..., row, col] for col in range(3)] for row in range(3)]
        (p, q, r), (u, v, w), (i, j, k) = rows
        return Array(p * v * k + q * w * i + r * u * j - r * v * i - p * w * j - q * u * k)
    if t.dtype.itemsize != 2:
        return systems.det(Array(t))
    return Array(unwrap(systems.det(Array(t.to(torch.float32)))).to(t.dtype))


# Numbers that describe a matrix


@compiled("x")
def cond(x: Any, p: Any = None) -> Array:
    """Condition number in the norm ``p`` (2 by default)."""
    from jaxlike._src.numpy.arithmetic import multiply, true_divide

    (v,) = inexact_arrays("cond", x)
    refuse_half(unwrap(v))
    if v.ndim < 2:
        raise ValueError(f"jnp.linalg.cond: input array must be at least 2D; got arr.shape={v.shape}")
    if not min(v.shape[-2:]):
        raise ValueError(f"jnp.linalg.cond: input array must not be empty; got arr.shape={v.shape}")
    if p in (None, 2, -2):
        s = unwrap(svdvals(v))
        first, last = Array(s[..., 0]), Array(s[..., -1])
        return true_divide(last, first) if p == -2 else true_divide(first, last)
    if v.shape[-2] != v.shape[-1]:
        raise ValueError(f"jnp.linalg.cond: for {p=}, array must be square; got arr.shape={v.shape}")
    axes = (v.ndim - 2, v.ndim - 1)
    product = multiply(norm(v, p, axes), norm(inv(v), p, axes))
    t = unwrap(product)
    orig_nan = unwrap(v).isnan().any(-1).any(-1)
    return Array(torch.where(t.isnan() & ~orig_nan, torch.inf, t))


@compiled("M", "rtol", "tol")
def matrix_rank(M: Any, rtol: Any = None, *, hermitian: bool = False, tol: Any = None) -> Array:
    """Number of singular values above ``rtol``, or its older name ``tol``; by default above rounding of the largest."""
    if tol is not None and rtol is not None:
        raise ValueError("matrix_rank: only one of tol or rtol may be specified.")
    (v,) = inexact_operands("matrix_rank", M)
    if v.ndim < 2:
        t = unwrap(v)
        return Array((t != 0).any().to(torch.int32))
    s = unwrap(svd(v, compute_uv=False, hermitian=hermitian))
    if not s.shape[-1]:
        raise ValueError("zero-size array to reduction operation max which has no identity")
    limit = tol if tol is not None else rtol
    if limit is None:
        cut = s.amax(-1) * max(v.shape[-2:]) * float(dtypes.finfo(v.dtype).eps)
    else:
        cut = unwrap(asarray(limit)).to(s.dtype)
    index = dtypes.to_torch(dtypes.default_int_dtype())
    return Array((s > cut.unsqueeze(-1) if cut.dim() else s > cut).sum(-1).to(index))


# Products and rearrangements


@jitted("matrix_power", "a")
def matrix_power(a: Any, n: int) -> Array:
    """``a`` multiplied by itself ``n`` times; negative powers are those of the inverse."""
    check_arraylike("jnp.linalg.matrix_power", a)
    x = asarray(a)
    if x.ndim < 2:
        raise TypeError(f"{x.ndim}-dimensional array given. Array must be at least two-dimensional")
    if x.shape[-1] != x.shape[-2]:
        raise TypeError("Last 2 dimensions of the array must be square")
    try:
        n = operator.index(n)
    except TypeError as error:
        raise TypeError(f"exponent must be an integer, got {n}") from error
    if n == 0:
        t = unwrap(x)
        return Array(torch.eye(x.shape[-1], dtype=t.dtype, device=t.device).expand(t.shape))
    if n < 0:
        x, n = inv(x), -n
    result: Array | None = None
    while n:
        if n & 1:
            result = x if result is None else products.matmul(result, x)
        n >>= 1
        if n:
            x = products.matmul(x, x)
    assert result is not None
    return result


def multi_dot(arrays: Sequence[Any], *, precision: Any = None) -> Array:
    """Product of matrices in the cheapest order; the first and last may be vectors."""
    check_arraylike("jnp.linalg.multi_dot", *arrays)
    values = [asarray(v) for v in arrays]
    if len(values) == 1:
        values = list(values[0])  # as JAX takes one array: for the sequence of its rows
    if len(values) < 2:
        raise ValueError(f"multi_dot requires at least two arrays; got len(arrays)={len(values)}")
    if not all(1 <= v.ndim <= 2 for v in (values[0], values[-1])) or not all(v.ndim == 2 for v in values[1:-1]):
        raise ValueError(
            "multi_dot: input arrays must all be two-dimensional, except for the first and last array which may be 1 "
            f"or 2 dimensional. Got array shapes {[v.shape for v in values]}"
        )
    if any(p.shape[-1] != q.shape[0] for p, q in itertools.pairwise(values)):
        raise ValueError(
            f"multi_dot: last dimension of each array must match first dimension of following array. Got array shapes "
            f"{[v.shape for v in values]}"
        )
    letters = products._LETTERS
    terms = [letters[k : k + v.ndim] for k, v in enumerate(values)]
    if values[0].ndim == 1:
        terms = [letters[1], *terms[1:]]
    labels = "".join(terms)
    free = "".join(c for c in dict.fromkeys(labels) if labels.count(c) == 1)
    return products.einsum(",".join(terms) + "->" + free, *values, optimize="auto", precision=precision)


def cross(x1: Any, x2: Any, /, *, axis: int = -1) -> Array:
    """Cross product of 3-vectors along ``axis``."""
    x, y = inexact_or_integer("cross", x1, x2)
    if x.shape[axis] != 3 or y.shape[axis] != 3:
        raise ValueError(
            "Both input arrays must be (arrays of) 3-dimensional vectors, but they have "
            f"x1.shape[axis]={x.shape[axis]} and x2.shape[axis]={y.shape[axis]}"
        )
    return products.cross(x, y, axis=axis)


def inexact_or_integer(name: str, *args: Any) -> list[Array]:
    """The operands as Arrays of their common dtype."""
    from jaxlike._src.border import promote_args

    return promote_args(f"jnp.linalg.{name}", *args)


def outer(x1: Any, x2: Any, /) -> Array:
    """Outer product of two vectors."""
    x, y = inexact_or_integer("outer", x1, x2)
    if x.ndim != 1 or y.ndim != 1:
        raise ValueError(f"Input arrays must be one-dimensional, but they are x1.ndim={x.ndim} x2.ndim={y.ndim}")
    return products.outer(x, y)


def matmul(x1: Any, x2: Any, /, *, precision: Any = None, preferred_element_type: Any = None) -> Array:
    """As `jax.numpy.matmul`."""
    check_arraylike("jnp.linalg.matmul", x1, x2)
    return products.matmul(x1, x2, precision=precision, preferred_element_type=preferred_element_type)


def tensordot(
    x1: Any,
    x2: Any,
    /,
    *,
    axes: Any = 2,
    precision: Any = None,
    preferred_element_type: Any = None,
    out_sharding: Any = None,
) -> Array:
    """As `jax.numpy.tensordot`."""
    check_arraylike("jnp.linalg.tensordot", x1, x2)
    return products.tensordot(
        x1, x2, axes, precision=precision, preferred_element_type=preferred_element_type, out_sharding=out_sharding
    )


def vecdot(
    x1: Any, x2: Any, /, *, axis: int = -1, precision: Any = None, preferred_element_type: Any = None
) -> Array:
    """As `jax.numpy.vecdot`."""
    check_arraylike("jnp.linalg.vecdot", x1, x2)
    return products.vecdot(x1, x2, axis=axis, precision=precision, preferred_element_type=preferred_element_type)


def matrix_transpose(x: Any, /) -> Array:
    """The last two axes exchanged."""
    from jaxlike._src.numpy.shape import matrix_transpose as transpose

    check_arraylike("jnp.linalg.matrix_transpose", x)
    v = asarray(x)
    if v.ndim < 2:
        raise ValueError(f"matrix_transpose requires at least 2 dimensions; got ndim={v.ndim}")
    return transpose(v)


def diagonal(x: Any, /, *, offset: int = 0) -> Array:
    """Diagonals of the last two axes."""
    check_arraylike("jnp.linalg.diagonal", x)
    return triangles.diagonal(x, offset, -2, -1)


def trace(x: Any, /, *, offset: int = 0, dtype: Any = None) -> Array:
    """Sums of the diagonals of the last two axes."""
    check_arraylike("jnp.linalg.trace", x)
    return triangles.trace(x, offset, -2, -1, dtype)


def tensorinv(a: Any, ind: int = 2) -> Array:
    """Inverse under ``tensordot`` over ``ind`` axes."""
    (x,) = inexact_operands("tensorinv", a)
    ind = operator.index(ind)
    if ind <= 0:
        raise ValueError(f"ind must be a positive integer; got {ind=}")
    first, last = x.shape[:ind], x.shape[ind:]
    n, m = int(np.prod(first, dtype=int)), int(np.prod(last, dtype=int))
    if n != m:
        raise ValueError(
            "tensorinv is only possible when the product of the first `ind` dimensions equals that of the remaining "
            f"dimensions. Got a.shape={x.shape} with {ind=}."
        )
    inverse = inv(Array(unwrap(x).reshape(n, m)))
    return Array(unwrap(inverse).reshape((*last, *first)))


def tensorsolve(a: Any, b: Any, axes: Any = None) -> Array:
    """Solution x of ``tensordot(a, x, x.ndim) == b``."""
    x, y = inexact_operands("tensorsolve", a, b)
    t = unwrap(x)
    if axes is not None:
        last = sorted(canonicalize_axis(d, x.ndim) for d in axes)
        t = t.permute([d for d in range(x.ndim) if d not in last] + last)
    shape = tuple(t.shape[y.ndim :])
    size = int(np.prod(shape, dtype=int))
    if tuple(t.shape[: y.ndim]) != y.shape:
        raise ValueError(
            "After moving axes to end, leading shape of a must match shape of b. got a.shape="
            f"{tuple(t.shape)}, b.shape={y.shape}"
        )
    if y.size != size or t.numel() != size * size:
        raise ValueError(
            "Input arrays must have prod(a.shape[:b.ndim]) == prod(a.shape[b.ndim:]); got a.shape="
            f"{tuple(t.shape)} b.ndim={y.ndim}."
        )
    solution = solve(Array(t.reshape(size, size)), Array(unwrap(y).reshape(-1)))
    return Array(unwrap(solution).reshape(shape))


