"""dynamax: state space models."""

import jax
import jax.numpy as jnp
from dynamax.hidden_markov_model import CategoricalHMM, GaussianHMM
from dynamax.linear_gaussian_ssm import LinearGaussianConjugateSSM, LinearGaussianSSM


def quick_start():
    hmm = CategoricalHMM(3, 1, 4)
    params, _ = hmm.initialize(jax.random.key(0))
    states, emissions = hmm.sample(params, jax.random.key(1), 20)
    posterior = hmm.smoother(params, emissions)
    return states, posterior.smoothed_probs, posterior.marginal_loglik, hmm.most_likely_states(params, emissions)


def expectation_maximization():
    hmm = GaussianHMM(2, 2)
    params, props = hmm.initialize(jax.random.key(0))
    _, emissions = hmm.sample(params, jax.random.key(1), 30)
    params, losses = hmm.fit_em(params, props, emissions, num_iters=4, verbose=False)
    return losses, params.emissions.means


def kalman_filter():
    ssm = LinearGaussianSSM(2, 2)
    params, _ = ssm.initialize(jax.random.key(0), dynamics_weights=jnp.array([[1.0, 0.1], [0.0, 0.9]]))
    states, emissions = ssm.sample(params, jax.random.key(1), 15)
    return states, ssm.filter(params, emissions).filtered_means, ssm.smoother(params, emissions).smoothed_means


def gradient_descent():
    ssm = LinearGaussianSSM(2, 1)
    params, props = ssm.initialize(jax.random.key(0))
    _, emissions = ssm.sample(params, jax.random.key(1), 15)
    params, losses = ssm.fit_sgd(params, props, emissions[None], num_epochs=4)
    return losses, jax.grad(lambda p: ssm.marginal_log_prob(p, emissions))(params).dynamics.weights


def gibbs_sampling():
    ssm = LinearGaussianConjugateSSM(2, 1)
    params, _ = ssm.initialize(jax.random.key(0))
    _, emissions = ssm.sample(params, jax.random.key(1), 10)
    return ssm.fit_blocked_gibbs(jax.random.key(2), params, 2, emissions).dynamics.weights
