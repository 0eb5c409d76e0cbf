"""jax.scipy.stats.betabinom: the names; bodies are in `jaxlike._src.scipy.stats.betabinom`."""

from jaxlike._src.scipy.stats.betabinom import logpmf as logpmf
from jaxlike._src.scipy.stats.betabinom import pmf as pmf
