"""sparse: what JAX's test files of sparse arrays are written with: drawn arrays, layouts, comparisons with dense ones.

A sparse operation is checked against a dense one on the dense forms of the same arguments: values, derivatives in both
modes, and lanes of `vmap`.
"""

from __future__ import annotations

import functools
import itertools
import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from jaxlike._src.experimental.sparse.ad import is_sparse
from jaxlike._src.experimental.sparse.api import todense
from jaxlike._src.experimental.sparse.methods import BCOO, BCSR
from jaxlike._src.experimental.sparse.transform import sparsify
from jaxlike._src.lax.shape import concatenate, expand_dims
from jaxlike._src.numpy.create import array
from jaxlike._src.testing.suite.test_case import JaxTestCase
from jaxlike._src.testing.suite.values import rand_default
from jaxlike._src.transforms.forward import jacfwd
from jaxlike._src.transforms.jit import jit
from jaxlike._src.transforms.reverse import jacrev
from jaxlike._src.transforms.vmap import vmap
from jaxlike._src.tree import tree_flatten, tree_leaves, tree_map, tree_unflatten

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

MATMUL_TOL: dict[Any, float] = {np.float32: 1e-5, np.float64: 1e-10, np.complex64: 1e-5, np.complex128: 1e-10}


class BatchedDotGeneralProperties(NamedTuple):
    """A product to be tested."""

    lhs_shape: tuple[int, ...]
    rhs_shape: tuple[int, ...]
    n_batch: int
    n_dense: int
    dimension_numbers: Any


class SparseLayout(NamedTuple):
    """How many axes of each kind there are."""

    n_batch: int
    n_dense: int
    n_sparse: int


def _dense(x: Any) -> Any:
    return tree_map(todense, x, is_leaf=is_sparse)


class SparseTestCase(JaxTestCase):
    """Tests of operations on sparse arrays."""

    def assertSparseArraysEquivalent(
        self,
        x: Any,
        y: Any,
        *,
        check_dtypes: bool = True,
        atol: Any = None,
        rtol: Any = None,
        canonicalize_dtypes: bool = True,
        err_msg: str = "",
    ) -> None:
        """The same layout, and arrays that are close."""
        (parts, tree), (others, other_tree) = tree_flatten(x), tree_flatten(y)
        self.assertEqual(tree, other_tree)
        options: dict[str, Any] = {"check_dtypes": check_dtypes, "canonicalize_dtypes": canonicalize_dtypes}
        options["err_msg"] = err_msg
        self.assertAllClose(parts, others, atol=atol, rtol=rtol, **options)

    def _CheckAgainstDense(
        self,
        dense_op: Callable[..., Any],
        sparse_op: Callable[..., Any],
        args_maker: Callable[[], Any],
        check_jit: bool = True,
        check_dtypes: bool = True,
        tol: Any = None,
        atol: Any = None,
        rtol: Any = None,
        canonicalize_dtypes: bool = True,
    ) -> None:
        args, close = args_maker(), {"atol": atol or tol, "rtol": rtol or tol}
        out = sparse_op(*args)
        options: dict[str, Any] = {"check_dtypes": check_dtypes, "canonicalize_dtypes": canonicalize_dtypes}
        self.assertAllClose(dense_op(*_dense(args)), _dense(out), **close, **options)
        if check_jit:
            self.assertSparseArraysEquivalent(out, jit(sparse_op)(*args), **close)

    def _CheckGradsSparse(
        self,
        dense_fun: Callable[..., Any],
        sparse_fun: Callable[..., Any],
        args_maker: Callable[[], Any],
        *,
        argnums: Any = None,
        modes: Sequence[str] = ("fwd", "rev"),
        atol: Any = None,
        rtol: Any = None,
    ) -> None:
        assert all(mode in ("fwd", "rev") for mode in modes)
        args = args_maker()
        flat, tree = tree_flatten(args)
        begins = np.cumsum([0, *(len(tree_leaves(a)) for a in args[:-1])]).tolist()
        chosen = begins if argnums is None else [begins[n] for n in argnums]

        def of_dense(*inside: Any) -> Any:
            return dense_fun(*_dense(tree_unflatten(tree, inside)))

        def of_sparse(*inside: Any) -> Any:
            return _dense(sparse_fun(*tree_unflatten(tree, inside)))

        for mode, transform in (("rev", jacrev), ("fwd", jacfwd)):
            if mode in modes:
                expected, found = (transform(f, argnums=chosen)(*flat) for f in (of_dense, of_sparse))
                self.assertAllClose(expected, found, atol=atol, rtol=rtol)

    def _random_bdims(self, *args: int) -> list[int]:
        rng = self.rng()
        return [rng.randint(0, arg + 1) for arg in args]

    def _CheckBatchingSparse(
        self,
        dense_fun: Callable[..., Any],
        sparse_fun: Callable[..., Any],
        args_maker: Callable[[], Any],
        *,
        batch_size: int = 3,
        bdims: Any = None,
        check_jit: bool = False,
        **options: Any,
    ) -> None:
        if bdims is None:
            bdims = self._random_bdims(*(x.n_batch if is_sparse(x) else x.ndim for x in args_maker()))

        def stacked(lanes: Sequence[Any], axis: int) -> Any:
            wide = [sparsify(functools.partial(expand_dims, dimensions=[axis]))(x) for x in lanes]
            return sparsify(functools.partial(concatenate, dimension=axis))(wide)

        def batched_args_maker() -> list[Any]:
            drawn = zip(*(args_maker() for _ in range(batch_size)), strict=True)
            return [x[0] if axis is None else stacked(x, axis) for x, axis in zip(drawn, bdims, strict=True)]

        dense, sparse = (vmap(f, tuple(bdims)) for f in (dense_fun, sparse_fun))
        self._CheckAgainstDense(dense, sparse, batched_args_maker, check_jit=check_jit, **options)


def _drawn(
    shape: Sequence[int],
    dtype: Any,
    *,
    rng: np.random.RandomState,
    rand_method: Callable[..., Any],
    nse: float,
    n_batch: int,
    n_dense: int,
    sparse_format: str,
) -> Any:
    n_sparse = len(shape) - n_batch - n_dense
    if n_sparse < 0 or n_batch < 0 or n_dense < 0:
        raise ValueError(f"Invalid parameters: shape={shape} n_batch={n_batch} n_sparse={n_sparse}")
    if sparse_format == "bcsr" and n_sparse != 2:
        raise ValueError(f"bcsr array must have 2 sparse dimensions; {n_sparse} is given.")
    batch, rest = tuple(shape[:n_batch]), tuple(shape[n_batch:])
    sparse, dense = rest[:n_sparse], rest[n_sparse:]
    count = int(np.ceil(nse * math.prod(sparse)) if 0 <= nse < 1 else nse)
    data, int32 = array(rand_method(rng)((*batch, count, *dense), dtype)), np.dtype("int32")
    if sparse_format == "bcoo":
        places = rng.randint(0, sparse, size=(*batch, count, n_sparse), dtype=int32)
        return BCOO((data, array(places)), shape=shape)
    columns = rng.randint(0, sparse[1], size=(*batch, count), dtype=int32)
    begins = np.sort(rng.randint(0, count + 1, size=(*batch, sparse[0] + 1), dtype=int32), -1)
    begins[..., 0] = 0
    return BCSR((data, array(columns), array(begins)), shape=shape)


def rand_bcoo(
    rng: np.random.RandomState,
    rand_method: Callable[..., Any] = rand_default,
    nse: float = 0.5,
    n_batch: int = 0,
    n_dense: int = 0,
) -> Callable[..., BCOO]:
    """A function of shape and dtype that draws a BCOO."""
    more = {"nse": nse, "n_batch": n_batch, "n_dense": n_dense, "sparse_format": "bcoo"}
    return functools.partial(_drawn, rng=rng, rand_method=rand_method, **more)


def rand_bcsr(
    rng: np.random.RandomState,
    rand_method: Callable[..., Any] = rand_default,
    nse: float = 0.5,
    n_batch: int = 0,
    n_dense: int = 0,
) -> Callable[..., BCSR]:
    """A function of shape and dtype that draws a BCSR."""
    more = {"nse": nse, "n_batch": n_batch, "n_dense": n_dense, "sparse_format": "bcsr"}
    return functools.partial(_drawn, rng=rng, rand_method=rand_method, **more)


def iter_subsets(s: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
    """All subsets of a sequence, small ones first."""
    return itertools.chain.from_iterable(itertools.combinations(s, n) for n in range(len(s) + 1))


def iter_sparse_layouts(shape: Sequence[int], min_n_batch: int = 0) -> Iterator[SparseLayout]:
    """All layouts that a BCOO of this shape may have."""
    for n_batch in range(min_n_batch, len(shape) + 1):
        for n_dense in range(len(shape) + 1 - n_batch):
            yield SparseLayout(n_batch=n_batch, n_sparse=len(shape) - n_batch - n_dense, n_dense=n_dense)


def iter_bcsr_layouts(shape: Sequence[int], min_n_batch: int = 0) -> Iterator[SparseLayout]:
    """All layouts that a BCSR of this shape may have."""
    for n_batch in range(min_n_batch, len(shape) - 1):
        yield SparseLayout(n_batch=n_batch, n_sparse=2, n_dense=len(shape) - 2 - n_batch)


def rand_sparse(
    rng: np.random.RandomState,
    nse: float = 0.5,
    post: Callable[[Any], Any] = lambda x: x,
    rand_method: Callable[..., Any] = rand_default,
) -> Callable[..., Any]:
    """A function of shape and dtype that draws a dense array, most of which is 0."""

    def drawn(shape: Sequence[int], dtype: Any, nse: float = nse) -> Any:
        size = math.prod(shape)
        count = min(size, int(nse * size if 0 <= nse < 1 else nse))
        dense = rand_method(rng)(shape, dtype)
        dense.flat[rng.choice(size, size - count, replace=False)] = 0
        return post(dense)

    return drawn
