"""layout: in which order the elements of an array lie in memory, and that together with where the array is.

torch's tensors have strides, and operations choose those of their results: a `Layout` is data for programs that pass
it around, and the constraint says what is wanted without moving anything.
"""

from __future__ import annotations

from typing import Any

from jaxlike._src import tree
from jaxlike._src.array import Array
from jaxlike._src.sharding import Sharding


class _Auto:
    """Stands for whatever layout the compiler chooses."""

    def __repr__(self) -> str:
        return "AUTO"


class Layout:
    """The order of an array's axes in memory, the slowest first, and the tiles that it is cut into."""

    AUTO = _Auto()

    def __init__(
        self,
        major_to_minor: tuple[int, ...],
        tiling: tuple[tuple[int, ...], ...] | None = None,
        sub_byte_element_size_in_bits: int = 0,
    ) -> None:
        self.major_to_minor = tuple(major_to_minor)
        self.tiling = None if tiling is None else tuple(map(tuple, tiling))
        self.sub_byte_element_size_in_bits = sub_byte_element_size_in_bits

    def _key(self) -> tuple[Any, ...]:
        return self.major_to_minor, self.tiling, self.sub_byte_element_size_in_bits

    def __repr__(self) -> str:
        order, tiling, bits = self._key()
        return f"Layout(major_to_minor={order}, tiling={tiling}, sub_byte_element_size_in_bits={bits})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Layout) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def update(self, **parts: Any) -> Layout:
        """The same with some of its parts replaced."""
        names = ("major_to_minor", "tiling", "sub_byte_element_size_in_bits")
        return Layout(**(dict(zip(names, self._key(), strict=True)) | parts))

    def check_compatible_aval(self, aval_shape: tuple[int, ...]) -> None:
        """ValueError where an array of this shape has another number of axes."""
        if len(self.major_to_minor) != len(aval_shape):
            raise ValueError(
                "Length of major_to_minor and the rank of the value should match. Got "
                f"major_to_minor={self.major_to_minor} and shape={aval_shape}"
            )


def usual_layout(ndim: int) -> Layout:
    """The layout of an array whose rows lie one after another."""
    return Layout(tuple(range(ndim)), ())


class Format:
    """A layout together with a sharding."""

    __slots__ = ("layout", "sharding")

    def __init__(self, layout: Any = None, sharding: Sharding | None = None) -> None:
        if isinstance(layout, Layout) and sharding is None:
            raise ValueError(
                f"Sharding has to be concrete when layout is of type {type(layout)}. Please pass a "
                "`jax.sharding.NamedSharding` or `jax.sharding.SingleDeviceSharding` to the sharding argument. Got "
                f"sharding {sharding}"
            )
        if not isinstance(layout, Layout | _Auto | None):
            raise TypeError(
                "Invalid value received for the layout argument. Expected values are `None`, `Layout.AUTO` or an "
                f"instance of `Layout`. Got {layout} of type {type(layout)}"
            )
        if not isinstance(sharding, Sharding | None):
            raise TypeError(
                "Invalid value received for the sharding argument. Expected values are `None` or an instance of "
                f"`jax.Sharding`. Got {sharding} of type {type(sharding)}"
            )
        self.layout = layout
        self.sharding = sharding

    def __repr__(self) -> str:
        return f"Format(layout={self.layout}, sharding={self.sharding})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Format) and (self.layout, self.sharding) == (other.layout, other.sharding)

    def __hash__(self) -> int:
        return hash((self.layout, self.sharding))


def with_layout_constraint(x: Any, layouts: Any) -> Any:
    """``x``, said to be wanted in these layouts; operations here choose strides themselves.

    Args:
        x: a tree of arrays.
        layouts: a tree prefix of it of `Layout`.
    """
    leaves, treedef = tree.tree_flatten(x)
    flat = tree.flatten_axes("with_layout_constraint layouts", treedef, layouts)
    if any(not isinstance(layout, Layout) for layout in flat):
        raise ValueError(
            "layouts passed to `with_layout_constraint` must be of type `Layout`. Got "
            f"{[type(layout) for layout in flat]}"
        )
    for leaf, layout in zip(leaves, flat, strict=True):
        if not isinstance(leaf, Array):
            raise ValueError(
                f"with_layout_constraint in eager mode can only be applied to jax.Arrays. Got {type(leaf)}"
            )
        check_layout(layout, leaf.shape, "with_layout_constraint arguments")
    return x


def check_layout(layout: Layout, shape: tuple[int, ...], what: str) -> None:
    """ValueError where one of ``what``, of this shape, cannot lie so."""
    try:
        layout.check_compatible_aval(shape)
    except ValueError as error:
        raise ValueError(f"One of {what} is incompatible with its layout annotation {layout}: {error}") from None
