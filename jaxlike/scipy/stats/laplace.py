"""jax.scipy.stats.laplace: the names; bodies are in `jaxlike._src.scipy.stats.laplace`."""

from jaxlike._src.scipy.stats.laplace import cdf as cdf
from jaxlike._src.scipy.stats.laplace import logpdf as logpdf
from jaxlike._src.scipy.stats.laplace import pdf as pdf
