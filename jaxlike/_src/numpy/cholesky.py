"""cholesky: a Cholesky factor that is NaN where there is none, and its derivative where the input is as it came.

torch symmetrises the gradient of a factor. JAX does so only with the input: where it reads one triangle of a matrix
that was not symmetrised, the tangent and the gradient are not symmetric either.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from jaxlike._src.array import Array
from jaxlike._src.border import adjoint, unwrap
from jaxlike._src.frames import STATE
from jaxlike._src.transforms.custom import library_jvp

if TYPE_CHECKING:
    from torch import Tensor


def cholesky_or_nan(t: Tensor) -> Tensor:
    """Lower Cholesky factor; the triangle of a matrix that is not positive definite is NaN."""
    factor, info = torch.linalg.cholesky_ex(t)
    if STATE.frame is None and not info.any():
        return factor
    # A pivot that is NaN is no failure in JAX: it spreads to the right and down.
    size = t.shape[-1]
    place = torch.arange(size, device=t.device)
    failed = info[..., None].long()
    at_pivot = (place == failed - 1) & factor.diagonal(dim1=-2, dim2=-1).isnan()
    start = torch.where(at_pivot.any(-1, keepdim=True), failed - 1, 0)
    reached = place >= torch.where(failed != 0, start, size)
    within = reached[..., :, None] & reached[..., None, :]
    return (factor * torch.where(within, torch.nan, 1.0).to(factor.dtype)).tril()  # a factor, so that slopes are NaN too


@library_jvp
def cholesky_of_lower(a: Array) -> Array:
    """Lower Cholesky factor of a matrix whose lower triangle alone is read."""
    return Array(cholesky_or_nan(unwrap(a)))


@cholesky_of_lower.defjvp
def _cholesky_jvp(primals: Any, tangents: Any) -> Any:
    """Murray, arXiv:1602.07527; the tangent need not be Hermitian, and is NaN where the factor is."""
    factor = cholesky_of_lower(*primals)
    low, moved = unwrap(factor), unwrap(tangents[0])
    inner = torch.linalg.solve_triangular(low, moved, upper=False)
    inner = torch.linalg.solve_triangular(adjoint(low), inner, upper=True, left=False)
    half = inner.tril(-1) + torch.diag_embed(inner.diagonal(dim1=-2, dim2=-1) / 2)
    return factor, Array(low @ half)
