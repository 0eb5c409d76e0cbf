"""jax.experimental.layout: in which order the elements of an array lie in memory."""

from jaxlike._src.layout import Format as Format
from jaxlike._src.layout import Layout as Layout
from jaxlike._src.layout import with_layout_constraint as with_layout_constraint
