"""evosax: evolution strategies."""

import jax
import jax.numpy as jnp
from evosax import algorithms


def _run(name, steps=5, **options):
    key, start = jax.random.key(0), jnp.ones(4)
    es = getattr(algorithms, name)(population_size=8, solution=start, **options)
    params = es.default_params
    state = es.init(key, start, params)

    @jax.jit
    def step(state, key):
        ask, tell = jax.random.split(key)
        population, state = es.ask(ask, state, params)
        fitness = jnp.sum(population**2, -1)
        state, _ = es.tell(tell, population, fitness, state, params)
        return state, fitness

    fits = []
    for k in jax.random.split(key, steps):
        state, fitness = step(state, k)
        fits.append(fitness)
    return jnp.stack(fits), es.get_mean(state) if hasattr(es, "get_mean") else state.best_fitness


def quick_start():
    return _run("CMA_ES")


def gradients_that_are_estimated():
    return _run("Open_ES"), _run("SNES")


def separable():
    return _run("Sep_CMA_ES"), _run("PGPE")


def many_runs_at_once():
    """A `scan` over generations in a `vmap` over runs, whose fitness is a small network's error."""
    x = jnp.linspace(-1, 1, 16)
    start = {"w": jnp.zeros(6), "b": jnp.zeros(6), "v": jnp.zeros(6)}
    es = algorithms.SimpleGA(population_size=12, solution=start)
    params = es.default_params

    def error(p):
        return jnp.mean((jnp.tanh(x[:, None] * p["w"] + p["b"]) @ p["v"] - jnp.sin(3 * x)) ** 2)

    def run(key):
        first = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (12, *leaf.shape)), start)
        state = es.init(key, first, jax.vmap(error)(first), params)

        def generation(state, key):
            population, state = es.ask(key, state, params)
            fitness = jax.vmap(error)(population)
            return es.tell(key, population, fitness, state, params)[0], fitness.min()

        return jax.lax.scan(generation, state, jax.random.split(key, 8))[1]

    return jax.jit(jax.vmap(run))(jax.random.split(jax.random.key(1), 3))
