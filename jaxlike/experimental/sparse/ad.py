"""jax.experimental.sparse.ad: derivatives by sparse arguments."""

from jaxlike._src.experimental.sparse.ad import flatten_fun_for_sparse_ad as flatten_fun_for_sparse_ad
from jaxlike._src.experimental.sparse.ad import grad as grad
from jaxlike._src.experimental.sparse.ad import is_sparse as is_sparse
from jaxlike._src.experimental.sparse.ad import jacfwd as jacfwd
from jaxlike._src.experimental.sparse.ad import jacobian as jacobian
from jaxlike._src.experimental.sparse.ad import jacrev as jacrev
from jaxlike._src.experimental.sparse.ad import value_and_grad as value_and_grad
from jaxlike._src.experimental.sparse.base import JAXSparse as JAXSparse
from jaxlike._src.extending.util import split_list as split_list
from jaxlike._src.extending.util import wraps as wraps
from jaxlike._src.traceback_filter import api_boundary as api_boundary
