"""scipy.linalg: factorizations, solvers, the matrix exponential.

Mostly thin forms of `numpy.linalg` with scipy's arguments; `overwrite_*` and `check_finite` are accepted and
change nothing. expm is by scaling and squaring of Padé approximants, with derivatives through
them.
"""

from __future__ import annotations

import functools
import warnings
from typing import TYPE_CHECKING, Any

import torch

from jaxlike._src.array import Array
from jaxlike._src.border import adjoint, asarray, promote_dtypes_inexact, unwrap
from jaxlike._src.border import conjugate as conjugate_of
from jaxlike._src.frames import STATE
from jaxlike._src.lax.linear_solve import custom_linear_solve
from jaxlike._src.numpy import linalg as np_linalg
from jaxlike._src.numpy.cholesky import cholesky_of_lower
from jaxlike._src.numpy.create import asarray as np_asarray
from jaxlike._src.numpy.linalg import NO_SQUARE, lu_substitute
from jaxlike._src.numpy.lu_qr import lu_parts, pivots_to_permutation
from jaxlike._src.numpy.products import check_core_sizes
from jaxlike._src.numpy.systems import solve_tensors
from jaxlike._src.scipy.lapack import pivots_of_qr
from jaxlike._src.transforms.compiled import compiled
from jaxlike._src.transforms.stop_gradient import stop_gradient

if TYPE_CHECKING:
    from torch import Tensor


def _inexact(*args: Any) -> list[Array]:
    """Operands as floating Arrays of one dtype; lists of numbers are arrays here, as they are not in numpy's linalg."""
    return promote_dtypes_inexact(*map(np_asarray, args))


# Factorizations


def cholesky(a: Any, lower: bool = False, overwrite_a: bool = False, check_finite: bool = True) -> Array:
    """Upper triangle U with ``U^H @ U == a``, or the lower one."""
    del overwrite_a, check_finite
    (x,) = _inexact(a)
    if not lower and x.ndim < 2:
        raise ValueError(f"x must be at least two-dimensional for matrix_transpose; got ndim={x.ndim}")
    np_linalg.check_rank("cholesky", x)
    np_linalg.check_square("cholesky", x, NO_SQUARE)
    np_linalg.refuse_half(unwrap(x))
    if lower:
        return cholesky_of_lower(x)
    return Array(adjoint(unwrap(cholesky_of_lower(Array(adjoint(unwrap(x)))))))


def cho_factor(
    a: Any, lower: bool = False, overwrite_a: bool = False, check_finite: bool = True
) -> tuple[Array, bool]:
    """Cholesky factor and which triangle it is, for `cho_solve`."""
    return cholesky(a, lower, overwrite_a, check_finite), lower


def cho_solve(
    c_and_lower: tuple[Any, bool], b: Any, overwrite_b: bool = False, check_finite: bool = True
) -> Array:
    """Solve ``a @ x == b`` with a factor from `cho_factor`."""
    del overwrite_b, check_finite
    c, lower = c_and_lower
    factor, right = _inexact(c, b)
    triangle = functools.partial(_by_triangle, "cho_solve", factor, lower=lower)
    return triangle(triangle(right, trans=0 if lower else 2), trans=2 if lower else 0)


@compiled("a")
def lu_factor(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> tuple[Array, Array]:
    """Packed LU factors and pivots (counted from 0)."""
    del overwrite_a, check_finite
    (x,) = _inexact(a)
    packed, _, pivots = lu_parts(_lu_operand(x))
    return Array(packed), Array(pivots)


def _lu_operand(x: Array) -> Tensor:
    np_linalg.check_rank("lu", x)
    np_linalg.refuse_half(unwrap(x))
    return unwrap(x)


@compiled("lu_and_piv", "b")
def lu_solve(
    lu_and_piv: tuple[Any, Any], b: Any, trans: int = 0, overwrite_b: bool = False, check_finite: bool = True
) -> Array:
    """Solve ``a x = b`` (trans 0), ``a^T x = b`` (1) or ``a^H x = b`` (2) with factors from `lu_factor`."""
    del overwrite_b, check_finite
    packed, pivots = lu_and_piv
    if trans not in (0, 1, 2):
        raise ValueError(f"'trans' value must be 0, 1, or 2, got {trans}")
    x, r = _inexact(packed, b)
    places = np_asarray(pivots)
    one = _one_vector("lu_solve", x, r)
    signature, cores = ("(n,n),(n),(n)->(n)", ("nn", "n", "n")) if one else ("(n,n),(n),(n,k)->(n,k)", ("nn", "n", "nk"))
    check_core_sizes(signature, (x.shape, places.shape, r.shape), cores)
    order = pivots_to_permutation(unwrap(x), unwrap(places) + 1)
    columns = unwrap(r).unsqueeze(-1) if one else unwrap(r)
    out = lu_substitute(unwrap(x), order, columns, transposed=trans != 0, conjugated=trans == 2)
    return Array(out.squeeze(-1) if one else out)


@compiled("a")
def lu(a: Any, permute_l: bool = False, overwrite_a: bool = False, check_finite: bool = True) -> tuple[Array, ...]:
    """``(P, L, U)`` with ``P @ L @ U == a``, or ``(P @ L, U)``."""
    del overwrite_a, check_finite
    (x,) = _inexact(a)
    packed, order, _ = lu_parts(_lu_operand(x))
    m, n = packed.shape[-2:]
    k = min(m, n)
    eye = torch.eye(m, k, dtype=packed.dtype, device=packed.device)
    lower = packed[..., :, :k].tril(-1) + eye
    upper = packed[..., :k, :].triu()
    index = torch.arange(m, device=packed.device)
    permutation = (index.unsqueeze(-1) == order.unsqueeze(-2)).to(packed.dtype)
    if permute_l:
        return Array(permutation @ lower), Array(upper)
    real = permutation.real if permutation.is_complex() else permutation
    return Array(real), Array(lower), Array(upper)


def qr(
    a: Any,
    overwrite_a: bool = False,
    lwork: Any = None,
    mode: str = "full",
    pivoting: bool = False,
    check_finite: bool = True,
) -> tuple[Array, ...]:
    """QR decomposition; ``mode`` is "full", "r" or "economic"."""
    del overwrite_a, lwork, check_finite
    if mode not in ("full", "r", "economic"):
        raise ValueError(f"Unsupported QR decomposition mode '{mode}'")
    (x,) = _inexact(a)
    order: tuple[Array, ...] = ()
    if pivoting:
        x, pivots = pivoted(x)
        order = (pivots,)
    result = np_linalg.qr(x, mode={"full": "complete", "r": "complete", "economic": "reduced"}[mode])
    return (result.R, *order) if mode == "r" else (result.Q, result.R, *order)


def pivoted(x: Array) -> tuple[Array, Array]:
    """The columns in the order in which a pivoted QR decomposition takes them, and that order."""
    t = unwrap(x)
    order = pivots_of_qr(t)
    index = order.to(torch.int64).unsqueeze(-2).expand(t.shape)
    return Array(torch.gather(t, -1, index)), Array(order)


def qr_multiply(
    a: Any,
    c: Any,
    mode: str = "right",
    pivoting: bool = False,
    conjugate: bool = False,
    overwrite_a: bool = False,
    overwrite_c: bool = False,
) -> tuple[Array, ...]:
    """Q of the QR decomposition of ``a`` times ``c``, and R.

    Args:
        a: ``[..., m, n]``.
        c: a matrix, or a vector.
        mode: "right" for ``c @ Q``, "left" for ``Q @ c``.
        pivoting: decompose with pivots, and give them as a third result.
        conjugate: take the conjugate of Q.
        overwrite_a: without effect.
        overwrite_c: without effect.
    """
    del overwrite_a, overwrite_c
    x, y = promote_dtypes_inexact(asarray(a), asarray(c))
    if mode not in ("right", "left"):
        raise ValueError(f"mode must be 'right' or 'left', got {mode!r}")
    one = y.ndim == 1
    if one:
        y = y[:, None] if mode == "left" else y[None, :]
    m, n = x.shape[-2:]
    k = min(m, n)
    if mode == "left":
        if y.shape[-2] != k:
            raise ValueError(
                f"Array shapes are not compatible for Q @ c operation: a has shape {x.shape} so Q has {k} columns, "
                f"but c has {y.shape[-2]} rows (expected {k})."
            )
    elif y.shape[-1] != m:
        raise ValueError(
            f"Array shapes are not compatible for c @ Q operation: a has shape {x.shape} so Q has {m} rows, "
            f"but c has {y.shape[-1]} columns (expected {m})."
        )
    q, r, *order = qr(x, mode="economic", pivoting=pivoting)
    factor = unwrap(q)
    if conjugate and factor.is_complex():
        factor = conjugate_of(factor)
    out = Array(factor @ unwrap(y) if mode == "left" else unwrap(y) @ factor)
    return (out.ravel() if one else out, r, *order)


def svd(
    a: Any,
    full_matrices: bool = True,
    compute_uv: bool = True,
    overwrite_a: bool = False,
    check_finite: bool = True,
    lapack_driver: str = "gesdd",
) -> Any:
    """Singular value decomposition ``(U, S, Vh)``, or S alone."""
    del overwrite_a, check_finite, lapack_driver
    (x,) = _inexact(a)
    out = np_linalg.svd(x, full_matrices=full_matrices, compute_uv=compute_uv)
    return tuple(out) if compute_uv else out


def eigh(
    a: Any,
    b: Any = None,
    lower: bool = True,
    eigvals_only: bool = False,
    overwrite_a: bool = False,
    overwrite_b: bool = False,
    turbo: bool = True,
    eigvals: None = None,
    type: int = 1,
    check_finite: bool = True,
) -> Any:
    """Eigenvalues and eigenvectors of a Hermitian matrix, one triangle of which is read."""
    del overwrite_a, overwrite_b, turbo, check_finite
    if b is not None:
        raise NotImplementedError("Only the b=None case of eigh is implemented")
    if type != 1:
        raise NotImplementedError("Only the type=1 case of eigh is implemented.")
    if eigvals is not None:
        raise NotImplementedError("Only the eigvals=None case of eigh is implemented.")
    (x,) = _inexact(a)
    values, vectors = np_linalg.eigh(x, UPLO="L" if lower else "U")
    return values if eigvals_only else (values, vectors)


# Solvers


def inv(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> Array:
    """Inverse matrix."""
    del overwrite_a, check_finite
    return np_linalg.inv(a)


def det(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> Array:
    """Determinant."""
    del overwrite_a, check_finite
    return np_linalg.det(a)


def solve(
    a: Any,
    b: Any,
    lower: bool = False,
    overwrite_a: bool = False,
    overwrite_b: bool = False,
    debug: bool = False,
    check_finite: bool = True,
    assume_a: str = "gen",
) -> Array:
    """Solution of ``a @ x == b``; ``assume_a``: "gen", or "pos" for positive definite matrices."""
    del overwrite_a, overwrite_b, debug, check_finite
    if assume_a not in ("gen", "sym", "her", "pos"):
        raise ValueError(f"Expected assume_a to be one of ['gen', 'sym', 'her', 'pos']; got {assume_a!r}")
    if assume_a != "pos":
        return np_linalg.solve(a, b)
    x, y = _inexact(a, b)
    if x.ndim < 2 or x.shape[-1] != x.shape[-2] or x.shape[-1:] != y.shape[x.ndim - 2 : x.ndim - 1]:
        raise ValueError(
            "The arguments to solve must have shapes a=[..., m, m] and b=[..., m, k] or b=[..., m]; got "
            f"a={x.shape} and b={y.shape}"
        )
    factor = cho_factor(stop_gradient(x), lower)

    def times(v: Array) -> Array:
        return Array(unwrap(x) @ unwrap(v))

    def by_factor(_: Any, right: Array) -> Array:
        return cho_solve(factor, right)

    if STATE.frame is None:
        return by_factor(times, y)
    # Derivatives solve again with the factor, and take the matrix as it came, not as its symmetric part.
    return custom_linear_solve(times, y, by_factor, symmetric=True)


def solve_triangular(
    a: Any,
    b: Any,
    trans: int | str = 0,
    lower: bool = False,
    unit_diagonal: bool = False,
    overwrite_b: bool = False,
    debug: Any = None,
    check_finite: bool = True,
) -> Array:
    """Solution of a triangular system; ``trans``: 0 or "N", 1 or "T", 2 or "C"."""
    del overwrite_b, debug, check_finite
    kinds: dict[Any, int] = {0: 0, "N": 0, 1: 1, "T": 1, 2: 2, "C": 2}
    if trans not in kinds:
        raise ValueError(f"Invalid 'trans' value {trans}")
    x, y = _inexact(a, b)
    return _by_triangle("solve_triangular", x, y, trans=kinds[trans], lower=lower, unit_diagonal=unit_diagonal)


_BATCHED_VECTORS = {
    "solve_triangular": "solve_triangular(a, b[..., None]).squeeze(-1)",
    "cho_solve": "cho_solve(c_and_lower, b[..., None]).squeeze(-1)",
    "lu_solve": "lu_solve(lu_and_piv, b[..., None]).squeeze(-1)",
}


def _one_vector(name: str, a: Array, b: Array) -> bool:
    """Whether a right-hand side is a vector for each matrix rather than a matrix."""
    if b.ndim == 1:
        return True
    if a.ndim != b.ndim + 1 or a.shape[-1] != b.shape[-1]:
        return False
    warnings.warn(
        f"jax.scipy.linalg.{name}: batched 1D solves with b.ndim > 1 are deprecated, and in the future will be "
        f"treated as a batched 2D solve. Use {_BATCHED_VECTORS[name]} to avoid this warning.",
        FutureWarning,
        stacklevel=3,
    )
    return True


def _by_triangle(
    name: str, a: Array, b: Array, *, trans: int, lower: bool, unit_diagonal: bool = False
) -> Array:
    """Solve for a triangle, transposed (``trans`` 1) or also conjugated (2); leading axes broadcast."""
    one = _one_vector(name, a, b)
    signature, cores = ("(n,n),(n)->(n)", ("nn", "n")) if one else ("(n,n),(n,k)->(n,k)", ("nn", "nk"))
    check_core_sizes(signature, (a.shape, b.shape), cores)
    t = unwrap(a)
    if trans:
        t, lower = (adjoint(t) if trans == 2 else t.mT), not lower
    columns = unwrap(b).unsqueeze(-1) if one else unwrap(b)
    out = np_linalg.solve_triangle(t, columns, upper=not lower, unit_diagonal=unit_diagonal)
    return Array(out.squeeze(-1) if one else out)


# Matrix functions

_PADE = {
    3: [120.0, 60.0, 12.0, 1.0],
    5: [30240.0, 15120.0, 3360.0, 420.0, 30.0, 1.0],
    7: [17297280.0, 8648640.0, 1995840.0, 277200.0, 25200.0, 1512.0, 56.0, 1.0],
    9: [
        *(17643225600.0, 8821612800.0, 2075673600.0, 302702400.0, 30270240.0),
        *(2162160.0, 110880.0, 3960.0, 90.0, 1.0),
    ],
    13: [
        *(64764752532480000.0, 32382376266240000.0, 7771770303897600.0, 1187353796428800.0, 129060195264000.0),
        *(10559470521600.0, 670442572800.0, 33522128640.0, 1323241920.0, 40840800.0, 960960.0, 16380.0, 182.0, 1.0),
    ],
}
# One-norms below which the approximant of each degree is accurate to the type's rounding (Higham 2005).
_LIMITS = {
    torch.float32: ({3: 4.258730016922831e-1, 5: 1.880152677804762}, 7, 3.925724783138660),
    torch.float64: (
        {3: 1.495585217958292e-2, 5: 2.539398330063230e-1, 7: 9.504178996162932e-1, 9: 2.097847961257068},
        13,
        5.371920351148152,
    ),
}


@compiled("A")
def expm(A: Any, *, upper_triangular: bool = False, max_squarings: int = 16) -> Array:
    """Matrix exponential of ``[..., n, n]`` by scaling and squaring; NaN where it needs more squarings."""
    (x,) = promote_dtypes_inexact(asarray(A))
    if x.ndim < 2 or x.shape[-1] != x.shape[-2]:
        raise ValueError(f"Expected A to be a (batched) square matrix, got A.shape={x.shape}.")
    t = unwrap(x)
    real = {torch.complex64: torch.float32, torch.complex128: torch.float64}.get(t.dtype, t.dtype)
    if real not in _LIMITS:
        raise TypeError(f"A.dtype={x.dtype} is not supported.")
    limits, top, scale = _LIMITS[real]
    size = t.abs().sum(-2).amax(-1) if x.shape[-1] else t.abs().sum((-1, -2))
    size = size.detach()
    squarings = torch.floor(torch.log2(size / scale)).clamp(min=0).nan_to_num(0.0, posinf=0.0) + (size > scale)
    squarings = torch.where(size > scale, torch.ceil(torch.log2(size / scale)), torch.zeros_like(squarings))
    scaled = t * torch.exp2(-squarings)[..., None, None].to(t.dtype)
    result = _pade(scaled, top)
    for degree in sorted(limits, reverse=True):
        small = (size < limits[degree])[..., None, None]
        result = torch.where(small, _pade(t, degree), result)
    for k in range(max_squarings):
        result = torch.where((squarings > k)[..., None, None], result @ result, result)
    result = torch.where((squarings > max_squarings)[..., None, None], torch.nan, result)
    return Array(result.triu() if upper_triangular else result)


def _pade(t: Tensor, degree: int) -> Tensor:
    """The diagonal Padé approximant of exp of this degree."""
    b = _PADE[degree]
    eye = torch.eye(t.shape[-1], dtype=t.dtype, device=t.device)
    square = t @ t
    power, even, odd = eye, b[0] * eye, b[1] * eye
    for k in range(2, degree + 1, 2):
        power = power @ square
        even = even + b[k] * power
        odd = odd + b[k + 1] * power
    u = t @ odd
    return solve_tensors(even - u, even + u)


@compiled("A", "E")
def expm_frechet(A: Any, E: Any, *, method: str | None = None, compute_expm: bool = True) -> Any:
    """Matrix exponential and its derivative in direction ``E``."""
    from jaxlike._src.transforms.forward import jvp

    del method
    a, e = asarray(A), asarray(E)
    if a.ndim < 2 or a.shape[-2] != a.shape[1]:
        raise ValueError(f"expected A to be a (batched) square matrix, got A.shape={a.shape}")
    if e.ndim < 2 or e.shape[-2] != e.shape[-1]:
        raise ValueError(f"expected E to be a (batched) square matrix, got E.shape={e.shape}")
    if a.shape != e.shape:
        raise ValueError(f"expected A and E to be the same shape, got A.shape={a.shape} E.shape={e.shape}")
    value, derivative = jvp(expm, (a,), (e,))
    return (value, derivative) if compute_expm else derivative


@compiled("a", "eps", "max_iterations")
def polar(
    a: Any, side: str = "right", *, method: str = "qdwh", eps: float | None = None, max_iterations: int | None = None
) -> tuple[Array, Array]:
    """Unitary and positive factors: ``a == U @ P`` ("right") or ``P @ U`` ("left")."""
    del eps, max_iterations
    x = asarray(a)
    if x.ndim < 2:
        raise ValueError("The input `a` must be at least a 2-D array.")
    if side not in ("right", "left"):
        raise ValueError("The argument `side` must be either 'right' or 'left'.")
    tall = x.shape[-2] >= x.shape[-1]
    if method == "qdwh" and tall != (side == "right"):
        raise NotImplementedError(
            "method='qdwh' only supports mxn matrices where m < n where side='right' and m >= n side='left', got "
            f"{x.shape[-2:]} with side={side!r}"
        )
    if method not in ("qdwh", "svd"):
        raise ValueError(f"Unknown polar decomposition method {method}.")
    u, s, vh = (unwrap(v) for v in np_linalg.svd(x, full_matrices=False))
    unitary = u @ vh
    scaled = s.to(u.dtype).unsqueeze(-2)
    positive = (adjoint(vh) * scaled) @ vh if side == "right" else (u * scaled) @ adjoint(u)
    return Array(unitary), Array(positive)
