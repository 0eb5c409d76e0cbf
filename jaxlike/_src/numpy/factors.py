"""factors: torch.linalg's decompositions, NaN where torch raises because an entry is NaN or infinite.

Eagerly torch is asked at once, and only a matrix that it refuses takes the longer way: computed of an identity
in its place, and overwritten. Where the values are not at hand (in a trace) or will be differentiated, every
matrix takes it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch

from jaxlike._src.array import Array
from jaxlike._src.border import unwrap
from jaxlike._src.frames import STATE
from jaxlike._src.transforms.custom import library_jvp

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
    total = t.sum(-1).sum(-1)
    unknown = (total.real if t.is_complex() else total) * torch.where(finite, 0.0, math.nan)  # its slope is NaN, as JAX's is

    def known(out: Tensor, at: tuple[Any, ...]) -> Tensor:
        return torch.where(finite[at], out, (torch.complex(unknown, unknown) if out.is_complex() else unknown)[at])

    return tuple(known(out, (..., *[None] * count)) for out, count in zip(outs, axes, strict=True))


def refuse_eigenvectors(primals: Any, tangents: Any) -> Any:
    """The derivative of a decomposition with eigenvectors of general matrices, of which JAX knows none to be right."""
    raise NotImplementedError(  # as JAX
        "Derivatives of non-symmetric eigenvectors are only valid under assumptions on the input that JAX cannot check "
        "(see the enable_eigvec_derivs argument to jax.lax.linalg.eig). Pass enable_eigvec_derivs=True to "
        "jax.lax.linalg.eig to opt in. See https://github.com/jax-ml/jax/issues/2748 for discussion."
    )


@library_jvp
def eig(a: Array) -> tuple[Array, ...]:
    """Eigenvalues and right eigenvectors of square matrices."""
    return tuple(map(Array, _guarded(torch.linalg.eig, unwrap(a), (1, 2))))


eig.defjvp(refuse_eigenvectors)


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
