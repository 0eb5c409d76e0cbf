"""pytree_serialization: a tree of arrays in a folder: its structure as JSON, its arrays in one tensorstore.

The arrays lie as JAX's function of the same name lays them, the structure is written in a form of our own.
"""

from __future__ import annotations

import asyncio
import functools
import json
import re
import shutil
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxlike._src.array import Array
from jaxlike._src.experimental.array_serialization import tensorstore_impl
from jaxlike._src.experimental.array_serialization.serialization import is_remote_storage
from jaxlike._src.experimental.array_serialization.tensorstore_impl import is_tensorstore_spec_leaf
from jaxlike._src.export.tree_format import read_tree, write_tree
from jaxlike._src.layout import Format
from jaxlike._src.shape_struct import ShapeDtypeStruct
from jaxlike._src.tree import flatten_axes, tree_flatten, tree_leaves, tree_map, tree_structure, tree_unflatten

if TYPE_CHECKING:
    import os
    from collections.abc import Generator

_TREE_FILE, _ARRAYS = "pytreedef.json", "array_store"
_ITS_OWN = {_TREE_FILE, _ARRAYS, "archive.zip"}
_TREE, _LEAVES = "__jaxlike_pytreedef", "__jax_leaf_ids"
_AT_A_TIME = 10 * 1024**3  # bytes that are read
_SAVING = threading.Lock()


@functools.cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=32, thread_name_prefix="jaxlike checkpoint")


class PyTreeFuture(Future[Any]):
    """What a save or load that goes on will give; ``pytree``: shapes and dtypes of the leaves."""

    def __init__(self, future: Future[Any], pytree: Any) -> None:
        self._future, self.pytree = future, pytree

    def done(self) -> bool:
        """Whether it is done."""
        return self._future.done()

    def result(self, timeout: float | None = None) -> Any:
        """What it gives, when it is done."""
        return self._future.result(timeout)

    def __await__(self) -> Generator[None, None, Any]:
        while not self.done():
            yield
        return self.result()

    def __repr__(self) -> str:
        return f"PyTreeFuture(done={self.done()}, pytree={self.pytree})"


def _is_array_like(x: Any) -> bool:
    return isinstance(x, Array | np.ndarray)


def _is_none(x: Any) -> bool:
    return x is None


def _described(leaf: Any) -> str:
    return "null" if leaf is None else f"Array({leaf.dtype.name}[{', '.join(map(str, leaf.shape))}])"


def _read_leaf(text: str) -> ShapeDtypeStruct | None:
    if text == "null":
        return None
    found = re.fullmatch(r"Array\(([a-zA-Z0-9_]+)\[([0-9, ]*)\]\)", text)
    if found is None:
        raise ValueError(f"Not a leaf of a tree of arrays: {text}")
    shape = tuple(int(n) for n in found[2].split(",") if n.strip())
    return ShapeDtypeStruct(shape, np.dtype(found[1]))


def _for_each_leaf(prefix: Any, tree: Any, is_leaf: Any = _is_none) -> list[Any]:
    """An entry of a prefix of the tree for each of its leaves."""
    entries, structure = tree_flatten(prefix, is_leaf=is_leaf)
    numbers = tree_unflatten(structure, list(range(len(entries))))
    return [entries[k] for k in flatten_axes("tree_broadcast", tree_structure(tree, is_leaf=is_leaf), numbers)]


def _local(directory: str | os.PathLike[str]) -> Path:
    if is_remote_storage(str(directory)):
        raise NotImplementedError(  # the structure is a plain file: JAX writes it elsewhere by etils, which is not asked for here
            f"Trees are saved to and loaded from local folders, got: {directory}"
        )
    return Path(directory).expanduser().resolve()


def _prepare(root: Path, overwrite: bool) -> None:
    there = list(root.iterdir()) if root.exists() else []
    if there and not overwrite:
        raise ValueError(f"Files already exist at path: `{root}`, but you specified `{overwrite=}`")
    others = [path for path in there if path.name not in _ITS_OWN]
    if others:
        raise RuntimeError(
            "Refusing to work on a directory that is not a previous checkpoint. "
            f"Unrecognized paths: {others}. Remove them manually if you're sure you want to use {root} as the "
            "checkpoint directory."
        )
    if there:
        shutil.rmtree(root)
    root.mkdir(exist_ok=True)  # not its parents: a wrong path is told


def _specs(root: Path, numbers: list[int], given: list[Any], arrays: list[Any] | None) -> list[dict[str, Any]]:
    """Where each array is; all in one store."""
    found: list[dict[str, Any]] = []
    for k, number in enumerate(numbers):
        own = tensorstore_impl.get_tensorstore_spec(root / _ARRAYS / str(number), arr=arrays[k] if arrays else None)
        spec = tensorstore_impl.merge_nested_ts_specs(own, given[k])
        arr = arrays[k] if arrays else None
        tensorstore_impl.verify_tensorstore_spec(spec, arr, root / _ARRAYS, ocdbt=True, check_metadata=arr is not None)
        found.append(spec)
    return found


def save(data: Any, directory: str | os.PathLike[str], *, overwrite: bool = True, ts_specs: Any = None) -> None:
    """Write a tree of arrays and None to a folder.

    Args:
        data: the tree.
        directory: the folder, whose parent is there.
        overwrite: an earlier tree in it is replaced.
        ts_specs: what specs of arrays say beside the usual, a prefix of the tree.

    Raises:
        ValueError: for leaves of other kinds, or where the folder is not empty and not to be overwritten.
        RuntimeError: where something else is in the folder.
    """
    with _SAVING:
        root = _local(directory)
        leaves, structure = tree_flatten(data, is_leaf=_is_none)
        if not all(x is None or _is_array_like(x) for x in leaves):
            raise ValueError("For serialization, all leaves must be either None or jax.Array-like objects.")
        given = _for_each_leaf(ts_specs, data, is_tensorstore_spec_leaf)
        text = {_TREE: write_tree(structure), _LEAVES: [_described(x) for x in leaves]}
        _prepare(root, overwrite)
        numbers = [k for k, x in enumerate(leaves) if x is not None]
        arrays = [leaves[k] for k in numbers]
        specs = _specs(root, numbers, [given[k] for k in numbers], arrays)

        async def write() -> None:
            await asyncio.gather(*map(tensorstore_impl.async_serialize, arrays, specs))

        _pool().submit(asyncio.run, write()).result()  # a loop may be running in this thread
        (root / _TREE_FILE).write_text(json.dumps(text, indent=2), encoding="utf-8")


def load_pytreedef(directory: str | os.PathLike[str]) -> Any:
    """The tree in a folder, with shapes and dtypes for arrays."""
    text = json.loads((_local(directory) / _TREE_FILE).read_text(encoding="utf-8"))
    return tree_unflatten(read_tree(text[_TREE]), [_read_leaf(t) for t in text[_LEAVES]])


def load(directory: str | os.PathLike[str], shardings: Any, *, mask: Any = None, ts_specs: Any = None) -> Any:
    """Read a tree of arrays from a folder.

    Args:
        directory: the folder.
        shardings: of each array, or a ShapeDtypeStruct with one; a prefix of the tree.
        mask: a prefix of bools; what is False is None in the result.
        ts_specs: what specs of arrays say beside the usual, a prefix of the tree.
    """
    root = _local(directory)
    assert root.is_dir(), f"Checkpoint directory {root} does not exist"
    tree = load_pytreedef(root)
    places, given = _for_each_leaf(shardings, tree), _for_each_leaf(ts_specs, tree, is_tensorstore_spec_leaf)
    if mask is not None:
        tree = tree_map(lambda kept, part: part if kept else tree_map(lambda _: None, part), mask, tree)
    if any(isinstance(place, Format) for place in places):
        raise NotImplementedError(  # JAX refuses it in these words
            "Deserialization with `Format` instead of `Sharding` is not currently supported. Pass "
            "ShapeDtypeStruct(shape, dtype, sharding=format) instead."
        )
    leaves, structure = tree_leaves(tree, is_leaf=_is_none), tree_structure(tree, is_leaf=_is_none)
    numbers = [k for k, x in enumerate(leaves) if x is not None]
    specs = _specs(root, numbers, [given[k] for k in numbers], None)

    async def read() -> list[Array]:
        limit = tensorstore_impl.LimitInFlightBytes(_AT_A_TIME)
        reads = (
            tensorstore_impl.async_deserialize(places[k], spec, byte_limiter=limit)
            for k, spec in zip(numbers, specs, strict=True)
        )
        return await asyncio.gather(*reads)

    found = dict(zip(numbers, _pool().submit(asyncio.run, read()).result(), strict=True))
    return tree_unflatten(structure, [found.get(k) for k in range(len(leaves))])


def nonblocking_save(
    data: Any, directory: str | os.PathLike[str], *, overwrite: bool = True, ts_specs: Any = None
) -> PyTreeFuture:
    """`save` that goes on in a thread; the future's ``pytree`` has the shapes."""
    future = _pool().submit(save, data, directory, overwrite=overwrite, ts_specs=ts_specs)
    shapes = tree_map(lambda x: ShapeDtypeStruct(x.shape, x.dtype) if _is_array_like(x) else x, data)
    return PyTreeFuture(future, shapes)


def nonblocking_load(
    directory: str | os.PathLike[str], shardings: Any, *, mask: Any = None, ts_specs: Any = None
) -> PyTreeFuture:
    """`load` that goes on in a thread; the future's ``pytree`` has the shapes."""
    future = _pool().submit(load, directory, shardings, mask=mask, ts_specs=ts_specs)
    return PyTreeFuture(future, load_pytreedef(directory))
