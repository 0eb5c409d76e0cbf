"""shard_map: map a function over the devices of a mesh, each of which has a block of every array.

Checks and trees are here, `blocks` runs the function, `spec_errors` has the words. With ``check_vma`` it counts along
which axes values differ between devices: a result that is promised to be the same must be, and gradients of what is
the same everywhere are summed (see `varying`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jaxlike._src.array import Array
from jaxlike._src.border import is_traced, unwrap
from jaxlike._src.frames import STATE
from jaxlike._src.mesh import (
    AbstractMesh,
    AxisType,
    Mesh,
    get_abstract_mesh,
    get_concrete_mesh,
    use_abstract_mesh,
)
from jaxlike._src.partition_spec import P
from jaxlike._src.placement import place, placed
from jaxlike._src.sharding import NamedSharding
from jaxlike._src.transforms import spec_errors
from jaxlike._src.transforms.arguments import name_of, to_array, wraps
from jaxlike._src.transforms.blocks import Axes, run_blocks, used
from jaxlike._src.tree import (
    broadcast_prefix,
    prefix_errors,
    tree_flatten,
    tree_leaves,
    tree_map,
    tree_unflatten,
)
from jaxlike._src.varying import is_varying

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jaxlike._src.frames import Frame


class _Infer:
    """The type of `Infer`."""

    def __repr__(self) -> str:
        return "jax.sharding.Infer"

    def __reduce__(self) -> Any:
        return _infer, ()


Infer: Any = _Infer()  # specs are those of the arguments


def _infer() -> Any:
    return Infer


def shard_map(
    f: Any = None,
    /,
    *,
    out_specs: Any,
    in_specs: Any = Infer,
    mesh: Any = None,
    axis_names: Any = frozenset(),
    check_vma: bool = True,
) -> Any:
    """A function that runs ``f`` on every device of a mesh, on the blocks of its arguments there.

    Args:
        f: a function of blocks; left out, `shard_map` is a decorator.
        out_specs: for each result a `P`: the axes that its blocks are put together along. Results are the same along
            mesh axes that are not named. A tree prefix of the results.
        in_specs: for each argument a `P`: how it is split. A tree prefix of the positional arguments; None for
            arguments that are Python values. By default as the arguments are split, on a mesh of explicit axes.
        mesh: by default the one in force (`set_mesh`).
        axis_names: the mesh axes to map over; by default all.
        check_vma: whether to check that results are the same along axes that their specs do not name.

    Returns:
        A function of the same positional arguments. Collectives in ``f`` use the names of the mesh axes.
    """

    def of(g: Any) -> Any:
        return make_shard_map(g, mesh, in_specs, out_specs, axis_names, check_vma)

    return of if f is None else of(f)


def smap(f: Any = None, /, *, in_axes: Any = Infer, out_axes: Any, axis_name: Any) -> Any:
    """`shard_map` over one axis of the mesh in force, told by the axes of arrays as in `vmap`.

    Args:
        f: a function of blocks; left out, `smap` is a decorator.
        in_axes: the axis of each argument that is split, or None; a tree prefix of the positional arguments.
        out_axes: the axis of each result that blocks are put together along, or None.
        axis_name: the mesh axis.
    """
    if isinstance(axis_name, list | tuple):
        raise TypeError(f"smap axis_name should be a `str` or a `Hashable`, but got {axis_name}")
    if in_axes is not None and in_axes is not Infer and not isinstance(in_axes, int | tuple):
        raise TypeError(
            "smap in_axes must be an int, None, jax.sharding.Infer, or a tuple of entries corresponding to the "
            f"positional arguments passed to the function, but got {in_axes}."
        )
    if in_axes is not Infer and not all(isinstance(a, int) for a in tree_leaves(in_axes)):
        raise TypeError(
            "smap in_axes must be an int, None, jax.sharding.Infer, or (nested) container with those types as leaves, "
            f"but got {in_axes}."
        )
    if not all(isinstance(a, int) for a in tree_leaves(out_axes)):
        raise TypeError(
            f"smap out_axes must be an int, None, or (nested) container with those types as leaves, but got {out_axes}."
        )
    in_specs = Infer if in_axes is Infer else specs_of_axes(axis_name, in_axes)
    out_specs = specs_of_axes(axis_name, out_axes)

    def of(g: Any) -> Any:
        return make_shard_map(g, None, in_specs, out_specs, {axis_name}, True, is_smap=True)

    return of if f is None else of(f)


def specs_of_axes(name: Any, axes: Any) -> Any:
    """A tree of axes (int or None) as specs that split that axis over one mesh axis."""
    return tree_map(lambda a: P() if a is None else P(*[None] * a, name), axes, is_leaf=lambda a: a is None)


def make_shard_map(
    f: Any, mesh: Any, in_specs: Any, out_specs: Any, axis_names: Any, check_vma: bool, is_smap: bool = False
) -> Callable[..., Any]:
    """`shard_map` of a function that is there."""
    if not callable(f):
        raise TypeError(f"shard_map requires a callable for its first argument, but got {f} of type {type(f)}.")

    def mapped(*args: Any) -> Any:
        on, manual = _checked(mesh, axis_names, in_specs, out_specs, is_smap)
        leaves, in_tree = tree_flatten(args)
        try:
            specs: list[Any] = broadcast_prefix(in_specs, args, is_leaf=lambda s: s is None)
        except ValueError:
            raise prefix_errors(in_specs, args)[0]("shard_map in_specs") from None
        if in_specs is Infer:
            specs = [_spec_of(x, manual) for x in leaves]
        dynamic = [k for k, s in enumerate(specs) if s is not None]
        arrays = [to_array(leaves[k]) for k in dynamic]
        given = [specs[k] for k in dynamic]
        spec_errors.check_arguments(f, on, in_tree, in_specs, dynamic, given, arrays)
        _check_explicit(on, manual, given, arrays)
        found: dict[str, Any] = {}

        def body(blocks: list[Any], frames: list[Frame]) -> tuple[list[Array], list[P]]:
            whole = list(leaves)
            for k, block in zip(dynamic, blocks, strict=True):
                whole[k] = block
            inner = on.abstract_mesh.update_axis_types(dict.fromkeys(manual, AxisType.Manual))
            with use_abstract_mesh(inner):
                out = f(*tree_unflatten(in_tree, whole))
            outs, found["tree"] = tree_flatten(out)
            try:
                made = list(broadcast_prefix(out_specs, out))
            except ValueError:
                raise prefix_errors(out_specs, out)[0]("shard_map out_specs") from None
            results = [as_result(x) for x in outs]
            spec_errors.check_results(f, found["tree"], out_specs, made, results)
            if check_vma:
                _check_promises(f, on, found["tree"], out_specs, made, results, frames)
            found["specs"] = made
            return results, made

        axes = Axes(
            tuple(n for n in on.axis_names if n in manual), dict(on.shape_tuple), bool(check_vma), name_of(f)
        )
        outs = run_blocks(body, arrays, given, axes)
        if STATE.frame is None or STATE.frame.trace is not None:
            concrete = on if isinstance(on, Mesh) else get_concrete_mesh()
            if not concrete.empty:
                outs = [place(x, NamedSharding(concrete, _said(s))) for x, s in zip(outs, found["specs"], strict=True)]
        return tree_unflatten(found["tree"], outs)

    return wraps(f)(mapped)


def as_result(x: Any) -> Array:
    """What a mapped function returned as an Array."""
    try:
        return to_array(x)
    except TypeError as error:
        raise TypeError(str(error).removesuffix(".")) from None


def _said(spec: P) -> P:
    """What a result says of its spec: compiled code leaves out the axes at the end that are not split."""
    entries = list(spec.partitions)
    while STATE.frame is not None and entries and entries[-1] is None:
        entries.pop()
    return P(*entries)


def _checked(
    mesh: Any, axis_names: Any, in_specs: Any, out_specs: Any, is_smap: bool
) -> tuple[Mesh | AbstractMesh, frozenset[Any]]:
    """The mesh, and the axes to map over."""
    in_force = get_abstract_mesh()
    if mesh is None:
        mesh = in_force
        if mesh.empty:
            raise ValueError(
                "The context mesh cannot be empty. Use `jax.set_mesh(mesh)` to enter into a mesh context"
            )
    elif not in_force.empty and mesh.abstract_mesh != in_force:
        raise ValueError(f"The context mesh {in_force} should match the mesh passed to shard_map {mesh}")
    if not isinstance(mesh, Mesh | AbstractMesh):
        raise TypeError(
            "shard_map requires a `jax.sharding.Mesh` or a `jax.sharding.AbstractMesh` instance for its second "
            f"argument, but got {mesh} of type {type(mesh)}."
        )
    if mesh.empty:
        raise ValueError(f"shard_map requires a non-empty mesh. Got {mesh}")
    if not isinstance(axis_names, frozenset | set):
        raise TypeError(
            f"`axis_names` argument of shard_map should be of type `frozenset` or `set`. Got type: {type(axis_names)}"
        )
    everything = frozenset(mesh.axis_names)
    manual = frozenset(axis_names) or everything
    if not manual <= everything:
        raise ValueError(
            f"jax.shard_map requires axis_names={manual} to be a subset of mesh.axis_names={everything}"
        )
    types = dict(zip(mesh.axis_names, mesh.axis_types, strict=True))
    if in_specs is Infer and not all(types[a] is AxisType.Explicit for a in manual):
        shown = ", ".join(str(types[a]) for a in manual)
        if is_smap:
            raise TypeError(f"in_axes was not specified when axis_name={manual} was of type {shown}")
        raise TypeError(
            "shard_map in_specs argument must be a pytree of `jax.sharding.PartitionSpec` instances, but it was "
            f"`None` when axis_names={manual} are of type {shown}"
        )
    if in_specs is not Infer and in_specs is not None:
        spec_errors.check_specs("in", in_specs, manual)
    spec_errors.check_specs("out", out_specs, manual)
    return mesh, manual - frozenset(mesh.manual_axes)


def _spec_of(x: Any, manual: frozenset[Any]) -> P:
    """How an argument is split, as far as it is over the axes that are mapped over."""
    known = placed(x) if isinstance(x, Array) else None
    if not isinstance(known, NamedSharding):
        return P()

    def entry(e: Any) -> Any:
        kept = tuple(n for n in (e if isinstance(e, tuple) else (e,)) if n in manual)
        return kept or None

    return P(*map(entry, known.spec.partitions))


def _check_explicit(mesh: Any, manual: frozenset[Any], specs: Sequence[P], arrays: Sequence[Array]) -> None:
    """ValueError where an array is known to be split otherwise over a mesh whose axes are all explicit.

    One that was not put there is whole on each device; how a traced one is split is not known.
    """
    if manual != frozenset(mesh.axis_names) or not mesh.are_all_axes_explicit:
        return
    for x, spec in zip(arrays, specs, strict=True):
        known = placed(x)
        if known is None and is_traced(x):
            continue
        there = isinstance(known, NamedSharding) and known.mesh.abstract_mesh == mesh.abstract_mesh
        own = known.spec if there else P()  # pyright: ignore[reportOptionalMemberAccess, reportAttributeAccessIssue]
        wanted, has = (P(*s.partitions, *[None] * (x.ndim - len(s))) for s in (spec, own))
        if wanted != has:
            shown = spec_errors.explicit_type(x, has)
            raise ValueError(
                f"in_specs passed to shard_map: {wanted} does not match the specs of the input: {has} for arg: "
                f"{shown}. `in_specs` is an optional argument so you can omit specifying it and shard_map will infer "
                "the in_specs from the arguments. If you want to reshard your inputs, you can use `jax.reshard` on the "
                "arguments and then pass those args to shard_map."
            )


def _check_promises(
    f: Any, mesh: Any, tree: Any, out_specs: Any, specs: Sequence[P], outs: Sequence[Array], frames: Sequence[Frame]
) -> None:
    """ValueError where a result may differ along an axis that its spec does not name."""
    differs = [frozenset(fr.axis_name for fr in frames if is_varying(unwrap(x), fr)) for x in outs]
    fails = [d if d - used(s) else None for d, s in zip(differs, specs, strict=True)]
    if any(f is not None for f in fails):
        raise ValueError(spec_errors.differing_results(f, mesh, tree, out_specs, fails))



