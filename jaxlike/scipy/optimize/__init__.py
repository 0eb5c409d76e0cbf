"""jax.scipy.optimize: the names."""

from jaxlike._src.scipy.optimize.minimize import OptimizeResults as OptimizeResults
from jaxlike._src.scipy.optimize.minimize import minimize as minimize
