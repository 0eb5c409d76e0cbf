"""platform_dependent: one of several functions, by the platform of the device that arrays are made on.

The platform is known when a function is traced, so the choice is made then and leaves no trace.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jaxlike._src.devices import default_device

if TYPE_CHECKING:
    from collections.abc import Callable


def platform_dependent(*args: Any, default: Callable[..., Any] | None = None, **per_platform: Callable[..., Any]) -> Any:
    """``per_platform[platform](*args)``, or ``default(*args)`` on a platform that is not among them.

    Args:
        *args: trees of arrays.
        default: function for the other platforms; without it they raise NotImplementedError.
        **per_platform: functions by platform ("cpu", "cuda", "rocm", "tpu", ...), all of the same result types.
    """
    for name, branch in per_platform.items():
        if not callable(branch):
            raise TypeError(f"lax.platform_dependent: the '{name}' branch must be a callable.")
        if name == "gpu":
            raise ValueError("Use 'cuda' or 'rocm' for lax.platform_dependent.")
    if default is not None and not callable(default):
        raise TypeError("lax.platform_dependent: the 'default' branch must be a callable.")
    platform = default_device().client.key
    chosen = per_platform.get(platform, default)
    if chosen is None:
        names: dict[Any, tuple[str, ...]] = {}
        for name, branch in per_platform.items():
            names[branch] = (*names.get(branch, ()), name)
        raise NotImplementedError(
            f"MLIR translation rule for primitive 'platform_index(platforms={tuple(names.values())})' not found for "
            f"platform {platform}"
        )
    return chosen(*args)
