"""ifrt_programs: programs of IFRT, the runtime under XLA, which is not here.

Libraries name the module when they are imported and use it for remote runtimes alone: the name is there, and what is
asked of it says why it is not.
"""

from __future__ import annotations

from typing import Any


class IfrtPrograms:
    """Stands where JAX has the module of programs."""

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"{name}: there is no IFRT here, which runs XLA's programs; torch runs those of jaxlike.")

    def __repr__(self) -> str:
        return "<no programs of IFRT>"


ifrt_programs = IfrtPrograms()
