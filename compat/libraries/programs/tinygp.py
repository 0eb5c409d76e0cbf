"""tinygp: Gaussian processes."""

import jax
import jax.numpy as jnp
import optax
from tinygp import GaussianProcess, kernels, transforms


def _data():
    k1, k2 = jax.random.split(jax.random.key(1))
    x = jnp.sort(jax.random.uniform(k1, (40,), maxval=10.0))
    return x, jnp.sin(x) + 0.1 * jax.random.normal(k2, (40,))


def quick_start():
    x, y = _data()

    def build(params, x):
        kernel = jnp.exp(params["log_amp"]) * kernels.ExpSquared(jnp.exp(params["log_scale"]))
        return GaussianProcess(kernel, x, diag=jnp.exp(params["log_diag"]))

    @jax.jit
    @jax.value_and_grad
    def loss(params):
        return -build(params, x).log_probability(y)

    params = {"log_amp": jnp.zeros(()), "log_scale": jnp.zeros(()), "log_diag": jnp.full((), -2.0)}
    for _ in range(5):
        value, gradient = loss(params)
        params = jax.tree.map(lambda p, g: p - 0.005 * g, params, gradient)
    conditioned = build(params, x).condition(y, jnp.linspace(0, 10, 20))
    return value, params, conditioned.gp.loc, conditioned.gp.variance


def states_in_a_row():
    x, y = _data()
    kernel = 1.5 * kernels.quasisep.Matern32(scale=1.2) + kernels.quasisep.SHO(omega=2.0, quality=1.0)
    gp = GaussianProcess(kernel, x, diag=0.1)
    value, gradient = jax.value_and_grad(lambda d: GaussianProcess(kernel, x, diag=d).log_probability(y))(0.1)
    return gp.log_probability(y), value, gradient, gp.predict(y, jnp.linspace(0, 10, 7), return_var=True)


def kernels_over_several_axes():
    x = jax.random.normal(jax.random.key(0), (30, 3))
    base = [kernels.Matern52(), kernels.RationalQuadratic(alpha=1.5), kernels.DotProduct(), kernels.Polynomial(order=2)]
    grams = [transforms.Linear(jnp.array([1.0, 0.5, 2.0]), k)(x, x[:5]) for k in base]
    mixed = transforms.Subspace(0, kernels.Matern32()) + transforms.Cholesky(jnp.eye(3) * 2, kernels.ExpSquared())
    gp = GaussianProcess(mixed, x, diag=0.2, mean=lambda z: z.sum())
    return grams, gp.sample(jax.random.key(3)), gp.log_probability(x.sum(1) + 1)


def a_fit_by_optax():
    """Means and noise with parameters too; the samples of a posterior."""
    x, y = _data()

    def build(p):
        kernel = jnp.exp(p["amplitude"]) * kernels.Matern52(jnp.exp(p["scale"])) + kernels.Constant(jnp.exp(p["offset"]))
        return GaussianProcess(kernel, x, diag=jnp.exp(p["noise"]), mean=lambda t: p["slope"] * t)

    params = {"amplitude": 0.0, "scale": 0.0, "offset": -2.0, "noise": -3.0, "slope": 0.01}
    params = jax.tree.map(jnp.asarray, params)
    optimizer = optax.adam(0.02)

    def step(carry, _):
        params, state = carry
        value, gradient = jax.value_and_grad(lambda p: -build(p).log_probability(y))(params)
        updates, state = optimizer.update(gradient, state)
        return (optax.apply_updates(params, updates), state), value

    (params, _), values = jax.lax.scan(step, (params, optimizer.init(params)), None, length=10)
    posterior = build(params).condition(y, jnp.linspace(0, 10, 5)).gp
    return values, params, posterior.loc, posterior.sample(jax.random.key(2), shape=(2,))
