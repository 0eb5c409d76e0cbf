"""optimistix: root finding, minimisation, least squares, fixed points."""

import jax
import jax.numpy as jnp
import optimistix as optx


def quick_start():
    def fn(y, args):
        a, b = y
        c = jnp.tanh(jnp.sum(b)) - a
        return c, a**2 - jnp.sinh(b + 1)

    solver = optx.Newton(rtol=1e-6, atol=1e-6)
    return optx.root_find(fn, solver, (jnp.array(0.0), jnp.zeros((2, 2)))).value


def _rosenbrock(y, args):
    return jnp.sum(args * (y[1:] - y[:-1] ** 2) ** 2 + (1 - y[:-1]) ** 2)


def minimisers():
    y0 = jnp.array([-1.0, 0.8, 1.2])
    solvers = {
        "bfgs": optx.BFGS(rtol=1e-5, atol=1e-5), "nelder_mead": optx.NelderMead(rtol=1e-4, atol=1e-4),
        "cg": optx.NonlinearCG(rtol=1e-4, atol=1e-4), "gd": optx.GradientDescent(1e-3, rtol=1e-4, atol=1e-4),
        "dfp": optx.DFP(rtol=1e-4, atol=1e-4),
    }  # fmt: skip
    run = lambda s: optx.minimise(_rosenbrock, s, y0, args=10.0, max_steps=500, throw=False)
    # Paths differ by rounding, and so does where they stop: how good the result is, is compared.
    return {name: bool(_rosenbrock(run(solver).value, 10.0) < 0.1) for name, solver in solvers.items()}


def limited_memory_bfgs():
    y0 = jnp.array([-1.0, 0.8, 1.2])
    return jnp.round(optx.minimise(_rosenbrock, optx.LBFGS(1e-5, 1e-5), y0, args=10.0, max_steps=500).value, 2)


def least_squares_is_differentiated():
    t = jnp.linspace(0.0, 2.0, 20)

    def fit(scale):
        data = scale * jnp.exp(-1.3 * t) + 0.1
        residual = lambda p, _: p[0] * jnp.exp(-p[1] * t) + p[2] - data
        solver = optx.LevenbergMarquardt(rtol=1e-6, atol=1e-6)
        return optx.least_squares(residual, solver, jnp.array([1.0, 1.0, 0.0])).value

    gauss = optx.least_squares(
        lambda p, _: jnp.array([10 * (p[1] - p[0] ** 2), 1 - p[0]]), optx.GaussNewton(1e-5, 1e-5), jnp.array([0.5, 0.2])
    )
    dogleg = optx.least_squares(
        lambda p, _: jnp.array([p[0] ** 2 - 2, p[0] * p[1] - 1]), optx.Dogleg(1e-5, 1e-5), jnp.array([1.0, 1.0])
    )
    return fit(2.0), jax.jacrev(fit)(2.0), jax.jacfwd(fit)(2.0), jax.vmap(fit)(jnp.array([1.0, 3.0])), gauss.value, dogleg.value


def fixed_points_and_roots():
    fixed = lambda a: optx.fixed_point(lambda y, a: jnp.cos(a * y), optx.FixedPointIteration(1e-6, 1e-6), 0.5, a).value
    bisect = lambda a: optx.root_find(
        lambda y, a: y**3 - a, optx.Bisection(1e-5, 1e-5), 1.0, a, options={"lower": 0.0, "upper": 4.0}
    ).value
    chord = optx.root_find(lambda y, _: y**2 - 2 * jnp.ones(2), optx.Chord(1e-4, 1e-4), jnp.array([1.5, 1.3])).value
    return jax.value_and_grad(fixed)(0.8), jax.value_and_grad(bisect)(8.0), jax.jit(jax.vmap(fixed))(jnp.array([0.5, 0.9])), chord


def a_failed_solve_says_so():
    sol = optx.root_find(lambda y, _: y**2 + 1.0, optx.Newton(1e-6, 1e-6), 0.7, max_steps=10, throw=False)
    said = ""
    try:
        optx.root_find(lambda y, _: y**2 + 1.0, optx.Newton(1e-6, 1e-6), 0.7, max_steps=10)
    except RuntimeError as error:
        said = str(error)
    return bool(sol.result == optx.RESULTS.successful), "maximum number of steps" in said or "diverge" in said
