"""jax.scipy.stats.norm: the names; bodies are in `jaxlike._src.scipy.stats.norm`."""

from jaxlike._src.scipy.stats.norm import cdf as cdf
from jaxlike._src.scipy.stats.norm import isf as isf
from jaxlike._src.scipy.stats.norm import logcdf as logcdf
from jaxlike._src.scipy.stats.norm import logpdf as logpdf
from jaxlike._src.scipy.stats.norm import logsf as logsf
from jaxlike._src.scipy.stats.norm import pdf as pdf
from jaxlike._src.scipy.stats.norm import ppf as ppf
from jaxlike._src.scipy.stats.norm import sf as sf
