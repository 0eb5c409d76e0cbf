"""associative: running combinations by an associative function, in a number of steps that grows with log(n).

Neighbours are combined, the half as long row is scanned, and the places between are filled in (Blelloch 1990).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from jaxlike._src.array import Array
from jaxlike._src.border import asarray, canonicalize_axis, unwrap
from jaxlike._src.lax.shape import rev
from jaxlike._src.lax.slicing import slice_in_dim
from jaxlike._src.numpy.arguments import like
from jaxlike._src.traceback_filter import api_boundary
from jaxlike._src.tree import tree_flatten, tree_unflatten

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


@api_boundary
def associative_scan(fn: Callable[..., Any], elems: Any, reverse: bool = False, axis: int = 0) -> Any:
    """``[a, fn(a, b), fn(fn(a, b), c), ...]`` for the elements ``a, b, c, ...`` along an axis.

    Args:
        fn: associative function of two trees of arrays, applied to many pairs at once: it must keep ``axis``.
        elems: tree of arrays of the same size along ``axis``.
        reverse: scan from the end.
        axis: the axis.

    Returns:
        A tree like ``elems``.
    """
    if not callable(fn):
        raise TypeError("lax.associative_scan: fn argument should be callable.")
    arrays, tree = tree_flatten(elems)
    if reverse:
        arrays = [rev(x, [axis]) for x in arrays]
    axis = canonicalize_axis(axis, arrays[0].ndim)
    if len({x.shape[axis] for x in arrays}) > 1:
        raise ValueError(
            f"Array inputs to associative_scan must have the same first dimension. (saw: {[x.shape for x in arrays]})"
        )

    def combine(a: Sequence[Array], b: Sequence[Array]) -> list[Array]:
        return [asarray(x) for x in tree_flatten(fn(tree_unflatten(tree, list(a)), tree_unflatten(tree, list(b))))[0]]

    scanned = _scan(combine, arrays, axis)
    return tree_unflatten(tree, [rev(x, [axis]) for x in scanned] if reverse else scanned)


def _scan(combine: Callable[..., list[Array]], xs: Sequence[Array], axis: int) -> list[Array]:
    n = xs[0].shape[axis]
    if n < 2:
        return list(xs)  # as they were given

    def pick(rows: Sequence[Array], start: int, stop: int | None, step: int = 1) -> list[Array]:
        return [slice_in_dim(x, start, stop, step, axis) for x in rows]

    odd = _scan(combine, combine(pick(xs, 0, -1, 2), pick(xs, 1, None, 2)), axis)
    even = combine(pick(odd, 0, -1) if n % 2 == 0 else odd, pick(xs, 2, None, 2)) if n > 2 else pick(odd, 0, 0)
    first = [asarray(x) for x in pick(xs, 0, 1)]
    even = [like(e, torch.cat([unwrap(f), unwrap(e)], axis)) for f, e in zip(first, even, strict=True)]
    return [_interleaved(e, o, axis) for e, o in zip(even, odd, strict=True)]


def _interleaved(a: Array, b: Array, axis: int) -> Array:
    """``a[0], b[0], a[1], b[1], ...``; ``a`` may have one more."""
    p, q = unwrap(a), unwrap(b)
    n = q.shape[axis]
    out = torch.stack([p.narrow(axis, 0, n), q], axis + 1).flatten(axis, axis + 1)
    return like(b, torch.cat([out, p.narrow(axis, n, 1)], axis) if p.shape[axis] > n else out)
