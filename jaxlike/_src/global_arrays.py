"""global_arrays: Arrays from parts, each of which lies on one device of a sharding.

One process has all devices, so the parts are written into one tensor, where `devices_indices_map` says.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from jaxlike._src import border, dtypes, torch_private
from jaxlike._src.array import Array
from jaxlike._src.device_put import device_put
from jaxlike._src.errors import UnexpectedTracerError
from jaxlike._src.placement import place, placed
from jaxlike._src.sharding import Sharding, sharding_of
from jaxlike._src.tree.functions import tree_leaves
from jaxlike._src.tree.prefix import broadcast_prefix


def make_array_from_callback(
    shape: Sequence[int], sharding: Any, data_callback: Callable[[tuple[slice, ...]], Any], dtype: Any = None
) -> Array:
    """The Array whose part at each index of ``sharding`` is ``data_callback(index)``.

    ``dtype`` is checked against that of the parts. TypeError for what is no sharding.
    """
    shape = tuple(shape)
    if not isinstance(sharding, Sharding):
        raise TypeError(
            f"sharding should be an instance of `jax.sharding`. Got {sharding} of type {type(sharding)}"
        )

    def part(index: tuple[slice, ...]) -> Array:
        made = data_callback(index)
        if border.is_traced(made):
            raise UnexpectedTracerError(
                "jax.make_array_from_callback cannot be called within a traced context."
            )
        return border.asarray(made)

    if sharding.is_fully_replicated:
        whole = (slice(None),) * len(shape)
        parts = [(whole, part(whole))]
    else:
        parts = [(index, part(index)) for index in sharding.addressable_devices_indices_map(shape).values()]
    return _whole(shape, sharding, parts, dtype, "make_array_from_callback")


def make_array_from_single_device_arrays(
    shape: Sequence[int], sharding: Sharding, arrays: Sequence[Any], *, dtype: Any = None
) -> Array:
    """The Array whose part on each device of ``sharding`` is the one of ``arrays`` that lies there.

    ValueError where devices, shapes or dtypes do not agree.
    """
    shape = tuple(shape)
    if not isinstance(arrays, list | tuple):
        raise TypeError(
            "jax.make_array_from_single_device_arrays `arrays` argument must be a list or tuple, but got "
            f"{type(arrays)}."
        )
    if any(border.is_traced(a) for a in arrays):
        raise ValueError(
            "jax.make_array_from_single_device_arrays requires a list of concrete arrays as input, but got types "
            f"{set(map(type, arrays))}"
        )
    addressable = {d.id for d in sharding.addressable_devices}
    if len(arrays) != len(addressable):
        raise ValueError(
            f"Expected {len(addressable)} per-device arrays (this is how many devices are addressable by the sharding), "
            f"but got {len(arrays)}"
        )
    on = [_only_device(a) for a in arrays]
    ids = [d.id for d in on]
    if len(set(ids)) != len(ids):
        raise ValueError(
            "When making an array from single-device arrays, the input arrays must be from distinct devices, but got "
            f"device IDs {ids}"
        )
    if set(ids) != addressable:
        said = "Addressable devices and per-device arrays devices do not match."
        if missing := addressable - set(ids):
            said += f" Sharding contains devices {missing} that are not present in per-device arrays."
        if unknown := set(ids) - addressable:
            said += f" Per-device arrays contain devices {unknown} that are not present in the sharding."
        raise ValueError(said)
    indices = sharding.devices_indices_map(shape)
    parts = [(indices[d], a) for d, a in zip(on, arrays, strict=True)]
    return _whole(shape, sharding, parts, dtype, "make_array_from_single_device_arrays")


def _only_device(x: Array) -> Any:
    (device,) = (placed(x) or sharding_of(x._t.device)).device_set
    return device


def make_array_from_process_local_data(sharding: Any, local_data: Any, global_shape: Any = None) -> Any:
    """Arrays from the data that this process has, which is all of it: ``local_data`` put as ``sharding`` says.

    ``global_shape`` may repeat the shapes. Trees of data, with tree prefixes of shardings and shapes.
    """
    shapes = broadcast_prefix(global_shape, local_data, is_leaf=lambda s: s is None or isinstance(s, tuple))
    for shape, data in zip(shapes, tree_leaves(local_data), strict=True):
        if shape is not None and shape != data.shape:
            raise ValueError(
                "When calling `make_array_from_process_local_data` on a single process, global_shape should be None or "
                f"equal to local_data.shape.Got global_shape={shape} and local_data.shape={data.shape}."
            )
    return device_put(local_data, sharding)


def _whole(
    shape: tuple[int, ...], sharding: Sharding, parts: Sequence[tuple[tuple[slice, ...], Array]], dtype: Any, name: str
) -> Array:
    """The parts put together; ValueError where one has not the shape or dtype that is expected."""
    first = parts[0][1]
    expected: Any = first.dtype
    if dtype is not None:
        expected = dtypes.canonicalize_dtype(dtype)
        if first.dtype != expected:
            raise ValueError(
                f"If `dtype` is provided to `jax.{name}`, it must match the dtype of the addressable shards. Got "
                f"dtype={expected} and shard dtype={first.dtype}`."
            )
    block = sharding.shard_shape(shape)
    for _, x in parts:
        if x.dtype != expected:
            raise ValueError(
                f"Input buffers to `Array` must have matching dtypes. Got {x.dtype}, expected {expected} for buffer: {x}"
            )
        if x.shape != block:
            text = f"{np.dtype(expected).name}[{','.join(map(str, shape))}]"
            raise ValueError(
                f"Expected shard shape {block} doesn't match the single device array shape {x.shape}. Shape of Array is "
                f"{text} with sharding {sharding}"
            )
    tensors = [border.unwrap(x) for _, x in parts]
    extra = tensors[0].shape[len(shape) :]  # of what has a payload, as PRNG keys
    with torch_private.outside():
        whole = torch.empty((*shape, *extra), dtype=tensors[0].dtype, device=tensors[0].device)
        for (index, _), tensor in zip(parts, tensors, strict=True):
            whole[index] = tensor
    return place(type(first)(whole, first._tag), sharding)
