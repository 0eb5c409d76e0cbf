"""jax.scipy.stats.gumbel_l: the names; bodies are in `jaxlike._src.scipy.stats.gumbel_l`."""

from jaxlike._src.scipy.stats.gumbel_l import cdf as cdf
from jaxlike._src.scipy.stats.gumbel_l import logcdf as logcdf
from jaxlike._src.scipy.stats.gumbel_l import logpdf as logpdf
from jaxlike._src.scipy.stats.gumbel_l import logsf as logsf
from jaxlike._src.scipy.stats.gumbel_l import pdf as pdf
from jaxlike._src.scipy.stats.gumbel_l import ppf as ppf
from jaxlike._src.scipy.stats.gumbel_l import sf as sf
