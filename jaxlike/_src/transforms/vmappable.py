"""vmappable: classes that say themselves what it means to map over them (`batching.register_vmappable`).

Such an object is a leaf of what `vmap` is given, with an axis spec of a class of its own in place of an int. Inside the
vmap a handler makes its element of it, and on the way out another makes the whole of the elements; both are given
the function that does the same for what the object holds, down to arrays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from jaxlike._src import torch_private
from jaxlike._src.array import Array
from jaxlike._src.border import unwrap
from jaxlike._src.transforms.arguments import to_array

if TYPE_CHECKING:
    from collections.abc import Callable


class Handlers(NamedTuple):
    """What a class brings along."""

    spec_type: type
    axis_size_type: type
    to_elt: Callable[..., Any]  # (how an inner value is taken apart, how the lane's number is got, object, spec)
    from_elt: Callable[..., Any]  # (how an inner value is put together, size of the axis, element, spec)


vmappables: dict[type, Handlers] = {}
spec_types: set[type] = set()
make_iota_handlers: dict[type, Callable[[Any], Any]] = {}


def register_vmappable(
    data_type: type,
    spec_type: type,
    axis_size_type: type,
    to_elt: Callable[..., Any],
    from_elt: Callable[..., Any],
    make_iota: Callable[[Any], Any] | None,
) -> None:
    """Let `vmap` map over objects of a class, along axes that are told by objects of another."""
    vmappables[data_type] = Handlers(spec_type, axis_size_type, to_elt, from_elt)
    spec_types.add(spec_type)
    if make_iota is not None:
        make_iota_handlers[axis_size_type] = make_iota


def unregister_vmappable(data_type: type) -> None:
    """Accepted: a class stays registered, as in JAX."""
    del data_type


def is_vmappable(x: Any) -> bool:
    """Whether the class of an object is registered."""
    return type(x) in vmappables


def as_leaf() -> Callable[[Any], bool] | None:
    """What tells leaves when a tree is flattened: nothing, as long as no class is registered."""
    return is_vmappable if vmappables else None


def element(x: Any, spec: Any, level: int, size: Any) -> Any:
    """What the mapped function gets for an object, inside of the vmap of this level."""

    def lane(array: Any, axis: int) -> Array:
        x = to_array(array)
        return type(x)(torch_private.add_batch_dim(unwrap(x), axis % x.ndim, level), x._tag)

    def apart(value: Any, axis: Any) -> Any:
        if is_vmappable(value):
            return vmappables[type(value)].to_elt(apart, number, value, axis)
        return value if axis is None else lane(value, axis)

    def number() -> Array:
        make = make_iota_handlers.get(type(size))
        return lane(np.arange(size, dtype=np.int32) if make is None else make(size), 0)

    return apart(x, spec)


def whole(elt: Any, spec: Any, size: Any, leave: Callable[[Array, Any], Array]) -> Any:
    """What the elements that a mapped function gave come to; ``leave`` takes an array out of the vmap."""

    def together(axis_size: Any, value: Any, axis: Any) -> Any:
        if is_vmappable(value):
            return vmappables[type(value)].from_elt(together, axis_size, value, axis)
        return leave(to_array(value), axis)

    return together(size, elt, spec)
