"""blocks: a function of one device's block of each array, run for all devices of a mesh.

All devices are simulated in this process: the blocks are stacked along new axes in front, one for each mesh axis that an
array is split over, and the function runs once under a batching level for each axis, where collectives find its name.
Devices of other processes would run it on their own blocks, with collectives of torch.distributed: `run_blocks` is the
place where that is decided.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jaxlike._src import torch_private
from jaxlike._src.array import Array
from jaxlike._src.border import unwrap
from jaxlike._src.frames import Frame
from jaxlike._src.transforms.leaks import check_leaks
from jaxlike._src.varying import is_varying

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from jaxlike._src.partition_spec import P


@dataclass(frozen=True)
class Axes:
    """The mesh axes that a function is mapped over, outermost first, and how."""

    names: tuple[Any, ...]
    sizes: dict[Any, int]
    checked: bool  # whether it counts which values differ between devices
    fun_name: str

    def parts(self, names: Sequence[Any]) -> int:
        """How many blocks an axis is split into by these mesh axes."""
        return math.prod(self.sizes[n] for n in names)


def names_of(spec: P) -> list[tuple[Any, ...]]:
    """For each entry of a spec the mesh axes that it names."""
    return [() if e is None else e if isinstance(e, tuple) else (e,) for e in spec.partitions]


def used(spec: P) -> frozenset[Any]:
    """All mesh axes that a spec names."""
    return frozenset(n for names in names_of(spec) for n in names)


def split(x: Array, spec: P, axes: Axes) -> Array:
    """``[a, b, ...]`` to ``[mesh axes of the spec, block of a, block of b, ...]``."""
    tensor, lanes = unwrap(x), {}
    at = 0
    for names in names_of(spec):
        if names:
            sizes = [axes.sizes[n] for n in names]
            tensor = tensor.unflatten(at, (*sizes, tensor.shape[at] // math.prod(sizes)))
            lanes.update({n: at + k for k, n in enumerate(names)})
            at += len(names)
        at += 1
    if not lanes:
        return x
    front = [lanes[n] for n in axes.names if n in lanes]
    rest = [d for d in range(tensor.dim()) if d not in front]
    return type(x)(tensor.permute(front + rest), x._tag)


def join(x: Array, spec: P, axes: Axes) -> Array:
    """Inverse of `split`."""
    order = {n: k for k, n in enumerate(n for n in axes.names if n in used(spec))}
    if not order:
        return x
    tensor, count = unwrap(x), len(order)
    permuted: list[int] = []
    groups: list[tuple[int, int]] = []  # where in the permuted tensor each axis starts, and of how many it is made
    per_axis = names_of(spec)
    for d in range(tensor.dim() - count):
        names = per_axis[d] if d < len(per_axis) else ()
        groups.append((len(permuted), len(names) + 1))
        permuted += [*(order[n] for n in names), count + d]
    tensor = tensor.permute(permuted)
    for start, length in reversed(groups):
        if length > 1:
            tensor = tensor.flatten(start, start + length - 1)
    return type(x)(tensor, x._tag)


def run_blocks(
    body: Callable[[list[Any], list[Frame]], tuple[list[Array], list[P]]],
    args: Sequence[Any],
    specs: Sequence[P],
    axes: Axes,
) -> list[Array]:
    """Run ``body`` on all devices of the axes.

    Args:
        body: gets the blocks, and the frames of the axes; returns results with the spec of each.
        args: whole Arrays.
        specs: how each is split.
        axes: the mesh axes.

    Returns:
        Whole Arrays, the blocks put together.
    """
    made: list[P] = []

    def inside(arrays: list[Any], frames: list[Frame]) -> list[Array]:
        if len(frames) < len(axes.names):
            return _level(inside, arrays, specs, made, axes, frames)
        outs, out_specs = body(arrays, frames)
        made.extend(out_specs)
        return outs

    outs = inside([split(x, s, axes) for x, s in zip(args, specs, strict=True)], [])
    return [join(x, s, axes) for x, s in zip(outs, made, strict=True)]


def _level(
    inside: Callable[[list[Any], list[Frame]], list[Array]],
    arrays: Sequence[Array],
    specs: Sequence[P],
    out_specs: Sequence[P],
    axes: Axes,
    frames: list[Frame],
) -> list[Array]:
    """One mesh axis: a batching level around the rest."""
    name = axes.names[len(frames)]
    size = axes.sizes[name]
    tensors = [unwrap(x) for x in arrays]
    manual = "checked" if axes.checked else "unchecked"
    with Frame("vmap", axis_name=name, axis_size=size, fun_name=axes.fun_name, manual=manual) as frame:
        level = frame.level = torch_private.enter_vmap(size)
        try:
            blocks = [
                type(x)(torch_private.add_batch_dim(t, 0, level), x._tag) if name in used(s) else x
                for x, t, s in zip(arrays, tensors, specs, strict=True)
            ]
            outs = inside(blocks, [*frames, frame])
            left = [
                (type(x), _leave(unwrap(x), frame, size, name in used(s)), x._tag)
                for x, s in zip(outs, out_specs, strict=True)
            ]
        finally:
            torch_private.exit_vmap()
    del blocks, outs
    check_leaks(frame)
    return [kind(t, tag) for kind, t, tag in left]


def _leave(tensor: Tensor, frame: Frame, size: int, split: bool) -> Tensor:
    """A result outside of an axis: its blocks stacked in front, or the first device's value where one is wanted."""
    if split:
        return torch_private.remove_batch_dim(tensor, frame.level, size, 0)
    if is_varying(tensor, frame):
        return torch_private.remove_batch_dim(tensor, frame.level, size, 0).select(0, 0)
    return tensor
