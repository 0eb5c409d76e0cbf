"""tensorflow-probability on JAX."""

import jax
import jax.numpy as jnp
from tensorflow_probability.substrates import jax as tfp

tfd, tfb = tfp.distributions, tfp.bijectors


def quick_start():
    x, key = jnp.linspace(0.1, 0.9, 5), jax.random.key(0)
    made = [tfd.Normal(0.5, 1.0), tfd.Beta(2.0, 3.0), tfd.Gamma(2.0, 1.5), tfd.StudentT(4.0, 0.0, 1.0), tfd.LogNormal(0.0, 0.5)]
    return [(d.log_prob(x), d.mean(), d.sample(3, seed=key)) for d in made]


def joint_distributions():
    model = tfd.JointDistributionSequential(
        [tfd.Normal(0.0, 1.0), tfd.HalfNormal(1.0), lambda s, m: tfd.Sample(tfd.Normal(m, s), 4)]
    )
    sample = model.sample(seed=jax.random.key(1))
    return sample, model.log_prob(sample), jax.grad(lambda m: model.log_prob([m, *sample[1:]]))(sample[0])


def bijectors():
    chain = tfb.Chain([tfb.Shift(1.0), tfb.Scale(2.0), tfb.Softplus()])
    x = jnp.linspace(-1, 1, 5)
    lower = tfb.FillScaleTriL(diag_shift=jnp.float32(1e-3))
    return chain.forward(x), chain.inverse(chain.forward(x)), chain.forward_log_det_jacobian(x), lower.forward(jnp.arange(6.0))


def hamiltonian_chains():
    target = tfd.MultivariateNormalTriL(jnp.zeros(2), jnp.array([[1.0, 0.0], [0.5, 1.2]]))
    kernel = tfp.mcmc.HamiltonianMonteCarlo(target.log_prob, step_size=0.2, num_leapfrog_steps=3)
    run = jax.jit(lambda k: tfp.mcmc.sample_chain(
        6, current_state=jnp.ones(2), kernel=kernel, trace_fn=lambda _, r: r.is_accepted, seed=k))  # fmt: skip
    return run(jax.random.key(2))


def mixtures_and_processes():
    mixture = tfd.MixtureSameFamily(tfd.Categorical(probs=jnp.array([0.3, 0.7])), tfd.Normal(jnp.array([-1.0, 2.0]), 0.5))
    kernel = tfp.math.psd_kernels.ExponentiatedQuadratic(1.0, 0.5)
    points = jnp.linspace(0, 1, 6)[:, None]
    process = tfd.GaussianProcess(kernel, points, observation_noise_variance=0.1)
    data = jnp.sin(3 * points[:, 0])
    return mixture.log_prob(jnp.linspace(-2, 3, 4)), process.log_prob(data), jax.grad(
        lambda s: tfd.GaussianProcess(tfp.math.psd_kernels.ExponentiatedQuadratic(1.0, s), points,
                                      observation_noise_variance=0.1).log_prob(data))(0.5)  # fmt: skip
