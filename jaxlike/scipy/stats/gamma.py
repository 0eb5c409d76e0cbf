"""jax.scipy.stats.gamma: the names; bodies are in `jaxlike._src.scipy.stats.gamma`."""

from jaxlike._src.scipy.stats.gamma import cdf as cdf
from jaxlike._src.scipy.stats.gamma import logcdf as logcdf
from jaxlike._src.scipy.stats.gamma import logpdf as logpdf
from jaxlike._src.scipy.stats.gamma import logsf as logsf
from jaxlike._src.scipy.stats.gamma import pdf as pdf
from jaxlike._src.scipy.stats.gamma import sf as sf
