"""jax.experimental.shard_alike: trees that should be split over devices in the same way."""

from jaxlike._src.experimental.placement_words import shard_alike as shard_alike
