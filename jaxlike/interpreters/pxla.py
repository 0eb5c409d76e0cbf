"""jax.interpreters.pxla."""
from jaxlike._src.removed import pxla_getattr as __getattr__  # noqa: F401  # of a name that is gone
