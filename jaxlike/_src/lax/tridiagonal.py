"""tridiagonal: solving tridiagonal systems, an operation with rules of its own.

The tangent of a solution solves the same system for another right side; its cotangent solves the transposed one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from jaxlike._src.array import Array
from jaxlike._src.border import unwrap
from jaxlike._src.lax.lapack import solve_tridiagonal
from jaxlike._src.numpy.arguments import like
from jaxlike._src.transforms.structured import GraphFunction, Structured, apply

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from jaxlike._src.frames import Frame


class TridiagonalSolve(Structured):
    """Of the lower, middle and upper diagonals ``[..., n]`` and the right side ``[..., n, k]``."""

    name = "tridiagonal_solve"
    is_executed = True

    def run(self, args: Sequence[Array]) -> list[Array]:
        """The solution."""
        return [Array(solve_tridiagonal(*map(unwrap, args)))]

    def jvp(self, primals: Sequence[Array], tangents: Sequence[Any]) -> Any:
        """The system again, for the right side's tangent less what the diagonals' tangents make of the solution."""
        (out,) = apply(self, primals)
        x = unwrap(out)
        right = torch.zeros_like(x) if tangents[3] is None else unwrap(tangents[3])
        moved = [None if t is None else unwrap(t).unsqueeze(-1) for t in tangents[:3]]
        if moved[0] is not None:
            right = right - moved[0] * _before(x)
        if moved[1] is not None:
            right = right - moved[1] * x
        if moved[2] is not None:
            right = right - moved[2] * _after(x)
        return [out], apply(self, [*primals[:3], Array(right)])

    def vjp(self, primals: Sequence[Array], perturbed: Sequence[bool]) -> Any:
        """The transposed system."""
        lower, middle, upper, _ = map(unwrap, primals)
        (out,) = apply(self, primals)

        def pull(cotangents: Sequence[Any]) -> list[Any]:
            if cotangents[0] is None:
                return [None] * 4
            zero = torch.zeros_like(middle[..., :1])
            turned = torch.cat([zero, upper[..., :-1]], -1), middle, torch.cat([lower[..., 1:], zero], -1)
            (right,) = apply(self, [*map(Array, turned), cotangents[0]])
            y, x = unwrap(right), unwrap(out)
            sides = (_before(x), x, _after(x))
            grads = [Array(-(y * side).sum(-1)) if p else None for side, p in zip(sides, perturbed, strict=False)]
            return [*grads, right]

        return [out], pull

    def vmap(self, frame: Frame, args: Sequence[Array], mapped: Sequence[bool]) -> Any:
        """Leading axes are lanes."""
        every = [
            x if m else like(x, unwrap(x).expand([frame.axis_size, *unwrap(x).shape]))
            for x, m in zip(args, mapped, strict=True)
        ]
        return apply(self, every), [True]

    def closed(self, run: GraphFunction, more: int) -> Structured:
        """There is nothing to close over."""
        del run, more
        return self


def _before(x: Tensor) -> Tensor:
    """The rows moved down by one, a zero row first."""
    return torch.cat([torch.zeros_like(x[..., :1, :]), x[..., :-1, :]], -2)


def _after(x: Tensor) -> Tensor:
    return torch.cat([x[..., 1:, :], torch.zeros_like(x[..., :1, :])], -2)
