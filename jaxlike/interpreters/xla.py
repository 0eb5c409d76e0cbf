"""jax.interpreters.xla: computing a primitive by its lowering."""

from jaxlike._src.extending.context import canonicalize_dtype_handlers as canonicalize_dtype_handlers
from jaxlike._src.transforms.tables import apply_primitive as apply_primitive
