"""jax.scipy.stats.poisson: the names; bodies are in `jaxlike._src.scipy.stats.poisson`."""

from jaxlike._src.scipy.stats.poisson import cdf as cdf
from jaxlike._src.scipy.stats.poisson import entropy as entropy
from jaxlike._src.scipy.stats.poisson import logpmf as logpmf
from jaxlike._src.scipy.stats.poisson import pmf as pmf
