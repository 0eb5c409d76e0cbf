"""jax.scipy.stats: what the tables cannot say: gaussian_kde, quantiles' dtypes, edges, errors."""

from __future__ import annotations

import numpy as np
import pytest

from compat import frameworks
from compat.same import Tolerance, assert_same, run_both

RNG = np.random.default_rng(8)
ONE = RNG.normal(size=12).astype("float32")
TWO = RNG.normal(size=(2, 12)).astype("float32")
WEIGHTS = RNG.uniform(0.5, 1, 12).astype("float32")
CLOSE = Tolerance(400, normwise=True)
EDGE = np.array([-np.inf, -1.0, 0.0, 0.5, 1.0, 2.0, np.inf, np.nan], "float32")

KDE = {
    "evaluate": lambda jax: [
        jax.scipy.stats.gaussian_kde(data, **options)(points)
        for data, points in ((ONE, ONE[:3]), (TWO, TWO[:, :3]), (TWO, TWO[:, 0]))
        for options in ({}, {"bw_method": "silverman"}, {"bw_method": 0.5}, {"weights": WEIGHTS})
    ],
    "method": lambda jax: jax.scipy.stats.gaussian_kde(ONE, bw_method=lambda kde: 0.1 * kde.n)(ONE),
    "logpdf": lambda jax: [jax.scipy.stats.gaussian_kde(data).logpdf(data) for data in (ONE, TWO)],
    "pdf": lambda jax: jax.scipy.stats.gaussian_kde(TWO).pdf(TWO),
    "fields": lambda jax: jax.scipy.stats.gaussian_kde(TWO, weights=WEIGHTS),
    "integrals": lambda jax: (
        jax.scipy.stats.gaussian_kde(ONE).integrate_box_1d(-1.0, 0.5),
        jax.scipy.stats.gaussian_kde(TWO).integrate_gaussian(TWO[:, 0], np.eye(2, dtype="float32")),
        jax.scipy.stats.gaussian_kde(TWO).integrate_kde(jax.scipy.stats.gaussian_kde(TWO[:, :5])),
    ),
    "resample": lambda jax: jax.scipy.stats.gaussian_kde(TWO).resample(jax.random.key(0), (4,)),
    "jit": lambda jax: jax.jit(lambda kde, x: kde(x))(jax.scipy.stats.gaussian_kde(ONE), ONE),
    "grad": lambda jax: jax.grad(lambda x: jax.scipy.stats.gaussian_kde(x)(ONE).sum())(ONE * 1.1),
    "vmap": lambda jax: jax.vmap(lambda x: jax.scipy.stats.gaussian_kde(x)(ONE))(TWO),
    "frozen": lambda jax: setattr(jax.scipy.stats.gaussian_kde(ONE), "neff", 3),
    "complex": lambda jax: jax.scipy.stats.gaussian_kde(ONE + 1j),
    "one sample": lambda jax: jax.scipy.stats.gaussian_kde(ONE[:1]),
    "weights of two axes": lambda jax: jax.scipy.stats.gaussian_kde(ONE, weights=TWO),
    "few weights": lambda jax: jax.scipy.stats.gaussian_kde(ONE, weights=WEIGHTS[:3]),
    "no such method": lambda jax: jax.scipy.stats.gaussian_kde(ONE, bw_method="x"),
    "dimensions": lambda jax: jax.scipy.stats.gaussian_kde(TWO)(RNG.normal(size=(3, 2))),
    "box": lambda jax: jax.scipy.stats.gaussian_kde(TWO).integrate_box(0, 1),
    "box of two": lambda jax: jax.scipy.stats.gaussian_kde(TWO).integrate_box_1d(0.0, 1.0),
    "bandwidth": lambda jax: jax.scipy.stats.gaussian_kde(TWO).set_bandwidth(1.0),
}

EDGES = {
    "distributions at the ends": lambda jax: [
        getattr(getattr(jax.scipy.stats, name), function)(EDGE, *parameters)
        for name, function, parameters in (
            ("norm", "logpdf", ()), ("norm", "cdf", ()), ("norm", "logcdf", ()), ("norm", "ppf", ()),
            ("beta", "logpdf", (1.5, 2.0)), ("beta", "cdf", (1.5, 2.0)), ("beta", "logpdf", (-1.0, 2.0)),
            ("gamma", "logpdf", (2.0,)), ("gamma", "sf", (2.0,)), ("chi2", "cdf", (3.0,)), ("expon", "ppf", ()),
            ("uniform", "cdf", ()), ("uniform", "logpdf", ()), ("bernoulli", "cdf", (0.3,)),
            ("bernoulli", "ppf", (0.3,)), ("poisson", "pmf", (2.0,)),
            ("binom", "pmf", (2, 0.0)), ("binom", "logpmf", (2, 0.3)), ("geom", "pmf", (0.3,)),
            ("nbinom", "pmf", (2, 0.3)), ("truncnorm", "logpdf", (-1.0, 1.0)), ("truncnorm", "logcdf", (-1.0, 1.0)),
            ("gumbel_l", "logpdf", (0.0, -1.0)), ("gumbel_r", "ppf", ()), ("vonmises", "pdf", (-1.0,)),
            ("wrapcauchy", "pdf", (0.5,)), ("pareto", "sf", (2.0,)), ("laplace", "cdf", ()),
        )
    ],
    "Python numbers": lambda jax: [
        jax.scipy.stats.norm.logpdf(0.5), jax.scipy.stats.norm.cdf(1), jax.scipy.stats.cauchy.logpdf(0.5),
        jax.scipy.stats.poisson.logpmf(2, 3.0), jax.scipy.stats.uniform.pdf(0.5), jax.scipy.stats.expon.sf(0.5),
    ],
    "ranks": lambda jax: [jax.scipy.stats.rankdata(EDGE), jax.scipy.stats.rankdata(EDGE[:-1], "min")],
}  # fmt: skip

ERRORS = {
    "shapes": lambda jax: jax.scipy.stats.norm.logpdf(np.ones(2), np.ones(3)),
    "list": lambda jax: jax.scipy.stats.norm.logpdf([1.0]),
    "dirichlet alpha": lambda jax: jax.scipy.stats.dirichlet.logpdf(ONE[:2], TWO),
    "dirichlet x": lambda jax: jax.scipy.stats.dirichlet.logpdf(ONE, ONE[:3]),
    "multinomial": lambda jax: jax.scipy.stats.multinomial.logpmf(ONE[:2], 3, np.array([0.5, 0.5])),
    "multivariate": lambda jax: jax.scipy.stats.multivariate_normal.logpdf(ONE[:2], ONE[:2], np.eye(3)),
    "singular": lambda jax: jax.scipy.stats.multivariate_normal.logpdf(ONE[:2], ONE[:2], np.eye(2), True),
    "mode omit": lambda jax: jax.scipy.stats.mode(ONE, nan_policy="omit"),
    "mode raise": lambda jax: jax.scipy.stats.mode(ONE, nan_policy="raise"),
    "mode policy": lambda jax: jax.scipy.stats.mode(ONE, nan_policy="x"),
    "rank method": lambda jax: jax.scipy.stats.rankdata(ONE, "x"),
    "rank policy": lambda jax: jax.scipy.stats.rankdata(ONE, nan_policy="raise"),
    "sem policy": lambda jax: jax.scipy.stats.sem(ONE, nan_policy="raise"),
}


def check_all(programs) -> None:
    failures = []
    for name, program in programs.items():
        try:
            assert_same(*run_both(program), CLOSE, title=name)
        except AssertionError as error:
            failures.append("\n".join(str(error).splitlines()[:6]))
    assert not failures, "\n".join(failures)


@pytest.mark.slow
def test_gaussian_kde() -> None:
    check_all(KDE)


@pytest.mark.slow
def test_edges() -> None:
    check_all(EDGES)


def test_errors() -> None:
    check_all(ERRORS)


WEAK = {
    "bernoulli": lambda jax: jax.scipy.stats.bernoulli.logpmf(jax.numpy.arange(3), 0.3),
    "geom": lambda jax: [jax.scipy.stats.geom.logpmf(k, 0.3) for k in (jax.numpy.arange(3), jax.numpy.int32(2))],
    "poisson": lambda jax: jax.scipy.stats.poisson.cdf(jax.numpy.arange(3), 1.3),
    "uniform": lambda jax: jax.scipy.stats.uniform.cdf(jax.numpy.int32(2), 0.5, 2),
}


def test_counts_beside_python_numbers() -> None:
    """What comes of integers and weakly typed parameters: constants are strong beside arrays, weak beside numbers."""
    check_all(WEAK)


def test_quantiles_of_float32_are_float64_where_there_is_such_a_type() -> None:
    with frameworks.x64(True):
        for name in ("ppf", "isf"):
            quantiles = [getattr(jax.scipy.stats.norm, name)(WEIGHTS / 2) for jax in (frameworks.EXPECTED, frameworks.ACTUAL)]
            assert [q.dtype.name for q in quantiles] == ["float64", "float64"]
            np.testing.assert_allclose(*quantiles, rtol=1e-5, atol=1e-6)
