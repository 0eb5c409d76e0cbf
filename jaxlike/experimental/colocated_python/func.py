"""jax.experimental.colocated_python.func: functions that run on the host of their arguments."""

from jaxlike._src.experimental.colocated_python import make_callable as make_callable
