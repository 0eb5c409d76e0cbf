"""jax.lib: the version."""

from jaxlike._src.version import __version__ as __version__
