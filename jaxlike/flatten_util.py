"""A tree as one vector."""

from jaxlike._src.flatten_util import ravel_pytree as ravel_pytree
