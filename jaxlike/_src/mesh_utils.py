"""mesh_utils: which device stands where in a mesh. PyTorch tells of no topology, so devices keep their order."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from jaxlike._src import devices as devices_module
from jaxlike._src.mesh import AxisType, Mesh

device_kind_handler_dict: dict[str, Any] = {}  # kind of device -> function of (mesh_shape, devices): their grid, or None


def _sizes(given: Any) -> tuple[int, ...] | None:
    try:
        return tuple(int(s) for s in given)
    except (TypeError, ValueError):
        return None


def create_device_mesh(
    mesh_shape: Sequence[int],
    devices: Sequence[Any] | None = None,
    *,
    contiguous_submeshes: bool = False,
    allow_split_physical_axes: bool = False,
) -> np.ndarray:
    """The devices in an array of shape ``mesh_shape``, which must have a place for each.

    ``devices`` are by default all. The two flags are about networks of TPUs.
    """
    del allow_split_physical_axes
    if devices is None:
        devices = devices_module.devices()
    shape = _sizes(mesh_shape)
    if shape is None:
        raise ValueError(
            f"`mesh_shape` passed to `create_device_mesh` should be a sequence of ints. Got {mesh_shape}"
        )
    if math.prod(shape) != len(devices):
        raise ValueError(f"Number of devices {len(devices)} must equal the product of mesh_shape {shape}")
    handler = device_kind_handler_dict.get(devices[-1].device_kind)
    if handler is not None:
        grid = handler(shape, devices, contiguous_submeshes=contiguous_submeshes)
        if grid is not None:
            return grid
    ordered = sorted(devices, key=lambda d: d.id) if devices[-1].platform == "gpu" else devices
    return np.asarray(ordered).reshape(shape)


def create_hybrid_device_mesh(
    mesh_shape: Sequence[int],
    dcn_mesh_shape: Sequence[int],
    devices: Sequence[Any] | None = None,
    *,
    process_is_granule: bool = False,
    should_sort_granules_by_key: bool = True,
    allow_split_physical_axes: bool = False,
) -> np.ndarray:
    """A mesh of meshes: devices are grouped by process (or slice), a mesh of ``mesh_shape`` is made of each group,
    and those are put side by side in the shape ``dcn_mesh_shape``.
    """
    if devices is None:
        devices = devices_module.devices()
    attribute = "process_index" if process_is_granule else "slice_index"
    if not hasattr(devices[0], attribute):
        raise ValueError(
            f"Device {devices[0]} does not have attribute {attribute}. See `process_is_granule` option."
        )
    groups: dict[Any, list[Any]] = {}
    for device in devices:
        groups.setdefault(getattr(device, attribute), []).append(device)
    members = [groups[k] for k in sorted(groups)] if should_sort_granules_by_key else list(groups.values())
    if math.prod(dcn_mesh_shape) != len(members):
        raise ValueError(
            f"Number of slices {len(members)} must equal the product of dcn_mesh_shape {dcn_mesh_shape}"
        )
    grids = np.empty(len(members), dtype=object)
    for k, group in enumerate(members):
        grids[k] = create_device_mesh(mesh_shape, group, allow_split_physical_axes=allow_split_physical_axes)
    return np.block(grids.reshape(tuple(dcn_mesh_shape)).tolist())


def make_mesh(
    axis_shapes: Sequence[int],
    axis_names: Sequence[Any],
    axis_types: tuple[AxisType, ...] | None = None,
    *,
    devices: Sequence[Any] | None = None,
) -> Mesh:
    """A mesh of the first devices, as many as ``axis_shapes`` has places for.

    ``axis_types`` are by default `AxisType.Explicit`. ValueError where there are too few devices.
    """
    if devices is None:
        devices = devices_module.devices()
    shape = _sizes(axis_shapes)
    if shape is None:
        raise ValueError(f"`axis_shapes` passed to `make_mesh` should be a sequence of ints. Got {axis_shapes}")
    count = math.prod(shape)
    if count > len(devices):
        raise ValueError(f"Number of devices {len(devices)} must be >= the product of mesh_shape {shape}")
    grid = create_device_mesh(shape, devices[:count])
    return Mesh(grid, axis_names, axis_types=(AxisType.Explicit,) * grid.ndim if axis_types is None else axis_types)
