"""jax.scipy.stats.cauchy: the names; bodies are in `jaxlike._src.scipy.stats.cauchy`."""

from jaxlike._src.scipy.stats.cauchy import cdf as cdf
from jaxlike._src.scipy.stats.cauchy import isf as isf
from jaxlike._src.scipy.stats.cauchy import logcdf as logcdf
from jaxlike._src.scipy.stats.cauchy import logpdf as logpdf
from jaxlike._src.scipy.stats.cauchy import logsf as logsf
from jaxlike._src.scipy.stats.cauchy import pdf as pdf
from jaxlike._src.scipy.stats.cauchy import ppf as ppf
from jaxlike._src.scipy.stats.cauchy import sf as sf
