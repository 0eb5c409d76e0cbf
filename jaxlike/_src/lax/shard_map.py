"""shard_map: a function of one device's part of its arguments, on all parts of a mesh at once.

The devices of a mesh are lanes here: an argument is cut along the axes that its spec names, `vmap` maps the function
over each mesh axis under its name, so that collectives find it, and the results are put together as their specs say.
A result that varies over a mesh axis which its spec leaves out is refused, as by JAX: `vmap` knows which do.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence, Set
from typing import Any

from jaxlike._src import border, frames, torch_private
from jaxlike._src.array import Array
from jaxlike._src.lax import shape as lax_shape
from jaxlike._src.lax.slicing import slice_in_dim
from jaxlike._src.mesh import AbstractMesh, AxisType, Mesh, get_abstract_mesh
from jaxlike._src.partition_spec import P
from jaxlike._src.transforms.arguments import argument_names, name_of, to_array, wraps
from jaxlike._src.transforms.vmap import vmap
from jaxlike._src.tree import (
    broadcast_prefix,
    generate_key_paths,
    keystr,
    prefix_errors,
    tree_flatten,
    tree_flatten_with_path,
    tree_leaves,
    tree_map,
    tree_unflatten,
)

Specs = Any
AnyMesh = Mesh | AbstractMesh


class _Infer:
    """Stands for specs that are read off the arguments' types."""

    def __repr__(self) -> str:
        return "jax.sharding.Infer"

    def __reduce__(self) -> str:
        return "Infer"


Infer = _Infer()


def shard_map(
    f: Callable[..., Any] | None = None,
    /,
    *,
    out_specs: Specs,
    in_specs: Specs = Infer,
    mesh: AnyMesh | None = None,
    axis_names: Set[Any] = frozenset(),
    check_vma: bool = True,
) -> Any:
    """A function of whole arrays that applies ``f``, a function of their parts, to every part.

    Args:
        f: takes one device's part of each argument; collectives over the mesh's axis names work in it. Left out,
            `shard_map` is a decorator with these options.
        out_specs: tree prefix of PartitionSpecs: along which axes the parts of the results are put together.
            What is equal on all devices along a mesh axis leaves that axis out.
        in_specs: tree prefix of PartitionSpecs for the positional arguments: along which axes they are cut;
            None for an argument that is passed as it is.
        mesh: the devices; by default the mesh in force.
        axis_names: the mesh axes to map over; all of them if empty.
        check_vma: whether to refuse results that may vary over a mesh axis which their spec leaves out.

    Raises:
        ValueError: a spec is too long, names an axis that is not mapped, does not divide its axis, or leaves out one
            that the result varies over.
    """

    def lift(fun: Callable[..., Any]) -> Callable[..., Any]:
        return _shard_map(fun, mesh, in_specs, out_specs, axis_names, check_vma, False)

    return lift if f is None else lift(f)


def smap(f: Callable[..., Any] | None = None, /, *, in_axes: Any = Infer, out_axes: Any, axis_name: Any) -> Any:
    """`shard_map` over one axis of the mesh in force, with the array axes given as for `vmap`.

    Args:
        f: takes one device's part of each argument.
        in_axes: for each argument the axis that is cut, or None.
        out_axes: for each result the axis along which its parts are put together, or None.
        axis_name: the mesh axis.
    """
    if isinstance(axis_name, list | tuple):
        raise TypeError(f"smap axis_name should be a `str` or a `Hashable`, but got {axis_name}")
    if in_axes is not None and in_axes is not Infer and not isinstance(in_axes, int | tuple):
        raise TypeError(
            "smap in_axes must be an int, None, jax.sharding.Infer, or a tuple of entries corresponding to the "
            f"positional arguments passed to the function, but got {in_axes}."
        )
    if in_axes is not Infer and not all(isinstance(leaf, int) for leaf in tree_leaves(in_axes)):
        raise TypeError(
            "smap in_axes must be an int, None, jax.sharding.Infer, or (nested) container with those types as "
            f"leaves, but got {in_axes}."
        )
    if not all(isinstance(leaf, int) for leaf in tree_leaves(out_axes)):
        raise TypeError(
            f"smap out_axes must be an int, None, or (nested) container with those types as leaves, but got {out_axes}."
        )

    def specs(axes: Any) -> Any:
        return tree_map(lambda axis: spec_of_axis(axis_name, axis), axes, is_leaf=lambda x: x is None)

    in_specs = Infer if in_axes is Infer else specs(in_axes)

    def lift(fun: Callable[..., Any]) -> Callable[..., Any]:
        return _shard_map(fun, None, in_specs, specs(out_axes), {axis_name}, True, True)

    return lift if f is None else lift(f)


def spec_of_axis(name: Any, axis: int | None) -> P:
    """The spec that cuts one array axis over one mesh axis."""
    return P() if axis is None else P(*[None] * axis, name)


def _shard_map(
    fun: Callable[..., Any],
    mesh: AnyMesh | None,
    in_specs: Specs,
    out_specs: Specs,
    axis_names: Set[Any],
    check_vma: bool,
    is_smap: bool,
) -> Callable[..., Any]:
    if not callable(fun):
        raise TypeError(f"shard_map requires a callable for its first argument, but got {fun} of type {type(fun)}.")

    @wraps(fun)
    def wrapped(*args: Any) -> Any:
        used, names = _checked_mesh(mesh, axis_names, in_specs, is_smap)
        if in_specs is not Infer:
            _check_specs("in", in_specs, names)
        _check_specs("out", out_specs, names)
        known = P() if in_specs is Infer else in_specs  # nothing is split here, so every inferred spec is empty
        try:
            flat_specs = broadcast_prefix(known, args, is_leaf=lambda x: x is None)
        except ValueError:
            error, *_ = prefix_errors(known, args)
            raise error("shard_map in_specs") from None
        leaves, in_tree = tree_flatten(args)
        leaves = [x if spec is None else to_array(x) for x, spec in zip(leaves, flat_specs, strict=True)]
        _check_arguments(fun, used, args, leaves, in_specs, flat_specs)
        dynamic = [k for k, spec in enumerate(flat_specs) if spec is not None]
        specs = [flat_specs[k] for k in dynamic]
        order = [name for name in used.axis_names if name in names]
        out_tree: Any = None
        out_flat_specs: list[P] = []

        def on_parts(*parts: Any) -> tuple[Any, ...]:
            nonlocal out_tree, out_flat_specs
            given = list(leaves)
            for k, part in zip(dynamic, parts, strict=True):
                given[k] = part
            out = fun(*tree_unflatten(in_tree, given))
            try:
                out_flat_specs = broadcast_prefix(out_specs, out)
            except ValueError:
                error, *_ = prefix_errors(out_specs, out)
                raise error("shard_map out_specs") from None
            results, out_tree = tree_flatten(out)
            results = [to_array(x) for x in results]
            _check_results(fun, used, order, out, results, out_specs, out_flat_specs, check_vma)
            return tuple(results)

        mapped = on_parts
        for name in reversed(order):
            axes = tuple(0 if name in _names(spec) else None for spec in specs)
            mapped = vmap(mapped, axes, 0, axis_name=name, axis_size=used.shape[name])
        parts = [_cut(leaves[k], spec, used, order) for k, spec in zip(dynamic, specs, strict=True)]
        outs = [_put_together(x, spec, used, order) for x, spec in zip(mapped(*parts), out_flat_specs, strict=True)]
        return tree_unflatten(out_tree, outs)

    return wrapped


# Parts


def _entries(spec: P) -> list[tuple[Any, ...]]:
    """For each array axis the names of the mesh axes that it is split over, the slowest first."""
    return [() if e is None else e if isinstance(e, tuple) else (e,) for e in spec.partitions]


def _names(spec: P) -> list[Any]:
    return [name for entry in _entries(spec) for name in entry]


def _cut(x: Any, spec: P, mesh: AnyMesh, order: Sequence[Any]) -> Any:
    """``x`` with an axis in front for each mesh axis of its spec, in the mesh's order."""
    named = _names(spec)
    if not named:
        return x
    entries = [*_entries(spec), *[()] * (x.ndim - len(spec))]
    shape: list[int] = []
    at: dict[Any, int] = {}
    rest: list[int] = []
    for size, entry in zip(x.shape, entries, strict=True):
        for name in entry:
            at[name] = len(shape)
            shape.append(mesh.shape[name])
        rest.append(len(shape))
        shape.append(size // math.prod(mesh.shape[name] for name in entry))
    split = lax_shape.reshape(x, tuple(shape))
    return lax_shape.transpose(split, (*[at[name] for name in order if name in at], *rest))


def _put_together(x: Any, spec: P, mesh: AnyMesh, order: Sequence[Any]) -> Any:
    """The whole of a result: ``x`` has an axis in front for each of ``order``."""
    named = _names(spec)
    for k in range(len(order) - 1, -1, -1):
        if order[k] not in named:  # equal along it
            x = lax_shape.squeeze(slice_in_dim(x, 0, 1, axis=k), (k,))
    kept = [name for name in order if name in named]
    if not kept:
        return x
    rank = x.ndim - len(kept)
    entries = [*_entries(spec), *[()] * (rank - len(spec))]
    axes: list[int] = []
    shape: list[int] = []
    for k, entry in enumerate(entries):
        axes += [kept.index(name) for name in entry] + [len(kept) + k]
        shape.append(x.shape[len(kept) + k] * math.prod(mesh.shape[name] for name in entry))
    return lax_shape.reshape(lax_shape.transpose(x, tuple(axes)), tuple(shape))


# Checks


def _checked_mesh(
    mesh: AnyMesh | None, axis_names: Set[Any], in_specs: Specs, is_smap: bool
) -> tuple[AnyMesh, frozenset[Any]]:
    context = get_abstract_mesh()
    if mesh is None:
        mesh = context
        if mesh.empty:
            raise ValueError("The context mesh cannot be empty. Use `jax.set_mesh(mesh)` to enter into a mesh context")
    elif not isinstance(mesh, Mesh | AbstractMesh):
        raise TypeError(
            "shard_map requires a `jax.sharding.Mesh` or a `jax.sharding.AbstractMesh` instance for its second "
            f"argument, but got {mesh} of type {type(mesh)}."
        )
    elif not context.empty and mesh.abstract_mesh != context:
        raise ValueError(f"The context mesh {context} should match the mesh passed to shard_map {mesh}")
    if mesh.empty:
        raise ValueError(f"shard_map requires a non-empty mesh. Got {mesh}")
    if not isinstance(axis_names, frozenset | set):
        raise TypeError(
            f"`axis_names` argument of shard_map should be of type `frozenset` or `set`. Got type: {type(axis_names)}"
        )
    free = frozenset(mesh.axis_names)
    names = frozenset(axis_names) or free - {name for name, _ in frames.named_axes()}
    if not names <= free:
        raise ValueError(f"jax.shard_map requires axis_names={names} to be a subset of mesh.axis_names={free}")
    types = dict(zip(mesh.axis_names, mesh.axis_types, strict=True))
    if in_specs is Infer and not all(types[name] is AxisType.Explicit for name in names):
        shown = ", ".join(str(types[name]) for name in names)
        if is_smap:
            raise TypeError(f"in_axes was not specified when axis_name={names} was of type {shown}")
        raise TypeError(
            "shard_map in_specs argument must be a pytree of `jax.sharding.PartitionSpec` instances, but it was "
            f"`None` when axis_names={names} are of type {shown}"
        )
    return mesh, names


def _check_specs(kind: str, specs: Specs, names: frozenset[Any]) -> None:
    if kind == "in" and specs is None:
        raise TypeError(
            "shard_map in_specs argument must be a pytree of `jax.sharding.PartitionSpec` instances, but it was "
            "None.\nInstead of `in_specs=None`, did you mean `in_specs=P()`, where `P = jax.sharding.PartitionSpec`?"
        )
    paths = list(generate_key_paths(specs))
    wrong = [
        f"  {kind}_specs{keystr(key)} is {x} of type {type(x).__name__}, " for key, x in paths if not isinstance(x, P)
    ]
    if wrong:
        raise TypeError(
            f"shard_map {kind}_specs argument must be a pytree of `jax.sharding.PartitionSpec` instances, but:\n\n"
            + "\n\n".join(wrong)
            + f"\n\nCheck the {kind}_specs values passed to shard_map."
        )
    unknown = [
        f"  {kind}_specs{keystr(key)} refers to {name!r}" for key, spec in paths for name in _names(spec)
        if name not in names
    ]  # fmt: skip
    if unknown:
        raise ValueError(
            f"shard_map {kind}_specs argument must refer to an axis marked as manual ({names}), but:\n\n"
            + "\n\n".join(unknown)
            + f"\n\nCheck the {kind}_specs values passed to shard_map."
        )


def _check_arguments(
    fun: Any, mesh: AnyMesh, args: Any, leaves: Sequence[Any], specs: Specs, flat_specs: Sequence[P | None]
) -> None:
    """Each spec is no longer than its argument has axes, and divides them."""
    paths = [path for path, _ in tree_flatten_with_path(args)[0]]
    spec_keys = _keys_of_specs(specs, args)
    name = name_of(fun)
    long, uneven = [], []
    for x, spec, path, key in zip(leaves, flat_specs, paths, spec_keys, strict=True):
        if spec is None:
            continue
        where = _parameter(fun, name, path)
        if len(spec) > x.ndim:
            long.append(
                f"in_specs{keystr(key)} is {spec} which has length {len(spec)}, but the passed args{keystr(path)}"
                f"{where} has shape {_short(x)}, which has rank {x.ndim} (and {x.ndim} < {len(spec)})"
            )
            continue
        for axis, entry in enumerate(_entries(spec)):
            if not entry:
                continue
            parts = math.prod(mesh.shape[n] for n in entry)
            if x.shape[axis] % parts:
                over = f"axes {entry}" if len(entry) > 1 else f"axis '{next(iter(entry))}'"
                total = "total " if len(entry) > 1 else ""
                uneven.append(
                    f"the passed args{keystr(path)} of shape {_short(x)}{where} corresponds to in_specs{keystr(key)} "
                    f"of value {spec}, which maps array axis {axis} (of size {x.shape[axis]}) to mesh {over} "
                    f"(of {total}size {parts}), but {parts} does not evenly divide {x.shape[axis]}"
                )
    if long:
        raise ValueError(_too_long("in", name, long, any(not x.ndim for x in leaves if isinstance(x, Array))))
    if uneven:
        raise ValueError(
            f"shard_map applied to the function '{name}' was given argument arrays with axis sizes that are not evenly "
            f"divisible by the corresponding mesh axis sizes:\n\n{_mesh_line(mesh)}\n\n{_bullets(uneven)}\n\n"
            "Array arguments' axis sizes must be evenly divisible by the mesh axis or axes indicated by the "
            "corresponding elements of the argument's in_specs entry. Consider checking that in_specs are correct, and "
            f"if so consider changing the mesh axis sizes or else padding the input and adapting '{name}' appropriately."
        )


def _check_results(
    fun: Any,
    mesh: AnyMesh,
    order: Sequence[Any],
    out: Any,
    results: Sequence[Any],
    specs: Specs,
    flat_specs: Sequence[P],
    check_vma: bool,
) -> None:
    """Each spec is no longer than its result has axes, and leaves out no axis that the result varies over."""
    paths = [path for path, _ in tree_flatten_with_path(out)[0]]
    spec_keys = _keys_of_specs(specs, out)
    name = name_of(fun)
    long, varying = [], []
    for x, spec, path, key in zip(results, flat_specs, paths, spec_keys, strict=True):
        if len(spec) > x.ndim:
            long.append(
                f"out_specs{keystr(key)} is {spec} which has length {len(spec)}, but {name}(*args){keystr(path)} has "
                f"shape {_short(x)}, which has rank {x.ndim} (and {x.ndim} < {len(spec)})"
            )
            continue
        got = _varying(x, order)
        left_out = [n for n in order if n not in _names(spec)]
        bad = [n for n in left_out if n in got]
        if check_vma and bad:
            about = f"out_specs{keystr(key)} is {spec} which implies that the corresponding output value is"
            if len(left_out) > 1:
                need = ",".join(str(n) for n in order if n in _names(spec))
                varying.append(
                    f"{about} only varying across mesh axes {{{need}}} and not {{{','.join(map(str, bad))}}}, but it "
                    f"was inferred to be possibly varying over {{{','.join(map(str, got))}}}"
                )
            else:
                varying.append(
                    f"{about} replicated across mesh axis '{bad[0]}', but could not infer replication over any axes"
                )
    if long:
        message = _too_long("out", name, long, any(not x.ndim for x in results))
        if any(not x.ndim for x in results):
            message += (
                " In particular, for rank 0 outputs which are not constant over the mesh, add at least one (singleton) "
                "axis to them so that they can be concatenated using out_specs."
            )
        raise ValueError(message)
    if varying:
        raise ValueError(
            f"shard_map applied to the function '{name}' was given out_specs which require replication which can't be "
            f"statically inferred given the mesh:\n\n{_mesh_line(mesh)}\n\n{_bullets(varying)}\n\n"
            "Check if these output values are meant to be replicated over those mesh axes. If not, consider revising "
            "the corresponding out_specs entries. If so, consider disabling the check by passing the check_vma=False "
            "argument to `jax.shard_map`."
        )


def _varying(x: Array, order: Sequence[Any]) -> list[Any]:
    """The mesh axes along which the lanes of ``x`` are not one value."""
    named = {f.axis_name: f.level for f in frames.running() if f.kind == "vmap"}
    levels = torch_private.levels_of(border.unwrap(x))
    return [name for name in order if named[name] in levels]


def _keys_of_specs(specs: Specs, tree: Any) -> list[Any]:
    """For each leaf of ``tree`` the path of the spec that is its prefix."""
    if specs is Infer:
        return [()] * len(tree_leaves(tree))
    leaves, treedef = tree_flatten(specs, is_leaf=lambda x: x is None)
    paths = [path for path, _ in tree_flatten_with_path(specs, is_leaf=lambda x: x is None)[0]]
    indices = tree_unflatten(treedef, list(range(len(leaves))))
    return [paths[k] for k in broadcast_prefix(indices, tree)]


def _parameter(fun: Any, name: str, path: Sequence[Any]) -> str:
    """Which parameter of ``fun`` an argument is bound to, for messages."""
    names = argument_names(fun)
    index = path[0].idx
    if index >= len(names):
        return ""
    parameter = inspect.signature(fun).parameters.get(names[index])
    return f", where args[{index}] is bound to {name}'s parameter '{parameter}'," if parameter is not None else ""


def _short(x: Any) -> str:
    return x.aval.str_short()


def _mesh_line(mesh: AnyMesh) -> str:
    sizes = tuple(mesh.shape.values())
    return f"The mesh given has shape {sizes} with corresponding axis names {mesh.axis_names}."


def _bullets(lines: list[str]) -> str:
    return lines[0] if len(lines) == 1 else "\n\n".join("* " + line for line in lines)


def _too_long(kind: str, name: str, lines: list[str], scalars: bool) -> str:
    message = (
        f"shard_map applied to the function '{name}' was given an {kind}_specs entry which is too long to be compatible "
        f"with the corresponding {kind}put value from the function:\n\n{_bullets(lines)}\n\n"
        f"Entries in {kind}_specs must be of length no greater than the number of axes in the corresponding {kind}put "
        f"value.\n\nEither revise the spec to be shorter, or modify '{name}' so that its {kind}puts have sufficient rank."
    )
    if scalars:
        message += (
            f"\n\nFor scalar values (rank 0), consider using an {kind}_specs entry of `P()`, where "
            "`P = jax.sharding.PartitionSpec`."
        )
    return message
