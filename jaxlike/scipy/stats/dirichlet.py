"""jax.scipy.stats.dirichlet: the names; bodies are in `jaxlike._src.scipy.stats.dirichlet`."""

from jaxlike._src.scipy.stats.dirichlet import logpdf as logpdf
from jaxlike._src.scipy.stats.dirichlet import pdf as pdf
