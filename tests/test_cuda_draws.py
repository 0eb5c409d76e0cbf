"""The kernel that draws on a GPU gives the bits that the CPU gives: compiled for the CPU, and on a GPU itself."""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any

import pytest
import torch

import jaxlike as jax
import jaxlike.numpy as jnp
from jaxlike._src.graph.fused.build import compiler
from jaxlike._src.random import cuda_draws
from tests.compiled import library

AROUND = r"""
#define __global__
#define __device__
#define __forceinline__
#include <math.h>
static struct { long long x; } blockIdx, blockDim, threadIdx;
"""
ENTRY = r"""
extern "C" void all(const uint32_t* keys, const uint32_t* counts, uint32_t* out, long long size, long long total, long long way) {
  blockDim.x = 4;
  for (blockIdx.x = 0; blockIdx.x * 4 < total; ++blockIdx.x)
    for (threadIdx.x = 0; threadIdx.x < 4; ++threadIdx.x) run(keys, counts, out, size, total, way);
}
"""


@pytest.fixture
def on_the_cpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel is a loop over threads on the CPU."""
    run = library(AROUND + cuda_draws.source() + ENTRY, tmp_path, "-O1").all
    run.restype, run.argtypes = None, [ctypes.c_void_p] * 3 + [ctypes.c_int64] * 3

    def kernel(device: Any) -> Any:
        del device
        return lambda blocks, threads, shared, *given: run(*given)

    monkeypatch.setattr(cuda_draws, "_kernel", kernel)
    monkeypatch.setattr("jaxlike._src.torch_private.on_device_of", lambda words: torch.no_grad())


@pytest.mark.skipif(compiler() is None, reason="needs a C++ compiler")
@pytest.mark.parametrize("keys", [(), (3,), (2, 2)], ids=str)
def test_the_kernel_on_the_cpu(keys: tuple[int, ...], on_the_cpu: None) -> None:
    made = jax.random.split(jax.random.key(7), keys) if keys else jax.random.key(7)
    words = jax.to_torch(jax.random.key_data(made)).view(torch.int32)
    flat = [made] if not keys else list(made.reshape(-1))
    for shape in ((), (5,), (2, 3)):
        many = (len(flat), *shape)
        split = jnp.stack([jax.random.key_data(jax.random.split(k, shape)) for k in flat])
        assert (cuda_draws.blocks(words, shape).reshape(*many, 2) == jax.to_torch(split).view(torch.int32)).all()
        bits = jnp.stack([jax.random.bits(k, shape) for k in flat])
        assert (cuda_draws.xored(words, shape).reshape(many) == jax.to_torch(bits).view(torch.int32)).all()
        unit = jnp.stack([jax.random.uniform(k, shape) for k in flat])
        assert (cuda_draws.unit(words, shape).reshape(many) == jax.to_torch(unit)).all()
        normal = jnp.stack([jax.random.normal(k, shape) for k in flat])
        torch.testing.assert_close(cuda_draws.normal(words, shape).reshape(many), jax.to_torch(normal), rtol=1e-5, atol=1e-6)
    data = torch.arange(len(flat), dtype=torch.int32)
    folded = jnp.stack([jax.random.key_data(jax.random.fold_in(k, i)) for i, k in enumerate(flat)])
    found = cuda_draws.folded(words, data.reshape(words.shape[:-1])).reshape(-1, 2)
    assert (found == jax.to_torch(folded).view(torch.int32)).all()


@pytest.mark.gpu
def test_draws_on_a_gpu_are_those_of_the_cpu() -> None:
    cpu, gpu = jax.devices("cpu")[0], jax.devices("gpu")[0]
    for shape in ((), (1000,), (7, 1001)):
        drawn = []
        for device in (cpu, gpu):
            with jax.default_device(device):
                key = jax.random.key(3)
                rows = jax.random.split(key, 4)
                folds = jax.vmap(jax.random.fold_in)(rows, jnp.arange(4))
                made = [jax.random.key_data(rows), jax.random.key_data(folds), jax.random.bits(key, shape, "uint32")]
                made += [jax.random.uniform(key, shape), jax.random.normal(key, shape)]
                made += [jax.vmap(lambda k, s=shape: jax.random.normal(k, s))(rows)]
                drawn.append([jax.to_torch(x).cpu() for x in made])
        for k, (a, b) in enumerate(zip(*drawn, strict=True)):
            torch.testing.assert_close(a, b, rtol=1e-5 if k >= 4 else 0, atol=1e-6 if k >= 4 else 0)
