"""topologies: the devices that there are, as what a program may be compiled for."""

from __future__ import annotations

from collections.abc import Sequence

from jaxlike._src.devices import Device, devices
from jaxlike._src.mesh import Mesh
from jaxlike._src.mesh_utils import create_device_mesh


class TopologyDescription:
    """Devices, present or not."""

    def __init__(self, devices: list[Device]) -> None:
        self.devices = devices


def get_attached_topology(platform: str | None = None) -> TopologyDescription:
    """The devices of a platform that are here."""
    return TopologyDescription(devices(platform))


def make_mesh(
    topo: TopologyDescription, mesh_shape: Sequence[int], axis_names: tuple[str, ...], *, contiguous_submeshes: bool = False
) -> Mesh:
    """A mesh of these devices."""
    made = create_device_mesh(mesh_shape, list(topo.devices), contiguous_submeshes=contiguous_submeshes)
    return Mesh(made, axis_names)
