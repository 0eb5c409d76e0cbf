"""jax.experimental.sparse.random: sparse arrays that are drawn."""

from jaxlike._src.array import Array as Array
from jaxlike._src.experimental.sparse.random import random_bcoo as random_bcoo
from jaxlike._src.extending.util import split_list as split_list
from jaxlike._src.transforms.vmap import vmap as vmap
