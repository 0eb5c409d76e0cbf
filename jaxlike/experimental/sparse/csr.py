"""jax.experimental.sparse.csr: matrices row by row and column by column."""

from jaxlike._src.array import Array as Array
from jaxlike._src.border import promote_dtypes as promote_dtypes
from jaxlike._src.experimental.sparse.base import JAXSparse as JAXSparse
from jaxlike._src.experimental.sparse.coo import COOInfo as COOInfo
from jaxlike._src.experimental.sparse.csr import CSC as CSC
from jaxlike._src.experimental.sparse.csr import CSR as CSR
from jaxlike._src.experimental.sparse.csr import csr_fromdense as csr_fromdense
from jaxlike._src.experimental.sparse.csr import csr_matmat as csr_matmat
from jaxlike._src.experimental.sparse.csr import csr_matvec as csr_matvec
from jaxlike._src.experimental.sparse.csr import csr_todense as csr_todense
from jaxlike._src.experimental.sparse.csr import from_dense as _csr_fromdense  # noqa: F401  # pyright: ignore[reportUnusedImport] - test files ask for it here
from jaxlike._src.experimental.sparse.csr import matmat as _csr_matmat  # noqa: F401  # pyright: ignore[reportUnusedImport] - test files ask for it here
from jaxlike._src.experimental.sparse.csr import matvec as _csr_matvec  # noqa: F401  # pyright: ignore[reportUnusedImport] - test files ask for it here
from jaxlike._src.experimental.sparse.csr import to_dense as _csr_todense  # noqa: F401  # pyright: ignore[reportUnusedImport] - test files ask for it here
from jaxlike._src.experimental.sparse.primitives import csr_fromdense_p as csr_fromdense_p
from jaxlike._src.experimental.sparse.primitives import csr_matmat_p as csr_matmat_p
from jaxlike._src.experimental.sparse.primitives import csr_matvec_p as csr_matvec_p
from jaxlike._src.experimental.sparse.primitives import csr_todense_p as csr_todense_p
from jaxlike._src.experimental.sparse.util import CuSparseEfficiencyWarning as CuSparseEfficiencyWarning
from jaxlike._src.experimental.sparse.util import Shape as Shape
