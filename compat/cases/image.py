"""jax.image, jax.ops and jax.scipy.ndimage."""

from __future__ import annotations

from typing import Any

from compat.domains import DISTINCT, between
from compat.same import Tolerance
from compat.table import FLOATS, NUMBERS, REALS, WIDE_FLOATS, Case, Table, vary

LOOSE = Tolerance(factor=40, normwise=True)

IMAGES = [
    *vary(
        Case("resize", dtypes=FLOATS, shapes=(((2, 5, 7, 3),),), tolerance=LOOSE),
        shape=((2, 9, 4, 3),),
        method=("nearest", "linear", "lanczos3", "lanczos5", "cubic", "cubic-pytorch", "area"),
        antialias=(True, False),
    ),
    *vary(
        Case("resize", dtypes=REALS, shapes=(((4, 6),),), tolerance=LOOSE, only=("eager", "vmap")),
        shape=((3, 9),),
        method=("nearest", "bilinear"),
    ),
    *[
        Case(
            "scale_and_translate",
            dtypes=WIDE_FLOATS,
            shapes=(((4, 7),),),
            tolerance=LOOSE,
            call=lambda jax, x, method=method: jax.image.scale_and_translate(
                x,
                (6, 5),
                (0, 1),
                jax.numpy.array([1.7, 0.6], x.dtype),
                jax.numpy.array([0.3, -1.2], x.dtype),
                method,
            ),
            label=method,
        )
        for method in ("linear", "lanczos3", "cubic")
    ],
]


def segments(name: str, **options: Any) -> Any:
    """Rows reduced by fixed numbers, some out of range."""
    return lambda jax, x: getattr(jax.ops, name)(x, jax.numpy.array([0, 2, -1, 9, 2, 0]), **options)


SEGMENTS = [
    *[
        Case(
            name,
            dtypes=NUMBERS if name in ("segment_sum", "segment_prod") else REALS,
            domain=DISTINCT if name in ("segment_max", "segment_min") else between(-3, 3),
            shapes=(((6, 2),), ((6,),)),
            call=segments(name, **options),
            # JAX has no derivative of repeated products, and a wrong one of bounds that were moved.
            grad=name == "segment_sum" or (name != "segment_prod" and label != "clip"),
            tolerance=LOOSE,
            without=("edges",),
            label=label,
        )
        for name in ("segment_sum", "segment_prod", "segment_max", "segment_min")
        for label, options in (
            ("", {"num_segments": 4}),
            ("buckets", {"num_segments": 4, "bucket_size": 2}),
            ("clip", {"num_segments": 3, "mode": "clip"}),
        )
    ],
]

COORDINATES = [
    Case(
        "map_coordinates",
        arity=2,
        dtypes=WIDE_FLOATS,
        shapes=(((4, 5), (2, 6)),),
        domain=(between(-3, 3), between(-2.9, 6.9)),
        call=lambda jax, x, at, mode=mode, order=order: jax.scipy.ndimage.map_coordinates(
            x, [at[0], at[1]], order, mode, 0.5
        ),
        without=("edges", "kinks", "promote"),
        tolerance=LOOSE,
        label=f"{mode}_{order}",
    )
    for mode in ("constant", "nearest", "wrap", "mirror", "reflect")
    for order in (0, 1)
]

TABLES = (
    Table("image", "jax.image", IMAGES),
    Table("segments", "jax.ops", SEGMENTS),
    Table("ndimage", "jax.scipy.ndimage", COORDINATES),
)
