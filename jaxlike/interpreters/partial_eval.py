"""jax.interpreters.partial_eval."""
