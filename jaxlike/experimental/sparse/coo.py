"""jax.experimental.sparse.coo: matrices of values, rows and columns."""

from jaxlike._src.array import Array as Array
from jaxlike._src.border import promote_dtypes as promote_dtypes
from jaxlike._src.experimental.sparse.base import JAXSparse as JAXSparse
from jaxlike._src.experimental.sparse.coo import COO as COO
from jaxlike._src.experimental.sparse.coo import COOInfo as COOInfo
from jaxlike._src.experimental.sparse.coo import Dtype as Dtype
from jaxlike._src.experimental.sparse.coo import coo_fromdense as coo_fromdense
from jaxlike._src.experimental.sparse.coo import coo_matmat as coo_matmat
from jaxlike._src.experimental.sparse.coo import coo_matvec as coo_matvec
from jaxlike._src.experimental.sparse.coo import coo_todense as coo_todense
from jaxlike._src.experimental.sparse.coo import from_dense as _coo_fromdense  # noqa: F401  # pyright: ignore[reportUnusedImport] - test files ask for it here
from jaxlike._src.experimental.sparse.coo import matmat as _coo_matmat  # noqa: F401  # pyright: ignore[reportUnusedImport] - test files ask for it here
from jaxlike._src.experimental.sparse.coo import matvec as _coo_matvec  # noqa: F401  # pyright: ignore[reportUnusedImport] - test files ask for it here
from jaxlike._src.experimental.sparse.coo import to_dense as _coo_todense  # noqa: F401  # pyright: ignore[reportUnusedImport] - test files ask for it here
from jaxlike._src.experimental.sparse.primitives import coo_fromdense_p as coo_fromdense_p
from jaxlike._src.experimental.sparse.primitives import coo_matmat_p as coo_matmat_p
from jaxlike._src.experimental.sparse.primitives import coo_matvec_p as coo_matvec_p
from jaxlike._src.experimental.sparse.primitives import coo_todense_p as coo_todense_p
from jaxlike._src.experimental.sparse.util import CuSparseEfficiencyWarning as CuSparseEfficiencyWarning
from jaxlike._src.experimental.sparse.util import Shape as Shape
