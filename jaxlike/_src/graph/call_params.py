"""call_params: what a jaxpr shows of a call of a jitted function beside its name and program."""

from __future__ import annotations

from typing import Any


class UnspecifiedValue:
    """Where an argument or result is, is left open."""

    def __repr__(self) -> str:
        return "UnspecifiedValue"


UNSPECIFIED = UnspecifiedValue()


def call_params(name: str, jaxpr: Any, arguments: int, results: int) -> dict[str, Any]:
    """The parameters of JAX's jit primitive as they are where nothing else is said."""
    return {
        "jaxpr": jaxpr,
        "in_shardings": (UNSPECIFIED,) * arguments,
        "out_shardings": (UNSPECIFIED,) * results,
        "in_layouts": (None,) * arguments,
        "out_layouts": (None,) * results,
        "donated_invars": (False,) * arguments,
        "ctx_mesh": None,
        "name": name,
        "keep_unused": False,
        "inline": False,
        "compiler_options_kvs": (),
    }
