"""linalg_parts: decompositions of `jax._src.lax.linalg` that no public function of JAX is.

They give what LAPACK gives: R with reflectors below its diagonal, and the scales of these. Served under JAX's names
(`private_names.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from jaxlike._src.array import Array
from jaxlike._src.border import astype, unwrap
from jaxlike._src.lax.lapack import packed_qr
from jaxlike._src.lax.linalg import _kinds, _matrices
from jaxlike._src.lax.strict import operand
from jaxlike._src.numpy.linalg import lu_substitute
from jaxlike._src.scipy.linalg import pivoted

if TYPE_CHECKING:
    from jaxlike._src.typing import ArrayLike


def geqrf(a: ArrayLike) -> tuple[Array, Array]:
    """R of a QR decomposition with reflectors below it, and their scales."""
    (t,) = _kinds("geqrf", _matrices("geqrf", [2], a))
    packed = packed_qr(t)
    return Array(packed[..., :-1, :]), Array(packed[..., -1, : min(t.shape[-2:])])


def geqp3(a: ArrayLike, jpvt: ArrayLike, *, use_magma: bool | None = None) -> tuple[Array, Array, Array]:
    """`geqrf` of the columns in the order of a pivoted decomposition, that order counted from 1, and the scales."""
    del use_magma
    x, _ = _matrices("geqp3", [2, 1], a, jpvt)
    _kinds("geqp3", [x])
    permuted, order = pivoted(x)
    packed, scales = geqrf(permuted)
    return packed, astype(order + 1, np.dtype("int32")), scales


def lu_solve(lu: ArrayLike, permutation: ArrayLike, b: ArrayLike, trans: int = 0) -> Array:
    """Solve ``a x = b`` (trans 0), ``a^T x = b`` (1) or ``a^H x = b`` (2) with the factors and permutation of `lu`."""
    x, order, r = (operand("lu_solve", v, k) for k, v in enumerate((lu, permutation, b)))
    if trans not in (0, 1, 2):
        raise ValueError(f"'trans' value must be 0, 1, or 2, got {trans}")
    if x.ndim < 2 or x.shape[-1] != x.shape[-2]:
        raise ValueError(f"last two dimensions of LU decomposition must be equal, got shape {x.shape}")
    if r.ndim < 1:
        raise ValueError(f"b matrix must have rank >= 1, got shape {r.shape}")
    one, shapes = x.ndim == r.ndim + 1, f"(shape {x.shape})"
    if one and r.shape[-1] != x.shape[-1]:
        raise ValueError(
            "When LU decomposition matrix and b have the same number of dimensions, last axis of LU decomposition matrix "
            f"{shapes} and b array (shape {r.shape}) must match"
        )
    if not one and r.shape[-2] != x.shape[-1]:
        raise ValueError(
            "When LU decomposition matrix and b different numbers of dimensions, last axis of LU decomposition matrix "
            f"{shapes} and second to last axis of b array (shape {r.shape}) must match"
        )
    columns = unwrap(r).unsqueeze(-1) if one else unwrap(r)
    places = unwrap(order).to(torch.int64)
    out = lu_substitute(unwrap(x), places, columns, transposed=trans != 0, conjugated=trans == 2)
    return Array(out.squeeze(-1) if one else out)
