"""gpu: the text of a team's program to a kernel on a GPU, by the compiler that torch brings (NVRTC), kept on disk.

The same as `build` does for the CPU, without a compiler on the machine: a small program takes tenths of a second. One
block of threads runs it; results are those of the operations one by one, since products are not contracted into sums.
It is CUDA C++ rather than Triton, so that one writer of programs serves the CPU and GPUs.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import os
import tempfile
from typing import TYPE_CHECKING, Any

import torch

from jaxlike._src import torch_private
from jaxlike._src.graph.fused.build import BuildError, folder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from jaxlike._src.graph.fused.team import Team

SHARED_BY_EVERY_DEVICE = 48 << 10
OF_THE_PRELUDE = 2 << 10  # bytes that its functions share beside the program's own


@functools.cache
def is_there() -> bool:
    """Whether there is a compiler for the device, and a device of the kind that it is for."""
    if not torch.cuda.is_available() or torch.version.hip:
        return False
    try:
        torch_private.gpu_compiler()
    except OSError:
        return False
    return True


def shared() -> int:
    """Bytes that the threads of a block may share."""
    found = getattr(torch.cuda.get_device_properties(), "shared_memory_per_block_optin", SHARED_BY_EVERY_DEVICE)
    return found - OF_THE_PRELUDE


def _target() -> str:
    return "sm_{}{}".format(*torch.cuda.get_device_capability())


def path_of(source: str, level: str = "-O3") -> Path:
    """Where the kernel of a source is, or will be; the level is the compiler's own."""
    del level
    told = "\0".join([source, _target(), str(torch.version.cuda)])
    return folder() / f"{hashlib.sha256(told.encode()).hexdigest()[:32]}.cubin"


def build(source: str, level: str = "-O3") -> None:
    """Make the kernel of a source."""
    path = path_of(source, level)
    binary = compiled(torch_private.gpu_compiler(), source, _target())
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as made:
        made.write(binary)
    os.replace(made.name, path)


def compiled(library: Any, source: str, target: str) -> bytes:
    """Machine code of a source for a kind of device, such as ``sm_90``, by NVRTC, loaded with ctypes."""
    program = ctypes.c_void_p()
    text = source.encode()
    if library.nvrtcCreateProgram(ctypes.byref(program), text, b"loop.cu", 0, None, None):
        raise BuildError("the compiler does not start")
    try:
        options = [f"--gpu-architecture={target}".encode(), b"--std=c++17", b"--fmad=false", b"--disable-warnings"]
        failed = library.nvrtcCompileProgram(program, len(options), (ctypes.c_char_p * len(options))(*options))
        if failed:
            said = _read(library.nvrtcGetProgramLogSize, library.nvrtcGetProgramLog, program).decode(errors="replace")
            raise BuildError(next((line for line in said.splitlines() if "error" in line), "no message"))
        return _read(library.nvrtcGetCUBINSize, library.nvrtcGetCUBIN, program)
    finally:
        library.nvrtcDestroyProgram(ctypes.byref(program))


def _read(size_of: Any, read: Any, program: ctypes.c_void_p) -> bytes:
    size = ctypes.c_size_t()
    size_of(program, ctypes.byref(size))
    found = ctypes.create_string_buffer(size.value)
    read(program, found)
    return found.raw


_loaded: dict[tuple[Path, int], Callable[..., None]] = {}


def load(path: Path, team: Team, count: int) -> Callable[..., None]:
    """The kernel as a function of so many addresses."""
    key = path, torch.cuda.current_device()
    found = _loaded.get(key)
    if found is None:
        launch = torch_private.gpu_kernel(path.read_bytes(), "run", count, team.shared)
        found = _loaded[key] = functools.partial(launch, 1, team.threads, team.shared)
    return found
