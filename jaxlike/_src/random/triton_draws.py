"""triton_draws: threefry streams on a GPU, each draw one kernel.

As tensor operations a hash is a hundred launches, of some microseconds each; here a lane hashes its counter in
registers and stores what is asked for: the block, its words xored, a float in [0, 1) or a normal. Imported only
where there is Triton (`kernels`); elsewhere the tensor operations of `generators` and `draws` run.
"""

# pyright: basic, reportMissingImports=false, reportIndexIssue=false

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
import triton
import triton.language as tl
from triton.language.extra import libdevice

from jaxlike._src.special import ERF_INV_32

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

_BLOCK = 1024
_PAIR, _FOLD, _XOR, _UNIT, _NORMAL = (tl.constexpr(k) for k in range(5))
_CENTRE, _TAIL = (tl.constexpr(tuple(float(c) for c in row)) for row in ERF_INV_32)
_LOWEST = tl.constexpr(-1.0 + torch.finfo(torch.float32).eps / 2)
_ROOT_2 = tl.constexpr(math.sqrt(2))


@triton.jit
def _turned(x0, x1, by: tl.constexpr):
    x0 = x0 + x1
    return x0, ((x1 << by) | (x1 >> (32 - by))) ^ x0


@triton.jit
def _mixed(x0, x1, a: tl.constexpr, b: tl.constexpr, c: tl.constexpr, d: tl.constexpr):
    x0, x1 = _turned(x0, x1, a)
    x0, x1 = _turned(x0, x1, b)
    x0, x1 = _turned(x0, x1, c)
    return _turned(x0, x1, d)


@triton.jit
def _hashed(k0, k1, x0, x1):
    """The block of counter (x0, x1) under the key (k0, k1), all uint32."""
    k2 = k0 ^ k1 ^ 0x1BD11BDA
    x0, x1 = _mixed(x0 + k0, x1 + k1, 13, 15, 26, 6)
    x0, x1 = _mixed(x0 + k1, x1 + k2 + 1, 17, 29, 16, 24)
    x0, x1 = _mixed(x0 + k2, x1 + k0 + 2, 13, 15, 26, 6)
    x0, x1 = _mixed(x0 + k0, x1 + k1 + 3, 17, 29, 16, 24)
    x0, x1 = _mixed(x0 + k1, x1 + k2 + 4, 13, 15, 26, 6)
    return x0 + k2, x1 + k0 + 5


@triton.jit
def _horner(z, row: tl.constexpr):
    total = z * 0.0 + row[0]
    for k in tl.static_range(1, 9):
        total = tl.fma(total, z, z * 0.0 + row[k])
    return total


@triton.jit
def _draw(keys, counts, out, size, total, WAY: tl.constexpr, BLOCK: tl.constexpr):
    at = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    inside = at < total
    row = at // size
    counter = at - row * size
    if WAY == _FOLD:
        counter = tl.load(counts + at, mask=inside, other=0).to(tl.int64) & 0xFFFFFFFF
    k0 = tl.load(keys + 2 * row, mask=inside, other=0).to(tl.uint32, bitcast=True)
    k1 = tl.load(keys + 2 * row + 1, mask=inside, other=0).to(tl.uint32, bitcast=True)
    x0, x1 = _hashed(k0, k1, (counter >> 32).to(tl.uint32), counter.to(tl.uint32))
    if WAY == _PAIR or WAY == _FOLD:
        tl.store(out + 2 * at, x0.to(tl.int32, bitcast=True), mask=inside)
        tl.store(out + 2 * at + 1, x1.to(tl.int32, bitcast=True), mask=inside)
    elif WAY == _XOR:
        tl.store(out + at, (x0 ^ x1).to(tl.int32, bitcast=True), mask=inside)
    else:
        unit = ((x0 ^ x1) >> 9).to(tl.float32) * (1.0 / 8388608.0)
        if WAY == _UNIT:
            tl.store(out + at, unit, mask=inside)
        else:  # by the inverse of the distribution function
            u = tl.maximum(2.0 * unit + _LOWEST, _LOWEST)
            log_term = libdevice.log1p(-u * u)
            centre = log_term > -5.0
            z = tl.where(centre, -2.5 - log_term, tl.sqrt_rn(-log_term) - 3.0)
            tl.store(out + at, u * tl.where(centre, _horner(z, _CENTRE), _horner(z, _TAIL)) * _ROOT_2, mask=inside)


def _drawn(
    words: Tensor,
    shape: Sequence[int],
    way: tl.constexpr,
    dtype: torch.dtype,
    last: Sequence[int] = (),
    counts: Tensor | None = None,
) -> Tensor:
    size = math.prod(shape)
    rows = words.reshape(-1, 2).contiguous()
    out = torch.empty((*words.shape[:-1], *shape, *last), dtype=dtype, device=words.device)
    total = len(rows) * size
    if total:
        with torch.cuda.device_of(words):
            _draw[(triton.cdiv(total, _BLOCK),)](rows, rows if counts is None else counts, out, size, total, way, _BLOCK)
    return out


def blocks(words: Tensor, shape: Sequence[int]) -> Tensor:
    """Words [..., *shape, 2] of the counters 0, 1, .. for keys [..., 2], both int32."""
    return _drawn(words, shape, _PAIR, torch.int32, (2,))


def folded(words: Tensor, data: Tensor) -> Tensor:
    """Words [..., 2] of the counters (0, data), one for each key; data: int32 [...]."""
    return _drawn(words, (), _FOLD, torch.int32, (2,), data.reshape(-1).contiguous())


def xored(words: Tensor, shape: Sequence[int]) -> Tensor:
    """The two words of each block xored: int32 [..., *shape]."""
    return _drawn(words, shape, _XOR, torch.int32)


def unit(words: Tensor, shape: Sequence[int]) -> Tensor:
    """float32 in [0, 1)."""
    return _drawn(words, shape, _UNIT, torch.float32)


def normal(words: Tensor, shape: Sequence[int]) -> Tensor:
    """float32 of the standard normal distribution."""
    return _drawn(words, shape, _NORMAL, torch.float32)
