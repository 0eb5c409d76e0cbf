"""Convolutions and windows beside their table (compat/cases/windows.py): arguments, errors, ties, shapes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from compat.calls import SUMS
from compat.same import assert_same, run_both, same_in_both

X = np.arange(48, dtype=np.float32).reshape(2, 3, 8)
W = np.linspace(-1, 1, 36, dtype=np.float32).reshape(4, 3, 3)


def conv(*args: Any, x: Any = X, w: Any = W, **options: Any) -> Any:
    """A convolution of small arrays with other arguments."""
    return lambda jax: jax.lax.conv_general_dilated(jax.numpy.asarray(x), jax.numpy.asarray(w), *args, **options)


SHAPES = {
    "preferred " + " ".join(map(str, (given, wanted))): (
        lambda jax, given=given, wanted=wanted: conv(
            (1,), "VALID", x=np.ones((2, 3, 8)).astype(given), w=np.ones((4, 3, 3)).astype(given),
            preferred_element_type=wanted,
        )(jax)
    )
    for given, wanted in (
        ("int8", "int32"), ("int8", "float32"), ("float16", "float32"), ("float32", "float16"), ("int32", "int8"),
        ("float32", "int32"), ("complex64", "float32"), ("float32", "complex64"), ("uint8", "int32"),
    )
}  # fmt: skip
ERRORS = {
    "no such padding": conv((1,), "FOO"),
    "padding of numbers": conv((1,), (1, 2)),
    "too many paddings": conv((1,), ((1, 2), (1, 2))),
    "a word with holes": conv((1,), "SAME", lhs_dilation=(2,)),
    "other ranks": conv((1,), "SAME", w=W[0]),
    "no group": conv((1,), "SAME", feature_group_count=0),
    "groups that do not divide": conv((1,), "SAME", feature_group_count=2),
    "groups of another kernel": conv((1,), "SAME", feature_group_count=3),
    "no batch group": conv((1,), "SAME", batch_group_count=0),
    "batch groups that do not divide": conv((1,), "SAME", batch_group_count=3),
    "both groups": conv(
        (1,),
        "SAME",
        x=np.ones((2, 4, 8), np.float32),
        w=np.ones((4, 2, 3), np.float32),
        batch_group_count=2,
        feature_group_count=2,
    ),
    "too many strides": conv((1, 2), ((0, 0),)),
    "two specs": conv((1,), "SAME", dimension_numbers=("NCH", "OIH")),
    "a long spec": conv((1,), "SAME", dimension_numbers=("NCHW", "OIH", "NCH")),
    "a spec with N twice": conv((1,), "SAME", dimension_numbers=("NNH", "OIH", "NCH")),
    "specs of other axes": conv((1,), "SAME", dimension_numbers=("NCH", "OIW", "NCH")),
    "a number for specs": conv((1,), "SAME", dimension_numbers=3),
    "numbers for specs": conv((1,), "SAME", dimension_numbers=(1, 2, 3)),
    "no distance": conv((1,), ((0, 0),), rhs_dilation=(0,)),
    "other dtypes": conv((1,), "SAME", w=W.astype(np.float16)),
    "no such precision": conv((1,), "SAME", precision="foo"),
    "a pair of precisions": conv((1,), "SAME", precision=("highest", "default")),
    "no window fits": conv((1,), "VALID", x=X[:, :, :2]),
    "no features": conv((1,), "VALID", x=X[:, :0], w=W[:, :0]),
    "a word in capitals or not": conv((1,), "same"),
    "conv_transpose of five axes": lambda jax: jax.lax.conv_transpose(
        np.ones((1,) * 6), np.ones((1,) * 6), (1,) * 4, "SAME"
    ),
}
NUMBERS = {
    "shapes": lambda jax: [
        [int(n) for n in shape]
        for shape in (
            jax.lax.conv_shape_tuple((2, 3, 8), (4, 3, 3), (2,), "SAME"),
            jax.lax.conv_shape_tuple((4, 3, 8), (4, 3, 3), (2,), [(1, 1)], 2),
            jax.lax.conv_general_shape_tuple((2, 8, 3), (4, 3, 3), (2,), "SAME", ("NHC", "OIH", "NHC")),
            jax.lax.conv_transpose_shape_tuple((2, 8, 3), (4, 3, 3), (2,), "SAME", ("NHC", "OIH", "NHC")),
            jax.lax.conv_transpose_shape_tuple((2, 8, 3), (4, 3, 3), (2,), [(1, 2)], ("NHC", "OIH", "NHC")),
            jax.lax.reduce_window_shape_tuple((5, 6), (2, 3), (1, 2), ((0, 0), (1, 1)), (2, 1), (1, 2)),
        )
    ],
    "numbers": lambda jax: [
        str(v)
        for v in (
            jax.lax.conv_dimension_numbers((1, 2, 3), (1, 2, 3), ("NHC", "OIH", "CNH")),
            jax.lax.conv_dimension_numbers((1, 2, 3), (1, 2, 3), None),
            jax.lax.conv_general_permutations(("NHC", "OIH", "CNH")),
            jax.lax.ConvDimensionNumbers(1, 2, 3),
            jax.lax.padtype_to_pads((5, 6), (2, 3), (1, 2), "SAME"),
            jax.lax.padtype_to_pads((5, 6), (2, 3), (1, 2), "valid"),
        )
    ],
    "no such word": lambda jax: jax.lax.padtype_to_pads((5, 6), (2, 3), (1, 2), "X"),
    "no word": lambda jax: jax.lax.padtype_to_pads((5, 6), (2, 3), (1, 2), 3),
    "a type": lambda jax: str(jax.lax.ConvGeneralDilatedDimensionNumbers).count("ConvDimensionNumbers"),
}


def window(*args: Any, x: Any = None) -> Any:
    """reduce_window of a small array; "add" stands for the function."""

    def program(jax: Any) -> Any:
        given = np.ones((3, 4), np.float32) if x is None else x
        full = [getattr(jax.lax, a) if a in ("add", "max", "mul") else a for a in args]
        return jax.lax.reduce_window(jax.tree_util.tree_map(jax.numpy.asarray, given), *full)

    return program


ONE = np.ones((3, 4), np.float32)
WINDOWS = {
    "another tree": window((0.0,), "add", (1, 1), x=(ONE, ONE)),
    "nothing": window((), "add", (1, 1), x=()),
    "another dtype": window(0, lambda a, b: a, (1, 1)),
    "a start that is no scalar": window(np.zeros(2, np.float32), "add", (1, 1)),
    "a short window": window(0.0, "add", (1,)),
    "an empty window": window(0.0, "add", (0, 1)),
    "a window of floats": window(0.0, "add", (1.5, 1)),
    "short strides": window(0.0, "add", (1, 1), (1,)),
    "no stride": window(0.0, "add", (1, 1), (0, 1)),
    "no such padding": window(0.0, "add", (1, 1), (1, 1), "FOO"),
    "short distances": window(0.0, "add", (1, 1), (1, 1), "VALID", (1,)),
    "short distances of the window": window(0.0, "add", (1, 1), (1, 1), "VALID", (1, 1), (1,)),
    "a sum of bools": window(False, "add", (1, 1), x=ONE > 0),
    "another start than the identity": window(np.float32(2), "add", (2, 3), (1, 1), "SAME"),
    "a result of another tree": window(0.0, lambda a, b: (a, b), (1, 1)),
    "a Python number to start with": window(0.0, "add", (2, 2)),
    "NaN and infinities": window(
        np.float32(-np.inf), "max", (2,), x=np.array([1, np.nan, 2, 3, -np.inf, np.inf, -np.inf], np.float32)
    ),
    "weakly typed": lambda jax: [
        jax.lax.reduce_window(jax.numpy.full((3,), 1.0), 0.0, f, (2,)) for f in (jax.lax.add, lambda a, b: a + b)
    ],
    "no axes": lambda jax: jax.lax.reduce_window(jax.numpy.float32(3), 0.0, jax.lax.add, ()),
    "two arrays": lambda jax: jax.lax.reduce_window(
        (jax.numpy.asarray(X[0]), jax.numpy.asarray(-X[0])),
        (np.float32(-np.inf), np.float32(0)),
        lambda a, b: (jax.lax.max(a[0], b[0]), jax.lax.select(a[0] >= b[0], a[1], b[1])),
        (2, 2),
        (1, 2),
    ),
}


def same(programs: dict[str, Any]) -> None:
    """Every program ends in the same way in both frameworks."""
    for name, program in programs.items():
        assert_same(*run_both(program), SUMS, name)


@pytest.mark.parametrize(
    "programs", [SHAPES, ERRORS, NUMBERS, WINDOWS], ids=["preferred", "errors", "numbers", "windows"]
)
def test_programs(programs: dict[str, Any]) -> None:
    same(programs)


@same_in_both
def test_the_first_of_equal_elements_has_the_gradient(jax):
    x = jax.numpy.array([[1.0, 2, 2, 1], [2, 2, 0, 0], [0, 0, 0, 3]])

    def pooled(x, name, start):
        out = jax.lax.reduce_window(x, start, getattr(jax.lax, name), (2, 2), (1, 1), "SAME")
        return (out * np.arange(12.0).reshape(3, 4)).sum()

    return [jax.grad(pooled)(x, "max", -np.inf), jax.grad(pooled)(x, "min", np.inf)]


@same_in_both(tolerance=SUMS)
def test_pooling_layers(jax):
    x = jax.numpy.asarray(np.random.default_rng(0).normal(size=(2, 6, 6, 3)).astype(np.float32))

    def loss(x, w):
        y = jax.lax.conv_general_dilated(x, w, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))
        y = jax.lax.reduce_window(y, -np.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
        y = jax.lax.reduce_window(y, 0.0, jax.lax.add, (1, 2, 2, 1), (1, 1, 1, 1), "SAME") / 4
        return (jax.numpy.tanh(y) ** 2).sum()

    w = jax.numpy.asarray(np.random.default_rng(1).normal(size=(3, 3, 3, 4)).astype(np.float32))
    gradient = jax.grad(loss, (0, 1))
    return [jax.jit(gradient)(x, w), jax.jvp(lambda w: gradient(x, w), (w,), (w,))[1]]
