"""The two versions: of JAX's API, which programs ask for, and of jaxlike itself.

`jaxlike` and `jax` are one module object where jaxlike stands in, so `__version__` is the version of JAX
whose API is served: libraries choose their branches by it.
"""

__version__ = "0.10.2"
__version_info__ = tuple(int(part) for part in __version__.split("."))
jaxlib_extension_version = 467  # how that version of jaxlib numbers its C++; programs ask what it is at least

jaxlike_version = "0.1.0"
