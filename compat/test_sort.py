"""sort, argsort, lexsort, partition, searchsorted, interp: values, orders, dtypes, derivatives and errors as JAX's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from compat.same import assert_same, run_both

X = np.array([3.0, -1.5, np.nan, 0.0, -0.0, np.inf, -np.inf, 2.0, 3.0], np.float32)
M = np.array([[3, 1, 2, 1], [0, -5, 7, 7], [4, 4, 4, -4]], np.float32)
C = np.array([1 + 2j, complex(np.nan, 1), complex(1, np.nan), 1 + 1j, complex(np.nan, 0), -3], np.complex64)
DTYPES = (
    "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 bfloat16 float32 float64 complex64 complex128"
    " float8_e4m3fn int4 uint4"
).split()
EDGES = np.array([-3, 0, 0, 1, 4], np.float32)


def values(jax: Any, dtype: str) -> Any:
    """Twelve numbers with ties as [3, 4]; the largest of unsigned types among them."""
    x = np.array([3, 0, 1, 3, 2, 1, 0, 5, 4, 4, 2, 7], np.int32)
    if dtype.startswith("uint") and dtype != "uint4":
        x = x.astype(np.dtype(dtype)) - np.dtype(dtype).type(3)
    return jax.numpy.asarray(x.reshape(3, 4)).astype(dtype)


def cube(x: Any) -> Any:
    return (x * x * x).sum()


def by(jax: Any, dtype: str) -> Any:
    """What sorts, of one dtype."""
    jnp = jax.numpy
    x = values(jax, dtype)
    return (
        jnp.sort(x),
        jnp.sort(x, axis=0, descending=True),
        jnp.argsort(x, axis=None),
        jnp.argsort(x, descending=True),
        jnp.argsort(x, descending=True, stable=False),
        jnp.lexsort((x[0], x[1])),
        jnp.lexsort((x, x[::-1]), axis=0),
        jax.jit(lambda x: (jnp.sort(x), jnp.argsort(x)))(x),
        jax.vmap(lambda x: (jnp.sort(x), jnp.argsort(x)))(x),
    )


def searched(jax: Any, dtype: str) -> Any:
    jnp = jax.numpy
    x = jnp.sort(values(jax, dtype), axis=None)
    v = values(jax, dtype)[0, :3]
    return (
        jnp.searchsorted(x, v),
        jnp.searchsorted(x, v, side="right"),
        jax.jit(jnp.searchsorted)(x, v),
        jax.vmap(jnp.searchsorted, (None, 0))(x, v),
        jax.vmap(jnp.searchsorted, (0, None))(x.reshape(2, 6), v),
        jnp.digitize(v, x),
        jnp.digitize(v, x[::-1], right=True),
    )


PROGRAMS: dict[str, Any] = {
    **{f"sort {d}": lambda jax, d=d: by(jax, d) for d in DTYPES},
    **{f"searchsorted {d}": lambda jax, d=d: searched(jax, d) for d in DTYPES if "4" not in d[-2:] and "8_" not in d},
    # sort and argsort
    "sort NaN and zeros": lambda jax: np.copysign(1, jax.numpy.sort(X)),
    "sort NaN": lambda jax: jax.numpy.sort(X),
    "sort descending": lambda jax: (jax.numpy.sort(X, descending=True), jax.numpy.argsort(X, descending=True)),
    "sort descending zeros": lambda jax: np.signbit(jax.numpy.sort(X[3:5], descending=True)),
    "sort complex": lambda jax: jax.numpy.sort(jax.numpy.asarray(C)),
    "argsort complex": lambda jax: jax.numpy.argsort(C),
    "sort unstable": lambda jax: jax.numpy.sort(M, stable=False),
    "sort axis None": lambda jax: jax.numpy.sort(M, axis=None),
    "sort axis 1.5": lambda jax: jax.numpy.sort(M, axis=1.5),
    "sort axis out of bounds": lambda jax: jax.numpy.sort(M, axis=2),
    "sort of a scalar": lambda jax: jax.numpy.sort(3.0),
    "sort of a raveled scalar": lambda jax: jax.numpy.sort(3.0, axis=None),
    "sort kind": lambda jax: jax.numpy.sort(M, kind="quicksort"),
    "sort order": lambda jax: jax.numpy.sort(M, order="a"),
    "sort of a list": lambda jax: jax.numpy.sort([2, 1]),
    "sort of keys": lambda jax: jax.numpy.sort(jax.random.split(jax.random.key(0), 3)),
    "sort empty": lambda jax: (jax.numpy.sort(np.zeros((0, 3))), jax.numpy.argsort(np.zeros((3, 0)))),
    "sort method": lambda jax: (jax.numpy.asarray(M).sort(0), jax.numpy.asarray(M).argsort(axis=0)),
    "argsort method dtype": lambda jax: jax.numpy.asarray(M).argsort(dtype=int),
    "argsort dtype": lambda jax: jax.numpy.argsort(M, dtype="int8"),
    "argsort float dtype": lambda jax: jax.numpy.argsort(M, dtype=float),
    "argsort wide dtype": lambda jax: jax.numpy.argsort(M, dtype="int64"),
    "argsort kind": lambda jax: jax.numpy.argsort(M, kind="stable"),
    "grad of sort": lambda jax: jax.grad(lambda x: (jax.numpy.sort(x) * np.arange(4) ** 2).sum())(M[0]),
    "grad of sort descending": lambda jax: jax.grad(
        lambda x: (jax.numpy.sort(x, descending=True) * np.arange(4) ** 2).sum()
    )(M[0]),
    "grad of sort axis": lambda jax: jax.grad(lambda x: cube(jax.numpy.sort(x, axis=0)[:2]))(M),
    "grad of sort complex": lambda jax: jax.grad(
        lambda x: jax.numpy.abs(jax.numpy.sort(x)[1:] ** 2).sum()
    )(C[[0, 3, 5]]),
    "jvp of sort": lambda jax: jax.jvp(jax.numpy.sort, (M,), (np.arange(12, dtype=np.float32).reshape(3, 4),)),
    "hessian of sort": lambda jax: jax.hessian(lambda x: cube(jax.numpy.sort(x) * np.arange(4)))(M[1]),
    "vmap of sort axis": lambda jax: jax.vmap(lambda x: jax.numpy.sort(x, axis=-1), in_axes=1)(M),
    "vmap of grad of sort": lambda jax: jax.vmap(jax.grad(lambda x: cube(jax.numpy.sort(x)[:2])))(M),
    "jit of grad of sort": lambda jax: jax.jit(jax.grad(lambda x: cube(jax.numpy.sort(x)[:2])))(M[0]),
    "grad through argsort": lambda jax: jax.grad(lambda x: cube(x[jax.numpy.argsort(x)][:2]))(M[0]),
    "jvp of argsort": lambda jax: jax.jvp(jax.numpy.argsort, (M,), (M,)),
    # lexsort, sort_complex, partition
    "lexsort": lambda jax: jax.numpy.lexsort((M[0], M[1], M[2])),
    "lexsort of an array": lambda jax: jax.numpy.lexsort(M),
    "lexsort scalars": lambda jax: jax.numpy.lexsort((1, 2)),
    "lexsort nothing": lambda jax: jax.numpy.lexsort(()),
    "lexsort shapes": lambda jax: jax.numpy.lexsort((M, M[0])),
    "lexsort axis": lambda jax: jax.numpy.lexsort((M, M), axis=3),
    "lexsort NaN": lambda jax: jax.numpy.lexsort((X, X[::-1])),
    "lexsort complex": lambda jax: jax.numpy.lexsort((X[:6], C)),
    "lexsort mixed": lambda jax: jax.numpy.lexsort((M[0], np.array([1, 0, 1, 0]), np.array([True, True, False, False]))),
    "lexsort vmap": lambda jax: jax.vmap(lambda a, b: jax.numpy.lexsort((a, b)))(M, M[::-1]),
    "sort_complex": lambda jax: (jax.numpy.sort_complex(C), jax.numpy.sort_complex(M), jax.numpy.sort_complex(M.astype(int))),
    "partition": lambda jax: jax.numpy.partition(M, 1),
    "partition axis": lambda jax: jax.numpy.partition(M, -2, axis=0),
    "partition uint8": lambda jax: jax.numpy.partition(values(jax, "uint8"), 2),
    "partition uint32": lambda jax: jax.numpy.partition(values(jax, "uint32"), 2),
    "partition NaN": lambda jax: jax.numpy.partition(X, 4),
    "partition complex": lambda jax: jax.numpy.partition(C, 1),
    "partition kth": lambda jax: jax.numpy.partition(M, 9),
    "partition vmap": lambda jax: jax.vmap(lambda x: jax.numpy.partition(x, 1))(M),
    "partition grad": lambda jax: jax.grad(lambda x: cube(jax.numpy.partition(x, 1)[:2]))(M[1]),
    "argpartition": lambda jax: jax.numpy.argpartition(M, 1),
    "argpartition axis": lambda jax: jax.numpy.argpartition(M, 0, axis=0),
    "argpartition uint8": lambda jax: jax.numpy.argpartition(values(jax, "uint8"), 2),
    "argpartition complex": lambda jax: jax.numpy.argpartition(C, 1),
    "argpartition method": lambda jax: jax.numpy.asarray(M).argpartition(2),
    # searchsorted
    **{
        f"searchsorted {method} {side}": lambda jax, m=method, s=side: jax.numpy.searchsorted(
            EDGES, np.array([[-9, -3, 0], [0.5, 4, 9]], np.float32), method=m, side=s
        )
        for method in ("scan", "scan_unrolled", "sort", "compare_all")
        for side in ("left", "right")
    },
    "searchsorted NaN": lambda jax: jax.numpy.searchsorted(
        jax.numpy.array([1.0, np.inf, np.nan, np.nan]), jax.numpy.array([np.nan, np.inf, 3.0])
    ),
    "searchsorted NaN right": lambda jax: jax.numpy.searchsorted(
        jax.numpy.array([1.0, np.inf, np.nan, np.nan]), jax.numpy.array([np.nan, np.inf, 3.0]), side="right"
    ),
    "searchsorted zeros": lambda jax: jax.numpy.searchsorted(np.array([-0.0, 0.0, 1.0]), np.array([-0.0, 0.0])),
    "searchsorted promotes": lambda jax: jax.numpy.searchsorted(np.arange(4), 1.5),
    "searchsorted bool": lambda jax: jax.numpy.searchsorted(np.array([False, True]), True),
    "searchsorted empty": lambda jax: jax.numpy.searchsorted(np.zeros(0), np.ones(2)),
    "searchsorted no values": lambda jax: jax.numpy.searchsorted(EDGES, np.ones((2, 0))),
    "searchsorted sorter": lambda jax: jax.numpy.searchsorted(
        np.array([3, 1, 2]), np.array([1, 2, 5]), sorter=np.array([1, 2, 0])
    ),
    "searchsorted complex": lambda jax: jax.numpy.searchsorted(np.sort(C[[0, 3, 5]]), C[[0, 3, 5]], side="right"),
    "searchsorted side": lambda jax: jax.numpy.searchsorted(EDGES, 1, side="middle"),
    "searchsorted method": lambda jax: jax.numpy.searchsorted(EDGES, 1, method="fast"),
    "searchsorted matrix": lambda jax: jax.numpy.searchsorted(M, 1),
    "searchsorted list": lambda jax: jax.numpy.searchsorted([1, 2], 1),
    "searchsorted grad": lambda jax: jax.grad(lambda x: cube(x[jax.numpy.searchsorted(x, 0.5)]))(EDGES),
    "searchsorted jvp": lambda jax: jax.jvp(jax.numpy.searchsorted, (EDGES, EDGES), (EDGES, EDGES)),
    "searchsorted method of Array": lambda jax: jax.numpy.asarray(EDGES).searchsorted(0.5, side="right"),
    "digitize NaN": lambda jax: jax.numpy.digitize(X, EDGES),
    # interp
    "interp": lambda jax: jax.numpy.interp(np.linspace(-4, 5, 9), EDGES, EDGES**2),
    "interp of integers": lambda jax: jax.numpy.interp(2, np.array([1, 3]), np.array([4, 8])),
    "interp left right": lambda jax: jax.numpy.interp(np.array([-9.0, 9.0]), EDGES, EDGES, left=7, right=8.5),
    "interp extrapolate": lambda jax: jax.numpy.interp(
        np.array([-9.0, 9.0]), EDGES, EDGES, left="extrapolate", right="extrapolate"
    ),
    "interp period": lambda jax: jax.numpy.interp(np.array([-9.0, 0.3, 9.0]), EDGES, EDGES, period=5.0),
    "interp text": lambda jax: jax.numpy.interp(0.0, EDGES, EDGES, left="other"),
    "interp shapes": lambda jax: jax.numpy.interp(0.0, EDGES, EDGES[1:]),
    "interp complex x": lambda jax: jax.numpy.interp(1j, EDGES, EDGES),
    "interp complex fp": lambda jax: jax.numpy.interp(0.5, EDGES, EDGES * 1j),
    "interp float16": lambda jax: jax.numpy.interp(np.float16(0.5), EDGES.astype("float16"), EDGES.astype("float16")),
    "interp grad": lambda jax: jax.grad(
        lambda x, xs, fs: jax.numpy.interp(x, xs, fs).sum() ** 2, argnums=(0, 1, 2)
    )(np.array([-5.0, -1.0, 0.0, 0.5, 8.0], np.float32), EDGES, EDGES**2),
    "interp jit of vmap": lambda jax: jax.jit(jax.vmap(lambda x: jax.numpy.interp(x, EDGES, EDGES**2)))(M),
    "interp NaN": lambda jax: jax.numpy.interp(X, EDGES, EDGES**2),
    "interp one point": lambda jax: jax.numpy.interp(np.array([0.0, 2.0]), np.ones(1), np.ones(1)),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_sort(name: str) -> None:
    expected, actual = run_both(PROGRAMS[name])
    assert_same(expected, actual, title=name)


@pytest.mark.sample(0.25)
@pytest.mark.parametrize("name", PROGRAMS)
def test_sort_x64(name: str) -> None:
    def program(jax: Any) -> Any:
        with jax.enable_x64(True):
            return PROGRAMS[name](jax)

    expected, actual = run_both(program)
    assert_same(expected, actual, title=name)
