"""jax.experimental.jet: derivatives of many orders along a curve."""

from jaxlike._src.jet import fact as fact
from jaxlike._src.jet import jet as jet
from jaxlike._src.jet import jet2 as jet2
