"""A module for each library: its functions are programs that import jax and return numbers."""
