"""jax.scipy: submodules."""

from jaxlike.scipy import linalg as linalg
from jaxlike.scipy import special as special
from jaxlike.scipy import stats as stats
