"""jax.extend: what libraries that extend JAX use."""

from jaxlike.extend import core as core
