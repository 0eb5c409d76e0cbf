"""jax.experimental.compilation_cache: compiled programs that later processes find again."""

from jaxlike.experimental.compilation_cache import compilation_cache as compilation_cache
