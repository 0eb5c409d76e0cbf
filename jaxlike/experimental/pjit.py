"""jax.experimental.pjit: a deprecated name of `jax.jit`."""

from jaxlike._src.experimental.pjit import __getattr__ as __getattr__
