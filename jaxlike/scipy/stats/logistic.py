"""jax.scipy.stats.logistic: the names; bodies are in `jaxlike._src.scipy.stats.logistic`."""

from jaxlike._src.scipy.stats.logistic import cdf as cdf
from jaxlike._src.scipy.stats.logistic import isf as isf
from jaxlike._src.scipy.stats.logistic import logpdf as logpdf
from jaxlike._src.scipy.stats.logistic import pdf as pdf
from jaxlike._src.scipy.stats.logistic import ppf as ppf
from jaxlike._src.scipy.stats.logistic import sf as sf
