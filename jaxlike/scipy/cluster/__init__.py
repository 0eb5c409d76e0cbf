"""jax.scipy.cluster: submodules."""

from jaxlike.scipy.cluster import vq as vq
