"""tensorstore_impl: one array written to and read from a tensorstore, each device's part on its own.

A spec says where: a key of an OCDBT store in a folder, or a folder of its own, in zarr3 or zarr. Reading gives an array
of a sharding, of which each device reads its part; a larger shape than was written is filled with zeros. The layout on
disk is that of `jax.experimental.array_serialization`, so that either package reads what the other wrote.
"""

from __future__ import annotations

import asyncio
import math
import os
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorstore as ts

from jaxlike._src import dtypes
from jaxlike._src.array import Array
from jaxlike._src.device_put import device_put
from jaxlike._src.devices import process_count, process_index
from jaxlike._src.global_arrays import make_array_from_single_device_arrays
from jaxlike._src.layout import Format
from jaxlike._src.shape_struct import ShapeDtypeStruct
from jaxlike._src.sharding import Sharding, SingleDeviceSharding
from jaxlike._src.tree import tree_map

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jaxlike._src.devices import Device

FILE_SIZE = 2 * 1024**3  # bytes of a chunk at most, and a tenth more
CONTEXT = ts.Context({"file_io_concurrency": {"limit": 128}})
CHUNKS = ts.ChunkLayout({"chunk": {"elements": 100_000_000}})
DRIVER, BASE_DRIVER = "zarr3", "file"
_REMOTE = {"gs": "gcs", "s3": "s3"}


class LimitInFlightBytes:
    """At most so many bytes are read at a time; one array that is larger is read alone."""

    def __init__(self, host_memory_bytes_limit: int) -> None:
        self._most = self._left = host_memory_bytes_limit
        self._changed = asyncio.Condition(lock=asyncio.Lock())

    async def wait_for_bytes(self, requested_bytes: int) -> None:
        """Until so many are left, which are taken."""
        if requested_bytes > self._most:
            self._left += requested_bytes - self._most
            self._most = requested_bytes
        async with self._changed:
            await self._changed.wait_for(lambda: self._left >= requested_bytes)
            self._left -= requested_bytes

    async def release_bytes(self, requested_bytes: int) -> None:
        """So many are given back."""
        async with self._changed:
            self._left += requested_bytes
            self._changed.notify_all()


def is_tensorstore_spec_leaf(leaf: Any) -> bool:
    """Whether a node of a tree of specs is one of them, or None."""
    return leaf is None or (isinstance(leaf, dict) and ("driver" in leaf or "kvstore" in leaf))


def _smallest_factor(n: int) -> int:
    return next((k for k in range(2, math.isqrt(n) + 1) if n % k == 0), n)


def compute_chunk_shape(local_shape: Sequence[int], dtype: Any, file_size_target: int = FILE_SIZE) -> list[int]:
    """A shape that divides a part's, of about so many bytes at most."""
    shape = list(local_shape)
    if not math.prod(shape):
        return [max(n, 1) for n in shape]  # a chunk is not empty
    size = math.prod(shape) * np.dtype(dtype).itemsize
    while size > 1.1 * file_size_target:
        # The last factor of an axis stays: an axis is not cut into single rows.
        axes = [(f, d) for d, n in enumerate(shape) if n > 1 and (f := _smallest_factor(n)) != n]
        if not axes:
            break
        factor, axis = min(axes)
        shape[axis] //= factor
        size //= factor
    return shape


def _part_of(arr: Any) -> tuple[int, ...]:
    return tuple(arr.sharding.shard_shape(arr.shape) if isinstance(arr, Array) else arr.shape)


def get_tensorstore_metadata(
    arr: Any, is_remote: bool = False, file_size_target: int = FILE_SIZE, driver: str = DRIVER
) -> dict[str, Any]:
    """What a spec says of an array: shape, dtype, chunks."""
    if driver == "zarr":
        return {"compressor": {"id": "zstd"}, "shape": tuple(arr.shape), "chunks": [max(1, n) for n in _part_of(arr)]}
    if driver != "zarr3":
        raise ValueError(f"Unsupported driver: {driver}")
    chunks = compute_chunk_shape(_part_of(arr), arr.dtype, file_size_target)
    return {
        "codecs": [{"name": "zstd"}] if is_remote else [],
        "shape": tuple(arr.shape),
        "data_type": np.dtype(arr.dtype).name,
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": chunks}},
    }


def merge_nested_ts_specs(dict1: dict[Any, Any], dict2: dict[Any, Any] | None) -> dict[Any, Any]:
    """The first spec with what the second says instead."""
    if dict2 is None:
        return dict1
    return {**dict1, **dict2, "kvstore": {**dict1.get("kvstore", {}), **dict2.get("kvstore", {})}}


def verify_tensorstore_spec(
    spec: dict[str, Any], arr: Any, path: str | os.PathLike[str], ocdbt: bool, check_metadata: bool = True
) -> None:
    """ValueError where a spec is not of this array, at this place."""
    store = spec.get("kvstore", {})
    if ocdbt and store.get("driver", "") != "ocdbt":
        raise ValueError(f"Expected ocdbt driver, got {spec=}")
    if check_metadata:
        if arr is None:
            raise ValueError("Array is required for metadata verification.")
        metadata, of_zarr3 = spec["metadata"], spec.get("driver", "") == "zarr3"
        if of_zarr3 and metadata["data_type"] != np.dtype(arr.dtype).name:
            raise ValueError(f"Provided dtype ({metadata['data_type']=}) doesn't match ({arr.dtype=})")
        if "shape" in metadata and metadata["shape"] != arr.shape:
            raise ValueError(f"Provided shape ({metadata['shape']=}) doesn't match ({arr.shape=})")
        if of_zarr3:
            part, chunk_shape = _part_of(arr), metadata["chunk_grid"]["configuration"]["chunk_shape"]
            if any(n % c for n, c in zip(part, chunk_shape, strict=True)):
                raise ValueError(
                    f"Provided chunk shape {chunk_shape} does not divide the local shape of the array {part}"
                )
    found = store["base"]["path"] if ocdbt else store["path"]
    if str(found) != str(path):
        raise ValueError(f"Provided {path=} does not match the spec path: {spec['kvstore']}")


def _remote_parts(path: str) -> tuple[str, str, str] | None:
    """(scheme, bucket, what is in it) of a path of a bucket."""
    scheme, rest = path.split("://", 1) if "://" in path else ("", path)
    if scheme not in _REMOTE:
        return None
    bucket, slash, inside = rest.partition("/")
    if not slash:
        raise ValueError(
            "The ckpt_path should contain the bucket name and the file path inside the bucket. "
            f"Got: {path}"
        )  # fmt: skip
    return scheme, bucket, inside


def get_tensorstore_spec(
    ckpt_path: str | os.PathLike[str],
    ocdbt: bool = True,
    process_idx: int | None = None,
    arr: Any = None,
    driver: str = DRIVER,
) -> dict[str, Any]:
    """The spec of an array at a path.

    Args:
        ckpt_path: absolute, or ``gs://`` or ``s3://`` with a bucket.
        ocdbt: the last part of the path is a key in one store for the folder.
        process_idx: of a process that writes to a place of its own, beside the others'.
        arr: whose shape and dtype the spec says.
        driver: "zarr3" or "zarr".
    """
    path = re.sub(r"^(gs|s3):/", r"\1://", os.path.normpath(str(ckpt_path)))  # normpath takes one of two slashes
    if process_idx is not None:
        parent, name = os.path.split(path)
        path = os.path.join(parent, f"process_{process_idx}", name)
    key = None
    if ocdbt:
        whole, (path, key) = path, os.path.split(path)
        if re.match("(gs|s3)://[^/]*$", path):
            raise ValueError(
                "Using OCDBT requires the bucket name, the directory name and the array name, your path is: " f"{whole}"
            )
    remote = _remote_parts(path)
    if remote is not None:
        base = {"driver": _REMOTE[remote[0]], "bucket": remote[1], "path": remote[2]}
    else:
        base = {"driver": BASE_DRIVER, "path": path}
        if ocdbt and not os.path.isabs(path):
            raise ValueError(f"Checkpoint path should be absolute. Got {path}")
    store = {"driver": "ocdbt", "base": base, "path": key} if ocdbt else base
    spec = {"driver": driver, "kvstore": store}
    if arr is not None:
        spec["metadata"] = get_tensorstore_metadata(arr, driver=driver)
    return spec


async def combine_kvstores(
    combined_kvstore: dict[str, Any], kvstores: Sequence[dict[str, Any]], context: Any = CONTEXT
) -> None:
    """Put what several stores hold into one, which refers to it."""
    combined, *opened = await asyncio.gather(
        *(ts.KvStore.open(store, context=context) for store in (combined_kvstore, *kvstores))
    )
    transaction = ts.Transaction()
    target = combined.with_transaction(transaction)
    await asyncio.gather(*(store.experimental_copy_range_to(target) for store in opened))
    await transaction.commit_async()


def _has_metadata(spec: Any) -> bool:
    return isinstance(spec, dict) and ("metadata" in spec or any(map(_has_metadata, spec.values())))


async def async_serialize(
    arr_inp: Any,
    tensorstore_spec: dict[str, Any],
    commit_future: list[Any] | None = None,
    context: Any = CONTEXT,
    chunk_layout: Any = CHUNKS,
    primary_host: int | None = None,
    replica_id: int = 0,
    transaction: Any = None,
) -> list[None]:
    """Write an array, each part once.

    Args:
        arr_inp: an Array.
        tensorstore_spec: where; what it does not say of the array is put in.
        commit_future: a list to which futures are added; None: the writing is waited for.
        context: tensorstore's.
        chunk_layout: tensorstore's.
        primary_host: the process that makes the store; None: each.
        replica_id: which copy of a part is written.
        transaction: tensorstore's, in which it is written.

    Raises:
        ValueError: for an array that several processes would each write whole.
    """
    if isinstance(arr_inp, Array) and process_count() > 1 and arr_inp.is_fully_addressable:
        raise ValueError(
            "Passing fully addressable arrays to a multiprocess serialization is not allowed, as this may lead to a "
            "race condition between processes. Serialization have failed for the array with the path from kvstore: "
            f'"{tensorstore_spec["kvstore"]}".'
        )
    if not _has_metadata(tensorstore_spec):
        tensorstore_spec["metadata"] = get_tensorstore_metadata(arr_inp, driver=tensorstore_spec["driver"])
    if tensorstore_spec["driver"] == "zarr":
        tensorstore_spec.setdefault("dtype", np.dtype(arr_inp.dtype).name)
    options: dict[str, Any] = {"context": context, "chunk_layout": chunk_layout, "transaction": transaction}
    if primary_host is None or process_index() == primary_host:
        opening = ts.open(ts.Spec(tensorstore_spec), create=True, open=True, **options)
        if commit_future is None:
            await opening
        else:
            commit_future.append(opening)
    # What is known of it needs no look at the disk.
    store = await ts.open(ts.Spec(tensorstore_spec), open=True, assume_metadata=True, **options)

    async def write(shard: Any) -> None:
        if shard.replica_id != replica_id:
            return
        await asyncio.sleep(0)  # others start as well
        writing = store[shard.index].write(
            np.asarray(shard.data), can_reference_source_data_indefinitely=isinstance(arr_inp, Array)
        )
        if commit_future is None:
            await writing.commit
        else:
            commit_future.append(writing.commit)
            await writing.copy

    return await asyncio.gather(*map(write, _shards(arr_inp)))


def _shards(arr: Any) -> Sequence[Any]:
    return arr.addressable_shards if isinstance(arr, Array) else device_put(arr).addressable_shards


def estimate_read_memory_footprint(t: Any, domain: Any = None) -> int:
    """Bytes that reading a domain takes: those of the chunks that it meets."""
    domain = t.domain if domain is None else domain
    chunk, size = t.chunk_layout.read_chunk_template, t.dtype.numpy_dtype.itemsize
    if not all(chunk[d].finite for d in range(t.rank)):
        return domain.size * size
    for d in range(t.rank):
        lower, step = domain.origin[d] - chunk.origin[d], chunk.shape[d]
        upper = lower + domain.shape[d]
        size *= -(-upper // step) * step - lower // step * step
    return size


async def async_deserialize(
    in_type: Any,
    tensorstore_spec: Any,
    global_shape: Sequence[int] | None = None,
    dtype: Any = None,
    byte_limiter: LimitInFlightBytes | None = None,
    context: Any = CONTEXT,
    chunk_layout: Any = CHUNKS,
    assume_metadata: bool = False,
) -> Array:
    """Read an array.

    Args:
        in_type: a Sharding, a Format, or a ShapeDtypeStruct with a sharding.
        tensorstore_spec: where it is.
        global_shape: of the result; None: as it was written.
        dtype: of the result; None: as it was written.
        byte_limiter: what bounds the bytes that are read at a time.
        context: tensorstore's.
        chunk_layout: tensorstore's.
        assume_metadata: the spec is believed.
    """
    sharding = in_type
    if isinstance(in_type, Format | ShapeDtypeStruct):
        sharding = in_type.sharding
        if isinstance(in_type, ShapeDtypeStruct) and dtype is None:
            dtype = in_type.dtype
    elif not isinstance(in_type, Sharding):
        raise TypeError(
            "sharding passed to deserialization should be specified, concrete and an instance of "
            f"`jax.sharding.Sharding`. Got {in_type}"
        )
    assert isinstance(sharding, Sharding)
    store = await ts.open(
        tensorstore_spec, open=True, assume_metadata=assume_metadata, context=context, chunk_layout=chunk_layout
    )
    shape = tuple(store.shape if global_shape is None else global_shape)
    wanted = np.dtype(store.dtype.numpy_dtype if dtype is None else dtype)
    part = sharding.shard_shape(shape)

    async def read(device: Device, index: Any) -> Array:
        asked = ts.IndexTransform(input_shape=shape)[index].domain
        there = store.domain.intersect(asked)
        size = estimate_read_memory_footprint(store, there)
        if byte_limiter is not None:
            await byte_limiter.wait_for_bytes(size)
        out = np.zeros(part, dtype=store.dtype.numpy_dtype)
        await ts.array(out)[ts.d[:].translate_to[asked.origin]][there].write(store[there])
        made = device_put(out.astype(wanted), SingleDeviceSharding(device))
        if byte_limiter is not None:
            await byte_limiter.release_bytes(size)
        return made

    places = sharding.addressable_devices_indices_map(shape)
    parts = await asyncio.gather(*(read(device, index) for device, index in places.items()))
    return make_array_from_single_device_arrays(shape, sharding, parts, dtype=dtypes.canonicalize_dtype(wanted))


def run_serialization(arrays: Any, tensorstore_specs: Any) -> None:
    """Write a list of arrays, and wait."""

    async def run() -> None:
        await asyncio.gather(*tree_map(async_serialize, arrays, tensorstore_specs))

    asyncio.run(run())


def run_deserialization(
    shardings: Sequence[Any],
    tensorstore_specs: Sequence[Any],
    global_shapes: Sequence[Any] | None = None,
    dtypes: Sequence[Any] | None = None,
    concurrent_gb: int = 32,
) -> list[Array]:
    """Read a list of arrays, of which ``concurrent_gb`` gigabytes at a time."""

    async def run() -> list[Array]:
        limit, unknown = LimitInFlightBytes(concurrent_gb * 10**9), [None] * len(tensorstore_specs)
        given = zip(shardings, tensorstore_specs, global_shapes or unknown, dtypes or unknown, strict=True)
        return await asyncio.gather(*(async_deserialize(*one, byte_limiter=limit) for one in given))

    return asyncio.run(run())
