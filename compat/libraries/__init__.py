"""JAX's libraries, unmodified, on jaxlike: programs that run on both frameworks. See README.md."""
