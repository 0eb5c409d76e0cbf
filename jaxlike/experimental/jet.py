"""jax.experimental.jet: derivatives of many orders along a curve."""

from jaxlike._src.jet import ZeroSeries as ZeroSeries
from jaxlike._src.jet import ZeroTerm as ZeroTerm
from jaxlike._src.jet import fact as fact
from jaxlike._src.jet import jet as jet
from jaxlike._src.jet import jet2 as jet2
from jaxlike._src.jet import zero_series as zero_series
from jaxlike._src.jet import zero_term as zero_term
