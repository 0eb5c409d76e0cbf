"""scipy.linalg: factorizations, solvers, the matrix exponential and special matrices.

Mostly thin forms of `numpy.linalg` with scipy's arguments; `overwrite_*` and `check_finite` are accepted and
change nothing. expm is by scaling and squaring of Padé approximants, with derivatives through
them.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src import dtypes
from jaxlike._src.array import Array
from jaxlike._src.border import asarray, check_arraylike, promote_dtypes, promote_dtypes_inexact, unwrap
from jaxlike._src.border import conjugate as conjugate_of
from jaxlike._src.devices import default_torch_device
from jaxlike._src.numpy import linalg as np_linalg
from jaxlike._src.numpy.arguments import moved_as_signed
from jaxlike._src.numpy.linalg import adjoint, cholesky_or_nan, lu_parts, lu_substitute
from jaxlike._src.scipy.lapack import pivots_of_qr

if TYPE_CHECKING:
    from torch import Tensor


def _inexact(name: str, *args: Any) -> list[Array]:
    check_arraylike(f"jax.scipy.linalg.{name}", *args)
    return promote_dtypes_inexact(*args)


# Factorizations


def cholesky(a: Any, lower: bool = False, overwrite_a: bool = False, check_finite: bool = True) -> Array:
    """Upper triangle U with ``U^H @ U == a``, or the lower one."""
    del overwrite_a, check_finite
    (x,) = _inexact("cholesky", a)
    t = unwrap(x)
    factor = cholesky_or_nan(t if lower else adjoint(t))  # one triangle is read
    return Array(factor if lower else adjoint(factor))


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
    factor, right = _inexact("cho_solve", c, b)
    if factor.ndim != 2 or factor.shape[0] != factor.shape[1]:
        raise ValueError("The factored matrix c is not square.")
    if factor.shape[1] != right.shape[0]:
        raise ValueError(f"incompatible dimensions: c.shape={factor.shape}, b.shape={right.shape}")
    t, r = unwrap(factor), unwrap(right)
    columns = r.unsqueeze(-1) if right.ndim == 1 else r
    if lower:
        y = torch.linalg.solve_triangular(t, columns, upper=False)
        x = torch.linalg.solve_triangular(adjoint(t), y, upper=True)
    else:
        y = torch.linalg.solve_triangular(adjoint(t), columns, upper=False)
        x = torch.linalg.solve_triangular(t, y, upper=True)
    return Array(x.squeeze(-1) if right.ndim == 1 else x)


def lu_factor(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> tuple[Array, Array]:
    """Packed LU factors and pivots (counted from 0)."""
    del overwrite_a, check_finite
    (x,) = _inexact("lu_factor", a)
    packed, _, pivots = lu_parts(unwrap(x))
    return Array(packed), Array(pivots)


def lu_solve(
    lu_and_piv: tuple[Any, Any], b: Any, trans: int = 0, overwrite_b: bool = False, check_finite: bool = True
) -> Array:
    """Solve ``a x = b`` (trans 0), ``a^T x = b`` (1) or ``a^H x = b`` (2) with factors from `lu_factor`."""
    del overwrite_b, check_finite
    packed, pivots = lu_and_piv
    check_arraylike("jax.scipy.linalg.lu_solve", packed, pivots, b)
    if trans not in (0, 1, 2):
        raise ValueError(f"'trans' value must be 0, 1, or 2, got {trans}")
    x, r = promote_dtypes_inexact(packed, b)
    order = np_linalg.pivots_to_permutation(unwrap(x), unwrap(asarray(pivots)) + 1)
    columns = unwrap(r).unsqueeze(-1) if r.ndim == 1 else unwrap(r)
    out = lu_substitute(unwrap(x), order, columns, transposed=trans != 0, conjugated=trans == 2)
    return Array(out.squeeze(-1) if r.ndim == 1 else out)


def lu(a: Any, permute_l: bool = False, overwrite_a: bool = False, check_finite: bool = True) -> tuple[Array, ...]:
    """``(P, L, U)`` with ``P @ L @ U == a``, or ``(P @ L, U)``."""
    del overwrite_a, check_finite
    (x,) = _inexact("lu", a)
    packed, order, _ = lu_parts(unwrap(x))
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
    (x,) = _inexact("qr", a)
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
    out = np_linalg.svd(a, full_matrices=full_matrices, compute_uv=compute_uv)
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
    (x,) = _inexact("eigh", a)
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
    x, y = _inexact("solve", a, b)
    if assume_a != "pos":
        return np_linalg.solve(x, y)
    t = unwrap(x)
    factor = cholesky_or_nan(t if lower else adjoint(t))
    columns = unwrap(y).unsqueeze(-1) if y.ndim == 1 else unwrap(y)
    half = torch.linalg.solve_triangular(factor, columns, upper=False)
    out = torch.linalg.solve_triangular(adjoint(factor), half, upper=True)
    return Array(out.squeeze(-1) if y.ndim == 1 else out)


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
    x, y = _inexact("solve_triangular", a, b)
    t = unwrap(x)
    if kinds[trans]:
        t, lower = (adjoint(t) if kinds[trans] == 2 else t.mT), not lower
    one = y.ndim == 1 or y.ndim == x.ndim - 1
    columns = unwrap(y).unsqueeze(-1) if one else unwrap(y)
    out = torch.linalg.solve_triangular(t, columns, upper=not lower, unitriangular=unit_diagonal)
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


def expm(A: Any, *, upper_triangular: bool = False, max_squarings: int = 16) -> Array:
    """Matrix exponential of ``[..., n, n]`` by scaling and squaring; NaN where it needs more squarings."""
    (x,) = _inexact("expm", A)
    if x.ndim < 2 or x.shape[-1] != x.shape[-2]:
        raise ValueError(f"Expected A to be a (batched) square matrix, got {x.shape=}.")
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
    return torch.linalg.solve(even - u, even + u)


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


# Special matrices


def block_diag(*arrs: Any) -> Array:
    """The matrices along the diagonal of one matrix, zeros elsewhere."""
    from jaxlike._src.numpy.stacking import concatenate

    if not arrs:
        arrs = (np.zeros((1, 0), np.float32),)
    arrays = promote_dtypes(*arrs)
    if bad := [k for k, a in enumerate(arrays) if a.ndim > 2]:
        raise ValueError(
            "Arguments to jax.scipy.linalg.block_diag must have at most 2 dimensions, got "
            f"{arrays[bad[0]].shape} at argument {bad[0]}."
        )
    blocks = [unwrap(a).reshape((1,) * (2 - a.ndim) + a.shape) for a in arrays]
    width, offset, rows = sum(b.shape[1] for b in blocks), 0, []
    for block in blocks:
        h, w = block.shape
        parts = [block.new_zeros((h, offset)), block, block.new_zeros((h, width - offset - w))]
        rows.append(concatenate([Array(p) for p in parts], axis=1))
        offset += w
    return concatenate(rows, axis=0)


def toeplitz(c: Any, r: Any = None) -> Array:
    """Constant diagonals: first column ``c``, first row ``r`` (by default the conjugate of ``c``)."""
    check_arraylike("toeplitz", c)
    column = asarray(c)
    if r is None:
        row = Array(conjugate_of(unwrap(column)) if unwrap(column).is_complex() else unwrap(column))
    else:
        check_arraylike("toeplitz", r)
        row = asarray(r)
    a, b = promote_dtypes(column, row)
    first, across = unwrap(a), unwrap(b)
    n, m = first.shape[-1], across.shape[-1]
    index = torch.arange(m, device=first.device) - torch.arange(n, device=first.device).unsqueeze(-1) + n - 1
    line = torch.cat([moved_as_signed(torch.flip, first, (-1,)), across[..., 1:]], -1)
    return Array(line[..., index])


def hilbert(n: int) -> Array:
    """``1 / (i + j + 1)``."""
    i = torch.arange(n, dtype=dtypes.to_torch(dtypes.default_float_dtype()), device=default_torch_device())
    return Array(1.0 / (i + i.unsqueeze(-1) + 1.0))


def circulant(c: Any) -> Array:
    """Each column the one before, shifted down by one."""
    check_arraylike("circulant", c)
    x = asarray(c)
    t = unwrap(x)
    if x.ndim == 0:
        raise ValueError("input must be at least 1-dimensional")
    n = t.shape[-1]
    index = (torch.arange(n, device=t.device).unsqueeze(-1) - torch.arange(n, device=t.device)) % n
    return Array(t[..., index], x.weak_type)


def hankel(c: Any, r: Any = None) -> Array:
    """Constant anti-diagonals: first column ``c``, last row ``r`` (zeros by default)."""
    check_arraylike("hankel", c)
    column = asarray(c)
    row = Array(torch.zeros_like(unwrap(column))) if r is None else asarray(r)
    a, b = promote_dtypes(column, row)
    first, last = unwrap(a).reshape(-1), unwrap(b).reshape(-1)
    line = torch.cat([first, last[1:]])
    n, m = first.shape[0], last.shape[0]
    index = torch.arange(m, device=line.device) + torch.arange(n, device=line.device).unsqueeze(-1)
    return Array(line[index])


def pascal(n: int, kind: str | None = None) -> Array:
    """Pascal's triangle as a matrix: "symmetric", "lower" or "upper"."""
    if kind not in (None, "symmetric", "lower", "upper"):
        raise ValueError(f"Expected kind to be on of: None, 'symmetric', 'lower', 'upper', got {kind}")
    dtype = dtypes.to_torch(dtypes.default_float_dtype())
    rows = [[float(math.comb(i, j)) for j in range(n)] for i in range(n)]
    lower = torch.tensor(rows, dtype=dtype, device=default_torch_device()).reshape(n, n)
    if kind == "lower":
        return Array(lower)
    return Array(lower.mT.contiguous() if kind == "upper" else lower @ lower.mT)


def dft(n: int, scale: str | None = None, *, dtype: Any = None) -> Array:
    """The matrix of the discrete Fourier transform; ``scale``: None, "sqrtn" or "n"."""
    if scale not in (None, "sqrtn", "n"):
        raise ValueError(f"scale must be None, 'sqrtn', or 'n'; {scale!r} is not valid.")
    kind = dtypes.default_complex_dtype() if dtype is None else dtypes.canonicalize_dtype(dtype)
    k = torch.arange(n, dtype=torch.float64, device=default_torch_device())
    angle = -2 * math.pi * torch.remainder(torch.outer(k, k), max(n, 1)) / max(n, 1)
    matrix = torch.polar(torch.ones_like(angle), angle)
    if scale is not None:
        matrix = matrix / (math.sqrt(n) if scale == "sqrtn" else n)
    return Array(matrix.to(dtypes.to_torch(kind)))


def hadamard(n: int, dtype: Any = int) -> Array:
    """Hadamard matrix; ``n`` is a power of 2."""
    if n < 1 or n & (n - 1):
        raise ValueError("n must be an positive integer, and n must be a power of 2")
    kind = dtypes.check_and_canonicalize_user_dtype(dtype, "hadamard")
    h = torch.ones(1, 1, dtype=torch.int64, device=default_torch_device())
    while h.shape[0] < n:
        h = torch.cat([torch.cat([h, h], 1), torch.cat([h, -h], 1)], 0)
    return Array(h.to(dtypes.to_torch(kind)))
