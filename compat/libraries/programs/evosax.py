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
