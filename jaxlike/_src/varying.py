"""varying: along which axes of a mesh a value differs inside of `shard_map`, and what reverse mode makes of that.

Inside, a value is batched at the level of an axis exactly where it may differ along it. The cotangent of a value that is
the same on all devices is the sum of what each device makes of it; until the end each keeps its share. A result that
is the same everywhere therefore starts with an equal share of its cotangent, and what an input that is the same
everywhere gets is summed. In between nothing changes: `psum` is its own transpose.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from jaxlike._src import torch_private
from jaxlike._src.array import Array
from jaxlike._src.border import unwrap
from jaxlike._src.frames import STATE, Frame, running

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


def counted_axes() -> list[Frame]:
    """The frames of mesh axes along which it counts where values differ, innermost first."""
    if STATE.frame is None:
        return []
    return [f for f in running() if f.manual == "checked"]


def is_varying(tensor: Tensor, frame: Frame) -> bool:
    """Whether the value may differ along the axis of a frame."""
    while torch_private.is_wrapped(tensor):
        if torch_private.batch_dim_at(tensor, frame.level) is not None:
            return True
        tensor = torch_private.wrapped_value(tensor)
    if tensor.device.type != "meta":
        return False
    known = getattr(tensor, _MARK, None)
    if known is not None:
        return frame.axis_name in known
    for inner in running():  # a trace inside of the axis has no batches: what its nodes read tells
        if inner is frame:
            break
        if inner.trace is not None and (var := inner.trace.vars.get(id(tensor))) is not None:
            return frame.axis_name in _in_trace(inner.trace).get(var, ())
    return False


_MARK = "varying_over"  # an attribute of tensors that stand for values
_NOWHERE: frozenset[Any] = frozenset()


def axes_of(tensor: Tensor, frames: Sequence[Frame]) -> frozenset[Any]:
    """The names of the axes along which the value may differ."""
    return frozenset(f.axis_name for f in frames if is_varying(tensor, f))


def mark(stand_in: Tensor, like: Tensor) -> Tensor:
    """``stand_in``, which stands for a value that may differ where ``like`` may."""
    frames = counted_axes()
    if frames:
        setattr(stand_in, _MARK, axes_of(like, frames))
    return stand_in


def signature(arrays: Sequence[Any]) -> tuple[Any, ...]:
    """What a trace of these arguments depends on beside their types; nothing outside of `shard_map`."""
    frames = counted_axes()
    return tuple(axes_of(x._t, frames) for x in arrays) if frames else ()


def _in_trace(trace: Any) -> dict[Any, frozenset[Any]]:
    """For the values that a running trace has made so far, the axes along which they may differ."""
    frames = counted_axes()
    seen, known = trace.varying
    for var, example in zip(trace.inputs, trace.examples, strict=False):
        if var not in known:
            known[var] = axes_of(example._t, frames)
    for var, _, x in list(trace.lifted.values()):
        if var not in known:
            known[var] = axes_of(x._t, frames)
    _follow(trace.nodes[seen:], known)
    trace.varying = len(trace.nodes), known
    return known


def through(graph: Any, given: Sequence[frozenset[Any]]) -> list[frozenset[Any]]:
    """The axes along which the results of a graph may differ, where its inputs may differ along ``given``."""
    known = dict(zip([*graph.inputs, *graph.lifted_vars], given, strict=False))
    frames = counted_axes()
    closed = zip(graph.lifted_vars, graph.lifted, strict=True)
    known.update({v: axes_of(x._t, frames) for v, x in closed if v not in known})
    _follow(graph.nodes, known)
    return [known.get(v, _NOWHERE) for v in graph.outputs]


def union(axes: Sequence[frozenset[Any]]) -> frozenset[Any]:
    """All of the axes."""
    return frozenset().union(*axes)


def _follow(nodes: Sequence[Any], known: dict[Any, frozenset[Any]]) -> None:
    for node in nodes:
        read = [known.get(v, _NOWHERE) for v in node.reads()]
        rule = getattr(node.op, "varying", union)
        made = rule(read)
        each = [made] * len(node.outs) if isinstance(made, frozenset) else made
        known.update({v: axes for v, axes in zip(node.outs, each, strict=True) if v is not None})


def same_along(tensor: Tensor, frames: Sequence[Frame]) -> list[Frame]:
    """The axes along which the value is the same."""
    return [f for f in frames if not is_varying(tensor, f)]


def shared(cotangent: Tensor, like: Tensor) -> Tensor:
    """Each device's share of the cotangent of ``like``."""
    frames = counted_axes()
    count = math.prod(f.axis_size for f in same_along(like, frames)) if frames else 1
    return cotangent if count == 1 else cotangent / count


def share(cotangent: Array, like: Array, frames: Sequence[Frame]) -> Array:
    """The same for an Array, along the axes where cotangent and ``like`` are both the same on all devices."""
    tensor = unwrap(cotangent)
    count = math.prod(f.axis_size for f in same_along(unwrap(like), same_along(tensor, frames)))
    return cotangent if count == 1 else Array(tensor / count, cotangent._tag)


def total(cotangent: Array, like: Array, frames: Sequence[Frame]) -> Array:
    """The sum of the shares of a cotangent of ``like``."""
    from jaxlike._src.lax.collectives import total_over  # upward: a collective

    for frame in same_along(unwrap(like), frames):
        cotangent = total_over(cotangent, frame)
    return cotangent


def summed(cotangents: Sequence[Any], inputs: Sequence[Any]) -> list[Any]:
    """What inputs that are the same on all devices get: the sum of the shares."""
    frames = counted_axes()
    if not frames:
        return list(cotangents)
    return [total(c, x, frames) if isinstance(c, Array) else c for c, x in zip(cotangents, inputs, strict=True)]
