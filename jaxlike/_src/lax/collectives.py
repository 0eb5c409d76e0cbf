"""collectives: what each collective over a named axis of vmap does to the lanes, as an operation with rules.

Each is a `Structured` operation on one Array that only the vmap with its axis' name can carry out, with all lanes
at hand; every other vmap passes it through, its axes shifted. Loops and branches keep it in their graphs. Linear ones
are their own derivative, and are transposed by another one; `pmax` and `pmin` have no derivative, as in JAX.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import torch

from jaxlike._src import torch_private
from jaxlike._src.array import Array
from jaxlike._src.border import unwrap
from jaxlike._src.devices import default_torch_device
from jaxlike._src.frames import Frame, running
from jaxlike._src.regions import as_one, is_recorded
from jaxlike._src.transforms.structured import Structured, apply, stand_in, with_lanes
from jaxlike._src.varying import union

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


def find_axis(name: Any, fun_name: str = "") -> Frame:
    """The frame of the innermost vmap with this axis name; NameError, which names a function if it is given."""
    hash(name)  # an array is no name
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
        raise NotImplementedError  # each collective's own

    def shifted(self) -> Collective:
        """The same where every operand has one more axis in front."""
        return self

    def transposed(self) -> Collective:
        """The collective that reverse mode applies to cotangents."""
        raise NotImplementedError  # each collective's own

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


_OVER_LANES = {"axes": (0,), "axis_index_groups": None}  # what a jaxpr shows of a reduction over lanes


class Sum(Collective):
    """The total."""

    name = "psum"

    def on_lanes(self, lanes: Tensor) -> tuple[Tensor, bool]:
        """Summed."""
        return as_one(self.name, _OVER_LANES, lambda t: t.sum(0, dtype=t.dtype), lanes), False

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
        return as_one(self.name, _OVER_LANES, torch.Tensor.amax if self.largest else torch.Tensor.amin, lanes, 0), False

    def vmap(self, frame: Frame, args: Sequence[Array], mapped: Sequence[bool]) -> tuple[list[Array], list[bool]]:
        """Between devices it has no derivative, between lanes it is a reduction like any other."""
        if frame.axis_name == self.axis and frame.manual and mapped[0]:
            return apply(_Reduction(self), args), [False]
        return super().vmap(frame, args, mapped)

    jvp, vjp = Structured.jvp, Structured.vjp  # there is none


class _Reduction(Structured):
    """The values of all devices, stacked, reduced; without a derivative."""

    def __init__(self, of: Collective) -> None:
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
        made, has = self.of.on_lanes(unwrap(x).transpose(0, 1))
        return [type(x)(made.transpose(0, 1) if has else made, x._tag)], list(mapped)


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


class Grouped(Collective):
    """Another collective within each of some groups of lanes, which cover the axis."""

    varies = True

    def __init__(self, axis: Any, size: int, groups: tuple[tuple[int, ...], ...], within: Collective) -> None:
        super().__init__(axis, size)
        self.groups, self.within, self.name = groups, within, within.name

    def on_lanes(self, lanes: Tensor) -> tuple[Tensor, bool]:
        """The groups' results, each in its lane."""
        results: dict[int, Tensor] = {}
        for group in self.groups:
            made, has = self.within.on_lanes(torch.stack([lanes[k] for k in group]))
            results.update(zip(group, made.unbind(0) if has else [made] * len(group), strict=True))
        return torch.stack([results[k] for k in range(self.size)]), True

    def shifted(self) -> Collective:
        """One axis further back."""
        return Grouped(self.axis, self.size, self.groups, self.within.shifted())

    def transposed(self) -> Collective:
        """Transposed within the groups."""
        return Grouped(self.axis, self.size, self.groups, self.within.transposed())

    def params(self) -> dict[str, Any]:
        """As JAX's jaxprs show it."""
        return super().params() | {"axis_index_groups": self.groups}

    def vmap(self, frame: Frame, args: Sequence[Array], mapped: Sequence[bool]) -> tuple[list[Array], list[bool]]:
        """See `Extremum.vmap`."""
        if isinstance(self.within, Extremum) and frame.axis_name == self.axis and frame.manual and mapped[0]:
            return apply(_Reduction(self), args), [True]
        return super().vmap(frame, args, mapped)

    def jvp(self, primals: Sequence[Array], tangents: Sequence[Any]) -> tuple[list[Array], list[Any]]:
        """The same of the tangent, where it is linear."""
        return (Structured if isinstance(self.within, Extremum) else Collective).jvp(self, primals, tangents)

    def vjp(self, primals: Sequence[Array], perturbed: Sequence[bool]) -> Any:
        """The transposed one of the cotangent, where it is linear."""
        return (Structured if isinstance(self.within, Extremum) else Collective).vjp(self, primals, perturbed)


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
        with contextlib.nullcontext() if is_recorded() else torch_private.outside():
            numbers = torch.arange(self.size, dtype=torch.int32, device=default_torch_device())
        return [Array(numbers)], [True]

    def params(self) -> dict[str, Any]:
        """As JAX's jaxprs show it."""
        return {"axis_name": self.axis}


def total_over(x: Array, frame: Frame) -> Array:
    """The sum over one axis."""
    return apply(Sum(frame.axis_name, frame.axis_size), [x])[0]
