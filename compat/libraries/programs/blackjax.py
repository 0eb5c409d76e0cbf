"""blackjax: samplers."""

import blackjax
import jax
import jax.numpy as jnp


def _logdensity(x):
    return -0.5 * jnp.sum((x - jnp.array([1.0, -2.0])) ** 2 / jnp.array([1.0, 4.0]))


def _chain(kernel, state, steps=20):
    def step(state, key):
        state, _ = kernel(key, state)
        return state, state.position

    return jax.lax.scan(step, state, jax.random.split(jax.random.key(7), steps))


def quick_start():
    nuts = blackjax.nuts(_logdensity, 0.3, jnp.ones(2))
    state = nuts.init(jnp.zeros(2))
    final, positions = jax.jit(lambda s: _chain(nuts.step, s, 8))(state)
    return final, positions[:5]


def kernels():
    out = {}
    hmc = blackjax.hmc(_logdensity, 0.2, jnp.ones(2), 5)
    out["hmc"] = _chain(hmc.step, hmc.init(jnp.zeros(2)))[1]
    mala = blackjax.mala(_logdensity, 0.1)
    out["mala"] = _chain(mala.step, mala.init(jnp.zeros(2)))[1]
    rmh = blackjax.additive_step_random_walk(_logdensity, blackjax.mcmc.random_walk.normal(0.4 * jnp.ones(2)))
    out["rmh"] = _chain(rmh.step, rmh.init(jnp.zeros(2)))[1]
    ess = blackjax.elliptical_slice(lambda x: -0.1 * jnp.sum(x**2), mean=jnp.zeros(2), cov=jnp.eye(2))
    out["ess"] = _chain(ess.step, ess.init(jnp.zeros(2)), 10)[1]
    barker = blackjax.barker_proposal(_logdensity, 0.3)
    out["barker"] = _chain(barker.step, barker.init(jnp.zeros(2)))[1]
    return out


def window_adaptation():
    warmup = blackjax.window_adaptation(blackjax.hmc, _logdensity, num_integration_steps=4)
    (state, parameters), _ = warmup.run(jax.random.key(0), jnp.zeros(2), num_steps=30)
    return state.position, parameters["step_size"], parameters["inverse_mass_matrix"]


def sequential_monte_carlo():
    particles = jax.random.normal(jax.random.key(0), (32, 2))
    smc = blackjax.tempered_smc(
        lambda x: -0.5 * jnp.sum(x**2), _logdensity, blackjax.hmc.build_kernel(), blackjax.hmc.init,
        {"step_size": jnp.full(1, 0.1), "inverse_mass_matrix": jnp.ones((1, 2)), "num_integration_steps": jnp.full(1, 3)},
        blackjax.smc.resampling.systematic, num_mcmc_steps=2,
    )  # fmt: skip
    state = smc.init(particles)
    for k, temperature in enumerate((0.2, 0.6, 1.0)):
        state, _ = jax.jit(smc.step)(jax.random.key(k), state, temperature)
    return state.particles, state.weights


def variational_inference_and_gradient_samplers():
    import optax

    vi = blackjax.meanfield_vi(_logdensity, optax.adam(0.05), 10)
    state = vi.init(jnp.zeros(2))
    for k in range(5):
        state, _ = jax.jit(vi.step)(jax.random.key(k), state)
    sgld = blackjax.sgld(lambda x, batch: jax.grad(_logdensity)(x) + batch.mean())
    position = jnp.zeros(2)
    for k in range(5):
        position = sgld.step(jax.random.key(k), position, jnp.ones(4) * 0.1, 1e-2)
    return state.mu, state.rho, position, blackjax.diagnostics.effective_sample_size(
        jax.random.normal(jax.random.key(1), (2, 50, 2))
    )
