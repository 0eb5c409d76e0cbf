"""jax.scipy.fft: the names; bodies are in `jaxlike._src.scipy.fft`."""

from jaxlike._src.scipy.fft import dct as dct
from jaxlike._src.scipy.fft import dctn as dctn
from jaxlike._src.scipy.fft import idct as idct
from jaxlike._src.scipy.fft import idctn as idctn
