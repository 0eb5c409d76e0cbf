"""Sparse arrays: JAX's formats as trees of dense arrays, and what is computed with them."""
