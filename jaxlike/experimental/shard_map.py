"""jax.experimental.shard_map: the old place of `jax.shard_map`."""

from jaxlike._src.transforms.shard_map import old_getattr as __getattr__  # noqa: F401  # warns of the old name
