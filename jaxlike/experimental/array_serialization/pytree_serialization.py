"""jax.experimental.array_serialization.pytree_serialization: a tree of arrays in a folder."""

from jaxlike._src.experimental.array_serialization.pytree_serialization import load as load
from jaxlike._src.experimental.array_serialization.pytree_serialization import load_pytreedef as load_pytreedef
from jaxlike._src.experimental.array_serialization.pytree_serialization import nonblocking_load as nonblocking_load
from jaxlike._src.experimental.array_serialization.pytree_serialization import nonblocking_save as nonblocking_save
from jaxlike._src.experimental.array_serialization.pytree_serialization import save as save
