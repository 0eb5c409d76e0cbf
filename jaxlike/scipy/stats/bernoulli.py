"""jax.scipy.stats.bernoulli: the names; bodies are in `jaxlike._src.scipy.stats.bernoulli`."""

from jaxlike._src.scipy.stats.bernoulli import cdf as cdf
from jaxlike._src.scipy.stats.bernoulli import logpmf as logpmf
from jaxlike._src.scipy.stats.bernoulli import pmf as pmf
from jaxlike._src.scipy.stats.bernoulli import ppf as ppf
