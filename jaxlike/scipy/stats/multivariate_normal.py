"""jax.scipy.stats.multivariate_normal: the names; bodies are in `jaxlike._src.scipy.stats.multivariate_normal`."""

from jaxlike._src.scipy.stats.multivariate_normal import logpdf as logpdf
from jaxlike._src.scipy.stats.multivariate_normal import pdf as pdf
