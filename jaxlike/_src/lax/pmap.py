"""pmap: a function of one device's part of its arguments, each device taking one entry of a mapped axis.

It is `vmap` under a name, compiled; the devices are asked only whether there are enough of them.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from jaxlike._src import devices as devices_
from jaxlike._src.lax.shard_map import spec_of_axis
from jaxlike._src.mesh import Mesh
from jaxlike._src.sharding import NamedSharding
from jaxlike._src.transforms.arguments import check_callable, name_of, wraps
from jaxlike._src.transforms.jit import jit
from jaxlike._src.transforms.vmap import vmap
from jaxlike._src.tree import (
    broadcast_flattened_prefix_with_treedef,
    prefix_errors,
    tree_flatten,
    tree_leaves,
    tree_map,
    tree_unflatten,
)

_UNNAMED = "_internal_pmap_axis_name"


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
    """A compiled function that maps ``fun`` over an axis of its arguments, an entry a device.

    Args:
        fun: takes one device's part of each argument.
        axis_name: a name for collectives such as ``jax.lax.psum``.
        in_axes: int, None (not mapped) or a tree prefix of the positional arguments of these. Keyword arguments are
            mapped over their axis 0.
        out_axes: where the mapped axis goes in the results; None for results that are equal on all devices.
        static_broadcasted_argnums: positions of arguments that are Python values.
        devices: the devices to map over; by default as many of all as the mapped axis is long.
        backend: whose devices.
        axis_size: the size of the mapped axis.
        donate_argnums: positions of arguments whose memory may be used for the results.

    Raises:
        ValueError: no argument is mapped, sizes differ, or there are fewer devices than entries.
    """
    if devices is not None and not devices:
        raise ValueError("'devices' argument to pmap must be non-empty, or None.")
    check_callable(fun)
    static = _indices(static_broadcasted_argnums)
    for which, axes in (("in_axes", in_axes), ("out_axes", out_axes)):
        if not all(type(leaf) is int for leaf in tree_leaves(axes)):
            raise TypeError(
                f"pmap {which} must be an int, None, or (nested) container with those types as leaves, but got {axes}."
            )
    name = _UNNAMED if axis_name is None else axis_name

    def dissected(args: Any, kwargs: Any) -> tuple[list[Any], list[Any], Any, int]:
        """What is mapped: leaves, their axes, their tree, the size of the axis."""
        if static and max(static) >= len(args):
            raise ValueError(
                f"pmapped function has static_broadcasted_argnums={static} but was called with only {len(args)} "
                f"positional argument{'s' if len(args) > 1 else ''}. All static broadcasted arguments must be passed "
                "positionally."
            )
        given = {k: x for k, x in enumerate(args) if k not in static}
        dynamic = tuple(given.values())
        axes = tuple(in_axes[k] for k in given) if static and isinstance(in_axes, tuple) else in_axes
        leaves, in_tree = tree_flatten((dynamic, kwargs))
        flat_axes = _flat_axes(axes, dynamic, kwargs, in_tree)
        size = _mapped_size(leaves, flat_axes)
        if axis_size is not None and axis_size != size:
            raise ValueError(f"Specified axis_size {axis_size} doesn't match received axis_size {size}.")
        return leaves, flat_axes, in_tree, size

    def mapped(*args: Any, **kwargs: Any) -> Any:
        leaves, flat_axes, in_tree, size = dissected(args, kwargs)

        def on_leaves(*parts: Any) -> Any:
            new, new_kwargs = tree_unflatten(in_tree, parts)
            rest = iter(new)
            return fun(*[args[k] if k in static else next(rest) for k in range(len(args))], **new_kwargs)

        # A result that is not mapped comes from the first device, whether or not it is the same on all.
        everywhere = tree_map(lambda axis: 0 if axis is None else axis, out_axes, is_leaf=lambda x: x is None)
        out = vmap(on_leaves, tuple(flat_axes), everywhere, name, size)(*leaves)
        results, out_tree = tree_flatten(out)
        prefix, prefix_tree = tree_flatten(out_axes, is_leaf=lambda x: x is None)
        out_flat = broadcast_flattened_prefix_with_treedef(prefix, prefix_tree, out_tree)
        return tree_unflatten(out_tree, [x[0] if a is None else x for x, a in zip(results, out_flat, strict=True)])

    mapped.__name__ = mapped.__qualname__ = name_of(fun)
    compiled = jit(mapped, static_argnums=static, donate_argnums=_indices(donate_argnums))

    @wraps(fun)
    def pmapped(*args: Any, **kwargs: Any) -> Any:
        leaves, flat_axes, _, size = dissected(args, kwargs)
        _check_devices(leaves, flat_axes, devices, backend, size)
        return compiled(*args, **kwargs)

    vars(pmapped)["lower"] = compiled.lower
    return pmapped


def _indices(argnums: int | Iterable[int]) -> tuple[int, ...]:
    return tuple(argnums) if isinstance(argnums, Iterable) else (operator.index(argnums),)


def _flat_axes(axes: Any, args: Any, kwargs: Any, in_tree: Any) -> list[Any]:
    prefix, prefix_tree = tree_flatten((axes, 0), is_leaf=lambda x: x is None)
    try:
        return broadcast_flattened_prefix_with_treedef(prefix, prefix_tree, in_tree)
    except ValueError:
        error, *_ = prefix_errors((axes, 0), (args, kwargs))
        (message,) = error("pmap in_axes").args
        message += (
            "\n\nThe 'full pytree' here is the tuple of arguments passed positionally to the pmapped function, and the "
            "value of `in_axes` must be a tree prefix of that tuple. But it was not a prefix."
        )
        if kwargs:
            message += (
                "\n\nArguments passed by keyword are not compared with `in_axes`: each is mapped over its leading axis."
            )
        message += (
            "\n\nCheck that the value of the `in_axes` argument to `pmap` is a tree prefix of the tuple of arguments "
            "passed positionally to the pmapped function."
        )
        raise ValueError(message) from None


def _mapped_size(leaves: Sequence[Any], axes: Sequence[Any]) -> int:
    for x, axis in zip(leaves, axes, strict=True):
        if axis is not None and hasattr(x, "shape"):
            return int(x.shape[axis])
    raise ValueError("pmap requires at least one argument with a mapped axis.")


def _check_devices(
    leaves: Sequence[Any], axes: Sequence[Any], given: Sequence[Any] | None, backend: str | None, size: int
) -> None:
    """Each device gets one entry of each mapped axis."""
    used = list(devices_.devices(backend) if given is None else given)[:size]
    mesh = Mesh(np.array(used), (_UNNAMED,))
    for x, axis in zip(leaves, axes, strict=True):
        if axis is None:
            continue
        part = list(NamedSharding(mesh, spec_of_axis(_UNNAMED, axis % len(x.shape))).shard_shape(x.shape))
        if part[axis] != 1:
            raise ValueError(
                "cannot select an axis to squeeze out which has size not equal to one, got "
                f"shape={tuple(part)} and dimensions={(axis,)}"
            )
