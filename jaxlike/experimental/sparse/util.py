"""jax.experimental.sparse.util: what the formats share."""

from jaxlike._src.array import Array as Array
from jaxlike._src.experimental.sparse.dot import dot_shape as _dot_general_validated_shape  # noqa: F401  # pyright: ignore[reportUnusedImport] - test files ask for it here
from jaxlike._src.experimental.sparse.util import CuSparseEfficiencyWarning as CuSparseEfficiencyWarning
from jaxlike._src.experimental.sparse.util import Shape as Shape
from jaxlike._src.experimental.sparse.util import SparseEfficiencyError as SparseEfficiencyError
from jaxlike._src.experimental.sparse.util import SparseEfficiencyWarning as SparseEfficiencyWarning
from jaxlike._src.experimental.sparse.util import SparseInfo as SparseInfo
from jaxlike._src.experimental.sparse.util import broadcasting_vmap as broadcasting_vmap
from jaxlike._src.experimental.sparse.util import count_stored_elements as _count_stored_elements  # noqa: F401  # pyright: ignore[reportUnusedImport] - test files ask for it here
from jaxlike._src.experimental.sparse.util import csr_to_coo as _csr_to_coo  # noqa: F401  # pyright: ignore[reportUnusedImport] - test files ask for it here
from jaxlike._src.experimental.sparse.util import nfold_vmap as nfold_vmap
from jaxlike._src.transforms.vmap import vmap as vmap
from jaxlike._src.tree import flatten_axes as flatten_axes
