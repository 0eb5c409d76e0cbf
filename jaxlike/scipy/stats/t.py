"""jax.scipy.stats.t: the names; bodies are in `jaxlike._src.scipy.stats.t`."""

from jaxlike._src.scipy.stats.t import logpdf as logpdf
from jaxlike._src.scipy.stats.t import pdf as pdf
