"""jax.scipy.stats.truncnorm: the names; bodies are in `jaxlike._src.scipy.stats.truncnorm`."""

from jaxlike._src.scipy.stats.truncnorm import cdf as cdf
from jaxlike._src.scipy.stats.truncnorm import logcdf as logcdf
from jaxlike._src.scipy.stats.truncnorm import logpdf as logpdf
from jaxlike._src.scipy.stats.truncnorm import logsf as logsf
from jaxlike._src.scipy.stats.truncnorm import pdf as pdf
from jaxlike._src.scipy.stats.truncnorm import sf as sf
