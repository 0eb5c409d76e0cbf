"""jax.custom_batching: the names; bodies are in `jaxlike._src.transforms`."""

from jaxlike._src.transforms.custom_vmap import custom_vmap as custom_vmap
from jaxlike._src.transforms.custom_vmap import sequential_vmap as sequential_vmap
