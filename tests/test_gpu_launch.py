"""How kernels are started on a GPU, with a driver that runs threads one by one on the CPU in place of CUDA's."""

from __future__ import annotations

import ctypes
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from jaxlike._src import torch_private
from jaxlike._src.graph.fused import gpu
from jaxlike._src.graph.fused.build import BuildError, compiler
from jaxlike._src.graph.fused.team import Team
from tests.compiled import library

pytestmark = pytest.mark.skipif(compiler() is None, reason="needs a C++ compiler")
DRIVER = r"""
typedef void (*kernel)(const float*, float*, long long, unsigned, unsigned);
static unsigned long long asked[9];
static void scaled(const float* x, float* y, long long by, unsigned at, unsigned all) { if (at < all) y[at] = x[at] * by; }
extern "C" void* function() { return (void*)scaled; }
extern "C" unsigned long long* seen() { return asked; }
extern "C" int cuLaunchKernel(kernel f, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz,
                              unsigned shared, void* stream, void** given, void** extra) {
  const unsigned long long told[9] = {gx, gy, gz, bx, by, bz, shared, (unsigned long long)stream, (unsigned long long)extra};
  for (int k = 0; k < 9; ++k) asked[k] = told[k];
  for (unsigned at = 0; at < gx * bx; ++at) f(*(const float**)given[0], *(float**)given[1], *(long long*)given[2], at, 5);
  return shared == 77 ? 1 : 0;
}
"""


@pytest.fixture
def driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The driver as a library; a module holds its one function."""
    from torch.cuda import _utils

    driver = library(DRIVER, tmp_path)
    driver.function.restype, driver.seen.restype = ctypes.c_void_p, ctypes.POINTER(ctypes.c_ulonglong)
    configured: list[int] = []
    kernel = SimpleNamespace(func=ctypes.c_void_p(driver.function()), set_shared_memory_config=configured.append)

    def load(binary: bytes, names: list[str]) -> dict[str, Any]:
        assert binary == b"machine code"
        return dict.fromkeys(names, kernel)

    def check(result: int) -> None:
        raise RuntimeError(f"CUDA error: {result}")

    monkeypatch.setattr(_utils, "_cuda_load_module", load)
    monkeypatch.setattr(_utils, "_get_gpu_runtime_library", lambda: driver)
    monkeypatch.setattr(_utils, "_check_cuda", check)
    monkeypatch.setattr(torch_private, "current_stream", lambda: 4096)
    return SimpleNamespace(seen=lambda: driver.seen()[:9], configured=configured)


def test_a_kernel_is_given_addresses_and_numbers(driver: Any) -> None:
    x, y = torch.arange(5.0), torch.zeros(5)
    run = torch_private.gpu_kernel(b"machine code", "run", 3, shared=1000)
    run(3, 2, 1000, x.data_ptr(), y.data_ptr(), -3)
    assert y.tolist() == [0.0, -3.0, -6.0, -9.0, -12.0]
    assert driver.seen() == [3, 1, 1, 2, 1, 1, 1000, 4096, 0] and driver.configured == [1000]
    with pytest.raises(RuntimeError, match="CUDA error: 1"):
        run(1, 1, 77, x.data_ptr(), y.data_ptr(), 1)


def test_a_loop_is_one_block(driver: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    (tmp_path / "loop.cubin").write_bytes(b"machine code")
    team = Team(1000)
    team.widest = 40
    assert team.share(100) == 0
    run = gpu.load(tmp_path / "loop.cubin", team, 3)
    x, y = torch.ones(5), torch.zeros(5)
    run(x.data_ptr(), y.data_ptr(), 2)
    assert y.tolist() == [2.0] * 5 and driver.seen()[:7] == [1, 1, 1, 64, 1, 1, 112]
    assert gpu.load(tmp_path / "loop.cubin", team, 3) is run


NVRTC = r"""
#include <cstring>
static const char* text; static char options[1000];
extern "C" int nvrtcCreateProgram(void** p, const char* source, const char*, int, void*, void*) { text = source; *p = &text; return 0; }
extern "C" int nvrtcCompileProgram(void*, int n, const char** given) {
  options[0] = 0;
  for (int k = 0; k < n; ++k) { strcat(options, given[k]); strcat(options, " "); }
  return strstr(text, "wrong") != 0;
}
extern "C" int nvrtcGetProgramLogSize(void*, size_t* n) { *n = 40; return 0; }
extern "C" int nvrtcGetProgramLog(void*, char* to) { strcpy(to, "loop.cu(1): error: it is wrong\nmore"); return 0; }
extern "C" int nvrtcGetCUBINSize(void*, size_t* n) { *n = strlen(options); return 0; }
extern "C" int nvrtcGetCUBIN(void*, char* to) { memcpy(to, options, strlen(options)); return 0; }
extern "C" int nvrtcDestroyProgram(void** p) { *p = 0; return 0; }
"""


def test_the_compiler_is_asked_for_results_of_single_operations(tmp_path: Path) -> None:
    nvrtc = library(NVRTC, tmp_path)
    assert gpu.compiled(nvrtc, "fine", "sm_90").split() == [b"--gpu-architecture=sm_90", b"--std=c++17", b"--fmad=false",
                                                              b"--disable-warnings"]  # fmt: skip
    with pytest.raises(BuildError, match=r"error: it is wrong$"):
        gpu.compiled(nvrtc, "wrong", "sm_90")
