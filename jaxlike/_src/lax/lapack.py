"""lapack: what LAPACK computes in packed form (reflectors, left eigenvectors), and tridiagonal systems.

Each is a torch operator over leading batch axes, like those of `scipy.lapack`, with several results stacked in
one tensor. Tridiagonal systems on a GPU are solved there, by elimination without pivots.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src.random.ops import operator
from jaxlike._src.scipy.lapack import each_matrix

if TYPE_CHECKING:
    from torch import Tensor


def _complex_of(dtype: torch.dtype) -> torch.dtype:
    return dtype if dtype.is_complex else torch.complex128 if dtype is torch.float64 else torch.complex64


def _numpy(dtype: torch.dtype) -> Any:
    return torch.empty(0, dtype=dtype).numpy().dtype


@operator(
    "eig_both_sides(Tensor a) -> Tensor", lambda a: ((*a.shape[:-2], 3, *a.shape[-2:]), _complex_of(a.dtype))
)
def eig_both_sides(a: Tensor) -> Tensor:
    """``[..., 3, n, n]``: eigenvalues (in the first row), left and right eigenvectors."""
    import scipy.linalg.lapack  # imported here: it takes long, and few programs want it

    n, own, out = a.shape[-1], _numpy(a.dtype), _numpy(_complex_of(a.dtype))
    (geev,) = scipy.linalg.lapack.get_lapack_funcs(("geev",), dtype=own)

    def columns(values: Any, vectors: Any) -> Any:
        """Real eigenvectors, where a conjugate pair has its real and imaginary part in two columns, as complex."""
        whole = vectors.astype(out)
        k = 0
        while k < n:
            if values[k].imag:
                whole[:, k] = vectors[:, k] + 1j * vectors[:, k + 1]
                whole[:, k + 1] = whole[:, k].conj()
                k += 1
            k += 1
        return whole

    def of_one(m: Any) -> Any:
        if a.is_complex():
            values, left, right, info = geev(m)
        else:
            real, imaginary, left, right, info = geev(m)
            values = (real + 1j * imaginary).astype(out)
            left, right = columns(values, left), columns(values, right)
        if info:
            raise np.linalg.LinAlgError("no convergence")
        first = np.zeros((n, n), out)
        first[0] = values
        return np.stack([first, left, right])

    return each_matrix(a, (3, n, n), out, of_one)


@operator("packed_qr(Tensor a) -> Tensor", lambda a: ((*a.shape[:-2], a.shape[-2] + 1, a.shape[-1]), a.dtype))
def packed_qr(a: Tensor) -> Tensor:
    """``[..., m + 1, n]``: R with reflectors below it, and their min(m, n) scales in the last row."""
    packed, scales = torch.geqrf(a)  # no meta kernel (torch 2.13)
    last = torch.nn.functional.pad(scales, (0, a.shape[-1] - scales.shape[-1]))
    return torch.cat([packed, last.unsqueeze(-2)], -2)


@operator("packed_hessenberg(Tensor a) -> Tensor", lambda a: ((*a.shape[:-2], a.shape[-2] + 1, a.shape[-1]), a.dtype))
def packed_hessenberg(a: Tensor) -> Tensor:
    """``[..., n + 1, n]``: the Hessenberg form with reflectors below it, and their n - 1 scales in the last row."""
    import scipy.linalg.lapack  # imported here: it takes long, and few programs want it

    n, own = a.shape[-1], _numpy(a.dtype)
    (gehrd,) = scipy.linalg.lapack.get_lapack_funcs(("gehrd",), dtype=own)

    def of_one(m: Any) -> Any:
        packed, scales, _ = gehrd(m)
        return np.concatenate([packed, np.append(scales, 0)[None, :n].astype(own)])

    return each_matrix(a, (n + 1, n), own, of_one)


@operator(
    "packed_tridiagonal(Tensor a, bool lower) -> Tensor",
    lambda a, lower: ((*a.shape[:-2], a.shape[-2] + 3, a.shape[-1]), a.dtype),
)
def packed_tridiagonal(a: Tensor, lower: bool) -> Tensor:
    """``[..., n + 3, n]``: the matrix with reflectors, then its diagonal, the one beside it, and the scales."""
    import scipy.linalg.lapack  # imported here: it takes long, and few programs want it

    n, own = a.shape[-1], _numpy(a.dtype)
    name = "hetrd" if a.is_complex() else "sytrd"
    (reduce,) = scipy.linalg.lapack.get_lapack_funcs((name,), dtype=own)

    def of_one(m: Any) -> Any:
        packed, diagonal, beside, scales, _ = reduce(m, lower=int(lower))
        rows = [np.append(row, np.zeros(n - len(row)))[None].astype(own) for row in (diagonal, beside, scales)]
        return np.concatenate([packed, *rows])

    return each_matrix(a, (n + 3, n), own, of_one)


@operator(
    "solve_tridiagonal(Tensor lower, Tensor diagonal, Tensor upper, Tensor b) -> Tensor",
    lambda lower, diagonal, upper, b: (tuple(b.shape), b.dtype),
)
def solve_tridiagonal(lower: Tensor, diagonal: Tensor, upper: Tensor, b: Tensor) -> Tensor:
    """Solution of systems with diagonals ``[..., n]``, for ``b`` ``[..., n, k]``; the ends of the outer two are unused."""
    if b.device.type != "cpu":
        return _eliminated(lower, diagonal, upper, b)
    import scipy.linalg.lapack  # imported here: it takes long, and few programs want it

    n, k = b.shape[-2:]
    own = _numpy(b.dtype)
    (gtsv,) = scipy.linalg.lapack.get_lapack_funcs(("gtsv",), dtype=own)
    diagonals = torch.stack([lower, diagonal, upper], -1)
    joined = torch.cat([diagonals, b], -1).detach().resolve_conj().numpy()
    flat = joined.reshape(-1, n, k + 3)
    out = np.full((len(flat), n, k), np.nan, own)
    for at, one in enumerate(flat):
        if n == 1:
            with np.errstate(divide="ignore", invalid="ignore"):
                out[at] = one[:, 3:] / one[:, 1:2] if one[0, 1] else np.nan
            continue
        *_, solution, info = gtsv(one[1:, 0], one[:, 1], one[:-1, 2], one[:, 3:])
        if not info:
            out[at] = solution
    return torch.from_numpy(out.reshape(tuple(b.shape)))


def _eliminated(lower: Tensor, diagonal: Tensor, upper: Tensor, b: Tensor) -> Tensor:
    n = b.shape[-2]
    ratios, sums = [upper[..., 0] / diagonal[..., 0]], [b[..., 0, :] / diagonal[..., :1]]
    for i in range(1, n):
        pivot = diagonal[..., i] - lower[..., i] * ratios[-1]
        ratios.append(upper[..., i] / pivot)
        sums.append((b[..., i, :] - lower[..., i, None] * sums[-1]) / pivot.unsqueeze(-1))
    rows = [sums[-1]]
    for i in range(n - 2, -1, -1):
        rows.append(sums[i] - ratios[i].unsqueeze(-1) * rows[-1])
    return torch.stack(rows[::-1], -2)
