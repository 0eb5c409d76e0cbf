"""jax.scipy.stats: every function of every distribution, of arrays that broadcast; and functions of samples."""

from __future__ import annotations

import numpy as np

from compat.domains import POSDEF, POSITIVE, PROBABILITY, REAL, TIED, UNIT, Domain, between
from compat.same import EXACT, Tolerance
from compat.table import FLOATS, INTS, WIDE_FLOATS, Case, Shapes, Table, each, vary

LOOSE = Tolerance(factor=100)
SUMS = Tolerance(factor=100, normwise=True)
COUNT = between(0, 4)
MANY = between(5, 9)
SPREAD = between(0.5, 2)
LEFT, RIGHT = between(-3, -0.5), between(0.5, 3)
DENSITY = "logpdf pdf"
BELOW = "cdf logcdf sf logsf"


def broadcasts(arity: int) -> tuple[Shapes, ...]:
    """Ways to call a function of several arrays."""
    first: Shapes = ((3,), *[(3,)] * (arity - 1))
    second: Shapes = ((2, 3), *[(), (3,), (2, 1), ()][: arity - 1])
    return first, second


def distribution(name: str, functions: str, *domains: Domain, **rest) -> list[Case]:
    """Rows of one distribution: the sample's domain, then its parameters'."""
    common = {
        "arity": len(domains),
        "domain": domains,
        "shapes": broadcasts(len(domains)),
        "dtypes": WIDE_FLOATS,
        "tolerance": LOOSE,
        "without": ("hvp",) if rest.pop("first_order", False) else (),
        **rest,
    }
    return [row for function in functions.split() for row in each(f"{name}.{function}", **common)]


def simplex(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """Points that sum to 1 along the first axis."""
    values = rng.uniform(0.1, 1, shape)
    return (values / values.sum(0)).astype(dtype)


def samples(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """Whole numbers with ties."""
    return rng.integers(0, 4, shape).astype(dtype)


CONTINUOUS = [
    *distribution("norm", f"{DENSITY} {BELOW}", REAL, REAL, SPREAD),
    # with 64-bit types a float32 quantile comes as float64: test_scipy_stats.py
    *distribution("norm", "ppf isf", PROBABILITY, REAL, SPREAD, dtypes=("float64",)),
    *distribution("cauchy", f"{DENSITY} {BELOW}", REAL, REAL, SPREAD),
    *distribution("cauchy", "ppf isf", PROBABILITY, REAL, SPREAD),
    *distribution("expon", f"{DENSITY} {BELOW}", POSITIVE, UNIT, SPREAD),
    *distribution("expon", "ppf", PROBABILITY, UNIT, SPREAD),
    *distribution("laplace", f"{DENSITY} cdf", REAL, REAL, SPREAD),
    *distribution("logistic", f"{DENSITY} cdf sf", REAL, REAL, SPREAD),
    *distribution("logistic", "ppf isf", PROBABILITY, REAL, SPREAD),
    *distribution("uniform", f"{DENSITY} cdf", UNIT, UNIT, SPREAD),
    *distribution("uniform", "ppf", PROBABILITY, UNIT, SPREAD),
    *distribution("gumbel_l", BELOW, UNIT, UNIT, SPREAD),
    *distribution("gumbel_r", BELOW, UNIT, UNIT, SPREAD),
    # JAX's derivatives of these fail (a float0 in its own rule); here they are right
    *distribution("gumbel_l", DENSITY, UNIT, UNIT, SPREAD, grad=False),
    *distribution("gumbel_l", "ppf", PROBABILITY, UNIT, SPREAD, grad=False),
    *distribution("gumbel_r", DENSITY, UNIT, UNIT, SPREAD, grad=False),
    *distribution("gumbel_r", "ppf", PROBABILITY, UNIT, SPREAD, grad=False),
    *distribution("beta", DENSITY, PROBABILITY, POSITIVE, POSITIVE),
    *distribution("beta", BELOW, PROBABILITY, POSITIVE, POSITIVE, grad=False),
    *distribution("chi2", f"{DENSITY}", POSITIVE, POSITIVE),
    *distribution("chi2", BELOW, POSITIVE, POSITIVE, first_order=True),
    *distribution("gamma", f"{DENSITY}", POSITIVE, POSITIVE, UNIT),
    *distribution("gamma", BELOW, POSITIVE, POSITIVE, UNIT, first_order=True),
    *distribution("gennorm", DENSITY, REAL, POSITIVE),
    *distribution("gennorm", "cdf", REAL, POSITIVE, first_order=True),
    *distribution("pareto", f"{DENSITY} {BELOW}", POSITIVE, POSITIVE, UNIT, SPREAD),
    *distribution("pareto", "ppf", PROBABILITY, POSITIVE, UNIT, SPREAD),
    *distribution("t", DENSITY, REAL, POSITIVE, REAL, SPREAD),
    *distribution("truncnorm", f"{DENSITY} {BELOW}", UNIT, LEFT, RIGHT, tolerance=Tolerance(400)),
    *distribution("truncnorm", DENSITY, UNIT, LEFT, RIGHT, UNIT, SPREAD, label="moved"),
    *distribution("vonmises", DENSITY, REAL, POSITIVE),
    *distribution("wrapcauchy", DENSITY, between(0.1, 6), PROBABILITY),
]

DISCRETE = [
    *distribution("bernoulli", "logpmf pmf", between(0, 1), PROBABILITY),
    *distribution("bernoulli", "cdf", REAL, PROBABILITY),
    *distribution("bernoulli", "ppf", PROBABILITY, PROBABILITY, grad=False),
    *distribution("betabinom", "logpmf pmf", COUNT, MANY, POSITIVE, POSITIVE),
    *distribution("binom", "logpmf pmf", COUNT, MANY, PROBABILITY),
    *distribution("geom", "logpmf pmf", between(1, 5), PROBABILITY),
    *distribution("nbinom", "logpmf pmf", COUNT, POSITIVE, PROBABILITY),
    *distribution("poisson", "logpmf pmf", samples, POSITIVE),
    *distribution("poisson", "cdf", samples, POSITIVE, first_order=True),
    *distribution("poisson", "entropy", POSITIVE, tolerance=SUMS, grad=False),  # JAX's slope is NaN here and there
    *distribution("poisson", "entropy", between(11, 300), tolerance=SUMS, label="large", grad=False),
]

OF_INTEGERS = [
    *each("norm.logpdf cauchy.cdf laplace.pdf logistic.cdf expon.logpdf", dtypes=INTS + FLOATS, tolerance=LOOSE, label="of integers"),
    Case("poisson.pmf", arity=2, dtypes=INTS + FLOATS, domain=(COUNT, COUNT), tolerance=LOOSE, grad=False, label="broadcast"),
    Case("geom.logpmf", arity=2, dtypes=FLOATS, domain=(REAL, PROBABILITY), tolerance=LOOSE, grad=False, label="broadcast"),
]

VECTORS = [
    Case("dirichlet.logpdf", arity=2, dtypes=WIDE_FLOATS, shapes=(((3,), (3,)), ((3, 2), (3,))),
         domain=(simplex, POSITIVE), tolerance=LOOSE, grad=False),
    Case("dirichlet.pdf", arity=2, dtypes=WIDE_FLOATS, shapes=(((3,), (3,)),), domain=(simplex, POSITIVE),
         tolerance=LOOSE, grad=False),
    *[
        Case(
            f"multinomial.{name}", dtypes=("int32",), shapes=(((4,),),), domain=samples, tolerance=LOOSE,
            call=lambda jax, x, name=name: getattr(jax.scipy.stats.multinomial, name)(
                x, x.sum(), jax.numpy.array([0.1, 0.2, 0.3, 0.4])
            ),
        )
        for name in ("logpmf", "pmf")
    ],
    *each("multivariate_normal.logpdf multivariate_normal.pdf", arity=3, dtypes=WIDE_FLOATS,
          shapes=(((3,), (3,), (3, 3)), ((2, 3), (3,), (3, 3)), ((4, 2, 3), (2, 3), (2, 3, 3))),
          domain=(REAL, REAL, POSDEF), tolerance=SUMS),
    Case("multivariate_normal.logpdf", arity=3, dtypes=WIDE_FLOATS, shapes=(((3,), (3,), ()), ((), (), ())),
         domain=(REAL, REAL, POSITIVE), tolerance=SUMS, label="variance"),
]

SAMPLES = [
    *vary(Case("mode", dtypes=(*FLOATS, "int32"), domain=samples, shapes=(((6,),), ((5, 3),)), tolerance=EXACT,
               grad=False), axis=(..., None, -1), keepdims=(..., True)),
    Case("mode", dtypes=("float32",), domain=samples, shapes=(((0,),),), tolerance=EXACT, grad=False, label="empty"),
    *vary(Case("rankdata", dtypes=(*FLOATS, "int32"), domain=samples, shapes=(((6,),), ((5, 3),)), tolerance=EXACT,
               grad=False), method=(..., "min", "max", "dense", "ordinal"), axis=(..., 0)),
    *vary(Case("sem", dtypes=(*FLOATS, "int32"), domain=TIED, shapes=(((6,),), ((5, 3),)), grad=False),
          axis=(..., None, 1), nan_policy=(..., "omit"), keepdims=(..., True)),
]  # fmt: skip

TABLE = Table("stats", "jax.scipy.stats", [*CONTINUOUS, *DISCRETE, *OF_INTEGERS, *VECTORS, *SAMPLES])
