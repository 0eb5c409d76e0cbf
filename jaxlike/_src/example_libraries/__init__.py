"""example_libraries: the small neural network and optimizer libraries that come with JAX."""
