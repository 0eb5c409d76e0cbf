"""compilation_cache: compiled programs that later processes find again, in the folder `jax_compilation_cache_dir`.

Inductor keeps what it compiled, by the graph and the machine, in a folder that this flag names (the variable
`JAX_COMPILATION_CACHE_DIR`, `config.update` and `set_cache_dir` set it); without it, in torch's own folder.
"""

from __future__ import annotations

import os
from typing import Any

from jaxlike._src import config

_FOLDER = "TORCHINDUCTOR_CACHE_DIR"  # which torch reads whenever it compiles
_before: list[str | None] = []


def set_cache_dir(path: Any) -> None:
    """Keep compiled programs in the folder ``path``; None: in torch's own."""
    config.update("jax_compilation_cache_dir", None if path is None else str(path))


def reset_cache() -> None:
    """Forget which folder is in use: the next compilation asks the flag again. Files stay."""
    if _before:
        _name_folder(_before.pop())


def is_persistent_cache_enabled() -> bool:
    """Whether a folder is named, and to be used."""
    read = config.config._read
    return bool(read("jax_compilation_cache_dir")) and bool(read("jax_enable_compilation_cache"))


def use_folder() -> None:
    """Have the next compilation look into the folder that the flag names, if it names one."""
    folder = config.config._read("jax_compilation_cache_dir")
    if not is_persistent_cache_enabled():
        reset_cache()
    elif os.environ.get(_FOLDER) != folder:
        if not _before:
            _before.append(os.environ.get(_FOLDER))
        _name_folder(folder)


def _name_folder(folder: str | None) -> None:
    if folder is None:
        os.environ.pop(_FOLDER, None)
    else:
        os.environ[_FOLDER] = folder
