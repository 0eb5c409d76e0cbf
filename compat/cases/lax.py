"""jax.lax: strict functions, shapes, slices, reductions, products. Operands share shape and dtype."""

from __future__ import annotations

from typing import Any

import numpy as np

from compat.domains import ABOVE_ONE, DISTINCT, INDEX, NONZERO, POSITIVE, REAL, SHIFT, UNIT, between
from compat.same import Tolerance
from compat.table import (
    ALL,
    COMPLEX,
    FLOATS,
    INEXACT,
    INTEGRAL,
    INTS,
    MATRICES,
    NUMBERS,
    REALS,
    SIGNED,
    VECTORS,
    WIDE,
    WIDE_FLOATS,
    Case,
    Shapes,
    Table,
    each,
    vary,
)

LOOSE = Tolerance(factor=8)
SUMS = Tolerance(factor=8, normwise=True)
PAIRS: tuple[Shapes, ...] = (((), ()), ((3,), (3,)), ((2, 3), ()), ((), (2, 3)), ((2, 1), (1, 3)), ((0,), (0,)))
TRIPLES: tuple[Shapes, ...] = (((2, 3), (2, 3), (2, 3)), ((), (), ()))
SOME: tuple[Shapes, ...] = (((4,),), ((2, 3),), ((3, 1, 2),))
ONE_MATRIX: tuple[Shapes, ...] = (((3, 4),),)
CUBE: tuple[Shapes, ...] = (((2, 3, 4),),)


def pairs(paths: str, **common: Any) -> list[Case]:
    """Functions of two operands of one dtype, in every way to call them."""
    return each(paths, arity=2, shapes=PAIRS, **common)


UNARY = [
    *each("neg sign square", dtypes=NUMBERS),
    Case("abs", dtypes=FLOATS + SIGNED + COMPLEX),
    Case("abs", dtypes=("uint8",), only=("eager",), label="unsigned"),
    *each("floor ceil is_finite", dtypes=FLOATS),
    Case("round", dtypes=FLOATS),
    Case(
        "round",
        dtypes=FLOATS,
        label="to_even",
        call=lambda jax, x: jax.lax.round(x, jax.lax.RoundingMethod.TO_NEAREST_EVEN),
    ),
    *each("exp sin cos tan sinh cosh exp2 expm1", dtypes=INEXACT),
    *each("tanh atan asinh logistic", dtypes=FLOATS),
    *each("asin acos atanh erf_inv", dtypes=FLOATS, domain=UNIT, tolerance=LOOSE),
    Case("acosh", dtypes=FLOATS, domain=ABOVE_ONE),
    *each("log sqrt rsqrt log1p", dtypes=INEXACT, domain=POSITIVE, tolerance=LOOSE),
    Case("cbrt", dtypes=FLOATS, domain=NONZERO),
    Case("reciprocal", dtypes=INEXACT, domain=NONZERO),
    *each("erf erfc", dtypes=FLOATS, tolerance=LOOSE),
    *each("lgamma digamma", dtypes=FLOATS, domain=POSITIVE, tolerance=Tolerance(60)),
    *each("bessel_i0e bessel_i1e", dtypes=FLOATS, tolerance=Tolerance(60), without=("hvp", "kinks", "edges")),
    *each("real imag conj", dtypes=COMPLEX),
    Case("conj", dtypes=WIDE_FLOATS, label="real"),
    *each("bitwise_not", dtypes=INTEGRAL),
    *each("population_count clz", dtypes=INTS),
    *vary(Case("integer_pow", dtypes=NUMBERS), y=(0, 1, 2, 3, 5)),
    *vary(Case("integer_pow", dtypes=INEXACT, domain=NONZERO, tolerance=LOOSE, without=("edges",)), y=(-1, -3)),
    *vary(
        Case("convert_element_type", dtypes=REALS, grad=False),
        new_dtype=("float32", "int32", "uint8", "bool", "float16", "int8"),
    ),
    Case("convert_element_type", dtypes=FLOATS, options={"new_dtype": "float32"}, label="float", without=("edges",)),
    *vary(
        Case("bitcast_convert_type", dtypes=("float32", "int32", "uint32"), grad=False),
        new_dtype=("int32", "uint8", "float32", "int16"),
    ),
    Case(
        "bitcast_convert_type",
        dtypes=("uint8",),
        shapes=(((3, 4),), ((4,),)),
        options={"new_dtype": "float32"},
        grad=False,
        without=("vmap", "jit_of_vmap"),  # JAX fails where lanes are along the last axis
        label="of_bytes",
    ),
    *vary(Case("reduce_precision", dtypes=WIDE_FLOATS), exponent_bits=(5, 8), mantissa_bits=(7, 10)),
    Case("stop_gradient", dtypes=ALL),
]

BINARY = [
    *pairs("add sub", dtypes=ALL),
    *pairs("mul", dtypes=ALL),
    *pairs("div", dtypes=INEXACT, domain=(REAL, NONZERO)),
    *pairs("div rem", dtypes=INTS, label="integers"),
    *pairs("rem", dtypes=FLOATS, domain=(REAL, ABOVE_ONE)),
    Case("div", arity=2, dtypes=INTS, only=("edges",), label="edges"),
    Case("rem", arity=2, dtypes=INTS, only=("edges",), label="edges"),
    *pairs("max min", dtypes=ALL),
    *pairs("pow", dtypes=FLOATS, domain=(POSITIVE, REAL)),
    *pairs("pow", dtypes=COMPLEX, domain=(NONZERO, REAL), label="complex", tolerance=LOOSE),
    Case("pow", arity=2, dtypes=FLOATS, only=("edges", "promote"), label="edges"),
    Case("pow", dtypes=FLOATS, shapes=SOME, call=lambda jax, x: jax.lax.pow(x, np.int32(3)), label="integer_exponent"),
    *pairs("atan2", dtypes=FLOATS, tolerance=Tolerance(2)),
    *pairs("nextafter", dtypes=FLOATS, grad=False),
    *pairs("complex", dtypes=WIDE_FLOATS),
    *pairs("eq ne ge gt le lt", dtypes=REALS),
    *pairs("eq ne", dtypes=COMPLEX, label="complex"),
    *pairs("bitwise_and bitwise_or bitwise_xor", dtypes=INTEGRAL),
    *pairs("shift_left shift_right_logical shift_right_arithmetic", dtypes=INTS, domain=(REAL, SHIFT)),
    Case("shift_left", arity=2, dtypes=INTS, only=("edges",), label="edges"),
    Case("shift_right_logical", arity=2, dtypes=INTS, only=("edges",), label="edges"),
    Case("shift_right_arithmetic", arity=2, dtypes=INTS, only=("edges",), label="edges"),
    *pairs("mulhi", dtypes=INTS),
    Case("mul", arity=2, dtypes=("int8", "float16"), options={"out_dtype": "float32"}, shapes=PAIRS),
    Case("clamp", arity=3, dtypes=REALS, shapes=TRIPLES),
    # JAX fails at the derivatives by scalar bounds of an array.
    Case("clamp", arity=3, dtypes=REALS, shapes=(((), (3,), ()),), grad=False, label="scalar_bounds"),
    Case("select", arity=2, dtypes=ALL, shapes=PAIRS[:2], call=lambda jax, x, y: jax.lax.select(x == y, x, y)),
    Case(
        "select_n",
        arity=2,
        dtypes=REALS,
        shapes=(((3,), (3,)),),
        call=lambda jax, x, y: jax.lax.select_n(np.array([2, 0, 1]), x, y, x),
    ),
]

SHAPES = [
    *vary(Case("reshape", shapes=(((2, 6),),)), new_sizes=((12,), (3, 4), (2, 2, 3)), dimensions=(..., (1, 0))),
    Case("broadcast", shapes=SOME, options={"sizes": (2, 1)}),
    Case("broadcast_in_dim", shapes=(((3, 1),),), options={"shape": (2, 3, 4), "broadcast_dimensions": (1, 2)}),
    Case(
        "broadcast_in_dim",
        shapes=(((3, 4),),),
        options={"shape": (4, 2, 3), "broadcast_dimensions": (2, 0)},
        grad=False,  # JAX's own has the axes in the wrong order
        label="transposed",
    ),
    Case("broadcast_to_rank", shapes=SOME, options={"rank": 4}),
    Case("broadcast_like", arity=2, shapes=(((3,), (2, 3)), ((), (2,)), ((1, 3), (2, 3)))),
    Case("tile", shapes=ONE_MATRIX, options={"reps": (2, 3)}),
    Case("collapse", shapes=CUBE, options={"start_dimension": 0, "stop_dimension": 2}),
    Case("collapse", shapes=CUBE, options={"start_dimension": 1}, label="to_the_end"),
    Case("squeeze", shapes=(((2, 1, 3, 1),),), options={"dimensions": (1, -1)}),
    Case("expand_dims", shapes=ONE_MATRIX, options={"dimensions": (0, -1)}),
    Case("transpose", shapes=CUBE, options={"permutation": (2, 0, 1)}),
    Case("rev", shapes=CUBE, options={"dimensions": (0, 2)}),
    Case("concatenate", arity=2, shapes=(((2, 3), (4, 3)),), call=lambda jax, x, y: jax.lax.concatenate([x, y, x], 0)),
    Case("stack", arity=2, shapes=(((2, 3), (2, 3)),), call=lambda jax, x, y: jax.lax.stack([x, y], axis=-1)),
    Case("unstack", shapes=ONE_MATRIX, options={"axis": 1}),
    Case("split", shapes=ONE_MATRIX, options={"sizes": (1, 0, 3), "axis": 1}),
    *vary(
        Case(
            "pad", shapes=ONE_MATRIX, call=lambda jax, x, config: jax.lax.pad(x, jax.numpy.zeros((), x.dtype), config)
        ),
        config=(
            ((1, 2, 0), (0, 0, 0)),
            ((0, 0, 1), (2, 0, 2)),
            ((-1, 0, 0), (1, -2, 0)),
            ((-2, 3, 1), (-1, -1, 2)),
            ((2, -4, 0), (-3, 5, 0)),
        ),
    ),
    Case(
        "pad",
        arity=2,
        shapes=(((3, 4), ()),),
        dtypes=FLOATS,
        call=lambda jax, x, v: jax.lax.pad(x, v, ((1, 2, 1), (-1, 1, 0))),
        label="value",
    ),
    Case("slice", shapes=CUBE, options={"start_indices": (0, 1, 1), "limit_indices": (2, 3, 4), "strides": (1, 1, 2)}),
    Case("slice", shapes=ONE_MATRIX, options={"start_indices": (1, 2), "limit_indices": (1, 4)}, label="empty"),
    Case("slice_in_dim", shapes=ONE_MATRIX, options={"start_index": -3, "limit_index": None, "stride": 2, "axis": 1}),
    Case("index_in_dim", shapes=ONE_MATRIX, options={"index": -1, "axis": 0, "keepdims": False}),
]

DYNAMIC_INDEX = between(-8, 8)


def starts(jax: Any, i: Any) -> Any:
    """An integer of a drawn number."""
    return i.astype("int32")


DYNAMIC = [
    Case(
        "dynamic_slice",
        arity=2,
        shapes=(((5, 4), (2,)),),
        domain=(REAL, DYNAMIC_INDEX),
        dtypes=("float32", "int32", "uint32", "bool", "complex64", "float64"),
        call=lambda jax, x, i: jax.lax.dynamic_slice(x, starts(jax, i), (2, 3)),
        grad=True,
        without=("hvp", "jvp", "kinks", "grad", "vmap_of_grad", "jit_of_grad", "promote", "edges"),
    ),
    Case(
        "dynamic_slice",
        shapes=(((5, 4),),),
        dtypes=FLOATS,
        call=lambda jax, x: jax.lax.dynamic_slice(x, (jax.numpy.int32(3), 9), (2, 3)),
        label="of_scalars",
    ),
    Case(
        "dynamic_update_slice",
        arity=2,
        shapes=(((5, 4), (2, 3)), ((5, 4), (5, 2)), ((5, 4), (1, 4)), ((3,), (2,))),
        dtypes=("float32", "int32", "uint32", "bool", "complex64", "float64"),
        call=lambda jax, x, y: jax.lax.dynamic_update_slice(x, y, (jax.numpy.int32(-2), np.int32(1))[: x.ndim]),
    ),
    Case(
        "dynamic_update_slice",
        arity=3,
        shapes=(((5, 4), (2, 3), (2,)),),
        domain=(REAL, REAL, DYNAMIC_INDEX),
        dtypes=("float32", "int32", "uint32", "bool"),
        call=lambda jax, x, y, i: jax.lax.dynamic_update_slice(x, y, starts(jax, i)),
        grad=False,
        label="of_vector",
        without=("edges",),
    ),
    Case(
        "dynamic_slice_in_dim",
        arity=2,
        shapes=(((4, 3), ()),),
        domain=(REAL, INDEX),
        dtypes=REALS,
        call=lambda jax, x, i: jax.lax.dynamic_slice_in_dim(x, i, 2, axis=0),
    ),
    Case(
        "dynamic_index_in_dim",
        arity=2,
        shapes=(((4, 3), ()),),
        domain=(REAL, INDEX),
        dtypes=REALS,
        call=lambda jax, x, i: jax.lax.dynamic_index_in_dim(x, i - 4, axis=0, keepdims=False),
    ),
    Case(
        "dynamic_update_slice_in_dim",
        arity=3,
        shapes=(((4, 3), (2, 3), ()),),
        domain=(REAL, REAL, INDEX),
        dtypes=REALS,
        call=lambda jax, x, y, i: jax.lax.dynamic_update_slice_in_dim(x, y, i, 0),
    ),
    Case(
        "dynamic_update_index_in_dim",
        arity=3,
        shapes=(((4, 3), (4,), ()),),
        domain=(REAL, REAL, INDEX),
        dtypes=REALS,
        call=lambda jax, x, y, i: jax.lax.dynamic_update_index_in_dim(x, y, i, 1),
    ),
]

REDUCTIONS = [
    *each("reduce_sum", dtypes=NUMBERS, shapes=CUBE, options={"axes": (0, 2)}, tolerance=SUMS),
    *each("reduce_sum", dtypes=NUMBERS, shapes=CUBE, options={"axes": ()}),
    *each("reduce_prod", dtypes=NUMBERS, shapes=CUBE, options={"axes": (1,)}, tolerance=LOOSE),
    *each("reduce_max reduce_min", dtypes=REALS, shapes=CUBE, options={"axes": (0, 2)}),
    *each("reduce_and reduce_or reduce_xor", dtypes=INTEGRAL, shapes=CUBE, options={"axes": (0, 2)}),
    *each("argmax argmin", dtypes=REALS, shapes=CUBE, options={"axis": 1, "index_dtype": np.int32}),
    *[
        Case(name, dtypes=NUMBERS, shapes=MATRICES, options={"axis": axis, "reverse": reverse}, tolerance=SUMS)
        for name in ("cumsum", "cumprod")
        for axis, reverse in ((0, False), (1, True))
    ],
    *[
        Case(name, dtypes=FLOATS + INTS, shapes=MATRICES, options={"axis": axis, "reverse": reverse})
        for name in ("cummax", "cummin")
        for axis, reverse in ((0, False), (1, True))
    ],
    *vary(
        Case("cumlogsumexp", dtypes=FLOATS, shapes=VECTORS, tolerance=LOOSE, without=("edges",)), reverse=(False, True)
    ),
    Case("sort", dtypes=ALL, shapes=MATRICES),
    Case("sort", dtypes=FLOATS, shapes=MATRICES, options={"dimension": 0}),
    Case(
        "sort",
        arity=2,
        dtypes=FLOATS + INTS,
        shapes=(((2, 5), (2, 5)),),
        call=lambda jax, x, y: jax.lax.sort((x, y, x + y), num_keys=2),
        label="two_keys",
    ),
    Case("sort_key_val", arity=2, dtypes=REALS, shapes=(((5,), (5,)),)),
    Case("top_k", dtypes=REALS, shapes=MATRICES, options={"k": 1}),
    Case("top_k", dtypes=FLOATS, shapes=ONE_MATRIX, options={"k": 2, "axis": 0}, domain=DISTINCT),
    Case(
        "reduce",
        dtypes=("float32", "int32", "float64"),
        shapes=CUBE,
        call=lambda jax, x: jax.lax.reduce(x, x.dtype.type(0), jax.lax.add, (0, 2)),
        tolerance=SUMS,
    ),
    Case(
        "reduce",
        dtypes=("float32", "float64"),
        shapes=CUBE,
        call=lambda jax, x: jax.lax.reduce(x, x.dtype.type(0), lambda a, b: a + b + a * b, (1,)),
        tolerance=LOOSE,
        label="own_function",
    ),
    Case(
        "associative_scan",
        dtypes=("float32", "int32"),
        shapes=MATRICES,
        call=lambda jax, x: jax.lax.associative_scan(jax.numpy.add, x, axis=1, reverse=True),
        tolerance=SUMS,
    ),
    Case(
        "associative_scan",
        dtypes=("float32",),
        shapes=(((7, 2, 2),), ((4, 2, 2),)),
        call=lambda jax, x: jax.lax.associative_scan(jax.numpy.matmul, x),
        tolerance=SUMS,
        label="matmul",
    ),
]

FIRST_LAST = (((1,), (0,)), ((), ()))
BATCHED = (((2,), (1,)), ((0,), (2,)))
PRODUCTS = [
    Case("dot", arity=2, dtypes=NUMBERS, shapes=(((3,), (3,)), ((2, 3), (3,)), ((2, 3), (3, 4))), tolerance=SUMS),
    *[
        Case(
            "dot_general",
            arity=2,
            dtypes=(*WIDE, "int32", "int8", "bfloat16"),
            shapes=(shapes,),
            options={"dimension_numbers": numbers},
            tolerance=SUMS,
        )
        for shapes, numbers in (
            (((2, 3), (3, 4)), FIRST_LAST),
            (((2, 4, 3), (5, 3, 2)), BATCHED),
            (((2, 3), (4, 5)), (((), ()), ((), ()))),
            (((2, 3, 4), (4, 2, 5)), (((2, 0), (0, 1)), ((), ()))),
            (((2, 3), (3, 2)), (((), ()), ((1, 0), (0, 1)))),
        )
    ],
    Case(
        "dot_general",
        arity=2,
        dtypes=("int8", "float16", "bfloat16"),
        shapes=(((2, 3), (3, 4)),),
        options={"dimension_numbers": FIRST_LAST, "preferred_element_type": np.float32},
        tolerance=SUMS,
        label="preferred",
        grad=False,
    ),
    Case("batch_matmul", arity=2, dtypes=WIDE, shapes=(((2, 3, 4), (2, 4, 2)),), tolerance=SUMS),
]

GAMMAS = [
    *[
        Case(
            name,
            arity=2,
            dtypes=FLOATS,
            domain=(POSITIVE, POSITIVE),
            shapes=(((), ()), ((3,), (3,)), ((2, 3), ())),
            tolerance=Tolerance(200),
            without=("hvp", "kinks", "edges"),
        )
        for name in ("igamma", "igammac")
    ],
    Case(
        "igamma_grad_a",
        arity=2,
        dtypes=WIDE_FLOATS,
        domain=(POSITIVE, POSITIVE),
        shapes=PAIRS[:3],
        tolerance=Tolerance(500),
        grad=False,
        without=("edges",),
    ),
    Case(
        "zeta",
        arity=2,
        dtypes=FLOATS,
        domain=(ABOVE_ONE, POSITIVE),
        shapes=PAIRS[:3],
        tolerance=Tolerance(60),
        grad=False,
        without=("edges",),
    ),
    Case(
        "polygamma",
        dtypes=FLOATS,
        domain=POSITIVE,
        shapes=SOME,
        call=lambda jax, x: jax.lax.polygamma(jax.lax.full_like(x, 2), x),
        tolerance=Tolerance(200),
    ),
    Case(
        "betainc",
        dtypes=FLOATS,
        domain=between(0.05, 0.95),
        shapes=SOME,
        call=lambda jax, x: jax.lax.betainc(jax.lax.full_like(x, 1.5), jax.lax.full_like(x, 2), x),
        tolerance=Tolerance(60),
    ),
]


def _ragged(jax: Any, x: Any, y: Any) -> Any:
    return jax.lax.ragged_dot(x, y, jax.numpy.array([2, 0, 3]))


def _ragged_sums(jax: Any, x: Any, y: Any) -> Any:
    numbers = jax.lax.RaggedDotDimensionNumbers((([1], [0]), ([], [])), [1], [])
    return jax.lax.ragged_dot_general(x, y, jax.numpy.array([2, 1, 1]), numbers)


MORE_PRODUCTS = [
    Case(
        "ragged_dot",
        arity=2,
        dtypes=WIDE,
        shapes=(((6, 4), (3, 4, 2)),),
        call=_ragged,
        tolerance=SUMS,
        without=("vmap", "jit_of_vmap", "vmap_of_grad"),  # JAX maps over its first axes only
    ),
    Case(
        "ragged_dot_general",
        arity=2,
        dtypes=WIDE,
        shapes=(((3, 5), (5, 2)),),
        call=_ragged_sums,
        tolerance=SUMS,
        only=("eager", "jit", "jvp"),  # JAX has no gradient in this mode
    ),
    Case(
        "scaled_dot",
        arity=2,
        dtypes=("float32", "bfloat16"),
        shapes=(((4, 8), (8, 3)),),
        call=lambda jax, x, y: jax.lax.scaled_dot(x, y, lhs_scale=x[:, :2], preferred_element_type="float32"),
        tolerance=Tolerance(2, normwise=True),
        grad=False,
        only=("eager", "jit"),
    ),
    *vary(Case("approx_max_k", dtypes=FLOATS, shapes=(((3, 7),),), domain=DISTINCT), k=(1, 3)),
    *vary(Case("approx_min_k", dtypes=FLOATS, shapes=(((7, 3),),), domain=DISTINCT), k=(2,), reduction_dimension=(0,)),
]

CREATION = [
    *vary(
        Case("iota", arity=0, dtypes=("float32",), call=lambda jax, d: jax.lax.iota(d, 4)),
        d=("int32", "float32", "uint8", "complex64"),
    ),
    Case(
        "broadcasted_iota", arity=0, dtypes=("float32",), call=lambda jax: jax.lax.broadcasted_iota("int32", (2, 3), 1)
    ),
    Case("full_like", shapes=SOME, call=lambda jax, x: jax.lax.full_like(x, 1), grad=False),
    Case("full", arity=0, dtypes=("float32",), call=lambda jax: jax.lax.full((2, 3), 1.5)),
    Case(
        "empty",
        arity=0,
        dtypes=("float32",),
        call=lambda jax: jax.lax.empty((2,), "float32").shape,
        only=("eager",),
    ),
    Case("dtype", dtypes=ALL, call=lambda jax, x: str(jax.lax.dtype(x)), only=("eager",)),
    Case(
        "broadcast_shapes",
        arity=0,
        dtypes=("float32",),
        call=lambda jax: jax.lax.broadcast_shapes((2, 1), (3,)),
        only=("eager",),
    ),
]

PRODUCTS_AND_GAMMAS = [*PRODUCTS, *MORE_PRODUCTS, *GAMMAS]
TABLE = Table("lax", "jax.lax", [*UNARY, *BINARY, *SHAPES, *DYNAMIC, *REDUCTIONS, *PRODUCTS_AND_GAMMAS, *CREATION])
