"""jax.scipy.stats.vonmises: the names; bodies are in `jaxlike._src.scipy.stats.vonmises`."""

from jaxlike._src.scipy.stats.vonmises import logpdf as logpdf
from jaxlike._src.scipy.stats.vonmises import pdf as pdf
