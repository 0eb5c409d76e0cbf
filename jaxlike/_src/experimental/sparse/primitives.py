"""primitives: the objects by which programs recognise and bind JAX's primitives of sparse arrays.

Binding one calls the function of our own that an equation of this name comes from, which brings its rules along.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from jaxlike._src.border import asarray
from jaxlike._src.experimental.sparse import bcsr, convert, coo, csr, dot, layout, order
from jaxlike._src.experimental.sparse.linalg import solve_csr
from jaxlike._src.graph.primitive import builtin
from jaxlike._src.lax.primitives import give_rules

if TYPE_CHECKING:
    from collections.abc import Callable

    from jaxlike._src.graph.primitive import Builtin


def _made(name: str, fun: Callable[..., Any], many: bool = False) -> Builtin:
    """A primitive that calls a function on arrays; it gives a list if there are ``many`` results."""

    def impl(*args: Any, **params: Any) -> Any:
        out = fun(*map(asarray, args), **params)
        return list(out) if many else out

    primitive = builtin(name, many)
    primitive.def_impl(impl)
    give_rules(primitive, linear=not many)
    return primitive


def parts_of_dense(mat: Any, *, nse: int, n_batch: int = 0, n_dense: int = 0, index_dtype: Any = np.int32) -> Any:
    """Values and indices of so many entries of a dense array."""
    return convert.from_dense(mat, nse=nse, n_batch=n_batch, n_dense=n_dense, index_dtype=index_dtype, message="")


bcoo_dot_general_p = _made("bcoo_dot_general", dot.sparse_dot_dense)
bcoo_dot_general_sampled_p = _made("bcoo_dot_general_sampled", dot.sampled_dot)
bcoo_extract_p = _made("bcoo_extract", convert.extract_data)
bcoo_fromdense_p = _made("bcoo_fromdense", parts_of_dense, True)
bcoo_sort_indices_p = _made("bcoo_sort_indices", order.sort_indices, True)
bcoo_spdot_general_p = _made("bcoo_spdot_general", dot.sparse_dot_sparse, True)
bcoo_sum_duplicates_p = _made("bcoo_sum_duplicates", order.sum_duplicates, True)
bcoo_todense_p = _made("bcoo_todense", convert.to_dense)
bcoo_transpose_p = _made("bcoo_transpose", layout.permuted, True)
bcsr_dot_general_p = _made("bcsr_dot_general", bcsr.sparse_dot_dense_rows)
bcsr_extract_p = _made("bcsr_extract", bcsr.bcsr_extract)
bcsr_fromdense_p = _made("bcsr_fromdense", bcsr.from_dense_rows, True)
bcsr_todense_p = _made("bcsr_todense", bcsr.to_dense_rows)
coo_fromdense_p = _made("coo_fromdense", coo.from_dense, True)
coo_matmat_p = _made("coo_matmat", coo.matmat)
coo_matvec_p = _made("coo_matvec", coo.matvec)
coo_todense_p = _made("coo_todense", coo.to_dense)
csr_fromdense_p = _made("csr_fromdense", csr.from_dense, True)
csr_matmat_p = _made("csr_matmat", csr.matmat)
csr_matvec_p = _made("csr_matvec", csr.matvec)
csr_todense_p = _made("csr_todense", csr.to_dense)
spsolve_p = _made("spsolve", solve_csr)
