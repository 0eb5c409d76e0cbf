"""multihost_utils: values exchanged between the processes of a program, by torch.distributed.

An Array lives in one process. So gathering and broadcasting are collectives of torch's on each leaf's bytes, and with one
process they only give the shapes that there are with several.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.distributed as dist

from jaxlike._src import dtypes
from jaxlike._src.device_put import device_put
from jaxlike._src.devices import default_torch_device, process_count, process_index
from jaxlike._src.distributed import global_state
from jaxlike._src.mesh import Mesh
from jaxlike._src.partition_spec import P
from jaxlike._src.sharding import NamedSharding
from jaxlike._src.transforms.jit_shardings import for_each_leaf
from jaxlike._src.tree import tree_flatten, tree_leaves, tree_map, tree_unflatten


def process_allgather(in_tree: Any, tiled: bool = False) -> Any:
    """The values of all processes, as numpy arrays: stacked along a new first axis, or ``tiled`` along the first.

    Every leaf has the same shape in each process. A scalar is always stacked where there are several.
    """

    def gather(leaf: Any) -> np.ndarray[Any, Any]:
        values = np.asarray(leaf)
        if process_count() == 1:
            return values if tiled else values[None]
        gathered = _gathered(values)
        return np.concatenate(gathered) if tiled and values.ndim else np.stack(gathered)

    return tree_map(gather, in_tree)


def broadcast_one_to_all(in_tree: Any, is_source: bool | None = None) -> Any:
    """The values of one process in all of them, as numpy arrays.

    Args:
        in_tree: arrays of the same shapes in each process.
        is_source: whether this process is the one; by default the first is.
    """
    if process_count() == 1:
        return tree_map(np.asarray, in_tree)
    source = process_index() == 0 if is_source is None else is_source

    def broadcast(leaf: Any) -> np.ndarray[Any, Any]:
        values = np.asarray(leaf)
        mine = values if source else np.zeros_like(values)
        return np.sum(np.stack(_gathered(mine)), axis=0, dtype=values.dtype)

    return tree_map(broadcast, in_tree)


def _gathered(values: np.ndarray[Any, Any]) -> list[np.ndarray[Any, Any]]:
    """The array of each process, in their order; as bytes, for torch's collectives do not know every dtype."""
    flat = np.ascontiguousarray(values).reshape(-1)
    mine = torch.from_numpy(flat.view(np.uint8).copy()).to(default_torch_device())
    of_all = [torch.empty_like(mine) for _ in range(process_count())]
    dist.all_gather(of_all, mine)
    return [t.cpu().numpy().view(values.dtype).reshape(values.shape) for t in of_all]


def assert_equal(in_tree: Any, fail_message: str = "") -> None:
    """AssertionError unless every process has the same values."""
    gathered = process_allgather(in_tree, tiled=False)
    pairs = zip(tree_leaves(in_tree), tree_leaves(gathered), strict=True)
    if not all(np.all(np.equal(np.asarray(mine), of_all)) for mine, of_all in pairs):
        raise AssertionError(f"{fail_message}. Expected: {process_allgather(in_tree, tiled=True)}; got: {in_tree}.")


def sync_global_devices(name: str) -> None:
    """Wait until every process has come here; AssertionError where one has come to another name."""
    assert_equal(np.uint32(zlib.crc32(name.encode())), f"sync_global_devices name mismatch ('{name}')")


def reached_preemption_sync_point(step_id: int) -> bool:
    """Whether processes that were told to end have agreed on this step: never, with one process."""
    del step_id
    # Asking for the client raises where there are several processes: torch has no service for preemption.
    return global_state.client is not None


def host_local_array_to_global_array(local_inputs: Any, global_mesh: Mesh, pspecs: Any) -> Any:
    """Values of this process as arrays laid out over a mesh.

    Args:
        local_inputs: a tree of values.
        global_mesh: a mesh of devices of one process.
        pspecs: a `PartitionSpec` for each leaf, or for each subtree.
    """

    def lay_out(leaf: Any, spec: P) -> Any:
        value = np.zeros(leaf.shape, bool) if getattr(leaf, "dtype", None) == dtypes.float0 else leaf
        return device_put(value, NamedSharding(global_mesh, spec))

    return _by_spec(local_inputs, pspecs, "input pspecs", lay_out)


def global_array_to_host_local_array(global_inputs: Any, global_mesh: Mesh, pspecs: Any) -> Any:
    """Arrays laid out over a mesh as values of this process: arrays are such already."""

    def local(leaf: Any, spec: P) -> Any:
        return leaf if hasattr(leaf, "sharding") else device_put(leaf, NamedSharding(global_mesh, spec))

    return _by_spec(global_inputs, pspecs, "output pspecs", local)


def _by_spec(tree: Any, pspecs: Any, what: str, fun: Callable[[Any, Any], Any]) -> Any:
    """``fun(leaf, spec)`` for each leaf."""
    if process_count() > 1:
        # A shape or a sum of such an array would have to speak for shards that other processes hold.
        raise NotImplementedError(
            "An array over several processes is not supported: an Array lies in one process. process_allgather and "
            "broadcast_one_to_all exchange values."
        )
    leaves, treedef = tree_flatten(tree)
    specs = for_each_leaf(what, treedef, pspecs, of_args=True)
    if any(spec is None for spec in specs):
        raise ValueError(
            "`None` is not a valid input to the pspecs argument. Please use jax.sharding.PartitionSpec() if you wanted to "
            "replicate your input."
        )
    return tree_unflatten(treedef, [fun(leaf, spec) for leaf, spec in zip(leaves, specs, strict=True)])
