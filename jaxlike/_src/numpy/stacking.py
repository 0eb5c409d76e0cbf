"""stacking: arrays joined to one, and one array cut into several or repeated.

Operands promote to one dtype and keep a weak type that all share; PRNG keys and int4 are joined too.
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
    check_arraylike,
    concrete_or_error,
    promote_dtypes,
    to_numpy,
    unwrap,
)
from jaxlike._src.frames import STATE
from jaxlike._src.numpy.arguments import (
    astype,
    index_tuple,
    known_index,
    like,
    new_shape,
    one_array,
    user_dtype,
)
from jaxlike._src.numpy.shape import (
    all_arrays,
    atleast_1d,
    atleast_2d,
    atleast_3d,
    broadcast_array,
    expand_dims,
    ravel,
    transpose,
)
from jaxlike._src.transforms.compiled import hashable, jitted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from jaxlike._src.typing import ArrayLike, DTypeLike

# Joining


def concatenate_arrays(arrays: Sequence[Array], axis: int) -> Array:
    """Arrays of one dtype joined along an axis; their other sizes must agree."""
    first = arrays[0]
    shapes = [x.shape for x in arrays]
    if len({len(s) for s in shapes}) > 1:
        raise TypeError(
            f"Cannot concatenate arrays with different numbers of dimensions: got {', '.join(map(str, shapes))}."
        )
    if len({(s[:axis], s[axis + 1 :]) for s in shapes}) > 1:
        raise TypeError(
            "Cannot concatenate arrays with shapes that differ in dimensions other than the one being "
            f"concatenated: concatenating along dimension {axis} for shapes {', '.join(map(str, shapes))}."
        )
    if len(arrays) == 1:
        return first
    if key_uses.FLAG.value:
        key_uses.use_joined(arrays, "concatenate")
    return like(first, torch.cat([unwrap(x) for x in arrays], axis))


def _to_dtype(arrays: Sequence[Any], dtype: Any, fun_name: str) -> list[Array]:
    if dtype is None:
        return promote_dtypes(*arrays) if len(arrays) > 1 else [asarray(x) for x in arrays]
    want = user_dtype(dtype, fun_name)
    return [astype(asarray(x), want) for x in arrays]


def _alike(arrays: Any) -> list[Tensor] | None:
    """The tensors, if all are Arrays of the running frame with one dtype and weak type: the fast path."""
    if type(arrays) not in (list, tuple) or not arrays or type(arrays[0]) is not Array:
        return None
    dtype, tag, fast = arrays[0]._t.dtype, arrays[0]._tag, STATE.fast
    tensors: list[Tensor] = []
    for x in arrays:
        if type(x) is not Array or x._frame is not fast or x._t.dtype is not dtype or x._tag is not tag:
            return None
        tensors.append(x._t)
    return tensors


def concatenate(
    arrays: np.ndarray | Array | Sequence[ArrayLike], axis: int | None = 0, dtype: DTypeLike | None = None
) -> Array:
    """The arrays one after the other along an existing axis.

    Args:
        arrays: arrays that agree in all sizes but that of ``axis``, or one array, whose parts are joined.
        axis: where to join; None ravels them first.
        dtype: dtype of the result; by default the promotion of theirs.
    """
    tensors = _alike(arrays) if dtype is None and axis is not None else None
    if tensors and tensors[0].dim():
        try:
            return Array(torch.cat(tensors, axis), arrays[0]._tag)  # pyright: ignore
        except (RuntimeError, IndexError, TypeError):  # below it is said what is wrong
            pass
    if isinstance(arrays, np.ndarray | Array):
        return _join_first_axis(arrays, axis, dtype)
    given = all_arrays("concatenate", arrays)
    if not given:
        raise ValueError("Need at least one array to concatenate.")
    if axis is None:
        return concatenate([ravel(x) for x in given], axis=0, dtype=dtype)
    if given[0].ndim == 0:
        raise ValueError("Zero-dimensional arrays cannot be concatenated.")
    axis = canonicalize_axis(axis, given[0].ndim)
    return concatenate_arrays(_to_dtype(given, dtype, "asarray"), axis)


def _join_first_axis(array: Any, axis: int | None, dtype: Any) -> Array:
    (x,) = _to_dtype([array], dtype, "asarray")
    if x.ndim == 0 or x.shape[0] == 0:
        raise ValueError("Need at least one array to concatenate.")
    if axis is None:
        return ravel(x)
    if x.ndim == 1:
        raise ValueError("Zero-dimensional arrays cannot be concatenated.")
    axis = canonicalize_axis(axis, x.ndim - 1)
    sizes = x.shape
    tensor = unwrap(x).movedim(0, axis)
    kept = tensor.shape[x.ndim :]
    joined = (*sizes[1 : axis + 1], sizes[0] * sizes[axis + 1], *sizes[axis + 2 :], *kept)
    return like(x, tensor.reshape(joined))


def concat(arrays: Sequence[ArrayLike], /, *, axis: int | None = 0) -> Array:
    """`concatenate`, under its name in the array API standard."""
    check_arraylike("concat", *arrays)
    return concatenate(arrays, axis=axis)


def stack(
    arrays: np.ndarray | Array | Sequence[ArrayLike],
    axis: int = 0,
    out: None = None,
    dtype: DTypeLike | None = None,
) -> Array:
    """Arrays of one shape along a new axis, which is ``axis`` of the result."""
    tensors = _alike(arrays) if dtype is None and out is None else None
    if tensors:
        try:
            return Array(torch.stack(tensors, axis), arrays[0]._tag)  # pyright: ignore
        except (RuntimeError, IndexError, TypeError):  # below it is said what is wrong
            pass
    if not len(arrays):
        raise ValueError("Need at least one array to stack.")
    if out is not None:
        raise NotImplementedError("The 'out' argument to jnp.stack is not supported.")
    if isinstance(arrays, np.ndarray | Array):
        at = canonicalize_axis(axis, arrays.ndim)
        return concatenate(expand_dims(arrays, at + 1), axis=at, dtype=dtype)
    given = _to_dtype(all_arrays("stack", arrays), dtype, "asarray")
    shapes = [x.shape for x in given]
    if len({len(s) for s in shapes}) > 1:
        raise ValueError(
            f"Cannot stack arrays with different numbers of dimensions: got {', '.join(map(str, shapes))}."
        )
    if len(set(shapes)) > 1:
        raise ValueError(f"All input arrays must have the same shape. Got {', '.join(map(str, shapes))}.")
    axis = canonicalize_axis(axis, given[0].ndim + 1)
    if key_uses.FLAG.value:
        key_uses.use_joined(given, "jit-compiled function")
    return concatenate_arrays([expand_dims(x, axis) for x in given], axis)


def _rows(tup: Any, name: str, grow: Callable[..., Any], grow_one: Callable[[Array], Array]) -> Any:
    """The arrays to be joined, each grown to enough axes; one array stands for its parts along axis 0."""
    if isinstance(tup, np.ndarray | Array):
        whole = asarray(tup)
        if whole.ndim == 0:
            raise ValueError(
                "vmap was requested to map its argument along axis 0, which implies that its rank should "
                "be at "
                "least 1, but is only 0 (its shape is ())"
            )
        return grow_one(whole)
    check_arraylike(name, *tup)
    return [grow(x) for x in tup]


def vstack(tup: np.ndarray | Array | Sequence[ArrayLike], dtype: DTypeLike | None = None) -> Array:
    """Arrays (vectors as rows) joined along axis 0."""
    rows = _rows(tup, "vstack", atleast_2d, lambda x: _with_axes_in(x, 2))
    return concatenate(rows, axis=0, dtype=dtype)


def _with_axes_in(x: Array, least: int) -> Array:
    """Each part of ``x`` along axis 0 given leading axes, up to ``least``."""
    missing = least - (x.ndim - 1)
    return expand_dims(x, tuple(range(1, missing + 1))) if missing > 0 else x


def hstack(tup: np.ndarray | Array | Sequence[ArrayLike], dtype: DTypeLike | None = None) -> Array:
    """Arrays joined along axis 1, vectors along axis 0."""
    rows = _rows(tup, "hstack", atleast_1d, lambda x: _with_axes_in(x, 1))
    rank = rows.ndim - 1 if isinstance(rows, Array) else rows[0].ndim
    return concatenate(rows, axis=0 if rank == 1 else 1, dtype=dtype)


def dstack(tup: np.ndarray | Array | Sequence[ArrayLike], dtype: DTypeLike | None = None) -> Array:
    """Arrays joined along axis 2, with axes added as by `atleast_3d`."""

    def grow_one(x: Array) -> Array:
        axes: dict[int, tuple[int, ...]] = {1: (1, 2, 3), 2: (1, 3), 3: (3,)}
        return expand_dims(x, axes[x.ndim]) if x.ndim in axes else x

    return concatenate(_rows(tup, "dstack", atleast_3d, grow_one), axis=2, dtype=dtype)


def column_stack(tup: np.ndarray | Array | Sequence[ArrayLike]) -> Array:
    """Vectors as columns, matrices as they are, joined along axis 1."""

    def grow(x: ArrayLike) -> Array:
        a = asarray(x)
        return transpose(atleast_2d(a)) if a.ndim < 2 else a

    def grow_one(x: Array) -> Array:
        if x.ndim >= 3:
            return x
        return expand_dims(x, 2) if x.ndim == 2 else expand_dims(x, (1, 2))

    return concatenate(_rows(tup, "column_stack", grow, grow_one), axis=1)


def block(arrays: Any) -> Array:
    """Nested lists of blocks joined: the innermost along the last axis, the next along the one before, ..."""
    return _block(arrays)[0]


def _block(x: Any) -> tuple[Array, int]:
    if isinstance(x, tuple):
        raise ValueError(f"jax.numpy.block does not allow tuples, got {x}")
    if not isinstance(x, list):
        return asarray(x), 1
    if not x:
        raise ValueError("jax.numpy.block does not allow empty list arguments")
    parts, depths = zip(*map(_block, x), strict=True)
    depth = depths[0]
    if any(d != depth for d in depths[1:]):
        raise ValueError("Mismatched list depths in jax.numpy.block")
    rank = max(depth, *(p.ndim for p in parts))
    grown = [expand_dims(p, tuple(range(rank - p.ndim))) if p.ndim < rank else p for p in parts]
    return concatenate(grown, axis=-depth), depth + 1


@jitted("append", "arr values")
def append(arr: ArrayLike, values: ArrayLike, axis: int | None = None) -> Array:
    """``values`` after ``arr`` along an axis; both raveled if none is given."""
    hashable(axis)
    if axis is None:
        return concatenate([ravel(arr), ravel(values)], 0)
    return concatenate([arr, values], axis=axis)


# Cutting


def _split(name: str, ary: Any, indices_or_sections: Any, axis: Any = 0) -> list[Array]:
    x = one_array(name, ary)
    axis = concrete_or_error(operator.index, axis, f"in jax.numpy.{name} argument `axis`")
    size = x.shape[axis]
    asked, context = indices_or_sections, f"in jax.numpy.{name} argument 1"
    if isinstance(asked, tuple | list) or (isinstance(asked, np.ndarray | Array) and asked.ndim > 0):
        ends = [concrete_or_error(operator.index, i, context) for i in asked]
        lengths = list(np.diff([0, *ends, size]))
        if any(n < 0 for n in lengths):
            raise ValueError(f"Sizes passed to split must be nonnegative, got {lengths}")
    else:
        count = concrete_or_error(int, asked, context)
        length, rest = divmod(size, count)
        if rest and name != "array_split":
            raise ValueError(f"array split does not result in an equal division: rest is {rest}")
        lengths = [length + 1] * rest + [length] * (count - rest)
    return [
        like(x, part) for part in torch.split(unwrap(x), [int(n) for n in lengths], canonicalize_axis(axis, x.ndim))
    ]


def split(ary: ArrayLike, indices_or_sections: int | Sequence[int] | ArrayLike, axis: int = 0) -> list[Array]:
    """``ary`` cut along an axis: into so many equal parts, or before the given positions."""
    return _split("split", ary, indices_or_sections, axis)


def array_split(ary: ArrayLike, indices_or_sections: int | Sequence[int] | ArrayLike, axis: int = 0) -> list[Array]:
    """As `split`; where the parts cannot be equal, the first ones are longer by one."""
    return _split("array_split", ary, indices_or_sections, axis)


def vsplit(ary: ArrayLike, indices_or_sections: int | Sequence[int] | ArrayLike) -> list[Array]:
    """`split` along axis 0."""
    return _split("vsplit", ary, indices_or_sections, 0)


def hsplit(ary: ArrayLike, indices_or_sections: int | Sequence[int] | ArrayLike) -> list[Array]:
    """`split` along axis 1, of a vector along axis 0."""
    x = one_array("hsplit", ary)
    return _split("hsplit", x, indices_or_sections, 0 if x.ndim == 1 else 1)


def dsplit(ary: ArrayLike, indices_or_sections: int | Sequence[int] | ArrayLike) -> list[Array]:
    """`split` along axis 2."""
    return _split("dsplit", ary, indices_or_sections, 2)


def unstack(x: ArrayLike, /, *, axis: int = 0) -> tuple[Array, ...]:
    """The parts of ``x`` along an axis, without that axis."""
    hashable(axis)
    a = one_array("unstack", x)
    return tuple(like(a, part) for part in torch.unbind(unwrap(a), canonicalize_axis(axis, a.ndim)))


# Repeating


def tile(A: ArrayLike, reps: int | Sequence[int]) -> Array:
    """``A`` repeated as a whole, ``reps`` times along each axis; missing axes are added in front."""
    x = one_array("tile", A)
    if type(reps) is int and reps >= 0 and x.ndim and type(x) is Array:
        t = unwrap(x)
        return Array(torch.cat([t] * reps, -1) if reps else t.narrow(-1, 0, 0), x._tag)
    times = index_tuple(reps)
    times = (1,) * (x.ndim - len(times)) + times
    if any(n < 0 for n in times):
        raise TypeError(f"broadcast_in_dim shape must have every element be nonnegative, got {times}.")
    tensor = unwrap(x)
    kept = tensor.dim() - x.ndim
    return like(x, tensor.repeat((*times, *(1 for _ in range(kept)))))


_STATIC_REPEATS = (
    "When jit-compiling jnp.repeat, the total number of repeats must be static. To fix this, either "
    "specify a "
    "static value for `repeats`, or pass a static value to `total_repeat_length`."
)


def repeat(
    a: ArrayLike,
    repeats: ArrayLike,
    axis: int | None = None,
    *,
    total_repeat_length: int | None = None,
    out_sharding: Any = None,
) -> Array:
    """Each element of ``a`` repeated along an axis.

    Args:
        a: array.
        repeats: how often; one number, or one for each element along the axis.
        axis: where to repeat; None ravels ``a`` first.
        total_repeat_length: size of the result along the axis, with which ``repeats`` may be traced: what is
            too much is cut off, what is missing is filled with the last element.
        out_sharding: accepted and ignored.
    """
    x = one_array("repeat", a)
    if not isinstance(repeats, int):
        check_arraylike("repeat", a, repeats)
    if axis is None:
        x, axis = ravel(x), 0
    axis = int(concrete_or_error(operator.index, axis, "'axis' argument of jnp.repeat()"))
    if total_repeat_length is not None:
        return _repeat_to_length(x, asarray(repeats), axis, total_repeat_length)
    known = concrete_or_error(None, repeats, _STATIC_REPEATS)
    counts = np.asarray(to_numpy(known) if isinstance(known, Array) else known)
    tensor = unwrap(x)
    if counts.ndim == 0 and x.ndim:
        at = canonicalize_axis(axis, x.ndim)
        times = operator.index(counts.item())
        sizes = list(tensor.shape)
        if times < 0:
            wanted = (*sizes[: at + 1], times, *sizes[at + 1 :])
            raise TypeError(f"broadcast_in_dim shape must have every element be nonnegative, got {wanted}.")
        wide = tensor.unsqueeze(at + 1).expand([*sizes[: at + 1], times, *sizes[at + 1 :]])
        sizes[at] *= times
        return like(x, wide.reshape(sizes))
    counts = np.ravel(counts)
    if x.ndim == 0:
        if counts.shape != (1,):
            raise ValueError(
                "`repeat` with a scalar parameter `a` is only implemented for scalar values of the parameter `repeats`."
            )
        return like(x, tensor.expand((int(counts[0]), *tensor.shape)))
    at = canonicalize_axis(axis, x.ndim)
    counts = np.broadcast_to(counts, [x.shape[at]])
    picks = np.repeat(np.arange(x.shape[at]), counts)
    return like(x, unsigned.moved_as_signed(torch.index_select, tensor, at, known_index(picks, tensor)))


def _repeat_to_length(x: Array, repeats: Array, axis: int, length: int) -> Array:
    new_shape(length)
    counts = ravel(repeats)
    if x.ndim == 0:
        if counts.shape != (1,):
            raise ValueError(
                "`repeat` with a scalar parameter `a` is only implemented for scalar values of the parameter `repeats`."
            )
        tensor = unwrap(x)
        return like(x, tensor.expand((length, *tensor.shape)))
    at = canonicalize_axis(axis, x.ndim)
    n = x.shape[at]
    tensor = unwrap(x)
    if length == 0:
        return like(x, tensor.narrow(at, 0, 0))
    if n == 0:
        return x
    ends = torch.cumsum(unwrap(broadcast_array(counts, (n,))).to(torch.int64), 0)
    places = torch.arange(length, device=tensor.device)
    picks = (places.unsqueeze(1) >= ends).sum(1).clamp(max=n - 1)
    return like(x, unsigned.moved_as_signed(torch.index_select, tensor, at, picks))
