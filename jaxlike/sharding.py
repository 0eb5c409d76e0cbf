"""Where arrays lie: devices, meshes of devices, and how arrays are split over them."""

from jaxlike._src.lax.constraint import auto_axes as auto_axes
from jaxlike._src.lax.constraint import explicit_axes as explicit_axes
from jaxlike._src.lax.constraint import reshard as reshard
from jaxlike._src.manual_axis_type import ManualAxisType as ManualAxisType
from jaxlike._src.mesh import AbstractDevice as AbstractDevice
from jaxlike._src.mesh import AbstractMesh as AbstractMesh
from jaxlike._src.mesh import AxisType as AxisType
from jaxlike._src.mesh import Mesh as Mesh
from jaxlike._src.mesh import get_abstract_mesh as get_abstract_mesh
from jaxlike._src.mesh import get_mesh as get_mesh
from jaxlike._src.mesh import set_mesh as set_mesh
from jaxlike._src.mesh import use_abstract_mesh as use_abstract_mesh
from jaxlike._src.partition_spec import PartitionSpec as PartitionSpec
from jaxlike._src.sharding import NamedSharding as NamedSharding
from jaxlike._src.sharding import Sharding as Sharding
from jaxlike._src.sharding import SingleDeviceSharding as SingleDeviceSharding
from jaxlike._src.sharding import make_single_device_sharding as make_single_device_sharding
