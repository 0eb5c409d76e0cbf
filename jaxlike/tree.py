"""The functions of `jaxlike.tree_util` under short names, for ``jax.tree.map(f, params)``."""

from jaxlike._src.tree import static as static
from jaxlike._src.tree import tree_all as all
from jaxlike._src.tree import tree_broadcast as broadcast
from jaxlike._src.tree import tree_flatten as flatten
from jaxlike._src.tree import tree_flatten_with_path as flatten_with_path
from jaxlike._src.tree import tree_leaves as leaves
from jaxlike._src.tree import tree_leaves_with_path as leaves_with_path
from jaxlike._src.tree import tree_map as map
from jaxlike._src.tree import tree_map_with_path as map_with_path
from jaxlike._src.tree import tree_reduce as reduce
from jaxlike._src.tree import tree_reduce_associative as reduce_associative
from jaxlike._src.tree import tree_structure as structure
from jaxlike._src.tree import tree_transpose as transpose
from jaxlike._src.tree import tree_unflatten as unflatten

__all__ = [
    "all",
    "broadcast",
    "flatten",
    "flatten_with_path",
    "leaves",
    "leaves_with_path",
    "map",
    "map_with_path",
    "reduce",
    "reduce_associative",
    "static",
    "structure",
    "transpose",
    "unflatten",
]
