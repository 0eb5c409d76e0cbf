"""explicit_rules: over a mesh with explicit axes, how an operation's result is split, where it is plain how.

JAX has it in the types of its values, and refuses what is not plain. Here an op of torch is looked at, of which a
function of JAX may take several, so that what is refused is what no such function does on its own account: operands
that are split in different ways where they meet.
"""

from __future__ import annotations

import math
import threading
from typing import TYPE_CHECKING, Any

import torch

from jaxlike._src.dtypes import from_torch, short_dtype_name
from jaxlike._src.errors import ShardingTypeError
from jaxlike._src.partition_spec import P, flat_axes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jaxlike._src.sharding import NamedSharding

_aten: Any = torch.ops.aten
Spec = list[Any]


class _Asked(threading.local):
    """Whether how a result is split is said by who asks for it, so that nothing is ambiguous."""

    now: int = 0

    def __enter__(self) -> None:
        self.now += 1

    def __exit__(self, *exc: object) -> None:
        self.now -= 1


ASKED = _Asked()
_ALONG = {_aten.cumsum, _aten.cumprod, _aten.cummax, _aten.cummin, _aten.logcumsumexp}  # one axis, which has to be whole
_REDUCTIONS = {getattr(_aten, name) for name in "all amax amin any argmax argmin mean prod sum logsumexp var".split()}
_VIEWS = {_aten.view, _aten.reshape, _aten._unsafe_view}
_SAME_RANK = {_aten.slice, _aten.constant_pad_nd, _aten.flip, _aten.narrow, _aten.split, _aten.split_with_sizes}


def explicit_spec(op: Any, args: Any, split: Callable[[Any], Any], shape: tuple[int, ...], sharding: NamedSharding) -> Spec:
    """The entries of the result's spec, one for each axis.

    ``split`` gives what is known of operands, ``sharding`` is one of those.
    """
    parts = sharding.mesh.shape
    specs = {id(x): _entries(x, split(x)) for a in args for x in (a if isinstance(a, list | tuple) else (a,)) if _is_tensor(x)}
    try:
        spec = _spec_of(op, args, lambda x: list(specs[id(x)]), shape, sharding)
    except ShardingTypeError:  # who says how the result is split is not to be told that operands disagree
        if not ASKED.now:
            raise
        spec = [None] * len(shape)
    divides = [n % math.prod(parts[name] for name in flat_axes([axis])) == 0 for axis, n in zip(spec, shape, strict=True)]
    return [axis if fits else None for axis, fits in zip(spec, divides, strict=True)]


def _is_tensor(x: Any) -> bool:
    return hasattr(x, "shape") and hasattr(x, "dtype")


def _entries(x: Any, sharding: Any) -> Spec:
    has = list(sharding.spec.partitions) if sharding is not None else []
    return [*has, *[None] * (len(x.shape) - len(has))]


def moved_axes(packet: Any, args: Any, spec: Spec, rank: int) -> Spec | None:
    """The entries where an op only moves axes or adds one; None where it does more."""
    if packet is _aten.permute:
        return [spec[d] for d in args[1]]
    if packet in (_aten.t, _aten.transpose):
        j, k = args[1:] if len(args) == 3 else (0, -1)
        if spec:
            spec[j], spec[k] = spec[k], spec[j]
        return spec
    if packet is _aten.unsqueeze:
        spec.insert(args[1] % rank, None)
        return spec
    return None


def _spec_of(op: Any, args: Any, of: Callable[[Any], Spec], shape: tuple[int, ...], sharding: NamedSharding) -> Spec:
    packet, rank = op.overloadpacket, len(shape)
    tensors = [x for x in args if _is_tensor(x)]
    if packet in (_aten.mm, _aten.bmm, _aten.mv, _aten.dot):
        return _product(*args[:2], *map(of, args[:2]))
    if packet in (_aten.cat, _aten.stack):
        return _joined([of(x) for x in args[0]], args[1] if len(args) > 1 else 0, rank, sharding)
    if not tensors:
        return [None] * rank
    spec, sizes = of(tensors[0]), tuple(tensors[0].shape)
    if torch.Tag.pointwise in op.tags:
        return _met(op, tensors, of, rank, sharding)
    if (moved := moved_axes(packet, args, spec, rank)) is not None:
        return moved
    if packet in (_aten.select, _aten.squeeze, *_REDUCTIONS) and len(args) > 1:
        dims = args[1] if isinstance(args[1], list | tuple) else range(len(spec)) if args[1] is None else (args[1],)
        gone = {d % len(spec) for d in dims} if spec else set()
        if len(sizes) == rank:
            return [None if d in gone else axis for d, axis in enumerate(spec)]
        left = [axis for d, axis in enumerate(spec) if d not in gone]
        return left if len(left) == rank else [None] * rank
    if packet in _VIEWS and math.prod(sizes) == math.prod(shape) > 0:  # else it is a view as another dtype
        return reshaped(spec, sizes, shape)
    if packet in _ALONG and spec and spec[args[1]] is not None:
        raise ShardingTypeError(
            f"Input should be unsharded over the axis being reduced. Got input type={typed(tensors[0], spec)} and "
            f"axis={args[1] % rank}"
        )
    if packet is _aten.expand:
        return [None if n != m else axis for axis, n, m in _from_the_end(spec, sizes, shape)]
    if len(sizes) == rank:
        keeps = packet in _SAME_RANK
        return [axis if keeps or n == m else None for axis, n, m in zip(spec, sizes, shape, strict=True)]
    return [None] * rank


def _from_the_end(spec: Spec, sizes: Sequence[int], shape: Sequence[int]) -> list[tuple[Any, int, int]]:
    missing = len(shape) - len(sizes)
    return list(zip([*[None] * missing, *spec], [*[1] * missing, *sizes], shape, strict=True))


def typed(x: Any, spec: Spec, short: bool = False) -> str:
    """``float32[8@x,2]``, for a value of torch; the spec may have more axes in front, which have size 1."""
    dtype, sizes = from_torch(x.dtype), [*[1] * (len(spec) - len(x.shape)), *x.shape]
    return f"{short_dtype_name(dtype) if short else dtype.name}[{','.join(map(_size, sizes, spec))}]"


def _size(n: int, axis: Any) -> str:
    names = ",".join(flat_axes([axis]))
    return str(n) if axis is None else f"{n}@({names})" if isinstance(axis, tuple) else f"{n}@{names}"


def _name(op: Any) -> str:
    from jaxlike._src.graph.names import primitive_of  # upward: what JAX calls it, for a message

    return primitive_of(op)


def _check_result(name: str, operands: Sequence[tuple[Any, Spec]], out: Spec, shape: Sequence[int]) -> Spec:
    """ShardingTypeError where a mesh axis splits two axes of a result."""
    used = list(flat_axes(out))
    if len(set(used)) < len(used):
        first = operands[0][0]
        said = ", ".join(typed(x, spec, short=True) for x, spec in operands)
        sizes = ",".join(map(_size, shape, out))
        raise ShardingTypeError(
            f"{name} operation with inputs: {said} produces an illegally sharded result: "
            f"{short_dtype_name(from_torch(first.dtype))}[{sizes}]"
        )
    return out


def _met(op: Any, tensors: Sequence[Any], of: Callable[[Any], Spec], rank: int, sharding: NamedSharding) -> Spec:
    """Of operands that meet element by element."""
    shape = torch.broadcast_shapes(*(tuple(x.shape) for x in tensors))
    rows = [[(None if n != m else a) for a, n, m in _from_the_end(of(x), tuple(x.shape), shape)] for x in tensors]
    out: Spec = [None] * rank
    for row in rows:
        for d, axis in enumerate(row):
            if axis is None:
                continue
            if out[d] is not None and out[d] != axis:
                if op.overloadpacket is _aten.where:
                    cases = [_as_sharding(sharding, r) for r in reversed(rows[1:])]
                    raise ShardingTypeError(f"select cases must have the same shardings, got {cases}.")
                said = ", ".join(str(tuple(r)) for r in rows)
                raise ShardingTypeError(f"{_name(op)} got incompatible shardings for broadcasting: {said}.")
            out[d] = axis
    return _check_result(_name(op), list(zip(tensors, rows, strict=True)), out, shape)


def _product(a: Any, b: Any, left: Spec, right: Spec) -> Spec:
    """Of a sum of products over the last axis of ``a`` and the last but one of ``b``, or its only one."""
    ours, theirs = left[-1], right[-2] if len(right) > 1 else right[0]
    if ours is not None and theirs is not None:
        if ours != theirs:
            raise ShardingTypeError(
                f"dot_general requires contracting dimensions to have consistent sharding, got {(ours,)} and {(theirs,)}."
            )
        raise ShardingTypeError(
            "Contracting dimensions are sharded and it is ambiguous how the output should be sharded. Please specify the "
            f"output sharding via the `out_sharding` parameter. Got lhs_contracting_spec={(ours,)} and "
            f"rhs_contracting_spec={(theirs,)}"
        )
    batch = [x if x is not None else y for x, y in zip(left[:-2], right[:-2], strict=False)]
    out = [*batch, *left[len(batch) : -1], *([right[-1]] if len(right) > 1 else [])]
    shape = (*a.shape[:-1], *(b.shape[-1:] if len(right) > 1 else ()))
    return _check_result("dot_general", [(a, left), (b, right)], out, shape)


def _as_sharding(like: NamedSharding, spec: Spec) -> NamedSharding:
    """As messages show it."""
    return like.update(mesh=like.mesh.abstract_mesh, spec=P(*spec), memory_kind=None)


def _joined(specs: Sequence[Spec], dim: int, rank: int, sharding: NamedSharding) -> Spec:
    if any(spec != specs[0] for spec in specs if any(spec)) or not all(any(s) == any(specs[0]) for s in specs):
        said = ", ".join(str(_as_sharding(sharding, s)) for s in specs)
        raise ShardingTypeError(f"All operands should have the same sharding. Got shardings {said}")
    spec = list(specs[0])
    if len(spec) < rank:
        spec.insert(dim % rank, None)
    return spec


def reshaped(spec: Spec, sizes: tuple[int, ...], shape: tuple[int, ...]) -> Spec:
    """Axes that are merged are split over the mesh axes of all, one that is divided in its first part."""
    out: Spec = [None] * len(shape)
    given = [(n, axis) for n, axis in zip(sizes, spec, strict=True) if n != 1]
    wanted = [k for k, n in enumerate(shape) if n != 1]
    j = k = 0
    while j < len(given) and k < len(wanted):
        n, m, first = given[j][0], shape[wanted[k]], wanted[k]
        names = [given[j][1]]
        merged = divided = False
        while n != m:
            if n < m:
                j, merged = j + 1, True
                n *= given[j][0]
                names.append(given[j][1])
            else:
                k, divided = k + 1, True
                m *= shape[wanted[k]]
        if merged and divided:  # parts that are next to each other do not stay so
            names = []
        split = [name for name in names if name is not None]
        if split and names[: len(split)] == split:  # likewise
            out[first] = split[0] if len(split) == 1 else tuple(flat_axes(split))
        j, k = j + 1, k + 1
    return out
