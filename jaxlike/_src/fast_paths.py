"""fast_paths: kernels of plain CPU tensors that are quicker than torch's for one size of problem.

`large_where`: torch.where branches on each condition, which takes three times as long where conditions are not
predictable; against zeros bits are masked, a piece that fits the cache at a time. `small_solve`: LAPACK's gesv through
numpy's kernel, where torch takes longer to reach it than it runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch

if TYPE_CHECKING:
    from torch import Tensor

LARGE: Final = 1 << 19
SMALL: Final = 16
LAPACK: Final = frozenset([torch.float32, torch.float64])
_PIECE: Final = 1 << 17
_BITS: Final = {4: torch.int32, 8: torch.int64}
_gesv: Any = getattr(getattr(np.linalg, "_umath_linalg", None), "solve1", None)


def large_where(chosen: Tensor, x: Tensor) -> Tensor:
    """``torch.where(chosen, x, 0)`` of a bool tensor and one of its shape with elements of 4 or 8 bytes."""
    bits = _BITS.get(x.dtype.itemsize)
    if bits is None or x.is_complex() or chosen.shape != x.shape or not (chosen.is_contiguous() and x.is_contiguous()):
        return torch.where(chosen, x, torch.zeros((), dtype=x.dtype))
    out = torch.empty_like(x)
    where, given, made = chosen.view(-1), x.view(bits).view(-1), out.view(bits).view(-1)
    for start in range(0, len(given), _PIECE):
        part = slice(start, start + _PIECE)
        torch.mul(given[part], where[part], out=made[part])  # 1 keeps the bits, 0 clears them
    return out


def small_solve(a: Tensor, b: Tensor) -> Tensor | None:
    """``a^-1 b`` for a: [n, n], b: [n] of float32 or float64; None where the matrix is singular or the wrong shape."""
    if _gesv is None or a.dim() != 2 or b.dim() != 1 or not a.shape[0] == a.shape[1] == b.shape[0] <= SMALL:
        return None
    with np.errstate(invalid="ignore"):
        out = _gesv(a.numpy(), b.numpy())
    return torch.from_numpy(out) if out.size and out[0] == out[0] else None
