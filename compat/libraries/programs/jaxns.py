"""jaxns: nested sampling."""

import jax
import jax.numpy as jnp
from jaxns.core import NestedSampler
from jaxns.model import Model
from jaxns.priors import Prior
from tensorflow_probability.substrates import jax as tfp

tfpd = tfp.distributions
ARGUMENTS = jnp.linspace(0.0, 1.0, 6), jnp.array([0.15, 0.32, 0.83, 1.08, 1.52, 1.77]), jnp.array(0.15)


def _line(x, seen, spread):
    intercept = Prior(tfpd.Normal(loc=0.0, scale=1.0), name="intercept").realise()
    slope = Prior(tfpd.Normal(loc=0.0, scale=2.0), name="slope").realise()
    return jnp.sum(tfpd.Normal(loc=intercept + slope * x, scale=spread).log_prob(seen))


def quick_start():
    model = Model(prior_model=_line)
    model.sanity_check(key=jax.random.PRNGKey(1), args=ARGUMENTS)
    return [x for x in jax.tree.leaves(vars(model)) if isinstance(x, jax.Array)], _line.__name__


def angles():
    def angle_of(seen, concentration):
        angle = Prior(tfpd.Uniform(low=-jnp.pi, high=jnp.pi), name="angle").realise(periodic=True)
        return concentration * jnp.cos(angle - seen)

    model = Model(prior_model=angle_of)
    model.sanity_check(key=jax.random.PRNGKey(2), args=(jnp.array(0.5), jnp.array(2.0)))
    return jnp.array(0.0)


def an_evidence():
    state = NestedSampler(model=Model(prior_model=_line)).run(key=jax.random.PRNGKey(6), args=ARGUMENTS)
    results = state.to_result().trim()
    # The exact value is -0.274; a run is the same to its own spread.
    return jnp.abs(results.log_Z_mean + 0.274) < 1.0


def likelihoods_and_their_slopes():
    model = Model(prior_model=_line)
    u = jax.random.uniform(jax.random.key(3), (4, 2))
    x, seen, spread = ARGUMENTS

    def log_likelihood(theta):
        return jnp.sum(tfpd.Normal(loc=theta[0] + theta[1] * x, scale=spread).log_prob(seen))

    return jax.vmap(jax.value_and_grad(log_likelihood))(u), jax.hessian(log_likelihood)(u[0]), model is not None
