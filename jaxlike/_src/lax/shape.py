"""shape: the same elements in other shapes: broadcasting, reshaping, transposing, joining, cutting, padding.

These move elements only, so they take every kind of Array and keep dtype and weak type. Checks come first and
say what JAX says; what `jax.numpy` checks in the same words is called from there.
"""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src import key_uses, unsigned
from jaxlike._src.array import Array
from jaxlike._src.border import asarray, canonicalize_axis, canonicalize_shape, unwrap
from jaxlike._src.lax.constraint import split_as_asked
from jaxlike._src.lax.strict import check_same_dtypes, check_shapelike, operand
from jaxlike._src.numpy import shape as numpy_shape
from jaxlike._src.numpy.arguments import index_tuple, like, one_array, payload
from jaxlike._src.placement import PLACED
from jaxlike._src.regions import equation
from jaxlike._src.transforms.mesh_types import check_reshape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from jaxlike._src.typing import ArrayLike, Shape

# Broadcasting


def broadcast_shapes(*shapes: Any) -> tuple[int, ...]:
    """The shape that arrays of these shapes have after broadcasting."""
    for shape in shapes:
        if any(n < 0 for n in canonicalize_shape(shape)):
            raise TypeError(
                f"Only non-negative indices are allowed when broadcasting static shapes, but got shape {shape!r}."
            )
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        raise ValueError(f"Incompatible shapes for broadcasting: shapes={list(shapes)}") from None


def broadcast(operand: ArrayLike, sizes: Sequence[int], *, out_sharding: Any = None) -> Array:
    """``operand`` with new axes of these sizes in front."""
    x = _operand("broadcast_in_dim", operand)
    if not len(sizes):
        return x
    rank = len(sizes)
    return broadcast_in_dim(x, (*sizes, *x.shape), tuple(range(rank, rank + x.ndim)), out_sharding=out_sharding)


_operand = operand


def broadcast_in_dim(
    operand: ArrayLike, shape: Shape, broadcast_dimensions: Sequence[int], *, out_sharding: Any = None
) -> Array:
    """``operand`` spread over ``shape``.

    Args:
        operand: array whose axis k becomes axis ``broadcast_dimensions[k]`` of the result.
        shape: sizes of the result; each axis of ``operand`` has its size there, or 1.
        broadcast_dimensions: as many as ``operand`` has axes.
        out_sharding: accepted.
    """
    if out_sharding is not None:
        return split_as_asked(
            out_sharding, "broadcast_in_dim", lambda: broadcast_in_dim(operand, shape, broadcast_dimensions)
        )
    x = _operand("broadcast_in_dim", operand)
    if x.ndim == len(shape) and not len(broadcast_dimensions) and isinstance(operand, Array):
        return x
    sizes, places = tuple(shape), tuple(broadcast_dimensions)
    check_shapelike("broadcast_in_dim", "shape", sizes)
    check_shapelike("broadcast_in_dim", "broadcast_dimensions", places)
    if x.ndim != len(places):
        raise TypeError(
            "broadcast_in_dim broadcast_dimensions must have length equal to operand ndim; got broadcast_dimensions "
            f"{places} for operand ndim {x.ndim}."
        )
    if len(sizes) < x.ndim:
        raise TypeError(
            "broadcast_in_dim target broadcast shape must have equal or higher rank to the operand shape; got operand "
            f"ndim {x.ndim} and target broadcast ndim {len(sizes)}."
        )
    if not set(places) <= set(range(len(sizes))):
        raise TypeError(
            f"broadcast_in_dim broadcast_dimensions must be a subset of output dimensions, got {places} for operand "
            f"ndim {x.ndim} and shape {sizes}."
        )
    if any(n not in (1, sizes[k]) for n, k in zip(x.shape, places, strict=True)):
        raise TypeError(
            "broadcast_in_dim operand dimension sizes must either be 1, or be equal to their corresponding dimensions "
            f"in the target broadcast shape; got operand of shape {x.shape}, target broadcast shape {sizes}, "
            f"broadcast_dimensions {places} "
        )
    if len(places) != len(set(places)):
        raise TypeError(
            f"broadcast_in_dim broadcast_dimensions must not contain duplicates, got broadcast_dimensions {places}"
        )
    if isinstance(operand, Array) and x.shape == sizes and places == tuple(range(x.ndim)):
        return x
    return _spread(x, sizes, places)


def _as_spread(x: Array, sizes: Shape, places: Sequence[int]) -> Any:
    return (x,), {"shape": sizes, "broadcast_dimensions": places, "sharding": None}


@equation("broadcast_in_dim", _as_spread)
def _spread(x: Array, sizes: Shape, places: Sequence[int]) -> Array:
    tensor = unwrap(x)
    hidden = tuple(tensor.shape[x.ndim :])
    order = sorted(range(x.ndim), key=places.__getitem__)
    if order != list(range(x.ndim)):
        tensor = tensor.permute([*order, *range(x.ndim, tensor.dim())])
    new = [1] * len(sizes)
    for k, place in enumerate(places):
        new[place] = x.shape[k]
    return like(x, tensor.reshape([*new, *hidden]).expand([*sizes, *hidden]))


def broadcast_like(arr: ArrayLike, like_arr: ArrayLike) -> Array:
    """``arr`` broadcast to the shape of ``like_arr``."""
    x, shape = _operand("broadcast_in_dim", arr), _operand("broadcast_like", like_arr).shape
    if x.shape == shape:
        return x
    if len(shape) < x.ndim:
        raise ValueError(f"Cannot broadcast to shape with fewer dimensions: arr_shape={x.shape} shape={shape}")
    lead = len(shape) - x.ndim
    if any(n not in (1, s) for n, s in zip(x.shape, shape[lead:], strict=True)):
        wanted = x.aval.update(shape=shape, weak_type=False)
        raise ValueError(f"Incompatible types for broadcasting: input type={x.aval} and requested type={wanted}")
    return broadcast_in_dim(x, shape, tuple(range(lead, len(shape))))


def broadcast_to_rank(x: ArrayLike, rank: int) -> Array:
    """``x`` with axes of size 1 in front, ``rank`` axes in all."""
    x = _operand("broadcast_in_dim", x)
    return x if x.ndim == rank else broadcast(x, (1,) * (rank - x.ndim))


def tile(operand: ArrayLike, reps: Sequence[int]) -> Array:
    """``operand`` repeated ``reps[k]`` times along each axis k."""
    x = _operand("tile", operand)
    if x.ndim != len(reps):
        raise TypeError(f"reps length must be equal to the ndim of x, got len(reps)={len(reps)} and x.ndim={x.ndim}.")
    tensor = unwrap(x)
    return like(x, tensor.repeat(*reps, *[1] * payload(x))) if tensor.dim() else x


# Shape and order


def reshape(
    operand: ArrayLike, new_sizes: Shape, dimensions: Sequence[int] | None = None, *, out_sharding: Any = None
) -> Array:
    """The elements in another shape; ``dimensions`` says in which order the axes are read."""
    if out_sharding is not None:
        return split_as_asked(out_sharding, "reshape", lambda: reshape(operand, new_sizes, dimensions))
    sizes = canonicalize_shape(new_sizes)
    x = _operand("reshape", operand)
    if any(n < 0 for n in sizes):
        raise TypeError(f"reshape new_sizes must all be positive, got {sizes}.")
    if dimensions is not None:
        order = index_tuple(dimensions)
        if set(order) != set(range(x.ndim)):
            raise TypeError(
                f"reshape dimensions must be a permutation of operand dimensions, got dimensions {order} for shape "
                f"{x.shape}."
            )
    else:
        order = ()
    if math.prod(sizes) != x.size:
        raise TypeError(
            f"cannot reshape array of shape {x.shape} (size {x.size}) into shape {sizes} (size {math.prod(sizes)})"
        )
    if order and order != tuple(range(x.ndim)):
        return numpy_shape.reshaped_in(x, sizes, order)
    if x.shape == sizes:
        return x
    if PLACED:
        check_reshape(x, sizes)
    tensor = unwrap(x)
    return like(x, tensor.reshape([*sizes, *tensor.shape[x.ndim :]]))


def collapse(operand: Array, start_dimension: int, stop_dimension: int | None = None) -> Array:
    """``operand`` with the axes from start up to stop made one."""
    low, high, _ = slice(start_dimension, stop_dimension).indices(len(operand.shape))
    if high < low:
        raise ValueError(
            f"Invalid dimension range passed to collapse: {operand.shape}[{start_dimension}:{stop_dimension}]"
        )
    shape = operand.shape
    return reshape(operand, (*shape[:low], math.prod(shape[low:high]), *shape[high:]))


def squeeze(array: ArrayLike, dimensions: Sequence[int]) -> Array:
    """``array`` without these axes, each of size 1."""
    x = one_array("squeeze", array)
    axes = tuple(sorted(canonicalize_axis(i, x.ndim) for i in dimensions))
    return numpy_shape.squeeze(x, axes)


def expand_dims(array: ArrayLike, dimensions: Sequence[int]) -> Array:
    """``array`` with axes of size 1 at these positions of the result."""
    return numpy_shape.expand_dims(one_array("broadcast_in_dim", array), tuple(dimensions))


def transpose(operand: ArrayLike, permutation: Sequence[int] | np.ndarray[Any, Any]) -> Array:
    """``operand`` with its axes in another order."""
    order = tuple(operator_index(d) for d in permutation)
    x = _operand("transpose", operand)
    if tuple(sorted(order)) != tuple(range(x.ndim)):
        raise TypeError(
            f"transpose permutation isn't a permutation of operand dimensions, got permutation {order} for operand "
            f"shape {x.shape}."
        )
    tensor = unwrap(x)
    return like(x, tensor.permute([*order, *range(x.ndim, tensor.dim())]))


operator_index = operator.index


def rev(operand: ArrayLike, dimensions: Sequence[int]) -> Array:
    """``operand`` turned round along these axes."""
    x, axes = _operand("rev", operand), tuple(dimensions)
    check_shapelike("rev", "dimensions", axes)
    if len(set(axes)) != len(axes):
        raise TypeError(f"rev dimensions must be unique, got {axes}.")
    if axes and max(axes) >= x.ndim:
        raise TypeError(
            f"rev dimensions must all be less than operand ndim, got dimensions {axes} for operand ndim {x.ndim}."
        )
    return like(x, unsigned.moved_as_signed(torch.flip, unwrap(x), axes)) if axes else x


# Joining and cutting


def concatenate(operands: Array | Sequence[ArrayLike], dimension: int) -> Array:
    """Arrays of one dtype joined along an existing axis."""
    if len(operands) == 0:
        raise ValueError("concatenate requires a non-empty sequences of arrays")
    arrays = [_operand("concatenate", v, k) for k, v in enumerate(operands)]
    shapes = [a.shape for a in arrays]
    listed = ", ".join(map(str, shapes))
    if len(arrays) == 1 and isinstance(operands[0], Array):
        return arrays[0]
    if len({a.ndim for a in arrays}) != 1:
        raise TypeError(f"Cannot concatenate arrays with different numbers of dimensions: got {listed}.")
    if not 0 <= dimension < arrays[0].ndim:
        raise TypeError(f"concatenate dimension out of bounds: dimension {dimension} for shapes {listed}.")
    if len({s[:dimension] + s[dimension + 1 :] for s in shapes}) != 1:
        raise TypeError(
            "Cannot concatenate arrays with shapes that differ in dimensions other than the one being concatenated: "
            f"concatenating along dimension {dimension} for shapes {listed}."
        )
    check_same_dtypes("concatenate", arrays)
    if key_uses.FLAG.value:
        key_uses.use_joined(arrays, "concatenate")
    return _joined(arrays, torch.cat([unwrap(a) for a in arrays], dimension))


def _joined(arrays: Sequence[Array], tensor: Tensor) -> Array:
    if all(a.weak_type for a in arrays) == arrays[0].weak_type:
        return like(arrays[0], tensor)
    return Array(tensor)


def stack(operands: Sequence[ArrayLike], axis: int = 0) -> Array:
    """Arrays of one shape and dtype joined along a new axis."""
    arrays = [asarray(v) for v in operands]
    at = canonicalize_axis(axis, arrays[0].ndim + 1)
    listed = ", ".join(str(a.shape) for a in arrays)
    if len({a.ndim for a in arrays}) != 1:
        raise ValueError(f"Cannot stack arrays with different numbers of dimensions: got {listed}.")
    if len({a.shape for a in arrays}) != 1:
        raise ValueError(f"All input arrays must have the same shape. Got {listed}.")
    check_same_dtypes("stack", arrays)
    return _joined(arrays, torch.stack([unwrap(a) for a in arrays], at))


def unstack(x: ArrayLike, axis: int = 0) -> tuple[Array, ...]:
    """The slices along an axis, without it."""
    x = asarray(x)
    at = canonicalize_axis(axis, x.ndim)
    return tuple(like(x, t) for t in torch.unbind(unwrap(x), at))


def split(operand: ArrayLike, sizes: Sequence[int], axis: int = 0) -> list[Array]:
    """Consecutive pieces of these sizes along an axis."""
    x = asarray(operand)
    at, sizes = canonicalize_axis(axis, x.ndim), tuple(sizes)
    if any(s < 0 for s in sizes):
        raise ValueError(f"Sizes passed to split must be nonnegative, got {list(sizes)}")
    if x.shape[at] != sum(sizes):
        raise ValueError(
            f"Sum of sizes {np.sum(sizes)} must be equal to dimension {at} of the operand shape {list(x.shape)}"
        )
    return [like(x, t) for t in torch.split(unwrap(x), list(sizes), at)]


# Padding


def _as_padded(operand: ArrayLike, padding_value: ArrayLike, padding_config: Any) -> Any:
    return (operand, padding_value), {"padding_config": tuple(map(tuple, padding_config))}


@equation("pad", _as_padded)
def pad(operand: ArrayLike, padding_value: ArrayLike, padding_config: Sequence[tuple[int, int, int]]) -> Array:
    """``operand`` with a value put before, after and between its elements.

    Args:
        operand: array.
        padding_value: scalar of the same dtype.
        padding_config: (before, after, between) for each axis; the first two may be negative, which cuts away.
    """
    x, value = _operand("pad", operand, 0), _operand("pad", padding_value, 1)
    config = tuple(tuple(map(operator_index, c)) for c in padding_config)
    shape = x.shape
    if value.ndim:
        raise ValueError(f"padding_value must be a scalar; got np.shape(padding_value)={value.shape}")
    if len(config) != x.ndim:
        raise ValueError(
            "length of padding_config must equal the number of axes of operand, got padding_config "
            f"{config} for operand shape {shape}"
        )
    if any(between < 0 for _, _, between in config):
        raise ValueError(f"interior padding in padding_config must be nonnegative, got padding_config {config}")
    sizes = tuple(
        low + high + (n + between * (n - 1) if n else 0) for (low, high, between), n in zip(config, shape, strict=True)
    )
    if any(n < 0 for n in sizes):
        raise ValueError(
            f"Dimension size after padding is not at least 0, got result shape {sizes}, for padding_config {config} and"
            f" operand shape {shape}"
        )
    if x.dtype != value.dtype:
        raise TypeError(f"pad operand and padding_value must be same dtype: got {x.dtype} and {value.dtype}.")
    tensor, filling = unwrap(x), unwrap(value)
    for axis, (low, high, between) in enumerate(config):
        if between and shape[axis] > 1:
            tensor = _dilated(tensor, axis, between, filling)
        if low < 0 or high < 0:
            start = max(-low, 0)
            kept = tensor.shape[axis] - start - max(-high, 0)
            # More may be cut away than there is: then it comes out of the other side's padding.
            if kept < 0:
                low, high = _overcut(tensor.shape[axis], low, high)
                start, kept = 0, 0
            tensor = tensor.narrow(axis, start, kept)
        if low > 0 or high > 0:
            tensor = _extended(tensor, axis, max(low, 0), max(high, 0), filling)
    return like(x, tensor) if x.weak_type == value.weak_type or not x.weak_type else Array(tensor)


def _overcut(size: int, low: int, high: int) -> tuple[int, int]:
    total = size + low + high
    return (total, 0) if low > 0 else (0, max(total, 0))


def _filled(tensor: Tensor, axis: int, count: int, filling: Tensor) -> Tensor:
    sizes = list(tensor.shape)
    sizes[axis] = count
    return filling.expand(sizes)


def _extended(tensor: Tensor, axis: int, low: int, high: int, filling: Tensor) -> Tensor:
    parts = [tensor]
    if low:
        parts.insert(0, _filled(tensor, axis, low, filling))
    if high:
        parts.append(_filled(tensor, axis, high, filling))
    return torch.cat(parts, axis)


def _dilated(tensor: Tensor, axis: int, between: int, filling: Tensor) -> Tensor:
    """``between`` fillings after each element but the last."""
    spread = tensor.unsqueeze(axis + 1)
    gaps = filling.expand([*spread.shape[: axis + 1], between, *spread.shape[axis + 2 :]])
    joined = torch.cat([spread, gaps], axis + 1).flatten(axis, axis + 1)
    return joined.narrow(axis, 0, joined.shape[axis] - between)
