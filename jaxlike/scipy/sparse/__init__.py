"""jax.scipy.sparse: submodules."""

from jaxlike.scipy.sparse import linalg as linalg
