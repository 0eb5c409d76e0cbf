"""vmap: run a function once on batches, one functorch level for each vmap.

Axes are given as a tree prefix of the arguments (int or None) and counted on logical shapes: a PRNG key's
payload axis is not one. The frame of a named vmap is what collectives over its name look for.
"""

from __future__ import annotations

import inspect
import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxlike._src import torch_private
from jaxlike._src.array import Array
from jaxlike._src.border import unwrap
from jaxlike._src.frames import STATE, Frame
from jaxlike._src.regions import as_one
from jaxlike._src.traceback_filter import api_boundary
from jaxlike._src.transforms.arguments import check_callable, name_of, to_array, wraps
from jaxlike._src.transforms.leaks import check_leaks
from jaxlike._src.transforms.ref_lanes import RefLanes
from jaxlike._src.transforms.ref_state import has_refs, is_ref
from jaxlike._src.transforms.vmappable import as_leaf, element, is_vmappable, spec_types, whole
from jaxlike._src.tree import (
    flatten_axes,
    keystr,
    tree_flatten,
    tree_flatten_with_path,
    tree_leaves,
    tree_unflatten,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor


def vmap(
    fun: Callable[..., Any],
    in_axes: Any = 0,
    out_axes: Any = 0,
    axis_name: Any = None,
    axis_size: int | None = None,
    spmd_axis_name: Any = None,
    sum_match: bool = False,
) -> Callable[..., Any]:
    """A function that maps ``fun`` over an axis of its arguments.

    Args:
        fun: any function of arrays.
        in_axes: int, None (not mapped) or a tree prefix of the positional arguments of these.
            Keyword arguments are mapped over their axis 0.
        out_axes: where the mapped axis goes in the results; None for results that are not mapped.
        axis_name: a name for collectives such as ``jax.lax.psum``.
        axis_size: the size of the mapped axis, needed where no argument has it.
        spmd_axis_name: accepted; sharding of the mapped axis is not affected.
        sum_match: accepted.

    Returns:
        A function of the same arguments with one more axis each.
    """
    del spmd_axis_name, sum_match
    check_callable(fun)
    fun_name = name_of(fun)
    if isinstance(in_axes, list):
        in_axes = tuple(in_axes)
    if not (in_axes is None or type(in_axes) in {int, tuple, *spec_types} or hasattr(in_axes, "_fields")):
        raise TypeError(
            "vmap in_axes must be an int, None, or a tuple of entries corresponding to the positional arguments "
            f"passed to the function, but got {in_axes}."
        )
    if not all(_is_axis(leaf) for leaf in tree_leaves(in_axes)):
        raise TypeError(
            f"vmap in_axes must be an int, None, or (nested) container with those types as leaves, but got {in_axes}."
        )
    if not all(_is_axis(leaf) for leaf in tree_leaves(out_axes)):
        raise TypeError(
            f"vmap out_axes must be an int, None, or (nested) container with those types as leaves, but got {out_axes}."
        )

    @api_boundary
    def mapped(*args: Any, **kwargs: Any) -> Any:
        if isinstance(in_axes, tuple) and len(in_axes) != len(args):
            raise ValueError(
                "vmap in_axes must be an int, None, or a tuple of entries corresponding to the positional arguments "
                f"passed to the function, but got len(in_axes)={len(in_axes)}, len(args)={len(args)}"
            )
        leaves, in_tree = tree_flatten((args, kwargs), as_leaf())
        if not leaves and axis_size is None:
            raise ValueError(
                "vmap wrapped function must be passed at least one argument containing an array or axis_size must be "
                f"specified, got empty *args={args} and **kwargs={kwargs}"
            )
        hash(axis_name)  # which collectives look up
        if in_axes == 0 and type(in_axes) is int:
            axes: list[Any] = [0] * len(leaves)
        else:
            axes = flatten_axes("vmap in_axes", in_tree, (in_axes, 0), kws=True)
        told = {k: axes[k] for k, x in enumerate(leaves) if is_vmappable(x)} if spec_types else {}
        axes = [None if k in told else axis for k, axis in enumerate(axes)] if told else axes
        lanes = RefLanes(fun, leaves, axes, args, kwargs) if has_refs(leaves) else None
        values = leaves if lanes is None else lanes.values
        arrays = [x if axis is None else _checked(x) for x, axis in zip(values, axes, strict=True)]
        raw = [None if axis is not None else x for x, axis in zip(leaves, axes, strict=True)]
        shown = arrays if lanes is None else [x if is_ref(x) else a for x, a in zip(leaves, arrays, strict=True)]
        sized = [told.get(k, axis) for k, axis in enumerate(axes)] if told else axes
        size = _axis_size(fun, shown, sized, axis_size, args, kwargs)

        def on_leaves(inside: Sequence[Any]) -> Any:
            nonlocal lanes
            given = [x if r is None else r for x, r in zip(inside, raw, strict=True)]  # not mapped: as it came
            for k, spec in told.items():
                assert STATE.frame is not None
                given[k] = element(given[k], spec, STATE.frame.level, size)
            new_args, new_kwargs = tree_unflatten(in_tree, given if lanes is None else lanes.inside(given))
            out = fun(*new_args, **new_kwargs)
            if lanes is None and has_refs(out):  # made inside
                lanes = RefLanes(fun, (), (), args, kwargs)
            return out if lanes is None else lanes.results(out)

        axes_out = (out_axes, lanes.axes) if lanes is not None and lanes.axes else out_axes
        out = vmap_leaves(on_leaves, arrays, axes, axes_out, size, axis_name, fun_name)
        return out if lanes is None else lanes.finish(out)

    docstr = (
        "Vectorized version of {fun}. Takes similar arguments as {fun} but with additional array axes over which "
        "{fun} is mapped."
    )
    if fun.__doc__:
        docstr += "\n\nOriginal documentation:\n\n" + fun.__doc__.replace("{", "{{").replace("}", "}}")
    return wraps(fun, docstr=docstr)(mapped)


def _is_axis(leaf: Any) -> bool:
    return type(leaf) is int or isinstance(leaf, np.integer) or type(leaf) in spec_types


def _checked(x: Any) -> Any:
    try:
        return to_array(x)
    except TypeError as error:
        raise TypeError(str(error).removesuffix(".")) from None


def vmap_leaves(
    fun: Callable[[Sequence[Any]], Any],
    arrays: Sequence[Any],
    axes: Sequence[Any],
    out_axes: Any,
    size: int,
    axis_name: Any,
    fun_name: str,
    resumes: Frame | None = None,
) -> Any:
    """Run ``fun`` on the leaves with their axes hidden; put the axis back into the results.

    ``resumes``: a vmap that is set aside, whose lanes these are: closed-over values of it stay usable.
    """
    tensors = [unwrap(x) if isinstance(x, Array) else None for x in arrays]
    lanes = size
    if size == 0:  # torch's batching rules look at a lane (2.13): compute one of zeros, and leave it out
        lanes, tensors = (
            1,
            [
                t if t is None or axis is None else one_lane(t, axis % x.ndim)
                for x, t, axis in zip(arrays, tensors, axes, strict=True)
            ],
        )
    with Frame("vmap", axis_name=axis_name, axis_size=size, fun_name=fun_name, resumes=resumes) as frame:
        level = frame.level = torch_private.enter_vmap(lanes)
        try:
            inside = [
                x
                if axis is None
                else np.zeros(x.shape[:axis] + x.shape[axis + 1 :] if axis >= 0 else np.delete(x.shape, axis), x.dtype)
                if t is None
                else type(x)(torch_private.add_batch_dim(t, axis % x.ndim, level), x._tag)
                for x, t, axis in zip(arrays, tensors, axes, strict=True)
            ]
            out = fun(inside)
            leaves, treedef = tree_flatten(out, as_leaf())
            results = [_output(x) for x in leaves]
            out_dims: list[Any] = (
                [0] * len(leaves)
                if out_axes == 0 and type(out_axes) is int
                else flatten_axes("vmap out_axes", treedef, out_axes)
            )
            x = None
            for k, (x, dim) in enumerate(zip(results, out_dims, strict=True)):
                axis = None if dim is not None or not isinstance(x, Array) else _lanes_of(x, level)
                if axis is not None:
                    at = keystr(tree_flatten_with_path(out)[0][k][0])
                    raise ValueError(f"at vmap out_axes{at}, got axis spec None but output was batched on axis {axis}")
            outs = [_leave(x, level, size, dim, frame) for x, dim in zip(results, out_dims, strict=True)]
        finally:
            torch_private.exit_vmap()
    left = [
        x if dim is None and not (isinstance(x, Array) or is_vmappable(x)) else kind(t, tag) if kind else t
        for x, dim, (kind, t, tag) in zip(leaves, out_dims, outs, strict=True)
    ]
    del inside, out, leaves, results, x
    check_leaks(frame)
    return tree_unflatten(treedef, left)


def one_lane(tensor: Tensor, axis: int) -> Tensor:
    """A lane of zeros in place of none."""
    return tensor.new_zeros((*tensor.shape[:axis], 1, *tensor.shape[axis + 1 :]))


def _output(x: Any) -> Any:
    if is_vmappable(x):
        return x
    try:
        return to_array(x)
    except TypeError:
        raise TypeError(f"Output from batched function {x!r} with type {type(x)} is not a valid JAX type") from None


def _lanes_of(x: Array, level: int) -> int | None:
    return torch_private.batch_dim_at(unwrap(x), level)


def _leave(x: Any, level: int, size: int, dim: Any, frame: Frame) -> tuple[Any, Any, Any]:
    """A result outside the level: (class, tensor, tag), or (None, value, None) for what is no Array."""
    if is_vmappable(x):

        def leave(array: Array, axis: Any) -> Array:
            kind, tensor, tag = _leave(array, level, size, axis, frame)
            left = kind(tensor, tag)
            left._frame = frame.parent
            return left

        return None, whole(x, dim, size, leave), None
    if not isinstance(x, Array):
        return None, x if dim is None else np.zeros((size, *x.shape), x.dtype), None
    tensor = unwrap(x)
    if dim is None:
        return type(x), tensor, x._tag
    rank = x.ndim + 1
    if not -rank <= dim < rank:
        raise ValueError(f"axis {dim} is out of bounds for array of dimension {rank}")
    if type(x) is Array and size and _lanes_of(x, level) is None:
        at = dim % rank
        shape = (*tensor.shape[:at], size, *tensor.shape[at:])
        params = {"shape": shape, "broadcast_dimensions": tuple(k for k in range(rank) if k != at), "sharding": None}
        return Array, as_one("broadcast_in_dim", params, lambda t: t.unsqueeze(at).expand(shape), tensor), x._tag
    tensor = torch_private.remove_batch_dim(tensor, level, size or 1, dim % rank)
    return type(x), tensor if size else tensor.narrow(dim % rank, 0, 0), x._tag


def _axis_size(fun: Any, arrays: Sequence[Any], axes: Sequence[Any], given: int | None, args: Any, kwargs: Any) -> int:
    """The one size of all mapped axes."""
    sizes: list[Any] = []
    for x, axis in zip(arrays, axes, strict=True):
        if not isinstance(axis, int | np.integer):  # not mapped, or along an axis that only its class knows
            continue
        ndim = len(x.shape)
        if not -ndim <= axis < ndim:
            needed = axis + 1 if axis >= 0 else -axis
            raise ValueError(
                f"vmap was requested to map its argument along axis {axis}, which implies that its rank should be at "
                f"least {needed}, but is only {ndim} (its shape is {tuple(x.shape)})"
            )
        if x.shape[axis] not in sizes:
            sizes.append(x.shape[axis])
    if given is not None:
        if not sizes:
            return _usable_size(given)
        if given not in sizes:
            sizes.append(given)
    if len(sizes) == 1:
        return sizes[0]
    if not sizes:
        raise ValueError("vmap must have at least one non-None value in in_axes or axis_size must be specified")
    raise ValueError(_sizes_message(fun, arrays, axes, given, args, kwargs, len(sizes)))


def _usable_size(given: Any) -> int:
    """`axis_size` where no argument is mapped, so that the results are that many copies."""
    hash(given)
    if not isinstance(given, int | np.integer):
        raise TypeError(f"broadcast_in_dim shape must have every element be an integer type, got {(type(given),)}.")
    if given < 0:
        raise TypeError(f"broadcast_in_dim shape must have every element be nonnegative, got {(given,)}.")
    return operator.index(given)


def _sizes_message(
    fun: Any, arrays: Sequence[Any], axes: Sequence[Any], given: int | None, args: Any, kwargs: Any, sizes: int
) -> str:
    try:
        names = list(inspect.signature(fun).bind(*args, **kwargs).signature.parameters)
    except (TypeError, ValueError):  # no function with a signature, or it does not take these
        names = []
    paths = [path for path, _ in tree_flatten_with_path((args, kwargs))[0]]
    lines: list[str] = []
    if given is not None:
        lines.append(f"the `axis_size` argument was {given}")
    groups: dict[int, list[str]] = {}
    for x, axis, path in zip(arrays, axes, paths, strict=True):
        if not isinstance(axis, int | np.integer):
            continue
        if path[0].idx == 1:
            label = f"kwargs{keystr(path[1:])}"
        elif path[1].idx < len(names):
            label = f"argument {names[path[1].idx]}{keystr(path[2:])}"
        else:
            label = f"args{keystr(path[1:])}"
        aval = f"{x.dtype}[{','.join(map(str, x.shape))}]" if not hasattr(x, "aval") else x.aval.strip_weak_type()
        groups.setdefault(x.shape[axis], []).append(f"axis {axis} of {label} of type {aval}")
    ordered = sorted(groups.items(), key=lambda g: -len(g[1]))
    for rank, (size, members) in enumerate(ordered):
        if len(members) == 1:
            lines.append(f"one axis had size {size}: {members[0]}")
        else:
            how_many = "most" if rank == 0 and sizes > 1 else "some"
            shown = [f"axis {m.split(' of type ')[0].removeprefix('axis ')}" for m in members]
            lines.append(
                f"{how_many} axes ({len(members)} of them) had size {size}, e.g. {shown[0]} of type "
                f"{members[0].split(' of type ')[1]}"
            )
    return "vmap got inconsistent sizes for array axes to be mapped:\n" + "\n".join(
        f"  * {line}{';' if k < len(lines) - 1 else ''}" for k, line in enumerate(lines)
    )
