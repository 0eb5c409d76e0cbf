"""compiled: C++ of a test as a library, loaded."""

from __future__ import annotations

import ctypes
import subprocess
from pathlib import Path
from typing import Any

from jaxlike._src.graph.fused.build import compiler


def library(text: str, folder: Path, *flags: str) -> Any:
    """The library of a text, built in a folder that is there."""
    path, number = compiler(), len(list(folder.iterdir()))
    assert path is not None
    source, made = folder / f"test{number}.cpp", folder / f"test{number}.so"
    source.write_text(text, encoding="utf-8")
    command = [path, *flags, "-shared", "-fPIC", "-w", str(source), "-o", str(made), "-lm"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr
    return ctypes.CDLL(str(made))
