"""jax.scipy: submodules."""

from jaxlike.scipy import fft as fft
from jaxlike.scipy import linalg as linalg
from jaxlike.scipy import ndimage as ndimage
from jaxlike.scipy import special as special
from jaxlike.scipy import stats as stats
