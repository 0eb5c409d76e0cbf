"""The bodies of jax.numpy."""
