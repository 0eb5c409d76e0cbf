"""jax.scipy.stats.chi2: the names; bodies are in `jaxlike._src.scipy.stats.chi2`."""

from jaxlike._src.scipy.stats.chi2 import cdf as cdf
from jaxlike._src.scipy.stats.chi2 import logcdf as logcdf
from jaxlike._src.scipy.stats.chi2 import logpdf as logpdf
from jaxlike._src.scipy.stats.chi2 import logsf as logsf
from jaxlike._src.scipy.stats.chi2 import pdf as pdf
from jaxlike._src.scipy.stats.chi2 import sf as sf
