"""jax.numpy.fft: the names; bodies are in `jaxlike._src.numpy.fft`."""

from jaxlike._src.numpy.fft import fft as fft
from jaxlike._src.numpy.fft import fft2 as fft2
from jaxlike._src.numpy.fft import fftfreq as fftfreq
from jaxlike._src.numpy.fft import fftn as fftn
from jaxlike._src.numpy.fft import fftshift as fftshift
from jaxlike._src.numpy.fft import hfft as hfft
from jaxlike._src.numpy.fft import ifft as ifft
from jaxlike._src.numpy.fft import ifft2 as ifft2
from jaxlike._src.numpy.fft import ifftn as ifftn
from jaxlike._src.numpy.fft import ifftshift as ifftshift
from jaxlike._src.numpy.fft import ihfft as ihfft
from jaxlike._src.numpy.fft import irfft as irfft
from jaxlike._src.numpy.fft import irfft2 as irfft2
from jaxlike._src.numpy.fft import irfftn as irfftn
from jaxlike._src.numpy.fft import rfft as rfft
from jaxlike._src.numpy.fft import rfft2 as rfft2
from jaxlike._src.numpy.fft import rfftfreq as rfftfreq
from jaxlike._src.numpy.fft import rfftn as rfftn
