"""norms: of vectors and matrices, in every order that numpy has.

Written from sums, largest entries and singular values as JAX defines them, so that derivatives at zero and at
ties are JAX's: the 2-norm at 0 has derivative NaN.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src import dtypes
from jaxlike._src.array import Array
from jaxlike._src.border import (
    alike_and_inexact,
    asarray,
    canonicalize_axis,
    cast,
    check_arraylike,
    conjugate,
    promote_dtypes_inexact,
    unwrap,
)
from jaxlike._src.numpy import factors, reduce
from jaxlike._src.numpy.arguments import axes_of
from jaxlike._src.numpy.arithmetic import absolute, multiply, sqrt
from jaxlike._src.numpy.compare import not_equal
from jaxlike._src.numpy.power import power
from jaxlike._src.transforms.compiled import jitted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


def refuse_half(t: Tensor) -> None:
    """NotImplementedError, in JAX's words, for 16-bit floats, which LAPACK lacks."""
    if t.dtype in (torch.float16, torch.bfloat16):
        dtype = dtypes.from_torch(t.dtype)
        raise NotImplementedError(f"(KeyError({dtype.type!r}), 'Unsupported dtype {dtype}.')")


# One kernel in place of two; longer ones would lose the digits that a sum in parts keeps.
_DOT = frozenset([torch.float32, torch.float64])


@jitted("norm", "x")
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Array:
    """Norm of a vector or matrix.

    Args:
        x: array.
        ord: vectors: any number, inf, -inf, 0; matrices: "fro", "nuc", 1, -1, 2, -2, inf, -inf.
            None is the 2-norm of all elements.
        axis: one axis for vector norms, two for matrix norms; None: all of ``x``.
        keepdims: keep the reduced axes with size 1.
    """
    if ord is None is axis and type(x) is Array and not keepdims:
        t = unwrap(x)
        if t.dtype in _DOT and t.dim() == 1 and t.numel() <= 4096:
            return Array(torch.sqrt(torch.dot(t, t)))
    (v,) = norm_operands("norm", x)
    t, ndim = unwrap(v), v.ndim
    if axis is None:
        if ord is None:
            return Array(torch.sqrt(_sum_of_squares(t, tuple(range(ndim)), keepdims)))
        axes = tuple(range(ndim))
    else:
        axes = tuple(_axis(a, ndim) for a in (axis if isinstance(axis, tuple | list) else (axis,)))
    if len(axes) == 1:
        return Array(_vector_norm(t, 2 if ord is None else ord, axes, keepdims))
    if len(axes) == 2:
        return Array(_matrix_norm(t, ord, axes, keepdims))
    raise ValueError(
        f"Improper number of axes for norm: axis={axes if axis is None else axis}. Pass one axis to compute a vector-norm, or two axes to compute "
        "a matrix-norm."
    )


def norm_operands(name: str, x: Any) -> list[Array]:
    """The operand as a floating Array (half precision allowed)."""
    if alike_and_inexact((x,)):
        return [x]
    check_arraylike(f"jnp.linalg.{name}", x)
    return promote_dtypes_inexact(x)


def _axis(axis: Any, ndim: int) -> int:
    return canonicalize_axis(operator.index(axis), ndim)


def _sum_of_squares(t: Tensor, axes: Sequence[int], keepdims: bool) -> Tensor:
    square = (t * conjugate(t)).real if t.is_complex() else t * t
    return square.sum(list(axes), keepdim=bool(keepdims)) if axes else square


def _absolute(t: Tensor) -> Tensor:
    from jaxlike._src.numpy.arithmetic import abs as absolute

    return unwrap(absolute(Array(t)))


def _vector_norm(t: Tensor, ord: Any, axes: tuple[int, ...], keepdims: bool) -> Tensor:
    dims = list(axes)
    if isinstance(ord, str):
        _refuse_name(ord)
    if isinstance(ord, Array):
        size = _absolute(t)
        power = cast(unwrap(ord), size.dtype)
        return torch.pow(torch.pow(size, power).sum(dims, keepdim=bool(keepdims)), 1.0 / power)
    if ord in (None, 2):
        return torch.sqrt(_sum_of_squares(t, axes, keepdims))
    if ord == np.inf:
        size = _absolute(t)
        if 0 in (t.shape[i] for i in dims):  # the largest of nothing
            return size.sum(dims, keepdim=bool(keepdims))
        return _at_least_0(size.amax(dims, keepdim=bool(keepdims)))
    if ord == -np.inf:
        return _smallest(_absolute(t), dims, keepdims)
    if ord == 0:
        real = t.abs().dtype if t.is_complex() else t.dtype
        return (t != 0).to(real).sum(dims, keepdim=bool(keepdims))
    if ord == 1:
        return _absolute(t).sum(dims, keepdim=bool(keepdims))
    powered = torch.pow(_absolute(t), float(ord)).sum(dims, keepdim=bool(keepdims))
    return torch.pow(powered, 1.0 / float(ord))


def _refuse_name(ord: str) -> None:
    advice = {"inf": "Use 'jax.numpy.inf' instead.", "-inf": "Use '-jax.numpy.inf' instead."}.get(ord, "")
    raise ValueError(f"Invalid order '{ord}' for vector norm.{advice}")


def _norm_of_integers(x: Array, ord: Any, axis: Any, keepdims: bool) -> Array:
    """In the integers' own arithmetic, as JAX has it: powers wrap around, and only the 2-norm takes a root."""
    if isinstance(ord, str):
        _refuse_name(ord)
    if ord in (None, 2):
        return sqrt(reduce.sum(multiply(x, x), axis=axis, keepdims=keepdims))
    if ord == 0:
        return reduce.sum(not_equal(x, 0), axis=axis, dtype=dtypes.finfo(x.dtype).dtype, keepdims=keepdims)
    size = absolute(x)
    if ord == np.inf:
        return reduce.max(size, axis=axis, keepdims=keepdims, initial=0)
    if ord == -np.inf:
        return reduce.min(size, axis=axis, keepdims=keepdims)
    if ord == 1:
        return reduce.sum(size, axis=axis, keepdims=keepdims)
    exponent = np.array(ord, size.dtype)
    total = reduce.sum(power(size, exponent), axis=axis, keepdims=keepdims)
    return power(total, np.array(1.0 / exponent).astype(total.dtype))


def _at_least_0(t: Tensor) -> Tensor:
    """The larger of ``t`` and 0; JAX starts these reductions at 0, which shares the derivative at a tie."""
    return torch.maximum(t, torch.zeros_like(t))


def _smallest(t: Tensor, dims: Sequence[int], keepdims: bool) -> Tensor:
    if 0 in (t.shape[i] for i in dims):
        raise ValueError("zero-size array to reduction operation min which has no identity")
    return t.amin(list(dims), keepdim=bool(keepdims))


def _matrix_norm(t: Tensor, ord: Any, axes: tuple[int, ...], keepdims: bool) -> Tensor:
    row, col = axes
    if row == col:
        raise ValueError(f"duplicate value in 'axis': {axes}")
    if ord in (None, "f", "fro"):
        return torch.sqrt(_sum_of_squares(t, axes, keepdims))
    if not isinstance(ord, str) and ord in (1, -1, np.inf, -np.inf):
        keep, over = (col, row) if abs(ord) == 1 else (row, col)
        sums = _absolute(t).sum(over, keepdim=True)
        out = _at_least_0(sums.amax(keep, keepdim=True)) if ord > 0 else sums.amin(keep, keepdim=True)
        return out if keepdims else out.squeeze((row, col))
    if ord in ("nuc", 2, -2):
        refuse_half(t)
        values = factors.svdvals(t.movedim((row, col), (-2, -1)))
        if ord == "nuc" or (ord == 2 and not values.shape[-1]):
            out = values.sum(-1)
        else:
            out = _at_least_0(values.amax(-1)) if ord == 2 else _smallest(values, (-1,), False)
        if keepdims:
            for axis in sorted(axes):
                out = out.unsqueeze(axis)
        return out
    raise ValueError(f"Invalid order '{ord}' for matrix norm.")


def vector_norm(x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Array:
    """Vector norm over one axis, several, or all elements; of integers an integer, except for 2 as ``ord``."""
    if not alike_and_inexact((x,)) and not isinstance(ord, Array):
        check_arraylike("jnp.linalg.vector_norm", x)
        if not dtypes.issubdtype((whole := asarray(x)).dtype, np.inexact):
            return _norm_of_integers(whole, ord, axis, keepdims)
    (v,) = norm_operands("vector_norm", x)
    axes = axes_of(axis, v.ndim)
    return Array(_vector_norm(unwrap(v), ord, axes, keepdims))


def matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Array:
    """Matrix norm over the last two axes."""
    (v,) = norm_operands("matrix_norm", x)
    return Array(_matrix_norm(unwrap(v), ord, (_axis(-2, v.ndim), v.ndim - 1), keepdims))
