"""jax.scipy.stats.gennorm: the names; bodies are in `jaxlike._src.scipy.stats.gennorm`."""

from jaxlike._src.scipy.stats.gennorm import cdf as cdf
from jaxlike._src.scipy.stats.gennorm import logpdf as logpdf
from jaxlike._src.scipy.stats.gennorm import pdf as pdf
