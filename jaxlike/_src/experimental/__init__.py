"""experimental: bodies of jax.experimental."""
