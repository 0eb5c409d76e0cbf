"""jax.experimental.sparse.api: sparse arrays of any format."""

from jaxlike._src.array import Array as Array
from jaxlike._src.experimental.sparse.api import empty as empty
from jaxlike._src.experimental.sparse.api import eye as eye
from jaxlike._src.experimental.sparse.api import todense as todense
from jaxlike._src.experimental.sparse.api import todense_p as todense_p
from jaxlike._src.experimental.sparse.base import JAXSparse as JAXSparse
from jaxlike._src.experimental.sparse.coo import COO as COO
from jaxlike._src.experimental.sparse.csr import CSC as CSC
from jaxlike._src.experimental.sparse.csr import CSR as CSR
from jaxlike._src.experimental.sparse.methods import BCOO as BCOO
from jaxlike._src.experimental.sparse.methods import BCSR as BCSR
