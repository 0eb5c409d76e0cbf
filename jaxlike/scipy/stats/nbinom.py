"""jax.scipy.stats.nbinom: the names; bodies are in `jaxlike._src.scipy.stats.nbinom`."""

from jaxlike._src.scipy.stats.nbinom import logpmf as logpmf
from jaxlike._src.scipy.stats.nbinom import pmf as pmf
