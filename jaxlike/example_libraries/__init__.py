"""jax.example_libraries: small libraries on JAX."""
