"""jax.lax: gather and the scatters, with dimension numbers and modes."""

from __future__ import annotations

from typing import Any

from compat.domains import REAL, between
from compat.same import Tolerance
from compat.table import FLOATS, WIDE, Case, Shapes, Table

SUMS = Tolerance(factor=8, normwise=True)
PLACE = between(-2, 10)  # of an axis of 8: some out of bounds
DTYPES = ("float32", "int32", "uint32", "bool", "complex64", "bfloat16", "float64", "uint8")

# operand shape, indices shape, dimension numbers, sizes of a window
GATHERS: dict[str, tuple[tuple[int, ...], tuple[int, ...], tuple[Any, ...], tuple[int, ...]]] = {
    "windows": ((8,), (3, 1), ((1,), (), (0,)), (3,)),
    "rows": ((8, 4), (3, 1), ((1,), (0,), (0,)), (1, 4)),
    "blocks": ((8, 8), (2, 2), ((1,), (0,), (1, 0)), (1, 3)),
    "between": ((3, 8, 8), (2, 2), ((0, 2), (1,), (2, 1)), (2, 1, 5)),
    "lanes": ((2, 8), (2, 3, 1), ((), (1,), (1,), (0,), (0,)), (1, 1)),
    "two_lanes": ((2, 3, 8), (3, 2, 1), ((2,), (), (2,), (0, 1), (1, 0)), (1, 1, 3)),
    "whole": ((3, 4), (2, 0), ((1, 2), (), ()), (3, 4)),
}

# operand shape, indices shape, updates shape, dimension numbers
SCATTERS: dict[str, tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...], tuple[Any, ...]]] = {
    "windows": ((8,), (3, 1), (3, 2), ((1,), (), (0,))),
    "rows": ((8, 4), (5, 1), (5, 3), ((1,), (0,), (0,))),
    "blocks": ((8, 8, 3), (3, 2), (3, 2, 2, 3), ((1, 2, 3), (), (0, 1))),
    "lanes": ((2, 8), (2, 3, 1), (2, 3), ((), (1,), (1,), (0,), (0,))),
    "columns": ((4, 8), (2, 1), (3, 2), ((0,), (1,), (1,))),
    "whole": ((3, 4), (2, 0), (2, 2, 3), ((1, 2), (), ())),
}


def gathering(numbers: Any, sizes: Any, mode: Any) -> Any:
    """A gather at drawn positions."""

    def call(jax: Any, x: Any, places: Any) -> Any:
        dimensions = jax.lax.GatherDimensionNumbers(*numbers)
        return jax.lax.gather(x, places.astype("int32"), dimensions, sizes, mode=mode)

    return call


def scattering(name: str, numbers: Any, **options: Any) -> Any:
    """A scatter at drawn positions."""

    def call(jax: Any, x: Any, new: Any, places: Any) -> Any:
        dimensions = jax.lax.ScatterDimensionNumbers(*numbers)
        return getattr(jax.lax, name)(x, places.astype("int32"), new, dimensions, **options)

    return call


def _ways(*shapes: tuple[int, ...]) -> tuple[Shapes, ...]:
    return (shapes,)


INT32 = between(-2, 10)
ROWS = [
    *[
        Case(
            "gather",
            arity=2,
            dtypes=DTYPES if label == "blocks" else ("float32", "int32"),
            domain=(REAL, PLACE),
            shapes=_ways(shape, indices),
            call=gathering(numbers, sizes, mode),
            grad=False,  # by positions there is none; the rows "of_values" have derivatives
            without=("edges", "promote"),
            label=f"{label}_{mode}",
        )
        for label, (shape, indices, numbers, sizes) in GATHERS.items()
        for mode in (None, "clip", "fill")
    ],
    *[
        Case(
            "gather",
            dtypes=WIDE,
            shapes=(((8, 8),),),
            call=lambda jax, x, mode=mode: gathering(GATHERS["blocks"][2], GATHERS["blocks"][3], mode)(
                jax, x, jax.numpy.array([[1, 2], [7, 0], [9, -3]])
            ),
            label=f"of_values_{mode}",
        )
        for mode in (None, "clip", "fill")
    ],
    *[
        Case(
            name,
            arity=3,
            dtypes=DTYPES if label == "rows" and name in ("scatter", "scatter_max") else ("float32", "int32"),
            domain=(REAL, REAL, PLACE),
            shapes=_ways(shape, updates, indices),
            call=scattering(name, numbers),
            grad=False,
            without=("edges", "promote"),
            tolerance=SUMS,
            label=label,
        )
        for name in ("scatter", "scatter_add", "scatter_sub", "scatter_mul", "scatter_min", "scatter_max")
        for label, (shape, indices, updates, numbers) in SCATTERS.items()
    ],
    *[
        Case(
            name,
            arity=2,
            dtypes=FLOATS,
            shapes=(((8, 4), (5, 3)),),
            call=lambda jax, x, new, name=name: scattering(
                name, SCATTERS["rows"][3], unique_indices=name == "scatter_mul"
            )(jax, x, new, jax.numpy.array([[0], [2], [1], [9], [2 if name != "scatter_mul" else 5]])),
            without=("kinks",) if name in ("scatter_min", "scatter_max") else (),
            tolerance=SUMS,
            label="of_values",
        )
        for name in ("scatter", "scatter_add", "scatter_sub", "scatter_mul", "scatter_min", "scatter_max")
    ],
    Case(
        "scatter_apply",
        dtypes=("float32", "int32"),
        shapes=(((8, 4),),),
        call=lambda jax, x: jax.lax.scatter_apply(
            x,
            jax.numpy.array([[0], [2], [2], [9]]),
            lambda v: v * 2 + 1,
            jax.lax.ScatterDimensionNumbers((1,), (0,), (0,)),
            update_shape=(4, 3),
        ),
        grad=False,
        without=("vmap", "jit_of_vmap"),
    ),
    Case(
        "index_take",
        dtypes=("float32", "int32"),
        shapes=(((2, 3, 4),),),
        call=lambda jax, x: jax.lax.index_take(x, (jax.numpy.array([0, -1, 5]), jax.numpy.array([0, 1, 2])), (0, 1)),
    ),
]

TABLE = Table("gather_scatter", "jax.lax", ROWS)
