"""jax.experimental.array_serialization: arrays on disk, by tensorstore (which is to be installed)."""
