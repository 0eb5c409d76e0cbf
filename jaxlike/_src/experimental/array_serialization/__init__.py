"""array_serialization: arrays and trees of arrays on disk, by tensorstore, in the places where JAX has them."""
