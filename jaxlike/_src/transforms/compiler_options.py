"""compiler_options: what `jit` and `Lowered.compile` take for XLA, which is not here.

Options of XLA's are accepted by name and ignored; others are refused as JAX refuses them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jaxlike._src.errors import JaxRuntimeError

if TYPE_CHECKING:
    from collections.abc import Mapping


def check_compiler_options(options: Mapping[str, Any] | None) -> None:
    """JaxRuntimeError for a name that is no option of XLA's."""
    for name in options or ():
        if not name.startswith("xla_"):
            raise JaxRuntimeError(f"INVALID_ARGUMENT: No such compile option: '{name}'")


def check_nested_options(options: Mapping[str, Any] | None, name: str) -> None:
    """ValueError where a jitted function inside of another has options."""
    if options:
        raise ValueError(
            f"`compiler_options` can only be passed to top-level `jax.jit`. Got compiler_options={dict(options)} specified "
            f"on a nested jit with name: {name}"
        )
