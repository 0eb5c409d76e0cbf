"""types: what a leaf's type is to JAX (shape and dtype; weak types yield), and what differs between two."""

from __future__ import annotations

from typing import Any

from jaxlike._src import dtypes
from jaxlike._src.array import Array, ShapedArray
from jaxlike._src.transforms.arguments import to_array


class SymbolicZero:
    """Stands for a tangent that is zero whatever the values are; ``aval`` is its type."""

    def __init__(self, aval: ShapedArray) -> None:
        self.aval = aval

    def __repr__(self) -> str:
        return "SymbolicZero"

    def __getattr__(self, name: str) -> Any:
        return getattr(object.__getattribute__(self, "aval"), name)

    @staticmethod
    def from_primal_value(val: Any) -> SymbolicZero:
        """The zero tangent of ``val``."""
        return SymbolicZero(type_of(val).to_tangent_aval())


def type_of(x: Any) -> ShapedArray:
    """The type of a leaf; float0 arrays and symbolic zeros have one too."""
    if isinstance(x, SymbolicZero):
        return x.aval
    x = to_array(x)
    return x.aval if isinstance(x, Array) else ShapedArray(x.shape, dtypes.float0)


def same_type(a: ShapedArray, b: ShapedArray) -> bool:
    """Whether shape and dtype agree."""
    return a.shape == b.shape and a.dtype == b.dtype


def difference(a: ShapedArray, b: ShapedArray) -> str:
    """The end of a sentence that says in what two types differ."""
    found = ["the dtypes do not match"] if a.dtype != b.dtype else []
    if a.shape != b.shape:
        found.append("the shapes do not match")
    return f", so {', and '.join(found)}" if found else ""
