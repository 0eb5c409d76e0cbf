"""jax.extend.backend: the devices as backends."""

from jaxlike._src.devices import backends as backends
from jaxlike._src.devices import get_backend as get_backend
from jaxlike._src.extending.backend import backend_xla_version as backend_xla_version
from jaxlike._src.extending.backend import clear_backends as clear_backends
from jaxlike._src.extending.backend import clear_in_memory_compilation_cache as clear_in_memory_compilation_cache
from jaxlike._src.extending.backend import get_default_device as get_default_device
from jaxlike._src.extending.backend import register_backend_cache as register_backend_cache
