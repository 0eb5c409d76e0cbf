"""The two versions: of JAX's API, which programs ask for, and of jaxlike itself.

`jaxlike` and `jax` are one module object where jaxlike stands in, so `__version__` is the version of JAX
whose API is served: libraries choose their branches by it.
"""

import types

__version__ = "0.10.2"
__version_info__ = tuple(int(part) for part in __version__.split("."))
jaxlib_extension_version = 467  # how that version of jaxlib numbers its C++; programs ask what it is at least
ifrt_version = 55  # likewise
cuda_versions = None  # jaxlib's libraries for CUDA, of which there are none here
gpu_sparse = types.SimpleNamespace(cuda_is_supported=False, rocm_is_supported=False)

jaxlike_version = "0.1.0"
