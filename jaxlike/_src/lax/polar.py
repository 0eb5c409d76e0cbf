"""polar: the polar decomposition by a dynamically weighted Halley iteration (Nakatsukasa, Bai, Gygi, 2010).

Weights follow from a bound of the least singular value; ill-conditioned steps go by QR, later ones by Cholesky.
Their number is known beforehand; then steps are repeated until the matrix stands still.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src import dtypes
from jaxlike._src.array import Array
from jaxlike._src.border import adjoint, asarray, concrete_or_error, unwrap
from jaxlike._src.lax.while_loop import while_loop
from jaxlike._src.numpy.cholesky import cholesky_or_nan

if TYPE_CHECKING:
    from torch import Tensor

_STATIC = "The `{}` argument must be statically specified to use `qdwh` within JAX transformations."
_BY_CHOLESKY = 100  # up to this weight


def _weights(eps: float, most: int) -> list[tuple[float, float, float]]:
    """The weights (a, b, c) of the steps that bring a singular value from ``eps`` to 1."""
    found: list[tuple[float, float, float]] = []
    low = eps
    while low + 5.0 * eps < 1 and len(found) < most:
        square = low * low
        d = (4 * (1 / square - 1) / square) ** (1 / 3)
        root = (1.0 + d) ** 0.5
        a = root + (2 - d + 2 * (2 - square) / (square * root)) ** 0.5
        b = (a - 1) ** 2 / 4
        c = a + b - 1
        low = low * (a + b * square) / (1 + c * square)
        found.append((a, b, c))
    return found


def _by_qr(u: Tensor, a: float, b: float, c: float) -> Tensor:
    m, n = u.shape
    root, e = c**0.5, b / c
    eye = torch.eye(n, dtype=u.dtype, device=u.device)
    q = torch.linalg.qr(torch.cat([root * u, eye])).Q
    return e * u + ((a - e) / root) * (q[:m] @ adjoint(q[m:]))


def _by_cholesky(u: Tensor, a: float, b: float, c: float) -> Tensor:
    e = b / c
    eye = torch.eye(u.shape[-1], dtype=u.dtype, device=u.device)
    low = cholesky_or_nan(c * (adjoint(u) @ u) + eye)
    z = torch.linalg.solve_triangular(low, adjoint(u), upper=False)
    z = torch.linalg.solve_triangular(adjoint(low), z, upper=True)
    return e * u + (a - e) * adjoint(z)


def qdwh(
    x: Any,
    *,
    is_hermitian: bool = False,
    max_iterations: int | None = None,
    eps: float | None = None,
    dynamic_shape: tuple[int, int] | None = None,
) -> tuple[Array, Array, Array, Array]:
    """``(u, h, steps, converged)`` with ``u @ h == x``, ``u`` unitary and ``h`` positive semidefinite.

    Args:
        x: matrix with at least as many rows as columns.
        is_hermitian: accepted.
        max_iterations: steps that are done at most, 10 by default.
        eps: bound of the least singular value, and precision; that of the dtype by default.
        dynamic_shape: the part of ``x`` that counts; the results are zero elsewhere.
    """
    concrete_or_error(bool, is_hermitian, _STATIC.format("is_hermitian"))
    most = 10 if max_iterations is None else concrete_or_error(int, max_iterations, _STATIC.format("max_iterations"))
    a = asarray(x)
    rows, columns = a.shape
    if rows < columns:
        raise ValueError("The input matrix of shape M x N must have M >= N.")
    m, n = (rows, columns) if dynamic_shape is None else (int(dynamic_shape[0]), int(dynamic_shape[1]))
    t = unwrap(a)[:m, :n]
    small = float(dtypes.finfo(a.dtype).eps) if eps is None else eps
    size = t.abs()
    one, infinity = size.sum(0).amax(), size.sum(1).amax()
    u = t * torch.where(one == 0, 1.0, torch.rsqrt(one) * torch.rsqrt(infinity)).to(t.dtype)
    weights = _weights(small, most)
    limit = float(np.cbrt(5.0 * small))
    moving = torch.ones((), dtype=torch.bool, device=u.device)
    for a_k, b_k, c_k in weights:
        if c_k > _BY_CHOLESKY:
            u = _by_qr(u, a_k, b_k, c_k)
        else:
            before, u = u, _by_cholesky(u, a_k, b_k, c_k)
            moving = torch.linalg.vector_norm(u - before) > limit

    def step(state: Any) -> Any:
        k, now, _ = state
        old = unwrap(now)
        new = _by_cholesky(old, 3, 1, 3)
        return k + 1, Array(new), Array(torch.linalg.vector_norm(new - old) > limit)

    steps, last, still = while_loop(
        lambda state: state[2] & (state[0] < most), step, (asarray(len(weights)), Array(u), Array(moving))
    )
    u = unwrap(last)
    u = 1.5 * u - 0.5 * u @ (adjoint(u) @ u)
    h = adjoint(u) @ t
    h = (h + adjoint(h)) / 2
    around = (0, columns - n, 0, rows - m)
    u = torch.nn.functional.pad(u, around)
    h = torch.nn.functional.pad(h, (0, columns - n, 0, columns - n))
    return Array(u), Array(h), steps, Array(~unwrap(still))
