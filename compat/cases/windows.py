"""jax.lax: convolutions and reductions over moving windows."""

from __future__ import annotations

from typing import Any

import numpy as np

from compat.domains import DISTINCT
from compat.same import Tolerance
from compat.table import NUMBERS, REALS, Case, Shapes, Table, vary

SUMS = Tolerance(factor=16, normwise=True)
LINES: tuple[Shapes, ...] = (((2, 3, 8), (4, 3, 3)), ((1, 3, 5), (2, 3, 2)))
PLANES: tuple[Shapes, ...] = (((2, 3, 6, 5), (4, 3, 2, 3)),)
LAST: tuple[Shapes, ...] = (((2, 6, 5, 3), (2, 3, 3, 4)),)
DTYPES = ("float32", "float64", "float16", "bfloat16", "complex64", "int32", "int8", "uint32")
KINDS = ("float32", "float64", "complex64", "int32")


def of(name: str, **options: Any) -> Any:
    """A call with operands first."""
    return lambda jax, x, w: getattr(jax.lax, name)(x, w, **options)


CONV = [
    *vary(
        Case("conv_general_dilated", arity=2, dtypes=DTYPES, shapes=LINES, tolerance=SUMS),
        window_strides=((1,), (2,)),
        padding=("SAME", "VALID", ((2, -1),)),
    ),
    Case(
        "conv_general_dilated",
        arity=2,
        dtypes=KINDS,
        shapes=PLANES,
        options={"window_strides": (1, 1), "padding": ((1, 2), (-1, 3)), "lhs_dilation": (2, 3)},
        tolerance=SUMS,
        label="holes",
    ),
    Case(
        "conv_general_dilated",
        arity=2,
        dtypes=KINDS,
        shapes=PLANES,
        options={
            "window_strides": (2, 1),
            "padding": ((1, 2), (0, 3)),
            "lhs_dilation": (2, 1),
            "rhs_dilation": (1, 2),
        },
        tolerance=SUMS,
        label="gaps",
    ),
    Case(
        "conv_general_dilated",
        arity=2,
        dtypes=KINDS,
        shapes=(((2, 4, 9), (6, 2, 2)),),
        options={"window_strides": (1,), "padding": ((2, 1),), "lhs_dilation": (3,), "feature_group_count": 2},
        tolerance=SUMS,
        label="groups",
    ),
    Case(
        "conv_general_dilated",
        arity=2,
        dtypes=KINDS,
        shapes=(((4, 3, 9), (6, 3, 2)),),
        options={"window_strides": (1,), "padding": "SAME_LOWER", "batch_group_count": 2},
        tolerance=SUMS,
        label="batch_groups",
    ),
    Case(
        "conv_general_dilated",
        arity=2,
        dtypes=KINDS,
        shapes=LAST,
        options={"window_strides": (1, 2), "padding": "SAME", "dimension_numbers": ("NHWC", "HWIO", "NHWC")},
        tolerance=SUMS,
        label="features_last",
    ),
    Case(
        "conv_general_dilated",
        arity=2,
        dtypes=("float32", "int32"),
        shapes=(((3, 4), (5, 4)),),
        options={"window_strides": (), "padding": ()},
        tolerance=SUMS,
        label="no_axes",
    ),
    Case(
        "conv_general_dilated",
        arity=2,
        dtypes=("float32",),
        shapes=(((1, 2, 3, 4, 3, 4), (2, 2, 2, 2, 2, 3)),),
        options={"window_strides": (1, 1, 2, 1), "padding": "SAME"},
        tolerance=SUMS,
        label="four_axes",
    ),
    Case("conv", arity=2, dtypes=KINDS, shapes=LINES, call=of("conv", window_strides=(2,), padding="SAME")),
    Case(
        "conv_with_general_padding",
        arity=2,
        dtypes=KINDS,
        shapes=LINES,
        call=of(
            "conv_with_general_padding",
            window_strides=(1,),
            padding=((1, 2),),
            lhs_dilation=(2,),
            rhs_dilation=(1,),
        ),
        tolerance=SUMS,
    ),
    *vary(
        Case("conv_transpose", arity=2, dtypes=("float32", "float64", "complex64"), shapes=LAST, tolerance=SUMS),
        strides=((2, 3),),
        padding=("SAME", "VALID", ((1, 0), (1, 1))),
    ),
    Case(
        "conv_transpose",
        arity=2,
        dtypes=("float32",),
        shapes=(((2, 4, 5, 4), (3, 2, 3, 4)),),
        options={"strides": (2, 3), "padding": "SAME", "transpose_kernel": True},
        tolerance=SUMS,
    ),
    Case(
        "conv_general_dilated_patches",
        dtypes=("float32", "int32", "float64"),
        shapes=(((2, 3, 5, 6),),),
        options={"filter_shape": (2, 3), "window_strides": (1, 2), "padding": "SAME"},
        tolerance=SUMS,
    ),
    Case(
        "conv_general_dilated_local",
        arity=2,
        dtypes=("float32", "float64"),
        shapes=(((2, 3, 8), (4, 9, 6)),),
        options={"window_strides": (1,), "padding": "VALID", "filter_shape": (3,)},
        tolerance=SUMS,
    ),
]

IDENTITIES = {"add": 0.0, "mul": 1.0, "max": -np.inf, "min": np.inf}


def pooled(jax: Any, x: Any, name: str, **options: Any) -> Any:
    """A reduction over windows that starts with its identity."""
    start = IDENTITIES[name]
    if np.isinf(start) and x.dtype.kind in "iu":
        info = np.iinfo(x.dtype)
        start = info.min if start < 0 else info.max
    if x.dtype == bool:
        start = start > 0
    return jax.lax.reduce_window(x, x.dtype.type(start), getattr(jax.lax, name), **options)


WINDOWS = [
    *[
        Case(
            "reduce_window",
            dtypes=NUMBERS if name == "add" else REALS,
            domain=DISTINCT,
            shapes=(((5, 6),), ((3, 7),)),
            call=lambda jax, x, name=name: pooled(
                jax, x, name, window_dimensions=(2, 3), window_strides=(2, 1), padding="SAME"
            ),
            tolerance=SUMS,
            label=name,
        )
        for name in ("add", "max", "min")
    ],
    *[
        Case(
            "reduce_window",
            dtypes=("float32", "int32", "float64"),
            domain=DISTINCT,
            shapes=(((5, 6),),),
            call=lambda jax, x, name=name: pooled(
                jax,
                x,
                name,
                window_dimensions=(3, 2),
                window_strides=(1, 2),
                padding=((1, 2), (0, -1)),
                base_dilation=(2, 1),
                window_dilation=(1, 2),
            ),
            tolerance=SUMS,
            grad=name == "add",  # JAX has no gradients of others with distances
            label=f"{name}_with_gaps",
        )
        for name in IDENTITIES
    ],
    Case(
        "reduce_window",
        dtypes=("float32", "int32", "float64"),
        shapes=(((60,),),),
        call=lambda jax, x: pooled(jax, x, "add", window_dimensions=(37,), window_strides=(2,), padding=((3, 9),)),
        tolerance=SUMS,
        label="long",
    ),
    Case(
        "reduce_window",
        dtypes=("float32", "float64"),
        shapes=(((4, 5),),),
        call=lambda jax, x: jax.lax.reduce_window(
            x, x.dtype.type(0), lambda a, b: a + b + a * b, (2, 2), (2, 1), "SAME"
        ),
        only=("eager", "jit", "vmap", "jvp"),  # JAX fails at gradients of its own functions over windows
        label="own_function",
    ),
]

TABLE = Table("windows", "jax.lax", [*CONV, *WINDOWS])
