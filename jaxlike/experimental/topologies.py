"""jax.experimental.topologies: the devices that a program may be compiled for."""

from jaxlike._src.devices import Device as Device
from jaxlike._src.experimental.topologies import TopologyDescription as TopologyDescription
from jaxlike._src.experimental.topologies import get_attached_topology as get_attached_topology
from jaxlike._src.experimental.topologies import make_mesh as make_mesh
