"""flowjax: normalising flows."""

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from flowjax.bijections import Affine, Chain, Invert, RationalQuadraticSpline
from flowjax.distributions import Normal, StandardNormal, Transformed
from flowjax.flows import coupling_flow, masked_autoregressive_flow, triangular_spline_flow
from flowjax.train import fit_to_data


def quick_start():
    data = jax.random.normal(jax.random.key(1), (200, 2)) * jnp.array([1.0, 0.3]) + 1
    flow = coupling_flow(jax.random.key(0), base_dist=Normal(jnp.zeros(2)), transformer=Affine(), flow_layers=2, nn_width=8)
    flow, losses = fit_to_data(jax.random.key(2), flow, data, max_epochs=3, batch_size=50, learning_rate=1e-2, show_progress=False)
    return flow.log_prob(data[:5]), flow.sample(jax.random.key(3), (4,)), jnp.array(losses["train"])


def conditioned():
    spline = RationalQuadraticSpline(knots=5, interval=3)
    flow = masked_autoregressive_flow(
        jax.random.key(0), base_dist=StandardNormal((3,)), cond_dim=2, transformer=spline, flow_layers=2, nn_width=8
    )
    x, c = jax.random.normal(jax.random.key(1), (6, 3)), jax.random.normal(jax.random.key(2), (6, 2))

    @eqx.filter_value_and_grad
    def loss(flow):
        return -flow.log_prob(x, c).mean()

    value, gradient = loss(flow)
    norms = [jnp.linalg.norm(g) for g in jax.tree.leaves(eqx.filter(gradient, eqx.is_inexact_array))]
    return value, norms, flow.sample_and_log_prob(jax.random.key(3), (), condition=c[0])


def bijections():
    chain = Chain([Affine(jnp.ones(2), jnp.array([2.0, 0.5])), Invert(Affine(jnp.zeros(2), jnp.array([3.0, 3.0])))])
    x = jnp.array([0.3, -1.2])
    y, log_det = chain.transform_and_log_det(x)
    dist = Transformed(StandardNormal((2,)), chain)
    return y, log_det, chain.inverse_and_log_det(y), dist.log_prob(y), jax.jacobian(chain.transform)(x)


def an_approximate_posterior():
    """A triangular spline flow that comes near a density, by the evidence's lower bound."""
    flow = triangular_spline_flow(jax.random.key(0), base_dist=StandardNormal((2,)), knots=4, flow_layers=1)
    optimizer = optax.adam(1e-2)
    state = optimizer.init(eqx.filter(flow, eqx.is_inexact_array))

    def bound(flow, key):
        x, log_prob = flow.sample_and_log_prob(key, (32,))
        return (log_prob + 0.5 * jnp.sum((x - 1) ** 2, -1) / 0.25).mean()

    @eqx.filter_jit
    def step(flow, state, key):
        value, gradient = eqx.filter_value_and_grad(bound)(flow, key)
        updates, state = optimizer.update(gradient, state)
        return eqx.apply_updates(flow, updates), state, value

    values = []
    for key in jax.random.split(jax.random.key(1), 5):
        flow, state, value = step(flow, state, key)
        values.append(value)
    return jnp.stack(values)
