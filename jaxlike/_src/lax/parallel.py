"""parallel: the collectives of JAX over named axes of vmap and over mesh axes; `collectives.py` has what they do."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import torch

from jaxlike._src import dtypes, torch_private
from jaxlike._src.array import Array, constant
from jaxlike._src.border import asarray, astype, canonicalize_axis, is_traced, unwrap
from jaxlike._src.devices import default_torch_device
from jaxlike._src.frames import Frame, running
from jaxlike._src.lax.collectives import (
    AllToAll,
    Broadcast,
    Collective,
    Extremum,
    Gather,
    Grouped,
    Index,
    Permute,
    Sum,
    SumScatter,
    Vary,
    find_axis,
)
from jaxlike._src.transforms.structured import apply
from jaxlike._src.tree import tree_leaves, tree_map
from jaxlike._src.varying import is_varying

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def _names(axis_name: Any) -> tuple[list[Any], list[int]]:
    """Axis names, and positional axes (ints) among them."""
    given = list(axis_name) if isinstance(axis_name, tuple | list) else [axis_name]
    return [n for n in given if not isinstance(n, int)], [n for n in given if isinstance(n, int)]


Groups: TypeAlias = "tuple[tuple[int, ...], ...] | None"


def _groups(given: Any, frames: Sequence[Frame], of: str = " collectives. Please open a feature request!") -> Groups:
    """``axis_index_groups``, which cover the lanes of a mesh axis; None where they were not given."""
    if given is None:
        return None
    if not all(f.manual for f in frames):
        raise NotImplementedError(f"axis_index_groups not supported in vmap{of}")
    # A result may differ between groups and not within one: no type of what varies says so.
    if any(f.manual == "checked" for f in frames):
        raise NotImplementedError("axis_index_groups are not supported where shard_map checks what varies (check_vma=True)")
    if len(frames) != 1:  # groups would be of places in a product of axes, each a level of its own here
        raise NotImplementedError("axis_index_groups over several axes are not supported")
    groups = tuple(tuple(map(int, group)) for group in given)
    if sorted(k for group in groups for k in group) != list(range(frames[0].axis_size)):
        raise ValueError("axis_index_groups must cover all indices exactly once")
    return groups


def _within(frame: Frame, groups: Groups, make: Callable[[int], Collective]) -> Collective:
    """The collective of so many lanes that ``make`` gives, over the axis or within each group."""
    if groups is None:
        return make(frame.axis_size)
    return Grouped(frame.axis_name, frame.axis_size, groups, make(len(groups[0])))


def _frames(names: Sequence[Any], x: Any, fun_name: str) -> list[Frame]:
    """The frames of the axes; of those of traced values JAX says more."""
    said = fun_name if any(is_traced(leaf) for leaf in tree_leaves(x)) else ""
    if len(set(names)) < len(names):
        places = tuple(map(names.index, names))
        raise ValueError(f"duplicate value in 'axes' of reduction: {places}")
    return [find_axis(n, said) for n in names]


def _state(x: Array, frames: Sequence[Frame], axis_name: Any, fun_name: str) -> bool:
    """Whether ``x`` counts as different along the axes; ValueError where it does along some of them only."""
    states = {f.manual == "checked" and is_varying(unwrap(x), f) for f in frames}
    if len(states) > 1:
        raise ValueError(
            f"{fun_name} can only accept axis_name which corresponds to one of varying, unreduced, reduced or invarying "
            f"state of the input. Got input type: {x.aval}, axes: {axis_name} and input state: {{'invarying', 'varying'}}"
        )
    return states == {True}


def psum(x: Any, axis_name: Any, *, axis_index_groups: Any = None) -> Any:
    """Sum of ``x`` over the lanes of the named axis (or axes); the same in every lane.

    ``x`` is a tree of arrays; a Python number gives a Python number. ``axis_name`` may hold ints, which sum
    over positional axes.
    """
    names, positions = _names(axis_name)
    frames = _frames(names, x, "psum")
    groups = _groups(axis_index_groups, frames)

    def total(leaf: Any) -> Any:
        if type(leaf) in (bool, int, float, complex) and not positions:
            lanes = math.prod(f.axis_size for f in frames) if groups is None else len(groups[0])
            return (int(leaf) if isinstance(leaf, bool) else leaf) * lanes
        array = asarray(leaf)
        if array.dtype == np.bool_:
            array = astype(array, dtypes.default_int_dtype(), array.weak_type)
        if positions:
            tensor = unwrap(array)
            tensor = tensor.sum([canonicalize_axis(p, tensor.dim()) for p in positions], dtype=tensor.dtype)
            array = Array(tensor, array.weak_type)
        _state(array, frames, axis_name, "jax.lax.psum")
        for frame in frames:
            (array,) = apply(_within(frame, groups, lambda n, name=frame.axis_name: Sum(name, n)), [array])
        return array

    return tree_map(total, x)


def pmean(x: Any, axis_name: Any, *, axis_index_groups: Any = None) -> Any:
    """Mean of ``x`` over the lanes of the named axis."""
    from jaxlike._src.numpy.arithmetic import true_divide

    total = psum(x, axis_name, axis_index_groups=axis_index_groups)
    n = psum(1, axis_name, axis_index_groups=axis_index_groups)
    return tree_map(lambda v: true_divide(v, n), total)


def _extremum(x: Any, axis_name: Any, axis_index_groups: Any, largest: bool) -> Any:
    names, positions = _names(axis_name)
    frames = [find_axis(n, "pmax" if largest else "pmin") for n in names]
    groups = _groups(axis_index_groups, frames)

    def reduce(leaf: Any) -> Any:
        array = asarray(leaf)
        if positions:
            tensor = unwrap(array)
            axes = [canonicalize_axis(p, tensor.dim()) for p in positions]
            array = Array(tensor.amax(axes) if largest else tensor.amin(axes), array.weak_type)
        for frame in frames:
            (array,) = apply(_within(frame, groups, lambda n, name=frame.axis_name: Extremum(name, n, largest)), [array])
        return array

    return tree_map(reduce, x)


def pmax(x: Any, axis_name: Any, *, axis_index_groups: Any = None) -> Any:
    """Greatest value of ``x`` over the lanes of the named axis."""
    return _extremum(x, axis_name, axis_index_groups, largest=True)


def pmin(x: Any, axis_name: Any, *, axis_index_groups: Any = None) -> Any:
    """Least value of ``x`` over the lanes of the named axis."""
    return _extremum(x, axis_name, axis_index_groups, largest=False)


def _each(x: Any, make: Callable[[tuple[int, ...]], Collective]) -> Any:
    """Apply to each leaf the collective that ``make`` gives for its shape."""

    def on_leaf(leaf: Any) -> Array:
        array = asarray(leaf)
        return apply(make(array.shape), [array])[0]

    return tree_map(on_leaf, x)


def _one(axis_name: Any, fun_name: str = "") -> Frame:
    names, positions = _names(axis_name)
    if len(names) != 1 or positions:
        find_axis(names[0]) if names else None
        raise AssertionError("axis size doesn't match")  # JAX's rule for vmap
    return find_axis(names[0], fun_name)


def _several(axis_name: Any) -> list[Any]:
    """The names, where they are several mesh axes that count as one; else none."""
    names, positions = _names(axis_name)
    if len(names) < 2 or positions or not all(find_axis(n).manual for n in names):
        return []
    return names


def _frames_named(axis_name: Any) -> list[Frame]:
    return [find_axis(n) for n in _names(axis_name)[0]]


def all_gather(
    x: Any, axis_name: Any, *, axis_index_groups: Any = None, axis: int = 0, tiled: bool = False, to: str = "varying"
) -> Any:
    """Values of all lanes, stacked along a new ``axis`` (``tiled``: concatenated along the existing one)."""
    groups = _groups(axis_index_groups, _frames_named(axis_name), "")
    if names := _several(axis_name):
        for name in reversed(names):
            x = all_gather(x, name, axis=axis, tiled=tiled, to=to)
        return x if tiled else tree_map(lambda leaf: _merged(leaf, axis, len(names)), x)
    frame = _one(axis_name)

    def gather(shape: tuple[int, ...]) -> Collective:
        at = canonicalize_axis(axis, len(shape) + (not tiled))
        return _within(frame, groups, lambda n: Gather(frame.axis_name, n, at, tiled))

    return _each(x, gather)


def _merged(x: Array, axis: int, count: int) -> Array:
    """``count`` axes from ``axis`` on as one."""
    at = canonicalize_axis(axis, x.ndim - count + 1)
    return type(x)(unwrap(x).flatten(at, at + count - 1), x._tag)


def _unmerged(x: Array, axis: int, sizes: Sequence[int]) -> Array:
    at = canonicalize_axis(axis, x.ndim)
    if x.shape[at] != math.prod(sizes):
        raise ValueError(
            f"reduce_scatter operand scatter dimension size {x.shape[at]} must match shard count {math.prod(sizes)}"
        )
    return type(x)(unwrap(x).unflatten(at, tuple(sizes)), x._tag)


def psum_scatter(
    x: Any, axis_name: Any, *, scatter_dimension: int = 0, axis_index_groups: Any = None, tiled: bool = False
) -> Any:
    """Sum over lanes, of which each lane keeps its own piece along ``scatter_dimension``."""
    groups = _groups(axis_index_groups, _frames_named(axis_name), "")
    if names := _several(axis_name):
        sizes = [find_axis(n).axis_size for n in names]
        if not tiled:
            x = tree_map(lambda leaf: _unmerged(asarray(leaf), scatter_dimension, sizes), x)
        for name in names:
            x = psum_scatter(x, name, scatter_dimension=scatter_dimension, tiled=tiled)
        return x
    frame = _one(axis_name)

    def scatter(shape: tuple[int, ...]) -> Collective:
        at = canonicalize_axis(scatter_dimension, len(shape))
        n, size = len(groups[0]) if groups else frame.axis_size, shape[at]
        if tiled and size % n:
            raise ValueError(
                f"tiled reduce_scatter operand scatter dimension size {size} must be divisible by shard_count {n}"
            )
        if not tiled and size != n:
            raise ValueError(f"reduce_scatter operand scatter dimension size {size} must match shard count {n}")
        return _within(frame, groups, lambda n: SumScatter(frame.axis_name, n, at, tiled))

    return _each(x, scatter)


def all_to_all(
    x: Any,
    axis_name: Any,
    split_axis: int,
    concat_axis: int,
    *,
    axis_index_groups: Any = None,
    tiled: bool = False,
) -> Any:
    """Lane i gets piece i along ``split_axis`` of every lane, put together along ``concat_axis``.

    Without ``tiled`` the split axis has the size of the named axis and disappears, and a new one appears.
    """
    frame = _one(axis_name)
    if axis_index_groups is not None and not frame.manual:
        raise NotImplementedError("Please open a feature request!")  # JAX's refusal, in its words
    groups = _groups(axis_index_groups, [frame])
    n = len(groups[0]) if groups else frame.axis_size

    def exchange(leaf: Any) -> Array:
        x = asarray(leaf)
        split, concat = canonicalize_axis(split_axis, x.ndim), canonicalize_axis(concat_axis, x.ndim)
        size, op = x.shape[split], _within(frame, groups, lambda n: AllToAll(frame.axis_name, n, split, concat))
        if tiled:
            if size % n:
                raise ValueError(
                    f"The size of all_to_all split_axis ({size}) has to be divisible by the size of the named axis "
                    f"{axis_name} ({n})"
                )
            (pieces,) = apply(op, [type(x)(unwrap(x).unflatten(split, (n, size // n)), x._tag)])
            return type(x)(unwrap(pieces).flatten(concat, concat + 1), x._tag)
        if size != n:
            raise ValueError(
                "all_to_all requires the size of the mapped axis axis_name to equal "
                f"x.shape[split_axis], but they are {n} and {size} respectively."
            )
        return apply(op, [x])[0]

    return tree_map(exchange, x)


def ppermute(x: Any, axis_name: Any, perm: Sequence[tuple[int, int]]) -> Any:
    """Send lane ``src`` to lane ``dst`` for each pair of ``perm``, which under vmap names every lane (as in JAX).

    Several mesh axes count as one, in the mesh's order.
    """
    if names := _several(axis_name):
        return _ppermute_over(x, names, perm)
    frame = _one(axis_name, "ppermute")
    pairs = tuple((int(s) % frame.axis_size, int(d) % frame.axis_size) for s, d in perm)
    if not frame.manual and len(pairs) != frame.axis_size:
        raise AssertionError("Permutation doesn't match the axis size!")
    if len({s for s, _ in pairs}) < len(pairs) or len({d for _, d in pairs}) < len(pairs):
        raise ValueError(f"ppermute sources and destinations must be unique, got {list(perm)}.")
    return _each(x, lambda _: Permute(frame.axis_name, frame.axis_size, pairs))


def _ppermute_over(x: Any, names: Sequence[Any], perm: Sequence[tuple[int, int]]) -> Any:
    """`ppermute` of several mesh axes: each device takes from all values what is sent to it."""
    names = [f.axis_name for f in reversed(list(running())) if f.axis_name in names]
    size = axis_size(tuple(names))
    pairs = [(int(s) % size, int(d) % size) for s, d in perm]
    if len({s for s, _ in pairs}) < len(pairs) or len({d for _, d in pairs}) < len(pairs):
        raise ValueError(f"ppermute sources and destinations must be unique, got {list(perm)}.")
    source = [size] * size  # past the values of all: zeros
    for src, dst in pairs:
        source[dst] = src
    with torch_private.outside():
        sources = constant(torch.tensor(source, device=default_torch_device()))
    here = unwrap(sources).take(unwrap(axis_index(tuple(names))).long())

    def take(leaf: Any) -> Array:
        array = asarray(leaf)
        of_all = unwrap(all_gather(array, tuple(names)))
        padded = torch.cat([of_all, torch.zeros_like(of_all[:1])])
        return type(array)(padded.index_select(0, here.reshape(1)).squeeze(0), array._tag)

    return tree_map(take, x)


def pshuffle(x: Any, axis_name: Any, perm: Sequence[int]) -> Any:
    """Lane i gets the value of lane ``perm[i]``; ``perm`` is a permutation of all lanes."""
    if set(perm) != set(range(len(perm))):
        raise ValueError(f"`perm` does not represent a permutation: {perm}")
    return ppermute(x, axis_name, list(zip(perm, range(len(perm)), strict=True)))


def pswapaxes(x: Any, axis_name: Any, axis: int, *, axis_index_groups: Any = None) -> Any:
    """Swap the named axis with a positional one of the same size."""
    return all_to_all(x, axis_name, axis, axis, axis_index_groups=axis_index_groups)


def axis_index(axis_name: Any) -> Array:
    """The number of this lane on the named axis, int32; of several axes, the first is the slowest."""
    names = axis_name if isinstance(axis_name, tuple | list) else (axis_name,)
    index: Array | None = None
    for name in names:
        if isinstance(name, int):  # no axis of an array is meant here
            raise NameError(f"unbound axis name: {name}")
        frame = find_axis(name, "axis_index")
        (here,) = apply(Index(frame.axis_name, frame.axis_size), [])
        index = here if index is None else Array(unwrap(index) * frame.axis_size + unwrap(here))
    assert index is not None
    return index


def axis_size(axis_name: Any) -> int:
    """The size of the named axis (the product for several)."""
    names, _ = _names(axis_name)
    return int(np.prod([find_axis(n).axis_size for n in names], dtype=int))


def pvary(x: Any, axis_name: Any) -> Any:
    """``x``, which from now on counts as different between the devices along the named axes of `shard_map`."""
    frames = [find_axis(name) for name in _names(axis_name)[0]]
    counted = [f for f in frames if f.manual == "checked"]
    if not counted:
        return x

    def vary(leaf: Any) -> Array:
        array = asarray(leaf)
        for frame in counted:
            if not is_varying(unwrap(array), frame):
                (array,) = apply(Vary(frame.axis_name, frame.axis_size), [array])
        return array

    return tree_map(vary, x)


def pcast(x: Any, axis_name: Any, *, to: str) -> Any:
    """``x`` with another state along the named axes of `shard_map`; served is from the same on all devices to varying."""
    if isinstance(axis_name, set | frozenset):
        raise TypeError(f"axis_name={axis_name!r} must be a tuple or a str. Got {axis_name}")
    if not axis_name:
        return x
    allowed = ("unreduced", "reduced", "varying")
    if to not in allowed:
        raise ValueError(f"Got unexpected `to` value. Allowed `to` values are: {set(allowed)}")
    frames = [find_axis(name) for name in _names(axis_name)[0]]

    def cast(leaf: Any) -> Any:
        array = asarray(leaf)
        varies = _state(array, frames, axis_name, "jax.lax.pcast")
        if to == "varying" and not varies:
            return pvary(array, axis_name)
        if to != "varying" and (to == "unreduced") == varies:
            raise NotImplementedError(f"Arrays that are {to} over a mesh axis are not served")
        raise ValueError(f"Unsupported pcast from={'varying' if varies else 'invarying'}, {to=}")

    return tree_map(cast, x)


def pbroadcast(x: Any, axis_name: Any, source: int) -> Any:
    """The value of lane ``source`` in every lane."""
    frame = _one(axis_name)
    return _each(x, lambda _: Broadcast(frame.axis_name, frame.axis_size, int(source)))
