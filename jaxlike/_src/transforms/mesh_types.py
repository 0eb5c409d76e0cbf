"""mesh_types: what the type of a value says of a mesh.

How it is split over axes of explicit type, and along which axes that `shard_map` is manual over it may differ. Neither
is kept with the value: it is found when somebody asks, from how the arguments of a trace were placed and what its nodes
do. Types that say either equal those that say nothing, since nothing that is computed depends on it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from jaxlike._src import torch_private
from jaxlike._src.array import Array, ShapedArray
from jaxlike._src.errors import ShardingTypeError
from jaxlike._src.explicit_rules import ASKED, reshaped
from jaxlike._src.frames import STATE, current_trace
from jaxlike._src.graph.graph import Call, Var
from jaxlike._src.manual_axis_type import ManualAxisType
from jaxlike._src.mesh import AbstractMesh, AxisType, Mesh, empty_abstract_mesh, get_abstract_mesh
from jaxlike._src.partition_spec import P, flat_axes
from jaxlike._src.placement import PLACED, place, placed, spread
from jaxlike._src.sharding import NamedSharding
from jaxlike._src.varying import axes_of, counted_axes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from torch import Tensor

    from jaxlike._src.graph.graph import Graph
    from jaxlike._src.sharding import Sharding

_ALIKE = ManualAxisType()


class MeshType(ShapedArray):
    """The type of a value that is split over explicit axes, or differs along manual ones."""

    __slots__ = ("manual_axis_type", "sharding")

    def __init__(
        self,
        shape: Any,
        dtype: Any,
        weak_type: bool = False,
        *,
        sharding: NamedSharding | None = None,
        manual_axis_type: ManualAxisType = _ALIKE,
        **_ignored: Any,
    ) -> None:
        super().__init__(shape, dtype, weak_type)
        self.sharding = NamedSharding(empty_abstract_mesh, P(*[None] * len(self.shape))) if sharding is None else sharding
        self.manual_axis_type = manual_axis_type

    def update(self, **changes: Any) -> ShapedArray:
        """A copy with some of its parts changed; of another rank it is split over nothing."""
        same = len(changes.get("shape", self.shape)) == len(self.shape)
        kept = {"sharding": self.sharding if same else None, "manual_axis_type": self.manual_axis_type}
        return super().update(**{**kept, **changes})

    def to_tangent_aval(self) -> ShapedArray:
        """The type of its tangents, which are where it is."""
        alone = super().to_tangent_aval()
        return self.update(dtype=alone.dtype, weak_type=alone.weak_type)

    at_least_vspace = to_ct_aval = to_tangent_aval

    def str_short(self, short_dtypes: bool = False, mesh_axis_types: bool = False) -> str:
        """``float32[8@x,2]{V:y}``."""
        alone = super().str_short(short_dtypes)
        sizes = [f"{n}{_at(axis)}" for n, axis in zip(self.shape, self.sharding.spec, strict=True)]
        mesh = self.sharding.mesh
        types = {str(t): [a for a, u in zip(mesh.axis_names, mesh.axis_types, strict=True) if u is t] for t in mesh.axis_types}
        said = "".join(f"{t}: {_listed(names)}" for t, names in types.items()) if mesh_axis_types else ""
        differs = [axis for axis in mesh.axis_names if axis in self.manual_axis_type.varying]
        along = ",".join(map(str, differs))
        suffix = f"{{V:{along if len(differs) == 1 else f'({along})'}}}" if differs else ""
        return f"{alone.partition('[')[0]}[{','.join(sizes)}]{suffix}{f'({{{said}}})' if said else ''}"

    def __eq__(self, other: object) -> bool:
        if isinstance(other, MeshType) and self.sharding != other.sharding:
            return False
        return isinstance(other, ShapedArray) and (self.shape, self.dtype, self.weak_type) == (
            other.shape,
            other.dtype,
            other.weak_type,
        )

    __hash__ = ShapedArray.__hash__


def _at(axis: Any) -> str:
    if axis is None:
        return ""
    return f"@({','.join(map(str, axis))})" if isinstance(axis, tuple) else f"@{axis}"


def _listed(names: Sequence[Any]) -> str:
    return f"({', '.join(map(repr, names))})"


def type_of_value(x: Array) -> ShapedArray:
    """Shape, dtype and weak type as one object, with what there is to say of a mesh."""
    frame = STATE.frame
    if not PLACED:
        while frame is not None and not frame.manual:
            frame = frame.parent
        if frame is None:
            return ShapedArray(x.shape, x.dtype, x.weak_type)
    split, frames = split_of(x), counted_axes()
    differs = axes_of(x._t, frames) if frames else frozenset()
    if split is None and STATE.frame is not None and get_abstract_mesh().manual_axes:
        split = NamedSharding(get_abstract_mesh(), P(*[None] * x.ndim))
    if split is None and not differs:
        return ShapedArray(x.shape, x.dtype, x.weak_type)
    mat = ManualAxisType(varying=differs) if differs else _ALIKE
    return MeshType(x.shape, x.dtype, x.weak_type, sharding=split, manual_axis_type=mat)


def split_of(x: Array) -> NamedSharding | None:
    """How a value is split over a mesh that has explicit axes; None where it has none, or nothing is known."""
    if not PLACED:
        return None
    known, tensor = placed(x), x._t
    if known is not None:
        return _explicit(known, x.ndim)
    dims: list[int] = []
    while torch_private.is_wrapped(tensor):
        below = torch_private.wrapped_value(tensor)
        if torch_private.is_batched(tensor):
            dims.append(torch_private.batch_dim_at(tensor, torch_private.level_of(tensor)) or 0)
        tensor = below
    found = _explicit(_of_tensor(tensor, x), tensor.dim())
    if found is None or not dims:
        return found
    spec = list(found.spec)
    for dim in reversed(dims):
        del spec[dim]
    return found.update(spec=P(*spec))


def _of_tensor(tensor: Tensor, x: Array) -> Sharding | None:
    if type(tensor) is torch_private.Marked:
        return tensor.mark
    frame = x._frame
    while frame is not None and frame.trace is None:
        frame = frame.parent
    if frame is None:
        return None
    var = frame.trace.vars.get(id(tensor))
    return None if var is None else told(_in_trace(frame.trace).get(var))


def told(known: Any) -> Any:
    """What is known, where it is not that an operation was refused."""
    if isinstance(known, ShardingTypeError):
        raise known
    return known


def place_of(x: Array) -> Sharding | None:
    """Where a result of a trace is to be, with its devices."""
    known = placed(x)
    if known is None and PLACED and isinstance(found := _of_tensor(x._t, x), NamedSharding):
        known = found if AxisType.Explicit in found.mesh.axis_types and isinstance(found.mesh, Mesh) else None
    return whole(known, x.ndim)


def whole(sharding: Sharding | None, ndim: int) -> Sharding | None:
    """The same with an entry for each axis, over a mesh that has explicit axes."""
    if not isinstance(sharding, NamedSharding) or AxisType.Explicit not in sharding.mesh.axis_types:
        return sharding
    entries = sharding.spec.partitions
    return sharding if len(entries) == ndim else sharding.update(spec=P(*entries, *[None] * (ndim - len(entries))))


def _explicit(sharding: Sharding | None, ndim: int) -> NamedSharding | None:
    """The part of it that is over explicit axes, of a mesh without devices."""
    if not isinstance(sharding, NamedSharding) or AxisType.Explicit not in sharding.mesh.axis_types:
        return None
    mesh = sharding.mesh.abstract_mesh
    types = dict(zip(mesh.axis_names, mesh.axis_types, strict=True))
    spec = [_kept(axis, types) for axis in sharding.spec.partitions]
    return NamedSharding(_of(mesh), P(*spec, *[None] * (ndim - len(spec))))


def _kept(axis: Any, types: dict[Any, AxisType]) -> Any:
    names = [name for name in flat_axes([axis]) if types.get(name) is AxisType.Explicit]
    if not names:
        return None
    return tuple(names) if isinstance(axis, tuple) and len(names) > 1 else names[0]


def _of(mesh: AbstractMesh) -> AbstractMesh:
    """The mesh in force where it is the same with other types of axes."""
    now = get_abstract_mesh()
    return now if not now.empty and now.shape_tuple == mesh.shape_tuple else mesh


def check_reshape(x: Array, shape: tuple[int, ...]) -> None:
    """ShardingTypeError where it is not plain how a value is split in another shape."""
    split = split_of(x)
    if split is None or not x.size or ASKED.now:
        return
    names = flat_axes(split.spec.partitions)
    spec = reshaped(list(split.spec), x.shape, shape)
    parts = [math.prod(split.mesh.shape[name] for name in flat_axes([axis])) for axis in spec]
    if sorted(flat_axes(spec)) != sorted(names) or any(n % m for n, m in zip(shape, parts, strict=True)):
        raise ShardingTypeError(
            "This reshape is not supported. Please specify the sharding of the output via the `out_sharding` argument of "
            f"jax.lax.reshape. Got operand type: {x.aval}, new sizes: {shape}"
        )


def signature(arrays: Iterable[Array]) -> tuple[Any, ...]:
    """What a trace of these arguments depends on beside the rest of their types; nothing where none is split."""
    if not PLACED:
        return ()
    found = tuple(split_of(x) for x in arrays)
    return found if any(found) else ()


def _in_trace(trace: Any) -> dict[Var, Sharding]:
    """For the values that a running trace has made so far, how they are split."""
    seen, known = trace.split
    for var, example in zip(trace.inputs, trace.examples, strict=False):
        if var not in known and (s := placed(example) or split_of(example)) is not None:
            known[var] = s
    for var, _, x in list(trace.lifted.values()):
        if var not in known and (s := placed(x) or split_of(x)) is not None:
            known[var] = s
    known.update(trace.noted)
    follow(trace.nodes[seen:], known)
    trace.split = len(trace.nodes), known
    return known


def split_like(x: Array, like: Array) -> Array:
    """A value that was made just now, from now on split as another of its shape is."""
    split = place_of(like) or split_of(like)
    if not isinstance(split, NamedSharding) or x.shape != like.shape or AxisType.Explicit not in split.mesh.axis_types:
        return x
    if (trace := current_trace()) is not None:
        note(trace, x, split)
    elif isinstance(split.mesh, Mesh):
        place(x, split)
    return x


def note(trace: Any, x: Array, sharding: Sharding) -> None:
    """A value of a running trace is from now on split so."""
    tensor = x._t
    while torch_private.is_wrapped(tensor):
        tensor = torch_private.wrapped_value(tensor)
    var = trace.vars.get(id(tensor))
    if var is not None:
        trace.noted[var] = trace.split[1][var] = sharding


def follow(nodes: Iterable[Any], known: dict[Var, Any]) -> None:
    """Add how the results of nodes are split to what is known of their operands.

    Of an operation that does more than run its graph, results are split as the first operand of their shape.
    """
    if not known:
        return
    for node in nodes:
        refused = next((s for v in node.reads() if isinstance(s := known.get(v), ShardingTypeError)), None)
        if refused is not None:
            known.update((v, refused) for v in node.outs if v is not None and v not in known)
        elif isinstance(node.op, Call):
            inner = node.op.graph if node.op.is_plain else None
            given = [known.get(v) if isinstance(v, Var) else None for v in node.args]
            if inner is not None and len(inner.inputs) == len(node.args):
                found: Sequence[Any] = _through(inner, given)
            else:
                like = {tuple(v.shape): s for v, s in zip(reversed(node.args), reversed(given), strict=True) if s is not None}
                found = [None if v is None else like.get(tuple(v.shape)) for v in node.outs]
            pairs = zip(node.outs, found, strict=True)
            known.update((v, s) for v, s in pairs if v is not None and s is not None and v not in known)
        else:
            new = [v for v in node.outs if v is not None and v not in known]
            found = [_computed(node, v, known) for v in new]
            known.update((v, s) for v, s in zip(new, found, strict=True) if s is not None)


def _computed(node: Any, out: Var, known: dict[Var, Any]) -> Any:
    """How a result of an op of torch is split."""
    try:
        return spread(node.op, node.args, lambda v: known.get(v) if isinstance(v, Var) else None, tuple(out.shape))
    except ShardingTypeError as error:  # said when somebody asks, unless it is said how the result is split
        return error


def _through(graph: Graph, has: Sequence[Sharding | None]) -> list[Sharding | None]:
    """How the results of a graph are split for how its arguments are."""
    known = known_of(graph, has)
    follow(graph.nodes, known)
    return [known.get(v) for v in graph.outputs]


def known_of(graph: Graph, has: Sequence[Sharding | None]) -> dict[Var, Any]:
    """How the inputs of a graph are split, and what it closed over, and that of which it was said."""
    closed = zip(graph.lifted_vars, map(placed, graph.lifted), strict=True)
    known: dict[Var, Any] = {v: s for v, s in (*zip(graph.inputs, has, strict=True), *closed) if s is not None}
    known.update(graph.noted)
    return known


ShapedArray.manual_axis_type = _ALIKE  # pyright: ignore[reportAttributeAccessIssue]
ShapedArray.mat = property(lambda aval: aval.manual_axis_type)  # pyright: ignore[reportAttributeAccessIssue]
Array.aval = property(type_of_value)  # pyright: ignore[reportAttributeAccessIssue]
