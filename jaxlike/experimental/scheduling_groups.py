"""jax.experimental.scheduling_groups: which operations a compiler should schedule together."""

from jaxlike._src.experimental.placement_words import scheduling_group as scheduling_group
from jaxlike._src.experimental.placement_words import xla_metadata_call as xla_metadata_call
