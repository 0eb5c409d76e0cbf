"""Needs JAX: every result of jaxlike is checked against it (README.md in this folder says how)."""
