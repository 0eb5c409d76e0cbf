"""gamma_grad: the derivative of a gamma sample by its parameter, at a fixed probability.

With P(a, x) the regularized incomplete gamma function it is ``-(dP/da) / (dP/dx)``. P is a power series in x
where x is below 1 or a, and 1 minus a continued fraction elsewhere; both are differentiated term by term
(Cephes' igam and igamc). Terms are summed in float64 until the derivative stands still.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from jaxlike._src.random.ops import operator

if TYPE_CHECKING:
    from torch import Tensor

_TOLERANCE = 2.0**-40
_MOST_TERMS = 2000


@operator(
    "random_gamma_grad(Tensor a, Tensor x) -> Tensor",
    lambda a, x: (torch.broadcast_shapes(a.shape, x.shape), a.dtype),
)
def random_gamma_grad(a: Tensor, x: Tensor) -> Tensor:
    """d(sample)/d(a) of gamma samples ``x`` with parameters ``a``; NaN outside of the domain."""
    dtype = a.dtype
    a, x = torch.broadcast_tensors(a.to(torch.float64), x.to(torch.float64))
    valid = (x > 0) & (a > 0) & torch.isfinite(x) & torch.isfinite(a)
    safe_a, safe_x = torch.where(valid, a, 1.0), torch.where(valid, x, 1.0)
    tail = (safe_x >= 1) & (safe_x > safe_a)
    slope = torch.where(tail, _fraction(safe_a, safe_x, tail), _series(safe_a, safe_x, ~tail))
    outside = torch.where((x == 0) & (a > 0), 0.0, torch.nan)
    return torch.where(valid, slope, outside).to(dtype)


def _series(a: Tensor, x: Tensor, wanted: Tensor) -> Tensor:
    """By the sum of ``x**k / ((a+1)...(a+k))``."""
    r, term, total = a, torch.ones_like(a), torch.ones_like(a)
    d_term, d_total = torch.zeros_like(a), torch.zeros_like(a)
    for _ in range(_MOST_TERMS * 10):
        r = r + 1
        d_term = d_term * (x / r) - term * x / (r * r)
        term = term * (x / r)
        total, d_total = total + term, d_total + d_term
        if not (wanted & (d_term.abs() > _TOLERANCE * d_total.abs())).any():
            break
    return -(d_total + total * (torch.log(x) - torch.digamma(a + 1))) * x / a


def _fraction(a: Tensor, x: Tensor, wanted: Tensor) -> Tensor:
    """By the convergents p/q of the continued fraction of the upper tail."""
    y = 1 - a
    z = x + y + 1
    p2, q2, p1, q1 = torch.ones_like(x), x, x + 1, z * x
    dp2, dq2, dp1, dq1 = torch.zeros_like(x), torch.zeros_like(x), torch.zeros_like(x), -x
    value = p1 / q1
    slope = (dp1 - value * dq1) / q1
    for c in range(1, _MOST_TERMS):
        y, z = y + 1, z + 2
        yc = y * c
        p, q = p1 * z - p2 * yc, q1 * z - q2 * yc
        dp = dp1 * z - p1 - dp2 * yc + p2 * c
        dq = dq1 * z - q1 - dq2 * yc + q2 * c
        scale = torch.where(p.abs() > 2.0**52, 2.0**-52, 1.0)
        p2, q2, dp2, dq2 = p1 * scale, q1 * scale, dp1 * scale, dq1 * scale
        p1, q1, dp1, dq1 = p * scale, q * scale, dp * scale, dq * scale
        value = p1 / q1
        before, slope = slope, (dp1 - value * dq1) / q1
        if not (wanted & ((slope - before).abs() > _TOLERANCE * slope.abs())).any():
            break
    # The tail is 1 - P, and the sample's derivative has a minus sign of its own.
    return (slope + value * (torch.log(x) - torch.digamma(a))) * x
