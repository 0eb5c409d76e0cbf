"""factors: torch.linalg's decompositions, NaN where torch raises because an entry is NaN or infinite.

Eagerly torch is asked at once, and only a matrix that it refuses takes the longer way: computed of an identity
in its place, and overwritten. Where the values are not at hand (in a trace) or will be differentiated, every
matrix takes it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from jaxlike._src.frames import STATE

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor


def _guarded(kernel: Callable[[Tensor], tuple[Tensor, ...]], t: Tensor, axes: tuple[int, ...]) -> tuple[Tensor, ...]:
    """``kernel(t)``; NaN for matrices that are not finite. ``axes``: how many trailing axes each result has."""
    if STATE.frame is None and kernel is not _eigvals:  # which refuses nothing
        try:
            return tuple(kernel(t))
        except RuntimeError:
            pass
    finite = torch.isfinite(t).all(-1).all(-1)
    identity = torch.eye(*t.shape[-2:], dtype=t.dtype, device=t.device)
    outs = kernel(torch.where(finite[..., None, None], t, identity))
    return tuple(
        torch.where(finite[(..., *[None] * count)], out, complex(math.nan, math.nan) if out.is_complex() else math.nan)
        for out, count in zip(outs, axes, strict=True)
    )


def eig(t: Tensor) -> tuple[Tensor, ...]:
    """Eigenvalues and right eigenvectors of square matrices."""
    return _guarded(torch.linalg.eig, t, (1, 2))


def eigvals(t: Tensor) -> Tensor:
    """Eigenvalues of square matrices."""
    return _guarded(_eigvals, t, (1,))[0]


def _eigvals(t: Tensor) -> tuple[Tensor]:
    return (torch.linalg.eigvals(t),)


def svdvals(t: Tensor) -> Tensor:
    """Singular values, descending."""
    return _guarded(lambda m: (torch.linalg.svdvals(m),), t, (1,))[0]


def pinv(t: Tensor, rtol: Tensor, hermitian: bool) -> Tensor:
    """Moore-Penrose inverses."""
    return _guarded(lambda m: (torch.linalg.pinv(m, rtol=rtol, hermitian=hermitian),), t, (2,))[0]
