"""jax.interpreters.pxla."""
