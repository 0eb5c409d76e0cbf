"""jax.extend.core: primitives and jaxprs."""

from jaxlike._src.graph.primitive import Primitive as Primitive
from jaxlike._src.graph.primitive import CallPrimitive as CallPrimitive
from jaxlike._src.graph.primitive import Effect as Effect
from jaxlike._src.graph.primitive import no_effects as no_effects
