"""jax.scipy.stats.pareto: the names; bodies are in `jaxlike._src.scipy.stats.pareto`."""

from jaxlike._src.scipy.stats.pareto import cdf as cdf
from jaxlike._src.scipy.stats.pareto import logcdf as logcdf
from jaxlike._src.scipy.stats.pareto import logpdf as logpdf
from jaxlike._src.scipy.stats.pareto import logsf as logsf
from jaxlike._src.scipy.stats.pareto import pdf as pdf
from jaxlike._src.scipy.stats.pareto import ppf as ppf
from jaxlike._src.scipy.stats.pareto import sf as sf
