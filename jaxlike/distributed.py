"""jax.distributed: several processes as one program."""

from jaxlike._src.distributed import initialize as initialize
from jaxlike._src.distributed import is_initialized as is_initialized
from jaxlike._src.distributed import shutdown as shutdown
