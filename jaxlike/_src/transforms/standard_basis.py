"""standard_basis: the unit vectors of a tree, and Jacobians put together from products with them.

A tree with N numbers in all has N unit vectors: each leaf becomes ``[N, *shape]``. jacfwd and jacrev map
their products over that axis and cut the result into one block for each pair of leaves.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src.array import Array
from jaxlike._src.border import unwrap
from jaxlike._src.transforms.arguments import flatten
from jaxlike._src.tree import tree_flatten, tree_map, tree_unflatten

if TYPE_CHECKING:
    from collections.abc import Sequence


def standard_basis(tree: Any) -> Any:
    """The unit vectors of ``tree``, stacked along a new leading axis of each leaf."""
    leaves, treedef = flatten(tree)
    sizes = [x.size for x in leaves]
    total, offset, made = sum(sizes), 0, []
    for x, n in zip(leaves, sizes, strict=True):
        like = unwrap(x)
        eye = torch.eye(total, n, dtype=like.dtype, device=like.device) if offset == 0 else torch.cat(
            [
                torch.zeros(offset, n, dtype=like.dtype, device=like.device),
                torch.eye(total - offset, n, dtype=like.dtype, device=like.device),
            ]
        )
        made.append(Array(eye.reshape(total, *x.shape)))
        offset += n
    return tree_unflatten(treedef, made)


def _blocks(x: Any, shapes: Sequence[tuple[int, ...]], axis: int) -> list[Any]:
    """Cut ``axis`` (first or last) into pieces and give each the shape of its leaf."""
    if not isinstance(x, Array):  # float0
        shape_of = (lambda s: (*s, *x.shape[1:])) if axis == 0 else (lambda s: (*x.shape[:-1], *s))
        return [np.zeros(shape_of(s), x.dtype) for s in shapes]
    tensor, offset, pieces = unwrap(x), 0, []
    for shape in shapes:
        n = math.prod(shape)
        piece = tensor.narrow(axis, offset, n)
        full = (*shape, *piece.shape[1:]) if axis == 0 else (*piece.shape[:-1], *shape)
        pieces.append(Array(piece.reshape(full), x.weak_type))
        offset += n
    return pieces


def rows_to_jacobian(rows: Any, out: Any) -> Any:
    """Leaves ``[N, *input]`` for the N numbers of ``out`` to a tree like ``out`` of trees like the input."""
    outs, out_tree = flatten(out)
    leaves, in_tree = tree_flatten(rows)
    cut = [_blocks(x, [o.shape for o in outs], 0) for x in leaves]
    return tree_unflatten(
        out_tree, [tree_unflatten(in_tree, [pieces[k] for pieces in cut]) for k in range(len(outs))]
    )


def columns_to_jacobian(columns: Any, example: Any) -> Any:
    """Leaves ``[*output, N]`` for the N numbers of ``example`` to a tree like the output of trees like it."""
    inputs, in_tree = flatten(example)
    shapes = [x.shape for x in inputs]
    return tree_map(lambda x: tree_unflatten(in_tree, _blocks(x, shapes, -1)), columns)
