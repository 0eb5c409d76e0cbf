"""executable: a compiled function as bytes, and back: the form is that of an exported function.

The trees of arguments and results are not in the bytes, since they may have nodes of classes that only the user can
save: they are handed over beside, as in JAX.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jaxlike._src.devices import get_backend
from jaxlike._src.export.exported import default_export_platform, deserialize, exported_graph
from jaxlike._src.shape_struct import ShapeDtypeStruct
from jaxlike._src.transforms.jit import jit
from jaxlike._src.tree import tree_leaves, tree_structure, tree_unflatten

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jaxlike._src.devices import Client, Device
    from jaxlike._src.stages import Compiled


def serialize(compiled: Compiled) -> tuple[bytes, Any, Any]:
    """A compiled function as bytes, with the trees of its arguments and results.

    Args:
        compiled: what ``jax.jit(f).lower(...).compile()`` returned.
    """
    entry = compiled._entry
    if any(x._frame is not None for x in entry.graph.lifted):
        raise NotImplementedError("serialize_executables with const_args")  # as JAX: they have no bytes, being of a transformation that runs
    n, m = len(entry.graph.in_avals), len(entry.kinds)
    flat = tree_structure(((0,) * n, {})), tree_structure((0,) * m)
    exported = exported_graph(entry.graph, entry.kinds, *flat, (default_export_platform(),))
    return bytes(exported.serialize()), compiled.in_tree, compiled.out_tree


def deserialize_and_load(
    serialized: bytes,
    in_tree: Any,
    out_tree: Any,
    backend: str | Client | None = None,
    execution_devices: Sequence[Device] | None = None,
) -> Compiled:
    """The compiled function that `serialize` wrote.

    Args:
        serialized: its bytes.
        in_tree: the tree of its arguments.
        out_tree: the tree of its results.
        backend: the platform that it is for; by default the present one.
        execution_devices: devices of that platform; it runs on the default one of them.
    """
    client = get_backend(backend)
    for device in execution_devices or ():
        if device.client is not client:
            raise ValueError(
                "Execution devices belong to a client other than `backend`. Got backend client: "
                f"{(client.platform, client.platform_version)} and execution devices client: "
                f"{(device.client.platform, device.client.platform_version)}"
            )
    exported = deserialize(serialized)

    def run(*args: Any, **kwargs: Any) -> Any:
        return tree_unflatten(out_tree, list(exported.call(*tree_leaves((args, kwargs)))))

    run.__name__ = exported.fun_name
    specs = [ShapeDtypeStruct(a.shape, a.dtype, weak_type=a.weak_type) for a in exported.in_avals]
    args, kwargs = tree_unflatten(in_tree, specs)
    return jit(run, keep_unused=True).lower(*args, **kwargs).compile()
