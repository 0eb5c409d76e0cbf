"""jax.experimental.key_reuse: `jax.debug_key_reuse` is its flag; `_core` has what JAX's tests of it take."""
