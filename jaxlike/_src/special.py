"""special: log1p, log, erf and erf_inv by the polynomials of JAX's CPU compiler, equal to its last bit.

torch's erfinv is up to 90 ulp away from XLA's, so normal samples would differ. Written out of additions,
products and fused multiply-adds in XLA's order, nothing is left to chance: on a CPU with FMA
`jax.random.normal` is reproduced exactly (float32; float64 differs where the two libraries' log does).
Sources of the approximations: Cephes (log, log1p), Giles "Approximating the erfinv function" (erf_inv).
"""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING

import numpy as np
import torch

from jaxlike._src import torch_private

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

# float32: log(1 + r) on [sqrt(1/2) - 1, sqrt(2) - 1], three interleaved chains in r, joined by r**3.
LOG_CHAINS = (
    (0.070376836, -0.1151461, 0.116769984),
    (-0.12420141, 0.14249323, -0.16668057),
    (0.20000714, -0.24999994, 0.3333333),
)
SQRT_HALF = 0.70710677
LN2_HIGH, LN2_LOW = 0.6933594, -0.00021219444
TINY, HUGE = 1.1754943508222875e-38, 3.4028234663852886e38

# log1p(x) = x - x**2/2 + x**3 * P(x)/Q(x) for |x| < sqrt(2) - 1.
LOG1P_LIMIT = 0.41421356237309503
LOG1P_P = (
    4.52700008624452e-05,
    0.49854102823193375,
    6.578732594206104,
    29.911919328553072,
    60.94966798098779,
    57.11296359058554,
    20.039553499201283,
)
LOG1P_Q = (
    1.0,
    15.062909083469192,
    83.04756596796722,
    221.76239823732857,
    309.09872225312057,
    216.42788614495947,
    60.11866049760384,
)

# erf_inv(x) = x * poly(w), w = -log1p(-x**2): the centre in w - shift, tails in sqrt(w) - shift.
ERF_INV_32 = (
    (
        *(2.8102264e-08, 3.4327394e-07, -3.5233877e-06, -4.3915065e-06, 0.00021858087),
        *(-0.001253725, -0.0041776816, 0.24664073, 1.5014094),
    ),
    (
        *(-0.00020021426, 0.00010095056, 0.0013493432, -0.0036734284, 0.0057395077),
        *(-0.0076224613, 0.0094388705, 1.001674, 2.8329768),
    ),
)
ERF_INV_64_CENTRE = (
    *(-3.64441206401782e-21, -1.6850591381820166e-19, 1.28584807152564e-18, 1.1157877678025181e-17),
    *(-1.333171662854621e-16, 2.0972767875968562e-17, 6.637638134358324e-15, -4.054566272975207e-14),
    *(-8.151934197605472e-14, 2.6335093153082323e-12, -1.2975133253453532e-11, -5.415412054294628e-11),
    *(1.0512122733215323e-09, -4.112633980346984e-09, -2.9070369957882005e-08, 4.2347877827932404e-07),
    *(-1.3654692000834679e-06, -1.3882523362786469e-05, 0.00018673420803405714, -0.000740702534166267),
    *(-0.006033670871430149, 0.24015818242558962, 1.6536545626831027),
)
ERF_INV_64_TAIL = (
    *(2.2137376921775787e-09, 9.075656193888539e-08, -2.7517406297064545e-07, 1.8239629214389228e-08),
    *(1.5027403968909828e-06, -4.013867526981546e-06, 2.9234449089955446e-06, 1.2475304481671779e-05),
    *(-4.7318229009055734e-05, 6.828485145957318e-05, 2.4031110387097894e-05, -0.0003550375203628475),
    *(0.0009532893797373805, -0.0016882755560235047, 0.002491442096107851, -0.003751208507569241),
    *(0.005370914553590064, 1.0052589676941592, 3.0838856104922208),
)
ERF_INV_64_FAR_TAIL = (
    *(-2.7109920616438573e-11, -2.555641816996525e-10, 1.5076572693500548e-09, -3.789465440126737e-09),
    *(7.61570120807834e-09, -1.496002662714924e-08, 2.914795345090108e-08, -6.771199775845234e-08),
    *(2.2900482228026655e-07, -9.9298272942317e-07, 4.526062597223154e-06, -1.968177810553167e-05),
    *(7.599527703001776e-05, -0.00021503011930044477, -0.00013871931833623122, 1.0103004648645344),
    *(4.849906401408584,),
)

# erf(x) = x * P(x**2)/Q(x**2), and 1 beyond the limit.
ERF_LIMIT = 3.832506856900711
ERF_P = (0.00022905065861350646, 0.0034082910107109506, 0.050955695062380861, 0.18520832239976145, 1.128379143519084)
ERF_Q = (
    *(-1.1791602954361697e-7, 0.000023547966471313185, 0.0010179625278914885, 0.014070470171167667),
    *(0.11098505178285362, 0.49746925110067538, 1.0),
)


@functools.cache
def _addcmul_rounds_once() -> bool:
    """Whether torch.addcmul is a fused multiply-add on this CPU, in its vector code and in its tails."""
    for dtype in (torch.float32, torch.float64):
        eps = torch.finfo(dtype).eps
        for size in (1, 7, 64, 1003):
            a = 1 + eps * torch.arange(1, size + 1, dtype=dtype, device="cpu")
            exact = (eps * torch.arange(1, size + 1, dtype=dtype, device="cpu")) ** 2
            # (1+d)(1+d) - (1+2d) is d**2 with one rounding, 0 with two.
            if not torch.equal(torch.addcmul(1 - 2 * a, a, a), exact):
                return False
    return True


def constant(value: float, dtype: torch.dtype, device: torch.device) -> Tensor:
    """A number as a 0-d tensor that belongs to no transformation; on the CPU for a trace, whose device is open."""
    return _constant(value, dtype, "cpu" if device.type == "meta" else device)


@functools.cache
def _constant(value: float, dtype: torch.dtype, device: torch.device | str) -> Tensor:
    with torch_private.outside():
        return torch.full((), value, dtype=dtype, device=device)


def beside(*tensors: Tensor) -> tuple[Tensor, ...]:
    """0-d tensors of the CPU moved to the device of the others, for kernels that want all on one.

    A trace keeps its constants where they are: its replay moves them.
    """
    places = {t.device for t in tensors if t.dim() or not t.is_cpu}
    if len(places) != 1 or (place := places.pop()).type in ("cpu", "meta"):
        return tensors
    return tuple(t if t.device == place else t.to(place) for t in tensors)


def fma(a: Tensor, b: Tensor, c: Tensor | float) -> Tensor:
    """``a * b + c`` rounded once, in the dtype of a; derivatives are those of ``a * b + c``."""
    if a.dtype.itemsize < 4:  # XLA computes half precision op by op
        return a * b + c
    if a.is_cuda or b.is_cuda:
        return torch.addcmul(*beside(c if isinstance(c, torch.Tensor) else constant(c, a.dtype, b.device), a, b))
    if a.device.type == "cpu" and _addcmul_rounds_once():
        if not isinstance(c, torch.Tensor):
            c = constant(c, a.dtype, a.device)
        return torch.addcmul(c, a, b)
    if a.dtype == torch.float32 and a.device.type != "mps":
        # The product of two float32 is exact in float64.
        wide = c.to(torch.float64) if isinstance(c, torch.Tensor) else float(np.float32(c))
        return (a.to(torch.float64) * b.to(torch.float64) + wide).to(torch.float32)
    return a * b + c


def sqrt(x: Tensor) -> Tensor:
    """Square root, correctly rounded."""
    # torch.sqrt is MKL's (2.13): an ulp off in a fifth of float32 and a hundredth of float64, and its threads
    # can take milliseconds to meet when cores are busy.
    known = x.device.type == "cpu" and not (torch_private.is_wrapped(x) or x.requires_grad)
    if known and x.dtype in (torch.float32, torch.float64):
        with np.errstate(invalid="ignore"):
            return torch.from_numpy(np.asarray(np.sqrt(x.numpy())))  # np.sqrt of no axes gives a scalar
    if x.dtype == torch.float32 and x.device.type != "mps":
        return torch.sqrt(x.to(torch.float64)).to(torch.float32)
    if x.dtype in (torch.float16, torch.bfloat16):
        return torch.sqrt(x)
    root = torch.sqrt(x)
    corrected = root + fma(-root, root, x) / (root + root)
    return torch.where((root > 0) & (root < math.inf), corrected, root)


def horner(x: Tensor, coefficients: Sequence[float]) -> Tensor:
    """The polynomial with these coefficients, highest power first."""
    first, second, *rest = coefficients
    p = x + second if first == 1.0 else fma(x, constant(first, x.dtype, x.device), second)
    for c in rest:
        p = fma(p, x, c)
    return p


def _log_inside(x: Tensor) -> Tensor:
    """`log` of float32 that are positive, normal and finite."""
    bits = x.view(torch.int32)
    exponent = ((bits >> 23) - 126).to(torch.float32)
    mantissa = ((bits & 0x007FFFFF) | 0x3F000000).view(torch.float32)  # in [0.5, 1)
    low = (mantissa < SQRT_HALF).to(torch.float32)
    exponent = exponent - low
    r = (mantissa - 1.0) + low * mantissa
    square = r * r
    cube = square * r
    p, q, s = (horner(r, chain) for chain in LOG_CHAINS)
    series = fma(fma(p, cube, q), cube, s)
    correction = fma(series, cube, exponent * LN2_LOW)
    minus_half, ln2_high = (constant(c, r.dtype, r.device) for c in (-0.5, LN2_HIGH))
    return fma(exponent, ln2_high, fma(square, minus_half, r) + correction)


def log(x: Tensor) -> Tensor:
    """Natural logarithm, float32 in XLA's steps: zero gives -inf, negative numbers and NaN give NaN."""
    if x.dtype != torch.float32:
        return torch.log(x)
    total = _log_inside(torch.clamp(x, min=TINY, max=HUGE))
    total = torch.where(x <= HUGE, total, x)  # inf and NaN
    return torch.where(x >= TINY, total, torch.where(x > -TINY, -math.inf, math.nan))  # subnormals count as 0


def _log1p_near(x: Tensor) -> Tensor:
    square = x * x
    ratio = horner(x, LOG1P_P) / horner(x, LOG1P_Q)
    return x + fma(square, constant(-0.5, x.dtype, x.device), (x * square) * ratio)


def log1p(x: Tensor) -> Tensor:
    """``log(1 + x)``, accurate near zero."""
    return torch.where(x.abs() < LOG1P_LIMIT, _log1p_near(x), log(x + 1.0))


def erf(x: Tensor) -> Tensor:
    """Error function; float32 in XLA's steps, half precision by way of float32."""
    if x.dtype in (torch.float16, torch.bfloat16):
        return erf(x.to(torch.float32)).to(x.dtype)
    if x.dtype != torch.float32:
        return torch.erf(x)
    x2 = x * x
    ratio = x * horner(x2, ERF_P) / horner(x2, ERF_Q)
    return torch.where(x.abs() >= ERF_LIMIT, torch.sign(x), ratio)


def erf_inv(x: Tensor) -> Tensor:
    """The y with ``erf(y) == x``; plus and minus inf at 1 and -1, NaN beyond."""
    if x.dtype in (torch.float16, torch.bfloat16):
        return erf_inv(x.to(torch.float32)).to(x.dtype)
    size = x.abs()
    inside = size < 1.0
    y = erf_inv_inside(torch.where(inside, x, 0.0))
    return torch.where(inside, y, torch.where(size == 1.0, x * math.inf, math.nan))


def erf_inv_inside(x: Tensor) -> Tensor:
    """`erf_inv` of float32 or float64 between -1 and 1, ends excluded."""
    v = x * -x
    beyond = _log_inside(v + 1.0) if x.dtype == torch.float32 else torch.log(v + 1.0)
    log_term = torch.where(v > -LOG1P_LIMIT, _log1p_near(v), beyond)
    if x.dtype == torch.float32:
        centre = log_term > -5.0
        z = torch.where(centre, -2.5 - log_term, sqrt(-log_term) - 3.0)
        return x * torch.where(centre, horner(z, ERF_INV_32[0]), horner(z, ERF_INV_32[1]))
    root = sqrt(-log_term)
    tail = torch.where(log_term > -16.0, horner(root - 3.25, ERF_INV_64_TAIL), horner(root - 5.0, ERF_INV_64_FAR_TAIL))
    return x * torch.where(log_term > -6.25, horner(-3.125 - log_term, ERF_INV_64_CENTRE), tail)
