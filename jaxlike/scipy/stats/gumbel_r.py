"""jax.scipy.stats.gumbel_r: the names; bodies are in `jaxlike._src.scipy.stats.gumbel_r`."""

from jaxlike._src.scipy.stats.gumbel_r import cdf as cdf
from jaxlike._src.scipy.stats.gumbel_r import logcdf as logcdf
from jaxlike._src.scipy.stats.gumbel_r import logpdf as logpdf
from jaxlike._src.scipy.stats.gumbel_r import logsf as logsf
from jaxlike._src.scipy.stats.gumbel_r import pdf as pdf
from jaxlike._src.scipy.stats.gumbel_r import ppf as ppf
from jaxlike._src.scipy.stats.gumbel_r import sf as sf
