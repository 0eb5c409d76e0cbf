"""jax.experimental.sparse.transform: functions of dense arrays made to take sparse ones."""

from jaxlike import lax as lax
from jaxlike._src.experimental.sparse.bcoo_arithmetic import bcoo_multiply_dense as bcoo_multiply_dense
from jaxlike._src.experimental.sparse.bcoo_arithmetic import bcoo_multiply_sparse as bcoo_multiply_sparse
from jaxlike._src.experimental.sparse.methods import BCOO as BCOO
from jaxlike._src.experimental.sparse.methods import BCSR as BCSR
from jaxlike._src.experimental.sparse.transform import ArrayOrSparse as ArrayOrSparse
from jaxlike._src.experimental.sparse.transform import SparseTracer as SparseTracer
from jaxlike._src.experimental.sparse.transform import SparsifyEnv as SparsifyEnv
from jaxlike._src.experimental.sparse.transform import SparsifyValue as SparsifyValue
from jaxlike._src.experimental.sparse.transform import arrays_to_spvalues as arrays_to_spvalues
from jaxlike._src.experimental.sparse.transform import eval_sparse as eval_sparse
from jaxlike._src.experimental.sparse.transform import sparse_rules_bcoo as sparse_rules_bcoo
from jaxlike._src.experimental.sparse.transform import sparse_rules_bcsr as sparse_rules_bcsr
from jaxlike._src.experimental.sparse.transform import sparsify as sparsify
from jaxlike._src.experimental.sparse.transform import sparsify_raw as sparsify_raw
from jaxlike._src.experimental.sparse.transform import spvalues_to_arrays as spvalues_to_arrays
from jaxlike._src.experimental.sparse.transform import spvalues_to_avals as spvalues_to_avals
from jaxlike._src.extending.util import split_list as split_list
from jaxlike._src.tree import tree_flatten as tree_flatten
from jaxlike._src.tree import tree_map as tree_map
from jaxlike._src.tree import tree_unflatten as tree_unflatten
from jaxlike.experimental import sparse as sparse
