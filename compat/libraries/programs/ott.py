"""ott-jax: optimal transport."""

import jax
import jax.numpy as jnp
from ott.geometry import costs, geometry, pointcloud
from ott.problems.linear import linear_problem
from ott.problems.quadratic import quadratic_problem
from ott.solvers import linear
from ott.solvers.linear import sinkhorn
from ott.solvers.quadratic import gromov_wasserstein
from ott.tools import sinkhorn_divergence


def _clouds():
    k1, k2 = jax.random.split(jax.random.key(0))
    return jax.random.normal(k1, (14, 2)), jax.random.normal(k2, (11, 2)) + 1


def quick_start():
    x, y = _clouds()
    geom = pointcloud.PointCloud(x, y, epsilon=0.5)
    out = jax.jit(sinkhorn.Sinkhorn())(linear_problem.LinearProblem(geom))
    return out.matrix, out.reg_ot_cost, out.f, out.converged, out.to_dual_potentials().transport(x[:3])


def gradients():
    x, y = _clouds()

    def cost(x):
        return linear.solve(pointcloud.PointCloud(x, y, epsilon=1.0), threshold=1e-5).reg_ot_cost

    divergence = jax.value_and_grad(lambda x: sinkhorn_divergence.sinkdiv(x, y, epsilon=1.0)[0])
    return jax.value_and_grad(cost)(x), divergence(x)


def across_spaces():
    x, y = _clouds()
    problem = quadratic_problem.QuadraticProblem(
        pointcloud.PointCloud(x, epsilon=1.0), pointcloud.PointCloud(jnp.concatenate([y, y[:, :1]], 1), epsilon=1.0)
    )
    out = gromov_wasserstein.GromovWasserstein(sinkhorn.Sinkhorn(), epsilon=5.0, max_iterations=10)(problem)
    given = geometry.Geometry(jnp.abs(x[:, :1] - y[:, 0]), epsilon=0.3)
    return out.reg_gw_cost, out.matrix.sum(0), linear.solve(given).matrix


def barycenters_and_costs():
    """Costs of other norms, unbalanced weights, and a cost that an optimiser goes down."""
    x, y = _clouds()
    weights = jax.nn.softmax(jnp.arange(14.0) / 5)
    geometries = [pointcloud.PointCloud(x, y, cost_fn=fn, epsilon=0.5) for fn in (costs.SqEuclidean(), costs.Cosine(), costs.PNormP(1.5))]
    solved = [linear.solve(g, a=weights, tau_a=0.9, tau_b=0.95) for g in geometries]

    @jax.jit
    def step(x, _):
        value, slope = jax.value_and_grad(lambda x: linear.solve(pointcloud.PointCloud(x, y, epsilon=1.0)).reg_ot_cost)(x)
        return x - 0.5 * slope, value

    return [(s.reg_ot_cost, s.matrix.sum(1)) for s in solved], jax.lax.scan(step, x, None, length=5)
