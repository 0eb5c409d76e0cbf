"""jax.experimental.sparse.bcsr: batched matrices, row by row."""

from jaxlike._src.array import Array as Array
from jaxlike._src.experimental.sparse.base import JAXSparse as JAXSparse
from jaxlike._src.experimental.sparse.bcsr import bcsr_broadcast_in_dim as bcsr_broadcast_in_dim
from jaxlike._src.experimental.sparse.bcsr import bcsr_concatenate as bcsr_concatenate
from jaxlike._src.experimental.sparse.bcsr import bcsr_dot_general as bcsr_dot_general
from jaxlike._src.experimental.sparse.bcsr import bcsr_eliminate_zeros as bcsr_eliminate_zeros
from jaxlike._src.experimental.sparse.bcsr import bcsr_extract as bcsr_extract
from jaxlike._src.experimental.sparse.bcsr import bcsr_fromdense as bcsr_fromdense
from jaxlike._src.experimental.sparse.bcsr import bcsr_sum_duplicates as bcsr_sum_duplicates
from jaxlike._src.experimental.sparse.bcsr import bcsr_todense as bcsr_todense
from jaxlike._src.experimental.sparse.bcsr import from_dense_rows as _bcsr_fromdense  # noqa: F401  # pyright: ignore[reportUnusedImport] - test files ask for it here
from jaxlike._src.experimental.sparse.bcsr import sparse_dot_dense_rows as _bcsr_dot_general  # noqa: F401  # pyright: ignore[reportUnusedImport] - test files ask for it here
from jaxlike._src.experimental.sparse.bcsr import to_dense_rows as _bcsr_todense  # noqa: F401  # pyright: ignore[reportUnusedImport] - test files ask for it here
from jaxlike._src.experimental.sparse.methods import BCSR as BCSR
from jaxlike._src.experimental.sparse.primitives import bcsr_dot_general_p as bcsr_dot_general_p
from jaxlike._src.experimental.sparse.primitives import bcsr_extract_p as bcsr_extract_p
from jaxlike._src.experimental.sparse.primitives import bcsr_fromdense_p as bcsr_fromdense_p
from jaxlike._src.experimental.sparse.primitives import bcsr_todense_p as bcsr_todense_p
from jaxlike._src.experimental.sparse.rows import BCSRProperties as BCSRProperties
from jaxlike._src.experimental.sparse.rows import coo_places as _bcsr_to_bcoo  # noqa: F401  # pyright: ignore[reportUnusedImport] - test files ask for it here
from jaxlike._src.experimental.sparse.rows import row_pointers as _bcoo_to_bcsr  # noqa: F401  # pyright: ignore[reportUnusedImport] - test files ask for it here
from jaxlike._src.experimental.sparse.rows import validate as _validate_bcsr  # noqa: F401  # pyright: ignore[reportUnusedImport] - test files ask for it here
from jaxlike._src.experimental.sparse.rows import validate_indices as _validate_bcsr_indices  # noqa: F401  # pyright: ignore[reportUnusedImport] - test files ask for it here
from jaxlike._src.experimental.sparse.util import CuSparseEfficiencyWarning as CuSparseEfficiencyWarning
from jaxlike._src.experimental.sparse.util import SparseEfficiencyWarning as SparseEfficiencyWarning
from jaxlike._src.experimental.sparse.util import SparseInfo as SparseInfo
from jaxlike._src.experimental.sparse.util import nfold_vmap as nfold_vmap
from jaxlike._src.extending.util import split_list as split_list
