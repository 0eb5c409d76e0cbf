"""jax.scipy: submodules."""

from jaxlike.scipy import linalg as linalg
