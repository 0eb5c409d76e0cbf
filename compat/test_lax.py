"""jax.lax beside its table (compat/cases/lax.py): errors, weak types, kinds of dtype, odd arguments, kinks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from compat.same import assert_same, run_both

X = np.array([3.0, 1.0, 2.0], np.float32)
M = np.arange(12, dtype=np.float32).reshape(3, 4)
EDGE = np.array([-8, -5, -1, 0, 2, 3, 9])


def of(name: str, *args: Any, **options: Any) -> Any:
    """A call of one function of jax.lax; numpy arguments become Arrays."""

    def program(jax: Any) -> Any:
        given = [jax.numpy.asarray(a) if isinstance(a, np.ndarray) and a.dtype.kind != "V" else a for a in args]
        return getattr(jax.lax, name)(*given, **options)

    return program


def in_jit(name: str, *args: Any, **options: Any) -> Any:
    """The same while tracing, where jax checks the arguments by its own rules instead of its compiler's."""
    return lambda jax: jax.eval_shape(lambda: of(name, *args, **options)(jax))


def f(jax: Any, values: Any, dtype: str = "float32") -> Any:
    return jax.numpy.array(values, dtype)


UNARY = (
    "abs acos acosh asin asinh atan atanh bitwise_not cbrt ceil clz conj cos cosh exp exp2 expm1 floor imag is_finite "
    "log log1p logistic neg population_count real reciprocal round rsqrt sign sin sinh sqrt square tan tanh erf erfc "
    "erf_inv lgamma digamma bessel_i0e bessel_i1e"
).split()
BINARY = (
    "add atan2 bitwise_and bitwise_or bitwise_xor complex div eq ge gt le lt max min mul mulhi ne nextafter pow rem "
    "shift_left shift_right_arithmetic shift_right_logical sub"
).split()

PROGRAMS: dict[str, Any] = {
    # Kinds of dtype, operands that are no arrays
    **{
        f"{name} of {label}": of(name, x)
        for name in UNARY
        for label, x in (("int", 1), ("float", 0.5), ("complex", 0.5j), ("bool", True))
    },
    **{f"{name} of text": of(name, "a") for name in ("neg", "sin")},
    **{f"{name} of a list": of(name, [1.0]) for name in ("neg", "sign")},
    **{
        f"{name} of {label}": of(name, x, y)
        for name in BINARY
        for label, x, y in (
            ("ints", 3, 2),
            ("floats", 0.5, 2.0),
            ("complex", 0.5j, 2j),
            ("bools", True, False),
            ("int and float", 3, 2.0),
            ("list", [1], 2),
            ("other ranks", M, X),
            ("other shapes", X, X[:2]),
        )
    },
    "add int8 and int32": lambda jax: jax.lax.add(f(jax, 1, "int8"), f(jax, 1, "int32")),
    "add weak and strong": lambda jax: jax.lax.add(1.0, f(jax, 1)),
    "add half and weak": lambda jax: jax.lax.add(f(jax, 1, "float16"), 1.0),
    "add int4": lambda jax: jax.lax.add(f(jax, [1, 7], "int4"), f(jax, [1, 1], "int4")),
    "add float8": lambda jax: jax.lax.add(f(jax, [1, 7], "float8_e4m3fn"), f(jax, [1, 1], "float8_e4m3fn")),
    "add a large int": of("add", 2**40, 1),
    "add float0": of("add", np.zeros(2, [("float0", np.void, 0)]), 1.0),
    "neg float0": of("neg", np.zeros(2, [("float0", np.void, 0)])),
    "eq keys": lambda jax: jax.lax.eq(jax.random.key(0), jax.random.key(0)),
    "ne keys": lambda jax: jax.lax.ne(jax.random.key(0), jax.random.key(1)),
    "add keys": lambda jax: jax.lax.add(jax.random.key(0), jax.random.key(0)),
    "neg key": lambda jax: jax.lax.neg(jax.random.key(0)),
    "weak types": lambda jax: [
        r.weak_type for r in (jax.lax.eq(1, 2), jax.lax.add(1, 2), jax.lax.add(1.0, f(jax, 2)), jax.lax.is_finite(1.0))
    ],
    "accuracy": lambda jax: jax.lax.exp(1.0, accuracy=jax.lax.Tolerance(1e-3, 1e-3, 1)),
    "accuracy mode": lambda jax: jax.lax.sin(1.0, accuracy=jax.lax.AccuracyMode.DEFAULT),
    "accuracy of text": lambda jax: jax.lax.sin(1.0, accuracy="high"),
    "tolerance negative": lambda jax: jax.lax.Tolerance(-1.0, 0.0, 0),
    "tolerance of nothing": lambda jax: jax.lax.Tolerance(),
    "mul out_dtype": of("mul", np.array(100, np.int8), np.array(100, np.int8), out_dtype="int32"),
    "mul out_dtype of two": of("mul", np.array(100, np.float16), np.array(100, np.float32), out_dtype="float32"),
    "pow of int8": of("pow", X, np.array(3, np.int8)),
    "pow of float16": of("pow", X, np.array(3, np.float16)),
    "integer_pow negative": of("integer_pow", 2, -3),
    "integer_pow bool": of("integer_pow", True, 3),
    "integer_pow float": of("integer_pow", 2.0, 3.0),
    "round methods": lambda jax: [
        jax.lax.round(f(jax, [0.5, 1.5, -2.5, 0.49999997, np.nan, -np.inf]), m) for m in jax.lax.RoundingMethod
    ],
    "div edges": of("div", np.array([7, -7, 7, -7, 5, -(2**31)]), np.array([2, 2, -2, -2, 0, -1])),
    "rem edges": of("rem", np.array([7, -7, 7, -7, 5, -(2**31)]), np.array([2, 2, -2, -2, 0, -1])),
    "names": lambda jax: [getattr(jax.lax, n).__name__ for n in ("sin", "add", "select_n", "scan")],
    # clamp and select
    "clamp scalars": of("clamp", 0.0, 3.0, 2.0),
    "clamp vector": of("clamp", 0, np.arange(5), 3),
    "clamp reversed": of("clamp", 2.0, X, 1.0),
    "clamp nan": lambda jax: jax.lax.clamp(0.0, f(jax, [np.nan, 1, 5]), 2.0),
    "clamp dtypes": of("clamp", 0, 3.0, 2.0),
    "clamp shapes": of("clamp", X[:2], X, 2.0),
    "clamp bool": of("clamp", False, True, True),
    "clamp gradients at the bounds": lambda jax: jax.vmap(jax.grad(jax.lax.clamp, (0, 1, 2)), (None, 0, None))(
        f(jax, 1.0), f(jax, [0.0, 1.0, 1.5, 2.0, 3.0]), f(jax, 2.0)
    ),
    "clamp tangents at the bounds": lambda jax: jax.jvp(
        lambda x: jax.lax.clamp(f(jax, 1.0), x, f(jax, 2.0)), (f(jax, [0.0, 1, 1.5, 2, 3]),), (f(jax, [1.0] * 5),)
    ),
    "select weak": lambda jax: [jax.lax.select(True, 1.0, f(jax, 2)), jax.lax.select(True, 1.0, 2.0)],
    "select dtypes": of("select", True, 1.0, 2),
    "select shapes": of("select", True, X[:2], X),
    "select predicate shape": of("select", np.array([True, False]), X, X),
    "select int": of("select", 1, X, 2 * X),
    "select float": of("select", 1.0, X, X),
    "select_n three": of("select_n", np.array([2, 0, 1]), np.arange(3), np.arange(3) + 10, np.arange(3) + 20),
    "select_n out of range": of("select_n", np.array([5, -1, 1]), np.arange(3), np.arange(3) + 10, np.arange(3) + 20),
    "select_n bool of three": of("select_n", True, 1, 2, 3),
    "select_n of none": of("select_n", 1),
    "select_n of one": of("select_n", 0, 3.0),
    "select_n keys": lambda jax: jax.random.key_data(
        jax.lax.select_n(f(jax, [True, False], "bool"), *(jax.random.split(jax.random.key(k), 2) for k in (0, 1)))
    ),
    # Conversion
    "convert": lambda jax: [
        jax.lax.convert_element_type(x, d)
        for x, d in ((3.7, "int32"), (2**40, "float32"), (1, float), (True, "int8"), (-1, "uint8"), (300, "uint8"))
    ],
    "convert complex": of("convert_element_type", np.array(3.7j, np.complex64), "float32"),
    "convert to no dtype": of("convert_element_type", 3.7, "foo"),
    "convert to None": of("convert_element_type", 3.7, None),
    "convert to float64": of("convert_element_type", X, "float64"),
    "bitcast narrower": of("bitcast_convert_type", X, "uint8"),
    "bitcast wider": of("bitcast_convert_type", np.array([0, 0, 128, 63], np.uint8), "float32"),
    "bitcast to a wrong size": of("bitcast_convert_type", np.array([0, 0, 63], np.uint8), "float32"),
    "bitcast bool": of("bitcast_convert_type", True, "uint8"),
    "bitcast bfloat16": of("bitcast_convert_type", X, "bfloat16"),
    "bitcast under vmap and jit": lambda jax: jax.jit(jax.vmap(lambda x: jax.lax.bitcast_convert_type(x, "uint16")))(M),
    "reduce_precision": lambda jax: [
        jax.lax.reduce_precision(f(jax, [1.2345678, 1e30, 1e-30, 3.14159, np.nan, -np.inf, 65519.0, 65520.0]), e, m)
        for e, m in ((5, 10), (8, 7), (4, 3), (8, 23))
    ],
    "reduce_precision int": of("reduce_precision", 1, 5, 10),
    "reduce_precision no exponent": of("reduce_precision", 1.0, 0, 10),
    "reduce_precision no mantissa": of("reduce_precision", 1.0, 5, -1),
    "reduce_precision grad": lambda jax: jax.grad(
        lambda x: (jax.lax.reduce_precision(x, 5, 3) * f(jax, [1.03, 2, 3])).sum()
    )(X),
    "full": lambda jax: [
        jax.lax.full((2,), 1.5),
        jax.lax.full((2,), 1, "int8"),
        jax.lax.full((), f(jax, 3)),
        jax.lax.full(2, True),
    ],
    "full of a vector": of("full", (2,), X),
    "full of a negative size": of("full", (-2,), 1.0),
    "full_like": lambda jax: [
        jax.lax.full_like(f(jax, [1, 2]), 7),
        jax.lax.full_like(1.0, 2),
        jax.lax.full_like(f(jax, 1), 2, "int8", (2,)),
        jax.lax.full_like(3, 2.7),
    ],
    "iota": lambda jax: [jax.lax.iota("int8", 3), jax.lax.broadcasted_iota("float32", (2, 3), 1)],
    "iota bool": of("iota", "bool", 3),
    "iota axis": of("broadcasted_iota", "int32", (2, 3), 2),
    "iota of nothing": of("iota", "int32", 0),
    # Shapes
    "broadcast_shapes": of("broadcast_shapes", (3, 1), (1, 4), (5, 1, 1)),
    "broadcast_shapes disagree": of("broadcast_shapes", (3, 1), (4, 1)),
    "broadcast_shapes negative": of("broadcast_shapes", (3, -1), (4, 1)),
    "broadcast nothing": of("broadcast", X, ()),
    "broadcast_in_dim lengths": of("broadcast_in_dim", X, (3, 3), (0, 1)),
    "broadcast_in_dim rank": of("broadcast_in_dim", M, (3,), (0, 1)),
    "broadcast_in_dim beyond": of("broadcast_in_dim", X, (3, 3), (2,)),
    "broadcast_in_dim sizes": of("broadcast_in_dim", X, (3, 4), (1,)),
    "broadcast_in_dim twice": of("broadcast_in_dim", M, (3, 4, 3), (0, 0)),
    "broadcast_in_dim negative": of("broadcast_in_dim", X, (-1, 3), (1,)),
    "broadcast_in_dim float": of("broadcast_in_dim", X, (5.0, 3), (1,)),
    "broadcast_in_dim empty": of("broadcast_in_dim", X[:0], (2, 0), (1,)),
    "broadcast_like": of("broadcast_like", X, np.zeros((2, 3), np.int32)),
    "broadcast_like disagree": of("broadcast_like", X, M),
    "broadcast_like rank": of("broadcast_like", M, X),
    "reshape negative": of("reshape", X, (-1,)),
    "reshape dimensions": of("reshape", M, (12,), (0, 0)),
    "reshape scalar": of("reshape", 1.0, (1, 1)),
    "reshape to a scalar": of("reshape", X[:1], ()),
    "collapse backwards": of("collapse", np.zeros((2, 3, 4), np.float32), 2, 1),
    "squeeze wrong": of("squeeze", M, (0,)),
    "squeeze twice": of("squeeze", M[:1], (0, 0)),
    "expand_dims twice": of("expand_dims", M, (0, 0)),
    "expand_dims twice, counted from both ends": of("expand_dims", X, (0, -2)),
    "transpose wrong": of("transpose", M, (0, 0)),
    "transpose lengths": of("transpose", M, (0,)),
    "rev twice": of("rev", M, (0, 0)),
    "rev beyond": of("rev", M, (2,)),
    "tile lengths": of("tile", M, (2,)),
    "concatenate nothing": of("concatenate", [], 0),
    "concatenate one": of("concatenate", [X], 0),
    "concatenate ranks": lambda jax: jax.lax.concatenate([f(jax, [1]), f(jax, [[1]])], 0),
    "concatenate beyond": lambda jax: jax.lax.concatenate([f(jax, [1]), f(jax, [1])], 1),
    "concatenate shapes": lambda jax: jax.lax.concatenate([f(jax, [[1]]), f(jax, [[1, 2]])], 0),
    "concatenate dtypes": lambda jax: jax.lax.concatenate([f(jax, [1]), f(jax, [1], "int32")], 0),
    "concatenate weak": lambda jax: jax.lax.concatenate([jax.lax.full((2,), 1.0), f(jax, [1])], 0).weak_type,
    "stack shapes": lambda jax: jax.lax.stack([f(jax, [1]), f(jax, [1, 2])]),
    "stack ranks": lambda jax: jax.lax.stack([f(jax, [1]), f(jax, 1)]),
    "stack axis": lambda jax: jax.lax.stack([f(jax, [1]), f(jax, [1])], axis=3),
    "unstack scalar": of("unstack", 1.0),
    "split sizes": of("split", M, (1, 1), axis=1),
    "split negative": of("split", M, (5, -1), axis=1),
    "pad dtypes": of("pad", X, 1, [(0, 0, 0)]),
    "pad lengths": of("pad", X, 1.0, [(0, 0, 0), (0, 0, 0)]),
    "pad vector": of("pad", X, X, [(0, 0, 0)]),
    "pad interior negative": of("pad", X, 1.0, [(0, 0, -1)]),
    "pad too much away": of("pad", X, 1.0, [(-3, -3, 0)]),
    "pad all away": of("pad", X, 1.0, [(-1, -2, 0)]),
    "pad of nothing": of("pad", X[:0], 1.0, [(2, 1, 3)]),
    "pad grad": lambda jax: jax.grad(lambda x, v: (jax.lax.pad(x, v, [(1, -1, 2)]) ** 2).sum(), (0, 1))(
        f(jax, X), f(jax, 3)
    ),
    # Slices
    "slice lengths": in_jit("slice", M, (0,), (1, 1)),
    "slice limits": in_jit("slice", M, (0, 0), (1,)),
    "slice beyond": in_jit("slice", M, (0, 0), (1, 5)),
    "slice negative": in_jit("slice", M, (-1, 0), (1, 4)),
    "slice backwards": in_jit("slice", M, (2, 0), (1, 4)),
    "slice strides": in_jit("slice", M, (0, 0), (1, 4), (1,)),
    "slice negative stride": in_jit("slice", M, (0, 0), (1, 4), (1, -1)),
    "slice_in_dim ends": lambda jax: [
        jax.lax.slice_in_dim(f(jax, M), a, b, s, 1)
        for a, b, s in ((None, None, 1), (-2, None, 1), (0, -1, 2), (1, 1, 1))
    ],
    "index_in_dim": lambda jax: [jax.lax.index_in_dim(f(jax, M), i, 1, k) for i in (0, -1) for k in (True, False)],
    "index_in_dim beyond": of("index_in_dim", M, 4, 1),
    **{f"dynamic_slice at {i}": of("dynamic_slice", M, (int(i), 1), (2, 2)) for i in EDGE},
    **{
        f"dynamic_slice at {i} of {d}": lambda jax, i=i, d=d: jax.lax.dynamic_slice(
            f(jax, M), (f(jax, i, d), f(jax, 1, d)), (2, 2)
        )
        for i in (-1, 2, 9)
        for d in ("int8", "int32")
    },
    "dynamic_slice unsigned": lambda jax: jax.lax.dynamic_slice(
        f(jax, M), (f(jax, 250, "uint8"), f(jax, 1, "uint8")), (2, 2)
    ),
    "dynamic_slice by a vector": lambda jax: jax.lax.dynamic_slice(f(jax, M), f(jax, [1, -1], "int32"), (2, 2)),
    "dynamic_slice all traced": lambda jax: jax.jit(jax.vmap(lambda x, i: jax.lax.dynamic_slice(x, i, (2, 2))))(
        np.stack([M, 2 * M]), np.array([[5, -1], [1, 2]])
    ),
    "dynamic_slice without negatives": lambda jax: jax.lax.dynamic_slice(
        f(jax, M), (f(jax, -1, "int32"), f(jax, 1, "int32")), (2, 2), allow_negative_indices=False
    ),
    "dynamic_slice known negative": of("dynamic_slice", M, (-1, 1), (2, 2), allow_negative_indices=False),
    "dynamic_slice mixed types": lambda jax: jax.lax.dynamic_slice(
        f(jax, M), (f(jax, 0, "int8"), f(jax, 1, "int32")), (2, 2)
    ),
    "dynamic_slice floats": lambda jax: jax.lax.dynamic_slice(f(jax, M), (f(jax, 0), f(jax, 1)), (2, 2)),
    "dynamic_slice vectors": lambda jax: jax.lax.dynamic_slice(
        f(jax, M), (f(jax, [0], "int32"), f(jax, 1, "int32")), (2, 2)
    ),
    "dynamic_slice lengths": of("dynamic_slice", M, (0,), (2, 2)),
    "dynamic_slice too large": of("dynamic_slice", M, (0, 0), (7, 2)),  # JAX keeps the message of equal sizes
    "dynamic_slice negative size": of("dynamic_slice", M, (0, 0), (-1, 2)),
    "dynamic_slice grads": lambda jax: jax.vmap(
        jax.grad(lambda x, i: (jax.lax.dynamic_slice(x, (i, 1), (2, 2)) ** 2).sum()), (None, 0)
    )(M, EDGE),
    "dynamic_update_slice rank": of("dynamic_update_slice", M, X, (0, 0)),
    "dynamic_update_slice starts": of("dynamic_update_slice", M, M, (0,)),
    "dynamic_update_slice too large": of("dynamic_update_slice", M, np.zeros((4, 4), np.float32), (0, 0)),
    "dynamic_update_slice dtypes": of("dynamic_update_slice", M, np.zeros((1, 1), np.int32), (0, 0)),
    "dynamic_update_slice empty": of("dynamic_update_slice", M, np.zeros((0, 4), np.float32), (0, 0)),
    **{f"dynamic_update_slice at {i}": of("dynamic_update_slice", M, -M[:2, :2], (int(i), 1)) for i in EDGE},
    "dynamic_update_slice all traced": lambda jax: jax.jit(jax.vmap(jax.lax.dynamic_update_slice, (0, None, 0)))(
        np.stack([M, 2 * M]), -M[:2, :2], np.array([[5, -1], [1, 2]])
    ),
    "dynamic_update_slice grads": lambda jax: jax.vmap(
        jax.grad(lambda x, y, i: (jax.lax.dynamic_update_slice(x, y, (i, 1)) ** 2).sum(), (0, 1)), (None, None, 0)
    )(M, -M[:2, :2], EDGE),
    "dynamic_update_index_in_dim of a row": lambda jax: jax.lax.dynamic_update_index_in_dim(
        f(jax, M), f(jax, [9, 9, 9, 9]), -1, 0
    ),
    "dynamic_index_in_dim keys": lambda jax: jax.random.key_data(
        jax.lax.dynamic_index_in_dim(jax.random.split(jax.random.key(0), 4), f(jax, 2, "int32"), keepdims=False)
    ),
    # Reductions, sorting
    "reduce_sum bool": of("reduce_sum", np.array([True]), (0,)),
    "reduce_sum twice": of("reduce_sum", X, (0, 0)),
    "reduce_sum beyond": of("reduce_sum", X, (1,)),
    "reduce_sum negative": of("reduce_sum", X, (-1,)),
    "reduce_sum of a list of axes": of("reduce_sum", M, [0]),
    "reduce_sum weak": lambda jax: jax.lax.reduce_sum(jax.lax.full((3,), 1.0), (0,)),
    "reductions of nothing": lambda jax: [
        getattr(jax.lax, n)(jax.numpy.zeros((0, 2), d), (0,))
        for n in ("reduce_max", "reduce_min", "reduce_and", "reduce_or", "reduce_xor")
        for d in ("int32", "bool", "uint8")
    ],
    "reductions of no floats": lambda jax: [
        getattr(jax.lax, f"reduce_{n}")(jax.numpy.zeros(0), (0,)) for n in ("max", "min", "sum", "prod")
    ],
    "reduce_and floats": of("reduce_and", X, (0,)),
    "reduce_xor beyond": of("reduce_xor", np.array([1]), (3,)),
    "argmax types": lambda jax: [jax.lax.argmax(f(jax, X), 0, d) for d in ("int32", np.uint8, int)],
    "argmax negative axis": of("argmax", X, -1, "int32"),
    "argmax float": of("argmax", X, 0, "float32"),
    "argmax empty": of("argmax", X[:0], 0, "int32"),
    "argmax complex": of("argmax", X * 1j, 0, "int32"),
    "argmax bool": of("argmax", np.array([False, True]), 0, "int32"),
    **{f"{n} reversed": of(n, X, reverse=True) for n in ("cumsum", "cumprod", "cummax", "cummin", "cumlogsumexp")},
    **{
        f"{n} grad": lambda jax, n=n: jax.grad(lambda x: (getattr(jax.lax, n)(x) * f(jax, [1, 2, 3, 4, 5])).sum())(
            f(jax, [1, 1, 2, 2, 2])
        )
        for n in ("cumsum", "cumprod", "cummax", "cummin", "cumlogsumexp")
    },
    "cummax complex": of("cummax", np.array([1j, 1, 2j], np.complex64)),
    "cumsum bool": of("cumsum", np.array([True])),
    "cumsum negative": of("cumsum", X, -1),
    "cumsum beyond": of("cumsum", X, 1),
    "cumsum list": of("cumsum", [1.0]),
    "cumsum wraps": of("cumsum", np.full(3, 100, np.int8)),
    "cumsum of nothing": of("cumsum", X[:0]),
    "sort nothing": of("sort", ()),
    "sort too many keys": lambda jax: jax.lax.sort((f(jax, X), f(jax, X)), num_keys=3),
    "sort keys of one": of("sort", X, num_keys=3),
    "sort shapes": lambda jax: jax.lax.sort((f(jax, X), f(jax, X[:2]))),
    "sort axis": of("sort", X, dimension=1),
    "sort special": lambda jax: jax.lax.sort((f(jax, [np.nan, -0.0, 1, 0.0, -np.inf, np.nan]), jax.numpy.arange(6))),
    "sort grads": lambda jax: jax.grad(lambda x, y: (jax.lax.sort((x, y))[1] * f(jax, [1, 2, 3])).sum(), (0, 1))(
        f(jax, X), f(jax, X * 2)
    ),
    "top_k special": lambda jax: jax.lax.top_k(f(jax, [3, np.nan, 1, 3, -np.inf]), 4),
    "top_k negative": of("top_k", X, -1),
    "top_k too many": of("top_k", X, 9),
    "top_k scalar": of("top_k", 1.0, 1),
    "top_k complex": of("top_k", X * 1j, 1),
    "reduce weak": lambda jax: [
        jax.lax.reduce(f(jax, X), 0.0, jax.lax.add, (0,)),
        jax.lax.reduce(jax.lax.full((3,), 1.0), 0.0, jax.lax.add, (0,)),
    ],
    "reduce monoids": lambda jax: [
        jax.lax.reduce(f(jax, [5, 3, 6], "int32"), np.int32(i), op, (0,))
        for op, i in (
            (jax.lax.add, 0),
            (jax.lax.mul, 1),
            (jax.lax.max, -(2**31)),
            (jax.lax.min, 2**31 - 1),
            (jax.lax.bitwise_and, -1),
            (jax.lax.bitwise_or, 0),
            (jax.lax.bitwise_xor, 0),
        )
    ],
    "reduce another start": lambda jax: jax.lax.reduce(f(jax, X), 3.0, jax.lax.add, (0,)),
    "reduce jnp function": lambda jax: jax.lax.reduce(f(jax, M), 0.0, jax.numpy.add, (0,)),
    "reduce tree": lambda jax: jax.lax.reduce(
        (f(jax, X), jax.numpy.arange(3)),
        (-1.0, 0),
        lambda a, b: (jax.numpy.maximum(a[0], b[0]), jax.numpy.where(a[0] > b[0], a[1], b[1])),
        (0,),
    ),
    "reduce order": lambda jax: jax.lax.reduce(f(jax, M), 1.0, lambda a, b: a * b + a + b, (1,)),
    "reduce dtypes": lambda jax: jax.lax.reduce(jax.numpy.arange(5), 3.0, lambda a, b: a, (0,)),
    "reduce start a vector": lambda jax: jax.lax.reduce(f(jax, X), f(jax, [1, 1]), lambda a, b: a, (0,)),
    "reduce trees disagree": lambda jax: jax.lax.reduce((f(jax, X),), 1.0, lambda a, b: a, (0,)),
    "reduce in jit": lambda jax: jax.jit(lambda x: jax.lax.reduce(x, 1.0, lambda a, b: a * b, (0,)))(M),
    # Products
    "dot shapes": of("dot", X, M.T),
    "dot scalars": of("dot", 1.0, 2.0),
    "dot batch": lambda jax: jax.lax.dot(f(jax, M), f(jax, M), dimension_numbers=(((1,), (1,)), ((0,), (0,)))),
    "dot ints for axes": lambda jax: jax.lax.dot_general(f(jax, M), f(jax, M), ((1, 1), ((), ()))),
    **{
        f"dot_general {label}": of("dot_general", M, M, numbers)
        for label, numbers in {
            "axis beyond": (((2,), (0,)), ((), ())),
            "axis of rhs beyond": (((1,), (3,)), ((), ())),
            "batch lengths": (((1,), (1,)), ((0,), ())),
            "batch twice": (((), ()), ((0, 0), (0, 1))),
            "summed twice": (((1, 1), (0, 1)), ((), ())),
            "both summed and common": (((0,), (0,)), ((0,), (1,))),
            "batch sizes": (((), ()), ((0,), (1,))),
            "summed sizes": (((0,), (1,)), ((), ())),
        }.items()
    },
    "dot mixed dtypes": lambda jax: [
        jax.lax.dot(f(jax, X, a), f(jax, X, b))
        for a, b in (
            ("float32", "float16"),
            ("int8", "int32"),
            ("int32", "float32"),
            ("float32", "complex64"),
            ("uint8", "int8"),
        )
    ],
    "dot half dtypes": lambda jax: jax.lax.dot(f(jax, X, "float16"), f(jax, X, "bfloat16")),
    "dot preferred": lambda jax: [
        jax.lax.dot(f(jax, X, a), f(jax, X, a), preferred_element_type=b)
        for a, b in (("int8", "int32"), ("float16", "float32"), ("float32", "bfloat16"))
    ],
    "dot preferred too narrow": lambda jax: jax.lax.dot(
        f(jax, X, "int32"), f(jax, X, "int32"), preferred_element_type="int8"
    ),
    "dot precision": lambda jax: [
        jax.lax.dot(f(jax, X), f(jax, X), precision=p)
        for p in (jax.lax.Precision.HIGHEST, "float32", ("high", "highest"))
    ],
    "dot weak": lambda jax: jax.lax.dot(jax.lax.full((3,), 1.0), jax.lax.full((3,), 1.0)),
    "dot bool": lambda jax: jax.lax.dot(f(jax, [1, 0], "bool"), f(jax, [1, 1], "bool")),
    "batch_matmul ranks": lambda jax: jax.lax.batch_matmul(f(jax, M), f(jax, [M.T])),
    "batch_matmul vectors": lambda jax: jax.lax.batch_matmul(f(jax, X), f(jax, X)),
    "Precision": lambda jax: [(str(p), repr(p), p.value) for p in jax.lax.Precision],
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs(name: str) -> None:
    assert_same(*run_both(PROGRAMS[name]), title=name)
