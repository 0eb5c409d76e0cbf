"""jax.scipy: submodules."""

from jaxlike.scipy import cluster as cluster
from jaxlike.scipy import fft as fft
from jaxlike.scipy import integrate as integrate
from jaxlike.scipy import interpolate as interpolate
from jaxlike.scipy import linalg as linalg
from jaxlike.scipy import ndimage as ndimage
from jaxlike.scipy import optimize as optimize
from jaxlike.scipy import signal as signal
from jaxlike.scipy import sparse as sparse
from jaxlike.scipy import spatial as spatial
from jaxlike.scipy import special as special
from jaxlike.scipy import stats as stats
