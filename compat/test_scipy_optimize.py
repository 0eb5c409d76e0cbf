"""jax.scipy.optimize: minimizations, step for step."""

from __future__ import annotations

import numpy as np
import pytest

from compat import frameworks
from compat.same import Tolerance, assert_same, run_both

CLOSE = Tolerance(4000, normwise=True)
METHODS = ("BFGS", "l-bfgs-experimental-do-not-rely-on-this")


def rosenbrock(x):
    return ((1 - x[:-1]) ** 2 + 100 * (x[1:] - x[:-1] ** 2) ** 2).sum()


def himmelblau(x):
    return (x[0] ** 2 + x[1] - 11) ** 2 + (x[0] + x[1] ** 2 - 7) ** 2


def quartic(x, shift):
    return ((x - shift) ** 4).sum() + (x**2).sum()


def parts(result):
    """What does not depend on the last bits of each step."""
    return result.x, result.success, result.fun


@pytest.mark.parametrize("method", METHODS)
def test_minimize(method) -> None:
    starts = {rosenbrock: np.zeros(3), himmelblau: np.array([1.0, 0.5]), quartic: np.arange(3.0)}
    for fun, start in starts.items():
        args = (0.5,) if fun is quartic else ()

        def program(jax, fun=fun, start=start, args=args):
            return parts(jax.scipy.optimize.minimize(fun, jax.numpy.asarray(start), args, method=method))

        with frameworks.x64(True):  # in float32 the last bits decide whether the gradient gets small enough
            assert_same(*run_both(program), Tolerance(10**6, normwise=True), title=fun.__name__)


@pytest.mark.parametrize("method", METHODS)
def test_every_field_of_an_easy_minimum(method) -> None:
    def program(jax):
        def bowl(x):
            return ((x - jax.numpy.array([1.0, 2.0])) ** 2).sum()

        result = jax.scipy.optimize.minimize(bowl, jax.numpy.zeros(2), method=method)
        assert isinstance(result, jax.scipy.optimize.OptimizeResults)
        return result

    assert_same(*run_both(program), CLOSE)


@pytest.mark.parametrize("method", METHODS)
def test_under_jit_and_vmap_and_with_limits(method) -> None:
    def program(jax):
        def run(x, **options):
            return parts(jax.scipy.optimize.minimize(himmelblau, x, method=method, options=options))

        starts = jax.numpy.array([[1.0, 1.0], [-2.0, 1.0]])
        short = jax.scipy.optimize.minimize(rosenbrock, jax.numpy.zeros(2), method=method, options={"maxiter": 2})
        return jax.jit(run)(starts[0]), jax.vmap(run)(starts), (short.nit, short.status, short.success)

    assert_same(*run_both(program), CLOSE)


def test_errors() -> None:
    programs = [
        lambda jax: jax.scipy.optimize.minimize(rosenbrock, jax.numpy.zeros(2), method="x"),
        lambda jax: jax.scipy.optimize.minimize(rosenbrock, jax.numpy.zeros(2), args=1, method="BFGS"),
        lambda jax: jax.scipy.optimize.minimize(rosenbrock, jax.numpy.zeros(2)),
    ]
    for program in programs:
        assert_same(*run_both(program))
