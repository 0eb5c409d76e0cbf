"""lax_ops: the functions of `jax.lax` as rows: name, number of arguments, dtypes, how arguments are drawn, tolerance.

What JAX's test files take from `jax._src.internal_test_util.lax_test_util`: the rows, and how axes of a vmap are put
into shapes and taken out of arguments. The lists of dtypes are those of the running device.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import ml_dtypes
import numpy as np

from jaxlike._src import dtypes
from jaxlike._src.lax import bits, elementwise, primitive_names, reduce, slicing
from jaxlike._src.testing.suite import cases, values

float_dtypes = cases.dtypes.all_floating
complex_elem_dtypes = cases.dtypes.floating
complex_dtypes = cases.dtypes.complex
inexact_dtypes = cases.dtypes.all_inexact
int_dtypes = cases.dtypes.all_integer
uint_dtypes = cases.dtypes.all_unsigned
bool_dtypes = cases.dtypes.boolean
default_dtypes = [*float_dtypes, *int_dtypes]
number_dtypes = [*float_dtypes, *complex_dtypes, *int_dtypes, *uint_dtypes]
all_dtypes = [*number_dtypes, *bool_dtypes]
python_scalar_types = [bool, int, float, complex]
compatible_shapes = [[(3,)], [(3, 4), (3, 1), (1, 4)], [(2, 3, 4), (2, 1, 4)]]

Tolerance = dict[Any, float] | float | None


class OpRecord(NamedTuple):
    """A function of arrays of one dtype."""

    op: str
    nargs: int
    dtypes: Sequence[Any]
    rng_factory: Callable[..., Any]
    tol: Tolerance


class ReducerOpRecord(NamedTuple):
    """A function that reduces, for each group of dtypes with what it starts from."""

    op: Any
    reference_op: Any
    init_val: Any
    dtypes: Sequence[Any]
    primitive: Any


class NamedReducerOpRecord(NamedTuple):
    """A reduction under its own name."""

    op: Any
    reference_op: Any
    dtypes: Sequence[Any]


def op_record(
    op: str, nargs: int, dtypes: Sequence[Any], rng_factory: Callable[..., Any], tol: Tolerance = None
) -> OpRecord:
    """A row."""
    return OpRecord(op, nargs, dtypes, rng_factory, tol)


_INEXACT = [*float_dtypes, *complex_dtypes]
_SIGNED = [*default_dtypes, *complex_dtypes]
_WHOLE = [*int_dtypes, *uint_dtypes]
_WIDE = [d for d in float_dtypes if d not in (ml_dtypes.bfloat16, np.float16)]
_APART = [d for d in float_dtypes if d != ml_dtypes.bfloat16]

# How arguments are drawn, number of arguments, dtypes, names; with a tolerance where the default is too narrow.
_GROUPS: list[tuple[Callable[..., Any], int, Sequence[Any], str]] = [
    (values.rand_small, 1, _SIGNED, "neg"),
    (values.rand_small, 1, [*default_dtypes, *uint_dtypes], "sign"),
    (values.rand_small, 1, float_dtypes, "floor ceil is_finite erf erfc erf_inv"),
    (values.rand_small, 1, _INEXACT, "exp exp2 expm1 tanh asin acos atan"),
    (values.rand_default, 1, float_dtypes, "round cbrt bessel_i0e bessel_i1e"),
    (values.rand_default, 1, _INEXACT, "logistic sin cos square tan asinh sinh cosh"),
    (values.rand_default, 1, complex_dtypes, "sqrt rsqrt real imag"),
    (values.rand_default, 1, [*complex_elem_dtypes, *complex_dtypes], "conj"),
    (values.rand_default, 1, _SIGNED, "abs"),
    (values.rand_default, 2, float_dtypes, "atan2"),
    (values.rand_default, 2, complex_elem_dtypes, "complex"),
    (values.rand_positive, 1, float_dtypes, "sqrt rsqrt lgamma digamma"),
    (values.rand_positive, 1, _INEXACT, "log log1p reciprocal acosh"),
    (values.rand_small, 1, _INEXACT, "atanh"),
    (values.rand_positive, 2, _INEXACT, "pow"),
    (values.rand_positive, 2, _WIDE, "igamma igammac"),
    (values.rand_uniform, 3, float_dtypes, "betainc"),
    (values.rand_small, 2, bool_dtypes, "bitwise_and bitwise_or bitwise_xor"),
    (values.rand_small, 1, bool_dtypes, "bitwise_not"),
    (values.rand_int, 1, _WHOLE, "population_count clz"),
    (values.rand_fullrange, 2, _WHOLE, "mulhi"),
    (values.rand_small, 2, _SIGNED, "add sub mul"),
    (values.rand_nonzero, 2, _SIGNED, "div"),
    (values.rand_nonzero, 2, default_dtypes, "rem"),
    (values.rand_small, 2, all_dtypes, "max min ne"),
    (values.rand_some_equal, 2, all_dtypes, "eq"),
    (values.rand_small, 2, default_dtypes, "ge gt le lt"),
]
_TOLERANCES: dict[str, dict[Any, float]] = {
    "expm1": {np.float64: 1e-8}, "tanh": {np.float64: 1e-9, np.complex128: 1e-7}, "tan": {np.float32: 3e-5},
    "asin": {np.complex128: 1e-11}, "asinh": {np.complex64: 1e-4, np.complex128: 1e-5}, "atanh": {np.float64: 1e-9},
    "lgamma": {np.float32: 1e-5, np.float64: 1e-14}, "digamma": {np.float64: 1e-13}, "erf_inv": {np.float64: 1e-9},
    "betainc": {np.float32: 2e-5, np.float64: 1e-12}, "igamma": {np.float64: 1e-13}, "igammac": {np.float64: 1e-13},
}  # fmt: skip


def lax_ops() -> list[OpRecord]:
    """The functions that work element by element."""
    rows = [
        op_record(name, nargs, kinds, draw, _TOLERANCES.get(name))
        for draw, nargs, kinds, names in _GROUPS
        for name in names.split()
    ]
    return [*rows, op_record("nextafter", 2, _APART, values.rand_default, 0)]


def lax_out_dtype_ops() -> list[OpRecord]:
    """Those that take the dtype of the result."""
    return [op_record("mul", 2, _SIGNED, values.rand_small)]


def lax_reduce_ops() -> list[ReducerOpRecord]:
    """Functions of two elements that reduce, with what they start from."""
    p = primitive_names
    kinds = [*_WHOLE, *bool_dtypes]
    limits = [np.int32, np.int64]
    return [
        ReducerOpRecord(elementwise.add, np.add, 0, default_dtypes, p.reduce_sum_p),
        ReducerOpRecord(elementwise.mul, np.multiply, 1, default_dtypes, p.reduce_prod_p),
        ReducerOpRecord(elementwise.max, np.maximum, 0, [*uint_dtypes, *bool_dtypes], p.reduce_max_p),
        ReducerOpRecord(elementwise.max, np.maximum, -np.inf, float_dtypes, p.reduce_max_p),
        *(ReducerOpRecord(elementwise.max, np.maximum, dtypes.iinfo(d).min, [d], p.reduce_max_p) for d in limits),
        ReducerOpRecord(elementwise.min, np.minimum, np.inf, float_dtypes, p.reduce_min_p),
        *(
            ReducerOpRecord(elementwise.min, np.minimum, dtypes.iinfo(d).max, [d], p.reduce_min_p)
            for d in (*limits, np.uint32, np.uint64)
        ),
        ReducerOpRecord(bits.bitwise_and, np.bitwise_and, -1, kinds, p.reduce_and_p),
        ReducerOpRecord(bits.bitwise_or, np.bitwise_or, 0, kinds, p.reduce_or_p),
        ReducerOpRecord(bits.bitwise_xor, np.bitwise_xor, 0, kinds, p.reduce_xor_p),
    ]


def lax_named_reduce_ops() -> list[NamedReducerOpRecord]:
    """Reductions under their own names."""
    kinds = [*bool_dtypes, *_WHOLE]
    return [
        NamedReducerOpRecord(reduce.reduce_sum, np.sum, number_dtypes),
        NamedReducerOpRecord(reduce.reduce_prod, np.prod, number_dtypes),
        NamedReducerOpRecord(reduce.reduce_max, np.max, all_dtypes),
        NamedReducerOpRecord(reduce.reduce_min, np.min, all_dtypes),
        NamedReducerOpRecord(reduce.reduce_and, np.bitwise_and.reduce, kinds),
        NamedReducerOpRecord(reduce.reduce_or, np.bitwise_or.reduce, kinds),
        NamedReducerOpRecord(reduce.reduce_xor, np.bitwise_xor.reduce, kinds),
    ]


# Where the mapped axis goes


def all_bdims(*shapes: Sequence[int]) -> Iterator[tuple[int | None, ...]]:
    """For arguments of these shapes every choice of places of a mapped axis, None for none, but not None for all."""
    places = [[None, *range(len(shape) + 1)] for shape in shapes]
    return (choice for choice in itertools.product(*places) if any(k is not None for k in choice))


def add_bdim(bdim_size: int, bdim: int | None, shape: Sequence[int]) -> tuple[int, ...]:
    """The shape with the mapped axis in it."""
    return tuple(shape) if bdim is None else (*shape[:bdim], bdim_size, *shape[bdim:])


def slicer(x: Any, bdim: int | None) -> Callable[[int], Any]:
    """The function that gives the element of a lane."""
    return lambda i: x if bdim is None else slicing.index_in_dim(x, i, bdim, keepdims=False)


def args_slicer(args: Sequence[Any], bdims: Sequence[int | None]) -> Callable[[int], list[Any]]:
    """The function that gives the arguments of a lane."""
    of_lane = [slicer(x, bdim) for x, bdim in zip(args, bdims, strict=True)]
    return lambda i: [f(i) for f in of_lane]
