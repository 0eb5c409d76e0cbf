"""gather and scatter beside their table (compat/cases/gather_scatter.py): errors, kinds of indices, ties."""

from __future__ import annotations

from typing import Any

import numpy as np

from compat.calls import SUMS
from compat.same import assert_same, run_both, same_in_both

ONES = np.ones((3, 4), np.float32)
ROWS = ((1,), (0,), (0,))


def gather(indices: Any, numbers: Any, sizes: Any, x: Any = ONES, **options: Any) -> Any:
    """A gather as a program."""
    return lambda jax: jax.lax.gather(
        jax.numpy.asarray(x),
        jax.numpy.asarray(np.array(indices)),
        jax.lax.GatherDimensionNumbers(*numbers),
        sizes,
        **options,
    )


def scatter(indices: Any, shape: Any, numbers: Any, x: Any = ONES, dtype: str = "float32", **options: Any) -> Any:
    """A scatter and a scatter_add as a program."""
    return lambda jax: [
        getattr(jax.lax, name)(
            jax.numpy.asarray(x),
            jax.numpy.asarray(np.array(indices)),
            jax.numpy.ones(shape, dtype),
            jax.lax.ScatterDimensionNumbers(*numbers),
            **options,
        )
        for name in ("scatter", "scatter_add")
    ]


GATHERS = {
    "unsorted axes": gather([[0]], ((2, 1), (), (1,)), (3, 1)),
    "an axis twice": gather([[0]], ((1, 1), (), (1,)), (3, 1)),
    "an axis out of bounds": gather([[0]], ((1, 5), (), (1,)), (3, 1)),
    "too many numbers": gather([[0, 1]], ((1, 2), (), (1,)), (3, 1)),
    "no such axis of the operand": gather([[0]], ((1, 2), (), (7,)), (3, 1)),
    "an axis of the operand twice": gather([[0, 0]], ((1, 2), (), (1, 1)), (3, 1)),
    "unsorted lost axes": gather([[0]], ((1,), (1, 0), (1,)), (3, 1)),
    "no such lost axis": gather([[0]], ((1,), (5,), (1,)), (3, 1)),
    "a lost axis twice": gather([[0]], ((1,), (0, 0), (1,)), (3, 1)),
    "few sizes": gather([[0]], ((1, 2), (), (1,)), (3,)),
    "few axes": gather([[0]], ((1,), (), (1,)), (3, 1)),
    "a large window": gather([[0]], ((1, 2), (), (1,)), (3, 9)),
    "a wide lost axis": gather([[0]], ((1,), (0,), (1,)), (3, 1)),
    "no such mode": gather([[0]], ((1, 2), (), (1,)), (3, 1), mode="foo"),
    "floats": gather([[0.5]], ((1, 2), (), (1,)), (3, 1)),
    "a scalar": gather(0, ((1, 2), (), (1,)), (3, 1)),
    "lanes of other sizes": gather([[0]], ((1,), (), (1,), (0,), (0,)), (1, 1)),
    "the vectors' axis as lanes": gather([[0]], ((1,), (), (1,), (0,), (1,)), (1, 1)),
    "lanes of one side": gather([[0]], ((1,), (), (1,), (0,), ()), (1, 1)),
    "lanes that are looked up": gather([[0]], ((1,), (), (0,), (0,), (0,)), (1, 1)),
    "wide lanes": gather([[0], [0], [0]], ((1,), (), (1,), (0,), (0,)), (3, 1)),
    **{
        f"{dtype} {mode}": gather(
            np.array([[0], [3], [127], [255 if dtype[0] == "u" else -1]]).astype(dtype),
            ((1,), (), (0,)),
            (2,),
            np.arange(300, dtype=np.float32),
            mode=mode,
        )
        for dtype in ("int8", "uint8", "int16", "uint16", "uint32")
        for mode in ("clip", "fill")
    },
    **{
        f"fill of {dtype}": gather([[1], [5]], ((1,), (), (0,)), (2,), np.arange(4).astype(dtype), mode="fill")
        for dtype in ("int32", "uint32", "bool", "complex64", "float16", "uint8")
    },
    "fill value": gather([[1], [5]], ((1,), (), (0,)), (2,), np.arange(4), mode="fill", fill_value=7),
    "keys": lambda jax: jax.random.key_data(
        jax.lax.gather(
            jax.random.split(jax.random.key(0), 5),
            jax.numpy.array([[0], [3], [9]]),
            jax.lax.GatherDimensionNumbers((1,), (), (0,)),
            (2,),
            mode="fill",
        )
    ),
    "weakly typed": lambda jax: jax.lax.gather(
        jax.numpy.full((3,), 1.0), jax.numpy.array([[0]]), jax.lax.GatherDimensionNumbers((1,), (), (0,)), (2,)
    ),
    "numbers": lambda jax: [
        str(jax.lax.GatherDimensionNumbers((), (0,), (0,))), str(jax.lax.ScatterDimensionNumbers((), (0,), (0,)))
    ],
}  # fmt: skip
SCATTERS = {
    "another rank": scatter([[0]], (2,), ((), (0,), (0,))),
    "no such mode": scatter([[0]], (1, 4), ROWS, mode="x"),
    "no such axis": scatter([[0]], (1, 4), ((1,), (9,), (0,))),
    "few axes": scatter([[0]], (1, 4), ((1,), (), (0,))),
    "a large window": scatter([[0]], (1, 5), ROWS),
    "another count": scatter([[0]], (2, 4), ROWS),
    "too many numbers": scatter([[0, 1]], (1, 4), ROWS),
    "no such axis of the operand": scatter([[0]], (1, 4), ((1,), (0,), (5,))),
    "floats": scatter([[0.5]], (1, 4), ROWS),
    "unsorted axes": scatter([[0]], (1, 3, 4), ((2, 1), (), (0,))),
    "an axis twice": scatter([[0]], (1, 3, 4), ((1, 1), (), (0,))),
    "an axis out of bounds": scatter([[0]], (1, 3, 4), ((1, 7), (), (0,))),
    "lanes that are looked up": scatter([[0], [1], [2]], (3, 4), ((1,), (0,), (0,), (0,), (0,))),
    "the vectors' axis as lanes": scatter([[0], [1], [2]], (3, 4), ((1,), (), (1,), (0,), (1,))),
    "lanes of one side": scatter([[0], [1], [2]], (3, 4), ((1,), (), (1,), (0,), ())),
    "lanes of other sizes": scatter([[0], [1]], (2, 4), ((1,), (), (1,), (0,), (0,))),
    "another dtype": scatter([[0]], (1, 4), ROWS, dtype="int32"),
    "nothing": scatter(np.zeros((0, 1), np.int32), (0, 4), ROWS),
    "of bools": scatter([[0]], (1, 4), ROWS, x=ONES > 0, dtype="bool"),
    "apply has no derivative": lambda jax: jax.grad(
        lambda x: jax.lax.scatter_apply(
            x,
            jax.numpy.array([[0]]),
            jax.numpy.sin,
            jax.lax.ScatterDimensionNumbers((), (0,), (0,)),
            update_shape=(1,),
        ).sum()
    )(jax.numpy.ones(3)),
    "products of repeated positions have none": lambda jax: jax.grad(
        lambda new: jax.lax.scatter_mul(
            jax.numpy.ones(3), jax.numpy.array([[0], [0]]), new, jax.lax.ScatterDimensionNumbers((), (0,), (0,))
        ).sum()
    )(jax.numpy.ones(2)),
}


def test_gather() -> None:
    for name, program in GATHERS.items():
        assert_same(*run_both(program), SUMS, name)


def test_scatter() -> None:
    for name, program in SCATTERS.items():
        assert_same(*run_both(program), SUMS, name)


@same_in_both(tolerance=SUMS)
def test_gradients_at_ties_and_overlaps(jax):
    places = jax.numpy.array([[0], [2], [2], [9], [1]])
    numbers = jax.lax.ScatterDimensionNumbers(*ROWS)
    weights = np.arange(12.0).reshape(3, 4)

    def loss(x, new, name):
        return (getattr(jax.lax, name)(x, places, new, numbers) * weights).sum()

    given = jax.numpy.ones((3, 4)), jax.numpy.ones((5, 3))
    return [jax.grad(loss, (0, 1))(*given, f"scatter_{name}") for name in ("add", "sub", "min", "max")] + [
        jax.grad(loss, (0, 1))(*given, "scatter"), jax.grad(loss)(*given, "scatter_mul")
    ]  # fmt: skip


@same_in_both(tolerance=SUMS)
def test_gradients_out_of_bounds(jax):
    places = jax.numpy.array([[0], [2], [9], [-3]])
    numbers = jax.lax.GatherDimensionNumbers((1,), (), (0,))

    def loss(x, mode):
        return (jax.lax.gather(x, places, numbers, (2,), mode=mode) * np.arange(8.0).reshape(4, 2)).sum()

    return [jax.grad(loss)(jax.numpy.arange(5.0), mode) for mode in (None, "clip")]
