"""jit_shardings: where `jit`'s arguments are and its results go, and what is wrong with that.

`in_shardings` and `out_shardings` say it of each leaf; `device` and `backend` of all; and where nobody does, results
are on the device that arguments were put on.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxlike._src.array import Array
from jaxlike._src.devices import get_backend
from jaxlike._src.layout import Format, Layout
from jaxlike._src.partition_spec import P
from jaxlike._src.placement import PLACED, apart, place, placed
from jaxlike._src.sharding import Sharding, SingleDeviceSharding, check_fits, in_mesh
from jaxlike._src.transforms.arguments import name_of
from jaxlike._src.transforms.leaf_names import leaf_names
from jaxlike._src.transforms.mesh_types import follow, known_of, told, whole
from jaxlike._src.tree import (
    keystr,
    none_leaf_registry,
    tree_flatten,
    tree_flatten_with_path,
    tree_leaves,
    tree_unflatten,
)
from jaxlike._src.tree.prefix import flatten_axes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jaxlike._src.graph.graph import Graph
    from jaxlike._src.transforms.jit import Entry
    from jaxlike._src.tree import PyTreeDef


def as_key(given: Any) -> Any:
    """`out_shardings` as part of a cache's key, hashable where its leaves are."""
    if given is None:
        return None
    leaves, tree = none_leaf_registry.flatten(given)
    return tuple(leaves), tree


def check_leaves(**given: Any) -> None:
    """An error for what is no sharding, in the trees that an option of `jit` gives."""
    for what, shardings in given.items():
        for said in none_leaf_registry.flatten(shardings)[0]:
            if isinstance(said, Layout):
                raise ValueError(
                    "`jax.jit` does not accept device-local layouts directly. Create a `Format` instance wrapping this "
                    f"device-local layout and pass that to `jit` instead. Got {said}"
                )
            if not isinstance(said, Format | P | Sharding | None):
                raise TypeError(
                    f"{what} leaf specifications are expected to be PartitionSpec instances or None, but got {said}"
                )


def of_arguments(given: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Sharding | None]:
    """The sharding of each leaf of the arguments; None where nothing is said of it."""
    if kwargs:
        raise ValueError("pjit does not support kwargs when in_shardings is specified.")
    tree = tree_flatten(args)[1]
    given = tuple(given) if isinstance(given, list) else given
    return [_of_leaf(s, "in_shardings") for s in for_each_leaf("pjit in_shardings", tree, given, of_args=True)]


def _of_leaf(said: Any, what: str) -> Any:
    """A sharding; of a Format that only says how elements lie in memory, which is torch's matter, None."""
    return in_mesh(said.sharding if isinstance(said, Format) else said, what, "jit")


def for_each_leaf(what: str, tree: PyTreeDef, given: Any, of_args: bool) -> list[Any]:
    """What a tree of shardings or specs says of each leaf; ``of_args``: the leaves are those of a tuple of arguments."""
    try:
        return flatten_axes(what, tree, given)
    except ValueError as error:
        mismatch = "\n".join(line.removeprefix("  ") for line in str(error).splitlines()[1:])
    children = tree.children()
    if not of_args or (type(given) is tuple and len(given) == len(children)):
        raise ValueError(mismatch)
    said = (
        f"{what} specification must be a tree prefix of the positional arguments tuple. In particular, {what} must "
        "either be a Sharding, a PartitionSpec, or a tuple of length equal to the number of positional arguments."
    )
    if type(given) is tuple:
        said += (
            f" But {what} is the wrong length: got a tuple or list of length {len(given)} for an args tuple of length "
            f"{len(children)}."
        )
    else:
        said += f" But {what} is not a tuple: got {type(given)} instead."
    if len(children) == 1:
        with contextlib.suppress(ValueError):  # raised where that is not what is wrong
            flatten_axes(what, tree, (given,))
            said += (
                f" Given the corresponding argument being passed, it looks like {what} might need to be wrapped in a "
                "singleton tuple."
            )
    raise ValueError(said)


def check_arguments(given: Sequence[Sharding | None], arrays: Sequence[Array], names: Sequence[str]) -> None:
    """ValueError where an argument cannot be split so, or was put on its devices in another way."""
    for sharding, x, name in zip(given, arrays, names, strict=True):
        if sharding is None:
            continue
        check_fits(sharding, x.shape, "pjit arguments", name)
        has = placed(x)
        if has is not None and not sharding.is_equivalent_to(has, x.ndim):
            raise ValueError(
                "Sharding passed to jit does not match the sharding on the respective arg. Got jit sharding: "
                f"{sharding},\narg sharding: {has} for arg type: {x.aval}"
            )


def of_results(given: Any, entry: Entry) -> list[Sharding | None]:
    """The sharding of each leaf of the results; where nothing is said of it, that of the trace."""
    tree = entry.out_tree
    flat = for_each_leaf("pjit out_shardings", tree, given, of_args=False)
    said = [_of_leaf(s, "out_shardings") for s in flat]
    paths = [keystr(path) for path, _ in tree_flatten_with_path(tree_unflatten(tree, [0] * tree.num_leaves))[0]]
    with_values = [k for k in range(len(said)) if k not in entry.float0]
    places = [said[k] for k in with_values]
    for k, sharding, out in zip(with_values, places, entry.graph.own_avals[1], strict=True):
        check_fits(sharding, tuple(out.shape), "pjit outputs", f"result{paths[k]}")
    known = entry.places or [None] * len(places)
    return [k if s is None else s for s, k in zip(places, known, strict=True)]


def of_device(device: Any, backend: Any) -> SingleDeviceSharding | None:
    """What jit's options ``device`` and ``backend`` ask for all results."""
    if device is None:
        if backend is None:
            return None
        device = get_backend(backend).local_devices()[0]
    get_backend(device.client)  # what is no device has none
    return SingleDeviceSharding(device)


class Followed:
    """Where results are (``where``), for arguments that are placed so (``has``)."""

    __slots__ = ("counted", "has", "where")

    def __init__(self, has: Sequence[Sharding | None], where: Sequence[Sharding | None]) -> None:
        self.has, self.where = has, where
        self.counted = False  # whether a call with Arrays alone was noted


def kinds_of(leaves: Sequence[Any]) -> str:
    """What JAX's fast path tells apart: Arrays, those that were put on a device, numpy's data, and numbers."""
    return "".join(
        [
            ("a" if (where := placed(x)) is None else f"{hash(where)};")
            if isinstance(x, Array)
            else "n"
            if isinstance(x, np.ndarray | np.generic)
            else "p"
            for x in leaves
        ]
    )


def followed(
    entry: Entry,
    leaves: Sequence[Array],
    fun: Any,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    asked: Sequence[Sharding | None] | None = None,
) -> Followed | None:
    """Where each result is that is computed of arguments which were put somewhere; None where none was.

    ``asked`` is what `in_shardings` says of each.
    """
    has = tuple(map(placed, leaves))
    if asked is not None:
        has = tuple(h if a is None else a for a, h in zip(asked, has, strict=True))
    if not any(has):
        return None
    # By identity, which is quicker than to hash them; the entry keeps them, so that their ids stay theirs.
    key = tuple(map(id, has))
    known = entry.followed.get(key)
    if known is None:
        _check_together(entry.graph, leaves, fun, args, kwargs)
        alone = [e for e in entry.graph.effects if e.of_one_device]
        if alone and any(s is not None and s.num_devices > 1 for s in has):
            raise ValueError(f"The following ordered effects are not supported for more than 1 device: {alone}")
        known = entry.followed[key] = Followed(
            has, entry.places if entry.places and all(entry.places) else through(entry.graph, has)
        )
    return known


def _used(graph: Graph) -> list[bool]:
    """Which arguments the results are made of."""
    read = {v for node in graph.nodes for v in node.reads()} | set(graph.outputs)
    return [v in read for v in graph.inputs]


def _check_together(
    graph: Graph, leaves: Sequence[Array], fun: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    """ValueError where arguments that results are made of are on different devices."""
    known = [(k, s) for k, used in enumerate(_used(graph)) if used and (s := placed(leaves[k])) is not None]
    for k, sharding in known[1:]:
        first, other = known[0]
        if sharding.device_set != other.device_set:
            names, name = leaf_names(fun, args, kwargs), getattr(fun, "__qualname__", name_of(fun))
            raise apart(name, [(names[j], leaves[j]) for j in (first, k)])


def through(graph: Graph, has: Sequence[Sharding | None]) -> list[Sharding | None]:
    """The shardings of a graph's results for those of its arguments.

    Results are on the one device of arguments; over a mesh elementwise operations keep how their operands are split.
    """
    known = known_of(graph, has)
    alone = next((s for s, used in zip(has, _used(graph), strict=True) if used and s is not None), None)
    if isinstance(alone, SingleDeviceSharding):
        inputs = set(graph.inputs)
        return [known.get(v) if v in inputs else alone for v in graph.outputs]
    follow(graph.nodes, known)
    return [whole(told(known.get(v)), len(v.shape)) for v in graph.outputs]


def check_compiled(names: Sequence[str], arrays: Sequence[Array], required: Sequence[Sharding | None]) -> None:
    """ValueError where arguments of a compiled function were put elsewhere than it was compiled for."""
    wrong = [
        f"Argument {name} with shape {x.aval.str_short()}:\n  Passed sharding: {has}\n  Required sharding: {sharding}"
        for name, x, sharding in zip(names, arrays, required, strict=True)
        if sharding is not None and (has := placed(x)) is not None and not sharding.is_equivalent_to(has, x.ndim)
    ]
    if wrong:
        few = f"5 mismatches out of {len(wrong)}" if len(wrong) > 5 else f"the {len(wrong)} mismatches"
        raise ValueError(
            "Computation was compiled for input shardings that disagree with the shardings of arguments passed to it. "
            f"Here are {few}:\n" + "\n".join(wrong[:5])
        )


def put(out: Any, where: Sequence[Sharding | None]) -> Any:
    """``out``, its Arrays placed there that the function did not place itself."""
    if type(out) is Array:
        return place(out, where[0]) if where[0] is not None and id(out) not in PLACED else out
    arrays = [x for x in tree_leaves(out) if isinstance(x, Array)]
    for x, sharding in zip(arrays, where, strict=True):
        if sharding is not None and id(x) not in PLACED:
            place(x, sharding)
    return out
