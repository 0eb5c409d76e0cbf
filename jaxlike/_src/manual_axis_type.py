"""ManualAxisType: in which state a value is along the mesh axes that a program is manual over."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NoReturn


class ManualAxisType:
    """The axes along which a value differs, holds partial sums, or is the total of what was partial."""

    __slots__ = ("__weakref__", "reduced", "unreduced", "varying")

    varying: frozenset[Any]
    unreduced: frozenset[Any]
    reduced: frozenset[Any]

    def __init__(
        self, *, varying: Iterable[Any] = (), unreduced: Iterable[Any] = (), reduced: Iterable[Any] = ()
    ) -> None:
        """ValueError where an axis is in two states."""
        sets = {"varying": frozenset(varying), "unreduced": frozenset(unreduced), "reduced": frozenset(reduced)}
        for other in ("unreduced", "reduced"):
            if sets["varying"] & sets[other]:
                raise ValueError(
                    f"varying and {other} cannot have common mesh axes. Got varying={sets['varying']} and "
                    f"{other}={sets[other]}"
                )
        for name, axes in sets.items():
            object.__setattr__(self, name, axes)

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise AttributeError(f"cannot assign to field {name!r}")

    def _key(self) -> tuple[Any, ...]:
        return self.varying, self.unreduced, self.reduced

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ManualAxisType) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def __reduce__(self) -> Any:
        return _rebuild, self._key()

    def __repr__(self) -> str:
        return f"ManualAxisType(varying={self.varying}, unreduced={self.unreduced}, reduced={self.reduced})"

    def update(self, **kwargs: Any) -> ManualAxisType:
        """A copy with some of its parts replaced."""
        now = {"varying": self.varying, "unreduced": self.unreduced, "reduced": self.reduced}
        return ManualAxisType(**(now | kwargs))

    def to_ct_mat(self) -> ManualAxisType:
        """The state of cotangents: what was unreduced is reduced, and the reverse."""
        return self.update(unreduced=self.reduced, reduced=self.unreduced)

    @property
    def empty(self) -> bool:
        """Whether the value is the same along all axes."""
        return not any(self._key())

    @property
    def vur(self) -> frozenset[Any]:
        """All axes that it names."""
        return self.varying | self.unreduced | self.reduced

    def invarying(self, mesh: Any) -> frozenset[Any]:
        """The manual axes of a mesh along which the value is the same."""
        return frozenset(mesh.manual_axes) - self.vur


def _rebuild(varying: Any, unreduced: Any, reduced: Any) -> ManualAxisType:
    return ManualAxisType(varying=varying, unreduced=unreduced, reduced=reduced)
