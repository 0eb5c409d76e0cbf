"""systems: linear systems and determinants from one LU decomposition, with derivatives of every order.

torch's forward rules of solve, inv, det and slogdet take the LU factors for constants, so that the tangent of a
tangent lacks terms (torch 2.13). Here the tangent of a solution is a solution for another right-hand side, with
the same factors; the matrix itself carries its derivatives.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from jaxlike._src.array import Array
from jaxlike._src.border import conjugate, unwrap
from jaxlike._src.frames import STATE
from jaxlike._src.numpy.lu_qr import lu_parts
from jaxlike._src.transforms.custom import library_jvp
from jaxlike._src.transforms.stop_gradient import stop_gradient
from jaxlike._src.transforms.structured import GraphFunction, Structured, apply, with_lanes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from jaxlike._src.frames import Frame


# Systems


def _parity(pivots: Tensor) -> Tensor:
    """1 or -1 for an even or odd number of row swaps (pivots from 0)."""
    place = torch.arange(pivots.shape[-1], device=pivots.device)
    return 1 - 2 * ((pivots != place).sum(-1) % 2)


class Solve(Structured):
    """``a x == b`` of ``a`` ``[..., n, n]``, its packed LU factors and pivots, and ``b`` ``[..., n, k]``.

    ``a`` is there for derivatives alone. With ``transposed`` the system is that of ``a^T``.
    """

    name = "custom_linear_solve"

    def __init__(self, transposed: bool = False) -> None:
        self.transposed = transposed

    def run(self, args: Sequence[Array]) -> list[Array]:
        """The solution, by two triangular solves; inf and NaN where a pivot is zero."""
        _, packed, pivots, b = map(unwrap, args)
        if not self.transposed:
            return [Array(torch.linalg.lu_solve(packed, pivots, b))]
        right = conjugate(b) if b.is_complex() else b
        out = torch.linalg.lu_solve(packed, pivots, right, adjoint=True)
        return [Array(conjugate(out) if out.is_complex() else out)]

    def jvp(self, primals: Sequence[Array], tangents: Sequence[Any]) -> Any:
        """The system again, for the change of the right-hand side less that of the product."""
        (out,) = apply(self, primals)
        x = unwrap(out)
        right = torch.zeros_like(x) if tangents[3] is None else unwrap(tangents[3])
        if tangents[0] is not None:
            moved = unwrap(tangents[0])
            right = right - (moved.mT if self.transposed else moved) @ x
        return [out], apply(self, [*primals[:3], Array(right)])

    def vjp(self, primals: Sequence[Array], perturbed: Sequence[bool]) -> Any:
        """The transposed system."""
        (out,) = apply(self, primals)

        def pull(cotangents: Sequence[Any]) -> list[Any]:
            if cotangents[0] is None:
                return [None] * 4
            (right,) = apply(Solve(not self.transposed), [*primals[:3], cotangents[0]])
            if not perturbed[0]:
                return [None, None, None, right]
            y, x = unwrap(right), unwrap(out)
            return [Array(-(x @ y.mT if self.transposed else y @ x.mT)), None, None, right]

        return [out], pull

    def vmap(self, frame: Frame, args: Sequence[Array], mapped: Sequence[bool]) -> Any:
        """Leading axes are lanes."""
        return apply(self, [with_lanes(x, has, True, frame) for x, has in zip(args, mapped, strict=True)]), [True]

    def closed(self, run: GraphFunction, more: int) -> Structured:
        """There is nothing to close over."""
        del run, more
        return self

    def params(self) -> dict[str, Any]:
        """Which system it is."""
        return {"transposed": self.transposed}


def solve_tensors(a: Tensor, b: Tensor) -> Tensor:
    """``a^-1 b`` for ``[..., n, n]`` and ``[..., n, k]``; inf and NaN where ``a`` is singular."""
    if STATE.frame is None:
        solution, info = torch.linalg.solve_ex(a, b)
        if not (info.any() if info.ndim else info.item()):
            return solution
    given = Array(a)
    # LAPACK stops at a zero pivot; substituting with its factors gives what JAX gives.
    packed, pivots, _ = torch.linalg.lu_factor_ex(unwrap(stop_gradient(given)))
    return unwrap(apply(Solve(), [given, Array(packed), Array(pivots), Array(b)])[0])


# Determinants


@library_jvp
def slogdet(a: Array) -> tuple[Array, Array]:
    """Sign (or phase) and logarithm of the absolute value of the determinant of ``[..., n, n]``."""
    packed, pivots, _ = torch.linalg.lu_factor_ex(unwrap(a))
    diagonal = packed.diagonal(dim1=-2, dim2=-1)
    size = diagonal.abs()
    zero = (size == 0).any(-1)
    sign = (diagonal / size).prod(-1) if diagonal.is_complex() else torch.where(diagonal < 0, -1.0, 1.0).prod(-1)
    sign = torch.where(zero, 0.0, (sign * _parity(pivots - 1)).to(packed.dtype))
    return Array(sign), Array(torch.where(zero, -torch.inf, size.log().sum(-1)))


@slogdet.defjvp
def _slogdet_jvp(primals: Any, tangents: Any) -> Any:
    """The logarithm moves by the trace of the inverse times the tangent; the phase by its imaginary part."""
    sign, log = slogdet(*primals)
    change = solve_tensors(unwrap(primals[0]), unwrap(tangents[0])).diagonal(dim1=-2, dim2=-1).sum(-1)
    if not change.is_complex():
        return (sign, log), (Array(torch.zeros_like(unwrap(sign))), Array(change))
    turn = torch.complex(torch.zeros_like(change.real), change.imag) * unwrap(sign)
    return (sign, log), (Array(turn), Array(change.real))


@library_jvp
def det(a: Array) -> Array:
    """Determinant of ``[..., n, n]``."""
    return Array(torch.linalg.det(unwrap(a)))


@det.defjvp
def _det_jvp(primals: Any, tangents: Any) -> Any:
    """The trace of adjugate times tangent, which a zero as the last pivot leaves finite.

    With the last row and column of U apart, ``U = [[V, c], [0, u]]``, and ``y`` the tangent behind L, that is the
    product of V's diagonal times the trace of ``[V^-1 (u y - c y_n), y_n]``. A zero before counts as rank n - 2:
    no slope, as in JAX.
    """
    packed, order, pivots = lu_parts(unwrap(primals[0]))
    rows = order.unsqueeze(-1).expand(packed.shape)
    moved = unwrap(tangents[0]).gather(-2, rows)
    y = torch.linalg.solve_triangular(packed, moved, upper=False, unitriangular=True)
    above, last = y[..., :-1, :], y[..., -1:, :]
    column, corner = packed[..., :-1, -1:], packed[..., -1:, -1:]
    v = packed[..., :-1, :-1]
    regular = (v.diagonal(dim1=-2, dim2=-1) != 0).all(-1) & torch.isfinite(packed).all(-1).all(-1)
    identity = torch.eye(v.shape[-1], dtype=v.dtype, device=v.device)
    v = torch.where(regular[..., None, None], v, identity)
    inner = torch.linalg.solve_triangular(v, corner * above - column * last, upper=True)
    trace = inner.diagonal(dim1=-2, dim2=-1).sum(-1) + last[..., 0, -1]
    scale = v.diagonal(dim1=-2, dim2=-1).prod(-1) * _parity(pivots)
    return det(*primals), Array(torch.where(regular, scale * trace, 0.0))

