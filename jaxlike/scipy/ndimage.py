"""jax.scipy.ndimage: the names; bodies are in `jaxlike._src.scipy.ndimage`."""

from jaxlike._src.scipy.ndimage import map_coordinates as map_coordinates
