"""gpjax: Gaussian processes."""

import gpjax as gpx
import jax
import jax.numpy as jnp
import optax


def _data():
    k1, k2 = jax.random.split(jax.random.key(0))
    x = jnp.sort(jax.random.uniform(k1, (30, 1), minval=-3.0, maxval=3.0), axis=0)
    return gpx.Dataset(x, jnp.sin(4 * x) + jnp.cos(2 * x) + 0.1 * jax.random.normal(k2, x.shape))


def kernels():
    x = _data().X
    made = [gpx.kernels.RBF(), gpx.kernels.Matern32(), gpx.kernels.Matern52(), gpx.kernels.RationalQuadratic(), gpx.kernels.Periodic()]
    return [jnp.asarray(k.cross_covariance(x, x[:4])) for k in made]


def quick_start():
    data = _data()
    posterior = gpx.gps.Prior(gpx.kernels.RBF(), gpx.mean_functions.Zero()) * gpx.likelihoods.Gaussian()
    fitted, history = gpx.fit(
        model=posterior, objective=lambda m, d: -gpx.objectives.conjugate_mll(m, d), train_data=data,
        optim=optax.adam(0.05), num_iters=15, key=jax.random.key(1), verbose=False,
    )  # fmt: skip
    return history, [x for x in jax.tree.leaves(fitted) if isinstance(x, jax.Array)]


def evidence_and_its_gradient():
    data = _data()

    def loss(scale):
        prior = gpx.gps.Prior(gpx.kernels.Matern52(lengthscale=scale), gpx.mean_functions.Constant())
        return -gpx.objectives.conjugate_mll(prior * gpx.likelihoods.Gaussian(obs_stddev=0.3), data)

    return jax.value_and_grad(loss)(0.7), jax.jit(jax.hessian(loss))(0.9)


def predictions():
    data = _data()
    kernel = gpx.kernels.RBF(lengthscale=0.6) + gpx.kernels.Linear(variance=0.1)
    posterior = gpx.gps.Prior(kernel, gpx.mean_functions.Zero()) * gpx.likelihoods.Gaussian(obs_stddev=0.2)
    latent = posterior.predict(jnp.linspace(-3, 3, 9)[:, None], train_data=data)
    seen = posterior.likelihood(latent)
    return latent.mean, seen.variance, jnp.linalg.norm(kernel.cross_covariance(data.X, data.X))
