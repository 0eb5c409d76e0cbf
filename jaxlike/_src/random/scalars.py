"""scalars: standard normals in Python floats, for draws so small that a tensor op costs more than the sample.

The steps are those of `special.erf_inv` in float32, in the same order: a product and sum of two float32 is
exact enough in Python's float64 that rounding it once gives the fused result. Rounding to 24 bits is
Veltkamp's: ``t = x * (2**29 + 1); t - (t - x)``.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from jaxlike._src import special

_SPLIT: Final = float((1 << 29) + 1)


def _float32(values: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(float(np.float32(v)) for v in values)


_P, _Q = _float32(special.LOG1P_P), _float32(special.LOG1P_Q[1:])
_CENTRE, _TAIL = map(_float32, special.ERF_INV_32)
_CHAIN_A, _CHAIN_B, _CHAIN_C = map(_float32, special.LOG_CHAINS)
_LIMIT, _SQRT_HALF, _LN2_HIGH, _LN2_LOW, _SQRT2 = _float32(
    (special.LOG1P_LIMIT, special.SQRT_HALF, special.LN2_HIGH, special.LN2_LOW, math.sqrt(2))
)
_LOWEST: Final = -1.0 + 2.0**-24


def _round(x: float) -> float:
    t = x * _SPLIT
    return t - (t - x)


def _horner(x: float, coefficients: tuple[float, ...], p: float) -> float:
    split = _SPLIT
    for c in coefficients:
        p = p * x + c
        t = p * split
        p = t - (t - p)
    return p


def _log1p(x: float) -> float:
    """`special.log1p` for -1 < x <= 0."""
    if x > -_LIMIT:
        square = _round(x * x)
        ratio = _round(_horner(x, _P[1:], _P[0]) / _horner(x, _Q, 1.0))
        return _round(x + _round(square * -0.5 + _round(_round(x * square) * ratio)))
    mantissa, exponent = math.frexp(_round(x + 1.0))
    if mantissa < _SQRT_HALF:
        exponent -= 1
        r = _round(_round(mantissa - 1.0) + mantissa)
    else:
        r = _round(mantissa - 1.0)
    square = _round(r * r)
    cube = _round(square * r)
    a = _horner(r, _CHAIN_A[1:], _CHAIN_A[0])
    b = _horner(r, _CHAIN_B[1:], _CHAIN_B[0])
    c = _horner(r, _CHAIN_C[1:], _CHAIN_C[0])
    series = _round(_round(a * cube + b) * cube + c)
    correction = _round(series * cube + _round(exponent * _LN2_LOW))
    return _round(exponent * _LN2_HIGH + _round(_round(r - 0.5 * square) + correction))


def normal(bits: int) -> float:
    """The standard normal that JAX makes of 32 random bits, as a Python float with a float32 value."""
    u = (bits >> 9) * 2.0**-22 + _LOWEST
    u = max(_round(u), _LOWEST)
    log = _log1p(_round(u * -u))
    if log > -5.0:
        p = _horner(_round(-2.5 - log), _CENTRE[1:], _CENTRE[0])
    else:
        p = _horner(_round(_round(math.sqrt(-log)) - 3.0), _TAIL[1:], _TAIL[0])
    return _round(_SQRT2 * _round(u * p))
