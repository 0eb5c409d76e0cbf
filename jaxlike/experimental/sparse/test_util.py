"""jax.experimental.sparse.test_util: tools of tests of sparse arrays."""

from jaxlike._src.extending.util import split_list as split_list
from jaxlike._src.testing.suite.sparse import MATMUL_TOL as MATMUL_TOL
from jaxlike._src.testing.suite.sparse import BatchedDotGeneralProperties as BatchedDotGeneralProperties
from jaxlike._src.testing.suite.sparse import SparseLayout as SparseLayout
from jaxlike._src.testing.suite.sparse import SparseTestCase as SparseTestCase
from jaxlike._src.testing.suite.sparse import is_sparse as is_sparse
from jaxlike._src.testing.suite.sparse import iter_bcsr_layouts as iter_bcsr_layouts
from jaxlike._src.testing.suite.sparse import iter_sparse_layouts as iter_sparse_layouts
from jaxlike._src.testing.suite.sparse import iter_subsets as iter_subsets
from jaxlike._src.testing.suite.sparse import rand_bcoo as rand_bcoo
from jaxlike._src.testing.suite.sparse import rand_bcsr as rand_bcsr
from jaxlike._src.testing.suite.sparse import rand_sparse as rand_sparse
