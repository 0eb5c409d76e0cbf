"""jax.scipy.spatial: submodules."""

from jaxlike.scipy.spatial import transform as transform
