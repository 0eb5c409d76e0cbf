"""constraint: how values are to be split over a mesh, told in the middle of a computation.

Values stay as they are: what changes is what a result says of its sharding.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from jaxlike._src.array import Array
from jaxlike._src.border import same_value, unwrap
from jaxlike._src.explicit_rules import ASKED
from jaxlike._src.frames import current_trace
from jaxlike._src.lax.strict import operand
from jaxlike._src.layout import Format, Layout, check_layout
from jaxlike._src.mesh import (
    AxisType,
    Mesh,
    get_abstract_mesh,
    get_concrete_mesh,
    use_abstract_mesh,
)
from jaxlike._src.partition_spec import P, flat_axes
from jaxlike._src.placement import place
from jaxlike._src.sharding import NamedSharding, Sharding, check_fits, in_mesh
from jaxlike._src.transforms.mesh_types import note
from jaxlike._src.tree import tree_flatten, tree_map, tree_unflatten
from jaxlike._src.tree.prefix import flatten_axes

_NAME = "with_sharding_constraint"


def with_sharding_constraint(x: Any, shardings: Any) -> Any:
    """``x``, its arrays split as ``shardings`` say.

    Args:
        x: tree of arrays.
        shardings: a sharding, a `Format`, a `P` of the mesh in force, or a tree of them that is a prefix of ``x``.
    """
    leaves, tree = tree_flatten(x)
    arrays = [operand("sharding_constraint", leaf) for leaf in leaves]
    layouts = flatten_axes(f"{_NAME} shardings", tree, shardings)
    shardings = tree_map(_without_layout, shardings, is_leaf=lambda s: s is None)
    for s in tree_flatten(shardings, is_leaf=lambda s: s is None)[0]:
        if not (s is None or isinstance(s, Sharding | P)):
            raise TypeError(
                f"shardings leaf specifications are expected to be PartitionSpec instances or None, but got {s}"
            )
    wanted = [in_mesh(s, "shardings", _NAME) for s in flatten_axes(f"{_NAME} shardings", tree, shardings)]
    for sharding in wanted:
        if sharding is None:
            raise ValueError(
                f"One of {_NAME} arguments got sharding {sharding} which is not allowed. Please only pass "
                "`jax.sharding.Sharding` instances."
            )
    for array, sharding in zip(arrays, wanted, strict=True):
        check_fits(sharding, array.shape, f"{_NAME} arguments", evenly=False)
    for array, given in zip(arrays, layouts, strict=True):
        if isinstance(given, Format) and isinstance(given.layout, Layout):
            check_layout(given.layout, array.shape, f"{_NAME} arguments")
    for sharding in wanted:
        if not get_abstract_mesh().are_all_axes_explicit:
            _check_auto(sharding)
    return tree_unflatten(tree, [_split(a, s) for a, s in zip(arrays, wanted, strict=True)])


def _without_layout(wanted: Any) -> Any:
    """The sharding of a `Format`: torch chooses how results lie in memory."""
    return wanted.sharding if isinstance(wanted, Format) else wanted


def _check_auto(sharding: Any) -> None:
    if not isinstance(sharding, NamedSharding):
        return
    mesh = sharding.mesh.abstract_mesh
    if any(axis not in mesh.auto_axes for axis in flat_axes(sharding.spec.partitions)):
        raise ValueError(
            f"The spec of NamedSharding passed to {_NAME} can only refer to Auto axes of the mesh. Got "
            f"spec={sharding.spec} and mesh={mesh}. You probably meant to use `reshard` API?"
        )


def split_as_asked(out_sharding: Any, name: str, compute: Callable[[], Array]) -> Array:
    """What ``compute`` gives, split as `out_sharding` says, whichever way that would be without it."""
    sharding = canonicalize_sharding(out_sharding, name)
    with ASKED:
        out = compute()
    return out if sharding is None else _split(out, sharding.update(spec=_whole(sharding, out)), fresh=True)


def _whole(sharding: NamedSharding, x: Array) -> P:
    entries = sharding.spec.partitions
    return P(*entries, *[None] * (x.ndim - len(entries)))


def _split(x: Array, sharding: Any, fresh: bool = False) -> Array:
    """``x``, which says that it is split so; divided evenly, and by devices rather than kinds of them."""
    made = type(x)(unwrap(x), x._tag)
    if (trace := current_trace()) is not None:
        made = made if fresh else same_value(x)  # what it was made of is split as before
        note(trace, made, sharding)
    if isinstance(sharding, NamedSharding) and not isinstance(sharding.mesh, Mesh):
        concrete = get_concrete_mesh()
        if concrete.empty:
            return made
        sharding = NamedSharding(concrete, sharding.spec)
    if isinstance(sharding, NamedSharding) and P.UNCONSTRAINED in sharding.spec.partitions:
        return made
    return place(made, sharding)


def reshard(xs: Any, out_shardings: Any) -> Any:
    """``xs``, its arrays split in another way over a mesh of explicit axes.

    Args:
        xs: tree of arrays.
        out_shardings: a `NamedSharding`, a `P` of the mesh in force, or a tree of them that is a prefix of ``xs``.
    """
    leaves, tree = tree_flatten(xs)
    wanted = flatten_axes("reshard out_shardings", tree, out_shardings, tupled_args=True)
    outs: list[Array] = []
    for leaf, given in zip(leaves, wanted, strict=True):
        x = operand("reshard", leaf)
        sharding = canonicalize_sharding(given, "reshard")
        if sharding is None:
            raise ValueError(
                "Reshard should only be used with out_shardings which are non-None and have a non-empty mesh. Got "
                f"sharding {given}."
            )
        sharding.check_compatible_aval(x.shape)
        sharding.shard_shape(x.shape)
        outs.append(_split(x, sharding.update(spec=_whole(sharding, x))))
    return tree_unflatten(tree, outs)


def canonicalize_sharding(given: Any, name: str) -> NamedSharding | None:
    """A sharding, or a `P` of the mesh in force, as a sharding over explicit axes; None where there are none to split."""
    if given is None or (isinstance(given, NamedSharding) and given.mesh.empty):
        return None
    if not isinstance(given, NamedSharding | P):
        raise TypeError(
            f"`out_sharding` argument of {name} only supports instances of `NamedSharding` or `PartitionSpec`. Got "
            f"{given} of type: {type(given)}"
        )
    if isinstance(given, P):
        mesh = get_abstract_mesh()
        if mesh.empty:
            raise ValueError(
                "Using PartitionSpec when you are not under a mesh context is not allowed. Please pass a NamedSharding "
                f"instance or enter into a mesh context via `jax.set_mesh`. Got {given}"
            )
        given = NamedSharding(mesh, given)
    types = dict(zip(given.mesh.axis_names, given.mesh.axis_types, strict=True))
    for axis in [*flat_axes(given.spec.partitions), *given.spec.unreduced, *given.spec.reduced]:
        if types[axis] is not AxisType.Explicit:
            raise ValueError(
                f"PartitionSpec passed to {name} cannot contain axis names that are of type Auto or Manual. Got "
                f"PartitionSpec: {given.spec} with axis name: {axis} of type: {types[axis]}."
            )
    return given


def auto_axes(f: Any = None, /, *, axes: Any = None, out_sharding: Any = None) -> Any:
    """A function that runs ``f`` with explicit mesh axes left to the compiler.

    Args:
        f: left out, this is a decorator.
        axes: which axes of the mesh in force; by default all.
        out_sharding: how results are split; left out, calls give it by keyword.
    """

    def of(fun: Any) -> Any:
        @functools.wraps(fun)
        def decorated(*args: Any, **kwargs: Any) -> Any:
            wanted = _given(out_sharding, "out_sharding", kwargs)
            inner = _retyped(axes, AxisType.Auto)
            if inner is None:
                return fun(*args, **kwargs)
            with use_abstract_mesh(inner):
                out = fun(*args, **kwargs)
            return reshard(out, wanted)

        return decorated

    return of if f is None else of(f)


def explicit_axes(f: Any = None, /, *, axes: Any = None, in_sharding: Any = None) -> Any:
    """A function that runs ``f`` with mesh axes that the compiler had made explicit.

    Args:
        f: left out, this is a decorator.
        axes: which axes of the mesh in force; by default all.
        in_sharding: how arguments are split; left out, calls give it by keyword.
    """

    def of(fun: Any) -> Any:
        @functools.wraps(fun)
        def decorated(*args: Any, **kwargs: Any) -> Any:
            wanted = _given(in_sharding, "in_sharding", kwargs)
            inner = _retyped(axes, AxisType.Explicit)
            if inner is None:
                raise ValueError(
                    "Context mesh cannot be empty. Please use `jax.set_mesh` API to enter into a mesh context when using "
                    "`explicit_axes` API."
                )
            with use_abstract_mesh(inner):
                return fun(*reshard(args, wanted), **kwargs)

        return decorated

    return of if f is None else of(f)


def _given(value: Any, name: str, kwargs: dict[str, Any]) -> Any:
    if value is not None:
        return value
    if name not in kwargs:
        raise TypeError(f"Missing required keyword argument: '{name}'")
    return kwargs.pop(name)


def _retyped(axes: Any, to: AxisType) -> Any:
    """The mesh in force with other types of axes; None where there is none or nothing changes."""
    mesh = get_abstract_mesh()
    if mesh.empty:
        return None
    names = mesh.axis_names if axes is None else axes if isinstance(axes, tuple) else (axes,)
    return mesh.update_axis_types(dict.fromkeys(names, to))
