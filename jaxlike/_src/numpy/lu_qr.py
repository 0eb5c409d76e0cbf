"""lu_qr: LU and QR factors with derivatives of their own.

torch's backward passes through these factors write in place, which neither a second derivative in a trace nor
every order of nesting takes; the rules here are compositions of products and triangular solves, and refuse the
shapes that JAX refuses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from jaxlike._src.array import Array
from jaxlike._src.border import adjoint, unwrap
from jaxlike._src.frames import STATE
from jaxlike._src.random import ops
from jaxlike._src.transforms.custom import library_jvp, zero_tangent

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

# LU


def packed_lu(t: Tensor) -> tuple[Tensor, Tensor]:
    """(packed factors [..., m, n], LAPACK's row swaps counted from 1); no error when singular."""
    if STATE.frame is None:
        return torch.linalg.lu_factor_ex(t)[:2]
    packed, swaps = _lu(Array(t))
    return unwrap(packed), unwrap(swaps)


def lu_parts(t: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(packed LU, row order as a permutation, pivots from 0) by partial pivoting; no error when singular."""
    packed, pivots = packed_lu(t)
    return packed, pivots_to_permutation(packed, pivots), pivots - 1


def pivots_to_permutation(packed: Tensor, pivots: Tensor) -> Tensor:
    """LAPACK's row swaps (counted from 1) as a permutation of the rows."""
    return _row_order(pivots, packed.shape[-2])


@ops.operator("row_order(Tensor pivots, int rows) -> Tensor", lambda p, rows: ((*p.shape[:-1], rows), torch.int64))
def _row_order(pivots: Tensor, rows: int) -> Tensor:
    """The order of rows after swaps; torch's own way to it has no rule for lanes of lanes."""
    empty = torch.zeros([*pivots.shape[:-1], rows, pivots.shape[-1]], device=pivots.device)
    return torch.lu_unpack(empty, pivots, unpack_data=False)[0].argmax(dim=-2)


@library_jvp
def _lu(a: Array) -> tuple[Array, Array]:
    packed, swaps, _ = torch.linalg.lu_factor_ex(unwrap(a))
    return Array(packed), Array(swaps)


@_lu.defjvp
def _lu_jvp(primals: Any, tangents: Any) -> Any:
    factors, swaps = _lu(*primals)
    packed, moved = unwrap(factors), unwrap(tangents[0])
    rows, columns = packed.shape[-2:]
    order = pivots_to_permutation(packed, unwrap(swaps))
    moved = moved.gather(-2, order.unsqueeze(-1).expand(moved.shape))
    size = min(rows, columns)
    pad = torch.nn.functional.pad
    lower = pad(packed[..., :size].tril(-1), (0, rows - size)) + torch.eye(rows, dtype=packed.dtype, device=packed.device)
    beyond = torch.arange(columns, device=packed.device) >= size
    upper = pad(packed[..., :size, :].triu(), (0, 0, 0, columns - size)) + torch.diag_embed(beyond.to(packed.dtype))
    inner = torch.linalg.solve_triangular(lower, moved, upper=False, unitriangular=True)
    inner = torch.linalg.solve_triangular(upper, inner, upper=True, left=False)
    change = lower @ inner.tril(-1) + inner.triu() @ upper
    return (factors, swaps), (Array(change), zero_tangent(swaps))


# QR


def qr_factors(t: Tensor, complete: bool) -> tuple[Tensor, Tensor]:
    """Q and R of [..., m, n]; Q is square if ``complete``."""
    if STATE.frame is None:
        return torch.linalg.qr(t, mode="complete" if complete else "reduced")
    q, r = (_complete if complete else _reduced)(Array(t))
    return unwrap(q), unwrap(r)


def _qr(mode: str) -> Callable[[Array], Any]:
    @library_jvp
    def factors(a: Array) -> tuple[Array, Array]:
        q, r = torch.linalg.qr(unwrap(a), mode=mode)
        return Array(q), Array(r)

    @factors.defjvp
    def rule(primals: Any, tangents: Any) -> Any:
        rows, columns = primals[0].shape[-2:]
        # JAX's refusal, in its words: Q's free columns have no derivative of their own.
        if rows < columns or (mode == "complete" and rows != columns):
            raise NotImplementedError("Unimplemented case of QR decomposition derivative")
        both = factors(*primals)
        q, r = map(unwrap, both)
        scaled = torch.linalg.solve_triangular(r, unwrap(tangents[0]), upper=True, left=False)
        within = adjoint(q) @ scaled
        below = within.tril(-1)
        turn = below - adjoint(below)
        if turn.is_complex():  # R's diagonal stays real
            imaginary = within.diagonal(dim1=-2, dim2=-1).imag
            turn = turn + torch.diag_embed(torch.complex(torch.zeros_like(imaginary), imaginary))
        return both, (Array(q @ (turn - within) + scaled), Array((within - turn) @ r))

    return factors


_reduced, _complete = _qr("reduced"), _qr("complete")
