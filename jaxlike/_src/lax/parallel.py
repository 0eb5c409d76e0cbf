"""parallel: collectives over the named axes of vmap.

Each is a `Structured` operation on one Array that only the vmap with its axis' name can carry out, with all lanes
at hand; every other vmap passes it through, its axes shifted. Loops and branches keep it in their graphs. Linear ones
are their own derivative, and are transposed by another one; `pmax` and `pmin` have no derivative, as in JAX.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src import dtypes, torch_private
from jaxlike._src.array import Array
from jaxlike._src.border import asarray, astype, canonicalize_axis, is_traced, unwrap
from jaxlike._src.devices import default_torch_device
from jaxlike._src.frames import Frame, running
from jaxlike._src.transforms.structured import Structured, apply, stand_in, with_lanes
from jaxlike._src.tree import tree_leaves, tree_map
from jaxlike._src.varying import is_varying, union

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor


def find_axis(name: Any, fun_name: str = "") -> Frame:
    """The frame of the innermost vmap with this axis name; NameError, which names a function if it is given."""
    for frame in running():
        if frame.axis_name is not None and frame.axis_name == name:
            return frame
    raise unbound(name, fun_name)


def unbound(name: Any, fun_name: str) -> NameError:
    """What is said of a name that no running vmap has."""
    if not fun_name:
        return NameError(f"unbound axis name: {name}")
    return NameError(f"Found an unbound axis name: {name}. To fix this, please call {fun_name} under `jax.shard_map`.")


class Collective(Structured):
    """What one collective on one named axis does to all lanes, stacked to ``[n, ...]``."""

    is_closed = False
    varies = False  # whether its result counts as different between devices of a mesh even where it is the same

    def __init__(self, axis: Any, size: int) -> None:
        self.axis, self.size = axis, size
        self.axes = frozenset([axis])

    def on_lanes(self, lanes: Tensor) -> tuple[Tensor, bool]:
        """The results, and whether they differ between lanes, which are then along axis 0."""
        raise NotImplementedError

    def shifted(self) -> Collective:
        """The same where every operand has one more axis in front."""
        return self

    def transposed(self) -> Collective:
        """The collective that reverse mode applies to cotangents."""
        raise NotImplementedError

    def varying(self, axes: Sequence[frozenset[Any]]) -> frozenset[Any]:
        """Along its own axis too, unless it makes values the same."""
        return union(axes) | self.axes if self.varies else union(axes) - self.axes

    def run(self, args: Sequence[Array]) -> list[Array]:
        """Not outside of its vmap."""
        raise unbound(self.axis, self.name)

    def recorded(self, args: Sequence[Array]) -> Any:
        """One node."""
        outs = []
        for x in args:
            with torch_private.outside():
                lanes = torch.empty((self.size, *x._t.shape), dtype=x._t.dtype, device="meta")
                made, has = self.on_lanes(lanes)
                outs.append(type(x)(stand_in(made[0] if has else made), x._tag))
        return self, lambda: None, [], outs

    def params(self) -> dict[str, Any]:
        """As JAX's jaxprs show it."""
        return {"axes": (self.axis,), "axis_index_groups": None}

    def jvp(self, primals: Sequence[Array], tangents: Sequence[Any]) -> tuple[list[Array], list[Any]]:
        """The same of the tangent."""
        return apply(self, primals), apply(self, tangents)

    def vjp(self, primals: Sequence[Array], perturbed: Sequence[bool]) -> Any:
        """The transposed one of the cotangent."""
        del perturbed
        outs = apply(self, primals)
        return outs, lambda given: [None] if given[0] is None else apply(self.transposed(), given)

    def vmap(self, frame: Frame, args: Sequence[Array], mapped: Sequence[bool]) -> tuple[list[Array], list[bool]]:
        """Over its own axis: what it does. Over another: the same for each lane."""
        if frame.axis_name == self.axis:
            x = args[0] if mapped[0] else with_lanes(args[0], False, True, frame)
            made, has = self.on_lanes(unwrap(x))
            if self.varies and not has and frame.manual == "checked":
                made, has = made.expand(self.size, *made.shape), True
            return [type(x)(made, x._tag)], [has]
        return apply(self.shifted() if mapped[0] else self, args), list(mapped)


class Sum(Collective):
    """The total."""

    name = "psum"

    def on_lanes(self, lanes: Tensor) -> tuple[Tensor, bool]:
        """Summed."""
        return lanes.sum(0, dtype=lanes.dtype), False

    def transposed(self) -> Collective:
        """Itself."""
        return self


class Extremum(Collective):
    """The greatest or least value."""

    def __init__(self, axis: Any, size: int, largest: bool) -> None:
        super().__init__(axis, size)
        self.largest, self.name = largest, "pmax" if largest else "pmin"

    def on_lanes(self, lanes: Tensor) -> tuple[Tensor, bool]:
        """Reduced."""
        return (lanes.amax(0) if self.largest else lanes.amin(0)), False

    def vmap(self, frame: Frame, args: Sequence[Array], mapped: Sequence[bool]) -> tuple[list[Array], list[bool]]:
        """Between devices it has no derivative, between lanes it is a reduction like any other."""
        if frame.axis_name == self.axis and frame.manual and mapped[0]:
            return apply(_Reduction(self), args), [False]
        return super().vmap(frame, args, mapped)

    jvp, vjp = Structured.jvp, Structured.vjp  # there is none


class _Reduction(Structured):
    """The values of all devices, stacked, reduced; without a derivative."""

    def __init__(self, of: Extremum) -> None:
        self.of, self.name = of, of.name

    def run(self, args: Sequence[Array]) -> list[Array]:
        """Reduced."""
        return [type(x)(self.of.on_lanes(unwrap(x))[0], x._tag) for x in args]

    def closed(self, run: Any, more: int) -> Structured:
        """It closes over nothing."""
        del run, more
        return self

    def vmap(self, frame: Frame, args: Sequence[Array], mapped: Sequence[bool]) -> tuple[list[Array], list[bool]]:
        """The same for each lane."""
        (x,) = args
        return [type(x)(self.of.on_lanes(unwrap(x).transpose(0, 1))[0], x._tag)], list(mapped)


class Gather(Collective):
    """All values, along a new axis or an old one."""

    name = "all_gather"
    varies = True

    def __init__(self, axis: Any, size: int, dim: int, tiled: bool) -> None:
        super().__init__(axis, size)
        self.dim, self.tiled = dim, tiled

    def on_lanes(self, lanes: Tensor) -> tuple[Tensor, bool]:
        """The lanes' axis, moved."""
        gathered = lanes.movedim(0, self.dim)
        return (gathered.flatten(self.dim, self.dim + 1) if self.tiled else gathered), False

    def shifted(self) -> Collective:
        """One axis further back."""
        return type(self)(self.axis, self.size, self.dim + 1, self.tiled)

    def transposed(self) -> Collective:
        """Each lane's own piece of the sum."""
        return SumScatter(self.axis, self.size, self.dim, self.tiled)


class SumScatter(Gather):
    """The total, of which each lane keeps its piece."""

    name = "reduce_scatter"

    def on_lanes(self, lanes: Tensor) -> tuple[Tensor, bool]:
        """Summed, and one axis made the lanes'."""
        total = lanes.sum(0, dtype=lanes.dtype)
        if self.tiled:
            total = total.unflatten(self.dim, (self.size, -1))
        return total.movedim(self.dim, 0), True

    def transposed(self) -> Collective:
        """The pieces put together."""
        return Gather(self.axis, self.size, self.dim, self.tiled)


class AllToAll(Collective):
    """The piece that lane j has for lane i: the split axis becomes the lanes', the lanes' the new axis."""

    name = "all_to_all"
    varies = True

    def __init__(self, axis: Any, size: int, split: int, concat: int) -> None:
        super().__init__(axis, size)
        self.split, self.concat = split, concat

    def on_lanes(self, lanes: Tensor) -> tuple[Tensor, bool]:
        """Two axes, moved."""
        return lanes.movedim(self.split + 1, 0).movedim(1, self.concat + 1), True

    def shifted(self) -> Collective:
        """One axis further back."""
        return AllToAll(self.axis, self.size, self.split + 1, self.concat + 1)

    def transposed(self) -> Collective:
        """The other way."""
        return AllToAll(self.axis, self.size, self.concat, self.split)


class Permute(Collective):
    """Values sent from lane to lane."""

    name = "ppermute"
    varies = True

    def __init__(self, axis: Any, size: int, perm: tuple[tuple[int, int], ...]) -> None:
        super().__init__(axis, size)
        self.perm = perm

    def on_lanes(self, lanes: Tensor) -> tuple[Tensor, bool]:
        """The lanes in another order."""
        source = [-1] * self.size
        for src, dst in self.perm:
            source[dst] = src
        return torch.stack([lanes[s] if s >= 0 else torch.zeros_like(lanes[0]) for s in source]), True

    def transposed(self) -> Collective:
        """Back."""
        return Permute(self.axis, self.size, tuple((d, s) for s, d in self.perm))


class Broadcast(Collective):
    """One lane's value."""

    name = "pbroadcast"
    varies = True

    def __init__(self, axis: Any, size: int, source: int) -> None:
        super().__init__(axis, size)
        self.source = source

    def on_lanes(self, lanes: Tensor) -> tuple[Tensor, bool]:
        """That lane."""
        return lanes[self.source], False

    def transposed(self) -> Collective:
        """The total, for that lane."""
        return SumTo(self.axis, self.size, self.source)


class SumTo(Broadcast):
    """The total in one lane, zero in the others."""

    name = "sum_to"

    def on_lanes(self, lanes: Tensor) -> tuple[Tensor, bool]:
        """Summed, and placed."""
        total = lanes.sum(0, dtype=lanes.dtype)
        return torch.stack([total if k == self.source else torch.zeros_like(total) for k in range(self.size)]), True

    def transposed(self) -> Collective:
        """That lane's value in every lane."""
        return Broadcast(self.axis, self.size, self.source)


class Vary(Collective):
    """The same value, which from now on counts as different between lanes."""

    name = "pvary"
    varies = True

    def on_lanes(self, lanes: Tensor) -> tuple[Tensor, bool]:
        """Themselves."""
        return lanes, True

    def transposed(self) -> Collective:
        """Itself: cotangents are each lane's share of a sum already (see `varying`)."""
        return self


class Index(Collective):
    """The number of the lane; it takes nothing."""

    name = "axis_index"
    varies = True

    def recorded(self, args: Sequence[Array]) -> Any:
        """One node."""
        with torch_private.outside():
            number = torch.empty((), dtype=torch.int32, device="meta")
        return self, lambda: None, [], [Array(number)]

    def vmap(self, frame: Frame, args: Sequence[Array], mapped: Sequence[bool]) -> tuple[list[Array], list[bool]]:
        """Over its own axis: the numbers of the lanes."""
        if frame.axis_name != self.axis:
            return apply(self, args), [False]
        with torch_private.outside():
            numbers = torch.arange(self.size, dtype=torch.int32, device=default_torch_device())
        return [Array(numbers)], [True]

    def params(self) -> dict[str, Any]:
        """As JAX's jaxprs show it."""
        return {"axis_name": self.axis}


def total_over(x: Array, frame: Frame) -> Array:
    """The sum over one axis."""
    return apply(Sum(frame.axis_name, frame.axis_size), [x])[0]


# The public functions


def _names(axis_name: Any) -> tuple[list[Any], list[int]]:
    """Axis names, and positional axes (ints) among them."""
    given = list(axis_name) if isinstance(axis_name, tuple | list) else [axis_name]
    return [n for n in given if not isinstance(n, int)], [n for n in given if isinstance(n, int)]


def _no_groups(axis_index_groups: Any, of: str = " collectives. Please open a feature request!") -> None:
    if axis_index_groups is not None:
        raise NotImplementedError(f"axis_index_groups not supported in vmap{of}")


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
    _no_groups(axis_index_groups)
    names, positions = _names(axis_name)
    frames = _frames(names, x, "psum")

    def total(leaf: Any) -> Any:
        if type(leaf) in (bool, int, float, complex) and not positions:
            return (int(leaf) if isinstance(leaf, bool) else leaf) * math.prod(f.axis_size for f in frames)
        array = asarray(leaf)
        if array.dtype == np.bool_:
            array = astype(array, dtypes.default_int_dtype(), array.weak_type)
        if positions:
            tensor = unwrap(array)
            tensor = tensor.sum([canonicalize_axis(p, tensor.dim()) for p in positions], dtype=tensor.dtype)
            array = Array(tensor, array.weak_type)
        _state(array, frames, axis_name, "jax.lax.psum")
        for frame in frames:
            array = total_over(array, frame)
        return array

    return tree_map(total, x)


def pmean(x: Any, axis_name: Any, *, axis_index_groups: Any = None) -> Any:
    """Mean of ``x`` over the lanes of the named axis."""
    from jaxlike._src.numpy.arithmetic import true_divide

    total = psum(x, axis_name, axis_index_groups=axis_index_groups)
    n = psum(1, axis_name, axis_index_groups=axis_index_groups)
    return tree_map(lambda v: true_divide(v, n), total)


def _extremum(x: Any, axis_name: Any, largest: bool) -> Any:
    names, positions = _names(axis_name)
    frames = [find_axis(n, "pmax" if largest else "pmin") for n in names]

    def reduce(leaf: Any) -> Any:
        array = asarray(leaf)
        if positions:
            tensor = unwrap(array)
            axes = [canonicalize_axis(p, tensor.dim()) for p in positions]
            array = Array(tensor.amax(axes) if largest else tensor.amin(axes), array.weak_type)
        for frame in frames:
            (array,) = apply(Extremum(frame.axis_name, frame.axis_size, largest), [array])
        return array

    return tree_map(reduce, x)


def pmax(x: Any, axis_name: Any, *, axis_index_groups: Any = None) -> Any:
    """Greatest value of ``x`` over the lanes of the named axis."""
    _no_groups(axis_index_groups)
    return _extremum(x, axis_name, largest=True)


def pmin(x: Any, axis_name: Any, *, axis_index_groups: Any = None) -> Any:
    """Least value of ``x`` over the lanes of the named axis."""
    _no_groups(axis_index_groups)
    return _extremum(x, axis_name, largest=False)


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


def all_gather(
    x: Any, axis_name: Any, *, axis_index_groups: Any = None, axis: int = 0, tiled: bool = False, to: str = "varying"
) -> Any:
    """Values of all lanes, stacked along a new ``axis`` (``tiled``: concatenated along the existing one)."""
    _no_groups(axis_index_groups, "")
    if names := _several(axis_name):
        for name in reversed(names):
            x = all_gather(x, name, axis=axis, tiled=tiled, to=to)
        return x if tiled else tree_map(lambda leaf: _merged(leaf, axis, len(names)), x)
    frame = _one(axis_name)

    def gather(shape: tuple[int, ...]) -> Collective:
        at = canonicalize_axis(axis, len(shape) + (not tiled))
        return Gather(frame.axis_name, frame.axis_size, at, tiled)

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
    _no_groups(axis_index_groups, "")
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
        n, size = frame.axis_size, shape[at]
        if tiled and size % n:
            raise ValueError(
                f"tiled reduce_scatter operand scatter dimension size {size} must be divisible by shard_count {n}"
            )
        if not tiled and size != n:
            raise ValueError(f"reduce_scatter operand scatter dimension size {size} must match shard count {n}")
        return SumScatter(frame.axis_name, n, at, tiled)

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
    if axis_index_groups is not None:
        raise NotImplementedError("Please open a feature request!")
    frame = _one(axis_name)
    n = frame.axis_size

    def exchange(leaf: Any) -> Array:
        x = asarray(leaf)
        split, concat = canonicalize_axis(split_axis, x.ndim), canonicalize_axis(concat_axis, x.ndim)
        size, op = x.shape[split], AllToAll(frame.axis_name, n, split, concat)
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
    """Send lane ``src`` to lane ``dst`` for each pair of ``perm``, which names every lane (JAX's rule for vmap)."""
    frame = _one(axis_name, "ppermute")
    pairs = tuple((int(s) % frame.axis_size, int(d) % frame.axis_size) for s, d in perm)
    if not frame.manual and len(pairs) != frame.axis_size:
        raise AssertionError("Permutation doesn't match the axis size!")
    if len({s for s, _ in pairs}) < len(pairs) or len({d for _, d in pairs}) < len(pairs):
        raise ValueError(f"ppermute sources and destinations must be unique, got {list(perm)}.")
    return _each(x, lambda _: Permute(frame.axis_name, frame.axis_size, pairs))


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
    names, _ = _names(axis_name)
    index: Array | None = None
    for name in names:
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
