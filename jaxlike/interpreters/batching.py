"""jax.interpreters.batching: batching of primitives."""

from jaxlike._src.removed import batching_getattr as __getattr__  # noqa: F401  # of a name that is gone
from jaxlike._src.transforms.tables import axis_primitive_batchers as axis_primitive_batchers
from jaxlike._src.transforms.tables import bdim_at_front as bdim_at_front
from jaxlike._src.transforms.tables import broadcast as broadcast
from jaxlike._src.transforms.tables import defbroadcasting as defbroadcasting
from jaxlike._src.transforms.tables import defreducer as defreducer
from jaxlike._src.transforms.tables import defvectorized as defvectorized
from jaxlike._src.transforms.tables import fancy_primitive_batchers as fancy_primitive_batchers
from jaxlike._src.transforms.tables import primitive_batchers as primitive_batchers
from jaxlike._src.transforms.vmappable import register_vmappable as register_vmappable
from jaxlike._src.transforms.vmappable import unregister_vmappable as unregister_vmappable
