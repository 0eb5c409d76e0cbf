"""jax.experimental.xla_metadata: notes for XLA."""

from jaxlike._src.experimental.placement_words import set_xla_metadata as set_xla_metadata
