"""build: C++ source to a loaded function, by the system's compiler, kept on disk.

A library is kept in the user's cache folder under a hash of its source, compiler and flags, so that it is built once
on a machine, not once a process.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from jaxlike._src.graph.fused.prelude import has_vector_functions

# Nothing is assumed about NaN and infinity, and sums keep their order but where the source says otherwise. Products are
# not contracted into sums on their own, so that results are those of the operations one by one.
FLAGS = ("-x", "c++", "-std=gnu++17", "-march=native", "-fno-math-errno", "-fno-trapping-math", "-fwrapv",
         "-ffp-contract=off", "-fopenmp-simd", "-fno-exceptions", "-fno-rtti", "-fno-strict-aliasing", "-shared",
         "-fPIC", "-w")  # fmt: skip


MOST_SECONDS = 60  # of one build


class BuildError(Exception):
    """The compiler refused, or took too long."""


@functools.cache
def compiler() -> str | None:
    """The path of a C++ compiler."""
    for name in (os.environ.get("CXX"), "g++", "clang++", "c++"):
        found = shutil.which(name) if name else None
        if found:
            return found
    return None


def folder() -> Path:
    """Where libraries are kept."""
    home = os.path.expanduser("~")
    usual = os.path.join(home, "Library", "Caches") if sys.platform == "darwin" else os.path.join(home, ".cache")
    return Path(os.environ.get("XDG_CACHE_HOME") or usual) / "jaxlike" / "loops"


def _flags() -> tuple[str, ...]:
    return (*FLAGS, "-lmvec", "-lm") if has_vector_functions() else (*FLAGS, "-lm")


@functools.cache
def _machine() -> str:
    """What the compiler takes for ``native``, so that a folder may be shared by machines."""
    path = compiler()
    assert path is not None
    asked = [path, "-march=native", "-E", "-v", "-x", "c++", os.devnull]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    return "\n".join(
        line for line in done.stderr.splitlines() if "-march" in line or "-target-cpu" in line or "version" in line
    )


def path_of(source: str, level: str = "-O3") -> Path:
    """Where the library of a source is, or will be, for a level of optimization."""
    told = "\0".join([source, level, *_flags(), _machine()])
    return folder() / f"{hashlib.sha256(told.encode()).hexdigest()[:32]}.so"


_loaded: dict[Path, Any] = {}


def load(path: Path, count: int) -> Any:
    """The function ``run`` of a library, which takes so many addresses."""
    found = _loaded.get(path)
    if found is None:
        found = _loaded[path] = ctypes.CDLL(str(path)).run
        found.restype, found.argtypes = None, [ctypes.c_void_p] * count
    return found


def build(source: str, level: str = "-O3") -> None:
    """Make the library of a source."""
    path, own = path_of(source, level), compiler()
    assert own is not None
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as made:
        text, library = Path(made) / "loop.cpp", Path(made) / "loop.so"
        text.write_text(source, encoding="utf-8")
        flags = _flags()
        libraries = [f for f in flags if f.startswith("-l")]
        rest = [f for f in flags if not f.startswith("-l")]
        command = [own, level, *rest, str(text), "-o", str(library), *libraries]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=MOST_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise BuildError("it took too long") from error
        if done.returncode:
            raise BuildError(next((t for t in done.stderr.splitlines() if "error" in t), "no message"))
        os.replace(library, path)
