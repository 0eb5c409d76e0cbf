"""`jax.P`: which mesh axes each axis of an array is split over. A leaf of trees, not a tuple.

An entry is a mesh axis's name, a tuple of names (split over all of them), None (not split) or
`P.UNCONSTRAINED`. `unreduced` and `reduced` name mesh axes over which partial sums stand.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NoReturn


class _Unconstrained:
    """The type of `P.UNCONSTRAINED`: any splitting will do."""

    def __repr__(self) -> str:
        """For messages."""
        return "UNCONSTRAINED"

    def __reduce__(self) -> Any:
        """The one instance stays one."""
        return _unconstrained, ()


_UNCONSTRAINED = _Unconstrained()


def _unconstrained() -> _Unconstrained:
    return _UNCONSTRAINED


def _canonical(partition: Any) -> Any:
    """One entry: an empty group is None, a group of one is its member."""
    if not isinstance(partition, tuple | list):
        return partition
    for axis in partition:
        if isinstance(axis, tuple):
            raise ValueError(
                "A tuple inside PartitionSpec cannot contain a nested tuple. "
                f"Got partition: {partition} and the nested tuple: {axis}"
            )
    return (partition[0] if len(partition) == 1 else tuple(partition)) if partition else None


def _axis_set(axes: Any, name: str) -> frozenset[Any]:
    if not isinstance(axes, set | frozenset):
        raise TypeError(
            f"{name} argument of PartitionSpec should of type `frozenset` or `set`. Got type {axes}"
        )
    if None in axes:
        raise ValueError(f"{name} cannot contain None. All elements in {name} should refer to the mesh axes.")
    return frozenset(axes)


class P:
    """How an array is split over a mesh: one entry for each of its leading axes."""

    __slots__ = ("__weakref__", "_partitions", "reduced", "unreduced")
    UNCONSTRAINED = _UNCONSTRAINED

    _partitions: tuple[Any, ...]
    unreduced: frozenset[Any]
    reduced: frozenset[Any]

    def __init__(
        self,
        *partitions: Any,
        unreduced: frozenset[Any] | set[Any] = frozenset(),
        reduced: frozenset[Any] | set[Any] = frozenset(),
    ) -> None:
        """``P('x', None, ('y', 'z'))``: the first axis over x, the third over y and z."""
        canonical = tuple(map(_canonical, partitions))
        unreduced, reduced = _axis_set(unreduced, "unreduced"), _axis_set(reduced, "reduced")
        if unreduced & reduced:
            raise ValueError(
                "`unreduced` and `reduced` argument to PartitionSpec cannot overlap. "
                f"Got unreduced: {unreduced} and reduced: {reduced}"
            )
        for axis in flat_axes(canonical):
            for name, axes in (("unreduced", unreduced), ("reduced", reduced)):
                if axis in axes:
                    raise ValueError(
                        f"partitions cannot overlap with {name} axes passed to PartitionSpec. "
                        f"Got partitions: {canonical} and {name} axes: {axes}"
                    )
        object.__setattr__(self, "_partitions", canonical)
        object.__setattr__(self, "unreduced", unreduced)
        object.__setattr__(self, "reduced", reduced)

    def __init_subclass__(cls, *args: Any, **kwargs: Any) -> NoReturn:
        """Not allowed."""
        raise TypeError("Subclassing `jax.P` is prohibited.")

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        """Not allowed."""
        raise AttributeError(f"cannot assign to field {name!r}")

    @property
    def partitions(self) -> tuple[Any, ...]:
        """The entries."""
        return self._partitions

    def __eq__(self, other: object) -> bool:
        """Equal entries and sets; never equal to a tuple."""
        return isinstance(other, P) and self._key() == other._key()

    def __hash__(self) -> int:
        """By value."""
        return hash(self._key())

    def _key(self) -> tuple[Any, ...]:
        return self._partitions, self.unreduced, self.reduced

    def __repr__(self) -> str:
        """``P('x', None)``."""
        shown = repr(self._partitions)[1:-1]
        sets = [
            f"{name}={set(axes)!r}"
            for name, axes in (("unreduced", self.unreduced), ("reduced", self.reduced))
            if axes
        ]
        if not sets:
            return f"P({shown})"
        gap = "" if not shown else " " if shown.endswith(",") else ", "
        return f"P({shown}{gap}{', '.join(sets)})"

    def __reduce__(self) -> Any:
        """Rebuild from the entries."""
        return _rebuild, self._key()

    def _as_sequence(self, use: str) -> tuple[Any, ...]:
        if self.reduced or self.unreduced:
            raise ValueError(
                f"Using {use} is dangerous when PartitionSpec has non-empty unreduced/reduced set. "
                f"Please use {use.replace('pspec', 'spec.partitions')}"
            )
        return self._partitions

    def __getitem__(self, i: Any) -> Any:
        """Entry ``i``."""
        return self._as_sequence("pspec[...]")[i]

    def __iter__(self) -> Iterator[Any]:
        """The entries."""
        return iter(self._as_sequence("*pspec"))

    def __len__(self) -> int:
        """The number of entries."""
        return len(self._partitions)

    def _reject_sets(self, other: Any, method: str) -> None:
        for name in ("unreduced", "reduced"):
            if getattr(self, name):
                raise TypeError(
                    f"other {other} cannot be of instance `tuple` when self {self} has {name} in "
                    f"`{method}` of PartitionSpec."
                )

    def __add__(self, other: P | tuple[Any, ...]) -> P:
        """The entries of both, one after the other."""
        if isinstance(other, P):
            sets = {"unreduced": self.unreduced | other.unreduced, "reduced": self.reduced | other.reduced}
            return P(*self._partitions, *other._partitions, **sets)
        if not isinstance(other, tuple):
            raise NotImplementedError
        self._reject_sets(other, "__add__")
        return P(*self._partitions, *other)

    def __radd__(self, other: tuple[Any, ...]) -> P:
        """The entries of both, one after the other."""
        if not isinstance(other, tuple):
            raise NotImplementedError
        self._reject_sets(other, "__radd__")
        return P(*other, *self._partitions)

    def index(self, value: Any) -> int:
        """The position of an entry."""
        return self._partitions.index(_canonical(value))

    def count(self, value: Any) -> int:
        """How often an entry occurs."""
        return self._partitions.count(_canonical(value))

    def update(
        self,
        partitions: Iterable[Any] | None = None,
        unreduced: frozenset[Any] | set[Any] | None = None,
        reduced: frozenset[Any] | set[Any] | None = None,
    ) -> P:
        """A copy with some of its parts replaced."""
        return P(
            *(self._partitions if partitions is None else partitions),
            unreduced=self.unreduced if unreduced is None else unreduced,
            reduced=self.reduced if reduced is None else reduced,
        )

    def to_lo(self) -> list[P]:
        """Itself: an array's spec is made of one part."""
        return [self]

    def to_tangent_spec(self) -> P:
        """The spec of tangents: the same."""
        return self

    def to_ct_spec(self) -> P:
        """The spec of cotangents: what was unreduced is reduced, and the reverse."""
        return self.update(unreduced=self.reduced, reduced=self.unreduced)


PartitionSpec = P


def _rebuild(partitions: tuple[Any, ...], unreduced: frozenset[Any], reduced: frozenset[Any]) -> P:
    return P(*partitions, unreduced=unreduced, reduced=reduced)


def flat_axes(partitions: Iterable[Any]) -> list[Any]:
    """The mesh axes that entries name, groups opened, None and UNCONSTRAINED left out."""
    groups = (entry if isinstance(entry, tuple) else (entry,) for entry in partitions)
    return [axis for group in groups for axis in group if axis is not None and axis is not _UNCONSTRAINED]
