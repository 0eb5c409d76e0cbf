"""parallel: collectives over the named axes of vmap.

Each is a linear map across the lanes of one axis, so it is an autograd.Function whose vmap rule acts when
functorch has peeled down to that axis' own level and passes through at every other one; its jvp is itself on
the tangent, its backward the transposed collective. A value that is the same in all lanes is spread over them
first, so the rule always runs. `pmax` and `pmin` are not linear and, as in JAX, have no derivative.
"""

# torch types a Function's methods for one signature; each Function has its own.
# pyright: reportIncompatibleMethodOverride=false

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from jaxlike._src import dtypes, torch_private
from jaxlike._src.array import Array
from jaxlike._src.border import asarray, canonicalize_axis, unwrap
from jaxlike._src.devices import default_torch_device
from jaxlike._src.frames import Frame, OuterAxisError, running
from jaxlike._src.tree import tree_flatten, tree_map, tree_unflatten

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


def find_axis(name: Any, fun_name: str = "psum") -> Frame:
    """The frame of the innermost vmap with this axis name; NameError where there is none."""
    inside = traced = False
    for frame in running():
        inside = True
        if frame.axis_name is not None and frame.axis_name == name:
            if traced:
                raise OuterAxisError(name)
            return frame
        traced = traced or frame.trace is not None
    if inside:
        raise NameError(
            f"Found an unbound axis name: {name}. To fix this, please call {fun_name} under `jax.shard_map`."
        )
    raise NameError(f"unbound axis name: {name}")


@dataclasses.dataclass(frozen=True)
class Collective:
    """One collective on one axis: what it does to the stacked lanes ``[n, ...]``, and its transpose."""

    level: int
    size: int

    def on_lanes(self, lanes: Tensor) -> tuple[Tensor, int | None]:
        """The results of all lanes, and the axis that holds the lanes (None: the same in each)."""
        raise NotImplementedError

    def transposed(self) -> Collective:
        """The collective that reverse mode applies to cotangents."""
        raise NotImplementedError

    def __call__(self, tensor: Tensor) -> Tensor:
        """Apply to the values of the axis' lanes."""
        return _OverAxis.apply(tensor, self)


class _OverAxis(torch.autograd.Function):
    @staticmethod
    def forward(x: Tensor, op: Collective) -> Tensor:
        raise AssertionError(f"{op} was reached by a value that has no lanes")

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        del output
        ctx.op = inputs[1]

    @staticmethod
    def backward(ctx: Any, cotangent: Tensor) -> Any:
        return spread(ctx.op.transposed(), cotangent), None

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor, _: Any) -> Any:
        with torch_private.forward_mode(True):
            return spread(ctx.op, torch_private.unpack_dual(tangent)[0].clone())

    @staticmethod
    def vmap(info: Any, in_dims: Any, x: Tensor, op: Collective) -> Any:
        dim = in_dims[0]
        if torch_private.functorch_depth() + 1 != op.level:
            return op(x), dim
        lanes = x.unsqueeze(0).expand(op.size, *x.shape) if dim is None else x.movedim(dim, 0)
        return op.on_lanes(lanes)


def spread(op: Collective, tensor: Tensor) -> Tensor:
    """Apply ``op`` to a value that may be the same in all lanes: give it its lanes first."""
    with torch_private.outside():
        zeros = torch.zeros(op.size, dtype=tensor.dtype, device=default_torch_device())
        zeros = zeros if tensor.dtype is torch.bool or not tensor.dtype.is_floating_point else -zeros
    lanes = torch_private.add_batch_dim(zeros, 0, op.level)
    return op(tensor | lanes if tensor.dtype is torch.bool else tensor + lanes)  # x + -0.0 is x, -0.0 too


@dataclasses.dataclass(frozen=True)
class _Sum(Collective):
    def on_lanes(self, lanes: Tensor) -> tuple[Tensor, int | None]:
        return lanes.sum(0, dtype=lanes.dtype), None

    def transposed(self) -> Collective:
        return self


@dataclasses.dataclass(frozen=True)
class _Extremum(Collective):
    largest: bool

    def on_lanes(self, lanes: Tensor) -> tuple[Tensor, int | None]:
        return (lanes.amax(0) if self.largest else lanes.amin(0)), None

    def transposed(self) -> Collective:
        name = "pmax" if self.largest else "pmin"
        raise NotImplementedError(f"Transpose rule (for reverse-mode differentiation) for '{name}' not implemented")


@dataclasses.dataclass(frozen=True)
class _Gather(Collective):
    axis: int
    tiled: bool

    def on_lanes(self, lanes: Tensor) -> tuple[Tensor, int | None]:
        gathered = lanes.movedim(0, self.axis)
        return (gathered.flatten(self.axis, self.axis + 1) if self.tiled else gathered), None

    def transposed(self) -> Collective:
        return _SumScatter(self.level, self.size, self.axis, self.tiled)


@dataclasses.dataclass(frozen=True)
class _SumScatter(Collective):
    axis: int
    tiled: bool

    def on_lanes(self, lanes: Tensor) -> tuple[Tensor, int | None]:
        total = lanes.sum(0, dtype=lanes.dtype)
        if self.tiled:
            total = total.unflatten(self.axis, (self.size, -1))
        return total.movedim(self.axis, 0), 0

    def transposed(self) -> Collective:
        return _Gather(self.level, self.size, self.axis, self.tiled)


@dataclasses.dataclass(frozen=True)
class _AllToAll(Collective):
    split: int
    concat: int

    def on_lanes(self, lanes: Tensor) -> tuple[Tensor, int | None]:
        # The piece that lane j has for lane i: the split axis becomes the lanes, the lanes the new axis.
        return lanes.movedim(self.split + 1, 0).movedim(1, self.concat + 1), 0

    def transposed(self) -> Collective:
        return _AllToAll(self.level, self.size, self.concat, self.split)


@dataclasses.dataclass(frozen=True)
class _Permute(Collective):
    perm: tuple[tuple[int, int], ...]

    def on_lanes(self, lanes: Tensor) -> tuple[Tensor, int | None]:
        source = [-1] * self.size
        for src, dst in self.perm:
            source[dst] = src
        rows = [lanes[s] if s >= 0 else torch.zeros_like(lanes[0]) for s in source]
        return torch.stack(rows), 0

    def transposed(self) -> Collective:
        return _Permute(self.level, self.size, tuple((d, s) for s, d in self.perm))


@dataclasses.dataclass(frozen=True)
class _Broadcast(Collective):
    source: int

    def on_lanes(self, lanes: Tensor) -> tuple[Tensor, int | None]:
        return lanes[self.source], None

    def transposed(self) -> Collective:
        return _SumTo(self.level, self.size, self.source)


@dataclasses.dataclass(frozen=True)
class _SumTo(Collective):
    target: int

    def on_lanes(self, lanes: Tensor) -> tuple[Tensor, int | None]:
        total = lanes.sum(0, dtype=lanes.dtype)
        rows = [total if k == self.target else torch.zeros_like(total) for k in range(self.size)]
        return torch.stack(rows), 0

    def transposed(self) -> Collective:
        return _Broadcast(self.level, self.size, self.target)


# The public functions


def _names(axis_name: Any) -> tuple[list[Any], list[int]]:
    """Axis names, and positional axes (ints) among them."""
    given = list(axis_name) if isinstance(axis_name, tuple | list) else [axis_name]
    return [n for n in given if not isinstance(n, int)], [n for n in given if isinstance(n, int)]


def _no_groups(axis_index_groups: Any) -> None:
    if axis_index_groups is not None:
        raise NotImplementedError("axis_index_groups not supported in vmap collectives")


def psum(x: Any, axis_name: Any, *, axis_index_groups: Any = None) -> Any:
    """Sum of ``x`` over the lanes of the named axis (or axes); the same in every lane.

    ``x`` is a tree of arrays; a Python number gives a Python number. ``axis_name`` may hold ints, which sum
    over positional axes.
    """
    _no_groups(axis_index_groups)
    names, positions = _names(axis_name)
    frames = [find_axis(n) for n in names]

    def total(leaf: Any) -> Any:
        if type(leaf) in (bool, int, float, complex) and not positions:
            return (int(leaf) if isinstance(leaf, bool) else leaf) * math.prod(f.axis_size for f in frames)
        array = asarray(leaf)
        tensor = unwrap(array)
        if tensor.dtype is torch.bool:
            tensor = tensor.to(dtypes.to_torch(dtypes.default_int_dtype()))
        if positions:
            tensor = tensor.sum([canonicalize_axis(p, tensor.dim()) for p in positions], dtype=tensor.dtype)
        for frame in frames:
            tensor = spread(_Sum(frame.level, frame.axis_size), tensor)
        return Array(tensor, array.weak_type)

    return tree_map(total, x)


def pmean(x: Any, axis_name: Any, *, axis_index_groups: Any = None) -> Any:
    """Mean of ``x`` over the lanes of the named axis."""
    from jaxlike._src.numpy.arithmetic import true_divide

    total = psum(x, axis_name, axis_index_groups=axis_index_groups)
    n = psum(1, axis_name, axis_index_groups=axis_index_groups)
    return tree_map(lambda v: true_divide(v, n), total)


def _extremum(x: Any, axis_name: Any, largest: bool) -> Any:
    names, positions = _names(axis_name)
    frames = [find_axis(n) for n in names]

    def reduce(leaf: Any) -> Any:
        array = asarray(leaf)
        tensor = unwrap(array)
        if positions:
            axes = [canonicalize_axis(p, tensor.dim()) for p in positions]
            tensor = tensor.amax(axes) if largest else tensor.amin(axes)
        for frame in frames:
            tensor = spread(_Extremum(frame.level, frame.axis_size, largest), tensor)
        return Array(tensor, array.weak_type)

    return tree_map(reduce, x)


def pmax(x: Any, axis_name: Any, *, axis_index_groups: Any = None) -> Any:
    """Greatest value of ``x`` over the lanes of the named axis."""
    _no_groups(axis_index_groups)
    return _extremum(x, axis_name, largest=True)


def pmin(x: Any, axis_name: Any, *, axis_index_groups: Any = None) -> Any:
    """Least value of ``x`` over the lanes of the named axis."""
    _no_groups(axis_index_groups)
    return _extremum(x, axis_name, largest=False)


def _each(x: Any, make: Any) -> Any:
    leaves, treedef = tree_flatten(x)
    outs = []
    for leaf in leaves:
        array = asarray(leaf)
        tensor = make(unwrap(array))
        outs.append(Array(tensor, array.weak_type))
    return tree_unflatten(treedef, outs)


def _one(axis_name: Any) -> Frame:
    names, positions = _names(axis_name)
    if len(names) != 1 or positions:
        raise NotImplementedError(f"this collective takes one axis name, got {axis_name}")
    return find_axis(names[0])


def all_gather(
    x: Any, axis_name: Any, *, axis_index_groups: Any = None, axis: int = 0, tiled: bool = False, to: str = "varying"
) -> Any:
    """Values of all lanes, stacked along a new ``axis`` (``tiled``: concatenated along the existing one)."""
    del to
    _no_groups(axis_index_groups)
    frame = _one(axis_name)

    def gather(tensor: Tensor) -> Tensor:
        at = canonicalize_axis(axis, tensor.dim() + (not tiled))
        return spread(_Gather(frame.level, frame.axis_size, at, tiled), tensor)

    return _each(x, gather)


def psum_scatter(
    x: Any, axis_name: Any, *, scatter_dimension: int = 0, axis_index_groups: Any = None, tiled: bool = False
) -> Any:
    """Sum over lanes, of which each lane keeps its own piece along ``scatter_dimension``."""
    _no_groups(axis_index_groups)
    frame = _one(axis_name)

    def scatter(tensor: Tensor) -> Tensor:
        at = canonicalize_axis(scatter_dimension, tensor.dim())
        n, size = frame.axis_size, tensor.shape[at]
        if tiled and size % n:
            raise ValueError(
                f"tiled reduce_scatter operand scatter dimension size {size} must be divisible by shard_count {n}"
            )
        if not tiled and size != n:
            raise ValueError(f"reduce_scatter operand scatter dimension size {size} must match shard count {n}")
        return spread(_SumScatter(frame.level, n, at, tiled), tensor)

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
    _no_groups(axis_index_groups)
    frame = _one(axis_name)
    n = frame.axis_size

    def exchange(tensor: Tensor) -> Tensor:
        split, concat = canonicalize_axis(split_axis, tensor.dim()), canonicalize_axis(concat_axis, tensor.dim())
        size = tensor.shape[split]
        if tiled:
            if size % n:
                raise ValueError(
                    f"The size of all_to_all split_axis ({size}) has to be divisible by the size of the named axis "
                    f"{axis_name} ({n})"
                )
            pieces = tensor.unflatten(split, (n, size // n))
            return spread(_AllToAll(frame.level, n, split, concat), pieces).flatten(concat, concat + 1)
        if size != n:
            raise ValueError(
                "all_to_all requires the size of the mapped axis axis_name to equal "
                f"x.shape[split_axis], but they are {n} and {size} respectively."
            )
        return spread(_AllToAll(frame.level, n, split, concat), tensor)

    return _each(x, exchange)


def ppermute(x: Any, axis_name: Any, perm: Sequence[tuple[int, int]]) -> Any:
    """Send lane ``src`` to lane ``dst`` for each pair of ``perm``, which names every lane (JAX's rule for vmap)."""
    frame = _one(axis_name)
    pairs = tuple((int(s) % frame.axis_size, int(d) % frame.axis_size) for s, d in perm)
    if len({s for s, _ in pairs}) != len(pairs) or len({d for _, d in pairs}) != len(pairs):
        raise ValueError(f"ppermute sources and destinations must be unique, got {list(perm)}")
    if len(pairs) != frame.axis_size:
        raise AssertionError("Permutation doesn't match the axis size!")
    return _each(x, lambda t: spread(_Permute(frame.level, frame.axis_size, pairs), t))


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
    index: Tensor | None = None
    for name in names:
        frame = find_axis(name)
        with torch_private.outside():
            lanes = torch.arange(frame.axis_size, dtype=torch.int32, device=default_torch_device())
        here = torch_private.add_batch_dim(lanes, 0, frame.level)
        index = here if index is None else index * frame.axis_size + here
    assert index is not None
    return Array(index)


def axis_size(axis_name: Any) -> int:
    """The size of the named axis (the product for several)."""
    names, _ = _names(axis_name)
    return int(np.prod([find_axis(n).axis_size for n in names], dtype=int))


def pvary(x: Any, axis_name: Any) -> Any:
    """``x``: all values may differ between the lanes of a vmap."""
    for name in _names(axis_name)[0]:
        find_axis(name)
    return x


def pbroadcast(x: Any, axis_name: Any, source: int) -> Any:
    """The value of lane ``source`` in every lane."""
    frame = _one(axis_name)
    return _each(x, lambda t: spread(_Broadcast(frame.level, frame.axis_size, int(source)), t))
