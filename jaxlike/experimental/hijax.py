"""jax.experimental.hijax: types and primitives that stand for several arrays."""

from jaxlike._src.array import AbstractValue as AbstractValue
from jaxlike._src.array import ShapedArray as ShapedArray
from jaxlike._src.extending.hijax import AvalMutableQDD as AvalMutableQDD
from jaxlike._src.extending.hijax import AvalQDD as AvalQDD
from jaxlike._src.extending.hijax import HiPrimitive as HiPrimitive
from jaxlike._src.extending.hijax import HiType as HiType
from jaxlike._src.extending.hijax import MutableHiType as MutableHiType
from jaxlike._src.extending.hijax import aval_method as aval_method
from jaxlike._src.extending.hijax import aval_property as aval_property
from jaxlike._src.extending.hijax import register_hitype as register_hitype
from jaxlike._src.graph.effects import control_flow_allowed_effects as control_flow_allowed_effects
from jaxlike._src.transforms.ref_state import AbstractRef as AbstractRef
from jaxlike._src.transforms.tables import Zero as Zero
from jaxlike._src.transforms.tables import instantiate_zeros as instantiate_zeros
from jaxlike._src.transforms.tables import is_undefined_primal as is_undefined_primal
