"""jax.scipy.signal: the names; bodies are in `jaxlike._src.scipy`."""

from jaxlike._src.scipy.sliding import convolve as convolve
from jaxlike._src.scipy.sliding import convolve2d as convolve2d
from jaxlike._src.scipy.sliding import correlate as correlate
from jaxlike._src.scipy.sliding import correlate2d as correlate2d
from jaxlike._src.scipy.sliding import fftconvolve as fftconvolve
from jaxlike._src.scipy.spectral import csd as csd
from jaxlike._src.scipy.spectral import detrend as detrend
from jaxlike._src.scipy.spectral import istft as istft
from jaxlike._src.scipy.spectral import stft as stft
from jaxlike._src.scipy.spectral import welch as welch
