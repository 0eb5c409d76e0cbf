"""api: sparse arrays of any format: made dense, empty, or with ones along a diagonal.

`todense` is a primitive of its own: `sparsify` traces a function on dense stand-ins, and has to see in the trace where
an argument that is sparse is to become dense.
"""

from __future__ import annotations

import functools
import operator
from typing import TYPE_CHECKING, Any

from jaxlike._src.array import ShapedArray
from jaxlike._src.border import asarray, concrete_or_error
from jaxlike._src.experimental.sparse.base import JAXSparse
from jaxlike._src.experimental.sparse.bcoo import BCOO
from jaxlike._src.experimental.sparse.bcsr import BCSR
from jaxlike._src.experimental.sparse.coo import COO
from jaxlike._src.experimental.sparse.csr import CSC, CSR
from jaxlike._src.graph.primitive import Primitive
from jaxlike._src.transforms import tables
from jaxlike._src.transforms.linear_transpose import linear_transpose
from jaxlike._src.transforms.vmap import vmap
from jaxlike._src.tree import tree_flatten, tree_unflatten

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jaxlike._src.array import Array
    from jaxlike._src.typing import DTypeLike

FORMATS = {"bcsr": BCSR, "bcoo": BCOO, "coo": COO, "csr": CSR, "csc": CSC}

todense_p = Primitive("todense")


def todense(arr: Any) -> Array:
    """The whole array that a sparse one stands for; a dense one as it is."""
    buffers, tree = tree_flatten(arr)
    return todense_p.bind(*buffers, tree=tree)


@todense_p.def_impl
def _whole(*buffers: Any, tree: Any) -> Array:
    arr = tree_unflatten(tree, buffers)
    return arr.todense() if isinstance(arr, JAXSparse) else asarray(arr)


@todense_p.def_abstract_eval
def _type_of(*buffers: Any, tree: Any) -> ShapedArray:
    arr = tree_unflatten(tree, buffers)
    return ShapedArray(arr.shape, buffers[0].dtype, weak_type=buffers[0].weak_type)


def _jvp(primals: Sequence[Any], tangents: Sequence[Any], *, tree: Any) -> tuple[Any, Any]:
    """It is linear in the values; the rest are places."""
    return todense_p.bind(*primals, tree=tree), _whole(tangents[0], *primals[1:], tree=tree)


def _batched(buffers: Sequence[Any], axes: Sequence[Any], *, tree: Any) -> tuple[Any, int]:
    return vmap(functools.partial(_whole, tree=tree), tuple(axes))(*buffers), 0


def _transposed(cotangent: Any, data: Any, *places: Any, tree: Any) -> list[Any]:
    pull = linear_transpose(lambda d: _whole(d, *places, tree=tree), data.aval)
    return [*pull(tables.instantiate_zeros(cotangent)), *[None] * len(places)]


tables.primitive_jvps[todense_p] = _jvp
tables.primitive_batchers[todense_p] = _batched
tables.primitive_transposes[todense_p] = _transposed
tables.register_lowering(todense_p, tables.lower_fun(_whole, multiple_results=False))


def empty(
    shape: Sequence[int],
    dtype: DTypeLike | None = None,
    index_dtype: DTypeLike = "int32",
    sparse_format: str = "bcoo",
    **kwds: Any,
) -> JAXSparse:
    """A sparse array of zeros, without entries.

    Args:
        shape: of the whole.
        dtype: of the values.
        index_dtype: of the indices.
        sparse_format: "bcoo", "bcsr", "coo", "csr" or "csc".
        **kwds: of the format: ``n_batch``, ``n_dense``, ``nse``.
    """
    if sparse_format not in FORMATS:
        raise ValueError(
            f"sparse_format={sparse_format!r} not recognized; must be one of {list(FORMATS)}"
        )
    return FORMATS[sparse_format]._empty(tuple(shape), dtype=dtype, index_dtype=index_dtype, **kwds)


def eye(
    N: int,
    M: int | None = None,
    k: int = 0,
    dtype: DTypeLike | None = None,
    index_dtype: DTypeLike = "int32",
    sparse_format: str = "bcoo",
    **kwds: Any,
) -> JAXSparse:
    """A sparse matrix with ones along a diagonal.

    Args:
        N: rows.
        M: columns; ``N`` by default.
        k: which diagonal, above the main one if positive.
        dtype: of the values.
        index_dtype: of the indices.
        sparse_format: "bcoo", "coo", "csr" or "csc".
        **kwds: of the format: ``n_batch``, ``n_dense``.
    """
    rows, columns, k = (concrete_or_error(operator.index, n) for n in (N, N if M is None else M, k))
    formats: dict[str, Any] = {name: cls for name, cls in FORMATS.items() if cls is not BCSR}
    return formats[sparse_format]._eye(M=columns, N=rows, k=k, dtype=dtype, index_dtype=index_dtype, **kwds)
