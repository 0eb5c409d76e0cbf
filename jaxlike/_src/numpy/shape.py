"""shape: functions that give the same elements another shape or order of axes.

They take every kind of Array and move elements only, so they keep the dtype, the weak type and the kind.
Each starts with the common case (an Array of the running frame, arguments that torch accepts) and leaves
everything else, errors included, to its general part.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src import key_uses, unsigned
from jaxlike._src.array import Array
from jaxlike._src.border import (
    asarray,
    canonicalize_axis,
    canonicalize_shape,
    cast,
    check_arraylike,
    concrete_or_error,
    unwrap,
)
from jaxlike._src.frames import STATE
from jaxlike._src.lax.constraint import split_as_asked
from jaxlike._src.numpy.arguments import (
    axes_of,
    index_tuple,
    like,
    one_array,
    payload,
    size_of,
    static_axes,
    static_shape,
)
from jaxlike._src.placement import PLACED, follow
from jaxlike._src.regions import as_one, equation
from jaxlike._src.transforms.compiled import hashable, jitted
from jaxlike._src.transforms.mesh_types import check_reshape

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from jaxlike._src.typing import ArrayLike, Axis, Shape

# Facts


def ndim(a: Any) -> int:
    """Number of axes of an array, a number or anything with an ``ndim``."""
    found = getattr(a, "ndim", None)
    if found is not None:
        return found
    check_arraylike("ndim", a, emit_warning=True)
    return asarray(a).ndim if hasattr(a, "__jax_array__") else np.ndim(a)


def shape(a: Any) -> tuple[int, ...]:
    """Sizes of the axes of an array, a number or anything with a ``shape``."""
    found = getattr(a, "shape", None)
    if found is not None:
        return found
    check_arraylike("shape", a, emit_warning=True)
    return asarray(a).shape if hasattr(a, "__jax_array__") else np.shape(a)


def size(a: Any, axis: Axis = None) -> int:
    """Number of elements, in all or along one or several axes."""
    if axis is None and hasattr(a, "size"):
        return a.size
    check_arraylike("size", a, emit_warning=True)
    sizes = shape(a) if axis is not None or hasattr(a, "__jax_array__") else np.shape(a)
    axes = axes_of(axis, len(sizes), "repeated axis")
    return size_of([sizes[i] for i in axes])


# Reshaping


def reshape(
    a: ArrayLike, shape: int | Shape, order: str = "C", *, copy: bool | None = None, out_sharding: Any = None
) -> Array:
    """The elements of ``a`` in another shape.

    Args:
        a: array or number.
        shape: the new sizes; at most one is -1 and is worked out from the others.
        order: "C", or "F" to read and write with the first axis changing fastest.
        copy: accepted and ignored; arrays are immutable.
        out_sharding: how the result is split over explicit axes of a mesh.
    """
    if out_sharding is not None:
        return split_as_asked(out_sharding, "reshape", lambda: reshape(asarray(a), shape, order))
    if type(a) is Array and a._frame is STATE.fast and order == "C" and not PLACED:
        try:
            return Array(a._t.reshape(shape), a._tag)
        except (RuntimeError, TypeError):  # the general path says what is wrong
            pass
    elif isinstance(a, np.ndarray | np.generic):
        return a.reshape(shape, order=order)  # pyright: ignore  # JAX too leaves numpy arrays to numpy
    x = one_array("reshape", a)
    sizes = _new_sizes(x, shape)
    if order == "C":
        if PLACED:
            check_reshape(x, sizes)
        return _reshaped(x, sizes)
    if order == "F":
        if x.ndim < 2:
            return _reversed_axes(_reshaped(x, sizes[::-1]))
        return _reversed_axes(reshaped_in(x, tuple(sizes[::-1]), tuple(range(x.ndim))[::-1]))
    if order == "A":
        raise NotImplementedError("np.reshape order=A is not implemented.")
    raise ValueError(f"Unexpected value for 'order' argument: {order}.")


@equation("reshape", lambda x, sizes, order: ((x,), {"new_sizes": sizes, "dimensions": order, "sharding": None}))
def reshaped_in(x: Array, sizes: tuple[int, ...], order: tuple[int, ...]) -> Array:
    """The elements in another shape, read with the axes in this order."""
    return _reshaped(_permuted(x, order), sizes)


def _reshaped(x: Array, sizes: Sequence[int]) -> Array:
    tensor = unwrap(x)
    kept = tensor.shape[x.ndim :]
    made = like(x, tensor.reshape((*sizes, *kept)))
    if type(x) is not Array and key_uses.FLAG.value:
        key_uses.hand_on(x, made, lambda used: used.reshape(tuple(sizes)))
    return follow("reshape", made, x)


def _reversed_axes(x: Array) -> Array:
    return _permuted(x, range(x.ndim)[::-1])


def _new_sizes(x: Array, shape: Any) -> tuple[int, ...]:
    """The shape argument of `reshape`, checked, with -1 replaced."""
    sizes = static_shape(shape)
    now = x.shape
    unknown = [i for i, n in enumerate(sizes) if n == -1]
    if len(unknown) > 1:
        raise TypeError(f"can only specify one unknown axis size with a `-1` value, got {sizes}")
    if unknown:
        known = size_of([n for n in sizes if n != -1])
        rest = x.size % known
        if rest:
            raise TypeError(
                f"cannot reshape array of shape {now} (size {x.size}) into shape {sizes} because the "
                "product of "
                f"specified axis sizes ({known}) does not evenly divide {x.size}"
            )
        sizes = tuple(x.size // known if n == -1 else n for n in sizes)
    elif size_of(sizes) != x.size:
        raise TypeError(
            f"cannot reshape array of shape {now} (size {x.size}) into shape {shape if type(shape) is int else sizes} "
            f"(size {size_of(sizes)})"
        )
    if any(n < 0 for n in sizes):
        raise TypeError(f"reshape new_sizes must all be positive, got {sizes}.")
    return sizes


def ravel(a: ArrayLike, order: str = "C", *, out_sharding: Any = None) -> Array:
    """All elements of ``a`` along one axis, in order "C" or "F"."""
    if type(a) is Array and a._frame is STATE.fast and order == "C" and not PLACED:
        return Array(a._t.reshape(-1), a._tag)
    x = one_array("ravel", a)
    if order == "K":
        raise NotImplementedError("Ravel not implemented for order='K'.")
    return reshape(x, (x.size,), order)


def squeeze(a: ArrayLike, axis: Axis = None) -> Array:
    """``a`` without its axes of size 1, or without those of them that are given."""
    x = one_array("squeeze", a)
    sizes = x.shape
    if axis is None:
        axes = tuple(i for i, n in enumerate(sizes) if n == 1)
    else:
        axes = tuple(canonicalize_axis(i, x.ndim) for i in index_tuple(axis))
        if len(set(axes)) != len(axes):
            raise ValueError(f"dimensions are not unique: {axes}")
        if any(sizes[i] != 1 for i in axes):
            raise ValueError(
                "cannot select an axis to squeeze out which has size not equal to one, got "
                f"shape={sizes} and dimensions={axes}"
            )
    return like(x, unwrap(x).squeeze(axes)) if axes else x


def expand_dims(a: ArrayLike, axis: int | Sequence[int]) -> Array:
    """``a`` with new axes of size 1, at positions counted in the result."""
    x = one_array("expand_dims", a)
    dimensions = index_tuple(axis)
    if len(set(dimensions)) != len(dimensions):
        raise ValueError(f"repeated axis in lax.expand_dims: {dimensions}")
    axes = [canonicalize_axis(i, x.ndim + len(dimensions)) for i in dimensions]
    if len(set(axes)) != len(axes):
        raise ValueError(f"repeated axis in lax.expand_dims: {axes}")
    if len(axes) < 2:
        return like(x, _with_axes(unwrap(x), axes))
    shape = list(x.shape)
    for i in sorted(axes):
        shape.insert(i, 1)
    kept = tuple(k for k in range(len(shape)) if k not in axes)
    params = {"shape": tuple(shape), "broadcast_dimensions": kept, "sharding": None}
    return like(x, as_one("broadcast_in_dim", params, _with_axes, unwrap(x), sorted(axes)))


def _with_axes(tensor: Tensor, axes: Sequence[int]) -> Tensor:
    for i in axes:
        tensor = tensor.unsqueeze(i)
    return tensor


# Order of the axes


def _permuted(x: Array, axes: Sequence[int]) -> Array:
    tensor = unwrap(x)
    made = like(x, tensor.permute((*axes, *range(len(axes), tensor.dim()))))
    if type(x) is not Array and key_uses.FLAG.value:
        key_uses.hand_on(x, made, lambda used: used.transpose(tuple(axes)))
    return follow("transpose", made, x)


def _checked_permutation(x: Array, axes: Sequence[int]) -> Array:
    if sorted(axes) != list(range(x.ndim)):
        raise TypeError(
            "transpose permutation isn't a permutation of operand dimensions, "
            f"got permutation {tuple(axes)} for operand shape {x.shape}."
        )
    return _permuted(x, axes)


def transpose(a: ArrayLike, axes: Sequence[int] | None = None) -> Array:
    """``a`` with its axes in another order; reversed if none is given."""
    if axes is None:
        if type(a) is Array and a._frame is STATE.fast:
            t = a._t
            return Array(t.permute(tuple(range(t.dim() - 1, -1, -1))), a._tag)
        return _reversed_axes(one_array("transpose", a))
    x = one_array("transpose", a)
    return _checked_permutation(x, [canonicalize_axis(i, x.ndim) for i in axes])


def permute_dims(a: ArrayLike, /, axes: Sequence[int]) -> Array:
    """``a`` with its axes in the order ``axes``, which counts from 0 only."""
    return _checked_permutation(one_array("permute_dims", a), tuple(axes))


def matrix_transpose(x: ArrayLike, /) -> Array:
    """``x`` with its last two axes exchanged; x: [..., n, m]."""
    x = one_array("matrix_transpose", x)
    n = x.ndim
    if n < 2:
        raise ValueError(f"x must be at least two-dimensional for matrix_transpose; got ndim={n!r}")
    return _permuted(x, (*range(n - 2), n - 1, n - 2))


def swapaxes(a: ArrayLike, axis1: int, axis2: int) -> Array:
    """``a`` with two axes exchanged."""
    hashable(axis1, axis2)
    x = one_array("swapaxes", a)
    order = np.arange(x.ndim)
    order[axis1], order[axis2] = order[axis2], order[axis1]  # numpy's IndexError is JAX's too
    return _permuted(x, order.tolist())


def moveaxis(a: ArrayLike, source: int | Sequence[int], destination: int | Sequence[int]) -> Array:
    """``a`` with the ``source`` axes at the ``destination`` places, the others in their order."""
    if type(a) is Array and a._frame is STATE.fast and type(source) is int and type(destination) is int:
        t = a._t
        rank = t.dim()
        if -rank <= source < rank and -rank <= destination < rank:
            return Array(t.movedim(source, destination), a._tag)
    x = one_array("moveaxis", a)
    sources = [canonicalize_axis(i, x.ndim) for i in index_tuple(source)]
    places = [canonicalize_axis(i, x.ndim) for i in index_tuple(destination)]
    if len(sources) != len(places):
        raise ValueError(f"Inconsistent number of elements: {len(sources)} vs {len(places)}")
    order = [i for i in range(x.ndim) if i not in sources]
    for to, at in sorted(zip(places, sources, strict=True)):
        order.insert(to, at)
    return _checked_permutation(x, order)


@jitted("rollaxis", "a")
def rollaxis(a: ArrayLike, axis: int, start: int = 0) -> Array:
    """``a`` with ``axis`` moved to lie before ``start``; `moveaxis` is the clearer way."""
    hashable(axis, start)
    x = one_array("rollaxis", a)
    start = concrete_or_error(operator.index, start, "'start' argument of jnp.rollaxis()")
    at = canonicalize_axis(axis, x.ndim)
    if not -x.ndim <= start <= x.ndim:
        raise ValueError(f"{start=} must satisfy {-x.ndim}<=start<={x.ndim}")
    to = start + x.ndim if start < 0 else start
    return moveaxis(x, at, to - 1 if to > at else to)


# Broadcasting


def broadcast_to(array: ArrayLike, shape: int | Shape, *, out_sharding: Any = None) -> Array:
    """``array`` repeated to a shape that it broadcasts to."""
    if out_sharding is not None:
        return split_as_asked(out_sharding, "broadcast_to", lambda: broadcast_to(array, shape))
    x = one_array("broadcast_to", array)
    return broadcast_array(x, static_shape(shape))


def broadcast_array(x: Array, sizes: tuple[int, ...]) -> Array:
    """`broadcast_to` of an Array and a checked shape."""
    now = x.shape
    if now == sizes:
        return x
    lead = len(sizes) - len(now)
    if lead < 0:
        raise ValueError(f"Cannot broadcast to shape with fewer dimensions: arr_shape={now} shape={sizes}")
    if any(n not in (1, m) for n, m in zip(now, sizes[lead:], strict=True)):
        wanted = x.aval.update(shape=sizes)
        raise ValueError(
            f"Incompatible types for broadcasting: input type={x.aval.str_short()} and "
            f"requested type={wanted.str_short()}"
        )
    if any(n < 0 for n in sizes):
        raise TypeError(f"broadcast_in_dim shape must have every element be nonnegative, got {sizes}.")
    tensor = unwrap(x)
    kept = tensor.shape[x.ndim :]
    return like(x, tensor.expand((*sizes, *kept)))


def broadcast_shapes(*shapes: int | Sequence[int]) -> tuple[int, ...]:
    """The shape that all the shapes broadcast to; an int n stands for (n,)."""
    given: list[Any] = [(s,) if np.ndim(s) == 0 else tuple(s) for s in shapes]  # pyright: ignore
    for shape in given:
        if any(n < 0 for n in canonicalize_shape(shape)):
            raise TypeError(
                f"Only non-negative indices are allowed when broadcasting static shapes, but got shape {shape!r}."
            )
    return common_shape(given) if given else ()


def common_shape(shapes: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    """The shape that all of them broadcast to; JAX's ValueError where there is none."""
    first = shapes[0]
    if all(s == first for s in shapes):
        return first
    rank = max(map(len, shapes))
    aligned = [(1,) * (rank - len(s)) + tuple(s) for s in shapes]
    sizes: list[int] = []
    for column in zip(*aligned, strict=True):
        others = {n for n in column if n != 1}
        if len(others) > 1:
            raise ValueError(f"Incompatible shapes for broadcasting: shapes={[tuple(s) for s in shapes]}")
        sizes.append(others.pop() if others else 1)
    return tuple(sizes)


def broadcast_arrays(*args: ArrayLike) -> list[Array]:
    """The arguments, each broadcast to their common shape."""
    arrays = all_arrays("broadcast_arrays", args)
    if not arrays:
        return []
    shapes = [x.shape for x in arrays]
    sizes = common_shape(shapes)
    return [broadcast_array(x, sizes) for x in arrays]


def all_arrays(fun_name: str, args: Sequence[Any]) -> list[Array]:
    """Array-like arguments as Arrays; JAX's TypeError for lists and the like."""
    check_arraylike(fun_name, *args)
    return [asarray(x) for x in args]


def _with_least_axes(name: str, arys: tuple[Any, ...], grow: Callable[[Array], Array]) -> Array | list[Array]:
    check_arraylike(name, *arys)
    grown = [grow(asarray(x)) for x in arys]
    return grown[0] if len(grown) == 1 else grown


def atleast_1d(*arys: ArrayLike) -> Any:
    """The arguments with at least one axis: an Array for one argument, else a list."""
    return _with_least_axes("atleast_1d", arys, lambda x: _leading_axes(x, 1))


def atleast_2d(*arys: ArrayLike) -> Any:
    """The arguments with at least two axes (new ones in front): an Array for one argument, else a list."""
    return _with_least_axes("atleast_2d", arys, lambda x: _leading_axes(x, 2))


def atleast_3d(*arys: ArrayLike) -> Any:
    """The arguments with at least three axes ([n] to [1, n, 1], [n, m] to [n, m, 1])."""

    def grow(x: Array) -> Array:
        if x.ndim >= 3:
            return x
        return expand_dims(x, {0: (0, 1, 2), 1: (0, 2), 2: (2,)}[x.ndim])

    return _with_least_axes("atleast_3d", arys, grow)


def _leading_axes(x: Array, least: int) -> Array:
    missing = least - x.ndim
    return expand_dims(x, tuple(range(missing))) if missing > 0 else x


# Order of the elements


def flip(m: ArrayLike, axis: Axis = None) -> Array:
    """``m`` with its elements in reversed order along an axis, several, or all."""
    return _flipped(one_array("flip", m), static_axes(axis))


@jitted("_flip", "x")
def _flipped(x: Array, axis: Any) -> Array:
    if axis is None:
        axes = tuple(range(x.ndim))
    else:
        axes = tuple(canonicalize_axis(i, x.ndim) for i in index_tuple(axis))
        if len(set(axes)) != len(axes):
            raise TypeError(f"rev dimensions must be unique, got {axes}.")
    return like(x, unsigned.moved_as_signed(torch.flip, unwrap(x), axes)) if axes else x


def fliplr(m: ArrayLike) -> Array:
    """``m`` reversed along axis 1."""
    return _flipped(one_array("fliplr", m), 1)


def flipud(m: ArrayLike) -> Array:
    """``m`` reversed along axis 0."""
    return _flipped(one_array("flipud", m), 0)


@jitted("rot90", "m")
def rot90(m: ArrayLike, k: int = 1, axes: tuple[int, int] = (0, 1)) -> Array:
    """``m`` turned ``k`` times by 90 degrees, from the first of two axes towards the second."""
    hashable(k, axes)
    x = one_array("rot90", m)
    if x.ndim < 2:
        raise ValueError(
            "rot90 requires its first argument to have ndim at least two, but got first argument of shape "
            f"{x.shape}, which has ndim {x.ndim}"
        )
    first, second = (canonicalize_axis(i, x.ndim) for i in axes)
    if first == second:
        raise ValueError("Axes must be different")
    turns = k % 4
    if turns == 0:
        return x
    if turns == 2:
        return _flipped(x, (first, second))
    order = list(range(x.ndim))
    order[first], order[second] = order[second], order[first]
    if turns == 1:
        return _permuted(_flipped(x, second), order)
    return _flipped(_permuted(x, order), second)


def roll(a: ArrayLike, shift: ArrayLike | Sequence[int], axis: int | Sequence[int] | None = None) -> Array:
    """``a`` with its elements shifted along axes; those that leave at one end come in at the other.

    Args:
        a: array.
        shift: by how many places; one number, or one for each axis. It may be traced.
        axis: one or several; None shifts the raveled array.
    """
    x = one_array("roll", a)
    if type(shift) is int and x.size:
        if axis is None and not payload(x):
            return like(x, unsigned.moved_as_signed(torch.roll, unwrap(x), shift))
        if type(axis) is int:
            return like(x, unsigned.moved_as_signed(torch.roll, unwrap(x), shift, canonicalize_axis(axis, x.ndim)))
    if axis is None:
        return reshape(_rolled(reshape(x, (x.size,)), shift, (0,)), x.shape)
    return _rolled(x, shift, tuple(canonicalize_axis(i, x.ndim) for i in index_tuple(axis)))


def _rolled(x: Array, shift: Any, axes: tuple[int, ...]) -> Array:
    try:
        shifts = index_tuple(shift)
    except TypeError:  # traced, or not an integer
        return _rolled_by_array(x, asarray(shift), axes)
    pairs = [(int(i), int(n)) for i, n in zip(*np.broadcast_arrays(axes, shifts), strict=True)]
    if x.size == 0 or not pairs:
        return x
    return like(x, unsigned.moved_as_signed(torch.roll, unwrap(x), [n for _, n in pairs], [i for i, _ in pairs]))


def _rolled_by_array(x: Array, shift: Array, axes: tuple[int, ...]) -> Array:
    sizes = common_shape([shift.shape, (len(axes),)])
    if len(sizes) != 1:
        raise ValueError("'shift' and 'axis' arguments to roll must be scalars or 1D arrays")
    shifts = cast(unwrap(broadcast_array(shift, sizes)), torch.int32)
    tensor = unwrap(x)
    for k, i in enumerate(np.broadcast_to(axes, sizes).tolist()):
        n = tensor.shape[i]
        at = torch.arange(n, device=tensor.device) - shifts[k]
        tensor = unsigned.moved_as_signed(torch.index_select, tensor, i, at % max(n, 1))
    return like(x, tensor)


def resize(a: ArrayLike, new_shape: int | Shape) -> Array:
    """The elements of ``a``, repeated or cut to fill ``new_shape``; zeros if there are none."""
    hashable(new_shape)
    x = one_array("resize", a)
    sizes = index_tuple(new_shape)
    if any(n < 0 for n in sizes):
        raise ValueError("all elements of `new_shape` must be non-negative")
    wanted = size_of(sizes)
    tensor = unwrap(x)
    kept = tensor.shape[x.ndim :]
    if x.size == 0 or wanted == 0:
        return like(x, tensor.new_zeros((*sizes, *kept)))
    flat = tensor.reshape((x.size, *kept))
    times = -(-wanted // x.size)
    repeated = flat.repeat((times, *(1 for _ in kept)))[:wanted]
    return like(x, repeated.reshape((*sizes, *kept)))
