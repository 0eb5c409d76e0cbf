"""jax.experimental.colocated_python.serialization: of what JAX sends between hosts; there is one host here."""

from jaxlike._src.devices import DeviceList as DeviceList
