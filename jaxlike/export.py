"""jax.export: jitted functions as bytes, in a form of jaxlike's own (see `jaxlike._src.export.exported`)."""

from jaxlike._src.export.exported import DisabledSafetyCheck as DisabledSafetyCheck
from jaxlike._src.export.exported import Exported as Exported
from jaxlike._src.export.exported import default_export_platform as default_export_platform
from jaxlike._src.export.exported import deserialize as deserialize
from jaxlike._src.export.exported import export as export
from jaxlike._src.export.exported import (
    maximum_supported_calling_convention_version as maximum_supported_calling_convention_version,
)
from jaxlike._src.export.exported import (
    minimum_supported_calling_convention_version as minimum_supported_calling_convention_version,
)
from jaxlike._src.export.tree_format import register_namedtuple_serialization as register_namedtuple_serialization
from jaxlike._src.export.tree_format import register_pytree_node_serialization as register_pytree_node_serialization
