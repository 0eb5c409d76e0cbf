"""numpyro: probabilistic programs."""

import jax
import jax.numpy as jnp
import numpyro
import numpyro.distributions as dist
import optax
from numpyro.infer import HMC, MCMC, NUTS, SVI, Predictive, Trace_ELBO, autoguide, init_to_value, log_likelihood
from numpyro.infer.util import log_density

_J = 8
_Y = jnp.array([28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0])
_SIGMA = jnp.array([15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0])


def _eight_schools(sigma, y=None):
    mu = numpyro.sample("mu", dist.Normal(0, 5))
    tau = numpyro.sample("tau", dist.HalfCauchy(5))
    with numpyro.plate("J", _J):
        with numpyro.handlers.reparam(config={"theta": numpyro.infer.reparam.TransformReparam()}):
            theta = numpyro.sample(
                "theta", dist.TransformedDistribution(dist.Normal(0.0, 1.0), dist.transforms.AffineTransform(mu, tau))
            )
        numpyro.sample("obs", dist.Normal(theta, sigma), obs=y)


def quick_start():
    mcmc = MCMC(NUTS(_eight_schools, max_tree_depth=4), num_warmup=15, num_samples=10, progress_bar=False)
    mcmc.run(jax.random.key(0), _SIGMA, y=_Y, extra_fields=("potential_energy",))
    samples = mcmc.get_samples()
    # A chain amplifies rounding: of its first steps the values are compared, of all of them that they are there.
    return samples["mu"].shape, samples["theta"].shape, bool(jnp.all(jnp.isfinite(samples["tau"])))


def densities_and_traces():
    params = {"mu": jnp.array(1.0), "tau": jnp.array(2.0), "theta_base": jnp.linspace(-1, 1, _J)}
    density = lambda p: log_density(_eight_schools, (_SIGMA, _Y), {}, p)[0]
    trace = numpyro.handlers.trace(numpyro.handlers.seed(_eight_schools, jax.random.key(1))).get_trace(_SIGMA)
    prior = Predictive(_eight_schools, num_samples=5)(jax.random.key(2), _SIGMA)
    return (
        density(params), jax.jit(jax.grad(density))(params), {k: v["value"] for k, v in trace.items() if v["type"] == "sample"},
        prior, log_likelihood(_eight_schools, {k: v[None] for k, v in params.items()}, _SIGMA, _Y),
    )  # fmt: skip


def a_short_chain():
    kernel = HMC(_eight_schools, step_size=0.05, num_steps=5, adapt_step_size=False, adapt_mass_matrix=False,
                 init_strategy=init_to_value(values={"mu": 1.0, "tau": 2.0, "theta_base": jnp.zeros(_J)}))  # fmt: skip
    mcmc = MCMC(kernel, num_warmup=0, num_samples=8, progress_bar=False)
    mcmc.run(jax.random.key(3), _SIGMA, y=_Y)
    return mcmc.get_samples()


def variational_inference():
    guide = autoguide.AutoNormal(_eight_schools)
    svi = SVI(_eight_schools, guide, optax.adam(0.05), Trace_ELBO(num_particles=2))
    result = svi.run(jax.random.key(4), 20, _SIGMA, _Y, progress_bar=False)
    return result.params, result.losses


def distributions():
    key, out = jax.random.key(5), {}
    cases = [
        dist.Normal(0.5, 2.0), dist.StudentT(4.0), dist.Gamma(2.0, 1.5), dist.Beta(2.0, 3.0), dist.LogNormal(0.0, 1.0),
        dist.Poisson(3.0), dist.Bernoulli(0.3), dist.BinomialProbs(0.4, 10), dist.Categorical(jnp.array([0.2, 0.8])),
        dist.Dirichlet(jnp.ones(3)), dist.MultivariateNormal(jnp.zeros(2), jnp.array([[2.0, 0.5], [0.5, 1.0]])),
        dist.LKJCholesky(3, 1.0), dist.Weibull(1.0, 2.0), dist.Laplace(0.0, 1.0), dist.NegativeBinomial2(3.0, 2.0),
        dist.TruncatedNormal(0.0, 1.0, low=-0.5), dist.MixtureSameFamily(
            dist.Categorical(jnp.ones(2) / 2), dist.Normal(jnp.array([-1.0, 1.0]), 1.0)), dist.GaussianRandomWalk(0.5, 4),
        dist.CAR(0.0, 0.5, 1.0, jnp.array([[0.0, 1.0], [1.0, 0.0]])), dist.ZeroInflatedPoisson(0.3, 2.0),
    ]  # fmt: skip
    for k, d in enumerate(cases):
        x = d.sample(key, (3,))
        out[f"{k} {type(d).__name__}"] = x, d.log_prob(x)
    return out
