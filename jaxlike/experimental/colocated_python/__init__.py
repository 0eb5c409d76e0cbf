"""jax.experimental.colocated_python: Python functions that run on the host of their arguments."""

from jaxlike._src.experimental.colocated_python import colocated_cpu_devices as colocated_cpu_devices
from jaxlike._src.experimental.colocated_python import colocated_python as colocated_python
from jaxlike._src.experimental.colocated_python import colocated_python_class as colocated_python_class
