"""`jax._src.lax_reference`: lax written with numpy, which JAX's test files compare with; ours next to JAX's."""

from __future__ import annotations

import itertools
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from jax import lax
from jax._src import lax_reference as theirs

from jaxlike._src.testing.suite import lax_reference as ours
from jaxlike._src.testing.suite.lax_ops import lax_ops

RNG = np.random.RandomState(0)
X = RNG.randn(5, 4).astype(np.float32)
IMAGES, FILTERS = RNG.randn(2, 3, 7, 9).astype(np.float32), RNG.randn(4, 3, 3, 2).astype(np.float32)
WORDS = (X * 9).astype(np.int32)


def both(name: str, *args: Any, **kwargs: Any) -> None:
    """The same arrays of both, but for rounding."""
    expected, actual = (getattr(m, name)(*args, **kwargs) for m in (theirs, ours))
    pairs = zip(expected, actual, strict=True) if isinstance(expected, tuple) else [(expected, actual)]
    for a, b in pairs:
        a, b = np.asarray(a), np.asarray(b)
        assert (a.dtype, a.shape) == (b.dtype, b.shape)
        np.testing.assert_allclose(a.astype(complex), b.astype(complex), rtol=1e-5, atol=1e-5)


def test_names() -> None:
    helpers = {"MonoidRecord", "builtins", "collections", "itertools", "np", "opt_einsum", "scipy", "util", "dtypes"}
    assert {n for n in dir(theirs) if not n.startswith("_")} - helpers <= set(dir(ours))


@pytest.mark.parametrize("row", lax_ops(), ids=lambda r: f"{r.op}-{r.rng_factory.__name__}")
def test_element_by_element(row: Any) -> None:
    with np.errstate(all="ignore"):
        for dtype in row.dtypes:
            draw = row.rng_factory(np.random.RandomState(1))
            both(row.op, *(draw((4, 3), dtype) for _ in range(row.nargs)))


BITS = [np.float32, np.int32, np.uint8, np.float16, ml_dtypes.bfloat16, np.float64]
ROWS: dict[str, list[tuple[Any, ...]]] = {
    "slice": [(X, (1, 0), (4, 4), (2, 1)), (X, (1, 0), (4, 4))],
    "dynamic_slice": [(X, (1, 0), (3, 2))],
    "dynamic_update_slice": [(X, X[:2, :2], (1, 2))],
    "rev": [(X, (0,)), (X, (0, 1))],
    "top_k": [(np.array([[1, 3, 3, 2.0], [5, 5, 1, 0]]), 3), (X, 2, 0)],
    "sort_key_val": [(X, X * 2), (X, X * 2, 0)],
    "broadcast": [(X, (2,))],
    "broadcast_in_dim": [(X, (5, 2, 4), (0, 2))],
    "reshape": [(X, (4, 5)), (X, (4, 5), (1, 0))],
    "clamp": [(np.float32(-0.5), X, np.float32(0.2))],
    "concatenate": [([X, X], 1)],
    "convert_element_type": [(X, np.int32)],
    "pad": [
        (X, 7.0, c)
        for c in ([(1, 2, 0), (0, 0, 1)], [(-1, 2, 2), (1, -3, 0)], [(-1, -1, 0), (0, 0, 3)], [(0, 0, 0)] * 2)
    ],
    "mul": [(X, X)],
    "mulhi": [(np.array([2**62, -5], np.int64), np.array([12, 2**62], np.int64))],
    "bitcast_convert_type": [
        (np.repeat((X * 8).astype(a)[..., None], max(b.itemsize // np.dtype(a).itemsize, 1), -1)
         if b.itemsize > np.dtype(a).itemsize else (X * 8).astype(a), b)
        for a, b in itertools.product(BITS, map(np.dtype, (np.int16, np.uint8, np.int32, np.uint64)))
    ] + [((X * 8).astype(np.uint8), np.dtype(ml_dtypes.uint4))],
    "dot_general": [(X.reshape(5, 2, 2), X.reshape(5, 2, 2), (((2,), (1,)), ((0,), (0,)))),
                    (X.astype(ml_dtypes.bfloat16), X.T.astype(ml_dtypes.bfloat16), (((1,), (0,)), ((), ())))],
    "ragged_dot": [(X, RNG.randn(2, 4, 3).astype(np.float32), np.array([1, 3]))],
    "reduce": [
        *((X, init, op, dims) for op, init in ((lax.add, 0), (lax.mul, 2.0), (lax.max, 0.5), (lambda a, b: a - b, 0))
          for dims in ((0,), (1,), (0, 1), ())),
        (WORDS, -1, lax.bitwise_and, (0,)),
    ],
    "reduce_window": [
        (IMAGES[0], init, op, (1, 2, 3), (1, 2, 1), padding, dilation)
        for op, init in ((lax.max, -np.inf), (lambda a, b: a * b + 1, 1.0))
        for padding, dilation in (("SAME", ()), ("VALID", ()))
    ],
    "conv": [(IMAGES, FILTERS, strides, p) for strides in ((1, 1), (2, 3)) for p in ("SAME", "SAME_LOWER", "VALID")],
    "conv_with_general_padding": [
        (IMAGES, FILTERS, strides, padding, dilation, (2, 1))
        for strides in ((1, 1), (2, 2)) for padding in ([(0, 0)] * 2, [(1, 2), (-1, 2)]) for dilation in ((1, 1), (2, 3))
    ],
    "conv_general_dilated": [
        (IMAGES.transpose(0, 2, 3, 1), FILTERS.transpose(2, 3, 1, 0), (1, 2), p, (1, 2), (1, 1), ("NHWC", "HWIO", "NCHW"))
        for p in ("SAME", [(0, 1), (2, 0)])
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", ROWS)
def test_operations(name: str) -> None:
    for args in ROWS[name]:
        with np.errstate(invalid="ignore"):
            both(name, *args)
