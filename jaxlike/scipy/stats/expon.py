"""jax.scipy.stats.expon: the names; bodies are in `jaxlike._src.scipy.stats.expon`."""

from jaxlike._src.scipy.stats.expon import cdf as cdf
from jaxlike._src.scipy.stats.expon import logcdf as logcdf
from jaxlike._src.scipy.stats.expon import logpdf as logpdf
from jaxlike._src.scipy.stats.expon import logsf as logsf
from jaxlike._src.scipy.stats.expon import pdf as pdf
from jaxlike._src.scipy.stats.expon import ppf as ppf
from jaxlike._src.scipy.stats.expon import sf as sf
