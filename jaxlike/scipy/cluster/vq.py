"""jax.scipy.cluster.vq: the names."""

from jaxlike._src.scipy.vq import vq as vq
