"""jax.experimental.mesh_utils: which device stands where in a mesh."""

from jaxlike._src.mesh_utils import create_device_mesh as create_device_mesh
from jaxlike._src.mesh_utils import create_hybrid_device_mesh as create_hybrid_device_mesh
from jaxlike._src.mesh_utils import device_kind_handler_dict as device_kind_handler_dict
