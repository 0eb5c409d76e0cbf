"""ravel_pytree: all leaves of a tree as one vector, and the function that takes it apart again.

Leaves of one dtype keep it, and the inverse then takes vectors of any dtype. Leaves of several dtypes
are promoted as strong types (the Python number 2 counts as int32), and the inverse, which takes the
common dtype only, restores each. The inverse compares and hashes by structure, so it can be static in jit.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeAlias

import torch

from jaxlike._src import dtypes
from jaxlike._src.array import Array
from jaxlike._src.border import asarray, astype, unwrap
from jaxlike._src.numpy.arguments import like
from jaxlike._src.numpy.filled import zeros
from jaxlike._src.numpy.shape import ravel
from jaxlike._src.numpy.stacking import concatenate_arrays
from jaxlike._src.tree import PyTreeDef, tree_flatten, tree_unflatten

Shapes: TypeAlias = tuple[tuple[int, ...], ...]


def ravel_pytree(pytree: Any) -> tuple[Array, Callable[[Array], Any]]:
    """The leaves of ``pytree``, raveled and joined to one vector, and ``unravel(vector) -> pytree``.

    The vector's dtype is the common dtype of the leaves; without leaves it is an empty float32 vector.
    """
    leaves, treedef = tree_flatten(pytree)
    if not leaves:
        return zeros(0, "float32"), HashablePartial(_unravel, treedef, (), None, None)
    from_dtypes = tuple([dtypes.dtype_of(leaf) for leaf in leaves])
    dtype = dtypes.result_type(*from_dtypes)
    arrays = [asarray(leaf) for leaf in leaves]
    shapes = tuple([x.shape for x in arrays])
    same = all(d == dtype for d in from_dtypes)
    weak = same and all(x.weak_type for x in arrays)
    flat = concatenate_arrays([ravel(astype(x, dtype, weak)) for x in arrays], 0)
    if same:
        return flat, HashablePartial(_unravel, treedef, shapes, None, None)
    return flat, HashablePartial(_unravel, treedef, shapes, from_dtypes, dtype)


def _unravel(
    treedef: PyTreeDef, shapes: Shapes, leaf_dtypes: tuple[Any, ...] | None, dtype: Any, flat: Any
) -> Any:
    """The tree whose leaves stand one after the other in ``flat``; ``leaf_dtypes`` None leaves its dtype."""
    if not shapes:
        return tree_unflatten(treedef, [])
    flat = asarray(flat)
    if leaf_dtypes is not None and flat.dtype != dtype:
        raise TypeError(f"unravel function given array of dtype {flat.dtype}, but expected dtype {dtype}")
    sizes = [math.prod(shape) for shape in shapes]
    if flat.ndim == 0 or flat.shape[0] != sum(sizes):
        raise ValueError(
            f"Sum of sizes {sum(sizes)} must be equal to dimension 0 of the operand shape {list(flat.shape)}"
        )
    chunks = torch.split(unwrap(flat), sizes)
    leaves = [like(flat, chunk.reshape(shape)) for chunk, shape in zip(chunks, shapes, strict=True)]
    if leaf_dtypes is not None:
        leaves = [astype(leaf, to) for leaf, to in zip(leaves, leaf_dtypes, strict=True)]
    return tree_unflatten(treedef, leaves)


class HashablePartial:
    """A function with bound arguments, equal to another of the same code and equal arguments."""

    def __init__(self, f: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        """``f`` with its first arguments, and keywords, bound."""
        self.f = f
        self.args = args
        self.kwargs = kwargs

    def __eq__(self, other: object) -> bool:
        """Same code, equal arguments."""
        return (
            type(other) is HashablePartial
            and self.f.__code__ == other.f.__code__
            and self.args == other.args
            and self.kwargs == other.kwargs
        )

    def __hash__(self) -> int:
        """In agreement with ``==``."""
        return hash((self.f.__code__, self.args, tuple(sorted(self.kwargs.items()))))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """``f`` of the bound arguments, then these."""
        return self.f(*self.args, *args, **self.kwargs, **kwargs)
