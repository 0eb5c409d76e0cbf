"""jax.scipy.stats.wrapcauchy: the names; bodies are in `jaxlike._src.scipy.stats.wrapcauchy`."""

from jaxlike._src.scipy.stats.wrapcauchy import logpdf as logpdf
from jaxlike._src.scipy.stats.wrapcauchy import pdf as pdf
