"""jax.experimental.sparse: sparse arrays."""

from jaxlike._src.experimental.bcoo import BCOO as BCOO
from jaxlike._src.experimental.bcoo import JAXSparse as JAXSparse
