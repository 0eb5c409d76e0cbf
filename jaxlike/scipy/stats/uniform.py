"""jax.scipy.stats.uniform: the names; bodies are in `jaxlike._src.scipy.stats.uniform`."""

from jaxlike._src.scipy.stats.uniform import cdf as cdf
from jaxlike._src.scipy.stats.uniform import logpdf as logpdf
from jaxlike._src.scipy.stats.uniform import pdf as pdf
from jaxlike._src.scipy.stats.uniform import ppf as ppf
