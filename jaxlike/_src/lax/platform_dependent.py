"""platform_dependent: one of several functions, by the platform of the device that arrays are made on.

The platform is known when a function is traced, and that function alone runs; a jaxpr shows all of them, so that whoever
reads it for another platform finds its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from jaxlike._src.array import Array
from jaxlike._src.devices import default_device
from jaxlike._src.frames import running
from jaxlike._src.lax.cond import Cond, choose
from jaxlike._src.transforms.structured import GraphFunction, Structured, apply

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jaxlike._src.graph.control import CondForm

Platforms = tuple[tuple[str, ...] | None, ...]


class PlatformIndex(Structured):
    """Which of the groups of platforms this one is in."""

    name = "platform_index"

    def __init__(self, platforms: Platforms, place: int) -> None:
        self.platforms, self.place = platforms, place

    def run(self, args: Sequence[Array]) -> list[Array]:
        """The place."""
        del args
        return [Array(torch.full((), self.place, dtype=torch.int32))]

    def closed(self, run: GraphFunction, more: int) -> Structured:
        """It closes over nothing."""
        del run, more
        return self

    def params(self) -> dict[str, Any]:
        """As JAX's jaxprs show it."""
        return {"platforms": self.platforms}


class PlatformCond(Cond):
    """A choice that is made: of the branches one alone runs."""

    def __init__(self, branches: Sequence[GraphFunction], platforms: Platforms, place: int) -> None:
        super().__init__(branches)
        self.platforms, self.place = platforms, place

    def of(self, branches: Sequence[GraphFunction]) -> Cond:
        """As the base class."""
        return PlatformCond(branches, self.platforms, self.place)

    def run(self, args: Sequence[Array]) -> list[Array]:
        """The branch of this platform."""
        return self.branches[self.place](args[1:])

    def written_out(self, args: Sequence[Array]) -> list[Array]:
        """The same."""
        return self.run(args)

    def control(self) -> CondForm | None:
        """Nothing that chooses."""
        return None

    def params(self) -> dict[str, Any]:
        """With the platforms of the branches."""
        return {**super().params(), "branches_platforms": self.platforms}


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
    groups: dict[Any, tuple[str, ...]] = {}
    for name, branch in per_platform.items():
        groups[branch] = (*groups.get(branch, ()), name)
    chosen = per_platform.get(platform, default)
    if chosen is None:
        raise NotImplementedError(
            f"MLIR translation rule for primitive 'platform_index(platforms={tuple(groups.values())})' not found for "
            f"platform {platform}"
        )
    if not any(f.trace is not None for f in running()):
        return chosen(*args)
    branches, platforms = [*groups], (*groups.values(), *((None,) if default is not None else ()))
    branches += [] if default is None else [default]
    place = next((k for k, names in enumerate(platforms) if names is not None and platform in names), len(branches) - 1)
    (index,) = apply(PlatformIndex(platforms, place), [])
    labels = ("branch 0", *(f"branch{k}" for k in range(1, len(branches))))
    kind = _Kind(platforms, place)
    return choose("switch", index, branches, labels, args, kind)


class _Kind:
    """Makes the choice of its branches; equal where it makes the same one."""

    def __init__(self, platforms: Platforms, place: int) -> None:
        self.said = platforms, place

    def __call__(self, branches: Sequence[GraphFunction]) -> Cond:
        return PlatformCond(branches, *self.said)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Kind) and self.said == other.said

    def __hash__(self) -> int:
        return hash(self.said)
