"""cuda_draws: threefry streams on a GPU, each draw one kernel.

As tensor operations a hash is a hundred launches, of some microseconds each; here a thread hashes its counter in
registers and stores what is asked for: the block, its words xored, a float in [0, 1) or a normal. Imported only where
NVRTC is (`generators.on_gpu`); elsewhere the tensor operations of `generators` and `draws` run.
"""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Any

import torch

from jaxlike._src import torch_private
from jaxlike._src.graph.fused import gpu
from jaxlike._src.random.native import HASH, horner, number
from jaxlike._src.special import ERF_INV_32

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

_THREADS = 256
_PAIR, _FOLD, _XOR, _UNIT, _NORMAL = range(5)
# By the inverse of the distribution function, with the device's logarithm and square root.
_TEXT = r"""
typedef unsigned int uint32_t;
typedef unsigned long long uint64_t;
#define fma_ fmaf
@HASH@
static __device__ __forceinline__ float normal(uint32_t word) {
  float unit = (float)(word >> 9) * 1.1920928955078125e-07f;
  float u = fmaxf(2.0f * unit + -0.99999994f, -0.99999994f), centre, tail;
  float log_term = log1pf(-u * u);
  bool inner = log_term > -5.0f;
  float z = inner ? -2.5f - log_term : sqrtf(-log_term) - 3.0f;
  @ERF_INV@
  return u * (inner ? centre : tail) * @ROOT_2@;
}
extern "C" __global__ void run(const uint32_t* __restrict__ keys, const uint32_t* __restrict__ counts,
                               uint32_t* __restrict__ out, long long size, long long total, long long way) {
  const long long at = (long long)blockIdx.x * blockDim.x + threadIdx.x;
  if (at >= total) return;
  const long long row = size == total ? 0 : at / size;
  const uint64_t first = way == 1 ? counts[at] : at - row * size;
  const uint32_t k0 = keys[2 * row], k1 = keys[2 * row + 1], k2 = k0 ^ k1 ^ 0x1BD11BDAu;
  HASH(0)
  if (way < 2) { out[2 * at] = x0; out[2 * at + 1] = x1; }
  else if (way == 2) out[at] = x0 ^ x1;
  else if (way == 3) ((float*)out)[at] = (float)((x0 ^ x1) >> 9) * 1.1920928955078125e-07f;
  else ((float*)out)[at] = normal(x0 ^ x1);
}
"""


def source() -> str:
    """The kernel's text."""
    chains = " ".join(horner(name, "z", c) for name, c in zip(("centre", "tail"), ERF_INV_32, strict=True))
    filled = {"HASH": HASH, "ERF_INV": chains, "ROOT_2": number(math.sqrt(2))}
    text = _TEXT
    for name, value in filled.items():
        text = text.replace(f"@{name}@", value)
    return text


@functools.cache
def _kernel(device: int) -> Callable[..., None]:
    with torch.cuda.device(device):
        path = gpu.path_of(source())
        if not path.exists():
            gpu.build(source())
        return torch_private.gpu_kernel(path.read_bytes(), "run", 6)


def _drawn(
    words: Tensor,
    shape: Sequence[int],
    way: int,
    dtype: torch.dtype,
    last: Sequence[int] = (),
    counts: Tensor | None = None,
) -> Tensor:
    size = math.prod(shape)
    rows = words.contiguous()
    out = torch.empty((*words.shape[:-1], *shape, *last), dtype=dtype, device=words.device)
    total = rows.numel() // 2 * size
    if total:
        given = rows if counts is None else counts
        where: Any = rows.data_ptr(), given.data_ptr(), out.data_ptr()
        with torch_private.on_device_of(words):
            _kernel(words.device.index)(-(-total // _THREADS), _THREADS, 0, *where, size, total, way)
    return out


def blocks(words: Tensor, shape: Sequence[int]) -> Tensor:
    """Words [..., *shape, 2] of the counters 0, 1, .. for keys [..., 2], both int32."""
    return _drawn(words, shape, _PAIR, torch.int32, (2,))


def folded(words: Tensor, data: Tensor) -> Tensor:
    """Words [..., 2] of the counters (0, data), one for each key; data: int32 [...]."""
    return _drawn(words, (), _FOLD, torch.int32, (2,), data.contiguous())


def xored(words: Tensor, shape: Sequence[int]) -> Tensor:
    """The two words of each block xored: int32 [..., *shape]."""
    return _drawn(words, shape, _XOR, torch.int32)


def unit(words: Tensor, shape: Sequence[int]) -> Tensor:
    """float32 in [0, 1)."""
    return _drawn(words, shape, _UNIT, torch.float32)


def normal(words: Tensor, shape: Sequence[int]) -> Tensor:
    """float32 of the standard normal distribution."""
    return _drawn(words, shape, _NORMAL, torch.float32)
