"""jax.experimental.shard_map: a deprecated form of `jax.shard_map`."""

from jaxlike._src.experimental.shard_map import __getattr__ as __getattr__
