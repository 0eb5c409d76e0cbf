"""pmap: map a function over an axis of its arguments, one slice for each device.

As in JAX it is `shard_map` over a mesh of one axis, jitted: blocks of one row lose that axis on the way in and get it
back on the way out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jaxlike._src import devices as devices_module
from jaxlike._src.array import Array
from jaxlike._src.border import unwrap
from jaxlike._src.frames import STATE
from jaxlike._src.mesh import Mesh
from jaxlike._src.sharding import NamedSharding
from jaxlike._src.traceback_filter import api_boundary
from jaxlike._src.transforms.arguments import check_callable, name_of, wraps
from jaxlike._src.transforms.jit import jit
from jaxlike._src.transforms.shard_map import as_result, make_shard_map, specs_of_axes
from jaxlike._src.transforms.static_args import Static
from jaxlike._src.tree import (
    broadcast_flattened_prefix_with_treedef,
    broadcast_prefix,
    none_leaf_registry,
    prefix_errors,
    tree_flatten,
    tree_leaves,
    tree_map,
    tree_unflatten,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

_ANONYMOUS = "_internal_pmap_axis_name"
_DOCUMENTATION = "https://docs.jax.dev/en/latest/_autosummary/jax.pmap.html#jax.pmap"


def pmap(
    fun: Callable[..., Any],
    axis_name: Any = None,
    *,
    in_axes: Any = 0,
    out_axes: Any = 0,
    static_broadcasted_argnums: int | Iterable[int] = (),
    devices: Sequence[Any] | None = None,
    backend: str | None = None,
    axis_size: int | None = None,
    donate_argnums: int | Iterable[int] = (),
) -> Any:
    """A function that runs ``fun`` on every device, on the slices of its arguments along an axis.

    Args:
        fun: any function of arrays.
        axis_name: a name for collectives such as ``jax.lax.psum``.
        in_axes: int, None (the same on all devices) or a tree prefix of the positional arguments of these.
            Keyword arguments are mapped over their axis 0.
        out_axes: where the mapped axis goes in the results; None for results that are the same on all devices.
        static_broadcasted_argnums: positions of arguments that are Python values.
        devices: those to run on; by default the first ones.
        backend: the platform of the devices.
        axis_size: the size of the mapped axis, which must be that of the arguments.
        donate_argnums: positions of arguments whose memory may be reused.

    Returns:
        A function of the same arguments with one more axis each, whose size is at most the number of devices. It has
        `lower`.
    """
    if devices is not None:
        if not devices:
            raise ValueError("'devices' argument to pmap must be non-empty, or None.")
        devices = tuple(devices)
    check_callable(fun)
    name = _ANONYMOUS if axis_name is None else axis_name
    static, donated = _positions(static_broadcasted_argnums), _positions(donate_argnums)
    for said, axes in (("in_axes", in_axes), ("out_axes", out_axes)):
        if not all(type(a) is int for a in tree_leaves(axes)):
            raise TypeError(
                f"pmap {said} must be an int, None, or (nested) container with those types as leaves, but got {axes}."
            )
    made: dict[Any, Any] = {}

    def prepared(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, list[Any]]:
        """The jitted function of the leaves, and the leaves."""
        if static and max(static) >= len(args):
            raise ValueError(
                f"pmapped function has static_broadcasted_argnums={static} but was called with only {len(args)} "
                f"positional argument{'s' if len(args) > 1 else ''}. All static broadcasted arguments must be passed "
                "positionally."
            )
        places = [k for k in range(len(args)) if k not in static]
        dynamic = tuple(args[k] for k in places)
        axes: Any = tuple(in_axes[k] for k in places) if static and isinstance(in_axes, tuple) else in_axes
        leaves, tree = tree_flatten((dynamic, kwargs))
        per_leaf = _axes_of_leaves(axes, tree, dynamic, kwargs)
        size = _size(leaves, per_leaf)
        if axis_size is not None and axis_size != size:
            raise ValueError(f"Specified axis_size {axis_size} doesn't match received axis_size {size}.")
        on = devices if devices is not None else tuple(devices_module.devices(backend))
        fixed = tuple(_static(args[k], k, fun) for k in static)
        key = tree, per_leaf, fixed, on[:size], STATE.frame is None
        if key not in made:
            call = _restored(fun, tree, per_leaf, out_axes, places, static, args)
            given = [k for k, p in enumerate(places) if p in donated]
            numbers = [k for k, of in enumerate(_argument_of_leaves(dynamic, kwargs)) if of in given]
            made[key] = _jitted(call, Mesh(list(on[:size]), (name,)), per_leaf, out_axes, numbers)
        return made[key], leaves

    @api_boundary
    def mapped(*args: Any, **kwargs: Any) -> Any:
        jitted, leaves = prepared(args, kwargs)
        return jitted(*leaves)

    def lower(*args: Any, **kwargs: Any) -> Any:
        """As `lower` of a jitted function."""
        jitted, leaves = prepared(args, kwargs)
        return jitted.lower(*leaves)

    wrapped = wraps(fun)(mapped)
    wrapped.lower = lower
    return wrapped


def _static(value: Any, k: int, fun: Any) -> Static:
    try:
        hash(value)
    except TypeError:
        raise ValueError(
            "Non-hashable static arguments are not supported, as this can lead to unexpected cache-misses. Static "
            f"argument (index {k}) of type {type(value)} for function {name_of(fun)} is non-hashable."
        ) from None
    return Static(value)


def _positions(given: int | Iterable[int]) -> tuple[int, ...]:
    return (given,) if isinstance(given, int) else tuple(given)


def _argument_of_leaves(dynamic: tuple[Any, ...], kwargs: dict[str, Any]) -> list[int]:
    """For each leaf, the number of the positional argument that it is of; -1 for keywords."""
    of = [k for k, x in enumerate(dynamic) for _ in tree_leaves(x)]
    return of + [-1] * len(tree_leaves(kwargs))


def _axes_of_leaves(axes: Any, tree: Any, dynamic: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
    flat, axes_tree = none_leaf_registry.flatten((axes, 0))
    try:
        return tuple(broadcast_flattened_prefix_with_treedef(flat, axes_tree, tree))
    except ValueError:
        pass
    said = str(prefix_errors((axes, 0), (dynamic, kwargs))[0]("pmap in_axes"))
    said += (
        "\n\nThe 'full pytree' here is the tuple of arguments passed positionally to the pmapped function, and the value "
        "of `in_axes` must be a tree prefix of that tuple. But it was not a prefix."
    )
    if kwargs:
        said += (
            "\n\nWhen some arguments are passed by keyword to the pmapped function, they are not included in the "
            "comparison to `in_axes`. Instead, each argument passed by keyword is mapped over its leading axis. See the "
            f"description of `in_axes` in the `pmap` docstring: {_DOCUMENTATION}"
        )
    raise ValueError(
        f"{said}\n\nCheck that the value of the `in_axes` argument to `pmap` is a tree prefix of the tuple of arguments "
        "passed positionally to the pmapped function."
    )


def _size(leaves: Sequence[Any], axes: Sequence[Any]) -> int:
    for x, axis in zip(leaves, axes, strict=True):
        if axis is not None and hasattr(x, "shape"):
            return int(x.shape[axis])
    raise ValueError("pmap requires at least one argument with a mapped axis.")


def _restored(
    fun: Any, tree: Any, axes: Sequence[Any], out_axes: Any, places: Sequence[int], static: Sequence[int], args: Any
) -> Callable[..., Any]:
    """``fun`` as a function of blocks with a mapped axis of size one."""
    fixed = {k: args[k] for k in static}

    def on_blocks(*leaves: Any) -> Any:
        rows = [x if a is None else _without(x, a) for x, a in zip(leaves, axes, strict=True)]
        dynamic, kwargs = tree_unflatten(tree, rows)
        positional = dict(zip(places, dynamic, strict=True)) | fixed
        out = fun(*(positional[k] for k in sorted(positional)), **kwargs)
        outs, out_tree = tree_flatten(out)
        out_per_leaf = broadcast_prefix(out_axes, out, is_leaf=lambda a: a is None)
        with_axis = [x if a is None else _with(as_result(x), a) for x, a in zip(outs, out_per_leaf, strict=True)]
        return tree_unflatten(out_tree, with_axis)

    on_blocks.__name__ = "_fun"  # what JAX calls it in messages
    return on_blocks


def _without(x: Array, axis: int) -> Array:
    if x.shape[axis] != 1:
        raise ValueError(
            "cannot select an axis to squeeze out which has size not equal to one, got shape="
            f"{x.shape} and dimensions={(axis % x.ndim,)}"
        )
    return type(x)(unwrap(x).squeeze(axis % x.ndim), x._tag)


def _with(x: Array, axis: int) -> Array:
    return type(x)(unwrap(x).unsqueeze(axis % (x.ndim + 1)), x._tag)


def _jitted(call: Any, mesh: Mesh, axes: Sequence[Any], out_axes: Any, donated: Sequence[int]) -> Any:
    (name,) = mesh.axis_names
    in_specs = tuple(specs_of_axes(name, a) for a in axes)
    out_specs = specs_of_axes(name, out_axes)
    on_mesh = make_shard_map(call, mesh, in_specs, out_specs, {name}, False)
    if STATE.frame is not None:
        return jit(on_mesh, donate_argnums=tuple(donated))
    return jit(
        on_mesh,
        donate_argnums=tuple(donated),
        in_shardings=tuple(NamedSharding(mesh, s) for s in in_specs),
        out_shardings=tree_map(lambda s: NamedSharding(mesh, s), out_specs),
    )


