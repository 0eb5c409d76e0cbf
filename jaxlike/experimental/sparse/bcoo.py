"""jax.experimental.sparse.bcoo: batched arrays of values and places."""

from jaxlike._src.array import Array as Array
from jaxlike._src.border import canonicalize_axis as canonicalize_axis
from jaxlike._src.experimental.sparse.base import JAXSparse as JAXSparse
from jaxlike._src.experimental.sparse.bcoo import bcoo_eliminate_zeros as bcoo_eliminate_zeros
from jaxlike._src.experimental.sparse.bcoo import bcoo_fromdense as bcoo_fromdense
from jaxlike._src.experimental.sparse.bcoo import bcoo_sort_indices as bcoo_sort_indices
from jaxlike._src.experimental.sparse.bcoo import bcoo_sum_duplicates as bcoo_sum_duplicates
from jaxlike._src.experimental.sparse.bcoo import bcoo_todense as bcoo_todense
from jaxlike._src.experimental.sparse.bcoo import bcoo_update_layout as bcoo_update_layout
from jaxlike._src.experimental.sparse.bcoo_arithmetic import bcoo_conv_general_dilated as bcoo_conv_general_dilated
from jaxlike._src.experimental.sparse.bcoo_arithmetic import bcoo_dot_general as bcoo_dot_general
from jaxlike._src.experimental.sparse.bcoo_arithmetic import bcoo_dot_general_sampled as bcoo_dot_general_sampled
from jaxlike._src.experimental.sparse.bcoo_arithmetic import bcoo_extract as bcoo_extract
from jaxlike._src.experimental.sparse.bcoo_arithmetic import bcoo_multiply_dense as bcoo_multiply_dense
from jaxlike._src.experimental.sparse.bcoo_arithmetic import bcoo_multiply_sparse as bcoo_multiply_sparse
from jaxlike._src.experimental.sparse.bcoo_arithmetic import bcoo_reduce_sum as bcoo_reduce_sum
from jaxlike._src.experimental.sparse.bcoo_shape import bcoo_broadcast_in_dim as bcoo_broadcast_in_dim
from jaxlike._src.experimental.sparse.bcoo_shape import bcoo_concatenate as bcoo_concatenate
from jaxlike._src.experimental.sparse.bcoo_shape import bcoo_reshape as bcoo_reshape
from jaxlike._src.experimental.sparse.bcoo_shape import bcoo_rev as bcoo_rev
from jaxlike._src.experimental.sparse.bcoo_shape import bcoo_squeeze as bcoo_squeeze
from jaxlike._src.experimental.sparse.bcoo_shape import bcoo_transpose as bcoo_transpose
from jaxlike._src.experimental.sparse.bcoo_slicing import bcoo_dynamic_slice as bcoo_dynamic_slice
from jaxlike._src.experimental.sparse.bcoo_slicing import bcoo_gather as bcoo_gather
from jaxlike._src.experimental.sparse.bcoo_slicing import bcoo_slice as bcoo_slice
from jaxlike._src.experimental.sparse.convert import extract_data as _bcoo_extract  # noqa: F401  # pyright: ignore[reportUnusedImport] - test files ask for it here
from jaxlike._src.experimental.sparse.convert import to_dense as _bcoo_todense  # noqa: F401  # pyright: ignore[reportUnusedImport] - test files ask for it here
from jaxlike._src.experimental.sparse.dot import sparse_dot_dense as _bcoo_dot_general  # noqa: F401  # pyright: ignore[reportUnusedImport] - test files ask for it here
from jaxlike._src.experimental.sparse.layout import permuted as _bcoo_transpose  # noqa: F401  # pyright: ignore[reportUnusedImport] - test files ask for it here
from jaxlike._src.experimental.sparse.methods import BCOO as BCOO
from jaxlike._src.experimental.sparse.order import sum_duplicates as _bcoo_sum_duplicates  # noqa: F401  # pyright: ignore[reportUnusedImport] - test files ask for it here
from jaxlike._src.experimental.sparse.places import BCOOProperties as BCOOProperties
from jaxlike._src.experimental.sparse.places import Buffer as Buffer
from jaxlike._src.experimental.sparse.places import remaining as remaining
from jaxlike._src.experimental.sparse.places import validate as _validate_bcoo  # noqa: F401  # pyright: ignore[reportUnusedImport] - test files ask for it here
from jaxlike._src.experimental.sparse.places import validate_indices as _validate_bcoo_indices  # noqa: F401  # pyright: ignore[reportUnusedImport] - test files ask for it here
from jaxlike._src.experimental.sparse.primitives import bcoo_dot_general_p as bcoo_dot_general_p
from jaxlike._src.experimental.sparse.primitives import bcoo_dot_general_sampled_p as bcoo_dot_general_sampled_p
from jaxlike._src.experimental.sparse.primitives import bcoo_extract_p as bcoo_extract_p
from jaxlike._src.experimental.sparse.primitives import bcoo_fromdense_p as bcoo_fromdense_p
from jaxlike._src.experimental.sparse.primitives import bcoo_sort_indices_p as bcoo_sort_indices_p
from jaxlike._src.experimental.sparse.primitives import bcoo_spdot_general_p as bcoo_spdot_general_p
from jaxlike._src.experimental.sparse.primitives import bcoo_sum_duplicates_p as bcoo_sum_duplicates_p
from jaxlike._src.experimental.sparse.primitives import bcoo_todense_p as bcoo_todense_p
from jaxlike._src.experimental.sparse.primitives import bcoo_transpose_p as bcoo_transpose_p
from jaxlike._src.experimental.sparse.primitives import parts_of_dense as _bcoo_fromdense  # noqa: F401  # pyright: ignore[reportUnusedImport] - test files ask for it here
from jaxlike._src.experimental.sparse.tables import CUSPARSE_DATA_DTYPES as CUSPARSE_DATA_DTYPES
from jaxlike._src.experimental.sparse.tables import CUSPARSE_INDEX_DTYPES as CUSPARSE_INDEX_DTYPES
from jaxlike._src.experimental.sparse.util import CuSparseEfficiencyWarning as CuSparseEfficiencyWarning
from jaxlike._src.experimental.sparse.util import SparseEfficiencyError as SparseEfficiencyError
from jaxlike._src.experimental.sparse.util import SparseEfficiencyWarning as SparseEfficiencyWarning
from jaxlike._src.experimental.sparse.util import SparseInfo as SparseInfo
from jaxlike._src.experimental.sparse.util import nfold_vmap as nfold_vmap
from jaxlike._src.extending.util import split_list as split_list
from jaxlike._src.extending.util import unzip2 as unzip2
from jaxlike._src.index_plan import GatherScatterMode as GatherScatterMode
from jaxlike._src.lax.gather_dims import GatherDimensionNumbers as GatherDimensionNumbers
from jaxlike._src.transforms.vmap import vmap as vmap
