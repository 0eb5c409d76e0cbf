"""jax.interpreters.xla: computing a primitive by its lowering."""

from jaxlike._src.transforms.tables import apply_primitive as apply_primitive
