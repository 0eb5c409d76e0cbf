"""The type names of the code base: what an argument may be, as annotations. `jax.typing` has two of them.

At run time `ArrayLike` is `Any` here, because this module lies below Array; `array_like.py` has the union
that `isinstance` understands.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from types import EllipsisType
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, runtime_checkable

import numpy as np


@runtime_checkable
class SupportsDType(Protocol):
    """Has a ``dtype``, as `jnp.float32` has."""

    @property
    def dtype(self, /) -> np.dtype[Any]:
        """The numpy dtype."""
        ...


class SupportsShape(Protocol):
    """Has a ``shape``."""

    @property
    def shape(self, /) -> tuple[int, ...]:
        """Sizes of the axes."""
        ...


class DuckTypedArray(Protocol):
    """Has ``shape`` and ``dtype``: all that shape-only functions read."""

    @property
    def dtype(self, /) -> Any:
        """The dtype."""
        ...

    @property
    def shape(self, /) -> Sequence[int]:
        """Sizes of the axes."""
        ...


if TYPE_CHECKING:
    from jaxlike._src.array import Array

    ArrayLike: TypeAlias = Array | np.ndarray | np.bool | np.number | bool | int | float | complex
else:
    ArrayLike = Any

DTypeLike: TypeAlias = str | type[Any] | np.dtype | SupportsDType
DType: TypeAlias = np.dtype
Axis: TypeAlias = int | Sequence[int] | None
AxisName: TypeAlias = Hashable
DimSize: TypeAlias = int | Any  # modules may add kinds of sizes, such as symbolic ones
Shape: TypeAlias = Sequence[DimSize]
AnyInt: TypeAlias = int | np.integer
StaticIndex: TypeAlias = int | np.integer | slice | EllipsisType
PyTree: TypeAlias = Any  # nested tuples, lists, dicts and registered nodes, with ArrayLike leaves
StaticScalar: TypeAlias = np.bool | np.number | bool | int | float | complex
