"""jax.experimental.compilation_cache.compilation_cache: the folder of compiled programs."""

from jaxlike._src.compilation_cache import reset_cache as reset_cache
from jaxlike._src.compilation_cache import set_cache_dir as set_cache_dir
