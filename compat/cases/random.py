"""jax.random: the same bits from the same key, and the same distribution of them.

Every row takes a raw key. Bits, integers and orders must be equal exactly; what passes through a logarithm or
an inverse error function, to a few units in the last place.
"""

import numpy as np

from compat.domains import KEY, NONZERO, POSITIVE, PROBABILITY, REAL, Domain
from compat.same import EXACT, Tolerance
from compat.table import Case, Shapes, Table, vary

ULPS = Tolerance(factor=2)
SAMPLED = Tolerance(factor=40)
ONE_KEY: tuple[Shapes, ...] = (((2,),),)
COLUMNS = ("eager", "jit", "vmap", "jit_of_vmap")


def draw(name: str, *args: object, tolerance: Tolerance = ULPS, label: str = "", **options: object) -> Case:
    """A distribution whose arguments are Python values."""

    def call(jax, key, **options):
        return getattr(jax.random, name)(key, *args, **options)

    text = label or ",".join(str(a).replace(" ", "") for a in args)
    return Case(
        name,
        domain=KEY,
        shapes=ONE_KEY,
        dtypes=("float32", "float64"),
        only=COLUMNS,
        call=call,
        options=options,
        tolerance=tolerance,
        label=text,
    )


def shaped(
    name: str,
    *domains: Domain,
    shape: tuple[int, ...] = (3,),
    tolerance: Tolerance = SAMPLED,
    grad: bool = False,
) -> Case:
    """A distribution whose parameters are arrays."""
    columns = (*COLUMNS, "grad", "jvp") if grad else COLUMNS
    shapes = ((2,), *(shape for _ in domains))
    return Case(
        name,
        arity=1 + len(domains),
        domain=(KEY, *domains),
        shapes=(shapes,),
        dtypes=("float32", "float64"),
        only=columns,
        tolerance=tolerance,
        label="parameters",
    )


KEYS = [
    *vary(draw("split", tolerance=EXACT), num=(..., 3, (2, 2))),
    draw("fold_in", 7, tolerance=EXACT),
    draw("fold_in", 2**31 + 5, tolerance=EXACT),
    draw("fold_in", -1, tolerance=EXACT),
    draw("clone", tolerance=EXACT),
    draw("wrap_key_data", tolerance=EXACT),
    *[
        Case(
            name,
            arity=0,
            dtypes=("float32", "float64"),
            only=("eager", "jit"),
            tolerance=EXACT,
            label=str(seed),
            call=lambda jax, name=name, seed=seed: getattr(jax.random, name)(seed),
        )
        for name in ("key", "PRNGKey")
        for seed in (0, 1, 42, 2**31, 2**32 - 1, -1)
    ],
    Case(
        "key_data",
        domain=KEY,
        shapes=ONE_KEY,
        dtypes=("float32",),
        only=COLUMNS,
        tolerance=EXACT,
        call=lambda jax, key: jax.random.key_data(jax.random.split(jax.random.wrap_key_data(key), 3)),
    ),
    Case(
        "key_impl",
        domain=KEY,
        shapes=ONE_KEY,
        dtypes=("float32",),
        only=("eager",),
        call=lambda jax, key: str(jax.random.key_impl(jax.random.wrap_key_data(key))),
    ),
]

BITS = [
    *vary(
        draw("bits", tolerance=EXACT),
        shape=(..., (5,), (2, 3), (0,)),
        dtype=(..., "uint8", "uint16", "uint32"),
    ),
    draw("bits", (3,), "uint64", tolerance=EXACT),
    *vary(
        draw("uniform", tolerance=EXACT),
        shape=(..., (5,), (2, 3)),
        dtype=(..., "float16", "bfloat16", "float32"),
    ),
    draw("uniform", (4,), minval=-3.0, maxval=5.0),
    draw("uniform", (4,), "float64", tolerance=EXACT),
    *vary(draw("randint", (6,), tolerance=EXACT), minval=(0, -7), maxval=(10, 1), dtype=(..., "uint8", "int8")),
    draw("randint", (4,), 0, 2**31 - 1, tolerance=EXACT),
    draw("randint", (4,), 5, 5, tolerance=EXACT),
    draw("bernoulli", tolerance=EXACT),
    draw("bernoulli", 0.3, (8,), tolerance=EXACT),
    draw("rademacher", (6,), tolerance=EXACT),
    *vary(draw("permutation", 9, tolerance=EXACT), independent=(..., True)),
    Case(
        "permutation",
        arity=2,
        domain=(KEY, REAL),
        shapes=(((2,), (5,)), ((2,), (4, 3))),
        dtypes=("float32", "int32"),
        only=COLUMNS,
        tolerance=EXACT,
        label="array",
    ),
    Case(
        "permutation",
        arity=2,
        domain=(KEY, REAL),
        shapes=(((2,), (4, 3)),),
        dtypes=("float32",),
        only=COLUMNS,
        tolerance=EXACT,
        options={"axis": 1, "independent": True},
        label="array",
    ),
    *vary(draw("choice", 10, tolerance=EXACT), shape=(..., (4,), (2, 3)), replace=(..., False)),
    Case(
        "choice",
        arity=2,
        domain=(KEY, PROBABILITY),
        shapes=(((2,), (5,)),),
        dtypes=("float32",),
        only=COLUMNS,
        tolerance=EXACT,
        call=lambda jax, key, p: jax.random.choice(key, 5, (6,), p=p / p.sum()),
        label="p",
    ),
    Case(
        "choice",
        arity=2,
        domain=(KEY, PROBABILITY),
        shapes=(((2,), (5,)),),
        dtypes=("float32",),
        only=COLUMNS,
        tolerance=EXACT,
        call=lambda jax, key, p: jax.random.choice(key, 5, (3,), replace=False, p=p / p.sum()),
        label="p_without_replacement",
    ),
    Case(
        "categorical",
        arity=2,
        domain=(KEY, REAL),
        shapes=(((2,), (5,)), ((2,), (3, 4))),
        dtypes=("float32",),
        only=COLUMNS,
        tolerance=EXACT,
    ),
    Case(
        "categorical",
        arity=2,
        domain=(KEY, REAL),
        shapes=(((2,), (5,)),),
        dtypes=("float32",),
        only=COLUMNS,
        tolerance=EXACT,
        call=lambda jax, key, x: jax.random.categorical(key, x, shape=(4,)),
        label="shape",
    ),
]

DISTRIBUTIONS = [
    *vary(draw("normal"), shape=(..., (5,), (2, 3)), dtype=(..., "float16", "bfloat16", "complex64")),
    draw("normal", (1000,)),
    draw("truncated_normal", -1.0, 2.0, (5,)),
    draw("exponential", (5,)),
    draw("gumbel", (5,)),
    draw("laplace", (5,), tolerance=SAMPLED),
    draw("logistic", (5,), tolerance=SAMPLED),
    draw("cauchy", (5,), tolerance=SAMPLED),
    draw("maxwell", (4,)),
    draw("rayleigh", 2.0, (4,)),
    draw("pareto", 3.0, (4,)),
    draw("weibull_min", 1.0, 2.0, (4,)),
    draw("double_sided_maxwell", 0.0, 1.0, (4,)),
    draw("triangular", 0.0, 0.5, 1.0, (4,)),
    draw("geometric", 0.3, (4,), tolerance=EXACT),
    draw("lognormal", 0.5, (4,)),
    draw("wald", 1.5, (4,), tolerance=SAMPLED),
    draw("ball", 3, tolerance=SAMPLED),
    draw("orthogonal", 3, tolerance=SAMPLED),
    draw("generalized_normal", 1.5, (3,), tolerance=SAMPLED),
    draw(
        "multivariate_normal",
        np.array([0.0, 1.0]),
        np.array([[2.0, 0.5], [0.5, 1.0]]),
        (3,),
        tolerance=SAMPLED,
        label="two",
    ),
    draw("poisson", 4.0, (6,), tolerance=EXACT),
    draw("poisson", 30.0, (6,), tolerance=EXACT),
    draw("poisson", 0.0, (2,), tolerance=EXACT),
    draw("binomial", 10.0, 0.3, (4,)),
    draw("binomial", 100.0, 0.4, (4,)),
    shaped("gamma", POSITIVE, grad=True),
    shaped("loggamma", POSITIVE),
    shaped("beta", POSITIVE, POSITIVE),
    shaped("dirichlet", POSITIVE),
    shaped("chisquare", POSITIVE),
    shaped("t", POSITIVE),
    shaped("f", POSITIVE, POSITIVE),
    shaped("exponential", shape=()),
    shaped("lognormal", POSITIVE),
    shaped("rayleigh", POSITIVE),
    shaped("pareto", POSITIVE),
    shaped("poisson", POSITIVE, tolerance=EXACT),
    shaped("bernoulli", PROBABILITY, tolerance=EXACT),
    shaped("geometric", PROBABILITY, tolerance=EXACT),
    shaped("wald", POSITIVE),
    Case(
        "multinomial",
        arity=2,
        domain=(KEY, PROBABILITY),
        shapes=(((2,), (4,)),),
        dtypes=("float32",),
        only=("eager",),
        call=lambda jax, key, p: jax.random.multinomial(key, 10, p / p.sum()),
    ),
    Case(
        "normal",
        arity=2,
        domain=(KEY, NONZERO),
        shapes=(((2,), (3,)),),
        dtypes=("float32",),
        only=(*COLUMNS, "grad", "jvp", "hvp"),
        call=lambda jax, key, scale: scale * jax.random.normal(key, (3,)),
        label="reparametrized",
        tolerance=ULPS,
    ),
]

TABLE = Table("random", "jax.random", [*KEYS, *BITS, *DISTRIBUTIONS])
