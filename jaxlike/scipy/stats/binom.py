"""jax.scipy.stats.binom: the names; bodies are in `jaxlike._src.scipy.stats.binom`."""

from jaxlike._src.scipy.stats.binom import logpmf as logpmf
from jaxlike._src.scipy.stats.binom import pmf as pmf
