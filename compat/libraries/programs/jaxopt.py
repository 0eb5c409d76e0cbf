"""jaxopt: optimisers with implicit derivatives."""

import jax
import jax.numpy as jnp
import jaxopt


def _data():
    k1, k2 = jax.random.split(jax.random.key(0))
    x = jax.random.normal(k1, (40, 5))
    return x, x @ jnp.arange(1.0, 6.0) + 0.1 * jax.random.normal(k2, (40,))


def quick_start():
    x, y = _data()
    solver = jaxopt.LBFGS(fun=lambda w, l2: jnp.mean((x @ w - y) ** 2) + l2 * jnp.sum(w**2), maxiter=30)
    run = lambda l2: solver.run(jnp.zeros(5), l2).params
    return run(0.1), jax.jacobian(run)(0.1)


def ridge_and_lasso_paths():
    x, y = _data()

    def outer(log_l2):
        solver = jaxopt.GradientDescent(
            fun=lambda w, l2: jnp.mean((x @ w - y) ** 2) + l2 * jnp.sum(w**2), maxiter=200, implicit_diff=True
        )
        return jnp.sum(solver.run(jnp.zeros(5), jnp.exp(log_l2)).params ** 2)

    lasso = jaxopt.ProximalGradient(
        fun=lambda w: jnp.mean((x @ w - y) ** 2), prox=jaxopt.prox.prox_lasso, maxiter=100, tol=1e-4
    )
    path = jax.vmap(lambda lam: lasso.run(jnp.zeros(5), lam).params)(jnp.array([0.01, 0.1, 1.0]))
    return jax.value_and_grad(outer)(-1.0), path


def projections_and_constraints():
    x = jax.random.normal(jax.random.key(1), (6,))
    projected = jaxopt.ProjectedGradient(
        fun=lambda w: jnp.sum((w - x) ** 2), projection=jaxopt.projection.projection_simplex, maxiter=50
    ).run(jnp.ones(6) / 6)
    return (
        jaxopt.projection.projection_simplex(x), jax.jacobian(jaxopt.projection.projection_simplex)(x),
        jaxopt.projection.projection_l1_ball(x, 1.0), jaxopt.projection.projection_l2_ball(x, 1.0), projected.params,
        jaxopt.BoxCDQP(maxiter=50).run(jnp.zeros(3), params_obj=(2 * jnp.eye(3), jnp.array([-1.0, -6.0, 2.0])),
                                       params_ineq=(jnp.zeros(3), jnp.ones(3))).params,
    )  # fmt: skip


def roots_fixed_points_and_least_squares():
    root = jaxopt.Bisection(lambda x, a: x**3 - a, 0.0, 10.0, tol=1e-5)
    fixed = jaxopt.FixedPointIteration(lambda x, a: 0.5 * (x + a / x), maxiter=30)
    anderson = jaxopt.AndersonAcceleration(lambda x, a: jnp.cos(a * x), maxiter=30)
    gauss = jaxopt.GaussNewton(lambda w: jnp.array([w[0] ** 2 - 2.0, w[0] * w[1] - 1.0, w[1] - 0.5]), maxiter=20)
    levenberg = jaxopt.LevenbergMarquardt(lambda w: jnp.array([10 * (w[1] - w[0] ** 2), 1 - w[0]]), maxiter=50)
    return (
        jax.value_and_grad(lambda a: root.run(None, a).params)(8.0),
        jax.value_and_grad(lambda a: fixed.run(1.0, a).params)(2.0),
        anderson.run(jnp.ones(2), 0.7).params, gauss.run(jnp.array([1.0, 1.0])).params,
        levenberg.run(jnp.array([-1.2, 1.0])).params,
    )  # fmt: skip


def stochastic_training():
    import optax

    x, y = _data()
    solver = jaxopt.OptaxSolver(
        opt=optax.adam(1e-2), fun=lambda w, data: jnp.mean((data[0] @ w - data[1]) ** 2), maxiter=50
    )
    w = jnp.zeros(5)
    state = solver.init_state(w, (x, y))
    update = jax.jit(solver.update)
    for k in range(20):
        w, state = update(w, state, (x[k : k + 16], y[k : k + 16]))
    return w, state.value, solver.optimality_fun(w, (x, y))
