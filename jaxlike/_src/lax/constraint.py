"""constraint: where values are to be kept, told in the middle of a computation. There is one device: values stay."""

from __future__ import annotations

from typing import Any

from jaxlike._src.lax.strict import operand
from jaxlike._src.partition_spec import P
from jaxlike._src.sharding import Sharding
from jaxlike._src.tree import tree_flatten, tree_unflatten
from jaxlike._src.tree.prefix import flatten_axes

_NAME = "with_sharding_constraint"


def with_sharding_constraint(x: Any, shardings: Any) -> Any:
    """``x``, its arrays kept as ``shardings`` say.

    Args:
        x: tree of arrays.
        shardings: a sharding, or a tree of them that is a prefix of ``x``.
    """
    leaves, tree = tree_flatten(x)
    arrays = [operand("sharding_constraint", leaf) for leaf in leaves]
    for s in tree_flatten(shardings, is_leaf=lambda s: s is None)[0]:
        if not (s is None or isinstance(s, Sharding | P)):
            raise TypeError(
                f"shardings leaf specifications are expected to be PartitionSpec instances or None, but got {s}"
            )
    wanted = flatten_axes(f"{_NAME} shardings", tree, shardings)
    for sharding in wanted:
        if isinstance(sharding, P):
            raise RuntimeError(
                f"{_NAME} requires a non-empty mesh in context if you are passing `PartitionSpec`s to shardings. You "
                "can define a context mesh via `jax.set_mesh(mesh)`. Alternatively, provide `Sharding`s to shardings and "
                "then the mesh context manager is not required."
            )
        if sharding is None:
            raise ValueError(
                f"One of {_NAME} arguments got sharding {sharding} which is not allowed. Please only pass "
                "`jax.sharding.Sharding` instances."
            )
    for array, sharding in zip(arrays, wanted, strict=True):
        try:
            sharding.check_compatible_aval(array.shape)
        except ValueError as error:
            raise ValueError(
                f"One of {_NAME} arguments is incompatible with its sharding annotation {sharding}: {error}"
            ) from None
    return tree_unflatten(tree, arrays)
