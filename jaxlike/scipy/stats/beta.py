"""jax.scipy.stats.beta: the names; bodies are in `jaxlike._src.scipy.stats.beta`."""

from jaxlike._src.scipy.stats.beta import cdf as cdf
from jaxlike._src.scipy.stats.beta import logcdf as logcdf
from jaxlike._src.scipy.stats.beta import logpdf as logpdf
from jaxlike._src.scipy.stats.beta import logsf as logsf
from jaxlike._src.scipy.stats.beta import pdf as pdf
from jaxlike._src.scipy.stats.beta import sf as sf
