"""shape_struct: ShapeDtypeStruct, a shape and dtype that stands for an array where no values are needed."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from jaxlike._src import dtypes, torch_private
from jaxlike._src.array import Array, NarrowArray, constant


class ShapeDtypeStruct:
    """Shape and dtype of an array, as `jax.eval_shape` gives them.

    Args:
        shape: sizes of the axes.
        dtype: any dtype.
        sharding: kept as given.
        weak_type: whether the dtype yields to others in promotion.
    """

    __slots__ = ("dtype", "is_ref", "shape", "sharding", "weak_type")

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
        self.shape = tuple(shape)
        self.dtype = dtype if dtypes.issubdtype(dtype, dtypes.extended) else np.dtype(dtype)
        self.sharding, self.weak_type, self.is_ref = sharding, weak_type, is_ref
        del manual_axis_type

    ndim = property(lambda self: len(self.shape))
    size = property(lambda self: math.prod(self.shape))

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of unsized object")
        return self.shape[0]

    def update(self, **changes: Any) -> ShapeDtypeStruct:
        """A copy with some fields changed."""
        now: dict[str, Any] = {
            "shape": self.shape,
            "dtype": self.dtype,
            "sharding": self.sharding,
            "weak_type": self.weak_type,
        }
        return ShapeDtypeStruct(**(now | changes))

    def __repr__(self) -> str:
        name = getattr(self.dtype, "name", self.dtype)
        sharding = f", sharding={self.sharding}" if self.sharding is not None else ""
        weak = ", weak_type=True" if self.weak_type else ""
        return f"ShapeDtypeStruct(shape={self.shape}, dtype={name}{sharding}{weak})"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ShapeDtypeStruct) and self._fields() == other._fields()

    def __hash__(self) -> int:
        return hash(self._fields())

    def _fields(self) -> tuple[Any, ...]:
        return self.shape, self.dtype, self.sharding, self.weak_type, self.is_ref

    def stand_in(self) -> Array:
        """An Array of this kind without values."""
        with torch_private.outside():
            if isinstance(self.dtype, dtypes.ExtendedDType):
                return self.dtype.stand_in(self.shape)  # pyright: ignore[reportAttributeAccessIssue]
            dtype = dtypes.canonicalize_dtype(self.dtype)
            tensor = torch.empty(self.shape, dtype=dtypes.to_torch(dtype), device="meta")
        if dtype in dtypes.STORAGE:
            return constant(tensor, dtype, NarrowArray)
        return constant(tensor, self.weak_type)
