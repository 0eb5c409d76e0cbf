"""jax.scipy.stats.geom: the names; bodies are in `jaxlike._src.scipy.stats.geom`."""

from jaxlike._src.scipy.stats.geom import logpmf as logpmf
from jaxlike._src.scipy.stats.geom import pmf as pmf
