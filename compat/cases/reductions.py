"""jax.numpy, many entries to one: sums, means, extremes, cumulatives, quantiles, counts."""

from compat.domains import DISTINCT, NONZERO, PROBABILITY, TIED, UNIT
from compat.same import Tolerance
from compat.table import (
    BOOL,
    COMPLEX,
    CUBES,
    FLOATS,
    INEXACT,
    INTS,
    MATRICES,
    NUMBERS,
    REALS,
    VECTORS,
    Case,
    Shapes,
    Table,
    each,
    vary,
)  # fmt: skip

SUM = Tolerance(factor=4, normwise=True)
NARROW_SUM = Tolerance(factor=8, normwise=True)
ANY_RANK: tuple[Shapes, ...] = (((),), ((4,),), ((2, 3),), ((2, 3, 2),))
RANK_2_3: tuple[Shapes, ...] = (((2, 3),), ((3, 1, 2),), ((1, 4),))
WITH_MASK: tuple[Shapes, ...] = (((2, 3), (2, 3)), ((2, 3), (3,)))


def masked(name: str, **options: object) -> Case:
    """A reduction with `where=`."""

    def call(jax, x, mask, **options):
        return getattr(jax.numpy, name)(x, where=mask > 0, **options)

    return Case(
        name,
        arity=2,
        dtypes=FLOATS + INTS,
        shapes=WITH_MASK,
        call=call,
        options=options,
        label="where",
        tolerance=SUM,
    )


SUMS = [
    *each("sum prod mean all any count_nonzero", shapes=ANY_RANK, tolerance=SUM),
    *vary(Case("sum", shapes=RANK_2_3, tolerance=SUM), axis=(0, -1, (0, 1)), keepdims=(False, True)),
    *vary(
        Case("prod", dtypes=FLOATS + INTS, domain=UNIT, shapes=RANK_2_3, tolerance=SUM),
        axis=(1,),
        keepdims=(..., True),
    ),
    *vary(Case("mean", shapes=RANK_2_3, tolerance=SUM), axis=(0, (0, 1)), keepdims=(False, True)),
    *vary(Case("all", shapes=RANK_2_3), axis=(0,), keepdims=(False, True)),
    *vary(Case("any", shapes=RANK_2_3), axis=(1,), keepdims=(False, True)),
    *vary(Case("count_nonzero", shapes=RANK_2_3), axis=(1,), keepdims=(False, True)),
    *vary(Case("sum", dtypes=REALS, shapes=MATRICES, tolerance=SUM), dtype=("float32", "int32"), axis=(0,)),
    Case("sum", options={"initial": 2, "axis": 0}, dtypes=NUMBERS, shapes=MATRICES, tolerance=SUM),
    Case("prod", options={"initial": 2}, dtypes=FLOATS + INTS, shapes=MATRICES, domain=UNIT, tolerance=SUM),
    Case("sum", options={"promote_integers": False}, dtypes=INTS, shapes=MATRICES),
    *[masked(name) for name in ("sum", "prod", "mean", "var")],
    masked("max", initial=-3),
    masked("min", initial=3, axis=0),
    masked("sum", axis=0, keepdims=True),
    *vary(Case("var", dtypes=NUMBERS, shapes=RANK_2_3, tolerance=SUM), axis=(..., 0), ddof=(..., 1)),
    *vary(
        Case("std", dtypes=FLOATS + INTS, shapes=(((4, 3),), ((3, 2, 3),)), tolerance=SUM),
        axis=(..., 0),
        ddof=(..., 1),
    ),
    Case("std", options={"keepdims": True, "correction": 0.5}, dtypes=FLOATS, shapes=MATRICES, tolerance=SUM),
    Case(
        "std",
        dtypes=("float32",),
        domain=lambda rng, shape, dtype: NONZERO(rng, (), dtype) + 0 * DISTINCT(rng, shape, dtype),
        shapes=VECTORS,
        label="equal_values",
    ),
    *each(
        "nansum nanprod nanmean nanvar nanstd nanmax nanmin",
        dtypes=FLOATS,
        shapes=MATRICES,
        tolerance=NARROW_SUM,
    ),
    *each(
        "nansum nanmax nanmin nanargmax nanargmin nanmean",
        dtypes=FLOATS,
        shapes=MATRICES,
        label="with_nan",
        grad=False,
        options={"axis": 0},
        tolerance=SUM,
        domain=lambda rng, shape, dtype: DISTINCT(rng, shape, dtype) * (rng.random(shape) < 2),
    ),
    Case("average", dtypes=FLOATS + INTS, shapes=MATRICES, options={"axis": 1}, tolerance=SUM),
    Case(
        "average",
        arity=2,
        dtypes=FLOATS,
        domain=PROBABILITY,
        shapes=(((3, 4), (4,)),),
        tolerance=SUM,
        label="weights",
        call=lambda jax, x, w: jax.numpy.average(x, axis=1, weights=w, returned=True),
    ),
    Case("trapezoid", arity=2, dtypes=FLOATS, shapes=(((5,), (5,)),), domain=(NONZERO, DISTINCT), tolerance=SUM),
    Case("trapezoid", dtypes=FLOATS, shapes=MATRICES, options={"dx": 0.5, "axis": 0}, tolerance=SUM),
]

EXTREMES = [
    *each("max min amax amin ptp", dtypes=REALS, shapes=(((4,),), ((2, 3),))),
    *vary(Case("max", dtypes=REALS + COMPLEX, shapes=RANK_2_3), axis=(0, (0, 1)), keepdims=(False, True)),
    *vary(Case("min", dtypes=REALS, shapes=RANK_2_3), axis=(-1,), keepdims=(False, True)),
    *vary(
        Case(
            "max",
            dtypes=FLOATS,
            shapes=MATRICES,
            label="ties",
            grad=True,
            domain=lambda rng, shape, dtype: DISTINCT(rng, shape, dtype).round(),
        ),
        axis=(..., 0),
    ),
    Case("max", dtypes=FLOATS + INTS, shapes=MATRICES, options={"initial": 1, "axis": 0}),
    *each(
        "max min ptp nanmax nanmin median prod cumprod", dtypes=FLOATS, domain=TIED, shapes=MATRICES, label="tied"
    ),
    *vary(Case("argmax", dtypes=REALS, shapes=RANK_2_3, grad=False), axis=(..., 0, -1)),
    *vary(Case("argmin", dtypes=REALS, shapes=RANK_2_3, grad=False), axis=(..., 1), keepdims=(True,)),
]

CUMULATIVE = [
    *vary(Case("cumsum", shapes=RANK_2_3, tolerance=SUM), axis=(..., 0, -1)),
    *vary(Case("cumprod", dtypes=NUMBERS, shapes=RANK_2_3, domain=NONZERO, tolerance=SUM), axis=(..., 0)),
    Case(
        "cumprod",
        dtypes=FLOATS,
        shapes=VECTORS,
        label="with_zero",
        tolerance=SUM,
        domain=lambda rng, shape, dtype: DISTINCT(rng, shape, dtype),
    ),
    Case("cumsum", options={"dtype": "float32"}, dtypes=INTS + BOOL, shapes=VECTORS),
    *each("nancumsum nancumprod", dtypes=FLOATS, shapes=VECTORS, tolerance=SUM),
    *vary(
        Case("cumulative_sum", dtypes=NUMBERS, shapes=MATRICES, options={"axis": 0}, tolerance=SUM),
        include_initial=(..., True),
    ),
    Case("cumulative_prod", dtypes=FLOATS, shapes=VECTORS, tolerance=SUM),
    *vary(Case("diff", shapes=MATRICES, dtypes=NUMBERS), n=(1, 2), axis=(0, -1)),
    Case("diff", dtypes=FLOATS, shapes=VECTORS, options={"prepend": 0.0, "append": 1.0}),
    Case("ediff1d", dtypes=FLOATS + INTS, shapes=VECTORS),
    Case("gradient", dtypes=FLOATS, shapes=(((5,),), ((6,),))),
]

ORDER = [
    *vary(Case("median", dtypes=FLOATS + INTS, shapes=(((5,),), ((4, 3),)), domain=DISTINCT), axis=(..., 0)),
    Case("nanmedian", dtypes=FLOATS, shapes=VECTORS, domain=DISTINCT),
    *vary(
        Case(
            "quantile",
            dtypes=FLOATS,
            shapes=(((5,),), ((4, 3),)),
            domain=DISTINCT,
            call=lambda jax, x, **options: jax.numpy.quantile(x, 0.3, **options),
        ),
        axis=(..., 0),
        method=("linear", "lower", "higher", "nearest", "midpoint"),
    ),
    Case(
        "quantile",
        dtypes=FLOATS,
        shapes=(((5,),),),
        domain=DISTINCT,
        label="several",
        options={"keepdims": True},
        call=lambda jax, x, **options: jax.numpy.quantile(x, jax.numpy.array([0.1, 0.5, 1.0]), **options),
    ),
    *[
        Case(
            name,
            dtypes=FLOATS,
            shapes=(((5,),),),
            domain=DISTINCT,
            call=lambda jax, x, name=name: getattr(jax.numpy, name)(x, 40),
        )
        for name in ("percentile", "nanpercentile")
    ],
    Case(
        "nanquantile",
        dtypes=FLOATS,
        shapes=(((5,),),),
        domain=DISTINCT,
        call=lambda jax, x: jax.numpy.nanquantile(x, 0.4),
    ),
    Case("corrcoef", dtypes=FLOATS, shapes=(((3, 5),),), tolerance=NARROW_SUM),
    *vary(
        Case("cov", dtypes=FLOATS, shapes=(((3, 5),), ((5,),)), tolerance=NARROW_SUM),
        rowvar=(..., False),
        bias=(..., True),
    ),
]

TABLE = Table("reductions", "jax.numpy", [*SUMS, *EXTREMES, *CUMULATIVE, *ORDER])
__all__ = ["CUBES", "INEXACT", "TABLE"]
