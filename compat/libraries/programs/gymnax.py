"""gymnax: environments as functions."""

import gymnax
import jax
import jax.numpy as jnp


def _rollout(name, steps=20):
    env, params = gymnax.make(name)
    key, start = jax.random.split(jax.random.key(0))
    obs, state = env.reset(start, params)

    def step(carry, key):
        state = carry
        act, move = jax.random.split(key)
        action = env.action_space(params).sample(act)
        obs, state, reward, done, *_ = env.step(move, state, action, params)
        return state, (obs, reward, done)

    state, out = jax.lax.scan(step, state, jax.random.split(key, steps))
    return obs, out


def quick_start():
    return _rollout("CartPole-v1")


def continuous_control():
    return _rollout("Pendulum-v1"), _rollout("MountainCarContinuous-v0")


def many_at_once():
    env, params = gymnax.make("Acrobot-v1")
    keys = jax.random.split(jax.random.key(1), 4)
    obs, state = jax.vmap(env.reset, (0, None))(keys, params)
    step = jax.jit(jax.vmap(env.step, (0, 0, 0, None)))
    for _ in range(3):
        obs, state, reward, done, *_ = step(keys, state, jnp.array([0, 1, 2, 1]), params)
    return obs, reward, done


def grids():
    return _rollout("Catch-bsuite"), _rollout("Breakout-MinAtar", 10)
