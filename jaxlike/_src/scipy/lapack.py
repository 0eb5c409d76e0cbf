"""lapack: factorizations that torch lacks, by scipy's LAPACK on the CPU, where JAX computes them too.

Each is one torch operator over leading batch axes; both factors come stacked in one tensor. A matrix that is not
finite, or whose iteration fails, gives NaN.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src.frames import STATE
from jaxlike._src.random.ops import operator

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor


def each_matrix(t: Tensor, shape: tuple[int, ...], dtype: Any, of_one: Callable[[Any], Any]) -> Tensor:
    """``of_one`` of every matrix in a batch, as arrays of ``shape``; NaN (0 for integers) where it fails."""
    given = t.detach().cpu().resolve_conj().numpy()
    flat = given.reshape(-1, *given.shape[-2:])
    bad = {"i": 0, "c": complex(np.nan, np.nan)}.get(np.dtype(dtype).kind, np.nan)
    out = np.full((len(flat), *shape), bad, dtype)
    for k, matrix in enumerate(flat):
        if matrix.size and np.isfinite(matrix).all():
            try:
                out[k] = of_one(matrix)
            except np.linalg.LinAlgError:
                continue
    return torch.from_numpy(out.reshape(*given.shape[:-2], *shape)).to(t.device)


def lone_matrix(t: Tensor) -> Any:
    """One finite matrix outside of all transformations, as an array, for which LAPACK is all the work; None elsewhere."""
    if STATE.frame is not None or t.device.type != "cpu" or t.dim() != 2 or not t.numel():
        return None
    matrix = t.resolve_conj().numpy()
    return matrix if np.isfinite(matrix).all() else None


@functools.cache
def functions(names: tuple[str, ...], dtype: np.dtype[Any]) -> Any:
    """LAPACK's functions for a dtype."""
    import scipy.linalg.lapack  # imported here: it takes long, and few programs want it

    return scipy.linalg.lapack.get_lapack_funcs(names, dtype=dtype)


def _two(t: Tensor) -> tuple[tuple[int, ...], torch.dtype]:
    return (*t.shape[:-2], 2, *t.shape[-2:]), t.dtype


@operator("schur(Tensor a) -> Tensor", _two)
def schur_parts(a: Tensor) -> Tensor:
    """``[..., 2, n, n]``: the Schur form, and the unitary matrix."""
    import scipy.linalg  # imported here: it takes long, and few programs want it

    kind = "complex" if a.is_complex() else "real"
    n = a.shape[-1]

    def of_one(m: Any) -> Any:
        return np.stack(scipy.linalg.schur(m, output=kind, check_finite=False))

    return each_matrix(a, (2, n, n), a.new_empty(0).cpu().numpy().dtype, of_one)


@operator("hessenberg(Tensor a) -> Tensor", _two)
def hessenberg_parts(a: Tensor) -> Tensor:
    """``[..., 2, n, n]``: the Hessenberg form, and the unitary matrix."""
    import scipy.linalg.lapack  # imported here: it takes long, and few programs want it

    n = a.shape[-1]
    form = "unghr" if a.is_complex() else "orghr"
    dtype = a.new_empty(0).cpu().numpy().dtype
    reduce, unitary = scipy.linalg.lapack.get_lapack_funcs(("gehrd", form), dtype=dtype)

    def of_one(m: Any) -> Any:
        packed, tau, _ = reduce(m)
        q, _ = unitary(packed, tau) if n > 1 else (np.eye(1, dtype=dtype), 0)
        return np.stack([np.triu(packed, -1), q])

    return each_matrix(a, (2, n, n), dtype, of_one)


@operator(
    "pivots_of_qr(Tensor a) -> Tensor", lambda t: ((*t.shape[:-2], t.shape[-1]), torch.int32)
)
def pivots_of_qr(a: Tensor) -> Tensor:
    """``[..., n]``: the order of columns in which a pivoted QR decomposition takes them."""
    import scipy.linalg  # imported here: it takes long, and few programs want it

    def of_one(m: Any) -> Any:
        factors: Any = scipy.linalg.qr(m, mode="r", pivoting=True, check_finite=False)
        return factors[1]

    return each_matrix(a, (a.shape[-1],), np.int32, of_one)
