"""jax.scipy.sparse.linalg: the names."""

from jaxlike._src.scipy.krylov import bicgstab as bicgstab
from jaxlike._src.scipy.krylov import cg as cg
from jaxlike._src.scipy.krylov import gmres as gmres
