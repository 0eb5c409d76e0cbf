"""shape_struct: ShapeDtypeStruct, a shape and dtype that stands for an array where no values are needed."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from jaxlike._src import dtypes, torch_private
from jaxlike._src.array import Array, NarrowArray, constant
from jaxlike._src.layout import Format, Layout
from jaxlike._src.manual_axis_type import ManualAxisType
from jaxlike._src.mesh import Mesh, get_concrete_mesh
from jaxlike._src.partition_spec import P
from jaxlike._src.placement import place
from jaxlike._src.sharding import NamedSharding, Sharding


class ShapeDtypeStruct:
    """Shape and dtype of an array, as `jax.eval_shape` gives them.

    Args:
        shape: sizes of the axes.
        dtype: any dtype.
        sharding: kept as given.
        weak_type: whether the dtype yields to others in promotion.
    """

    __slots__ = ("_layout", "_sharding", "dtype", "is_ref", "manual_axis_type", "shape", "weak_type")

    shape: tuple[int, ...]
    dtype: Any
    weak_type: bool
    manual_axis_type: ManualAxisType | None
    is_ref: bool
    _sharding: Any
    _layout: Any

    def __init__(
        self,
        shape: Any,
        dtype: Any,
        *,
        sharding: Any = None,
        weak_type: bool = False,
        manual_axis_type: Any = None,
        is_ref: bool = False,
    ) -> None:
        if dtype is None:
            raise ValueError("ShapeDtypeStruct: dtype must be specified.")
        if not isinstance(sharding, Sharding | P | Format | None):
            raise ValueError(
                "sharding should be an instance of `jax.sharding.Sharding`, `jax.sharding.PartitionSpec` or "
                f"`jax.experimental.layout.Format`. Got {sharding} of type {type(sharding)}."
            )
        layout = sharding.layout if isinstance(sharding, Format) else None
        if layout is Layout.AUTO:
            raise TypeError(
                "`Layout.AUTO` cannot be used in place of a device-local layout in a `ShapeDtypeStruct`. Got "
                f"{sharding}"
            )
        if not isinstance(manual_axis_type, ManualAxisType | None):
            raise TypeError(
                "`manual_axis_type` argument passed to ShapeDtypeStruct should be of type "
                f"`jax.sharding.ManualAxisType`. Got type {type(manual_axis_type)}"
            )
        plain = sharding.sharding if isinstance(sharding, Format) else sharding
        known = dtype if dtypes.issubdtype(dtype, dtypes.extended) else np.dtype(dtype)
        values = (layout, plain, known, is_ref, manual_axis_type, tuple(shape), weak_type)
        for name, value in zip(self.__slots__, values, strict=True):
            object.__setattr__(self, name, value)
        if isinstance(plain, Sharding):
            plain.check_compatible_aval(self.shape)

    def __setattr__(self, name: str, value: Any) -> None:
        if not hasattr(self, name):  # a copy, or what was pickled
            super().__setattr__(name, value)
        elif getattr(self, name) != value:
            raise RuntimeError(f"Cannot reassign attributes ({name}) of immutable ShapeDtypeStruct objects")

    ndim = property(lambda self: len(self.shape))
    size = property(lambda self: math.prod(self.shape))

    @property
    def sharding(self) -> Any:
        """Where such an array lies; a bare `PartitionSpec` means the mesh that is set."""
        if not isinstance(self._sharding, P):
            return self._sharding
        mesh = get_concrete_mesh()
        if mesh.empty:
            raise TypeError(
                "When specifying PartitionSpec to `ShapeDtypeStruct`, the context mesh cannot be empty. Please use "
                "`jax.set_mesh` to set the mesh context."
            )
        return NamedSharding(mesh, self._sharding)

    @property
    def format(self) -> Format:
        """Its layout and where it lies."""
        return Format(self._layout, self.sharding)

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of unsized object")
        return self.shape[0]

    def update(self, **changes: Any) -> ShapeDtypeStruct:
        """A copy with some fields changed."""
        if self._layout is not None and isinstance(changes.get("sharding"), Sharding):
            raise ValueError(
                f"You are updating ShapeDtypeStruct with a {type(changes['sharding'])} when the original "
                f"ShapeDtypeStruct had a concrete layout {self.format}. This might lead to bugs. If you want to do "
                "this, create a new ShapeDtypeStruct via the constructor."
            )
        now: dict[str, Any] = {name: getattr(self, name) for name in self.__slots__ if name[0] != "_"}
        now["sharding"] = self.format if self._layout is not None else self._sharding
        return ShapeDtypeStruct(**{name: changes.get(name, value) for name, value in now.items()})

    def __repr__(self) -> str:
        name = getattr(self.dtype, "name", self.dtype)
        said = f"ShapeDtypeStruct(shape={self.shape}, dtype={name}"
        said += f", sharding={self.sharding}" if self.sharding is not None else ""
        said += f", format={self._layout}" if self._layout is not None else ""
        for flag in ("weak_type", "manual_axis_type", "is_ref"):
            said += f", {flag}={getattr(self, flag)}" if getattr(self, flag) else ""
        return f"{said})"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ShapeDtypeStruct) and self._fields() == other._fields()

    def __hash__(self) -> int:
        return hash(self._fields())

    def _fields(self) -> tuple[Any, ...]:
        return tuple(getattr(self, name) for name in self.__slots__)

    def stand_in(self) -> Array:
        """An Array of this kind without values."""
        with torch_private.outside():
            if isinstance(self.dtype, dtypes.ExtendedDType):
                return self.dtype.stand_in(self.shape)  # pyright: ignore[reportAttributeAccessIssue]
            dtype = dtypes.canonicalize_dtype(self.dtype)
            tensor = torch.empty(self.shape, dtype=dtypes.to_torch(dtype), device="meta")
        if dtype in dtypes.STORAGE:
            return constant(tensor, dtype, NarrowArray)
        made, split = constant(tensor, self.weak_type), self.sharding
        explicit = isinstance(split, NamedSharding) and isinstance(split.mesh, Mesh) and split.mesh.explicit_axes
        return place(made, split) if explicit else made  # its type says how it is split
