"""calculus: differences, numerical gradients, integrals of samples, powers of a vector."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import torch

from jaxlike._src import dtypes
from jaxlike._src.array import Array
from jaxlike._src.border import (
    asarray,
    canonicalize_axis,
    concrete_or_error,
    promote_dtypes_inexact,
    unwrap,
)
from jaxlike._src.numpy.arguments import array_of, index_tuple, like, one_array
from jaxlike._src.numpy.arithmetic import subtract
from jaxlike._src.numpy.compare import not_equal
from jaxlike._src.numpy.dtype_api import astype
from jaxlike._src.numpy.power import power
from jaxlike._src.numpy.ranges import iota
from jaxlike._src.numpy.shape import all_arrays, broadcast_to, common_shape, expand_dims, moveaxis, ravel
from jaxlike._src.numpy.stacking import concatenate
from jaxlike._src.transforms.compiled import compiled, hashable, jitted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from jaxlike._src.typing import ArrayLike


_DIRECT = frozenset([torch.float32, torch.float64, torch.int32, torch.int64])


def _cut(x: Array, axis: int, first: int, last: int) -> Array:
    """``x[first : n - last]`` along an axis."""
    n = x.shape[axis]
    return like(x, unwrap(x).narrow(axis, min(first, n), max(n - first - last, 0)))


@jitted("diff", "a prepend append")
def diff(
    a: ArrayLike,
    n: int = 1,
    axis: int = -1,
    prepend: ArrayLike | None = None,
    append: ArrayLike | None = None,
) -> Array:
    """Differences of neighbours along an axis, ``n`` times; of bool whether they differ.

    Args:
        a: array of at least one axis.
        n: how often.
        axis: along which.
        prepend: elements put before, or one number.
        append: elements put after, or one number.
    """
    hashable(n, axis)
    x = one_array("diff", a)
    if n == 1 and type(axis) is int and prepend is None and append is None and x.ndim and type(x) is Array:
        t = unwrap(x)
        if t.dtype in _DIRECT and -t.dim() <= axis < t.dim() and t.shape[axis] > 1:
            length = t.shape[axis] - 1
            return Array(t.narrow(axis, 1, length) - t.narrow(axis, 0, length), x._tag)
    n = concrete_or_error(operator.index, n, "'n' argument of jnp.diff")
    axis = concrete_or_error(operator.index, axis, "'axis' argument of jnp.diff")
    if n == 0:
        return x
    if n < 0:
        raise ValueError(f"order must be non-negative but got {n}")
    if x.ndim == 0:
        raise ValueError(f"diff requires input that is at least one dimensional; got {a}")
    axis = canonicalize_axis(axis, x.ndim)

    def side(given: Any) -> list[Array]:
        if given is None:
            return []
        added = one_array("diff", given)
        return (
            [broadcast_to(added, [1 if i == axis else m for i, m in enumerate(x.shape)])] if not added.ndim else [added]
        )

    parts = [*side(prepend), x, *side(append)]
    if len(parts) > 1:
        x = concatenate(parts, axis)
    differ = not_equal if x.dtype == dtypes.BOOL else subtract
    for _ in range(n):
        x = differ(_cut(x, axis, 1, 0), _cut(x, axis, 0, 1))
    return x


@jitted("ediff1d", "ary to_end to_begin")
def ediff1d(ary: ArrayLike, to_end: ArrayLike | None = None, to_begin: ArrayLike | None = None) -> Array:
    """Differences of neighbours in the raveled array, with given elements put before and after them."""
    x = ravel(one_array("ediff1d", ary))
    parts = [subtract(_cut(x, 0, 1, 0), _cut(x, 0, 0, 1))]
    if to_begin is not None:
        parts.insert(0, ravel(astype(one_array("ediff1d", to_begin), x.dtype)))
    if to_end is not None:
        parts.append(ravel(astype(one_array("ediff1d", to_end), x.dtype)))
    return concatenate(parts) if len(parts) > 1 else parts[0]


@compiled("f", "varargs")
def gradient(
    f: ArrayLike, *varargs: ArrayLike, axis: int | Sequence[int] | None = None, edge_order: int | None = None
) -> Any:
    """Central differences of samples along axes, one-sided at the ends.

    Args:
        f: array of samples.
        varargs: distances: none (1), one for all axes, or one for each; a number, or the coordinates.
        axis: along which; all of them if none is given.
        edge_order: not supported.

    Returns:
        An array for one axis, else a list with one for each.
    """
    hashable(axis, edge_order)
    if edge_order is not None:
        raise NotImplementedError("The 'edge_order' argument to jnp.gradient is not supported.")
    x, *spacing = promote_dtypes_inexact(*all_arrays("gradient", (f, *varargs)))
    axes = range(x.ndim) if axis is None else [canonicalize_axis(i, x.ndim) for i in index_tuple(axis)]
    if len(axes) == 0:
        return []
    if min(x.shape[i] for i in axes) < 2:
        raise ValueError(
            "Shape of array too small to calculate a numerical gradient, at least 2 elements are required."
        )
    if not spacing:
        steps: list[Tensor | None] = [None] * len(axes)
    elif len(spacing) == 1:
        steps = [unwrap(spacing[0])] * len(axes)
    elif len(spacing) == len(axes):
        steps = [unwrap(h) for h in spacing]
    else:
        raise TypeError(f"Invalid number of spacing arguments {len(spacing)} for axis={axis!r}")
    slopes = [like(x, _slope(unwrap(x), h, i)) for i, h in zip(axes, steps, strict=True)]
    return slopes[0] if len(slopes) == 1 else slopes


def _slope(t: Tensor, h: Tensor | None, axis: int) -> Tensor:
    """Derivative of samples ``t`` along an axis, at distance ``h`` (0-d) or coordinates ``h`` (1-d)."""
    n = t.shape[axis]

    def part(of: Tensor, first: int, count: int) -> Tensor:
        return of.narrow(axis, first, count)

    start, end = part(t, 1, 1) - part(t, 0, 1), part(t, n - 1, 1) - part(t, n - 2, 1)
    if h is None or h.dim() == 0:
        inner = (part(t, 2, n - 2) - part(t, 0, n - 2)) * 0.5
        return torch.cat([p if h is None else p / h for p in (start, inner, end)], axis)
    if h.dim() != 1:
        raise ValueError("Spacing arrays must be 1D arrays or scalars.")
    if h.shape[0] != n:
        raise ValueError(
            "Spacing arrays must have the same length as the dimension along which the gradient is calculated."
        )
    h = h.reshape([n if i == axis else 1 for i in range(t.dim())])
    steps = part(h, 1, n - 1) - part(h, 0, n - 1)
    before, after = part(steps, 0, n - 2), part(steps, 1, n - 2)
    inner = (
        -after / (before * (before + after)) * part(t, 0, n - 2)
        + (after - before) / (before * after) * part(t, 1, n - 2)
        + before / (after * (before + after)) * part(t, 2, n - 2)
    )
    return torch.cat([start / part(steps, 0, 1), inner, end / part(steps, n - 2, 1)], axis)


@jitted("trapezoid", "y x dx")
def trapezoid(y: ArrayLike, x: ArrayLike | None = None, dx: ArrayLike = 1.0, axis: int = -1) -> Array:
    """Integral of samples by the trapezoidal rule along an axis.

    Args:
        y: samples.
        x: where they were taken.
        dx: their distance, if ``x`` is not given.
        axis: along which.
    """
    hashable(axis)
    if x is None:
        (samples,) = promote_dtypes_inexact(one_array("trapezoid", y))
        steps = asarray(dx)
        if steps.ndim > 0:
            missing = samples.ndim - steps.ndim
            steps = moveaxis(expand_dims(steps, range(missing)) if missing > 0 else steps, axis, -1)
    else:
        samples, places = promote_dtypes_inexact(*all_arrays("trapezoid", (y, x)))
        steps = diff(places) if places.ndim == 1 else moveaxis(diff(places, axis=axis), axis, -1)
    samples, steps = promote_dtypes_inexact(samples, steps)
    t, h = unwrap(moveaxis(samples, axis, -1)), unwrap(steps)
    if not t.shape[-1]:
        raise IndexError(f"index is out of bounds for axis {canonicalize_axis(axis, samples.ndim)} with size 0")
    if h.dim() and h.shape[-1] != 1:
        common_shape([tuple(h.shape), (*t.shape[:-1], t.shape[-1] - 1)])
    if h.dim() == 0 or h.shape[-1] == 1:
        h = h if h.dim() == 0 else h[..., 0]
        return Array(h * (t.sum(-1) - 0.5 * (t[..., 0] + t[..., -1])))
    return Array(0.5 * (h * (t[..., 1:] + t[..., :-1])).sum(-1))


@jitted("vander", "x")
def vander(x: ArrayLike, N: int | None = None, increasing: bool = False) -> Array:
    """Powers of a vector as columns: ``x**(N-1) ... x, 1``, or from 1 upward; x: [n] -> [n, N]."""
    hashable(N, increasing)
    v = one_array("vander", x)
    if v.ndim != 1:
        raise ValueError("x must be a one-dimensional array")
    count = v.shape[0] if N is None else concrete_or_error(operator.index, N, "'N' argument of jnp.vander()")
    if count < 0:
        raise ValueError("N must be nonnegative")
    exponents = array_of(iota(v.dtype, count, unwrap(v).device), v.dtype)
    if not increasing:
        exponents = subtract(astype(asarray(count - 1), v.dtype), exponents)
    return power(expand_dims(v, 1), expand_dims(exponents, 0))
